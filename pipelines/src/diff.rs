//! The changes that turn what a bridge has into what it should have.
//!
//! A switch takes the changes in order, and refuses a flow that names a group it does not know. So
//! groups come before flows and go after them; and flows come before others go, so that no packet
//! meets a gap even where the changes are not taken as one bundle.

use std::{fmt, sync::Arc};

use openflow::{field::GroupId, flow::Flow, group::Group};

use crate::{
    cookie::Cookie,
    flow_set::{Difference, FlowSet, Key},
};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A group that is new.
    AddGroup(Group),
    /// A group whose buckets change.
    ModifyGroup(Group),
    /// A flow that is new, or takes the place of the one with its key.
    PutFlow(Arc<Flow>),
    /// A flow that goes; its match and priority are taken strictly.
    DeleteFlow(Key),
    /// A group that goes.
    DeleteGroup(GroupId),
}

impl fmt::Display for Change {
    /// In the manner of `ovs-ofctl diff-flows`: `+` before what comes, `-` before what goes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddGroup(group) | Self::ModifyGroup(group) => write!(f, "+group {group}"),
            Self::PutFlow(flow) => write!(f, "+{flow}"),
            Self::DeleteFlow(key) => {
                let (table, priority, matching) = key.flow().identity();
                let comma = if matching.is_empty() { "" } else { "," };
                write!(f, "-table={table}, priority={priority}{comma}{matching}")
            }
            Self::DeleteGroup(id) => write!(f, "-group group_id={id}"),
        }
    }
}

/// The smallest list of changes, in an order that the switch accepts.
///
/// Flows and groups that were not compiled from a model stay, unless a flow stands in the place of
/// one that is desired.
pub fn diff(installed: &FlowSet, desired: &FlowSet) -> Vec<Change> {
    let groups = desired
        .groups
        .iter()
        .filter_map(|(id, group)| match installed.groups.get(id) {
            Some(present) if present == group => None,
            Some(_) => Some(Change::ModifyGroup(group.clone())),
            None => Some(Change::AddGroup(group.clone())),
        });
    let mut puts = Vec::new();
    let mut deletes = Vec::new();
    for difference in installed.differences(desired) {
        match difference {
            Difference::Added(new) | Difference::Modified { new, .. } => {
                puts.push(Change::PutFlow(Arc::clone(new)));
            }
            Difference::Removed(old) if Cookie::is_ours(old.cookie) => {
                deletes.push(Change::DeleteFlow(Key::of(old)));
            }
            Difference::Removed(_) => {}
        }
    }
    let unused = installed
        .groups
        .keys()
        .filter(|id| is_ours(**id) && !desired.groups.contains_key(*id));
    let group_deletes = unused.map(|id| Change::DeleteGroup(*id));
    groups
        .chain(puts)
        .chain(deletes)
        .chain(group_deletes)
        .collect()
}

/// Installed flows that were not compiled from a model: somebody else's, or learned.
pub fn foreign(installed: &FlowSet) -> impl Iterator<Item = &Arc<Flow>> {
    installed
        .flows()
        .filter(|flow| !Cookie::is_ours(flow.cookie))
}

/// A group carries no cookie; those of this crate are numbered as local VLANs are.
fn is_ours(id: GroupId) -> bool {
    (1..=4094).contains(&id.0)
}
