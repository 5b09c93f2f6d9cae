//! Takes what is for a router, and tells from which side it comes.

use openflow::field::{ETH_DST, ETH_TYPE, EthType};

use super::{router_dnat, router_local};
use crate::{
    registers::{NETWORK, ROUTER},
    routed::{AnsweredPort, Side},
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 100,
    name: "ROUTER_INPUT",
    purpose: "Takes what is for a router.",
    next: &[&router_dnat::TABLE, &router_local::TABLE],
    flows,
};

const TO_ROUTER: u16 = 10;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::AnsweredPort(answered) => enter(*answered, flows),
        _ => {}
    }
}

fn enter(answered: AnsweredPort<'_>, flows: &mut Flows<'_>) {
    let next = match answered.side {
        Side::Inside => &router_local::TABLE,
        Side::Outside => &router_dnat::TABLE,
    };
    for eth_type in [EthType::IPV4, EthType::IPV6] {
        let packet = flows
            .at(TO_ROUTER)
            .when(ETH_TYPE, eth_type)
            .when(NETWORK, answered.network.vlan.into())
            .when(ETH_DST, answered.port.mac_address)
            .set(ROUTER, answered.router.number.into());
        // While it has the addresses that its sender knows.
        let packet = match answered.tight_mtu() {
            Some(mtu) => packet.compare_with(mtu),
            None => packet,
        };
        packet.goto(next);
    }
}
