//! Sends a frame to every host that has a port of its network.

use openflow::field::{TUN_ID, VLAN_VID, VlanVid};

use crate::{
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 22,
    name: "FLOOD_TO_TUN",
    purpose: "Sends a frame to every host of its network.",
    next: &[],
    flows,
};

const NETWORK: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Network(network) => {
            let tunnels = network.tunnels();
            if let Some((_, key)) = network.tunnel_key().filter(|_| !tunnels.is_empty()) {
                let flood = flows
                    .at(NETWORK)
                    .when(VLAN_VID, VlanVid::tagged(network.vlan.get()))
                    .pop_vlan()
                    .set(TUN_ID, key.into());
                tunnels.into_iter().fold(flood, Draft::copy_to).done();
            }
        }
        _ => {}
    }
}
