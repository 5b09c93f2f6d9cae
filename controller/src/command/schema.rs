//! `brint schema`: the schema of the northbound database.

use std::process::ExitCode;

use clap::Args;

use super::answer::write;
use crate::northbound::database::SCHEMA;

/// Prints the schema of the northbound database
///
/// `ovsdb-tool create FILE SCHEMA` makes a database of it, and `ovsdb-client convert SERVER SCHEMA`
/// brings one of an older version up to it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

/// Prints it.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    write(SCHEMA)?;
    Ok(ExitCode::SUCCESS)
}
