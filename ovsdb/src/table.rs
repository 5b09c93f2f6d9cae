//! The rows of one table in memory, and how they change.
//!
//! A [`Table`] is a persistent map: a clone shares all rows with its original and costs nothing,
//! however many rows there are. That is how an application can keep a consistent view while the
//! replica moves on, and how an update that turns out to be malformed is dropped without trace.

use std::fmt::Debug;
use std::sync::Arc;

use imbl::OrdMap;
use serde::de::Deserializer;
use uuid::Uuid;

mod change;
mod index;
mod read;

pub use change::{Change, TableChanges};
pub use index::{Index, Indexes};
pub use read::RowsSeed;
pub(crate) use read::read_row;

/// How a column's value stands to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It replaces it.
    Whole,
    /// It is a difference to it.
    Difference,
}

/// A row in memory.
pub trait Row: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// What has to be known at run time to read a row; nothing for declared tables.
    type Layout: Clone + Debug + Send + Sync + 'static;

    /// The secondary indexes of the row's table.
    type Indexes: Indexes<Self>;

    /// A row with every column at its default.
    fn blank(layout: &Self::Layout, uuid: Uuid) -> Self;

    /// The row's identity.
    fn uuid(&self) -> Uuid;

    /// Reads one column.
    ///
    /// # Errors
    ///
    /// The column is not among those monitored, or the JSON is no value of its type.
    fn read_column<'de, D: Deserializer<'de>>(
        &mut self,
        layout: &Self::Layout,
        column: &str,
        form: Form,
        value: D,
    ) -> Result<(), D::Error>;
}

/// The rows of one table.
#[derive(Clone, Debug)]
pub struct Table<R: Row> {
    layout: R::Layout,
    rows: OrdMap<Uuid, Arc<R>>,
    indexes: R::Indexes,
}

impl<R: Row> Table<R> {
    /// A table without rows.
    #[must_use]
    pub fn new(layout: R::Layout) -> Self {
        Self {
            layout,
            rows: OrdMap::new(),
            indexes: R::Indexes::default(),
        }
    }

    /// The same table without its rows.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self::new(self.layout.clone())
    }

    /// What is known of the columns at run time.
    #[must_use]
    pub fn layout(&self) -> &R::Layout {
        &self.layout
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row with this identity.
    #[must_use]
    pub fn get(&self, uuid: &Uuid) -> Option<&Arc<R>> {
        self.rows.get(uuid)
    }

    /// All rows, in the order of their UUIDs.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<R>> {
        self.rows.values()
    }

    /// Whether a table is the same as this one, because nothing has been written since; one with
    /// equal rows need not be. It costs nothing.
    pub fn is_same(&self, other: &Self) -> bool {
        self.rows.ptr_eq(&other.rows)
    }

    /// The secondary indexes that the table was declared with.
    #[must_use]
    pub fn index(&self) -> &R::Indexes {
        &self.indexes
    }

    /// Puts a row in, in place of the one with its identity, and notes what that changed.
    pub fn put(&mut self, row: R, changes: &mut TableChanges<R>) {
        let uuid = row.uuid();
        let after = Arc::new(row);
        let change = match self.rows.insert(uuid, Arc::clone(&after)) {
            None => Change::Inserted(Arc::clone(&after)),
            Some(before) if before == after => {
                // Whoever holds the row shares it with the table again.
                self.rows.insert(uuid, before);
                return;
            }
            Some(before) => {
                self.indexes.remove(&before);
                Change::Modified {
                    before,
                    after: Arc::clone(&after),
                }
            }
        };
        self.indexes.insert(&after);
        changes.add(change);
    }

    /// Takes a row out and notes it.
    pub fn remove(&mut self, uuid: &Uuid, changes: &mut TableChanges<R>) {
        if let Some(before) = self.rows.remove(uuid) {
            self.indexes.remove(&before);
            changes.add(Change::Deleted(before));
        }
    }

    /// What turns this table into `newer`.
    ///
    /// After a reconnection the server may send every row again. Compared with what was there
    /// before, rows that stayed the same are no change.
    #[must_use]
    pub fn compare(&self, newer: &Self) -> TableChanges<R> {
        let mut changes = TableChanges::default();
        for difference in self.rows.diff(&newer.rows) {
            changes.add(match difference {
                imbl::ordmap::DiffItem::Add(_, row) => Change::Inserted(Arc::clone(row)),
                imbl::ordmap::DiffItem::Remove(_, row) => Change::Deleted(Arc::clone(row)),
                imbl::ordmap::DiffItem::Update {
                    old: (_, before),
                    new: (_, after),
                } => Change::Modified {
                    before: Arc::clone(before),
                    after: Arc::clone(after),
                },
            });
        }
        changes
    }
}

impl<R: Row<Layout: Default>> Default for Table<R> {
    fn default() -> Self {
        Self::new(R::Layout::default())
    }
}

impl<R: Row> PartialEq for Table<R> {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl<'a, R: Row> IntoIterator for &'a Table<R> {
    type Item = &'a Arc<R>;
    type IntoIter = imbl::ordmap::Values<'a, Uuid, Arc<R>, imbl::shared_ptr::DefaultSharedPtr>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.values()
    }
}

#[cfg(test)]
mod tests;
