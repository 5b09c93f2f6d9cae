//! Answers who asks for the MAC of a port behind a tunnel, so that the question is not flooded.
//!
//! A question becomes its answer and goes back by the patch port that it came from. An ARP answer
//! is made in one step. A neighbour advertisement needs two: the option with the MAC can be written
//! only where the switch knows that it looks at an advertisement. The option is that of the
//! question, rewritten, as none can be added.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::field::{
    ARP_OP, ARP_SHA, ARP_SPA, ARP_THA, ARP_TPA, ETH_DST, ETH_SRC, ETH_TYPE, EthType, ICMPV6_TYPE,
    IP_PROTO, IPV6_DST, IPV6_SRC, IpProto, MacAddr, ND_OPTIONS_TYPE, ND_RESERVED, ND_SLL,
    ND_TARGET, ND_TLL, PortNo, VLAN_VID, VlanVid,
};

use super::flood_to_tun;
use crate::{
    link,
    site::RemotePort,
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 21,
    name: "ARP_RESPONDER",
    purpose: "Answers ARP and neighbour discovery for ports behind tunnels.",
    next: &[&TABLE, &flood_to_tun::TABLE],
    flows,
};

const UNANSWERABLE: u16 = 2;
const KNOWN_ADDRESS: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            // Without an option there is nothing to rewrite. So asks who looks for duplicates of
            // its own address, and wants no answer from here.
            let bare = icmpv6(flows.at(UNANSWERABLE), link::NEIGHBOUR_SOLICITATION);
            bare.when(ND_SLL, MacAddr::ZERO).goto(&flood_to_tun::TABLE);
            flows.at(MISS).goto(&flood_to_tun::TABLE);
        }
        Subject::RemotePort(remote) => {
            for ip in &remote.port.fixed_ips {
                match ip {
                    IpAddr::V4(ip) => answer_arp(remote, *ip, flows),
                    IpAddr::V6(ip) => answer_solicitation(remote, *ip, flows),
                }
            }
            answer_solicitation(remote, remote.port.mac_address.link_local(), flows);
        }
        _ => {}
    }
}

fn answer_arp(remote: &RemotePort<'_>, ip: Ipv4Addr, flows: &mut Flows<'_>) {
    let mac = remote.port.mac_address;
    about(remote, flows)
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
        .output(PortNo::IN_PORT);
}

fn answer_solicitation(remote: &RemotePort<'_>, ip: Ipv6Addr, flows: &mut Flows<'_>) {
    let mac = remote.port.mac_address;
    icmpv6(about(remote, flows), link::NEIGHBOUR_SOLICITATION)
        .when(ND_TARGET, ip)
        .copy(ETH_SRC, ETH_DST)
        .set(ETH_SRC, mac)
        .copy(IPV6_SRC, IPV6_DST)
        .set(IPV6_SRC, ip)
        .set(ICMPV6_TYPE, link::NEIGHBOUR_ADVERTISEMENT)
        .set(ND_RESERVED, link::SOLICITED_OVERRIDE)
        .set(ND_OPTIONS_TYPE, link::TARGET_LINK_LAYER_ADDRESS)
        .resubmit(&TABLE);
    icmpv6(about(remote, flows), link::NEIGHBOUR_ADVERTISEMENT)
        .when(ND_TARGET, ip)
        .set(ND_TLL, mac)
        .output(PortNo::IN_PORT);
}

/// A question in the network of the port.
fn about<'a>(remote: &RemotePort<'_>, flows: &'a mut Flows<'_>) -> Draft<'a> {
    let local = VlanVid::tagged(remote.network.vlan.get());
    flows.at(KNOWN_ADDRESS).when(VLAN_VID, local)
}

fn icmpv6(draft: Draft<'_>, icmp_type: u8) -> Draft<'_> {
    draft
        .when(ETH_TYPE, EthType::IPV6)
        .when(IP_PROTO, IpProto::ICMPV6)
        .when(ICMPV6_TYPE, icmp_type)
}
