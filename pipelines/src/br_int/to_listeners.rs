//! Brings a multicast packet to a port that listens.
//!
//! The group of a network has a bucket for each of its ports here, which asks whether that listens. So
//! there are as many flows as ports and notes, and a packet that nobody listens to goes nowhere.

use openflow::field::GroupId;

use super::{
    base_ingress,
    delivery::to_port,
    multicast_listeners::{self, listens},
    trunk_output,
};
use crate::{
    registers::{LISTENS, PORT},
    site::LocalNetwork,
    subject::Subject,
    table::{Actions, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 89,
    name: "TO_LISTENERS",
    purpose: "Brings a multicast packet to a port that listens.",
    next: &[
        &multicast_listeners::TABLE,
        &TABLE,
        &base_ingress::TABLE,
        &trunk_output::TABLE,
    ],
    flows,
};

const LISTENING: u16 = 2;
const NOT_ASKED: u16 = 1;
const MISS: u16 = 0;

/// What the register holds that says whom a packet is for: listeners, and multicast routers.
pub(super) const LISTENERS: u32 = 0;
/// Multicast routers only.
pub(super) const ROUTERS: u32 = 1;
/// That depends on whether a multicast router sent it.
pub(super) const BY_SENDER: u32 = 2;

/// The groups of this table have the number of their local VLAN below this one, which begins with
/// the [brand](crate::cookie::Cookie::BRAND).
const FIRST_GROUP: u32 = 0x6272_0000;

/// The group whose buckets lead to the ports that listen, and outside.
pub(super) fn group(network: LocalNetwork<'_>) -> GroupId {
    GroupId(FIRST_GROUP | u32::from(network.vlan.get()))
}

/// Whether a group has the number of one that this table declares.
pub(crate) fn is_group(GroupId(number): GroupId) -> bool {
    (1..=4094).contains(&(number ^ FIRST_GROUP))
}

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            // A bucket runs the last of its resubmits only.
            flows
                .at(NOT_ASKED)
                .when(LISTENS, listens::NOT_ASKED)
                .then(|actions| actions.resubmit(&multicast_listeners::TABLE))
                .resubmit(&TABLE);
            flows.at(MISS).drop();
        }
        Subject::Port(port) if port.network.is_snooped() => {
            flows
                .at(LISTENING)
                .when(PORT, port.key())
                .when(LISTENS, listens::YES)
                .act(to_port(Actions::new(&TABLE), *port))
                .done();
        }
        _ => {}
    }
}
