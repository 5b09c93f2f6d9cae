//! A flow: which packets, and what becomes of them.

use std::fmt;

use crate::declare::flags;
use crate::instruction::Instructions;
use crate::matching::Match;
use crate::names::Names;

/// The priority of a flow that does not say one, in the text of `ovs-ofctl`.
pub const DEFAULT_PRIORITY: u16 = 0x8000;

/// A flow of a table, without its counters.
///
/// Two flows are equal if a switch could not tell them apart. Those that agree in
/// [`identity`](Self::identity) cannot be in a switch together.
///
/// ```
/// # use openflow::{action::Output, field::*, flow::Flow, instruction::Instructions, matching::Match};
/// let flow = Flow {
///     table: 82,
///     priority: 77,
///     matching: Match::default()
///         .with(ETH_TYPE, EthType::IPV4)
///         .with(IP_PROTO, IpProto::TCP)
///         .with(TCP_DST, 22)
///         .with(REG5, 43)
///         .masked(CT_STATE, CtState::EST, CtState::EST | CtState::REL | CtState::RPL),
///     cookie: 0x2a,
///     instructions: Instructions::apply([Output::to(PortNo(43)).into()]),
///     ..Flow::default()
/// };
/// assert_eq!(
///     flow.to_string(),
///     "cookie=0x2a, table=82, priority=77,ct_state=+est-rel-rpl,tcp,reg5=0x2b,tp_dst=22 \
///      actions=output:43",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The table.
    pub table: u8,
    /// The priority; of flows that match a packet, the greatest wins.
    pub priority: u16,
    /// The packets.
    pub matching: Match,
    /// A number that the switch keeps and does not look at.
    pub cookie: u64,
    /// Seconds without a packet after which the flow goes; 0 for never.
    pub idle_timeout: u16,
    /// Seconds after which the flow goes; 0 for never.
    pub hard_timeout: u16,
    /// What is asked for besides.
    pub flags: FlowFlags,
    /// What becomes of the packets.
    pub instructions: Instructions,
}

flags! {
    /// What a flow asks for besides (section 7.3.4.1, `OFPFF_*`).
    pub struct FlowFlags(u16) {
        /// The controllers hear when the flow goes.
        SEND_FLOW_REM = 1;
        /// The flow is refused if it overlaps another of its priority; only when it is added.
        CHECK_OVERLAP = 2;
        /// The counters start anew; only when the flow is modified.
        RESET_COUNTS = 4;
        /// Packets need not be counted.
        NO_PKT_COUNTS = 8;
        /// Bytes need not be counted.
        NO_BYT_COUNTS = 16;
    }
}

impl Default for Flow {
    /// The flow of table 0 that drops every packet, at [`DEFAULT_PRIORITY`].
    fn default() -> Self {
        Self {
            table: 0,
            priority: DEFAULT_PRIORITY,
            matching: Match::default(),
            cookie: 0,
            idle_timeout: 0,
            hard_timeout: 0,
            flags: FlowFlags::empty(),
            instructions: Instructions::default(),
        }
    }
}

impl Flow {
    /// What tells flows of a switch apart: table, priority and match.
    #[must_use]
    pub const fn identity(&self) -> (u8, u16, &Match) {
        (self.table, self.priority, &self.matching)
    }

    /// The text of the flow, with ports and tables by the names that `names` gives them.
    #[must_use]
    pub const fn display_with<'a>(&'a self, names: &'a Names) -> DisplayFlow<'a> {
        DisplayFlow { flow: self, names }
    }
}

impl fmt::Display for Flow {
    /// Writes the flow as `ovs-ofctl --no-stats dump-flows` does, which `ovs-ofctl add-flows` reads.
    ///
    /// `ovs-ofctl` puts a blank before each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display_with(&Names::NONE).fmt(f)
    }
}

/// The text of a flow; from [`Flow::display_with`].
#[derive(Clone, Copy, Debug)]
pub struct DisplayFlow<'a> {
    flow: &'a Flow,
    names: &'a Names,
}

impl fmt::Display for DisplayFlow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flow, names } = self;
        if flow.cookie != 0 {
            write!(f, "cookie={:#x}, ", flow.cookie)?;
        }
        if flow.table != 0 || names.has_table(flow.table) {
            write!(f, "table={}, ", names.table(flow.table))?;
        }
        if flow.idle_timeout != 0 {
            write!(f, "idle_timeout={}, ", flow.idle_timeout)?;
        }
        if flow.hard_timeout != 0 {
            write!(f, "hard_timeout={}, ", flow.hard_timeout)?;
        }
        write!(f, "{}", flow.flags)?;
        let mut comma = "";
        if flow.priority != DEFAULT_PRIORITY {
            write!(f, "priority={}", flow.priority)?;
            comma = ",";
        }
        if !flow.matching.is_empty() {
            write!(f, "{comma}{}", flow.matching.display_with(names))?;
            comma = ",";
        }
        let blank = if comma.is_empty() { "" } else { " " };
        write!(f, "{blank}actions={}", names.show(&flow.instructions))
    }
}

impl fmt::Display for FlowFlags {
    /// Writes each flag as a word with a blank after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, word) in [
            (Self::SEND_FLOW_REM, "send_flow_rem "),
            (Self::CHECK_OVERLAP, "check_overlap "),
            (Self::RESET_COUNTS, "reset_counts "),
            (Self::NO_PKT_COUNTS, "no_packet_counts "),
            (Self::NO_BYT_COUNTS, "no_byte_counts "),
        ] {
            if self.contains(flag) {
                f.write_str(word)?;
            }
        }
        Ok(())
    }
}
