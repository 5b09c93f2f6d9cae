//! A copy of the first packet of each connection that was let in ends here.
//!
//! The place where such packets can be logged; the packet itself is delivered already.

use crate::{
    network::Verdict,
    registers::PORT,
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

const LOGGED: u16 = 70;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.is_logged(Verdict::Accept) => {
            flows.at(LOGGED).when(PORT, port.key()).log().done();
        }
        _ => {}
    }
}
