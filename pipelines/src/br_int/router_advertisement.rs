//! Shows the agent who looks for a router.
//!
//! Only solicitations of ports that have an answer come here; those of others go where everything
//! goes. The answer is for the port alone and says nothing that depends on the question, so whose
//! name that is in needs no check.

use openflow::field::ETH_SRC;

use crate::{
    link,
    registers::PORT,
    site::LocalPort,
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 79,
    name: "ROUTER_ADVERTISEMENT",
    purpose: "Shows router solicitations to the agent, which answers them.",
    next: &[],
    flows,
};

const SOLICITATION: u16 = 100;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.has_advertisements() => {
            let known = flows.at(SOLICITATION).when(PORT, port.key());
            solicitation(known, *port).packet_in(*port).done();
        }
        _ => {}
    }
}

/// A port that looks for a router.
pub(super) fn solicitation<'a>(draft: Draft<'a>, port: LocalPort<'_>) -> Draft<'a> {
    let draft = draft.when(ETH_SRC, port.port.mac_address);
    link::icmpv6(draft, link::ROUTER_SOLICITATION)
}
