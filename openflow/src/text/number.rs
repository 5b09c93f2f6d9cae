//! Numbers, in the forms that C reads: `10`, `0xa`, `012`.

use smallvec::SmallVec;

use super::Parsed;
use super::token::{Fault, end};
use crate::field::{GroupId, PortNo};

/// The bytes of a number, in network order.
pub(super) type Bytes = SmallVec<[u8; 16]>;

/// A number with a sign, if it is all of the text.
pub(super) fn signed(text: &str) -> Option<i64> {
    let (negative, digits) = sign(text);
    let number = i64::try_from(unsigned_digits(digits)?).ok()?;
    Some(if negative { -number } else { number })
}

/// A number of 64 bits, if it is all of the text. A sign takes its two's complement: `-1` is all
/// ones.
pub(super) fn unsigned(text: &str) -> Option<u64> {
    let (negative, digits) = sign(text);
    let number = unsigned_digits(digits)?;
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

fn sign(text: &str) -> (bool, &str) {
    let text = text.trim_start();
    match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn unsigned_digits(text: &str) -> Option<u64> {
    let (radix, digits) = radix(text);
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

fn radix(text: &str) -> (u32, &str) {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => (16, digits),
        None if text.starts_with('0') => (8, text),
        None => (10, text),
    }
}

/// A number of 8 bits, which an error calls `name`.
pub(super) fn u8<'a>(text: &'a str, name: &str) -> Parsed<'a, u8> {
    let number = signed(text).and_then(|number| number.try_into().ok());
    number.ok_or_else(|| invalid(text, name, "a number up to 255"))
}

/// A number of 16 bits, which an error calls `name`.
pub(super) fn u16<'a>(text: &'a str, name: &str) -> Parsed<'a, u16> {
    let number = signed(text).and_then(|number| number.try_into().ok());
    number.ok_or_else(|| invalid(text, name, "a number up to 65535"))
}

fn invalid<'a>(text: &'a str, name: &str, expected: &'static str) -> Box<Fault<'a>> {
    Fault::new(text, expected, format!("invalid {name} \"{text}\""))
}

/// A number of 32 bits: as `ovs-ofctl` has it, the lower ones of a number of 64.
pub(super) fn u32(text: &str) -> Parsed<'_, u32> {
    let number = unsigned(text).and_then(|number| u32::try_from(number & 0xffff_ffff).ok());
    number.ok_or_else(|| bad_format(text, "a number of 32 bits"))
}

/// A number of 64 bits.
pub(super) fn u64(text: &str) -> Parsed<'_, u64> {
    unsigned(text).ok_or_else(|| bad_format(text, "a number of 64 bits"))
}

fn bad_format<'a>(text: &'a str, expected: &'static str) -> Box<Fault<'a>> {
    if text.is_empty() {
        Fault::new(text, expected, "missing required numeric argument")
    } else {
        Fault::new(text, expected, format!("invalid numeric format {text}"))
    }
}

/// Why a number of many bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Syntax,
    TooLarge,
}

/// The number of `size` bytes at the start of the text, and what follows it.
///
/// In hexadecimal it can be of any size, otherwise of 64 bits.
pub(super) fn wide(text: &str, size: usize) -> Result<(Bytes, &str), Bad> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let Some(digits) = hexadecimal else {
        return narrow(text, size);
    };
    let length = digits
        .bytes()
        .position(|byte| !byte.is_ascii_hexdigit())
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(length);
    if digits.is_empty() {
        return Err(Bad::Syntax);
    }
    let digits = digits.trim_start_matches('0');
    if digits.len() > 2 * size {
        return Err(Bad::TooLarge);
    }
    let mut bytes: Bytes = SmallVec::from_elem(0, size);
    for (byte, pair) in bytes.iter_mut().rev().zip(digits.as_bytes().rchunks(2)) {
        for digit in pair {
            let digit = char::from(*digit).to_digit(16).unwrap_or_default();
            *byte = *byte << 4 | u8::try_from(digit).unwrap_or_default();
        }
    }
    Ok((bytes, rest))
}

fn narrow(text: &str, size: usize) -> Result<(Bytes, &str), Bad> {
    let (negative, digits) = sign(text);
    let (radix, _) = radix(digits);
    let length = digits
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(length);
    if digits.is_empty() {
        return Err(Bad::Syntax);
    }
    let number = u64::from_str_radix(digits, radix).map_err(|_| Bad::TooLarge)?;
    let number = if negative {
        number.wrapping_neg()
    } else {
        number
    };
    let all = u128::from(number).to_be_bytes();
    match all.split_at_checked(16_usize.saturating_sub(size)) {
        Some((excess, _)) if excess.iter().any(|byte| *byte != 0) => Err(Bad::TooLarge),
        Some((_, bytes)) => {
            let mut number: Bytes = SmallVec::from_elem(0, size - bytes.len());
            number.extend_from_slice(bytes);
            Ok((number, rest))
        }
        None => Err(Bad::TooLarge),
    }
}

/// A value of a field that is not one of OXM, as `dl_vlan`; with a mask it makes no sense.
pub(super) fn field<'a>(text: &'a str, name: &str, size: usize) -> Parsed<'a, u16> {
    let fault = |message| Err(Fault::new(text, "a number", message));
    match wide(text, size) {
        Ok((bytes, "")) => {
            let number = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u16::from(*byte));
            Ok(number)
        }
        Ok((_, rest)) if rest.starts_with('/') => {
            fault(format!("{text}: invalid mask for field {name}"))
        }
        Err(Bad::TooLarge) => fault(format!(
            "{text}: value too large for {size}-byte field {name}"
        )),
        _ => fault(format!("{text}: bad syntax for {name} value")),
    }
}

/// A port without a name of its own: a number, or a reserved word in any case.
pub(super) fn port(text: &str) -> Option<PortNo> {
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '+') {
        // In tens only: a leading zero does not make it octal.
        let number: u32 = text.parse().ok()?;
        return match u16::try_from(number) {
            Ok(number) => Some(PortNo::from_16(number)),
            Err(_) => (number >= PortNo::MAX.0).then_some(PortNo(number)),
        };
    }
    let word = text.to_ascii_uppercase();
    match word.as_str() {
        "NONE" => Some(PortNo::ANY),
        _ => PortNo::NAMED
            .iter()
            .copied()
            .find(|port| port.name() == Some(&word)),
    }
}

/// A group: a number, or a reserved word in any case.
pub(super) fn group(text: &str) -> Option<GroupId> {
    if let Some(number) = unsigned(text).and_then(|number| u32::try_from(number).ok()) {
        return (number <= GroupId::MAX.0 || number >= GroupId::ALL.0).then_some(GroupId(number));
    }
    match text.to_ascii_lowercase().as_str() {
        "all" => Some(GroupId::ALL),
        "any" => Some(GroupId::ANY),
        _ => None,
    }
}

/// Says that something is missing at the end of `text`.
pub(super) fn missing<'a>(
    text: &'a str,
    expected: &'static str,
    message: String,
) -> Box<Fault<'a>> {
    Fault::new(end(text), expected, message)
}
