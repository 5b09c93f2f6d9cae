//! `brint server`: the API of the northbound database.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use tokio::net::TcpListener;
use tracing::info;

use super::northbound::Northbound;
use crate::rest::{self, Identity};

/// Serves Neutron's API v2.0
///
/// Without `--tokens` and `--keystone`, whoever can connect may do everything, so only an address
/// of this host itself can be listened on. Everything is kept in the northbound database alone, so
/// any number of servers may run.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where clients connect; an address of loopback
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9696")]
    listen: SocketAddr,
    /// A list of `token`, `project` and `roles`; the role `admin` may do everything
    #[arg(long, value_name = "FILE.yaml", conflicts_with = "keystone")]
    tokens: Option<PathBuf>,
    /// The Keystone that knows the tokens of clients, their OS_AUTH_URL
    #[arg(long, value_name = "URL", env = "BRINT_KEYSTONE")]
    keystone: Option<String>,
    #[command(flatten)]
    northbound: Northbound,
}

/// Answers requests until the process is ended.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let address = arguments.listen;
    let identity = match (&arguments.tokens, &arguments.keystone) {
        (Some(file), _) => Identity::of_file(file).context("--tokens")?,
        (None, Some(url)) => Identity::of_keystone(url).context("--keystone")?,
        (None, None) => Identity::Nobody,
    };
    ensure!(
        !identity.is_nobody() || address.ip().is_loopback(),
        "--listen {address}: without --tokens or --keystone nobody is asked who they are, so only \
         an address of loopback will do"
    );
    arguments.northbound.with(async |session| {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("--listen {address}"))?;
        info!("the API is on http://{}/v2.0/", listener.local_addr()?);
        let database = session.database.clone();
        // Nobody would take its events.
        drop(session);
        match rest::serve(listener, database, identity).await {}
    })
}
