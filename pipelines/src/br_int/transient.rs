//! Tells what machines send from what they are sent.
//!
//! A frame from a local port gets its port and network into registers and meets the port's egress
//! tables. A frame from a patch port carries the local tag; later tables read the network from the
//! register only, so the tag goes here.

use std::net::IpAddr;

use ipnet::IpNet;
use openflow::field::{
    ARP_SPA, ARP_TPA, ETH_DST, ETH_SRC, ETH_TYPE, EthType, IN_PORT, ND_TARGET, PortNo, VLAN_VID,
    VlanVid,
};

use super::{
    accept_or_ingress, base_egress, base_ingress, delivery, dhcp_ipv4, dhcp_ipv6, learned_stations,
    router_advertisement, router_learned, service_address, service_questions,
};
use crate::{
    link::{self, Dhcp},
    network::Port,
    registers::{NETWORK, PORT, SENDER},
    site::{LocalNetwork, LocalPort},
    subject::Subject,
    table::{Draft, Flows, Table},
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
        &dhcp_ipv4::TABLE,
        &dhcp_ipv6::TABLE,
        &router_advertisement::TABLE,
        &service_address::TABLE,
        &service_questions::TABLE,
    ],
    flows,
};

const TAG_BEHIND_TAG: u16 = 140;
const TO_SERVICES: u16 = 130;
const ANNOUNCEMENT: u16 = 120;
const QUESTION_FROM_SUB_PORT: u16 = 115;
const FROM_SUB_PORT: u16 = 110;
const DOUBLY_TAGGED: u16 = 105;
const QUESTION: u16 = 101;
const FROM_PORT: u16 = 100;
const TO_FIREWALLED: u16 = 90;
const TO_ROUTER_ELSEWHERE: u16 = 85;
const NEIGHBOUR_OUTSIDE: u16 = 82;
const FROM_OUTSIDE: u16 = 80;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            // What a machine sends has no tag here. One behind the tag that was taken off is a type
            // to the switch, and would be a tag again on a physical network.
            for tag in [EthType::VLAN, EthType::SERVICE_VLAN] {
                let frame = flows.at(TAG_BEHIND_TAG).when(VLAN_VID, VlanVid::NONE);
                frame.when(ETH_TYPE, tag).drop();
            }
            // They know who asks, whatever network and whatever addresses that has.
            for question in [
                service_questions::metadata,
                service_questions::metadata_v6,
                service_questions::dns,
                service_questions::solicitation,
            ] {
                question(flows.at(TO_SERVICES)).resubmit(&service_questions::TABLE);
            }
            flows.at(MISS).drop();
        }
        Subject::Port(port) => {
            let frame = match port.place.vlan {
                None => from(*port, FROM_PORT, flows),
                Some(_) => from(*port, FROM_SUB_PORT, flows).when(VLAN_VID, VlanVid::NONE),
            };
            enter(*port, frame, |frame| frame);
            if port.place.vlan.is_some() {
                // A second tag would be taken for a local one below.
                from(*port, DOUBLY_TAGGED, flows).drop();
            }
            to_services(*port, flows);
            if port.network.is_routed() {
                claims(*port, flows);
            }
            if port.is_arriving() {
                announcements(*port, flows);
            }
        }
        Subject::Station(station) => {
            if let Some(port) = station.sole().filter(|port| port.is_firewalled()) {
                let frame = flows
                    .at(TO_FIREWALLED)
                    .when(VLAN_VID, VlanVid::tagged(station.network.vlan.get()))
                    .when(ETH_DST, station.mac)
                    .set(PORT, port.key())
                    .set(NETWORK, station.network.vlan.into());
                learn_outside(station.network, frame)
                    .pop_vlan()
                    .resubmit(&base_ingress::TABLE);
            }
        }
        Subject::RemotePort(remote) if remote.network.is_routed() => {
            claims_outside(remote.network, remote.port, flows);
        }
        Subject::AnsweredPort(answered) if !answered.is_first => {
            if let Some(patch) = answered.network.uplink() {
                // Every host would route it.
                flows
                    .at(TO_ROUTER_ELSEWHERE)
                    .when(IN_PORT, patch)
                    .when(VLAN_VID, VlanVid::tagged(answered.network.vlan.get()))
                    .when(ETH_DST, answered.port.mac_address)
                    .drop();
            }
        }
        Subject::Network(network) => {
            if let Some(patch) = network.uplink() {
                let plain = |frame| frame;
                from_outside((*network, patch), flows.at(FROM_OUTSIDE), plain, plain);
                if network.is_outside() {
                    neighbours(*network, patch, flows);
                }
            }
        }
        _ => {}
    }
}

/// A frame from other hosts, or from who is outside.
fn from_outside<'a>(
    (network, patch): (LocalNetwork<'_>, PortNo),
    frame: Draft<'a>,
    matching: impl Fn(Draft<'a>) -> Draft<'a>,
    learning: impl Fn(Draft<'a>) -> Draft<'a>,
) {
    let frame = matching(frame.when(IN_PORT, patch))
        .when(VLAN_VID, VlanVid::tagged(network.vlan.get()))
        .set(NETWORK, network.vlan.into());
    learning(learn_outside(network, frame))
        .pop_vlan()
        .resubmit(&delivery::TABLE);
}

/// Learns what stations outside say of themselves, where routers have to know.
fn neighbours(network: LocalNetwork<'_>, patch: PortNo, flows: &mut Flows<'_>) {
    from_outside(
        (network, patch),
        flows.at(NEIGHBOUR_OUTSIDE),
        |frame| frame.when(ETH_TYPE, EthType::ARP),
        |frame| frame.learn(router_learned::from_arp(network)),
    );
    from_outside(
        (network, patch),
        flows.at(NEIGHBOUR_OUTSIDE),
        advertisement,
        |frame| frame.learn(router_learned::from_advertisement(network)),
    );
}

/// Learns what machines elsewhere say of addresses that they may take; their hosts see to it that
/// they say it of no others.
fn claims_outside(network: LocalNetwork<'_>, port: &Port, flows: &mut Flows<'_>) {
    let Some(patch) = network.uplink() else {
        return;
    };
    for block in network.site.claims(port) {
        let frame = flows.at(NEIGHBOUR_OUTSIDE);
        match block {
            IpNet::V4(block) => from_outside(
                (network, patch),
                frame,
                |frame| {
                    let frame = frame.when(ETH_TYPE, EthType::ARP);
                    frame.when_masked(ARP_SPA, block.network(), block.netmask())
                },
                |frame| frame.learn(router_learned::from_arp(network)),
            ),
            IpNet::V6(block) => from_outside(
                (network, patch),
                frame,
                |frame| {
                    advertisement(frame).when_masked(ND_TARGET, block.network(), block.netmask())
                },
                |frame| frame.learn(router_learned::from_advertisement(network)),
            ),
        }
    }
}

/// Learns what a machine says of addresses that it may take, where nothing checks what it says.
fn claims(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    if port.network.site.is_elsewhere(port.port) {
        claims_outside(port.network, port.port, flows);
    }
    if !port.is_firewalled() {
        let network = port.network;
        let arp = question(port, flows).when(ETH_TYPE, EthType::ARP);
        enter(port, arp, |frame| {
            frame.learn(router_learned::from_arp(network))
        });
        enter(port, advertisement(question(port, flows)), |frame| {
            frame.learn(router_learned::from_advertisement(network))
        });
    }
}

/// A neighbour advertisement.
fn advertisement(frame: Draft<'_>) -> Draft<'_> {
    link::neighbour_discovery(frame, link::NEIGHBOUR_ADVERTISEMENT)
}

/// What a port sends; the frames of a sub-port are named by their register.
fn from<'a>(port: LocalPort<'_>, priority: u16, flows: &'a mut Flows<'_>) -> Draft<'a> {
    let frame = flows.at(priority).when(IN_PORT, port.number());
    match port.place.vlan {
        None => frame,
        Some(_) => frame.when(PORT, port.key()),
    }
}

/// Notes where a frame comes from, and has the port's egress tables look at it.
fn enter<'a>(port: LocalPort<'_>, frame: Draft<'a>, learning: impl FnOnce(Draft<'a>) -> Draft<'a>) {
    let first = match port.is_firewalled() {
        true => &base_egress::TABLE,
        false => &accept_or_ingress::TABLE,
    };
    let frame = frame
        .set(PORT, port.key())
        .set(NETWORK, port.network.vlan.into());
    let frame = match port.place.in_trunk {
        true => frame.set(SENDER, port.key()),
        false => frame,
    };
    let frame = match port.is_firewalled() {
        true => frame,
        false => frame.learn(learned_stations::behind(port)),
    };
    learning(frame).resubmit(first);
}

/// What a port asks of its network itself, and the agent answers.
///
/// Requests of a firewalled port for addresses go the way of what it sends, so that it asks in its
/// own name only.
fn to_services(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    if port.has_services() {
        service_address::question(question(port, flows))
            .set(PORT, port.key())
            .resubmit(&service_address::TABLE);
    }
    if port.has_advertisements() {
        router_advertisement::solicitation(question(port, flows), port)
            .set(PORT, port.key())
            .resubmit(&router_advertisement::TABLE);
    }
    if !port.is_firewalled() {
        for (dhcp, table) in [(Dhcp::V4, &dhcp_ipv4::TABLE), (Dhcp::V6, &dhcp_ipv6::TABLE)] {
            if port.has_dhcp(dhcp) {
                dhcp.request(question(port, flows).when(ETH_SRC, port.port.mac_address))
                    .set(PORT, port.key())
                    .resubmit(table);
            }
        }
    }
}

/// What a port sends that may be for the agent.
fn question<'a>(port: LocalPort<'_>, flows: &'a mut Flows<'_>) -> Draft<'a> {
    match port.place.vlan {
        None => from(port, QUESTION, flows),
        Some(_) => from(port, QUESTION_FROM_SUB_PORT, flows).when(VLAN_VID, VlanVid::NONE),
    }
}

/// Notes who is outside, where a port here has to be told from outside.
fn learn_outside<'a>(network: LocalNetwork<'_>, frame: Draft<'a>) -> Draft<'a> {
    match network.has_open_port() {
        true => frame.learn(learned_stations::outside(network)),
        false => frame,
    }
}

/// A machine that starts to run here says so to its neighbours, and by that to the agent.
///
/// Hypervisors send RARP for it (QEMU does); the machine itself may send ARP about its own
/// address, or neighbour advertisements.
fn announcements(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    let mac = port.port.mac_address;
    let own = |flows: &mut Flows<'_>, matching: &dyn Fn(Draft<'_>) -> Draft<'_>| {
        let frame = from(port, ANNOUNCEMENT, flows).when(ETH_SRC, mac);
        enter(port, matching(frame).report(), |frame| frame);
    };
    own(flows, &|frame| frame.when(ETH_TYPE, EthType::RARP));
    let link_local = IpAddr::V6(mac.link_local());
    for ip in port.port.fixed_ips.iter().copied().chain([link_local]) {
        match ip {
            IpAddr::V4(ip) => own(flows, &|frame| {
                let frame = frame.when(ETH_TYPE, EthType::ARP);
                frame.when(ARP_SPA, ip).when(ARP_TPA, ip)
            }),
            IpAddr::V6(ip) => own(flows, &|frame| advertisement(frame).when(ND_TARGET, ip)),
        }
    }
}
