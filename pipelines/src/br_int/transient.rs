//! Tells what machines send from what they are sent.
//!
//! A frame from a local port gets its port and network into registers and meets the port's egress
//! tables. A frame from a patch port carries the local tag; later tables read the network from the
//! register only, so the tag goes here.

use openflow::field::{ETH_DST, IN_PORT, VLAN_VID, VlanVid};

use super::{accept_or_ingress, base_egress, base_ingress, delivery};
use crate::{
    registers::{NETWORK, PORT},
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 60,
    name: "TRANSIENT",
    purpose: "Tells what local ports send from what comes from outside.",
    next: &[
        &base_egress::TABLE,
        &accept_or_ingress::TABLE,
        &delivery::TABLE,
        &base_ingress::TABLE,
    ],
    flows,
};

const FROM_PORT: u16 = 100;
const TO_FIREWALLED: u16 = 90;
const FROM_OUTSIDE: u16 = 80;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) => {
            let first = if port.is_firewalled() {
                &base_egress::TABLE
            } else {
                &accept_or_ingress::TABLE
            };
            flows
                .at(FROM_PORT)
                .when(IN_PORT, port.number)
                .set(PORT, port.number.0)
                .set(NETWORK, port.network.vlan.into())
                .resubmit(first);
        }
        Subject::Station(station) => {
            if let Some(port) = station.sole().filter(|port| port.is_firewalled()) {
                flows
                    .at(TO_FIREWALLED)
                    .when(VLAN_VID, VlanVid::tagged(station.network.vlan.get()))
                    .when(ETH_DST, station.mac)
                    .set(PORT, port.number.0)
                    .set(NETWORK, station.network.vlan.into())
                    .pop_vlan()
                    .resubmit(&base_ingress::TABLE);
            }
        }
        Subject::Network(network) => {
            if let Some(patch) = network.uplink() {
                flows
                    .at(FROM_OUTSIDE)
                    .when(IN_PORT, patch)
                    .when(VLAN_VID, VlanVid::tagged(network.vlan.get()))
                    .set(NETWORK, network.vlan.into())
                    .pop_vlan()
                    .resubmit(&delivery::TABLE);
            }
        }
        _ => {}
    }
}
