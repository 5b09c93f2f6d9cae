//! The connection tracker.

use std::fmt;

use super::{Action, FieldHeader, Subfield, words};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Sends the packet through the connection tracker (`NXAST_CT`).
///
/// With `table`, a copy of the packet resumes there, carrying `ct_state`; the packet itself goes on
/// through the remaining actions, untracked. Without it, only the tracker's own state changes.
///
/// ```
/// # use openflow::{action::Ct, field::REG6};
/// let commit = Ct { commit: true, zone: 7.into(), ..Ct::default() };
/// assert_eq!(commit.to_string(), "ct(commit,zone=7)");
/// let track = Ct { zone: REG6.slice(0, 15).into(), table: Some(72), ..Ct::default() };
/// assert_eq!(track.to_string(), "ct(table=72,zone=NXM_NX_REG6[0..15])");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ct {
    /// Whether the connection is remembered.
    pub commit: bool,
    /// Whether a connection that was opened from the other side is replaced; needs `commit`.
    pub force: bool,
    /// The zone, within which connections are told apart.
    pub zone: Zone,
    /// The table that a tracked copy of the packet resumes in.
    pub table: Option<u8>,
    /// The port of the protocol whose contents are to be understood, such as 21 for FTP; or 0.
    pub alg: u16,
    /// What is done to the connection: [`Nat`](super::Nat), and fields `ct_mark` and `ct_label`.
    pub actions: Vec<Action>,
}

/// Where the number of a zone comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// It is this number.
    Number(u16),
    /// It stands in these 16 bits.
    Field(Subfield),
}

impl Default for Zone {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl From<u16> for Zone {
    fn from(number: u16) -> Self {
        Self::Number(number)
    }
}

impl From<Subfield> for Zone {
    fn from(field: Subfield) -> Self {
        Self::Field(field)
    }
}

const COMMIT: u16 = 1;
const FORCE: u16 = 2;
/// Not a table: there is no copy of the packet.
const NO_TABLE: u8 = 0xff;

impl Wire for Ct {
    fn encode(&self, out: &mut Writer) {
        let flag = |set, flag| if set { flag } else { 0 };
        let flags: u16 = flag(self.commit, COMMIT) | flag(self.force, FORCE);
        flags.encode(out);
        match self.zone {
            Zone::Number(number) => {
                0_u32.encode(out);
                number.encode(out);
            }
            Zone::Field(field) => {
                field.encode_short(out);
                field.range().encode(out);
            }
        }
        self.table.unwrap_or(NO_TABLE).encode(out);
        out.zeros(3);
        self.alg.encode(out);
        self.actions.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("Ct.flags");
        let flags = u16::decode(input)?;
        if flags & !(COMMIT | FORCE) != 0 || flags == FORCE {
            let value = flags.into();
            return Err(at.error(Problem::BadValue { value }));
        }
        let zone = Zone::decode(input)?;
        let table = u8::decode(input).map_err(|e| e.reading("Ct.table"))?;
        input.skip(3)?;
        Ok(Self {
            commit: flags & COMMIT != 0,
            force: flags & FORCE != 0,
            zone,
            table: (table != NO_TABLE).then_some(table),
            alg: u16::decode(input).map_err(|e| e.reading("Ct.alg"))?,
            actions: Wire::decode(input)?,
        })
    }
}

impl Zone {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.peek().starts_with(&[0; 4]) {
            input.skip(4)?;
            let number = u16::decode(input).map_err(|e| e.reading("Ct.zone"))?;
            return Ok(Self::Number(number));
        }
        let field = FieldHeader::decode_short(input, "Ct.zone")?;
        let at = input.place("Ct.zone");
        let range = u16::decode(input).map_err(|e| e.reading("Ct.zone"))?;
        let part = field.range(range)?;
        if part.bits() != 16 {
            let value = range.into();
            return Err(at.error(Problem::BadValue { value }));
        }
        Ok(Self::Field(part))
    }
}

impl Text for Ct {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List { comma: "ct(", f };
        if self.commit {
            list.item("commit")?;
        }
        if self.force {
            list.item("force")?;
        }
        if let Some(table) = self.table {
            list.item(format_args!("table={}", names.table(table)))?;
        }
        match self.zone {
            Zone::Number(0) => {}
            Zone::Number(number) => list.item(format_args!("zone={number}"))?,
            Zone::Field(field) => list.item(format_args!("zone={field}"))?,
        }
        // Translation stands beside the actions if it is the first of them.
        let mut actions = self.actions.as_slice();
        if let Some((Action::Nat(nat), rest)) = actions.split_first() {
            list.item(nat)?;
            actions = rest;
        }
        if !actions.is_empty() {
            list.item(format_args!("exec({})", names.show(actions)))?;
        }
        match self.alg {
            0 => {}
            21 => list.item("alg=ftp")?,
            69 => list.item("alg=tftp")?,
            port => list.item(format_args!("alg={port}"))?,
        }
        f.write_str(if *self == Self::default() {
            "ct()"
        } else {
            ")"
        })
    }
}

/// Writes what stands between the parentheses, with commas between.
struct List<'a, 'f> {
    comma: &'static str,
    f: &'a mut fmt::Formatter<'f>,
}

impl List<'_, '_> {
    fn item(&mut self, item: impl fmt::Display) -> fmt::Result {
        write!(self.f, "{}{item}", self.comma)?;
        self.comma = ",";
        Ok(())
    }
}

words! {
    /// Makes the packet untracked again (`NXAST_CT_CLEAR`).
    CtClear = "ct_clear";
}
