//! Sends a frame to the host of the station that it is for.
//!
//! Only who may be anywhere is looked for everywhere. A station on a host to which there is no
//! tunnel has a flow that drops, as a flood would not find it.

use openflow::{
    action::{Bits, Learn, Learn2, LearnFlags, LearnSpec},
    field::{ETH_DST, ETH_SRC, IN_PORT, TUN_ID, VLAN_TCI, VLAN_VID, VlanVid},
};

use super::flood_to_tun;
use crate::{
    cookie::Cookie,
    learned::{FORGET_AFTER, LIMIT},
    network::NetworkId,
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 20,
    name: "UCAST_TO_TUN",
    purpose: "Sends a frame to the host of its station.",
    next: &[&flood_to_tun::TABLE],
    flows,
};

const STATION: u16 = 2;
const LEARNED: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).goto(&flood_to_tun::TABLE),
        Subject::Station(station) => {
            let key = station.network.tunnel_key();
            if let Some((_, key)) = key.filter(|_| station.is_located()) {
                let station_flow = flows
                    .at(STATION)
                    .when(VLAN_VID, VlanVid::tagged(station.network.vlan.get()))
                    .when(ETH_DST, station.mac);
                let tunnels = station.tunnels();
                if tunnels.is_empty() {
                    return station_flow.drop();
                }
                let frame = station_flow.pop_vlan().set(TUN_ID, key.into());
                tunnels.into_iter().fold(frame, Draft::copy_to).done();
            }
        }
        _ => {}
    }
}

/// Learns, from a frame that a tunnel brought, where its sender is.
///
/// What is learned goes with the flow that learned it, so that a local VLAN can be given to another
/// network; and it grows old, as machines move.
pub(super) fn learn(network: NetworkId) -> Learn2 {
    let vlan = VLAN_TCI.slice(0, 11);
    let tag = VLAN_TCI.whole();
    let key = TUN_ID.whole();
    let learn = Learn {
        table: TABLE.number,
        priority: LEARNED,
        hard_timeout: FORGET_AFTER,
        cookie: Cookie::learned_in(network).get(),
        flags: LearnFlags::DELETE_LEARNED,
        specs: vec![
            LearnSpec::MatchField {
                source: vlan,
                target: vlan,
            },
            LearnSpec::MatchField {
                source: ETH_SRC.whole(),
                target: ETH_DST.whole(),
            },
            // A learned flow cannot pop the tag; to write no tag is the same.
            LearnSpec::LoadValue {
                value: Bits::new(0, tag),
                target: tag,
            },
            LearnSpec::LoadField {
                source: key,
                target: key,
            },
            LearnSpec::Output {
                source: IN_PORT.whole(),
            },
        ],
        ..Learn::default()
    };
    Learn2 {
        learn,
        limit: LIMIT,
        result: None,
    }
}
