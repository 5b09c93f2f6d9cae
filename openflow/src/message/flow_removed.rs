//! Tells that a flow is gone (section 7.4.2).

use std::time::Duration;

use crate::declare::{codes, wire_struct};
use crate::matching::Match;

wire_struct! {
    /// Tells that a flow is gone, if it was added with
    /// [`SEND_FLOW_REM`](crate::flow::FlowFlags::SEND_FLOW_REM).
    pub struct FlowRemoved {
        /// The cookie of the flow.
        cookie: u64;
        /// The priority of the flow.
        priority: u16;
        /// Why it is gone.
        reason: FlowRemovedReason;
        /// Its table.
        table: u8;
        /// How long it was there.
        duration: Duration;
        /// Seconds without a packet after which it was to go; 0 for never.
        idle_timeout: u16;
        /// Seconds after which it was to go; 0 for never.
        hard_timeout: u16;
        /// How many packets it saw.
        packet_count: u64;
        /// How many bytes these packets had.
        byte_count: u64;
        /// Which packets it was for.
        matching: Match;
    }
}

codes! {
    /// Why a flow is gone (`OFPRR_*`).
    pub struct FlowRemovedReason(u8) {
        /// No packet came for too long.
        IDLE_TIMEOUT = 0, "idle";
        /// Its time was over.
        HARD_TIMEOUT = 1, "hard";
        /// A flow mod removed it.
        DELETE = 2, "delete";
        /// Its group was removed.
        GROUP_DELETE = 3, "group_delete";
        /// Its meter was removed.
        METER_DELETE = 4, "meter_delete";
        /// Another flow needed its place.
        EVICTION = 5, "eviction";
    }
}
