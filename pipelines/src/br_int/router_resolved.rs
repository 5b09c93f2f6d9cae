//! Sends on what has a next station. The agent looks for the others.
//!
//! The station may be a machine here that took an address which it may have, and then its ingress
//! tables are met; or it is behind one that has no port security.

use openflow::field::{ETH_DST, MacAddr};

use super::{
    base_ingress, delivery, learned_stations, router_output, router_packet_in, trunk_output,
    unknown_stations,
};
use crate::{
    registers::NETWORK,
    site::LocalPort,
    subject::{Station, Subject},
    table::{Actions, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 109,
    name: "ROUTER_RESOLVED",
    purpose: "Sends on what has a next station.",
    next: &[
        &learned_stations::TABLE,
        &unknown_stations::TABLE,
        &router_output::TABLE,
        &router_packet_in::TABLE,
        &base_ingress::TABLE,
        &trunk_output::TABLE,
    ],
    flows,
};

const UNRESOLVED: u16 = 10;
const HERE: u16 = 5;
const BEHIND_OPEN_PORTS: u16 = 2;
const RESOLVED: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(RESOLVED).resubmit(&router_output::TABLE),
        Subject::Network(network) if network.is_routed() => {
            let vlan = network.vlan.into();
            let unresolved = flows.at(UNRESOLVED).when(NETWORK, vlan);
            unresolved.when(ETH_DST, MacAddr::ZERO).router_packet_in();
            // Outside, what is not known here is outside.
            if network.has_open_port() && !network.is_outside() {
                let resolved = flows.at(BEHIND_OPEN_PORTS).when(NETWORK, vlan);
                let actions = Actions::new(&TABLE)
                    .resubmit(&learned_stations::TABLE)
                    .resubmit(&unknown_stations::TABLE);
                resolved.act(actions).done();
            }
        }
        Subject::Station(station) if station.network.is_routed() => here(station, flows),
        _ => {}
    }
}

/// What is for machines here that took the address.
fn here(station: &Station<'_>, flows: &mut Flows<'_>) {
    let network = station.network;
    let claims = |local: &LocalPort<'_>| !network.site.claims(local.port).is_empty();
    if !station.local.iter().any(claims) {
        return;
    }
    let local = station.local.iter().copied();
    let actions = local.fold(Actions::new(&TABLE), delivery::to_port);
    let actions = match station.elsewhere.is_empty() {
        true => actions,
        false => actions.resubmit(&router_output::TABLE),
    };
    let packet = flows.at(HERE).when(NETWORK, network.vlan.into());
    packet.when(ETH_DST, station.mac).act(actions).done();
}
