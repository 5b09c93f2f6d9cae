//! Ports: what they are, that they changed, and how to change them (sections 7.2.1, 7.3.4.3 and
//! 7.4.3).

use crate::declare::{codes, flags, wire_struct};
use crate::field::{MacAddr, PortNo};
use crate::wire::Text;

wire_struct! {
    /// What a port is.
    pub struct Port {
        /// Its number.
        port_no: PortNo, pad 4;
        /// Its MAC address.
        hw_addr: MacAddr, pad 2;
        /// The name of its network device.
        name: Text<16>;
        /// How it is configured.
        config: PortConfig;
        /// The state it is in.
        state: PortState;
        /// What its link does now.
        curr: PortFeatures;
        /// What it tells its peer that it can do.
        advertised: PortFeatures;
        /// What it can do.
        supported: PortFeatures;
        /// What its peer tells that it can do.
        peer: PortFeatures;
        /// The speed it has now, in kbit/s.
        curr_speed: u32;
        /// The speed it can have, in kbit/s.
        max_speed: u32;
    }
}

flags! {
    /// How a port is configured (`OFPPC_*`).
    pub struct PortConfig(u32) {
        /// It is taken out of service.
        PORT_DOWN = 1;
        /// What it receives is dropped.
        NO_RECV = 1 << 2;
        /// What would be sent through it is dropped.
        NO_FWD = 1 << 5;
        /// What it receives is not sent to the controller.
        NO_PACKET_IN = 1 << 6;
    }
}

flags! {
    /// The state of a port (`OFPPS_*`).
    pub struct PortState(u32) {
        /// It has no link.
        LINK_DOWN = 1;
        /// A protocol such as spanning tree blocks it.
        BLOCKED = 1 << 1;
        /// It can be used by a fast-failover group.
        LIVE = 1 << 2;
    }
}

flags! {
    /// What a link can do (`OFPPF_*`).
    pub struct PortFeatures(u32) {
        /// 10 Mbit/s, half duplex.
        TEN_MB_HD = 1;
        /// 10 Mbit/s, full duplex.
        TEN_MB_FD = 1 << 1;
        /// 100 Mbit/s, half duplex.
        HUNDRED_MB_HD = 1 << 2;
        /// 100 Mbit/s, full duplex.
        HUNDRED_MB_FD = 1 << 3;
        /// 1 Gbit/s, half duplex.
        ONE_GB_HD = 1 << 4;
        /// 1 Gbit/s, full duplex.
        ONE_GB_FD = 1 << 5;
        /// 10 Gbit/s.
        TEN_GB_FD = 1 << 6;
        /// 40 Gbit/s.
        FORTY_GB_FD = 1 << 7;
        /// 100 Gbit/s.
        HUNDRED_GB_FD = 1 << 8;
        /// 1 Tbit/s.
        ONE_TB_FD = 1 << 9;
        /// A speed that is not in this list.
        OTHER = 1 << 10;
        /// A copper cable.
        COPPER = 1 << 11;
        /// A fiber.
        FIBER = 1 << 12;
        /// The peers agree on the speed.
        AUTONEG = 1 << 13;
        /// Either can ask the other to pause.
        PAUSE = 1 << 14;
        /// Only one can ask the other to pause.
        PAUSE_ASYM = 1 << 15;
    }
}

wire_struct! {
    /// Tells that a port came, went or changed.
    pub struct PortStatus {
        /// What happened.
        reason: PortReason, pad 7;
        /// The port, as it is now or was last.
        port: Port;
    }
}

codes! {
    /// What happened to a port (`OFPPR_*`).
    pub struct PortReason(u8) {
        /// It came.
        ADD = 0, "ADD";
        /// It went.
        DELETE = 1, "DEL";
        /// It changed.
        MODIFY = 2, "MOD";
    }
}

wire_struct! {
    /// Changes how a port is configured.
    pub struct PortMod {
        /// The port.
        port_no: PortNo, pad 4;
        /// Its MAC address, which cannot be changed and must be right.
        hw_addr: MacAddr, pad 2;
        /// The new configuration.
        config: PortConfig;
        /// Which parts of the configuration change.
        mask: PortConfig;
        /// What it is to tell its peer, or nothing to leave that as it is.
        advertise: PortFeatures, pad 4;
    }
}
