//! What a rule of a security group matches, and at which priority.

use std::ops::RangeInclusive;

use openflow::{
    field::{
        ETH_TYPE, ICMPV4_CODE, ICMPV4_TYPE, ICMPV6_CODE, ICMPV6_TYPE, IP_PROTO, IpProto, SCTP_DST,
        TCP_DST, UDP_DST,
    },
    matching::Match,
};

use crate::{
    network::{
        Direction, Ethertype, IcmpKind, PortProtocol, PortRange, Protocol, Remote, Rule, Traffic,
    },
    table::{Addresses, DESTINATION, SOURCE},
};

/// The lowest priority of rules. Eight are taken.
const RULES: u16 = 70;

/// The priorities of rules.
pub(super) const PRIORITIES: RangeInclusive<u16> = RULES..=RULES + 7;

/// Rules without a remote group stand above those with one.
///
/// Conjunctions decide only among flows of one priority, and no packet may match two others there.
const WITHOUT_GROUP: u16 = 4;

/// The place of a rule among the four that differ in how much they match.
pub(super) fn offset(rule: &Rule) -> u16 {
    match rule.traffic() {
        Traffic::Any => 0,
        Traffic::Protocol(Protocol::ICMP | Protocol::ICMPV6) => 1,
        Traffic::Icmp(IcmpKind {
            icmp_code: None, ..
        }) => 2,
        Traffic::Icmp(_) | Traffic::Ports(..) | Traffic::Protocol(_) => 3,
    }
}

/// The priority of rules with a remote group, and of the addresses of its members.
pub(super) fn group_priority(offset: u16) -> u16 {
    RULES + offset
}

/// The priority of rules without a remote group.
pub(super) fn priority(rule: &Rule) -> u16 {
    RULES + WITHOUT_GROUP + offset(rule)
}

/// The addresses of the other side.
pub(super) fn far_side(direction: Direction) -> Addresses {
    match direction {
        Direction::Ingress => SOURCE,
        Direction::Egress => DESTINATION,
    }
}

/// The matches that together are the rule, members of a remote group aside.
pub(super) fn matches(rule: &Rule) -> Vec<Match> {
    let any = Match::default().with(ETH_TYPE, rule.ethertype().into());
    let base = match rule.remote() {
        Remote::Any | Remote::Group(_) | Remote::AddressGroup(_) => any,
        Remote::Block(block) => far_side(rule.direction()).within(any, block),
    };
    match rule.traffic() {
        Traffic::Any => vec![base],
        Traffic::Protocol(protocol) => vec![base.with(IP_PROTO, protocol.0)],
        Traffic::Ports(protocol, range) => ports(&base, protocol, range),
        Traffic::Icmp(kind) => vec![icmp(base, rule.ethertype(), kind)],
    }
}

fn ports(base: &Match, protocol: PortProtocol, range: PortRange) -> Vec<Match> {
    let (number, field) = match protocol {
        PortProtocol::Tcp => (IpProto::TCP, TCP_DST),
        PortProtocol::Udp => (IpProto::UDP, UDP_DST),
        PortProtocol::Sctp => (IpProto::SCTP, SCTP_DST),
    };
    let base = base.clone().with(IP_PROTO, number);
    range
        .masks()
        .into_iter()
        .map(|(value, mask)| base.clone().masked(field, value, mask))
        .collect()
}

fn icmp(base: Match, ethertype: Ethertype, kind: IcmpKind) -> Match {
    let (number, type_field, code_field) = match ethertype {
        Ethertype::Ipv4 => (IpProto::ICMP, ICMPV4_TYPE, ICMPV4_CODE),
        Ethertype::Ipv6 => (IpProto::ICMPV6, ICMPV6_TYPE, ICMPV6_CODE),
    };
    let base = base.with(IP_PROTO, number).with(type_field, kind.icmp_type);
    match kind.icmp_code {
        Some(code) => base.with(code_field, code),
        None => base,
    }
}
