//! The first lab: two hosts, two tenants with the same addresses, and two provider networks.
//!
//! Every check that something must not pass stands beside one that shows that the same probe can
//! pass: a network that drops everything would hold half of the checks.

use std::net::IpAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{anyhow, ensure};

use crate::check::Checks;
use crate::lab::Lab;
use crate::machine::Machine;
use crate::probe::{self, Answer, Listening};

mod flows;
mod isolation;
mod spoofing;

pub use flows::{QUOTED_FLOWS, without_statistics};

/// The description that agents and harness share.
pub const NETWORK: &str = include_str!("../topologies/quickstart/network.yaml");

/// The port numbers that the lab asks for: `reg5=0x2b` in the flows that it shows.
pub const OFPORTS: [(&str, u16); 1] = [("a1", 43)];

/// How long what must pass may take, the first packet of a network included.
const PASSES: Duration = Duration::from_secs(5);
/// How long what must not pass is waited for; a packet that passes takes a hundredth of it.
const REFUSED: Duration = Duration::from_millis(700);

/// Brings the lab up, until every machine is bound by its agent.
///
/// # Errors
///
/// When something does not start.
pub fn start(name: &str, brint: &Path) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, NETWORK, brint)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&OFPORTS)?;
    lab.wait_until_bound()?;
    Ok(lab)
}

/// Makes every check, side by side: most of the time goes into waiting for what must not come.
///
/// # Errors
///
/// When a check cannot be prepared; what a check finds is in the table.
pub fn check(lab: &Lab) -> anyhow::Result<Checks> {
    let parts: [Part<'_>; 7] = [
        Box::new(|| groups(lab, Family::Four)),
        Box::new(|| groups(lab, Family::Six)),
        Box::new(|| spoofing::check(lab)),
        Box::new(|| isolation::check(lab)),
        Box::new(|| provider(lab, "f1", "FLAT")),
        Box::new(|| provider(lab, "v2", "VLAN")),
        Box::new(|| flows::check(lab)),
    ];
    // The first packet into a tunnel may be lost; single frames cannot be sent again.
    // Whether this ping passes is asked below.
    probe::ping(
        lab.machine("a2")?.namespace(),
        lab.machine("a1")?.ipv4()?,
        PASSES,
    )?;
    let mut servers = Vec::new();
    for name in ["a1", "f1", "v2"] {
        servers.extend(serve(lab.machine(name)?)?);
    }
    thread::scope(|scope| {
        let running = parts.map(|part| scope.spawn(part));
        let done = running.map(|part| part.join().map_err(|_| anyhow!("a check panicked"))?);
        done.into_iter().collect()
    })
}

/// Checks that need no other ones to be made before.
type Part<'a> = Box<dyn FnOnce() -> anyhow::Result<Checks> + Send + 'a>;

/// Security groups on the tenant network.
fn groups(lab: &Lab, family: Family) -> anyhow::Result<Checks> {
    let (a1, a2, visitor) = (
        lab.machine("a1")?,
        lab.machine("a2")?,
        lab.machine("visitor")?,
    );
    let mut checks = Checks::default();
    let (name, to, back) = (family.name(), family.of(a1)?, family.of(visitor)?);
    ping_passes(
        &mut checks,
        &format!("ping {name} within the group, across hosts"),
        a2,
        to,
    );
    ping_fails(
        &mut checks,
        &format!("ping {name} from outside the group"),
        visitor,
        to,
    );
    tcp(
        &mut checks,
        &format!("tcp/80 {name} within the group"),
        a2,
        (to, 80),
        true,
    );
    tcp(
        &mut checks,
        &format!("tcp/22 {name} from outside the group"),
        visitor,
        (to, 22),
        true,
    );
    tcp(
        &mut checks,
        &format!("tcp/80 {name} from outside the group"),
        visitor,
        (to, 80),
        false,
    );
    ping_fails(
        &mut checks,
        &format!("ping {name} into a group that accepts nothing"),
        a1,
        back,
    );
    Ok(checks)
}

/// A provider network, from and to the physical world.
fn provider(lab: &Lab, machine: &str, kind: &str) -> anyhow::Result<Checks> {
    let (outside, machine) = (lab.outside(), lab.machine(machine)?);
    let world = outside.namespace();
    let mut checks = Checks::default();
    for family in Family::ALL {
        let (name, to) = (family.name(), family.of(machine)?);
        let gateway = outside.address_beside(lab.description(), to)?;
        ping_passes(
            &mut checks,
            &format!("ping {name} out of the {kind} network"),
            machine,
            gateway,
        );
        let ping = probe::ping(world, to, PASSES).map(said);
        checks.add(
            &format!("ping {name} into the {kind} network"),
            "answer",
            ping,
        );
        let ssh = probe::connect(world, to, 22, PASSES);
        checks.add(
            &format!("tcp/22 {name} into the {kind} network"),
            "connected",
            ssh,
        );
        let http = probe::connect(world, to, 80, REFUSED);
        checks.add(
            &format!("tcp/80 {name} into the {kind} network"),
            "no answer",
            http,
        );
    }
    Ok(checks)
}

/// Servers for what a rule allows, and for what none allows; both are there for the machine itself.
fn serve(machine: &Machine) -> anyhow::Result<[Listening; 2]> {
    let namespace = machine.namespace();
    let servers = [probe::listen(namespace, 22)?, probe::listen(namespace, 80)?];
    for port in [22, 80] {
        let answer = probe::connect(namespace, machine.ipv4()?, port, PASSES)?;
        ensure!(
            answer == Answer::Connected,
            "the server at {}:{port}: {answer}",
            machine.name()
        );
    }
    Ok(servers)
}

fn ping_passes(checks: &mut Checks, name: &str, from: &Machine, to: IpAddr) {
    checks.add(
        name,
        "answer",
        probe::ping(from.namespace(), to, PASSES).map(said),
    );
}

fn ping_fails(checks: &mut Checks, name: &str, from: &Machine, to: IpAddr) {
    checks.add(
        name,
        "no answer",
        probe::ping(from.namespace(), to, REFUSED).map(said),
    );
}

fn tcp(checks: &mut Checks, name: &str, from: &Machine, (to, port): (IpAddr, u16), passes: bool) {
    let (expected, limit) = if passes {
        ("connected", PASSES)
    } else {
        ("no answer", REFUSED)
    };
    checks.add(
        name,
        expected,
        probe::connect(from.namespace(), to, port, limit),
    );
}

fn said(answered: bool) -> &'static str {
    if answered { "answer" } else { "no answer" }
}

/// A family of addresses.
#[derive(Clone, Copy, Debug)]
enum Family {
    Four,
    Six,
}

impl Family {
    const ALL: [Self; 2] = [Self::Four, Self::Six];

    fn name(self) -> &'static str {
        match self {
            Self::Four => "IPv4",
            Self::Six => "IPv6",
        }
    }

    fn of(self, machine: &Machine) -> anyhow::Result<IpAddr> {
        match self {
            Self::Four => machine.ipv4(),
            Self::Six => machine.ipv6(),
        }
    }
}
