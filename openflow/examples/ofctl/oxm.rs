//! What reads fields in the form `OXM_OF_IN_PORT(00000001)`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use bytes::Bytes;
use openflow::field::{
    Class, Code, FieldId, Need, PACKET_TYPE, PacketType, VLAN_PCP, VLAN_TCI, VLAN_VID, Value as _,
    VlanVid,
};
use openflow::matching::{Condition, Match, Strictness};
use openflow::message::ErrorCode;
use openflow::wire::{Reader, Wire as _, Writer};

use crate::hex::{self, Plain, check_version};
use crate::{Failure, Options, read};

/// What looks like a field in matches of Nicira, and is none of OpenFlow 1.3: it is left out unless
/// all has to be known.
const COOKIE: Code = Code {
    name: "NXM_NX_COOKIE",
    class: Class::Nxm1,
    number: 30,
};

/// Reads matches, and prints them as they are written again.
///
/// Comments are printed as they are, and a blank line for each that holds nothing else.
pub(crate) fn parse_oxm(version: &str, options: &Options) -> Result<ExitCode, Failure> {
    check_version(version)?;
    let mut out = std::io::stdout().lock();
    for line in read("-")?.lines() {
        if line.starts_with('#') {
            writeln!(out, "{line}")?;
            continue;
        }
        let line = line.split('#').next().unwrap_or_default();
        if line.trim().is_empty() {
            writeln!(out)?;
            continue;
        }
        let bytes = Bytes::from(encode(line, options.strict)?);
        match decode(&bytes, options.strict) {
            Ok(matching) => {
                writeln!(out, "{}", text(&matching))?;
                if options.verbose {
                    let mut writer = Writer::default();
                    matching.encode(&mut writer);
                    hex::dump(&mut out, &writer.finish()?)?;
                }
            }
            Err(error) => writeln!(out, "nx_pull_match() returned error {error}")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a match as OVS holds it: nothing is kept of fields that are not known, or that packets of
/// the match do not have, but that there is an Ethernet frame.
fn decode(bytes: &Bytes, strict: bool) -> Result<Match, ErrorCode> {
    let read = |strictness| {
        let matching = Match::decode_fields(&mut Reader::new(bytes), strictness);
        matching.map_err(|error| ErrorCode::from(&error))
    };
    let matching = read(Strictness::Loose)?;
    if strict {
        read(Strictness::Strict)?;
    }
    let mut kept = Match::default();
    for condition in matching.iter() {
        match condition.field() {
            None if strict => return Err(ErrorCode::OFPBMC_BAD_FIELD),
            None => {}
            Some(field) if field == VLAN_TCI.id() => kept = tagged(kept, condition),
            Some(field) if is_everywhere(field) || matching.meets(field) => {
                kept.set(field, condition.value, condition.mask);
            }
            Some(_) => {}
        }
    }
    let is_frame = |matching: &Match| {
        let mut fields = matching.iter().filter_map(|condition| condition.field());
        fields.any(|field| !is_everywhere(field))
    };
    match is_frame(&matching) && !is_frame(&kept) && kept.value(PACKET_TYPE).is_none() {
        true => Ok(kept.with(PACKET_TYPE, PacketType::ETHERNET)),
        false => Ok(kept),
    }
}

/// Whether the field does not belong to a header of Ethernet frames.
const fn is_everywhere(field: FieldId) -> bool {
    matches!(
        field.needs(),
        Need::Nothing | Need::Tracked | Need::TrackedIpv4 | Need::TrackedIpv6
    )
}

/// Adds what OpenFlow 1.3 can say of a tag: a priority only beside a number.
fn tagged(matching: Match, tag: Condition<'_>) -> Match {
    const PRIORITY: u16 = 0xe000;
    let tci = u16::from_bytes(tag.value).unwrap_or_default();
    let mask = tag.mask.and_then(u16::from_bytes).unwrap_or(u16::MAX);
    let (number, bits) = (VlanVid(tci & !PRIORITY), VlanVid(mask & !PRIORITY));
    let matching = matching.masked(VLAN_VID, number, bits);
    if number.0 == 0 || mask & PRIORITY == 0 {
        return matching;
    }
    let [priority, _] = (tci >> 5).to_be_bytes();
    matching.with(VLAN_PCP, priority)
}

/// The bytes of what a line says.
fn encode(line: &str, strict: bool) -> Result<Vec<u8>, String> {
    let mut out = Writer::default();
    if line == "<any>" {
        return Ok(Vec::new());
    }
    let mut rest = line.trim_start_matches([',', ' ']);
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once('(')
            .ok_or_else(|| format!("{line}: missing ( at end of nx_match"))?;
        let (body, after) = after
            .split_once(')')
            .ok_or_else(|| format!("{line}: missing ) following field value"))?;
        field(line, name, body, strict, &mut out)?;
        rest = after.trim_start_matches([',', ' ']);
    }
    out.finish()
        .map(|bytes| bytes.to_vec())
        .map_err(|error| error.to_string())
}

fn field(line: &str, name: &str, body: &str, strict: bool, out: &mut Writer) -> Result<(), String> {
    let base = name.strip_suffix("_W");
    let (code, size) = code(name)
        .or_else(|| code(base?))
        .ok_or_else(|| format!("{line}: unknown field `{name}'"))?;
    let masked = base.is_some();
    let (value, mask) = match body.split_once('/') {
        Some((value, mask)) => (value, Some(mask)),
        None => (body, None),
    };
    if masked != mask.is_some() {
        return Err(format!("{line}: missing / in masked field {name}"));
    }
    let digits = |text: &str| -> Option<Vec<u8>> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let byte = |place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
        (0..text.len()).step_by(2).map(byte).collect()
    };
    let fits = |bytes: &Vec<u8>| size.is_none_or(|size| bytes.len() == size);
    let wrong = || format!("{line}: hex digits expected");
    let value = digits(value).filter(fits).ok_or_else(wrong)?;
    let mask = match mask {
        Some(mask) => digits(mask).filter(fits).ok_or_else(wrong)?,
        None => Vec::new(),
    };
    if strict || code != COOKIE {
        code.header(value.len(), masked).encode(out);
        out.put(&value);
        out.put(&mask);
    }
    Ok(())
}

/// The code with this name, and the size of its values unless that varies.
fn code(name: &str) -> Option<(Code, Option<usize>)> {
    if name == COOKIE.name {
        return Some((COOKIE, Some(size_of::<u64>())));
    }
    let field = FieldId::of_name(name)?;
    let code = field.codes().iter().find(|code| code.name == name)?;
    Some((*code, (!field.is_variable()).then(|| field.size())))
}

/// The fields of a match with their names.
fn text(matching: &Match) -> String {
    let mut text = String::new();
    for condition in matching.iter() {
        let name = condition
            .field()
            .map_or("unknown", |field| field.oxm().name);
        let comma = if text.is_empty() { "" } else { ", " };
        let value = Plain(condition.value);
        // Nothing can fail where a text grows.
        let _ = match condition.mask {
            None => write!(text, "{comma}{name}({value})"),
            Some(mask) => write!(text, "{comma}{name}_W({value}/{})", Plain(mask)),
        };
    }
    if text.is_empty() {
        "<any>".to_owned()
    } else {
        text
    }
}
