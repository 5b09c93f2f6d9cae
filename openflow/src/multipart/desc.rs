//! What a switch says of itself (section 7.3.5.1).

use crate::declare::wire_struct;
use crate::wire::Text;

wire_struct! {
    /// What a switch says of itself, for people.
    pub struct Desc {
        /// Who made it.
        mfr_desc: Text<256>;
        /// What it is made of.
        hw_desc: Text<256>;
        /// The version of its software.
        sw_desc: Text<256>;
        /// Its serial number.
        serial_num: Text<32>;
        /// What its owner calls it.
        dp_desc: Text<256>;
    }
}
