//! The quickstart on a cluster of three northbound servers: the leader dies, and nobody minds.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::check::Checks;
use crate::lab::Lab;
use crate::northbound::Northbound;
use crate::probe;
use crate::quickstart::{NETWORK, OFPORTS};

/// How long a ping may wait for its answer.
const PASSES: Duration = Duration::from_secs(5);

/// Brings the lab up, until every machine is bound by its agent.
///
/// # Errors
///
/// When something does not start.
pub fn start(name: &str, brint: &Path) -> anyhow::Result<(Lab, Northbound)> {
    let mut lab = Lab::build(name, NETWORK, brint)?;
    let northbound = Northbound::cluster(lab.directory(), brint)?;
    let remote = northbound.remote();
    lab.start_agents_of(&["agent".as_ref(), "--remote".as_ref(), remote.as_ref()])?;
    lab.wait_for_bridges()?;
    northbound.apply(NETWORK, "")?;
    lab.plug_machines(&OFPORTS)?;
    lab.wait_until_bound()?;
    Ok((lab, northbound))
}

/// Kills one leader after the other, and sees whether changes still reach every host.
///
/// # Errors
///
/// When a check cannot be prepared; what a check finds is in the table.
pub fn check(lab: &Lab, northbound: &mut Northbound) -> anyhow::Result<Checks> {
    let mut checks = Checks::default();
    settle(&mut checks, "with three servers", 4251, lab, northbound)?;
    northbound.kill_leader()?;
    settle(&mut checks, "without the leader", 4252, lab, northbound)?;
    northbound.serve()?;
    northbound.kill_leader()?;
    settle(&mut checks, "without the next one", 4253, lab, northbound)?;
    northbound.serve()?;
    northbound.kill()?;
    northbound.serve()?;
    settle(&mut checks, "after all were killed", 4254, lab, northbound)?;
    Ok(checks)
}

/// Applies a change, and sees whether the hosts that it concerns have it, and machines their network.
fn settle(
    checks: &mut Checks,
    when: &str,
    port: u16,
    lab: &Lab,
    northbound: &Northbound,
) -> anyhow::Result<()> {
    let applied = northbound.apply(&with_rule(port)?, "--wait=hosts");
    let hosts = applied.and_then(|_| hosts_with_rule(lab, port));
    checks.add(&format!("hosts that a change reaches {when}"), 2, hosts);
    let (from, to) = (lab.machine("a2")?, lab.machine("a1")?);
    let answered = probe::ping(from.namespace(), to.ipv4()?, PASSES);
    checks.add(&format!("a ping across hosts {when}"), true, answered);
    Ok(())
}

/// The quickstart with a rule that lets everybody reach a TCP port of the first tenant's machines.
///
/// # Errors
///
/// When the quickstart has no rules.
pub fn with_rule(port: u16) -> anyhow::Result<String> {
    let rules = "    rules:\n";
    let (before, after) = NETWORK.split_once(rules).context("no group has rules")?;
    Ok(format!(
        "{before}{rules}      - {{direction: ingress, ethertype: IPv4, protocol: tcp, \
         port_range_min: {port}, port_range_max: {port}}}\n{after}"
    ))
}

/// How many hosts have a flow for a TCP port.
///
/// # Errors
///
/// When a switch does not answer.
pub fn hosts_with_rule(lab: &Lab, port: u16) -> anyhow::Result<usize> {
    let mut count = 0;
    for host in lab.hosts() {
        let flows = host.ovs().ofctl("dump-flows br-int table=82")?;
        count += usize::from(flows.contains(&format!("tp_dst={port}")));
    }
    Ok(count)
}
