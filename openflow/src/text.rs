//! Reads the text of `ovs-ofctl`: matches, actions, flows, groups and meters.
//!
//! What [`Display`](std::fmt::Display) writes is read back to an equal value, and so is all else
//! that `ovs-ofctl` of Open vSwitch 3.1 takes, with the meaning that it has over OpenFlow 1.3. The
//! messages of errors are those of `ovs-ofctl`, too; besides, an error says where it is and what
//! would have been right.
//!
//! ```
//! use openflow::flow::Flow;
//!
//! let flow: Flow = "table=82,tcp,reg5=43,tp_dst=22 actions=output:43".parse()?;
//! assert_eq!(flow.to_string(), "table=82, tcp,reg5=0x2b,tp_dst=22 actions=output:43");
//!
//! let error = "tcp,actions=resubmit(,x)".parse::<Flow>().unwrap_err();
//! assert_eq!(error.to_string(), "line 1, column 23: x: resubmit to unknown table; expected a table");
//! # Ok::<(), openflow::text::ParseError>(())
//! ```

mod action;
mod check;
mod field;
mod flow;
mod group;
mod instruction;
mod matching;
mod meter;
mod number;
mod protocol;
mod subfield;
mod token;

#[cfg(test)]
mod tests;

use std::str::FromStr;

pub use flow::FlowMods;
pub use protocol::Protocols;
use token::Parsed;

use crate::action::Action;
use crate::field::PortNo;
use crate::flow::Flow;
use crate::group::Group;
use crate::instruction::Instructions;
use crate::matching::{Match, Strictness};
use crate::message::{
    FlowMod, FlowModCommand, GroupMod, GroupModCommand, MeterMod, MeterModCommand,
};
use crate::meter::Meter;
use crate::names::Names;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}; expected {expected}")]
#[non_exhaustive]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column of the token's first character, counted from 1.
    pub column: usize,
    /// The piece of the text that is wrong. Empty where something is missing.
    pub token: String,
    /// What is wrong with it, in the words of `ovs-ofctl`.
    pub message: String,
    /// What would be right.
    pub expected: &'static str,
}

/// Reads text in which ports and tables may have names.
#[derive(Clone, Copy, Debug)]
pub struct Parser<'n> {
    names: &'n Names,
    strictness: Strictness,
}

impl Default for Parser<'static> {
    /// A parser that knows no names, and is strict.
    fn default() -> Self {
        static NONE: Names = Names::NONE;
        Self::new(&NONE)
    }
}

impl<'n> Parser<'n> {
    /// A parser that knows the names of one switch.
    #[must_use]
    pub const fn new(names: &'n Names) -> Self {
        Self {
            names,
            strictness: Strictness::Strict,
        }
    }

    /// A parser that leaves out conditions on fields that the packet need not have.
    ///
    /// So does `ovs-ofctl`: it reads `tp_dst=22` without a protocol as no condition at all, which
    /// is seldom what was meant. A strict parser refuses it.
    #[must_use]
    pub const fn lenient(self) -> Self {
        Self {
            strictness: Strictness::Loose,
            ..self
        }
    }

    /// Reads a match: `tcp,tp_dst=22`.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl` would refuse the text, or a field lacks what it needs.
    pub fn matching(&self, text: &str) -> Result<Match, ParseError> {
        matching::matching(self, text).map_err(|fault| fault.locate(text, 1))
    }

    /// Reads actions: `ct(commit),output:1`, or `drop` for none.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl` would refuse the text.
    pub fn actions(&self, text: &str) -> Result<Vec<Action>, ParseError> {
        action::actions(self, text).map_err(|fault| fault.locate(text, 1))
    }

    /// Reads instructions: `meter:1,output:2,goto_table:3`.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl` would refuse the text.
    pub fn instructions(&self, text: &str) -> Result<Instructions, ParseError> {
        instruction::instructions(self, text).map_err(|fault| fault.locate(text, 1))
    }

    /// Reads a flow, which may have the counters of a dumped one; these are skipped.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl add-flow` would refuse the text, or a field lacks what it needs.
    pub fn flow(&self, text: &str) -> Result<Flow, ParseError> {
        self.flow_mod(text, FlowModCommand::ADD).map(Flow::from)
    }

    /// Reads what a flow mod with this command is to say.
    ///
    /// What a flow mod of another command than `ADD` says includes `out_port` and a masked cookie.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl` would refuse the text, or a field lacks what it needs.
    pub fn flow_mod(&self, text: &str, command: FlowModCommand) -> Result<FlowMod, ParseError> {
        flow::flow_mod(self, text, command).map_err(|fault| fault.locate(text, 1))
    }

    /// Reads a file of flows: one on each line, with comments, blank lines and, if `command` is
    /// absent, the word of a command before each, `add` by default.
    ///
    /// A line that is wrong does not keep the next from being read.
    #[must_use]
    pub const fn flow_mods<'a>(
        &self,
        text: &'a str,
        command: Option<FlowModCommand>,
    ) -> FlowMods<'a, 'n> {
        FlowMods::new(*self, text, command)
    }

    /// Reads a whole file as [`flow_mods`](Self::flow_mods) does, and says which protocols can carry
    /// all of its flow mods; OpenFlow 1.3 need not be one.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl` would refuse a line whatever the protocol.
    pub fn flow_mods_of_any_protocol(
        &self,
        text: &str,
        command: FlowModCommand,
    ) -> Result<(Vec<FlowMod>, Protocols), ParseError> {
        flow::of_any_protocol(self, text, command)
    }

    /// Says which protocols can carry a group mod; OpenFlow 1.3 need not be one.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl` would refuse the text whatever the protocol.
    pub fn group_protocols(
        &self,
        text: &str,
        command: GroupModCommand,
    ) -> Result<Protocols, ParseError> {
        let draft = group::draft(self, text, command);
        draft
            .map(|(_, protocols)| protocols)
            .map_err(|fault| fault.locate(text, 1))
    }

    /// Reads what a group mod with this command is to say.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl` would refuse the text.
    pub fn group_mod(&self, text: &str, command: GroupModCommand) -> Result<GroupMod, ParseError> {
        group::group_mod(self, text, command).map_err(|fault| fault.locate(text, 1))
    }

    /// Reads what a meter mod with this command is to say.
    ///
    /// # Errors
    ///
    /// When `ovs-ofctl` would refuse the text.
    pub fn meter_mod(&self, text: &str, command: MeterModCommand) -> Result<MeterMod, ParseError> {
        meter::meter_mod(text, command).map_err(|fault| fault.locate(text, 1))
    }

    /// A port: a number, a reserved word, or a name that the switch gave.
    fn port(&self, text: &str) -> Option<PortNo> {
        number::port(text).or_else(|| self.names.port_named(token::unquoted(text).as_ref()))
    }

    /// A table: a number in tens, even after a zero, or a name that the switch gave.
    fn table(&self, text: &str) -> Option<u8> {
        let number = text.trim_start().parse().ok();
        number.or_else(|| self.names.table_named(token::unquoted(text).as_ref()))
    }
}

/// Reads without names, and strictly.
macro_rules! from_str {
    ($($type:ty, |$parser:ident, $text:ident| $read:expr;)*) => {$(
        impl FromStr for $type {
            type Err = ParseError;

            fn from_str($text: &str) -> Result<Self, ParseError> {
                let $parser = Parser::default();
                $read
            }
        }
    )*};
}
from_str! {
    Match, |parser, text| parser.matching(text);
    Instructions, |parser, text| parser.instructions(text);
    Flow, |parser, text| parser.flow(text);
    Group, |parser, text| parser.group_mod(text, GroupModCommand::ADD).map(Self::from);
    Meter, |parser, text| parser.meter_mod(text, MeterModCommand::ADD).map(Self::from);
}
