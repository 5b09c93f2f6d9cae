//! Sets of flows and groups.
//!
//! A switch knows a flow by its table, priority and match: there is one for each such key. Two
//! units may want the same one. If they agree, it stays until neither wants it; if both add to
//! conjunctions, it adds to those of both.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::Arc,
};

use openflow::{action::Action, field::GroupId, flow::Flow, group::Group, matching::Match};

use crate::unit::Unit;

/// What makes a flow a flow: no switch has two with equal keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The table.
    pub table: u8,
    /// The priority.
    pub priority: u16,
    /// The match.
    pub matching: Match,
}

impl Key {
    /// The key of a flow.
    pub fn of(flow: &Flow) -> Self {
        let (table, priority, matching) = flow.identity();
        Self {
            table,
            priority,
            matching: matching.clone(),
        }
    }
}

/// The flows and groups of a bridge, or of a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowSet {
    /// Flows.
    pub flows: BTreeMap<Key, Flow>,
    /// Groups.
    pub groups: BTreeMap<GroupId, Group>,
}

impl FlowSet {
    /// Adds a flow, to what the set has under its key.
    pub fn insert_flow(&mut self, flow: Flow) {
        match self.flows.entry(Key::of(&flow)) {
            Entry::Vacant(entry) => {
                entry.insert(flow);
            }
            Entry::Occupied(mut entry) => merge(entry.get_mut(), &flow),
        }
    }

    /// Adds a group, in place of one with its number.
    pub fn insert_group(&mut self, group: Group) {
        self.groups.insert(group.id, group);
    }
}

/// What a bridge should have, and which unit wants what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    units: BTreeMap<Unit, FlowSet>,
    flows: BTreeMap<Key, BTreeSet<Unit>>,
    groups: BTreeMap<GroupId, BTreeSet<Unit>>,
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

    /// What one unit wants.
    pub fn unit(&self, unit: &Unit) -> Option<&FlowSet> {
        self.units.get(unit)
    }

    /// Replaces what a unit wants. A unit that is gone wants nothing.
    pub fn replace(&mut self, unit: &Unit, wanted: FlowSet) {
        let before = self.units.remove(unit).unwrap_or_default();
        for key in before.flows.keys() {
            leave(&mut self.flows, key, unit);
        }
        for id in before.groups.keys() {
            leave(&mut self.groups, id, unit);
        }
        for key in wanted.flows.keys() {
            self.flows
                .entry(key.clone())
                .or_default()
                .insert(unit.clone());
        }
        for id in wanted.groups.keys() {
            self.groups.entry(*id).or_default().insert(unit.clone());
        }
        let keys: BTreeSet<_> = before
            .flows
            .keys()
            .chain(wanted.flows.keys())
            .cloned()
            .collect();
        let ids: BTreeSet<_> = before
            .groups
            .keys()
            .chain(wanted.groups.keys())
            .copied()
            .collect();
        if wanted != FlowSet::default() {
            self.units.insert(unit.clone(), wanted);
        }
        for key in keys {
            self.settle_flow(key);
        }
        for id in ids {
            self.settle_group(id);
        }
    }

    /// Brings one flow of the whole in line with the units that want it.
    fn settle_flow(&mut self, key: Key) {
        let units = self.flows.get(&key).into_iter().flatten();
        let mut wanted = units.filter_map(|unit| self.units.get(unit)?.flows.get(&key));
        let settled = wanted.next().cloned().map(|mut flow| {
            wanted.for_each(|other| merge(&mut flow, other));
            flow
        });
        if self.whole.flows.get(&key) != settled.as_ref() {
            let whole = Arc::make_mut(&mut self.whole);
            match settled {
                Some(flow) => whole.flows.insert(key, flow),
                None => whole.flows.remove(&key),
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
}

fn leave<K: Ord>(wanted: &mut BTreeMap<K, BTreeSet<Unit>>, key: &K, unit: &Unit) {
    if let Some(units) = wanted.get_mut(key) {
        units.remove(unit);
        if units.is_empty() {
            wanted.remove(key);
        }
    }
}

/// Makes one flow of two with one key.
fn merge(flow: &mut Flow, other: &Flow) {
    if flow.instructions == other.instructions {
        return;
    }
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
