//! `brint export`: what the northbound database says, as a file.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::answer::write;
use super::northbound::Northbound;
use crate::northbound::database::objects::describe;
use crate::northbound::file::write::document;

/// Writes the networks of the northbound database as a description
///
/// `brint apply` and `brint agent --network` read it. What a description does not know, such as
/// tags and quotas, is not in it. A row that is wrong is left out and told.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    northbound: Northbound,
}

/// Reads the rows and writes the description.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.northbound.with(async |session| {
        let described = describe(&session.database.snapshot());
        for left_out in &described.left_out {
            eprintln!("without {left_out}");
        }
        let document = document(&described.model);
        write(&serde_saphyr::to_string(&document).context("writing YAML")?)?;
        Ok(ExitCode::SUCCESS)
    })
}
