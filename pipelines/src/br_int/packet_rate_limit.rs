//! The place of meters that count packets.
//!
//! Empty until ports have such limits; it exists so that they need no renumbering.

use super::bandwidth_rate_limit;
use crate::{
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 58,
    name: "PACKET_RATE_LIMIT",
    purpose: "Limits packets per second of a port.",
    next: &[&bandwidth_rate_limit::TABLE],
    flows,
};

const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        flows.at(MISS).goto(&bandwidth_rate_limit::TABLE);
    }
}
