//! What a switch does with fragments, and how much of a packet it sends (section 7.3.2).

use crate::declare::{flags, wire_struct};

wire_struct! {
    /// What a switch does with fragments, and how much of a packet it sends to the controller.
    pub struct Config {
        /// What happens to fragments of IP packets.
        flags: ConfigFlags;
        /// Bytes of a packet that a table miss sends to the controller at most.
        ///
        /// In OVS, which starts with 0, a connection with 0 gets no asynchronous messages about
        /// packets; [`NO_BUFFER`](Self::NO_BUFFER) asks for whole packets.
        miss_send_len: u16;
    }
}

impl Config {
    /// The `miss_send_len` that asks for whole packets.
    pub const NO_BUFFER: u16 = 0xffff;
}

flags! {
    /// What happens to fragments of IP packets (`OFPC_FRAG_*`); no flag is to treat them normally.
    pub struct ConfigFlags(u16) {
        /// They are dropped.
        FRAG_DROP = 1;
        /// They are put together.
        FRAG_REASM = 1 << 1;
    }
}
