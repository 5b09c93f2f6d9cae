//! Notes whose connections the tracker is still to forget.
//!
//! No packet comes here. A note is written in the bundle that takes a machine away, and goes once the
//! machine's connections are forgotten. So who starts after an end between the two knows what is left
//! to do.
//!
//! Other flows say which addresses a port holds whose packets no tracker is asked about: while it is
//! down, without port security, or in stateless groups. Its connections are as they were afterwards,
//! and its neighbours' with it are meanwhile.

use std::collections::BTreeSet;

use ipnet::IpNet;
use openflow::{
    field::{CT_ZONE, ETH_TYPE, EthType, IP_PROTO, IPV4_DST},
    flow::Flow,
    matching::Match,
};

use super::{
    memory::{Forwarded, forwarded_by, source_block},
    router_dnat::forwarded_port,
};
use crate::{
    cookie::Cookie,
    flow_set::FlowSet,
    registers::PORT,
    site::LocalPort,
    subject::Subject,
    table::{Flows, SOURCE, Table},
};

pub(super) static TABLE: Table = Table {
    number: 99,
    name: "TO_FORGET",
    purpose: "Notes whose connections are still to be forgotten; no packet comes here.",
    next: &[],
    flows,
};

const HELD: u16 = 3;
const FORGET: u16 = 2;
const KEEP: u16 = 1;

/// The table and priority of the flows that name the addresses of ports which are not tracked.
pub(super) const HELD_ADDRESSES: (u8, u16) = (TABLE.number, HELD);

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::DeadPort(port) => hold(*port, flows),
        Subject::Port(port) if !port.is_firewalled() || !port.is_stateful() => hold(*port, flows),
        _ => {}
    }
}

fn hold(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    let sources = port.port.sources().into_iter();
    let blocks: BTreeSet<_> = sources.map(|(_, block)| block).collect();
    for block in blocks {
        // Several ports may hold one address.
        flows
            .at(HELD)
            .when_in(SOURCE, block)
            .when(CT_ZONE, port.network.vlan.get())
            .when(PORT, port.key())
            .drop();
    }
}

/// One thing to be noted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    /// All connections of a zone are to be forgotten.
    Zone(u16),
    /// Those of an address, or of a block of them.
    Address(u16, IpNet),
    /// Those that were opened to a port of an address.
    Forwarded(Forwarded),
    /// Those of an address stay, though it lies in a block.
    Kept(u16, IpNet),
}

impl Note {
    pub(crate) fn flow(self) -> Flow {
        let in_zone = |zone| Match::default().with(CT_ZONE, zone);
        let (priority, matching) = match self {
            Self::Zone(zone) => (FORGET, in_zone(zone)),
            Self::Address(zone, block) => (FORGET, SOURCE.within(in_zone(zone), block)),
            Self::Forwarded(forwarded) => (FORGET, opened_to(forwarded)),
            Self::Kept(zone, block) => (KEEP, SOURCE.within(in_zone(zone), block)),
        };
        Flow {
            table: TABLE.number,
            priority,
            matching,
            cookie: Cookie::NOTE.get(),
            ..Flow::default()
        }
    }

    /// The notes of a bridge.
    pub(crate) fn all(flows: &FlowSet) -> impl Iterator<Item = Self> {
        let flows = [FORGET, KEEP].map(|priority| flows.at(TABLE.number, priority));
        let notes = flows.into_iter().flatten();
        notes.filter_map(|flow| Self::read(flow))
    }

    fn read(flow: &Flow) -> Option<Self> {
        let zone = flow.matching.value(CT_ZONE)?;
        if flow.cookie != Cookie::NOTE.get() {
            return None;
        }
        if let Some(forwarded) = forwarded_by(zone, &flow.matching) {
            return Some(Self::Forwarded(forwarded));
        }
        match (flow.priority, source_block(&flow.matching)) {
            (FORGET, None) => Some(Self::Zone(zone)),
            (FORGET, Some(block)) => Some(Self::Address(zone, block)),
            (_, block) => Some(Self::Kept(zone, block?)),
        }
    }
}

fn opened_to(forwarded: Forwarded) -> Match {
    let (number, _, field) = forwarded_port(forwarded.protocol);
    Match::default()
        .with(CT_ZONE, forwarded.zone)
        .with(ETH_TYPE, EthType::IPV4)
        .with(IPV4_DST, forwarded.address)
        .with(IP_PROTO, number)
        .with(field, forwarded.port)
}
