//! The two tables of rules, which differ in direction and in what happens to what passes.
//!
//! A packet that opens a connection passes if a rule allows it. Its connection is then committed,
//! and replies pass without a rule. A packet of a connection that no rule allows any more marks the
//! connection as cut, so that its replies stop too.
//!
//! A rule may come back, or another may allow the same. So a packet that goes the way of a cut
//! connection loses the mark before it meets the rules; if none allows it, the connection is cut
//! again by the same packet. Each such packet leaves an instant in which a reply may pass.
//!
//! Later fragments have no ports, and in the switch the tracker tells none of them (Open vSwitch
//! 3.1 in user space; the kernel's tracker puts the packet together, and there are none). So they
//! pass where a rule allows their protocol with their other side. That is enough for a packet that
//! opens a connection: to commit it, the tracker holds each fragment until all of them have come to
//! be committed, the first of them by its rule. In an open connection it is not: later fragments
//! pass for as long as the connection is not cut, and nothing can be put together from them once
//! the first is refused. A cut connection is given another chance by whole packets only.
//!
//! Where a rule is about FTP or TFTP, a helper of the tracker listens where they say the next
//! connection will be. That one is related: it needs no rule, is committed by its first packet, and
//! goes on as it is when the one that announced it is cut.
//!
//! A port whose groups are all stateless has the same rules without the tracker: what it sends and
//! what comes from outside is not tracked. What comes from a stateful port here is, and a new
//! connection of that is committed where it arrives, or its answers would be strangers.

use std::collections::{BTreeMap, BTreeSet};

use openflow::{
    action::Action,
    field::{
        CONJ_ID, CT_MARK, CT_STATE, CT_ZONE, CtState, ETH_DST, ETH_SRC, ETH_TYPE, EthType, IP_FRAG,
        IpFrag, MacAddr,
    },
    flow::Flow,
    matching::Match,
};

use super::{
    connection::{
        CUT, ESTABLISHED, FORWARD, INVALID, NEW, NOT_CUT, NOT_ESTABLISHED, NOT_NEW, RELATED, REPLY,
        UNTRACKED,
    },
    dropped,
    helper::Helper,
    rule,
};
use crate::{
    conjunction::Conjunction,
    explain::Decision,
    network::{Direction, Ethertype, Remote, RemoteSet, Rule, SecurityGroup},
    registers::{NETWORK, PORT, REMOTE_GROUP},
    site::{LocalNetwork, LocalPort},
    subject::{Member, Subject},
    table::{Draft, Flows, State, Table},
};

/// Above all rules.
const CUT_FRAGMENT: u16 = 81;
const CUT_BEFORE: u16 = 80;
pub(super) const KNOWN_CONNECTION: u16 = 50;
const NO_RULE: u16 = 40;
const MISS: u16 = 0;

/// One direction of the firewall.
pub(crate) struct Side {
    /// Whose rules apply.
    pub(super) direction: Direction,
    /// Where they are.
    pub(super) table: &'static Table,
    /// What happens to packets that go the way of an open connection.
    pub(super) accept: fn(Draft<'_>, LocalPort<'_>),
    /// What happens to packets that open a connection.
    pub(super) open: fn(Draft<'_>, LocalPort<'_>),
    /// What happens to packets that open a connection that a helper listens to, where connections
    /// are committed.
    pub(super) open_helped: Option<fn(Draft<'_>, LocalPort<'_>, Helper)>,
    /// What happens to replies and related packets.
    pub(super) reply: fn(Draft<'_>, LocalPort<'_>),
}

impl Side {
    pub(super) fn flows(&self, subject: &Subject<'_>, flows: &mut Flows<'_>) {
        match subject {
            Subject::Bridge(_) => {
                flows
                    .at(KNOWN_CONNECTION)
                    .in_state(INVALID)
                    .resubmit(&dropped::TABLE);
                self.give_another_chance(flows);
                flows.at(MISS).drop();
            }
            Subject::Port(port) if port.is_firewalled() => {
                self.rules(*port, port.rules(), flows);
                self.connections(*port, flows);
            }
            Subject::Member(member) => self.member(member, flows),
            _ => {}
        }
    }

    /// Packets of connections that were cut, and may have a rule now.
    ///
    /// Frames to many cut no connection, so they must not join one either. Nor may fragments: what
    /// they join, not every fragment that is refused cuts again.
    fn give_another_chance(&self, flows: &mut Flows<'_>) {
        for eth_type in [EthType::IPV4, EthType::IPV6] {
            flows
                .at(CUT_FRAGMENT)
                .in_state(FORWARD)
                .when(ETH_TYPE, eth_type)
                .when_masked(IP_FRAG, IpFrag::ANY, IpFrag::ANY)
                .when(CT_MARK, CUT)
                .resubmit(&dropped::TABLE);
            flows
                .at(CUT_BEFORE)
                .in_state(FORWARD)
                .when(ETH_TYPE, eth_type)
                .when(CT_MARK, CUT)
                .when_masked(ETH_DST, MacAddr([0; 6]), MacAddr::MULTICAST_BIT)
                .track_marked(NOT_CUT, self.table);
        }
    }

    /// Packets that some rules of a port allow.
    pub(crate) fn rules<'a>(
        &self,
        port: LocalPort<'_>,
        rules: impl Iterator<Item = (&'a SecurityGroup, &'a Rule)>,
        flows: &mut Flows<'_>,
    ) {
        let mut numbers = BTreeMap::new();
        let mut traffic: BTreeMap<(u16, Match), BTreeSet<u32>> = BTreeMap::new();
        let mut reports = BTreeMap::new();
        for (group, rule) in rules.filter(|(_, rule)| rule.direction() == self.direction) {
            let number = number(port.network, group, rule, port.is_stateful());
            let later = rule::later_fragments(rule).filter(|_| port.is_stateful());
            for matching in rule::matches(rule).into_iter().chain(later) {
                match (rule.remote(), number) {
                    (Remote::Any | Remote::Block(_), _) => {
                        self.allow(port, rule::priority(rule), &matching, flows);
                    }
                    (Remote::Group(_) | Remote::AddressGroup(_), Some(number)) => {
                        numbers.insert(number, rule);
                        let key = (rule::group_priority(rule::offset(rule)), matching);
                        traffic.entry(key).or_default().insert(number);
                    }
                    // Without a number the rule cannot tell members from others: it allows nothing.
                    (Remote::Group(_) | Remote::AddressGroup(_), None) => {}
                }
            }
            if port.is_stateful() {
                self.help(port, rule, number, flows);
                self.reports(port, (rule, number), &mut reports, flows);
            }
        }
        for ((priority, matching), numbers) in reports {
            let report = flows.at(priority).like(matching).in_state(UNTRACKED);
            let report = report.when(PORT, port.key());
            report.conjunctions(numbers.into_iter(), Clause::Traffic.into());
        }
        for ((priority, matching), numbers) in traffic {
            self.traffic(port, priority, &matching, &numbers, flows);
        }
        for (number, rule) in numbers {
            self.conjunction(port, number, rule, flows);
        }
    }

    /// What rules with remote groups allow at a port, whoever the other side is.
    fn traffic(
        &self,
        port: LocalPort<'_>,
        priority: u16,
        matching: &Match,
        numbers: &BTreeSet<u32>,
        flows: &mut Flows<'_>,
    ) {
        for (state, place) in states(self.direction, port.is_stateful()) {
            flows
                .at(priority)
                .like(matching.clone())
                .in_state(*state)
                .when(PORT, port.key())
                .conjunctions(places(numbers, *place), Clause::Traffic.into());
        }
    }

    /// Packets that one rule alone allows.
    fn allow(&self, port: LocalPort<'_>, priority: u16, matching: &Match, flows: &mut Flows<'_>) {
        let states = states(self.direction, port.is_stateful());
        for ((state, _), end) in states.iter().zip([self.accept, self.open]) {
            let allowed = flows.at(priority).like(matching.clone()).in_state(*state);
            end(allowed.when(PORT, port.key()), port);
        }
    }

    /// What multicast listeners say that a rule allows: trackers take it for invalid, so none looks
    /// at it.
    fn reports(
        &self,
        port: LocalPort<'_>,
        (rule, number): (&Rule, Option<u32>),
        of_sets: &mut BTreeMap<(u16, Match), BTreeSet<u32>>,
        flows: &mut Flows<'_>,
    ) {
        let reports = rule::reports(rule);
        if let Some(number) = number.filter(|_| !reports.is_empty()) {
            let report = both(port, number, UNTRACKED, rule, flows);
            (self.accept)(report, port);
            for matching in reports {
                let key = (rule::group_priority(rule::offset(rule)), matching);
                of_sets.entry(key).or_default().insert(number);
            }
        } else if rule.remote().set().is_none() {
            for matching in reports {
                let report = flows.at(rule::priority(rule)).like(matching);
                let report = report.in_state(UNTRACKED).when(PORT, port.key());
                (self.accept)(report, port);
            }
        }
    }

    /// Of the packets that a rule allows, those that open a connection that a helper is to listen
    /// to.
    fn help(&self, port: LocalPort<'_>, rule: &Rule, number: Option<u32>, flows: &mut Flows<'_>) {
        let (Some(open), Some(helper)) = (self.open_helped, Helper::of(rule)) else {
            return;
        };
        if rule.remote().set().is_some() && number.is_none() {
            return;
        }
        for matching in rule::matches(rule) {
            let allowed = flows.at(rule::HELPED).like(matching).in_state(NEW);
            let allowed = allowed.when(PORT, port.key());
            let allowed = match number.map(|number| number + OPENING) {
                Some(number) => allowed.when(CONJ_ID, number).set(REMOTE_GROUP, number),
                None => allowed,
            };
            open(allowed, port, helper);
        }
    }

    /// Packets that a rule allows because their other side is a member of a group.
    fn conjunction(&self, port: LocalPort<'_>, number: u32, rule: &Rule, flows: &mut Flows<'_>) {
        let states = states(self.direction, port.is_stateful());
        for ((state, place), end) in states.iter().zip([self.accept, self.open]) {
            end(both(port, number + place, *state, rule, flows), port);
        }
    }

    /// Packets of connections that are open, with or without a rule.
    fn connections(&self, port: LocalPort<'_>, flows: &mut Flows<'_>) {
        if !port.is_stateful() {
            let refused = flows.at(NO_RULE).when(PORT, port.key());
            return refused.resubmit(&dropped::TABLE);
        }
        for state in [REPLY, RELATED] {
            let known = flows
                .at(KNOWN_CONNECTION)
                .in_state(state)
                .when(CT_MARK, NOT_CUT)
                .when(CT_ZONE, port.network.vlan.get())
                .when(PORT, port.key());
            (self.reply)(known, port);
        }
        let cut = flows
            .at(KNOWN_CONNECTION)
            .when(CT_MARK, CUT)
            .when(PORT, port.key());
        cut.resubmit(&dropped::TABLE);
        let unknown = flows
            .at(NO_RULE)
            .in_state(NOT_ESTABLISHED)
            .when(PORT, port.key());
        unknown.resubmit(&dropped::TABLE);
        for eth_type in [EthType::IPV4, EthType::IPV6] {
            flows
                .at(NO_RULE)
                .in_state(ESTABLISHED)
                .when(ETH_TYPE, eth_type)
                .when(PORT, port.key())
                .commit_marked(CUT)
                .done();
        }
    }

    /// The addresses of a member, for every rule in the network that names its group.
    fn member(&self, member: &Member<'_>, flows: &mut Flows<'_>) {
        let network = member.network;
        let mut wanted: BTreeMap<(Ethertype, u16, bool), BTreeSet<u32>> = BTreeMap::new();
        for group in member.groups.iter() {
            let named = |rule: &&Rule| {
                rule.direction() == self.direction && rule.remote().set() == Some(member.remote)
            };
            for rule in group.rules.iter().filter(named) {
                for stateful in group.ways() {
                    if let Some(number) = number(network, group, rule, *stateful) {
                        let key = (rule.ethertype(), rule::offset(rule), *stateful);
                        wanted.entry(key).or_default().insert(number);
                    }
                }
            }
        }
        for (version, far_side, may_report) in self.far_sides(member) {
            let fitting = wanted
                .iter()
                .filter(|((ethertype, ..), _)| *ethertype == version);
            for ((_, offset, stateful), numbers) in fitting {
                let states = states(self.direction, *stateful).iter();
                let untracked = (*stateful && may_report).then_some(&(UNTRACKED, 0));
                for (state, place) in states.chain(untracked) {
                    flows
                        .at(rule::group_priority(*offset))
                        .like(far_side.clone())
                        .when(NETWORK, network.vlan.into())
                        .in_state(*state)
                        .conjunctions(places(numbers, *place), Clause::Member.into());
                }
            }
        }
    }

    /// What a packet matches whose other side is the member, and whether it may be what a listener
    /// says.
    ///
    /// Who sends from any address is told by its MAC; who sends to any is told by nothing.
    fn far_sides(&self, member: &Member<'_>) -> Vec<(Ethertype, Match, bool)> {
        let in_set = matches!(member.remote, RemoteSet::AddressGroup(_));
        let addresses = member.addresses.iter().copied().map(|block| {
            let far_side = rule::far_side(self.direction).within(Match::default(), block);
            let may_report = in_set && rule::may_report(block);
            (Ethertype::of(block), far_side, may_report)
        });
        let comes = self.direction == Direction::Ingress;
        let macs = member.macs.iter().filter(|_| comes);
        let macs = macs.map(|(version, mac)| {
            let from = Match::default().with(ETH_TYPE, (*version).into());
            (*version, from.with(ETH_SRC, *mac), false)
        });
        addresses.chain(macs).collect()
    }
}

/// A packet for which both clauses of a conjunction hold.
fn both<'a>(
    port: LocalPort<'_>,
    number: u32,
    state: State,
    rule: &Rule,
    flows: &'a mut Flows<'_>,
) -> Draft<'a> {
    flows
        .at(rule::group_priority(rule::offset(rule)))
        .when(CONJ_ID, number)
        .when(ETH_TYPE, rule.ethertype().into())
        .in_state(state)
        .when(PORT, port.key())
        .set(REMOTE_GROUP, number)
}

/// What a flow of a table of rules decides; `None` if it only leads on.
pub(super) fn decision(flow: &Flow, side: &Side) -> Option<Decision> {
    let state = flow.matching.get(CT_STATE);
    let invalid = state.is_some_and(|state| state.value.contains(CtState::INV));
    let decision = match flow.priority {
        priority if rule::PRIORITIES.contains(&priority) => Decision::Allowed,
        CUT_FRAGMENT => Decision::Cut,
        KNOWN_CONNECTION if invalid => Decision::Invalid,
        KNOWN_CONNECTION if flow.matching.value(CT_MARK) == Some(CUT) => Decision::Cut,
        KNOWN_CONNECTION => Decision::KnownConnection,
        priority if (NO_RULE..KNOWN_CONNECTION).contains(&priority) => Decision::NoRule,
        _ => return None,
    };
    let adds = |action: &Action| matches!(action, Action::Conjunction(_));
    let clause = flow.instructions.apply_actions.iter().any(adds);
    (!clause).then(|| decision(side.direction))
}

/// The two sides of a rule with a remote group.
#[derive(Clone, Copy)]
enum Clause {
    /// The other side is a member.
    Member,
    /// The traffic is allowed at the port.
    Traffic,
}

impl From<Clause> for u8 {
    fn from(clause: Clause) -> Self {
        match clause {
            Clause::Member => 1,
            Clause::Traffic => 2,
        }
    }
}

/// The numbers that conjunctions have in one state.
fn places(numbers: &BTreeSet<u32>, place: u32) -> impl Iterator<Item = u32> {
    numbers.iter().map(move |number| number + place)
}

/// The first number of the rule's conjunction, if it names a set of addresses.
fn number(
    network: LocalNetwork<'_>,
    group: &SecurityGroup,
    rule: &Rule,
    stateful: bool,
) -> Option<u32> {
    let remote = rule.remote().set()?;
    let (direction, ethertype) = (rule.direction(), rule.ethertype());
    let conjunction = Conjunction {
        group: group.id,
        remote,
        direction,
        ethertype,
        stateful,
    };
    Some(network.site.conjunction(&conjunction)? + 2 * u32::from(rule::offset(rule)))
}

/// What it adds for packets that open a connection.
const OPENING: u32 = 1;

/// The states that rules are about, and what each adds to the number of a conjunction.
fn states(direction: Direction, stateful: bool) -> &'static [(State, u32)] {
    match (stateful, direction) {
        (true, _) => &[(FORWARD, 0), (NEW, OPENING)],
        (false, Direction::Ingress) => &[(NOT_NEW, 0), (NEW, OPENING)],
        (false, Direction::Egress) => &[(NOT_NEW, 0)],
    }
}
