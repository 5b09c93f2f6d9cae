//! Finds whether a port listens to a multicast group, or has a multicast router behind it.
//!
//! The agent adds the flows, for as long as what it heard is good for: the switch forgets listeners
//! that have gone silent, whether or not the agent runs. Nothing is sent by what is found here; it is
//! a note for the table that follows.

use std::net::IpAddr;

use openflow::{flow::Flow, instruction::Instructions, matching::Match};

use super::to_listeners;
use crate::{
    cookie::Cookie,
    registers::{AUDIENCE, LISTENS, NETWORK, PORT},
    site::LocalPort,
    subject::Subject,
    table::{DESTINATION, Flows, Table},
};

/// The number of the table.
pub(crate) const NUMBER: u8 = 88;

pub(super) static TABLE: Table = Table {
    number: NUMBER,
    name: "MULTICAST_LISTENERS",
    purpose: "Finds whether a port listens to a multicast group, or routes multicast.",
    next: &[],
    flows,
};

const LISTENER: u16 = 2;
const ROUTER: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        flows.at(MISS).set(LISTENS, listens::NO).done();
    }
}

/// What the register holds that says whether a port listens.
pub(super) mod listens {
    pub(in super::super) const NOT_ASKED: u32 = 0;
    pub(in super::super) const YES: u32 = 1;
    pub(super) const NO: u32 = 2;
}

/// The note that a port listens to a group, for some seconds.
pub(crate) fn listener(port: LocalPort<'_>, group: IpAddr, seconds: u16) -> Flow {
    let to_listeners = AUDIENCE.matching(of(port), to_listeners::LISTENERS);
    note(
        port,
        LISTENER,
        DESTINATION.within(to_listeners, group.into()),
        seconds,
    )
}

/// The note that there is a multicast router behind a port, for some seconds.
pub(crate) fn router(port: LocalPort<'_>, seconds: u16) -> Flow {
    note(port, ROUTER, of(port), seconds)
}

fn of(port: LocalPort<'_>) -> Match {
    let network = NETWORK.matching(Match::default(), port.network.vlan.into());
    PORT.matching(network, port.key())
}

fn note(port: LocalPort<'_>, priority: u16, matching: Match, seconds: u16) -> Flow {
    Flow {
        table: TABLE.number,
        priority,
        matching,
        cookie: Cookie::learned_from(port.port.id).get(),
        hard_timeout: seconds,
        instructions: Instructions::apply(vec![LISTENS.set(listens::YES)]),
        ..Flow::default()
    }
}
