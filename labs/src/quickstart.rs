//! The first lab: two hosts, two tenants with the same addresses, and two provider networks.
//!
//! Every check that something must not pass stands beside one that shows that the same probe can
//! pass: a network that drops everything would hold half of the checks.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

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

/// Makes every check.
///
/// # Errors
///
/// When a check cannot be prepared; what a check finds is in the table.
pub fn check(lab: &Lab) -> anyhow::Result<Checks> {
    let mut checks = Checks::default();
    groups(lab, &mut checks)?;
    spoofing::check(lab, &mut checks)?;
    isolation::check(lab, &mut checks)?;
    provider(lab, &mut checks)?;
    flows::check(lab, &mut checks)?;
    Ok(checks)
}

/// Security groups on the tenant network.
fn groups(lab: &Lab, checks: &mut Checks) -> anyhow::Result<()> {
    let (a1, a2, visitor) = (
        lab.machine("a1")?,
        lab.machine("a2")?,
        lab.machine("visitor")?,
    );
    let _servers = serve(a1)?;
    for family in Family::ALL {
        let to = family.of(a1)?;
        let name = family.name();
        ping_passes(
            checks,
            &format!("ping {name} within the group, across hosts"),
            a2,
            to,
        );
        ping_fails(
            checks,
            &format!("ping {name} from outside the group"),
            visitor,
            to,
        );
        tcp(
            checks,
            &format!("tcp/80 {name} within the group"),
            a2,
            (to, 80),
            true,
        );
        tcp(
            checks,
            &format!("tcp/22 {name} from outside the group"),
            visitor,
            (to, 22),
            true,
        );
        tcp(
            checks,
            &format!("tcp/80 {name} from outside the group"),
            visitor,
            (to, 80),
            false,
        );
        let back = family.of(visitor)?;
        ping_fails(
            checks,
            &format!("ping {name} into a group that accepts nothing"),
            a1,
            back,
        );
    }
    Ok(())
}

/// Provider networks, from and to the physical world.
fn provider(lab: &Lab, checks: &mut Checks) -> anyhow::Result<()> {
    let outside = lab.outside();
    for (machine, kind) in [("f1", "FLAT"), ("v2", "VLAN")] {
        let machine = lab.machine(machine)?;
        let _servers = serve(machine)?;
        for family in Family::ALL {
            let name = family.name();
            let to = family.of(machine)?;
            let gateway = outside.address_beside(lab.description(), to)?;
            ping_passes(
                checks,
                &format!("ping {name} out of the {kind} network"),
                machine,
                gateway,
            );
            let inside = |port| probe::connect(outside.namespace(), to, port, PASSES);
            let ping = probe::ping(outside.namespace(), to, PASSES).map(said);
            checks.add(
                &format!("ping {name} into the {kind} network"),
                "answer",
                ping,
            );
            checks.add(
                &format!("tcp/22 {name} into the {kind} network"),
                "connected",
                inside(22),
            );
            let refused = probe::connect(outside.namespace(), to, 80, REFUSED);
            checks.add(
                &format!("tcp/80 {name} into the {kind} network"),
                "no answer",
                refused,
            );
        }
    }
    Ok(())
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
