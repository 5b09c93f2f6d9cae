//! What reads fields in the form `OXM_OF_IN_PORT(00000001)`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use bytes::Bytes;
use openflow::field::FieldId;
use openflow::matching::{Match, Strictness};
use openflow::message::ErrorCode;
use openflow::wire::{Reader, Wire as _, Writer};

use crate::hex::{self, Plain, check_version};
use crate::{Failure, Options, read};

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
        let bytes = Bytes::from(encode(line)?);
        let decoded = Match::decode_fields(&mut Reader::new(&bytes), Strictness::Loose);
        let decoded = decoded.and_then(|matching| match options.strict {
            true => Match::decode_fields(&mut Reader::new(&bytes), Strictness::Strict),
            false => Ok(matching),
        });
        match decoded {
            Ok(matching) => {
                writeln!(out, "{}", text(&matching))?;
                if options.verbose {
                    let mut writer = Writer::default();
                    matching.encode(&mut writer);
                    hex::dump(&mut out, &writer.finish()?)?;
                }
            }
            Err(error) => {
                let name = ErrorCode::from(&error);
                writeln!(out, "nx_pull_match() returned error {name}")?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The bytes of what a line says.
fn encode(line: &str) -> Result<Vec<u8>, String> {
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
        field(line, name, body, &mut out)?;
        rest = after.trim_start_matches([',', ' ']);
    }
    out.finish()
        .map(|bytes| bytes.to_vec())
        .map_err(|error| error.to_string())
}

fn field(line: &str, name: &str, body: &str, out: &mut Writer) -> Result<(), String> {
    let base = name.strip_suffix("_W");
    let known = |name| {
        FieldId::of_name(name).and_then(|field| {
            let code = field.codes().iter().find(|code| code.name == name)?;
            Some((field, *code))
        })
    };
    let (field, code) = known(name)
        .or_else(|| known(base?))
        .ok_or_else(|| format!("{line}: unknown field `{name}'"))?;
    let masked = base.is_some();
    let (value, mask) = match body.split_once('/') {
        Some((value, mask)) => (value, Some(mask)),
        None => (body, None),
    };
    if masked != mask.is_some() {
        return Err(format!("{line}: missing / in masked field {name}"));
    }
    let size = field.size();
    let digits = |text: &str| -> Option<Vec<u8>> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let byte = |place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
        (0..text.len()).step_by(2).map(byte).collect()
    };
    let fits = |bytes: &Vec<u8>| field.is_variable() || bytes.len() == size;
    let wrong = || format!("{line}: hex digits expected");
    let value = digits(value).filter(fits).ok_or_else(wrong)?;
    code.header(value.len(), masked).encode(out);
    out.put(&value);
    if let Some(mask) = mask {
        out.put(&digits(mask).filter(fits).ok_or_else(wrong)?);
    }
    Ok(())
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
