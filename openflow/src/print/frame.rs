//! Bytes that should be a message.

use std::fmt::{self, Display, Formatter};

use bytes::Bytes;

use super::VERBOSITY;
use crate::message::{ErrorCode, Header, Message};
use crate::names::Names;

/// Bytes that should be one message, to be printed as `ovs-ofctl ofp-print` prints them.
///
/// A message is printed as such. Of what is no message, the text says what is wrong with it, and
/// shows its bytes.
///
/// ```
/// # use bytes::Bytes;
/// # use openflow::{names::Names, print::Frame};
/// let barrier = Bytes::from_static(&[4, 20, 0, 8, 0, 0, 0, 5]);
/// let text = Frame::new(&barrier, &Names::NONE).to_string();
/// assert_eq!(text, "OFPT_BARRIER_REQUEST (OF1.3) (xid=0x5):");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    bytes: &'a Bytes,
    names: &'a Names,
    verbosity: u8,
}

impl<'a> Frame<'a> {
    /// `bytes`, with ports and tables by the names that `names` gives them.
    #[must_use]
    pub const fn new(bytes: &'a Bytes, names: &'a Names) -> Self {
        Self {
            bytes,
            names,
            verbosity: VERBOSITY,
        }
    }

    /// The same with another [verbosity](super::Printed::verbosity); from 5 on, the bytes of the
    /// message follow its text.
    #[must_use]
    pub const fn verbosity(self, verbosity: u8) -> Self {
        Self { verbosity, ..self }
    }

    fn message(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match Message::decode(self.bytes) {
            Ok((xid, message)) => {
                let printed = message.print(xid, self.names).verbosity(self.verbosity);
                write!(f, "{printed}")?;
                if self.verbosity >= 5 {
                    write!(f, "\n{}", Dump::with_text(self.bytes))?;
                }
                Ok(())
            }
            Err(error) => {
                if let Some(start) = start(self.bytes) {
                    write!(f, "{start} ")?;
                }
                let name = ErrorCode::from(&error);
                let dump = Dump::with_text(self.bytes);
                write!(f, "***decode error: {name}***\n{dump}")
            }
        }
    }
}

impl Display for Frame<'_> {
    /// Writes the text, without the end of its last line.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let size = self.bytes.len();
        let Some(header) = Header::peek(self.bytes) else {
            if size == 0 {
                return f.write_str("OpenFlow message is empty");
            }
            writeln!(f, "OpenFlow packet too short (only {size} bytes):")?;
            return Dump::with_text(self.bytes).fmt(f);
        };
        let length = usize::from(header.length);
        if length > size {
            if let Some(start) = start(self.bytes) {
                writeln!(f, "{start}")?;
            }
            writeln!(f, "(***truncated to {size} bytes from {length}***)")?;
        } else if length < size {
            writeln!(f, "(***only uses {length} bytes out of {size}***)")?;
        } else {
            return self.message(f);
        }
        Dump::with_text(self.bytes).fmt(f)
    }
}

/// The name and the transaction number of a message whose body cannot be read.
fn start(bytes: &[u8]) -> Option<String> {
    let header = Header::peek(bytes)?;
    let name = Message::name_of(bytes)?;
    Some(format!(
        "{name}{} (xid={:#x}):",
        version(header.version),
        header.xid
    ))
}

/// How a version of OpenFlow follows the name of a message.
fn version(number: u8) -> String {
    match number {
        1 => String::new(),
        2..=6 => format!(" (OF1.{})", number - 1),
        _ => format!(" (OF {number:#04x})"),
    }
}

/// Bytes in lines of 16, in hexadecimal.
pub(super) struct Dump<'a> {
    bytes: &'a [u8],
    text: bool,
}

impl<'a> Dump<'a> {
    /// The bytes, and the characters that they are.
    pub(super) const fn with_text(bytes: &'a [u8]) -> Self {
        Self { bytes, text: true }
    }

    /// The bytes alone.
    pub(super) const fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, text: false }
    }
}

impl Display for Dump<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (line, bytes) in self.bytes.chunks(16).enumerate() {
            let end = if line == 0 { "" } else { "\n" };
            let mut digits = String::new();
            for (place, byte) in bytes.iter().enumerate() {
                let after = if place == 7 { '-' } else { ' ' };
                digits += &format!("{byte:02x}{after}");
            }
            write!(f, "{end}{:08x}  ", line * 16)?;
            if self.text {
                let text: String = bytes.iter().copied().map(character).collect();
                write!(f, "{digits:48}|{text:16}|")?;
            } else {
                f.write_str(digits.strip_suffix(' ').unwrap_or(&digits))?;
            }
        }
        Ok(())
    }
}

fn character(byte: u8) -> char {
    match char::from(byte) {
        c @ ' '..='~' => c,
        _ => '.',
    }
}
