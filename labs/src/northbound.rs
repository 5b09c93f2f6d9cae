//! A northbound database that ends with the lab: one server, or a cluster of three.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::namespace::Namespace;
use crate::patience::{PATIENCE, wait_for};
use crate::process::succeed;

/// The name of the database.
const NAME: &str = "Brint_Northbound";

/// A northbound database and its servers.
#[derive(Debug)]
pub struct Northbound {
    directory: PathBuf,
    brint: PathBuf,
    servers: Vec<Server>,
    arguments: Vec<String>,
    /// Where the servers run; on the machine itself without.
    namespace: Option<Namespace>,
    is_kept: bool,
}

/// A server of the database, with files of its own.
#[derive(Debug)]
struct Server {
    name: &'static str,
    process: Option<Child>,
}

impl Northbound {
    /// Makes an empty database in a directory, and serves it.
    ///
    /// # Errors
    ///
    /// When Open vSwitch is missing.
    pub fn start(directory: &Path, brint: &Path) -> anyhow::Result<Self> {
        Self::new(directory, brint, &["nb"])?.alone()
    }

    /// The same inside a namespace of a lab: the server ends with the lab, whatever becomes of this
    /// program.
    ///
    /// # Errors
    ///
    /// When Open vSwitch is missing.
    pub fn start_in(namespace: &Namespace, directory: &Path, brint: &Path) -> anyhow::Result<Self> {
        let mut northbound = Self::new(directory, brint, &["nb"])?;
        northbound.namespace = Some(namespace.clone());
        northbound.alone()
    }

    /// The same with another schema, as that of an earlier version.
    ///
    /// # Errors
    ///
    /// When Open vSwitch is missing, or does not like the schema.
    pub fn of_schema(directory: &Path, brint: &Path, schema: &str) -> anyhow::Result<Self> {
        let northbound = Self::new(directory, brint, &["nb"])?;
        fs::write(northbound.file("nb.ovsschema"), schema)?;
        northbound.alone()
    }

    fn alone(mut self) -> anyhow::Result<Self> {
        let schema = self.file("nb.ovsschema");
        run("ovsdb-tool", ["create", &self.file("nb.db"), &schema])?;
        self.serve()?;
        Ok(self)
    }

    /// Makes an empty database in a directory, and serves it by a Raft cluster of three servers.
    ///
    /// # Errors
    ///
    /// When Open vSwitch is missing, or the servers do not find each other.
    pub fn cluster(directory: &Path, brint: &Path) -> anyhow::Result<Self> {
        let mut northbound = Self::new(directory, brint, &["nb1", "nb2", "nb3"])?;
        let schema = northbound.file("nb.ovsschema");
        let raft = |name| format!("unix:{}", northbound.file(&format!("{name}.raft")));
        let database = |name| northbound.file(&format!("{name}.db"));
        let (first, first_database) = (raft("nb1"), database("nb1"));
        run(
            "ovsdb-tool",
            ["create-cluster", &first_database, &schema, &first],
        )?;
        for name in ["nb2", "nb3"] {
            let (database, own) = (database(name), raft(name));
            run(
                "ovsdb-tool",
                ["join-cluster", &database, NAME, &own, &first],
            )?;
        }
        northbound.serve()?;
        Ok(northbound)
    }

    fn new(directory: &Path, brint: &Path, names: &[&'static str]) -> anyhow::Result<Self> {
        let server = |name: &&'static str| Server {
            name,
            process: None,
        };
        let northbound = Self {
            directory: directory.to_owned(),
            brint: brint.to_owned(),
            servers: names.iter().map(server).collect(),
            arguments: Vec::new(),
            namespace: None,
            is_kept: false,
        };
        let schema = northbound.brint("schema")?;
        fs::write(northbound.file("nb.ovsschema"), schema)?;
        Ok(northbound)
    }

    /// Gives servers that are started from now on more arguments.
    pub fn set_arguments(&mut self, arguments: impl IntoIterator<Item = String>) {
        self.arguments = arguments.into_iter().collect();
    }

    /// Starts every server that does not run, and waits until they answer.
    ///
    /// # Errors
    ///
    /// When one does not.
    pub fn serve(&mut self) -> anyhow::Result<()> {
        let directory = self.directory.clone();
        for server in &mut self.servers {
            let namespace = self.namespace.as_ref();
            server.run(&directory, &self.arguments, namespace)?;
        }
        for server in &self.servers {
            let remote = server.remote(&directory);
            wait_for("the northbound database", PATIENCE, || {
                let wait = ["-t", "5", "wait", &remote, NAME, "connected"];
                Ok(run("ovsdb-client", wait).ok())
            })?;
        }
        Ok(())
    }

    /// Leaves the servers as they are when this value goes.
    pub fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Kills every server as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When one does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.servers.iter_mut().try_for_each(Server::kill)
    }

    /// Has the server serve an empty database in place of the one that it has, which is put aside, as
    /// if the disk had been replaced.
    ///
    /// # Errors
    ///
    /// When the files cannot be moved, or the server does not start.
    pub fn replace(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        fs::rename(self.file("nb.db"), self.file("nb.old"))?;
        let schema = self.file("nb.ovsschema");
        run("ovsdb-tool", ["create", &self.file("nb.db"), &schema])?;
        self.serve()
    }

    /// Puts a copy of the database of a single server aside, as a backup does.
    ///
    /// # Errors
    ///
    /// When the file cannot be copied, or the server does not start.
    pub fn save(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        fs::copy(self.file("nb.db"), self.file("nb.old"))?;
        self.serve()
    }

    /// Has the server serve the database again that was put aside.
    ///
    /// # Errors
    ///
    /// When the files cannot be moved, or the server does not start.
    pub fn restore(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        fs::copy(self.file("nb.old"), self.file("nb.db"))?;
        self.serve()
    }

    /// Kills the server that leads the cluster, as `kill -9` does, as soon as one leads.
    ///
    /// # Errors
    ///
    /// When none leads in time.
    pub fn kill_leader(&mut self) -> anyhow::Result<()> {
        let directory = self.directory.clone();
        let mut servers = self.servers.iter_mut().filter(|it| it.process.is_some());
        let mut running: Vec<_> = servers.by_ref().collect();
        let leader = wait_for("a leader", PATIENCE, || {
            Ok(running.iter().position(|server| server.leads(&directory)))
        })?;
        let leader = running.get_mut(leader).context("the leader")?;
        leader.kill()
    }

    /// Where it is: its servers, separated by commas.
    pub fn remote(&self) -> String {
        let remotes = self.servers.iter().map(|it| it.remote(&self.directory));
        remotes.collect::<Vec<_>>().join(",")
    }

    fn file(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// A command of `brint` for this database, with arguments separated by spaces.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.brint);
        command
            .env("BRINT_REMOTE", self.remote())
            .args(arguments.split_whitespace());
        command
    }

    /// Runs a command of `brint`, with arguments separated by spaces, and returns what it prints.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub fn brint(&self, arguments: &str) -> anyhow::Result<String> {
        succeed(&mut self.command(arguments))
    }

    /// Writes a description to a file, and applies it with more arguments.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub fn apply(&self, description: &str, arguments: &str) -> anyhow::Result<String> {
        succeed(&mut self.applying(description, arguments)?)
    }

    /// Writes a description to a file; the command that applies it, with more arguments.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn applying(&self, description: &str, arguments: &str) -> anyhow::Result<Command> {
        let file = self.file("applied.yaml");
        fs::write(&file, description)?;
        Ok(self.command(&format!("apply -f {file} {arguments}")))
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
            .args([&self.remote(), NAME, table])
            .args(columns.split_whitespace());
        let text = succeed(&mut dump)?;
        let rows = text.lines().filter(|line| !line.ends_with(" table"));
        Ok(rows.map(str::to_owned).collect())
    }
}

impl Drop for Northbound {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        for server in &mut self.servers {
            // A server that was killed is gone already.
            drop(server.kill());
        }
    }
}

impl Server {
    fn run(
        &mut self,
        directory: &Path,
        arguments: &[String],
        namespace: Option<&Namespace>,
    ) -> anyhow::Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let file = |extension: &str| directory.join(format!("{}.{extension}", self.name));
        let mut command = match namespace {
            Some(namespace) => namespace.command("ovsdb-server"),
            None => Command::new("ovsdb-server"),
        };
        let process = command
            .arg(format!("--remote=p{}", self.remote(directory)))
            .arg(format!("--unixctl={}", file("ctl").display()))
            .args(["--no-chdir", "-vconsole:off"])
            .args(arguments)
            .arg(file("db"))
            .stdin(Stdio::null())
            .spawn()
            .context("starting ovsdb-server")?;
        self.process = Some(process);
        Ok(())
    }

    fn kill(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().context("the server does not run")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    fn leads(&self, directory: &Path) -> bool {
        let control = directory.join(format!("{}.ctl", self.name));
        let control = control.display().to_string();
        let status = run("ovs-appctl", ["-t", &control, "cluster/status", NAME]);
        status.is_ok_and(|status| status.contains("Role: leader"))
    }

    fn remote(&self, directory: &Path) -> String {
        let socket = directory.join(format!("{}.sock", self.name));
        format!("unix:{}", socket.display())
    }
}

fn run<const N: usize>(program: &str, arguments: [&str; N]) -> anyhow::Result<String> {
    succeed(Command::new(program).args(arguments))
}
