//! Gives what leaves a router the address that it has outside.
//!
//! Machines with a floating IP leave with that, on the host that translates it. All others leave by
//! the gateway host: with the gateway's address, unless the router was told to leave addresses as
//! they are. IPv6 is never translated.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use openflow::field::{ETH_SRC, ETH_TYPE, EthType, IPV4_SRC};

use super::{router_forward, router_output, router_packet_in};
use crate::{
    network::Port,
    registers::{NETWORK, ROUTER},
    routed::{AnsweredPort, LocalFloatingIp, LocalRouter},
    site::LocalNetwork,
    subject::Subject,
    table::{Draft, Flows, Table, Translation},
};

pub(super) static TABLE: Table = Table {
    number: 104,
    name: "ROUTER_SNAT",
    purpose: "Gives what leaves a router its address outside, or sends it to who does.",
    next: &[
        &router_forward::TABLE,
        &router_output::TABLE,
        &router_packet_in::TABLE,
    ],
    flows,
};

const LARGE: u16 = 50;
const OWN_SOURCE: u16 = 40;
const ANSWER: u16 = 35;
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
    let LocalFloatingIp {
        router,
        network,
        port,
        ..
    } = floating_ip;
    if let (Some(target), Some(ip)) = (floating_ip.target, floating_ip.addresses().next()) {
        let packet = of(router, EthType::IPV4, flows.at(FLOATING_IP));
        leave((network, port), packet)
            .when(IPV4_SRC, target.fixed_ip)
            .translate(Translation::Source(ip), &router_forward::TABLE);
    }
    if !floating_ip.port_forwardings.is_empty() {
        forwarded_flows(floating_ip, flows);
    }
}

/// What goes back of the connections to forwarded ports, and what the router says for itself.
fn forwarded_flows(floating_ip: LocalFloatingIp<'_>, flows: &mut Flows<'_>) {
    let LocalFloatingIp {
        router,
        network,
        port,
        ..
    } = floating_ip;
    for ip in floating_ip.addresses() {
        let own = of(router, EthType::IPV4, flows.at(OWN_SOURCE)).when(IPV4_SRC, ip);
        leave((network, port), own).goto(&router_forward::TABLE);
    }
    let Some(gateway) = router.gateway() else {
        return;
    };
    if !sources(gateway).is_empty() {
        // All that leaves is tracked, and what answers is known there.
        return;
    }
    let targets = floating_ip.port_forwardings.iter();
    let targets: BTreeSet<Ipv4Addr> = targets.map(|to| to.target.fixed_ip).collect();
    for ip in targets {
        let answer = of(router, EthType::IPV4, flows.at(ANSWER)).when(IPV4_SRC, ip);
        leave((gateway.network, gateway.port), answer)
            .translate(Translation::Known, &router_forward::TABLE);
    }
}

fn gateway_flows(router: LocalRouter<'_>, gateway: AnsweredPort<'_>, flows: &mut Flows<'_>) {
    let to = (gateway.network, gateway.port);
    leave(to, of(router, EthType::IPV6, flows.at(HERE))).goto(&router_forward::TABLE);
    let ips = sources(gateway);
    let packet = leave(to, of(router, EthType::IPV4, flows.at(HERE)));
    match ips.first() {
        Some(ip) => packet.translate(Translation::Source(*ip), &router_forward::TABLE),
        None => packet.goto(&router_forward::TABLE),
    }
    for ip in ips {
        let own = of(router, EthType::IPV4, flows.at(OWN_SOURCE)).when(IPV4_SRC, ip);
        leave(to, own).goto(&router_forward::TABLE);
    }
}

/// The addresses that machines without a floating IP may leave with.
fn sources(gateway: AnsweredPort<'_>) -> Vec<Ipv4Addr> {
    let ips = gateway.port.fixed_ips.iter().filter_map(|ip| match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    });
    ips.filter(|_| gateway.router.translates_sources())
        .collect()
}

/// What a router sends outside.
fn of<'a>(router: LocalRouter<'_>, eth_type: EthType, packet: Draft<'a>) -> Draft<'a> {
    let packet = packet.when(ETH_TYPE, eth_type);
    packet.when(ROUTER, router.number.into())
}

/// Enters the external network.
fn leave<'a>((network, port): (LocalNetwork<'_>, &Port), packet: Draft<'a>) -> Draft<'a> {
    packet
        .set(NETWORK, network.vlan.into())
        .set(ETH_SRC, port.mac_address)
}
