//! How a switch is to speak to this controller: three settings of Open vSwitch.

use crate::declare::{codes, wire_struct};

wire_struct! {
    /// Chooses the form in which packets come.
    pub struct SetPacketInFormat {
        /// The form.
        format: PacketInFormat;
    }
}

codes! {
    /// The form in which packets come to the controller (`OFPUTIL_PACKET_IN_*`).
    pub struct PacketInFormat(u32) {
        /// That of OpenFlow: [`PacketIn`](super::PacketIn).
        STANDARD = 0, "standard";
        /// The older one of Nicira: [`NxPacketIn`](super::NxPacketIn).
        NXT_PACKET_IN = 1, "nxt_packet_in";
        /// The newer one of Nicira: [`PacketIn2`](super::PacketIn2).
        NXT_PACKET_IN2 = 2, "nxt_packet_in2";
    }
}

wire_struct! {
    /// Gives this connection a number, by which actions choose the controller they send to.
    pub struct SetControllerId after pad 6 {
        /// The number; 0 until one is given.
        controller_id: u16;
    }
}

wire_struct! {
    /// Chooses whether a [`NxFlowMod`](super::NxFlowMod) names a table.
    pub struct FlowModTableId {
        /// 1 if the upper half of its command is the table, 0 if not.
        set: u8, pad 7;
    }
}
