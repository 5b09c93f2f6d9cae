//! What a rule of a security group matches, and at which priority.
//!
//! Only the first fragment of a packet has ports, or a type of ICMP. Later ones are matched by their
//! protocol and the rule's other side, and the firewall ties them to the first.

use std::{net::Ipv6Addr, ops::RangeInclusive};

use ipnet::{IpNet, Ipv6Net};
use openflow::{
    field::{
        CT_NW_PROTO, ETH_TYPE, Field, ICMPV4_CODE, ICMPV4_TYPE, ICMPV6_CODE, ICMPV6_TYPE, IP_FRAG,
        IP_PROTO, IpFrag, IpProto, SCTP_DST, TCP_DST, UDP_DST,
    },
    matching::Match,
};

use crate::{
    link,
    network::{
        Direction, Ethertype, IcmpKind, PortProtocol, PortRange, Protocol, Remote, Rule, Traffic,
    },
    table::{Addresses, DESTINATION, SOURCE},
};

/// The lowest priority of rules. Eight are taken.
const RULES: u16 = 70;

/// Of what rules allow, what opens a connection that a helper has to listen to.
pub(super) const HELPED: u16 = RULES + 8;

/// The priorities of what rules allow.
pub(super) const PRIORITIES: RangeInclusive<u16> = RULES..=HELPED;

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
    let base = any_protocol(rule);
    match rule.traffic() {
        Traffic::Any => vec![base],
        Traffic::Protocol(protocol) => vec![base.with(IP_PROTO, protocol.0)],
        Traffic::Ports(protocol, range) => ports(&base, protocol, range),
        Traffic::Icmp(kind) => vec![icmp(base, rule.ethertype(), kind)],
    }
}

/// What later fragments of the rule's packets match, where that differs.
///
/// In IPv6 the protocol of a later fragment is that of fragments (44), and only the connection
/// tracker knows the packet's own.
pub(super) fn later_fragments(rule: &Rule) -> Option<Match> {
    let protocol = match (rule.traffic(), rule.ethertype()) {
        (Traffic::Any, _) | (Traffic::Protocol(_), Ethertype::Ipv4) => return None,
        (Traffic::Protocol(protocol), Ethertype::Ipv6) => protocol.0,
        (Traffic::Ports(protocol, _), _) => port_field(protocol).0,
        (Traffic::Icmp(_), Ethertype::Ipv4) => IpProto::ICMP,
        (Traffic::Icmp(_), Ethertype::Ipv6) => IpProto::ICMPV6,
    };
    let later = any_protocol(rule).with(IP_FRAG, IpFrag::ANY | IpFrag::LATER);
    Some(later.with(CT_NW_PROTO, protocol))
}

/// What multicast listeners say (MLD), as far as it is among the rule's packets.
///
/// Trackers take it for invalid, so it meets the rules as it is. The members of a remote group are
/// known by addresses that listeners never use.
pub(super) fn reports(rule: &Rule) -> Vec<Match> {
    let fits = |icmp_type: u8| match rule.traffic() {
        Traffic::Any => true,
        Traffic::Protocol(protocol) => protocol == Protocol::ICMPV6,
        Traffic::Icmp(kind) => {
            kind.icmp_type == icmp_type && kind.icmp_code.is_none_or(|code| code == 0)
        }
        Traffic::Ports(..) => false,
    };
    if rule.ethertype() == Ethertype::Ipv4 || matches!(rule.remote(), Remote::Group(_)) {
        return Vec::new();
    }
    let base = any_protocol(rule).with(IP_PROTO, IpProto::ICMPV6);
    let types = link::LISTENER_REPORTS
        .into_iter()
        .filter(|kind| fits(*kind));
    types
        .map(|icmp_type| base.clone().with(ICMPV6_TYPE, icmp_type))
        .collect()
}

/// Whether the other side of what listeners say may be in a block: a group, or an address of one
/// link, or no address yet.
pub(super) fn may_report(block: IpNet) -> bool {
    let IpNet::V6(block) = block else {
        return false;
    };
    let groups = Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8);
    let link_local = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10);
    let overlaps = |other: &Ipv6Net| other.contains(&block) || block.contains(other);
    block.contains(&Ipv6Addr::UNSPECIFIED) || overlaps(&groups) || overlaps(&link_local)
}

/// Every packet from or to the rule's other side, members of a remote group aside.
fn any_protocol(rule: &Rule) -> Match {
    let any = Match::default().with(ETH_TYPE, rule.ethertype().into());
    match rule.remote() {
        Remote::Any | Remote::Group(_) | Remote::AddressGroup(_) => any,
        Remote::Block(block) => far_side(rule.direction()).within(any, block),
    }
}

fn port_field(protocol: PortProtocol) -> (IpProto, Field<u16>) {
    match protocol {
        PortProtocol::Tcp => (IpProto::TCP, TCP_DST),
        PortProtocol::Udp => (IpProto::UDP, UDP_DST),
        PortProtocol::Sctp => (IpProto::SCTP, SCTP_DST),
    }
}

fn ports(base: &Match, protocol: PortProtocol, range: PortRange) -> Vec<Match> {
    let (number, field) = port_field(protocol);
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
