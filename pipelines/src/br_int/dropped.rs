//! What the firewall refuses ends here.
//!
//! The place where refused packets can be logged and counted.

use crate::{
    network::Verdict,
    registers::PORT,
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

const LOGGED: u16 = 70;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.is_logged(Verdict::Drop) => {
            flows.at(LOGGED).when(PORT, port.key()).log().done();
        }
        _ => {}
    }
}
