//! Sends on what has a next station. The agent looks for the others.

use openflow::field::{ETH_DST, MacAddr};

use super::router_output;
use crate::{
    registers::NETWORK,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 109,
    name: "ROUTER_RESOLVED",
    purpose: "Sends on what has a next station.",
    next: &[&router_output::TABLE],
    flows,
};

const UNRESOLVED: u16 = 10;
const RESOLVED: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(RESOLVED).resubmit(&router_output::TABLE),
        Subject::Network(network) if network.is_outside() => flows
            .at(UNRESOLVED)
            .when(NETWORK, network.vlan.into())
            .when(ETH_DST, MacAddr::ZERO)
            .ask_for_router(),
        _ => {}
    }
}
