//! Brings a frame to a station that the model does not know.
//!
//! It goes where the station was seen, and else to whoever may have it: ports without port security
//! here, and the other hosts. A firewalled port has no address that the model does not know.

use super::{
    base_ingress,
    delivery::{to_outside, to_port},
    learned_stations::OUTSIDE,
    trunk_output,
};
use crate::{
    registers::{LOCATION, NETWORK},
    site::LocalPort,
    subject::Subject,
    table::{Actions, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 97,
    name: "UNKNOWN_STATIONS",
    purpose: "Brings a frame to a station that the model does not know.",
    next: &[&base_ingress::TABLE, &trunk_output::TABLE],
    flows,
};

const SEEN: u16 = 2;
const NOT_SEEN: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Network(network) if network.has_open_port() => {
            let vlan = network.vlan.into();
            let actions = || Actions::new(&TABLE);
            let seen = flows.at(SEEN).when(NETWORK, vlan).when(LOCATION, OUTSIDE);
            seen.act(to_outside(actions(), *network)).done();
            let open = network.ports().filter(|port| !port.is_firewalled());
            let everyone = to_outside(open.fold(actions(), to_port), *network);
            flows.at(NOT_SEEN).when(NETWORK, vlan).act(everyone).done();
        }
        Subject::Port(port) if !port.is_firewalled() => seen_behind(*port, flows),
        _ => {}
    }
}

fn seen_behind(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    flows
        .at(SEEN)
        .when(NETWORK, port.network.vlan.into())
        .when(LOCATION, port.key())
        .act(to_port(Actions::new(&TABLE), port))
        .done();
}
