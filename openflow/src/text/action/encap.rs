//! Actions that put headers around packets and take them off.

use super::hex;
use crate::action::*;
use crate::field::{EthType, PacketType};
use crate::text::Parsed;
use crate::text::number;
use crate::text::token::{Fault, Pair, Pairs};

/// Reads `encap`: a header, and in parentheses what it is to hold.
pub(super) fn encap(text: &str) -> Parsed<'_, Action> {
    let Some(Pair { key, value }) = Pairs::new(text).next() else {
        let message = format!("Missing encap hdr: {text}");
        return Err(Fault::new(text, "a header", message));
    };
    let packet_type = match key {
        "ethernet" => PacketType::ETHERNET,
        "nsh" => PacketType::of(EthType::NSH),
        "mpls" => PacketType::of(EthType::MPLS),
        "mpls_mc" => PacketType::of(EthType::MPLS_MULTICAST),
        _ => {
            let message = format!("Encap hdr not supported: {value}");
            return Err(Fault::new(key, "ethernet, nsh, mpls or mpls_mc", message));
        }
    };
    let property = |pair: Pair<'_>| property(key, pair);
    let properties = Pairs::new(value)
        .map(|pair| property(pair).map_err(|message| Fault::new(pair.key, PROPERTIES, message)))
        .collect::<Result<_, _>>()?;
    let header_size = 0;
    Ok(Encap {
        header_size,
        packet_type,
        properties,
    }
    .into())
}

const PROPERTIES: &str = "md_type=1 or md_type=2, or tlv(CLASS,TYPE,VALUE), in nsh";

fn property(header: &str, pair: Pair<'_>) -> Result<EncapProperty, String> {
    let Pair { key, value } = pair;
    if header != "nsh" || !["md_type", "tlv"].contains(&key) {
        return Err(format!("Invalid property: {key}"));
    }
    if value.is_empty() {
        return Err("Value missing for encap property".to_owned());
    }
    if key == "md_type" {
        let kind = number::signed(value).and_then(|number| u8::try_from(number).ok());
        return match kind {
            Some(kind @ 1..=2) => Ok(EncapProperty::NshMdType(kind)),
            Some(_) => Err("invalid md_type".to_owned()),
            None => Err(format!("invalid md_type \"{value}\"")),
        };
    }
    tlv(value).ok_or_else(|| format!("Invalid NSH TLV header: {value}"))
}

fn tlv(text: &str) -> Option<EncapProperty> {
    let mut parts = text.splitn(3, ',');
    let class = u16::from_str_radix(parts.next()?.strip_prefix("0x")?, 16).ok()?;
    let kind = parts.next()?.parse().ok()?;
    let digits = parts.next()?.strip_prefix("0x")?;
    let data = hex(digits, "").ok()?.to_vec().into();
    Some(EncapProperty::NshTlv { class, kind, data })
}

/// Reads `decap`, with the type of what is inside or without.
pub(super) fn decap(text: &str) -> Parsed<'_, Action> {
    let Some(Pair { key, value }) = Pairs::new(text).next() else {
        let packet_type = Decap::NEXT_PROTOCOL;
        return Ok(Decap { packet_type }.into());
    };
    if key != "packet_type" {
        let message = format!("Invalid decap argument: {key}");
        return Err(Fault::new(key, "packet_type(ns=N,type=N)", message));
    }
    let mut pairs = Pairs::new(value);
    let namespace = match pairs.next() {
        Some(pair) if pair.key == "ns" => number::u16(pair.value, "ns")?,
        _ => return Err(Fault::new(value, "ns=", "Missing packet_type attribute ns")),
    };
    if namespace > 1 {
        let message = format!("Unsupported ns value: {namespace}");
        return Err(Fault::new(value, "ns=0 or ns=1", message));
    }
    let kind = match pairs.next() {
        Some(pair) if pair.key == "type" => number::u16(pair.value, "type")?,
        _ => {
            return Err(Fault::new(
                value,
                "type=",
                "Missing packet_type attribute type",
            ));
        }
    };
    let packet_type = PacketType(u32::from(namespace) << 16 | u32::from(kind));
    Ok(Decap { packet_type }.into())
}
