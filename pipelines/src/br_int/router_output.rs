//! Sends to other hosts what is for a station there.
//!
//! That may be the gateway host: what it has to send outside is still addressed to the router, in
//! the network that it came from.

use super::delivery;
use crate::{
    registers::NETWORK,
    subject::Subject,
    table::{Actions, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 107,
    name: "ROUTER_OUTPUT",
    purpose: "Sends to other hosts what is for a station there.",
    next: &[],
    flows,
};

const KNOWN_NETWORK: u16 = 10;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Network(network) if network.is_routed() && network.uplink().is_some() => {
            let actions = delivery::to_outside(Actions::new(&TABLE), *network);
            let packet = flows.at(KNOWN_NETWORK);
            packet
                .when(NETWORK, network.vlan.into())
                .act(actions)
                .done();
        }
        _ => {}
    }
}
