//! Routers, floating IPs and the world outside, with real packets.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::ensure;
use labs::{Lab, Machine, PATIENCE, probe, wait_for};
use tests::{brint, reaches};

const NETWORK: &str = include_str!("../../labs/topologies/routed/network.yaml");

fn start(name: &str) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, NETWORK, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    lab.keep();
    Ok(lab)
}

fn answers(from: &Machine, to: &str) -> anyhow::Result<()> {
    let to: IpAddr = to.parse()?;
    wait_for(&format!("{} reaches {to}", from.name()), PATIENCE, || {
        Ok(probe::ping(from.namespace(), to, Duration::from_secs(1))?.then_some(()))
    })
}

#[test]
fn machines_of_one_router_reach_each_other_wherever_they_are() -> anyhow::Result<()> {
    let lab = start("t-routed")?;
    let machine = |name| lab.machine(name);
    for (from, to) in [("w1", "d1"), ("w1", "d2"), ("w2", "d1"), ("d2", "w2")] {
        reaches(machine(from)?, machine(to)?)?;
    }
    for to in ["10.0.1.1", "10.0.2.1", "2001:db8:a:1::1", "2001:db8:a:2::1"] {
        answers(machine("w1")?, to)?;
    }
    // Tenant B's addresses are the same, and its router leads nowhere else.
    reaches(machine("b1")?, machine("b2")?)?;
    let limit = Duration::from_millis(700);
    let d1 = machine("d1")?.ipv4()?;
    ensure!(!probe::ping(machine("b1")?.namespace(), d1, limit)?);
    Ok(())
}
