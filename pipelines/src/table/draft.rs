//! How a table writes its flows.
//!
//! A [`Draft`] reads as the flow does: conditions, then actions, then the verb that ends it. It
//! must end, so that no flow is silent about its packet.

use std::net::Ipv4Addr;

use ipnet::IpNet;
use openflow::{
    action::{
        Action, AddressRange, CheckPktLarger, Conjunction, Controller2, Ct, CtClear, DecNwTtl,
        Group as ToGroup, Learn2, Nat, NatFlags, Output, PopVlan, PortRange, PushVlan, RegLoad,
        RegMove, Resubmit, SetField, StackPop, StackPush, Subfield,
    },
    field::{
        CT_MARK, CT_STATE, EthType, Field, GroupId, ICMPV6_CODE, ICMPV6_TYPE, IN_PORT_16, MeterId,
        PortNo, Value,
    },
    flow::Flow,
    group::{Bucket, Group, GroupType},
    instruction::Instructions,
    matching::Match,
    meter::Meter,
};

use super::{Addresses, State, Table};
use crate::{
    br_int,
    cookie::Cookie,
    flow_set::FlowSet,
    link, logging, peer,
    registers::{NETWORK, ORIGIN_TABLE, ROUTER, Register, TOO_LARGE},
    routed::LocalRouter,
    service,
    site::LocalPort,
};

/// The flows of one unit in one table.
pub(crate) struct Flows<'a> {
    table: &'static Table,
    cookie: Cookie,
    into: &'a mut FlowSet,
}

impl<'a> Flows<'a> {
    pub(crate) fn new(table: &'static Table, cookie: Cookie, into: &'a mut FlowSet) -> Self {
        Self {
            table,
            cookie,
            into,
        }
    }

    /// Starts a flow.
    pub(crate) fn at(&mut self, priority: u16) -> Draft<'_> {
        Draft {
            cookie: self.cookie,
            into: self.into,
            priority,
            matching: Match::default(),
            actions: Actions::new(self.table),
        }
    }

    /// Declares a group that sends a copy of the packet through each bucket.
    pub(crate) fn group(&mut self, id: GroupId, buckets: Vec<Actions>) {
        let buckets = buckets.into_iter().map(|actions| Bucket::of(actions.list));
        self.into.insert_group(Group {
            id,
            kind: GroupType::ALL,
            buckets: buckets.collect(),
        });
    }
}

/// What a run of a register and a field have in common: a packet holds a value there.
pub(crate) trait Place<T> {
    fn matching(self, matching: Match, value: T) -> Match;
    fn set(self, value: T) -> Action;
}

impl<T: Value> Place<T> for Field<T> {
    fn matching(self, matching: Match, value: T) -> Match {
        matching.with(self, value)
    }

    fn set(self, value: T) -> Action {
        SetField::new(self, value).into()
    }
}

impl Place<u32> for Register {
    fn matching(self, matching: Match, value: u32) -> Match {
        self.matching(matching, value)
    }

    fn set(self, value: u32) -> Action {
        self.set(value)
    }
}

/// What a table does to a packet, in order.
#[must_use = "actions belong to a flow or a bucket"]
pub(crate) struct Actions {
    table: &'static Table,
    list: Vec<Action>,
}

impl Actions {
    pub(crate) fn new(table: &'static Table) -> Self {
        Self {
            table,
            list: Vec::new(),
        }
    }

    fn push(mut self, action: impl Into<Action>) -> Self {
        self.list.push(action.into());
        self
    }

    pub(crate) fn set<T>(self, place: impl Place<T>, value: T) -> Self {
        self.push(place.set(value))
    }

    pub(crate) fn push_vlan(self) -> Self {
        self.push(PushVlan {
            eth_type: EthType::VLAN,
        })
    }

    pub(crate) fn output(self, port: PortNo) -> Self {
        self.push(Output::to(port))
    }

    /// Looks the packet up in a later table, then goes on with it as it came back.
    pub(crate) fn resubmit(self, next: &'static Table) -> Self {
        let number = self.next(next);
        self.push(Resubmit::to(number))
    }

    /// The number of a table that this one declares to continue in.
    fn next(&self, next: &'static Table) -> u8 {
        let declared = self
            .table
            .next
            .iter()
            .any(|table| table.number == next.number);
        debug_assert!(declared, "{} does not list {}", self.table.name, next.name);
        next.number
    }
}

/// A flow being written.
#[must_use = "a flow ends with goto, resubmit, output, drop, ..."]
pub(crate) struct Draft<'a> {
    cookie: Cookie,
    into: &'a mut FlowSet,
    priority: u16,
    matching: Match,
    actions: Actions,
}

/// Conditions.
impl Draft<'_> {
    /// Adds all the conditions of a match.
    pub(crate) fn like(self, matching: Match) -> Self {
        debug_assert!(self.matching.is_empty(), "conditions would be lost");
        Self { matching, ..self }
    }

    pub(crate) fn when<T>(self, place: impl Place<T>, value: T) -> Self {
        Self {
            matching: place.matching(self.matching, value),
            ..self
        }
    }

    pub(crate) fn when_masked<T: Value>(self, field: Field<T>, value: T, mask: T) -> Self {
        Self {
            matching: self.matching.masked(field, value, mask),
            ..self
        }
    }

    pub(crate) fn when_in(self, addresses: Addresses, block: IpNet) -> Self {
        Self {
            matching: addresses.within(self.matching, block),
            ..self
        }
    }

    pub(crate) fn in_state(self, state: State) -> Self {
        self.when_masked(CT_STATE, state.value, state.mask)
    }
}

/// Actions that leave the flow open.
impl Draft<'_> {
    fn push(self, action: impl Into<Action>) -> Self {
        Self {
            actions: self.actions.push(action),
            ..self
        }
    }

    pub(crate) fn set<T>(self, place: impl Place<T>, value: T) -> Self {
        Self {
            actions: self.actions.set(place, value),
            ..self
        }
    }

    pub(crate) fn copy<T: Value>(self, from: Field<T>, to: Field<T>) -> Self {
        self.push(RegMove::new(from.whole(), to.whole()))
    }

    /// Exchanges what two fields hold.
    pub(crate) fn swap<T: Value>(self, one: Field<T>, other: Field<T>) -> Self {
        self.push(StackPush {
            source: one.whole(),
        })
        .copy(other, one)
        .push(StackPop {
            target: other.whole(),
        })
    }

    /// Copies what has other types on both sides, and the same number of bits.
    pub(crate) fn copy_bits(self, from: Subfield, to: Subfield) -> Self {
        self.push(RegMove::new(from, to))
    }

    /// Notes whether the packet is larger than an MTU.
    pub(crate) fn compare_with(self, mtu: u16) -> Self {
        /// The length of an Ethernet header, which an MTU is without.
        const ETHERNET: u16 = 14;
        self.push(CheckPktLarger {
            length: mtu.saturating_add(ETHERNET),
            target: TOO_LARGE.bits(),
        })
    }

    /// One hop less is left.
    pub(crate) fn dec_ttl(self) -> Self {
        self.push(DecNwTtl)
    }

    /// Forgets the port that the packet came in by, so that it may leave by it.
    pub(crate) fn forget_in_port(self) -> Self {
        self.push(RegLoad::new(IN_PORT_16.whole(), NO_PORT))
    }

    pub(crate) fn push_vlan(self) -> Self {
        Self {
            actions: self.actions.push_vlan(),
            ..self
        }
    }

    pub(crate) fn pop_vlan(self) -> Self {
        self.push(PopVlan)
    }

    pub(crate) fn ct_clear(self) -> Self {
        self.push(CtClear)
    }

    /// Commits the connection in the zone of the packet's network.
    pub(crate) fn commit(self) -> Self {
        self.push(Ct {
            commit: true,
            ..in_zone()
        })
    }

    /// Commits the connection, and has the helper of a port listen to it.
    pub(crate) fn commit_helped(self, alg: u16) -> Self {
        self.push(Ct {
            commit: true,
            alg,
            ..in_zone()
        })
    }

    /// Commits the connection with a mark.
    pub(crate) fn commit_marked(self, mark: u32) -> Self {
        let actions = vec![SetField::new(CT_MARK, mark).into()];
        self.push(Ct {
            commit: true,
            actions,
            ..in_zone()
        })
    }

    pub(crate) fn learn(self, learn: Learn2) -> Self {
        self.push(learn)
    }

    /// Shows the packet to the agent.
    pub(crate) fn report(self) -> Self {
        self.push(Output::to_controller())
    }

    /// Shows the start of the packet to the agent, to be logged, unless there are too many.
    pub(crate) fn log(self) -> Self {
        self.into.insert_meter(logging::meter());
        self.push(Controller2 {
            max_len: logging::LENGTH,
            meter: Some(logging::METER.0),
            ..Controller2::default()
        })
    }

    /// Sends the packet to the agent, unless its port exceeds its rate.
    pub(crate) fn packet_in(self, port: LocalPort<'_>) -> Self {
        self.metered_packet_in(service::meter(port))
    }

    /// Sends the packet to the agent, unless what others send to the router exceeds its rate.
    pub(crate) fn packet_in_for_router(self, router: LocalRouter<'_>) {
        self.metered_packet_in(service::router_meter(router)).done();
    }

    fn metered_packet_in(self, meter: Meter) -> Self {
        let MeterId(number) = meter.id;
        self.into.insert_meter(meter);
        self.push(Controller2 {
            meter: Some(number),
            ..Controller2::default()
        })
    }

    /// Sends the packet to the agent by ROUTER_PACKET_IN, which knows the limits of its sender.
    pub(crate) fn router_packet_in(self) {
        let origin = self.actions.table.number.into();
        self.set(ORIGIN_TABLE, origin)
            .resubmit(br_int::ROUTER_PACKET_IN);
    }

    /// Shows the frame to the agent, as another agent sent it, unless there are too many.
    pub(crate) fn hear(self) {
        let meter = peer::meter();
        let MeterId(number) = meter.id;
        self.into.insert_meter(meter);
        self.push(Controller2 {
            meter: Some(number),
            ..Controller2::default()
        })
        .done();
    }

    pub(crate) fn copy_to(self, port: PortNo) -> Self {
        Self {
            actions: self.actions.output(port),
            ..self
        }
    }

    /// Adds what a function adds.
    pub(crate) fn then(self, more: impl FnOnce(Actions) -> Actions) -> Self {
        Self {
            actions: more(self.actions),
            ..self
        }
    }

    pub(crate) fn act(self, actions: Actions) -> Self {
        actions.list.into_iter().fold(self, Self::push)
    }
}

/// Verbs that end the flow.
impl Draft<'_> {
    /// Continues in a later table with the instruction that OpenFlow has for it.
    pub(crate) fn goto(self, next: &'static Table) {
        let table = self.actions.table;
        debug_assert!(
            table.number < next.number,
            "{} goes back to {}: OpenFlow's goto_table only goes up, resubmit",
            table.name,
            next.name
        );
        let next = self.actions.next(next);
        self.end(Some(next));
    }

    /// Continues in a later table with the action that Open vSwitch adds.
    pub(crate) fn resubmit(self, next: &'static Table) {
        Self {
            actions: self.actions.resubmit(next),
            ..self
        }
        .done();
    }

    /// Has the packet tracked in the zone of its network, then continues in a later table.
    pub(crate) fn track(self, next: &'static Table) {
        let table = self.actions.next(next);
        self.push(Ct {
            table: Some(table),
            ..in_zone()
        })
        .done();
    }

    /// Has the packet tracked in a zone of no network, then continues in a later table.
    pub(crate) fn track_in(self, zone: u16, next: &'static Table) {
        let table = self.actions.next(next);
        self.push(Ct {
            zone: zone.into(),
            table: Some(table),
            ..Ct::default()
        })
        .done();
    }

    /// Changes the mark of the packet's connection, and has the packet tracked again with it.
    pub(crate) fn track_marked(self, mark: u32, next: &'static Table) {
        let table = self.actions.next(next);
        let actions = vec![SetField::new(CT_MARK, mark).into()];
        self.push(Ct {
            commit: true,
            table: Some(table),
            actions,
            ..in_zone()
        })
        .done();
    }

    /// Translates the packet as its connection through the router is, and opens one with a
    /// translation of its own if it has none; then continues in a later table.
    pub(crate) fn translate(self, to: Translation, next: &'static Table) {
        let table = self.actions.next(next);
        let (commit, flags, address) = match to {
            Translation::Known => (false, NatFlags::empty(), None),
            Translation::Source(ip) => (true, NatFlags::SRC, Some((ip, None))),
            Translation::Destination(ip, port) => (true, NatFlags::DST, Some((ip, port))),
        };
        let nat = Nat {
            flags,
            addresses: address.map_or(AddressRange::None, |(ip, _)| AddressRange::V4(ip, None)),
            ports: address.and_then(|(_, port)| port).map(|port| PortRange {
                first: port,
                last: None,
            }),
        };
        self.push(Ct {
            commit,
            zone: ROUTER.field.slice(0, 15).into(),
            table: Some(table),
            actions: vec![nat.into()],
            ..Ct::default()
        })
        .done();
    }

    pub(crate) fn output(self, port: PortNo) {
        self.copy_to(port).done();
    }

    pub(crate) fn normal(self) {
        self.output(PortNo::NORMAL);
    }

    pub(crate) fn group(self, id: GroupId) {
        self.push(ToGroup { group: id }).done();
    }

    /// Adds the packet to one of the two sets that each of the conjunctions is made of.
    pub(crate) fn conjunctions(self, ids: impl Iterator<Item = u32>, clause: u8) {
        let actions = ids.map(|id| Conjunction::new(id, clause, CLAUSES));
        actions.fold(self, Self::push).done();
    }

    pub(crate) fn drop(self) {
        debug_assert!(
            self.actions.list.is_empty(),
            "a packet that is dropped needs no actions"
        );
        self.done();
    }

    /// Ends a flow whose last action is already there.
    pub(crate) fn done(self) {
        self.end(None);
    }

    fn end(self, goto_table: Option<u8>) {
        let Self {
            cookie,
            into,
            priority,
            matching,
            actions,
        } = self;
        let unmet = matching.unmet();
        debug_assert!(unmet.is_none(), "{matching} lacks what {unmet:?} needs");
        debug_assert!(
            matching.value(ICMPV6_CODE).is_some() || !names_nd(&matching, &actions.list),
            "{matching} lacks icmp_code, without which the datapath takes one message for all"
        );
        let table = actions.table.number;
        into.insert_flow(Flow {
            table,
            priority,
            matching,
            cookie: cookie.get(),
            instructions: Instructions {
                goto_table,
                ..Instructions::apply(actions.list)
            },
            ..Flow::default()
        });
    }
}

/// Whether a flow matches, reads or sets a field of neighbour discovery messages.
fn names_nd(matching: &Match, actions: &[Action]) -> bool {
    // The fields need one of the two types, so most flows need no look at their text.
    let messages = [link::NEIGHBOUR_SOLICITATION, link::NEIGHBOUR_ADVERTISEMENT];
    let is_nd = matching.value(ICMPV6_TYPE);
    let fields = [
        "nd_target",
        "nd_sll",
        "nd_tll",
        "nd_reserved",
        "nd_options_type",
    ];
    is_nd.is_some_and(|icmp_type| messages.contains(&icmp_type)) && {
        let texts = actions.iter().map(Action::to_string);
        let mut texts = texts.chain([matching.to_string()]);
        texts.any(|text| {
            let text = text.to_lowercase();
            fields.iter().any(|field| text.contains(field))
        })
    }
}

/// The port of packets that came in by none: `OFPP_NONE` of OpenFlow 1.0.
const NO_PORT: u64 = 0xffff;

/// How a router translates a packet that opens a connection.
#[derive(Clone, Copy)]
pub(crate) enum Translation {
    /// Not at all.
    Known,
    /// It seems to come from another address.
    Source(Ipv4Addr),
    /// It goes to another address, and perhaps to another port.
    Destination(Ipv4Addr, Option<u16>),
}

/// How many sets a conjunction is made of.
const CLAUSES: u8 = 2;

/// Tracking in the zone of the packet's network.
///
/// A zone has 16 bits; local VLANs fit.
fn in_zone() -> Ct {
    Ct {
        zone: NETWORK.field.slice(0, 15).into(),
        ..Ct::default()
    }
}
