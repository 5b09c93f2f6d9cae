//! Gives what a tunnel brings the local VLAN of its network.
//!
//! The key alone says which network a frame is of. No host of ours sends a tagged one; a tag that
//! another end puts in would come out at ports here once the local one is off. VLAN 0 is no tag but
//! a priority, and goes.

use openflow::field::{TUN_ID, VLAN_VID, VlanVid};

use super::learn_from_tun;
use crate::{
    link::NO_VLAN,
    network::EncapType,
    subject::Subject,
    table::{Flows, Table},
};

const PRIORITY_ONLY: u16 = 3;
const TAGGED: u16 = 2;
const KNOWN_KEY: u16 = 1;
const MISS: u16 = 0;

/// The flows for one type of tunnel: equal keys in two types are two networks.
pub(super) fn flows(
    table: &'static Table,
    encap_type: EncapType,
    subject: &Subject<'_>,
    flows: &mut Flows<'_>,
) {
    match subject {
        Subject::Bridge(_) => {
            let tagged = VlanVid::PRESENT;
            let frame = flows.at(PRIORITY_ONLY).when(VLAN_VID, NO_VLAN);
            frame.pop_vlan().resubmit(table);
            flows
                .at(TAGGED)
                .when_masked(VLAN_VID, tagged, tagged)
                .drop();
            flows.at(MISS).drop();
        }
        Subject::Network(network) => {
            if let Some((_, key)) = network.tunnel_key().filter(|(of, _)| *of == encap_type) {
                flows
                    .at(KNOWN_KEY)
                    .when(TUN_ID, key.into())
                    .push_vlan()
                    .set(VLAN_VID, VlanVid::tagged(network.vlan.get()))
                    .goto(&learn_from_tun::TABLE);
            }
        }
        _ => {}
    }
}
