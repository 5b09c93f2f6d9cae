//! Ports and their queues: what they are, how they are changed, and what they counted.

use std::fmt::{self, Formatter};

use super::pieces::{BitNames, Counter, Seconds, is_known};
use crate::field::PortNo;
use crate::message::{
    PacketQueue, Port, PortFeatures, PortMod, PortReason, PortStatus, QueueGetConfigReply,
};
use crate::multipart::{ALL_QUEUES, PortStats, QueueStats, QueueStatsRequest};
use crate::names::Names;

const CONFIG: &[(u32, &str)] = &[
    (1, "PORT_DOWN"),
    (1 << 2, "NO_RECV"),
    (1 << 5, "NO_FWD"),
    (1 << 6, "NO_PACKET_IN"),
];

const STATE: &[(u32, &str)] = &[(1, "LINK_DOWN"), (1 << 1, "BLOCKED"), (1 << 2, "LIVE")];

const FEATURES: &[(u32, &str)] = &[
    (1, "10MB-HD"),
    (1 << 1, "10MB-FD"),
    (1 << 2, "100MB-HD"),
    (1 << 3, "100MB-FD"),
    (1 << 4, "1GB-HD"),
    (1 << 5, "1GB-FD"),
    (1 << 6, "10GB-FD"),
    (1 << 7, "40GB-FD"),
    (1 << 8, "100GB-FD"),
    (1 << 9, "1TB-FD"),
    (1 << 10, "OTHER"),
    (1 << 11, "COPPER"),
    (1 << 12, "FIBER"),
    (1 << 13, "AUTO_NEG"),
    (1 << 14, "AUTO_PAUSE"),
    (1 << 15, "AUTO_PAUSE_ASYM"),
];

/// The bits that OpenFlow 1.3 defines, which are all that `ovs-ofctl` looks at, by name.
fn named(bits: u32, names: &'static [(u32, &'static str)]) -> BitNames<'static> {
    let known = names.iter().fold(0, |known, (bit, _)| known | bit);
    BitNames::blank(bits & known, names)
}

/// Prints ports in the order of their numbers.
pub(super) fn descriptions(ports: &[Port], f: &mut Formatter<'_>) -> fmt::Result {
    let mut ports: Vec<&Port> = ports.iter().collect();
    ports.sort_by_key(|port| port.port_no.0 & 0xffff);
    f.write_str("\n")?;
    ports.into_iter().try_for_each(|port| description(port, f))
}

fn description(port: &Port, f: &mut Formatter<'_>) -> fmt::Result {
    let bytes = port.name.as_bytes();
    let name: String = bytes
        .iter()
        .map(|byte| char::from(*byte))
        .take_while(|c| matches!(c, ' '..='~'))
        .take(15)
        .collect();
    // Here a port has its own name with it.
    let number = Names::NONE.port(port.port_no).to_string();
    writeln!(f, " {number}({name}): addr:{}", port.hw_addr)?;
    writeln!(f, "     config:     {}", named(port.config.bits(), CONFIG))?;
    writeln!(f, "     state:      {}", named(port.state.bits(), STATE))?;
    for (title, features) in [
        ("current:    ", port.curr),
        ("advertised: ", port.advertised),
        ("supported:  ", port.supported),
        ("peer:       ", port.peer),
    ] {
        let features = features & PortFeatures::all();
        if !features.is_empty() {
            writeln!(f, "     {title}{}", named(features.bits(), FEATURES))?;
        }
    }
    let (now, max) = (port.curr_speed / 1000, port.max_speed / 1000);
    writeln!(f, "     speed: {now} Mbps now, {max} Mbps max")
}

pub(super) fn status(status: &PortStatus, f: &mut Formatter<'_>) -> fmt::Result {
    let reason = match status.reason {
        PortReason::ADD => " ADD:",
        PortReason::DELETE => " DEL:",
        PortReason::MODIFY => " MOD:",
        _ => "",
    };
    f.write_str(reason)?;
    description(&status.port, f)
}

pub(super) fn port_mod(change: &PortMod, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let port = names.port(change.port_no);
    writeln!(f, " port: {port}: addr:{}", change.hw_addr)?;
    writeln!(
        f,
        "     config: {}",
        named((change.config & change.mask).bits(), CONFIG)
    )?;
    writeln!(f, "     mask:   {}", named(change.mask.bits(), CONFIG))?;
    f.write_str("     advertise: ")?;
    match (change.advertise & PortFeatures::all()).bits() {
        0 => f.write_str("UNCHANGED"),
        bits => write!(f, "{}", named(bits, FEATURES)),
    }
}

pub(super) fn stats(stats: &PortStats, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let pad = if stats.port_no.0 & 0xffff < 10 {
        " "
    } else {
        ""
    };
    let port = names.port(stats.port_no);
    writeln!(
        f,
        "  port {pad}{port}: rx pkts={}, bytes={}, drop={}, errs={}, frame={}, over={}, crc={}",
        Counter(stats.rx_packets),
        Counter(stats.rx_bytes),
        Counter(stats.rx_dropped),
        Counter(stats.rx_errors),
        Counter(stats.rx_frame_err),
        Counter(stats.rx_over_err),
        Counter(stats.rx_crc_err),
    )?;
    writeln!(
        f,
        "           tx pkts={}, bytes={}, drop={}, errs={}, coll={}",
        Counter(stats.tx_packets),
        Counter(stats.tx_bytes),
        Counter(stats.tx_dropped),
        Counter(stats.tx_errors),
        Counter(stats.collisions),
    )?;
    if is_known(stats.duration) {
        writeln!(f, "           duration={}", Seconds(stats.duration))?;
    }
    Ok(())
}

struct QueueNo(u32);

impl fmt::Display for QueueNo {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            ALL_QUEUES => f.write_str("ALL"),
            number => number.fmt(f),
        }
    }
}

pub(super) fn queue_request(
    request: &QueueStatsRequest,
    names: &Names,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    let port = names.port(request.port_no);
    write!(f, " port={port} queue={}", QueueNo(request.queue_id))
}

pub(super) fn queue_stats(stats: &QueueStats, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let port = names.port(stats.port_no);
    write!(
        f,
        "  port {port} queue {}: bytes={}, pkts={}, errors={}, duration=",
        QueueNo(stats.queue_id),
        Counter(stats.tx_bytes),
        Counter(stats.tx_packets),
        Counter(stats.tx_errors),
    )?;
    if is_known(stats.duration) {
        writeln!(f, "{}", Seconds(stats.duration))
    } else {
        writeln!(f, "?")
    }
}

/// Prints queues in the order of their numbers, after the number of their port.
pub(super) fn queue_config(
    reply: &QueueGetConfigReply,
    names: &Names,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    let mut queues: Vec<&PacketQueue> = reply.queues.iter().collect();
    queues.sort_by_key(|queue| queue.id);
    f.write_str(" ")?;
    if !queues.is_empty() && reply.port != PortNo(0) {
        writeln!(f, "port={}", names.port(reply.port))?;
    }
    for queue in queues {
        write!(f, "queue {}:", queue.id)?;
        rate("min_rate", queue.min_rate, f)?;
        rate("max_rate", queue.max_rate, f)?;
        f.write_str("\n")?;
    }
    Ok(())
}

fn rate(name: &str, rate: Option<u16>, f: &mut Formatter<'_>) -> fmt::Result {
    match rate {
        Some(rate @ 0..=1000) => write!(f, " {name}:{}.{}%", rate / 10, rate % 10),
        None | Some(u16::MAX) => Ok(()),
        Some(_) => write!(f, " {name}:(disabled)"),
    }
}
