//! Values: what a column holds, in Rust and in OVSDB's JSON (RFC 7047, section 5.1).
//!
//! An [`Atom`] is one integer, real, boolean, string or UUID. A [`Datum`] is a set of atoms or a
//! map between them; a plain value is a set of exactly one. These two can hold anything a server
//! sends and are what transactions carry.
//!
//! Rows of declared tables do not hold them: their columns are Rust types that implement
//! [`Value`], read from the JSON without a detour through [`Datum`]. The two traits say which
//! types may be columns: [`Atomic`] for what stands for one atom, [`Value`] for whole columns
//! (an atom, `Option`, `BTreeSet` or `BTreeMap` of atoms).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::ser::{Serialize, SerializeSeq, Serializer};
use uuid::Uuid;

mod atomic;
mod column;
pub(crate) mod read;
mod write;

pub use atomic::{AtomRef, Atomic, FromAtom};
pub use column::{Count, Shape, Value};
pub use write::{IntoAtom, IntoDatum};

/// A real number with a total order, so that sets and maps can hold it.
///
/// The order is that of [`f64::total_cmp`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Real(pub f64);

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Real {}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Serialize for Real {
    /// A whole number is written without a fraction, as the server writes it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match atomic::whole(self.0) {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_f64(self.0),
        }
    }
}

/// The kind of an atom: `<atomic-type>` of RFC 7047, section 3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AtomKind {
    /// A signed 64-bit number.
    Integer,
    /// A double-precision number.
    Real,
    /// True or false.
    Boolean,
    /// UTF-8 text without NUL.
    String,
    /// The identity of a row.
    Uuid,
}

impl fmt::Display for AtomKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Uuid => "uuid",
        })
    }
}

/// One value: `<atom>` of RFC 7047, section 5.1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// A signed 64-bit number.
    Integer(i64),
    /// A double-precision number.
    Real(Real),
    /// True or false.
    Boolean(bool),
    /// UTF-8 text without NUL.
    String(String),
    /// The identity of a row.
    Uuid(Uuid),
    /// A row that the same transaction inserts, by its `uuid-name`. Only transactions carry it.
    NamedUuid(String),
}

impl Serialize for Atom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Real(value) => value.serialize(serializer),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::String(value) => serializer.serialize_str(value),
            Self::Uuid(value) => ("uuid", value).serialize(serializer),
            Self::NamedUuid(name) => ("named-uuid", name).serialize(serializer),
        }
    }
}

impl From<i64> for Atom {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Atom {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Atom {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<Uuid> for Atom {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

/// What one column of one row holds: `<value>` of RFC 7047, section 5.1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Datum {
    /// Any number of atoms. A column that holds one plain value is a set of one.
    Set(BTreeSet<Atom>),
    /// Pairs with distinct keys.
    Map(BTreeMap<Atom, Atom>),
}

impl Default for Datum {
    fn default() -> Self {
        Self::Set(BTreeSet::new())
    }
}

impl From<Atom> for Datum {
    fn from(atom: Atom) -> Self {
        Self::Set(BTreeSet::from([atom]))
    }
}

impl FromIterator<Atom> for Datum {
    fn from_iter<I: IntoIterator<Item = Atom>>(atoms: I) -> Self {
        Self::Set(atoms.into_iter().collect())
    }
}

impl Serialize for Datum {
    /// A set of one is written as its atom, as the server writes it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(atoms) => match atoms.first() {
                Some(atom) if atoms.len() == 1 => atom.serialize(serializer),
                _ => ("set", atoms).serialize(serializer),
            },
            Self::Map(pairs) => {
                let mut tagged = serializer.serialize_seq(Some(2))?;
                tagged.serialize_element("map")?;
                tagged.serialize_element(&Pairs(pairs))?;
                tagged.end()
            }
        }
    }
}

struct Pairs<'a>(&'a BTreeMap<Atom, Atom>);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

#[cfg(test)]
mod tests;
