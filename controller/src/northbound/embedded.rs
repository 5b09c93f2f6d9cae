//! The northbound database on the host's own `ovsdb-server`, beside the one of Open vSwitch.
//!
//! A server that was started again serves what its command line says, and this database is not
//! there. So whenever the database cannot be followed, it is made sure that it is served: the file
//! exists, the server has it, and its schema is not an older one. A file that is missing is made
//! only where the host has followed no database before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ovsdb::Remote;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::info;

use super::database::{NAME, SCHEMA};
use super::followed::{Followed, is_accepted};
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

    /// Makes sure that the database is served, however long that takes; the reason why it is not
    /// yet goes to `obstacle`.
    pub(crate) async fn serve(self, obstacle: watch::Sender<Option<String>>) {
        loop {
            let reason = self.try_to_serve().await.err();
            obstacle.send_if_modified(|told| {
                let is_new = *told != reason;
                told.clone_from(&reason);
                is_new
            });
            if reason.is_none() {
                return;
            }
            sleep(RETRY).await;
        }
    }

    async fn try_to_serve(&self) -> Result<(), String> {
        let file = self.file.display().to_string();
        if !self.file.exists() {
            self.may_make().await?;
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

    /// Whether the file may be made anew: not where there was a database that this host has followed.
    /// Its networks would be gone.
    async fn may_make(&self) -> Result<(), String> {
        let operation = json!({
            "op": "select", "table": "Open_vSwitch", "where": [], "columns": ["external_ids"],
        });
        let transaction = json!(["Open_vSwitch", operation]).to_string();
        let remote = self.remote().to_string();
        let answer = tool("ovsdb-client", &["transact", &remote, &transaction]).await?;
        let external_ids = external_ids(&answer)
            .ok_or_else(|| format!("the external_ids of the host cannot be read: {answer}"))?;
        match Followed::of(&external_ids) {
            Some(followed) if !is_accepted(&external_ids) => Err(format!(
                "{} is missing, and this host has followed {followed}: bring the file back, or have \
                 brint accept-database allow that an empty one is made",
                self.file.display()
            )),
            _ => Ok(()),
        }
    }

    async fn ask(&self, command: &str, arguments: &[&str]) -> Result<String, String> {
        unixctl::call(&self.run_directory, "ovsdb-server", command, arguments).await
    }
}

/// Reads the answer to a question for the `external_ids` of the switch.
fn external_ids(answer: &str) -> Option<BTreeMap<String, String>> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let Some(map) = answer.pointer("/0/rows/0/external_ids/1") else {
        let rows = answer.pointer("/0/rows")?.as_array()?;
        return rows.is_empty().then(BTreeMap::new);
    };
    let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned());
    let pairs = map.as_array()?.iter();
    let pairs = pairs.map(|pair| Some((text(pair.get(0))?, text(pair.get(1))?)));
    pairs.collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_external_ids_of_the_host_are_read_from_its_database() {
        let answer = r#"[{"rows":[{"external_ids":["map",[["a","1"],["b","2"]]]}]}]"#;
        let expected = [("a", "1"), ("b", "2")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(external_ids(answer), Some(expected.into()));
        assert_eq!(external_ids(r#"[{"rows":[]}]"#), Some(BTreeMap::new()));
        let none = r#"[{"rows":[{"external_ids":["map",[]]}]}]"#;
        assert_eq!(external_ids(none), Some(BTreeMap::new()));
        assert_eq!(external_ids(r#"[{"error":"not allowed"}]"#), None);
    }
}
