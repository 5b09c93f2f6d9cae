//! Makes a flow of a packet.

use std::fmt;

use smallvec::SmallVec;

use super::{FieldHeader, Subfield};
use crate::declare::flags;
use crate::field::format::Hex;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Adds or changes a flow, as the packet says (`NXAST_LEARN`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learn {
    /// The idle timeout of the new flow in seconds, or 0 for none.
    pub idle_timeout: u16,
    /// The hard timeout of the new flow in seconds, or 0 for none.
    pub hard_timeout: u16,
    /// The priority of the new flow.
    pub priority: u16,
    /// The cookie of the new flow.
    pub cookie: u64,
    /// What is asked for besides.
    pub flags: LearnFlags,
    /// The table of the new flow.
    pub table: u8,
    /// The idle timeout after a TCP packet with FIN or RST, or 0 to leave it.
    pub fin_idle_timeout: u16,
    /// The hard timeout after a TCP packet with FIN or RST, or 0 to leave it.
    pub fin_hard_timeout: u16,
    /// What the new flow matches on and does.
    pub specs: Vec<LearnSpec>,
}

impl Default for Learn {
    /// OVS's defaults: table 1, priority 32768, no timeouts.
    fn default() -> Self {
        Self {
            idle_timeout: 0,
            hard_timeout: 0,
            priority: 0x8000,
            cookie: 0,
            flags: LearnFlags::empty(),
            table: 1,
            fin_idle_timeout: 0,
            fin_hard_timeout: 0,
            specs: Vec::new(),
        }
    }
}

/// [`Learn`] with a limit and a result (`NXAST_LEARN2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learn2 {
    /// The new flow.
    pub learn: Learn,
    /// How many flows may be learned, or 0 for any number.
    pub limit: u32,
    /// The bit that becomes 1 if the flow was learned, or 0.
    pub result: Option<Subfield>,
}

flags! {
    /// What is asked for when a flow is learned.
    pub struct LearnFlags(u16) {
        /// The controllers hear when the learned flow goes.
        SEND_FLOW_REM = 1;
        /// The learned flows go when the flow that learned them does.
        DELETE_LEARNED = 2;
    }
}

/// In [`Learn2`]: a bit says whether the flow was learned.
const WRITE_RESULT: u16 = 4;

/// One condition or action of a learned flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LearnSpec {
    /// The flow matches where `target` is what `source` was in the packet.
    MatchField {
        /// The bits of the packet that are looked at.
        source: Subfield,
        /// The bits that are matched on.
        target: Subfield,
    },
    /// The flow matches where `target` is `value`.
    MatchValue {
        /// The value.
        value: Bits,
        /// The bits that are matched on.
        target: Subfield,
    },
    /// The flow writes to `target` what `source` was in the packet.
    LoadField {
        /// The bits of the packet that are looked at.
        source: Subfield,
        /// The bits that are written.
        target: Subfield,
    },
    /// The flow writes `value` to `target`.
    LoadValue {
        /// The value.
        value: Bits,
        /// The bits that are written.
        target: Subfield,
    },
    /// The flow sends packets out of the port that `source` was in the packet.
    Output {
        /// The bits of the packet that are looked at.
        source: Subfield,
    },
}

/// As many bits as a [`Subfield`] has, in the least significant of as few bytes as hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits(SmallVec<[u8; 16]>);

impl Bits {
    /// The lowest bytes of `value`, as many as a subfield of at most 128 bits fills.
    ///
    /// Bits above the subfield are kept, as OVS does: 0x1005 for the 12 bits of `VLAN_VID`.
    #[must_use]
    pub fn new(value: u128, target: Subfield) -> Self {
        Self::of_bytes(&value.to_be_bytes(), target)
    }

    /// The lowest bytes of a number in network order, as many as a subfield fills.
    #[must_use]
    pub fn of_bytes(number: &[u8], target: Subfield) -> Self {
        let count = usize::from(target.bits().div_ceil(8));
        let missing = count.saturating_sub(number.len());
        let mut bytes = SmallVec::from_elem(0, missing);
        let start = number.len() - (count - missing);
        bytes.extend_from_slice(number.get(start..).unwrap_or_default());
        Self(bytes)
    }

    /// The bytes in network order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

const BITS: u16 = 0x3ff;
const FROM_VALUE: u16 = 1 << 13;
const TARGET: u16 = 3 << 11;
const TO_MATCH: u16 = 0;
const TO_LOAD: u16 = 1 << 11;
const TO_OUTPUT: u16 = 2 << 11;

impl Wire for LearnSpec {
    fn encode(&self, out: &mut Writer) {
        match self {
            Self::MatchField { source, target } => {
                (target.bits() | TO_MATCH).encode(out);
                put_part(*source, out);
                put_part(*target, out);
            }
            Self::MatchValue { value, target } => {
                (target.bits() | TO_MATCH | FROM_VALUE).encode(out);
                value.encode(out);
                put_part(*target, out);
            }
            Self::LoadField { source, target } => {
                (target.bits() | TO_LOAD).encode(out);
                put_part(*source, out);
                put_part(*target, out);
            }
            Self::LoadValue { value, target } => {
                (target.bits() | TO_LOAD | FROM_VALUE).encode(out);
                value.encode(out);
                put_part(*target, out);
            }
            Self::Output { source } => {
                (source.bits() | TO_OUTPUT).encode(out);
                put_part(*source, out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("Learn.specs");
        let header = u16::decode(input).map_err(|e| e.reading("Learn.specs"))?;
        let bits = header & BITS;
        Ok(match (header & FROM_VALUE, header & TARGET) {
            (0, TO_MATCH) => Self::MatchField {
                source: part(bits, input)?,
                target: part(bits, input)?,
            },
            (_, TO_MATCH) => Self::MatchValue {
                value: Bits::decode(bits, input)?,
                target: part(bits, input)?,
            },
            (0, TO_LOAD) => Self::LoadField {
                source: part(bits, input)?,
                target: part(bits, input)?,
            },
            (_, TO_LOAD) => Self::LoadValue {
                value: Bits::decode(bits, input)?,
                target: part(bits, input)?,
            },
            (0, TO_OUTPUT) => Self::Output {
                source: part(bits, input)?,
            },
            _ => {
                let value = header.into();
                return Err(at.error(Problem::BadValue { value }));
            }
        })
    }
}

fn put_part(part: Subfield, out: &mut Writer) {
    part.encode_short(out);
    part.start().encode(out);
}

fn part(bits: u16, input: &mut Reader<'_>) -> Result<Subfield, DecodeError> {
    let field = FieldHeader::decode_short(input, "Learn.specs")?;
    let start = u16::decode(input).map_err(|e| e.reading("Learn.specs"))?;
    field.part(start, bits)
}

impl Bits {
    /// Writes an even number of bytes.
    fn encode(&self, out: &mut Writer) {
        out.zeros(self.0.len() % 2);
        out.put(&self.0);
    }

    /// Reads an even number of bytes.
    fn decode(bits: u16, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = input.take(2 * usize::from(bits.div_ceil(16)), "Learn.specs")?;
        let count = usize::from(bits.div_ceil(8));
        let kept = bytes.get(bytes.len() - count..).unwrap_or_default();
        Ok(Self(kept.into()))
    }
}

impl Learn {
    fn encode_head(&self, more_flags: u16, out: &mut Writer) {
        self.idle_timeout.encode(out);
        self.hard_timeout.encode(out);
        self.priority.encode(out);
        self.cookie.encode(out);
        (self.flags.bits() | more_flags).encode(out);
        self.table.encode(out);
        out.zeros(1);
        self.fin_idle_timeout.encode(out);
        self.fin_hard_timeout.encode(out);
    }

    /// Reads all but the specs, and the flags that are not [`LearnFlags`].
    fn decode_head(input: &mut Reader<'_>) -> Result<(Self, u16), DecodeError> {
        let mut learn = Self {
            idle_timeout: u16::decode(input)?,
            hard_timeout: u16::decode(input)?,
            priority: u16::decode(input)?,
            cookie: u64::decode(input)?,
            ..Self::default()
        };
        let flags = LearnFlags::decode(input)?;
        learn.flags = flags & LearnFlags::all();
        learn.table = u8::decode(input)?;
        input.zeros(1, "Learn.padding")?;
        learn.fin_idle_timeout = u16::decode(input)?;
        learn.fin_hard_timeout = u16::decode(input)?;
        Ok((learn, (flags - LearnFlags::all()).bits()))
    }

    /// Reads specs up to the padding: two zero bytes, or the end.
    fn decode_specs(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        while input.left() > 1 && !input.peek().starts_with(&[0, 0]) {
            self.specs.push(LearnSpec::decode(input)?);
        }
        input.zeros(input.left(), "Learn.padding")
    }
}

impl Wire for Learn {
    fn encode(&self, out: &mut Writer) {
        self.encode_head(0, out);
        self.specs.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("Learn.flags");
        let (mut learn, flags) = Self::decode_head(input)?;
        if flags != 0 {
            let value = flags.into();
            return Err(at.error(Problem::BadValue { value }));
        }
        learn.decode_specs(input)?;
        Ok(learn)
    }
}

impl Wire for Learn2 {
    fn encode(&self, out: &mut Writer) {
        let flags = if self.result.is_some() {
            WRITE_RESULT
        } else {
            0
        };
        self.learn.encode_head(flags, out);
        self.limit.encode(out);
        self.result.map_or(0, Subfield::start).encode(out);
        out.zeros(2);
        if let Some(result) = self.result {
            result.nxm().encode(out);
        }
        self.learn.specs.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("Learn2.flags");
        let (mut learn, flags) = Learn::decode_head(input)?;
        let limit = u32::decode(input)?;
        let start = u16::decode(input)?;
        input.zeros(2, "Learn2.padding")?;
        let result = match flags {
            WRITE_RESULT => Some(FieldHeader::decode(input, "Learn2.result")?.part(start, 1)?),
            0 if start == 0 => None,
            _ => {
                let value = flags.into();
                return Err(at.error(Problem::BadValue { value }));
            }
        };
        learn.decode_specs(input)?;
        Ok(Self {
            learn,
            limit,
            result,
        })
    }
}

impl Text for Learn {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text_with(0, None, names, f)
    }
}

impl Text for Learn2 {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.learn.text_with(self.limit, self.result, names, f)
    }
}

impl Learn {
    fn text_with(
        &self,
        limit: u32,
        result: Option<Subfield>,
        names: &Names,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        write!(f, "learn(table={}", names.table(self.table))?;
        for (name, timeout) in [
            ("idle_timeout", self.idle_timeout),
            ("hard_timeout", self.hard_timeout),
            ("fin_idle_timeout", self.fin_idle_timeout),
            ("fin_hard_timeout", self.fin_hard_timeout),
        ] {
            if timeout != 0 {
                write!(f, ",{name}={timeout}")?;
            }
        }
        if self.priority != 0x8000 {
            write!(f, ",priority={}", self.priority)?;
        }
        if self.flags.contains(LearnFlags::SEND_FLOW_REM) {
            f.write_str(",send_flow_rem")?;
        }
        if self.flags.contains(LearnFlags::DELETE_LEARNED) {
            f.write_str(",delete_learned")?;
        }
        if self.cookie != 0 {
            write!(f, ",cookie={:#x}", self.cookie)?;
        }
        if limit != 0 {
            write!(f, ",limit={limit}")?;
        }
        if let Some(result) = result {
            write!(f, ",result_dst={result}")?;
        }
        for spec in &self.specs {
            write!(f, ",{}", names.show(spec))?;
        }
        f.write_str(")")
    }
}

impl Text for LearnSpec {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MatchField { source, target } => {
                write!(f, "{target}")?;
                let same = source.field() == target.field() && source.start() == target.start();
                if same { Ok(()) } else { write!(f, "={source}") }
            }
            Self::MatchValue { value, target } if target.is_whole() => {
                let field = target.field();
                write!(f, "{field}=")?;
                let mut bytes: SmallVec<[u8; 16]> = SmallVec::from_elem(0, field.size());
                let from = bytes.len().saturating_sub(value.0.len());
                bytes.truncate(from);
                bytes.extend_from_slice(&value.0);
                field.format().write(&bytes, None, names, f)
            }
            Self::MatchValue { value, target } => write!(f, "{target}={}", Hex(&value.0)),
            Self::LoadField { source, target } => write!(f, "load:{source}->{target}"),
            Self::LoadValue { value, target } => write!(f, "load:{}->{target}", Hex(&value.0)),
            Self::Output { source } => write!(f, "output:{source}"),
        }
    }
}
