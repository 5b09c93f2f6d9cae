//! What a switch is and can do (section 7.3.1).

use crate::declare::{flags, wire_struct};

wire_struct! {
    /// What a switch is and can do.
    ///
    /// Its ports are told by a multipart reply of their own.
    pub struct Features {
        /// The number of the switch: usually a MAC address in the low 48 bits.
        datapath_id: u64;
        /// How many packets the switch can keep for the controller; OVS keeps none.
        n_buffers: u32;
        /// How many tables there are.
        n_tables: u8;
        /// Zero on the main connection, else the number of an auxiliary one.
        auxiliary_id: u8, pad 2;
        /// What the switch can do.
        capabilities: Capabilities;
        /// Nothing in OpenFlow 1.3.
        reserved: u32;
    }
}

flags! {
    /// What a switch can do (`OFPC_*`).
    pub struct Capabilities(u32) {
        /// It counts per flow.
        FLOW_STATS = 1;
        /// It counts per table.
        TABLE_STATS = 1 << 1;
        /// It counts per port.
        PORT_STATS = 1 << 2;
        /// It counts per group.
        GROUP_STATS = 1 << 3;
        /// It can reassemble IP fragments.
        IP_REASM = 1 << 5;
        /// It counts per queue.
        QUEUE_STATS = 1 << 6;
        /// It blocks ports that would close a loop.
        PORT_BLOCKED = 1 << 8;
    }
}
