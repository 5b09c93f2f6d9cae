//! Sends what may leave a port to where it goes: another port here, or elsewhere.
//!
//! A new connection to another port here is committed by that port's rules, if at all. One that
//! goes elsewhere is committed now.

use openflow::field::{ETH_DST, ETH_TYPE, EthType};

use super::{accepted_egress, base_ingress, connection::NEW, delivery, helper::helpers};
use crate::{
    network::Direction,
    registers::{NETWORK, PORT},
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 73,
    name: "ACCEPT_OR_INGRESS",
    purpose: "Sends what may leave a port to a port here, or elsewhere.",
    next: &[
        &accepted_egress::TABLE,
        &delivery::TABLE,
        &base_ingress::TABLE,
    ],
    flows,
};

const TO_FIREWALLED: u16 = 100;
const HELPED_CONNECTION: u16 = 91;
const NEW_CONNECTION: u16 = 90;
const ANYTHING: u16 = 80;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Station(station) => {
            if let Some(port) = station.sole().filter(|port| port.is_firewalled()) {
                flows
                    .at(TO_FIREWALLED)
                    .when(NETWORK, station.network.vlan.into())
                    .when(ETH_DST, station.mac)
                    .set(PORT, port.key())
                    .resubmit(&base_ingress::TABLE);
            }
        }
        Subject::Port(port) => {
            if port.is_firewalled() {
                for eth_type in [EthType::IPV4, EthType::IPV6] {
                    flows
                        .at(NEW_CONNECTION)
                        .in_state(NEW)
                        .when(ETH_TYPE, eth_type)
                        .when(PORT, port.key())
                        .commit()
                        .resubmit(&accepted_egress::TABLE);
                }
            }
            let asked = helpers(port).filter(|_| port.is_firewalled());
            for (_, ethertype, helper) in asked.filter(|(way, ..)| *way == Direction::Egress) {
                flows
                    .at(HELPED_CONNECTION)
                    .like(helper.matching(ethertype))
                    .in_state(NEW)
                    .when(PORT, port.key())
                    .commit_helped(helper.port())
                    .resubmit(&accepted_egress::TABLE);
            }
            flows
                .at(ANYTHING)
                .when(PORT, port.key())
                .resubmit(&delivery::TABLE);
        }
        _ => {}
    }
}
