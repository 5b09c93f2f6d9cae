//! Gives what leaves a router the address that it has outside.
//!
//! Machines with a floating IP leave with that, on the host that translates it. All others leave by
//! the gateway host: with the gateway's address, unless the router was told to leave addresses as
//! they are. IPv6 is never translated.

use std::net::IpAddr;

use openflow::field::{ETH_SRC, ETH_TYPE, EthType, IPV4_SRC};

use super::{router_forward, router_output};
use crate::{
    registers::{NETWORK, ROUTER},
    routed::{AnsweredPort, LocalFloatingIp, LocalRouter},
    subject::Subject,
    table::{Draft, Flows, Table, Translation},
};

pub(super) static TABLE: Table = Table {
    number: 104,
    name: "ROUTER_SNAT",
    purpose: "Gives what leaves a router its address outside, or sends it to who does.",
    next: &[&router_forward::TABLE, &router_output::TABLE],
    flows,
};

const LARGE: u16 = 50;
const OWN_SOURCE: u16 = 40;
pub(super) const FLOATING_IP: u16 = 30;
pub(super) const HERE: u16 = 20;
const ELSEWHERE: u16 = 10;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::FloatingIp(floating_ip) => floating_ip_flow(*floating_ip, flows),
        Subject::Router(router) => {
            router_forward::refuse_large(*router, flows.at(LARGE));
            match router.gateway() {
                Some(gateway) => gateway_flows(*router, gateway, flows),
                None => flows
                    .at(ELSEWHERE)
                    .when(ROUTER, router.number.into())
                    .goto(&router_output::TABLE),
            }
        }
        _ => {}
    }
}

fn floating_ip_flow(floating_ip: LocalFloatingIp<'_>, flows: &mut Flows<'_>) {
    if let Some(ip) = floating_ip.addresses().next() {
        flows
            .at(FLOATING_IP)
            .when(ETH_TYPE, EthType::IPV4)
            .when(ROUTER, floating_ip.router.number.into())
            .when(IPV4_SRC, floating_ip.target.fixed_ip)
            .set(NETWORK, floating_ip.network.vlan.into())
            .set(ETH_SRC, floating_ip.port.mac_address)
            .translate(Translation::Source(ip), &router_forward::TABLE);
    }
}

fn gateway_flows(router: LocalRouter<'_>, gateway: AnsweredPort<'_>, flows: &mut Flows<'_>) {
    leave(gateway, of(router, EthType::IPV6, flows.at(HERE))).goto(&router_forward::TABLE);
    let ips = gateway.port.fixed_ips.iter().filter_map(|ip| match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    });
    let ips: Vec<_> = ips.filter(|_| router.translates_sources()).collect();
    let packet = leave(gateway, of(router, EthType::IPV4, flows.at(HERE)));
    match ips.first() {
        Some(ip) => packet.translate(Translation::Source(*ip), &router_forward::TABLE),
        None => packet.goto(&router_forward::TABLE),
    }
    for ip in ips {
        let own = of(router, EthType::IPV4, flows.at(OWN_SOURCE)).when(IPV4_SRC, ip);
        leave(gateway, own).goto(&router_forward::TABLE);
    }
}

/// What a router sends outside.
fn of<'a>(router: LocalRouter<'_>, eth_type: EthType, packet: Draft<'a>) -> Draft<'a> {
    let packet = packet.when(ETH_TYPE, eth_type);
    packet.when(ROUTER, router.number.into())
}

/// Enters the external network.
fn leave<'a>(gateway: AnsweredPort<'_>, packet: Draft<'a>) -> Draft<'a> {
    packet
        .set(NETWORK, gateway.network.vlan.into())
        .set(ETH_SRC, gateway.port.mac_address)
}
