//! Attributes of resources: one row says when one may be given, what it must look like, and
//! whether lists can be filtered and sorted by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ovsdb::Uuid;
use serde_json::{Map, Value};

use super::fault::Fault;
use super::identity::Caller;

/// An attribute of a resource.
#[derive(Debug)]
pub(super) struct Attribute {
    /// Its name.
    pub(super) name: &'static str,
    /// When a request may give it.
    given: Given,
    /// What it must look like.
    pub(super) kind: Kind,
    /// Whether a list can be filtered by it.
    pub(super) filter: bool,
    /// Whether a list can be sorted by it.
    pub(super) sort: bool,
    /// Whether only an admin may give it.
    admin: bool,
    /// Who sees it.
    pub(super) seen: Seen,
}

/// Who sees an attribute. Everybody may filter lists by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Everybody.
    All,
    /// Only an admin.
    Admin,
    /// Nobody: lists are filtered by it.
    Nobody,
}

/// When a request may give an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// It is shown only.
    Never,
    /// When the object is made.
    Create,
    /// When the object is made, and then it has to.
    Required,
    /// When the object is made, and then it has to; and when it is changed.
    RequiredOrChanged,
    /// When the object is made or changed.
    Always,
}

/// What an attribute must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text of no more characters than this.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// The id of an object.
    Id,
    /// True or false, also as text or a number.
    Boolean,
    /// A whole number that is not negative, also as text.
    Number,
    /// Different texts.
    Texts,
    /// Different ids of objects.
    Ids,
    /// What the resource reads itself.
    Json,
    /// That, or null.
    Nullable(&'static Self),
}

impl Attribute {
    const fn new(name: &'static str, given: Given, kind: Kind) -> Self {
        Self {
            name,
            given,
            kind,
            filter: false,
            sort: false,
            admin: false,
            seen: Seen::All,
        }
    }

    /// An attribute that no request gives.
    pub(super) const fn shown(name: &'static str, kind: Kind) -> Self {
        Self::new(name, Given::Never, kind)
    }

    /// An attribute that may be given when an object is made.
    pub(super) const fn made(name: &'static str, kind: Kind) -> Self {
        Self::new(name, Given::Create, kind)
    }

    /// An attribute that has to be given when an object is made.
    pub(super) const fn required(name: &'static str, kind: Kind) -> Self {
        Self::new(name, Given::Required, kind)
    }

    /// An attribute that may be given when an object is made, and later.
    pub(super) const fn set(name: &'static str, kind: Kind) -> Self {
        Self::new(name, Given::Always, kind)
    }

    /// What has to be given when an object is made may be changed later.
    pub(super) const fn changeable(self) -> Self {
        Self {
            given: Given::RequiredOrChanged,
            ..self
        }
    }

    /// Only an admin may give it.
    pub(super) const fn by_admin(self) -> Self {
        Self {
            admin: true,
            ..self
        }
    }

    /// Only an admin sees it.
    pub(super) const fn for_admin(self) -> Self {
        Self {
            seen: Seen::Admin,
            ..self
        }
    }

    /// Nobody sees it.
    pub(super) const fn unseen(self) -> Self {
        Self {
            seen: Seen::Nobody,
            ..self
        }
    }

    /// Lists can be filtered by it.
    pub(super) const fn filter(self) -> Self {
        Self {
            filter: true,
            ..self
        }
    }

    /// Lists can be sorted by it.
    pub(super) const fn sort(self) -> Self {
        Self { sort: true, ..self }
    }
}

/// `id`, as all objects have it.
pub(super) const ID: Attribute = Attribute::shown("id", Kind::Text(36)).filter().sort();
/// `name`, as most objects have it.
pub(super) const NAME: Attribute = Attribute::set("name", Kind::Text(255)).filter().sort();
/// `description`, as most objects have it.
pub(super) const DESCRIPTION: Attribute = Attribute::set("description", Kind::Text(255)).filter();
/// `tenant_id`, the older name of `project_id`.
pub(super) const TENANT_ID: Attribute = Attribute::made("tenant_id", Kind::Text(255))
    .filter()
    .sort();
/// `project_id`, as all objects have it.
pub(super) const PROJECT_ID: Attribute = Attribute::made("project_id", Kind::Text(255))
    .filter()
    .sort();
/// `tags`, where they are changed by themselves only.
pub(super) const TAGS: Attribute = Attribute::shown("tags", Kind::Texts).filter();
/// `revision_number`, as all objects have it.
pub(super) const REVISION_NUMBER: Attribute =
    Attribute::shown("revision_number", Kind::Number).filter();
/// `created_at`, as all objects have it.
pub(super) const CREATED_AT: Attribute = Attribute::shown("created_at", Kind::Text(255));
/// `updated_at`, as all objects have it.
pub(super) const UPDATED_AT: Attribute = Attribute::shown("updated_at", Kind::Text(255));

/// What is being done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// It is made.
    Create,
    /// It is changed.
    Update,
}

/// The attributes that a request gives, as they must look.
#[derive(Clone, Debug, Default)]
pub(super) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Reads an object of a request.
    ///
    /// # Errors
    ///
    /// The first attribute that is not known, may not be given, or looks wrong.
    pub(super) fn read(
        attributes: &'static [Attribute],
        given: &Map<String, Value>,
        doing: Doing,
        caller: &Caller,
    ) -> Result<Self, Fault> {
        let find = |name: &str| attributes.iter().find(|row| row.name == name);
        let unknown: Vec<_> = given.keys().filter(|name| find(name).is_none()).collect();
        if !unknown.is_empty() {
            let names = unknown.into_iter().map(String::as_str);
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(Fault::bad_request(format!(
                "Unrecognized attribute(s) '{names}'"
            )));
        }
        let required = [Given::Required, Given::RequiredOrChanged];
        let mut needed = (attributes.iter()).filter(|row| required.contains(&row.given));
        let missing = needed.find(|row| !given.contains_key(row.name));
        if let (Some(row), Doing::Create) = (missing, doing) {
            return Err(Fault::bad_request(format!(
                "Failed to parse request. Required attribute '{}' not specified",
                row.name
            )));
        }
        let mut values = BTreeMap::new();
        for (name, value) in given {
            let Some(row) = find(name) else { continue };
            row.may_be_given(doing)?;
            // What nobody has to be allowed is what a new object has without asking.
            let is_default = matches!(value, Value::Null | Value::Bool(false));
            let asked = doing == Doing::Update || !is_default;
            if row.admin && asked && !caller.is_admin {
                return Err(Fault::forbidden(&format!("{doing}:{name}")));
            }
            values.insert(row.name, row.kind.read(row.name, value)?);
        }
        Ok(Self(values))
    }

    /// Whether nothing is given.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an attribute is given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// An attribute, whatever it is.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// An attribute that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// An attribute that is true or false.
    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// An attribute that is a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// An attribute that is the id of an object.
    pub(super) fn id(&self, name: &str) -> Option<Uuid> {
        self.text(name)?.parse().ok()
    }

    /// An attribute that is a list of texts.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let list = self.0.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).collect())
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
        })
    }
}

impl Attribute {
    fn may_be_given(&self, doing: Doing) -> Result<(), Fault> {
        let name = self.name;
        match (self.given, doing) {
            (Given::Always | Given::RequiredOrChanged, _)
            | (Given::Create | Given::Required, Doing::Create) => Ok(()),
            (Given::Never, Doing::Create) => Err(Fault::bad_request(format!(
                "Attribute '{name}' not allowed in POST"
            ))),
            (Given::Never | Given::Create | Given::Required, Doing::Update) => Err(
                Fault::bad_request(format!("Cannot update read-only attribute {name}")),
            ),
        }
    }
}

impl Kind {
    fn read(self, name: &str, value: &Value) -> Result<Value, Fault> {
        match self {
            Self::Text(longest) => text(value, longest)
                .map(Value::from)
                .map_err(|reason| Fault::attribute(name, &reason)),
            Self::Boolean => boolean(value).map(Value::from).ok_or_else(|| {
                Fault::invalid_input(&format!(
                    "'{}' cannot be converted to boolean",
                    plain(value)
                ))
            }),
            Self::Number => number(name, value).map(Value::from),
            Self::Word(words) => match value.as_str() {
                Some(word) if words.contains(&word) => Ok(value.clone()),
                _ => {
                    let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
                    let reason = format!("'{}' is not in [{}]", plain(value), words.join(", "));
                    Err(Fault::attribute(name, &reason))
                }
            },
            Self::Id => id(name, value),
            Self::Texts => list(name, value, |item| {
                let read = text(item, 255).map_err(|reason| Fault::attribute(name, &reason))?;
                Ok(read.into())
            }),
            Self::Ids => list(name, value, |item| id(name, item)),
            Self::Json => Ok(value.clone()),
            Self::Nullable(_) if value.is_null() => Ok(Value::Null),
            Self::Nullable(kind) => kind.read(name, value),
        }
    }
}

/// Reads the id of an object, in its usual form.
fn id(name: &str, value: &Value) -> Result<Value, Fault> {
    let id: Option<Uuid> = value.as_str().and_then(|text| text.parse().ok());
    let id = id.ok_or_else(|| {
        Fault::attribute(name, &format!("'{}' is not a valid UUID", plain(value)))
    })?;
    Ok(id.to_string().into())
}

/// Reads a list of different values.
fn list(
    name: &str,
    value: &Value,
    read: impl Fn(&Value) -> Result<Value, Fault>,
) -> Result<Value, Fault> {
    let list = value
        .as_array()
        .ok_or_else(|| Fault::attribute(name, &format!("'{}' is not a list", plain(value))))?;
    let mut seen = BTreeSet::new();
    let mut items = Vec::new();
    for item in list {
        let read = read(item)?;
        if !seen.insert(read.to_string()) {
            let reason = format!("Duplicate items in the list: '{}'", plain(item));
            return Err(Fault::attribute(name, &reason));
        }
        items.push(read);
    }
    Ok(items.into())
}

/// Reads text that the database can hold: without U+0000, and not too long.
pub(super) fn text(value: &Value, longest: usize) -> Result<&str, String> {
    let read = value
        .as_str()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| format!("'{}' is not a valid string", plain(value)))?;
    if read.chars().count() > longest {
        return Err(format!("'{read}' exceeds maximum length of {longest}"));
    }
    Ok(read)
}

/// Reads true or false in any of its forms.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(_) => match value.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number(name: &str, value: &Value) -> Result<i64, Fault> {
    let read = match value {
        Value::String(digits) => digits.trim().parse().ok(),
        other => other.as_i64(),
    };
    let read: i64 =
        read.ok_or_else(|| Fault::invalid_input(&format!("'{}' is not an integer", plain(value))))?;
    if read < 0 {
        let reason = format!("'{read}' should be non-negative");
        return Err(Fault::attribute(name, &reason));
    }
    Ok(read)
}

/// A value as it stands in a sentence.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.escape_debug().to_string(),
        other => other.to_string(),
    }
}
