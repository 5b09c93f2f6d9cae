//! Which of several controllers has a say (sections 6.3.6 and 7.3.9).

use crate::declare::{codes, wire_struct};

wire_struct! {
    /// Asks for a role, or tells it.
    pub struct Role {
        /// The role.
        role: ControllerRole, pad 4;
        /// A number that grows with each election; older ones are refused.
        generation_id: u64;
    }
}

codes! {
    /// The role of a controller (`OFPCR_ROLE_*`).
    pub struct ControllerRole(u32) {
        /// Whatever it is, it stays.
        NOCHANGE = 0, "nochange";
        /// It may do everything, as others may.
        EQUAL = 1, "equal";
        /// It may do everything, and the one that had this role no longer.
        PRIMARY = 2, "primary";
        /// It may only read.
        SECONDARY = 3, "secondary";
    }
}

wire_struct! {
    /// Asks for a role, or tells it, in the older form of Nicira.
    pub struct NxRole {
        /// The role.
        role: NxControllerRole;
    }
}

codes! {
    /// The role of a controller, with the numbers of Nicira (`NX_ROLE_*`).
    pub struct NxControllerRole(u32) {
        /// It may do everything, as others may.
        OTHER = 0, "equal";
        /// It may do everything, and the one that had this role no longer.
        PRIMARY = 1, "primary";
        /// It may only read.
        SECONDARY = 2, "secondary";
    }
}

wire_struct! {
    /// Tells that the switch changed the role of this controller.
    pub struct RoleStatus {
        /// The new role.
        role: ControllerRole;
        /// Why.
        reason: RoleReason, pad 3;
        /// The number of the election.
        generation_id: u64;
    }
}

codes! {
    /// Why a role changed (`OFPCRR_*`).
    pub struct RoleReason(u8) {
        /// Another controller became the primary one.
        PRIMARY_REQUEST = 0, "primary_request";
        /// The switch was configured so.
        CONFIG = 1, "configuration_changed";
        /// An experimenter knows.
        EXPERIMENTER = 2, "experimenter_data_changed";
    }
}
