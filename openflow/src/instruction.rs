//! What a flow makes of the packets that it matches (section 7.2.4 of OpenFlow 1.3).
//!
//! A flow has each instruction at most once, and a switch runs them in a fixed order. So they are
//! the fields of one structure, in that order, and not a list.

use std::fmt;

use bytes::Bytes;

use crate::action::Action;
use crate::field::MeterId;
use crate::field::format::Hex;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// The instructions of a flow. Without any, the flow drops what it matches.
///
/// ```
/// # use openflow::{action::*, field::PortNo, instruction::Instructions};
/// let instructions = Instructions::apply([Output::to(PortNo(1)).into(), Resubmit::to(92).into()]);
/// assert_eq!(instructions.to_string(), "output:1,resubmit(,92)");
/// assert_eq!(Instructions::default().to_string(), "drop");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instructions {
    /// The meter that the packet passes first.
    pub meter: Option<MeterId>,
    /// Actions that are run at once, in this order.
    pub apply_actions: Vec<Action>,
    /// Whether the action set is emptied.
    pub clear_actions: bool,
    /// Actions that are added to the action set, which runs when the packet leaves the tables.
    pub write_actions: Option<Vec<Action>>,
    /// What is written to the field `metadata`.
    pub write_metadata: Option<WriteMetadata>,
    /// The table that the packet goes on to.
    pub goto_table: Option<u8>,
    /// Instructions of experimenters, as they stand on the wire.
    pub experimenters: Vec<Experimenter>,
    /// Instructions that a [tolerant](Reader::tolerant) reader does not understand, as they stand on
    /// the wire.
    pub unknown: Vec<Unknown>,
}

/// What is written to the field `metadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteMetadata {
    /// What the bits become.
    pub metadata: u64,
    /// The bits that are written.
    pub mask: u64,
}

/// An instruction of an experimenter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experimenter {
    /// The number of the experimenter, and what follows.
    pub body: Bytes,
}

/// An instruction that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Its code.
    pub kind: u16,
    /// What follows the length.
    pub body: Bytes,
}

const GOTO_TABLE: u16 = 1;
const WRITE_METADATA: u16 = 2;
const WRITE_ACTIONS: u16 = 3;
const APPLY_ACTIONS: u16 = 4;
const CLEAR_ACTIONS: u16 = 5;
const METER: u16 = 6;
const EXPERIMENTER: u16 = 0xffff;

impl Instructions {
    /// Runs actions at once, and does nothing else.
    #[must_use]
    pub fn apply(actions: impl Into<Vec<Action>>) -> Self {
        Self {
            apply_actions: actions.into(),
            ..Self::default()
        }
    }

    /// Whether there is none: the flow drops what it matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the instruction `kind`, whose body is all that `body` holds. After an error nothing has
    /// changed.
    fn decode_one(&mut self, kind: u16, body: Reader<'_>) -> Result<(), DecodeError> {
        match kind {
            METER => self.meter = Some(to_end(body, MeterId::decode)?),
            APPLY_ACTIONS => self.apply_actions = to_end(body, padded)?,
            CLEAR_ACTIONS => {
                to_end(body, |body| body.skip(4))?;
                self.clear_actions = true;
            }
            WRITE_ACTIONS => self.write_actions = Some(to_end(body, padded)?),
            WRITE_METADATA => {
                self.write_metadata = Some(to_end(body, |body| {
                    body.skip(4)?;
                    Ok(WriteMetadata {
                        metadata: u64::decode(body)?,
                        mask: u64::decode(body)?,
                    })
                })?);
            }
            GOTO_TABLE => {
                self.goto_table = Some(to_end(body, |body| {
                    let table = u8::decode(body)?;
                    body.skip(3)?;
                    Ok(table)
                })?);
            }
            EXPERIMENTER if body.left() >= 4 => self.experimenters.push(Experimenter {
                body: to_end(body, |body| Ok(body.remainder()))?,
            }),
            _ => {
                let code = kind.into();
                return Err(body.error("Instruction.type", Problem::UnknownCode { code }));
            }
        }
        Ok(())
    }
}

/// Reads a value that ends where its instruction does.
fn to_end<'a, T>(
    mut body: Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let value = read(&mut body)?;
    body.finish("Instruction")?;
    Ok(value)
}

/// Reads actions, which have padding before them.
fn padded(body: &mut Reader<'_>) -> Result<Vec<Action>, DecodeError> {
    body.skip(4)?;
    Wire::decode(body)
}

impl Wire for Instructions {
    fn encode(&self, out: &mut Writer) {
        if let Some(meter) = self.meter {
            instruction(METER, out, |out| meter.encode(out));
        }
        if !self.apply_actions.is_empty() {
            instruction(APPLY_ACTIONS, out, |out| {
                out.zeros(4);
                self.apply_actions.encode(out);
            });
        }
        if self.clear_actions {
            instruction(CLEAR_ACTIONS, out, |out| out.zeros(4));
        }
        if let Some(actions) = &self.write_actions {
            instruction(WRITE_ACTIONS, out, |out| {
                out.zeros(4);
                actions.encode(out);
            });
        }
        if let Some(WriteMetadata { metadata, mask }) = self.write_metadata {
            instruction(WRITE_METADATA, out, |out| {
                out.zeros(4);
                metadata.encode(out);
                mask.encode(out);
            });
        }
        if let Some(table) = self.goto_table {
            instruction(GOTO_TABLE, out, |out| {
                table.encode(out);
                out.zeros(3);
            });
        }
        for experimenter in &self.experimenters {
            instruction(EXPERIMENTER, out, |out| experimenter.body.encode(out));
        }
        for unknown in &self.unknown {
            out.sized(2, 8, |out| {
                unknown.kind.encode(out);
                0_u16.encode(out);
                unknown.body.encode(out);
            });
        }
    }

    /// Reads up to the end of `input`, in any order.
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut instructions = Self::default();
        let mut seen = [false; 7];
        while !input.is_empty() {
            let at = input.place("Instruction");
            let kind = u16::decode(input).map_err(|e| e.reading("Instruction.type"))?;
            let length = u16::decode(input).map_err(|e| e.reading("Instruction.length"))?;
            let length = usize::from(length);
            if length < 8 || !length.is_multiple_of(8) {
                return Err(at.error(Problem::BadLength { length }));
            }
            let seen = seen.get_mut(usize::from(kind));
            let again = seen.is_some_and(|seen| std::mem::replace(seen, true));
            let repeated = again.then(|| at.error(Problem::Repeated { code: kind.into() }));
            if let Some(error) = repeated.clone().filter(|_| !input.is_tolerant()) {
                return Err(error);
            }
            let mut body = input.sub(length - 4, "Instruction")?;
            let decoded = match repeated {
                Some(error) => Err(error),
                None => instructions.decode_one(kind, body.clone()),
            };
            match decoded {
                Ok(()) => {}
                Err(_) if input.is_tolerant() => instructions.unknown.push(Unknown {
                    kind,
                    body: body.remainder(),
                }),
                Err(error) => return Err(error.reading("Instruction")),
            }
        }
        Ok(instructions)
    }
}

fn instruction(kind: u16, out: &mut Writer, body: impl FnOnce(&mut Writer)) {
    out.sized(2, 8, |out| {
        kind.encode(out);
        0_u16.encode(out);
        body(out);
    });
}

impl Text for Instructions {
    /// Writes one list, as if instructions were actions. `ovs-ofctl` does the same.
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        let mut item = |item: fmt::Arguments<'_>| {
            let result = write!(f, "{comma}{item}");
            comma = ",";
            result
        };
        if let Some(meter) = self.meter {
            item(format_args!("meter:{}", meter.0))?;
        }
        if !self.apply_actions.is_empty() {
            item(format_args!(
                "{}",
                names.show(self.apply_actions.as_slice())
            ))?;
        }
        if self.clear_actions {
            item(format_args!("clear_actions"))?;
        }
        if let Some(actions) = &self.write_actions {
            item(format_args!(
                "write_actions({})",
                names.show(actions.as_slice())
            ))?;
        }
        match self.write_metadata {
            None => {}
            Some(WriteMetadata { metadata, mask }) => {
                let [metadata, bits] = [metadata.to_be_bytes(), mask.to_be_bytes()];
                if mask == u64::MAX {
                    item(format_args!("write_metadata:{}", Hex(&metadata)))?;
                } else {
                    item(format_args!(
                        "write_metadata:{}/{}",
                        Hex(&metadata),
                        Hex(&bits)
                    ))?;
                }
            }
        }
        if let Some(table) = self.goto_table {
            item(format_args!("goto_table:{}", names.table(table)))?;
        }
        for experimenter in &self.experimenters {
            item(format_args!("experimenter({:#x})", experimenter.body))?;
        }
        for Unknown { kind, body } in &self.unknown {
            item(format_args!("unknown_instruction({kind},{body:#x})"))?;
        }
        if self.is_empty() {
            f.write_str("drop")
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(&Names::NONE, f)
    }
}
