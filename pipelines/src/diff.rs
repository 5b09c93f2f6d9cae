//! The changes that turn what a bridge has into what it should have.
//!
//! A switch takes the changes in order, and refuses a flow that names a group it does not know. So
//! groups come before flows and go after them; and flows come before others go, so that no packet
//! meets a gap even where the changes are not taken as one bundle.
//!
//! A flow that shows packets and names a meter is bound to the meter when it comes (Open vSwitch
//! 3.1): without one it shows all of them, and a meter that comes later is not its own. So where a
//! meter is new, the flows that name it are put again.

use std::{fmt, sync::Arc};

use openflow::{
    action::Action,
    field::{GroupId, MeterId},
    flow::Flow,
    group::Group,
    meter::Meter,
};

use crate::{
    br_int, br_tun,
    cookie::Cookie,
    flow_set::{Difference, FlowSet, Key},
    logging, peer, service,
};

/// One change.
///
/// A full state is tens of thousands of them, so what is rare and large stands apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A meter that is new.
    AddMeter(Box<Meter>),
    /// A meter whose rate changes.
    ModifyMeter(Box<Meter>),
    /// A group that is new.
    AddGroup(Box<Group>),
    /// A group whose buckets change.
    ModifyGroup(Box<Group>),
    /// A flow that is new, or takes the place of the one with its key.
    PutFlow(Arc<Flow>),
    /// A flow that goes; its match and priority are taken strictly.
    DeleteFlow(Key),
    /// A group that goes.
    DeleteGroup(GroupId),
    /// A meter that goes.
    DeleteMeter(MeterId),
}

impl fmt::Display for Change {
    /// In the manner of `ovs-ofctl diff-flows`: `+` before what comes, `-` before what goes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddMeter(meter) | Self::ModifyMeter(meter) => {
                // A meter is a line, and a line for each band.
                write!(f, "+{}", meter.to_string().replace('\n', " "))
            }
            Self::AddGroup(group) | Self::ModifyGroup(group) => write!(f, "+group {group}"),
            Self::PutFlow(flow) => write!(f, "+{flow}"),
            Self::DeleteFlow(key) => {
                let (table, priority, matching) = key.flow().identity();
                let comma = if matching.is_empty() { "" } else { "," };
                write!(f, "-table={table}, priority={priority}{comma}{matching}")
            }
            Self::DeleteGroup(id) => write!(f, "-group group_id={id}"),
            Self::DeleteMeter(id) => write!(f, "-meter={id}"),
        }
    }
}

/// The smallest list of changes, in an order that the switch accepts.
///
/// Flows, groups and meters that were not compiled from a model stay, unless a flow stands in the place of
/// one that is desired.
pub fn diff(installed: &FlowSet, desired: &FlowSet) -> Vec<Change> {
    let meters = desired
        .meters
        .iter()
        .filter_map(|(id, meter)| match installed.meters.get(id) {
            Some(present) if present == meter => None,
            Some(_) => Some(Change::ModifyMeter(Box::new(meter.clone()))),
            None => Some(Change::AddMeter(Box::new(meter.clone()))),
        });
    let groups = desired
        .groups
        .iter()
        .filter_map(|(id, group)| match installed.groups.get(id) {
            Some(present) if present == group => None,
            Some(_) => Some(Change::ModifyGroup(Box::new(group.clone()))),
            None => Some(Change::AddGroup(Box::new(group.clone()))),
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
    puts.extend(rebound(installed, desired));
    let unused = installed
        .groups
        .keys()
        .filter(|id| is_ours(**id) && !desired.groups.contains_key(*id));
    let group_deletes = unused.map(|id| Change::DeleteGroup(*id));
    let unused = installed.meters.keys();
    let single = [logging::METER, peer::METER];
    let ours = |id: &&MeterId| single.contains(*id) || service::is_meter(**id);
    let unused = unused.filter(|id| ours(id) && !desired.meters.contains_key(*id));
    meters
        .chain(groups)
        .chain(puts)
        .chain(deletes)
        .chain(group_deletes)
        .chain(unused.map(|id| Change::DeleteMeter(*id)))
        .collect()
}

/// The flows that are as they should be, but name a meter that is new.
///
/// Every port brings a meter, so only tables that show packets are looked through.
fn rebound(installed: &FlowSet, desired: &FlowSet) -> impl Iterator<Item = Change> {
    let new: Vec<_> = (desired.meters.keys().copied())
        .filter(|id| !installed.meters.contains_key(id))
        .collect();
    let shows = |table: &u8| br_int::shows(*table) || br_tun::shows(*table);
    let tables = (0..=u8::MAX).filter(|table| !new.is_empty() && shows(table));
    let flows = tables.flat_map(|table| desired.of_table(table));
    let named = flows.filter(|flow| names(flow, &new));
    let present = named.filter(|flow| installed.flow(&Key::of(flow)) == Some(*flow));
    let rebound: Vec<_> = present.cloned().collect();
    rebound.into_iter().map(Change::PutFlow)
}

/// Whether a flow shows packets through one of some meters.
fn names(flow: &Flow, meters: &[MeterId]) -> bool {
    let named = |action: &Action| match action {
        Action::Controller2(body) => body.meter.is_some_and(|id| meters.contains(&MeterId(id))),
        _ => false,
    };
    flow.instructions.apply_actions.iter().any(named)
}

/// Installed flows that were not compiled from a model: somebody else's, or learned.
pub fn foreign(installed: &FlowSet) -> impl Iterator<Item = &Arc<Flow>> {
    installed
        .flows()
        .filter(|flow| !Cookie::is_ours(flow.cookie))
}

/// A group carries no cookie; those of this crate are numbered as local VLANs are, or have the brand.
fn is_ours(id: GroupId) -> bool {
    (1..=4094).contains(&id.0) || br_int::is_group(id)
}
