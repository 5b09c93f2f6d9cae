//! The flows of a switch, and what they counted (sections 7.3.5.2 and 7.3.5.3).

use std::time::Duration;

use super::entry;
use crate::declare::wire_struct;
use crate::field::{GroupId, PortNo};
use crate::flow::{Flow, FlowFlags};
use crate::instruction::Instructions;
use crate::matching::Match;
use crate::message::ALL_TABLES;
use crate::wire::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// Which flows are asked for, each or all together.
    pub struct FlowStatsRequest {
        /// The table; [`ALL_TABLES`] for all.
        table: u8, pad 3;
        /// Only flows with an output to this port; [`PortNo::ANY`] for all.
        out_port: PortNo;
        /// Only flows with an output to this group; [`GroupId::ANY`] for all.
        out_group: GroupId, pad 4;
        /// The cookie that the flows must have in the bits of `cookie_mask`.
        cookie: u64;
        /// The bits of the cookie that count.
        cookie_mask: u64;
        /// Only flows that this match covers.
        matching: Match;
    }
}

impl FlowStatsRequest {
    /// Every flow of every table.
    #[must_use]
    pub fn all() -> Self {
        Self {
            table: ALL_TABLES,
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            cookie: 0,
            cookie_mask: 0,
            matching: Match::default(),
        }
    }
}

/// A flow, and what it counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowStats {
    /// The flow.
    pub flow: Flow,
    /// How long it has been there.
    pub duration: Duration,
    /// How many packets it saw.
    pub packet_count: u64,
    /// How many bytes these packets had.
    pub byte_count: u64,
}

impl From<FlowStats> for Flow {
    fn from(stats: FlowStats) -> Self {
        stats.flow
    }
}

impl Wire for FlowStats {
    fn encode(&self, out: &mut Writer) {
        let flow = &self.flow;
        out.sized(0, 1, |out| {
            out.zeros(2);
            flow.table.encode(out);
            out.zeros(1);
            self.duration.encode(out);
            flow.priority.encode(out);
            flow.idle_timeout.encode(out);
            flow.hard_timeout.encode(out);
            flow.flags.encode(out);
            out.zeros(4);
            flow.cookie.encode(out);
            self.packet_count.encode(out);
            self.byte_count.encode(out);
            flow.matching.encode(out);
            flow.instructions.encode(out);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut whole = input.clone();
        let mut body = entry(input, "FlowStats").map_err(|error| {
            // Which part of the flow is cut off says more.
            let part = whole.skip(2).and_then(|()| Self::decode_body(&mut whole));
            part.err()
                .filter(|part| !part.what.is_empty())
                .unwrap_or(error)
        })?;
        Self::decode_body(&mut body).map_err(|e| e.reading("FlowStats"))
    }
}

impl FlowStats {
    fn decode_body(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let table = u8::decode(body)?;
        body.skip(1)?;
        let duration = Duration::decode(body)?;
        let priority = u16::decode(body)?;
        let idle_timeout = u16::decode(body)?;
        let hard_timeout = u16::decode(body)?;
        let flags = FlowFlags::decode(body)?;
        body.skip(4)?;
        let cookie = u64::decode(body)?;
        let packet_count = u64::decode(body)?;
        let byte_count = u64::decode(body)?;
        let flow = Flow {
            table,
            priority,
            matching: Match::decode(body)?,
            cookie,
            idle_timeout,
            hard_timeout,
            flags,
            instructions: Instructions::decode(body)?,
        };
        Ok(Self {
            flow,
            duration,
            packet_count,
            byte_count,
        })
    }
}

wire_struct! {
    /// What flows counted together.
    pub struct AggregateStats {
        /// How many packets they saw.
        packet_count: u64;
        /// How many bytes these packets had.
        byte_count: u64;
        /// How many flows they are.
        flow_count: u32, pad 4;
    }
}
