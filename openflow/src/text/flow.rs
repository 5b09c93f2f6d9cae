//! Flows, and files of them.

use super::action::Scope;
use super::matching::Draft;
use super::protocol::Protocols;
use super::token::{Fault, Pair, Pairs, end};
use super::{ParseError, Parsed, Parser, instruction, number};
use crate::field::GroupId;
use crate::flow::{DEFAULT_PRIORITY, FlowFlags};
use crate::message::{ALL_TABLES, FlowMod, FlowModCommand};

/// Reads what a flow mod says.
pub(super) fn flow_mod<'a>(
    parser: &Parser<'_>,
    text: &'a str,
    command: FlowModCommand,
) -> Parsed<'a, FlowMod> {
    let (change, protocols) = draft(parser, text, command)?;
    protocols.admit(text.trim()).map(|()| change)
}

/// Reads what a flow mod says, and which protocols can.
fn draft<'a>(
    parser: &Parser<'_>,
    text: &'a str,
    command: FlowModCommand,
) -> Parsed<'a, (FlowMod, Protocols)> {
    let deletes = matches!(
        command,
        FlowModCommand::DELETE | FlowModCommand::DELETE_STRICT
    );
    let (head, actions) = match deletes {
        true => (text, None),
        false => split_actions(text)?,
    };
    let mut change = FlowMod {
        command,
        priority: DEFAULT_PRIORITY,
        ..FlowMod::delete_all()
    };
    let mut draft = Draft::default();
    let mut protocols = Protocols::all();
    for pair in Pairs::new(head) {
        if !property(&mut change, pair)? && !draft.read(parser, pair)? {
            keyword(parser, &mut change, pair)?;
            if pair.key == "table" && change.table != ALL_TABLES {
                protocols &= Protocols::TABLE;
            }
        }
    }
    protocols &= draft.protocols & of_properties(&change);
    change.matching = draft.finish(parser)?;
    protocols &= Protocols::of_match(&change.matching);
    if let Some(actions) = actions {
        let mut scope = Scope::of(parser, &change.matching);
        change.instructions = instruction::scoped(&mut scope, actions)?;
        let next = change.instructions.goto_table;
        if change.table != ALL_TABLES && next.is_some_and(|next| next <= change.table) {
            let message = "actions are invalid with specified match (OFPBIC_BAD_TABLE_ID)";
            return Err(Fault::new(actions, "goto_table to a later table", message));
        }
        protocols &= scope.known & scope.consistent;
        if protocols.is_empty() {
            let message = "actions are invalid with specified match (OFPBAC_MATCH_INCONSISTENT)";
            return Err(Fault::new(actions, "actions that fit the match", message));
        }
        if change.table == ALL_TABLES {
            change.table = 0;
        }
    }
    Ok((change, protocols))
}

/// The protocols that can say what is said of the flow besides its match and its actions.
fn of_properties(change: &FlowMod) -> Protocols {
    let mut protocols = Protocols::all();
    if change.flags.contains(FlowFlags::RESET_COUNTS) {
        protocols &= Protocols::OXM;
    }
    if change
        .flags
        .intersects(FlowFlags::NO_PKT_COUNTS | FlowFlags::NO_BYT_COUNTS)
    {
        protocols &= Protocols::SINCE13;
    }
    if change.out_group != GroupId::ANY {
        protocols &= Protocols::SINCE11;
    }
    if change.cookie_mask != 0 {
        protocols &= Protocols::SINCE11 | Protocols::NXM_ANY;
    }
    protocols
}

/// Cuts where the actions start: at the first word with `action` in it.
fn split_actions(text: &str) -> Parsed<'_, (&str, Option<&str>)> {
    let actions = text.find("action").and_then(|start| {
        let (head, actions) = text.split_at(start);
        let (_, actions) = actions.split_once('=')?;
        Some((head, Some(actions)))
    });
    actions.ok_or_else(|| Fault::new(end(text), "actions=", "must specify an action"))
}

/// Whether a flow mod of this command makes or changes flows.
const fn writes(command: FlowModCommand) -> bool {
    !matches!(
        command,
        FlowModCommand::DELETE | FlowModCommand::DELETE_STRICT
    )
}

/// Reads what stands alone, and says whether `pair` does.
fn property<'a>(change: &mut FlowMod, pair: Pair<'a>) -> Parsed<'a, bool> {
    if matches!(pair.key, "no_readonly_table" | "allow_hidden_fields") {
        return Ok(true);
    }
    if !writes(change.command) {
        return Ok(false);
    }
    change.flags |= match pair.key {
        "send_flow_rem" => FlowFlags::SEND_FLOW_REM,
        "check_overlap" => FlowFlags::CHECK_OVERLAP,
        "reset_counts" => FlowFlags::RESET_COUNTS,
        "no_packet_counts" => FlowFlags::NO_PKT_COUNTS,
        "no_byte_counts" => FlowFlags::NO_BYT_COUNTS,
        _ => return Ok(false),
    };
    Ok(true)
}

/// Reads what has a value and is no field.
fn keyword<'a>(parser: &Parser<'_>, change: &mut FlowMod, pair: Pair<'a>) -> Parsed<'a, ()> {
    let Pair { key, value } = pair;
    if value.is_empty() {
        let message = format!("field {key} missing value");
        return Err(Fault::new(key, "a value, and = before it", message));
    }
    let command = change.command;
    let deletes = !writes(command);
    let strict = command != FlowModCommand::DELETE;
    match key {
        "table" => {
            change.table = parser.table(value).ok_or_else(|| {
                let message = format!("unknown table \"{value}\"");
                Fault::new(value, "a table", message)
            })?;
        }
        "out_port" if deletes => {
            change.out_port = parser.port(value).ok_or_else(|| {
                let message = format!("{value} is not a valid OpenFlow port");
                Fault::new(value, "a port", message)
            })?;
        }
        "out_group" if deletes => {
            change.out_group = number::group(value).ok_or_else(|| {
                let message = format!("{value} is not a valid OpenFlow group");
                Fault::new(value, "a group", message)
            })?;
        }
        "priority" if strict => change.priority = number::u16(value, key)?,
        "idle_timeout" if !deletes => change.idle_timeout = number::u16(value, key)?,
        "hard_timeout" if !deletes => change.hard_timeout = number::u16(value, key)?,
        // OpenFlow 1.3 has no place for it.
        "importance" if command == FlowModCommand::ADD => {
            number::u16(value, key)?;
        }
        "cookie" => cookie(change, value)?,
        // These are fields that no version of OpenFlow can carry.
        "tun_ttl" | "tun_tos" | "skb_priority" if !deletes => {
            let message = "actions are invalid with specified match (OFPBAC_MATCH_INCONSISTENT)";
            return Err(Fault::new(key, "a field of OpenFlow 1.3", message));
        }
        "duration" | "n_packets" | "n_bytes" | "idle_age" | "hard_age" => {}
        _ => {
            let message = format!("unknown keyword {key}");
            return Err(Fault::new(
                key,
                "a field, or the like of table and priority",
                message,
            ));
        }
    }
    Ok(())
}

/// Reads a cookie to set, or, with a mask, one to look for.
fn cookie<'a>(change: &mut FlowMod, text: &'a str) -> Parsed<'a, ()> {
    let Some((value, mask)) = text.split_once('/') else {
        if !writes(change.command) {
            let message = format!(
                "cannot set cookie (to match on a cookie, specify a mask, e.g. cookie={text}/-1)"
            );
            return Err(Fault::new(text, "/, and after it a mask", message));
        }
        change.cookie = number::u64(text)?;
        return Ok(());
    };
    if change.command == FlowModCommand::ADD {
        let message = "flow additions cannot use a cookie mask";
        return Err(Fault::new(text, "a cookie without a mask", message));
    }
    change.cookie = number::u64(value)?;
    change.cookie_mask = number::u64(mask)?;
    Ok(())
}

/// The flow mods of a file, line by line; from [`Parser::flow_mods`].
#[derive(Clone, Debug)]
pub struct FlowMods<'a, 'n> {
    parser: Parser<'n>,
    rest: &'a str,
    line: usize,
    command: Option<FlowModCommand>,
}

impl<'a, 'n> FlowMods<'a, 'n> {
    pub(super) const fn new(
        parser: Parser<'n>,
        text: &'a str,
        command: Option<FlowModCommand>,
    ) -> Self {
        Self {
            parser,
            rest: text,
            line: 0,
            command,
        }
    }
}

impl Iterator for FlowMods<'_, '_> {
    type Item = Result<FlowMod, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            self.line += 1;
            // A comment may follow what is read.
            let text = line.split_once('#').map_or(line, |(text, _)| text);
            if !text.trim().is_empty() {
                let change = commanded(&self.parser, text, self.command);
                return Some(change.map_err(|fault| fault.locate(line, self.line)));
            }
        }
        None
    }
}

/// Reads the flow mods of a file, and says which protocols can carry every one.
pub(super) fn of_any_protocol(
    parser: &Parser<'_>,
    file: &str,
    command: FlowModCommand,
) -> Result<(Vec<FlowMod>, Protocols), ParseError> {
    let mut changes = Vec::new();
    let mut protocols = Protocols::all();
    for (line, number) in file.lines().zip(1..) {
        let text = line.split_once('#').map_or(line, |(text, _)| text);
        if !text.trim().is_empty() {
            let (change, usable) =
                draft(parser, text, command).map_err(|fault| fault.locate(line, number))?;
            protocols &= usable;
            changes.push(change);
        }
    }
    Ok((changes, protocols))
}

/// Reads a flow mod that the word of a command may stand before, unless it is given.
fn commanded<'a>(
    parser: &Parser<'_>,
    text: &'a str,
    command: Option<FlowModCommand>,
) -> Parsed<'a, FlowMod> {
    if let Some(command) = command {
        return flow_mod(parser, text, command);
    }
    let start = text.trim_start();
    let is_word = |c: char| c.is_ascii_alphabetic() || c == '_';
    let end = start.find(|c| !is_word(c)).unwrap_or(start.len());
    let (word, rest) = start.split_at(end);
    let command = match word {
        "add" => FlowModCommand::ADD,
        "delete" => FlowModCommand::DELETE,
        "delete_strict" => FlowModCommand::DELETE_STRICT,
        "modify" => FlowModCommand::MODIFY,
        "modify_strict" => FlowModCommand::MODIFY_STRICT,
        _ => return flow_mod(parser, text, FlowModCommand::ADD),
    };
    flow_mod(parser, rest, command)
}
