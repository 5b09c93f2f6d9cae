//! The client: a replica that stays true, and transactions, for as long as the program runs.
//!
//! A task of its own owns the connection, the replica and everything under way; handles talk to
//! it by channels. It connects, and connects again whenever the connection ends, for ever. After
//! each reconnection it compares what the server sends with what was there before, so that rows
//! which stayed the same cause no change.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::jsonrpc::to_json;
use crate::monitor::Conditions;
use crate::pki::Pki;
use crate::remote::Remote;
use crate::replica::{Database, Replica};
use crate::transaction::{OperationError, Outcome, TransactError, Transaction};

mod event;
mod following;
mod request;
mod task;

use request::{Call, Reply, Request};
use task::Task;

pub use crate::replica::Step;
pub use event::{Disconnection, Event, Events, Reason};

/// How many commands of handles may wait for the task.
const COMMANDS: usize = 64;

/// The longest that anybody waits for a reply. It keeps the arithmetic of instants within bounds.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How a client behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long nothing may arrive before the server is asked whether it is there; after as long
    /// again without an answer the connection is given up. Zero never asks.
    pub inactivity_probe: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// The shortest and the longest time between two rounds of attempts to connect.
    pub backoff: (Duration, Duration),
    /// The longest message that is accepted, in bytes.
    pub max_message: usize,
    /// Whether only the leader of a cluster will do. Other members serve as well, but what they
    /// show may be a moment old.
    pub leader_only: bool,
    /// Which rows to replicate at first; [`Client::set_conditions`] changes that.
    pub conditions: Conditions,
    /// Keys and certificates, for remotes of the kind `ssl:`.
    pub pki: Option<Pki>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inactivity_probe: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            backoff: (Duration::from_millis(100), Duration::from_secs(8)),
            max_message: 1 << 30,
            leader_only: false,
            conditions: Conditions::new(),
            pki: None,
        }
    }
}

/// A handle to a replicated database. Clones share one connection.
///
/// The connection ends when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Client<D: Database> {
    commands: mpsc::Sender<Command>,
    snapshot: watch::Receiver<Arc<D>>,
}

/// What a handle asks of the task.
#[derive(Debug)]
enum Command {
    Request(Request),
    SetRemotes(Vec<Remote>),
    ForgetIndex,
    SetConditions {
        conditions: Conditions,
        reply: oneshot::Sender<Result<(), OperationError>>,
    },
    Lock {
        name: String,
        steal: bool,
    },
    Unlock {
        name: String,
    },
}

/// Why conditions are not in effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionsError {
    /// The time is up. The conditions take effect later, with the next connection at the latest.
    #[error("the conditions are not in effect yet")]
    TimedOut,
    /// The server refuses them.
    #[error("conditions refused: {0}")]
    Refused(OperationError),
}

/// A name that no lock can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lock {0:?}: expected letters, digits and underscores, and no digit first")]
pub struct InvalidLockName(pub String);

impl<D: Database> Client<D> {
    /// Starts a client of the first of `remotes` that answers. It has to be called within a tokio
    /// runtime, and returns at once: [`Events`] tell when the replica is complete.
    #[must_use]
    pub fn connect(remotes: Vec<Remote>, options: Options) -> (Self, Events<D>)
    where
        D: Default,
    {
        Self::connect_to(D::default(), remotes, options)
    }

    /// Starts a client of tables that are described at run time, such as
    /// [`dynamic::Tables`](crate::dynamic::Tables).
    #[must_use]
    pub fn connect_to(tables: D, remotes: Vec<Remote>, options: Options) -> (Self, Events<D>) {
        let (commands, received) = mpsc::channel(COMMANDS);
        let (sender, events) = event::queue();
        let (publish, snapshot) = watch::channel(Arc::new(tables.clone()));
        let replica = Replica::new(tables);
        let task = Task::new(replica, remotes, options, received, sender, publish);
        tokio::spawn(task.run());
        (Self { commands, snapshot }, events)
    }

    /// The rows as they are now. A step that [`Events`] has yet to deliver may already be in it,
    /// and so is everything that a transaction changed whose outcome has been returned.
    #[must_use]
    pub fn snapshot(&self) -> Arc<D> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// Has the server apply a transaction.
    ///
    /// Any number may be under way, from clones of the handle or as futures that are polled
    /// together: none waits for the reply to another, and they are applied in the order in which
    /// they were sent. Dropping the future does not take the transaction back.
    ///
    /// # Errors
    ///
    /// There is no connection, the time is up, or the server refuses. See
    /// [`TransactError::is_uncertain`].
    pub async fn transact(
        &self,
        transaction: Transaction<D>,
        timeout: Duration,
    ) -> Result<Outcome, TransactError> {
        let operations = transaction.into_operations();
        let (reply, result) = oneshot::channel();
        let reply = Reply::Outcome {
            operations: operations.len(),
            reply,
        };
        self.request(Call::Transact(operations), reply, result, timeout)
            .await
    }

    /// Sends any other request, such as one that a newer server knows. The parameters are an array.
    ///
    /// # Errors
    ///
    /// There is no connection, the time is up, or the server refuses.
    pub async fn call(
        &self,
        method: impl Into<String>,
        params: Box<RawValue>,
        timeout: Duration,
    ) -> Result<Box<RawValue>, TransactError> {
        // A server would close the connection, which belongs to others, too.
        if !params.get().starts_with('[') {
            return Err(TransactError::InvalidParams);
        }
        let (reply, result) = oneshot::channel();
        let call = Call::Other {
            method: method.into(),
            params,
        };
        self.request(call, Reply::Raw(reply), result, timeout).await
    }

    /// The names of the databases that the server serves (`list_dbs`).
    ///
    /// # Errors
    ///
    /// There is no connection, the time is up, or the server refuses.
    pub async fn databases(&self, timeout: Duration) -> Result<Vec<String>, TransactError> {
        self.call_without_params("list_dbs", timeout).await
    }

    /// The identity of the server's process (`get_server_id`, ovsdb-server(7), section 4.1.17).
    ///
    /// # Errors
    ///
    /// There is no connection, the time is up, or the server refuses.
    pub async fn server_id(&self, timeout: Duration) -> Result<Uuid, TransactError> {
        self.call_without_params("get_server_id", timeout).await
    }

    async fn call_without_params<T: DeserializeOwned>(
        &self,
        method: &str,
        timeout: Duration,
    ) -> Result<T, TransactError> {
        let malformed = |error: serde_json::Error| TransactError::Malformed(error.to_string());
        let params = to_json(&[(); 0]).map_err(malformed)?;
        let result = self.call(method, params, timeout).await?;
        serde_json::from_str(result.get()).map_err(malformed)
    }

    async fn request<T>(
        &self,
        call: Call,
        reply: Reply,
        result: oneshot::Receiver<Result<T, TransactError>>,
        timeout: Duration,
    ) -> Result<T, TransactError> {
        let deadline = Instant::now() + timeout.min(LONGEST);
        let command = Command::Request(Request {
            call,
            deadline,
            reply,
        });
        match timeout_at(deadline, self.commands.send(command)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(TransactError::NotConnected),
            Err(_) => return Err(TransactError::TimedOut),
        }
        result.await.unwrap_or(Err(TransactError::Uncertain))
    }

    /// Uses other servers from now on. A connection to one that is among them stays.
    pub async fn set_remotes(&self, remotes: Vec<Remote>) {
        // Without a task there is nobody to follow anything.
        drop(self.commands.send(Command::SetRemotes(remotes)).await);
    }

    /// Follows a server even if the log of its cluster is behind what was seen before, as it is
    /// after an operator went back to a backup. Without this such a server counts as stale. It is
    /// to be called when the older server is in place.
    pub async fn forget_index(&self) {
        drop(self.commands.send(Command::ForgetIndex).await);
    }

    /// Replicates other rows. Once it returns, the snapshot holds exactly those.
    ///
    /// # Errors
    ///
    /// The time is up, or the server refuses.
    pub async fn set_conditions(
        &self,
        conditions: Conditions,
        limit: Duration,
    ) -> Result<(), ConditionsError> {
        let (reply, result) = oneshot::channel();
        let command = Command::SetConditions { conditions, reply };
        let change = async {
            self.commands.send(command).await.ok()?;
            result.await.ok()
        };
        match timeout(limit, change).await {
            Ok(Some(outcome)) => outcome.map_err(ConditionsError::Refused),
            Ok(None) | Err(_) => Err(ConditionsError::TimedOut),
        }
    }

    /// Asks the server for a lock, on this connection and on those that follow it.
    /// [`Event::Lock`] tells when it is held.
    ///
    /// # Errors
    ///
    /// No lock can have this name.
    pub async fn lock(&self, name: impl Into<String>) -> Result<(), InvalidLockName> {
        self.ask_for_lock(name.into(), false).await
    }

    /// Takes a lock from whoever has it. After a reconnection it is asked for, not taken.
    ///
    /// # Errors
    ///
    /// No lock can have this name.
    pub async fn steal(&self, name: impl Into<String>) -> Result<(), InvalidLockName> {
        self.ask_for_lock(name.into(), true).await
    }

    async fn ask_for_lock(&self, name: String, steal: bool) -> Result<(), InvalidLockName> {
        if !is_identifier(&name) {
            return Err(InvalidLockName(name));
        }
        // Without a task there is nobody to hold a lock.
        drop(self.commands.send(Command::Lock { name, steal }).await);
        Ok(())
    }

    /// Gives a lock back, or no longer asks for it.
    pub async fn unlock(&self, name: impl Into<String>) {
        drop(
            self.commands
                .send(Command::Unlock { name: name.into() })
                .await,
        );
    }
}

/// Whether a text is an `<id>` (RFC 7047, section 3.1). A server takes any other for a syntax error.
fn is_identifier(name: &str) -> bool {
    let ordinary = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(ordinary)
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}
