//! Groups: what they are, what they counted, and what a switch can make of them (sections 7.3.5.9
//! to 7.3.5.11).

use std::time::Duration;

use super::entry;
use crate::declare::{flags, wire_struct};
use crate::field::GroupId;
use crate::group::{Group, GroupType};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// A group as a switch describes it.
impl Wire for Group {
    fn encode(&self, out: &mut Writer) {
        out.sized(0, 1, |out| {
            out.zeros(2);
            self.kind.encode(out);
            out.zeros(1);
            self.id.encode(out);
            self.buckets.encode(out);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut body = entry(input, "GroupDesc")?;
        let kind = GroupType::decode(&mut body).map_err(|e| e.reading("GroupDesc.type"))?;
        body.skip(1)?;
        Ok(Self {
            kind,
            id: GroupId::decode(&mut body).map_err(|e| e.reading("GroupDesc.id"))?,
            buckets: Vec::decode(&mut body)?,
        })
    }
}

wire_struct! {
    /// Which group's counters are asked for.
    pub struct GroupStatsRequest {
        /// The group; [`GroupId::ALL`] for all.
        id: GroupId, pad 4;
    }
}

/// What a group counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStats {
    /// The group.
    pub id: GroupId,
    /// How many flows and groups send to it.
    pub ref_count: u32,
    /// How many packets it saw.
    pub packet_count: u64,
    /// How many bytes these packets had.
    pub byte_count: u64,
    /// How long it has been there.
    pub duration: Duration,
    /// What each bucket counted.
    pub buckets: Vec<BucketCounter>,
}

wire_struct! {
    /// What a bucket of a group counted.
    pub struct BucketCounter {
        /// How many packets took it.
        packet_count: u64;
        /// How many bytes these packets had.
        byte_count: u64;
    }
}

impl Wire for GroupStats {
    fn encode(&self, out: &mut Writer) {
        out.sized(0, 1, |out| {
            out.zeros(4);
            self.id.encode(out);
            self.ref_count.encode(out);
            out.zeros(4);
            self.packet_count.encode(out);
            self.byte_count.encode(out);
            self.duration.encode(out);
            self.buckets.encode(out);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut body = entry(input, "GroupStats")?;
        Self::decode_body(&mut body).map_err(|e| e.reading("GroupStats"))
    }
}

impl GroupStats {
    fn decode_body(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        body.skip(2)?;
        let id = GroupId::decode(body)?;
        let ref_count = u32::decode(body)?;
        body.skip(4)?;
        Ok(Self {
            id,
            ref_count,
            packet_count: u64::decode(body)?,
            byte_count: u64::decode(body)?,
            duration: Duration::decode(body)?,
            buckets: Vec::decode(body)?,
        })
    }
}

wire_struct! {
    /// What a switch can make of groups. Arrays are by type: all, select, indirect, fast failover.
    pub struct GroupFeatures {
        /// A bit for each type that it knows.
        types: u32;
        /// What it can do with groups.
        capabilities: GroupCapabilities;
        /// How many groups there can be, of each type.
        max_groups: [u32; 4];
        /// A bit for each action that a bucket can have, for each type.
        actions: [u32; 4];
    }
}

flags! {
    /// What a switch can do with groups (`OFPGFC_*`).
    pub struct GroupCapabilities(u32) {
        /// Buckets of a select group can have weights.
        SELECT_WEIGHT = 1;
        /// Select groups look which buckets are alive.
        SELECT_LIVENESS = 1 << 1;
        /// Groups can send to groups.
        CHAINING = 1 << 2;
        /// Loops of groups are refused.
        CHAINING_CHECKS = 1 << 3;
    }
}
