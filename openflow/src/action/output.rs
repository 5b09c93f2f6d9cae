//! Sends the packet somewhere.

use std::fmt;

use super::{Subfield, plain_text};
use crate::declare::wire_struct;
use crate::field::{GroupId, PortNo};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// Sends the packet out of a port (section 7.2.4).
///
/// Outputs are equal if they do the same: only for a controller does the length count.
///
/// ```
/// # use openflow::{action::Output, field::PortNo};
/// assert_eq!(Output::to(PortNo(43)).to_string(), "output:43");
/// assert_eq!(Output::to(PortNo::NORMAL).to_string(), "NORMAL");
/// assert_eq!(Output { port: PortNo(43), max_len: 99 }, Output::to(PortNo(43)));
/// ```
#[derive(Clone, Debug)]
pub struct Output {
    /// The port.
    pub port: PortNo,
    /// How many bytes a controller gets; [`Output::NO_BUFFER`] for all. Other ports get all.
    pub max_len: u16,
}

impl PartialEq for Output {
    fn eq(&self, other: &Self) -> bool {
        self.port == other.port
            && (self.port != PortNo::CONTROLLER || self.max_len == other.max_len)
    }
}

impl Eq for Output {}

impl Wire for Output {
    fn encode(&self, out: &mut Writer) {
        self.port.encode(out);
        self.max_len.encode(out);
        out.zeros(6);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let port = PortNo::decode(input).map_err(|e| e.reading("Output.port"))?;
        let max_len = u16::decode(input).map_err(|e| e.reading("Output.max_len"))?;
        input.skip(6)?;
        Ok(Self { port, max_len })
    }
}

impl Output {
    /// The `max_len` that sends a controller the whole packet.
    pub const NO_BUFFER: u16 = 0xffff;

    /// Sends the packet out of `port`.
    #[must_use]
    pub const fn to(port: PortNo) -> Self {
        Self { port, max_len: 0 }
    }

    /// Sends the whole packet to the controllers.
    #[must_use]
    pub const fn to_controller() -> Self {
        Self {
            port: PortNo::CONTROLLER,
            max_len: Self::NO_BUFFER,
        }
    }
}

impl Text for Output {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.port < PortNo::MAX {
            f.write_str("output:")?;
        }
        write!(f, "{}", names.port(self.port))?;
        if self.port == PortNo::CONTROLLER {
            write!(f, ":{}", self.max_len)?;
        }
        Ok(())
    }
}

wire_struct! {
    /// Hands the packet to a group (section 7.2.4).
    pub struct Group {
        /// The group.
        group: GroupId;
    }
}

/// Sends the packet out of the port that a field holds (`NXAST_OUTPUT_REG`).
///
/// The field must have a code without an experimenter; [`OutputReg2`] takes the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputReg {
    /// Where the number of the port stands.
    pub source: Subfield,
    /// How many bytes a controller gets.
    pub max_len: u16,
}

impl Wire for OutputReg {
    fn encode(&self, out: &mut Writer) {
        self.source.encode(out);
        self.max_len.encode(out);
        out.zeros(6);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let source = Subfield::decode(input, "OutputReg.source")?;
        let max_len = u16::decode(input)?;
        input.zeros(6, "OutputReg.padding")?;
        Ok(Self { source, max_len })
    }
}

/// [`OutputReg`] for any field (`NXAST_OUTPUT_REG2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputReg2 {
    /// Where the number of the port stands.
    pub source: Subfield,
    /// How many bytes a controller gets.
    pub max_len: u16,
}

impl Wire for OutputReg2 {
    fn encode(&self, out: &mut Writer) {
        self.source.range().encode(out);
        self.max_len.encode(out);
        super::padded(10, out, |out| self.source.nxm().encode(out));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let range = u16::decode(input)?;
        let max_len = u16::decode(input)?;
        let source = super::FieldHeader::decode(input, "OutputReg2.source")?.range(range)?;
        input.zeros(input.left(), "OutputReg2.padding")?;
        Ok(Self { source, max_len })
    }
}

wire_struct! {
    /// Sends the start of the packet out of a port (`NXAST_OUTPUT_TRUNC`).
    pub struct OutputTrunc {
        /// The port, in 16 bits.
        port: u16;
        /// How many bytes are sent.
        max_len: u32;
    }
}

impl Text for OutputTrunc {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = names.port(PortNo::from_16(self.port));
        write!(f, "output(port={port},max_len={})", self.max_len)
    }
}

plain_text! {
    Group |group| "group:{}", group.group.0;
    OutputReg |output| "output:{}", output.source;
    OutputReg2 |output| "output:{}", output.source;
}
