//! A connection: a session on a tokio stream.
//!
//! This file and those beneath it are the only ones that know tokio. A task owns the stream and the
//! session; a [`Connection`] talks to it by channel, so it can be cloned, and dropping a future that
//! waits for a reply loses nothing but that reply.
//!
//! Memory is bounded on both sides. Commands wait while the switch does not take what was sent.
//! What the switch says by itself waits in a queue of its own, apart from replies: an application
//! that does not keep up with it loses events, and is told how many, but never waits for a reply
//! behind them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::field::MeterId;
use crate::group::Group;
use crate::message::{Error, Features, Message, Port, Role};
use crate::meter::Meter;
use crate::multipart::{
    FlowMonitorRequest, FlowStats, FlowStatsRequest, FlowUpdate, MeterRequest, MultipartRequest,
    ReplyBody, RequestBody,
};
use crate::session::{self, BundleError, NoReply, PeerError, Xid};
use crate::wire::{DecodeError, TooLong};

mod listener;
mod pki;
mod target;
mod task;

pub use listener::{Incoming, Listener};
pub use pki::{Pki, PkiError};
pub use target::{InvalidTarget, ListenTarget, Target};
use task::{Command, Reply, Task};

/// How a connection behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How the session behaves.
    pub session: session::Options,
    /// How long connecting and the handshake may take together.
    pub connect_timeout: Duration,
    /// How long the switch may take to answer a request.
    pub request_timeout: Duration,
    /// How many events may wait for the application. Past that they are dropped and counted.
    pub events: usize,
    /// The key and certificates for targets that ask for TLS.
    pub pki: Option<Pki>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            session: session::Options::default(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
            events: 4096,
            pki: None,
        }
    }
}

/// What a switch says without being asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A message: a packet-in, a port's change, an update of a flow monitor, an error.
    Message {
        /// The identifier that the switch gave it; that of the culprit, if it is an error.
        xid: Xid,
        /// The message.
        message: Message,
    },
    /// The switch says something that cannot be understood.
    Unreadable {
        /// The identifier that the switch gave it.
        xid: Xid,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The application was too slow, and messages before this one were dropped.
    Overflow {
        /// How many.
        dropped: usize,
    },
    /// The connection is over. This is the last event.
    Closed(Closed),
}

/// Why there is no connection, or no longer one.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// The operating system says so.
    #[error("{0}")]
    Io(#[source] Arc<io::Error>),
    /// The switch does not keep to the protocol.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// Connecting or the handshake took too long.
    #[error("no answer to the handshake within {0:?}")]
    Timeout(Duration),
}

impl From<io::Error> for Closed {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

/// Why a request has no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The switch refuses it.
    #[error("refused: {0}")]
    Refused(Error),
    /// The answer cannot be understood.
    #[error("malformed reply: {0}")]
    Malformed(DecodeError),
    /// The bundle was not carried out.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The message cannot be encoded.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The answer is not of the kind that was asked for.
    #[error("unexpected reply {0}")]
    Unexpected(&'static str),
    /// The switch took too long.
    #[error("no reply within {0:?}")]
    Timeout(Duration),
    /// The connection ended first.
    #[error("the connection is closed")]
    Closed,
}

impl From<NoReply> for RequestError {
    fn from(reason: NoReply) -> Self {
        match reason {
            NoReply::Refused(error) => Self::Refused(error),
            NoReply::Malformed(error) => Self::Malformed(error),
        }
    }
}

/// A connection to a switch. Clones share it; it ends when the last is dropped.
#[derive(Clone, Debug)]
pub struct Connection {
    commands: mpsc::Sender<Command>,
    features: Features,
    request_timeout: Duration,
}

/// What a switch says without being asked, in order.
#[derive(Debug)]
pub struct Events {
    queue: mpsc::Receiver<Event>,
    last: oneshot::Receiver<Closed>,
    over: bool,
}

impl Connection {
    /// Connects to a switch and greets it.
    ///
    /// # Errors
    ///
    /// Nobody listens there, or what answers does not speak OpenFlow 1.3.
    pub async fn connect(target: &Target, options: Options) -> Result<(Self, Events), Closed> {
        let limit = options.connect_timeout;
        let connecting = async {
            match target {
                Target::Unix(path) => Self::on(UnixStream::connect(path).await?, options).await,
                Target::Tcp { host, port } => Self::on(dial(host, *port).await?, options).await,
                Target::Ssl { host, port } => {
                    let pki = options.pki.clone().ok_or_else(no_tls)?;
                    let stream = pki.connect(host, dial(host, *port).await?).await?;
                    Self::on(stream, options).await
                }
            }
        };
        timeout(limit, connecting)
            .await
            .map_err(|_| Closed::Timeout(limit))?
    }

    /// Greets a switch on a stream that is connected already.
    ///
    /// # Errors
    ///
    /// The handshake fails.
    pub async fn on<S>(stream: S, options: Options) -> Result<(Self, Events), Closed>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (commands, receiver) = mpsc::channel(64);
        let (queue, events) = mpsc::channel(options.events.max(1));
        let (last, last_receiver) = oneshot::channel();
        let (ready, handshake) = oneshot::channel();
        let request_timeout = options.request_timeout;
        let task = Task::new(options.session, ready, queue);
        tokio::spawn(async move {
            // The application may be gone, and then nobody wants to know.
            drop(last.send(task.run(stream, receiver).await));
        });
        let mut events = Events {
            queue: events,
            last: last_receiver,
            over: false,
        };
        match handshake.await {
            Ok(features) => Ok((
                Self {
                    commands,
                    features,
                    request_timeout,
                },
                events,
            )),
            Err(_) => Err(events.reason().await),
        }
    }

    /// What the switch said of itself in the handshake.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Sends a message that has no reply, and returns its identifier: an error that is about it
    /// carries the same.
    ///
    /// # Errors
    ///
    /// The message is too long, or the connection is closed.
    pub async fn send(&self, message: Message) -> Result<Xid, RequestError> {
        self.command(|reply| Command::Send(message, reply)).await
    }

    /// Sends a request and waits for its reply: one message, or the parts of a multipart reply.
    ///
    /// # Errors
    ///
    /// The switch refuses, takes too long or goes away.
    pub async fn request(&self, message: Message) -> Result<Vec<Message>, RequestError> {
        self.command(|reply| Command::Request(message, reply)).await
    }

    /// Waits until the switch has carried out everything that was sent before.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn barrier(&self) -> Result<(), RequestError> {
        self.request(Message::BarrierRequest).await.map(drop)
    }

    /// Has the switch carry out all of `messages`, in order, or none, and waits for the answer to a
    /// barrier behind them.
    ///
    /// The messages may be flow, group and port mods. Each is taken from the iterator when the
    /// switch has room for it, so a long bundle needs no more memory than a short one. Dropping the
    /// future does not call them back.
    ///
    /// # Errors
    ///
    /// [`RequestError::Bundle`] names the message that the switch refused; nothing is changed.
    pub async fn bundle<I>(&self, messages: I) -> Result<(), RequestError>
    where
        I: IntoIterator<Item = Message>,
        I::IntoIter: ExactSizeIterator + Send + 'static,
    {
        let messages = messages.into_iter();
        let count = messages.len();
        let messages = Box::new(messages);
        self.command(|reply| Command::Bundle {
            count,
            messages,
            reply,
        })
        .await
    }

    /// Every flow of every table.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn flows(&self) -> Result<Vec<FlowStats>, RequestError> {
        self.flows_of(FlowStatsRequest::all()).await
    }

    /// Those flows that are asked for.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn flows_of(&self, which: FlowStatsRequest) -> Result<Vec<FlowStats>, RequestError> {
        let question = RequestBody::Flow(which);
        collect(self.ask(question).await?, |part| match part {
            ReplyBody::Flow(flows) => Ok(flows),
            other => Err(other),
        })
    }

    /// Every group.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn groups(&self) -> Result<Vec<Group>, RequestError> {
        collect(self.ask(RequestBody::GroupDesc).await?, |part| match part {
            ReplyBody::GroupDesc(groups) => Ok(groups),
            other => Err(other),
        })
    }

    /// Every meter.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn meters(&self) -> Result<Vec<Meter>, RequestError> {
        let all = RequestBody::MeterConfig(MeterRequest { id: MeterId::ALL });
        collect(self.ask(all).await?, |part| match part {
            ReplyBody::MeterConfig(meters) => Ok(meters),
            other => Err(other),
        })
    }

    /// Every port.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn ports(&self) -> Result<Vec<Port>, RequestError> {
        collect(self.ask(RequestBody::PortDesc).await?, |part| match part {
            ReplyBody::PortDesc(ports) => Ok(ports),
            other => Err(other),
        })
    }

    /// Has the switch tell of changes to its flows from now on, and returns what it tells at once.
    /// What follows comes as [`Event::Message`].
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn monitor(
        &self,
        request: FlowMonitorRequest,
    ) -> Result<Vec<FlowUpdate>, RequestError> {
        let request = RequestBody::FlowMonitor(vec![request]);
        collect(self.ask(request).await?, |part| match part {
            ReplyBody::FlowMonitor(updates) => Ok(updates),
            other => Err(other),
        })
    }

    /// Asks for a role among the controllers of the switch, and returns the role that it has.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request); a generation that is older than one that the switch has
    /// heard of is refused with [`ErrorCode::OFPRRFC_STALE`](crate::message::ErrorCode).
    pub async fn role(&self, role: Role) -> Result<Role, RequestError> {
        match self.request(Message::RoleRequest(role)).await?.pop() {
            Some(Message::RoleReply(role)) => Ok(role),
            other => Err(RequestError::Unexpected(
                other.map_or("nothing", |message| message.name()),
            )),
        }
    }

    /// Asks a multipart question, and returns the parts of the answer.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn ask(&self, question: RequestBody) -> Result<Vec<ReplyBody>, RequestError> {
        let question = MultipartRequest::from(question);
        let parts = self.request(question.into()).await?;
        let bodies = parts.into_iter().map(|part| match part {
            Message::MultipartReply(reply) => Ok(reply.body),
            other => Err(RequestError::Unexpected(other.name())),
        });
        bodies.collect()
    }

    async fn command<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, RequestError> {
        let (reply, answer) = oneshot::channel();
        let limit = self.request_timeout;
        let asked = async {
            self.commands
                .send(command(reply))
                .await
                .map_err(|_| RequestError::Closed)?;
            answer.await.unwrap_or(Err(RequestError::Closed))
        };
        timeout(limit, asked)
            .await
            .unwrap_or(Err(RequestError::Timeout(limit)))
    }
}

impl Events {
    /// The next event; after [`Event::Closed`] there is none.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.queue.recv().await {
            return Some(event);
        }
        if self.over {
            return None;
        }
        let closed = self.reason().await;
        self.over = true;
        Some(Event::Closed(closed))
    }

    /// Why the connection ended.
    async fn reason(&mut self) -> Closed {
        (&mut self.last)
            .await
            .unwrap_or_else(|_| PeerError::Closed.into())
    }
}

/// Puts the lists of all parts together.
fn collect<T>(
    parts: Vec<ReplyBody>,
    list: impl Fn(ReplyBody) -> Result<Vec<T>, ReplyBody>,
) -> Result<Vec<T>, RequestError> {
    let mut all = Vec::new();
    for part in parts {
        all.append(&mut list(part).map_err(|part| RequestError::Unexpected(part.name()))?);
    }
    Ok(all)
}

async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    // Requests are small, and somebody waits for each.
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn no_tls() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "TLS needs a private key and certificates",
    )
}

#[cfg(test)]
mod tests;
