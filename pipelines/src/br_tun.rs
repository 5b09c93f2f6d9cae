//! The tunnel bridge: carries networks to other hosts.
//!
//! Towards br-int a frame carries the local VLAN of its network, in a tunnel its key. What comes
//! from a tunnel goes to br-int only, so no frame travels from tunnel to tunnel.

mod arp_responder;
mod flood_to_tun;
mod geneve_tun_to_lv;
mod gre_tun_to_lv;
mod learn_from_tun;
mod local_switching;
mod patch_lv_to_tun;
mod tun_to_lv;
mod ucast_to_tun;
mod vxlan_tun_to_lv;

use crate::table::Pipeline;

/// Whether a table shows packets to the agent.
pub(crate) fn shows(table: u8) -> bool {
    table == local_switching::TABLE.number
}

/// The tables of br-tun.
pub(crate) static PIPELINE: Pipeline = Pipeline::new(
    "br-tun",
    &[
        &local_switching::TABLE,
        &patch_lv_to_tun::TABLE,
        &gre_tun_to_lv::TABLE,
        &vxlan_tun_to_lv::TABLE,
        &geneve_tun_to_lv::TABLE,
        &learn_from_tun::TABLE,
        &arp_responder::TABLE,
        &ucast_to_tun::TABLE,
        &flood_to_tun::TABLE,
    ],
    &[],
);
