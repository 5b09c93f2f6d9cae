//! Answers ARP requests and neighbour solicitations for routers and floating IPs.
//!
//! An ARP request becomes its reply. A neighbour advertisement needs two steps: the option with the
//! MAC can be written only where the switch knows that it looks at an advertisement. A datapath that
//! cannot write the flags and the option's type, as the kernel's, leaves solicitations to the agent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::field::{
    ARP_OP, ARP_SHA, ARP_SPA, ARP_THA, ARP_TPA, ETH_DST, ETH_SRC, ETH_TYPE, EthType, ICMPV6_TYPE,
    IPV6_DST, IPV6_SRC, ND_OPTIONS_TYPE, ND_RESERVED, ND_TARGET, ND_TLL,
};

use super::{router_answers, router_packet_in};
use crate::{
    link,
    registers::{NETWORK, ROUTER},
    routed::AnsweredPort,
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 98,
    name: "ROUTER_QUESTIONS",
    purpose: "Answers ARP and neighbour discovery for routers and floating IPs.",
    next: &[&TABLE, &router_answers::TABLE, &router_packet_in::TABLE],
    flows,
};

const KNOWN_ADDRESS: u16 = 10;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::AnsweredPort(answered) => {
            for ip in answered.addresses() {
                match ip {
                    IpAddr::V4(ip) => answer_arp(*answered, ip, flows),
                    IpAddr::V6(ip) => answer_solicitation(*answered, ip, flows),
                }
            }
        }
        _ => {}
    }
}

fn answer_arp(answered: AnsweredPort<'_>, ip: Ipv4Addr, flows: &mut Flows<'_>) {
    let mac = answered.port.mac_address;
    about(answered, flows)
        .when(ETH_TYPE, EthType::ARP)
        .when(ARP_OP, link::ARP_REQUEST)
        .when(ARP_TPA, ip)
        .set(ARP_OP, link::ARP_REPLY)
        .copy(ARP_SHA, ARP_THA)
        .copy(ARP_SPA, ARP_TPA)
        .set(ARP_SHA, mac)
        .set(ARP_SPA, ip)
        .copy(ETH_SRC, ETH_DST)
        .set(ETH_SRC, mac)
        .resubmit(&router_answers::TABLE);
}

fn answer_solicitation(answered: AnsweredPort<'_>, ip: Ipv6Addr, flows: &mut Flows<'_>) {
    let mac = answered.port.mac_address;
    let solicitation = about(answered, flows);
    let solicitation =
        link::neighbour_discovery(solicitation, link::NEIGHBOUR_SOLICITATION).when(ND_TARGET, ip);
    if !answered.router.site.features.nd_extensions {
        let number = answered.router.number.into();
        return solicitation.set(ROUTER, number).router_packet_in();
    }
    solicitation
        .copy(ETH_SRC, ETH_DST)
        .set(ETH_SRC, mac)
        .copy(IPV6_SRC, IPV6_DST)
        .set(IPV6_SRC, ip)
        .set(ICMPV6_TYPE, link::NEIGHBOUR_ADVERTISEMENT)
        .set(ND_RESERVED, link::ROUTER_SOLICITED_OVERRIDE)
        .set(ND_OPTIONS_TYPE, link::TARGET_LINK_LAYER_ADDRESS)
        .resubmit(&TABLE);
    link::neighbour_discovery(about(answered, flows), link::NEIGHBOUR_ADVERTISEMENT)
        .when(ND_TARGET, ip)
        .set(ND_TLL, mac)
        .resubmit(&router_answers::TABLE);
}

/// A question in the network of the port.
fn about<'a>(answered: AnsweredPort<'_>, flows: &'a mut Flows<'_>) -> Draft<'a> {
    let packet = flows.at(KNOWN_ADDRESS);
    packet.when(NETWORK, answered.network.vlan.into())
}
