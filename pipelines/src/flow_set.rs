//! Sets of flows, groups and meters.
//!
//! A switch knows a flow by its table, priority and match: there is one for each such key. Two
//! units may want the same one. If they agree, it stays until neither wants it; if both add to
//! conjunctions, it adds to those of both.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use imbl::{OrdMap, ordmap::DiffItem};
use openflow::{
    action::Action,
    field::{GroupId, MeterId},
    flow::Flow,
    group::Group,
    matching::Match,
    meter::Meter,
};
use smallvec::SmallVec;

use crate::unit::Unit;

/// What makes a flow a flow: no switch has two with equal keys.
///
/// Keys compare by table, priority and match. The flow itself is the key, so that it is in memory
/// once, in however many sets it is.
#[derive(Clone, Debug)]
pub struct Key(Arc<Flow>);

impl Key {
    /// The key of a flow.
    pub fn of(flow: &Arc<Flow>) -> Self {
        Self(Arc::clone(flow))
    }

    /// A flow that has the key.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.0
    }

    fn parts(&self) -> (u8, u16, &Match) {
        self.0.identity()
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Key {}

/// The flows, groups and meters of a bridge, or of a part of it.
///
/// A copy costs nothing, and shares what neither changes. Comparing a set with one that it was
/// copied from costs what they differ in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowSet {
    flows: OrdMap<Key, Arc<Flow>>,
    /// Groups.
    pub groups: BTreeMap<GroupId, Group>,
    /// Meters.
    pub meters: BTreeMap<MeterId, Meter>,
}

/// A flow that is in one of two sets, or differs.
#[derive(Debug, PartialEq, Eq)]
pub enum Difference<'a> {
    /// Only the other set has it.
    Added(&'a Arc<Flow>),
    /// The other set has another flow under its key.
    Modified {
        /// The flow of this set.
        old: &'a Arc<Flow>,
        /// The flow of the other set.
        new: &'a Arc<Flow>,
    },
    /// The other set has no flow under its key.
    Removed(&'a Arc<Flow>),
}

impl FlowSet {
    /// The flows, in the order of their keys.
    pub fn flows(&self) -> impl ExactSizeIterator<Item = &Arc<Flow>> {
        self.flows.values()
    }

    /// The keys of the flows, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.flows.keys()
    }

    /// The flow with a key.
    pub fn flow(&self, key: &Key) -> Option<&Arc<Flow>> {
        self.flows.get(key)
    }

    /// The flows of a table that have one priority.
    pub fn at(&self, table: u8, priority: u16) -> impl Iterator<Item = &Arc<Flow>> {
        let least = Key(Arc::new(Flow {
            table,
            priority,
            ..Flow::default()
        }));
        let flows = self.flows.range(least..).map(|(_, flow)| flow);
        flows.take_while(move |flow| (flow.table, flow.priority) == (table, priority))
    }

    /// The flows of a table.
    pub fn of_table(&self, table: u8) -> impl Iterator<Item = &Arc<Flow>> {
        let least = Key(Arc::new(Flow {
            table,
            priority: 0,
            ..Flow::default()
        }));
        let flows = self.flows.range(least..).map(|(_, flow)| flow);
        flows.take_while(move |flow| flow.table == table)
    }

    /// What turns the flows of this set into those of another.
    pub fn differences<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Difference<'a>> {
        self.flows.diff(&other.flows).map(|item| match item {
            DiffItem::Add(_, new) => Difference::Added(new),
            DiffItem::Update {
                old: (_, old),
                new: (_, new),
            } => Difference::Modified { old, new },
            DiffItem::Remove(_, old) => Difference::Removed(old),
        })
    }

    /// Adds a flow, to what the set has under its key.
    pub fn insert_flow(&mut self, mut flow: Flow) {
        // Of tens of thousands of lists, each has room for more than it will ever have.
        flow.instructions.apply_actions.shrink_to_fit();
        let flow = Arc::new(flow);
        match self.flow(&Key::of(&flow)) {
            Some(present) if present.instructions == flow.instructions => {}
            Some(present) => {
                let mut both = Flow::clone(present);
                merge(&mut both, &flow);
                self.put_flow(Arc::new(both));
            }
            None => {
                self.put_flow(flow);
            }
        }
    }

    /// Adds a flow, in place of the one with its key, which is given back.
    pub fn put_flow(&mut self, flow: Arc<Flow>) -> Option<Arc<Flow>> {
        let key = Key::of(&flow);
        // The key holds a flow too: that of the one that goes must not stay in memory.
        let replaced = self.flows.remove(&key);
        self.flows.insert(key, flow);
        replaced
    }

    /// Removes the flow with a key, which is given back.
    pub fn remove_flow(&mut self, key: &Key) -> Option<Arc<Flow>> {
        self.flows.remove(key)
    }

    /// Stays what it is, and shares in memory what another set has too.
    pub fn share(&mut self, other: &Self) {
        let mut shared = other.clone();
        for difference in self.differences(other) {
            match difference {
                Difference::Added(flow) => shared.remove_flow(&Key::of(flow)),
                Difference::Modified { old: flow, .. } | Difference::Removed(flow) => {
                    shared.put_flow(Arc::clone(flow))
                }
            };
        }
        self.flows = shared.flows;
    }

    /// Adds a group, in place of one with its number.
    pub fn insert_group(&mut self, group: Group) {
        self.groups.insert(group.id, group);
    }

    /// Adds a meter, in place of one with its number.
    pub fn insert_meter(&mut self, meter: Meter) {
        self.meters.insert(meter.id, meter);
    }
}

/// What one unit wants.
///
/// Units are many and change rarely, so their flows are plain lists, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    flows: Box<[Arc<Flow>]>,
    groups: BTreeMap<GroupId, Group>,
    meters: BTreeMap<MeterId, Meter>,
}

impl Wanted {
    fn flow(&self, key: &Key) -> Option<&Arc<Flow>> {
        let found = (self.flows).binary_search_by(|flow| flow.identity().cmp(&key.parts()));
        self.flows.get(found.ok()?)
    }

    fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.groups.is_empty() && self.meters.is_empty()
    }
}

/// The units that want something, in order; mostly it is one.
type Owners = SmallVec<[Arc<Unit>; 1]>;

/// What a bridge should have, and which unit wants what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    units: BTreeMap<Arc<Unit>, Wanted>,
    flows: BTreeMap<Key, Owners>,
    groups: BTreeMap<GroupId, Owners>,
    meters: BTreeMap<MeterId, Owners>,
    whole: Arc<FlowSet>,
}

impl Desired {
    /// What all units together want.
    pub fn flow_set(&self) -> &FlowSet {
        &self.whole
    }

    /// The same, to keep: it stays what it is when this changes.
    pub fn shared(&self) -> Arc<FlowSet> {
        Arc::clone(&self.whole)
    }

    /// Replaces what units want, all at once. A unit that is gone wants nothing.
    ///
    /// One unit may take the place that another leaves, as when two networks change their
    /// identifiers; one by one, both would want it for a moment.
    pub fn replace(&mut self, units: impl IntoIterator<Item = (Unit, FlowSet)>) {
        let mut touched = Touched::default();
        for (unit, wanted) in units {
            self.enter(unit, wanted, &mut touched);
        }
        for key in touched.flows {
            self.settle_flow(&key);
        }
        for id in touched.groups {
            self.settle_group(id);
        }
        for id in touched.meters {
            self.settle_meter(id);
        }
    }

    /// Notes what a unit wants, and what has to be settled for it: most of its flows stay.
    fn enter(&mut self, unit: Unit, wanted: FlowSet, touched: &mut Touched) {
        let unit = Arc::new(unit);
        let before = self.units.remove(&unit).unwrap_or_default();
        let mut flows = Vec::with_capacity(wanted.flows.len());
        let mut olds = before.flows.iter().peekable();
        for new in wanted.flows() {
            while let Some(gone) = olds.next_if(|old| old.identity() < new.identity()) {
                self.enter_flow(&unit, Some(gone), None, touched);
            }
            let old = olds.next_if(|old| old.identity() == new.identity());
            // What stays as it was is in memory once.
            let flow = old.filter(|old| *old == new).unwrap_or(new);
            if !old.is_some_and(|old| Arc::ptr_eq(old, flow)) {
                self.enter_flow(&unit, old, Some(new), touched);
            }
            flows.push(Arc::clone(flow));
        }
        for gone in olds {
            self.enter_flow(&unit, Some(gone), None, touched);
        }
        let wanted = Wanted {
            flows: flows.into(),
            groups: wanted.groups,
            meters: wanted.meters,
        };
        for id in before.groups.keys() {
            leave(&mut self.groups, id, &unit);
        }
        for id in before.meters.keys() {
            leave(&mut self.meters, id, &unit);
        }
        for id in wanted.groups.keys() {
            join(&mut self.groups, id, &unit);
        }
        for id in wanted.meters.keys() {
            join(&mut self.meters, id, &unit);
        }
        touched.groups.extend(wanted.groups.keys().copied());
        touched.groups.extend(before.groups.into_keys());
        touched.meters.extend(wanted.meters.keys().copied());
        touched.meters.extend(before.meters.into_keys());
        if !wanted.is_empty() {
            self.units.insert(unit, wanted);
        }
    }

    /// Notes that a unit wants a flow in place of another.
    fn enter_flow(
        &mut self,
        unit: &Arc<Unit>,
        old: Option<&Arc<Flow>>,
        new: Option<&Arc<Flow>>,
        touched: &mut Touched,
    ) {
        if let Some(old) = old {
            leave(&mut self.flows, &Key::of(old), unit);
        }
        if let Some(new) = new {
            join(&mut self.flows, &Key::of(new), unit);
        }
        // Of two flows with one key, the one that is wanted now.
        touched.flows.extend(new.or(old).map(Key::of));
    }

    /// Brings one flow of the whole in line with the units that want it.
    fn settle_flow(&mut self, key: &Key) {
        let units = self.flows.get(key).into_iter().flatten();
        let mut wanted = units.filter_map(|unit| self.units.get(unit)?.flow(key));
        let settled = wanted.next().cloned().map(|mut flow| {
            for other in wanted {
                if other.instructions != flow.instructions {
                    merge(Arc::make_mut(&mut flow), other);
                }
            }
            flow
        });
        if self.whole.flow(key) != settled.as_ref() {
            let whole = Arc::make_mut(&mut self.whole);
            match settled {
                Some(flow) => whole.put_flow(flow),
                None => whole.remove_flow(key),
            };
        }
    }

    fn settle_group(&mut self, id: GroupId) {
        let units = self.groups.get(&id).into_iter().flatten();
        let mut wanted = units.filter_map(|unit| self.units.get(unit)?.groups.get(&id));
        let settled = wanted.next().cloned();
        if self.whole.groups.get(&id) != settled.as_ref() {
            let whole = Arc::make_mut(&mut self.whole);
            match settled {
                Some(group) => whole.groups.insert(id, group),
                None => whole.groups.remove(&id),
            };
        }
    }

    fn settle_meter(&mut self, id: MeterId) {
        let units = self.meters.get(&id).into_iter().flatten();
        let mut wanted = units.filter_map(|unit| self.units.get(unit)?.meters.get(&id));
        let settled = wanted.next().cloned();
        if self.whole.meters.get(&id) != settled.as_ref() {
            let whole = Arc::make_mut(&mut self.whole);
            match settled {
                Some(meter) => whole.meters.insert(id, meter),
                None => whole.meters.remove(&id),
            };
        }
    }
}

/// What a replacement may change.
#[derive(Default)]
struct Touched {
    flows: BTreeSet<Key>,
    groups: BTreeSet<GroupId>,
    meters: BTreeSet<MeterId>,
}

fn join<K: Ord + Clone>(wanted: &mut BTreeMap<K, Owners>, key: &K, unit: &Arc<Unit>) {
    let owners = wanted.entry(key.clone()).or_default();
    if let Err(place) = owners.binary_search(unit) {
        owners.insert(place, Arc::clone(unit));
    }
}

fn leave<K: Ord>(wanted: &mut BTreeMap<K, Owners>, key: &K, unit: &Arc<Unit>) {
    if let Some(owners) = wanted.get_mut(key) {
        owners.retain(|owner| owner != unit);
        if owners.is_empty() {
            wanted.remove(key);
        }
    }
}

/// Makes one flow of two with one key.
fn merge(flow: &mut Flow, other: &Flow) {
    let conjunctions = |flow: &Flow| -> Option<BTreeMap<(u32, u8), Action>> {
        let number = |action: &Action| match action {
            Action::Conjunction(body) => Some(((body.id, body.dimension), action.clone())),
            _ => None,
        };
        flow.instructions.apply_actions.iter().map(number).collect()
    };
    let both = conjunctions(flow).zip(conjunctions(other));
    debug_assert!(
        both.is_some(),
        "two flows with one match: {flow} and {other}"
    );
    if let Some((mut all, more)) = both {
        all.extend(more);
        flow.instructions.apply_actions = all.into_values().collect();
    }
}
