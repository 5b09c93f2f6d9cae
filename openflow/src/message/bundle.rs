//! Messages that a switch carries out together, or not at all.
//!
//! Bundles come from OpenFlow 1.4; extension 230 of the Open Networking Foundation brings them to
//! 1.3. OVS keeps the messages until the commit, and then carries out all of them in one step.

use super::Message;
use crate::declare::{codes, flags, wire_struct};
use crate::wire::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// A step in the life of a bundle, or the answer to one.
    pub struct BundleControl {
        /// The bundle: any number that the controller likes.
        id: u32;
        /// The step.
        kind: BundleControlKind;
        /// How the bundle is carried out; the same in every step.
        flags: BundleFlags;
    }
}

codes! {
    /// A step in the life of a bundle (`OFPBCT_*`).
    pub struct BundleControlKind(u16) {
        /// Begins a bundle.
        OPEN_REQUEST = 0, "OPEN_REQUEST";
        /// It has begun.
        OPEN_REPLY = 1, "OPEN_REPLY";
        /// Says that all messages have been sent. It may be left out.
        CLOSE_REQUEST = 2, "CLOSE_REQUEST";
        /// No more messages are taken.
        CLOSE_REPLY = 3, "CLOSE_REPLY";
        /// Carries the messages out.
        COMMIT_REQUEST = 4, "COMMIT_REQUEST";
        /// They are carried out.
        COMMIT_REPLY = 5, "COMMIT_REPLY";
        /// Forgets the messages.
        DISCARD_REQUEST = 6, "DISCARD_REQUEST";
        /// They are forgotten.
        DISCARD_REPLY = 7, "DISCARD_REPLY";
    }
}

flags! {
    /// How a bundle is carried out (`OFPBF_*`).
    pub struct BundleFlags(u16) {
        /// No packet sees a part of the bundle done and another not.
        ATOMIC = 1;
        /// In the order in which the messages were added.
        ORDERED = 1 << 1;
    }
}

/// Adds a message to a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleAdd {
    /// The bundle.
    pub id: u32,
    /// How the bundle is carried out; the same as when it was opened.
    pub flags: BundleFlags,
    /// The transaction number of the message, which must be that of this message too.
    pub xid: u32,
    /// The message.
    pub message: Box<Message>,
}

impl Wire for BundleAdd {
    fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
        0_u16.encode(out);
        self.flags.encode(out);
        self.message.encode(self.xid, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = u32::decode(input).map_err(|e| e.reading("BundleAdd.id"))?;
        input.skip(2)?;
        let flags = BundleFlags::decode(input).map_err(|e| e.reading("BundleAdd.flags"))?;
        let (xid, message) = Message::read_inner(input, "BundleAdd.message")?;
        // Padding and properties: no property is defined, and OVS does not look at them either.
        input.remainder();
        Ok(Self {
            id,
            flags,
            xid,
            message: Box::new(message),
        })
    }
}
