//! Adds, changes and removes flows (section 7.3.4.1).

use super::NO_BUFFER;
use crate::declare::{codes, wire_struct};
use crate::field::{GroupId, PortNo};
use crate::flow::{Flow, FlowFlags};
use crate::instruction::Instructions;
use crate::matching::Match;

wire_struct! {
    /// Adds, changes or removes flows.
    pub struct FlowMod {
        /// The cookie: of the new flow, or that the flows must have under `cookie_mask`.
        cookie: u64;
        /// The bits of the cookie that flows must have to be changed or removed.
        cookie_mask: u64;
        /// The table; [`ALL_TABLES`] to remove from all.
        table: u8;
        /// What is done.
        command: FlowModCommand;
        /// Seconds without a packet after which the flow goes; 0 for never.
        idle_timeout: u16;
        /// Seconds after which the flow goes; 0 for never.
        hard_timeout: u16;
        /// Of several flows that match, the one with the highest is used.
        priority: u16;
        /// A packet that the switch keeps and sends through the tables afterwards.
        buffer_id: u32;
        /// Only flows with an output to this port are removed; [`PortNo::ANY`] for all.
        out_port: PortNo;
        /// Only flows with an output to this group are removed; [`GroupId::ANY`] for all.
        out_group: GroupId;
        /// What is asked for besides.
        flags: FlowFlags, pad 2;
        /// Which packets the flow is for.
        matching: Match;
        /// What happens to them.
        instructions: Instructions;
    }
}

/// The number that stands for all tables, `OFPTT_ALL`.
pub const ALL_TABLES: u8 = 0xff;

impl FlowMod {
    /// Adds `flow`, replacing one with the same identity.
    #[must_use]
    pub fn add(flow: &Flow) -> Self {
        Self::of(FlowModCommand::ADD, flow)
    }

    /// Changes the instructions of the flow with the identity of `flow` to those of `flow`.
    ///
    /// Its cookie stays what it is.
    #[must_use]
    pub fn modify_strict(flow: &Flow) -> Self {
        Self::of(FlowModCommand::MODIFY_STRICT, flow)
    }

    /// Removes the flow with this identity.
    #[must_use]
    pub fn delete_strict((table, priority, matching): (u8, u16, &Match)) -> Self {
        Self {
            table,
            command: FlowModCommand::DELETE_STRICT,
            priority,
            matching: matching.clone(),
            ..Self::delete_all()
        }
    }

    /// Removes every flow of every table.
    #[must_use]
    pub fn delete_all() -> Self {
        let flow = Flow {
            table: ALL_TABLES,
            ..Flow::default()
        };
        Self::of(FlowModCommand::DELETE, &flow)
    }

    /// Removes the flows of every table whose cookie is `cookie` in the bits of `mask`.
    #[must_use]
    pub fn delete_by_cookie(cookie: u64, mask: u64) -> Self {
        Self {
            cookie,
            cookie_mask: mask,
            ..Self::delete_all()
        }
    }

    fn of(command: FlowModCommand, flow: &Flow) -> Self {
        Self {
            cookie: flow.cookie,
            cookie_mask: 0,
            table: flow.table,
            command,
            idle_timeout: flow.idle_timeout,
            hard_timeout: flow.hard_timeout,
            priority: flow.priority,
            buffer_id: NO_BUFFER,
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            flags: flow.flags,
            matching: flow.matching.clone(),
            instructions: flow.instructions.clone(),
        }
    }
}

/// The flow that is added, or whose instructions others get.
impl From<FlowMod> for Flow {
    fn from(change: FlowMod) -> Self {
        Self {
            table: change.table,
            priority: change.priority,
            matching: change.matching,
            cookie: change.cookie,
            idle_timeout: change.idle_timeout,
            hard_timeout: change.hard_timeout,
            flags: change.flags,
            instructions: change.instructions,
        }
    }
}

codes! {
    /// What a flow mod does (`OFPFC_*`).
    pub struct FlowModCommand(u8) {
        /// Adds a flow, replacing one with the same match and priority.
        ADD = 0, "ADD";
        /// Changes the instructions of all flows that the match covers.
        MODIFY = 1, "MOD";
        /// Changes the instructions of the flow with this match and priority.
        MODIFY_STRICT = 2, "MOD_STRICT";
        /// Removes all flows that the match covers.
        DELETE = 3, "DEL";
        /// Removes the flow with this match and priority.
        DELETE_STRICT = 4, "DEL_STRICT";
    }
}
