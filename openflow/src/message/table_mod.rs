//! Configures a flow table, which OpenFlow 1.3 leaves nothing to configure of (section 7.3.3).

use crate::declare::wire_struct;

wire_struct! {
    /// Configures a flow table.
    pub struct TableMod {
        /// The table; 0xff for all.
        table: u8, pad 3;
        /// Nothing in OpenFlow 1.3, where OVS ignores it.
        config: u32;
    }
}
