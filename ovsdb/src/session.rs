//! One connection to a server, from the first request to the last update; no socket, no clock.
//!
//! Received bytes and the time go in, bytes to send and events come out. The session first learns
//! from the `_Server` database whether this server is one to follow, then asks for the schema and
//! checks that the tables fit it, starts the newest monitor that the server knows, and keeps the
//! replica in step. When the schema is converted meanwhile, it starts over without losing the
//! connection.
//!
//! Everything comes out in the order in which the server sent it: the server sends what a
//! transaction changed before it sends the transaction's reply, so whoever sees the reply finds
//! the changes in the replica.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::jsonrpc::{Connection, Incoming, RequestId};
use crate::monitor::{Conditions, MonitorVersion};
use crate::operation::Operation;
use crate::replica::{Database, LogPosition, Replica, Step};
use crate::transaction::OperationError;

mod error;
mod lock;
mod monitoring;
mod server;

pub use error::SessionError;

use lock::{LockRequest, Locks};
use server::Suitability;

/// How a session behaves.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// How long nothing may arrive before the server is asked for an echo; after as long again
    /// without an answer the session is over. Zero never asks.
    pub inactivity_probe: Duration,
    /// The longest message that is accepted, in bytes.
    pub max_message: usize,
    /// Whether only the leader of a cluster will do.
    pub leader_only: bool,
}

/// What happened in a session.
#[derive(Debug)]
pub enum SessionEvent<D: Database> {
    /// The replica holds the whole database; these rows differ from what it held before.
    Synchronized(Step<D>),
    /// The replica made one step. By the time that this is read it may have made others.
    Changed(Step<D>),
    /// The reply to a transaction or another request of the application.
    Replied {
        /// The request.
        request: RequestId,
        /// The result, or the error that the request as a whole met.
        outcome: Result<Box<RawValue>, OperationError>,
    },
    /// A change of conditions is in effect, or was refused.
    ConditionsChanged {
        /// The request.
        request: RequestId,
        /// What the server says.
        outcome: Result<(), OperationError>,
    },
    /// A lock was gained or lost.
    Lock {
        /// Its name.
        name: String,
        /// Whether this session holds it now.
        held: bool,
    },
}

/// One connection to a server.
#[derive(Debug)]
pub struct Session<D: Database> {
    connection: Connection,
    replica: Replica<D>,
    options: SessionOptions,
    phase: Phase,
    server: Suitability,
    /// By which conditions the rows are to be chosen.
    conditions: Conditions,
    /// What the server was asked for, while it has not answered.
    asked_conditions: VecDeque<Conditions>,
    locks: Locks,
    pending: BTreeMap<RequestId, Pending>,
    events: VecDeque<SessionEvent<D>>,
}

/// How far the session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Something is awaited before the rows: the server's state, the schema, the rows themselves.
    Starting,
    /// The replica follows the database.
    Following(MonitorVersion),
}

/// What a request that waits for its reply was.
#[derive(Debug)]
enum Pending {
    DatabaseChangeAware,
    ServerMonitor,
    Schema,
    Monitor(MonitorVersion),
    Conditions,
    Lock(String, LockRequest),
    Call,
}

impl<D: Database> Session<D> {
    /// A session over a connection that was opened at `now`, for a replica that may hold rows of
    /// an earlier one. It will monitor the rows for which `conditions` hold.
    ///
    /// # Errors
    ///
    /// The first requests have no JSON form.
    pub fn new(
        replica: Replica<D>,
        conditions: Conditions,
        options: SessionOptions,
        now: Instant,
    ) -> Result<Self, SessionError> {
        let probe = Some(options.inactivity_probe).filter(|probe| !probe.is_zero());
        let mut session = Self {
            connection: Connection::new(options.max_message, probe, now),
            server: Suitability::new(replica.tables().name(), options.leader_only),
            replica,
            options,
            phase: Phase::Starting,
            conditions,
            asked_conditions: VecDeque::new(),
            locks: Locks::default(),
            pending: BTreeMap::new(),
            events: VecDeque::new(),
        };
        session.start()?;
        Ok(session)
    }

    /// The replica.
    #[must_use]
    pub fn replica(&self) -> &Replica<D> {
        &self.replica
    }

    /// The replica, for the next session.
    #[must_use]
    pub fn into_replica(mut self) -> Replica<D> {
        if self.awaits_conditions() {
            // Nobody knows which rows the server's last updates were about.
            self.replica.set_last_transaction(None);
        }
        self.replica
    }

    /// Whether the replica follows the database.
    #[must_use]
    pub fn is_following(&self) -> bool {
        matches!(self.phase, Phase::Following(_))
    }

    /// By which conditions the rows are to be chosen: those last asked for, unless refused.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Whether the server has yet to confirm by which conditions it chooses the rows.
    #[must_use]
    pub fn awaits_conditions(&self) -> bool {
        !self.asked_conditions.is_empty()
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
                Incoming::Request { id, .. } => self.connection.refuse_unknown_method(id),
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
            true => Err(SessionError::Silent(
                self.options.inactivity_probe.saturating_mul(2),
            )),
            false => Ok(()),
        }
    }

    /// Sends any request. Its reply comes as [`SessionEvent::Replied`].
    ///
    /// # Errors
    ///
    /// The parameters have no JSON form.
    pub fn call(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<RequestId, SessionError> {
        self.request(method, params, Pending::Call)
    }

    /// Sends a transaction. Its reply comes as [`SessionEvent::Replied`].
    ///
    /// # Errors
    ///
    /// The operations have no JSON form.
    pub fn transact(&mut self, operations: &[Operation]) -> Result<RequestId, SessionError> {
        let database = self.replica.tables().name().to_owned();
        self.call(
            "transact",
            &Transact {
                database,
                operations,
            },
        )
    }

    /// Takes a request back, if it is not too late, and no longer waits for its reply.
    pub fn cancel(&mut self, request: RequestId) {
        self.connection.cancel(request);
        self.pending.remove(&request);
    }

    /// Monitors other rows. The request ends as [`SessionEvent::ConditionsChanged`], after the
    /// changes that it causes. There is no request if nothing has to be sent: because the monitor
    /// has yet to start, is of a version without conditions, or has these conditions already.
    ///
    /// # Errors
    ///
    /// The conditions have no JSON form.
    pub fn change_conditions(
        &mut self,
        conditions: Conditions,
    ) -> Result<Option<RequestId>, SessionError> {
        let before = std::mem::replace(&mut self.conditions, conditions);
        match self.phase {
            Phase::Following(version) => self.request_conditions(version, &before),
            Phase::Starting => Ok(None),
        }
    }

    /// Forgets how far in its cluster's log a server was seen: one that is behind counts as stale
    /// no longer.
    pub fn forget_index(&mut self) {
        self.replica.set_position(LogPosition::default());
    }

    /// Asks for a lock, or takes it from whoever has it. Gaining and losing it comes as
    /// [`SessionEvent::Lock`]. A lock that has been asked for is not asked for again; to take one
    /// that is waited for, the session first stops waiting, as the server demands.
    ///
    /// # Errors
    ///
    /// The request has no JSON form.
    pub fn lock(&mut self, name: &str, steal: bool) -> Result<(), SessionError> {
        let request = if steal {
            LockRequest::Steal
        } else {
            LockRequest::Lock
        };
        if steal && self.locks.is_awaited(name) {
            self.unlock(name)?;
        }
        if self.locks.request(name) {
            let pending = Pending::Lock(name.to_owned(), request);
            self.request(request.method(), &[name], pending)?;
        }
        Ok(())
    }

    /// Gives a lock back, or no longer waits for it.
    ///
    /// # Errors
    ///
    /// The request has no JSON form.
    pub fn unlock(&mut self, name: &str) -> Result<(), SessionError> {
        if let Some(held) = self.locks.release(name) {
            let pending = Pending::Lock(name.to_owned(), LockRequest::Unlock);
            self.request(LockRequest::Unlock.method(), &[name], pending)?;
            if held {
                self.events.push_back(SessionEvent::Lock {
                    name: name.to_owned(),
                    held: false,
                });
            }
        }
        Ok(())
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
        method: &str,
        params: &impl Serialize,
        pending: Pending,
    ) -> Result<RequestId, SessionError> {
        let id = self
            .connection
            .request(method, params)
            .map_err(SessionError::Unsendable)?;
        self.pending.insert(id, pending);
        Ok(id)
    }

    fn handle_reply(
        &mut self,
        id: RequestId,
        outcome: Result<Box<RawValue>, Box<RawValue>>,
    ) -> Result<(), SessionError> {
        let outcome = outcome.map_err(|error| OperationError::read(&error));
        match self.pending.remove(&id) {
            // A server that does not know the method has nothing to be aware of.
            Some(Pending::DatabaseChangeAware) | None => {}
            Some(Pending::ServerMonitor) => self.handle_server(outcome)?,
            Some(Pending::Schema) => self.handle_schema(outcome)?,
            Some(Pending::Monitor(version)) => self.handle_monitor(version, outcome)?,
            Some(Pending::Conditions) => {
                let asked = self.asked_conditions.pop_front();
                if outcome.is_ok() {
                    self.replica.set_conditions(asked.unwrap_or_default());
                } else if !self.awaits_conditions() {
                    // What was refused once would be refused with every later change.
                    self.conditions = self.replica.conditions().clone();
                }
                let outcome = outcome.map(drop);
                self.events.push_back(SessionEvent::ConditionsChanged {
                    request: id,
                    outcome,
                });
            }
            Some(Pending::Lock(name, request)) => {
                let held = self.locks.handle_reply(&name, request, outcome)?;
                self.events
                    .extend(held.map(|held| SessionEvent::Lock { name, held }));
            }
            Some(Pending::Call) => {
                self.events.push_back(SessionEvent::Replied {
                    request: id,
                    outcome,
                });
            }
        }
        Ok(())
    }

    fn handle_notification(&mut self, method: &str, params: &RawValue) -> Result<(), SessionError> {
        match method {
            "update" | "update2" => self.handle_update(params),
            "update3" => self.handle_update_since(params),
            "monitor_canceled" => self.handle_monitor_canceled(params),
            "locked" | "stolen" => {
                let (name,): (String,) = read("lock notification", params)?;
                let held = self.locks.handle_notification(&name, method == "locked");
                self.events
                    .extend(held.map(|held| SessionEvent::Lock { name, held }));
                Ok(())
            }
            // A newer server may have more to tell; what was not asked for does not matter.
            _ => Ok(()),
        }
    }
}

/// The parameters of `transact`: the database, then the operations, in one array.
struct Transact<'a> {
    database: String,
    operations: &'a [Operation],
}

impl Serialize for Transact<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;

        let mut params = serializer.serialize_seq(Some(1 + self.operations.len()))?;
        params.serialize_element(&self.database)?;
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

#[cfg(test)]
mod tests;
