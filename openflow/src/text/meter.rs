//! Meters.

use super::token::{Fault, end};
use super::{Parsed, number};
use crate::field::MeterId;
use crate::message::{MeterMod, MeterModCommand};
use crate::meter::{BandType, Meter, MeterBand, MeterFlags};

/// Reads what a meter mod says.
pub(super) fn meter_mod(text: &str, command: MeterModCommand) -> Parsed<'_, MeterMod> {
    let mut change = MeterMod::delete(MeterId(0));
    change.command = command;
    let deletes = command == MeterModCommand::DELETE;
    let (head, bands) = match text.split_at(text.find("band").unwrap_or(text.len())) {
        (head, _) if deletes => (head, ""),
        (head, bands) => match bands.split_once('=') {
            Some((_, bands)) => (head, bands),
            None => return Err(missing(text, "bands=", "must specify bands")),
        },
    };
    let mut words = words(head);
    while let Some(word) = words.next() {
        match flag(word).filter(|_| !deletes) {
            Some(flag) => change.flags |= flag,
            None => {
                let value = words.next().ok_or_else(|| no_value(word))?;
                property(&mut change, word, value)?;
            }
        }
    }
    if change.id == MeterId(0) {
        return Err(missing(head, "meter=", "must specify 'meter'"));
    }
    if deletes {
        return Ok(change);
    }
    if change.flags.is_empty() {
        let message = "meter must specify either 'kbps' or 'pktps'";
        return Err(missing(head, "kbps or pktps", message));
    }
    change.bands = self::bands(bands, change.flags)?;
    Ok(change)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let separators = ['=', ',', ' ', '\t', '\r', '\n'];
    text.split(separators).filter(|word| !word.is_empty())
}

fn missing<'a>(text: &'a str, expected: &'static str, message: &str) -> Box<Fault<'a>> {
    Fault::new(end(text), expected, message)
}

fn no_value(word: &str) -> Box<Fault<'_>> {
    let message = format!("field {word} missing value");
    Fault::new(word, "a value, and = before it", message)
}

fn flag(word: &str) -> Option<MeterFlags> {
    Some(match word {
        "kbps" => MeterFlags::KBPS,
        "pktps" => MeterFlags::PKTPS,
        "burst" => MeterFlags::BURST,
        "stats" => MeterFlags::STATS,
        _ => return None,
    })
}

fn property<'a>(change: &mut MeterMod, key: &'a str, value: &'a str) -> Parsed<'a, ()> {
    if key != "meter" {
        let message = format!("unknown keyword {key}");
        return Err(Fault::new(key, "meter, a flag or bands", message));
    }
    change.id = match value {
        "all" => MeterId::ALL,
        "controller" => MeterId::CONTROLLER,
        "slowpath" => MeterId::SLOWPATH,
        _ => MeterId(number::u32(value)?),
    };
    let is_virtual =
        MeterId::NAMED.contains(&change.id) && !value.starts_with(|c: char| c.is_ascii_digit());
    if !is_virtual && (change.id > MeterId::MAX || change.id == MeterId(0)) {
        let message = format!("invalid value for {key}");
        return Err(Fault::new(value, "a number from 1 to 4294901760", message));
    }
    Ok(())
}

/// A band, of which not all is known.
struct Draft<'a> {
    kind: &'a str,
    rate: u32,
    burst_size: u32,
    prec_level: u8,
}

fn bands(text: &str, flags: MeterFlags) -> Parsed<'_, Vec<MeterBand>> {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut words = words(text);
    while let Some(key) = words.next() {
        let value = words.next().ok_or_else(|| no_value(key))?;
        if key == "type" {
            if value != "drop" && value != "dscp_remark" {
                let message = format!("field {key} unknown value {value}");
                return Err(Fault::new(value, "drop or dscp_remark", message));
            }
            drafts.push(Draft {
                kind: value,
                rate: 0,
                burst_size: 0,
                prec_level: 0,
            });
            continue;
        }
        let Some(band) = drafts.last_mut() else {
            let message = "band must start with the 'type' keyword";
            return Err(Fault::new(key, "type=", message));
        };
        match key {
            "rate" => band.rate = number::u32(value)?,
            "burst_size" => band.burst_size = number::u32(value)?,
            "prec_level" => band.prec_level = number::u8(value, key)?,
            _ => {
                let message = format!("unknown keyword {key}");
                return Err(Fault::new(
                    key,
                    "type, rate, burst_size or prec_level",
                    message,
                ));
            }
        }
    }
    if drafts.is_empty() {
        return Err(missing(text, "type=", "meter must have bands"));
    }
    drafts.into_iter().map(|draft| band(draft, flags)).collect()
}

/// The band of a draft that holds all that it must, and no more.
fn band(draft: Draft<'_>, flags: MeterFlags) -> Parsed<'_, MeterBand> {
    let Draft {
        kind,
        rate,
        burst_size,
        prec_level,
    } = draft;
    let has_burst = flags.contains(MeterFlags::BURST);
    let remarks = kind == "dscp_remark";
    let (expected, message) = match () {
        () if remarks && prec_level == 0 => {
            ("prec_level=", "'dscp_remark' band must have 'prec_level'")
        }
        () if !remarks && prec_level != 0 => (
            "no prec_level",
            "Only 'dscp_remark' band may have 'prec_level'",
        ),
        () if rate == 0 => ("rate=", "band must have 'rate'"),
        () if has_burst && burst_size == 0 => {
            let message = "band must have 'burst_size' when 'burst' flag is set";
            ("burst_size=", message)
        }
        () if !has_burst && burst_size != 0 => {
            let message = "band may have 'burst_size' only when 'burst' flag is set";
            ("the flag burst, too", message)
        }
        () => {
            let kind = if remarks {
                BandType::DscpRemark { prec_level }
            } else {
                BandType::Drop
            };
            return Ok(MeterBand {
                rate,
                burst_size,
                kind,
            });
        }
    };
    Err(Fault::new(kind, expected, message))
}

/// The meter that is added or changed.
impl From<MeterMod> for Meter {
    fn from(change: MeterMod) -> Self {
        Self {
            id: change.id,
            flags: change.flags,
            bands: change.bands,
        }
    }
}
