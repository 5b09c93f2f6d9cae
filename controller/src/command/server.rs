//! `brint server`: the API of the northbound database.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use ovsdb::{Options, Remote};
use tokio::{net, runtime};
use tracing::{info, warn};

use super::northbound::Northbound;
use crate::northbound::database::Database;
use crate::rest::{self, Identity};

/// How long the database may take to answer before that is said.
const CONNECT: Duration = Duration::from_secs(10);

/// Serves Neutron's API v2.0
///
/// Everything is kept in the northbound database alone, so any number of servers may run.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    api: Api,
    #[command(flatten)]
    northbound: Northbound,
}

/// Where the API is, and for whom.
#[derive(Debug, Args)]
pub(super) struct Api {
    /// Where clients of the API connect; without --tokens and --keystone, whoever can connect may
    /// do everything, so only an address of loopback will do
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9696")]
    listen: SocketAddr,
    /// A list of `token`, `project` and `roles`; the role `admin` may do everything
    #[arg(long, value_name = "FILE.yaml", conflicts_with = "keystone")]
    tokens: Option<PathBuf>,
    /// The Keystone that knows the tokens of clients, their OS_AUTH_URL
    #[arg(long, value_name = "URL", env = "BRINT_KEYSTONE")]
    keystone: Option<String>,
}

/// Answers requests until the process is ended.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (listener, identity) = arguments.api.bind()?;
    arguments.northbound.with(async |session| {
        let database = session.database.clone();
        // Nobody would take its events.
        drop(session);
        let listener = net::TcpListener::from_std(listener).context("listening for clients")?;
        match rest::serve(listener, database, identity).await {}
    })
}

impl Api {
    /// Listens, so that whatever is wrong with that is said at once.
    fn bind(&self) -> anyhow::Result<(TcpListener, Identity)> {
        let address = self.listen;
        let identity = match (&self.tokens, &self.keystone) {
            (Some(file), _) => Identity::of_file(file).context("--tokens")?,
            (None, Some(url)) => Identity::of_keystone(url).context("--keystone")?,
            (None, None) => Identity::Nobody,
        };
        ensure!(
            !identity.is_nobody() || address.ip().is_loopback(),
            "--listen {address}: without --tokens or --keystone nobody is asked who they are, so \
             only an address of loopback will do"
        );
        let listener = TcpListener::bind(address).with_context(|| format!("--listen {address}"))?;
        listener.set_nonblocking(true)?;
        info!("the API is on http://{}/v2.0/", listener.local_addr()?);
        Ok((listener, identity))
    }

    /// Answers requests on a thread of its own, until the process ends.
    pub(super) fn start(&self, remote: Remote) -> anyhow::Result<()> {
        let (listener, identity) = self.bind()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the runtime")?;
        let work = move || runtime.block_on(answer(listener, remote, identity));
        thread::Builder::new().name("api".to_owned()).spawn(work)?;
        Ok(())
    }
}

/// Answers requests as soon as there is a database.
async fn answer(
    listener: TcpListener,
    remote: Remote,
    identity: Identity,
) -> Result<Infallible, std::io::Error> {
    let listener = net::TcpListener::from_std(listener)?;
    loop {
        match Database::open(vec![remote.clone()], Options::default(), CONNECT).await {
            Ok(database) => match rest::serve(listener, database, identity).await {},
            Err(error) => warn!("the API: {error}"),
        }
    }
}
