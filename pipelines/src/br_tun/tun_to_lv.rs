//! Gives what a tunnel brings the local VLAN of its network.

use openflow::field::{TUN_ID, VLAN_VID, VlanVid};

use super::learn_from_tun;
use crate::{network::EncapType, subject::Subject, table::Flows};

const KNOWN_KEY: u16 = 1;
const MISS: u16 = 0;

/// The flows for one type of tunnel: equal keys in two types are two networks.
pub(super) fn flows(encap_type: EncapType, subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
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
