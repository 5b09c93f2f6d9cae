//! Brings a packet to the controller, with all that the switch knows of it (`NXT_PACKET_IN2`).
//!
//! The form of Open vSwitch, which a controller asks for with
//! [`SetPacketInFormat`](super::SetPacketInFormat). Only in it can a packet wait: the action that
//! sent it paused the packet, and a resume, which holds the same, lets it go on.

use bytes::Bytes;

use super::property::{put_nested, put_property, take_property};
use crate::action::PacketInReason;
use crate::field::{IN_PORT, PortNo};
use crate::matching::{Match, Strictness};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// A packet, and how it came here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketIn2 {
    /// The packet, or its start, from its Ethernet header on.
    pub packet: Bytes,
    /// Bytes that the packet has, if `packet` is only its start.
    pub full_len: Option<u32>,
    /// The packet's number, if the switch keeps it.
    pub buffer_id: Option<u32>,
    /// The table whose flow sent it.
    pub table: u8,
    /// The cookie of the flow that sent it, if there is one.
    pub cookie: Option<u64>,
    /// Why it was sent.
    pub reason: PacketInReason,
    /// What goes with the packet and is not in it: the port, registers, metadata. A resume may
    /// change it.
    pub metadata: Match,
    /// The bytes that the action gave to the packet.
    pub userdata: Bytes,
    /// Where a paused packet stands; only the switch understands it.
    pub continuation: Option<Bytes>,
}

const PACKET: u16 = 0;
const FULL_LEN: u16 = 1;
const BUFFER_ID: u16 = 2;
const TABLE_ID: u16 = 3;
const COOKIE: u16 = 4;
const REASON: u16 = 5;
const METADATA: u16 = 6;
const USERDATA: u16 = 7;
const CONTINUATION: u16 = 8;

impl PacketIn2 {
    /// The port that the packet came from.
    #[must_use]
    pub fn in_port(&self) -> Option<PortNo> {
        self.metadata.value(IN_PORT)
    }

    fn decode_one(&mut self, kind: u16, value: &mut Reader<'_>) -> Result<(), DecodeError> {
        match kind {
            PACKET => self.packet = value.remainder(),
            FULL_LEN => self.full_len = Some(u32::decode(value)?),
            BUFFER_ID => self.buffer_id = Some(u32::decode(value)?),
            TABLE_ID => self.table = u8::decode(value)?,
            COOKIE => {
                value.skip(4)?;
                self.cookie = Some(u64::decode(value)?);
            }
            REASON => self.reason = PacketInReason::decode(value)?,
            METADATA => self.metadata = Match::decode_fields(value, Strictness::Loose)?,
            USERDATA => self.userdata = value.remainder(),
            CONTINUATION => {
                value.skip(4)?;
                self.continuation = Some(value.remainder());
            }
            // A later OVS may tell more.
            _ => {}
        }
        Ok(())
    }
}

impl Default for PacketIn2 {
    /// What properties say that are not there.
    fn default() -> Self {
        Self {
            packet: Bytes::new(),
            full_len: None,
            buffer_id: None,
            table: 0,
            cookie: None,
            reason: PacketInReason::NO_MATCH,
            metadata: Match::default(),
            userdata: Bytes::new(),
            continuation: None,
        }
    }
}

impl Wire for PacketIn2 {
    fn encode(&self, out: &mut Writer) {
        put_property(PACKET, out, |out| self.packet.encode(out));
        if let Some(length) = self.full_len {
            put_property(FULL_LEN, out, |out| length.encode(out));
        }
        if let Some(buffer) = self.buffer_id {
            put_property(BUFFER_ID, out, |out| buffer.encode(out));
        }
        put_property(TABLE_ID, out, |out| self.table.encode(out));
        if let Some(cookie) = self.cookie {
            put_nested(COOKIE, out, |out| cookie.encode(out));
        }
        put_property(REASON, out, |out| self.reason.encode(out));
        put_property(METADATA, out, |out| out.put(self.metadata.as_bytes()));
        if !self.userdata.is_empty() {
            put_property(USERDATA, out, |out| self.userdata.encode(out));
        }
        if let Some(continuation) = &self.continuation {
            put_nested(CONTINUATION, out, |out| continuation.encode(out));
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut packet = Self::default();
        let at = input.error("PacketIn2.packet", Problem::Truncated { missing: 4 });
        let mut found = false;
        while !input.is_empty() {
            let (kind, mut value) = take_property(input, "PacketIn2")?;
            found |= kind == PACKET;
            packet
                .decode_one(kind, &mut value)
                .map_err(|e| e.reading("PacketIn2"))?;
        }
        if found { Ok(packet) } else { Err(at) }
    }
}
