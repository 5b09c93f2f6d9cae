//! Finds where an address was seen that the model does not know.
//!
//! Only machines without port security have such addresses, so only networks with such a port here
//! learn: from what these ports send, and from what comes from outside. Nothing is sent by what is
//! found here; it is a note for the table that follows.

use openflow::{
    action::{Bits, Learn, Learn2, LearnFlags, LearnSpec},
    field::{ETH_DST, ETH_SRC},
};

use crate::{
    cookie::Cookie,
    learned::{FORGET_AFTER, LIMIT},
    registers::{LOCATION, NETWORK, PORT},
    site::{LocalNetwork, LocalPort},
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 96,
    name: "LEARNED_STATIONS",
    purpose: "Finds where an address was seen that the model does not know.",
    next: &[],
    flows,
};

const LEARNED: u16 = 1;
const MISS: u16 = 0;

/// The note that a station is on another host, or on none. No port has this key.
pub(super) const OUTSIDE: u32 = u32::MAX;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        flows.at(MISS).drop();
    }
}

/// Notes that the sender of a frame is behind a port; the registers hold port and network.
pub(super) fn behind(port: LocalPort<'_>) -> Learn2 {
    let location = LOCATION.field.whole();
    let note = LearnSpec::LoadField {
        source: PORT.field.whole(),
        target: location,
    };
    // What was seen behind a port is forgotten with the port.
    learn(Cookie::learned_from(port.port.id), note)
}

/// Notes that the sender of a frame is outside; the register holds the network.
pub(super) fn outside(network: LocalNetwork<'_>) -> Learn2 {
    let location = LOCATION.field.whole();
    let note = LearnSpec::LoadValue {
        value: Bits::new(OUTSIDE.into(), location),
        target: location,
    };
    learn(Cookie::learned_in(network.network.id), note)
}

fn learn(cookie: Cookie, note: LearnSpec) -> Learn2 {
    let network = NETWORK.field.whole();
    let learn = Learn {
        table: TABLE.number,
        priority: LEARNED,
        hard_timeout: FORGET_AFTER,
        cookie: cookie.get(),
        flags: LearnFlags::DELETE_LEARNED,
        specs: vec![
            LearnSpec::MatchField {
                source: network,
                target: network,
            },
            LearnSpec::MatchField {
                source: ETH_SRC.whole(),
                target: ETH_DST.whole(),
            },
            note,
        ],
        ..Learn::default()
    };
    Learn2 {
        learn,
        limit: LIMIT,
        result: None,
    }
}
