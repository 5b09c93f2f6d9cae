//! How a transaction can fail.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The name of an error, `<error>` of RFC 7047, section 3.1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorName(pub Cow<'static, str>);

macro_rules! names {
    ($($(#[$meta:meta])* $name:ident = $text:literal;)*) => {
        impl ErrorName {
            $($(#[$meta])* pub const $name: Self = Self(Cow::Borrowed($text));)*
        }
    };
}

names! {
    /// The `abort` operation was reached.
    ABORTED = "aborted";
    /// The request was canceled before it was complete.
    CANCELED = "canceled";
    /// The rows would break a constraint of the schema: a range, an index, a number of rows.
    CONSTRAINT_VIOLATION = "constraint violation";
    /// Arithmetic on what has no result, such as a division by zero.
    DOMAIN_ERROR = "domain error";
    /// Another operation of the transaction inserts the same UUID, or the row is there already.
    DUPLICATE_UUID = "duplicate uuid";
    /// Another operation of the transaction has the same `uuid-name`.
    DUPLICATE_UUID_NAME = "duplicate uuid-name";
    /// The server could not write to its disk.
    IO_ERROR = "I/O error";
    /// The connection may only read.
    NOT_ALLOWED = "not allowed";
    /// The server does not lead its cluster.
    NOT_LEADER = "not leader";
    /// The connection does not hold the lock that was asserted.
    NOT_OWNER = "not owner";
    /// The role of the connection may not do this.
    PERMISSION_ERROR = "permission error";
    /// Arithmetic left the range of the column's type.
    RANGE_ERROR = "range error";
    /// A row would refer to one that does not exist, or a row in use would be deleted.
    REFERENTIAL_INTEGRITY_VIOLATION = "referential integrity violation";
    /// The server lacks memory.
    RESOURCES_EXHAUSTED = "resources exhausted";
    /// The request is not as the RFC describes it.
    SYNTAX_ERROR = "syntax error";
    /// A `wait` was not fulfilled in its time.
    TIMED_OUT = "timed out";
    /// The column is not in the table.
    UNKNOWN_COLUMN = "unknown column";
    /// The server does not serve the database.
    UNKNOWN_DATABASE = "unknown database";
    /// The server does not know the method of the request.
    UNKNOWN_METHOD = "unknown method";
    /// The table is not in the database.
    UNKNOWN_TABLE = "unknown table";
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ErrorName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self(Cow::Owned(name)))
    }
}

/// What the server says of a request or an operation that failed: `<error>` of RFC 7047,
/// section 3.1.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, thiserror::Error)]
pub struct OperationError {
    /// What kind of error.
    pub error: ErrorName,
    /// The server's words for people.
    #[serde(default)]
    pub details: Option<String>,
    /// The part of the request that the server did not understand, as JSON.
    #[serde(default)]
    pub syntax: Option<String>,
}

impl OperationError {
    /// Reads the error of a reply: an object, or for an unknown method a bare string. Anything
    /// else becomes the name of the error as it stands.
    #[must_use]
    pub fn read(error: &RawValue) -> Self {
        let named = |name| Self {
            error: ErrorName(Cow::Owned(name)),
            details: None,
            syntax: None,
        };
        serde_json::from_str(error.get())
            .or_else(|_| serde_json::from_str(error.get()).map(named))
            .unwrap_or_else(|_| named(error.get().to_owned()))
    }
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        if let Some(details) = &self.details {
            write!(f, ": {details}")?;
        }
        if let Some(syntax) = &self.syntax {
            write!(f, ", at {syntax}")?;
        }
        Ok(())
    }
}

/// Why a transaction has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactError {
    /// There is no connection, and the transaction was not sent.
    #[error("not connected to the database")]
    NotConnected,
    /// The connection ended, or the time was up, after the transaction was sent and before the
    /// reply came. The server may have applied it.
    #[error("the connection or the time ended before the reply; the transaction may be applied")]
    Uncertain,
    /// The time was up before the transaction could be sent.
    #[error("the time was up before the transaction could be sent")]
    TimedOut,
    /// The parameters are no JSON array, and the request was not sent.
    #[error("the parameters are no array")]
    InvalidParams,
    /// An operation failed; nothing was applied.
    #[error("operation {index} failed: {error}")]
    Operation {
        /// The operation's place in the transaction.
        index: usize,
        /// What the server says.
        error: OperationError,
    },
    /// Every operation went well, but their result cannot stand: a constraint or a reference
    /// would be broken; nothing was applied.
    #[error("commit refused: {0}")]
    Commit(OperationError),
    /// The server refused the request as a whole.
    #[error("request refused: {0}")]
    Request(OperationError),
    /// The reply is not one that RFC 7047 describes. The transaction may be applied.
    #[error("malformed reply: {0}")]
    Malformed(String),
}

impl TransactError {
    /// What the server says, if it was the server who refused.
    #[must_use]
    pub fn server_error(&self) -> Option<&OperationError> {
        match self {
            Self::Operation { error, .. } | Self::Commit(error) | Self::Request(error) => {
                Some(error)
            }
            _ => None,
        }
    }

    /// Whether the server refused with an error of this name.
    #[must_use]
    pub fn is(&self, name: &ErrorName) -> bool {
        self.server_error()
            .is_some_and(|error| error.error == *name)
    }

    /// Whether the server may have applied the transaction all the same.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        matches!(self, Self::Uncertain | Self::Malformed(_))
    }
}
