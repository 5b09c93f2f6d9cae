//! Secondary indexes: rows by something other than their UUID.

use std::fmt::{self, Debug};
use std::sync::Arc;

use imbl::OrdMap;
use uuid::Uuid;

use super::Row;

/// The indexes of one table, kept in step with its rows.
pub trait Indexes<R>: Clone + Default + Debug + Send + Sync + 'static {
    /// Adds a row to every index.
    fn insert(&mut self, row: &Arc<R>);

    /// Takes a row out of every index.
    fn remove(&mut self, row: &Arc<R>);
}

/// No index.
impl<R> Indexes<R> for () {
    fn insert(&mut self, _row: &Arc<R>) {}

    fn remove(&mut self, _row: &Arc<R>) {}
}

/// The rows of a table by a key. Several rows may share a key, and a row may have several.
#[derive(Clone)]
pub struct Index<K, R> {
    rows: OrdMap<(K, Uuid), Arc<R>>,
}

impl<K: Ord + Debug, R: Debug> Debug for Index<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.rows).finish()
    }
}

impl<K: Ord + Clone, R> Default for Index<K, R> {
    fn default() -> Self {
        Self {
            rows: OrdMap::new(),
        }
    }
}

impl<K: Ord + Clone, R: Row> Index<K, R> {
    /// The rows with this key, in the order of their UUIDs.
    pub fn all(&self, key: impl Into<K>) -> impl Iterator<Item = &Arc<R>> {
        let key = key.into();
        let (first, last) = ((key.clone(), Uuid::nil()), (key, Uuid::max()));
        self.rows.range(first..=last).map(|(_, row)| row)
    }

    /// The row with this key; the first by UUID if there are several.
    pub fn get(&self, key: impl Into<K>) -> Option<&Arc<R>> {
        self.all(key).next()
    }

    /// Every key with its row, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Arc<R>)> {
        self.rows.iter().map(|((key, _), row)| (key, row))
    }

    /// Adds a row under its keys.
    pub fn insert(&mut self, keys: impl IntoIterator<Item = K>, row: &Arc<R>) {
        for key in keys {
            self.rows.insert((key, row.uuid()), Arc::clone(row));
        }
    }

    /// Takes a row out from under its keys.
    pub fn remove(&mut self, keys: impl IntoIterator<Item = K>, row: &Arc<R>) {
        for key in keys {
            self.rows.remove(&(key, row.uuid()));
        }
    }
}
