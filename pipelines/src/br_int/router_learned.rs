//! Finds the MAC of a station that the model does not know.
//!
//! Outside there are stations of others, the next router among them. Inside, machines may take
//! addresses of their pairs, and leave them to others. What all these say of themselves, in ARP or
//! neighbour advertisements, is learned here; of a machine only what it may say. Nothing is sent by
//! what is found; it is a note for the table that follows.

use openflow::{
    action::{Bits, Learn, Learn2, LearnFlags, LearnSpec, Subfield},
    field::{ARP_SHA, ARP_SPA, ETH_DST, ETH_TYPE, EthType, ND_TARGET, ND_TLL},
};

use crate::{
    cookie::Cookie,
    learned::{FORGET_AFTER, LIMIT},
    registers::{NETWORK, NEXT_HOP, NEXT_HOP_V6},
    site::LocalNetwork,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 108,
    name: "ROUTER_LEARNED",
    purpose: "Finds the MAC of a station that the model does not know.",
    next: &[],
    flows,
};

const LEARNED: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        flows.at(MISS).drop();
    }
}

/// Notes the sender of an ARP message; the register holds the network.
pub(super) fn from_arp(network: LocalNetwork<'_>) -> Learn2 {
    let ip = LearnSpec::MatchField {
        source: ARP_SPA.whole(),
        target: NEXT_HOP.field.whole(),
    };
    learn(network, EthType::IPV4, ip, ARP_SHA.whole())
}

/// Notes what a neighbour advertisement is about; the register holds the network.
pub(super) fn from_advertisement(network: LocalNetwork<'_>) -> Learn2 {
    let ip = LearnSpec::MatchField {
        source: ND_TARGET.whole(),
        target: NEXT_HOP_V6.whole(),
    };
    learn(network, EthType::IPV6, ip, ND_TLL.whole())
}

fn learn(network: LocalNetwork<'_>, eth_type: EthType, ip: LearnSpec, mac: Subfield) -> Learn2 {
    let of = NETWORK.field.whole();
    let eth_type_field = ETH_TYPE.whole();
    let learn = Learn {
        table: TABLE.number,
        priority: LEARNED,
        hard_timeout: FORGET_AFTER,
        cookie: Cookie::learned_in(network.network.id).get(),
        flags: LearnFlags::DELETE_LEARNED,
        specs: vec![
            LearnSpec::MatchValue {
                value: Bits::new(u128::from(eth_type.0), eth_type_field),
                target: eth_type_field,
            },
            LearnSpec::MatchField {
                source: of,
                target: of,
            },
            ip,
            LearnSpec::LoadField {
                source: mac,
                target: ETH_DST.whole(),
            },
        ],
        ..Learn::default()
    };
    Learn2 {
        learn,
        limit: LIMIT,
        result: None,
    }
}
