//! A copy of the first packet of each connection that was let in ends here.
//!
//! The place where such packets can be logged; the packet itself is delivered already.

use crate::{
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 92,
    name: "ACCEPTED_INGRESS",
    purpose: "Sees the first packet of each accepted connection that arrives.",
    next: &[],
    flows,
};

const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        flows.at(MISS).drop();
    }
}
