//! Delivers what runs a link, and has the rest tracked.
//!
//! The register holds the port that a packet goes to.
//!
//! All ports of a network share a zone of the connection tracker, so the tracker alone cannot say
//! whose connection a reply belongs to. Only packets to an address of the port, or to many, meet the
//! rules with what the zone of the network knows. A packet to the address of somebody else, under
//! the MAC of this port, is tracked in a zone where no connection is ever committed: there it is no
//! reply, and rules alone let it in. It cuts no connection either.

use std::{collections::BTreeSet, net::Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use openflow::{
    field::{ETH_TYPE, EthType, IP_PROTO, IpProto, VLAN_VID, VlanVid},
    flow::Flow,
};

use super::{
    connection::{TRACKED, UNTRACKED},
    rules_ingress, trunk_output,
};
use crate::{
    link::{self, Dhcp},
    registers::PORT,
    routing::FIRST_ROUTER,
    site::LocalPort,
    subject::Subject,
    table::{DESTINATION, Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 81,
    name: "BASE_INGRESS",
    purpose: "Delivers what runs a link; has the rest tracked.",
    next: &[&rules_ingress::TABLE, &trunk_output::TABLE],
    flows,
};

const STOPPED: u16 = 120;
const TAGGED: u16 = 110;
const LINK: u16 = 100;
const DHCP_ANSWER: u16 = 95;
const LISTENER: u16 = 92;
const TO_TRACK: u16 = 90;
const ALREADY_TRACKED: u16 = 80;
const TO_MANY: u16 = 70;
const MISADDRESSED: u16 = 60;
const MISS: u16 = 0;

/// The zone of packets that reach a port under its MAC and are for the address of somebody else.
///
/// Networks have the zones below, and routers those above. Zone 0 is the host's own.
const MISADDRESSED_ZONE: u16 = FIRST_ROUTER - 1;

/// Whether a flow of the table delivers what needs no rule.
pub(super) fn is_link(flow: &Flow) -> bool {
    [LINK, DHCP_ANSWER].contains(&flow.priority)
}

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            // A tag that is left here was inside of the network's own: no port may have it.
            flows
                .at(TAGGED)
                .when_masked(VLAN_VID, VlanVid::PRESENT, VlanVid::PRESENT)
                .drop();
            // Trackers make nothing of what listeners say, so it meets the rules as it is.
            for icmp_type in link::LISTENER_REPORTS {
                let report = flows.at(LISTENER).in_state(UNTRACKED);
                link::icmpv6(report, icmp_type).resubmit(&rules_ingress::TABLE);
            }
            to_many(flows);
            for eth_type in [EthType::IPV4, EthType::IPV6] {
                flows
                    .at(MISADDRESSED)
                    .when(ETH_TYPE, eth_type)
                    .track_in(MISADDRESSED_ZONE, &rules_ingress::TABLE);
            }
            flows.at(MISS).drop();
        }
        Subject::Port(port) if port.is_firewalled() => port_flows(*port, flows),
        Subject::DeadPort(port) if port.place.renumbered => to(*port, STOPPED, flows).drop(),
        _ => {}
    }
}

/// Packets to groups and to everyone have the same flows at every port: nobody has their
/// destination as an address, so none of them is a reply.
fn to_many(flows: &mut Flows<'_>) {
    for block in [IpNet::from(MULTICAST_V4), IpNet::from(link::GROUPS_V6)] {
        flows
            .at(TO_MANY)
            .in_state(UNTRACKED)
            .when_in(DESTINATION, block)
            .track(&rules_ingress::TABLE);
        flows
            .at(TO_MANY)
            .in_state(TRACKED)
            .when_in(DESTINATION, block)
            .resubmit(&rules_ingress::TABLE);
    }
}

/// Multicast (RFC 5771), and what follows up to 255.255.255.255.
const MULTICAST_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 3);

fn port_flows(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    for eth_type in [&EthType::ARP]
        .into_iter()
        .chain(port.permitted_ethertypes())
    {
        to(port, LINK, flows)
            .when(ETH_TYPE, *eth_type)
            .then(|actions| trunk_output::to(actions, port))
            .done();
    }
    for icmp_type in [
        link::LISTENER_QUERY,
        link::ROUTER_ADVERTISEMENT,
        link::NEIGHBOUR_SOLICITATION,
        link::NEIGHBOUR_ADVERTISEMENT,
    ] {
        link::icmpv6(to(port, LINK, flows), icmp_type)
            .then(|actions| trunk_output::to(actions, port))
            .done();
    }
    // What IGMP says to all of a link, questions about listeners foremost (RFC 4541, section
    // 2.1.1). The switch does not show which message it is.
    to(port, LINK, flows)
        .when_in(DESTINATION, link::GROUPS_OF_LINK_V4.into())
        .when(IP_PROTO, IpProto::IGMP)
        .then(|actions| trunk_output::to(actions, port))
        .done();
    for dhcp in [Dhcp::V4, Dhcp::V6] {
        dhcp.answer(to(port, DHCP_ANSWER, flows))
            .then(|actions| trunk_output::to(actions, port))
            .done();
    }
    match port.is_stateful() {
        true => tracked(port, flows),
        false => untracked(port, flows),
    }
}

/// Packets to the addresses of the port.
fn tracked(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    for block in destinations(port) {
        to(port, TO_TRACK, flows)
            .in_state(UNTRACKED)
            .when_in(DESTINATION, block)
            .track(&rules_ingress::TABLE);
        to(port, ALREADY_TRACKED, flows)
            .in_state(TRACKED)
            .when_in(DESTINATION, block)
            .resubmit(&rules_ingress::TABLE);
    }
}

/// What the port may send from, each block that is in no other.
fn destinations(port: LocalPort<'_>) -> BTreeSet<IpNet> {
    let sources = port.port.sources().into_iter();
    let blocks: BTreeSet<_> = sources.map(|(_, block)| block).collect();
    let within = |block: &IpNet| {
        let mut others = blocks.iter().filter(|other| *other != block);
        others.any(|other| other.contains(block))
    };
    let outer = blocks.iter().copied().filter(|block| !within(block));
    outer.collect()
}

/// Rules without a tracker know no replies, so they may see every packet.
fn untracked(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    for eth_type in [EthType::IPV4, EthType::IPV6] {
        to(port, TO_TRACK, flows)
            .in_state(UNTRACKED)
            .when(ETH_TYPE, eth_type)
            .resubmit(&rules_ingress::TABLE);
    }
    to(port, ALREADY_TRACKED, flows)
        .in_state(TRACKED)
        .resubmit(&rules_ingress::TABLE);
}

/// What goes to the port.
fn to<'a>(port: LocalPort<'_>, priority: u16, flows: &'a mut Flows<'_>) -> Draft<'a> {
    flows.at(priority).when(PORT, port.key())
}
