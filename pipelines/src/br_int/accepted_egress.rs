//! The first packet of each connection that leaves the host passes here.
//!
//! The place where such packets can be logged.

use super::delivery;
use crate::{
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

const EVERYTHING: u16 = 1;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        flows.at(EVERYTHING).resubmit(&delivery::TABLE);
    }
}
