//! Greetings, in which the peers agree on a version (section 7.5.1).
//!
//! The version in the header is the highest that the sender speaks. A bitmap of versions may
//! follow; without it, every version up to that of the header is spoken.

use crate::message::{Header, VERSION};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// A greeting: the versions that the sender speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// A bit for each version that the sender speaks, `1 << 4` for OpenFlow 1.3.
    ///
    /// Nothing when the sender gave no bitmap. Versions above 31 are not kept.
    pub versions: Option<u32>,
}

impl Hello {
    /// The greeting of someone who speaks OpenFlow 1.3 only.
    #[must_use]
    pub const fn ours() -> Self {
        Self {
            versions: Some(1 << VERSION),
        }
    }

    /// Whether the sender of this greeting, which had `header`, speaks OpenFlow 1.3.
    #[must_use]
    pub fn speaks_1_3(&self, header: Option<Header>) -> bool {
        self.speaks(VERSION, header)
    }

    /// The versions that the sender of this greeting speaks, as numbers on the wire with commas
    /// between them.
    #[must_use]
    pub fn offered(&self, header: Option<Header>) -> String {
        let versions = (0..32).filter(|version| self.speaks(*version, header));
        let versions: Vec<_> = versions.map(|version| format!("{version:#04x}")).collect();
        versions.join(", ")
    }

    fn speaks(&self, version: u8, header: Option<Header>) -> bool {
        match (self.versions, header) {
            (Some(versions), _) => versions & (1 << version) != 0,
            (None, Some(header)) => (1..=header.version).contains(&version),
            (None, None) => false,
        }
    }
}

/// The type of the element that holds the bitmap of versions, `OFPHET_VERSIONBITMAP`.
const VERSION_BITMAP: u16 = 1;

impl Wire for Hello {
    fn encode(&self, out: &mut Writer) {
        if let Some(versions) = self.versions {
            out.sized(2, 8, |out| {
                VERSION_BITMAP.encode(out);
                0_u16.encode(out);
                versions.encode(out);
            });
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut versions = None;
        while !input.is_empty() {
            let at = input.error("Hello.length", Problem::TooDeep);
            let kind = u16::decode(input)?;
            let length = usize::from(u16::decode(input)?);
            let Some(left) = length.checked_sub(4) else {
                let problem = Problem::BadLength { length };
                return Err(DecodeError { problem, ..at });
            };
            let mut element = input.sub(left, "Hello.element")?;
            input.skip((length.next_multiple_of(8) - length).min(input.left()))?;
            if kind == VERSION_BITMAP {
                versions = Some(u32::decode(&mut element)?);
            }
        }
        Ok(Self { versions })
    }
}
