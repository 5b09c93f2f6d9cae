//! Sends to the agent what routers and delivery cannot do in flows, within the limits of the sender.
//!
//! The table that sends a packet here notes its number in a register, which reaches the agent with
//! the packet and says what to do. Each local port has the meter of its other requests; what comes
//! from other hosts or from an external network passes a meter of the router. So one VM that floods
//! the agent takes nothing from others.

use crate::{
    registers::{PORT, ROUTER},
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 111,
    name: "ROUTER_PACKET_IN",
    purpose: "Sends to the agent what flows cannot do, metered by sender.",
    next: &[],
    flows,
};

const SENDER: u16 = 10;
const MISS: u16 = 0;

/// No local port has this key.
const NO_PORT: u32 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.network.is_routed() || port.network.is_snooped() => {
            flows
                .at(SENDER)
                .when(PORT, port.key())
                .packet_in(*port)
                .done();
        }
        Subject::Router(router) => flows
            .at(SENDER)
            .when(PORT, NO_PORT)
            .when(ROUTER, router.number.into())
            .packet_in_for_router(*router),
        _ => {}
    }
}
