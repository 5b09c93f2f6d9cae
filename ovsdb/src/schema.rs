//! The schema of a database (RFC 7047, section 3.2), and whether declared tables fit it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::value::{Atom, AtomKind, Count, Datum, Shape};

mod column_type;
mod mismatch;

pub use mismatch::{Mismatch, SchemaMismatch};

/// A database's tables, as `get_schema` returns them: `<database-schema>`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct DatabaseSchema {
    /// The name of the database.
    pub name: String,
    /// The version of the schema, `x.y.z`. RFC 7047 demands one, ovsdb-server(7) does not.
    #[serde(default)]
    pub version: Option<String>,
    /// A checksum over the schema, if its author gave one.
    #[serde(default)]
    pub cksum: Option<String>,
    /// The tables by name.
    pub tables: BTreeMap<String, TableSchema>,
}

/// One table: `<table-schema>`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TableSchema {
    /// The columns by name, without `_uuid` and `_version`, which every table has.
    pub columns: BTreeMap<String, ColumnSchema>,
    /// The greatest number of rows; `None` is no limit.
    #[serde(default, rename = "maxRows")]
    pub max_rows: Option<u64>,
    /// Whether a row stays without a strong reference to it.
    #[serde(default, rename = "isRoot")]
    pub is_root: bool,
    /// Sets of columns whose values together are unique.
    #[serde(default)]
    pub indexes: Vec<Vec<String>>,
}

/// One column: `<column-schema>`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ColumnSchema {
    /// What the column holds.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Whether the values are lost when the server restarts.
    #[serde(default)]
    pub ephemeral: bool,
    /// Whether a row's value can change after its insertion.
    #[serde(default = "yes")]
    pub mutable: bool,
}

fn yes() -> bool {
    true
}

/// What a column holds: `<type>`.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnType {
    /// The atoms of a set, or a map's keys.
    pub key: BaseType,
    /// A map's values; `None` for a set.
    pub value: Option<BaseType>,
    /// The fewest atoms or pairs: 0 or 1.
    pub min: u64,
    /// The most atoms or pairs; `None` is no limit.
    pub max: Option<u64>,
}

/// One kind of atom with its constraints: `<base-type>`.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseType {
    /// The kind.
    pub kind: AtomKind,
    /// The only values allowed.
    pub only: Option<Vec<Atom>>,
    /// The least and the greatest integer.
    pub integers: Option<(Option<i64>, Option<i64>)>,
    /// The least and the greatest real.
    pub reals: Option<(Option<f64>, Option<f64>)>,
    /// The shortest and the longest string, in characters.
    pub lengths: Option<(Option<u64>, Option<u64>)>,
    /// The table that a UUID refers to, and how.
    pub refers: Option<Reference>,
}

/// What a column of UUIDs refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The table.
    pub table: String,
    /// A strong reference keeps its row alive; a weak one disappears with it.
    pub strong: bool,
}

impl ColumnType {
    /// The type of `_version`, which every table has and no schema mentions.
    fn version() -> Self {
        Self {
            key: BaseType::from(AtomKind::Uuid),
            value: None,
            min: 1,
            max: Some(1),
        }
    }

    /// Whether the column can hold more than one atom or pair. Differences of such a column are
    /// applied element by element.
    #[must_use]
    pub fn is_many(&self) -> bool {
        self.max != Some(1)
    }

    /// What a new row holds in a column that nobody set.
    #[must_use]
    pub fn blank(&self) -> Datum {
        match &self.value {
            Some(_) if self.min == 0 => Datum::Map(BTreeMap::new()),
            Some(value) => Datum::Map(BTreeMap::from([(
                Atom::blank(self.key.kind),
                Atom::blank(value.kind),
            )])),
            None if self.min == 0 => Datum::default(),
            None => Datum::from(Atom::blank(self.key.kind)),
        }
    }

    /// The datum as this column holds it, or `None` if it has no place here. Whole numbers become
    /// reals where reals belong.
    #[must_use]
    pub fn normalize(&self, datum: Datum) -> Option<Datum> {
        match (datum, &self.value) {
            (Datum::Set(atoms), None) => {
                let atoms = atoms.into_iter().map(|atom| atom.of_kind(self.key.kind));
                atoms.collect::<Option<_>>().map(Datum::Set)
            }
            (Datum::Map(pairs), Some(value)) => {
                let pairs = pairs.into_iter().map(|(key, atom)| {
                    Some((key.of_kind(self.key.kind)?, atom.of_kind(value.kind)?))
                });
                pairs.collect::<Option<_>>().map(Datum::Map)
            }
            _ => None,
        }
    }

    /// Whether a Rust type of this shape can hold every value of the column.
    #[must_use]
    pub fn fits(&self, shape: Shape) -> bool {
        let count = match shape.count {
            Count::One => self.min == 1 && self.max == Some(1),
            Count::Optional => self.min == 0 && self.max == Some(1),
            Count::Many => self.is_many(),
        };
        count
            && self.key.fits(shape.key, shape.key_only)
            && match (&self.value, shape.value) {
                (None, None) => true,
                (Some(value), Some(kind)) => value.fits(kind, shape.value_only),
                _ => false,
            }
    }
}

impl BaseType {
    fn fits(&self, kind: AtomKind, only: Option<&[&str]>) -> bool {
        let holds = |atom: &Atom, texts: &[&str]| match atom {
            Atom::String(text) => texts.contains(&text.as_str()),
            _ => false,
        };
        self.kind == kind
            && match (only, &self.only) {
                (None, _) => true,
                (Some(texts), Some(allowed)) => allowed.iter().all(|atom| holds(atom, texts)),
                (Some(_), None) => false,
            }
    }
}

/// A column as an application declares it.
#[derive(Clone, Copy, Debug)]
pub struct DeclaredColumn {
    /// The column's name in the database.
    pub name: &'static str,
    /// What its Rust type can hold.
    pub shape: Shape,
}

impl DatabaseSchema {
    /// Whether declared tables can be read out of this database. Columns that are not declared do
    /// not matter.
    ///
    /// # Errors
    ///
    /// A table or column is missing, or holds what its Rust type cannot.
    pub fn check(&self, declared: &[(&str, &[DeclaredColumn])]) -> Result<(), SchemaMismatch> {
        let mut mismatches = Vec::new();
        for (table, columns) in declared {
            self.check_table(table, columns, &mut mismatches);
        }
        self.accept(mismatches)
    }

    /// The error that lists what does not fit, if anything does not.
    pub(crate) fn accept(&self, mismatches: Vec<Mismatch>) -> Result<(), SchemaMismatch> {
        match mismatches.is_empty() {
            true => Ok(()),
            false => Err(SchemaMismatch {
                database: self.name.clone(),
                version: self.version.clone(),
                mismatches,
            }),
        }
    }

    fn check_table(&self, name: &str, declared: &[DeclaredColumn], into: &mut Vec<Mismatch>) {
        let Some(table) = self.tables.get(name) else {
            into.push(Mismatch::NoTable {
                table: name.to_owned(),
            });
            return;
        };
        for declared in declared {
            let found = match declared.name {
                "_version" => Some(ColumnType::version()),
                name => table
                    .columns
                    .get(name)
                    .map(|column| column.column_type.clone()),
            };
            let (table, column) = (name.to_owned(), declared.name.to_owned());
            match found {
                None => into.push(Mismatch::NoColumn { table, column }),
                Some(found) if found.fits(declared.shape) => {}
                Some(found) => into.push(Mismatch::ColumnType {
                    table,
                    column,
                    declared: declared.shape,
                    found: Box::new(found),
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
