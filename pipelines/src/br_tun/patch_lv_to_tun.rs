//! Tells frames for one station from frames for many.

use openflow::field::{ETH_DST, ETH_TYPE, EthType, MacAddr};

use super::{arp_responder, flood_to_tun, ucast_to_tun};
use crate::{
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 2,
    name: "PATCH_LV_TO_TUN",
    purpose: "Tells frames for one station from frames for many.",
    next: &[
        &arp_responder::TABLE,
        &ucast_to_tun::TABLE,
        &flood_to_tun::TABLE,
    ],
    flows,
};

const ARP_REQUEST: u16 = 1;
const ANYTHING: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        let request = flows.at(ARP_REQUEST).when(ETH_TYPE, EthType::ARP);
        request
            .when(ETH_DST, MacAddr::BROADCAST)
            .goto(&arp_responder::TABLE);
        let group = MacAddr::MULTICAST_BIT;
        flows
            .at(ANYTHING)
            .when_masked(ETH_DST, MacAddr::ZERO, group)
            .goto(&ucast_to_tun::TABLE);
        flows
            .at(ANYTHING)
            .when_masked(ETH_DST, group, group)
            .goto(&flood_to_tun::TABLE);
    }
}
