//! The command line: one file for each subcommand.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::error;

use crate::log;
use object::Noun;

mod agent;
mod answer;
mod apply;
mod completion;
mod connection;
mod delete;
mod diff;
mod export;
mod flows;
mod northbound;
mod object;
mod run;
mod schema;
mod server;
mod sg;
mod status;
mod why;

/// An SDN controller that runs beside Open vSwitch.
#[derive(Debug, Parser)]
#[command(name = "brint", version, propagate_version = true)]
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
    Agent(Box<agent::Arguments>),
    Run(Box<run::Arguments>),
    Status(status::Arguments),
    Flows(flows::Arguments),
    Diff(Box<diff::Arguments>),
    Apply(Box<apply::Arguments>),
    Delete(Box<delete::Arguments>),
    Export(Box<export::Arguments>),
    /// Shows and deletes networks of the northbound database
    Network(object::Arguments),
    /// Shows and deletes subnets of the northbound database
    Subnet(object::Arguments),
    /// Shows and deletes ports of the northbound database
    Port(object::Arguments),
    /// Shows hosts of the northbound database, and deletes those that are gone
    Host(object::Arguments),
    Connection(connection::Arguments),
    Schema(schema::Arguments),
    Completion(completion::Completion),
    Man(completion::Man),
    Server(Box<server::Arguments>),
    Sg(sg::Arguments),
    Why(why::Arguments),
}

impl Brint {
    /// Runs the subcommand; after an error, which is told, the process exits with 1.
    pub(crate) fn run(self) -> ExitCode {
        let levels = match log::start(&self.log) {
            Ok(levels) => levels,
            Err(reason) => return failed(&reason),
        };
        let done = match self.command {
            Command::Agent(arguments) => return daemon(agent::run(*arguments, levels)),
            Command::Run(arguments) => return daemon(run::run(*arguments, levels)),
            Command::Server(arguments) => return daemon(server::run(*arguments)),
            Command::Status(arguments) => status::run(&arguments),
            Command::Flows(arguments) => flows::run(arguments),
            Command::Diff(arguments) => diff::run(*arguments),
            Command::Apply(arguments) => apply::run(&arguments),
            Command::Delete(arguments) => delete::run(&arguments),
            Command::Export(arguments) => export::run(&arguments),
            Command::Network(arguments) => object::run(Noun::Network, arguments),
            Command::Subnet(arguments) => object::run(Noun::Subnet, arguments),
            Command::Port(arguments) => object::run(Noun::Port, arguments),
            Command::Host(arguments) => object::run(Noun::Host, arguments),
            Command::Connection(arguments) => connection::run(arguments),
            Command::Schema(schema::Arguments {}) => schema::run(),
            Command::Completion(arguments) => completion::complete(&arguments),
            Command::Man(arguments) => completion::man(&arguments),
            Command::Sg(arguments) => sg::run(arguments),
            Command::Why(arguments) => why::run(arguments),
        };
        done.unwrap_or_else(|reason| failed(&reason))
    }
}

/// What a daemon exits with; an error goes to its log.
fn daemon(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            error!("{reason:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tells an error to whoever typed the command: only daemons have a log.
fn failed(reason: &anyhow::Error) -> ExitCode {
    eprintln!("brint: {reason:#}");
    ExitCode::FAILURE
}

/// Where Open vSwitch keeps its sockets.
fn run_directory() -> PathBuf {
    env::var_os("OVS_RUNDIR").map_or_else(|| PathBuf::from("/var/run/openvswitch"), PathBuf::from)
}
