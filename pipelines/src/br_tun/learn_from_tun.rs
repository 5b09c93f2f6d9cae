//! Hands what tunnels bring to br-int, and learns where unknown addresses are.
//!
//! Where the model's addresses are is known. Only a port without port security may have others, and
//! only a port without host may be anywhere, so only networks with such a port learn.

use openflow::field::{VLAN_VID, VlanVid};

use super::ucast_to_tun;
use crate::{
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 10,
    name: "LEARN_FROM_TUN",
    purpose: "Hands what tunnels bring to br-int; learns unknown addresses.",
    next: &[],
    flows,
};

const LEARNING: u16 = 2;
const ANYTHING: u16 = 1;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(site) => {
            if let Some(patch) = site.patch_int {
                flows.at(ANYTHING).output(patch);
            }
        }
        Subject::Network(network) if network.has_unknown_places() => {
            let tunnelled = network.tunnel_key().and(network.site.patch_int);
            if let Some(patch) = tunnelled {
                flows
                    .at(LEARNING)
                    .when(VLAN_VID, VlanVid::tagged(network.vlan.get()))
                    .learn(ucast_to_tun::learn(network.network.id))
                    .output(patch);
            }
        }
        _ => {}
    }
}
