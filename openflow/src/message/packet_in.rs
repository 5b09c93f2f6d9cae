//! Brings a packet to the controller (section 7.4.1).

use bytes::Bytes;

use crate::action::PacketInReason;
use crate::field::{IN_PORT, MacAddr, PortNo};
use crate::matching::{Match, Strictness};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// A packet, and how it came here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketIn {
    /// The packet's number, if the switch keeps it; [`NO_BUFFER`](super::NO_BUFFER) from OVS.
    pub buffer_id: u32,
    /// Bytes that the packet has, which may be more than `data` holds.
    pub total_len: u16,
    /// Why it was sent.
    pub reason: PacketInReason,
    /// The table whose flow sent it.
    pub table: u8,
    /// The cookie of the flow that sent it, all ones if there is none.
    pub cookie: u64,
    /// What goes with the packet and is not in it: the port, registers, metadata.
    pub metadata: Match,
    /// The packet, or its start, from its Ethernet header on.
    pub data: Bytes,
}

impl PacketIn {
    /// The port that the packet came from.
    #[must_use]
    pub fn in_port(&self) -> Option<PortNo> {
        self.metadata.value(IN_PORT)
    }

    /// The Ethernet addresses of the packet: where it goes, and where it is from.
    #[must_use]
    pub fn addresses(&self) -> Option<(MacAddr, MacAddr)> {
        let (to, rest) = self.data.split_first_chunk()?;
        Some((MacAddr(*to), MacAddr(*rest.first_chunk()?)))
    }
}

impl Wire for PacketIn {
    fn encode(&self, out: &mut Writer) {
        self.buffer_id.encode(out);
        self.total_len.encode(out);
        self.reason.encode(out);
        self.table.encode(out);
        self.cookie.encode(out);
        self.metadata.encode(out);
        out.zeros(2);
        self.data.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let packet = Self {
            buffer_id: u32::decode(input)?,
            total_len: u16::decode(input)?,
            reason: PacketInReason::decode(input)?,
            table: u8::decode(input)?,
            cookie: u64::decode(input)?,
            // Fields without what they need: that is in the packet.
            metadata: Match::decode_padded(input, Strictness::Loose)?,
            data: Bytes::new(),
        };
        input.skip(2)?;
        Ok(Self {
            data: input.remainder(),
            ..packet
        })
    }
}
