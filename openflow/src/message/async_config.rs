//! Which messages a switch sends without being asked (section 7.3.10).

use super::property::{put_property, take_property};
use crate::declare::{codes, wire_struct};
use crate::wire::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// Which messages come without being asked: for each kind a bit for each reason.
    ///
    /// Each pair is for the roles primary and equal, and for the role secondary.
    pub struct AsyncConfig {
        /// Packets, by [`PacketInReason`](crate::action::PacketInReason).
        packet_in: [u32; 2];
        /// Changes of ports, by [`PortReason`](super::PortReason).
        port_status: [u32; 2];
        /// Flows that go, by [`FlowRemovedReason`](super::FlowRemovedReason).
        flow_removed: [u32; 2];
    }
}

/// Which messages come without being asked, in the form that OpenFlow 1.4 gave it and OVS takes in
/// 1.3 too. What is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetAsyncConfig2 {
    /// What is chosen for kinds of messages.
    pub properties: Vec<AsyncProperty>,
}

/// Which messages of one kind come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsyncProperty {
    /// The kind of message, and the role that this is for.
    pub kind: AsyncKind,
    /// A bit for each reason.
    pub mask: u32,
}

codes! {
    /// A kind of message that comes without being asked, and a role (`OFPACPT_*`).
    pub struct AsyncKind(u16) {
        /// Packets, to a secondary controller.
        PACKET_IN_SECONDARY = 0, "packet_in_secondary";
        /// Packets, to others.
        PACKET_IN_PRIMARY = 1, "packet_in_primary";
        /// Changes of ports, to a secondary controller.
        PORT_STATUS_SECONDARY = 2, "port_status_secondary";
        /// Changes of ports, to others.
        PORT_STATUS_PRIMARY = 3, "port_status_primary";
        /// Flows that go, to a secondary controller.
        FLOW_REMOVED_SECONDARY = 4, "flow_removed_secondary";
        /// Flows that go, to others.
        FLOW_REMOVED_PRIMARY = 5, "flow_removed_primary";
        /// Changes of its role, to a secondary controller.
        ROLE_STATUS_SECONDARY = 6, "role_status_secondary";
        /// Changes of its role, to another.
        ROLE_STATUS_PRIMARY = 7, "role_status_primary";
        /// Changes of tables, to a secondary controller.
        TABLE_STATUS_SECONDARY = 8, "table_status_secondary";
        /// Changes of tables, to others.
        TABLE_STATUS_PRIMARY = 9, "table_status_primary";
        /// What other controllers ask for, to a secondary controller.
        REQUESTFORWARD_SECONDARY = 10, "requestforward_secondary";
        /// What other controllers ask for, to others.
        REQUESTFORWARD_PRIMARY = 11, "requestforward_primary";
    }
}

impl Wire for SetAsyncConfig2 {
    fn encode(&self, out: &mut Writer) {
        for property in &self.properties {
            put_property(property.kind.0, out, |out| property.mask.encode(out));
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut properties = Vec::new();
        while !input.is_empty() {
            let (kind, mut value) = take_property(input, "SetAsyncConfig2")?;
            let mask = u32::decode(&mut value).map_err(|e| e.reading("SetAsyncConfig2"))?;
            value.finish("SetAsyncConfig2")?;
            properties.push(AsyncProperty {
                kind: AsyncKind(kind),
                mask,
            });
        }
        Ok(Self { properties })
    }
}
