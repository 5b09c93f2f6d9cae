//! Translates local VLANs to what the physical network uses, and switches.
//!
//! The way back is translated on br-int, which knows the local VLANs.

use openflow::field::{IN_PORT, VLAN_VID, VlanVid};

use crate::{
    network::Segment,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 0,
    name: "LOCAL_SWITCHING",
    purpose: "Translates local VLANs to those of the physical network.",
    next: &[],
    flows,
};

const KNOWN_NETWORK: u16 = 4;
const UNKNOWN_NETWORK: u16 = 2;
const FROM_PHYSICAL: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Provider(patch) => {
            flows.at(UNKNOWN_NETWORK).when(IN_PORT, patch.phy).drop();
            flows.at(FROM_PHYSICAL).normal();
        }
        Subject::Network(network) => {
            if let Some(patch) = network.provider() {
                let local = VlanVid::tagged(network.vlan.get());
                let frame = flows
                    .at(KNOWN_NETWORK)
                    .when(IN_PORT, patch.phy)
                    .when(VLAN_VID, local);
                match network.network.segment {
                    Segment::Vlan { vlan, .. } => frame.set(VLAN_VID, VlanVid::tagged(vlan.get())),
                    _ => frame.pop_vlan(),
                }
                .normal();
            }
        }
        _ => {}
    }
}
