//! Delivers what runs a link, and has the rest tracked.
//!
//! The register holds the port that a packet goes to.

use openflow::{
    field::{ETH_TYPE, EthType},
    flow::Flow,
};

use super::{
    connection::{TRACKED, UNTRACKED},
    rules_ingress, trunk_output,
};
use crate::{
    link::{self, Dhcp},
    registers::PORT,
    site::LocalPort,
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 81,
    name: "BASE_INGRESS",
    purpose: "Delivers what runs a link; has the rest tracked.",
    next: &[&rules_ingress::TABLE, &trunk_output::TABLE],
    flows,
};

const LINK: u16 = 100;
const DHCP_ANSWER: u16 = 95;
const TO_TRACK: u16 = 90;
const ALREADY_TRACKED: u16 = 80;
const MISS: u16 = 0;

/// Whether a flow of the table delivers what needs no rule.
pub(super) fn is_link(flow: &Flow) -> bool {
    [LINK, DHCP_ANSWER].contains(&flow.priority)
}

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.is_firewalled() => port_flows(*port, flows),
        _ => {}
    }
}

fn port_flows(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    for eth_type in [&EthType::ARP]
        .into_iter()
        .chain(port.permitted_ethertypes())
    {
        to(port, LINK, flows)
            .when(ETH_TYPE, *eth_type)
            .then(|actions| trunk_output::to(actions, port))
            .done();
    }
    for icmp_type in [
        link::LISTENER_QUERY,
        link::ROUTER_ADVERTISEMENT,
        link::NEIGHBOUR_SOLICITATION,
        link::NEIGHBOUR_ADVERTISEMENT,
    ] {
        link::icmpv6(to(port, LINK, flows), icmp_type)
            .then(|actions| trunk_output::to(actions, port))
            .done();
    }
    for dhcp in [Dhcp::V4, Dhcp::V6] {
        dhcp.answer(to(port, DHCP_ANSWER, flows))
            .then(|actions| trunk_output::to(actions, port))
            .done();
    }
    for eth_type in [EthType::IPV4, EthType::IPV6] {
        let untracked = to(port, TO_TRACK, flows)
            .in_state(UNTRACKED)
            .when(ETH_TYPE, eth_type);
        if port.is_stateful() {
            untracked.track(&rules_ingress::TABLE);
        } else {
            untracked.resubmit(&rules_ingress::TABLE);
        }
    }
    to(port, ALREADY_TRACKED, flows)
        .in_state(TRACKED)
        .resubmit(&rules_ingress::TABLE);
}

/// What goes to the port.
fn to<'a>(port: LocalPort<'_>, priority: u16, flows: &'a mut Flows<'_>) -> Draft<'a> {
    flows.at(priority).when(PORT, port.key())
}
