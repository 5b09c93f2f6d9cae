//! The integration bridge: every machine of the host is plugged in here.
//!
//! Table numbers, register roles and priorities are those of Neutron's agent, which people who run
//! such bridges know by heart. The order of the list is that in which packets meet the tables.

mod accept_or_ingress;
mod accepted_egress;
mod accepted_ingress;
mod bandwidth_rate_limit;
mod base_egress;
mod base_ingress;
mod connection;
mod decision;
mod delivery;
mod dhcp_ipv4;
mod dhcp_ipv6;
mod dropped;
mod firewall;
mod helper;
mod learned_stations;
mod local_switching;
mod memory;
mod multicast_listeners;
mod multicast_messages;
mod packet_rate_limit;
mod router_advertisement;
mod router_answers;
mod router_dnat;
mod router_forward;
mod router_input;
mod router_learned;
mod router_local;
mod router_neighbours;
mod router_output;
mod router_packet_in;
mod router_questions;
mod router_resolved;
mod router_routes;
mod router_snat;
mod rule;
mod rules_egress;
mod rules_ingress;
mod service_address;
mod service_questions;
mod to_forget;
mod to_listeners;
mod transient;
mod trunk_output;
mod unknown_stations;

use crate::{
    network::Verdict,
    service::Service,
    table::{Pipeline, Table},
};

pub(crate) use decision::decision;
pub(crate) use firewall::Side;
pub use memory::Forwarded;
pub(crate) use memory::{
    FLOATING_IPS, HELD, PORT_FORWARDINGS, PORT_ZONES, ROUTER_ZONES, SOURCES, ZONES, forwarded,
    held, port_zone, source, translated, zone,
};
pub(crate) use multicast_listeners::{
    NUMBER as MULTICAST_LISTENERS, listener, router as multicast_router,
};
pub(crate) use to_forget::Note;
pub(crate) use to_listeners::is_group;

/// The table that sends to the agent what routers cannot do in flows.
pub(crate) static ROUTER_PACKET_IN: &Table = &router_packet_in::TABLE;
/// The table that returns a router's answer to the port that it came from.
pub(crate) const ROUTER_ANSWERS: u8 = router_answers::TABLE.number;
/// The table that what comes from outside passes.
pub(crate) const FROM_OUTSIDE: u8 = router_dnat::TABLE.number;
/// The table that routes.
pub(crate) const ROUTES: u8 = router_routes::TABLE.number;
/// The table that brings routed packets to their next stations.
pub(crate) const NEIGHBOURS: u8 = router_neighbours::TABLE.number;

/// The tables of rules, and what they do.
pub(crate) static SIDES: [(&Table, &Side); 2] = [
    (&rules_egress::TABLE, &rules_egress::SIDE),
    (&rules_ingress::TABLE, &rules_ingress::SIDE),
];

/// What a packet met that a table shows to be logged.
pub(crate) fn logged(table: u8) -> Option<Verdict> {
    let tables = [
        (&accepted_egress::TABLE, Verdict::Accept),
        (&accepted_ingress::TABLE, Verdict::Accept),
        (&dropped::TABLE, Verdict::Drop),
    ];
    let mut tables = tables.into_iter();
    let (_, verdict) = tables.find(|(logged, _)| logged.number == table)?;
    Some(verdict)
}

/// Whether flows of a table send packets to the agent.
pub(crate) fn shows(table: u8) -> bool {
    table == ROUTER_PACKET_IN.number || logged(table).is_some() || service(table).is_some()
}

/// What the agent does about packets that a table sends to it, itself or by ROUTER_PACKET_IN.
pub(crate) fn service(table: u8) -> Option<Service> {
    let tables = [
        (&dhcp_ipv4::TABLE, Service::Dhcpv4),
        (&dhcp_ipv6::TABLE, Service::Dhcpv6),
        (&router_advertisement::TABLE, Service::RouterAdvertisement),
        (&service_questions::TABLE, Service::Metadata),
        (&multicast_messages::TABLE, Service::Multicast),
        (&router_questions::TABLE, Service::Solicitation),
        (&router_dnat::TABLE, Service::Undelivered),
        (&router_local::TABLE, Service::Undelivered),
        (&router_routes::TABLE, Service::Undelivered),
        (&router_snat::TABLE, Service::Undelivered),
        (&router_forward::TABLE, Service::Undelivered),
        (&router_resolved::TABLE, Service::Neighbour),
    ];
    let mut tables = tables.into_iter();
    let (_, service) = tables.find(|(shown, _)| shown.number == table)?;
    Some(service)
}

/// The tables of br-int.
pub(crate) static PIPELINE: Pipeline = Pipeline::new(
    "br-int",
    &[
        &local_switching::TABLE,
        &packet_rate_limit::TABLE,
        &bandwidth_rate_limit::TABLE,
        &transient::TABLE,
        &base_egress::TABLE,
        &dhcp_ipv4::TABLE,
        &dhcp_ipv6::TABLE,
        &router_advertisement::TABLE,
        &service_address::TABLE,
        &service_questions::TABLE,
        &rules_egress::TABLE,
        &accept_or_ingress::TABLE,
        &accepted_egress::TABLE,
        &delivery::TABLE,
        &multicast_messages::TABLE,
        &to_listeners::TABLE,
        &multicast_listeners::TABLE,
        &router_questions::TABLE,
        &router_input::TABLE,
        &router_dnat::TABLE,
        &router_local::TABLE,
        &router_routes::TABLE,
        &router_snat::TABLE,
        &router_forward::TABLE,
        &router_neighbours::TABLE,
        &router_learned::TABLE,
        &router_resolved::TABLE,
        &learned_stations::TABLE,
        &unknown_stations::TABLE,
        &router_output::TABLE,
        &router_answers::TABLE,
        &router_packet_in::TABLE,
        &base_ingress::TABLE,
        &rules_ingress::TABLE,
        &trunk_output::TABLE,
        &accepted_ingress::TABLE,
        &dropped::TABLE,
        &to_forget::TABLE,
    ],
    // Through several routers, with a hop less each time.
    &[(&router_neighbours::TABLE, &router_input::TABLE)],
);
