//! Tells what leaves the host from what each kind of tunnel brings.

use openflow::field::IN_PORT;

use super::{geneve_tun_to_lv, gre_tun_to_lv, patch_lv_to_tun, vxlan_tun_to_lv};
use crate::{
    network::EncapType,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 0,
    name: "LOCAL_SWITCHING",
    purpose: "Tells what leaves the host from what tunnels bring.",
    next: &[
        &patch_lv_to_tun::TABLE,
        &gre_tun_to_lv::TABLE,
        &vxlan_tun_to_lv::TABLE,
        &geneve_tun_to_lv::TABLE,
    ],
    flows,
};

const KNOWN_PORT: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(site) => {
            if let Some(patch) = site.patch_int {
                flows
                    .at(KNOWN_PORT)
                    .when(IN_PORT, patch)
                    .goto(&patch_lv_to_tun::TABLE);
            }
            flows.at(MISS).drop();
        }
        Subject::Host(tunnels) => {
            for (encap_type, tunnel) in tunnels {
                let table = match encap_type {
                    EncapType::Gre => &gre_tun_to_lv::TABLE,
                    EncapType::Vxlan => &vxlan_tun_to_lv::TABLE,
                    EncapType::Geneve => &geneve_tun_to_lv::TABLE,
                };
                flows.at(KNOWN_PORT).when(IN_PORT, *tunnel).goto(table);
            }
        }
        _ => {}
    }
}
