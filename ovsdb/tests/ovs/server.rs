//! A real `ovsdb-server` in a directory of its own, which ends with the test.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovsdb::Remote;
use tempfile::TempDir;

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A small schema in which every kind of column occurs.
pub(crate) const SCHEMA: &str = include_str!("test.ovsschema");

/// A running server.
pub(crate) struct Server {
    directory: TempDir,
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
        let directory = tempfile::tempdir().expect("a temporary directory");
        let schema_file = directory.path().join("schema");
        fs::write(&schema_file, schema).expect("the schema is written");
        let server = Self {
            directory,
            process: None,
        };
        let (database, schema_file) = (server.path("db"), schema_file.display().to_string());
        let database = database.display().to_string();
        run("ovsdb-tool", &["create", &database, &schema_file]);
        server
    }

    /// Serves the database where clients look for it.
    pub(crate) fn run(&mut self, arguments: &[&str]) {
        self.run_on(&self.path("db.sock"), arguments);
    }

    /// Serves the database on a socket.
    pub(crate) fn run_on(&mut self, socket: &Path, arguments: &[&str]) {
        // A socket that a killed server left behind is no sign of a new one.
        drop(fs::remove_file(socket));
        let process = Command::new("ovsdb-server")
            .arg(format!("--remote=punix:{}", socket.display()))
            .arg(format!("--unixctl={}", self.path("ctl").display()))
            .args(["--no-chdir", "-vconsole:off"])
            .args(arguments)
            .arg(self.path("db"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ovsdb-server starts");
        self.process = Some(process);
        wait_for("ovsdb-server listens", || {
            UnixStream::connect(socket).is_ok()
        });
    }

    /// Kills the server; nothing it holds in memory survives.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("ovsdb-server is killed");
            process.wait().expect("ovsdb-server ends");
        }
    }

    /// A file in the server's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where the server listens.
    pub(crate) fn remote(&self) -> Remote {
        Remote::Unix(self.path("db.sock"))
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
        std::thread::yield_now();
    }
}
