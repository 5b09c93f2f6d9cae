//! `brint server`: the API of the northbound database.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use clap::Args;
use tokio::net::TcpListener;
use tracing::info;

use super::northbound::Northbound;
use crate::rest;

/// Serves Neutron's API v2.0
///
/// Whoever can connect may do everything, so only an address of this host itself can be listened
/// on. Networks are served; what they are is kept in the northbound database alone, so any number
/// of servers may run.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where clients connect; an address of loopback
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9696")]
    listen: SocketAddr,
    #[command(flatten)]
    northbound: Northbound,
}

/// Answers requests until the process is ended.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let address = arguments.listen;
    ensure!(
        address.ip().is_loopback(),
        "--listen {address}: nobody is asked who they are, so only an address of loopback will do"
    );
    arguments.northbound.with(async |session| {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("--listen {address}"))?;
        info!("the API is on http://{}/v2.0/", listener.local_addr()?);
        let database = session.database.clone();
        // Nobody would take its events.
        drop(session);
        match rest::serve(listener, database).await {}
    })
}
