//! The client: a replica that stays true, and transactions, for as long as the program runs.
//!
//! A task of its own owns the connection, the replica and everything under way; handles talk to
//! it by channels. It connects, and connects again whenever the connection ends, for ever. After
//! each reconnection it compares what the server sends with what was there before, so that rows
//! which stayed the same cause no change.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::operation::Operation;
use crate::remote::Remote;
use crate::replica::{Database, Replica};
use crate::transaction::{Outcome, TransactError, Transaction};

mod event;
mod task;

use task::Task;

pub use event::{Disconnection, Event, Events, Reason, Step};

/// How many commands of handles may wait for the task.
const COMMANDS: usize = 64;

/// How a client behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long nothing may arrive before the server is asked whether it is there; after as long
    /// again without an answer the connection is given up.
    pub inactivity_probe: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// The shortest and the longest time between two attempts to connect.
    pub backoff: (Duration, Duration),
    /// The longest message that is accepted, in bytes.
    pub max_message: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inactivity_probe: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            backoff: (Duration::from_millis(100), Duration::from_secs(8)),
            max_message: 1 << 30,
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
    Transact {
        operations: Vec<Operation>,
        deadline: Instant,
        reply: oneshot::Sender<Result<Outcome, TransactError>>,
    },
}

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

    /// Starts a client of tables that are described at run time.
    #[must_use]
    pub fn connect_to(tables: D, remotes: Vec<Remote>, options: Options) -> (Self, Events<D>) {
        let (commands, received) = mpsc::channel(COMMANDS);
        let (sender, events) = event::queue();
        let (publish, snapshot) = watch::channel(Arc::new(tables.clone()));
        let replica = Replica::new(tables);
        let task = Task {
            remotes,
            options,
            commands: received,
            events: sender,
            snapshot: publish,
            replica,
        };
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
    /// Dropping the future does not take the transaction back.
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
        let deadline = Instant::now() + timeout;
        let (reply, result) = oneshot::channel();
        let operations = transaction.into_operations();
        let command = Command::Transact {
            operations,
            deadline,
            reply,
        };
        match timeout_at(deadline, self.commands.send(command)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(TransactError::NotConnected),
            Err(_) => return Err(TransactError::TimedOut),
        }
        result.await.unwrap_or(Err(TransactError::Uncertain))
    }
}
