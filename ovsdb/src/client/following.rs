//! A connection while it lasts: feeds a session from the socket, and handles from the session.

use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::time::{self, Instant};

use super::Command;
use super::event::{Event, Reason};
use super::request::{Call, Reply, Request};
use super::task::{Task, answer};
use crate::jsonrpc::RequestId;
use crate::remote::Remote;
use crate::replica::{Changes, Database, Step};
use crate::session::{Session, SessionEvent};
use crate::socket::Stream;
use crate::transaction::{OperationError, TransactError};

/// How many requests may wait for their replies before handles have to wait to send more.
const MAX_WAITING: usize = 1024;

/// How many bytes may wait to be sent before handles have to wait to send more.
const MAX_UNSENT: usize = 1 << 20;

/// How much is read at once.
const READ_SIZE: usize = 1 << 16;

/// Why following a server ended.
pub(super) enum End {
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

/// A connection that is being followed.
pub(super) struct Following<'a, D: Database> {
    task: &'a mut Task<D>,
    remote: &'a Remote,
    session: Session<D>,
    waiting: BTreeMap<RequestId, Waiting>,
    changing: BTreeMap<RequestId, oneshot::Sender<Result<(), OperationError>>>,
    held: BTreeSet<String>,
    followed: bool,
}

/// A request that waits for its reply.
struct Waiting {
    deadline: Instant,
    reply: Reply,
}

/// What the task woke up for.
enum Wake {
    Received(io::Result<usize>),
    Sent(io::Result<usize>),
    Command(Option<Command>),
    Timeout,
}

impl<'a, D: Database> Following<'a, D> {
    pub(super) fn new(task: &'a mut Task<D>, remote: &'a Remote, session: Session<D>) -> Self {
        Self {
            task,
            remote,
            session,
            waiting: BTreeMap::new(),
            changing: BTreeMap::new(),
            held: BTreeSet::new(),
            followed: false,
        }
    }

    pub(super) async fn run(&mut self, stream: Box<dyn Stream>) -> End {
        let (mut reader, mut writer) = tokio::io::split(stream);
        loop {
            let deadline = self.deadline();
            let (received, unsent) = self.session.buffers();
            received.reserve(READ_SIZE);
            let waiting = self.waiting.len() + self.changing.len();
            let accepts = waiting < MAX_WAITING && unsent.len() < MAX_UNSENT;
            let mut wake = tokio::select! {
                count = reader.read_buf(received) => Wake::Received(count),
                count = writer.write_buf(unsent), if !unsent.is_empty() => Wake::Sent(count),
                command = self.task.commands.recv(), if accepts => Wake::Command(command),
                () = sleep_until(deadline) => Wake::Timeout,
            };
            if let Wake::Timeout = wake {
                // A process that was held up must not take what has arrived meanwhile for silence.
                let received = self.session.buffers().0;
                wake = tokio::select! {
                    biased;
                    count = reader.read_buf(received) => Wake::Received(count),
                    () = future::ready(()) => Wake::Timeout,
                };
            }
            if let Err(end) = self.handle(wake) {
                return end;
            }
        }
    }

    /// Keeps for the next connection what outlives this one, and tells those who wait. Returns
    /// whether the replica followed the server at any time.
    pub(super) fn finish(self) -> bool {
        self.task.replica = self.session.into_replica();
        for waiting in self.waiting.into_values() {
            waiting.reply.answer(Err(TransactError::Uncertain));
        }
        for reply in self.changing.into_values() {
            self.task.expect_conditions(reply);
        }
        for name in self.held {
            self.task.events.send(Event::Lock { name, held: false });
        }
        self.followed
    }

    fn handle(&mut self, wake: Wake) -> Result<(), End> {
        match wake {
            Wake::Received(Ok(0)) => return Err(End::Lost(Reason::Closed)),
            Wake::Received(Ok(_)) => {
                let handled = self.session.handle_received(Instant::now().into_std());
                // What came before an error still counts.
                self.handle_events()?;
                handled.map_err(Reason::from)?;
            }
            Wake::Received(Err(error)) | Wake::Sent(Err(error)) => {
                return Err(End::Lost(Reason::Socket(error)));
            }
            Wake::Sent(Ok(_)) => {}
            Wake::Command(command) => {
                self.command(command.ok_or(End::Unused)?)?;
                self.handle_events()?;
            }
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
            Command::SetConditions { conditions, reply } => {
                self.task.options.conditions = conditions.clone();
                let request = self
                    .session
                    .change_conditions(conditions)
                    .map_err(Reason::from)?;
                match request {
                    Some(request) => {
                        self.changing.insert(request, reply);
                    }
                    None if self.session.is_following() => answer(reply, Ok(())),
                    None => self.task.expect_conditions(reply),
                }
            }
            Command::Request(request) => self.request(request)?,
            Command::SetRemotes(remotes) => {
                let stays = remotes.contains(self.remote);
                self.task.set_remotes(remotes);
                if !stays {
                    return Err(End::Lost(Reason::RemotesChanged));
                }
            }
            Command::ForgetIndex => self.session.forget_index(),
            Command::Lock { name, steal } => {
                if self.session.is_following() {
                    self.session.lock(&name, steal).map_err(Reason::from)?;
                }
                self.task.locks.insert(name);
            }
            Command::Unlock { name } => {
                self.session.unlock(&name).map_err(Reason::from)?;
                self.task.locks.remove(&name);
            }
        }
        Ok(())
    }

    fn request(&mut self, request: Request) -> Result<(), End> {
        let Request {
            call,
            deadline,
            reply,
        } = request;
        if !self.session.is_following() {
            reply.answer(Err(TransactError::NotConnected));
            return Ok(());
        }
        if deadline <= Instant::now() {
            reply.answer(Err(TransactError::TimedOut));
            return Ok(());
        }
        if !reply.is_closed() {
            let id = match call {
                Call::Transact(operations) => self.session.transact(&operations),
                Call::Other { method, params } => self.session.call(&method, &params),
            };
            self.waiting
                .insert(id.map_err(Reason::from)?, Waiting { deadline, reply });
        }
        Ok(())
    }

    /// Gives up the requests whose time is up.
    fn expire(&mut self, now: Instant) {
        let waiting = std::mem::take(&mut self.waiting);
        for (id, waiting) in waiting {
            if waiting.deadline <= now {
                self.session.cancel(id);
                waiting.reply.answer(Err(TransactError::Uncertain));
            } else {
                self.waiting.insert(id, waiting);
            }
        }
    }

    fn handle_events(&mut self) -> Result<(), End> {
        while let Some(event) = self.session.poll_event() {
            match event {
                SessionEvent::Synchronized(step) => self.synchronized(step)?,
                SessionEvent::Changed(step) => self.changed(step),
                SessionEvent::Replied { request, outcome } => {
                    if let Some(waiting) = self.waiting.remove(&request) {
                        waiting
                            .reply
                            .answer(outcome.map_err(TransactError::Request));
                    }
                }
                SessionEvent::ConditionsChanged { request, outcome } => {
                    // The next connection would not come about with what was refused.
                    self.task.options.conditions = self.session.conditions().clone();
                    match self.changing.remove(&request) {
                        Some(reply) => answer(reply, outcome),
                        None => self.task.conditions_in_effect(&outcome),
                    }
                }
                SessionEvent::Lock { name, held } => {
                    match held {
                        true => self.held.insert(name.clone()),
                        false => self.held.remove(&name),
                    };
                    self.task.events.send(Event::Lock { name, held });
                }
            }
        }
        Ok(())
    }

    fn synchronized(&mut self, step: Step<D>) -> Result<(), End> {
        self.followed = true;
        self.changed(step);
        self.task.events.send(Event::Connected {
            remote: self.remote.clone(),
        });
        if !self.session.awaits_conditions() {
            self.task.conditions_in_effect(&Ok(()));
        }
        for name in &self.task.locks {
            self.session.lock(name, false).map_err(Reason::from)?;
        }
        Ok(())
    }

    /// Publishes the rows after a step, and then the step. Even without changes the tables may be
    /// other ones: those of another schema.
    fn changed(&mut self, step: Step<D>) {
        self.task.snapshot.send_replace(Arc::clone(&step.tables));
        if !step.changes.is_empty() {
            self.task.events.send(Event::Changed(step));
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline).await,
        None => future::pending().await,
    }
}
