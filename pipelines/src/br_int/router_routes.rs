//! Finds the way: the longest prefix that holds the destination.
//!
//! A route's priority is the length of its prefix. Of two with one prefix, a network of the router
//! counts before what people added, and that before the way outside.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv6Net};
use openflow::field::{ETH_DST, ETH_SRC, IPV4_DST, IPV6_DST};

use super::{router_forward, router_packet_in, router_snat};
use crate::{
    registers::{NETWORK, NEXT_HOP, NEXT_HOP_V6, ROUTER},
    routed::{LocalRouter, NextHop, Side, Way},
    subject::Subject,
    table::{DESTINATION, Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 103,
    name: "ROUTER_ROUTES",
    purpose: "Finds the way: the longest prefix that holds the destination.",
    next: &[
        &router_snat::TABLE,
        &router_forward::TABLE,
        &router_packet_in::TABLE,
    ],
    flows,
};

const ON_LINK: u16 = 1000;
const SHORTEST: u16 = 10;
const NO_ROUTE: u16 = 5;
const MISS: u16 = 0;

/// Addresses that each link has for itself (RFC 4291, section 2.5.6).
const LINK_LOCAL: IpNet = IpNet::V6(Ipv6Net::new_assert(
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
    10,
));

/// How many priorities there are for each length of a prefix.
const RANKS: u16 = 3;
/// Which of them a network of the router has.
const CONNECTED: u16 = 2;
/// Which of them an added route has.
const ADDED: u16 = 1;
/// Which of them the way outside has.
const OUTSIDE: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Router(router) => {
            let rest = flows.at(NO_ROUTE).when(ROUTER, router.number.into());
            rest.router_packet_in();
            for (block, way, next_hop) in router.routes() {
                let rank = match next_hop {
                    NextHop::Destination => CONNECTED,
                    NextHop::Router(_) => OUTSIDE,
                };
                route(*router, block, rank, (way, next_hop), flows);
            }
            for (block, way, next_hop) in router.extra_routes() {
                route(*router, block, ADDED, (way, next_hop), flows);
            }
        }
        // What the router says to a neighbour goes back to where the neighbour is.
        Subject::AnsweredPort(answered) if answered.side == Side::Inside => flows
            .at(ON_LINK)
            .when_in(DESTINATION, LINK_LOCAL)
            .when(ROUTER, answered.router.number.into())
            .when(NETWORK, answered.network.vlan.into())
            .when(ETH_DST, answered.port.mac_address)
            .copy_bits(IPV6_DST.whole(), NEXT_HOP_V6.whole())
            .set(ETH_SRC, answered.port.mac_address)
            .goto(&router_forward::TABLE),
        _ => {}
    }
}

fn route(
    router: LocalRouter<'_>,
    block: IpNet,
    rank: u16,
    (way, next_hop): (Way<'_>, NextHop),
    flows: &mut Flows<'_>,
) {
    let priority = SHORTEST + RANKS * u16::from(block.prefix_len()) + rank;
    let packet = flows
        .at(priority)
        .when_in(DESTINATION, block)
        .when(ROUTER, router.number.into());
    let packet = towards(packet, block, next_hop);
    let packet = match router.tight_mtu(way) {
        Some(mtu) => packet.compare_with(mtu),
        None => packet,
    };
    match way {
        Way::Inside(network, port) => packet
            .set(NETWORK, network.vlan.into())
            .set(ETH_SRC, port.mac_address)
            .goto(&router_forward::TABLE),
        Way::Outside => packet.goto(&router_snat::TABLE),
    }
}

/// Notes the next station.
fn towards(packet: Draft<'_>, block: IpNet, next_hop: NextHop) -> Draft<'_> {
    use std::net::IpAddr::{V4, V6};
    match (next_hop, block) {
        (NextHop::Destination, IpNet::V4(_)) => {
            packet.copy_bits(IPV4_DST.whole(), NEXT_HOP.field.whole())
        }
        (NextHop::Destination, IpNet::V6(_)) => {
            packet.copy_bits(IPV6_DST.whole(), NEXT_HOP_V6.whole())
        }
        (NextHop::Router(V4(ip)), _) => packet.set(NEXT_HOP, ip.into()),
        (NextHop::Router(V6(ip)), _) => packet.set(NEXT_HOP_V6, ip.into()),
    }
}
