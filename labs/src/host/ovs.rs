//! The tools of Open vSwitch, aimed at the Open vSwitch of one host.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::namespace::Namespace;
use crate::process::succeed;

/// Where packages and `make install` put the schema.
const SCHEMAS: [&str; 2] = [
    "/usr/share/openvswitch/vswitch.ovsschema",
    "/usr/local/share/openvswitch/vswitch.ovsschema",
];

/// The Open vSwitch that runs in one directory.
#[derive(Clone, Debug)]
pub struct Ovs {
    directory: PathBuf,
}

impl Ovs {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The directory of its sockets, database and logs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.join("conf.db")
    }

    /// Makes an empty database.
    pub(crate) fn create_database(&self) -> anyhow::Result<()> {
        let schema = SCHEMAS
            .into_iter()
            .find(|schema| Path::new(schema).exists());
        let schema = schema.context("Open vSwitch is not installed: no vswitch.ovsschema")?;
        succeed(
            Command::new("ovsdb-tool")
                .arg("create")
                .arg(self.database())
                .arg(schema),
        )?;
        Ok(())
    }

    /// What makes a tool, or an agent, look at this Open vSwitch.
    pub fn environment(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"]
            .into_iter()
            .map(|name| (name, self.directory.as_path()))
    }

    /// A tool that talks to it through its sockets.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment());
        command
    }

    /// A program of it that has to run inside the host.
    pub(crate) fn command_in(&self, namespace: &Namespace, program: &str) -> Command {
        let mut command = namespace.command(program);
        command.envs(self.environment());
        command
    }

    /// Runs `ovs-vsctl`, with arguments separated by spaces.
    ///
    /// # Errors
    ///
    /// When it fails, or does not end in time.
    pub fn vsctl(&self, arguments: &str) -> anyhow::Result<String> {
        succeed(self.command("ovs-vsctl").args(arguments.split_whitespace()))
    }

    /// Runs `ovs-ofctl`, with arguments separated by spaces.
    ///
    /// # Errors
    ///
    /// When it fails, or does not end in time.
    pub fn ofctl(&self, arguments: &str) -> anyhow::Result<String> {
        succeed(self.command("ovs-ofctl").args(arguments.split_whitespace()))
    }

    /// Runs `ovs-appctl` on `ovs-vswitchd`, with arguments separated by spaces.
    ///
    /// # Errors
    ///
    /// When it fails, or does not end in time.
    pub fn appctl(&self, arguments: &str) -> anyhow::Result<String> {
        succeed(
            self.command("ovs-appctl")
                .args(arguments.split_whitespace()),
        )
    }

    /// The flows of a bridge as `ovs-ofctl dump-flows` prints them, one a line.
    ///
    /// # Errors
    ///
    /// When the switch does not answer.
    pub fn flows(&self, bridge: &str) -> anyhow::Result<Vec<String>> {
        let dump = self.ofctl(&format!("dump-flows {bridge}"))?;
        let flows = dump.lines().filter(|line| line.contains("actions="));
        Ok(flows.map(|line| line.trim().to_owned()).collect())
    }
}
