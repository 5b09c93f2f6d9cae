//! The command line's end.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use jsonrpsee::async_client::{Client, ClientBuilder};
use jsonrpsee::client_transport::ws::{Url, WsTransportClientBuilder};
use tokio::net::UnixStream;

use super::MAX_ANSWER;

/// How long the agent may take to answer; a bridge with many flows takes a moment to read.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connects to the agent that listens on a socket.
///
/// # Errors
///
/// When none does.
pub(crate) async fn connect(socket: &Path) -> anyhow::Result<Client> {
    let stream = UnixStream::connect(socket).await.with_context(|| {
        format!(
            "no brint agent answers on {}: is it running, and is OVS_RUNDIR that of its Open \
             vSwitch?",
            socket.display()
        )
    })?;
    // HTTP wants a host name, which nobody looks at.
    let url: Url = "ws://localhost/".parse().context("the name of the agent")?;
    let (sender, receiver) = WsTransportClientBuilder::default()
        .max_response_size(MAX_ANSWER)
        .build_with_stream(url, stream)
        .await
        .with_context(|| format!("greeting the agent on {}", socket.display()))?;
    Ok(ClientBuilder::new()
        .request_timeout(PATIENCE)
        .build_with_tokio(sender, receiver))
}
