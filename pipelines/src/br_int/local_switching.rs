//! Gives every frame that carries a tag the local tag of its network.
//!
//! Behind this table a tag means one network, wherever the frame came from. Patch ports bring tags: provider bridges bring those of their physical network, which are translated here, and
//! br-tun brings local ones. A machine that tags its frames itself could otherwise choose its
//! network, so such frames end here, unless the machine's port is the parent of a trunk and the tag
//! is that of a sub-port.
//!
//! A tag with VLAN 0 names no network: it gives an untagged frame a priority (IEEE 802.1Q, section
//! 6.8). It is taken off wherever it comes from, and the priority is lost with it.

use openflow::{
    field::{IN_PORT, PortNo, VLAN_VID, VlanVid},
    flow::Flow,
};

use super::packet_rate_limit;
use crate::{
    cookie::Cookie,
    explain::Decision,
    link::NO_VLAN,
    network::Segment,
    registers::PORT,
    site::{LocalNetwork, LocalPort},
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 0,
    name: "LOCAL_SWITCHING",
    purpose: "Gives every tagged frame the local VLAN of its network.",
    next: &[&TABLE, &packet_rate_limit::TABLE],
    flows,
};

const DEAD_VLAN: u16 = 65535;
const PRIORITY_ONLY: u16 = 4;
const KNOWN_SEGMENT: u16 = 3;
const UNKNOWN_SEGMENT: u16 = 2;
const DEAD_PORT: u16 = 2;
const FOREIGN_TAG: u16 = 1;
const MISS: u16 = 0;

/// The VLAN that Neutron puts ports on which must not talk.
const DEAD: VlanVid = VlanVid::tagged(4095);

/// What a flow of the table decides; `None` if it only leads on.
pub(super) fn decision(flow: &Flow) -> Option<Decision> {
    let is_bridge = flow.cookie == Cookie::BRIDGE.get();
    match (flow.priority, is_bridge) {
        (DEAD_VLAN, _) => Some(Decision::DeadVlan),
        (UNKNOWN_SEGMENT, true) => Some(Decision::UnknownSegment),
        (DEAD_PORT, false) => Some(Decision::DeadPort),
        (FOREIGN_TAG, _) => Some(Decision::ForeignTag),
        _ => None,
    }
}

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(site) => {
            flows.at(DEAD_VLAN).when(VLAN_VID, DEAD).drop();
            flows
                .at(PRIORITY_ONLY)
                .when(VLAN_VID, NO_VLAN)
                .pop_vlan()
                .resubmit(&TABLE);
            if let Some(patch) = site.patch_tun {
                flows
                    .at(KNOWN_SEGMENT)
                    .when(IN_PORT, patch)
                    .goto(&packet_rate_limit::TABLE);
            }
            for provider in site.providers.values() {
                flows.at(UNKNOWN_SEGMENT).when(IN_PORT, provider.int).drop();
            }
            let tagged = VlanVid::PRESENT;
            flows
                .at(FOREIGN_TAG)
                .when_masked(VLAN_VID, tagged, tagged)
                .drop();
            flows.at(MISS).goto(&packet_rate_limit::TABLE);
        }
        Subject::Network(network) => {
            if let Some(provider) = network.provider() {
                from_provider(*network, provider.int, flows);
            }
        }
        Subject::Port(port) => sub_port(*port, flows),
        // What a dead sub-port sends ends as a foreign tag.
        Subject::DeadPort(port) if port.place.vlan.is_none() => {
            flows.at(DEAD_PORT).when(IN_PORT, port.number()).drop();
        }
        _ => {}
    }
}

/// Frames of a sub-port go on untagged, and named by their register.
fn sub_port(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    if let Some(vlan) = port.place.vlan {
        flows
            .at(KNOWN_SEGMENT)
            .when(IN_PORT, port.number())
            .when(VLAN_VID, VlanVid::tagged(vlan.get()))
            .set(PORT, port.key())
            .pop_vlan()
            .goto(&packet_rate_limit::TABLE);
    }
}

fn from_provider(network: LocalNetwork<'_>, patch: PortNo, flows: &mut Flows<'_>) {
    let local = VlanVid::tagged(network.vlan.get());
    let frame = flows.at(KNOWN_SEGMENT).when(IN_PORT, patch);
    let frame = match network.network.segment {
        Segment::Vlan { vlan, .. } => frame.when(VLAN_VID, VlanVid::tagged(vlan.get())),
        _ => frame.when(VLAN_VID, VlanVid::NONE).push_vlan(),
    };
    frame.set(VLAN_VID, local).goto(&packet_rate_limit::TABLE);
}
