//! Why declared tables cannot be read out of a server's database.

use std::fmt;

use super::ColumnType;
use crate::value::Shape;

/// The server's schema lacks something that the application declares.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct SchemaMismatch {
    /// The name of the database.
    pub database: String,
    /// The version of the server's schema, if it has one.
    pub version: Option<String>,
    /// Everything that does not fit.
    pub mismatches: Vec<Mismatch>,
}

impl fmt::Display for SchemaMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema {}", self.database)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        f.write_str(" does not fit: ")?;
        for (index, mismatch) in self.mismatches.iter().enumerate() {
            write!(f, "{}{mismatch}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The table does not exist.
    #[error("no table {table}")]
    NoTable {
        /// The table.
        table: String,
    },
    /// The table lacks a column.
    #[error("no column {column} in table {table}")]
    NoColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The column holds something else.
    #[error("column {table}.{column} holds {found}, expected {declared}")]
    ColumnType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What the Rust type can hold.
        declared: Shape,
        /// What the server's column holds.
        found: Box<ColumnType>,
    },
}
