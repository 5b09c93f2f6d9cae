//! What reads bytes, in hexadecimal.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::process::ExitCode;

use bytes::Bytes;
use openflow::action::Action;
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::message::ErrorCode;
use openflow::names::Names;
use openflow::print::Frame;
use openflow::text::Parser;
use openflow::wire::{Reader, Wire, Writer};

use crate::{Failure, complain, read};

/// Bytes as hexadecimal digits, without anything between them.
pub(crate) struct Plain<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits =
            |byte: &u8| [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16));
        let mut digits = self.0.iter().flat_map(digits).flatten();
        digits.try_for_each(|digit| f.write_char(digit))
    }
}

/// Reads bytes, with blanks and dots between them or not.
fn bytes(text: &str) -> Option<Bytes> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace() && *c != '.')
        .collect();
    let byte = |place| u8::from_str_radix(digits.get(place..place + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// The lines of the standard input without comments, and without those that are then blank.
pub(crate) fn lines() -> Result<Vec<String>, Failure> {
    let text = read("-")?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}

pub(crate) fn check_version(version: &str) -> Result<(), Failure> {
    match version {
        "OpenFlow13" => Ok(()),
        _ => Err(format!("{version}: not a valid OpenFlow version").into()),
    }
}

pub(crate) fn parse_actions(version: &str) -> Result<ExitCode, Failure> {
    check_version(version)?;
    let text = |actions: &Vec<Action>| Instructions::apply(actions.clone()).to_string();
    let again = |actions: &Vec<Action>, out: &mut Writer| {
        for action in actions {
            action.clone().renewed(&Match::default()).encode(out);
        }
    };
    each("actions", |_, input| actions(input), text, again)
}

/// Reads actions, and complains of the first that a switch does not take.
fn actions(input: &Bytes) -> Result<Vec<Action>, ErrorCode> {
    if !input.len().is_multiple_of(8) {
        return Err(ErrorCode::OFPBRC_BAD_LEN);
    }
    let mut reader = Reader::new(input);
    let mut actions = Vec::new();
    while !reader.is_empty() {
        let offset = input.len() - reader.left();
        let action = Action::decode(&mut reader).map_err(|error| ErrorCode::from(&error));
        match action.and_then(|action| action.refused().map_or(Ok(action), Err)) {
            Ok(action) => actions.push(action),
            Err(code) => {
                let mut bytes = Vec::new();
                // Nothing can fail where bytes grow.
                let _ = dump(&mut bytes, input);
                let bytes = String::from_utf8_lossy(&bytes);
                eprint!("ofp_actions|WARN|bad action at offset {offset} ({code}):\n{bytes}");
                return Err(code);
            }
        }
    }
    Action::misplaced(&actions).map_or(Ok(actions), Err)
}

pub(crate) fn parse_instructions(version: &str) -> Result<ExitCode, Failure> {
    check_version(version)?;
    let again = |instructions: &Instructions, out: &mut Writer| match Parser::default()
        .instructions(&instructions.to_string())
    {
        Ok(sent) => sent.encode(out),
        Err(_) => instructions.encode(out),
    };
    each("instructions", instructions, Instructions::to_string, again)
}

/// Reads a value from each line, and prints it and how `ovs-ofctl` would send it.
fn each<T>(
    what: &str,
    decode: impl Fn(&str, &Bytes) -> Result<T, ErrorCode>,
    text: impl Fn(&T) -> String,
    encode: impl Fn(&T, &mut Writer),
) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    for line in lines()? {
        // The number of a table may stand before a comma.
        let (table, digits) = line.split_once(',').unwrap_or(("", &line));
        let Some(input) = bytes(digits) else {
            return Err("Trailing garbage in hex data".into());
        };
        match decode(table, &input) {
            Ok(value) => {
                writeln!(out, "actions={}", text(&value))?;
                let mut writer = Writer::default();
                encode(&value, &mut writer);
                differences(&mut out, &input, &writer.finish()?)?;
                writeln!(out)?;
            }
            Err(error) => writeln!(out, "bad OpenFlow13 {what}: {error}\n")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads instructions of a flow in this table; a flow can send packets on to later tables only.
fn instructions(table: &str, input: &Bytes) -> Result<Instructions, ErrorCode> {
    let mut reader = Reader::new(input);
    let instructions =
        Instructions::decode(&mut reader).map_err(|error| ErrorCode::from(&error))?;
    // The last of the actions may be what is an instruction by now.
    let applied = match instructions.apply_actions.as_slice() {
        [actions @ .., Action::WriteMetadata(_)] => actions,
        actions => actions,
    };
    let written = instructions.write_actions.as_deref();
    for actions in [applied, written.unwrap_or_default()] {
        let bad = actions.iter().find_map(Action::refused);
        if let Some(code) = bad.or_else(|| Action::misplaced(actions)) {
            return Err(code);
        }
    }
    if !instructions.experimenters.is_empty() {
        return Err(ErrorCode::OFPBIC_BAD_EXPERIMENTER);
    }
    let table: u8 = table.trim().parse().unwrap_or_default();
    match instructions.goto_table {
        Some(next) if next <= table => Err(ErrorCode::OFPBIC_BAD_TABLE_ID),
        _ => Ok(instructions),
    }
}

/// Prints the bytes that were written otherwise than they were read.
fn differences(out: &mut impl std::io::Write, a: &[u8], b: &[u8]) -> std::io::Result<()> {
    for (place, (a, b)) in a.iter().zip(b).enumerate() {
        if a != b {
            writeln!(out, "{place:2}: {a:02x} -> {b:02x}")?;
        }
    }
    let common = a.len().min(b.len());
    for (place, a) in a.iter().enumerate().skip(common) {
        writeln!(out, "{place:2}: {a:02x} -> (none)")?;
    }
    for (place, b) in b.iter().enumerate().skip(common) {
        writeln!(out, "{place:2}: (none) -> {b:02x}")?;
    }
    Ok(())
}

/// Prints bytes, sixteen a line, with their places before them.
pub(crate) fn dump(out: &mut impl std::io::Write, bytes: &[u8]) -> std::io::Result<()> {
    for (line, bytes) in bytes.chunks(16).enumerate() {
        write!(out, "{:08x} ", line * 16)?;
        for (place, byte) in bytes.iter().enumerate() {
            let before = if place == 8 { '-' } else { ' ' };
            write!(out, "{before}{byte:02x}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Prints a message, or one a line, as `ovs-ofctl` does; with `verbosity`, more of it or less.
pub(crate) fn ofp_print(argument: &str, verbosity: Option<&str>) -> Result<ExitCode, Failure> {
    let lines = match argument {
        "-" => read("-")?.lines().map(str::to_owned).collect(),
        hex => vec![hex.to_owned()],
    };
    let names = Names::NONE;
    let mut code = ExitCode::SUCCESS;
    let mut out = std::io::stdout().lock();
    for line in lines {
        let Some(bytes) = bytes(&line) else {
            code = ExitCode::FAILURE;
            complain("trailing garbage following hex bytes");
            continue;
        };
        let frame = Frame::new(&bytes, &names);
        match verbosity.and_then(|verbosity| verbosity.parse().ok()) {
            None => writeln!(out, "{frame}")?,
            Some(verbosity) => writeln!(out, "{}", frame.verbosity(verbosity))?,
        }
    }
    Ok(code)
}
