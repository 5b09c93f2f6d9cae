//! What established packets cost in the datapath: they meet its cache only, and the connection
//! tracker as often as the pipeline says.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::{Host, Lab, Namespace, PATIENCE, probe, wait_for};
use tests::brint;

const NETWORK: &str = include_str!("../../labs/topologies/two-hosts/network.yaml");
/// A VM beside web1, on its host and in its network.
const WEB3: &str = "  - {id: 75500005-bcad-4032-8ad1-f0950600b737, name: web3, network: web, mac_address: \
                    \"fa:16:3e:50:01:13\", fixed_ips: [10.0.1.13], host: host1}\n";
/// An address behind the router of the world outside.
const WORLD: &str = "198.51.100.99";
/// Packets that some flow has to count before flows are looked at.
const ENOUGH: u64 = 150;
/// Packets that a flow counts by then if the connection uses it; what hosts send by themselves is
/// less.
const PACKETS: u64 = 75;

/// The packets that used each flow of each host.
type Counted = BTreeMap<String, BTreeMap<String, u64>>;

/// A packet's way, and how often it meets the connection tracker on each host, there and back.
struct Way {
    name: &'static str,
    from: &'static str,
    to: &'static str,
    /// Per host: passes through the tracker of a request and its reply together.
    tracked: &'static [(&'static str, u64)],
}

/// A firewalled port is tracked once on each host; a router translates once more, in its own zone.
const WAYS: [Way; 6] = [
    Way {
        name: "same host",
        from: "web1",
        to: "10.0.1.13",
        tracked: &[("host1", 2)],
    },
    Way {
        name: "other host",
        from: "web1",
        to: "10.0.1.12",
        tracked: &[("host1", 2), ("host2", 2)],
    },
    Way {
        name: "routed, same host",
        from: "web1",
        to: "10.0.2.11",
        tracked: &[("host1", 4)],
    },
    Way {
        name: "routed, other host",
        from: "web1",
        to: "10.0.2.12",
        tracked: &[("host1", 2), ("host2", 2)],
    },
    Way {
        name: "SNAT",
        from: "web3",
        to: WORLD,
        tracked: &[],
    },
    Way {
        name: "floating IP",
        from: "web1",
        to: WORLD,
        tracked: &[("host1", 4)],
    },
];

fn start(name: &str) -> anyhow::Result<Lab> {
    let network = NETWORK.replacen("  - {id: 75500002", &format!("{WEB3}  - {{id: 75500002"), 1);
    ensure!(network.contains("web3"), "the description has changed");
    let mut lab = Lab::build(name, &network, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let outside = lab.outside().namespace();
    let address = ["addr", "add", WORLD, "dev", "lo"];
    for arguments in [&address[..], &["link", "set", "lo", "up"]] {
        let done = outside.command("ip").args(arguments).status()?;
        ensure!(done.success(), "ip {arguments:?}: {done}");
    }
    Ok(lab)
}

#[test]
fn established_packets_stay_on_the_fast_path() -> anyhow::Result<()> {
    let lab = start("t-fast-path")?;
    for way in &WAYS {
        let from = lab.machine(way.from)?.namespace();
        let to: IpAddr = way.to.parse()?;
        wait_for(&format!("{}: an answer", way.name), PATIENCE, || {
            Ok(probe::ping(from, to, Duration::from_secs(1))?.then_some(()))
        })?;
        let used = used_by_pings(&lab, from, to).with_context(|| way.name.to_owned())?;
        for (host, flows) in &used {
            for flow in flows {
                let flow = without_large(flow);
                let slow = flow.contains("userspace(") || flow.contains("slow_path");
                ensure!(!slow, "{}: {host} has a slow path: {flow}", way.name);
            }
            let tracked = flows.iter().map(|flow| flow.matches("ct(").count()).sum();
            let expected = way.tracked.iter().find(|(name, _)| name == host);
            if let Some((_, expected)) = expected {
                let tracked: usize = tracked;
                ensure!(
                    u64::try_from(tracked)? == *expected,
                    "{}: {host} tracks {tracked} times, and not {expected}:\n{}",
                    way.name,
                    flows.join("\n")
                );
            }
        }
        ensure!(
            !used.is_empty(),
            "{}: no flow of any datapath was used",
            way.name
        );
    }
    Ok(())
}

/// A flow without what it does to packets that are larger than the next network carries.
fn without_large(flow: &str) -> String {
    let Some((before, rest)) = flow.split_once(",gt(") else {
        return flow.to_owned();
    };
    let mut depth = 1_u32;
    let after = rest.trim_start_matches(|character| {
        depth = match character {
            '(' => depth + 1,
            ')' => depth.saturating_sub(1),
            _ => depth,
        };
        depth > 0
    });
    format!("{before}{after}")
}

/// The datapath flows of each host that an established connection of pings uses.
fn used_by_pings(
    lab: &Lab,
    from: &Namespace,
    to: IpAddr,
) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let pinging = probe::Pinging::start(from, to, Duration::from_millis(20))?;
    // What opens the connection has other flows.
    let first = counted(lab)?;
    let mut used = BTreeMap::new();
    let found = wait_for("flows that pings use", PATIENCE, || {
        let now = counted(lab)?;
        let busy = |limit| busy(&first, &now, limit);
        used = busy(PACKETS);
        Ok((!busy(ENOUGH).is_empty()).then_some(()))
    });
    pinging.stop()?;
    found?;
    Ok(used)
}

/// The flows that have counted so many packets since.
fn busy(before: &Counted, now: &Counted, limit: u64) -> BTreeMap<String, Vec<String>> {
    let hosts = now.iter().map(|(host, flows)| {
        let before = before.get(host);
        let busy = flows.iter().filter(|(flow, packets)| {
            let before = before.and_then(|flows| flows.get(*flow)).copied();
            **packets >= before.unwrap_or_default() + limit
        });
        let busy: Vec<_> = busy.map(|(flow, _)| flow.clone()).collect();
        (host.clone(), busy)
    });
    hosts.filter(|(_, flows)| !flows.is_empty()).collect()
}

/// The datapath flows of each host with the packets that used each.
fn counted(lab: &Lab) -> anyhow::Result<Counted> {
    let hosts = lab.hosts().iter();
    hosts
        .map(|host| Ok((host.name().to_owned(), datapath_flows(host)?)))
        .collect()
}

/// The datapath flows of a host: match and actions, and the packets that used them.
fn datapath_flows(host: &Host) -> anyhow::Result<BTreeMap<String, u64>> {
    host.ovs().appctl("revalidator/wait")?;
    let dump = host.ovs().appctl("dpctl/dump-flows")?;
    let flows = dump.lines().filter_map(|line| {
        let (matching, rest) = line.split_once(", packets:")?;
        let (packets, rest) = rest.split_once(',')?;
        let (_, actions) = rest.split_once("actions:")?;
        Some((format!("{matching} {actions}"), packets.parse().ok()?))
    });
    Ok(flows.collect())
}
