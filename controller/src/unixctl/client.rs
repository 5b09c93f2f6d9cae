//! Asking another daemon of Open vSwitch, as `ovs-appctl` does.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ovsdb::jsonrpc::{Connection, Incoming};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer in bytes.
const MAX_ANSWER: usize = 64 << 20;

/// Has a daemon, such as `ovs-vswitchd`, carry out a command.
///
/// # Errors
///
/// It does not run, or says that it cannot; in words for people.
pub(crate) async fn call(
    run_directory: &Path,
    daemon: &str,
    command: &str,
    arguments: &[&str],
) -> Result<String, String> {
    let call = converse(run_directory, daemon, command, arguments);
    timeout(PATIENCE, call)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
        .map_err(|reason| format!("{daemon}: {reason}"))
}

async fn converse(
    run_directory: &Path,
    daemon: &str,
    command: &str,
    arguments: &[&str],
) -> Result<String, String> {
    let pidfile = run_directory.join(format!("{daemon}.pid"));
    let process =
        fs::read_to_string(&pidfile).map_err(|error| format!("{}: {error}", pidfile.display()))?;
    let socket = run_directory.join(format!("{daemon}.{}.ctl", process.trim()));
    let failed = |error: &dyn ToString| format!("{}: {}", socket.display(), error.to_string());
    let mut stream = UnixStream::connect(&socket)
        .await
        .map_err(|error| failed(&error))?;
    let mut connection = Connection::new(MAX_ANSWER, None, Instant::now());
    connection
        .request(command, &arguments)
        .map_err(|error| failed(&error))?;
    let (_, outgoing) = connection.buffers();
    stream
        .write_all_buf(outgoing)
        .await
        .map_err(|error| failed(&error))?;
    loop {
        let (incoming, _) = connection.buffers();
        let received = stream.read_buf(incoming).await;
        if received.map_err(|error| failed(&error))? == 0 {
            return Err("hung up before it answered".to_owned());
        }
        let message = connection.poll_incoming().map_err(|error| failed(&error))?;
        if let Some(Incoming::Reply { outcome, .. }) = message {
            let text = |json: Box<serde_json::value::RawValue>| -> String {
                // What is no text is shown as it is.
                serde_json::from_str(json.get()).unwrap_or_else(|_| json.get().to_owned())
            };
            return outcome.map(text).map_err(text);
        }
    }
}
