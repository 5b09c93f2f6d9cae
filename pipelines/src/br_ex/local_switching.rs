//! Translates local VLANs to what the physical network uses, and switches.
//!
//! The way back is translated on br-int, which knows the local VLANs.
//!
//! Every host forwards with the MACs of routers. A physical switch must see each MAC in one place
//! only, so all hosts but the gateway host put their own in its place.

use openflow::field::{ETH_SRC, IN_PORT, VLAN_VID, VlanVid};

use crate::{
    network::Segment,
    site::{LocalNetwork, ProviderPatch},
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 0,
    name: "LOCAL_SWITCHING",
    purpose: "Translates local VLANs to those of the physical network.",
    next: &[],
    flows,
};

const FROM_ROUTER: u16 = 5;
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
                to_physical(*network, patch, flows.at(KNOWN_NETWORK)).normal();
                for mac in network.shared_macs() {
                    let routed = flows.at(FROM_ROUTER).when(ETH_SRC, mac);
                    to_physical(*network, patch, routed)
                        .set(ETH_SRC, network.site.own_mac())
                        .normal();
                }
            }
        }
        _ => {}
    }
}

/// A frame of a network, as the physical network carries it.
fn to_physical<'a>(network: LocalNetwork<'_>, patch: ProviderPatch, frame: Draft<'a>) -> Draft<'a> {
    let local = VlanVid::tagged(network.vlan.get());
    let frame = frame.when(IN_PORT, patch.phy).when(VLAN_VID, local);
    match network.network.segment {
        Segment::Vlan { vlan, .. } => frame.set(VLAN_VID, VlanVid::tagged(vlan.get())),
        _ => frame.pop_vlan(),
    }
}
