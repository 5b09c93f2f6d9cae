//! Having the connection tracker forget connections whose machine is gone.
//!
//! The flows go first: as long as they let packets pass, these would bring the connections back.
//! The datapath has copies of flows, which it gives up a moment after the bridge has; so that is
//! waited for, on a connection of its own and not in the way of other changes. The bridge has notes
//! of what is still to be forgotten, which go when it is done.

use std::collections::BTreeSet;
use std::future;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use openflow::field::IpProto;
use openflow::message::{CtFlush, CtFlushZone, CtTuple, FlowMod, Message};
use openflow::{Connection, Event, Events, RequestError};
use pipelines::forget::{Forgotten, Forwarded};
use pipelines::network::ForwardedProtocol;
use tracing::{Instrument as _, info, warn};

use super::connect;
use crate::unixctl::call;

/// The daemon that has the connection tracker of the userspace datapath, and speaks for others.
const DAEMON: &str = "ovs-vswitchd";

/// Has a bridge forget, in the background; what goes wrong is logged.
pub(super) fn start(bridge: String, directory: PathBuf, forgotten: Forgotten) {
    let task = async move {
        match forget(&bridge, &directory, &forgotten).await {
            Ok(()) => info!("{}", told(&forgotten)),
            Err(reason) => warn!("{}: not done: {reason}", told(&forgotten)),
        }
    };
    tokio::spawn(task.in_current_span());
}

async fn forget(bridge: &str, directory: &Path, forgotten: &Forgotten) -> Result<(), String> {
    call(directory, DAEMON, "revalidator/wait", &[]).await?;
    let mut messages: Vec<Message> = Vec::new();
    for zone in &forgotten.zones {
        messages.push(CtFlushZone { zone: *zone }.into());
    }
    for (zone, block) in &forgotten.addresses {
        let addresses = match block.prefix_len() == block.max_prefix_len() {
            true => [block.addr()].into(),
            false => within(directory, *zone, *block).await?,
        };
        let named = addresses.into_iter();
        for address in named.filter(|address| forgotten.names(*zone, *address)) {
            messages.extend(flush(*zone, address).into_iter().map(Message::from));
        }
    }
    messages.extend(forgotten.forwarded.iter().map(opened_to).map(Message::from));
    let (connection, mut events) = connect(bridge, directory).await?;
    send(&connection, messages).await?;
    // The switch answers these requests only if it refuses them, and then before the barrier.
    if let Some(refusal) = refusal(&mut events).await {
        return Err(refusal);
    }
    let notes = forgotten.notes();
    let notes = notes.map(|note| FlowMod::delete_strict(note.identity()).into());
    send(&connection, notes).await
}

/// Sends messages, and waits until the switch is done with them.
async fn send(
    connection: &Connection,
    messages: impl IntoIterator<Item = Message>,
) -> Result<(), String> {
    let failed = |error: RequestError| error.to_string();
    for message in messages {
        connection.send(message).await.map_err(failed)?;
    }
    connection.barrier().await.map_err(failed)
}

/// The protocols that the tracker follows over IPv6, ICMPv6 aside.
///
/// `ovs-vswitchd` 3.1 aborts when it is to forget a single connection of ICMPv6, as its table of
/// types and their replies has only those of ICMP. Such a connection is forgotten with its zone, or
/// after half a minute.
const OVER_IPV6: [IpProto; 6] = [
    IpProto::TCP,
    IpProto::UDP,
    IpProto(33),
    IpProto(47),
    IpProto::SCTP,
    IpProto(136),
];

/// Forgets the connections that an address opened, and those that were opened to it.
fn flush(zone: u16, address: IpAddr) -> Vec<CtFlush> {
    let (address, protocols): (Ipv6Addr, &[IpProto]) = match address {
        IpAddr::V4(v4) => (v4.to_ipv6_mapped(), &[IpProto(0)]),
        IpAddr::V6(v6) => (v6, &OVER_IPV6),
    };
    let from = CtTuple {
        src: Some(address),
        ..CtTuple::default()
    };
    let to = CtTuple {
        dst: Some(address),
        ..CtTuple::default()
    };
    let ends = protocols
        .iter()
        .flat_map(|ip_proto| [(ip_proto, from.clone()), (ip_proto, to.clone())]);
    ends.map(|(ip_proto, original)| CtFlush {
        ip_proto: *ip_proto,
        original,
        zone: Some(zone),
        ..CtFlush::default()
    })
    .collect()
}

/// Forgets the connections that were opened to a port.
fn opened_to(forwarded: &Forwarded) -> CtFlush {
    CtFlush {
        ip_proto: match forwarded.protocol {
            ForwardedProtocol::Tcp => IpProto::TCP,
            ForwardedProtocol::Udp => IpProto::UDP,
        },
        original: CtTuple {
            dst: Some(forwarded.address.to_ipv6_mapped()),
            dst_port: Some(forwarded.port),
            ..CtTuple::default()
        },
        zone: Some(forwarded.zone),
        ..CtFlush::default()
    }
}

/// The addresses of a block that have connections: the switch can be told of single ones only.
async fn within(directory: &Path, zone: u16, block: IpNet) -> Result<BTreeSet<IpAddr>, String> {
    let zone = format!("zone={zone}");
    let dump = call(directory, DAEMON, "dpctl/dump-conntrack", &[&zone]).await?;
    let words = dump.split(['(', ',', ')']);
    let ends = words.filter_map(|word| {
        word.strip_prefix("src=")
            .or_else(|| word.strip_prefix("dst="))
    });
    let addresses = ends.filter_map(|end| end.parse().ok());
    Ok(addresses
        .filter(|address: &IpAddr| block.contains(address))
        .collect())
}

/// An error among what a switch has said so far.
async fn refusal(events: &mut Events) -> Option<String> {
    loop {
        let event = tokio::select! {
            biased;
            event = events.next() => event?,
            () = future::ready(()) => return None,
        };
        if let Event::Message {
            message: Message::Error(error),
            ..
        } = event
        {
            return Some(error.to_string());
        }
    }
}

fn told(forgotten: &Forgotten) -> String {
    let zones = forgotten.zones.iter().map(|zone| format!("zone {zone}"));
    let addresses = forgotten.addresses.iter();
    let addresses = addresses.map(|(zone, block)| format!("{block} in zone {zone}"));
    let ports = forgotten.forwarded.iter().map(|forwarded| {
        let Forwarded {
            zone,
            address,
            protocol,
            port,
        } = forwarded;
        format!("{protocol}/{port} of {address} in zone {zone}")
    });
    let all: Vec<_> = zones.chain(addresses).chain(ports).collect();
    format!("forgot the connections of {}", all.join(", "))
}
