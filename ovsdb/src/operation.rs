//! Operations of a transaction (RFC 7047, section 5.2), untyped.
//!
//! [`Transaction`](crate::Transaction) builds them from declared tables. They are public for those
//! who know their tables only at run time.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::Serializer;
use uuid::Uuid;

use crate::value::Datum;

/// A name of a table or column.
pub type Name = Cow<'static, str>;

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// Adds a row.
    Insert {
        /// The table.
        table: Name,
        /// The columns that do not hold their default.
        row: BTreeMap<Name, Datum>,
        /// A name for the row's UUID in the rest of the transaction.
        #[serde(rename = "uuid-name", skip_serializing_if = "Option::is_none")]
        uuid_name: Option<String>,
        /// The UUID that the row is to have, instead of one that the server picks
        /// (ovsdb-server(7), section 5.2.1).
        #[serde(skip_serializing_if = "Option::is_none")]
        uuid: Option<Uuid>,
    },
    /// Reads rows.
    Select {
        /// The table.
        table: Name,
        /// Which rows: those for which every condition holds.
        r#where: Vec<Clause>,
        /// The columns to return; `None` is all of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<Name>>,
    },
    /// Replaces columns of rows.
    Update {
        /// The table.
        table: Name,
        /// Which rows.
        r#where: Vec<Clause>,
        /// The columns to replace.
        row: BTreeMap<Name, Datum>,
    },
    /// Changes columns of rows by what they hold.
    Mutate {
        /// The table.
        table: Name,
        /// Which rows.
        r#where: Vec<Clause>,
        /// What to do to them.
        mutations: Vec<MutationClause>,
    },
    /// Removes rows.
    Delete {
        /// The table.
        table: Name,
        /// Which rows.
        r#where: Vec<Clause>,
    },
    /// Holds the transaction until rows are as described.
    Wait {
        /// How long to wait, in milliseconds; `None` is for ever.
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout: Option<u64>,
        /// The table.
        table: Name,
        /// Which rows.
        r#where: Vec<Clause>,
        /// The columns to compare.
        #[serde(skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<Name>>,
        /// Whether the rows have to equal `rows` or to differ.
        until: Until,
        /// The rows to compare with.
        rows: Vec<BTreeMap<Name, Datum>>,
    },
    /// Has the server write to disk before it replies, if `durable`.
    Commit {
        /// Whether to wait for the disk.
        durable: bool,
    },
    /// Fails the transaction.
    Abort,
    /// Writes a line into the database's log.
    Comment {
        /// The line.
        comment: String,
    },
    /// Fails the transaction unless this connection holds the lock.
    Assert {
        /// The name of the lock.
        lock: String,
    },
}

/// What a [`Operation::Wait`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Until {
    /// The rows equal those given.
    #[serde(rename = "==")]
    Equal,
    /// The rows differ from those given.
    #[serde(rename = "!=")]
    Different,
}

/// One condition on a row: `<condition>` of RFC 7047, section 5.1, or a constant
/// (ovsdb-server(7), section 4.1.12).
#[derive(Clone, Debug, PartialEq)]
pub enum Clause {
    /// A column compares with a value.
    Compare {
        /// The column.
        column: Name,
        /// How.
        function: Function,
        /// The value.
        value: Datum,
    },
    /// Every row, or none. Only conditions of monitors know it.
    Constant(bool),
}

impl Serialize for Clause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Compare {
                column,
                function,
                value,
            } => (column, function, value).serialize(serializer),
            Self::Constant(value) => serializer.serialize_bool(*value),
        }
    }
}

/// How a condition compares: `<function>` of RFC 7047, section 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Function {
    /// The number is less, or the optional number is absent or less.
    #[serde(rename = "<")]
    Less,
    /// The number is not greater.
    #[serde(rename = "<=")]
    LessOrEqual,
    /// The values are equal.
    #[serde(rename = "==")]
    Equal,
    /// The values differ.
    #[serde(rename = "!=")]
    NotEqual,
    /// The number is not less.
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// The number is greater.
    #[serde(rename = ">")]
    Greater,
    /// The column holds every element given.
    #[serde(rename = "includes")]
    Includes,
    /// The column holds no element given.
    #[serde(rename = "excludes")]
    Excludes,
}

/// One change to a column: `<mutation>` of RFC 7047, section 5.1.
#[derive(Clone, Debug, PartialEq)]
pub struct MutationClause {
    /// The column.
    pub column: Name,
    /// What to do.
    pub mutator: Mutator,
    /// With what.
    pub value: Datum,
}

impl Serialize for MutationClause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.column, self.mutator, &self.value).serialize(serializer)
    }
}

/// What a mutation does: `<mutator>` of RFC 7047, section 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Mutator {
    /// Adds a number.
    #[serde(rename = "+=")]
    Add,
    /// Subtracts a number.
    #[serde(rename = "-=")]
    Subtract,
    /// Multiplies by a number.
    #[serde(rename = "*=")]
    Multiply,
    /// Divides by a number.
    #[serde(rename = "/=")]
    Divide,
    /// Takes the remainder of a division by an integer.
    #[serde(rename = "%=")]
    Remainder,
    /// Adds elements to a set, or pairs whose keys are absent to a map.
    #[serde(rename = "insert")]
    Insert,
    /// Removes elements of a set, pairs of a map, or the pairs with certain keys.
    #[serde(rename = "delete")]
    Delete,
}
