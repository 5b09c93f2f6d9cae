//! A remark that does nothing.

use std::fmt;

use super::plain_text;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// Carries bytes that the switch keeps and does not look at (`NXAST_NOTE`).
///
/// ```
/// # use openflow::action::Note;
/// assert_eq!(Note::new(b"hi").to_string(), "note:68.69.00.00.00.00");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    bytes: Vec<u8>,
}

impl Note {
    /// A note of `bytes`, filled up with zeros to 6, 14, 22, … bytes, as no other number can be
    /// told from these on the wire.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let length = (bytes.len().max(6) + 2).next_multiple_of(8) - 2;
        let mut bytes = bytes.to_vec();
        bytes.resize(length, 0);
        Self { bytes }
    }

    /// The bytes, with the zeros that fill them up.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Wire for Note {
    fn encode(&self, out: &mut Writer) {
        out.put(&self.bytes);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = input.take(input.left(), "Note")?;
        Ok(Self::new(bytes))
    }
}

/// Bytes in hexadecimal, with dots between them.
pub(super) struct Dotted<'a>(pub(super) &'a [u8]);

impl fmt::Display for Dotted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut dot = "";
        for byte in self.0 {
            write!(f, "{dot}{byte:02x}")?;
            dot = ".";
        }
        Ok(())
    }
}

plain_text! {
    Note |note| "note:{}", Dotted(&note.bytes);
}
