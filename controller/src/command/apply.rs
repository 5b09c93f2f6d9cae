//! `brint apply`: makes the northbound database say what a file says.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::northbound::{Northbound, Waiting, read, tell};
use crate::northbound::database::put::put;
use crate::northbound::database::tables::Northbound as Rows;

/// Makes or changes what a file describes
///
/// Every object of the file is written to the northbound database, with all that is part of it, in
/// one transaction: all or nothing. Objects that the file does not name stay as they are. One line
/// tells of each object that is made (+) or changed (~, with what changes).
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

/// Reads the file and writes the rows.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let model = read(&arguments.file)?;
    arguments.northbound.with(async |session| {
        let plan = |rows: &Rows| put(rows, &model);
        match arguments.dry_run {
            true => tell(&plan(&session.database.snapshot()).changes)?,
            false => session.carry_out(plan, &arguments.waiting).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}
