//! What flows say about whose connections the tracker holds.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use openflow::{
    action::{Action, AddressRange, Nat},
    field::{CT_ZONE, IPV4_DST, IPV4_SRC, IPV6_SRC, REG5, REG6, REG10},
    flow::Flow,
    matching::Match,
};

use super::{
    base_egress, delivery, firewall,
    router_dnat::{self, forwarded_port},
    router_snat, rules_ingress, to_forget,
};
use crate::network::ForwardedProtocol;

/// The table and priority of the flows that name the addresses of ports.
pub(crate) const SOURCES: (u8, u16) = (base_egress::TABLE.number, base_egress::OWN_SOURCE);
/// The table and priority of the flows that name the zones of ports.
pub(crate) const PORT_ZONES: (u8, u16) = (rules_ingress::TABLE.number, firewall::KNOWN_CONNECTION);
/// The table and priority of the flows that name the zones of networks.
pub(crate) const ZONES: (u8, u16) = (delivery::TABLE.number, delivery::MULTICAST);

/// The table and priority of the flows that name the zones of routers that translate here.
pub(crate) const ROUTER_ZONES: (u8, u16) = (router_snat::TABLE.number, router_snat::HERE);
/// The tables and priorities of the flows that name the addresses of floating IPs, on both sides.
pub(crate) const FLOATING_IPS: [(u8, u16); 2] = [
    (router_dnat::TABLE.number, router_dnat::FLOATING_IP),
    (router_snat::TABLE.number, router_snat::FLOATING_IP),
];

/// The table and priority of the flows that forward ports of floating IPs.
pub(crate) const PORT_FORWARDINGS: (u8, u16) =
    (router_dnat::TABLE.number, router_dnat::PORT_FORWARDING);

/// The port, as the register holds it, and one of the addresses that it sends from.
pub(crate) fn source(flow: &Flow) -> Option<(u32, IpNet)> {
    if (flow.table, flow.priority) != SOURCES {
        return None;
    }
    Some((flow.matching.value(REG5)?, source_block(&flow.matching)?))
}

/// The table and priority of the flows that name the addresses of ports which are not tracked.
pub(crate) const HELD: (u8, u16) = to_forget::HELD_ADDRESSES;

/// A zone and an address in it of a port that is not tracked.
pub(crate) fn held(flow: &Flow) -> Option<(u16, IpNet)> {
    if (flow.table, flow.priority) != HELD {
        return None;
    }
    Some((flow.matching.value(CT_ZONE)?, source_block(&flow.matching)?))
}

/// The addresses that a match takes as source.
pub(super) fn source_block(matching: &Match) -> Option<IpNet> {
    if let Some(v4) = matching.get(IPV4_SRC) {
        let mask = v4.mask.unwrap_or(Ipv4Addr::BROADCAST);
        return Some(Ipv4Net::with_netmask(v4.value, mask).ok()?.into());
    }
    let v6 = matching.get(IPV6_SRC)?;
    let mask = v6.mask.unwrap_or(Ipv6Addr::from_bits(u128::MAX));
    Some(Ipv6Net::with_netmask(v6.value, mask).ok()?.into())
}

/// The port, as the register holds it, and the zone that its connections are in.
pub(crate) fn port_zone(flow: &Flow) -> Option<(u32, u16)> {
    Some((flow.matching.value(REG5)?, flow.matching.value(CT_ZONE)?))
}

/// The zone of a network, or of a router.
pub(crate) fn zone(flow: &Flow) -> Option<u16> {
    match (flow.table, flow.priority) {
        ZONES => flow.matching.value(REG6)?.try_into().ok(),
        ROUTER_ZONES => flow.matching.value(REG10)?.try_into().ok(),
        _ => None,
    }
}

/// A port of an address in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Forwarded {
    /// The zone.
    pub zone: u16,
    /// The address that connections are opened to.
    pub address: Ipv4Addr,
    /// Their protocol.
    pub protocol: ForwardedProtocol,
    /// The port that they are opened to.
    pub port: u16,
}

/// The zone and an address of a floating IP, and what it is translated to.
pub(crate) fn translated(flow: &Flow) -> Option<(u16, IpNet, Ipv4Addr)> {
    if !FLOATING_IPS.contains(&(flow.table, flow.priority)) {
        return None;
    }
    let zone = flow.matching.value(REG10)?.try_into().ok()?;
    let matching = &flow.matching;
    let address = matching
        .value(IPV4_DST)
        .or_else(|| matching.value(IPV4_SRC))?;
    let (to, _) = destination(flow)?;
    Some((zone, Ipv4Net::from(address).into(), to))
}

/// A port of a floating IP that is forwarded, and the address and port that it is forwarded to.
pub(crate) fn forwarded(flow: &Flow) -> Option<(Forwarded, (Ipv4Addr, Option<u16>))> {
    if (flow.table, flow.priority) != PORT_FORWARDINGS {
        return None;
    }
    let zone = flow.matching.value(REG10)?.try_into().ok()?;
    let forwarded = forwarded_by(zone, &flow.matching)?;
    Some((forwarded, destination(flow)?))
}

/// The port of an address that a match takes as destination.
pub(super) fn forwarded_by(zone: u16, matching: &Match) -> Option<Forwarded> {
    let address = matching.value(IPV4_DST)?;
    ForwardedProtocol::ALL.into_iter().find_map(|protocol| {
        let (_, _, field) = forwarded_port(protocol);
        Some(Forwarded {
            zone,
            address,
            protocol,
            port: matching.value(field)?,
        })
    })
}

/// The address that a flow translates to, with the port if it changes.
fn destination(flow: &Flow) -> Option<(Ipv4Addr, Option<u16>)> {
    let mut actions = flow.instructions.apply_actions.iter();
    let nested = actions.find_map(|action| match action {
        Action::Ct(ct) => Some(&ct.actions),
        _ => None,
    });
    nested?.iter().find_map(|action| match action {
        Action::Nat(Nat {
            addresses: AddressRange::V4(ip, None),
            ports,
            ..
        }) => Some((*ip, ports.map(|ports| ports.first))),
        _ => None,
    })
}
