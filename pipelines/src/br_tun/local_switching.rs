//! Tells what leaves the host from what each kind of tunnel brings.

use openflow::field::{ETH_TYPE, IN_PORT, TUN_ID};

use super::{geneve_tun_to_lv, gre_tun_to_lv, patch_lv_to_tun, vxlan_tun_to_lv};
use crate::{
    network::EncapType,
    peer,
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

const AGENT: u16 = 2;
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
        Subject::Host { tunnels, is_peer } => {
            for (encap_type, tunnel) in tunnels {
                if *is_peer {
                    flows
                        .at(AGENT)
                        .when(IN_PORT, *tunnel)
                        .when(TUN_ID, 0)
                        .when(ETH_TYPE, peer::ETH_TYPE)
                        .hear();
                }
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
