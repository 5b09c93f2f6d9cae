//! Sets the key of the tunnel that the packet will leave by.
//!
//! Over OpenFlow 1.3, a switch returns both as [`SetField`](super::SetField) of `tun_id`.

use std::fmt;

use super::plain_text;
use crate::declare::wire_struct;
use crate::field::format::Hex;
use crate::names::{Names, Text};

wire_struct! {
    /// Sets the key, of 32 bits (`NXAST_SET_TUNNEL`).
    pub struct SetTunnel after pad 2 {
        /// The key.
        tun_id: u32;
    }
}

wire_struct! {
    /// Sets the key, of 64 bits (`NXAST_SET_TUNNEL64`).
    pub struct SetTunnel64 after pad 6 {
        /// The key.
        tun_id: u64;
    }
}

plain_text! {
    SetTunnel |set| "set_tunnel:{}", Hex(&set.tun_id.to_be_bytes());
    SetTunnel64 |set| "set_tunnel64:{}", Hex(&set.tun_id.to_be_bytes());
}
