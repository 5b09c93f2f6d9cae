//! What a client tells its application, and the queue that it waits in.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::remote::Remote;
use crate::replica::{Changes, Database, Step};
use crate::session::SessionError;

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<D: Database> {
    /// The replica holds the whole database and follows it. If rows differ from what was there
    /// before, an [`Event::Changed`] with the differences came just before. It comes again, without
    /// a disconnection, when the database was converted to another schema that still fits.
    Connected {
        /// The server.
        remote: Remote,
    },
    /// Rows changed, from one consistent state to another: by one transaction of the server, or by
    /// several if the application or the connection was too slow to see them one by one.
    Changed(Step<D>),
    /// The replica does not follow the database, or no longer. It stays as it is until the next
    /// connection. As long as a server stays away for the same reason, that is told once.
    Disconnected(Disconnection),
    /// A lock was gained or lost. With a connection go its locks.
    Lock {
        /// Its name.
        name: String,
        /// Whether this client holds it now.
        held: bool,
    },
}

/// Why a connection ended or did not come about.
#[derive(Debug, thiserror::Error)]
#[error("{remote}: {reason}")]
pub struct Disconnection {
    /// The server.
    pub remote: Remote,
    /// Why.
    #[source]
    pub reason: Reason,
}

/// Why a connection ended or did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The server cannot be reached.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The server could not be reached in time.
    #[error("cannot connect within {} s", .0.as_secs_f32())]
    ConnectTimeout(Duration),
    /// Reading from the socket or writing to it failed.
    #[error(transparent)]
    Socket(io::Error),
    /// The server closed the connection.
    #[error("closed by the server")]
    Closed,
    /// The application no longer wants this server.
    #[error("no longer among the remotes")]
    RemotesChanged,
    /// The session cannot go on.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// How many events may wait before they are folded into fewer.
const CAPACITY: usize = 256;

/// Makes the two ends of an application's queue of events.
pub(super) fn queue<D: Database>() -> (EventSender<D>, Events<D>) {
    let queue = Arc::new(Queue {
        state: Mutex::new(State {
            events: VecDeque::new(),
            sender: true,
            receiver: true,
        }),
        arrived: Notify::new(),
    });
    (
        EventSender {
            queue: Arc::clone(&queue),
        },
        Events { queue },
    )
}

#[derive(Debug)]
struct Queue<D: Database> {
    state: Mutex<State<D>>,
    arrived: Notify,
}

#[derive(Debug)]
struct State<D: Database> {
    events: VecDeque<Event<D>>,
    /// Whether the sender is there.
    sender: bool,
    /// Whether the receiver is there.
    receiver: bool,
}

impl<D: Database> Queue<D> {
    /// The lock is held for a few instructions that cannot fail, never across an await.
    fn state(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task's end of the queue.
#[derive(Debug)]
pub(super) struct EventSender<D: Database> {
    queue: Arc<Queue<D>>,
}

impl<D: Database> EventSender<D> {
    /// Appends an event. A full queue is folded; it never blocks and never grows past its
    /// capacity.
    pub(super) fn send(&self, event: Event<D>) {
        let mut state = self.queue.state();
        if !state.receiver {
            return;
        }
        if state.events.len() >= CAPACITY {
            let events = std::mem::take(&mut state.events);
            state.events = fold(events);
        }
        state.events.push_back(event);
        drop(state);
        self.queue.arrived.notify_one();
    }
}

impl<D: Database> Drop for EventSender<D> {
    fn drop(&mut self) {
        self.queue.state().sender = false;
        self.queue.arrived.notify_one();
    }
}

/// Merges all steps into one, and keeps only the latest state of the connection and of each lock.
fn fold<D: Database>(events: VecDeque<Event<D>>) -> VecDeque<Event<D>> {
    let mut step: Option<Step<D>> = None;
    let mut connection = None;
    let mut locks = BTreeMap::new();
    for event in events {
        match event {
            Event::Changed(later) => match &mut step {
                None => step = Some(later),
                Some(step) => {
                    step.changes.merge(later.changes);
                    step.tables = later.tables;
                }
            },
            Event::Lock { name, held } => {
                locks.insert(name, held);
            }
            event @ (Event::Connected { .. } | Event::Disconnected(_)) => connection = Some(event),
        }
    }
    let locks = locks
        .into_iter()
        .map(|(name, held)| Event::Lock { name, held });
    step.map(Event::Changed)
        .into_iter()
        .chain(connection)
        .chain(locks)
        .collect()
}

/// The events of a client, in order.
///
/// An application that is slow to take them sees several steps merged into one, so that they
/// never pile up.
#[derive(Debug)]
pub struct Events<D: Database> {
    queue: Arc<Queue<D>>,
}

impl<D: Database> Events<D> {
    /// The next event; `None` once every [`Client`](crate::Client) is gone.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event<D>> {
        loop {
            let arrived = self.queue.arrived.notified();
            {
                let mut state = self.queue.state();
                if let Some(event) = state.events.pop_front() {
                    return Some(event);
                }
                if !state.sender {
                    return None;
                }
            }
            arrived.await;
        }
    }
}

impl<D: Database> Drop for Events<D> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.receiver = false;
        state.events.clear();
    }
}

#[cfg(test)]
mod tests;
