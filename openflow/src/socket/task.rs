//! The task that owns a stream and its session.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Closed, Event, RequestError};
use crate::message::{Features, Message};
use crate::session::{self, Event as SessionEvent, Messages, PeerError, Session, Xid};

/// How long the switch may take to read what was sent last.
const FAREWELL: Duration = Duration::from_millis(100);

/// How many bytes are read at once.
const READ: usize = 64 << 10;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, RequestError>>;

/// What the application asks of the task.
pub(super) enum Command {
    Send(Message, Reply<Xid>),
    Request(Message, Reply<Vec<Message>>),
    Bundle {
        count: usize,
        messages: Messages,
        reply: Reply<()>,
    },
}

/// Who waits for a reply.
#[derive(Debug)]
enum Waiting {
    Request(Reply<Vec<Message>>),
    Bundle(Reply<()>),
}

/// What the task owns besides the stream.
pub(super) struct Task {
    session: Session,
    waiting: BTreeMap<Xid, Waiting>,
    ready: Option<oneshot::Sender<Features>>,
    queue: mpsc::Sender<Event>,
    dropped: usize,
}

impl Task {
    pub(super) fn new(
        options: session::Options,
        ready: oneshot::Sender<Features>,
        queue: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            session: Session::new(options, now()),
            waiting: BTreeMap::new(),
            ready: Some(ready),
            queue,
            dropped: 0,
        }
    }

    /// Carries the session until either side ends it.
    pub(super) async fn run<S>(mut self, stream: S, mut commands: mpsc::Receiver<Command>) -> Closed
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut reader, mut writer) = split(stream);
        let mut output = Bytes::new();
        let mut flushed = true;
        let closed = loop {
            if output.is_empty() {
                output = self.session.poll_output().unwrap_or_default();
            }
            self.deliver();
            let deadline = self.session.poll_deadline();
            self.session.input().reserve(READ);
            let has_room = self.session.has_room();
            let has_output = !flushed || !output.is_empty();
            let step = tokio::select! {
                read = reader.read_buf(self.session.input()) => match read {
                    Ok(0) => Err(PeerError::Closed.into()),
                    Ok(_) => self.session.handle_input(now()).map_err(Closed::from),
                    Err(error) => Err(error.into()),
                },
                written = write(&mut writer, &output), if has_output => match written {
                    Ok(written) => {
                        flushed = output.is_empty();
                        output = output.slice(written..);
                        Ok(())
                    }
                    Err(error) => Err(error.into()),
                },
                command = commands.recv(), if has_room => match command {
                    Some(command) => {
                        self.handle_command(command);
                        Ok(())
                    }
                    None => Err(PeerError::Closed.into()),
                },
                () = sleep_until(deadline.unwrap_or_else(now).into()), if deadline.is_some() => {
                    self.session.handle_timeout(now()).map_err(Closed::from)
                }
            };
            if let Err(closed) = step {
                break closed;
            }
        };
        self.deliver();
        let rest = self.session.poll_output().unwrap_or_default();
        let farewell = async {
            writer.write_all(&output).await?;
            writer.write_all(&rest).await?;
            writer.shutdown().await
        };
        // What was sent last arrives, such as the reason why the switch is left, if it listens.
        drop(timeout(FAREWELL, farewell).await);
        closed
    }

    fn handle_command(&mut self, command: Command) {
        self.forget();
        match command {
            Command::Send(message, reply) => {
                drop(reply.send(self.session.send(&message).map_err(RequestError::from)));
            }
            Command::Request(message, reply) => match self.session.request(&message) {
                Ok(xid) => drop(self.waiting.insert(xid, Waiting::Request(reply))),
                Err(error) => drop(reply.send(Err(error.into()))),
            },
            Command::Bundle {
                count,
                messages,
                reply,
            } => {
                let xid = self.session.bundle_of(count, messages);
                self.waiting.insert(xid, Waiting::Bundle(reply));
            }
        }
    }

    /// Forgets requests whose reply nobody waits for any more: it took too long, or the future
    /// was dropped. A bundle is carried out all the same.
    fn forget(&mut self) {
        let session = &mut self.session;
        self.waiting.retain(|xid, waiting| match waiting {
            Waiting::Request(reply) if reply.is_closed() => {
                session.abandon(*xid);
                false
            }
            Waiting::Request(_) | Waiting::Bundle(_) => true,
        });
    }

    /// Passes on what the session has to say. Whoever waited may be gone: then nobody wants it.
    fn deliver(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                SessionEvent::Ready(features) => {
                    if let Some(ready) = self.ready.take() {
                        drop(ready.send(features));
                    }
                }
                SessionEvent::Reply { xid, result } => {
                    if let Some(Waiting::Request(reply)) = self.waiting.remove(&xid) {
                        drop(reply.send(result.map_err(RequestError::from)));
                    }
                }
                SessionEvent::Bundle { xid, result } => {
                    if let Some(Waiting::Bundle(reply)) = self.waiting.remove(&xid) {
                        drop(reply.send(result.map_err(RequestError::Bundle)));
                    }
                }
                SessionEvent::Message { xid, message } => {
                    self.queue(Event::Message { xid, message });
                }
                SessionEvent::Unreadable { xid, error } => {
                    self.queue(Event::Unreadable { xid, error });
                }
            }
        }
    }

    /// Queues an event, or counts it where the application is too slow.
    fn queue(&mut self, event: Event) {
        if self.dropped > 0 {
            let overflow = Event::Overflow {
                dropped: self.dropped,
            };
            if self.queue.try_send(overflow).is_ok() {
                self.dropped = 0;
            }
        }
        if self.queue.try_send(event).is_err() {
            self.dropped += 1;
        }
    }
}

/// Writes some of `output`; without any, what TLS keeps in a buffer of its own. Dropping the future
/// loses nothing.
async fn write(writer: &mut (impl AsyncWrite + Unpin), output: &[u8]) -> io::Result<usize> {
    match output.is_empty() {
        true => writer.flush().await.map(|()| 0),
        false => writer.write(output).await,
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
