//! Keeps bits of fields on a stack.

use std::fmt;

use super::{FieldHeader, Subfield, plain_text};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// Pushes bits of a field onto the stack (`NXAST_STACK_PUSH`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackPush {
    /// The bits that are read.
    pub source: Subfield,
}

/// Pops bits off the stack into a field (`NXAST_STACK_POP`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackPop {
    /// The bits that are written.
    pub target: Subfield,
}

impl Wire for StackPush {
    fn encode(&self, out: &mut Writer) {
        encode(self.source, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode(input, "StackPush.source").map(|source| Self { source })
    }
}

impl Wire for StackPop {
    fn encode(&self, out: &mut Writer) {
        encode(self.target, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode(input, "StackPop.target").map(|target| Self { target })
    }
}

fn encode(part: Subfield, out: &mut Writer) {
    part.start().encode(out);
    super::padded(12, out, |out| {
        part.nxm().encode(out);
        part.bits().encode(out);
    });
}

fn decode(input: &mut Reader<'_>, what: &'static str) -> Result<Subfield, DecodeError> {
    let start = u16::decode(input).map_err(|e| e.reading(what))?;
    let field = FieldHeader::decode(input, what)?;
    let bits = u16::decode(input).map_err(|e| e.reading(what))?;
    input.zeros(input.left(), what)?;
    field.part(start, bits)
}

plain_text! {
    StackPush |push| "push:{}", push.source;
    StackPop |pop| "pop:{}", pop.target;
}
