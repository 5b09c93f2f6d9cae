//! The command line: one file for each subcommand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::error;

use crate::log;

mod agent;

/// An SDN controller that runs beside Open vSwitch.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Brint {
    /// What to log: a level, or `target=level` pairs separated by commas.
    #[arg(
        long,
        global = true,
        env = "BRINT_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Agent(agent::Arguments),
}

impl Brint {
    /// Runs the subcommand; an error is logged, and the process exits with 1.
    pub(crate) fn run(self) -> ExitCode {
        if let Err(reason) = log::start(&self.log) {
            // There is no log to say it in.
            eprintln!("brint: {reason:#}");
            return ExitCode::FAILURE;
        }
        let done = match self.command {
            Command::Agent(arguments) => agent::run(arguments),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                error!("{reason:#}");
                ExitCode::FAILURE
            }
        }
    }
}
