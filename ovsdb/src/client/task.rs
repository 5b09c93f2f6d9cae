//! The task behind a client: it goes from server to server and keeps what outlives a connection.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, Instant};

use super::event::{Disconnection, Event, EventSender, Reason};
use super::following::{End, Following};
use super::{Command, Options};
use crate::backoff::Backoff;
use crate::remote::Remote;
use crate::replica::{Database, LogPosition, Replica};
use crate::session::{Session, SessionOptions};
use crate::socket::{self, Stream};
use crate::transaction::{OperationError, TransactError};

pub(super) struct Task<D: Database> {
    remotes: Vec<Remote>,
    /// Which remote comes next.
    next: usize,
    pub(super) options: Options,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) events: EventSender<D>,
    pub(super) snapshot: watch::Sender<Arc<D>>,
    pub(super) replica: Replica<D>,
    /// The locks that handles want.
    pub(super) locks: BTreeSet<String>,
    /// Handles that wait for conditions to be in effect, which they are with the next connection.
    pub(super) conditions_set: Vec<oneshot::Sender<Result<(), OperationError>>>,
}

impl<D: Database> Task<D> {
    pub(super) fn new(
        replica: Replica<D>,
        remotes: Vec<Remote>,
        options: Options,
        commands: mpsc::Receiver<Command>,
        events: EventSender<D>,
        snapshot: watch::Sender<Arc<D>>,
    ) -> Self {
        Self {
            remotes,
            next: 0,
            options,
            commands,
            events,
            snapshot,
            replica,
            locks: BTreeSet::new(),
            conditions_set: Vec::new(),
        }
    }

    /// Follows one remote after the other until every handle is gone. After each round without
    /// success there is a pause.
    pub(super) async fn run(mut self) {
        let (shortest, longest) = self.options.backoff;
        let mut backoff = Backoff::new(shortest, longest);
        let mut failures = 0;
        let mut last_reason = None;
        loop {
            let remote = self.remotes.get(self.next).cloned();
            self.next = (self.next + 1) % self.remotes.len().max(1);
            if let Some(remote) = remote {
                let mut followed = false;
                let End::Lost(reason) = self.follow(&remote, &mut followed).await else {
                    return;
                };
                if followed {
                    backoff.reset();
                    failures = 0;
                    last_reason = None;
                }
                // A server that stays away for the same reason is news only once.
                let text = Some(format!("{remote}: {reason}"));
                if text != last_reason {
                    last_reason = text;
                    self.events
                        .send(Event::Disconnected(Disconnection { remote, reason }));
                }
            }
            failures += 1;
            if failures >= self.remotes.len() {
                failures = 0;
                if self.pause(backoff.next(random())).await.is_none() {
                    return;
                }
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
                command = self.commands.recv() => self.refuse(command?),
            }
        }
    }

    /// Connects to one server and follows it for as long as that works.
    async fn follow(&mut self, remote: &Remote, followed: &mut bool) -> End {
        let stream = match self.connect(remote).await {
            Ok(stream) => stream,
            Err(end) => return end,
        };
        let options = SessionOptions {
            inactivity_probe: self.options.inactivity_probe,
            max_message: self.options.max_message,
            leader_only: self.options.leader_only,
        };
        let conditions = self.options.conditions.clone();
        let now = Instant::now().into_std();
        let session = match Session::new(self.replica.clone(), conditions, options, now) {
            Ok(session) => session,
            Err(error) => return End::Lost(error.into()),
        };
        let mut following = Following::new(self, remote, session);
        let end = following.run(stream).await;
        *followed = following.finish();
        end
    }

    /// Connects within the time allowed; a server that is to connect by itself may take its time.
    async fn connect(&mut self, remote: &Remote) -> Result<Box<dyn Stream>, End> {
        let allowed = self.options.connect_timeout;
        let limit = match remote.is_passive() {
            true => Duration::MAX,
            false => allowed,
        };
        let pki = self.options.pki.clone();
        let connecting = time::timeout(limit, socket::connect(remote, pki.as_ref(), allowed));
        tokio::pin!(connecting);
        loop {
            tokio::select! {
                connected = &mut connecting => return match connected {
                    Ok(connected) => connected.map_err(|error| End::Lost(Reason::Connect(error))),
                    Err(_) => Err(End::Lost(Reason::ConnectTimeout(limit))),
                },
                command = self.commands.recv() => {
                    self.refuse(command.ok_or(End::Unused)?);
                    if !self.remotes.contains(remote) {
                        return Err(End::Lost(Reason::RemotesChanged));
                    }
                }
            }
        }
    }

    /// Deals with a command while there is no connection: what is for the next connection is
    /// noted, the rest is refused.
    pub(super) fn refuse(&mut self, command: Command) {
        match command {
            Command::Request(request) => request.reply.answer(Err(TransactError::NotConnected)),
            Command::SetRemotes(remotes) => self.set_remotes(remotes),
            Command::ForgetIndex => self.replica.set_position(LogPosition::default()),
            Command::SetConditions { conditions, reply } => {
                self.options.conditions = conditions;
                self.expect_conditions(reply);
            }
            Command::Lock { name, .. } => {
                self.locks.insert(name);
            }
            Command::Unlock { name } => {
                self.locks.remove(&name);
            }
        }
    }

    /// Notes other servers; the first of them comes next.
    pub(super) fn set_remotes(&mut self, remotes: Vec<Remote>) {
        self.remotes = remotes;
        self.next = 0;
    }

    /// Notes who waits for conditions to be in effect with the next connection.
    pub(super) fn expect_conditions(&mut self, reply: oneshot::Sender<Result<(), OperationError>>) {
        self.conditions_set.retain(|waiting| !waiting.is_closed());
        self.conditions_set.push(reply);
    }

    /// Tells those who wait for conditions to be in effect.
    pub(super) fn conditions_in_effect(&mut self, outcome: &Result<(), OperationError>) {
        for reply in std::mem::take(&mut self.conditions_set) {
            answer(reply, outcome.clone());
        }
    }
}

/// Answers a handle, which may have stopped waiting.
pub(super) fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    drop(reply.send(value));
}

/// A number that differs from call to call and from process to process.
fn random() -> u32 {
    let bits = RandomState::new().build_hasher().finish();
    u32::try_from(bits >> 32).unwrap_or_default()
}
