//! The properties that some messages are made of: a type, a length and a value, filled up to a
//! multiple of 8 bytes.

use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Writes a property with the value that `value` writes.
pub(super) fn put_property(kind: u16, out: &mut Writer, value: impl FnOnce(&mut Writer)) {
    out.sized_then_padded(2, 8, |out| {
        kind.encode(out);
        0_u16.encode(out);
        value(out);
    });
}

/// Writes a property whose value starts at a multiple of 8 bytes: a 64-bit number, or properties.
pub(super) fn put_nested(kind: u16, out: &mut Writer, value: impl FnOnce(&mut Writer)) {
    put_property(kind, out, |out| {
        out.zeros(4);
        value(out);
    });
}

/// Reads the type of a property and gives its value.
pub(super) fn take_property<'a>(
    input: &mut Reader<'a>,
    what: &'static str,
) -> Result<(u16, Reader<'a>), DecodeError> {
    let at = input.error(what, Problem::TooDeep);
    let kind = u16::decode(input).map_err(|e| e.reading(what))?;
    let length = usize::from(u16::decode(input).map_err(|e| e.reading(what))?);
    let Some(size) = length.checked_sub(4) else {
        let problem = Problem::BadLength { length };
        return Err(DecodeError { problem, ..at });
    };
    let value = input.sub(size, what)?;
    input.skip(length.next_multiple_of(8) - length)?;
    Ok((kind, value))
}
