//! `brint diff`: how what is installed differs from what should be.

use std::process::ExitCode;

use clap::Args;

use super::answer::{Shown, ask};
use crate::control::ControlClient as _;
use crate::flows::BridgeDiff;

/// Compares what is installed with what should be
///
/// The switch is read anew. A line that starts with - has to go, one that starts with + has to
/// come, as `ovs-ofctl diff-flows` prints them. Flows of others are no difference. Exits with 0 if
/// there is no difference, with 2 if there is one, and with 1 after an error.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    shown: Shown,
    /// Only this bridge
    #[arg(short, long, value_name = "BRIDGE")]
    bridge: Option<String>,
}

/// What the process exits with if there is a difference.
const DIFFERS: u8 = 2;

/// Asks and shows.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let bridge = arguments.bridge;
    let diffs = ask(async |client| client.diff(bridge).await)?;
    let differs = |diff: &BridgeDiff| !diff.differences.is_empty();
    let text = |diffs: &Vec<BridgeDiff>| diffs.iter().map(ToString::to_string).collect();
    arguments.shown.show(&diffs, text)?;
    Ok(match diffs.iter().any(differs) {
        true => ExitCode::from(DIFFERS),
        false => ExitCode::SUCCESS,
    })
}
