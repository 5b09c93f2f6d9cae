//! Copies a part of a field to another.

use std::fmt;

use super::{FieldHeader, Subfield, plain_text};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Copies bits from one field to another (`NXAST_REG_MOVE`).
///
/// ```
/// # use openflow::{action::RegMove, field::{REG0, REG1}};
/// let copy = RegMove::new(REG0.slice(0, 15), REG1.slice(16, 31));
/// assert_eq!(copy.to_string(), "move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31]");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegMove {
    /// The bits that are read.
    pub source: Subfield,
    /// The bits that are written, as many.
    pub target: Subfield,
}

impl RegMove {
    /// Copies `source` to `target`, which has as many bits.
    #[must_use]
    pub const fn new(source: Subfield, target: Subfield) -> Self {
        Self { source, target }
    }
}

impl Wire for RegMove {
    fn encode(&self, out: &mut Writer) {
        self.target.bits().encode(out);
        self.source.start().encode(out);
        self.target.start().encode(out);
        self.source.nxm().encode(out);
        self.target.nxm().encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [bits, source, target] = [
            u16::decode(input)?,
            u16::decode(input)?,
            u16::decode(input)?,
        ];
        parts(bits, source, target, input).map(|(source, target)| Self { source, target })
    }
}

/// [`RegMove`] as the Open Networking Foundation has it (`ONFACT13_COPY_FIELD`, extension 320).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyField {
    /// The bits that are read.
    pub source: Subfield,
    /// The bits that are written, as many.
    pub target: Subfield,
}

impl Wire for CopyField {
    fn encode(&self, out: &mut Writer) {
        out.zeros(2);
        self.target.bits().encode(out);
        self.source.start().encode(out);
        self.target.start().encode(out);
        out.zeros(2);
        self.source.oxm().encode(out);
        self.target.oxm().encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.skip(2)?;
        let [bits, source, target] = [
            u16::decode(input)?,
            u16::decode(input)?,
            u16::decode(input)?,
        ];
        input.skip(2)?;
        parts(bits, source, target, input).map(|(source, target)| Self { source, target })
    }
}

/// Reads the headers of source and target, and the padding.
fn parts(
    bits: u16,
    source: u16,
    target: u16,
    input: &mut Reader<'_>,
) -> Result<(Subfield, Subfield), DecodeError> {
    let source = FieldHeader::decode(input, "RegMove.source")?.part(source, bits)?;
    let at = input.place("RegMove.target");
    let target = FieldHeader::decode(input, "RegMove.target")?.part(target, bits)?;
    if !target.field().is_writable() {
        let field = target.field().name();
        return Err(at.error(Problem::ReadOnly { field }));
    }
    input.zeros(input.left(), "RegMove.padding")?;
    Ok((source, target))
}

plain_text! {
    RegMove |copy| "move:{}->{}", copy.source, copy.target;
    CopyField |copy| "move:{}->{}", copy.source, copy.target;
}
