//! The command line: one file for each subcommand.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::error;

use crate::log;
use object::noun;

mod accept_database;
mod agent;
mod answer;
mod apply;
mod completion;
mod connection;
mod delete;
mod diff;
mod export;
mod flows;
mod host;
mod northbound;
mod object;
mod run;
mod schema;
mod server;
mod sg;
mod status;
mod why;

/// What people do most.
const EXAMPLES: &str = "\
Examples:
  brint run                                          everything on this host
  brint apply -f network.yaml --wait=hosts           every host has programmed the file
  brint network create private provider:network_type=vxlan
  brint subnet create private-v4 network_id=private ip_version=4 cidr=10.0.0.0/24
  brint port create vm1 network_id=private -f value -c id
  brint port list status=ACTIVE -c name -c fixed_ips
  brint why vm1 tcp/80 from 10.0.0.7                 why a packet passes, or does not
  brint status --watch";

/// An SDN controller that runs beside Open vSwitch.
#[derive(Debug, Parser)]
#[command(name = "brint", version, propagate_version = true, after_help = EXAMPLES)]
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
    AcceptDatabase(accept_database::Arguments),
    Apply(Box<apply::Arguments>),
    Delete(Box<delete::Arguments>),
    Export(Box<export::Arguments>),
    /// Networks of the northbound database
    Network(object::Arguments),
    /// Subnets of the northbound database
    Subnet(object::Arguments),
    /// Subnet pools of the northbound database
    SubnetPool(object::Arguments),
    /// Address scopes of the northbound database
    AddressScope(object::Arguments),
    /// Ports of the northbound database
    Port(object::Arguments),
    /// Trunks of the northbound database: ports with others behind them
    NetworkTrunk(object::Arguments),
    /// Who may use what belongs to another project
    NetworkRbac(object::Arguments),
    /// Wishes to be told what security groups accept and drop
    NetworkLog(object::Arguments),
    /// Security groups of the northbound database
    SecurityGroup(object::Arguments),
    /// Rules of security groups of the northbound database
    SecurityGroupRule(object::Arguments),
    /// Address groups of the northbound database
    AddressGroup(object::Arguments),
    /// Routers of the northbound database
    Router(object::Arguments),
    /// Floating IPs of the northbound database
    FloatingIp(object::Arguments),
    Host(host::Arguments),
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
            Command::AcceptDatabase(arguments) => accept_database::run(&arguments),
            Command::Apply(arguments) => apply::run(&arguments),
            Command::Delete(arguments) => delete::run(&arguments),
            Command::Export(arguments) => export::run(&arguments),
            Command::Network(arguments) => object::run(&noun::NETWORK, arguments),
            Command::Subnet(arguments) => object::run(&noun::SUBNET, arguments),
            Command::SubnetPool(arguments) => object::run(&noun::SUBNET_POOL, arguments),
            Command::AddressScope(arguments) => object::run(&noun::ADDRESS_SCOPE, arguments),
            Command::Port(arguments) => object::run(&noun::PORT, arguments),
            Command::NetworkTrunk(arguments) => object::run(&noun::NETWORK_TRUNK, arguments),
            Command::NetworkRbac(arguments) => object::run(&noun::NETWORK_RBAC, arguments),
            Command::NetworkLog(arguments) => object::run(&noun::NETWORK_LOG, arguments),
            Command::SecurityGroup(arguments) => object::run(&noun::SECURITY_GROUP, arguments),
            Command::SecurityGroupRule(arguments) => {
                object::run(&noun::SECURITY_GROUP_RULE, arguments)
            }
            Command::AddressGroup(arguments) => object::run(&noun::ADDRESS_GROUP, arguments),
            Command::Router(arguments) => object::run(&noun::ROUTER, arguments),
            Command::FloatingIp(arguments) => object::run(&noun::FLOATING_IP, arguments),
            Command::Host(arguments) => host::run(arguments),
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
