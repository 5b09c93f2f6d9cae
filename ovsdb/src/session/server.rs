//! Whether a server is one to follow, by what its `_Server` database says
//! (ovsdb-server(5), "Database table").

use serde_json::value::RawValue;
use uuid::Uuid;

use super::SessionError;
use crate::replica::{Database as _, LogPosition, Replica, UpdateError};

crate::tables! {
    /// What a server says of the databases that it serves.
    database Served = "_Server", changes ServedChanges;

    /// One database.
    table databases: Database = "Database" {
        /// Its name.
        name: String;
        /// `standalone`, `clustered` or `relay`.
        model: String;
        /// Whether the server is in contact with its cluster, or the relay with its source.
        connected: bool;
        /// Whether the server leads the cluster.
        leader: bool;
        /// The cluster.
        cid: Option<Uuid>;
        /// The server within the cluster.
        sid: Option<Uuid>;
        /// How far the server has come in the cluster's log.
        index: Option<i64>;
    } index {
        /// By name.
        by_name: String = |row| [row.name.clone()];
    }
}

/// Watches whether the server remains one to follow.
#[derive(Debug)]
pub(super) struct Suitability {
    database: String,
    leader_only: bool,
    served: Replica<Served>,
}

impl Suitability {
    pub(super) fn new(database: &str, leader_only: bool) -> Self {
        let served = Replica::new(Served::default());
        Self {
            database: database.to_owned(),
            leader_only,
            served,
        }
    }

    /// Learns all that the server says.
    pub(super) fn replace(&mut self, rows: &RawValue) -> Result<(), UpdateError> {
        self.served.replace(rows).map(drop)
    }

    /// Learns what changed.
    pub(super) fn update(&mut self, updates: &RawValue) -> Result<(), UpdateError> {
        self.served.update(updates).map(drop)
    }

    /// How far the server has come, given how far it or another had come `before`. The log of
    /// another cluster is another log.
    ///
    /// # Errors
    ///
    /// The server is not, or no longer, one to follow.
    pub(super) fn check(&self, before: LogPosition) -> Result<LogPosition, SessionError> {
        let database = self.database.clone();
        let databases = self.served.tables().databases.index();
        let Some(row) = databases.by_name.get(&self.database) else {
            return Err(SessionError::NoDatabase { database });
        };
        if row.model == "standalone" {
            return Ok(LogPosition::default());
        }
        if !row.connected {
            return Err(SessionError::CutOff { database });
        }
        if self.leader_only && !row.leader {
            return Err(SessionError::NotLeader { database });
        }
        let index = row
            .index
            .and_then(|index| u64::try_from(index).ok())
            .unwrap_or_default();
        if row.cid == before.cluster && index < before.index {
            return Err(SessionError::Stale {
                database,
                index,
                seen: before.index,
            });
        }
        Ok(LogPosition {
            cluster: row.cid,
            index,
        })
    }
}

/// The parameters that monitor the `_Server` database under an id.
pub(super) fn monitor_params(id: &str) -> impl serde::Serialize {
    use crate::monitor::{Conditions, MonitorVersion, requests};

    let served = Served::default();
    let requests = requests(
        served.monitored(),
        &Conditions::new(),
        MonitorVersion::Conditional,
    );
    (served.name().to_owned(), id.to_owned(), requests)
}
