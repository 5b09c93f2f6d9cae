//! Flows: changes of them, what they counted, that they are gone, and monitors that follow them.

use std::fmt::{self, Display, Formatter};

use super::pieces::{BitNames, Seconds, Sharp};
use crate::field::{GroupId, PortNo};
use crate::flow::{DEFAULT_PRIORITY, Flow};
use crate::instruction::Instructions;
use crate::matching::Match;
use crate::message::{
    ALL_TABLES, FlowMod, FlowModCommand, FlowRemoved, FlowStats, NO_BUFFER, NxFlowMod,
    NxFlowRemoved,
};
use crate::multipart::{
    AggregateStats, FlowEvent, FlowMonitorFlags, FlowMonitorRequest, FlowStatsRequest, FlowUpdate,
};
use crate::names::Names;

/// Writes the priority, unless it is the usual one, and the match.
struct Conditions<'a> {
    priority: u16,
    matching: &'a Match,
    names: &'a Names,
}

impl<'a> Conditions<'a> {
    const fn of(flow: &'a Flow, names: &'a Names) -> Self {
        Self {
            priority: flow.priority,
            matching: &flow.matching,
            names,
        }
    }

    /// The text with a blank after it, if it is not empty.
    fn spaced(&self) -> String {
        let text = self.to_string();
        if text.is_empty() { text } else { text + " " }
    }
}

impl Display for Conditions<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let matching = self.matching.display_with(self.names);
        match (self.priority, self.matching.is_empty()) {
            (DEFAULT_PRIORITY, _) => write!(f, "{matching}"),
            (priority, true) => write!(f, "priority={priority}"),
            (priority, false) => write!(f, "priority={priority},{matching}"),
        }
    }
}

/// The cookie that a change leaves as it is.
const UNCHANGED: u64 = u64::MAX;

pub(super) fn flow_mod(change: &FlowMod, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    match change.command.name() {
        Some(name) => write!(f, " {name}")?,
        None => write!(f, " cmd:{}", change.command.0)?,
    }
    if change.table != 0 || names.has_table(change.table) {
        write!(f, " table:{}", names.table(change.table))?;
    }
    let flow = Flow::from(change.clone());
    write!(f, " {}", Conditions::of(&flow, names).spaced())?;
    let adds = change.command == FlowModCommand::ADD;
    if change.cookie_mask != 0 && !adds {
        let (cookie, mask) = (change.cookie, change.cookie_mask);
        write!(f, "cookie:{cookie:#x}/{mask:#x} ")?;
    } else if change.cookie != 0 && change.cookie != UNCHANGED && adds {
        write!(f, "cookie:{:#x} ", change.cookie)?;
    }
    if change.idle_timeout != 0 {
        write!(f, "idle:{} ", change.idle_timeout)?;
    }
    if change.hard_timeout != 0 {
        write!(f, "hard:{} ", change.hard_timeout)?;
    }
    if change.buffer_id != NO_BUFFER {
        write!(f, "buf:{:#x} ", change.buffer_id)?;
    }
    if change.out_port != PortNo::ANY {
        write!(f, "out_port:{} ", names.port(change.out_port))?;
    }
    let actions = names.show(&change.instructions);
    write!(f, "{}actions={actions}", change.flags)
}

pub(super) fn nx_flow_mod(change: &NxFlowMod, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let [table, command] = change.command.to_be_bytes();
    let standard = FlowMod {
        cookie: change.cookie,
        cookie_mask: 0,
        table,
        command: FlowModCommand(command),
        idle_timeout: change.idle_timeout,
        hard_timeout: change.hard_timeout,
        priority: change.priority,
        buffer_id: change.buffer_id,
        out_port: PortNo::from_16(change.out_port),
        out_group: GroupId::ANY,
        flags: change.flags,
        matching: change.matching.clone(),
        instructions: change.instructions.clone(),
    };
    flow_mod(&standard, names, f)
}

pub(super) fn request(
    request: &FlowStatsRequest,
    names: &Names,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    if request.table != ALL_TABLES {
        write!(f, " table={}", names.table(request.table))?;
    }
    if request.out_port != PortNo::ANY {
        write!(f, " out_port={}", names.port(request.out_port))?;
    }
    if request.out_group != GroupId::ANY {
        write!(f, " out_group={}", request.out_group)?;
    }
    write!(f, " {}", request.matching.display_with(names))
}

pub(super) fn stats(stats: &FlowStats, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let flow = &stats.flow;
    write!(
        f,
        "\n cookie={:#x}, duration={}, table={}, n_packets={}, n_bytes={}, ",
        flow.cookie,
        Seconds(stats.duration),
        names.table(flow.table),
        stats.packet_count,
        stats.byte_count
    )?;
    if flow.idle_timeout != 0 {
        write!(f, "idle_timeout={}, ", flow.idle_timeout)?;
    }
    if flow.hard_timeout != 0 {
        write!(f, "hard_timeout={}, ", flow.hard_timeout)?;
    }
    let conditions = Conditions::of(flow, names).spaced();
    let actions = names.show(&flow.instructions);
    write!(f, "{}{conditions}actions={actions}", flow.flags)
}

pub(super) fn aggregate(stats: &AggregateStats, f: &mut Formatter<'_>) -> fmt::Result {
    let AggregateStats {
        packet_count,
        byte_count,
        flow_count,
    } = stats;
    write!(
        f,
        " packet_count={packet_count} byte_count={byte_count} flow_count={flow_count}"
    )
}

pub(super) fn removed(gone: &FlowRemoved, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let conditions = Conditions {
        priority: gone.priority,
        matching: &gone.matching,
        names,
    };
    write!(f, " {conditions} reason={}", gone.reason)?;
    if gone.table != ALL_TABLES {
        write!(f, " table_id={}", names.table(gone.table))?;
    }
    if gone.cookie != 0 {
        write!(f, " cookie:{:#x}", gone.cookie)?;
    }
    let duration = Seconds(gone.duration);
    write!(f, " duration{duration} idle{}", gone.idle_timeout)?;
    if gone.hard_timeout != 0 {
        write!(f, " hard{}", gone.hard_timeout)?;
    }
    let (packets, bytes) = (gone.packet_count, gone.byte_count);
    write!(f, " pkts{packets} bytes{bytes}")
}

pub(super) fn nx_removed(
    gone: &NxFlowRemoved,
    names: &Names,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    let standard = FlowRemoved {
        cookie: gone.cookie,
        priority: gone.priority,
        reason: gone.reason,
        table: gone.table.unwrap_or(ALL_TABLES),
        duration: gone.duration,
        idle_timeout: gone.idle_timeout,
        hard_timeout: 0,
        packet_count: gone.packet_count,
        byte_count: gone.byte_count,
        matching: gone.matching.clone(),
    };
    removed(&standard, names, f)
}

/// Each flag of a monitor, in the order of OpenFlow 1.4, in which `ovs-ofctl` prints them.
const MONITOR_FLAGS: &[(u32, &str)] = &[
    (1, "initial"),
    (1 << 1, "add"),
    (1 << 2, "delete"),
    (1 << 3, "modify"),
    (1 << 4, "actions"),
    (1 << 6, "own"),
];

pub(super) fn monitor(
    request: &FlowMonitorRequest,
    names: &Names,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    // `own` has another place there; what 1.3 has no name for is not told.
    let known = request.flags & FlowMonitorFlags::all();
    let own = u32::from(known.contains(FlowMonitorFlags::OWN)) << 6;
    let flags = BitNames {
        bits: u32::from(known.difference(FlowMonitorFlags::OWN).bits()) | own,
        names: MONITOR_FLAGS,
        separator: ',',
    };
    write!(f, "\n id={} flags={flags}", request.id)?;
    if request.out_port != PortNo::ANY {
        write!(f, " out_port={}", names.port(request.out_port))?;
    }
    if request.table != ALL_TABLES {
        write!(f, " table={}", names.table(request.table))?;
    }
    if request.matching.is_empty() {
        return Ok(());
    }
    write!(f, " {}", request.matching.display_with(names))
}

pub(super) fn update(update: &FlowUpdate, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let change = match update {
        FlowUpdate::Abbreviated { xid } => return write!(f, "\n event=ABBREV xid={xid:#x}"),
        FlowUpdate::Full(change) => change,
    };
    write!(f, "\n event={}", change.event)?;
    if change.event == FlowEvent::DELETED {
        write!(f, " reason={}", change.reason)?;
    }
    let flow = &change.flow;
    write!(f, " table={}", names.table(flow.table))?;
    if flow.idle_timeout != 0 {
        write!(f, " idle_timeout={}", flow.idle_timeout)?;
    }
    if flow.hard_timeout != 0 {
        write!(f, " hard_timeout={}", flow.hard_timeout)?;
    }
    write!(f, " cookie={} ", Sharp(flow.cookie))?;
    write!(f, "{}", flow.matching.display_with(names))?;
    if flow.instructions == Instructions::default() {
        return Ok(());
    }
    let blank = if flow.matching.is_empty() { "" } else { " " };
    write!(f, "{blank}actions={}", names.show(&flow.instructions))
}
