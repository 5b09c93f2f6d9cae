//! Messages of Nicira from before OpenFlow had extensible matches.
//!
//! OVS takes them in OpenFlow 1.3 too, and a session that asked for them gets them. Their matches
//! have no header of their own: a length stands in a fixed place. What is written names its fields
//! as OpenFlow 1.3 does, which OVS reads as well.

use std::time::Duration;

use bytes::Bytes;

use super::FlowRemovedReason;
use crate::action::PacketInReason;
use crate::flow::FlowFlags;
use crate::instruction::Instructions;
use crate::matching::{Match, Strictness};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// Adds, changes or removes flows (`NXT_FLOW_MOD`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NxFlowMod {
    /// The cookie of the new flow.
    pub cookie: u64,
    /// What is done, a [`FlowModCommand`](super::FlowModCommand); with
    /// [`FlowModTableId`](super::FlowModTableId) the table in the upper half.
    pub command: u16,
    /// Seconds without a packet after which the flow goes; 0 for never.
    pub idle_timeout: u16,
    /// Seconds after which the flow goes; 0 for never.
    pub hard_timeout: u16,
    /// Of several flows that match, the one with the highest is used.
    pub priority: u16,
    /// A packet that the switch keeps and sends through the tables afterwards.
    pub buffer_id: u32,
    /// Only flows with an output to this port are removed, a number of 16 bits; 0xffff for all.
    pub out_port: u16,
    /// What is asked for besides.
    pub flags: FlowFlags,
    /// Which packets the flow is for.
    pub matching: Match,
    /// What happens to them; Nicira's form for OpenFlow 1.0 has actions here.
    pub instructions: Instructions,
}

impl Wire for NxFlowMod {
    fn encode(&self, out: &mut Writer) {
        self.cookie.encode(out);
        self.command.encode(out);
        self.idle_timeout.encode(out);
        self.hard_timeout.encode(out);
        self.priority.encode(out);
        self.buffer_id.encode(out);
        self.out_port.encode(out);
        self.flags.encode(out);
        length_of(&self.matching).encode(out);
        out.zeros(6);
        put_match(&self.matching, out);
        self.instructions.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let cookie = u64::decode(input)?;
        let command = u16::decode(input)?;
        let idle_timeout = u16::decode(input)?;
        let hard_timeout = u16::decode(input)?;
        let priority = u16::decode(input)?;
        let buffer_id = u32::decode(input)?;
        let out_port = u16::decode(input)?;
        let flags = FlowFlags::decode(input)?;
        let length = u16::decode(input)?;
        input.skip(6)?;
        Ok(Self {
            cookie,
            command,
            idle_timeout,
            hard_timeout,
            priority,
            buffer_id,
            out_port,
            flags,
            matching: take_match(length, Strictness::Strict, input)?,
            instructions: Instructions::decode(input)?,
        })
    }
}

/// Tells that a flow is gone (`NXT_FLOW_REMOVED`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NxFlowRemoved {
    /// The cookie of the flow.
    pub cookie: u64,
    /// The priority of the flow.
    pub priority: u16,
    /// Why it is gone.
    pub reason: FlowRemovedReason,
    /// Its table, if it is told.
    pub table: Option<u8>,
    /// How long it was there.
    pub duration: Duration,
    /// Seconds without a packet after which it was to go; 0 for never.
    pub idle_timeout: u16,
    /// How many packets it saw.
    pub packet_count: u64,
    /// How many bytes these packets had.
    pub byte_count: u64,
    /// Which packets it was for.
    pub matching: Match,
}

impl Wire for NxFlowRemoved {
    fn encode(&self, out: &mut Writer) {
        self.cookie.encode(out);
        self.priority.encode(out);
        self.reason.encode(out);
        // One more than the table, as 0 says that it is not told.
        self.table
            .map_or(0, |table| table.wrapping_add(1))
            .encode(out);
        self.duration.encode(out);
        self.idle_timeout.encode(out);
        length_of(&self.matching).encode(out);
        self.packet_count.encode(out);
        self.byte_count.encode(out);
        put_match(&self.matching, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let cookie = u64::decode(input)?;
        let priority = u16::decode(input)?;
        let reason = FlowRemovedReason::decode(input)?;
        let table = u8::decode(input)?.checked_sub(1);
        let duration = Duration::decode(input)?;
        let idle_timeout = u16::decode(input)?;
        let length = u16::decode(input)?;
        Ok(Self {
            cookie,
            priority,
            reason,
            table,
            duration,
            idle_timeout,
            packet_count: u64::decode(input)?,
            byte_count: u64::decode(input)?,
            matching: take_match(length, Strictness::Strict, input)?,
        })
    }
}

/// A packet, and how it came here (`NXT_PACKET_IN`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NxPacketIn {
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

impl Wire for NxPacketIn {
    fn encode(&self, out: &mut Writer) {
        self.buffer_id.encode(out);
        self.total_len.encode(out);
        self.reason.encode(out);
        self.table.encode(out);
        self.cookie.encode(out);
        length_of(&self.metadata).encode(out);
        out.zeros(6);
        put_match(&self.metadata, out);
        out.zeros(2);
        self.data.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let buffer_id = u32::decode(input)?;
        let total_len = u16::decode(input)?;
        let reason = PacketInReason::decode(input)?;
        let table = u8::decode(input)?;
        let cookie = u64::decode(input)?;
        let length = u16::decode(input)?;
        input.skip(6)?;
        let metadata = take_match(length, Strictness::Loose, input)?;
        input.skip(2)?;
        Ok(Self {
            buffer_id,
            total_len,
            reason,
            table,
            cookie,
            metadata,
            data: input.remainder(),
        })
    }
}

fn length_of(matching: &Match) -> u16 {
    u16::try_from(matching.as_bytes().len()).unwrap_or(u16::MAX)
}

fn put_match(matching: &Match, out: &mut Writer) {
    let start = out.len();
    out.put(matching.as_bytes());
    out.pad(start, 8);
}

fn take_match(
    length: u16,
    strictness: Strictness,
    input: &mut Reader<'_>,
) -> Result<Match, DecodeError> {
    let length = usize::from(length);
    let mut fields = input.sub(length, "Match.fields")?;
    let matching = Match::decode_fields(&mut fields, strictness)?;
    input.skip(length.next_multiple_of(8) - length)?;
    Ok(matching)
}
