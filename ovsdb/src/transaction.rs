//! Transactions over declared tables.
//!
//! Operations are added one by one; each returns a handle that names its result in the
//! [`Outcome`]. A row's handle also stands for its UUID in the operations that follow, before the
//! server has picked one.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use uuid::Uuid;

use crate::operation::{Name, Operation, Until};
use crate::replica::Database;
use crate::tables::{Column, Declared, Mutation, Rows, Values};
use crate::value::{Atom, Datum, IntoAtom, Value};

mod error;
mod outcome;

pub use error::{ErrorName, OperationError, TransactError};
pub use outcome::Outcome;

/// Operations that the server applies together or not at all.
pub struct Transaction<D> {
    operations: Vec<Operation>,
    of: PhantomData<fn() -> D>,
}

/// Names the row that an insertion of a transaction makes.
pub struct Inserted<R> {
    index: usize,
    of: PhantomData<fn() -> R>,
}

/// Names the number of rows that an operation of a transaction changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    index: usize,
}

/// Names the rows that a selection of a transaction returns.
pub struct Selected<R> {
    index: usize,
    of: PhantomData<fn() -> R>,
}

impl<D: Database> Transaction<D> {
    /// A transaction that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            operations: Vec::new(),
            of: PhantomData,
        }
    }

    /// Whether there is no operation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operations, in order.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub(crate) fn into_operations(self) -> Vec<Operation> {
        self.operations
    }

    /// Adds any operation, unchecked, and returns its place among the results.
    pub fn push(&mut self, operation: Operation) -> usize {
        self.operations.push(operation);
        self.operations.len() - 1
    }

    /// Adds a row. Columns not given hold their default.
    pub fn insert<R: Declared<Database = D>>(&mut self, values: Values<R>) -> Inserted<R> {
        let index = self.operations.len();
        self.push(Operation::Insert {
            table: Name::Borrowed(R::TABLE),
            row: values.into_columns(),
            uuid_name: Some(uuid_name(index)),
            uuid: None,
        });
        Inserted {
            index,
            of: PhantomData,
        }
    }

    /// Adds a row with this UUID.
    ///
    /// Sent twice, the second is refused as a duplicate: an insertion whose outcome was lost with
    /// the connection can be repeated safely. Old servers do not know it.
    pub fn insert_as<R: Declared<Database = D>>(&mut self, uuid: Uuid, values: Values<R>) {
        self.push(Operation::Insert {
            table: Name::Borrowed(R::TABLE),
            row: values.into_columns(),
            uuid_name: None,
            uuid: Some(uuid),
        });
    }

    /// Replaces columns of rows.
    pub fn update<R: Declared<Database = D>>(
        &mut self,
        rows: impl Rows<R>,
        values: Values<R>,
    ) -> Counted {
        let index = self.push(Operation::Update {
            table: Name::Borrowed(R::TABLE),
            r#where: rows.into_clauses(),
            row: values.into_columns(),
        });
        Counted { index }
    }

    /// Changes columns of rows by what they hold.
    pub fn mutate<R: Declared<Database = D>>(
        &mut self,
        rows: impl Rows<R>,
        mutations: impl IntoIterator<Item = Mutation<R>>,
    ) -> Counted {
        let index = self.push(Operation::Mutate {
            table: Name::Borrowed(R::TABLE),
            r#where: rows.into_clauses(),
            mutations: mutations
                .into_iter()
                .map(|mutation| mutation.clause)
                .collect(),
        });
        Counted { index }
    }

    /// Removes rows.
    pub fn delete<R: Declared<Database = D>>(&mut self, rows: impl Rows<R>) -> Counted {
        let index = self.push(Operation::Delete {
            table: Name::Borrowed(R::TABLE),
            r#where: rows.into_clauses(),
        });
        Counted { index }
    }

    /// Reads rows, with every declared column.
    pub fn select<R: Declared<Database = D>>(&mut self, rows: impl Rows<R>) -> Selected<R> {
        let mut columns = vec![Name::Borrowed("_uuid")];
        columns.extend(R::COLUMNS.iter().map(|column| Name::Borrowed(column.name)));
        let index = self.push(Operation::Select {
            table: Name::Borrowed(R::TABLE),
            r#where: rows.into_clauses(),
            columns: Some(columns),
        });
        Selected {
            index,
            of: PhantomData,
        }
    }

    /// Holds the transaction until rows have these values, or refuses it after `timeout`; `None`
    /// waits for ever.
    pub fn wait_until<R: Declared<Database = D>>(
        &mut self,
        rows: impl Rows<R>,
        until: Until,
        values: impl IntoIterator<Item = Values<R>>,
        timeout: Option<Duration>,
    ) {
        let values: Vec<BTreeMap<Name, Datum>> =
            values.into_iter().map(Values::into_columns).collect();
        let mut columns: Vec<Name> = values.iter().flat_map(BTreeMap::keys).cloned().collect();
        columns.sort();
        columns.dedup();
        self.push(Operation::Wait {
            timeout: timeout.map(milliseconds),
            table: Name::Borrowed(R::TABLE),
            r#where: rows.into_clauses(),
            columns: Some(columns),
            until,
            rows: values,
        });
    }

    /// Refuses the transaction if a row's column is no longer what was read.
    ///
    /// This is how a transaction that was built from the replica notices that somebody else was
    /// faster: it fails as [`ErrorName::TIMED_OUT`], and can be built anew.
    pub fn verify<R, V>(&mut self, uuid: Uuid, column: Column<R, V>, read: &V)
    where
        R: Declared<Database = D>,
        V: Value,
    {
        self.push(Operation::Wait {
            timeout: Some(0),
            table: Name::Borrowed(R::TABLE),
            r#where: Rows::<R>::into_clauses(uuid),
            columns: Some(vec![Name::Borrowed(column.name())]),
            until: Until::Equal,
            rows: vec![BTreeMap::from([(
                Name::Borrowed(column.name()),
                read.to_datum(),
            )])],
        });
    }

    /// Has the server write to disk before it replies.
    pub fn commit_durably(&mut self) {
        self.push(Operation::Commit { durable: true });
    }

    /// Fails the transaction, whatever else it does.
    pub fn abort(&mut self) {
        self.push(Operation::Abort);
    }

    /// Writes a line into the database's log, for whoever reads it with `ovsdb-tool show-log`.
    pub fn comment(&mut self, comment: impl Into<String>) {
        self.push(Operation::Comment {
            comment: comment.into(),
        });
    }

    /// Refuses the transaction unless this connection holds the lock.
    pub fn assert_lock(&mut self, lock: impl Into<String>) {
        self.push(Operation::Assert { lock: lock.into() });
    }
}

fn uuid_name(index: usize) -> String {
    format!("row{index}")
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl<D: Database> Default for Transaction<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D> Clone for Transaction<D> {
    fn clone(&self) -> Self {
        Self {
            operations: self.operations.clone(),
            of: PhantomData,
        }
    }
}

impl<D> fmt::Debug for Transaction<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.operations).finish()
    }
}

/// A column of UUIDs takes the handle of a row that the same transaction inserts.
impl<R> IntoAtom<Uuid> for Inserted<R> {
    fn into_atom(self) -> Atom {
        Atom::NamedUuid(uuid_name(self.index))
    }
}

macro_rules! handle {
    ($name:ident) => {
        impl<R> Clone for $name<R> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<R> Copy for $name<R> {}

        impl<R> fmt::Debug for $name<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.index)
            }
        }
    };
}

handle!(Inserted);
handle!(Selected);

#[cfg(test)]
mod tests;
