//! Operations of a transaction (RFC 7047, section 5.2), untyped.
//!
//! [`Transaction`](crate::Transaction) builds them from declared tables. They are public for those
//! who know their tables only at run time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::value::Datum;

/// A name of a table or column.
pub type Name = Cow<'static, str>;

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl<'de> Deserialize<'de> for Clause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClauseVisitor)
    }
}

struct ClauseVisitor;

impl<'de> Visitor<'de> for ClauseVisitor {
    type Value = Clause;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column, a function and a value, or true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Clause, E> {
        Ok(Clause::Constant(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Clause, A::Error> {
        let (column, function, value) = triple(&mut seq)?;
        Ok(Clause::Compare {
            column,
            function,
            value,
        })
    }
}

/// Reads the three elements of an array.
fn triple<'de, A, F>(seq: &mut A) -> Result<(Name, F, Datum), A::Error>
where
    A: SeqAccess<'de>,
    F: Deserialize<'de>,
{
    let missing = || A::Error::custom("an array with fewer than three elements");
    let column = seq.next_element()?.ok_or_else(missing)?;
    let function = seq.next_element()?.ok_or_else(missing)?;
    let value = seq.next_element()?.ok_or_else(missing)?;
    match seq.next_element::<IgnoredAny>()? {
        None => Ok((column, function, value)),
        Some(_) => Err(A::Error::custom("an array with more than three elements")),
    }
}

/// How a condition compares: `<function>` of RFC 7047, section 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl<'de> Deserialize<'de> for MutationClause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(MutationVisitor)
    }
}

struct MutationVisitor;

impl<'de> Visitor<'de> for MutationVisitor {
    type Value = MutationClause;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column, a mutator and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<MutationClause, A::Error> {
        let (column, mutator, value) = triple(&mut seq)?;
        Ok(MutationClause {
            column,
            mutator,
            value,
        })
    }
}

/// What a mutation does: `<mutator>` of RFC 7047, section 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_read_as_it_is_written() {
        for json in [
            r#"{"op":"insert","table":"T","row":{"n":1,"r":["named-uuid","x"]},"uuid-name":"y"}"#,
            r#"{"op":"insert","table":"T","row":{},"uuid":"2f77b348-9768-4866-b761-89d5177ecda0"}"#,
            r#"{"op":"select","table":"T","where":[],"columns":["a","b"]}"#,
            r#"{"op":"update","table":"T","where":[["_uuid","==",["named-uuid","x"]]],"row":{"s":["set",[1,2]]}}"#,
            r#"{"op":"mutate","table":"T","where":[["n",">=",1]],"mutations":[["n","+=",2],["m","delete",["map",[["a","b"]]]]]}"#,
            r#"{"op":"delete","table":"T","where":[true,["s","excludes",["set",[]]]]}"#,
            r#"{"op":"wait","timeout":5,"table":"T","where":[],"columns":["n"],"until":"!=","rows":[{"n":1.5}]}"#,
            r#"{"op":"wait","table":"T","where":[],"until":"==","rows":[]}"#,
            r#"{"op":"commit","durable":true}"#,
            r#"{"op":"abort"}"#,
            r#"{"op":"comment","comment":"why"}"#,
            r#"{"op":"assert","lock":"l"}"#,
        ] {
            let read: Operation = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }

    #[test]
    fn a_wrong_operation_is_refused_with_the_reason() {
        for (json, reason) in [
            (r#"{"op":"upsert"}"#, "unknown variant `upsert`"),
            (r#"{"op":"insert","table":"T"}"#, "missing field `row`"),
            (
                r#"{"op":"insert","table":"T","row":{},"name":"x"}"#,
                "unknown field `name`",
            ),
            (
                r#"{"op":"delete","table":"T","where":[["a","=="]]}"#,
                "fewer than three elements",
            ),
            (
                r#"{"op":"delete","table":"T","where":[["a","=",1]]}"#,
                "unknown variant `=`",
            ),
            (
                r#"{"op":"delete","table":"T","where":[7]}"#,
                "expected a column, a function and a value",
            ),
            (
                r#"{"op":"mutate","table":"T","where":[],"mutations":[["a","+=",1,2]]}"#,
                "more than three elements",
            ),
        ] {
            let error = serde_json::from_str::<Operation>(json).unwrap_err();
            assert!(error.to_string().contains(reason), "{json}: {error}");
        }
    }
}
