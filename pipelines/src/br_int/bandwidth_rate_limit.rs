//! The place of meters that count bits.
//!
//! Empty until ports have such limits; it exists so that they need no renumbering.

use super::transient;
use crate::{
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 59,
    name: "BANDWIDTH_RATE_LIMIT",
    purpose: "Limits bits per second of a port.",
    next: &[&transient::TABLE],
    flows,
};

const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        flows.at(MISS).goto(&transient::TABLE);
    }
}
