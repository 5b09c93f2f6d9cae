//! Everything that others can ask a running agent, on a thread of its own.
//!
//! Nothing that a client does, and no answer however long, takes time from the loop that programs
//! the switch: the two share nothing but the board.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::thread;

use anyhow::Context as _;
use tokio::net;
use tokio::runtime;
use tracing::{error, info};

use crate::presence::Presence;
use crate::unixctl::Commands;
use crate::{control, metrics, unixctl};

/// Sockets on which nobody is answered yet.
#[derive(Debug)]
pub(crate) struct Listeners {
    control: UnixListener,
    unixctl: UnixListener,
    metrics: Option<TcpListener>,
}

impl Listeners {
    /// Listens on the local sockets, and on `metrics` if it is given.
    ///
    /// # Errors
    ///
    /// When a socket cannot be made.
    pub(crate) fn bind(
        presence: &mut Presence,
        metrics: Option<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let bind = |address| {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            info!("metrics on http://{}/metrics", listener.local_addr()?);
            Ok::<_, std::io::Error>(listener)
        };
        let metrics = metrics.map(|address| {
            bind(address).with_context(|| format!("--metrics {address}: listening there"))
        });
        Ok(Self {
            control: presence.listen_for_control()?,
            unixctl: presence.listen_for_unixctl()?,
            metrics: metrics.transpose()?,
        })
    }

    /// Begins to answer, until the process ends.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) fn start(self, commands: Commands) -> anyhow::Result<()> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the runtime of the sockets")?;
        let answer = move || match runtime.block_on(self.serve(commands)) {
            Ok(never) => match never {},
            Err(reason) => error!("the sockets: {reason:#}"),
        };
        let thread = thread::Builder::new().name("listeners".to_owned());
        thread
            .spawn(answer)
            .context("starting the thread of the sockets")?;
        Ok(())
    }

    async fn serve(self, commands: Commands) -> anyhow::Result<Infallible> {
        let board = commands.board.clone();
        let control = net::UnixListener::from_std(self.control).context("the control socket")?;
        let unixctl = net::UnixListener::from_std(self.unixctl).context("the unixctl socket")?;
        if let Some(listener) = self.metrics {
            let listener =
                net::TcpListener::from_std(listener).context("the endpoint of metrics")?;
            tokio::spawn(metrics::serve(listener, board.clone()));
        }
        tokio::spawn(unixctl::serve(unixctl, commands));
        Ok(control::serve(control, board).await)
    }
}
