//! Reading and writing big-endian bytes.
//!
//! Everything that crosses the wire implements [`Wire`]. A [`Reader`] knows where it stands, so an
//! error can say where the bytes are wrong; a [`Writer`] remembers a length that did not fit, so
//! encoders need no error of their own.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

/// A value with one encoding in bytes.
pub trait Wire: Sized {
    /// Appends the value to `out`.
    fn encode(&self, out: &mut Writer);

    /// Reads a value from the front of `input`.
    ///
    /// # Errors
    ///
    /// When the bytes are too few or mean nothing.
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// Bytes that are not a message: what was being read, where, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}: {problem}")]
pub struct DecodeError {
    /// The message and field, such as `FlowMod.priority`.
    pub what: &'static str,
    /// Bytes from the start of the message.
    pub offset: usize,
    /// What is wrong there.
    pub problem: Problem,
}

impl DecodeError {
    /// Names what was being read, unless something more precise already did.
    #[must_use]
    pub fn reading(mut self, what: &'static str) -> Self {
        if self.what.is_empty() {
            self.what = what;
        }
        self
    }
}

/// What is wrong with some bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The message ends too early.
    #[error("{missing} more bytes needed")]
    Truncated {
        /// How many bytes are missing.
        missing: usize,
    },
    /// Something follows where nothing may.
    #[error("{extra} bytes left over")]
    Trailing {
        /// How many bytes follow.
        extra: usize,
    },
    /// A length field does not fit what it measures.
    #[error("length {length} is not allowed here")]
    BadLength {
        /// The length that was read.
        length: usize,
    },
    /// A type, class or experimenter that nothing here declares.
    #[error("code {code:#x} is not known")]
    UnknownCode {
        /// The code that was read.
        code: u64,
    },
    /// A known code with a value that its meaning does not allow.
    #[error("value {value:#x} is not allowed here")]
    BadValue {
        /// The value that was read.
        value: u64,
    },
    /// Padding that must be zero is not.
    #[error("padding is not zero")]
    BadPadding,
    /// A match field that stands twice.
    #[error("{field} is given twice")]
    Duplicate {
        /// The name of the field.
        field: &'static str,
    },
    /// Something that may stand once stands twice.
    #[error("code {code:#x} stands twice")]
    Repeated {
        /// The code of what stands twice.
        code: u64,
    },
    /// A match field without the field that gives it meaning.
    #[error("{field} needs a match on its protocol")]
    MissingPrerequisite {
        /// The name of the field that lacks its prerequisite.
        field: &'static str,
    },
    /// A mask on a field that can only be matched exactly.
    #[error("{field} cannot be masked")]
    Unmaskable {
        /// The name of the field.
        field: &'static str,
    },
    /// A value with bits set that its mask ignores.
    #[error("{field} has bits outside its mask")]
    BadMask {
        /// The name of the field.
        field: &'static str,
    },
    /// An action that writes a field that actions cannot write.
    #[error("{field} cannot be written")]
    ReadOnly {
        /// The name of the field.
        field: &'static str,
    },
    /// Actions within actions, deeper than any switch would run them.
    #[error("actions are nested too deeply")]
    TooDeep,
}

/// How deep actions may nest: `ct` in `clone` in `clone`, and so on.
///
/// The depth of OVS itself; it bounds the stack that hostile bytes can use.
const MAX_DEPTH: u8 = 64;

/// A cursor over a message that remembers where it stands.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    message: &'a Bytes,
    rest: &'a [u8],
    depth: u8,
    is_tolerant: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `message`.
    #[must_use]
    pub fn new(message: &'a Bytes) -> Self {
        Self {
            message,
            rest: message,
            depth: 0,
            is_tolerant: false,
        }
    }

    /// A reader at the start of `message` that keeps actions, instructions and match fields that it
    /// cannot understand as bytes, where their length is sound.
    ///
    /// For what a switch tells of itself: others may have put there what nothing here declares, and
    /// that must not hide all the rest.
    #[must_use]
    pub fn tolerant(message: &'a Bytes) -> Self {
        Self {
            is_tolerant: true,
            ..Self::new(message)
        }
    }

    /// Whether what cannot be understood is kept as bytes.
    #[must_use]
    pub fn is_tolerant(&self) -> bool {
        self.is_tolerant
    }

    /// How many bytes are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes from the start of the message.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.rest.as_ptr().addr() - self.message.as_ptr().addr()
    }

    /// The bytes that are left, without consuming them.
    #[must_use]
    pub fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((head, rest)) = self.rest.split_first_chunk() else {
            return Err(self.error(
                "",
                Problem::Truncated {
                    missing: N - self.rest.len(),
                },
            ));
        };
        self.rest = rest;
        Ok(*head)
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    ///
    /// When fewer are left; the error names `what`.
    pub fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.error(
                what,
                Problem::Truncated {
                    missing: length - self.rest.len(),
                },
            ));
        };
        self.rest = rest;
        Ok(head)
    }

    /// The next `length` bytes, shared with the message instead of copied.
    ///
    /// # Errors
    ///
    /// When fewer are left; the error names `what`.
    pub fn bytes(&mut self, length: usize, what: &'static str) -> Result<Bytes, DecodeError> {
        Ok(self.message.slice_ref(self.take(length, what)?))
    }

    /// All bytes that are left, shared with the message instead of copied.
    pub fn remainder(&mut self) -> Bytes {
        self.message.slice_ref(std::mem::take(&mut self.rest))
    }

    /// A reader of the next `length` bytes alone, for a nested structure.
    ///
    /// # Errors
    ///
    /// When fewer are left, or structures nest too deeply; the error names `what`.
    pub fn sub(&mut self, length: usize, what: &'static str) -> Result<Self, DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(what, Problem::TooDeep));
        }
        let rest = self.take(length, what)?;
        Ok(Self {
            message: self.message,
            rest,
            depth: self.depth + 1,
            is_tolerant: self.is_tolerant,
        })
    }

    /// Skips `length` bytes of padding, whatever they hold.
    ///
    /// # Errors
    ///
    /// When fewer are left.
    pub fn skip(&mut self, length: usize) -> Result<(), DecodeError> {
        self.take(length, "padding").map(drop)
    }

    /// Skips `length` bytes of padding that must be zero.
    ///
    /// # Errors
    ///
    /// When fewer are left, or one is not zero.
    pub fn zeros(&mut self, length: usize, what: &'static str) -> Result<(), DecodeError> {
        let at = self.error(what, Problem::BadPadding);
        if self.take(length, what)?.iter().all(|byte| *byte == 0) {
            Ok(())
        } else {
            Err(at)
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// When bytes are left over; the error names `what`.
    pub fn finish(self, what: &'static str) -> Result<(), DecodeError> {
        match self.left() {
            0 => Ok(()),
            extra => Err(self.error(what, Problem::Trailing { extra })),
        }
    }

    /// An error at this place.
    #[must_use]
    pub fn error(&self, what: &'static str, problem: Problem) -> DecodeError {
        self.place(what).error(problem)
    }

    /// This place, at which `what` starts.
    #[must_use]
    pub fn place(&self, what: &'static str) -> Place {
        Place {
            what,
            offset: self.offset(),
        }
    }
}

/// A place in a message, for an error that only shows once more of it is read.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    what: &'static str,
    offset: usize,
}

impl Place {
    /// The same place, where something with a better name starts.
    #[must_use]
    pub const fn named(self, what: &'static str) -> Self {
        Self { what, ..self }
    }

    /// An error at this place.
    #[must_use]
    pub const fn error(self, problem: Problem) -> DecodeError {
        DecodeError {
            what: self.what,
            offset: self.offset,
            problem,
        }
    }
}

/// Where encodings go.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: BytesMut,
    overflow: Option<usize>,
}

impl Writer {
    /// A writer that appends to `bytes`, so that one buffer can serve many messages.
    #[must_use]
    pub fn on(bytes: BytesMut) -> Self {
        Self {
            bytes,
            overflow: None,
        }
    }

    /// How many bytes have been written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.put_slice(bytes);
    }

    /// Appends `length` zero bytes.
    pub fn zeros(&mut self, length: usize) {
        self.bytes.put_bytes(0, length);
    }

    /// Appends how many things follow, in 16 bits.
    pub fn count(&mut self, count: usize) {
        let narrow = u16::try_from(count).unwrap_or_else(|_| {
            self.overflow = self.overflow.or(Some(count));
            u16::MAX
        });
        narrow.encode(self);
    }

    /// Appends how many things follow, in 8 bits.
    pub fn count_8(&mut self, count: usize) {
        let narrow = u8::try_from(count).unwrap_or_else(|_| {
            self.overflow = self.overflow.or(Some(count));
            u8::MAX
        });
        narrow.encode(self);
    }

    /// Runs `body`, pads what it wrote to a multiple of `align`, and stores the padded length as
    /// the 16-bit number that stands `at` bytes after the start.
    pub fn sized(&mut self, at: usize, align: usize, body: impl FnOnce(&mut Self)) {
        let start = self.len();
        body(self);
        self.pad(start, align);
        self.store_length(start, at, self.len() - start);
    }

    /// Like [`sized`](Self::sized), but the stored length does not count the padding.
    pub fn sized_then_padded(&mut self, at: usize, align: usize, body: impl FnOnce(&mut Self)) {
        let start = self.len();
        body(self);
        self.store_length(start, at, self.len() - start);
        self.pad(start, align);
    }

    /// Writes the length of what `body` writes as a 16-bit number, then `gap` zero bytes, then what
    /// `body` writes.
    pub fn counted(&mut self, gap: usize, body: impl FnOnce(&mut Self)) {
        let at = self.len();
        self.zeros(2 + gap);
        let start = self.len();
        body(self);
        self.store_length(at, 0, self.len() - start);
    }

    /// Pads what was written since `start` to a multiple of `align`.
    pub fn pad(&mut self, start: usize, align: usize) {
        let written = self.len() - start;
        self.zeros(written.next_multiple_of(align) - written);
    }

    /// The bytes, unless some length did not fit.
    ///
    /// # Errors
    ///
    /// When a structure was longer than its length field can say.
    pub fn finish(self) -> Result<BytesMut, TooLong> {
        match self.overflow {
            Some(length) => Err(TooLong { length }),
            None => Ok(self.bytes),
        }
    }

    fn store_length(&mut self, start: usize, at: usize, length: usize) {
        let field = self
            .bytes
            .get_mut(start + at..)
            .and_then(<[u8]>::first_chunk_mut::<2>);
        match (u16::try_from(length), field) {
            (Ok(length), Some(field)) => *field = length.to_be_bytes(),
            _ => self.overflow = self.overflow.or(Some(length)),
        }
    }
}

/// A structure that cannot be sent, because its length does not fit in its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes do not fit in an OpenFlow length")]
pub struct TooLong {
    /// The length in bytes.
    pub length: usize,
}

macro_rules! wire_uint {
    ($($uint:ident)*) => {$(
        impl Wire for $uint {
            fn encode(&self, out: &mut Writer) {
                out.put(&self.to_be_bytes());
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                input.array().map(Self::from_be_bytes)
            }
        }
    )*};
}
wire_uint! { u8 u16 u32 u64 u128 }

impl Wire for Ipv4Addr {
    fn encode(&self, out: &mut Writer) {
        out.put(&self.octets());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.array::<4>().map(Self::from)
    }
}

impl Wire for Ipv6Addr {
    fn encode(&self, out: &mut Writer) {
        out.put(&self.octets());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.array::<16>().map(Self::from)
    }
}

/// A time in whole seconds, and the nanoseconds beyond them.
///
/// All ones, by which a switch says that it does not know, become the longest time there is.
impl Wire for Duration {
    fn encode(&self, out: &mut Writer) {
        u32::try_from(self.as_secs())
            .unwrap_or(u32::MAX)
            .encode(out);
        self.subsec_nanos().encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let seconds = u32::decode(input)?;
        let nanoseconds = u32::decode(input)?;
        Ok(Self::new(seconds.into(), nanoseconds.min(999_999_999)))
    }
}

/// Bytes up to the end of what surrounds them: the payload of an echo, the data of a packet.
impl Wire for Bytes {
    fn encode(&self, out: &mut Writer) {
        out.put(self);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(input.remainder())
    }
}

/// A large value, kept aside.
impl<T: Wire> Wire for Box<T> {
    fn encode(&self, out: &mut Writer) {
        T::encode(self, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::decode(input).map(Self::new)
    }
}

impl<T: Wire + Copy + Default, const N: usize> Wire for [T; N] {
    fn encode(&self, out: &mut Writer) {
        for value in self {
            value.encode(out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut values = [T::default(); N];
        for value in &mut values {
            *value = T::decode(input)?;
        }
        Ok(values)
    }
}

/// As many values as fit up to the end of what surrounds them.
impl<T: Wire> Wire for Vec<T> {
    fn encode(&self, out: &mut Writer) {
        for value in self {
            value.encode(out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut values = Self::new();
        while !input.is_empty() {
            let before = input.left();
            values.push(T::decode(input)?);
            if input.left() == before {
                return Err(input.error("list", Problem::BadLength { length: 0 }));
            }
        }
        Ok(values)
    }
}

/// Text in a field of `N` bytes, filled up with zeros: names of ports, descriptions.
///
/// A text that is too long is cut; bytes that are not UTF-8 are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const N: usize>(pub [u8; N]);

impl<const N: usize> Text<N> {
    /// The text, cut after `N - 1` bytes, as a zero must end it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; N];
        for (to, from) in bytes.iter_mut().take(N.saturating_sub(1)).zip(text.bytes()) {
            *to = from;
        }
        Self(bytes)
    }

    /// The bytes before the first zero.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

impl<const N: usize> Wire for Text<N> {
    fn encode(&self, out: &mut Writer) {
        out.put(&self.0);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.array().map(Self)
    }
}

#[cfg(test)]
mod tests;
