//! Values of fields, with or without masks.

use std::net::{Ipv4Addr, Ipv6Addr};

use smallvec::SmallVec;

use super::number::{Bad, Bytes, wide};
use super::token::Fault;
use super::{Parsed, Parser};
use crate::field::format::{flag_name, number};
use crate::field::*;

/// A value, and a mask unless all bits count; each has as many bytes as the field.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) value: Bytes,
    pub(super) mask: Option<Bytes>,
}

impl Operand {
    fn exact(value: impl AsRef<[u8]>) -> Self {
        Self {
            value: value.as_ref().into(),
            mask: None,
        }
    }

    fn masked(value: impl AsRef<[u8]>, mask: impl AsRef<[u8]>) -> Self {
        let mask: Bytes = mask.as_ref().into();
        Self {
            value: value.as_ref().into(),
            mask: (!mask.iter().all(|byte| *byte == 0xff)).then_some(mask),
        }
    }

    /// Whether the mask leaves nothing of the value.
    pub(super) fn is_anything(&self) -> bool {
        let is_zero = |mask: &Bytes| mask.iter().all(|byte| *byte == 0);
        self.mask.as_ref().is_some_and(is_zero)
    }
}

/// Reads a value of `field`, with a mask if there is one and the field can have one.
pub(super) fn operand<'a>(
    parser: &Parser<'_>,
    field: FieldId,
    text: &'a str,
) -> Parsed<'a, Operand> {
    let operand = masked(parser, field, text)?;
    let is_masked = operand.mask.is_some() && !operand.is_anything();
    if is_masked && !field.is_maskable() && field.format() != Format::Fragment {
        let message = format!("{text}: invalid mask for field {field}");
        return Err(Fault::new(text, "a value without a mask", message));
    }
    Ok(operand)
}

/// Reads a value of `field`, with a mask if there is one.
pub(super) fn masked<'a>(
    parser: &Parser<'_>,
    field: FieldId,
    text: &'a str,
) -> Parsed<'a, Operand> {
    Ok(match field.format() {
        _ if text == "*" => {
            let zeros = SmallVec::<[u8; 16]>::from_elem(0, field.size());
            return Ok(Operand::masked(&zeros, &zeros));
        }
        Format::Decimal | Format::Hexadecimal => integer(field, text)?,
        Format::Mac => mac(text)?,
        Format::Ipv4 => ipv4(text)?,
        Format::Ipv6 => ipv6(text)?,
        Format::Port => port(parser, field, text)?,
        Format::Fragment => fragment(text)?,
        Format::CtState => flags::<CtState>(text, "ct_state", CtState::all().bits().into(), 4)?,
        Format::TcpFlags => flags::<TcpFlags>(text, "TCP", 0xfff, 2)?,
        Format::TunFlags => flags::<TunFlags>(text, "tunnel", 1, 2)?,
        Format::PacketType => packet_type(text)?,
    })
}

/// Reads a value of `field` that must not have a mask.
pub(super) fn value<'a>(parser: &Parser<'_>, field: FieldId, text: &'a str) -> Parsed<'a, Bytes> {
    let operand = operand(parser, field, text)?;
    if operand.mask.is_some() {
        let message = format!("{text}: wildcards not allowed here");
        return Err(Fault::new(text, "a value without a mask", message));
    }
    Ok(operand.value)
}

fn integer(field: FieldId, text: &str) -> Parsed<'_, Operand> {
    let fault = |bad, what| {
        let message = match bad {
            Bad::Syntax => format!("{text}: bad syntax for {field} {what}"),
            Bad::TooLarge => format!(
                "{text}: {what} too large for {}-byte field {field}",
                field.size()
            ),
        };
        Fault::new(text, "a number, and after / a mask", message)
    };
    let (value, rest) = wide(text, field.size()).map_err(|bad| fault(bad, "value"))?;
    let Some(mask) = rest.strip_prefix('/') else {
        return match rest {
            "" => Ok(Operand::exact(value)),
            _ => Err(fault(Bad::Syntax, "value")),
        };
    };
    match wide(mask, field.size()) {
        Ok((mask, "")) => Ok(Operand::masked(value, mask)),
        Ok(_) => Err(fault(Bad::Syntax, "mask")),
        Err(bad) => Err(fault(bad, "mask")),
    }
}

fn mac(text: &str) -> Parsed<'_, Operand> {
    let fault = || {
        let message = format!("{text}: invalid Ethernet address");
        Fault::new(text, "an Ethernet address, and after / a mask", message)
    };
    let (value, mask) = split_mask(text);
    let value = ethernet(value).ok_or_else(fault)?;
    let Some(mask) = mask else {
        return Ok(Operand::exact(value.0));
    };
    let mask = ethernet(mask).ok_or_else(fault)?;
    Ok(Operand::masked(value.0, mask.0))
}

/// Reads an Ethernet address, whose bytes may lack leading zeros.
pub(super) fn ethernet(text: &str) -> Option<MacAddr> {
    let mut address = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut address {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 2 || !part.bytes().all(|c| c.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(MacAddr(address))
}

fn ipv4(text: &str) -> Parsed<'_, Operand> {
    let (value, mask) = split_mask(text);
    let Ok(address) = value.parse::<Ipv4Addr>() else {
        let message = format!("{text}: invalid IP address");
        return Err(Fault::new(text, "an IPv4 address", message));
    };
    let Some(mask) = mask else {
        return Ok(Operand::exact(address.octets()));
    };
    if let Ok(mask) = mask.parse::<Ipv4Addr>() {
        return Ok(Operand::masked(address.octets(), mask.octets()));
    }
    match mask.parse() {
        Ok(prefix @ 0..=32) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            Ok(Operand::masked(address.octets(), mask.to_be_bytes()))
        }
        Ok(_) => {
            let range = "not between 0 and 32, inclusive";
            let message = format!("{text}: IPv4 network prefix bits {range}");
            Err(Fault::new(mask, "a length up to 32", message))
        }
        Err(_) => {
            let message = format!("{text}: invalid IP address");
            Err(Fault::new(mask, "a mask or the length of one", message))
        }
    }
}

fn ipv6(text: &str) -> Parsed<'_, Operand> {
    let (value, mask) = split_mask(text);
    let Ok(address) = value.parse::<Ipv6Addr>() else {
        let message = format!("{text}: invalid IPv6 address");
        return Err(Fault::new(text, "an IPv6 address", message));
    };
    let Some(mask) = mask else {
        return Ok(Operand::exact(address.octets()));
    };
    if let Ok(mask) = mask.parse::<Ipv6Addr>() {
        return Ok(Operand::masked(address.octets(), mask.octets()));
    }
    match mask.parse() {
        Ok(prefix @ 0..=128) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            Ok(Operand::masked(address.octets(), mask.to_be_bytes()))
        }
        Ok(_) => {
            let range = "not between 0 and 128, inclusive";
            let message = format!("{text}: IPv6 network prefix bits {range}");
            Err(Fault::new(mask, "a length up to 128", message))
        }
        Err(_) => {
            let message = format!("{text}: invalid IPv6 address");
            Err(Fault::new(mask, "a mask or the length of one", message))
        }
    }
}

fn split_mask(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((value, mask)) => (value, Some(mask)),
        None => (text, None),
    }
}

fn port<'a>(parser: &Parser<'_>, field: FieldId, text: &'a str) -> Parsed<'a, Operand> {
    let port = parser.port(text);
    let operand = match port {
        Some(port) if field.size() == 2 => port.to_16().map(|port| Operand::exact(port.to_bytes())),
        _ => port.map(|port| Operand::exact(port.to_bytes())),
    };
    operand.ok_or_else(|| {
        let problem = match field.size() {
            2 => "invalid or unknown port",
            _ => "port value out of range",
        };
        let message = format!("{text}: {problem} for {field}");
        Fault::new(text, "a port", message)
    })
}

fn fragment(text: &str) -> Parsed<'_, Operand> {
    let (any, both) = (IpFrag::ANY, IpFrag::ANY | IpFrag::LATER);
    let (value, mask) = match text.to_ascii_lowercase().as_str() {
        "no" => (IpFrag::empty(), both),
        "yes" => (any, any),
        "first" => (any, both),
        "later" => (both, both),
        "not_later" => (IpFrag::empty(), IpFrag::LATER),
        _ => {
            let kinds = "\"no\", \"yes\", \"first\", \"later\", \"not_later\"";
            let message = format!("{text}: unknown fragment type (valid types are {kinds}");
            return Err(Fault::new(text, "a kind of fragment", message));
        }
    };
    Ok(match mask == both {
        true => Operand::exact(value.to_bytes()),
        false => Operand::masked(value.to_bytes(), mask.to_bytes()),
    })
}

fn packet_type(text: &str) -> Parsed<'_, Operand> {
    let fault = |what| {
        let message = format!("{text}: bad syntax for packet type {what}");
        Fault::new(text, "(namespace,type)", message)
    };
    let inner = text.strip_prefix('(').unwrap_or(text);
    let (namespace, rest) = wide(inner, 2).map_err(|_| fault("ns"))?;
    let rest = rest.strip_prefix(',').ok_or_else(|| fault("missing ','"))?;
    let (kind, rest) = wide(rest, 2).map_err(|_| fault("ns_type"))?;
    match rest {
        "" | ")" => Ok(Operand::exact([namespace, kind].concat())),
        _ => Err(fault("missing ')'")),
    }
}

/// Reads `+est-new`, `est|trk`, or a number with or without a mask.
fn flags<'a, T>(text: &'a str, what: &str, allowed: u128, size: usize) -> Parsed<'a, Operand>
where
    T: bitflags::Flags,
    T::Bits: Into<u128>,
{
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return flag_number(text, what, allowed, size);
    }
    let (value, mask) = match text.starts_with(['+', '-']) {
        true => signed_flags::<T>(text, what)?,
        false => (named_flags::<T>(text, what, '|')?, u128::MAX),
    };
    let last = |bits: u128| Bytes::from(bits.to_be_bytes().get(16 - size..).unwrap_or_default());
    Ok(Operand::masked(last(value), last(mask)))
}

fn flag_number<'a>(text: &'a str, what: &str, allowed: u128, size: usize) -> Parsed<'a, Operand> {
    let fault = || {
        let message = format!("{text}: unknown {what} flag(s)");
        Fault::new(text, "flags, or a number and after / a mask", message)
    };
    let (value, rest) = wide(text, size).map_err(|_| fault())?;
    let mask = match rest.strip_prefix('/').map(|mask| wide(mask, size)) {
        None if rest.is_empty() => None,
        Some(Ok((mask, ""))) => Some(mask),
        _ => return Err(fault()),
    };
    if number(&value) & !allowed != 0 {
        return Err(fault());
    }
    Ok(match mask {
        None => Operand::exact(value),
        Some(mask) => Operand::masked(value, mask),
    })
}

fn signed_flags<'a, T>(text: &'a str, what: &str) -> Parsed<'a, (u128, u128)>
where
    T: bitflags::Flags,
    T::Bits: Into<u128>,
{
    let (mut value, mut mask) = (0, 0);
    let mut rest = text;
    while !rest.is_empty() {
        let is_set = rest.starts_with('+');
        if !is_set && !rest.starts_with('-') {
            let message =
                format!("{rest}: {what} flag must be preceded by '+' (for SET) or '-' (NOT SET)");
            return Err(Fault::new(rest, "+ or -", message));
        }
        let body = rest.get(1..).unwrap_or_default();
        let (name, after) = body.split_at(body.find(['+', '-']).unwrap_or(body.len()));
        let bit = flag::<T>(name).ok_or_else(|| unknown_flag(body, what))?;
        if mask & bit != 0 {
            let message = format!("{name}: Each {what} flag can be specified only once");
            return Err(Fault::new(name, "each flag once", message));
        }
        mask |= bit;
        if is_set {
            value |= bit;
        }
        rest = after;
    }
    Ok((value, mask))
}

fn named_flags<'a, T>(text: &'a str, what: &str, separator: char) -> Parsed<'a, u128>
where
    T: bitflags::Flags,
    T::Bits: Into<u128>,
{
    text.split(separator).try_fold(0, |sum, name| {
        let bit = flag::<T>(name).ok_or_else(|| unknown_flag(name, what))?;
        Ok(sum | bit)
    })
}

fn flag<T>(name: &str) -> Option<u128>
where
    T: bitflags::Flags,
    T::Bits: Into<u128>,
{
    let mut bits = (0..32).map(|bit| 1 << bit);
    bits.find(|bit| flag_name::<T>(*bit).is_some_and(|flag| flag.eq_ignore_ascii_case(name)))
}

/// Says that `text` does not start with the name of a flag.
fn unknown_flag<'a>(text: &'a str, what: &str) -> Box<Fault<'a>> {
    let message = format!("{text}: unknown {what} flag(s)");
    Fault::new(text, "the name of a flag", message)
}

/// The field that `name` means: any name that `ovs-ofctl` knows.
pub(super) fn by_name(name: &str) -> Option<FieldId> {
    names::BY_NAME.get(name).copied()
}

mod names {
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    use crate::field::{ALL, FieldId};

    /// Every name and older name of every field.
    pub(super) static BY_NAME: LazyLock<BTreeMap<&str, FieldId>> = LazyLock::new(|| {
        let names = |field: FieldId| field.names().iter().map(move |name| (*name, field));
        ALL.iter().copied().flat_map(names).collect()
    });
}
