//! Brings a routed packet to its next station.
//!
//! The model knows who has which address, but for those outside, and those that machines may take by
//! themselves. A packet for a machine here meets the machine's ingress tables; one for another router
//! goes round again, and loses a hop each time.

use std::net::IpAddr;

use ipnet::IpNet;
use openflow::field::{ETH_DST, ETH_TYPE, EthType, MacAddr};

use super::{
    base_ingress, delivery, router_input, router_learned, router_output, router_resolved,
    trunk_output,
};
use crate::{
    network::Port,
    registers::{NETWORK, NEXT_HOP, NEXT_HOP_V6},
    site::LocalNetwork,
    subject::Subject,
    table::{Actions, Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 106,
    name: "ROUTER_NEIGHBOURS",
    purpose: "Brings a routed packet to its next station.",
    next: &[
        &router_input::TABLE,
        &router_learned::TABLE,
        &router_resolved::TABLE,
        &router_output::TABLE,
        &base_ingress::TABLE,
        &trunk_output::TABLE,
    ],
    flows,
};

const NEIGHBOUR: u16 = 10;
const STRANGER: u16 = 5;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(local) if local.network.is_routed() => {
            let deliver = |draft: Draft<'_>| {
                let actions = delivery::to_port(Actions::new(&TABLE), *local);
                let actions = match local.network.site.is_elsewhere(local.port) {
                    true => actions.resubmit(&router_output::TABLE),
                    false => actions,
                };
                draft.act(actions).done();
            };
            neighbour(local.network, local.port, deliver, flows);
            claims(local.network, local.port, flows);
        }
        Subject::RemotePort(remote) if remote.network.is_routed() => {
            // Who is bound nowhere is looked for.
            if remote.is_placed() {
                let deliver = |draft: Draft<'_>| draft.resubmit(&router_output::TABLE);
                neighbour(remote.network, remote.port, deliver, flows);
            }
            claims(remote.network, remote.port, flows);
        }
        Subject::Network(network) if network.is_outside() => {
            look_for(flows.at(STRANGER).when(NETWORK, network.vlan.into()));
        }
        Subject::AnsweredPort(answered) => {
            let deliver = |draft: Draft<'_>| draft.resubmit(&router_input::TABLE);
            neighbour(answered.network, answered.port, deliver, flows);
        }
        _ => {}
    }
}

/// What happens to packets whose next station is a port.
fn neighbour(
    network: LocalNetwork<'_>,
    port: &Port,
    deliver: impl Fn(Draft<'_>),
    flows: &mut Flows<'_>,
) {
    for ip in port.all_ips() {
        deliver(at(network, ip, port.mac_address, flows));
    }
}

/// What happens to packets whose next station may be whoever has taken its address.
///
/// All ports that may have the address say the same.
fn claims(network: LocalNetwork<'_>, port: &Port, flows: &mut Flows<'_>) {
    for block in network.site.claims(port) {
        let packet = flows.at(STRANGER);
        let packet = match block {
            IpNet::V4(block) => packet.when(ETH_TYPE, EthType::IPV4).when_masked(
                NEXT_HOP.field,
                block.network().into(),
                block.netmask().into(),
            ),
            IpNet::V6(block) => packet.when(ETH_TYPE, EthType::IPV6).when_masked(
                NEXT_HOP_V6,
                block.network().into(),
                block.netmask().into(),
            ),
        };
        look_for(packet.when(NETWORK, network.vlan.into()));
    }
}

/// Looks for the MAC among what was learned.
fn look_for(packet: Draft<'_>) {
    let packet = packet.set(ETH_DST, MacAddr::ZERO);
    let packet = packet.then(|actions| {
        actions
            .resubmit(&router_learned::TABLE)
            .resubmit(&router_resolved::TABLE)
    });
    packet.done();
}

/// A packet whose next station has an address, with the MAC that goes with it.
fn at<'a>(
    network: LocalNetwork<'_>,
    ip: IpAddr,
    mac: MacAddr,
    flows: &'a mut Flows<'_>,
) -> Draft<'a> {
    let packet = flows.at(NEIGHBOUR);
    let packet = match ip {
        IpAddr::V4(ip) => packet
            .when(ETH_TYPE, EthType::IPV4)
            .when(NEXT_HOP, ip.into()),
        IpAddr::V6(ip) => packet
            .when(ETH_TYPE, EthType::IPV6)
            .when(NEXT_HOP_V6, ip.into()),
    };
    packet.when(NETWORK, network.vlan.into()).set(ETH_DST, mac)
}
