//! `brint run`: everything on one host.

use std::env;
use std::path::PathBuf;

use clap::Args;

use super::agent::{self, Host};
use super::run_directory;
use super::server::Api;
use crate::log::Levels;
use crate::northbound::embedded::Embedded;
use crate::northbound::source::Place;

/// Runs the agent and the API, and has the host's own ovsdb-server serve the northbound database
///
/// The database is made when it is missing, and brought up to date when its schema is older. Other
/// hosts reach it where `ovs-vsctl set-manager ptcp:6640` lets them, by
/// `external_ids:brint-remote=tcp:HOST:6640`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file of the northbound database [default: brint_northbound.db in $OVS_DBDIR or
    /// /etc/openvswitch]
    #[arg(long, value_name = "FILE")]
    northbound_file: Option<PathBuf>,
    #[command(flatten)]
    api: Api,
    #[command(flatten)]
    host: Host,
}

/// Runs until it is told to stop.
pub(crate) fn run(arguments: Arguments, levels: Levels) -> anyhow::Result<()> {
    let file = arguments.northbound_file.unwrap_or_else(|| {
        let directory = env::var_os("OVS_DBDIR");
        let directory = directory.map_or_else(|| "/etc/openvswitch".into(), PathBuf::from);
        directory.join("brint_northbound.db")
    });
    let embedded = Embedded {
        run_directory: run_directory(),
        file,
    };
    arguments.api.start(embedded.remote())?;
    let place = Place::Database {
        remotes: vec![embedded.remote()],
        pki: None,
        embedded: Some(embedded),
    };
    agent::start(arguments.host.settings(place)?, levels)
}
