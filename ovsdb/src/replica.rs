//! The replica: a database's rows in memory, moved on by the server's updates.
//!
//! Pure: updates in, rows and change sets out. One update is one transaction of the server, and
//! it is applied whole or, if it is malformed, not at all: it goes into a copy that shares
//! everything with the original, and the copy takes the original's place at the end.

use std::fmt::Debug;
use std::sync::Arc;

use serde::de::MapAccess;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::monitor::Conditions;
use crate::schema::{DatabaseSchema, SchemaMismatch};
use crate::tables::Declared;

mod read;

/// The tables that an application reads: what [`tables!`](crate::tables!) declares, or
/// [`dynamic::Tables`](crate::dynamic::Tables).
pub trait Database: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// What one step changes, table by table.
    type Changes: Changes;

    /// The name of the database.
    fn name(&self) -> &str;

    /// Learns the server's schema.
    ///
    /// # Errors
    ///
    /// The schema lacks a table or column, or a column holds what its Rust type cannot.
    fn prepare(&mut self, schema: &DatabaseSchema) -> Result<(), SchemaMismatch>;

    /// The tables and columns to monitor.
    fn monitored(&self) -> Vec<MonitoredTable>;

    /// The same tables without rows.
    #[must_use]
    fn emptied(&self) -> Self;

    /// Whether no table has a row.
    fn is_empty(&self) -> bool;

    /// Reads the update of one table, which is the next value of `map`. Returns whether the table
    /// is among those monitored; if not, the value has not been read.
    ///
    /// # Errors
    ///
    /// The JSON is no update of this table.
    fn read_table<'de, A: MapAccess<'de>>(
        &mut self,
        table: &str,
        map: &mut A,
        changes: &mut Self::Changes,
    ) -> Result<bool, A::Error>;

    /// What turns these tables into `newer`.
    #[must_use]
    fn compare(&self, newer: &Self) -> Self::Changes;
}

/// What one step changes, table by table.
pub trait Changes: Clone + Default + Debug + Send + Sync + 'static {
    /// Whether nothing changed.
    #[must_use]
    fn is_empty(&self) -> bool;

    /// Adds the changes of a later step.
    fn merge(&mut self, later: Self);
}

/// A table and its columns, as a monitor asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoredTable {
    /// The table's name.
    pub name: String,
    /// The columns' names.
    pub columns: Vec<String>,
}

impl MonitoredTable {
    /// A declared table with all its columns.
    #[must_use]
    pub fn declared<R: Declared>() -> Self {
        Self {
            name: R::TABLE.to_owned(),
            columns: R::COLUMNS
                .iter()
                .map(|column| column.name.to_owned())
                .collect(),
        }
    }
}

/// An update that cannot be applied.
#[derive(Debug, thiserror::Error)]
#[error("malformed table updates: {0}")]
pub struct UpdateError(#[from] serde_json::Error);

/// How far a server has come in the log of its cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPosition {
    /// The cluster; `None` for a standalone server.
    pub cluster: Option<Uuid>,
    /// The index in the log.
    pub index: u64,
}

/// One step of a replica from a consistent state to the next.
#[derive(Clone, Debug)]
pub struct Step<D: Database> {
    /// What changed.
    pub changes: D::Changes,
    /// All rows after the step.
    pub tables: Arc<D>,
}

/// A database's rows, and how far they have come.
#[derive(Clone, Debug)]
pub struct Replica<D> {
    tables: D,
    schema: Option<DatabaseSchema>,
    conditions: Conditions,
    last_transaction: Option<Uuid>,
    position: LogPosition,
}

impl<D: Database> Replica<D> {
    /// A replica that knows nothing yet.
    #[must_use]
    pub fn new(tables: D) -> Self {
        Self {
            tables,
            schema: None,
            conditions: Conditions::new(),
            last_transaction: None,
            position: LogPosition::default(),
        }
    }

    /// The rows.
    #[must_use]
    pub fn tables(&self) -> &D {
        &self.tables
    }

    /// The server's transaction that the rows are up to, if a server can resume from it.
    #[must_use]
    pub fn last_transaction(&self) -> Option<Uuid> {
        self.last_transaction
    }

    /// Notes the transaction that the rows are up to; `None` or nil if the rows must be read anew.
    pub fn set_last_transaction(&mut self, transaction: Option<Uuid>) {
        self.last_transaction = transaction.filter(|id| !id.is_nil());
    }

    /// By which conditions the rows were chosen.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Notes by which conditions the rows are chosen from now on.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// How far in its cluster's log the latest server was seen.
    #[must_use]
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// Notes how far in its cluster's log a server is.
    pub fn set_position(&mut self, position: LogPosition) {
        self.position = position;
    }

    /// Learns the server's schema. If it is not the one known before, the rows must be read anew.
    ///
    /// # Errors
    ///
    /// The tables do not fit it.
    pub fn prepare(&mut self, schema: DatabaseSchema) -> Result<(), SchemaMismatch> {
        if self.schema.as_ref() != Some(&schema) {
            self.tables.prepare(&schema)?;
            self.schema = Some(schema);
            self.last_transaction = None;
        }
        Ok(())
    }

    /// Applies the changes since the last update.
    ///
    /// # Errors
    ///
    /// The update is malformed or changes a row that is not there; the replica is as before.
    pub fn update(&mut self, updates: &RawValue) -> Result<D::Changes, UpdateError> {
        let mut tables = self.tables.clone();
        let changes = read::updates(&mut tables, updates)?;
        self.tables = tables;
        Ok(changes)
    }

    /// Takes a complete set of rows in place of those there, and says what differs.
    ///
    /// # Errors
    ///
    /// The rows are malformed; the replica is as before.
    pub fn replace(&mut self, rows: &RawValue) -> Result<D::Changes, UpdateError> {
        let mut tables = self.tables.emptied();
        let read = read::updates(&mut tables, rows)?;
        let changes = match self.tables.is_empty() {
            true => read,
            false => self.tables.compare(&tables),
        };
        self.tables = tables;
        Ok(changes)
    }
}
