//! A host: a namespace with an Open vSwitch of its own, joined to the physical switches.

use std::ffi::OsStr;
use std::fs;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use nix::sys::signal::Signal;

use crate::machine::Machine;
use crate::namespace::Namespace;
use crate::network::Port;
use crate::patience::{PATIENCE, wait_for};
use crate::process::{Daemon, succeed};
use crate::state::State;
use crate::switch::Switch;

mod datapath;
mod ovs;

pub use datapath::Datapath;
pub use ovs::Ovs;

/// The bridge that VMs are plugged into.
const INTEGRATION_BRIDGE: &str = "br-int";
/// The bridge that holds the tunnel endpoint.
///
/// The userspace datapath finds the way to a remote endpoint only through an address on one of its
/// own bridges. The kernel datapath does not mind, so both are built alike.
pub(crate) const PHYSICAL_BRIDGE: &str = "br-phy";
/// The network card of the underlay.
const UNDERLAY_CARD: &str = "eth0";

/// A cable of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cable {
    /// To the physical switch that carries tunnels.
    Tunnels,
    /// To a physical network, from the provider bridge of this name.
    Provider(&'static str),
}

impl Cable {
    /// The network card that it is plugged into.
    fn card(self) -> String {
        match self {
            Self::Tunnels => UNDERLAY_CARD.to_owned(),
            Self::Provider(bridge) => provider_card(bridge),
        }
    }
}

/// The network card of a provider bridge.
pub(crate) fn provider_card(bridge: &str) -> String {
    format!("{bridge}-nic")
}

/// A host, with Open vSwitch and perhaps an agent running.
#[derive(Debug)]
pub struct Host {
    name: String,
    namespace: Namespace,
    state: Arc<State>,
    ovs: Ovs,
    datapath: Datapath,
    database: Option<Daemon>,
    switch: Option<Daemon>,
    agent: Option<Daemon>,
}

impl Host {
    /// Makes a host and starts Open vSwitch on it; it is joined to nothing.
    pub(crate) fn start(state: &Arc<State>, prefix: &str, name: &str) -> anyhow::Result<Self> {
        let namespace = state.add_namespace(&format!("{prefix}-{name}"))?;
        let directory = state.directory().join(name);
        fs::create_dir_all(&directory)
            .with_context(|| format!("making {}", directory.display()))?;
        // The kernel of a host must not talk on the interfaces of its VMs.
        namespace.sysctl("ipv6/conf/default/disable_ipv6", "1")?;
        let mut host = Self {
            name: name.to_owned(),
            namespace,
            state: Arc::clone(state),
            ovs: Ovs::new(directory),
            datapath: Datapath::of_this_machine(),
            database: None,
            switch: None,
            agent: None,
        };
        host.make_database()?;
        host.start_switch()?;
        Ok(host)
    }

    /// Makes an empty database and starts its server.
    fn make_database(&mut self) -> anyhow::Result<()> {
        self.ovs.create_database()?;
        self.start_database()?;
        let name = &self.name;
        self.ovs.vsctl(&format!(
            "--no-wait init -- set Open_vSwitch . external_ids:system-id={name} \
             external_ids:hostname={name} other_config:n-handler-threads=1 \
             other_config:n-revalidator-threads=1"
        ))?;
        Ok(())
    }

    /// Has the database lose everything, as when its file is lost.
    ///
    /// # Errors
    ///
    /// When it does not run, or does not start again.
    pub fn lose_database(&mut self) -> anyhow::Result<()> {
        self.kill_database()?;
        let file = self.ovs.database();
        fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
        self.make_database()
    }

    /// Joins the tunnel endpoint to the underlay, as an administrator would.
    pub(crate) fn join_underlay(&self, underlay: &Switch, endpoint: IpAddr) -> anyhow::Result<()> {
        underlay.connect(&self.name, &self.namespace, UNDERLAY_CARD)?;
        self.add_card(PHYSICAL_BRIDGE, UNDERLAY_CARD)?;
        self.address_underlay(endpoint)
    }

    /// Puts the cards into their bridges again.
    pub(crate) fn add_cards<'a>(
        &self,
        provider_bridges: impl Iterator<Item = &'a str>,
    ) -> anyhow::Result<()> {
        self.add_card(PHYSICAL_BRIDGE, UNDERLAY_CARD)?;
        for bridge in provider_bridges {
            self.add_card(bridge, &provider_card(bridge))?;
        }
        Ok(())
    }

    /// Gives the bridge of the tunnels its address, unless it has it.
    pub(crate) fn address_underlay(&self, endpoint: IpAddr) -> anyhow::Result<()> {
        let prefix = if endpoint.is_ipv6() {
            self.namespace
                .sysctl(&format!("ipv6/conf/{PHYSICAL_BRIDGE}/disable_ipv6"), "0")?;
            64
        } else {
            24
        };
        self.namespace.ip(&format!(
            "addr replace {endpoint}/{prefix} dev {PHYSICAL_BRIDGE}"
        ))?;
        self.namespace
            .ip(&format!("link set {PHYSICAL_BRIDGE} up"))?;
        Ok(())
    }

    /// Puts an interface of the namespace into a bridge, which is made if it is missing.
    pub(crate) fn add_card(&self, bridge: &str, card: &str) -> anyhow::Result<()> {
        let datapath = self.datapath;
        self.ovs.vsctl(&format!(
            "--may-exist add-br {bridge} -- set Bridge {bridge} datapath_type={datapath} \
             -- add-port {bridge} {card}"
        ))?;
        Ok(())
    }

    /// Pulls a cable out: neither end has a link.
    ///
    /// # Errors
    ///
    /// When the host has no such card.
    pub fn pull(&self, cable: Cable) -> anyhow::Result<()> {
        let card = cable.card();
        self.namespace.ip(&format!("link set {card} down"))?;
        Ok(())
    }

    /// Puts a cable back that was pulled out.
    ///
    /// # Errors
    ///
    /// When the host has no such card.
    pub fn put_back(&self, cable: Cable) -> anyhow::Result<()> {
        let card = cable.card();
        self.namespace.ip(&format!("link set {card} up"))?;
        Ok(())
    }

    /// Its name in the network description.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The tools of its Open vSwitch.
    pub fn ovs(&self) -> &Ovs {
        &self.ovs
    }

    /// What forwards its packets.
    pub fn datapath(&self) -> Datapath {
        self.datapath
    }

    /// The log of its agent.
    pub fn agent_log(&self) -> PathBuf {
        self.ovs.directory().join("brint.log")
    }

    /// What its agent has logged so far.
    ///
    /// # Errors
    ///
    /// When the log cannot be read, as before the first start.
    pub fn read_agent_log(&self) -> anyhow::Result<String> {
        let log = self.agent_log();
        fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))
    }

    /// Starts the agent.
    ///
    /// # Errors
    ///
    /// When it cannot be started. Whether it stays is for others to see.
    pub fn start_agent(&mut self, brint: &Path, network: &Path) -> anyhow::Result<()> {
        let source = ["agent".as_ref(), "--network".as_ref(), network.as_os_str()];
        self.start_agent_of(brint, &source)
    }

    /// Starts the agent, by a command that says what it follows.
    ///
    /// # Errors
    ///
    /// When it cannot be started. Whether it stays is for others to see.
    pub fn start_agent_of(&mut self, brint: &Path, source: &[&OsStr]) -> anyhow::Result<()> {
        let name = self.name.clone();
        self.start_agent_as(brint, source, &name)
    }

    /// The same under another name, as on a host that was cloned.
    ///
    /// # Errors
    ///
    /// When it cannot be started. Whether it stays is for others to see.
    pub fn start_agent_as(
        &mut self,
        brint: &Path,
        source: &[&OsStr],
        name: &str,
    ) -> anyhow::Result<()> {
        let mut command = self.namespace.command("env");
        command
            .args(
                self.ovs
                    .environment()
                    .map(|(name, value)| format!("{name}={}", value.display())),
            )
            .arg(brint)
            .args(source)
            .args(["--host", name]);
        self.agent = Some(self.state.start(&mut command, &self.agent_log())?);
        Ok(())
    }

    /// Whether the agent runs.
    pub fn agent_runs(&mut self) -> bool {
        self.agent.as_mut().is_some_and(Daemon::runs)
    }

    /// Runs a command of `brint` that asks the agent, with arguments separated by spaces.
    ///
    /// # Errors
    ///
    /// When it fails, or does not end in time.
    pub fn ask_agent(&self, brint: &Path, arguments: &str) -> anyhow::Result<String> {
        succeed(self.ovs.command(brint).args(arguments.split_whitespace()))
    }

    /// The process of its agent, if that was started.
    pub fn agent_id(&self) -> Option<u32> {
        self.agent.as_ref().map(Daemon::id)
    }

    /// The process of its `ovs-vswitchd`, if that was started.
    pub fn switch_id(&self) -> Option<u32> {
        self.switch.as_ref().map(Daemon::id)
    }

    /// Kills the agent as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When none was started.
    pub fn kill_agent(&mut self) -> anyhow::Result<()> {
        self.agent
            .take()
            .context("the agent was not started")?
            .kill()
    }

    /// Has the agent end by itself.
    ///
    /// # Errors
    ///
    /// When none was started, or it does not end.
    pub fn stop_agent(&mut self) -> anyhow::Result<()> {
        self.agent
            .take()
            .context("the agent was not started")?
            .end(Signal::SIGTERM)
    }

    /// Waits until the agent has made the bridge that VMs are plugged into.
    ///
    /// # Errors
    ///
    /// When it does not, with the end of its log.
    pub fn wait_for_bridges(&self) -> anyhow::Result<()> {
        let made = self
            .ovs
            .vsctl(&format!("wait-until Bridge {INTEGRATION_BRIDGE}"));
        made.with_context(|| {
            let log = self.read_agent_log().unwrap_or_default();
            let end: Vec<_> = log.lines().rev().take(5).collect();
            let end: Vec<_> = end.into_iter().rev().collect();
            format!(
                "{}: the agent made no {INTEGRATION_BRIDGE}:\n{}",
                self.name,
                end.join("\n")
            )
        })?;
        Ok(())
    }

    /// Plugs a VM in, in one transaction, as Nova and libvirt do; `ofport` asks for a number.
    pub(crate) fn plug(
        &self,
        machine: &Machine,
        port: &Port,
        ofport: Option<u16>,
    ) -> anyhow::Result<()> {
        let interface = port.interface();
        let ofport = ofport
            .map(|ofport| format!("ofport_request={ofport}"))
            .unwrap_or_default();
        self.ovs.vsctl(&format!(
            "add-port {INTEGRATION_BRIDGE} {interface} -- set Interface {interface} \
             external_ids:iface-id={} external_ids:attached-mac={} \
             external_ids:iface-status=active {ofport}",
            port.id,
            machine.mac()
        ))?;
        Ok(())
    }

    /// Waits until the agent has given the port a local VLAN.
    pub(crate) fn wait_until_bound(&self, port: &Port) -> anyhow::Result<()> {
        let interface = port.interface();
        let bound = self
            .ovs
            .vsctl(&format!("wait-until Port {interface} tag!=[]"));
        bound.with_context(|| format!("{}: {} was not bound", self.name, port.name))?;
        Ok(())
    }

    /// Starts `ovsdb-server`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn start_database(&mut self) -> anyhow::Result<()> {
        let mut command = self.ovs.command_in(&self.namespace, "ovsdb-server");
        let socket = self.ovs.directory().join("db.sock");
        // A socket that a killed server left behind is no sign of a new one.
        drop(fs::remove_file(&socket));
        command
            .arg(format!("--remote=punix:{}", socket.display()))
            .args(["--pidfile", "--log-file", "-vconsole:off", "-vsyslog:off"])
            .arg(self.ovs.database());
        self.database = Some(self.state.start(&mut command, &self.console_log())?);
        wait_for("ovsdb-server listens", PATIENCE, || {
            Ok(UnixStream::connect(&socket).ok().map(drop))
        })
    }

    /// Starts `ovs-vswitchd`, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn start_switch(&mut self) -> anyhow::Result<()> {
        let mut command = self.ovs.command_in(&self.namespace, "ovs-vswitchd");
        let socket = self.ovs.directory().join("db.sock");
        command.arg(format!("unix:{}", socket.display())).args([
            "--pidfile",
            "--log-file",
            "-vconsole:off",
            "-vsyslog:off",
        ]);
        self.switch = Some(self.state.start(&mut command, &self.console_log())?);
        wait_for("ovs-vswitchd answers", PATIENCE, || {
            Ok(self.ovs.appctl("version").ok())
        })?;
        Ok(())
    }

    /// Kills `ovsdb-server` as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn kill_database(&mut self) -> anyhow::Result<()> {
        self.database
            .take()
            .context("ovsdb-server does not run")?
            .kill()
    }

    /// Kills `ovs-vswitchd` as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn kill_switch(&mut self) -> anyhow::Result<()> {
        self.switch
            .take()
            .context("ovs-vswitchd does not run")?
            .kill()
    }

    fn console_log(&self) -> PathBuf {
        self.ovs.directory().join("console.log")
    }
}
