//! What waits to be sent, and the bundles among it.
//!
//! A bundle is sent in one go: open, all its messages, commit, and a barrier. The switch answers the
//! commit, and before that says of each message that it refuses why; as each carries an identifier of
//! its own, the culprit is known without waiting for an answer in between. The barrier does not wait
//! for the commit's answer either: a busy switch takes milliseconds from one message to the next.
//!
//! A message is made when there is room to encode it, so that however long a bundle is, no more of
//! it is in memory than the output buffer holds.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{Xid, encode};
use crate::message::{BundleAdd, BundleControl, BundleControlKind, BundleFlags, Error, Message};
use crate::wire::{DecodeError, TooLong};

/// A bundle that was not carried out as it was asked for.
///
/// Nothing of it was, unless it says [`LeftOut`](Self::LeftOut) or [`Malformed`](Self::Malformed).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The switch refused one of the messages.
    #[error("{0}")]
    Refused(Refused),
    /// The switch refused the bundle as such.
    #[error("the bundle is refused: {0}")]
    Bundle(Error),
    /// The switch carried out all but these messages, the first to be refused first.
    ///
    /// Open vSwitch commits a bundle without the messages that it could not read when they came;
    /// it refuses the whole for what only turns out when it is committed.
    #[error("{} messages of the bundle are left out, the first for this: {}", .0.len(), First(.0))]
    LeftOut(Vec<Refused>),
    /// An answer of the switch cannot be understood: the bundle may be carried out, or not.
    #[error("malformed answer to the bundle: {0}")]
    Malformed(DecodeError),
    /// A message cannot be sent.
    #[error("message {index} of the bundle: {error}")]
    TooLong {
        /// Which of the messages.
        index: usize,
        /// Why.
        error: TooLong,
    },
}

/// The message of a bundle that the switch refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which of the messages.
    pub index: usize,
    /// Why.
    pub error: Error,
}

/// The first of the messages that were refused.
struct First<'a>(&'a [Refused]);

impl fmt::Display for First<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.first().map_or(Ok(()), |refused| refused.fmt(f))
    }
}

/// Bytes for the switch, and bundles in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Outgoing {
    limit: usize,
    ready: BytesMut,
    bundles: VecDeque<Bundle>,
}

/// The messages of a bundle that are not sent yet.
pub(crate) type Messages = Box<dyn Iterator<Item = Message> + Send>;

struct Bundle {
    /// The identifier that opens the bundle; those of the messages follow, of the commit, and of the
    /// barrier.
    first: Xid,
    messages: Messages,
    /// How many messages there are, sent ones included.
    count: usize,
    /// How many of the identifiers have been sent.
    sent: usize,
    /// What the switch said of messages, in the order in which it said it.
    refused: Vec<(Xid, Error)>,
    /// The message that cannot be sent, for which the bundle is given up.
    too_long: Option<(usize, TooLong)>,
    /// The first answer that cannot be understood.
    malformed: Option<DecodeError>,
    /// What the switch said of the commit, which it does before it answers the barrier.
    committed: Result<(), Error>,
}

impl Bundle {
    /// How many identifiers it has.
    fn steps(&self) -> usize {
        self.count + 3
    }

    fn xids(&self) -> Range<Xid> {
        self.first..self.xid(self.steps())
    }

    fn xid(&self, step: usize) -> Xid {
        self.first
            .saturating_add(u32::try_from(step).unwrap_or(u32::MAX))
    }

    fn commit(&self) -> Xid {
        self.xid(self.steps() - 2)
    }

    fn barrier(&self) -> Xid {
        self.xid(self.steps() - 1)
    }

    fn control(&self, kind: BundleControlKind) -> Message {
        let flags = BundleFlags::ATOMIC | BundleFlags::ORDERED;
        BundleControl {
            id: self.first,
            kind,
            flags,
        }
        .into()
    }

    /// The message of one step with its identifier; after the last to be carried out comes the commit.
    fn step(&mut self, step: usize) -> (Xid, Message) {
        if step == 0 {
            let open = self.control(BundleControlKind::OPEN_REQUEST);
            return (self.first, open);
        }
        if step == self.steps() - 1 {
            return (self.barrier(), Message::BarrierRequest);
        }
        match self.messages.next().filter(|_| step <= self.count) {
            Some(message) => {
                let flags = BundleFlags::ATOMIC | BundleFlags::ORDERED;
                let message = Box::new(message);
                let xid = self.xid(step);
                let add = BundleAdd {
                    id: self.first,
                    flags,
                    xid,
                    message,
                };
                (xid, add.into())
            }
            None => {
                self.sent = self.steps() - 1;
                let commit = self.control(BundleControlKind::COMMIT_REQUEST);
                (self.commit(), commit)
            }
        }
    }

    /// Encodes the next step. A message that cannot be encoded ends the bundle: it is discarded
    /// in place of the commit.
    fn encode_step(&mut self, ready: &mut BytesMut) {
        let step = self.sent;
        self.sent += 1;
        let (xid, message) = self.step(step);
        match encode(&message, xid) {
            Ok(bytes) => ready.extend_from_slice(&bytes),
            Err(error) => {
                self.too_long = Some((step.saturating_sub(1), error));
                self.sent = self.steps() - 1;
                let discard = self.control(BundleControlKind::DISCARD_REQUEST);
                // Sixteen bytes always fit.
                if let Ok(bytes) = encode(&discard, self.commit()) {
                    ready.extend_from_slice(&bytes);
                }
            }
        }
    }

    /// What became of it, now that the last step was answered.
    fn result(self) -> Result<(), BundleError> {
        if let Some((index, error)) = self.too_long {
            return Err(BundleError::TooLong { index, error });
        }
        if let Some(error) = self.malformed {
            return Err(BundleError::Malformed(error));
        }
        let mut left_out = Vec::new();
        // What is said of no message is said of the bundle.
        let mut about_all = None;
        for (xid, error) in self.refused.iter().cloned() {
            match self.index(xid) {
                Some(index) => left_out.push(Refused { index, error }),
                None => about_all = about_all.or(Some(error)),
            }
        }
        match self.committed {
            Ok(()) if left_out.is_empty() => Ok(()),
            Ok(()) => Err(BundleError::LeftOut(left_out)),
            Err(error) => Err(match (about_all, left_out.into_iter().next()) {
                (None, Some(first)) => BundleError::Refused(first),
                (about_all, _) => BundleError::Bundle(about_all.unwrap_or(error)),
            }),
        }
    }

    /// Which of the messages has an identifier.
    fn index(&self, xid: Xid) -> Option<usize> {
        let step = usize::try_from(xid.checked_sub(self.first)?).ok()?;
        step.checked_sub(1).filter(|index| *index < self.count)
    }
}

impl Outgoing {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ready: BytesMut::new(),
            bundles: VecDeque::new(),
        }
    }

    /// Adds a message, which may overtake what remains of a bundle.
    pub(super) fn push(&mut self, bytes: BytesMut) {
        self.ready.extend_from_slice(&bytes);
    }

    pub(super) fn bundle(&mut self, first: Xid, count: usize, messages: Messages) -> Xid {
        self.bundles.push_back(Bundle {
            first,
            messages,
            count,
            sent: 0,
            refused: Vec::new(),
            too_long: None,
            malformed: None,
            committed: Ok(()),
        });
        first
    }

    pub(super) fn uses(&self, xids: Range<Xid>) -> bool {
        self.bundles
            .iter()
            .map(Bundle::xids)
            .any(|used| used.start < xids.end && xids.start < used.end)
    }

    /// Whether the switch has taken enough that more may be added.
    pub(super) fn has_room(&self) -> bool {
        self.ready.len() < self.limit
    }

    /// Encodes as much of the bundles as the buffer is meant for.
    pub(super) fn refill(&mut self) {
        let (limit, ready) = (self.limit, &mut self.ready);
        for bundle in &mut self.bundles {
            while bundle.sent < bundle.steps() && ready.len() < limit {
                bundle.encode_step(ready);
            }
        }
    }

    pub(super) fn take(&mut self) -> Option<Bytes> {
        (!self.ready.is_empty()).then(|| self.ready.split().freeze())
    }

    /// Whether `message` answers a step of a bundle.
    pub(super) fn awaits(&self, xid: Xid, message: &Message) -> bool {
        let answers = matches!(
            message,
            Message::Error(_) | Message::BundleControl(_) | Message::BarrierReply
        );
        let mut bundles = self.bundles.iter();
        answers && bundles.any(|bundle| bundle.xids().contains(&xid))
    }

    /// Takes an answer that is awaited, and tells what became of the bundle if it ends here.
    pub(super) fn handle_reply(
        &mut self,
        xid: Xid,
        message: Message,
    ) -> Option<(Xid, Result<(), BundleError>)> {
        let mut bundles = self.bundles.iter_mut();
        let at = bundles.position(|bundle| bundle.xids().contains(&xid))?;
        let bundle = self.bundles.get_mut(at)?;
        if let Message::Error(error) = message {
            match xid == bundle.commit() || xid == bundle.barrier() {
                true => bundle.committed = bundle.committed.clone().and(Err(error)),
                false => bundle.refused.push((xid, error)),
            }
        }
        if xid != bundle.barrier() {
            return None;
        }
        let ended = self.bundles.remove(at)?;
        Some((ended.first, ended.result()))
    }

    /// Takes an answer that cannot be understood; `None` if it is not awaited, else what became of
    /// the bundle if it ends here.
    pub(super) fn handle_unreadable(
        &mut self,
        xid: Xid,
        error: &DecodeError,
    ) -> Option<Option<(Xid, Result<(), BundleError>)>> {
        let mut bundles = self.bundles.iter_mut();
        let bundle = bundles.find(|bundle| bundle.xids().contains(&xid))?;
        bundle.malformed.get_or_insert_with(|| error.clone());
        Some(self.handle_reply(xid, Message::BarrierReply))
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("first", &self.first)
            .field("count", &self.count)
            .field("sent", &self.sent)
            .field("refused", &self.refused)
            .field("too_long", &self.too_long)
            .field("committed", &self.committed)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "message {} of the bundle is refused: {}",
            self.index, self.error
        )
    }
}
