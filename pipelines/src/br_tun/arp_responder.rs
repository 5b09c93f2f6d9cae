//! Answers ARP requests for ports behind tunnels, so that they need not be flooded.

use std::net::{IpAddr, Ipv4Addr};

use openflow::field::{
    ARP_OP, ARP_SHA, ARP_SPA, ARP_THA, ARP_TPA, ETH_DST, ETH_SRC, ETH_TYPE, EthType, MacAddr,
    PortNo, VLAN_VID, VlanVid,
};

use super::flood_to_tun;
use crate::{
    site::RemotePort,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 21,
    name: "ARP_RESPONDER",
    purpose: "Answers ARP requests for ports behind tunnels.",
    next: &[&flood_to_tun::TABLE],
    flows,
};

const KNOWN_ADDRESS: u16 = 1;
const MISS: u16 = 0;

/// The operation of an answer (RFC 826).
const REPLY: u16 = 2;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).goto(&flood_to_tun::TABLE),
        Subject::RemotePort(remote) => {
            for ip in &remote.port.fixed_ips {
                if let IpAddr::V4(ip) = ip {
                    answer(remote, *ip, flows);
                }
            }
        }
        _ => {}
    }
}

fn answer(remote: &RemotePort<'_>, ip: Ipv4Addr, flows: &mut Flows<'_>) {
    let mac: MacAddr = remote.port.mac_address;
    flows
        .at(KNOWN_ADDRESS)
        .when(VLAN_VID, VlanVid::tagged(remote.network.vlan.get()))
        .when(ETH_TYPE, EthType::ARP)
        .when(ARP_TPA, ip)
        .set(ARP_OP, REPLY)
        .copy(ARP_SHA, ARP_THA)
        .copy(ARP_SPA, ARP_TPA)
        .set(ARP_SHA, mac)
        .set(ARP_SPA, ip)
        .copy(ETH_SRC, ETH_DST)
        .set(ETH_SRC, mac)
        .output(PortNo::IN_PORT);
}
