//! Adds, changes and removes groups (section 7.3.4.2).

use crate::declare::{codes, wire_struct};
use crate::field::GroupId;
use crate::group::{Bucket, Group, GroupType};

wire_struct! {
    /// Adds, changes or removes groups.
    pub struct GroupMod {
        /// What is done.
        command: GroupModCommand;
        /// Which buckets a packet takes.
        kind: GroupType, pad 1;
        /// The group; [`GroupId::ALL`] to remove all.
        id: GroupId;
        /// The ways to go.
        buckets: Vec<Bucket>;
    }
}

impl GroupMod {
    /// Adds a group, which must not be there yet.
    #[must_use]
    pub fn add(group: Group) -> Self {
        Self::of(GroupModCommand::ADD, group)
    }

    /// Changes a group, which must be there.
    #[must_use]
    pub fn modify(group: Group) -> Self {
        Self::of(GroupModCommand::MODIFY, group)
    }

    /// Adds a group or changes it; only OVS knows this.
    #[must_use]
    pub fn add_or_modify(group: Group) -> Self {
        Self::of(GroupModCommand::ADD_OR_MOD, group)
    }

    /// Removes a group if it is there, and with it the flows that use it.
    #[must_use]
    pub fn delete(id: GroupId) -> Self {
        let group = Group {
            id,
            ..Group::default()
        };
        Self::of(GroupModCommand::DELETE, group)
    }

    fn of(command: GroupModCommand, group: Group) -> Self {
        Self {
            command,
            kind: group.kind,
            id: group.id,
            buckets: group.buckets,
        }
    }
}

codes! {
    /// What a group mod does (`OFPGC_*`).
    pub struct GroupModCommand(u16) {
        /// Adds a group.
        ADD = 0, "ADD";
        /// Changes a group.
        MODIFY = 1, "MOD";
        /// Removes a group.
        DELETE = 2, "DEL";
        /// Adds a group or changes it; an extension of OVS.
        ADD_OR_MOD = 0x8000, "ADD_OR_MOD";
    }
}
