//! The task behind a client: it owns the connection, the replica and the requests under way.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, Instant};

use super::event::{Disconnection, Event, EventSender, Reason, Step};
use super::{Command, Options};
use crate::backoff::Backoff;
use crate::jsonrpc::RequestId;
use crate::monitor::Conditions;
use crate::remote::Remote;
use crate::replica::{Changes, Database, Replica};
use crate::session::{Session, SessionEvent, SessionOptions};
use crate::socket::{self, Stream};
use crate::transaction::{Outcome, TransactError};

/// How many transactions may wait for their replies before handles have to wait to send more.
const MAX_WAITING: usize = 1024;

/// How many bytes may wait to be sent before handles have to wait to send more.
const MAX_UNSENT: usize = 1 << 20;

/// How much is read at once.
const READ_SIZE: usize = 1 << 16;

pub(super) struct Task<D: Database> {
    pub(super) remotes: Vec<Remote>,
    pub(super) options: Options,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) events: EventSender<D>,
    pub(super) snapshot: watch::Sender<Arc<D>>,
    pub(super) replica: Replica<D>,
}

/// A transaction that waits for its reply.
struct Waiting {
    operations: usize,
    deadline: Instant,
    reply: oneshot::Sender<Result<Outcome, TransactError>>,
}

/// Why following a server ended.
enum End {
    /// Every handle is gone.
    Unused,
    /// The connection is lost.
    Lost(Reason),
}

impl From<Reason> for End {
    fn from(reason: Reason) -> Self {
        Self::Lost(reason)
    }
}

impl<D: Database> Task<D> {
    /// Follows one remote after the other until every handle is gone.
    pub(super) async fn run(mut self) {
        let (shortest, longest) = self.options.backoff;
        let mut backoff = Backoff::new(shortest, longest);
        let remotes = self.remotes.clone();
        let mut last_reason = None;
        for remote in remotes.iter().cycle() {
            let mut connected = false;
            let End::Lost(reason) = self.follow(remote, &mut connected).await else {
                return;
            };
            if connected {
                backoff.reset();
                last_reason = None;
            }
            // A server that stays away for the same reason is news only once.
            let text = Some(format!("{remote}: {reason}"));
            if text != last_reason {
                last_reason = text;
                let disconnection = Disconnection {
                    remote: remote.clone(),
                    reason,
                };
                self.events.send(Event::Disconnected(disconnection));
            }
            if self.pause(backoff.next(random())).await.is_none() {
                return;
            }
        }
    }

    /// Waits before the next attempt. `None` if every handle is gone.
    async fn pause(&mut self, wait: Duration) -> Option<()> {
        let wait = time::sleep(wait);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => return Some(()),
                command = self.commands.recv() => refuse(command?),
            }
        }
    }

    /// Connects to one server and follows it for as long as that works.
    async fn follow(&mut self, remote: &Remote, connected: &mut bool) -> End {
        let stream = match self.connect(remote).await {
            Ok(stream) => stream,
            Err(end) => return end,
        };
        let options = SessionOptions {
            inactivity_probe: self.options.inactivity_probe,
            max_message: self.options.max_message,
            conditions: Conditions::new(),
        };
        let now = Instant::now().into_std();
        let session = match Session::new(self.replica.clone(), options, now) {
            Ok(session) => session,
            Err(error) => return End::Lost(error.into()),
        };
        let mut following = Following {
            task: self,
            remote,
            session,
            waiting: BTreeMap::new(),
        };
        let end = following.run(stream).await;
        *connected = following.session.is_following();
        following.finish();
        end
    }

    async fn connect(&mut self, remote: &Remote) -> Result<Box<dyn Stream>, End> {
        let limit = self.options.connect_timeout;
        let connecting = time::timeout(limit, socket::connect(remote));
        tokio::pin!(connecting);
        loop {
            tokio::select! {
                connected = &mut connecting => return match connected {
                    Ok(connected) => connected.map_err(|error| End::Lost(Reason::Connect(error))),
                    Err(_) => Err(End::Lost(Reason::ConnectTimeout(limit))),
                },
                command = self.commands.recv() => refuse(command.ok_or(End::Unused)?),
            }
        }
    }
}

/// Answers a command while there is no connection.
fn refuse(command: Command) {
    match command {
        Command::Transact { reply, .. } => answer(reply, Err(TransactError::NotConnected)),
    }
}

/// Answers a handle, which may have stopped waiting.
fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    drop(reply.send(value));
}

/// A number that differs from call to call and from process to process.
fn random() -> u32 {
    let bits = RandomState::new().build_hasher().finish();
    u32::try_from(bits >> 32).unwrap_or_default()
}

/// A connection that is being followed.
struct Following<'a, D: Database> {
    task: &'a mut Task<D>,
    remote: &'a Remote,
    session: Session<D>,
    waiting: BTreeMap<RequestId, Waiting>,
}

/// What the task woke up for.
enum Wake {
    Received(io::Result<usize>),
    Sent(io::Result<usize>),
    Command(Option<Command>),
    Timeout,
}

impl<D: Database> Following<'_, D> {
    async fn run(&mut self, stream: Box<dyn Stream>) -> End {
        let (mut reader, mut writer) = tokio::io::split(stream);
        loop {
            let deadline = self.deadline();
            let (received, unsent) = self.session.buffers();
            received.reserve(READ_SIZE);
            let accepts = self.waiting.len() < MAX_WAITING && unsent.len() < MAX_UNSENT;
            let wake = tokio::select! {
                count = reader.read_buf(received) => Wake::Received(count),
                count = writer.write_buf(unsent), if !unsent.is_empty() => Wake::Sent(count),
                command = self.task.commands.recv(), if accepts => Wake::Command(command),
                () = sleep_until(deadline) => Wake::Timeout,
            };
            if let Err(end) = self.handle(wake) {
                return end;
            }
        }
    }

    fn handle(&mut self, wake: Wake) -> Result<(), End> {
        match wake {
            Wake::Received(Ok(0)) => return Err(End::Lost(Reason::Closed)),
            Wake::Received(Ok(_)) => {
                let handled = self.session.handle_received(Instant::now().into_std());
                // What came before an error still counts.
                self.handle_events();
                handled.map_err(Reason::from)?;
            }
            Wake::Received(Err(error)) | Wake::Sent(Err(error)) => {
                return Err(End::Lost(Reason::Socket(error)));
            }
            Wake::Sent(Ok(_)) => {}
            Wake::Command(command) => self.command(command.ok_or(End::Unused)?)?,
            Wake::Timeout => {
                let now = Instant::now();
                self.session
                    .handle_timeout(now.into_std())
                    .map_err(Reason::from)?;
                self.expire(now);
            }
        }
        Ok(())
    }

    /// When something has to be done even if nothing happens.
    fn deadline(&self) -> Option<Instant> {
        let waiting = self.waiting.values().map(|waiting| waiting.deadline);
        waiting
            .chain(self.session.poll_timeout().map(Instant::from_std))
            .min()
    }

    fn command(&mut self, command: Command) -> Result<(), End> {
        match command {
            _ if !self.session.is_following() => refuse(command),
            Command::Transact { reply, .. } if reply.is_closed() => {}
            Command::Transact {
                deadline, reply, ..
            } if deadline <= Instant::now() => {
                answer(reply, Err(TransactError::TimedOut));
            }
            Command::Transact {
                operations,
                deadline,
                reply,
            } => {
                let id = self.session.transact(&operations).map_err(Reason::from)?;
                let operations = operations.len();
                self.waiting.insert(
                    id,
                    Waiting {
                        operations,
                        deadline,
                        reply,
                    },
                );
            }
        }
        Ok(())
    }

    /// Gives up the transactions whose time is up.
    fn expire(&mut self, now: Instant) {
        let waiting = std::mem::take(&mut self.waiting);
        for (id, waiting) in waiting {
            if waiting.deadline <= now {
                self.session.cancel(id);
                answer(waiting.reply, Err(TransactError::Uncertain));
            } else {
                self.waiting.insert(id, waiting);
            }
        }
    }

    fn handle_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                SessionEvent::Synchronized(changes) => {
                    self.changed(changes);
                    self.task.events.send(Event::Connected {
                        remote: self.remote.clone(),
                    });
                }
                SessionEvent::Changed(changes) => self.changed(changes),
                SessionEvent::Replied { request, outcome } => {
                    if let Some(waiting) = self.waiting.remove(&request) {
                        let outcome = outcome.map_err(TransactError::Request);
                        let outcome =
                            outcome.and_then(|result| Outcome::read(&result, waiting.operations));
                        answer(waiting.reply, outcome);
                    }
                }
            }
        }
    }

    /// Publishes the rows after a step, and then the step.
    fn changed(&mut self, changes: D::Changes) {
        if changes.is_empty() {
            return;
        }
        let tables = Arc::new(self.session.replica().tables().clone());
        self.task.snapshot.send_replace(Arc::clone(&tables));
        self.task
            .events
            .send(Event::Changed(Step { changes, tables }));
    }

    /// Keeps the replica for the next connection, and tells those who wait for a reply.
    fn finish(self) {
        self.task.replica = self.session.into_replica();
        for waiting in self.waiting.into_values() {
            answer(waiting.reply, Err(TransactError::Uncertain));
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
