//! What the flows of br-int's firewall mean, for those who explain them.
//!
//! Who asks why a packet passed, or did not, has a flow in hand and wants a rule, or the absence of
//! one. What a flow decides is known to the table that it is in; which flows a rule has is asked of
//! the compiler, so that the answer cannot differ from what is installed.

use std::sync::Arc;

use openflow::flow::Flow;

use crate::{
    br_int,
    cookie::Cookie,
    flow_set::FlowSet,
    network::{Direction, PortId, Rule, SecurityGroup},
    site::{LocalPort, Site},
    table::Flows,
};

/// What a flow decides about the packets that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They have the VLAN of ports that must not talk.
    DeadVlan,
    /// They come from a port that is down.
    DeadPort,
    /// They come tagged from a port that may not tag.
    ForeignTag,
    /// They come from a physical network, and have the VLAN of no network here.
    UnknownSegment,
    /// They do not come from an address of the port that sends them.
    Spoofed,
    /// They answer as only services of the network may: DHCP, and router advertisements.
    ServiceAnswer,
    /// They run the link, as ARP does, and pass without a rule.
    Link(Direction),
    /// A rule allows them.
    Allowed(Direction),
    /// They pass with a connection: replies, and errors about it.
    KnownConnection(Direction),
    /// The connection tracker makes nothing of them.
    Invalid(Direction),
    /// They reply in a connection that no rule allows any more.
    Cut(Direction),
    /// No rule allows them.
    NoRule(Direction),
}

impl Decision {
    /// Which rules it is about, where it is about rules.
    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::DeadVlan
            | Self::DeadPort
            | Self::ForeignTag
            | Self::UnknownSegment
            | Self::Spoofed
            | Self::ServiceAnswer => None,
            Self::Link(direction)
            | Self::Allowed(direction)
            | Self::KnownConnection(direction)
            | Self::Invalid(direction)
            | Self::Cut(direction)
            | Self::NoRule(direction) => Some(direction),
        }
    }
}

/// What a flow of br-int decides; `None` if it only leads on, or is not about the firewall.
pub fn decision(flow: &Flow) -> Option<Decision> {
    br_int::decision(flow)
}

/// A rule as it applies to one port.
#[derive(Clone, Debug)]
pub struct RuleFlows<'a> {
    /// The group that has the rule.
    pub group: &'a SecurityGroup,
    /// The rule.
    pub rule: &'a Rule,
    /// The flows that let packets pass for it. Other rules may have the same ones: those that
    /// allow the same, and those with the same remote group.
    pub flows: Vec<Arc<Flow>>,
}

/// The rules that apply to a port here, each with its flows; none if the port is not here, is down,
/// or has no port security.
pub fn rules_at(site: &Site, port: PortId) -> Vec<RuleFlows<'_>> {
    let firewalled = |port: &LocalPort<'_>| port.is_up() && port.is_firewalled();
    let Some(port) = site.port(port).filter(firewalled) else {
        return Vec::new();
    };
    let cookie = Cookie::of(port.port.id.0);
    let rules = port.rules().map(|(group, rule)| {
        let mut wanted = FlowSet::default();
        for (table, side) in br_int::SIDES {
            let only = [(group, rule)].into_iter();
            side.rules(port, only, &mut Flows::new(table, cookie, &mut wanted));
        }
        let lets_pass = |flow: &&Arc<Flow>| decision(flow).is_some();
        RuleFlows {
            group,
            rule,
            flows: wanted.flows().filter(lets_pass).cloned().collect(),
        }
    });
    rules.collect()
}
