//! A northbound database that ends with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use labs::{PATIENCE, wait_for};

/// A northbound database and its server.
#[derive(Debug)]
pub struct Northbound {
    directory: PathBuf,
    brint: PathBuf,
    server: Option<Child>,
}

impl Northbound {
    /// Makes an empty database in a directory, and serves it.
    ///
    /// # Errors
    ///
    /// When Open vSwitch is missing.
    pub fn start(directory: &Path, brint: &Path) -> anyhow::Result<Self> {
        let mut northbound = Self {
            directory: directory.to_owned(),
            brint: brint.to_owned(),
            server: None,
        };
        let schema = northbound.brint("schema")?;
        fs::write(northbound.file("nb.ovsschema"), schema)?;
        let mut create = Command::new("ovsdb-tool");
        create
            .arg("create")
            .args([northbound.file("nb.db"), northbound.file("nb.ovsschema")]);
        succeed(&mut create)?;
        northbound.serve()?;
        Ok(northbound)
    }

    /// Serves the database, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn serve(&mut self) -> anyhow::Result<()> {
        let server = Command::new("ovsdb-server")
            .arg(format!("--remote=p{}", self.remote()))
            .arg(format!("--unixctl={}", self.file("nb.ctl").display()))
            .arg("--no-chdir")
            .arg(self.file("nb.db"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting ovsdb-server")?;
        self.server = Some(server);
        let remote = self.remote();
        wait_for("the northbound database", PATIENCE, || {
            let mut list = Command::new("ovsdb-client");
            Ok(succeed(list.args(["list-dbs", &remote])).ok())
        })?;
        Ok(())
    }

    /// Kills the server as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut server = self.server.take().context("the server does not run")?;
        server.kill()?;
        server.wait()?;
        Ok(())
    }

    /// Where it is.
    pub fn remote(&self) -> String {
        format!("unix:{}", self.file("nb.sock").display())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Runs a command of `brint`, with arguments separated by spaces, and returns what it prints.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub fn brint(&self, arguments: &str) -> anyhow::Result<String> {
        let mut command = Command::new(&self.brint);
        command
            .env("BRINT_REMOTE", self.remote())
            .args(arguments.split_whitespace());
        succeed(&mut command)
    }

    /// Writes a description to a file, and applies it with more arguments.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub fn apply(&self, description: &str, arguments: &str) -> anyhow::Result<String> {
        let file = self.file("applied.yaml");
        fs::write(&file, description)?;
        self.brint(&format!("apply -f {} {arguments}", file.display()))
    }

    /// The columns of the rows of a table, as `ovsdb-client` prints them: one row a line, the columns
    /// in the order of the alphabet.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub fn rows(&self, table: &str, columns: &str) -> anyhow::Result<Vec<String>> {
        let mut dump = Command::new("ovsdb-client");
        dump.args(["-f", "csv", "--no-headings", "dump"])
            .args([&self.remote(), "Brint_Northbound", table])
            .args(columns.split_whitespace());
        let text = succeed(&mut dump)?;
        let rows = text.lines().filter(|line| !line.ends_with(" table"));
        Ok(rows.map(str::to_owned).collect())
    }
}

impl Drop for Northbound {
    fn drop(&mut self) {
        // A server that was killed is gone already.
        drop(self.kill());
    }
}

fn succeed(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", stderr.trim());
    Ok(String::from_utf8(output.stdout)?)
}
