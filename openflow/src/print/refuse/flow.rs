//! What OVS refuses of flows and groups that can be read.

use super::{port, refuse};
use crate::action::Action;
use crate::field::{GroupId, PortNo};
use crate::flow::FlowFlags;
use crate::group::{Bucket, GroupType};
use crate::instruction::Instructions;
use crate::matching::Match;
use crate::message::{ALL_TABLES, ErrorCode, FlowMod, FlowModCommand, GroupMod, GroupModCommand};

/// OVS refuses conditions on fields that it does not know.
pub(super) fn fields(matching: &Match) -> Result<(), ErrorCode> {
    let unknown = matching.iter().any(|condition| condition.field().is_none());
    refuse(unknown, ErrorCode::OFPBMC_BAD_FIELD)
}

/// Only what deletes flows can do so in all tables at once.
pub(super) fn every_table(change: &FlowMod) -> Result<(), ErrorCode> {
    let deletes = matches!(
        change.command,
        FlowModCommand::DELETE | FlowModCommand::DELETE_STRICT
    );
    let everywhere = change.table == ALL_TABLES;
    refuse(everywhere && !deletes, ErrorCode::OFPFMFC_BAD_TABLE_ID)
}

pub(super) fn flags(flags: FlowFlags) -> Result<(), ErrorCode> {
    let known = FlowFlags::all().contains(flags);
    refuse(!known, ErrorCode::OFPFMFC_BAD_FLAGS)
}

pub(super) fn instructions(instructions: &Instructions) -> Result<(), ErrorCode> {
    let unknown = !instructions.experimenters.is_empty();
    refuse(unknown, ErrorCode::OFPBIC_BAD_EXPERIMENTER)?;
    refuse(
        !instructions.unknown.is_empty(),
        ErrorCode::OFPBIC_UNKNOWN_INST,
    )?;
    actions(&instructions.apply_actions)?;
    actions(instructions.write_actions.as_deref().unwrap_or_default())
}

pub(super) fn actions(actions: &[Action]) -> Result<(), ErrorCode> {
    let first = actions.iter().find_map(Action::refused);
    first
        .or_else(|| Action::misplaced(actions))
        .map_or(Ok(()), Err)
}

pub(super) fn buckets(buckets: &[Bucket]) -> Result<(), ErrorCode> {
    buckets.iter().try_for_each(|bucket| {
        actions(&bucket.actions)?;
        port(bucket.watch_port).map_err(|_| ErrorCode::OFPGMFC_BAD_WATCH)
    })
}

pub(super) fn group_mod(change: &GroupMod) -> Result<(), ErrorCode> {
    buckets(&change.buckets)?;
    let deletes = change.command == GroupModCommand::DELETE;
    let count = change.buckets.len();
    let alone = change.kind == GroupType::INDIRECT && !deletes;
    let miscounted = deletes && count > 0 || alone && count != 1;
    refuse(miscounted, ErrorCode::OFPGMFC_INVALID_GROUP)?;
    let unknown = change.kind.name().is_none();
    refuse(unknown, ErrorCode::OFPGMFC_BAD_TYPE)?;
    let unknown = change.command.name().is_none();
    refuse(unknown, ErrorCode::OFPGMFC_BAD_COMMAND)?;
    let mut buckets = change.buckets.iter();
    buckets.try_for_each(|bucket| suits(bucket, change.kind))
}

/// Only some groups have weights, and only some look whether a port or a group is alive.
fn suits(bucket: &Bucket, kind: GroupType) -> Result<(), ErrorCode> {
    let weighed = bucket.weight != 0 && kind != GroupType::SELECT;
    refuse(weighed, ErrorCode::OFPGMFC_INVALID_GROUP)?;
    let watches = bucket.watch_port != PortNo::ANY || bucket.watch_group != GroupId::ANY;
    match kind {
        GroupType::FF => refuse(!watches, ErrorCode::OFPGMFC_INVALID_GROUP),
        GroupType::SELECT => Ok(()),
        _ => refuse(watches, ErrorCode::OFPGMFC_WATCH_UNSUPPORTED),
    }
}
