//! Finds where each message in a stream of bytes ends.
//!
//! A message is a JSON object; outside of strings its braces and brackets balance. The scan
//! remembers where it stopped, so each byte is looked at once, however the stream is cut into
//! reads.

use bytes::{Buf, Bytes, BytesMut};

/// Cuts a stream of bytes into messages.
#[derive(Debug)]
pub struct Framer {
    buffer: BytesMut,
    /// How much of the buffer has been looked at.
    scanned: usize,
    depth: usize,
    state: State,
    max_message: usize,
}

/// From how many bytes on a message is a large one.
const LARGE: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside of strings.
    Plain,
    /// Inside a string.
    Text,
    /// Behind the backslash in a string.
    Escape,
}

/// The bytes are no sequence of JSON objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A message is longer than allowed.
    #[error("a message of more than {max_message} bytes")]
    TooLong {
        /// The greatest length allowed.
        max_message: usize,
    },
    /// Something other than an object where a message should begin.
    #[error("byte {byte:#04x} where a message should begin")]
    NoObject {
        /// The first byte of it.
        byte: u8,
    },
}

impl Framer {
    /// A framer that refuses messages of more than `max_message` bytes.
    #[must_use]
    pub fn new(max_message: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            scanned: 0,
            depth: 0,
            state: State::Plain,
            max_message,
        }
    }

    /// Where received bytes are appended.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next complete message, if there is one.
    ///
    /// # Errors
    ///
    /// What has arrived cannot be the beginning of a message.
    pub fn next_message(&mut self) -> Result<Option<Bytes>, FrameError> {
        if self.depth == 0 {
            let blank = self
                .buffer
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            self.buffer.advance(blank);
            self.scanned = 0;
            match self.buffer.first() {
                None => return Ok(None),
                Some(b'{') => {}
                Some(&byte) => return Err(FrameError::NoObject { byte }),
            }
        }
        let end = self.scan();
        if end.unwrap_or(self.scanned) > self.max_message {
            return Err(FrameError::TooLong {
                max_message: self.max_message,
            });
        }
        Ok(end.map(|end| {
            self.scanned = 0;
            let message = self.buffer.split_to(end).freeze();
            if self.buffer.is_empty() && message.len() > LARGE {
                // What a large message needed is not kept for the small ones that follow.
                self.buffer = BytesMut::new();
            }
            message
        }))
    }

    /// Looks at the bytes that are new, up to the end of the message.
    fn scan(&mut self) -> Option<usize> {
        let new = self.buffer.get(self.scanned..).unwrap_or_default();
        for (index, byte) in new.iter().enumerate() {
            match (self.state, byte) {
                (State::Plain, b'"') => self.state = State::Text,
                (State::Plain, b'{' | b'[') => self.depth += 1,
                (State::Plain, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(self.scanned + index + 1);
                    }
                }
                (State::Text, b'"') => self.state = State::Plain,
                (State::Text, b'\\') => self.state = State::Escape,
                (State::Escape, _) => self.state = State::Text,
                (State::Plain | State::Text, _) => {}
            }
        }
        self.scanned = self.buffer.len();
        None
    }
}
