//! The results of a transaction that was applied.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Counted, Inserted, Selected, TransactError};
use crate::table::read_row;
use crate::tables::Declared;
use crate::value::{Atom, Datum};

/// The results of the operations of a transaction that was applied.
#[derive(Clone, Debug)]
pub struct Outcome {
    results: Vec<Box<RawValue>>,
}

impl Outcome {
    /// Reads the result of a `transact` request (RFC 7047, section 4.1.3).
    ///
    /// The result has one element for each operation. After a failed one the rest are null; if
    /// the commit failed, its error is one element more than there are operations.
    ///
    /// # Errors
    ///
    /// An operation or the commit failed, or the result is none that the RFC describes.
    pub fn read(result: &RawValue, operations: usize) -> Result<Self, TransactError> {
        let malformed = |error: &dyn fmt::Display| TransactError::Malformed(error.to_string());
        let mut results: Vec<Option<Box<RawValue>>> =
            serde_json::from_str(result.get()).map_err(|error| malformed(&error))?;
        for (index, result) in results.iter().enumerate() {
            let Some(result) = result else {
                return Err(malformed(&format_args!("operation {index} has no result")));
            };
            if let Ok(error) = serde_json::from_str(result.get()) {
                return Err(match index < operations {
                    true => TransactError::Operation { index, error },
                    false => TransactError::Commit(error),
                });
            }
        }
        if results.len() != operations {
            let count = results.len();
            return Err(malformed(&format_args!(
                "{count} results of {operations} operations"
            )));
        }
        Ok(Self {
            results: results.drain(..).flatten().collect(),
        })
    }

    fn result<'a, T: Deserialize<'a>>(&'a self, index: usize) -> Option<T> {
        serde_json::from_str(self.results.get(index)?.get()).ok()
    }

    /// The result of the operation at this place, as the server sent it.
    #[must_use]
    pub fn raw(&self, index: usize) -> Option<&RawValue> {
        self.results.get(index).map(AsRef::as_ref)
    }

    /// The UUID of an inserted row; `None` if the handle is another transaction's.
    #[must_use]
    pub fn uuid<R>(&self, row: Inserted<R>) -> Option<Uuid> {
        #[derive(Deserialize)]
        struct Identity {
            uuid: Datum,
        }

        match self.result::<Identity>(row.index)?.uuid {
            Datum::Set(atoms) => atoms.into_iter().find_map(|atom| match atom {
                Atom::Uuid(uuid) => Some(uuid),
                _ => None,
            }),
            Datum::Map(_) => None,
        }
    }

    /// How many rows an operation found; `None` if the handle is another transaction's.
    #[must_use]
    pub fn count(&self, operation: Counted) -> Option<u64> {
        #[derive(Deserialize)]
        struct Count {
            count: u64,
        }

        self.result::<Count>(operation.index)
            .map(|result| result.count)
    }

    /// The rows that a selection returned.
    ///
    /// # Errors
    ///
    /// The server sent something that does not fit the declared columns, or the handle is another
    /// transaction's.
    pub fn rows<R: Declared>(&self, selected: Selected<R>) -> Result<Vec<R>, TransactError> {
        #[derive(Deserialize)]
        struct Rows<'a> {
            #[serde(borrow)]
            rows: Vec<&'a RawValue>,
        }

        let result: Rows<'_> = self
            .result(selected.index)
            .ok_or_else(|| TransactError::Malformed(format!("no rows at {}", selected.index)))?;
        let rows = result.rows.iter().map(|row| read_row(&(), row));
        rows.collect::<Result<_, _>>()
            .map_err(|error| TransactError::Malformed(error.to_string()))
    }
}
