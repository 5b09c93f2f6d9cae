//! Forwards: one hop less is left, and the packet is a new one to the network that it enters.

use openflow::field::{CtState, ETH_TYPE, EthType};

use super::{router_neighbours, router_packet_in};
use crate::{
    registers::{ROUTER, TOO_LARGE},
    routed::LocalRouter,
    subject::Subject,
    table::{Draft, Flows, State, Table},
};

pub(super) static TABLE: Table = Table {
    number: 105,
    name: "ROUTER_FORWARD",
    purpose: "Forwards: takes a hop, and forgets where the packet was.",
    next: &[&router_neighbours::TABLE, &router_packet_in::TABLE],
    flows,
};

const LARGE: u16 = 30;
const UNTRANSLATABLE: u16 = 20;
const FORWARD: u16 = 10;
const MISS: u16 = 0;

/// The tracker makes nothing of it, or found no address and port that are free.
const INVALID: State = State {
    value: CtState::INV.union(CtState::TRK),
    mask: CtState::INV.union(CtState::TRK),
};

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            flows.at(UNTRANSLATABLE).in_state(INVALID).drop();
            for eth_type in [EthType::IPV4, EthType::IPV6] {
                flows
                    .at(FORWARD)
                    .when(ETH_TYPE, eth_type)
                    .ct_clear()
                    .dec_ttl()
                    .forget_in_port()
                    .goto(&router_neighbours::TABLE);
            }
            flows.at(MISS).drop();
        }
        Subject::Router(router) => refuse_large(*router, flows.at(LARGE)),
        _ => {}
    }
}

/// Has a packet refused that is larger than the network that it has to go to carries.
pub(super) fn refuse_large(router: LocalRouter<'_>, packet: Draft<'_>) {
    if router.has_tight_networks() {
        let packet = packet.when(ROUTER, router.number.into());
        packet.when(TOO_LARGE, 1).router_packet_in();
    }
}
