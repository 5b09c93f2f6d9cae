//! Actions that write fields.

use std::net::Ipv4Addr;

use super::Scope;
use crate::action::*;
use crate::field::format::{Hex, number as integer};
use crate::field::*;
use crate::matching::fold;
use crate::text::Parsed;
use crate::text::field::{by_name, ethernet, masked, operand};
use crate::text::number;
use crate::text::protocol::Protocols;
use crate::text::subfield::{fits, placed, split, subfield};
use crate::text::token::{self, Fault};

/// Reads `source->target`.
pub(super) fn arrow(text: &str) -> Parsed<'_, (&str, &str)> {
    match token::arrow(text) {
        Some((_, "")) => {
            let message = format!("{text}: missing field name following `->'");
            Err(number::missing(text, "a field", message))
        }
        Some(halves) => Ok(halves),
        None => {
            let message = format!("{text}: missing `->'");
            Err(number::missing(text, "->, and after it a field", message))
        }
    }
}

/// Reads `set_field`; with a mask, OpenFlow 1.3 needs a `load` for each run of bits.
pub(super) fn set_field<'a>(
    scope: &mut Scope<'_>,
    text: &'a str,
    list: &mut Vec<Action>,
) -> Parsed<'a, ()> {
    let (value, name) = arrow(text)?;
    let Some(field) = by_name(name) else {
        let message = format!("{name} is not a valid OXM field name");
        return Err(Fault::new(name, "the name of a field", message));
    };
    if !field.is_writable() {
        let message = format!("{name} is read-only");
        return Err(Fault::new(name, "a field that can be written", message));
    }
    // A part of a field that is matched exactly is printed so, if it has no `load` to itself.
    let operand = match is_simple(field) {
        true => operand(scope.parser, field, value)?,
        false => masked(scope.parser, field, value)?,
    };
    let is_valid = field.is_variable() || integer(&operand.value) & !field.allowed() == 0;
    if !is_valid || fold::check(field, &operand.value, None).is_err() {
        let message = format!("{value} is not a valid value for field {name}");
        return Err(Fault::new(
            value,
            "a value that the field can have",
            message,
        ));
    }
    scope.known &= Protocols::of_field(field);
    match operand.mask {
        None => {
            let bytes = shortened(field, &operand.value);
            list.push(SetField::of_bytes(field, bytes).into());
        }
        Some(mask) => loads(field, &operand.value, &mask, list),
    }
    Ok(())
}

/// A value of a field of any length in as few bytes as hold it.
fn shortened(field: FieldId, value: &[u8]) -> &[u8] {
    if !field.is_variable() {
        return value;
    }
    let zeros = value.iter().take_while(|byte| **byte == 0).count();
    let start = zeros.min(value.len().saturating_sub(1));
    value.get(start..).unwrap_or(value)
}

/// Appends what writes the bits of `mask`: the lowest run first.
fn loads(field: FieldId, value: &[u8], mask: &[u8], list: &mut Vec<Action>) {
    if !is_simple(field) {
        let start = match field.is_variable() {
            true => value.len() - shortened(field, mask).len(),
            false => 0,
        };
        let value = value.get(start..).unwrap_or_default();
        let load = RegLoad2::of_bytes(field, value, mask.get(start..));
        list.push(load.into());
        return;
    }
    let (value, mask) = (integer(value), integer(mask));
    let mut bit = 0_u32;
    while let Some(rest) = mask.checked_shr(bit).filter(|rest| *rest != 0) {
        bit += rest.trailing_zeros();
        let run = (mask >> bit).trailing_ones().min(64);
        let bits = |bit| u16::try_from(bit).unwrap_or_default();
        let target = field.slice(bits(bit), bits(bit + run - 1));
        let part = value >> bit & u128::MAX >> (128 - run);
        list.push(RegLoad::new(target, u64::try_from(part).unwrap_or_default()).into());
        bit += run;
    }
}

/// Whether the field's code has no experimenter, and its values have a fixed length.
pub(super) fn is_simple(field: FieldId) -> bool {
    !field.is_variable() && !matches!(field.nxm().class, Class::Nicira | Class::Onf | Class::Nsh)
}

/// Reads `load`.
pub(super) fn load<'a>(text: &'a str, list: &mut Vec<Action>) -> Parsed<'a, ()> {
    let (value, target) = arrow(text)?;
    let part = subfield(target)?;
    let field = part.field();
    let Ok((bits, _)) = number::wide(value, field.size()) else {
        let message = format!("{text}: cannot parse integer value");
        return Err(Fault::new(value, "a number", message));
    };
    if !fits(part, &bits) {
        let shown = Hex(&bits);
        let message = format!(
            "{text}: value {shown} does not fit into {} bits",
            part.bits()
        );
        return Err(Fault::new(value, "a smaller number", message));
    }
    let (value, mask) = placed(part, &bits);
    loads(field, &value, &mask, list);
    Ok(())
}

/// Reads `move`.
pub(super) fn register_move(text: &str) -> Parsed<'_, Action> {
    let (source, target) = ends(text)?;
    Ok(RegMove::new(source, target).into())
}

/// Reads two parts of fields that have as many bits.
pub(super) fn ends(text: &str) -> Parsed<'_, (Subfield, Subfield)> {
    let (source, rest) = split(text)?;
    let Some(rest) = rest.strip_prefix("->") else {
        let message = format!("{text}: missing `->' following source");
        return Err(Fault::new(rest, "->", message));
    };
    let (target, rest) = split(rest)?;
    if !rest.is_empty() {
        let message = format!("{text}: trailing garbage following destination");
        return Err(Fault::new(rest, "nothing more", message));
    }
    if source.bits() != target.bits() {
        let message = format!(
            "{text}: source field is {} bits wide but destination is {} bits wide",
            source.bits(),
            target.bits()
        );
        return Err(Fault::new(text, "as many bits on both sides", message));
    }
    Ok((source, target))
}

/// Reads `set_vlan_vid`, which needs a tag, or `mod_vlan_vid`, which pushes one.
pub(super) fn vlan_vid<'a>(
    scope: &mut Scope<'_>,
    text: &'a str,
    pushes: bool,
    list: &mut Vec<Action>,
) -> Parsed<'a, ()> {
    let vid = number::u16(text, "VLAN VID")?;
    if vid > 0xfff {
        let message = format!("{text}: not a valid VLAN VID");
        return Err(Fault::new(text, "a number up to 4095", message));
    }
    tag(scope, pushes, list);
    list.push(SetField::new(VLAN_VID, VlanVid::tagged(vid)).into());
    Ok(())
}

/// Reads `set_vlan_pcp`, which needs a tag, or `mod_vlan_pcp`, which pushes one.
pub(super) fn vlan_pcp<'a>(
    scope: &mut Scope<'_>,
    text: &'a str,
    pushes: bool,
    list: &mut Vec<Action>,
) -> Parsed<'a, ()> {
    let pcp = bits(text, "VLAN PCP", !7)?;
    tag(scope, pushes, list);
    list.push(SetField::new(VLAN_PCP, pcp).into());
    Ok(())
}

fn tag(scope: &mut Scope<'_>, pushes: bool, list: &mut Vec<Action>) {
    if pushes && !scope.tagged {
        let eth_type = EthType::VLAN;
        list.push(PushVlan { eth_type }.into());
    }
    scope.tagged = true;
}

/// Reads `push_vlan`.
pub(super) fn push_vlan(text: &str) -> Parsed<'_, Action> {
    let eth_type = EthType(number::u16(text, "ethertype")?);
    if eth_type != EthType::VLAN && eth_type != EthType::SERVICE_VLAN {
        let message = format!("{text}: not a valid VLAN ethertype");
        return Err(Fault::new(text, "0x8100 or 0x88a8", message));
    }
    Ok(PushVlan { eth_type }.into())
}

pub(super) fn mac(text: &str) -> Parsed<'_, MacAddr> {
    ethernet(text).ok_or_else(|| {
        let message = format!("invalid mac address {text}");
        Fault::new(text, "an Ethernet address", message)
    })
}

pub(super) fn ip(text: &str) -> Parsed<'_, Ipv4Addr> {
    text.parse().map_err(|_| {
        let message = format!("{text}: could not convert to IP address");
        Fault::new(text, "an IPv4 address", message)
    })
}

/// Reads a number of 8 bits in which those of `forbidden` are zero.
pub(super) fn bits<'a>(text: &'a str, name: &str, forbidden: u8) -> Parsed<'a, u8> {
    let number = number::u8(text, name)?;
    if number & forbidden == 0 {
        return Ok(number);
    }
    let message = format!("{text}: not a valid {name}");
    Err(Fault::new(text, "a value that the field can have", message))
}

pub(super) fn mpls_label(text: &str) -> Parsed<'_, u32> {
    if text.is_empty() {
        return Err(expected(text, "set_mpls_label: expected label."));
    }
    let label = number::u32(text)?;
    if label <= 0xfffff {
        return Ok(label);
    }
    let message = format!("{text}: not a valid MPLS label");
    Err(Fault::new(text, "a number up to 1048575", message))
}

pub(super) fn mpls_tc(text: &str) -> Parsed<'_, u8> {
    if text.is_empty() {
        return Err(expected(text, "set_mpls_tc: expected tc."));
    }
    let tc = number::u8(text, "MPLS TC")?;
    if tc < 8 {
        return Ok(tc);
    }
    let message = format!("{text}: not a valid MPLS traffic class");
    Err(Fault::new(text, "a number up to 7", message))
}

pub(super) fn mpls_ttl(text: &str) -> Parsed<'_, u8> {
    if text.is_empty() {
        return Err(expected(text, "set_mpls_ttl: expected ttl."));
    }
    number::u8(text, "MPLS TTL")
}

fn expected<'a>(text: &'a str, message: &'static str) -> Box<Fault<'a>> {
    Fault::new(text, "a number", message)
}

/// Sets the source port, of TCP unless the match says another protocol.
pub(super) fn source_port(protocol: Option<IpProto>, port: u16) -> Action {
    let field = match protocol {
        Some(IpProto::UDP) => UDP_SRC,
        Some(IpProto::SCTP) => SCTP_SRC,
        _ => TCP_SRC,
    };
    SetField::new(field, port).into()
}

/// Sets the destination port, of TCP unless the match says another protocol.
pub(super) fn destination_port(protocol: Option<IpProto>, port: u16) -> Action {
    let field = match protocol {
        Some(IpProto::UDP) => UDP_DST,
        Some(IpProto::SCTP) => SCTP_DST,
        _ => TCP_DST,
    };
    SetField::new(field, port).into()
}

/// Reads `delete_field`.
pub(super) fn delete_field(text: &str) -> Parsed<'_, Action> {
    match by_name(text).or_else(|| FieldId::of_name(text)) {
        Some(field) if field.is_variable() => Ok(DeleteField {
            field: field.whole(),
        }
        .into()),
        Some(_) => {
            let message = "actions are invalid with specified match (OFPBAC_BAD_ARGUMENT)";
            Err(Fault::new(text, "tun_metadata0 to tun_metadata63", message))
        }
        None => {
            let message = format!("unknown field `{text}'");
            Err(Fault::new(text, "tun_metadata0 to tun_metadata63", message))
        }
    }
}

/// The field that an action writes, if it writes one.
pub(in crate::text) fn target(action: &Action) -> Option<FieldId> {
    Some(match action {
        Action::SetField(set) => set.field(),
        Action::RegLoad(load) => load.target().field(),
        Action::RegLoad2(load) => load.field(),
        Action::RegMove(copy) => copy.target.field(),
        _ => return None,
    })
}
