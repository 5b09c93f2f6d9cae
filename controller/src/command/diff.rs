//! `brint diff`: how what is installed, or what the database says, differs from what should be.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::answer::{Shown, ask};
use super::northbound::{Northbound, read, tell};
use crate::control::ControlClient as _;
use crate::flows::BridgeDiff;
use crate::northbound::database::put::put;

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
    /// Compares the northbound database with this description, and tells what `brint apply` would
    /// do: a line that starts with + is made, one with ~ is changed
    #[arg(long, value_name = "FILE.yaml", conflicts_with_all = ["bridge", "format"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    northbound: Northbound,
}

/// What the process exits with if there is a difference.
const DIFFERS: u8 = 2;

/// Asks and shows.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let Some(file) = &arguments.file {
        return compare(file, &arguments.northbound);
    }
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

/// Compares the northbound database with a description.
fn compare(file: &Path, northbound: &Northbound) -> anyhow::Result<ExitCode> {
    let model = read(file)?;
    northbound.with(async |session| {
        let plan = put(&session.database.snapshot(), &model);
        tell(&plan.changes)?;
        Ok(match plan.changes.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(DIFFERS),
        })
    })
}
