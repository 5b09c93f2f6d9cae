//! Compares the length of a packet.

use std::fmt;

use super::{FieldHeader, Subfield, plain_text};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Writes whether the packet is longer than some number of bytes (`NXAST_CHECK_PKT_LARGER`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckPktLarger {
    /// The length in bytes, from the Ethernet header on.
    pub length: u16,
    /// The single bit that becomes 1 if the packet is longer, or 0.
    pub target: Subfield,
}

impl Wire for CheckPktLarger {
    fn encode(&self, out: &mut Writer) {
        self.length.encode(out);
        self.target.start().encode(out);
        super::padded(10, out, |out| self.target.nxm().encode(out));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = u16::decode(input)?;
        let start = u16::decode(input)?;
        let at = input.place("CheckPktLarger.target");
        let target = FieldHeader::decode(input, "CheckPktLarger.target")?.part(start, 1)?;
        if !target.field().is_writable() {
            let field = target.field().name();
            return Err(at.error(Problem::ReadOnly { field }));
        }
        input.zeros(input.left(), "CheckPktLarger.padding")?;
        Ok(Self { length, target })
    }
}

plain_text! {
    CheckPktLarger |check| "check_pkt_larger({})->{}", check.length, check.target;
}
