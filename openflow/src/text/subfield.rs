//! Parts of fields: `NXM_NX_REG0[0..15]`, `reg0[3]`, `reg0[]`, `reg0`.

use nom::bytes::complete::tag;
use nom::character::complete::{char, u16 as digits};
use nom::combinator::{all_consuming, opt};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser as _};

use super::Parsed;
use super::field::by_name;
use super::number::Bytes;
use super::token::Fault;
use crate::action::Subfield;
use crate::field::FieldId;

/// What a part is, for errors.
const PART: &str = "a field, and after it bits in brackets";

/// Reads a part that is all of the text.
pub(super) fn subfield(text: &str) -> Parsed<'_, Subfield> {
    let (part, rest) = split(text)?;
    match rest {
        "" => Ok(part),
        _ => Err(Fault::new(
            rest,
            "nothing after the field",
            "unexpected input following field syntax",
        )),
    }
}

/// Reads the part at the start of the text, and returns what follows it.
pub(super) fn split(text: &str) -> Parsed<'_, (Subfield, &str)> {
    let end = text.find(['[', '-']).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    let Some(field) = field(name) else {
        let message = format!("{text}: unknown field `{name}'");
        return Err(Fault::new(name, PART, message));
    };
    let last = field.bits().saturating_sub(1);
    if !after.starts_with('[') {
        return Ok((field.slice(0, last), after));
    }
    let Ok((rest, bits)) = brackets(after) else {
        let message = format!("{text}: syntax error expecting [] or [<bit>] or [<start>..<end>]");
        return Err(Fault::new(after, PART, message));
    };
    let (start, end) = match bits {
        None => (0, last),
        Some((start, end)) => (start, end.unwrap_or(start)),
    };
    let problem = if start > end {
        format!("starting bit {start} is after ending bit {end}")
    } else if start > last {
        too_far("starting", start, field)
    } else if end > last {
        too_far("ending", end, field)
    } else {
        return Ok((field.slice(start, end), rest));
    };
    Err(Fault::new(after, PART, format!("{text}: {problem}")))
}

/// Refuses a part whose field has an experimenter's number in its header, where an action lacks
/// the room. `name` is the field as it is written within `whole`.
pub(super) fn with_short_header<'a>(
    whole: &str,
    name: &'a str,
    part: Subfield,
) -> Parsed<'a, Subfield> {
    if part.field().nxm().class.is_experimenter() {
        let message = format!("{whole}: experimenter OXM field '{name}' not supported");
        return Err(Fault::new(name, "a field whose header is short", message));
    }
    Ok(part)
}

/// Refuses a part that the 16 bits of a range cannot say: they count up to 64 bits.
pub(super) fn with_range<'a>(whole: &str, name: &'a str, part: Subfield) -> Parsed<'a, Subfield> {
    let bits = part.bits();
    if bits > Subfield::RANGE {
        let most = Subfield::RANGE;
        let message = format!("{whole}: size of field {name} ({bits}) exceeds maximum ({most})");
        return Err(Fault::new(name, "at most 64 bits of a field", message));
    }
    Ok(part)
}

fn too_far(which: &str, bit: u16, field: FieldId) -> String {
    let bits = field.bits();
    format!("{which} bit {bit} is not valid because field is only {bits} bits wide")
}

/// The first bit and the last, if there are any.
type Range = Option<(u16, Option<u16>)>;

fn brackets(text: &str) -> IResult<&str, Range> {
    let range = (digits, opt(preceded(tag(".."), digits)));
    delimited(char('['), opt(range), char(']')).parse(text)
}

/// A field by its name in OXM or NXM, or by one of its own.
fn field(name: &str) -> Option<FieldId> {
    by_name(name)
        .or_else(|| FieldId::of_name(name))
        .or_else(|| FieldId::of_name(name.strip_suffix("_W")?))
}

/// Two numbers, `first/second`, with blanks between them.
pub(super) fn ratio(text: &str) -> Option<(u8, u8)> {
    use nom::character::complete::{space0, u8 as digits};
    let slash = delimited(space0::<&str, nom::error::Error<&str>>, char('/'), space0);
    let whole = delimited(space0, (digits, slash, digits), space0);
    let (_, (first, _, second)) = all_consuming(whole).parse(text).ok()?;
    Some((first, second))
}

/// Whether a number has no more bits than `part`.
pub(super) fn fits(part: Subfield, number: &[u8]) -> bool {
    let bits = usize::from(part.bits());
    let mut above = number.iter().rev().enumerate();
    above.all(|(place, byte)| match bits.saturating_sub(8 * place) {
        8.. => true,
        left => {
            byte.checked_shr(u32::try_from(left).unwrap_or(8))
                .unwrap_or(0)
                == 0
        }
    })
}

/// A value of the whole field that has `number` in the bits of `part`, and the mask of these.
pub(super) fn placed(part: Subfield, number: &[u8]) -> (Bytes, Bytes) {
    let size = number.len();
    let (mut value, mut mask) = (Bytes::from_elem(0, size), Bytes::from_elem(0, size));
    for bit in 0..usize::from(part.bits()) {
        let to = bit + usize::from(part.start());
        let is_set = at(size, bit).and_then(|(byte, bit)| Some(number.get(byte)? & bit != 0));
        let Some((byte, flag)) = at(size, to) else {
            break;
        };
        if let (Some(value), Some(mask)) = (value.get_mut(byte), mask.get_mut(byte)) {
            *mask |= flag;
            *value |= if is_set.unwrap_or(false) { flag } else { 0 };
        }
    }
    (value, mask)
}

/// The byte that a bit is in, and its place there.
fn at(size: usize, bit: usize) -> Option<(usize, u8)> {
    Some((size.checked_sub(1 + bit / 8)?, 1 << (bit % 8)))
}
