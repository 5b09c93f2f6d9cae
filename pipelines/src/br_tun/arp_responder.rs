//! Answers ARP requests for ports behind tunnels, and forwards neighbour solicitations to their host.
//!
//! An ARP request becomes its reply and goes back by the patch port that it came from. A neighbour
//! solicitation goes to the target's MAC address (RFC 6085 allows that for IPv6 multicast), so that
//! only the target's host gets it, and the target answers. The kernel's datapath could not turn it
//! into an advertisement: it writes neither the flags nor the type of the option.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::field::{
    ARP_OP, ARP_SHA, ARP_SPA, ARP_THA, ARP_TPA, ETH_DST, ETH_SRC, ETH_TYPE, EthType, ND_TARGET,
    PortNo, VLAN_VID, VlanVid,
};

use super::{flood_to_tun, ucast_to_tun};
use crate::{
    link,
    site::RemotePort,
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 21,
    name: "ARP_RESPONDER",
    purpose: "Answers ARP for ports behind tunnels; sends solicitations to their target.",
    next: &[&ucast_to_tun::TABLE, &flood_to_tun::TABLE],
    flows,
};

const KNOWN_ADDRESS: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).goto(&flood_to_tun::TABLE),
        Subject::RemotePort(remote) => {
            for ip in &remote.port.fixed_ips {
                match ip {
                    IpAddr::V4(ip) => answer_arp(remote, *ip, flows),
                    IpAddr::V6(ip) => forward_solicitation(remote, *ip, flows),
                }
            }
            forward_solicitation(remote, remote.port.mac_address.link_local(), flows);
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

fn forward_solicitation(remote: &RemotePort<'_>, ip: Ipv6Addr, flows: &mut Flows<'_>) {
    link::neighbour_discovery(about(remote, flows), link::NEIGHBOUR_SOLICITATION)
        .when(ND_TARGET, ip)
        .set(ETH_DST, remote.port.mac_address)
        .resubmit(&ucast_to_tun::TABLE);
}

/// A question in the network of the port.
fn about<'a>(remote: &RemotePort<'_>, flows: &'a mut Flows<'_>) -> Draft<'a> {
    let local = VlanVid::tagged(remote.network.vlan.get());
    flows.at(KNOWN_ADDRESS).when(VLAN_VID, local)
}
