//! Does with this crate what `ovs-ofctl` does, so that anyone can hold one against the other.
//!
//! ```text
//! ofctl encode-flows FILE              a line of hex for each flow that is right
//! ofctl parse-flow FLOW                prints the flow mod that a flow becomes
//! ofctl parse-flows FILE
//! ofctl parse-group GROUP
//! ofctl parse-actions OpenFlow13       reads hex, prints text, and what differs in hex
//! ofctl parse-instructions OpenFlow13
//! ofctl parse-oxm OpenFlow13           reads OXM_OF_IN_PORT(00000001), ...
//! ofctl print-error NAME
//! ofctl ofp-print HEX [VERBOSITY]      or - for a message on each line
//! ofctl add-flows [--bundle] SWITCH FILE
//! ofctl replace-flows [--bundle] SWITCH FILE
//! ofctl diff-flows SWITCH FILE
//! ofctl dump-flows SWITCH
//! ```
//!
//! A file can be `-` for the standard input. Options that choose OpenFlow 1.3 and numbers instead
//! of names, `-O OpenFlow13` and `--no-names`, are taken and change nothing.

mod error;
mod hex;
mod offline;
mod oxm;
mod switch;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

/// What went wrong, in a line.
type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, Failure> {
    let options = Options::read();
    let bundle = options.bundle;
    let words: Vec<&str> = options.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["encode-flows", file] => offline::encode_flows(file),
        ["parse-flow", flow] => offline::parse_flow(flow),
        ["parse-flows", file] => offline::parse_flows(file),
        ["parse-group", group] => offline::parse_group(group),
        ["parse-actions", version] => hex::parse_actions(version),
        ["parse-instructions", version] => hex::parse_instructions(version),
        ["parse-oxm", version] => oxm::parse_oxm(version, &options),
        ["print-error", name] => error::print(name),
        ["ofp-print", message] => hex::ofp_print(message, None),
        ["ofp-print", message, verbosity] => hex::ofp_print(message, Some(verbosity)),
        ["add-flows", target, file] => switch::add_flows(target, file, bundle).await,
        ["replace-flows", target, file] => switch::replace_flows(target, file, bundle).await,
        ["diff-flows", target, file] => switch::diff_flows(target, file).await,
        ["dump-flows", target] => switch::dump_flows(target).await,
        [command, ..] => Err(format!("{command}: unknown command or wrong arguments").into()),
        [] => Err("missing command name; see the head of its source".into()),
    }
}

/// What the arguments say.
#[derive(Debug, Default)]
struct Options {
    /// `--bundle`: all changes or none.
    bundle: bool,
    /// `--strict`: fields need what they have meaning with.
    strict: bool,
    /// `-m`: more is printed.
    verbose: bool,
    /// The arguments that are no options.
    words: Vec<String>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bundle" => options.bundle = true,
                "--strict" => options.strict = true,
                "-O" | "--protocols" | "-F" | "--flow-format" => drop(arguments.next()),
                "--no-names" | "--no-stats" | "-OOpenFlow13" => {}
                "-m" | "-mm" | "-mmm" | "--more" => options.verbose = true,
                _ if argument.starts_with("-v") => {}
                _ if argument.starts_with("--protocols=") => {}
                _ => options.words.push(argument),
            }
        }
        options
    }
}

/// The contents of a file, or of the standard input.
fn read(file: &str) -> Result<String, Failure> {
    if file != "-" {
        return std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}").into());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a line that says what is wrong, as `ovs-ofctl` does.
fn complain(message: &str) {
    // Where nobody reads errors, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "ovs-ofctl: {message}");
}
