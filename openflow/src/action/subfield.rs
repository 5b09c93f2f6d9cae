//! A part of a field: a run of its bits.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::field::{Field, FieldId, Header};
use crate::wire::{DecodeError, Place, Problem, Reader, Wire, Writer};

/// A run of bits of a field, such as `NXM_NX_REG6[0..15]`.
///
/// ```
/// # use openflow::field::*;
/// assert_eq!(REG6.slice(0, 15).to_string(), "NXM_NX_REG6[0..15]");
/// assert_eq!(REG6.whole().to_string(), "NXM_NX_REG6[]");
/// assert_eq!(REG6.slice(3, 3).to_string(), "NXM_NX_REG6[3]");
/// ```
///
/// Of an option of a tunnel, a switch says how many bytes it has; parts are equal whatever it says.
#[derive(Clone, Copy, Debug)]
pub struct Subfield {
    field: FieldId,
    start: u16,
    bits: u16,
    /// The bytes of the field, which for an option of a tunnel the switch decides.
    size: u8,
}

impl Subfield {
    /// What tells parts of fields apart.
    const fn identity(self) -> (FieldId, u16, u16) {
        (self.field, self.start, self.bits)
    }
}

impl PartialEq for Subfield {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Subfield {}

impl PartialOrd for Subfield {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Subfield {
    fn cmp(&self, other: &Self) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}

impl Hash for Subfield {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl<T> Field<T> {
    /// The bits from `first` to `last`, counted from the least significant.
    #[must_use]
    pub const fn slice(self, first: u16, last: u16) -> Subfield {
        self.id().slice(first, last)
    }

    /// All bits.
    #[must_use]
    pub const fn whole(self) -> Subfield {
        self.id().whole()
    }
}

impl FieldId {
    /// The bits from `first` to `last`, counted from the least significant.
    #[must_use]
    pub const fn slice(self, first: u16, last: u16) -> Subfield {
        Subfield {
            field: self,
            start: first,
            bits: last.saturating_sub(first).saturating_add(1),
            size: self.byte_size(),
        }
    }

    /// All bits.
    #[must_use]
    pub const fn whole(self) -> Subfield {
        self.slice(0, self.bits().saturating_sub(1))
    }
}

impl Subfield {
    /// How many bits [`range`](Self::range) can say.
    pub(crate) const RANGE: u16 = 64;

    /// The field.
    #[must_use]
    pub const fn field(self) -> FieldId {
        self.field
    }

    /// The first bit, counted from the least significant.
    #[must_use]
    pub const fn start(self) -> u16 {
        self.start
    }

    /// How many bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.bits
    }

    /// Whether these are all bits of the field.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.start == 0 && self.bits == self.field.bits()
    }

    /// The header in the Nicira actions.
    pub(super) fn nxm(self) -> Header {
        self.field.nxm().header(self.size.into(), false)
    }

    /// The header in the actions of OpenFlow.
    pub(super) fn oxm(self) -> Header {
        self.field.oxm().header(self.size.into(), false)
    }

    /// Writes the header where there is no room for an experimenter.
    ///
    /// Such a field becomes zeros, as OVS has it: no field at all.
    pub(super) fn encode_short(self, out: &mut Writer) {
        match self.field.nxm().class.is_experimenter() {
            true => out.zeros(4),
            false => self.nxm().encode(out),
        }
    }

    /// First bit and number of bits in 16 bits.
    pub(super) const fn range(self) -> u16 {
        self.start << 6 | (self.bits.wrapping_sub(1) & 0x3f)
    }

    /// Writes the range, then the header.
    pub(super) fn encode(self, out: &mut Writer) {
        self.range().encode(out);
        self.encode_short(out);
    }

    /// Reads the range, then the header.
    pub(super) fn decode(input: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let range = u16::decode(input).map_err(|e| e.reading(what))?;
        FieldHeader::decode_short(input, what)?.range(range)
    }
}

/// A field as the header of an action names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldHeader {
    pub(super) field: FieldId,
    size: u8,
    at: Place,
}

impl FieldHeader {
    /// Reads a header that names a field here, without a mask.
    pub(super) fn decode(input: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        let at = input.place(what);
        let header = Header::decode(input).map_err(|e| e.reading(what))?;
        let code = u64::from(header.class) << 16 | u64::from(header.number) << 9;
        let field = header
            .field()
            .map_err(|length| at.error(Problem::BadLength { length }))?
            .ok_or_else(|| at.error(Problem::UnknownCode { code }))?;
        if header.masked {
            return Err(at.error(Problem::Unmaskable {
                field: field.name(),
            }));
        }
        Ok(Self {
            field,
            size: header.length,
            at,
        })
    }

    /// Reads a header where there is no room for an experimenter.
    pub(super) fn decode_short(
        input: &mut Reader<'_>,
        what: &'static str,
    ) -> Result<Self, DecodeError> {
        let header = Self::decode(input, what)?;
        match header.field.nxm().class.is_experimenter() {
            false => Ok(header),
            true => Err(header.at.error(Problem::UnknownCode { code: 0xffff })),
        }
    }

    /// The bytes of a value.
    pub(super) fn size(self) -> usize {
        self.size.into()
    }

    /// The part that a range in 16 bits says.
    pub(super) fn range(self, range: u16) -> Result<Subfield, DecodeError> {
        self.part(range >> 6, (range & 0x3f) + 1)
    }

    /// The part of `bits` bits from `start`.
    pub(super) fn part(self, start: u16, bits: u16) -> Result<Subfield, DecodeError> {
        if bits == 0
            || start
                .checked_add(bits)
                .is_none_or(|end| end > self.field.bits())
        {
            return Err(self.at.error(Problem::BadValue {
                value: u64::from(start) << 16 | u64::from(bits),
            }));
        }
        Ok(Subfield {
            field: self.field,
            start,
            bits,
            size: self.size,
        })
    }
}

impl fmt::Display for Subfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.nxm().name)?;
        match self.bits {
            _ if self.is_whole() => f.write_str("[]"),
            1 => write!(f, "[{}]", self.start),
            bits => write!(f, "[{}..{}]", self.start, self.start + bits - 1),
        }
    }
}
