//! Bytes that should be a message.

use std::fmt::{self, Display, Formatter};

use bytes::{Bytes, BytesMut};

use super::{VERBOSITY, WITH_BYTES, refuse};
use crate::message::{BundleControl, ErrorCode, Header, Message, VERSION};
use crate::names::Names;
use crate::wire::{Problem, Reader, Wire};

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

    fn message(&self, header: Header, f: &mut Formatter<'_>) -> fmt::Result {
        match self.text(header) {
            Ok(text) => {
                f.write_str(&text)?;
                if self.verbosity >= WITH_BYTES {
                    write!(f, "\n{}", Dump::with_text(self.bytes))?;
                }
                Ok(())
            }
            Err((text, error)) => {
                let dump = Dump::with_text(self.bytes);
                write!(f, "{text}***decode error: {error}***\n{dump}")
            }
        }
    }

    /// The text of the message, or what stands before the error, and the error.
    fn text(&self, header: Header) -> Result<String, (String, ErrorCode)> {
        let name = refuse::name(self.bytes).map_err(|error| (String::new(), error))?;
        let start = start(name, header);
        if header.kind == HELLO {
            return Ok(format!("{start}{}", Greeting(self.bytes, header.version)));
        }
        let print = |(xid, message): (u32, Message)| {
            let text = message.print(xid, self.names).verbosity(self.verbosity);
            text.to_string()
        };
        let error = match decode(self.bytes, name) {
            Ok(decoded) => return Ok(print(decoded)),
            Err(error) => error,
        };
        if let Some((add, inner)) = bundled(self.bytes) {
            let inner = Frame::new(&inner, self.names).verbosity(self.verbosity);
            return Ok(format!("{start}{add}{inner}"));
        }
        // Here OVS complains twice.
        let twice = if name == "OFPST_GROUP reply" {
            " ***parse error***"
        } else {
            ""
        };
        let part = readable(self.bytes, name)
            .map(print)
            .map(|part| part + twice);
        let part = part.filter(|part| part.len() > start.len());
        let text = part.map_or_else(|| start + " ", |part| part + "\n");
        Err((text, error))
    }
}

/// Reads a message as far as OVS does, and refuses what it refuses.
fn decode(bytes: &Bytes, name: &str) -> Result<(u32, Message), ErrorCode> {
    let decoded = Message::decode(bytes).or_else(|error| match error.problem {
        Problem::Trailing { .. } if ENDLESS.contains(&name) => {
            let rest = bytes.get(..error.offset).unwrap_or_default();
            Message::decode(&sized(rest).ok_or(error)?)
        }
        _ => Err(error),
    });
    let (xid, message) = decoded.map_err(|error| ErrorCode::from(&error))?;
    refuse::contents(xid, &message).map(|()| (xid, message))
}

/// The messages whose end OVS does not look at.
const ENDLESS: [&str; 5] = [
    "OFPST_FLOW request",
    "OFPST_AGGREGATE request",
    "ONFT_BUNDLE_CONTROL",
    "ONFT_REQUESTFORWARD",
    "ONFT_ROLE_STATUS",
];

/// A message of these bytes: the length in the header is theirs.
fn sized(bytes: &[u8]) -> Option<Bytes> {
    let mut message = BytesMut::from(bytes);
    let length = u16::try_from(bytes.len()).ok()?.to_be_bytes();
    message.get_mut(2..4)?.copy_from_slice(&length);
    Some(message.freeze())
}

/// Of a message that adds another to a bundle: the text before that, and the other.
fn bundled(bytes: &Bytes) -> Option<(String, Bytes)> {
    let mut body = Reader::new(bytes);
    body.skip(16).ok()?;
    let control = BundleControl::decode(&mut body).ok()?;
    let inner = Header::peek(body.peek())?;
    let of_this = Header::peek(bytes)?.xid == inner.xid;
    let is_added = of_this && matches!(inner.kind, FLOW_MOD | GROUP_MOD | PORT_MOD | PACKET_OUT);
    let inner = body.bytes(inner.length.into(), "BundleAdd.message").ok()?;
    refuse::name(&inner).ok().filter(|_| is_added)?;
    Some((super::bundle_add(control.id, control.flags), inner))
}

/// What can be added to a bundle (`OFPT_*`).
const PACKET_OUT: u8 = 13;
const FLOW_MOD: u8 = 14;
const GROUP_MOD: u8 = 15;
const PORT_MOD: u8 = 16;

/// The code of a greeting, `OFPT_HELLO`.
const HELLO: u8 = 0;

/// The start of a message with a list, up to the first entry that cannot be read.
fn readable(bytes: &Bytes, name: &str) -> Option<(u32, Message)> {
    let mut end = if name.starts_with("ONF") || name.starts_with("NX") {
        24
    } else {
        16
    };
    entry_length(&[0; 20], name)?;
    let mut found = None;
    loop {
        let start = sized(bytes.get(..end)?)?;
        match decode(&start, name) {
            Ok(part) => found = Some(part),
            Err(_) => return found,
        }
        let entry = bytes.get(end..).unwrap_or_default();
        match entry_length(entry, name) {
            Some(length @ 1..) if length <= entry.len() => end += length,
            _ => return found,
        }
    }
}

/// The length of the first of some entries.
fn entry_length(entries: &[u8], name: &str) -> Option<usize> {
    let number = |at: usize| {
        let bytes = entries.get(at..)?.first_chunk().copied()?;
        Some(usize::from(u16::from_be_bytes(bytes)))
    };
    match name {
        "OFPST_FLOW reply"
        | "OFPST_GROUP reply"
        | "OFPST_GROUP_DESC reply"
        | "OFPST_METER_CONFIG reply"
        | "OFPST_TABLE_FEATURES request"
        | "OFPST_TABLE_FEATURES reply"
        | "ONFST_FLOW_MONITOR reply" => number(0),
        "OFPST_METER reply" => number(4),
        "OFPT_QUEUE_GET_CONFIG_REPLY" => number(8),
        "ONFST_FLOW_MONITOR request" => Some(16 + number(18)?.next_multiple_of(8)),
        _ => None,
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
            let known = header.version == VERSION || header.kind <= 1;
            if let Some(name) = Message::name_of(self.bytes).filter(|_| known) {
                writeln!(f, "{}", start(name, header))?;
            }
            writeln!(f, "(***truncated to {size} bytes from {length}***)")?;
        } else if length < size {
            writeln!(f, "(***only uses {length} bytes out of {size}***)")?;
        } else {
            return self.message(header, f);
        }
        Dump::with_text(self.bytes).fmt(f)
    }
}

/// What stands before the contents of every message.
fn start(name: &str, header: Header) -> String {
    let version = version(header.version);
    format!("{name}{version} (xid={:#x}):", header.xid)
}

/// How a version of OpenFlow follows the name of a message.
fn version(number: u8) -> String {
    match number {
        1 => String::new(),
        2..=6 => format!(" (OF1.{})", number - 1),
        _ => format!(" (OF {number:#04x})"),
    }
}

/// A greeting of any version, which is printed even if a part of it cannot be read.
struct Greeting<'a>(&'a [u8], u8);

impl Greeting<'_> {
    /// The versions that are offered, and whether all of the greeting can be read.
    fn versions(&self) -> (u32, bool) {
        let Self(bytes, version) = *self;
        // Without a bitmap: all up to the one in the header.
        let below = u32::MAX.checked_shr(31_u32.saturating_sub(version.into()));
        let mut versions = below.unwrap_or_default() & !1;
        let mut understood = true;
        let mut rest = bytes.get(Header::LENGTH..).unwrap_or_default();
        while let [kind_high, kind, high, low, ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let next = rest.get(length.next_multiple_of(8)..);
            let (Some(element), Some(next)) = (rest.get(4..length), next) else {
                return (versions, false);
            };
            let bitmap = element.first_chunk().copied().map(u32::from_be_bytes);
            match ([kind_high, kind], bitmap.map(|bitmap| bitmap & !1)) {
                ([0, 1], Some(bitmap @ 1..)) => versions = bitmap,
                _ => understood = false,
            }
            rest = next;
        }
        (versions, understood && rest.is_empty())
    }
}

impl Display for Greeting<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (versions, understood) = self.versions();
        write!(f, "\n version bitmap: {}", VersionList(versions))?;
        if understood {
            return Ok(());
        }
        let dump = Dump::with_text(self.0);
        write!(f, "\n unknown data in hello:\n{dump}")
    }
}

/// The versions of a bitmap.
pub(super) struct VersionList(pub(super) u32);

impl Display for VersionList {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for version in (0..32).filter(|version| self.0 & 1_u32 << version != 0) {
            write!(f, "{comma}{version:#04x}")?;
            comma = ", ";
        }
        Ok(())
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
