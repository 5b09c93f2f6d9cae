//! What the firewall refuses ends here.
//!
//! The place where refused packets can be logged and counted.

use crate::{
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 93,
    name: "DROPPED",
    purpose: "Sees what the firewall refuses.",
    next: &[],
    flows,
};

const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        flows.at(MISS).drop();
    }
}
