//! What a flow decided, as a reason that people understand.

use openflow::field::{
    ARP_SHA, ARP_SPA, ETH_SRC, ETH_TYPE, EthType, ICMPV4_TYPE, ICMPV6_TYPE, IP_PROTO, ND_TARGET,
    SCTP_DST, TCP_DST, UDP_DST,
};
use openflow::flow::Flow;
use openflow::matching::Match;
use pipelines::explain::{Decision, RuleFlows, rules_at};
use pipelines::network::{Direction, IcmpKind, Model, Port, PortProtocol, Protocol, Traffic};
use pipelines::site::Site;

use super::Verdict;
use super::probe::{far_end, source};
use crate::security_group::rule::{remote, traffic};

/// Whether packets pass for which this was decided.
pub(super) fn verdict(decision: Decision) -> Verdict {
    match decision {
        Decision::Link(_) | Decision::Allowed(_) | Decision::KnownConnection(_) => Verdict::Allowed,
        Decision::DeadVlan
        | Decision::DeadPort
        | Decision::ForeignTag
        | Decision::UnknownSegment
        | Decision::Spoofed
        | Decision::ServiceAnswer
        | Decision::Invalid(_)
        | Decision::Cut(_)
        | Decision::NoRule(_) => Verdict::Dropped,
    }
}

/// The reason for a decision about a packet at a port.
pub(super) fn reason(
    model: &Model,
    decision: Decision,
    packet: &Match,
    port: &Port,
    rules: &[RuleFlows<'_>],
) -> String {
    let name = &port.name;
    match decision {
        Decision::DeadVlan => "its VLAN is 4095, that of dead ports".to_owned(),
        Decision::DeadPort => format!("{name} is down"),
        Decision::ForeignTag => format!("{name} may not send frames with such a VLAN tag"),
        Decision::UnknownSegment => "no network here has its VLAN".to_owned(),
        Decision::Spoofed => spoofed(packet, port),
        Decision::ServiceAnswer => format!(
            "{name} may not answer as a DHCP server or a router does, nor name an address or a MAC \
             in neighbour discovery that is not its own"
        ),
        Decision::Link(_) => {
            format!("ARP, neighbour discovery and DHCP need no rule at {name}")
        }
        Decision::KnownConnection(_) => {
            format!("it belongs to an open connection of {name}, which needs no rule for replies")
        }
        Decision::Invalid(_) => {
            format!("the connection tracker takes it for invalid on its way at {name}")
        }
        Decision::Cut(_) => {
            format!("its connection is cut, as no rule of {name} allows it any more")
        }
        Decision::Allowed(_) => match rules {
            [] => format!("a flow of {name} allows it, and no rule of the description has it"),
            rules => {
                let rules = rules.iter().map(|rule| sentence(model, rule));
                format!(
                    "{} allows it at {name}",
                    rules.collect::<Vec<_>>().join(" or ")
                )
            }
        },
        Decision::NoRule(direction) => no_rule(model, direction, packet, port),
    }
}

/// The rules whose flow let a packet pass at a port.
pub(super) fn rules<'a>(
    site: &'a Site,
    port: &Port,
    flow: &Flow,
    packet: &Match,
) -> Vec<RuleFlows<'a>> {
    let mut rules = rules_at(site, port.id);
    let identity = flow.identity();
    rules.retain(|rule| {
        let mut flows = rule.flows.iter();
        flows.any(|flow| flow.identity() == identity) && means(rule.rule.traffic(), packet)
    });
    rules
}

/// Whether the protocol and ports of a rule are those of a packet.
///
/// Rules with one remote group share flows, and differ in this.
fn means(traffic: Traffic, packet: &Match) -> bool {
    let is = |protocol: Protocol| packet.value(IP_PROTO) == Some(protocol.0);
    match traffic {
        Traffic::Any => true,
        Traffic::Protocol(protocol) => is(protocol),
        Traffic::Ports(protocol, range) => {
            let port = match protocol {
                PortProtocol::Tcp => packet.value(TCP_DST),
                PortProtocol::Udp => packet.value(UDP_DST),
                PortProtocol::Sctp => packet.value(SCTP_DST),
            };
            port.is_some_and(|port| (range.first()..=range.last()).contains(&port))
        }
        Traffic::Icmp(IcmpKind { icmp_type, .. }) => icmp(packet) == Some(icmp_type),
    }
}

/// A rule as a sentence names it.
fn sentence(model: &Model, RuleFlows { group, rule, .. }: &RuleFlows<'_>) -> String {
    let towards = match rule.direction() {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    format!(
        "{} rule {} of {} ({} {} {towards} {})",
        rule.direction(),
        rule.id(),
        group.name,
        rule.ethertype(),
        traffic(rule.traffic()),
        remote(model, rule.remote())
    )
}

fn no_rule(model: &Model, direction: Direction, packet: &Match, port: &Port) -> String {
    let name = &port.name;
    let packet = described(packet, direction);
    let groups = port.security_groups.iter();
    let groups: Vec<_> = groups
        .filter_map(|id| model.security_group(*id))
        .map(|group| group.name.as_str())
        .collect();
    match groups.as_slice() {
        [] => format!("{name} has no security group, and so no {direction} rule allows {packet}"),
        groups => format!(
            "no {direction} rule of {} on {name} allows {packet}",
            groups.join(", ")
        ),
    }
}

/// A packet as a sentence names it: `tcp/80 from 10.0.0.7`.
pub(super) fn described(packet: &Match, direction: Direction) -> String {
    let towards = match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let far = far_end(packet, direction == Direction::Ingress);
    let far = far
        .map(|far| format!(" {towards} {far}"))
        .unwrap_or_default();
    let port = [
        packet.value(TCP_DST),
        packet.value(UDP_DST),
        packet.value(SCTP_DST),
    ];
    let what = match (packet.value(IP_PROTO), packet.value(ETH_TYPE)) {
        (Some(protocol), _) => {
            let protocol = Protocol(protocol);
            match (port.into_iter().flatten().next(), icmp(packet)) {
                (Some(port), _) => format!("{protocol}/{port}"),
                (None, Some(icmp_type)) => format!("{protocol} type {icmp_type}"),
                (None, None) => protocol.to_string(),
            }
        }
        (None, Some(EthType::ARP)) => "arp".to_owned(),
        (None, Some(EthType::IPV4 | EthType::IPV6)) => "any protocol".to_owned(),
        (None, _) => "such a frame".to_owned(),
    };
    what + &far
}

fn icmp(packet: &Match) -> Option<u8> {
    packet
        .value(ICMPV4_TYPE)
        .or_else(|| packet.value(ICMPV6_TYPE))
}

/// What of a packet is not the port's own.
fn spoofed(packet: &Match, port: &Port) -> String {
    let name = &port.name;
    let sources = port.sources();
    let (mac, inner) = (packet.value(ETH_SRC), packet.value(ARP_SHA));
    let address = match packet.value(ND_TARGET) {
        Some(target) => Some(target.into()),
        None => packet
            .value(ARP_SPA)
            .map(Into::into)
            .or_else(|| source(packet)),
    };
    let has_address = |address| sources.iter().any(|(_, block)| block.contains(&address));
    match (mac, address) {
        (Some(mac), _) if !port.macs().contains(&mac) => {
            format!("{mac} is not a MAC address of {name} (anti-spoofing)")
        }
        (_, Some(address)) if !has_address(address) => {
            format!("{address} is not an address of {name} (anti-spoofing)")
        }
        (Some(mac), _) if inner.is_some_and(|inner| inner != mac) => {
            format!("it names another MAC inside than {mac}, that of its frame (anti-spoofing)")
        }
        (Some(mac), Some(address)) => {
            format!("{name} may not use {address} with {mac} (anti-spoofing)")
        }
        _ => {
            format!("{name} may send IP, ARP and RARP from its own addresses only (anti-spoofing)")
        }
    }
}
