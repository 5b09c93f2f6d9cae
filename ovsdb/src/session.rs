//! One connection to a server, from the first request to the last update; no socket, no clock.
//!
//! Received bytes and the time go in, bytes to send and events come out. The session asks for the
//! schema, checks that the declared tables fit it, starts the newest monitor that the server
//! knows, and keeps the replica in step. Everything comes out in the order in which the server
//! sent it: the server sends what a transaction changed before it sends the transaction's reply,
//! so whoever sees the reply finds the changes in the replica.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::jsonrpc::{Connection, Incoming, ProtocolError, RequestId};
use crate::monitor::{self, Conditions, MonitorVersion, SinceReply};
use crate::operation::Operation;
use crate::replica::{Database, Replica, UpdateError};
use crate::schema::{DatabaseSchema, SchemaMismatch};
use crate::transaction::{ErrorName, OperationError};

/// How a session behaves.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// How long nothing may arrive before the server is asked for an echo; after as long again
    /// without an answer the session is over.
    pub inactivity_probe: Duration,
    /// The longest message that is accepted, in bytes.
    pub max_message: usize,
    /// Which rows to monitor.
    pub conditions: Conditions,
}

/// What happened in a session.
#[derive(Debug)]
pub enum SessionEvent<D: Database> {
    /// The replica holds the whole database; these rows differ from what it held before.
    Synchronized(D::Changes),
    /// The replica made one step.
    Changed(D::Changes),
    /// The reply to a `transact` request.
    Replied {
        /// The request.
        request: RequestId,
        /// The result, or the error that the request as a whole met.
        outcome: Result<Box<RawValue>, OperationError>,
    },
}

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The server broke the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// An update cannot be applied; the replica is as before.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The declared tables do not fit the server's schema.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
    /// The server refused a request that the session cannot do without.
    #[error("{method} refused: {error}")]
    Refused {
        /// The request.
        method: &'static str,
        /// What the server says.
        error: OperationError,
    },
    /// The parameters of a notification or the result of a request are not as the RFC has them.
    #[error("malformed {what}: {error}")]
    Malformed {
        /// Which message.
        what: &'static str,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// An update of rows before the monitor's first rows.
    #[error("an update before the monitor was confirmed")]
    Untimely,
    /// The server ended the monitor: it no longer serves the database, or not with this schema.
    #[error("the server canceled the monitor")]
    MonitorCanceled,
    /// The server has been silent for too long.
    #[error("no answer for {} s", .0.as_secs_f32())]
    Silent(Duration),
}

/// One connection to a server.
#[derive(Debug)]
pub struct Session<D: Database> {
    connection: Connection,
    replica: Replica<D>,
    options: SessionOptions,
    phase: Phase,
    pending: BTreeMap<RequestId, Pending>,
    events: VecDeque<SessionEvent<D>>,
}

/// How far the session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The schema or the monitor's first rows are awaited.
    Starting,
    /// The replica follows the database.
    Following,
}

/// What a request that waits for its reply was.
#[derive(Clone, Copy, Debug)]
enum Pending {
    DatabaseChangeAware,
    Schema,
    Monitor(MonitorVersion),
    Transact,
}

impl<D: Database> Session<D> {
    /// A session over a connection that was opened at `now`, for a replica that may hold rows of
    /// an earlier one.
    ///
    /// # Errors
    ///
    /// The requests have no JSON form.
    pub fn new(
        replica: Replica<D>,
        options: SessionOptions,
        now: Instant,
    ) -> Result<Self, SessionError> {
        let probe = Some(options.inactivity_probe);
        let mut session = Self {
            connection: Connection::new(options.max_message, probe, now),
            replica,
            options,
            phase: Phase::Starting,
            pending: BTreeMap::new(),
            events: VecDeque::new(),
        };
        session.request("set_db_change_aware", &[true], Pending::DatabaseChangeAware)?;
        let database = session.replica.tables().name().to_owned();
        session.request("get_schema", &[database], Pending::Schema)?;
        Ok(session)
    }

    /// The replica.
    #[must_use]
    pub fn replica(&self) -> &Replica<D> {
        &self.replica
    }

    /// The replica, for the next session.
    #[must_use]
    pub fn into_replica(self) -> Replica<D> {
        self.replica
    }

    /// Whether the replica follows the database.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.phase == Phase::Following
    }

    /// How many requests wait for their replies.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.connection.waiting()
    }

    /// Where received bytes are appended, before [`handle_received`](Self::handle_received), and
    /// what is to be sent. Whatever has been sent is to be removed from the front.
    pub fn buffers(&mut self) -> (&mut BytesMut, &mut BytesMut) {
        self.connection.buffers()
    }

    /// Deals with the bytes that have arrived.
    ///
    /// # Errors
    ///
    /// The session cannot go on; the connection is to be closed. Events that came before the
    /// error stay available.
    pub fn handle_received(&mut self, now: Instant) -> Result<(), SessionError> {
        self.connection.handle_received(now);
        while let Some(incoming) = self.connection.poll_incoming()? {
            match incoming {
                Incoming::Reply { id, outcome } => self.handle_reply(id, outcome)?,
                Incoming::Notification { method, params } => {
                    self.handle_notification(&method, &params)?;
                }
                Incoming::Request { id, .. } => {
                    let error = RawValue::from_string("\"unknown method\"".to_owned());
                    self.connection
                        .reply(id, Err(error.map_err(ProtocolError::Json)?));
                }
            }
        }
        Ok(())
    }

    /// Learns that it is now `now`.
    ///
    /// # Errors
    ///
    /// The server has been silent for too long.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        match self.connection.handle_timeout(now) {
            true => Err(SessionError::Silent(self.options.inactivity_probe * 2)),
            false => Ok(()),
        }
    }

    /// Sends a transaction. Its reply comes as [`SessionEvent::Replied`].
    ///
    /// # Errors
    ///
    /// The operations have no JSON form.
    pub fn transact(&mut self, operations: &[Operation]) -> Result<RequestId, SessionError> {
        let params = Transact {
            database: self.replica.tables().name(),
            operations,
        };
        let id = self
            .connection
            .request("transact", &params)
            .map_err(ProtocolError::Json)?;
        self.pending.insert(id, Pending::Transact);
        Ok(id)
    }

    /// Takes a transaction back, if it is not too late, and no longer waits for its reply.
    pub fn cancel(&mut self, request: RequestId) {
        self.connection.cancel(request);
        self.pending.remove(&request);
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<SessionEvent<D>> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called, if nothing arrives before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.connection.poll_timeout()
    }

    fn request(
        &mut self,
        method: &'static str,
        params: &impl Serialize,
        pending: Pending,
    ) -> Result<(), SessionError> {
        let id = self
            .connection
            .request(method, params)
            .map_err(ProtocolError::Json)?;
        self.pending.insert(id, pending);
        Ok(())
    }

    fn request_monitor(&mut self, version: MonitorVersion) -> Result<(), SessionError> {
        let tables = self.replica.tables();
        let database = tables.name().to_owned();
        let requests = monitor::requests(tables.monitored(), &self.options.conditions, version);
        let pending = Pending::Monitor(version);
        let method = version.method();
        match version {
            MonitorVersion::Since => {
                let since = self.replica.last_transaction().unwrap_or_default();
                self.request(method, &(&database, &database, requests, since), pending)
            }
            _ => self.request(method, &(&database, &database, requests), pending),
        }
    }

    fn handle_reply(
        &mut self,
        id: RequestId,
        outcome: Result<Box<RawValue>, Box<RawValue>>,
    ) -> Result<(), SessionError> {
        let outcome = outcome.map_err(|error| OperationError::read(&error));
        match self.pending.remove(&id) {
            // A server that does not know the method has nothing to be aware of.
            Some(Pending::DatabaseChangeAware) | None => Ok(()),
            Some(Pending::Schema) => {
                let schema = outcome.map_err(refused("get_schema"))?;
                let schema: DatabaseSchema = read("reply to get_schema", &schema)?;
                self.replica.prepare(&schema)?;
                self.request_monitor(MonitorVersion::Since)
            }
            Some(Pending::Monitor(version)) => self.handle_monitor(version, outcome),
            Some(Pending::Transact) => {
                self.events.push_back(SessionEvent::Replied {
                    request: id,
                    outcome,
                });
                Ok(())
            }
        }
    }

    fn handle_monitor(
        &mut self,
        version: MonitorVersion,
        outcome: Result<Box<RawValue>, OperationError>,
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
                let (found, last, rows): SinceReply = read("reply to monitor_cond_since", &rows)?;
                let changes = match found {
                    true => self.replica.update(&rows)?,
                    false => self.replica.replace(&rows)?,
                };
                self.replica.set_last_transaction(Some(last));
                changes
            }
            _ => {
                self.replica.set_last_transaction(None);
                self.replica.replace(&rows)?
            }
        };
        self.phase = Phase::Following;
        self.events.push_back(SessionEvent::Synchronized(changes));
        Ok(())
    }

    fn handle_notification(&mut self, method: &str, params: &RawValue) -> Result<(), SessionError> {
        match method {
            "update" | "update2" => {
                let (_, updates): (Box<RawValue>, Box<RawValue>) = read("update", params)?;
                self.handle_update(&updates)
            }
            "update3" => {
                let (_, last, updates): (Box<RawValue>, Uuid, Box<RawValue>) =
                    read("update3", params)?;
                self.handle_update(&updates)?;
                self.replica.set_last_transaction(Some(last));
                Ok(())
            }
            "monitor_canceled" => Err(SessionError::MonitorCanceled),
            // RFC 7047 defines no other that this session asks for.
            _ => Ok(()),
        }
    }

    fn handle_update(&mut self, updates: &RawValue) -> Result<(), SessionError> {
        if self.phase != Phase::Following {
            return Err(SessionError::Untimely);
        }
        let updated = self.replica.update(updates);
        if updated.is_err() {
            // The next session must not resume from a state that this one could not follow.
            self.replica.set_last_transaction(None);
        }
        let changes = updated?;
        self.events.push_back(SessionEvent::Changed(changes));
        Ok(())
    }
}

/// The parameters of `transact`: the database, then the operations, in one array.
struct Transact<'a> {
    database: &'a str,
    operations: &'a [Operation],
}

impl Serialize for Transact<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;

        let mut params = serializer.serialize_seq(Some(1 + self.operations.len()))?;
        params.serialize_element(self.database)?;
        for operation in self.operations {
            params.serialize_element(operation)?;
        }
        params.end()
    }
}

fn read<'a, T: serde::Deserialize<'a>>(
    what: &'static str,
    json: &'a RawValue,
) -> Result<T, SessionError> {
    serde_json::from_str(json.get()).map_err(|error| SessionError::Malformed { what, error })
}

fn refused(method: &'static str) -> impl FnOnce(OperationError) -> SessionError {
    move |error| SessionError::Refused { method, error }
}
