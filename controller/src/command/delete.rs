//! `brint delete`: takes what a file describes out of the northbound database.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::northbound::{Northbound, Waiting, read, tell};
use crate::northbound::database::delete::delete;
use crate::northbound::database::tables::Northbound as Rows;

/// Deletes what a file describes
///
/// In one transaction: all or nothing. It is refused if others still name an object, as a port does
/// its network. What is not there is not missed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The description; - for standard input
    #[arg(short, long, value_name = "FILE.yaml")]
    file: PathBuf,
    /// Tells what would be done, and does nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    northbound: Northbound,
}

/// Reads the file and deletes the rows.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let model = read(&arguments.file)?;
    arguments.northbound.with(async |session| {
        let plan = |rows: &Rows| delete(rows, &model);
        match arguments.dry_run {
            true => tell(&plan(&session.database.snapshot()).changes)?,
            false => session.carry_out(plan, &arguments.waiting).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}
