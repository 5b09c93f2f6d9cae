//! Sends on what has a next station, and nothing else.

use openflow::field::{ETH_DST, MacAddr};

use super::router_output;
use crate::{
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
    if let Subject::Bridge(_) = subject {
        flows.at(UNRESOLVED).when(ETH_DST, MacAddr::ZERO).drop();
        flows.at(RESOLVED).resubmit(&router_output::TABLE);
    }
}
