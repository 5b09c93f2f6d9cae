//! Instructions.
//!
//! Text does not tell them from actions: what is not an instruction of its own is applied at once.

use super::action::{Scope, not_alone, not_in_conjunction, read, unknown, verify};
use super::protocol::Protocols;
use super::token::{Fault, Pair, Pairs};
use super::{Parsed, Parser, number};
use crate::action::Action;
use crate::field::MeterId;
use crate::instruction::{Instructions, WriteMetadata};

/// Reads instructions for packets of which nothing is known.
pub(super) fn instructions<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Instructions> {
    scoped(&mut Scope::new(parser), text)
}

/// Reads instructions.
pub(super) fn scoped<'a>(scope: &mut Scope<'_>, text: &'a str) -> Parsed<'a, Instructions> {
    let mut found = Instructions::default();
    let mut last = Kind::Meter;
    let mut drop = None;
    for pair in Pairs::new(text) {
        if pair.key.eq_ignore_ascii_case("drop") {
            drop = Some(pair.key);
            continue;
        }
        let kind = instruction(scope, pair, &mut found)?;
        if kind < last {
            let message = format!(
                "invalid instruction ordering: {} must appear before {}, for OpenFlow 1.1+ \
                 compatibility",
                kind.name(),
                last.name()
            );
            return Err(Fault::new(pair.key, "instructions in their order", message));
        }
        if kind == last && kind > Kind::Apply {
            let message = format!("instruction {} may be specified only once", kind.name());
            return Err(Fault::new(pair.key, "each instruction once", message));
        }
        last = kind;
    }
    match drop {
        Some(drop) if !found.is_empty() => return Err(not_alone(drop)),
        _ => verify(scope, &found.apply_actions, text)?,
    }
    let takes_part = |action: &Action| matches!(action, Action::Conjunction(_));
    match found.apply_actions.iter().any(takes_part) {
        true => alone(&found, text).map(|()| found),
        false => Ok(found),
    }
}

/// Refuses instructions beside the actions.
fn alone<'a>(found: &Instructions, text: &'a str) -> Parsed<'a, ()> {
    let kinds = [
        (found.meter.is_some(), Kind::Meter),
        (found.clear_actions, Kind::Clear),
        (found.write_actions.is_some(), Kind::WriteActions),
        (found.write_metadata.is_some(), Kind::WriteMetadata),
        (found.goto_table.is_some(), Kind::Goto),
    ];
    match kinds.iter().find(|(is_there, _)| *is_there) {
        Some((_, kind)) => Err(not_in_conjunction(text, kind.name())),
        None => Ok(()),
    }
}

/// The instructions, in the order in which they must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Meter,
    Apply,
    Clear,
    WriteActions,
    WriteMetadata,
    Goto,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Meter => "meter",
            Self::Apply => "apply_actions",
            Self::Clear => "clear_actions",
            Self::WriteActions => "write_actions",
            Self::WriteMetadata => "write_metadata",
            Self::Goto => "goto_table",
        }
    }
}

fn instruction<'a>(
    scope: &mut Scope<'_>,
    pair: Pair<'a>,
    found: &mut Instructions,
) -> Parsed<'a, Kind> {
    let Pair { key, value } = pair;
    let word = key.to_ascii_lowercase();
    scope.known &= Protocols::of_word(&word);
    Ok(match word.as_str() {
        "meter" => {
            found.meter = Some(MeterId(number::u32(value)?));
            Kind::Meter
        }
        "clear_actions" => {
            found.clear_actions = true;
            Kind::Clear
        }
        "write_actions" => {
            let actions = scope.write_actions(value)?;
            found.write_actions = (!actions.is_empty()).then_some(actions);
            Kind::WriteActions
        }
        "write_metadata" => {
            found.write_metadata = Some(metadata(value)?);
            Kind::WriteMetadata
        }
        "goto_table" => {
            let Some(table) = scope.parser.table(value) else {
                let message = format!("unknown table \"{value}\"");
                return Err(Fault::new(value, "a table", message));
            };
            found.goto_table = Some(table);
            Kind::Goto
        }
        _ if read(scope, pair, &mut found.apply_actions)? => Kind::Apply,
        _ => return Err(unknown(key)),
    })
}

fn metadata(text: &str) -> Parsed<'_, WriteMetadata> {
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (value, number::u64(mask)?),
        None => (text, u64::MAX),
    };
    let metadata = number::u64(value)?;
    Ok(WriteMetadata { metadata, mask })
}
