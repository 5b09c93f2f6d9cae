//! Follows the flows of a switch as they come, change and go.
//!
//! The monitors of Open vSwitch, in the form that extension 187 of the Open Networking Foundation
//! gave them for OpenFlow 1.3. The reply to the request holds the flows that are there; later
//! replies come unasked, with transaction number 0.

use super::entry;
use crate::declare::{codes, flags};
use crate::field::PortNo;
use crate::flow::Flow;
use crate::instruction::Instructions;
use crate::matching::Match;
use crate::message::{ALL_TABLES, FlowRemovedReason};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Asks to follow the flows that a match covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowMonitorRequest {
    /// A number for the monitor, new on this connection.
    pub id: u32,
    /// What is told, and how.
    pub flags: FlowMonitorFlags,
    /// Only flows with an output to this port; [`PortNo::ANY`] for all.
    pub out_port: PortNo,
    /// The table; [`ALL_TABLES`] for all.
    pub table: u8,
    /// Only flows that this match covers.
    pub matching: Match,
}

impl FlowMonitorRequest {
    /// Follows all flows, with what they do, from those that are there already.
    #[must_use]
    pub fn all(id: u32) -> Self {
        Self {
            id,
            flags: FlowMonitorFlags::all(),
            out_port: PortNo::ANY,
            table: ALL_TABLES,
            matching: Match::default(),
        }
    }
}

flags! {
    /// What a flow monitor tells, and how (`ONFFMF_*`).
    pub struct FlowMonitorFlags(u16) {
        /// The flows that are there when it begins.
        INITIAL = 1;
        /// Flows that come.
        ADD = 1 << 1;
        /// Flows that go.
        DELETE = 1 << 2;
        /// Flows that change.
        MODIFY = 1 << 3;
        /// What the flows do, too.
        ACTIONS = 1 << 4;
        /// In full also what the same connection caused.
        OWN = 1 << 5;
    }
}

impl Wire for FlowMonitorRequest {
    fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
        self.flags.encode(out);
        match_length(&self.matching).encode(out);
        self.out_port.encode(out);
        self.table.encode(out);
        out.zeros(3);
        self.matching.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = u32::decode(input)?;
        let flags = FlowMonitorFlags::decode(input)?;
        input.skip(2)?;
        let out_port = PortNo::decode(input)?;
        let table = u8::decode(input)?;
        input.zeros(3, "FlowMonitorRequest.zeros")?;
        Ok(Self {
            id,
            flags,
            out_port,
            table,
            matching: Match::decode(input)?,
        })
    }
}

/// Bytes of a match without its padding, which stand a second time before it.
fn match_length(matching: &Match) -> u16 {
    u16::try_from(matching.as_bytes().len() + 4).unwrap_or(u16::MAX)
}

/// What happened to flows.
///
/// A bundle comes back as one short update for each of its messages, so these have to be small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowUpdate {
    /// What happened to one flow.
    Full(Box<FlowChange>),
    /// This connection changed flows itself, with the message of this transaction.
    ///
    /// Only from monitors without [`FlowMonitorFlags::OWN`].
    Abbreviated {
        /// The number of the transaction.
        xid: u32,
    },
}

/// What happened to a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowChange {
    /// What happened.
    pub event: FlowEvent,
    /// Why the flow is gone, if it is.
    pub reason: FlowRemovedReason,
    /// The flow. Its flags are not told, and without [`FlowMonitorFlags::ACTIONS`], or when the
    /// flow is gone, its instructions neither.
    pub flow: Flow,
}

codes! {
    /// What happened to a flow (`ONFFME_*`).
    pub struct FlowEvent(u16) {
        /// It came, or was there when the monitor began.
        ADDED = 0, "ADDED";
        /// It went.
        DELETED = 1, "DELETED";
        /// It changed.
        MODIFIED = 2, "MODIFIED";
    }
}

/// The event of [`FlowUpdate::Abbreviated`].
const ABBREVIATED: u16 = 3;

impl Wire for FlowUpdate {
    fn encode(&self, out: &mut Writer) {
        out.sized(0, 1, |out| {
            out.zeros(2);
            match self {
                Self::Full(change) => change.encode(out),
                Self::Abbreviated { xid } => {
                    ABBREVIATED.encode(out);
                    xid.encode(out);
                }
            }
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut body = entry(input, "FlowUpdate")?;
        let update = match u16::decode(&mut body).map_err(|e| e.reading("FlowUpdate.event"))? {
            ABBREVIATED => u32::decode(&mut body).map(|xid| Self::Abbreviated { xid }),
            event => FlowChange::decode(FlowEvent(event), &mut body)
                .map(|change| Self::Full(Box::new(change))),
        };
        let update = update.map_err(|e| e.reading("FlowUpdate"))?;
        body.finish("FlowUpdate")?;
        Ok(update)
    }
}

impl FlowChange {
    fn encode(&self, out: &mut Writer) {
        let flow = &self.flow;
        self.event.encode(out);
        u16::from(self.reason.0).encode(out);
        flow.priority.encode(out);
        flow.idle_timeout.encode(out);
        flow.hard_timeout.encode(out);
        match_length(&flow.matching).encode(out);
        flow.table.encode(out);
        out.zeros(1);
        flow.cookie.encode(out);
        flow.matching.encode(out);
        flow.instructions.encode(out);
    }

    fn decode(event: FlowEvent, body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let wrong = body.error(
            "FlowUpdate.event",
            Problem::UnknownCode {
                code: event.0.into(),
            },
        );
        if event.name().is_none() {
            return Err(wrong);
        }
        let reason = u16::decode(body)?;
        let Ok(reason) = u8::try_from(reason).map(FlowRemovedReason) else {
            let value = reason.into();
            return Err(body.error("FlowUpdate.reason", Problem::BadValue { value }));
        };
        let priority = u16::decode(body)?;
        let idle_timeout = u16::decode(body)?;
        let hard_timeout = u16::decode(body)?;
        body.skip(2)?;
        let table = u8::decode(body)?;
        body.skip(1)?;
        let flow = Flow {
            table,
            priority,
            cookie: u64::decode(body)?,
            matching: Match::decode(body)?,
            idle_timeout,
            hard_timeout,
            instructions: Instructions::decode(body)?,
            ..Flow::default()
        };
        Ok(Self {
            event,
            reason,
            flow,
        })
    }
}
