//! Tables that are known only at run time, from the server's schema.
//!
//! For tools that show whatever a database holds. Applications that know their tables declare
//! them with [`tables!`](crate::tables!).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, MapAccess};
use uuid::Uuid;

use crate::replica::{self, Database, MonitoredTable};
use crate::schema::{ColumnType, DatabaseSchema, Mismatch, SchemaMismatch};
use crate::table::{self, Form, RowsSeed, Table, TableChanges};
use crate::value::Datum;

/// The tables of a database.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    database: String,
    /// The tables to read; `None` is all of them.
    only: Option<Vec<String>>,
    /// What the server's schema says of the tables to read.
    layouts: BTreeMap<String, Layout>,
    tables: BTreeMap<String, Table<Row>>,
}

/// The columns of a table, with their types.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout(Arc<BTreeMap<String, ColumnType>>);

impl Layout {
    /// The columns by name.
    #[must_use]
    pub fn columns(&self) -> &BTreeMap<String, ColumnType> {
        &self.0
    }
}

/// A row: its identity and every column.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The row's identity.
    pub uuid: Uuid,
    /// The columns by name.
    pub columns: BTreeMap<String, Datum>,
}

/// What one step changed, by the names of the tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes(BTreeMap<String, TableChanges<Row>>);

impl Tables {
    /// The tables of a database; all of them, or only some.
    #[must_use]
    pub fn new(database: impl Into<String>, only: Option<Vec<String>>) -> Self {
        let (layouts, tables) = (BTreeMap::new(), BTreeMap::new());
        Self {
            database: database.into(),
            only,
            layouts,
            tables,
        }
    }

    /// The tables by name; none before the server's schema is known.
    #[must_use]
    pub fn tables(&self) -> &BTreeMap<String, Table<Row>> {
        &self.tables
    }
}

impl Changes {
    /// The tables in which something changed.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &TableChanges<Row>)> {
        self.0.iter()
    }
}

impl Database for Tables {
    type Changes = Changes;

    fn name(&self) -> &str {
        &self.database
    }

    /// Notes which columns there are. The rows that are there stay as they are, until all rows
    /// are read anew.
    fn prepare(&mut self, schema: &DatabaseSchema) -> Result<(), SchemaMismatch> {
        let names = self.only.clone();
        let names = names.unwrap_or_else(|| schema.tables.keys().cloned().collect());
        let mut mismatches = Vec::new();
        let mut layouts = BTreeMap::new();
        for name in names {
            match schema.tables.get(&name) {
                Some(table) => {
                    let columns = table.columns.iter();
                    let columns =
                        columns.map(|(name, column)| (name.clone(), column.column_type.clone()));
                    layouts.insert(name, Layout(Arc::new(columns.collect())));
                }
                None => mismatches.push(Mismatch::NoTable { table: name }),
            }
        }
        schema.accept(mismatches)?;
        self.layouts = layouts;
        Ok(())
    }

    fn monitored(&self) -> Vec<MonitoredTable> {
        let table = |(name, layout): (&String, &Layout)| MonitoredTable {
            name: name.clone(),
            columns: layout.0.keys().cloned().collect(),
        };
        self.layouts.iter().map(table).collect()
    }

    fn emptied(&self) -> Self {
        let table = |(name, layout): (&String, &Layout)| (name.clone(), Table::new(layout.clone()));
        Self {
            tables: self.layouts.iter().map(table).collect(),
            ..self.clone()
        }
    }

    fn is_empty(&self) -> bool {
        self.tables.values().all(Table::is_empty)
    }

    fn read_table<'de, A: MapAccess<'de>>(
        &mut self,
        table: &str,
        map: &mut A,
        changes: &mut Changes,
    ) -> Result<bool, A::Error> {
        let Some(rows) = self.tables.get_mut(table) else {
            return Ok(false);
        };
        let changes = changes.0.entry(table.to_owned()).or_default();
        map.next_value_seed(RowsSeed {
            table: rows,
            changes,
        })?;
        Ok(true)
    }

    fn compare(&self, newer: &Self) -> Changes {
        let mut changes = Changes::default();
        for (name, rows) in self.tables.iter().chain(&newer.tables) {
            let older = self
                .tables
                .get(name)
                .cloned()
                .unwrap_or_else(|| rows.emptied());
            let newer = newer
                .tables
                .get(name)
                .cloned()
                .unwrap_or_else(|| rows.emptied());
            changes.0.insert(name.clone(), older.compare(&newer));
        }
        changes
    }
}

impl replica::Changes for Changes {
    fn is_empty(&self) -> bool {
        self.0.values().all(TableChanges::is_empty)
    }

    fn merge(&mut self, later: Self) {
        for (name, changes) in later.0 {
            self.0.entry(name).or_default().merge(changes);
        }
    }
}

impl table::Row for Row {
    type Layout = Layout;
    type Indexes = ();

    fn blank(layout: &Layout, uuid: Uuid) -> Self {
        let blank = |(name, of): (&String, &ColumnType)| (name.clone(), of.blank());
        Self {
            uuid,
            columns: layout.0.iter().map(blank).collect(),
        }
    }

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn read_column<'de, D: Deserializer<'de>>(
        &mut self,
        layout: &Layout,
        column: &str,
        form: Form,
        value: D,
    ) -> Result<(), D::Error> {
        let (Some(of), Some(place)) = (layout.0.get(column), self.columns.get_mut(column)) else {
            return crate::macros::unknown_column(column);
        };
        let value = of.normalize(Datum::deserialize(value)?);
        let value = value.ok_or_else(|| D::Error::custom(format_args!("expected {of}")))?;
        match form {
            Form::Whole => *place = value,
            Form::Difference => place.apply(value, of.is_many()),
        }
        Ok(())
    }
}
