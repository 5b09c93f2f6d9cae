//! Real servers in directories of their own, which end with the test.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ovsdb::Remote;
use tempfile::TempDir;

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A small schema in which every kind of column occurs.
pub(crate) const SCHEMA: &str = include_str!("test.ovsschema");

/// A server, running or not.
pub(crate) struct Server {
    directory: Arc<TempDir>,
    name: String,
    process: Option<Child>,
}

impl Server {
    /// Starts a server with an empty database of the schema.
    pub(crate) fn start(schema: &str) -> Self {
        let mut server = Self::stopped(schema);
        server.run(&[]);
        server
    }

    /// Makes the database, but does not serve it yet.
    pub(crate) fn stopped(schema: &str) -> Self {
        let server = Self::named("server", &directory(schema));
        run(
            "ovsdb-tool",
            &["create", &server.file("db"), &server.shared("schema")],
        );
        server
    }

    /// Starts a cluster of three servers, which share a directory.
    pub(crate) fn cluster(schema: &str) -> [Self; 3] {
        let directory = directory(schema);
        let mut cluster = ["a", "b", "c"].map(|name| Self::named(name, &directory));
        let address = |server: &Self| format!("unix:{}", server.file("raft"));
        let first = address(&cluster[0]);
        for (index, server) in cluster.iter_mut().enumerate() {
            let (database, own) = (server.file("db"), address(server));
            match index {
                0 => {
                    let schema = server.shared("schema");
                    run("ovsdb-tool", &["create-cluster", &database, &schema, &own]);
                }
                _ => {
                    run(
                        "ovsdb-tool",
                        &["join-cluster", &database, "Test", &own, &first],
                    );
                }
            }
            server.run(&[]);
            let socket = server.remote().to_string();
            run(
                "ovsdb-client",
                &["-t", "30", "wait", &socket, "Test", "connected"],
            );
        }
        cluster
    }

    /// Starts a cluster of one server.
    pub(crate) fn alone(schema: &str) -> Self {
        let mut server = Self::named("server", &directory(schema));
        let address = format!("unix:{}", server.file("raft"));
        let (database, schema) = (server.file("db"), server.shared("schema"));
        run(
            "ovsdb-tool",
            &["create-cluster", &database, &schema, &address],
        );
        server.run(&[]);
        wait_for("the server leads itself", || server.leads());
        server
    }

    /// Starts a relay of another server.
    pub(crate) fn relay(of: &Self) -> Self {
        let mut relay = Self::named("relay", &of.directory);
        relay.serve(
            &relay.path("sock"),
            &format!("relay:Test:{}", of.remote()),
            &[],
        );
        relay
    }

    fn named(name: &str, directory: &Arc<TempDir>) -> Self {
        Self {
            directory: Arc::clone(directory),
            name: name.to_owned(),
            process: None,
        }
    }

    /// Serves the database where clients look for it.
    pub(crate) fn run(&mut self, arguments: &[&str]) {
        self.run_on(&self.path("sock"), arguments);
    }

    /// Serves the database on a socket.
    pub(crate) fn run_on(&mut self, socket: &Path, arguments: &[&str]) {
        self.serve(socket, &self.file("db"), arguments);
    }

    fn serve(&mut self, socket: &Path, database: &str, arguments: &[&str]) {
        self.kill();
        // A socket that a killed server left behind is no sign of a new one.
        drop(fs::remove_file(socket));
        let process = Command::new("ovsdb-server")
            .arg(format!("--remote=punix:{}", socket.display()))
            .arg(format!("--unixctl={}", self.file("ctl")))
            .args(["--no-chdir", "-vconsole:off"])
            .args(arguments)
            .arg(database)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ovsdb-server starts");
        self.process = Some(process);
        let control = self.path("ctl");
        wait_for("ovsdb-server listens", || {
            [socket, &control]
                .iter()
                .all(|socket| UnixStream::connect(socket).is_ok())
        });
    }

    /// Kills the server; nothing it holds in memory survives.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("ovsdb-server is killed");
            process.wait().expect("ovsdb-server ends");
        }
    }

    /// Has the server do nothing at all, or go on.
    pub(crate) fn freeze(&self, freeze: bool) {
        let process = self
            .process
            .as_ref()
            .expect("the server runs")
            .id()
            .to_string();
        run("kill", &[if freeze { "-STOP" } else { "-CONT" }, &process]);
    }

    /// A file of this server.
    pub(crate) fn path(&self, extension: &str) -> PathBuf {
        self.directory
            .path()
            .join(format!("{}.{extension}", self.name))
    }

    fn file(&self, extension: &str) -> String {
        self.path(extension).display().to_string()
    }

    fn shared(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Where the server listens.
    pub(crate) fn remote(&self) -> Remote {
        Remote::Unix(self.path("sock"))
    }

    /// Sends a command to the server's control socket.
    pub(crate) fn appctl(&self, arguments: &[&str]) -> String {
        let control = self.file("ctl");
        run("ovs-appctl", &[&["-t", &control], arguments].concat())
    }

    /// Whether the server runs.
    pub(crate) fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Whether the server leads its cluster.
    pub(crate) fn leads(&self) -> bool {
        self.runs()
            && self
                .appctl(&["cluster/status", "Test"])
                .contains("Role: leader")
    }

    /// The TCP port that the server listens on, or soon will.
    pub(crate) fn listening_port(&self) -> u16 {
        let process = self.process.as_ref().expect("the server runs").id();
        let mut port = None;
        wait_for("the server listens on TCP", || {
            port = listening_port(process);
            port.is_some()
        });
        port.expect("the server listens on TCP")
    }

    /// The whole database, as `ovsdb-client` sees it: one line of JSON for each table.
    pub(crate) fn dump(&self) -> String {
        run(
            "ovsdb-client",
            &[
                "--no-leader-only",
                "-f",
                "json",
                "dump",
                &self.remote().to_string(),
            ],
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// The TCP port that a process listens on, over IPv4 or IPv6.
fn listening_port(process: u32) -> Option<u16> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{process}/fd"))
        .ok()?
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
        .map(|target| target.display().to_string())
        .collect();
    let table = |name| fs::read_to_string(format!("/proc/{process}/net/{name}"));
    let table = [table("tcp").ok()?, table("tcp6").ok()?].concat();
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let socket = format!("socket:[{}]", columns.get(9)?);
        let (_, port) = columns.get(1)?.rsplit_once(':')?;
        let listens = columns.get(3) == Some(&"0A") && sockets.contains(&socket);
        listens.then(|| u16::from_str_radix(port, 16).ok())?
    })
}

/// A new directory with a schema in it.
fn directory(schema: &str) -> Arc<TempDir> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("schema"), schema).expect("the schema is written");
    Arc::new(directory)
}

/// Runs a command and returns what it prints.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .expect("the program is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("the output is text")
}

/// Tries until something holds.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "timed out: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
