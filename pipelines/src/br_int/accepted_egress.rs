//! The first packet of each connection that leaves the host passes here.
//!
//! The place where such packets can be logged.

use super::delivery;
use crate::{
    network::Verdict,
    registers::PORT,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 91,
    name: "ACCEPTED_EGRESS",
    purpose: "Sees the first packet of each accepted connection that leaves.",
    next: &[&delivery::TABLE],
    flows,
};

const LOGGED: u16 = 70;
const EVERYTHING: u16 = 1;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(EVERYTHING).resubmit(&delivery::TABLE),
        Subject::Port(port) if port.is_logged(Verdict::Accept) => {
            flows
                .at(LOGGED)
                .when(PORT, port.key())
                .log()
                .resubmit(&delivery::TABLE);
        }
        _ => {}
    }
}
