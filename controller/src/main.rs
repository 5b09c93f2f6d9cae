//! brint, an SDN controller that runs beside Open vSwitch.
//!
//! The only crate with opinions about input and output: it reads the desired network, watches the
//! host's database and switch, and lets `pipelines` decide which flows are missing.

use std::process::ExitCode;

use clap::Parser as _;

mod agent;
mod board;
mod command;
mod control;
mod flows;
mod listeners;
mod log;
mod metrics;
mod neighbour;
mod northbound;
mod numbering;
mod presence;
mod problem;
mod rest;
mod security_group;
mod security_group_log;
mod services;
mod status;
mod switch;
mod unixctl;
mod until;
mod vswitch;
mod why;

fn main() -> ExitCode {
    command::Brint::parse().run()
}
