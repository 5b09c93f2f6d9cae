//! Many hosts on one northbound database: how long a port takes to reach the flows of all.
//!
//! Every host has an Open vSwitch and an agent of its own, and one port of a network that all have
//! in common, so each new port concerns each host: as a member of the group, and as a station
//! behind a tunnel. All of it shares the cores of this machine, which is what takes most of the time.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::lab::Lab;
use crate::northbound::Northbound;
use crate::patience::wait_for;

/// How long all hosts may take to come up.
const LIMIT: Duration = Duration::from_secs(900);

/// How long each new port took to reach every host, shortest first.
#[derive(Clone, Debug)]
pub struct Times(Vec<Duration>);

impl Times {
    /// The time within which so many of a hundred ports were there.
    fn percentile(&self, percent: usize) -> Duration {
        let index = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(index).copied().unwrap_or_default()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} ports: p50 {} ms, p99 {} ms",
            self.0.len(),
            self.percentile(50).as_millis(),
            self.percentile(99).as_millis()
        )
    }
}

/// Brings the hosts up, and makes one port after the other: each until every host says that it has
/// programmed it.
///
/// # Errors
///
/// When something does not start, or a host does not say so in time.
pub fn measure(name: &str, brint: &Path, hosts: u16, ports: u16) -> anyhow::Result<Times> {
    let mut lab = Lab::build(name, &description(hosts, hosts)?, brint)?;
    let northbound = Northbound::start(lab.directory(), brint)?;
    northbound.apply(&description(hosts, hosts)?, "")?;
    let remote = northbound.remote();
    let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
    for host in 0..hosts {
        let host = lab.host_mut(&host_name(host))?;
        host.start_agent_of(brint, &source)?;
        host.wait_for_bridges()?;
    }
    for port in 0..hosts {
        let host = lab.host(&host_name(port))?;
        host.ovs().vsctl(&format!(
            "add-port br-int port -- set Interface port type=internal \
             external_ids:iface-id={}",
            port_id(port)
        ))?;
    }
    wait_for("every port is active", LIMIT, || {
        let status = northbound.rows("Port", "status")?;
        Ok(status.iter().all(|row| row == "ACTIVE").then_some(()))
    })?;
    let mut times = Vec::new();
    for port in 1..=ports {
        let text = description(hosts, hosts + port)?;
        let start = Instant::now();
        northbound.apply(&text, "--wait=hosts")?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(Times(times))
}

fn description(hosts: u16, ports: u16) -> Result<String, fmt::Error> {
    let mut text = String::from(
        "networks:\n  - {name: net, network_type: vxlan, segmentation_id: 1001, mtu: 1400, \
         subnets: [{cidr: 10.0.0.0/8}]}\n\
         security_groups:\n  - {name: all, rules: [{direction: egress}, \
         {direction: ingress, remote_group: all}]}\nhosts:\n",
    );
    for host in 0..hosts {
        let name = host_name(host);
        let (high, low) = (host / 200, host % 200 + 1);
        writeln!(text, "  - {{name: {name}, encap_ip: 198.18.{high}.{low}}}")?;
    }
    writeln!(text, "ports:")?;
    for port in 0..ports {
        let (high, low) = port.to_be_bytes().into();
        writeln!(
            text,
            "  - {{id: {}, name: port{port}, network: net, host: {}, security_groups: [all], \
             mac_address: \"fa:16:3e:00:{high:02x}:{low:02x}\", fixed_ips: [10.1.{high}.{low}]}}",
            port_id(port),
            host_name(port % hosts)
        )?;
    }
    Ok(text)
}

fn host_name(host: u16) -> String {
    format!("host{}", host + 1)
}

fn port_id(port: u16) -> String {
    format!("79000000-bcad-4032-8ad1-f0950600{port:04x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times = Times((1..=200).map(Duration::from_millis).collect());
        assert_eq!(times.to_string(), "200 ports: p50 100 ms, p99 198 ms");
        let one = Times(vec![Duration::from_millis(7)]);
        assert_eq!(one.to_string(), "1 ports: p50 7 ms, p99 7 ms");
    }
}
