//! Lets a machine send from its own addresses only, then has the packet tracked.
//!
//! What runs a link (ARP, neighbour discovery, DHCP requests) passes without rules, as nothing
//! works without it. ARP and neighbour discovery name a MAC inside, by which others would find who
//! sends; it has to be that of the frame. Answers that only a network's own services give, DHCP's
//! and router advertisements, never come from a machine.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use openflow::{
    field::{
        ARP_SHA, ARP_SPA, ETH_SRC, ETH_TYPE, EthType, IN_PORT, IPV6_SRC, MacAddr, ND_SLL,
        ND_TARGET, ND_TLL,
    },
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
const MALFORMED: u16 = 96;
const LINK: u16 = 95;
const LISTENER: u16 = 94;
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
        SPOOFED | MALFORMED => Some(Decision::Spoofed),
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
            // The switch shows no target and no MAC of a message that names two of its MACs.
            for message in [solicitation, advertisement] {
                message(flows.at(MALFORMED))
                    .when(ND_TARGET, Ipv6Addr::UNSPECIFIED)
                    .resubmit(&dropped::TABLE);
            }
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
    // What is left here is about somebody else, or names the MAC of somebody else; its source may be
    // the port's own.
    for icmp_type in [
        link::ROUTER_ADVERTISEMENT,
        link::NEIGHBOUR_SOLICITATION,
        link::NEIGHBOUR_ADVERTISEMENT,
    ] {
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
        .when(ARP_SHA, mac)
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
        .when(ARP_SHA, mac)
        .resubmit(&delivery::TABLE);
}

fn source_v6(
    port: LocalPort<'_>,
    mac: MacAddr,
    (block, is_claim): (Ipv6Net, bool),
    flows: &mut Flows<'_>,
) {
    for icmp_type in [link::LISTENER_QUERY, link::ROUTER_SOLICITATION] {
        link::icmpv6(from(port, LINK, flows), icmp_type)
            .when(ETH_SRC, mac)
            .when_in(SOURCE, block.into())
            .resubmit(&delivery::TABLE);
    }
    // Both messages may leave their sender's MAC out.
    for option in [mac, MacAddr::ZERO] {
        solicitation(from(port, LINK, flows))
            .when(ETH_SRC, mac)
            .when_in(SOURCE, block.into())
            .when(ND_SLL, option)
            .resubmit(&delivery::TABLE);
        // What is advertised must be the port's own, whoever is named as source.
        let own = advertisement(from(port, LINK, flows))
            .when(ETH_SRC, mac)
            .when_masked(ND_TARGET, block.network(), block.netmask())
            .when(ND_TLL, option);
        let own = match is_claim && option == mac {
            true => own.learn(router_learned::from_advertisement(port.network)),
            false => own,
        };
        own.resubmit(&delivery::TABLE);
    }
    // Who asks whether its address is free has none yet (RFC 4862, section 5.4.2).
    solicitation(from(port, LINK, flows))
        .when(ETH_SRC, mac)
        .when(IPV6_SRC, Ipv6Addr::UNSPECIFIED)
        .when_masked(ND_TARGET, block.network(), block.netmask())
        .when(ND_SLL, MacAddr::ZERO)
        .resubmit(&delivery::TABLE);
    if port.is_stateful() {
        reports(port, mac, block, flows);
    }
}

/// What a port says of the groups that it listens to meets the rules as it is: trackers make
/// nothing of it.
///
/// It is sent from a link-local address, or before there is one (RFC 3810, section 5.2.13).
fn reports(port: LocalPort<'_>, mac: MacAddr, block: Ipv6Net, flows: &mut Flows<'_>) {
    let own = LINK_LOCAL.contains(&block).then_some(block);
    for source in own.into_iter().chain([NO_ADDRESS]) {
        for icmp_type in link::LISTENER_REPORTS {
            link::icmpv6(from(port, LISTENER, flows), icmp_type)
                .when(ETH_SRC, mac)
                .when_in(SOURCE, source.into())
                .resubmit(&rules_egress::TABLE);
        }
    }
}

/// The addresses of one link (RFC 4291, section 2.5.6).
const LINK_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10);
/// The source of who has no address yet.
const NO_ADDRESS: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128);

fn solicitation(draft: Draft<'_>) -> Draft<'_> {
    link::neighbour_discovery(draft, link::NEIGHBOUR_SOLICITATION)
}

fn advertisement(draft: Draft<'_>) -> Draft<'_> {
    link::neighbour_discovery(draft, link::NEIGHBOUR_ADVERTISEMENT)
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
