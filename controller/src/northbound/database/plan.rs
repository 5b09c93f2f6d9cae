//! What is to be written, as a transaction and in words.

use std::fmt;

use ovsdb::tables::Declared;
use ovsdb::{Transaction, Uuid};

use super::tables::Northbound;

/// A transaction, and what it does in words.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The transaction.
    pub(crate) transaction: Transaction<Northbound>,
    /// What it does, in order.
    pub(crate) changes: Vec<Change>,
}

/// What is done to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Made, changed or deleted.
    pub(crate) kind: ChangeKind,
    /// The object, for people: `port vm1 (7571157f-...)`.
    pub(crate) object: String,
    /// The columns that change, of an object that is changed.
    pub(crate) columns: Vec<&'static str>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It goes.
    Delete,
}

impl fmt::Display for Change {
    /// As `diff` writes it: `+` comes, `-` goes, `~` changes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            ChangeKind::Create => '+',
            ChangeKind::Update => '~',
            ChangeKind::Delete => '-',
        };
        write!(f, "{sign} {}", self.object)?;
        match self.columns.as_slice() {
            [] => Ok(()),
            columns => write!(f, ": {}", columns.join(", ")),
        }
    }
}

impl Plan {
    /// Adds the deletion of an object.
    pub(crate) fn delete<R: Declared<Database = Northbound>>(
        &mut self,
        kind: &str,
        name: &str,
        uuid: Uuid,
    ) {
        self.transaction.delete::<R>(uuid);
        self.changes.push(Change {
            kind: ChangeKind::Delete,
            object: label(kind, name, uuid),
            columns: Vec::new(),
        });
    }
}

/// An object as people know it.
pub(super) fn label(kind: &str, name: &str, uuid: Uuid) -> String {
    match name {
        "" => format!("{kind} {uuid}"),
        name => format!("{kind} {name} ({uuid})"),
    }
}
