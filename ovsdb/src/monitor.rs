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

/// Which rows of which tables to monitor: clauses of which one has to hold. A table that is not
/// named is monitored whole.
pub type Conditions = BTreeMap<String, Vec<Clause>>;

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
            _ => conditions.get(&table.name).cloned(),
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
pub type SinceReply = (bool, Uuid, Box<RawValue>);
