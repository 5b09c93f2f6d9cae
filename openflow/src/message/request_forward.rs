//! Tells a controller what another one asked for; from OpenFlow 1.4, in 1.3 an extension of the
//! Open Networking Foundation.

use super::Message;
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// What another controller asked for: a group mod or a meter mod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestForward {
    /// The transaction number that the other controller used.
    pub xid: u32,
    /// The message of the other controller.
    pub message: Box<Message>,
}

impl Wire for RequestForward {
    fn encode(&self, out: &mut Writer) {
        self.message.encode(self.xid, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (xid, message) = Message::read_inner(input, "RequestForward.message")?;
        Ok(Self {
            xid,
            message: Box::new(message),
        })
    }
}
