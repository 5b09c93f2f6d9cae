//! A lab: everything that a network description speaks of, built on this machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::host::{Datapath, Host};
use crate::machine::Machine;
use crate::network::Description;
use crate::outside::Outside;
use crate::process::Daemon;
use crate::state::{self, State};
use crate::switch::Switch;
use crate::trunk::Trunk;

/// Hosts, machines and the physical world, as a network description says.
///
/// It is removed when this value is dropped, unless [`keep`](Self::keep) was called.
#[derive(Debug)]
pub struct Lab {
    state: Arc<State>,
    prefix: String,
    brint: PathBuf,
    network: PathBuf,
    description: Description,
    hosts: Vec<Host>,
    machines: Vec<Machine>,
    outside: Outside,
    kept: bool,
}

impl Lab {
    /// Builds the hosts and the world of a description, without machines and agents.
    ///
    /// What an earlier lab of this name left is removed first. The lab works on a copy of the
    /// description, which may be changed while agents follow it: [`network`](Self::network).
    ///
    /// # Errors
    ///
    /// Without root, when Open vSwitch is missing, and when another program has a lab of this name.
    pub fn build(name: &str, description: &str, brint: &Path) -> anyhow::Result<Self> {
        Self::build_part(name, description, brint, |_| true)
    }

    /// Like [`build`](Self::build), with some of the hosts only: the others are known, and absent.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn build_part(
        name: &str,
        description: &str,
        brint: &Path,
        wanted: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Self> {
        let state = State::create(name)?;
        let built = Self::build_in(&state, name, (description, &wanted), brint);
        if built.is_err() {
            state.close()?;
        }
        built
    }

    fn build_in(
        state: &Arc<State>,
        name: &str,
        (text, is_wanted): (&str, &dyn Fn(&str) -> bool),
        brint: &Path,
    ) -> anyhow::Result<Self> {
        let description = Description::read(text)?;
        let network = state.directory().join("network.yaml");
        fs::write(&network, text).with_context(|| format!("writing {}", network.display()))?;
        let prefix = name.to_owned();
        let underlay = state.add_namespace(&format!("{prefix}-underlay"))?;
        let underlay = Switch::new(&underlay, "underlay")?;
        let outside = Outside::create(state, &prefix)?;
        let mut hosts = Vec::new();
        let wanted = description.hosts.iter();
        for wanted in wanted.filter(|host| is_wanted(&host.name)) {
            let host = Host::start(state, &prefix, &wanted.name)?;
            host.join_underlay(&underlay, wanted.encap_ip)?;
            for (physical_network, bridge) in &wanted.bridge_mappings {
                outside.join(physical_network, &host, bridge)?;
            }
            hosts.push(host);
        }
        for network in description
            .networks
            .iter()
            .filter(|n| n.physical_network.is_some())
        {
            outside.add_station(network)?;
        }
        let brint = brint
            .canonicalize()
            .with_context(|| format!("the program {}", brint.display()))?;
        Ok(Self {
            state: Arc::clone(state),
            prefix,
            brint,
            network,
            description,
            hosts,
            machines: Vec::new(),
            outside,
            kept: false,
        })
    }

    /// Makes a machine for each port that names a host, and plugs it in.
    ///
    /// `ofports` asks for port numbers, by the names of ports.
    ///
    /// # Errors
    ///
    /// When a port names a host that does not exist, or Open vSwitch refuses.
    pub fn plug_machines(&mut self, ofports: &[(&str, u16)]) -> anyhow::Result<()> {
        for port in &self.description.ports {
            let Some(name) = &port.host else { continue };
            let host = find_host(&self.hosts, name)?;
            let wanted = ofports.iter().find(|(of, _)| *of == port.name);
            let ofport = wanted.map(|(_, ofport)| *ofport);
            let machine = Machine::vm(
                &self.state,
                &format!("{}-{}", self.prefix, port.name),
                &port.name,
                (
                    port.mac_address,
                    self.description
                        .network(port)
                        .and_then(|network| network.mtu),
                ),
                (
                    self.description.addresses(port)?,
                    self.description.gateways(port),
                ),
                (host.namespace(), &port.interface()),
            )?;
            host.plug(&machine, port, ofport)?;
            self.machines.push(machine);
        }
        Ok(())
    }

    /// Makes a second machine for a port, on another host, as where it is being moved to: it is
    /// plugged in there, and hears, and does not run yet.
    ///
    /// # Errors
    ///
    /// When there is no such port or host, or Open vSwitch refuses.
    pub fn plug_arriving(&self, port: &str, host: &str) -> anyhow::Result<Machine> {
        let port = self.description.ports.iter().find(|it| it.name == port);
        let port = port.context("no such port")?;
        let host = self.host(host)?;
        let machine = Machine::vm(
            &self.state,
            &format!("{}-{}-{}", self.prefix, port.name, host.name()),
            &port.name,
            (port.mac_address, None),
            (Vec::new(), Vec::new()),
            (host.namespace(), &port.interface()),
        )?;
        host.plug(&machine, port, None)?;
        host.wait_until_bound(port)?;
        Ok(machine)
    }

    /// Has what comes by the card of a machine parted by its VLAN; the machine itself has no card then.
    ///
    /// # Errors
    ///
    /// When there is no such machine, or Open vSwitch refuses.
    pub fn part(&self, machine: &str) -> anyhow::Result<Trunk> {
        Trunk::of(&self.state, &self.prefix, self.machine(machine)?)
    }

    /// Gives the agents another description. The hosts and machines of the lab stay.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn describe(&self, text: &str) -> anyhow::Result<()> {
        let next = self.network.with_extension("next");
        fs::write(&next, text).context("writing a description")?;
        // As a whole or not at all: the agents look as soon as something changes.
        fs::rename(&next, &self.network).context("replacing the description")
    }

    /// Starts the agent of every host.
    ///
    /// # Errors
    ///
    /// When an agent cannot be started.
    pub fn start_agents(&mut self) -> anyhow::Result<()> {
        self.hosts
            .iter_mut()
            .try_for_each(|host| host.start_agent(&self.brint, &self.network))
    }

    /// Has the agent of every host end by itself.
    ///
    /// # Errors
    ///
    /// When one was not started, or does not end.
    pub fn stop_agents(&mut self) -> anyhow::Result<()> {
        self.hosts.iter_mut().try_for_each(Host::stop_agent)
    }

    /// Starts the agent of every host, by a command that says what it follows.
    ///
    /// # Errors
    ///
    /// When an agent cannot be started.
    pub fn start_agents_of(&mut self, source: &[&OsStr]) -> anyhow::Result<()> {
        self.hosts
            .iter_mut()
            .try_for_each(|host| host.start_agent_of(&self.brint, source))
    }

    /// Starts the agent of a host.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start_agent(&mut self, host: &str) -> anyhow::Result<()> {
        let (brint, network) = (self.brint.clone(), self.network.clone());
        self.host_mut(host)?.start_agent(&brint, &network)
    }

    /// Waits until the agents have made the bridges that machines are plugged into.
    ///
    /// # Errors
    ///
    /// When one does not, with the end of its log.
    pub fn wait_for_bridges(&self) -> anyhow::Result<()> {
        self.hosts.iter().try_for_each(Host::wait_for_bridges)
    }

    /// Waits until the agents have bound every machine.
    ///
    /// # Errors
    ///
    /// When they do not.
    pub fn wait_until_bound(&self) -> anyhow::Result<()> {
        for port in &self.description.ports {
            let Some(host) = &port.host else { continue };
            self.host(host)?.wait_until_bound(port)?;
        }
        Ok(())
    }

    /// Starts a program inside a machine, in the background.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start_in(&self, machine: &Machine, command: &[&OsStr]) -> anyhow::Result<Daemon> {
        let (program, arguments) = command.split_first().context("a program to start")?;
        let mut command = machine.namespace().command(program);
        let log = self.directory().join(format!("{}.log", machine.name()));
        self.state.start(command.args(arguments), &log)
    }

    /// Starts a program in the physical world, in the background.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start_outside(&self, program: &Path, arguments: &[&str]) -> anyhow::Result<Daemon> {
        let mut command = self.outside.namespace().command(program);
        let log = self.directory().join("outside.log");
        self.state.start(command.args(arguments), &log)
    }

    /// Puts the cards of a host into its bridges again, as when its database was lost.
    ///
    /// # Errors
    ///
    /// When there is no such host, or Open vSwitch refuses.
    pub fn cable_again(&self, name: &str) -> anyhow::Result<()> {
        let host = self.host(name)?;
        let mut described = self.description.hosts.iter();
        let described = described.find(|it| it.name == name);
        let described = described.with_context(|| format!("no host has the name {name}"))?;
        host.add_cards(described.bridge_mappings.values().map(String::as_str))?;
        host.address_underlay(described.encap_ip)
    }

    /// Plugs the machines of a host in again, as when its database was lost.
    ///
    /// # Errors
    ///
    /// When there is no such host, or Open vSwitch refuses.
    pub fn plug_again(&self, name: &str) -> anyhow::Result<()> {
        let host = self.host(name)?;
        for port in &self.description.ports {
            if port.host.as_deref() == Some(name) {
                host.plug(self.machine(&port.name)?, port, None)?;
                host.wait_until_bound(port)?;
            }
        }
        Ok(())
    }

    /// A host by its name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn host(&self, name: &str) -> anyhow::Result<&Host> {
        find_host(&self.hosts, name)
    }

    /// A host by its name, to start and kill what runs on it.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn host_mut(&mut self, name: &str) -> anyhow::Result<&mut Host> {
        let found = self.hosts.iter_mut().find(|host| host.name() == name);
        found.with_context(|| format!("no host has the name {name}"))
    }

    /// The hosts, in the order of the description.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// A machine by its name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn machine(&self, name: &str) -> anyhow::Result<&Machine> {
        let found = self.machines.iter().find(|machine| machine.name() == name);
        found.with_context(|| format!("no machine has the name {name}"))
    }

    /// The machines, in the order of the description.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The physical world.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// What the lab was built from.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The program under test.
    pub fn brint(&self) -> &Path {
        &self.brint
    }

    /// The file that the agents follow.
    pub fn network(&self) -> &Path {
        &self.network
    }

    /// The directory of the lab: the description, and a directory for each host.
    pub fn directory(&self) -> &Path {
        self.state.directory()
    }

    /// Where packets are switched.
    pub fn datapath(&self) -> Datapath {
        self.outside.datapath()
    }

    /// Leaves the lab as it is when this value goes; [`remove`] takes it away.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = self.state.close() {
            eprintln!("removing the lab {}: {error:#}", self.prefix);
        }
    }
}

/// Removes a lab that was kept, or was left by a program that crashed; none is fine too.
///
/// # Errors
///
/// Without root, and when another program is working on the lab.
pub fn remove(name: &str) -> anyhow::Result<()> {
    state::remove(name)
}

fn find_host<'a>(hosts: &'a [Host], name: &str) -> anyhow::Result<&'a Host> {
    let found = hosts.iter().find(|host| host.name() == name);
    found.with_context(|| format!("no host has the name {name}"))
}
