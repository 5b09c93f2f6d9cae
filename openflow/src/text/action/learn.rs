//! The action that makes flows.

use super::{leading, set};
use crate::action::*;
use crate::field::format::Hex;
use crate::text::field;
use crate::text::number::{self, Bad, Bytes};
use crate::text::subfield::{fits, subfield, with_short_header};
use crate::text::token::{Fault, Pair, Pairs};
use crate::text::{Parsed, Parser};

/// Reads `learn`, which becomes the older form unless that cannot say it.
pub(super) fn learn<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Action> {
    let mut learn = Learn::default();
    let mut limit = 0;
    let mut result = None;
    for pair in Pairs::new(text) {
        let Pair { key, value } = pair;
        match key {
            "table" => learn.table = table(parser, text, value)?,
            "priority" => learn.priority = leading(value),
            "idle_timeout" => learn.idle_timeout = leading(value),
            "hard_timeout" => learn.hard_timeout = leading(value),
            "fin_idle_timeout" => learn.fin_idle_timeout = leading(value),
            "fin_hard_timeout" => learn.fin_hard_timeout = leading(value),
            "cookie" => learn.cookie = number::unsigned(value).unwrap_or_default(),
            "send_flow_rem" => learn.flags |= LearnFlags::SEND_FLOW_REM,
            "delete_learned" => learn.flags |= LearnFlags::DELETE_LEARNED,
            "limit" => limit = leading(value),
            "result_dst" => result = Some(result_bit(value)?),
            _ => learn.specs.push(spec(parser, text, pair)?),
        }
    }
    if limit == 0 && result.is_none() {
        return Ok(learn.into());
    }
    let learn2 = Learn2 {
        learn,
        limit,
        result,
    };
    Ok(learn2.into())
}

fn table<'a>(parser: &Parser<'_>, whole: &str, text: &'a str) -> Parsed<'a, u8> {
    let message = match parser.table(text) {
        Some(u8::MAX) => format!("{whole}: table id 255 not valid for `learn' action"),
        Some(table) => return Ok(table),
        None => format!("unknown table \"{text}\""),
    };
    Err(Fault::new(text, "a table", message))
}

fn result_bit(text: &str) -> Parsed<'_, Subfield> {
    let part = subfield(text)?;
    if !part.field().is_writable() {
        let message = format!("{text} is read-only");
        return Err(Fault::new(text, "a field that can be written", message));
    }
    if part.bits() != 1 {
        let message = "result_dst in 'learn' action must be a single bit";
        return Err(Fault::new(text, "a single bit", message));
    }
    Ok(part)
}

/// Reads a condition or an action of the new flow.
fn spec<'a>(parser: &Parser<'_>, whole: &str, pair: Pair<'a>) -> Parsed<'a, LearnSpec> {
    let Pair { key, value } = pair;
    if let Ok(target) = subfield(key) {
        let target = with_short_header(whole, key, target)?;
        return condition(parser, whole, pair, target);
    }
    match key {
        "load" => load(pair),
        "output" => {
            let source = with_short_header(whole, value, subfield(value)?)?;
            Ok(LearnSpec::Output { source })
        }
        _ => {
            let message = format!("{whole}: unknown keyword {key}");
            Err(Fault::new(key, "a field, load: or output:", message))
        }
    }
}

fn condition<'a>(
    parser: &Parser<'_>,
    whole: &str,
    pair: Pair<'a>,
    target: Subfield,
) -> Parsed<'a, LearnSpec> {
    let Pair { key, value } = pair;
    if value.is_empty() {
        let source = target;
        return Ok(LearnSpec::MatchField { source, target });
    }
    let Err(no_field) = subfield(value) else {
        let source = with_short_header(whole, value, subfield(value)?)?;
        if source.bits() == target.bits() {
            return Ok(LearnSpec::MatchField { source, target });
        }
        let (theirs, ours) = (source.bits(), target.bits());
        let message =
            format!("{whole}: bit widths of {key} ({theirs}) and {value} ({ours}) differ");
        return Err(Fault::new(value, "as many bits on both sides", message));
    };
    match immediate(parser, whole, value, target) {
        Ok(bits) => {
            let value = Bits::of_bytes(&bits, target);
            Ok(LearnSpec::MatchValue { value, target })
        }
        Err(no_value) => {
            let message = format!(
                "{whole}: {key} value {value} cannot be parsed as a subfield ({}) or an \
                 immediate value ({})",
                no_field.message(),
                no_value.message()
            );
            Err(Fault::new(value, "a field or a value", message))
        }
    }
}

fn immediate<'a>(
    parser: &Parser<'_>,
    whole: &str,
    text: &'a str,
    target: Subfield,
) -> Parsed<'a, Bytes> {
    let field = target.field();
    if target.is_whole() {
        return field::value(parser, field, text);
    }
    let Ok((bits, "")) = number::wide(text, field.size()) else {
        let message = format!("{whole}: cannot parse integer value");
        return Err(Fault::new(text, "a number", message));
    };
    if fits(target, &bits) {
        return Ok(bits);
    }
    let shown = Hex(&bits);
    let message = format!(
        "{whole}: value {shown} does not fit into {} bits",
        target.bits()
    );
    Err(Fault::new(text, "a smaller number", message))
}

/// The bytes of the largest field: an option of a tunnel.
const MOST_BYTES: usize = 124;

fn load(pair: Pair<'_>) -> Parsed<'_, LearnSpec> {
    let Pair { key, value } = pair;
    let Some((source, name)) = value.split_once("->") else {
        let message = format!("{key}: missing `->' in `{value}'");
        return Err(Fault::new(value, "->, and after it a field", message));
    };
    if source.is_empty() {
        let message = format!("{key}: missing source before `->' in `{value}'");
        return Err(Fault::new(value, "a value or a field", message));
    }
    let (bits, rest) = match number::wide(source, MOST_BYTES) {
        Ok(read) => read,
        Err(Bad::Syntax) => {
            let (source, target) = set::ends(value)?;
            let from = value.split_once("->").map_or(value, |(from, _)| from);
            with_short_header(value, from, source)?;
            with_short_header(value, name, target)?;
            return Ok(LearnSpec::LoadField { source, target });
        }
        Err(Bad::TooLarge) => {
            let bits = subfield(name)?.bits();
            let message = format!("{value}: value does not fit into {bits} bits");
            return Err(Fault::new(source, "a smaller number", message));
        }
    };
    if !rest.is_empty() {
        let message = format!("{key}: garbage before `->' in `{value}'");
        return Err(Fault::new(rest, "->", message));
    }
    let target = with_short_header(value, name, subfield(name)?)?;
    if !fits(target, &bits) {
        let message = format!("{value}: value does not fit into {} bits", target.bits());
        return Err(Fault::new(source, "a smaller number", message));
    }
    let value = Bits::of_bytes(&bits, target);
    Ok(LearnSpec::LoadValue { value, target })
}
