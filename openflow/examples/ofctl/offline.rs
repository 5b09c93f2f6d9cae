//! What needs no switch, and reads text.

use std::io::Write as _;
use std::process::ExitCode;

use openflow::message::{FlowModCommand, GroupModCommand, Message};
use openflow::names::Names;
use openflow::print::Frame;
use openflow::text::{ParseError, Parser, Protocols};
use openflow::wire::{TooLong, Writer};

use crate::{Failure, complain, hex, read};

/// The number of the first transaction, that `ovs-ofctl` gives to what it only prints.
const XID: u32 = 1;

/// Writes a line for each flow: the bytes of its flow mod, with 0 as the number of transaction.
///
/// A flow that is wrong has a line on the error output instead, and does not stop the rest.
pub(crate) fn encode_flows(file: &str) -> Result<ExitCode, Failure> {
    let text = read(file)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    let add = Some(FlowModCommand::ADD);
    for change in Parser::default().lenient().flow_mods(&text, add) {
        let line = change
            .map_err(|error| at(file, &error))
            .and_then(|change| encode(change.into(), 0).map_err(|error| error.to_string()));
        match line {
            Ok(bytes) => writeln!(out, "{}", hex::Plain(&bytes))?,
            Err(message) => {
                code = ExitCode::FAILURE;
                complain(&message);
            }
        }
    }
    out.flush()?;
    Ok(code)
}

/// The bytes of a message.
pub(crate) fn encode(message: Message, xid: u32) -> Result<Vec<u8>, TooLong> {
    let mut out = Writer::default();
    message.encode(xid, &mut out);
    out.finish().map(|bytes| bytes.to_vec())
}

/// An error in a file, in the form of `ovs-ofctl`, with the column and the rest after that.
pub(crate) fn at(file: &str, error: &ParseError) -> String {
    let ParseError {
        line,
        column,
        message,
        expected,
        ..
    } = error;
    format!("{file}:{line}: {message} (column {column}: expected {expected})")
}

pub(crate) fn parse_flow(flow: &str) -> Result<ExitCode, Failure> {
    let parser = Parser::default().lenient();
    let add = FlowModCommand::ADD;
    let (_, usable) = parser
        .flow_mods_of_any_protocol(flow, add)
        .map_err(|error| error.message)?;
    let mut out = std::io::stdout().lock();
    choose(&mut out, usable, "protocol: OXM-OpenFlow13")?;
    let change = parser.flow_mod(flow, add).map_err(|error| error.message)?;
    print(&mut out, XID, change.into())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the flow mods of a file, or, as `ovs-ofctl` does, nothing but the first error.
pub(crate) fn parse_flows(file: &str) -> Result<ExitCode, Failure> {
    let text = read(file)?;
    let parser = Parser::default().lenient();
    let add = FlowModCommand::ADD;
    let (changes, usable) = parser
        .flow_mods_of_any_protocol(&text, add)
        .map_err(|error| format!("{file}:{}: {}", error.line, error.message))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    choose(&mut out, usable, "protocol: OXM-OpenFlow13")?;
    for (xid, change) in (XID..).zip(changes) {
        print(&mut out, xid, change.into())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Says which protocols can be sent, out of which `ovs-ofctl` chooses; here there is one to choose.
fn choose(out: &mut impl std::io::Write, usable: Protocols, chosen: &str) -> Result<(), Failure> {
    writeln!(out, "usable protocols: {usable}")?;
    if !usable.contains(Protocols::OPENFLOW13) {
        return Err("no usable protocol".into());
    }
    writeln!(out, "chosen {chosen}")?;
    Ok(())
}

/// Prints the bytes of a message, of which some might not be taken by those who read them.
fn print(out: &mut impl std::io::Write, xid: u32, message: Message) -> Result<(), Failure> {
    let bytes = encode(message, xid)?.into();
    writeln!(out, "{}", Frame::new(&bytes, &Names::NONE))?;
    Ok(())
}

pub(crate) fn parse_group(group: &str) -> Result<ExitCode, Failure> {
    let parser = Parser::default();
    let add = GroupModCommand::ADD;
    let usable = parser
        .group_protocols(group, add)
        .map_err(|error| error.message)?;
    let mut out = std::io::stdout().lock();
    choose(&mut out, usable, "version: OpenFlow13")?;
    let change = parser
        .group_mod(group, add)
        .map_err(|error| error.message)?;
    print(&mut out, XID, change.into())?;
    Ok(ExitCode::SUCCESS)
}
