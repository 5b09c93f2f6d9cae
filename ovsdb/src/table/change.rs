//! What happened to rows.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use uuid::Uuid;

use super::Row;

/// What happened to one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Change<R> {
    /// It is new.
    Inserted(Arc<R>),
    /// At least one of its columns changed.
    Modified {
        /// The row as it was.
        before: Arc<R>,
        /// The row as it is.
        after: Arc<R>,
    },
    /// It is gone.
    Deleted(Arc<R>),
}

impl<R: Row> Change<R> {
    /// The row as it was, if it existed.
    #[must_use]
    pub fn before(&self) -> Option<&Arc<R>> {
        match self {
            Self::Inserted(_) => None,
            Self::Modified { before, .. } | Self::Deleted(before) => Some(before),
        }
    }

    /// The row as it is, if it exists.
    #[must_use]
    pub fn after(&self) -> Option<&Arc<R>> {
        match self {
            Self::Inserted(after) | Self::Modified { after, .. } => Some(after),
            Self::Deleted(_) => None,
        }
    }

    /// The row's identity.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        match self {
            Self::Inserted(row) | Self::Deleted(row) | Self::Modified { after: row, .. } => {
                row.uuid()
            }
        }
    }

    /// What leads from `before` to `after`, unless they are the same.
    fn between(before: Option<Arc<R>>, after: Option<Arc<R>>) -> Option<Self> {
        match (before, after) {
            (None, None) => None,
            (None, Some(after)) => Some(Self::Inserted(after)),
            (Some(before), None) => Some(Self::Deleted(before)),
            (Some(before), Some(after)) if before == after => None,
            (Some(before), Some(after)) => Some(Self::Modified { before, after }),
        }
    }
}

/// What happened to the rows of one table: at most one change for each row.
#[derive(Clone, Debug, PartialEq)]
pub struct TableChanges<R>(BTreeMap<Uuid, Change<R>>);

impl<R> Default for TableChanges<R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<R: Row> TableChanges<R> {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many rows changed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What happened to the row with this identity.
    #[must_use]
    pub fn get(&self, uuid: &Uuid) -> Option<&Change<R>> {
        self.0.get(uuid)
    }

    /// All changes, in the order of the rows' UUIDs.
    pub fn iter(&self) -> impl Iterator<Item = &Change<R>> {
        self.0.values()
    }

    /// Adds a change that happened after those already noted. A row that came and went, or is
    /// again what it was, leaves no change.
    pub fn add(&mut self, change: Change<R>) {
        match self.0.entry(change.uuid()) {
            Entry::Vacant(place) => {
                place.insert(change);
            }
            Entry::Occupied(mut place) => {
                let before = place.get().before().cloned();
                match Change::between(before, change.after().cloned()) {
                    Some(change) => {
                        place.insert(change);
                    }
                    None => {
                        place.remove();
                    }
                }
            }
        }
    }

    /// Adds the changes of a later step.
    pub fn merge(&mut self, later: Self) {
        for change in later.0.into_values() {
            self.add(change);
        }
    }
}

impl<R> IntoIterator for TableChanges<R> {
    type Item = Change<R>;
    type IntoIter = std::collections::btree_map::IntoValues<Uuid, Change<R>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_values()
    }
}

impl<'a, R> IntoIterator for &'a TableChanges<R> {
    type Item = &'a Change<R>;
    type IntoIter = std::collections::btree_map::Values<'a, Uuid, Change<R>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.values()
    }
}
