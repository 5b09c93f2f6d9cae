//! One busy host among many: what a network costs as it grows.
//!
//! Only the busy host is built; of the others it knows no more than the description says. Its ports
//! are internal interfaces without machines, as nothing is sent.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::host::Host;
use crate::lab::Lab;
use crate::patience::wait_for;

mod description;
mod group;
mod measure;
mod status;

pub use description::{Size, port_id};
pub use group::{GROUP_HEAD, Group, GroupCost, measure_group};
pub use measure::{Cost, HEAD, measure};
pub use status::Status;

/// The busy host.
const HOST: &str = "host1";
/// How long the largest network may take.
const LIMIT: Duration = Duration::from_secs(300);
/// So long nobody asks the agent anything, while it does what is measured: asking takes time from
/// machines with few cores.
const UNWATCHED: Duration = Duration::from_millis(700);
/// In effect for so long, a description stays.
const QUIET: Duration = Duration::from_millis(300);

/// A busy host.
#[derive(Debug)]
pub struct Scale {
    lab: Lab,
}

impl Scale {
    /// Builds the host with its agent, and with no port that the description knows.
    ///
    /// # Errors
    ///
    /// When something does not start.
    pub fn start(name: &str, brint: &Path) -> anyhow::Result<Self> {
        let nothing = Size {
            ports: 0,
            hosts: 0,
            networks: 0,
            one_group: false,
        };
        let text = nothing.description()?;
        let mut lab = Lab::build_part(name, &text, brint, |host| host == HOST)?;
        lab.start_agent(HOST)?;
        lab.wait_for_bridges()?;
        Ok(Self { lab })
    }

    /// The busy host.
    ///
    /// # Errors
    ///
    /// None: it is there.
    pub fn host(&self) -> anyhow::Result<&Host> {
        self.lab.host(HOST)
    }

    /// The lab, to start and kill what runs on the host.
    pub fn lab(&mut self) -> &mut Lab {
        &mut self.lab
    }

    /// Plugs in ports, in one transaction.
    ///
    /// # Errors
    ///
    /// When Open vSwitch refuses.
    pub fn plug(&self, ports: impl IntoIterator<Item = u16>) -> anyhow::Result<()> {
        let plugs = ports.into_iter().map(|port| {
            let id = port_id(port);
            format!(
                "-- add-port br-int port{port} -- set Interface port{port} type=internal \
                 external_ids:iface-id={id} external_ids:iface-status=active"
            )
        });
        let plugs: Vec<_> = plugs.collect();
        ensure!(!plugs.is_empty(), "no port to plug in");
        self.host()?.ovs().vsctl(&plugs.join(" "))?;
        Ok(())
    }

    /// Gives the agent a description.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn describe(&self, size: Size) -> anyhow::Result<()> {
        self.describe_as(&size.description()?)
    }

    fn describe_as(&self, text: &str) -> anyhow::Result<()> {
        let file = self.lab.network();
        let next = file.with_extension("next");
        fs::write(&next, text).context("writing a description")?;
        // As a whole or not at all: the agent looks as soon as something changes.
        fs::rename(&next, file).context("replacing the description")
    }

    /// Waits until the agent has put a state into effect that is `wanted`; which, and how long it
    /// took from `start`.
    ///
    /// # Errors
    ///
    /// When it does not in time.
    pub fn settled(
        &self,
        start: Instant,
        wanted: impl Fn(&Status) -> bool,
    ) -> anyhow::Result<(Status, Duration)> {
        let mut last = None;
        wait_for("the agent puts the description into effect", LIMIT, || {
            // An agent that is just starting does not answer.
            let Ok(now) = self.status() else {
                return Ok(None);
            };
            if !now.is_done() || !wanted(&now) {
                last = None;
                return Ok(None);
            }
            let (done, since) = last.take().unwrap_or_else(|| (now.clone(), Instant::now()));
            let settled = done == now && since.elapsed() >= QUIET;
            if done == now {
                last = Some((done, since));
            }
            Ok(settled.then(|| (now, since.duration_since(start))))
        })
    }

    /// Gives the agent another description, and looks only when that should be in effect.
    fn change_unwatched(&self, text: &str, before: &Status) -> anyhow::Result<Status> {
        self.describe_as(text)?;
        thread::sleep(UNWATCHED);
        let changed =
            |now: &Status| now.digest() != before.digest() && now.compiled() > before.compiled();
        Ok(self.settled(Instant::now(), changed)?.0)
    }

    /// What the agent says of itself.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn status(&self) -> anyhow::Result<Status> {
        let text = self.host()?.ask_agent(self.lab.brint(), "status -f json")?;
        serde_json::from_str(&text).context("the status of the agent")
    }
}
