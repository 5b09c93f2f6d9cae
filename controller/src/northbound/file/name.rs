//! Identifiers: given, or derived from names, and what a reference means.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    error::Problem,
    field::{Field, Mapping, Report},
};

/// The namespace of derived identifiers. It never changes: every identifier would.
const NAMESPACE: Uuid = Uuid::from_u128(0x96fd_d46b_bb52_4cd4_8320_c804_0cda_26fb);

/// The project of objects that name none.
const DEFAULT_PROJECT: &str = "default";

/// Derives an identifier from what an object is called; equal parts give equal identifiers.
pub(super) fn derive(parts: &[&str]) -> Uuid {
    // No text of a file holds a zero octet, so no two lists of parts look the same.
    Uuid::new_v5(&NAMESPACE, parts.join("\0").as_bytes())
}

/// What an object is called.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Given or derived.
    pub(super) id: Uuid,
    /// Empty if none is given.
    pub(super) name: String,
    /// The owner.
    pub(super) project: String,
    /// Whether nothing is wrong with it, so that an object may be known by it.
    pub(super) sound: bool,
}

/// The objects of one kind, by identifier and name.
#[derive(Debug)]
pub(super) struct Catalogue {
    kind: &'static str,
    /// The path of each object.
    paths: BTreeMap<Uuid, String>,
    /// By name, then project.
    names: BTreeMap<String, Vec<(String, Uuid)>>,
}

impl Catalogue {
    /// A catalogue of one kind, called so in messages and in derived identifiers.
    pub(super) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            paths: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// Reads `id`, `name` and `project` of an object, and enters it.
    pub(super) fn declare(&mut self, object: &Mapping<'_>, report: &mut Report) -> Identity {
        let mark = report.mark();
        let project = project(object, report);
        let name = object
            .get("name")
            .and_then(|name| name.name("a name", report))
            .filter(|name| !name.is_empty());
        let given = id(object, report);
        let id = given.unwrap_or_else(|| match name {
            Some(name) => derive(&[self.kind, &project, name]),
            // Nobody can refer to it, and it is never used.
            None => derive(&[self.kind, &object.field.path]),
        });
        if object.get("id").is_none() && name.is_none() && report.clean_since(mark) {
            report.add(
                &object.at("name"),
                Problem::Missing {
                    expected: "a name or an id",
                },
            );
        }
        let name = name.unwrap_or_default();
        match self.paths.get(&id) {
            Some(owner) => {
                let owner = owner.clone();
                match given {
                    Some(id) => report.add(&object.at("id"), Problem::IdTaken { id, owner }),
                    None => {
                        let name = name.to_owned();
                        report.add(&object.at("name"), Problem::NameTaken { name, owner });
                    }
                }
            }
            None => {
                self.paths.insert(id, object.field.path.clone());
                if !name.is_empty() {
                    self.names
                        .entry(name.to_owned())
                        .or_default()
                        .push((project.clone(), id));
                }
            }
        }
        Identity {
            id,
            name: name.to_owned(),
            project,
            sound: report.clean_since(mark),
        }
    }

    /// The object that a reference means: by identifier, else by name in the same project, else
    /// by name in any project.
    pub(super) fn resolve(
        &self,
        reference: &Field<'_>,
        project: &str,
        report: &mut Report,
    ) -> Option<Uuid> {
        let name = reference.text("a name or an id", report)?;
        if let Ok(id) = Uuid::try_parse(name)
            && self.paths.contains_key(&id)
        {
            return Some(id);
        }
        let every = self.names.get(name).map(Vec::as_slice).unwrap_or_default();
        let own: Vec<_> = every
            .iter()
            .filter(|(owner, _)| owner == project)
            .cloned()
            .collect();
        let candidates = if own.is_empty() {
            every
        } else {
            own.as_slice()
        };
        match candidates {
            [(_, id)] => Some(*id),
            [] => {
                let nearest = report.hint(name, self.names.keys().map(String::as_str));
                let (kind, name) = (self.kind, name.to_owned());
                report.add(
                    reference,
                    Problem::Unknown {
                        kind,
                        name,
                        nearest,
                    },
                );
                None
            }
            several => {
                let path = |(_, id): &(String, Uuid)| self.paths.get(id).cloned();
                let candidates = several.iter().filter_map(path).collect();
                let name = name.to_owned();
                report.add(reference, Problem::Ambiguous { name, candidates });
                None
            }
        }
    }

    /// The only object of that name in that project.
    pub(super) fn own(&self, name: &str, project: &str) -> Option<Uuid> {
        let mut own = self
            .names
            .get(name)?
            .iter()
            .filter(|(owner, _)| owner == project);
        let (_, id) = own.next()?;
        own.next().is_none().then_some(*id)
    }
}

/// The owner of an object.
pub(super) fn project(object: &Mapping<'_>, report: &mut Report) -> String {
    let given = object
        .get("project")
        .and_then(|project| project.name("a project", report));
    given.unwrap_or(DEFAULT_PROJECT).to_owned()
}

/// The identifier that an object is given.
pub(super) fn id(object: &Mapping<'_>, report: &mut Report) -> Option<Uuid> {
    object.get("id")?.parse(
        "a UUID such as 7571157f-bcad-4032-8ad1-f0950600b737",
        report,
    )
}
