//! The actions of the connection tracker.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Outer, Scope};
use crate::action::*;
use crate::text::Parsed;
use crate::text::number;
use crate::text::subfield::{subfield, with_short_header};
use crate::text::token::{Fault, Pair, Pairs};

/// Reads `ct`.
pub(super) fn ct<'a>(scope: &mut Scope<'_>, text: &'a str) -> Parsed<'a, Action> {
    let mut ct = Ct::default();
    let mut forced = None;
    for Pair { key, value } in Pairs::new(text) {
        match key {
            "commit" => ct.commit = true,
            "force" => {
                ct.force = true;
                forced = Some(key);
            }
            "table" => ct.table = Some(table(scope, value)?),
            "zone" => ct.zone = zone(text, value)?,
            "alg" => ct.alg = helper(value)?,
            "nat" => ct.actions.push(nat(value)?.into()),
            "exec" => ct.actions.extend(scope.nested(Outer::Ct, value)?),
            _ => {
                let message = format!("invalid argument to \"ct\" action: `{key}'");
                return Err(Fault::new(
                    key,
                    "commit, force, table, zone, alg, nat or exec",
                    message,
                ));
            }
        }
    }
    match forced {
        Some(force) if !ct.commit => {
            let message = "\"force\" flag requires \"commit\" flag.";
            Err(Fault::new(force, "commit, too", message))
        }
        _ => Ok(ct.into()),
    }
}

fn table<'a>(scope: &Scope<'_>, text: &'a str) -> Parsed<'a, u8> {
    let message = match scope.parser.table(text) {
        Some(u8::MAX) => "invalid table 0xff".to_owned(),
        Some(table) => return Ok(table),
        None => format!("unknown table {text}"),
    };
    Err(Fault::new(text, "a table", message))
}

fn zone<'a>(whole: &str, text: &'a str) -> Parsed<'a, Zone> {
    if let Ok(number) = number::u16(text, "zone") {
        return Ok(Zone::Number(number));
    }
    let part = with_short_header(whole, text, subfield(text)?)?;
    match part.bits() {
        16 => Ok(Zone::Field(part)),
        bits => {
            let message = format!("zone n_bits {bits} not within valid range [16..16]");
            Err(Fault::new(text, "16 bits of a field", message))
        }
    }
}

fn helper(text: &str) -> Parsed<'_, u16> {
    match text {
        "ftp" => Ok(21),
        "tftp" => Ok(69),
        _ => {
            let message = format!("invalid conntrack helper \"{text}\"");
            Err(Fault::new(text, "ftp or tftp", message))
        }
    }
}

/// Reads `nat`.
pub(super) fn nat(text: &str) -> Parsed<'_, Nat> {
    let mut nat = Nat::default();
    for Pair { key, value } in Pairs::new(text) {
        nat.flags |= match key {
            "src" | "dst" => {
                (nat.addresses, nat.ports) = range(value)?;
                if key == "src" {
                    NatFlags::SRC
                } else {
                    NatFlags::DST
                }
            }
            "persistent" => NatFlags::PERSISTENT,
            "hash" => NatFlags::PROTO_HASH,
            "random" => NatFlags::PROTO_RANDOM,
            _ => {
                let message = format!("invalid key \"{key}\" in \"nat\" argument");
                return Err(Fault::new(
                    key,
                    "src, dst, persistent, hash or random",
                    message,
                ));
            }
        };
    }
    let both = |flags| nat.flags.contains(flags);
    let problem = if both(NatFlags::SRC | NatFlags::DST) {
        "May only specify one of \"src\" or \"dst\"."
    } else if !nat.flags.is_empty() && !nat.flags.intersects(NatFlags::SRC | NatFlags::DST) {
        "Flags allowed only with \"src\" or \"dst\"."
    } else if both(NatFlags::PROTO_HASH | NatFlags::PROTO_RANDOM) {
        "Both \"hash\" and \"random\" are not allowed."
    } else {
        return Ok(nat);
    };
    Err(Fault::new(text, "src or dst, and hash or random", problem))
}

/// Reads addresses and ports: `10.0.0.1-10.0.0.9:80-90`, `[fe80::1]:80`.
fn range(text: &str) -> Parsed<'_, (AddressRange, Option<PortRange>)> {
    if text.is_empty() {
        return Ok((AddressRange::None, None));
    }
    let fault = |problem: &str| {
        let message = format!("{problem} \"{text}\"");
        Fault::new(text, "addresses, and after : ports", message)
    };
    let bad_address = || fault("invalid IP address");
    let (first, rest) = address(text).ok_or_else(bad_address)?;
    let (last, rest) = match rest.strip_prefix('-') {
        Some(rest) => {
            let (last, rest) = address(rest).ok_or_else(bad_address)?;
            (Some(last), rest)
        }
        None => (None, rest),
    };
    let (addresses, inverted) = match (first, last) {
        (Address::V4(first), None) => (AddressRange::V4(first, None), false),
        (Address::V6(first), None) => (AddressRange::V6(first, None), false),
        (Address::V4(first), Some(Address::V4(last))) => {
            (AddressRange::V4(first, Some(last)), last < first)
        }
        (Address::V6(first), Some(Address::V6(last))) => {
            (AddressRange::V6(first, Some(last)), last < first)
        }
        _ => return Err(bad_address()),
    };
    if inverted {
        return Err(fault("invalid IP address range"));
    }
    let Some(rest) = rest.strip_prefix(':') else {
        return match rest {
            "" => Ok((addresses, None)),
            _ => Err(fault("garbage after nat range")),
        };
    };
    let ports = ports(rest).ok_or_else(|| fault("invalid port range"))?;
    Ok((addresses, Some(ports)))
}

/// An address of either kind.
#[derive(Clone, Copy, Debug)]
enum Address {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

/// Reads an address at the start of the text, in brackets if it is of IPv6 and more follows.
fn address(text: &str) -> Option<(Address, &str)> {
    if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']')?;
        return Some((Address::V6(address.parse().ok()?), rest));
    }
    let dash = text.find('-').unwrap_or(text.len());
    let (whole, rest) = text.split_at(dash);
    if let Ok(address) = whole.parse() {
        return Some((Address::V6(address), rest));
    }
    let (whole, rest) = text.split_at(text.find(['-', ':']).unwrap_or(text.len()));
    Some((Address::V4(whole.parse().ok()?), rest))
}

fn ports(text: &str) -> Option<PortRange> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (first, Some(last.parse().ok()?)),
        None => (text, None),
    };
    let first = first.parse().ok().filter(|first| *first != 0)?;
    if last.is_some_and(|last: u16| last < first) {
        return None;
    }
    Some(PortRange { first, last })
}
