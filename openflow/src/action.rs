//! What a switch does with a packet.
//!
//! Each action is a structure in a file of its own, or with its kin. The table below says where it
//! lives on the wire; from it come the enum [`Action`] and everything that all actions share.
//!
//! An action that OVS can send in several forms has a structure for each form: a switch returns
//! the form that it was given, so what is read back equals what was sent.

mod bundle;
mod check_pkt_larger;
mod conjunction;
mod controller;
mod ct;
mod deprecated;
mod encap;
mod learn;
mod mpls;
mod multipath;
mod nat;
mod nest;
mod note;
mod output;
mod queue;
mod refuse;
mod reg_move;
mod resubmit;
mod sample;
mod set_field;
mod stack;
mod subfield;
mod timeout;
mod ttl;
mod tunnel;
mod vlan;

use std::fmt;

use bytes::Bytes;

pub use bundle::{Bundle, BundleAlgorithm, BundleLoad};
pub use check_pkt_larger::CheckPktLarger;
pub use conjunction::Conjunction;
pub use controller::{Controller, Controller2, PacketInReason};
pub use ct::{Ct, CtClear, Zone};
pub use deprecated::*;
pub use encap::{Decap, Encap, EncapProperty};
pub use learn::{Bits, Learn, Learn2, LearnFlags, LearnSpec};
pub use mpls::{DecMplsTtl, PopMpls, PushMpls};
pub use multipath::{HashFields, Multipath, MultipathAlgorithm};
pub use nat::{AddressRange, Nat, NatFlags, PortRange};
pub use nest::{CloneActions, DebugRecirc, DebugSlow, Exit};
pub use note::Note;
pub use output::{Group, Output, OutputReg, OutputReg2, OutputTrunc};
pub use queue::{PopQueue, SetQueue};
pub use reg_move::{CopyField, RegMove};
pub use resubmit::{Resubmit, ResubmitCt, ResubmitPort};
pub use sample::{ObservationId, Sample, Sample2, Sample3, Sample4, SampleDirection};
pub use set_field::{DeleteField, RegLoad, RegLoad2, SetField, WriteMetadata};
pub use stack::{StackPop, StackPush};
pub use subfield::Subfield;
pub use timeout::FinTimeout;
pub use ttl::{DecNshTtl, DecNwTtl, DecTtlCntIds, SetNwTtl};
pub use tunnel::{SetTunnel, SetTunnel64};
pub use vlan::{PopVlan, PushVlan};

use crate::declare::actions;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

actions! {
    Standard 0 Output;
    Standard 1 SetVlanVid;
    Standard 2 SetVlanPcp;
    Standard 3 SetDlSrc;
    Standard 4 SetDlDst;
    Standard 5 SetNwSrc;
    Standard 6 SetNwDst;
    Standard 7 SetNwTos;
    Standard 8 SetNwEcn;
    Standard 9 SetTpSrc;
    Standard 10 SetTpDst;
    Standard 13 SetMplsLabel;
    Standard 14 SetMplsTc;
    Standard 15 SetMplsTtl;
    Standard 16 DecMplsTtl;
    Standard 17 PushVlan;
    Standard 18 PopVlan;
    Standard 19 PushMpls;
    Standard 20 PopMpls;
    Standard 21 SetQueue;
    Standard 22 Group;
    Standard 23 SetNwTtl;
    Standard 24 DecNwTtl;
    Standard 25 SetField;
    Nicira 1 ResubmitPort;
    Nicira 2 SetTunnel;
    Nicira 5 PopQueue;
    Nicira 6 RegMove;
    Nicira 7 RegLoad;
    Nicira 8 Note;
    Nicira 9 SetTunnel64;
    Nicira 10 Multipath;
    Nicira 12 Bundle;
    Nicira 13 BundleLoad;
    Nicira 14 Resubmit;
    Nicira 15 OutputReg;
    Nicira 16 Learn;
    Nicira 17 Exit;
    Nicira 19 FinTimeout;
    Nicira 20 Controller;
    Nicira 21 DecTtlCntIds;
    Nicira 22 WriteMetadata;
    Nicira 27 StackPush;
    Nicira 28 StackPop;
    Nicira 29 Sample;
    Nicira 32 OutputReg2;
    Nicira 33 RegLoad2;
    Nicira 34 Conjunction;
    Nicira 35 Ct;
    Nicira 36 Nat;
    Nicira 37 Controller2;
    Nicira 38 Sample2;
    Nicira 39 OutputTrunc;
    Nicira 41 Sample3;
    Nicira 42 CloneActions;
    Nicira 43 CtClear;
    Nicira 44 ResubmitCt;
    Nicira 45 Learn2;
    Nicira 46 Encap;
    Nicira 47 Decap;
    Nicira 48 DecNshTtl;
    Nicira 49 CheckPktLarger;
    Nicira 50 DeleteField;
    Nicira 51 Sample4;
    Nicira 254 DebugSlow;
    Nicira 255 DebugRecirc;
    Onf 3200 CopyField;
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(&Names::NONE, f)
    }
}

/// Where an action's code is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Standard,
    Nicira,
    Onf,
    /// An experimenter that nothing here knows.
    Foreign,
}

/// The code that says that the code of an experimenter follows.
const EXPERIMENTER: u16 = 0xffff;

impl Space {
    /// Writes all that stands before an action's body; the length is filled in later.
    fn put_header(self, code: u16, out: &mut Writer) {
        let [c0, c1] = code.to_be_bytes();
        match self {
            Self::Standard | Self::Foreign => out.put(&[c0, c1, 0, 0]),
            Self::Nicira => out.put(&[0xff, 0xff, 0, 0, 0x00, 0x00, 0x23, 0x20, c0, c1]),
            Self::Onf => out.put(&[0xff, 0xff, 0, 0, 0x4f, 0x4e, 0x46, 0x00, c0, c1]),
        }
    }

    const fn of_experimenter(experimenter: u32) -> Self {
        match experimenter {
            0x0000_2320 => Self::Nicira,
            0x4f4e_4600 => Self::Onf,
            _ => Self::Foreign,
        }
    }
}

/// An action's header, read, and its body, still to be read.
struct Frame<'a> {
    space: Space,
    code: u16,
    body: Reader<'a>,
    /// All that follows the first code and the length.
    whole: Reader<'a>,
    standard_code: u16,
}

impl<'a> Frame<'a> {
    fn decode(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let start = input.place("Action");
        let at = input.place("Action.length");
        let [c0, c1, l0, l1] = input.array().map_err(|e| e.reading("Action"))?;
        let standard_code = u16::from_be_bytes([c0, c1]);
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let is_known =
            standard_code == EXPERIMENTER || Action::is_declared(Space::Standard, standard_code);
        let is_sound = length >= 8 && length.is_multiple_of(8) && length - 4 <= input.left();
        // Of an action that is not known, OVS does not look at the length.
        if !is_known && !is_sound {
            let code = standard_code.into();
            return Err(start.error(Problem::UnknownCode { code }));
        }
        if length < 8 || !length.is_multiple_of(8) {
            let problem = Problem::BadLength { length };
            return Err(at.error(problem));
        }
        let whole = input.sub(length - 4, "Action")?;
        let mut body = whole.clone();
        let (mut space, mut code) = (Space::Standard, standard_code);
        if code == EXPERIMENTER {
            space = Space::of_experimenter(u32::decode(&mut body)?);
            code = match space {
                Space::Foreign => 0,
                _ => u16::decode(&mut body).map_err(|e| e.reading("Action"))?,
            };
        }
        Ok(Self {
            space,
            code,
            body,
            whole,
            standard_code,
        })
    }

    /// Refuses more than the padding that brings a length to a multiple of 8.
    fn finish(&self) -> Result<(), DecodeError> {
        match self.body.left() {
            0..8 => Ok(()),
            extra => Err(self.body.error("Action", Problem::Trailing { extra })),
        }
    }

    fn unknown(mut self) -> Unknown {
        Unknown {
            code: self.standard_code,
            body: self.whole.remainder(),
        }
    }
}

/// An action that is not declared here, another experimenter's or a later one, or that a
/// [tolerant](Reader::tolerant) reader does not understand.
///
/// It is kept as it stands on the wire, and so survives being read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The code; `0xffff` if an experimenter's number stands first in the body.
    pub code: u16,
    /// What follows the length, padding included.
    pub body: Bytes,
}

impl Unknown {
    fn encode(&self, out: &mut Writer) {
        Space::Standard.put_header(self.code, out);
        out.put(&self.body);
    }
}

impl Text for Unknown {
    fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown({},{:#x})", self.code, self.body)
    }
}

/// Writes actions with commas between them, or `drop` if there are none.
impl Text for [Action] {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.split_first() else {
            return f.write_str("drop");
        };
        first.text(names, f)?;
        rest.iter()
            .try_for_each(|action| write!(f, ",{}", names.show(action)))
    }
}

/// Runs `body`, and fills up what it wrote to `size` bytes.
fn padded(size: usize, out: &mut Writer, body: impl FnOnce(&mut Writer)) {
    let start = out.len();
    body(out);
    out.zeros(size.saturating_sub(out.len() - start));
}

/// Says how actions are written that hold neither a port nor a table.
macro_rules! plain_text {
    ($($action:ident |$this:pat_param| $($format:expr),+;)*) => {$(
        impl Text for $action {
            fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $this = self;
                write!(f, $($format),+)
            }
        }
    )*};
}

/// Declares actions without a body, and the word that each is written as.
macro_rules! words {
    ($($(#[$meta:meta])* $action:ident = $word:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $action;

        impl Wire for $action {
            fn encode(&self, _: &mut Writer) {}

            fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self)
            }
        }

        impl Text for $action {
            fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($word)
            }
        }
    )*};
}

use subfield::FieldHeader;
use {plain_text, words};

#[cfg(test)]
mod tests;
