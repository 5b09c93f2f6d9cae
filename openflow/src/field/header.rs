//! The header before each field of a match (section 7.2.3.2, and `ovs-fields(7)` for NXM).

use super::FieldId;
use crate::wire::{DecodeError, Problem, Reader, Writer};

/// Where a field's number is defined: an OXM or NXM class, or an experimenter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// NXM of Nicira, for what OpenFlow 1.0 could match.
    Nxm0,
    /// NXM of Nicira, for what it could not.
    Nxm1,
    /// Ericsson's, for neighbour discovery.
    Ericsson,
    /// OpenFlow's own.
    Basic,
    /// OpenFlow 1.5's registers.
    Registers,
    /// An experimenter: Nicira.
    Nicira,
    /// An experimenter: the Open Networking Foundation.
    Onf,
    /// An experimenter, of Intel, for the network service header.
    Nsh,
}

/// The class that is followed by the identifier of an experimenter.
const EXPERIMENTER: u16 = 0xffff;

impl Class {
    /// The class number and, if that is `0xffff`, the experimenter.
    const fn codes(self) -> (u16, u32) {
        match self {
            Self::Nxm0 => (0x0000, 0),
            Self::Nxm1 => (0x0001, 0),
            Self::Ericsson => (0x1000, 0),
            Self::Basic => (0x8000, 0),
            Self::Registers => (0x8001, 0),
            Self::Nicira => (EXPERIMENTER, 0x0000_2320),
            Self::Onf => (EXPERIMENTER, 0x4f4e_4600),
            Self::Nsh => (EXPERIMENTER, 0x005a_d650),
        }
    }

    /// Whether the header has the number of an experimenter after it.
    #[must_use]
    pub const fn is_experimenter(self) -> bool {
        matches!(self, Self::Nicira | Self::Onf | Self::Nsh)
    }

    pub(super) const fn of(class: u16, experimenter: u32) -> Option<Self> {
        Some(match (class, experimenter) {
            (0x0000, 0) => Self::Nxm0,
            (0x0001, 0) => Self::Nxm1,
            (0x1000, 0) => Self::Ericsson,
            (0x8000, 0) => Self::Basic,
            (0x8001, 0) => Self::Registers,
            (EXPERIMENTER, 0x0000_2320) => Self::Nicira,
            (EXPERIMENTER, 0x4f4e_4600) => Self::Onf,
            (EXPERIMENTER, 0x005a_d650) => Self::Nsh,
            _ => return None,
        })
    }
}

/// One of a field's codes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The name, such as `NXM_NX_REG0`.
    pub name: &'static str,
    /// Where the number is defined.
    pub class: Class,
    /// The number of the field in its class.
    pub number: u8,
}

impl Code {
    /// Stands where a row has no code; the table has no such row.
    pub(super) const NONE: Self = Self {
        name: "",
        class: Class::Nxm0,
        number: 0x7f,
    };

    /// The header of a value of `size` bytes, or of a value and a mask.
    #[must_use]
    pub fn header(self, size: usize, masked: bool) -> Header {
        let (class, experimenter) = self.class.codes();
        let length = if masked { 2 * size } else { size };
        Header {
            class,
            number: self.number,
            masked,
            length: u8::try_from(length).unwrap_or(u8::MAX),
            experimenter,
        }
    }
}

/// What stands before a field's value and mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Header {
    /// The class.
    pub class: u16,
    /// The experimenter, if the class is `0xffff`.
    pub experimenter: u32,
    /// The number in the class, of 7 bits.
    pub number: u8,
    /// Whether a mask follows the value.
    pub masked: bool,
    /// The bytes of value and mask together.
    pub length: u8,
}

impl Header {
    /// Reads the header that stands at the front of `input`.
    ///
    /// # Errors
    ///
    /// When the bytes are too few, or the length does not leave room for the experimenter.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("field");
        let word = input.array()?;
        let header = Self::of_word(word);
        if header.class != EXPERIMENTER {
            return Ok(header);
        }
        let experimenter = u32::from_be_bytes(input.array()?);
        let length = header.length.into();
        header
            .of_experimenter(experimenter)
            .ok_or_else(|| at.error(Problem::BadLength { length }))
    }

    /// The header at the front of `bytes`, and what follows it.
    pub(crate) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (word, rest) = bytes.split_first_chunk()?;
        let header = Self::of_word(*word);
        if header.class != EXPERIMENTER {
            return Some((header, rest));
        }
        let (experimenter, rest) = rest.split_first_chunk()?;
        Some((
            header.of_experimenter(u32::from_be_bytes(*experimenter))?,
            rest,
        ))
    }

    fn of_word([c0, c1, number, length]: [u8; 4]) -> Self {
        Self {
            class: u16::from_be_bytes([c0, c1]),
            experimenter: 0,
            number: number >> 1,
            masked: number & 1 == 1,
            length,
        }
    }

    /// On the wire, the length counts the experimenter.
    fn of_experimenter(self, experimenter: u32) -> Option<Self> {
        Some(Self {
            experimenter,
            length: self.length.checked_sub(4)?,
            ..self
        })
    }

    /// Appends the header's 4 or, of an experimenter, 8 bytes.
    pub fn encode(&self, out: &mut Writer) {
        let (bytes, size) = self.to_bytes();
        out.put(bytes.get(..size).unwrap_or_default());
    }

    /// The bytes of the header, and how many of them count.
    pub(crate) fn to_bytes(self) -> ([u8; 8], usize) {
        let [c0, c1] = self.class.to_be_bytes();
        let number = self.number << 1 | u8::from(self.masked);
        if self.class == EXPERIMENTER {
            let [e0, e1, e2, e3] = self.experimenter.to_be_bytes();
            let length = self.length.saturating_add(4);
            ([c0, c1, number, length, e0, e1, e2, e3], 8)
        } else {
            ([c0, c1, number, self.length, 0, 0, 0, 0], 4)
        }
    }

    /// The bytes of the value alone.
    #[must_use]
    pub fn size(self) -> usize {
        let length = usize::from(self.length);
        if self.masked { length / 2 } else { length }
    }

    /// The field, if the table has it and its values have this length.
    ///
    /// # Errors
    ///
    /// The length, if it is not that of the field's values.
    pub fn field(self) -> Result<Option<FieldId>, usize> {
        let length = usize::from(self.length);
        let size = self.size();
        if self.masked && !length.is_multiple_of(2) {
            return Err(length);
        }
        let Some(field) = FieldId::of_header(self) else {
            return Ok(None);
        };
        let fits = if field.is_variable() {
            size <= field.size()
        } else {
            size == field.size()
        };
        if fits { Ok(Some(field)) } else { Err(length) }
    }
}
