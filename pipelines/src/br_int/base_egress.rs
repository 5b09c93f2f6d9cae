//! Lets a machine send from its own addresses only, then has the packet tracked.
//!
//! What runs a link (ARP, neighbour discovery, DHCP requests) passes without rules, as nothing
//! works without it. Answers that only a network's own services give, DHCP's and router
//! advertisements, never come from a machine.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use openflow::{
    field::{ARP_SPA, ETH_SRC, ETH_TYPE, EthType, IN_PORT, MacAddr, ND_TARGET},
    flow::Flow,
};

use super::{
    accept_or_ingress, connection::TRACKED, delivery, dhcp_ipv4, dhcp_ipv6, dropped,
    router_learned, rules_egress,
};
use crate::{
    explain::Decision,
    link::{self, Dhcp},
    network::Direction,
    registers::PORT,
    site::LocalPort,
    subject::Subject,
    table::{Draft, Flows, SOURCE, Table},
};

pub(super) static TABLE: Table = Table {
    number: 71,
    name: "BASE_EGRESS",
    purpose: "Lets a port send from its own addresses only.",
    next: &[
        &TABLE,
        &rules_egress::TABLE,
        &accept_or_ingress::TABLE,
        &dhcp_ipv4::TABLE,
        &dhcp_ipv6::TABLE,
        &delivery::TABLE,
        &dropped::TABLE,
    ],
    flows,
};

const ALREADY_TRACKED: u16 = 110;
const LINK: u16 = 95;
const DHCP_REQUEST: u16 = 80;
const SERVICE_ANSWER: u16 = 70;
pub(super) const OWN_SOURCE: u16 = 65;
const SPOOFED: u16 = 10;
const MISS: u16 = 0;

/// What a flow of the table decides; `None` if it only leads on.
pub(super) fn decision(flow: &Flow) -> Option<Decision> {
    match flow.priority {
        LINK | DHCP_REQUEST => Some(Decision::Link(Direction::Egress)),
        SERVICE_ANSWER => Some(Decision::ServiceAnswer),
        SPOOFED => Some(Decision::Spoofed),
        _ => None,
    }
}

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            // Another bridge may have tracked the packet in a zone of its own.
            flows
                .at(ALREADY_TRACKED)
                .in_state(TRACKED)
                .ct_clear()
                .resubmit(&TABLE);
            flows.at(MISS).drop();
        }
        Subject::Port(port) if port.is_firewalled() => port_flows(*port, flows),
        _ => {}
    }
}

fn port_flows(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    let own_mac = port.port.mac_address;
    let claims = port.network.site.claims(port.port);
    for (mac, block) in port.port.sources() {
        let is_claim = port.network.is_routed() && claims.contains(&block);
        match block {
            IpNet::V4(block) => source_v4(port, mac, (block, is_claim), flows),
            IpNet::V6(block) => source_v6(port, mac, (block, is_claim), flows),
        }
        let dhcp = Dhcp::of(block);
        let request = dhcp.request(from(port, DHCP_REQUEST, flows).when(ETH_SRC, mac));
        request
            .when_in(SOURCE, block)
            .resubmit(who_answers(port, mac, dhcp));
        let own = from(port, OWN_SOURCE, flows).when(ETH_SRC, mac);
        let own = own.when_in(SOURCE, block);
        if port.is_stateful() {
            own.track(&rules_egress::TABLE);
        } else {
            own.resubmit(&rules_egress::TABLE);
        }
    }
    for mac in port.port.macs() {
        for eth_type in port.permitted_ethertypes() {
            from(port, LINK, flows)
                .when(ETH_SRC, mac)
                .when(ETH_TYPE, *eth_type)
                .resubmit(&delivery::TABLE);
        }
    }
    // Who asks for its first address has none.
    let request = Dhcp::V4.request(from(port, DHCP_REQUEST, flows).when(ETH_SRC, own_mac));
    request
        .when_in(SOURCE, UNSPECIFIED.into())
        .resubmit(who_answers(port, own_mac, Dhcp::V4));

    for dhcp in [Dhcp::V4, Dhcp::V6] {
        dhcp.answer(from(port, SERVICE_ANSWER, flows))
            .resubmit(&dropped::TABLE);
    }
    // An advertisement that is left here is about somebody else; its source may be the port's own.
    for icmp_type in [link::ROUTER_ADVERTISEMENT, link::NEIGHBOUR_ADVERTISEMENT] {
        link::icmpv6(from(port, SERVICE_ANSWER, flows), icmp_type).resubmit(&dropped::TABLE);
    }
    from(port, SPOOFED, flows)
        .ct_clear()
        .resubmit(&dropped::TABLE);
}

/// An address that a machine may take is noted for routers when it says that it has it.
fn source_v4(
    port: LocalPort<'_>,
    mac: MacAddr,
    (block, is_claim): (Ipv4Net, bool),
    flows: &mut Flows<'_>,
) {
    let own = from(port, LINK, flows)
        .when(ETH_SRC, mac)
        .when(ETH_TYPE, EthType::ARP)
        .when_masked(ARP_SPA, block.network(), block.netmask());
    let own = match is_claim {
        true => own.learn(router_learned::from_arp(port.network)),
        false => own,
    };
    own.resubmit(&delivery::TABLE);
    // A hypervisor announces a machine that it took over so (QEMU does).
    from(port, LINK, flows)
        .when(ETH_SRC, mac)
        .when(ETH_TYPE, EthType::RARP)
        .resubmit(&delivery::TABLE);
}

fn source_v6(
    port: LocalPort<'_>,
    mac: MacAddr,
    (block, is_claim): (Ipv6Net, bool),
    flows: &mut Flows<'_>,
) {
    for icmp_type in [
        link::LISTENER_QUERY,
        link::ROUTER_SOLICITATION,
        link::NEIGHBOUR_SOLICITATION,
    ] {
        link::icmpv6(from(port, LINK, flows), icmp_type)
            .when(ETH_SRC, mac)
            .when_in(SOURCE, block.into())
            .resubmit(&delivery::TABLE);
    }
    // What is advertised must be the port's own, whoever is named as source.
    let own = from(port, LINK, flows);
    let own = link::neighbour_discovery(own, link::NEIGHBOUR_ADVERTISEMENT)
        .when(ETH_SRC, mac)
        .when_masked(ND_TARGET, block.network(), block.netmask());
    let own = match is_claim {
        true => own.learn(router_learned::from_advertisement(port.network)),
        false => own,
    };
    own.resubmit(&delivery::TABLE);
}

/// Where a DHCP request goes: to the agent, or else to servers of the network.
///
/// The agent knows the machine of the port, and not who is behind it.
fn who_answers(port: LocalPort<'_>, mac: MacAddr, dhcp: Dhcp) -> &'static Table {
    match dhcp {
        _ if mac != port.port.mac_address || !port.has_dhcp(dhcp) => &accept_or_ingress::TABLE,
        Dhcp::V4 => &dhcp_ipv4::TABLE,
        Dhcp::V6 => &dhcp_ipv6::TABLE,
    }
}

/// The source of a request by who has no address yet.
const UNSPECIFIED: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::UNSPECIFIED, 32);

/// What the port sends, and nobody in its name.
fn from<'a>(port: LocalPort<'_>, priority: u16, flows: &'a mut Flows<'_>) -> Draft<'a> {
    flows
        .at(priority)
        .when(IN_PORT, port.number())
        .when(PORT, port.key())
}
