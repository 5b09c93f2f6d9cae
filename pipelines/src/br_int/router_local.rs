//! Answers what is for the router itself, and stops what has gone too far.

use std::net::IpAddr;

use openflow::field::{
    ETH_DST, ETH_SRC, ETH_TYPE, EthType, ICMPV4_CODE, ICMPV4_TYPE, ICMPV6_CODE, ICMPV6_TYPE,
    IN_PORT, IP_PROTO, IP_TTL, IPV4_DST, IPV4_SRC, IPV6_DST, IPV6_SRC, IpProto, PortNo,
};

use super::{router_answers, router_packet_in, router_routes};
use crate::{
    registers::ROUTER,
    routed::LocalRouter,
    subject::Subject,
    table::{DESTINATION, Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 102,
    name: "ROUTER_LOCAL",
    purpose: "Answers what is for the router itself; stops what has no hops left.",
    next: &[
        &router_routes::TABLE,
        &router_answers::TABLE,
        &router_packet_in::TABLE,
    ],
    flows,
};

const FORWARDED_ECHO: u16 = 31;
const ECHO: u16 = 30;
const OWN_ADDRESS: u16 = 20;
const NO_HOPS_LEFT: u16 = 10;
const MISS: u16 = 0;

/// The hops that an answer of a router may take.
const TTL: u8 = 255;

/// ICMP: are you there? (RFC 792)
const ECHO_REQUEST: u8 = 8;
/// ICMP: I am here.
const ECHO_REPLY: u8 = 0;
/// ICMPv6: are you there? (RFC 4443)
const ECHO_REQUEST_V6: u8 = 128;
/// ICMPv6: I am here.
const ECHO_REPLY_V6: u8 = 129;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            flows.at(MISS).goto(&router_routes::TABLE);
        }
        Subject::Router(router) => {
            for eth_type in [EthType::IPV4, EthType::IPV6] {
                for ttl in [0, 1] {
                    let last = of(*router, flows.at(NO_HOPS_LEFT)).when(ETH_TYPE, eth_type);
                    last.when(IP_TTL, ttl).router_packet_in();
                }
            }
            for ip in router.addresses() {
                own_address(ip, &|packet| of(*router, packet), flows);
                rest(*router, ip, flows).router_packet_in();
            }
            // A packet from inside has to go out first: it may answer one that was translated.
            // From outside, a connection that another host translated may go on here: it is not
            // told that it is over.
            if let Some(gateway) = router.gateway() {
                for ip in gateway.addresses() {
                    let mac = gateway.port.mac_address;
                    own_address(ip, &|packet| of(*router, packet).when(ETH_DST, mac), flows);
                    rest(*router, ip, flows).when(ETH_DST, mac).drop();
                }
            }
        }
        // Ports of it that lead to nobody; what leads to somebody has another destination by now.
        Subject::FloatingIp(floating_ip) if floating_ip.target.is_none() => {
            for ip in floating_ip.addresses().map(IpAddr::V4) {
                let router = floating_ip.router;
                let mac = floating_ip.port.mac_address;
                own_address(ip, &|packet| of(router, packet).when(ETH_DST, mac), flows);
                rest(router, ip, flows).when(ETH_DST, mac).drop();
            }
        }
        _ => {}
    }
}

/// Answers pings of an address of a router.
///
/// The reply leaves by the port that the request came in by, past all tables. Open vSwitch executes
/// actions that rewrite ICMP in user space, one by one, and the kernel's datapath loses there what
/// the connection tracker says: a reply that is tracked once more does not arrive. The agent answers
/// what another router has forwarded, as that has no such port any more.
fn own_address(ip: IpAddr, of: &dyn Fn(Draft<'_>) -> Draft<'_>, flows: &mut Flows<'_>) {
    echo_request(of(flows.at(FORWARDED_ECHO)), ip)
        .when(IN_PORT, PortNo::ANY)
        .router_packet_in();
    let reply = echo_request(of(flows.at(ECHO)), ip).swap(ETH_SRC, ETH_DST);
    let reply = match ip {
        IpAddr::V4(ip) => reply
            .copy(IPV4_SRC, IPV4_DST)
            .set(IPV4_SRC, ip)
            .set(ICMPV4_TYPE, ECHO_REPLY),
        IpAddr::V6(ip) => reply
            .copy(IPV6_SRC, IPV6_DST)
            .set(IPV6_SRC, ip)
            .set(ICMPV6_TYPE, ECHO_REPLY_V6),
    };
    reply.set(IP_TTL, TTL).goto(&router_answers::TABLE);
}

fn echo_request(packet: Draft<'_>, ip: IpAddr) -> Draft<'_> {
    let packet = packet.when_in(DESTINATION, ip.into());
    match ip {
        IpAddr::V4(_) => packet
            .when(IP_PROTO, IpProto::ICMP)
            .when(ICMPV4_TYPE, ECHO_REQUEST)
            .when(ICMPV4_CODE, 0),
        IpAddr::V6(_) => packet
            .when(IP_PROTO, IpProto::ICMPV6)
            .when(ICMPV6_TYPE, ECHO_REQUEST_V6)
            .when(ICMPV6_CODE, 0),
    }
}

/// What is for an address of a router, and is nothing that its flows answer.
fn rest<'a>(router: LocalRouter<'_>, ip: IpAddr, flows: &'a mut Flows<'_>) -> Draft<'a> {
    of(router, flows.at(OWN_ADDRESS)).when_in(DESTINATION, ip.into())
}

/// What is in a router.
fn of<'a>(router: LocalRouter<'_>, packet: Draft<'a>) -> Draft<'a> {
    packet.when(ROUTER, router.number.into())
}
