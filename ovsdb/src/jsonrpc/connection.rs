//! One connection: pairs requests with replies, answers and sends echoes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Framer, Message, ProtocolError, to_json};

/// Names a request until its reply has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(u64);

/// Something that arrived and needs attention.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// The other side asks; answer with [`Connection::reply`].
    Request {
        /// For the reply.
        id: Box<RawValue>,
        /// What to do.
        method: String,
        /// With what.
        params: Box<RawValue>,
    },
    /// The other side tells something.
    Notification {
        /// What it is about.
        method: String,
        /// The rest.
        params: Box<RawValue>,
    },
    /// The reply to a request.
    Reply {
        /// The request.
        id: RequestId,
        /// The result, or the error.
        outcome: Result<Box<RawValue>, Box<RawValue>>,
    },
}

/// Both directions of a connection, without the socket.
///
/// Received bytes go into one of the [`buffers`](Self::buffers), after which
/// [`handle_received`](Self::handle_received) is told; [`poll_incoming`](Self::poll_incoming)
/// yields what they say. What is to be sent is in the other.
#[derive(Debug)]
pub struct Connection {
    framer: Framer,
    outgoing: BytesMut,
    /// How many bytes of replies may still be in `outgoing`.
    unsent_replies: usize,
    next_id: u64,
    waiting: BTreeSet<RequestId>,
    probe: Option<Probe>,
}

/// Watches whether the other side still sends anything.
#[derive(Debug)]
struct Probe {
    interval: Duration,
    last_received: Instant,
    sent: bool,
}

impl Probe {
    /// How long nothing may arrive until something has to be done.
    fn patience(&self) -> Duration {
        match self.sent {
            false => self.interval,
            true => self.interval.saturating_mul(2),
        }
    }
}

/// How many bytes of replies may wait to be sent before it is an offence to ask for more.
const MAX_UNSENT_REPLIES: usize = 1 << 20;

/// What an echo of ours carries as its id, unlike every request.
const PROBE_ID: &str = "\"echo\"";

impl Connection {
    /// A connection that was opened at `now`. With `inactivity_probe`, the other side is asked for
    /// an echo when it has been silent for so long, and is given up after as long again.
    #[must_use]
    pub fn new(max_message: usize, inactivity_probe: Option<Duration>, now: Instant) -> Self {
        Self {
            framer: Framer::new(max_message),
            outgoing: BytesMut::new(),
            unsent_replies: 0,
            next_id: 0,
            waiting: BTreeSet::new(),
            probe: inactivity_probe.map(|interval| Probe {
                interval,
                last_received: now,
                sent: false,
            }),
        }
    }

    /// How many requests wait for their replies.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Where received bytes are appended, and what is to be sent. Whatever has been sent is to be
    /// removed from the front.
    pub fn buffers(&mut self) -> (&mut BytesMut, &mut BytesMut) {
        (self.framer.buffer(), &mut self.outgoing)
    }

    /// Learns that bytes have arrived.
    pub fn handle_received(&mut self, now: Instant) {
        if let Some(probe) = &mut self.probe {
            probe.last_received = now;
            probe.sent = false;
        }
    }

    /// Learns that it is now `now`. Returns whether the other side has been silent for too long.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        let Some(probe) = &mut self.probe else {
            return false;
        };
        if now.saturating_duration_since(probe.last_received) < probe.patience() {
            return false;
        }
        if probe.sent {
            return true;
        }
        probe.sent = true;
        let (id, params) = (raw(PROBE_ID), raw("[]"));
        self.send(&Message::Request {
            id,
            method: "echo".to_owned(),
            params,
        });
        false
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// The parameters have no JSON form.
    pub fn request(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<RequestId, serde_json::Error> {
        let id = RequestId(self.next_id);
        let message = Message::Request {
            id: to_json(&id.0)?,
            method: method.to_owned(),
            params: to_json(params)?,
        };
        self.send(&message);
        self.next_id += 1;
        self.waiting.insert(id);
        Ok(id)
    }

    /// Sends a notification.
    ///
    /// # Errors
    ///
    /// The parameters have no JSON form.
    pub fn notify(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<(), serde_json::Error> {
        let params = to_json(params)?;
        self.send(&Message::Notification {
            method: method.to_owned(),
            params,
        });
        Ok(())
    }

    /// Asks the other side to cancel a request (RFC 7047, section 4.1.4) and no longer waits for
    /// its reply.
    ///
    /// Open vSwitch replies to a canceled request only if it was told that the client is aware of
    /// database changes; a reply that does come is dropped.
    pub fn cancel(&mut self, id: RequestId) {
        if self.waiting.remove(&id) {
            let params = raw(&format!("[{}]", id.0));
            self.send(&Message::Notification {
                method: "cancel".to_owned(),
                params,
            });
        }
    }

    /// Answers a request of the other side.
    pub fn reply(&mut self, id: Box<RawValue>, outcome: Result<Box<RawValue>, Box<RawValue>>) {
        let before = self.outgoing.len();
        self.send(&Message::Reply { id, outcome });
        let reply = self.outgoing.len().saturating_sub(before);
        // What lies in front of it was not sent yet, but need not be replies.
        self.unsent_replies = self.unsent_replies.min(before).saturating_add(reply);
    }

    /// Answers a request whose method nobody knows, as Open vSwitch does.
    pub fn refuse_unknown_method(&mut self, id: Box<RawValue>) {
        self.reply(id, Err(raw("\"unknown method\"")));
    }

    fn send(&mut self, message: &Message) {
        self.outgoing
            .extend_from_slice(message.to_json().as_bytes());
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called, if nothing arrives before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let probe = self.probe.as_ref()?;
        probe.last_received.checked_add(probe.patience())
    }

    /// The next message that needs attention. Echoes are dealt with here, and late replies to
    /// canceled requests are dropped.
    ///
    /// # Errors
    ///
    /// The other side broke the protocol, or asks without reading the replies.
    pub fn poll_incoming(&mut self) -> Result<Option<Incoming>, ProtocolError> {
        while let Some(bytes) = self.framer.next_message()? {
            match Message::decode(&bytes)? {
                Message::Request { .. } if self.unsent_replies() > MAX_UNSENT_REPLIES => {
                    return Err(ProtocolError::RepliesUnread {
                        bytes: self.unsent_replies(),
                    });
                }
                Message::Request { id, method, params } if method == "echo" => {
                    self.reply(id, Ok(params));
                }
                Message::Request { id, method, params } => {
                    return Ok(Some(Incoming::Request { id, method, params }));
                }
                Message::Notification { method, params } => {
                    return Ok(Some(Incoming::Notification { method, params }));
                }
                Message::Reply { id, .. } if id.get() == PROBE_ID => {}
                Message::Reply { id, outcome } => {
                    let id = self.issued(&id)?;
                    if self.waiting.remove(&id) {
                        return Ok(Some(Incoming::Reply { id, outcome }));
                    }
                }
            }
        }
        Ok(None)
    }

    /// How many bytes of replies wait to be sent, at most.
    fn unsent_replies(&self) -> usize {
        self.unsent_replies.min(self.outgoing.len())
    }

    /// The id of a request that was sent at some time.
    fn issued(&self, id: &RawValue) -> Result<RequestId, ProtocolError> {
        match id.get().parse() {
            Ok(number) if number < self.next_id => Ok(RequestId(number)),
            _ => Err(ProtocolError::UnknownReply(id.get().to_owned())),
        }
    }
}

/// A constant that is known to be JSON.
fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
