//! Brings a packet to whom it is for, and to nobody else.
//!
//! Here the switch's own learning bridge (`NORMAL`) would flood what it has not learned, around the
//! receivers' rules. The model knows who is where, so every packet is sent to a port, or to the
//! patch port that leads to the other hosts. Whatever goes to a firewalled port goes through its
//! ingress tables.
//!
//! In a network with snooping, multicast of IP goes to the ports that listen to its group, to
//! multicast routers and outside. Groups that a link needs to work go to all ports.
//!
//! What 802.1D reserves for the talk between bridges goes no further than the link: neither to other
//! ports nor into tunnels, whoever sends it.
//!
//! A switch does not send a packet out of the port that it came in by. So a packet from a patch
//! port is not sent back, and who sends a broadcast does not hear it.

use std::net::IpAddr;

use openflow::field::{
    ARP_OP, ARP_TPA, ETH_DST, ETH_TYPE, EthType, GroupId, IN_PORT, MacAddr, ND_TARGET, VLAN_VID,
    VlanVid,
};

use super::{
    base_ingress, learned_stations, multicast_messages, router_input, router_questions,
    to_listeners, trunk_output, unknown_stations,
};
use crate::{
    link,
    registers::{NETWORK, PORT},
    routed::{AnsweredPort, Side},
    site::{LocalNetwork, LocalPort},
    subject::{Station, Subject},
    table::{Actions, DESTINATION, Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 94,
    name: "ACCEPTED_EGRESS_NORMAL",
    purpose: "Delivers, each copy to a firewalled port through its ingress tables.",
    next: &[
        &multicast_messages::TABLE,
        &to_listeners::TABLE,
        &learned_stations::TABLE,
        &unknown_stations::TABLE,
        &router_questions::TABLE,
        &router_input::TABLE,
        &base_ingress::TABLE,
        &trunk_output::TABLE,
    ],
    flows,
};

const RESERVED: u16 = 16;
const QUESTION_FROM_OUTSIDE: u16 = 15;
const QUESTION: u16 = 14;
const ANSWER: u16 = 14;
const ROUTER: u16 = 13;
const MULTICAST_MESSAGE: u16 = 13;
const STATION: u16 = 12;
const GROUP_OF_LINK: u16 = 12;
const GROUP: u16 = 11;
pub(super) const MULTICAST: u16 = 10;
const UNKNOWN: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            let (first, mask) = RESERVED_GROUPS;
            flows.at(RESERVED).when_masked(ETH_DST, first, mask).drop();
            flows.at(MISS).drop();
        }
        Subject::Network(network) => network_flows(*network, flows),
        Subject::Station(station) if station.answered.is_none() => station_flow(station, flows),
        Subject::AnsweredPort(answered) => router_flows(*answered, flows),
        _ => {}
    }
}

/// Groups that bridges do not forward to: spanning tree, flow control, LACP, LLDP (IEEE 802.1Q,
/// table 8-1).
const RESERVED_GROUPS: (MacAddr, MacAddr) = (
    MacAddr([0x01, 0x80, 0xc2, 0, 0, 0]),
    MacAddr([0xff, 0xff, 0xff, 0xff, 0xff, 0xf0]),
);

/// What is for a router, and questions about one.
fn router_flows(answered: AnsweredPort<'_>, flows: &mut Flows<'_>) {
    let AnsweredPort { network, port, .. } = answered;
    flows
        .at(ROUTER)
        .when(NETWORK, network.vlan.into())
        .when(ETH_DST, port.mac_address)
        .goto(&router_input::TABLE);
    if network.uplink().is_some() && answered.side == Side::Inside {
        answer_flows(network, port.mac_address, flows);
    }
    for ip in answered.addresses() {
        question(network, ip, flows.at(QUESTION)).goto(&router_questions::TABLE);
        // Every host would answer.
        if let Some(patch) = network.uplink().filter(|_| !answered.is_first) {
            let from_outside = flows.at(QUESTION_FROM_OUTSIDE).when(IN_PORT, patch);
            question(network, ip, from_outside).drop();
        }
    }
}

/// Who took an address answers a router, and that is on every host: each has to hear it.
fn answer_flows(network: LocalNetwork<'_>, router: MacAddr, flows: &mut Flows<'_>) {
    let mut to_all = |everyone, matching: fn(Draft<'_>) -> Draft<'_>| {
        let answer = flows.at(ANSWER).when(NETWORK, network.vlan.into());
        let actions = Actions::new(&TABLE).set(ETH_DST, everyone);
        matching(answer.when(ETH_DST, router))
            .act(to_outside(actions, network))
            .done();
    };
    to_all(MacAddr::BROADCAST, |answer| {
        let arp = answer.when(ETH_TYPE, EthType::ARP);
        arp.when(ARP_OP, link::ARP_REPLY)
    });
    to_all(link::ALL_NODES, |answer| {
        link::neighbour_discovery(answer, link::NEIGHBOUR_ADVERTISEMENT)
    });
}

/// Who has an address?
fn question<'a>(network: LocalNetwork<'_>, ip: IpAddr, packet: Draft<'a>) -> Draft<'a> {
    let packet = packet.when(NETWORK, network.vlan.into());
    match ip {
        IpAddr::V4(ip) => packet
            .when(ETH_TYPE, EthType::ARP)
            .when(ARP_OP, link::ARP_REQUEST)
            .when(ARP_TPA, ip),
        IpAddr::V6(ip) => {
            link::neighbour_discovery(packet, link::NEIGHBOUR_SOLICITATION).when(ND_TARGET, ip)
        }
    }
}

fn network_flows(network: LocalNetwork<'_>, flows: &mut Flows<'_>) {
    let everyone = GroupId(u32::from(network.vlan.get()));
    let ports = network
        .ports()
        .map(|port| to_port(Actions::new(&TABLE), port));
    let outside = network
        .uplink()
        .map(|_| to_outside(Actions::new(&TABLE), network));
    flows.group(everyone, ports.chain(outside).collect());
    multicast(network, MULTICAST, flows).group(everyone);
    if network.is_snooped() {
        snooped(network, everyone, flows);
    }

    // Only a port without port security may have addresses that the model does not know.
    let unknown = flows.at(UNKNOWN).when(NETWORK, network.vlan.into());
    let actions = Actions::new(&TABLE);
    let actions = match network.has_open_port() {
        true => actions
            .resubmit(&learned_stations::TABLE)
            .resubmit(&unknown_stations::TABLE),
        false => to_outside(actions, network),
    };
    unknown.act(actions).done();
}

/// Multicast of IP that a link does not need goes to those who listen.
fn snooped(network: LocalNetwork<'_>, everyone: GroupId, flows: &mut Flows<'_>) {
    for message in multicast_messages::all() {
        message(multicast(network, MULTICAST_MESSAGE, flows)).resubmit(&multicast_messages::TABLE);
    }
    for of_link in [
        link::GROUPS_OF_LINK_V4.into(),
        link::GROUPS_OF_LINK_V6.into(),
    ] {
        multicast(network, GROUP_OF_LINK, flows)
            .when_in(DESTINATION, of_link)
            .group(everyone);
    }
    for groups in [link::GROUPS_V4.into(), link::GROUPS_V6.into()] {
        multicast(network, GROUP, flows)
            .when_in(DESTINATION, groups)
            .group(to_listeners::group(network));
    }
    let listeners = network.ports().map(|port| {
        Actions::new(&TABLE)
            .set(PORT, port.key())
            .resubmit(&to_listeners::TABLE)
    });
    let outside = network
        .uplink()
        .map(|_| to_outside(Actions::new(&TABLE), network));
    let buckets = listeners.chain(outside).collect();
    flows.group(to_listeners::group(network), buckets);
}

fn multicast<'a>(network: LocalNetwork<'_>, priority: u16, flows: &'a mut Flows<'_>) -> Draft<'a> {
    flows
        .at(priority)
        .when(NETWORK, network.vlan.into())
        .when_masked(ETH_DST, MacAddr::MULTICAST_BIT, MacAddr::MULTICAST_BIT)
}

fn station_flow(station: &Station<'_>, flows: &mut Flows<'_>) {
    let network = station.network;
    // What is elsewhere needs a flow only where the flow for unknown addresses would copy it to
    // others. What is here and down is looked for nowhere.
    if station.local.is_empty() && !station.elsewhere.is_empty() && !network.has_open_port() {
        return;
    }
    let mut actions = station
        .local
        .iter()
        .copied()
        .fold(Actions::new(&TABLE), to_port);
    if !station.elsewhere.is_empty() {
        actions = to_outside(actions, network);
    }
    let station = flows
        .at(STATION)
        .when(NETWORK, network.vlan.into())
        .when(ETH_DST, station.mac);
    station.act(actions).done();
}

pub(super) fn to_port(actions: Actions, port: LocalPort<'_>) -> Actions {
    if port.is_firewalled() {
        actions.set(PORT, port.key()).resubmit(&base_ingress::TABLE)
    } else if port.place.in_trunk {
        trunk_output::to(actions.set(PORT, port.key()), port)
    } else {
        trunk_output::to(actions, port)
    }
}

/// Comes last, as it leaves the packet tagged.
pub(super) fn to_outside(actions: Actions, network: LocalNetwork<'_>) -> Actions {
    match network.uplink() {
        Some(patch) => {
            let local = VlanVid::tagged(network.vlan.get());
            actions.push_vlan().set(VLAN_VID, local).output(patch)
        }
        None => actions,
    }
}
