//! Which options of tunnels the fields `tun_metadata0` and so on stand for; an extension of Open
//! vSwitch.

use crate::declare::{codes, wire_struct};

wire_struct! {
    /// Changes which options the fields stand for.
    pub struct TlvTableMod {
        /// What is done.
        command: TlvTableCommand, pad 6;
        /// The options that it is done with.
        maps: Vec<TlvMap>;
    }
}

codes! {
    /// What is done with options of tunnels (`NXTTMC_*`).
    pub struct TlvTableCommand(u16) {
        /// Fields are given options, which must not have any yet.
        ADD = 0, "add";
        /// Fields lose their options.
        DELETE = 1, "delete";
        /// All fields lose their options.
        CLEAR = 2, "clear";
    }
}

wire_struct! {
    /// An option of tunnels, and the field that stands for it.
    pub struct TlvMap {
        /// The class of the option.
        option_class: u16;
        /// The type of the option.
        option_type: u8;
        /// Bytes of the option, a multiple of 4.
        option_len: u8;
        /// The number of the field, 5 for `tun_metadata5`.
        index: u16, pad 2;
    }
}

wire_struct! {
    /// Tells which options the fields stand for.
    pub struct TlvTableReply {
        /// Bytes that all options can have together.
        max_option_space: u32;
        /// How many fields there are.
        max_fields: u16, pad 10;
        /// The options that fields stand for.
        maps: Vec<TlvMap>;
    }
}
