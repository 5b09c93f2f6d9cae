//! Groups and meters: changes of them, what they are, and what they counted.

use std::fmt::{self, Formatter};

use super::pieces::{BitNames, Seconds, Sharp, is_known};
use super::table::ActionNames;
use crate::field::MeterId;
use crate::group::Group;
use crate::message::{GroupMod, MeterMod};
use crate::meter::Meter;
use crate::multipart::{GroupFeatures, GroupStats, MeterFeatures, MeterStats};
use crate::names::Names;

pub(super) fn group_mod(change: &GroupMod, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let group = Group {
        id: change.id,
        kind: change.kind,
        buckets: change.buckets.clone(),
    };
    let group = group.display_with(names);
    match change.command.name() {
        Some(command) => write!(f, "\n {command} {group}"),
        None => write!(f, "\n cmd:{} {group}", change.command.0),
    }
}

pub(super) fn group_stats(stats: &GroupStats, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "\n group_id={},", stats.id.0)?;
    if is_known(stats.duration) {
        write!(f, "duration={},", Seconds(stats.duration))?;
    }
    write!(
        f,
        "ref_count={},packet_count={},byte_count={}",
        stats.ref_count, stats.packet_count, stats.byte_count
    )?;
    for (number, bucket) in stats.buckets.iter().enumerate() {
        // All ones: not counted.
        if bucket.packet_count != u64::MAX {
            let (packets, bytes) = (bucket.packet_count, bucket.byte_count);
            write!(
                f,
                ",bucket{number}:packet_count={packets},byte_count={bytes}"
            )?;
        }
    }
    Ok(())
}

pub(super) fn group_features(features: &GroupFeatures, f: &mut Formatter<'_>) -> fmt::Result {
    let (types, can) = (features.types, features.capabilities.bits());
    writeln!(f, "\n Group table:\n    Types:  {types:#x}")?;
    writeln!(f, "    Capabilities:  {can:#x}")?;
    let kinds = ["all", "select", "indirect", "fast failover"];
    let limits = features.max_groups.iter().zip(features.actions);
    for (bit, (kind, (max, actions))) in kinds.into_iter().zip(limits).enumerate() {
        if types & 1 << bit != 0 {
            let (max, actions) = (Sharp((*max).into()), ActionNames(actions));
            writeln!(f, "    {kind} group:\n       max_groups={max}")?;
            writeln!(f, "       actions: {actions}")?;
        }
    }
    Ok(())
}

pub(super) fn meter_mod(change: &MeterMod, f: &mut Formatter<'_>) -> fmt::Result {
    let meter = Meter {
        id: change.id,
        flags: change.flags,
        bands: change.bands.clone(),
    };
    match change.command.name() {
        Some(command) => write!(f, " {command} {meter}"),
        None => write!(f, " cmd:{} {meter}", change.command.0),
    }
}

/// A meter by its number, or by the name that a number without meaning has, too.
pub(super) struct MeterNo(pub(super) MeterId);

impl fmt::Display for MeterNo {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            id if id <= MeterId::MAX || id.name().is_some() => id.fmt(f),
            _ => f.write_str("unknown"),
        }
    }
}

pub(super) fn meter_stats(stats: &MeterStats, f: &mut Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "\nmeter:{} flow_count:{} packet_in_count:{} byte_in_count:{} ",
        MeterNo(stats.id),
        stats.flow_count,
        stats.packet_in_count,
        stats.byte_in_count
    )?;
    writeln!(f, "duration:{} bands:", Seconds(stats.duration))?;
    for (number, band) in stats.bands.iter().enumerate() {
        let (packets, bytes) = (band.packet_band_count, band.byte_band_count);
        writeln!(f, "{number}: packet_count:{packets} byte_count:{bytes}")?;
    }
    Ok(())
}

pub(super) fn meter_features(features: &MeterFeatures, f: &mut Formatter<'_>) -> fmt::Result {
    let MeterFeatures {
        max_meter,
        max_bands,
        max_color,
        ..
    } = features;
    let bands = BitNames::blank(
        features.band_types,
        &[(1 << 1, "drop"), (1 << 2, "dscp_remark")],
    );
    let flags = [(1, "kbps"), (2, "pktps"), (4, "burst"), (8, "stats")];
    let capabilities = BitNames::blank(features.capabilities, &flags);
    write!(
        f,
        "\nmax_meter:{max_meter} max_bands:{max_bands} max_color:{max_color}"
    )?;
    write!(f, "\nband_types: {bands}\ncapabilities: {capabilities}\n")
}
