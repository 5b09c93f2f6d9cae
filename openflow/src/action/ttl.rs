//! Ages packets.

use std::fmt;

use super::{plain_text, words};
use crate::declare::wire_struct;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// Sets the time to live or hop limit (section 7.2.4).
    pub struct SetNwTtl {
        /// The time to live.
        ttl: u8, pad 3;
    }
}

words! {
    /// Takes one off the time to live or hop limit (section 7.2.4).
    ///
    /// When it runs out, the packet goes to the controllers that asked for such packets.
    DecNwTtl = "dec_ttl";
    /// Takes one off the time to live of the network service header (`NXAST_DEC_NSH_TTL`).
    DecNshTtl = "dec_nsh_ttl";
}

/// Takes one off the time to live, and says which controllers hear of it when it runs out
/// (`NXAST_DEC_TTL_CNT_IDS`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecTtlCntIds {
    /// The identifiers of the controllers.
    pub controllers: Vec<u16>,
}

impl Wire for DecTtlCntIds {
    fn encode(&self, out: &mut Writer) {
        out.count(self.controllers.len());
        out.zeros(4);
        self.controllers.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u16::decode(input)?;
        input.zeros(4, "DecTtlCntIds.padding")?;
        let mut list = input.sub(2 * usize::from(count), "DecTtlCntIds.controllers")?;
        Ok(Self {
            controllers: Wire::decode(&mut list)?,
        })
    }
}

impl Text for DecTtlCntIds {
    fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dec_ttl(")?;
        let mut comma = "";
        for controller in &self.controllers {
            write!(f, "{comma}{controller}")?;
            comma = ",";
        }
        f.write_str(")")
    }
}

plain_text! {
    SetNwTtl |set| "mod_nw_ttl:{}", set.ttl;
}
