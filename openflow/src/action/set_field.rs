//! Writes fields.

use std::fmt;

use smallvec::SmallVec;

use super::{Action, FieldHeader, Subfield, plain_text};
use crate::declare::wire_struct;
use crate::field::format::Hex;
use crate::field::{Field, FieldId, Header, IN_PORT, VLAN_VID, Value, VlanVid};
use crate::matching::fold;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Place, Problem, Reader, Wire, Writer};

/// Writes a whole field (`OFPAT_SET_FIELD`, section 7.2.4).
///
/// OpenFlow 1.3 has no mask here; [`RegLoad`] writes a part.
///
/// ```
/// # use openflow::{action::SetField, field::{ETH_DST, MacAddr}};
/// let set = SetField::new(ETH_DST, MacAddr::BROADCAST);
/// assert_eq!(set.to_string(), "set_field:ff:ff:ff:ff:ff:ff->eth_dst");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetField {
    field: FieldId,
    value: SmallVec<[u8; 16]>,
}

impl SetField {
    /// Writes `value` to `field`.
    #[must_use]
    pub fn new<T: Value>(field: Field<T>, value: T) -> Self {
        Self::of_bytes(field.id(), value.to_bytes().as_ref())
    }

    /// Writes a field that is known only when the program runs. The value is to have its size.
    #[must_use]
    pub fn of_bytes(field: FieldId, value: &[u8]) -> Self {
        let start = value.len() - field.significant(value, None);
        Self {
            field,
            value: value.get(start..).unwrap_or_default().into(),
        }
    }

    /// The field.
    #[must_use]
    pub const fn field(&self) -> FieldId {
        self.field
    }

    /// The value in network order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.value
    }

    /// The value, if the field is `field`.
    #[must_use]
    pub fn value<T: Value>(&self, field: Field<T>) -> Option<T> {
        (field.id() == self.field)
            .then(|| T::from_bytes(&self.value))
            .flatten()
    }
}

impl Wire for SetField {
    fn encode(&self, out: &mut Writer) {
        self.field.oxm().header(self.value.len(), false).encode(out);
        out.put(&self.value);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("SetField.field");
        let field = FieldHeader::decode(input, "SetField.field")?;
        let value = input.take(field.size(), "SetField.value")?;
        let tagged = |value| VlanVid::from_bytes(value).is_some_and(VlanVid::is_tagged);
        if field.field == IN_PORT.id() {
            let field = field.field.name();
            return Err(at.error(Problem::ReadOnly { field }));
        }
        if field.field == VLAN_VID.id() && !tagged(value) {
            return Err(at.error(Problem::BadValue { value: 0 }));
        }
        writable(field.field, value, at)?;
        input.zeros(input.left(), "SetField.padding")?;
        Ok(Self::of_bytes(field.field, value))
    }
}

impl Text for SetField {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("set_field:")?;
        self.field.format().write(&self.value, None, names, f)?;
        write!(f, "->{}", self.field)
    }
}

/// Refuses a value that the whole field cannot have; the error stands where `at` does.
fn writable(field: FieldId, value: &[u8], at: Place) -> Result<(), DecodeError> {
    let problem = match fold::check(field, value, None) {
        Ok(()) if field.is_writable() => return Ok(()),
        Ok(()) => Problem::ReadOnly {
            field: field.name(),
        },
        Err(problem) => problem,
    };
    Err(at.error(problem))
}

/// Writes a part of a field (`NXAST_REG_LOAD`).
///
/// The field must have a code without an experimenter; [`RegLoad2`] takes the others.
///
/// ```
/// # use openflow::{action::RegLoad, field::REG6};
/// assert_eq!(RegLoad::new(REG6.slice(0, 15), 5).to_string(), "load:0x5->NXM_NX_REG6[0..15]");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegLoad {
    target: Subfield,
    value: u64,
}

impl RegLoad {
    /// Writes the lowest bits of `value` to `target`, which has at most 64.
    #[must_use]
    pub fn new(target: Subfield, value: u64) -> Self {
        Self {
            target,
            value: value & low_bits(target.bits()),
        }
    }

    /// The bits that are written.
    #[must_use]
    pub const fn target(&self) -> Subfield {
        self.target
    }

    /// What they become.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.value
    }
}

/// A number whose lowest `bits` bits are set.
fn low_bits(bits: u16) -> u64 {
    u64::MAX
        .checked_shr(64_u32.saturating_sub(bits.into()))
        .unwrap_or(0)
}

impl Wire for RegLoad {
    fn encode(&self, out: &mut Writer) {
        self.target.encode(out);
        self.value.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("RegLoad.target");
        let target = Subfield::decode(input, "RegLoad.target")?;
        if !target.field().is_writable() {
            let field = target.field().name();
            return Err(at.error(Problem::ReadOnly { field }));
        }
        let bad = input.place("RegLoad.value");
        let value = u64::decode(input).map_err(|e| e.reading("RegLoad.value"))?;
        if value & !low_bits(target.bits()) != 0 {
            return Err(bad.error(Problem::BadValue { value }));
        }
        Ok(Self { target, value })
    }
}

/// Writes some bits of any field (`NXAST_REG_LOAD2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegLoad2 {
    field: FieldId,
    value: SmallVec<[u8; 16]>,
    mask: Option<SmallVec<[u8; 16]>>,
}

impl RegLoad2 {
    /// Writes those bits of `field` that `mask` has.
    #[must_use]
    pub fn new<T: Value>(field: Field<T>, value: T, mask: T) -> Self {
        Self::of_bytes(
            field.id(),
            value.to_bytes().as_ref(),
            Some(mask.to_bytes().as_ref()),
        )
    }

    /// Writes a field that is known only when the program runs.
    #[must_use]
    pub fn of_bytes(field: FieldId, value: &[u8], mask: Option<&[u8]>) -> Self {
        let ones = |mask: &[u8]| mask.iter().all(|byte| *byte == 0xff);
        // A mask of fewer bytes than the field has leaves out those before it.
        let mask = mask.filter(|mask| mask.len() < field.size() || !ones(mask));
        let start = value.len() - field.significant(value, mask);
        let value = value.get(start..).unwrap_or_default();
        let mask = mask.map(|mask| mask.get(start..).unwrap_or_default());
        let masked = |mask: &[u8]| value.iter().zip(mask).map(|(v, m)| v & m).collect();
        Self {
            field,
            value: mask.map_or_else(|| value.into(), masked),
            mask: mask.map(Into::into),
        }
    }

    /// The field.
    #[must_use]
    pub const fn field(&self) -> FieldId {
        self.field
    }

    /// The value in network order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.value
    }

    /// The bits that are written, if not all are.
    #[must_use]
    pub fn mask(&self) -> Option<&[u8]> {
        self.mask.as_deref()
    }
}

impl Wire for RegLoad2 {
    fn encode(&self, out: &mut Writer) {
        let code = self.field.nxm();
        code.header(self.value.len(), self.mask.is_some())
            .encode(out);
        out.put(&self.value);
        out.put(self.mask.as_deref().unwrap_or_default());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("RegLoad2.field");
        let header = Header::decode(input).map_err(|e| e.reading("RegLoad2.field"))?;
        let code = u64::from(header.class) << 16 | u64::from(header.number) << 9;
        let field = header
            .field()
            .map_err(|length| at.error(Problem::BadLength { length }))?
            .ok_or_else(|| at.error(Problem::UnknownCode { code }))?;
        let value = input.take(header.size(), "RegLoad2.value")?;
        let mask = match header.masked {
            true => Some(input.take(header.size(), "RegLoad2.mask")?),
            false => None,
        };
        // Of a field that is matched exactly, OVS writes a part, and of any it writes any value.
        let name = field.name();
        if mask.is_some_and(|mask| fold::is_outside(value, mask)) {
            return Err(at.error(Problem::BadMask { field: name }));
        }
        input.zeros(input.left(), "RegLoad2.padding")?;
        if !field.is_writable() {
            return Err(at.error(Problem::ReadOnly { field: name }));
        }
        Ok(Self::of_bytes(field, value, mask))
    }
}

impl Text for RegLoad2 {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("set_field:")?;
        let format = self.field.format();
        format.write(&self.value, self.mask.as_deref(), names, f)?;
        write!(f, "->{}", self.field)
    }
}

impl Action {
    /// Whether one sets a field to what the other loads into the whole of it.
    pub(super) fn sets_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::SetField(set), Self::RegLoad2(load))
            | (Self::RegLoad2(load), Self::SetField(set)) => {
                load.mask.is_none() && (set.field, &set.value) == (load.field, &load.value)
            }
            _ => false,
        }
    }
}

wire_struct! {
    /// Writes bits of the field `metadata` (`NXAST_WRITE_METADATA`).
    ///
    /// Only for OpenFlow 1.0: over 1.3, OVS takes nothing but the instruction,
    /// [`write_metadata`](crate::instruction::Instructions::write_metadata).
    pub struct WriteMetadata after pad 6 {
        /// What the bits become.
        metadata: u64;
        /// The bits that are written.
        mask: u64;
    }
}

impl Text for WriteMetadata {
    fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write_metadata:{}", Hex(&self.metadata.to_be_bytes()))?;
        match self.mask {
            u64::MAX => Ok(()),
            mask => write!(f, "/{}", Hex(&mask.to_be_bytes())),
        }
    }
}

/// Takes an option off the tunnel header (`NXAST_DELETE_FIELD`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteField {
    /// The option: one of the fields `tun_metadata0` to `tun_metadata63`.
    pub field: Subfield,
}

impl Wire for DeleteField {
    fn encode(&self, out: &mut Writer) {
        super::padded(14, out, |out| self.field.nxm().encode(out));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let field = FieldHeader::decode(input, "DeleteField.field")?;
        let bits = field.field.bits();
        let left = input.left();
        input.skip(left)?;
        Ok(Self {
            field: field.part(0, bits)?,
        })
    }
}

plain_text! {
    RegLoad |load| "load:{}->{}", Hex(&load.value.to_be_bytes()), load.target;
    DeleteField |delete| "delete_field:{}", delete.field.field();
}
