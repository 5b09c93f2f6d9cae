//! Monitors: how a client asks for rows and their changes (RFC 7047, section 4.1.5, and
//! ovsdb-server(7), sections 4.1.12 to 4.1.15).
//!
//! There are three versions. `monitor` sends whole rows; `monitor_cond` sends differences, and
//! only of rows that fulfil a condition; `monitor_cond_since` also resumes after a reconnection.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::operation::Clause;
use crate::replica::MonitoredTable;
use crate::tables::{Condition, Declared};

/// A version of the monitor protocol, from the oldest to the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MonitorVersion {
    /// `monitor` and `update`, of RFC 7047.
    Plain,
    /// `monitor_cond` and `update2`, since Open vSwitch 2.6.
    Conditional,
    /// `monitor_cond_since` and `update3`, since Open vSwitch 2.12.
    Since,
}

impl MonitorVersion {
    /// The method that starts such a monitor.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Plain => "monitor",
            Self::Conditional => "monitor_cond",
            Self::Since => "monitor_cond_since",
        }
    }

    /// The version to try when the server does not know this one.
    #[must_use]
    pub fn fallback(self) -> Option<Self> {
        match self {
            Self::Plain => None,
            Self::Conditional => Some(Self::Plain),
            Self::Since => Some(Self::Conditional),
        }
    }
}

/// Which rows of which tables to monitor. A table that is not named is monitored whole.
///
/// ```
/// # ovsdb::tables! {
/// #     /// x
/// #     pub database Switch = "Open_vSwitch", changes SwitchChanges;
/// #     /// x
/// #     table interfaces: Interface = "Interface" {
/// #         /// x
/// #         name: String;
/// #         /// x
/// #         kind = "type": String;
/// #     }
/// # }
/// use ovsdb::monitor::Conditions;
///
/// // Two kinds of interfaces; whatever else is in the database is not sent.
/// let conditions = Conditions::new()
///     .only([Interface::kind.equals("vxlan"), Interface::kind.equals("gre")]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    tables: BTreeMap<String, Vec<Clause>>,
}

impl Conditions {
    /// Every row of every table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of this table only rows for which at least one condition holds; none without conditions.
    #[must_use]
    pub fn only<R: Declared>(self, any: impl IntoIterator<Item = Condition<R>>) -> Self {
        self.only_clauses(
            R::TABLE,
            any.into_iter().map(|condition| condition.clause).collect(),
        )
    }

    /// The same for a table that is known only at run time.
    #[must_use]
    pub fn only_clauses(mut self, table: impl Into<String>, any: Vec<Clause>) -> Self {
        self.tables.insert(table.into(), any);
        self
    }

    /// The clauses that apply to a table, as a server expects them; `None` for every row. To the
    /// server an empty list means every row, so that no row is a clause that never holds.
    fn of(&self, table: &str) -> Option<Vec<Clause>> {
        self.tables.get(table).map(|any| match any.is_empty() {
            true => vec![Clause::Constant(false)],
            false => any.clone(),
        })
    }

    /// What has to be asked for to come from these conditions to others.
    pub(crate) fn changes(&self, later: &Self) -> BTreeMap<String, [ConditionChange; 1]> {
        let tables = self.tables.keys().chain(later.tables.keys());
        let changed = tables.filter(|table| self.tables.get(*table) != later.tables.get(*table));
        let every = || vec![Clause::Constant(true)];
        changed
            .map(|table| {
                let r#where = later.of(table).unwrap_or_else(every);
                (table.clone(), [ConditionChange { r#where }])
            })
            .collect()
    }
}

/// `<monitor-cond-update-request>`: the rows of a table that are to be monitored from now on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ConditionChange {
    r#where: Vec<Clause>,
}

/// `<monitor-request>` or `<monitor-cond-request>`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MonitorRequest {
    /// The columns to monitor.
    pub columns: Vec<String>,
    /// Which rows; `None` is all of them.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Clause>>,
}

/// The requests that monitor these tables. Conditions are left out where the version does not
/// know them; the client then sees more rows than it asked for.
#[must_use]
pub fn requests(
    tables: Vec<MonitoredTable>,
    conditions: &Conditions,
    version: MonitorVersion,
) -> BTreeMap<String, [MonitorRequest; 1]> {
    let request = |table: MonitoredTable| {
        let conditions = match version {
            MonitorVersion::Plain => None,
            _ => conditions.of(&table.name),
        };
        (
            table.name,
            [MonitorRequest {
                columns: table.columns,
                conditions,
            }],
        )
    };
    tables.into_iter().map(request).collect()
}

/// What the reply to `monitor_cond_since` says: whether the transaction to resume from was found,
/// the last transaction, and the updates since or all rows.
pub type SinceReply<'a> = (bool, Uuid, &'a RawValue);

#[cfg(test)]
mod tests;
