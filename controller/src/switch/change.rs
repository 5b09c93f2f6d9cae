//! The messages that carry changes out, and the change that a refusal is about.

use openflow::RequestError;
use openflow::group::Group;
use openflow::message::{Error, ErrorCode, FlowMod, GroupMod, Message, MeterMod};
use openflow::meter::Meter;
use openflow::session::BundleError;
use pipelines::diff::Change;
use pipelines::flow_set::{FlowSet, Key};

/// The change for which a bundle failed, what is wrong with it, and whether others can make room
/// for it.
pub(super) fn culprit(changes: &[Change], error: &RequestError) -> Option<(Change, String, bool)> {
    match error {
        RequestError::Bundle(BundleError::Refused(culprit)) => {
            let change = changes.get(culprit.index)?;
            let reason = format!("{change}: {}", culprit.error);
            Some((change.clone(), reason, lacks_room(&culprit.error)))
        }
        RequestError::Bundle(BundleError::TooLong { index, error }) => {
            let change = changes.get(*index)?;
            // What it does is what is too long.
            let name = match change {
                Change::PutFlow(flow) => {
                    let (table, priority, matching) = flow.identity();
                    format!("table={table}, priority={priority}, {matching}")
                }
                Change::AddGroup(group) | Change::ModifyGroup(group) => {
                    format!("group_id={}", group.id)
                }
                _ => change.to_string(),
            };
            Some((change.clone(), format!("{name}: {error}"), false))
        }
        _ => None,
    }
}

/// Whether the switch would take the change if it had room: the table is full, say.
pub(super) fn lacks_room(error: &Error) -> bool {
    let full = [
        ErrorCode::OFPFMFC_TABLE_FULL,
        ErrorCode::OFPGMFC_OUT_OF_GROUPS,
        ErrorCode::OFPGMFC_OUT_OF_BUCKETS,
        ErrorCode::OFPMMFC_OUT_OF_METERS,
    ];
    full.contains(&error.code)
}

/// Whether a change is about a meter.
pub(super) fn is_meter(change: &Change) -> bool {
    puts_meter(change) || matches!(change, Change::DeleteMeter(_))
}

/// Whether a meter is to be as the change says.
pub(super) fn puts_meter(change: &Change) -> bool {
    matches!(change, Change::AddMeter(_) | Change::ModifyMeter(_))
}

/// The message that carries a change out.
pub(super) fn message(change: &Change) -> Message {
    match change {
        Change::AddGroup(group) => GroupMod::add(Group::clone(group)).into(),
        Change::ModifyGroup(group) => GroupMod::modify(Group::clone(group)).into(),
        Change::DeleteGroup(id) => GroupMod::delete(*id).into(),
        Change::AddMeter(meter) => MeterMod::add(Meter::clone(meter)).into(),
        Change::ModifyMeter(meter) => MeterMod::modify(Meter::clone(meter)).into(),
        Change::DeleteMeter(id) => MeterMod::delete(*id).into(),
        Change::PutFlow(flow) => FlowMod::add(flow).into(),
        Change::DeleteFlow(key) => FlowMod::delete_strict(key.flow().identity()).into(),
    }
}

/// What somebody else has done, if this change undoes it: what it was, and what it had become.
pub(super) fn told(change: &Change, installed: &FlowSet) -> String {
    match change {
        Change::PutFlow(flow) => match installed.flow(&Key::of(flow)) {
            Some(became) => format!("put back flow {flow}: it had become {became}"),
            None => format!("put back flow {flow}: it was deleted"),
        },
        Change::DeleteFlow(key) => match installed.flow(key) {
            Some(flow) => format!("removed flow {flow}: somebody else added it as brint's"),
            None => change.to_string(),
        },
        Change::ModifyGroup(group) => match installed.groups.get(&group.id) {
            Some(became) => format!("put back group {group}: it had become {became}"),
            None => change.to_string(),
        },
        Change::ModifyMeter(meter) => match installed.meters.get(&meter.id) {
            Some(became) => format!("put back meter {meter}: it had become {became}"),
            None => change.to_string(),
        },
        Change::AddMeter(meter) => format!("put back meter {meter}: it was deleted"),
        Change::DeleteMeter(id) => format!("removed meter {id}: somebody else added it"),
        Change::AddGroup(group) => format!("put back group {group}: it was deleted"),
        Change::DeleteGroup(id) => format!("removed group {id}: somebody else added it"),
    }
}
