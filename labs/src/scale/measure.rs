//! What a busy host costs: how long it takes to program, and what one thing more takes.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::status::Spent;
use super::{HOST, Scale, Size};
use crate::host::Ovs;
use crate::process::succeed;

/// The best of so many counts: others use the machine too.
pub(super) const ROUNDS: usize = 3;
/// The bridges whose flows grow.
const BRIDGES: [&str; 2] = ["br-int", "br-tun"];

/// What one size costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// The size.
    pub size: Size,
    /// How many flows the host has.
    pub flows: usize,
    /// From the start of an agent, on a host whose ports are bound and that has no flow, to the
    /// last flow.
    pub start: Duration,
    /// What the agent says of it: from the model to the last barrier.
    pub model: Duration,
    /// The same flows by `ovs-ofctl --bundle add-flows`, from files.
    pub floor: Duration,
    /// One port more, which is plugged in already: from the description, once it is read, to the
    /// answer to the last barrier.
    pub port: Spent,
    /// One host more, which has a port.
    pub host: Spent,
    /// One network more, without ports.
    pub network: Spent,
    /// The best of these from the file to the last flow, reading it included.
    pub file: Duration,
    /// Resident memory of the agent in KiB.
    pub memory: u64,
}

/// The head of the table that [`Cost`] prints the rows of.
pub const HEAD: &str = "ports hosts  flows    start    model    floor  model/floor    \
                        +port    +host  +network  from file  memory";

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |duration: Duration| format!("{} ms", duration.as_millis());
        let spent = |spent: Spent| format!("{:.1} ms", spent.time.as_secs_f64() * 1000.0);
        write!(
            formatter,
            "{:5} {:5} {:6} {:>8} {:>8} {:>8} {:12.2} {:>8} {:>8}  {:>8} {:>10} {:4} MB",
            self.size.ports,
            self.size.hosts,
            self.flows,
            ms(self.start),
            ms(self.model),
            ms(self.floor),
            self.model.as_secs_f64() / self.floor.as_secs_f64(),
            spent(self.port),
            spent(self.host),
            spent(self.network),
            ms(self.file),
            self.memory / 1024,
        )
    }
}

/// Measures a host of a size.
///
/// # Errors
///
/// When something does not start or settle.
pub fn measure(name: &str, brint: &Path, size: Size) -> anyhow::Result<Cost> {
    let mut scale = Scale::start(name, brint)?;
    // The port that comes later is there already: plugging in is not what is measured.
    scale.plug(0..=size.ports)?;
    let nothing = scale.status()?;
    scale.describe(size)?;
    let (full, _) = scale.settled(Instant::now(), |now| now.flows() > nothing.flows())?;
    let flows = full.flows();

    let mut starts = Vec::new();
    for _ in 0..ROUNDS {
        scale.lab().host_mut(HOST)?.stop_agent()?;
        clear(scale.host()?.ovs())?;
        let begin = Instant::now();
        scale.lab().start_agent(HOST)?;
        let (status, took) = scale.settled(begin, |now| now.flows() == flows)?;
        starts.push((took, Duration::from_micros(status.last_change())));
    }
    let memory = resident(scale.host()?.agent_id().context("the agent's process")?)?;

    let grown = |ports, hosts, networks| Size {
        ports: size.ports + ports,
        hosts: size.hosts + hosts,
        networks: size.networks + networks,
        ..size
    };
    let mut steps = Vec::new();
    let mut file = Duration::MAX;
    for _ in 0..ROUNDS {
        let network = scale.step(grown(0, 0, 1))?;
        let host = scale.step(grown(0, 1, 1))?;
        scale.step(size)?;
        let port = scale.step(grown(1, 0, 0))?;
        scale.step(size)?;
        steps.push((port, host, network));
        file = file.min(scale.change(grown(0, 0, 1))?);
        scale.change(size)?;
    }
    let port = steps.iter().map(|(port, _, _)| *port).min();
    let host = steps.iter().map(|(_, host, _)| *host).min();
    let network = steps.iter().map(|(_, _, network)| *network).min();
    scale.lab().host_mut(HOST)?.stop_agent()?;
    let floor = floor(scale.host()?.ovs())?;
    let (start, model) = starts.into_iter().min().unwrap_or_default();
    Ok(Cost {
        size,
        flows,
        start,
        model,
        floor,
        port: port.unwrap_or_default(),
        host: host.unwrap_or_default(),
        network: network.unwrap_or_default(),
        file,
        memory,
    })
}

impl Scale {
    /// What the agent spends on another description.
    fn step(&self, size: Size) -> anyhow::Result<Spent> {
        let before = self.status()?;
        let after = self.change_unwatched(&size.description()?, &before)?;
        Ok(after.since(&before))
    }

    /// How long another description takes to its last flow.
    fn change(&self, size: Size) -> anyhow::Result<Duration> {
        let before = self.status()?;
        let begin = Instant::now();
        self.describe(size)?;
        // The database comes first: the description is known before it is compiled.
        let (_, took) = self.settled(begin, |now| {
            now.digest() != before.digest() && now.compiled() > before.compiled()
        })?;
        Ok(took)
    }
}

/// Removes every flow and group.
pub(super) fn clear(ovs: &Ovs) -> anyhow::Result<()> {
    for bridge in BRIDGES {
        ovs.ofctl(&format!("del-flows {bridge}"))?;
        ovs.ofctl(&format!("-O OpenFlow13 del-groups {bridge}"))?;
    }
    Ok(())
}

/// How long `ovs-ofctl` takes for what is installed now.
pub(super) fn floor(ovs: &Ovs) -> anyhow::Result<Duration> {
    let mut files = Vec::new();
    for bridge in BRIDGES {
        let groups = ovs.ofctl(&format!("-O OpenFlow13 dump-groups {bridge}"))?;
        let flows = ovs.ofctl(&format!("-O OpenFlow13 --no-stats dump-flows {bridge}"))?;
        let file = |name: &str, text: String| {
            let path = ovs.directory().join(format!("{bridge}.{name}"));
            fs::write(&path, text).context("writing flows")?;
            anyhow::Ok(path)
        };
        let groups: String = groups
            .lines()
            .skip(1)
            .map(|line| format!("{line}\n"))
            .collect();
        files.push((bridge, file("groups", groups)?, file("flows", flows)?));
    }
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        clear(ovs)?;
        let begin = Instant::now();
        for (bridge, groups, flows) in &files {
            for (command, file) in [("add-groups", groups), ("add-flows", flows)] {
                let mut ofctl = ovs.command("ovs-ofctl");
                ofctl
                    .args(["-O", "OpenFlow13", "--bundle", command, bridge])
                    .arg(file);
                succeed(&mut ofctl)?;
            }
        }
        best = best.min(begin.elapsed());
    }
    Ok(best)
}

/// The resident memory of a process in KiB (`proc(5)`, `VmRSS`).
fn resident(process: u32) -> anyhow::Result<u64> {
    let status =
        fs::read_to_string(format!("/proc/{process}/status")).context("the agent is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line
        .and_then(|line| line.split_whitespace().next())
        .context("VmRSS")?;
    Ok(number.parse()?)
}
