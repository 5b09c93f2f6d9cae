//! A lab from a directory: a description of networks, and what the lab has to show.
//!
//! `network.yaml` is what brint reads. `checks.yaml` says who reaches whom and who does not, in
//! names of machines and in addresses; it is written by hand, so that nothing of brint is believed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use serde::Deserialize;

use crate::check::Checks;
use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::network::MacAddr;
use crate::probe::{self, Listening};

/// How long what must pass may take, the first packet of a network included.
const PASSES: Duration = Duration::from_secs(10);
/// How long one try of it may take.
const TRY: Duration = Duration::from_secs(1);
/// How long what must not pass is waited for.
const REFUSED: Duration = Duration::from_millis(700);
/// How the physical world is called in checks.
const OUTSIDE: &str = "outside";
/// The port outside that tells who connects how it is seen.
const MIRROR: u16 = 7;

/// What a lab has to show.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Addresses that are behind the router outside.
    #[serde(default)]
    world: Vec<IpAddr>,
    /// The ports of TCP on which machines greet who connects.
    #[serde(default)]
    servers: BTreeMap<String, Vec<u16>>,
    /// Who reaches whom.
    checks: Vec<Expectation>,
}

/// One thing that must be, or must not be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    /// A machine, or `outside`.
    from: String,
    /// A machine, by each of its addresses, or an address.
    to: String,
    /// The port of TCP; without one it is a ping.
    #[serde(default)]
    tcp: Option<u16>,
    /// The address by which the world outside sees the machine.
    #[serde(default)]
    seen_as: Option<IpAddr>,
    /// Whether it passes.
    #[serde(default = "passes")]
    passes: bool,
}

fn passes() -> bool {
    true
}

/// Brings up the lab of a directory, until every machine is bound by its agent.
///
/// # Errors
///
/// When a file cannot be read, or something does not start.
pub fn start(name: &str, directory: &Path, brint: &Path) -> anyhow::Result<(Lab, Scenario)> {
    let read = |file: &str| {
        let path = directory.join(file);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let scenario = serde_saphyr::from_str(&read("checks.yaml")?)
        .with_context(|| format!("{}/checks.yaml", directory.display()))?;
    let mut lab = Lab::build(name, &read("network.yaml")?, brint)?;
    let networks = lab.description().networks.iter();
    let stations = networks.filter(|network| network.physical_network.is_some());
    for (number, station) in (1..).zip(stations) {
        let mac = MacAddr([2, 0, 0, 0, 0, number]);
        let outside = lab.outside().namespace();
        outside.ip(&format!("link set {} address {mac}", station.name))?;
    }
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    // Bound all at once, networks have the same local VLANs in every run.
    lab.stop_agents()?;
    lab.plug_machines(&[])?;
    lab.start_agents()?;
    lab.wait_until_bound()?;
    Ok((lab, scenario))
}

/// Makes every check, side by side.
///
/// # Errors
///
/// When a check cannot be prepared; what a check finds is in the table.
pub fn check(lab: &Lab, scenario: &Scenario) -> anyhow::Result<Checks> {
    let outside = lab.outside().namespace();
    outside.ip("link set lo up")?;
    for address in &scenario.world {
        outside.ip(&format!("address replace {address} dev lo"))?;
    }
    reflect(outside)?;
    let _servers = serve(lab, scenario)?;
    thread::scope(|scope| {
        let checks = scenario.checks.iter();
        let running: Vec<_> = checks
            .map(|expected| scope.spawn(|| expected.check(lab)))
            .collect();
        let done = running.into_iter();
        let done = done.map(|check| check.join().map_err(|_| anyhow!("a check panicked"))?);
        done.collect()
    })
}

/// Has machines greet who connects.
fn serve(lab: &Lab, scenario: &Scenario) -> anyhow::Result<Vec<Listening>> {
    let mut servers = Vec::new();
    for (machine, ports) in &scenario.servers {
        let machine = lab.machine(machine)?;
        for port in ports {
            servers.push(probe::listen(machine.namespace(), *port)?);
        }
    }
    Ok(servers)
}

/// Tells who connects how it is seen, for as long as the program runs.
fn reflect(outside: &Namespace) -> anyhow::Result<()> {
    let bind = || TcpListener::bind((Ipv6Addr::UNSPECIFIED, MIRROR)).context("the world's server");
    let listener = outside.enter(bind)?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let seen = stream.peer_addr().map(|peer| peer.ip().to_canonical());
            // Who does not hear it fails its check.
            let _said = seen.and_then(|seen| write!(stream, "{seen}"));
        }
    });
    Ok(())
}

impl Expectation {
    fn check(&self, lab: &Lab) -> anyhow::Result<Checks> {
        let from = match self.from.as_str() {
            OUTSIDE => lab.outside().namespace(),
            machine => lab.machine(machine)?.namespace(),
        };
        let addresses: Vec<IpAddr> = match self.to.parse() {
            Ok(address) => vec![address],
            Err(_) => lab.machine(&self.to)?.addresses().collect(),
        };
        let mut checks = Checks::default();
        for address in addresses {
            let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
            let name = match (self.tcp, self.seen_as) {
                (_, Some(_)) => format!("{} as {} sees it", self.from, self.to),
                (Some(port), None) => {
                    format!("tcp/{port} {family} from {} to {}", self.from, self.to)
                }
                (None, None) => format!("ping {family} from {} to {}", self.from, self.to),
            };
            checks.add(&name, self.expected(), self.happens(from, address));
        }
        Ok(checks)
    }

    fn expected(&self) -> String {
        match (self.seen_as, self.passes, self.tcp) {
            (Some(address), ..) => address.to_string(),
            (None, true, Some(_)) => "connected".to_owned(),
            (None, true, None) => "answer".to_owned(),
            (None, false, _) => "no answer".to_owned(),
        }
    }

    /// What happens: what must pass is tried until it does, what must not is tried once.
    fn happens(&self, from: &Namespace, to: IpAddr) -> anyhow::Result<String> {
        let limit = if self.passes { TRY } else { REFUSED };
        let end = Instant::now() + PASSES;
        loop {
            let happened = match (self.seen_as, self.tcp) {
                (Some(_), _) => seen(from, to, limit)?,
                (None, Some(port)) => probe::connect(from, to, port, limit)?.to_string(),
                (None, None) => Said(probe::ping(from, to, limit)?).to_string(),
            };
            if !self.passes || happened == self.expected() || Instant::now() > end {
                return Ok(happened);
            }
        }
    }
}

/// Whether a ping was answered.
struct Said(bool);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "answer" } else { "no answer" })
    }
}

/// How the world outside sees who connects.
fn seen(from: &Namespace, to: IpAddr, limit: Duration) -> anyhow::Result<String> {
    from.enter(|| {
        let to = SocketAddr::new(to, MIRROR);
        let Ok(mut stream) = TcpStream::connect_timeout(&to, limit) else {
            return Ok("no answer".to_owned());
        };
        stream
            .set_read_timeout(Some(limit))
            .context("limiting a connection")?;
        let mut seen = String::new();
        // What is cut off is not what was expected.
        let _read = stream.read_to_string(&mut seen);
        Ok(seen)
    })
}
