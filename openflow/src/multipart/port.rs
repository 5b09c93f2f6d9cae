//! What ports and their queues counted (sections 7.3.5.6 and 7.3.5.8).

use std::time::Duration;

use crate::declare::wire_struct;
use crate::field::PortNo;

wire_struct! {
    /// Which port's counters are asked for.
    pub struct PortStatsRequest {
        /// The port; [`PortNo::ANY`] for all.
        port_no: PortNo, pad 4;
    }
}

wire_struct! {
    /// What a port counted. A counter of all ones is not kept.
    pub struct PortStats {
        /// The port.
        port_no: PortNo, pad 4;
        /// Packets received.
        rx_packets: u64;
        /// Packets sent.
        tx_packets: u64;
        /// Bytes received.
        rx_bytes: u64;
        /// Bytes sent.
        tx_bytes: u64;
        /// Packets received and dropped.
        rx_dropped: u64;
        /// Packets dropped instead of being sent.
        tx_dropped: u64;
        /// Errors when receiving, the three below included.
        rx_errors: u64;
        /// Errors when sending.
        tx_errors: u64;
        /// Frames that did not end at a byte.
        rx_frame_err: u64;
        /// Packets that came too fast.
        rx_over_err: u64;
        /// Packets with a wrong checksum.
        rx_crc_err: u64;
        /// Collisions.
        collisions: u64;
        /// How long the port has been there.
        duration: Duration;
    }
}

wire_struct! {
    /// Which queues' counters are asked for.
    pub struct QueueStatsRequest {
        /// The port; [`PortNo::ANY`] for all.
        port_no: PortNo;
        /// The queue; [`ALL_QUEUES`] for all.
        queue_id: u32;
    }
}

/// The number that stands for all queues, `OFPQ_ALL`.
pub const ALL_QUEUES: u32 = 0xffff_ffff;

wire_struct! {
    /// What a queue counted.
    pub struct QueueStats {
        /// The port.
        port_no: PortNo;
        /// The queue.
        queue_id: u32;
        /// Bytes sent.
        tx_bytes: u64;
        /// Packets sent.
        tx_packets: u64;
        /// Packets dropped, as the queue was full.
        tx_errors: u64;
        /// How long the queue has been there.
        duration: Duration;
    }
}
