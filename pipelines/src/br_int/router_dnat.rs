//! Finds whom a packet from outside is for.
//!
//! A packet of a connection that was translated is translated back. One that opens a connection
//! goes to whom a floating IP stands for, or the port of it that it is for, and no further if it is
//! for nobody: what only leaves with the gateway's address cannot be called from outside.

use std::net::IpAddr;

use openflow::field::{
    ETH_TYPE, EthType, Field, IP_PROTO, IP_TTL, IPV4_DST, IpProto, TCP_DST, TCP_SRC, UDP_DST,
    UDP_SRC,
};

use super::{router_forward, router_local, router_packet_in};
use crate::{
    network::ForwardedProtocol,
    registers::ROUTER,
    routed::{LocalFloatingIp, LocalRouter},
    subject::Subject,
    table::{Draft, Flows, Table, Translation},
};

pub(super) static TABLE: Table = Table {
    number: 101,
    name: "ROUTER_DNAT",
    purpose: "Finds whom a packet from outside is for.",
    next: &[&router_local::TABLE, &router_packet_in::TABLE],
    flows,
};

const LARGE: u16 = 40;
const NO_HOPS_LEFT: u16 = 30;
pub(super) const FLOATING_IP: u16 = 20;
const GATEWAY: u16 = 20;
pub(super) const PORT_FORWARDING: u16 = 18;
const FORWARDED: u16 = 16;
const UNTRANSLATED: u16 = 10;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::FloatingIp(floating_ip) => floating_ip_flow(*floating_ip, flows),
        Subject::Router(router) => {
            router_forward::refuse_large(*router, flows.at(LARGE));
            if router.gateway().is_some() {
                gateway_flows(*router, flows);
            }
        }
        _ => {}
    }
}

fn floating_ip_flow(floating_ip: LocalFloatingIp<'_>, flows: &mut Flows<'_>) {
    for ip in floating_ip.addresses() {
        // Who sent it knows only this address: what is said of the packet has to name it.
        let last = of(floating_ip, flows.at(NO_HOPS_LEFT));
        last.when(IPV4_DST, ip).when(IP_TTL, 1).router_packet_in();
        if let Some(target) = floating_ip.target {
            of(floating_ip, flows.at(FLOATING_IP))
                .when(IPV4_DST, ip)
                .translate(
                    Translation::Destination(target.fixed_ip, None),
                    &router_local::TABLE,
                );
        }
        for forwarding in floating_ip.port_forwardings {
            let (number, _, port) = forwarded_port(forwarding.protocol);
            of(floating_ip, flows.at(PORT_FORWARDING))
                .when(IPV4_DST, ip)
                .when(IP_PROTO, number)
                .when(port, forwarding.external_port)
                .translate(
                    Translation::Destination(
                        forwarding.target.fixed_ip,
                        Some(forwarding.internal_port),
                    ),
                    &router_local::TABLE,
                );
        }
        if !floating_ip.port_forwardings.is_empty() {
            // Errors about packets of connections that are forwarded.
            of(floating_ip, flows.at(FORWARDED))
                .when(IPV4_DST, ip)
                .translate(Translation::Known, &router_local::TABLE);
        }
    }
}

/// A protocol's number, and where its packets have their ports: the source's, the destination's.
pub(super) fn forwarded_port(protocol: ForwardedProtocol) -> (IpProto, Field<u16>, Field<u16>) {
    match protocol {
        ForwardedProtocol::Tcp => (IpProto::TCP, TCP_SRC, TCP_DST),
        ForwardedProtocol::Udp => (IpProto::UDP, UDP_SRC, UDP_DST),
    }
}

/// What is in the router of a floating IP.
fn of<'a>(floating_ip: LocalFloatingIp<'_>, packet: Draft<'a>) -> Draft<'a> {
    let packet = packet.when(ETH_TYPE, EthType::IPV4);
    packet.when(ROUTER, floating_ip.router.number.into())
}

fn gateway_flows(router: LocalRouter<'_>, flows: &mut Flows<'_>) {
    let number = router.number.into();
    flows
        .at(UNTRANSLATED)
        .when(ETH_TYPE, EthType::IPV6)
        .when(ROUTER, number)
        .goto(&router_local::TABLE);
    if !router.translates_sources() {
        return flows
            .at(UNTRANSLATED)
            .when(ETH_TYPE, EthType::IPV4)
            .when(ROUTER, number)
            .goto(&router_local::TABLE);
    }
    let ips = router.gateway().into_iter();
    for ip in ips.flat_map(|gateway| &gateway.port.fixed_ips) {
        if let IpAddr::V4(ip) = ip {
            flows
                .at(GATEWAY)
                .when(ETH_TYPE, EthType::IPV4)
                .when(ROUTER, number)
                .when(IPV4_DST, *ip)
                .translate(Translation::Known, &router_local::TABLE);
        }
    }
}
