//! Why the database does not take a transaction.
//!
//! The protocol names an error by its kind; which row is in the way stands only in the sentence
//! for people, so that sentence is read. One that reads otherwise is still an error of its kind.

use ovsdb::Uuid;
use ovsdb::transaction::{ErrorName, OperationError, TransactError};

/// Why a transaction was not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// A value that may occur once occurs already.
    #[error("{table}: row {by} has these {} already", columns.join(" and "))]
    Taken {
        /// The table.
        table: String,
        /// The columns that together are unique.
        columns: Vec<String>,
        /// The row that has the value.
        by: Uuid,
    },
    /// A row that is to go is still named by others.
    #[error("{table} {row} is in use")]
    InUse {
        /// Its table.
        table: String,
        /// The row.
        row: Uuid,
    },
    /// A row is named that does not exist.
    #[error("{table} {row} does not exist")]
    Missing {
        /// Its table.
        table: String,
        /// The row.
        row: Uuid,
    },
    /// A row of this UUID exists already, perhaps by the same transaction, sent before.
    #[error("a row of this UUID exists already")]
    Exists,
    /// Something is no longer what the transaction was built from. It can be built anew.
    #[error("somebody else was faster")]
    Stale,
    /// The schema does not allow a value.
    #[error("{0}")]
    Invalid(OperationError),
    /// The connection ended before the reply came. The transaction may be applied.
    #[error(transparent)]
    Uncertain(TransactError),
    /// Nothing was applied, for a reason that is not in the transaction.
    #[error(transparent)]
    Failed(TransactError),
}

impl WriteError {
    /// Whether only the connection was in the way: with another, the same may be tried again.
    pub(crate) fn is_of_connection(&self) -> bool {
        matches!(
            self,
            Self::Uncertain(_) | Self::Failed(TransactError::NotConnected)
        )
    }

    /// Whether what others have written is in the way; it may not have been known.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::Taken { .. }
                | Self::InUse { .. }
                | Self::Missing { .. }
                | Self::Exists
                | Self::Stale
        )
    }

    /// Whether the role of the connection does not allow it.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is(&ErrorName::PERMISSION_ERROR))
    }
}

impl From<TransactError> for WriteError {
    fn from(error: TransactError) -> Self {
        if error.is_uncertain() {
            return Self::Uncertain(error);
        }
        if error.is(&ErrorName::DUPLICATE_UUID) {
            return Self::Exists;
        }
        if error.is(&ErrorName::TIMED_OUT) {
            return Self::Stale;
        }
        let Some(refused) = error.server_error() else {
            return Self::Failed(error);
        };
        let details = refused.details.as_deref().unwrap_or_default();
        let read = if refused.error == ErrorName::REFERENTIAL_INTEGRITY_VIOLATION {
            in_use(details).or_else(|| missing(details))
        } else if refused.error == ErrorName::CONSTRAINT_VIOLATION {
            taken(details).or_else(|| Some(Self::Invalid(refused.clone())))
        } else {
            None
        };
        read.unwrap_or(Self::Failed(error))
    }
}

/// Reads `Transaction causes multiple rows in "T" table to have identical values (…) for index on
/// columns "A" and "B".  First row, with UUID U, existed …  Second row, with UUID V, …`.
fn taken(details: &str) -> Option<WriteError> {
    let (_, rest) = details.split_once("multiple rows in \"")?;
    let (table, rest) = rest.split_once('"')?;
    // A value may hold any text, so the columns are looked for from the end.
    let (_, rest) = rest.rsplit_once("for index on column")?;
    let (columns, rows) = rest.split_once(".  First row, with UUID ")?;
    let columns = columns.split('"').skip(1).step_by(2);
    let (first, second) = rows.split_once("Second row, with UUID ")?;
    // The one that was there before, if one was.
    let by = match second.contains("existed in the database") {
        true => second,
        false => first,
    };
    Some(WriteError::Taken {
        table: table.to_owned(),
        columns: columns.map(str::to_owned).collect(),
        by: leading_uuid(by)?,
    })
}

/// Reads `cannot delete T row U because of N remaining reference(s)`.
fn in_use(details: &str) -> Option<WriteError> {
    let rest = details.strip_prefix("cannot delete ")?;
    let (table, rest) = rest.split_once(" row ")?;
    Some(WriteError::InUse {
        table: table.to_owned(),
        row: leading_uuid(rest)?,
    })
}

/// Reads `Table T column C row U references nonexistent row V in table W.`
fn missing(details: &str) -> Option<WriteError> {
    let (_, rest) = details.rsplit_once("nonexistent row ")?;
    let (_, table) = rest.split_once(" in table ")?;
    Some(WriteError::Missing {
        table: table.trim_end_matches('.').to_owned(),
        row: leading_uuid(rest)?,
    })
}

fn leading_uuid(text: &str) -> Option<Uuid> {
    text.get(..36)?.parse().ok()
}
