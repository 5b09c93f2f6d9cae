//! From the first request to following: which server, which schema, which monitor.

use std::sync::Arc;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Pending, Phase, Session, SessionError, SessionEvent, read, server};
use crate::jsonrpc::RequestId;
use crate::monitor::{self, Conditions, MonitorVersion, SinceReply};
use crate::replica::{Changes, Database, Step};
use crate::schema::DatabaseSchema;
use crate::transaction::{ErrorName, OperationError};

/// Names the monitor of the rows.
const ROWS: &str = "rows";

/// Names the monitor of the `_Server` database.
const SERVER: &str = "server";

type Outcome = Result<Box<RawValue>, OperationError>;

impl<D: Database> Session<D> {
    /// Sends the first requests.
    pub(super) fn start(&mut self) -> Result<(), SessionError> {
        self.request("set_db_change_aware", &[true], Pending::DatabaseChangeAware)?;
        let method = MonitorVersion::Conditional.method();
        self.request(
            method,
            &server::monitor_params(SERVER),
            Pending::ServerMonitor,
        )?;
        Ok(())
    }

    /// Learns what the server is. One that has no `_Server` database is older than clusters, and
    /// one to follow.
    pub(super) fn handle_server(&mut self, outcome: Outcome) -> Result<(), SessionError> {
        if let Ok(rows) = outcome {
            self.server.replace(&rows)?;
            self.check_server()?;
        }
        self.request_schema()
    }

    fn check_server(&mut self) -> Result<(), SessionError> {
        let position = self.server.check(self.replica.position())?;
        self.replica.set_position(position);
        Ok(())
    }

    fn request_schema(&mut self) -> Result<(), SessionError> {
        self.phase = Phase::Starting;
        let database = self.replica.tables().name().to_owned();
        self.request("get_schema", &[database], Pending::Schema)?;
        Ok(())
    }

    pub(super) fn handle_schema(&mut self, outcome: Outcome) -> Result<(), SessionError> {
        let schema = outcome.map_err(|error| match &error.error {
            // It was there a moment ago, or so the server said.
            name if *name == ErrorName::UNKNOWN_DATABASE => SessionError::NoDatabase {
                database: self.replica.tables().name().to_owned(),
            },
            _ => refused("get_schema")(error),
        })?;
        let schema: DatabaseSchema = read("reply to get_schema", &schema)?;
        self.replica.prepare(schema)?;
        self.request_monitor(MonitorVersion::Since)
    }

    /// Asks for the rows. Changes since a transaction are of use only if the rows that are there
    /// were chosen by the same conditions.
    fn request_monitor(&mut self, version: MonitorVersion) -> Result<(), SessionError> {
        if *self.replica.conditions() != self.conditions {
            self.replica.set_last_transaction(None);
            self.replica.set_conditions(self.conditions.clone());
        }
        let tables = self.replica.tables();
        let database = tables.name().to_owned();
        let requests = monitor::requests(tables.monitored(), &self.conditions, version);
        let pending = Pending::Monitor(version);
        let method = version.method();
        match version {
            MonitorVersion::Since => {
                let since = self.replica.last_transaction().unwrap_or_default();
                self.request(method, &(database, ROWS, requests, since), pending)?;
            }
            _ => {
                self.request(method, &(database, ROWS, requests), pending)?;
            }
        }
        Ok(())
    }

    pub(super) fn handle_monitor(
        &mut self,
        version: MonitorVersion,
        outcome: Outcome,
    ) -> Result<(), SessionError> {
        let rows = match (outcome, version.fallback()) {
            (Ok(rows), _) => rows,
            (Err(error), Some(fallback)) if error.error == ErrorName::UNKNOWN_METHOD => {
                return self.request_monitor(fallback);
            }
            (Err(error), _) => return Err(refused(version.method())(error)),
        };
        let changes = match version {
            MonitorVersion::Since => {
                let (found, last, rows): SinceReply<'_> =
                    read("reply to monitor_cond_since", &rows)?;
                let changes = match found {
                    true => self.apply(rows)?,
                    false => self.replica.replace(rows)?,
                };
                self.replica.set_last_transaction(Some(last));
                changes
            }
            _ => {
                let changes = self.replica.replace(&rows)?;
                self.replica.set_last_transaction(None);
                changes
            }
        };
        self.phase = Phase::Following(version);
        // The application may have changed its mind since the rows were asked for.
        let asked = self.replica.conditions().clone();
        self.request_conditions(version, &asked)?;
        let step = self.step(changes);
        self.events.push_back(SessionEvent::Synchronized(step));
        Ok(())
    }

    pub(super) fn handle_update(&mut self, params: &RawValue) -> Result<(), SessionError> {
        let (monitor, updates): (String, &RawValue) = read("update", params)?;
        self.handle_updates(&monitor, updates)
    }

    pub(super) fn handle_update_since(&mut self, params: &RawValue) -> Result<(), SessionError> {
        let (monitor, last, updates): (String, Uuid, &RawValue) = read("update3", params)?;
        self.handle_updates(&monitor, updates)?;
        self.replica.set_last_transaction(Some(last));
        Ok(())
    }

    fn handle_updates(&mut self, monitor: &str, updates: &RawValue) -> Result<(), SessionError> {
        match (monitor, self.phase) {
            (SERVER, _) => {
                self.server.update(updates)?;
                self.check_server()
            }
            (ROWS, Phase::Following(_)) => {
                let changes = self.apply(updates)?;
                if !changes.is_empty() {
                    let step = self.step(changes);
                    self.events.push_back(SessionEvent::Changed(step));
                }
                Ok(())
            }
            _ => Err(SessionError::Untimely),
        }
    }

    /// What the replica is after a change, which later changes do not touch.
    fn step(&self, changes: D::Changes) -> Step<D> {
        let tables = Arc::new(self.replica.tables().clone());
        Step { changes, tables }
    }

    /// Applies updates to the replica. If that fails, the next session must not resume from a
    /// state that this one could not follow.
    fn apply(&mut self, updates: &RawValue) -> Result<D::Changes, SessionError> {
        let updated = self.replica.update(updates);
        if updated.is_err() {
            self.replica.set_last_transaction(None);
        }
        Ok(updated?)
    }

    /// Starts over: the database was converted to another schema, or is no longer served.
    pub(super) fn handle_monitor_canceled(
        &mut self,
        params: &RawValue,
    ) -> Result<(), SessionError> {
        let (monitor,): (String,) = read("monitor_canceled", params)?;
        match monitor.as_str() {
            ROWS => {
                self.replica.set_last_transaction(None);
                self.request_schema()
            }
            _ => Ok(()),
        }
    }

    /// Asks for the rows of the present conditions where the server chose them by others. The
    /// monitor keeps its name; the server sends the rows that come and go before it replies.
    pub(super) fn request_conditions(
        &mut self,
        version: MonitorVersion,
        before: &Conditions,
    ) -> Result<Option<RequestId>, SessionError> {
        let changes = before.changes(&self.conditions);
        if changes.is_empty() || version == MonitorVersion::Plain {
            return Ok(None);
        }
        self.asked_conditions.push_back(self.conditions.clone());
        let params = (ROWS, ROWS, changes);
        self.request("monitor_cond_change", &params, Pending::Conditions)
            .map(Some)
    }
}

fn refused(method: &'static str) -> impl FnOnce(OperationError) -> SessionError {
    move |error| SessionError::Refused { method, error }
}
