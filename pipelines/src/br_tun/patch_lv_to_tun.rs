//! Tells frames for one station from frames for many, and both from questions about a neighbour.

use openflow::field::{ETH_DST, ETH_TYPE, EthType, MacAddr};

use super::{arp_responder, flood_to_tun, ucast_to_tun};
use crate::{
    link,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 2,
    name: "PATCH_LV_TO_TUN",
    purpose: "Tells frames for one station, for many, and questions about neighbours.",
    next: &[
        &arp_responder::TABLE,
        &ucast_to_tun::TABLE,
        &flood_to_tun::TABLE,
    ],
    flows,
};

const QUESTION: u16 = 1;
const ANYTHING: u16 = 0;

/// Where solicitations go while the neighbour's MAC is unknown (RFC 4291, section 2.7.1).
const SOLICITED_NODE: MacAddr = MacAddr([0x33, 0x33, 0xff, 0, 0, 0]);
const SOLICITED_NODE_MASK: MacAddr = MacAddr([0xff, 0xff, 0xff, 0, 0, 0]);

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    if let Subject::Bridge(_) = subject {
        let request = flows.at(QUESTION).when(ETH_TYPE, EthType::ARP);
        request
            .when(ETH_DST, MacAddr::BROADCAST)
            .goto(&arp_responder::TABLE);
        link::neighbour_discovery(flows.at(QUESTION), link::NEIGHBOUR_SOLICITATION)
            .when_masked(ETH_DST, SOLICITED_NODE, SOLICITED_NODE_MASK)
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
