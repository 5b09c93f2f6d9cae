//! A session with a switch, without any input or output of its own.
//!
//! Bytes and the time go in, bytes and events come out. Nothing here waits, so a test can run two
//! sessions against each other on an invented clock, and any runtime can carry one.
//!
//! Requests are paired with replies by their transaction identifier, parts of a multipart reply
//! are put together, and a [bundle](Session::bundle) is one request whatever its length. Memory is
//! bounded: the messages of a bundle are made and encoded as the switch takes them, and a reply that
//! never ends closes the session.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::message::{Echo, Error, Features, Header, Hello, Message};
use crate::wire::{DecodeError, TooLong, Writer};

mod bundle;

pub(crate) use bundle::Messages;
use bundle::Outgoing;
pub use bundle::{BundleError, Refused};

/// Pairs a reply with its request.
pub type Xid = u32;

/// How a session behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long nothing may arrive before the switch is asked whether it is there; after as long
    /// again without an answer the session ends.
    ///
    /// [`Duration::MAX`] is for never.
    pub inactivity_probe: Duration,
    /// The most that the parts of one reply may hold together, in bytes.
    pub max_reply: usize,
    /// How many bytes are encoded ahead of what the switch has taken.
    pub output_buffer: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inactivity_probe: Duration::from_secs(5),
            max_reply: 1 << 30,
            output_buffer: 256 << 10,
        }
    }
}

/// What a session tells its owner.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is over.
    Ready(Features),
    /// A request is answered: one message, or the parts of a multipart reply in order.
    Reply {
        /// The request.
        xid: Xid,
        /// The answer, or why there is none.
        result: Result<Vec<Message>, NoReply>,
    },
    /// A bundle is committed, or nothing of it is.
    Bundle {
        /// As [`Session::bundle`] returned it.
        xid: Xid,
        /// What became of it.
        result: Result<(), BundleError>,
    },
    /// The switch says something that was not asked.
    Message {
        /// The identifier that the switch gave it.
        xid: Xid,
        /// The message.
        message: Message,
    },
    /// The switch says something that was not asked, and that cannot be understood.
    Unreadable {
        /// The identifier that the switch gave it.
        xid: Xid,
        /// What is wrong with it.
        error: DecodeError,
    },
}

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoReply {
    /// The switch refuses the request.
    #[error("refused: {0}")]
    Refused(Error),
    /// The reply cannot be understood.
    #[error("malformed reply: {0}")]
    Malformed(DecodeError),
}

/// Legal bytes at an illegal moment, or bytes that are no message: the session is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The bytes are wrong.
    #[error("malformed message: {0}")]
    Malformed(#[from] DecodeError),
    /// The switch does not speak OpenFlow 1.3.
    #[error("no common version: the switch offers {offered}, expected OpenFlow 1.3 (0x04)")]
    Version {
        /// The versions that it offers.
        offered: String,
    },
    /// The switch refuses the handshake.
    #[error("the switch refuses the handshake: {0}")]
    Refused(Error),
    /// Nothing came for too long.
    #[error("nothing heard for {0:?}")]
    Silent(Duration),
    /// A reply in more parts than memory is meant for.
    #[error("a reply of more than {0} bytes")]
    Endless(usize),
    /// The switch closed the connection.
    #[error("closed by the switch")]
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing but a hello may come.
    Greeting,
    /// Versions agree; the features are asked for.
    Featuring(Xid),
    Ready,
    Over,
}

/// Parts of a reply that have come so far.
#[derive(Debug, Default)]
struct Pending {
    parts: Vec<Message>,
    bytes: usize,
    /// Nobody waits for the reply any more.
    abandoned: bool,
}

/// One session, from the first hello to the end.
#[derive(Debug)]
pub struct Session {
    options: Options,
    state: State,
    input: BytesMut,
    outgoing: Outgoing,
    events: VecDeque<Event>,
    pending: BTreeMap<Xid, Pending>,
    next_xid: Xid,
    last_heard: Instant,
    probed: bool,
}

impl Session {
    /// A session that starts `now`, with the hello already on its way out.
    #[must_use]
    pub fn new(options: Options, now: Instant) -> Self {
        let mut session = Self {
            outgoing: Outgoing::new(options.output_buffer),
            options,
            state: State::Greeting,
            input: BytesMut::new(),
            events: VecDeque::new(),
            pending: BTreeMap::new(),
            next_xid: 1,
            last_heard: now,
            probed: false,
        };
        session.post(&Hello::ours().into());
        session
    }

    /// Whether the handshake is over and the session still stands.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Whether the switch has taken enough of what was sent that more may be added.
    ///
    /// Commands work without it, and take memory.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.outgoing.has_room()
    }

    /// Takes bytes from the switch.
    ///
    /// # Errors
    ///
    /// The session is over. What [`poll_output`](Self::poll_output) still holds tells the switch
    /// why.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) -> Result<(), PeerError> {
        self.input.extend_from_slice(bytes);
        self.handle_input(now)
    }

    /// Takes the bytes that are in [`input`](Self::input).
    ///
    /// # Errors
    ///
    /// As [`handle_bytes`](Self::handle_bytes).
    pub fn handle_input(&mut self, now: Instant) -> Result<(), PeerError> {
        if self.state == State::Over {
            return Err(PeerError::Closed);
        }
        self.last_heard = now;
        self.probed = false;
        let handled = self.handle_frames();
        if handled.is_err() {
            self.state = State::Over;
        }
        handled
    }

    /// Where a reader may put bytes, to have them taken without a copy.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Lets time pass.
    ///
    /// # Errors
    ///
    /// Nothing was heard for too long.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), PeerError> {
        let silence = now.saturating_duration_since(self.last_heard);
        let probe = self.options.inactivity_probe;
        if silence >= probe.saturating_mul(2) {
            self.state = State::Over;
            return Err(PeerError::Silent(silence));
        }
        if silence >= probe && !self.probed {
            self.probed = true;
            if self.state == State::Ready {
                self.post(&Message::EchoRequest(Echo::default()));
            }
        }
        Ok(())
    }

    /// Sends a message that has no reply.
    ///
    /// # Errors
    ///
    /// The message is too long to be encoded; nothing is sent.
    pub fn send(&mut self, message: &Message) -> Result<Xid, TooLong> {
        let xid = self.xid();
        self.outgoing.push(encode(message, xid)?);
        Ok(xid)
    }

    /// Sends a message whose reply comes as [`Event::Reply`].
    ///
    /// # Errors
    ///
    /// The message is too long to be encoded; nothing is sent.
    pub fn request(&mut self, message: &Message) -> Result<Xid, TooLong> {
        let xid = self.send(message)?;
        self.pending.insert(xid, Pending::default());
        Ok(xid)
    }

    /// Gives up waiting for the reply to a request. It is dropped when it comes.
    pub fn abandon(&mut self, xid: Xid) {
        if let Some(pending) = self.pending.get_mut(&xid) {
            *pending = Pending {
                abandoned: true,
                ..Pending::default()
            };
        }
    }

    /// Has the switch carry out all of `messages` or none, as ONF's extension 230 defines it, and
    /// then answer a barrier. What became of them comes as [`Event::Bundle`].
    ///
    /// The messages may be flow, group and port mods. They are carried out in their order. Each is
    /// taken from the iterator when the switch has room for it, and there have to be as many as the
    /// iterator says.
    pub fn bundle<I>(&mut self, messages: I) -> Xid
    where
        I: IntoIterator<Item = Message>,
        I::IntoIter: ExactSizeIterator + Send + 'static,
    {
        let messages = messages.into_iter();
        self.bundle_of(messages.len(), Box::new(messages))
    }

    /// A bundle of so many messages.
    pub(crate) fn bundle_of(&mut self, count: usize, messages: Messages) -> Xid {
        // One identifier each, and those of what opens and commits the bundle, and of the barrier.
        let xids = u32::try_from(count).unwrap_or(u32::MAX).saturating_add(3);
        let first = self.xids(xids);
        self.outgoing.bundle(first, count, messages)
    }

    /// The next bytes for the switch.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        if self.state != State::Over {
            self.outgoing.refill();
        }
        self.outgoing.take()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do, if ever.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Instant> {
        let probe = self.options.inactivity_probe;
        let silence = if self.probed {
            probe.saturating_mul(2)
        } else {
            probe
        };
        self.last_heard.checked_add(silence)
    }

    fn handle_frames(&mut self) -> Result<(), PeerError> {
        while let Some(frame) = self.next_frame()? {
            self.handle_frame(&frame)?;
        }
        Ok(())
    }

    /// Splits one message off the input.
    fn next_frame(&mut self) -> Result<Option<Bytes>, PeerError> {
        let Some(header) = Header::peek(&self.input) else {
            return Ok(None);
        };
        let length = usize::from(header.length);
        if length < Header::LENGTH {
            let frame = self.input.split_to(Header::LENGTH).freeze();
            return Err(self.refuse(&frame, header.bad_length()));
        }
        if self.input.len() < length {
            return Ok(None);
        }
        Ok(Some(self.input.split_to(length).freeze()))
    }

    /// Tells the switch what is wrong with a message of its.
    fn refuse(&mut self, frame: &Bytes, error: DecodeError) -> PeerError {
        let xid = Header::peek(frame).map_or(0, |header| header.xid);
        self.reply(xid, &Error::about(&error, frame).into());
        error.into()
    }

    fn handle_frame(&mut self, frame: &Bytes) -> Result<(), PeerError> {
        let (xid, message) = match Message::decode_tolerant(frame) {
            Ok(decoded) => decoded,
            Err(error) if self.state == State::Ready && is_of_body(&error) => {
                self.handle_unreadable(frame, error);
                return Ok(());
            }
            Err(error) => return Err(self.refuse(frame, error)),
        };
        match self.state {
            State::Greeting => self.greet(xid, message, frame),
            State::Featuring(asked) => self.feature(asked, xid, message),
            State::Ready | State::Over => self.handle_message(xid, message, frame.len()),
        }
    }

    /// The switch's first message: its hello.
    fn greet(&mut self, xid: Xid, message: Message, frame: &Bytes) -> Result<(), PeerError> {
        match message {
            Message::Hello(hello) if hello.speaks_1_3(Header::peek(frame)) => {
                let asked = self.post(&Message::FeaturesRequest);
                self.state = State::Featuring(asked);
                Ok(())
            }
            Message::Hello(hello) => {
                let offered = hello.offered(Header::peek(frame));
                self.reply(xid, &Error::incompatible(&offered).into());
                Err(PeerError::Version { offered })
            }
            Message::Error(error) => Err(PeerError::Refused(error)),
            Message::EchoRequest(echo) => {
                self.echo(xid, echo);
                Ok(())
            }
            // A switch may talk before it greets; nothing was asked, so nothing is lost.
            _ => Ok(()),
        }
    }

    /// The switch's second message: its features.
    fn feature(&mut self, asked: Xid, xid: Xid, message: Message) -> Result<(), PeerError> {
        match message {
            Message::FeaturesReply(features) if xid == asked => {
                self.state = State::Ready;
                self.events.push_back(Event::Ready(features));
            }
            Message::Error(error) if xid == asked || error.is_hello_failed() => {
                return Err(PeerError::Refused(error));
            }
            Message::EchoRequest(echo) => self.echo(xid, echo),
            _ => self.events.push_back(Event::Message { xid, message }),
        }
        Ok(())
    }

    fn handle_message(
        &mut self,
        xid: Xid,
        message: Message,
        bytes: usize,
    ) -> Result<(), PeerError> {
        match message {
            Message::EchoRequest(echo) => self.echo(xid, echo),
            Message::EchoReply(_) if !self.pending.contains_key(&xid) => {}
            message if self.outgoing.awaits(xid, &message) => {
                if let Some((xid, result)) = self.outgoing.handle_reply(xid, message) {
                    self.events.push_back(Event::Bundle { xid, result });
                }
            }
            message => self.handle_reply(xid, message, bytes)?,
        }
        Ok(())
    }

    fn handle_reply(&mut self, xid: Xid, message: Message, bytes: usize) -> Result<(), PeerError> {
        let Some(pending) = self.pending.get_mut(&xid) else {
            self.events.push_back(Event::Message { xid, message });
            return Ok(());
        };
        let more = message.has_more();
        let result = match message {
            Message::Error(error) => Err(NoReply::Refused(error)),
            _ if pending.abandoned => Ok(Vec::new()),
            message => {
                pending.parts.push(message);
                pending.bytes += bytes;
                if pending.bytes > self.options.max_reply {
                    return Err(PeerError::Endless(self.options.max_reply));
                }
                if more {
                    return Ok(());
                }
                Ok(std::mem::take(&mut pending.parts))
            }
        };
        if !pending.abandoned {
            self.events.push_back(Event::Reply { xid, result });
        }
        if !more {
            self.pending.remove(&xid);
        }
        Ok(())
    }

    /// Takes a message that cannot be understood: it fails the request that it answers, and nothing
    /// else. Where it ends is known, so what follows can be read.
    fn handle_unreadable(&mut self, frame: &Bytes, error: DecodeError) {
        let xid = Header::peek(frame).map_or(0, |header| header.xid);
        self.reply(xid, &Error::about(&error, frame).into());
        if let Some(ended) = self.outgoing.handle_unreadable(xid, &error) {
            let bundle = ended.map(|(xid, result)| Event::Bundle { xid, result });
            self.events.extend(bundle);
            return;
        }
        let Some(pending) = self.pending.get_mut(&xid) else {
            self.events.push_back(Event::Unreadable { xid, error });
            return;
        };
        if !pending.abandoned {
            let result = Err(NoReply::Malformed(error));
            self.events.push_back(Event::Reply { xid, result });
        }
        // The parts that follow are of no use.
        match Message::more_follow(frame) {
            true => self.abandon(xid),
            false => drop(self.pending.remove(&xid)),
        }
    }

    /// Answers an echo. A switch that asks more than it reads has no answer to wait for, and
    /// gets none.
    fn echo(&mut self, xid: Xid, echo: Echo) {
        if self.outgoing.has_room() {
            self.reply(xid, &Message::EchoReply(echo));
        }
    }

    /// Sends a message of the session's own, which is always short.
    fn post(&mut self, message: &Message) -> Xid {
        let xid = self.xid();
        self.reply(xid, message);
        xid
    }

    fn reply(&mut self, xid: Xid, message: &Message) {
        // An echo is at most as long as the request that it answers, which fitted.
        if let Ok(bytes) = encode(message, xid) {
            self.outgoing.push(bytes);
        }
    }

    fn xid(&mut self) -> Xid {
        self.xids(1)
    }

    /// The first of `count` identifiers in a row. Zero is left to the switch, which gives it to
    /// what nobody asked for.
    fn xids(&mut self, count: u32) -> Xid {
        loop {
            let first = self.next_xid;
            let Some(next) = first.checked_add(count) else {
                self.next_xid = 1;
                continue;
            };
            self.next_xid = next;
            let in_use = self.pending.range(first..next).next().is_some();
            if !in_use && !self.outgoing.uses(first..next) {
                return first;
            }
        }
    }
}

/// Whether the header is in order, and so says where the next message starts.
fn is_of_body(error: &DecodeError) -> bool {
    !error.what.starts_with("Header")
}

/// A whole message.
fn encode(message: &Message, xid: Xid) -> Result<BytesMut, TooLong> {
    let mut out = Writer::default();
    message.encode(xid, &mut out);
    out.finish()
}

#[cfg(test)]
mod tests;
