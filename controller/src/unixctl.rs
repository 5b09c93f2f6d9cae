//! The control socket in the manner of Open vSwitch: `ovs-appctl -t brint-agent COMMAND`.
//!
//! It is for people and their habits: the words are those that every daemon of Open vSwitch takes.
//! The messages are JSON-RPC 1.0, each command a method whose parameters and result are text.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ovsdb::jsonrpc::{Connection, Incoming, ProtocolError, to_json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;
use tracing::{debug, warn};

mod client;
mod command;

pub(crate) use client::call;
pub(crate) use command::Commands;

/// The longest request in bytes.
const MAX_REQUEST: usize = 1 << 20;
/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Carries out commands, for as long as it is polled.
pub(crate) async fn serve(listener: UnixListener, commands: Commands) -> Infallible {
    let commands = Arc::new(commands);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let commands = Arc::clone(&commands);
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &commands).await {
                        debug!("a client of the unixctl socket: {error}");
                    }
                });
            }
            Err(error) => {
                warn!("the unixctl socket: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Why a conversation ended early.
#[derive(Debug, thiserror::Error)]
enum ConversationError {
    /// The socket failed.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// The other side broke the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// An answer has no JSON form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Answers one client until it hangs up.
async fn converse(mut stream: UnixStream, commands: &Commands) -> Result<(), ConversationError> {
    let mut connection = Connection::new(MAX_REQUEST, None, Instant::now());
    loop {
        let (incoming, _) = connection.buffers();
        if stream.read_buf(incoming).await? == 0 {
            return Ok(());
        }
        while let Some(incoming) = connection.poll_incoming()? {
            let Incoming::Request { id, method, params } = incoming else {
                continue;
            };
            let arguments: Result<Vec<String>, _> = serde_json::from_str(params.get());
            let outcome = match arguments {
                Ok(arguments) => commands.run(&method, &arguments).await,
                Err(_) => Err(format!("{method}: expected words as parameters")),
            };
            let outcome = match outcome {
                Ok(text) => Ok(to_json(&whole_lines(text))?),
                Err(text) => Err(to_json(&whole_lines(text))?),
            };
            connection.reply(id, outcome);
            let (_, outgoing) = connection.buffers();
            stream.write_all_buf(outgoing).await?;
            commands.replied(&method);
        }
    }
}

/// `ovs-appctl` prints an answer as it is, so its last line has to end.
fn whole_lines(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
