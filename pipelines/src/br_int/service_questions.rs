//! Shows the agent what machines ask the address of the services: who they are, and who has a name.
//!
//! The port that asks is known by where the packet comes from, so its addresses need no check, and
//! those of different tenants may be the same. The answer goes straight back to the port.

use openflow::field::{
    ETH_TYPE, EthType, IN_PORT, IP_PROTO, IPV4_DST, IPV6_DST, IpProto, ND_TARGET, TCP_DST, UDP_DST,
};

use crate::{
    link,
    registers::PORT,
    service::{SERVER, SERVER_V6},
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 121,
    name: "SERVICE_QUESTIONS",
    purpose: "Shows the agent what machines ask the address of the services.",
    next: &[],
    flows,
};

const FROM_SUB_PORT: u16 = 20;
const FROM_PORT: u16 = 10;
const MISS: u16 = 0;

/// The ports of HTTP and of the DNS.
const HTTP: u16 = 80;
const DNS: u16 = 53;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.may_ask_services() => {
            let question = match port.place.vlan {
                None => flows.at(FROM_PORT),
                Some(_) => flows.at(FROM_SUB_PORT).when(PORT, port.key()),
            };
            question
                .when(IN_PORT, port.number())
                .packet_in(*port)
                .done();
        }
        _ => {}
    }
}

/// What is asked about a machine over IPv4.
pub(super) fn metadata(packet: Draft<'_>) -> Draft<'_> {
    packet
        .when(ETH_TYPE, EthType::IPV4)
        .when(IP_PROTO, IpProto::TCP)
        .when(IPV4_DST, SERVER)
        .when(TCP_DST, HTTP)
}

/// What is asked about a machine over IPv6.
pub(super) fn metadata_v6(packet: Draft<'_>) -> Draft<'_> {
    packet
        .when(ETH_TYPE, EthType::IPV6)
        .when(IP_PROTO, IpProto::TCP)
        .when(IPV6_DST, SERVER_V6)
        .when(TCP_DST, HTTP)
}

/// What is asked about names.
pub(super) fn dns(packet: Draft<'_>) -> Draft<'_> {
    packet
        .when(ETH_TYPE, EthType::IPV4)
        .when(IP_PROTO, IpProto::UDP)
        .when(IPV4_DST, SERVER)
        .when(UDP_DST, DNS)
}

/// Who asks for the MAC of the services.
pub(super) fn solicitation(packet: Draft<'_>) -> Draft<'_> {
    link::neighbour_discovery(packet, link::NEIGHBOUR_SOLICITATION).when(ND_TARGET, SERVER_V6)
}
