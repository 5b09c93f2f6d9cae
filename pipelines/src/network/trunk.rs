//! Trunks: one interface of a machine that is plugged into several networks.
//!
//! The parent port is the interface untagged. Each sub-port is a port of its own, with its own
//! network, addresses and groups, that the machine reaches by a VLAN on that interface.

use super::{PortId, TrunkId, VlanId};

/// A port and those that are behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Identifier.
    pub id: TrunkId,
    /// What people call it.
    pub name: String,
    /// The project that owns it.
    pub project: String,
    /// The parent.
    pub port: PortId,
    /// The others.
    pub sub_ports: Vec<SubPort>,
}

/// A port behind another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubPort {
    /// The port. It is wherever its parent is.
    pub port: PortId,
    /// The VLAN that its frames are tagged with on the parent's interface.
    ///
    /// Neutron's `segmentation_id`; its `segmentation_type` is always `vlan`.
    pub vlan: VlanId,
}
