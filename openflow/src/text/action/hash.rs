//! Actions that choose by a hash.

use super::leading;
use crate::action::*;
use crate::text::subfield::{subfield, with_range, with_short_header};
use crate::text::token::{Fault, items};
use crate::text::{Parsed, Parser};

/// How many ports `bundle` can choose from.
const MAX_MEMBERS: usize = 2048;

/// Reads `multipath`: six items.
pub(super) fn multipath(text: &str) -> Parsed<'_, Action> {
    let mut words = items(text);
    let mut next = || words.next().ok_or_else(|| too_few(text, "multipath"));
    let (fields, basis, algorithm) = (next()?, next()?, next()?);
    let (links, arg, target) = (next()?, next()?, next()?);
    let fields = hash_fields(text, fields)?;
    let algorithm = named(algorithm, MultipathAlgorithm::NAMED, |a| a.name()).ok_or_else(|| {
        let message = format!("{text}: unknown algorithm `{algorithm}'");
        Fault::new(
            algorithm,
            "modulo_n, hash_threshold, hrw or iter_hash",
            message,
        )
    })?;
    let count: i64 = leading(links);
    let Some(max_link) = count.checked_sub(1).and_then(|n| u16::try_from(n).ok()) else {
        let message = format!("{text}: n_links {count} is not in valid range 1 to 65536");
        return Err(Fault::new(links, "a number from 1 to 65536", message));
    };
    let part = destination(text, target)?;
    let values = 1_i64.checked_shl(part.bits().into()).unwrap_or(i64::MAX);
    if part.bits() < 16 && count > values {
        let message = format!(
            "{text}: {}-bit destination field has {values} possible values, less than specified \
             n_links {count}",
            part.bits()
        );
        return Err(Fault::new(target, "more bits", message));
    }
    let action = Multipath {
        fields,
        basis: leading(basis),
        algorithm,
        max_link,
        arg: leading(arg),
        target: part,
    };
    Ok(action.into())
}

/// Reads `bundle`.
pub(super) fn bundle<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Action> {
    read(parser, text, false).map(|(bundle, _)| bundle.into())
}

/// Reads `bundle_load`.
pub(super) fn bundle_load<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Action> {
    let (bundle, target) = read(parser, text, true)?;
    let part = destination(text, target)?;
    if part.bits() < PORT_BITS {
        let message = "bundle_load action requires at least 16 bit destination.";
        return Err(Fault::new(target, "at least 16 bits", message));
    }
    let target = part;
    Ok(BundleLoad { bundle, target }.into())
}

/// The fewest bits that hold the number of a port.
const PORT_BITS: u16 = 16;

/// Reads the part of a field that a choice is written to.
fn destination<'a>(whole: &str, name: &'a str) -> Parsed<'a, Subfield> {
    let part = with_short_header(whole, name, subfield(name)?)?;
    with_range(whole, name, part)
}

/// Reads what both have, and where to load to.
fn read<'a>(parser: &Parser<'_>, text: &'a str, loads: bool) -> Parsed<'a, (Bundle, &'a str)> {
    let mut words = text.split([',', ' ', ':']).filter(|word| !word.is_empty());
    let mut next = || words.next().ok_or_else(|| too_few(text, "bundle"));
    let (fields, basis, algorithm, kind) = (next()?, next()?, next()?, next()?);
    let target = if loads { next()? } else { "" };
    let delimiter = next()?;
    if !["members", "slaves"]
        .iter()
        .any(|word| delimiter.eq_ignore_ascii_case(word))
    {
        let message =
            format!("{text}: missing member delimiter, expected `members', got `{delimiter}'");
        return Err(Fault::new(delimiter, "members:", message));
    }
    let rest = words
        .flat_map(|word| word.split(['[', ']']))
        .filter(|word| !word.is_empty());
    let member = |word: &'a str| {
        let port = parser.port(word).and_then(|port| port.to_16());
        port.ok_or_else(|| Fault::new(word, "a port", format!("{word}: bad port number")))
    };
    let members = rest
        .take(MAX_MEMBERS)
        .map(member)
        .collect::<Result<_, _>>()?;
    let fields = hash_fields(text, fields)?;
    let algorithm = named(algorithm, BundleAlgorithm::NAMED, |a| a.name()).ok_or_else(|| {
        let message = format!("{text}: unknown algorithm `{algorithm}'");
        Fault::new(algorithm, "active_backup or hrw", message)
    })?;
    if !kind.eq_ignore_ascii_case("ofport") {
        let message = format!("{text}: unknown member_type `{kind}'");
        return Err(Fault::new(kind, "ofport", message));
    }
    let bundle = Bundle {
        algorithm,
        fields,
        basis: leading(basis),
        members,
    };
    Ok((bundle, target))
}

fn too_few<'a>(text: &'a str, action: &str) -> Box<Fault<'a>> {
    let message = format!("{text}: not enough arguments to {action} action");
    crate::text::number::missing(text, "more arguments", message)
}

fn hash_fields<'a>(text: &str, word: &'a str) -> Parsed<'a, HashFields> {
    named(word, HashFields::NAMED, |fields| fields.name()).ok_or_else(|| {
        let message = format!("{text}: unknown fields `{word}'");
        Fault::new(word, "eth_src, symmetric_l4 or the like", message)
    })
}

/// The code of that name, in any case.
fn named<T: Copy>(word: &str, all: &[T], name: impl Fn(T) -> Option<&'static str>) -> Option<T> {
    let is = |code: &T| name(*code).is_some_and(|name| name.eq_ignore_ascii_case(word));
    all.iter().copied().find(is)
}
