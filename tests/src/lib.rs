//! What the end-to-end tests share.
//!
//! Each test builds a lab of its own, so that they can run at the same time and fail one by one.
//! They need root and Open vSwitch, and fail without. They judge brint by what the switches were
//! told and by the packets that arrive; they read its log only for refusals, and for what it is asked
//! to log.

mod flows;
mod openflow_log;

pub use flows::{Flow, Flows};
pub use openflow_log::OpenflowLog;

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::{Lab, Machine, PATIENCE, probe, wait_for};

/// The bridges that brint programs on a host of the quickstart.
pub const BRIDGES: [&str; 3] = ["br-int", "br-tun", "br-ex"];

/// Two VMs in one network, on one host.
pub const ALONE: &str = "
networks:
  - {name: net, network_type: local, subnets: [{cidr: 10.0.0.0/24}]}
security_groups:
  - name: all
    rules: [{direction: egress}, {direction: ingress, remote_group: all}]
ports:
  - {id: 75000001-bcad-4032-8ad1-f0950600b737, name: one, network: net, mac_address: \"fa:16:3e:00:00:01\", fixed_ips: [10.0.0.1], security_groups: [all], host: host1}
  - {id: 75000002-bcad-4032-8ad1-f0950600b737, name: two, network: net, mac_address: \"fa:16:3e:00:00:02\", fixed_ips: [10.0.0.2], security_groups: [all], host: host1}
hosts:
  - {name: host1, encap_ip: 192.0.2.1}
";

/// The program under test: the variable `BRINT`, else what was built beside the test.
///
/// # Errors
///
/// When there is no such program.
pub fn brint() -> anyhow::Result<PathBuf> {
    if let Some(path) = env::var_os("BRINT") {
        return Ok(path.into());
    }
    let test = env::current_exe().context("finding the test's own program")?;
    // Tests are in target/debug/deps, programs in target/debug.
    let path = test
        .ancestors()
        .nth(2)
        .context("the directory of programs")?
        .join("brint");
    ensure!(
        path.exists(),
        "{}: build it first, or run tests/run",
        path.display()
    );
    Ok(path)
}

/// The quickstart, with its VMs plugged in, its flows complete and its tunnels in use.
///
/// # Errors
///
/// When it does not come up.
pub fn quickstart(name: &str) -> anyhow::Result<Lab> {
    let lab = labs::quickstart::start(name, &brint()?)?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    reaches(lab.machine("b2")?, lab.machine("b1")?)?;
    for host in lab.hosts() {
        for bridge in BRIDGES {
            Flows::settled(host.ovs(), bridge)?;
        }
    }
    Ok(lab)
}

/// Waits until a machine reaches another, on IPv4 and IPv6.
///
/// # Errors
///
/// When it does not in time.
pub fn reaches(from: &Machine, to: &Machine) -> anyhow::Result<()> {
    for address in [to.ipv4()?, to.ipv6()?] {
        let what = format!("{} reaches {address}", from.name());
        wait_for(&what, PATIENCE, || {
            let answered = probe::ping(from.namespace(), address, Duration::from_secs(1))?;
            Ok(answered.then_some(()))
        })?;
    }
    Ok(())
}
