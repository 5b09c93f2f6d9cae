//! The northbound database on the host's own `ovsdb-server`, beside the one of Open vSwitch.
//!
//! A server that was started again serves what its command line says, and this database is not
//! there. So whenever the database cannot be followed, it is made sure that it is served: the file
//! exists, the server has it, and its schema is not an older one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ovsdb::Remote;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::sleep;
use tracing::{info, warn};

use super::database::{NAME, SCHEMA};
use crate::unixctl;

/// How long to wait before what failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// The server, and the file of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// Where Open vSwitch keeps its sockets.
    pub(crate) run_directory: PathBuf,
    /// The file.
    pub(crate) file: PathBuf,
}

impl Embedded {
    /// Where the database is served.
    pub(crate) fn remote(&self) -> Remote {
        Remote::Unix(self.run_directory.join("db.sock"))
    }

    /// Makes sure that the database is served, however long that takes.
    pub(crate) async fn serve(self) {
        let mut told = None;
        loop {
            let Err(reason) = self.try_to_serve().await else {
                return;
            };
            if told.as_ref() != Some(&reason) {
                warn!("{NAME} is not served: {reason}; trying until it is");
                told = Some(reason);
            }
            sleep(RETRY).await;
        }
    }

    async fn try_to_serve(&self) -> Result<(), String> {
        let file = self.file.display().to_string();
        if !self.file.exists() {
            tool("ovsdb-tool", &["create", &file, "/dev/stdin"]).await?;
            info!("{file}: made for {NAME}");
        }
        let served = self.ask("ovsdb-server/list-dbs", &[]).await?;
        if !served.lines().any(|database| database == NAME) {
            let absolute = std::path::absolute(&self.file);
            let absolute = absolute.map_err(|error| format!("{file}: {error}"))?;
            self.ask("ovsdb-server/add-db", &[&path(&absolute)]).await?;
            info!("{file}: served by the host's ovsdb-server");
        }
        let remote = self.remote().to_string();
        let theirs = tool("ovsdb-client", &["get-schema-version", &remote, NAME]).await?;
        let ours = tool("ovsdb-tool", &["schema-version", "/dev/stdin"]).await?;
        if version(&theirs)? < version(&ours)? {
            tool("ovsdb-client", &["convert", &remote, "/dev/stdin"]).await?;
            info!(
                "{NAME}: converted from {} to {}",
                theirs.trim(),
                ours.trim()
            );
        }
        Ok(())
    }

    async fn ask(&self, command: &str, arguments: &[&str]) -> Result<String, String> {
        unixctl::call(&self.run_directory, "ovsdb-server", command, arguments).await
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// Reads a version, as `1.0.0`.
fn version(text: &str) -> Result<Vec<u32>, String> {
    let numbers = text.trim().split('.').map(str::parse);
    numbers
        .collect::<Result<_, _>>()
        .map_err(|_| format!("version {text:?}, expected numbers with dots"))
}

/// Runs a tool of Open vSwitch with the schema as its input, and returns what it prints.
async fn tool(program: &str, arguments: &[&str]) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{program}: {error}");
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that does not want it ends without it.
        drop(stdin.write_all(SCHEMA.as_bytes()).await);
    }
    let output = child.wait_with_output().await.map_err(failed)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{program}: {}", text(&output.stderr).trim())),
    }
}
