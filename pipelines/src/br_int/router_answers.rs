//! Sends an answer back to who asked.
//!
//! An answer is no packet of a machine, so nobody's rules apply; it goes back the way that the
//! question came.

use openflow::field::{IN_PORT, PortNo, VLAN_VID, VlanVid};

use super::trunk_output;
use crate::{
    registers::{NETWORK, SENDER},
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 110,
    name: "ROUTER_ANSWERS",
    purpose: "Sends an answer back to who asked.",
    next: &[&trunk_output::TABLE],
    flows,
};

const TO_OUTSIDE: u16 = 20;
const TO_PORT: u16 = 10;
const TO_PORT_OF_TRUNK: u16 = 0;

/// No port of a trunk has this key.
const NO_TRUNK: u32 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            flows
                .at(TO_PORT)
                .when(SENDER, NO_TRUNK)
                .output(PortNo::IN_PORT);
            // A port of a trunk gets nothing that it sent itself; this is not from it any more.
            flows
                .at(TO_PORT_OF_TRUNK)
                .set(SENDER, NO_TRUNK)
                .resubmit(&trunk_output::TABLE);
        }
        Subject::Network(network) if network.is_routed() => {
            if let Some(patch) = network.uplink() {
                flows
                    .at(TO_OUTSIDE)
                    .when(IN_PORT, patch)
                    .when(NETWORK, network.vlan.into())
                    .push_vlan()
                    .set(VLAN_VID, VlanVid::tagged(network.vlan.get()))
                    .output(PortNo::IN_PORT);
            }
        }
        _ => {}
    }
}
