//! Three hosts on which everything fails, one thing after the other, while clients write to the API.
//!
//! Each round has one fault happen to one host. Meanwhile machines ping each other, and every card is
//! listened to. In the end each host has to have exactly the flows that it should, every ping that
//! should pass has to pass, no machine may have missed another for longer than the fault may cost,
//! and no frame may have reached a machine that it was not for.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::lab::Lab;
use crate::northbound::Northbound;
use crate::patience::wait_for;
use crate::probe;
use crate::process::{Daemon, succeed};

mod api;
mod dice;
mod fault;
mod guard;

use api::{Api, Written};
use dice::Dice;
pub use fault::{Cost, FAULTS, Fault};
use guard::{Guard, Seen, host_of};

/// The hosts, and what is on them.
const NETWORK: &str = include_str!("chaos/network.yaml");
/// An address that is behind the router outside.
const WORLD: &str = "198.51.100.99";
/// What the gateway host of the router has in its flows, and no other.
const LEADS: &str = "nat(src=203.0.113.101)";
/// The floating IP of one of the machines.
const FLOATING: &str = "203.0.113.21";
/// How long everything may take to be as it should, once a fault is over.
const SETTLES: Duration = Duration::from_secs(60);
/// How long machines may miss each other for what must cost nothing: a busy machine is late.
const LATE: Duration = Duration::from_millis(500);
/// How long a machine may take to be reached.
const PASSES: Duration = Duration::from_secs(10);

/// What happened in a round.
#[derive(Clone, Debug)]
pub struct Round {
    /// The fault.
    pub fault: &'static str,
    /// The host that it happened to.
    pub host: &'static str,
    /// What is not as it should be.
    pub wrong: Vec<String>,
    /// How long it took until all was as it should.
    settled: Duration,
    written: Written,
    longest: Duration,
}

/// The lab, and what runs in it.
#[derive(Debug)]
pub struct Arena {
    lab: Lab,
    northbound: Northbound,
    server: Option<Daemon>,
    api: Api,
    brint: PathBuf,
    dice: Dice,
}

impl Arena {
    /// The hosts that things happen to.
    const HOSTS: [&'static str; 3] = ["host1", "host2", "host3"];
    /// The host that can take the name of another.
    const SPARE: &'static str = "spare";

    /// Brings everything up; the seed decides what happens.
    ///
    /// # Errors
    ///
    /// When something does not start.
    pub fn start(name: &str, brint: &Path, seed: u64) -> anyhow::Result<Self> {
        let mut lab = Lab::build(name, NETWORK, brint)?;
        let northbound = {
            let namespace = lab.outside().namespace();
            Northbound::start_in(namespace, lab.directory(), brint)?
        };
        let outside = lab.outside().namespace();
        outside.ip(&format!("address add {WORLD} dev lo"))?;
        let api = Api::new(outside);
        let brint = lab.brint().to_owned();
        let remote = northbound.remote();
        let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
        for host in Self::HOSTS {
            set_up(&lab, host)?;
            lab.host_mut(host)?.start_agent_of(&brint, &source)?;
        }
        set_up(&lab, Self::SPARE)?;
        for host in Self::HOSTS {
            lab.host(host)?.wait_for_bridges()?;
        }
        // The spare host is not one of them, until it says so.
        let spare = |line: &&str| line.contains(&format!("name: {}", Self::SPARE));
        let known = NETWORK.lines().filter(|line| !spare(line));
        northbound.apply(&known.collect::<Vec<_>>().join("\n"), "")?;
        lab.plug_machines(&[])?;
        lab.wait_until_bound()?;
        let mut arena = Self {
            lab,
            northbound,
            server: None,
            api,
            brint,
            dice: Dice::new(seed),
        };
        arena.start_server()?;
        let wrong = arena.settle()?;
        ensure!(wrong.is_empty(), "before anything failed: {wrong:?}");
        Ok(arena)
    }

    /// Leaves everything as it is when this value goes.
    pub fn keep(&mut self) {
        self.lab.keep();
        self.northbound.keep();
    }

    /// One of some faults, by chance.
    pub fn choose<'a>(&mut self, faults: &[&'a Fault]) -> Option<&'a Fault> {
        let count = u64::try_from(faults.len()).ok()?;
        let chosen = usize::try_from(self.dice.below(count)).ok()?;
        faults.get(chosen).copied()
    }

    /// Has a fault happen to one of the hosts, and sees what comes of it.
    ///
    /// # Errors
    ///
    /// When the lab itself does not work; what is wrong with the hosts is in the round.
    pub fn round(&mut self, fault: &Fault) -> anyhow::Result<Round> {
        let host = self.dice.choose(&Self::HOSTS);
        let guard = Guard::start(&self.lab, WORLD.parse()?)?;
        let writing = self.api.write();
        thread::sleep(Duration::from_millis(self.dice.below(1000)));
        let mut dice = self.dice.clone();
        let happened = fault.run(self, host, &mut dice);
        self.dice = dice;
        let written = writing.stop()?;
        let mut wrong = Vec::new();
        wrong.extend(happened.err().map(|error| format!("{error:#}")));
        let started = Instant::now();
        self.api.clean_up()?;
        wrong.extend(self.settle()?);
        let settled = started.elapsed();
        let seen = guard.stop()?;
        let longest = seen.gaps.iter().map(|gap| gap.longest).max();
        wrong.extend(judge(&seen, fault.cost, host));
        Ok(Round {
            fault: fault.name,
            host,
            wrong,
            settled,
            written,
            longest: longest.unwrap_or_default(),
        })
    }

    /// Waits until every host has what it should, and every machine reaches what it should; what is
    /// wrong after all.
    fn settle(&self) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let deadline = Instant::now() + SETTLES;
        for host in Self::HOSTS {
            let mut differs = String::new();
            let left = deadline.saturating_duration_since(Instant::now());
            let same = wait_for("the flows are as they should be", left, || {
                match self.lab.host(host)?.ask_agent(&self.brint, "diff") {
                    Ok(_) => return Ok(Some(())),
                    Err(error) => differs = format!("{error:#}"),
                }
                Ok(None)
            });
            if same.is_err() {
                wrong.push(format!("{host} differs: {differs}"));
            }
        }
        let mut leading = Vec::new();
        let left = deadline.saturating_duration_since(Instant::now());
        let one = wait_for("one host leads outside", left, || {
            leading = self.leaders()?;
            Ok((leading.len() == 1).then_some(()))
        });
        if one.is_err() {
            wrong.push(format!("{leading:?} lead outside, and not one host"));
        }
        let machines = self.lab.machines().iter();
        let machines: Vec<_> = machines.filter(|it| host_of(it.name()).is_some()).collect();
        let (open, shut): (Vec<_>, Vec<_>) =
            machines.into_iter().partition(|it| it.name() != "shut");
        let world: IpAddr = WORLD.parse()?;
        for from in &open {
            let others = open.iter().filter(|to| to.name() != from.name());
            let mut targets = Vec::new();
            for to in others {
                targets.push((to.name(), to.ipv4()?));
            }
            targets.push(("the world", world));
            for (name, address) in targets {
                if !probe::ping(from.namespace(), address, PASSES)? {
                    wrong.push(format!("{} does not reach {name}", from.name()));
                }
            }
        }
        let outside = self.lab.outside().namespace();
        if !probe::ping(outside, FLOATING.parse()?, PASSES)? {
            wrong.push("the world does not reach the floating IP".to_owned());
        }
        if let (Some(from), Some(to)) = (open.first(), shut.first())
            && probe::ping(from.namespace(), to.ipv4()?, Duration::from_secs(1))?
        {
            wrong.push(format!("{} reaches {}", from.name(), to.name()));
        }
        Ok(wrong)
    }

    /// The hosts that lead the router outside.
    fn leaders(&self) -> anyhow::Result<Vec<&'static str>> {
        let mut leaders = Vec::new();
        for host in Self::HOSTS {
            let flows = self.lab.host(host)?.ovs().flows("br-int")?;
            if flows.iter().any(|flow| flow.contains(LEADS)) {
                leaders.push(host);
            }
        }
        Ok(leaders)
    }

    fn start_agent(&mut self, host: &str) -> anyhow::Result<()> {
        let remote = self.northbound.remote();
        let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
        self.lab
            .host_mut(host)?
            .start_agent_of(&self.brint, &source)
    }

    /// Starts an agent on the spare host, under the name of another.
    fn start_clone(&mut self, host: &str) -> anyhow::Result<()> {
        let remote = self.northbound.remote();
        let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
        let spare = self.lab.host_mut(Self::SPARE)?;
        spare.start_agent_as(&self.brint, &source, host)
    }

    fn start_server(&mut self) -> anyhow::Result<()> {
        let remote = self.northbound.remote();
        let listen = api::ADDRESS.to_string();
        let arguments = ["server", "--remote", &remote, "--listen", &listen];
        self.server = Some(self.lab.start_outside(&self.brint, &arguments)?);
        self.api.wait()
    }

    fn kill_server(&mut self) -> anyhow::Result<()> {
        self.server.take().context("no server runs")?.kill()
    }

    fn set_up(&self, host: &str) -> anyhow::Result<()> {
        set_up(&self.lab, host)
    }

    /// Sets a host up whose database is empty, and plugs its machines in again.
    fn set_up_again(&mut self, host: &str) -> anyhow::Result<()> {
        self.lab.cable_again(host)?;
        set_up(&self.lab, host)?;
        self.lab.host(host)?.wait_for_bridges()?;
        self.lab.plug_again(host)
    }

    /// Where the tunnels of a host end.
    fn endpoint(&self, host: &str) -> anyhow::Result<String> {
        endpoint(&self.lab, host)
    }

    /// The names of a GRE and of a VXLAN tunnel of a host.
    fn tunnels(&self, host: &str) -> anyhow::Result<(String, String)> {
        let ovs = self.lab.host(host)?.ovs();
        let ports = ovs.vsctl("list-ports br-tun")?;
        let find = |kind: &str| {
            let port = ports.lines().find(|port| port.starts_with(kind));
            port.map(str::to_owned)
                .with_context(|| format!("no {kind}"))
        };
        Ok((find("gre-")?, find("vxlan-")?))
    }

    /// The identifier of an object.
    fn id(&self, table: &str, name: &str) -> anyhow::Result<String> {
        let rows = self.northbound.rows(table, "_uuid name")?;
        let row = rows.iter().find(|row| row.ends_with(&format!(",{name}")));
        let id = row.and_then(|row| row.split(',').next());
        Ok(id
            .with_context(|| format!("{table}: no {name}"))?
            .to_owned())
    }

    fn insert_host(&self, name: &str, address: &str, mtu: u16) -> anyhow::Result<()> {
        self.transact(&format!(
            r#"{{"op":"insert","table":"Host","row":{{"name":"{name}","encap_ip":"{address}","mtu":{mtu},"encap_types":["set",["vxlan","gre","geneve"]],"admin_state_up":true}}}}"#
        ))
    }

    fn delete_rows(&self, table: &str, column: &str, values: &[&str]) -> anyhow::Result<()> {
        values.iter().try_for_each(|value| {
            self.transact(&format!(
                r#"{{"op":"delete","table":"{table}","where":[["{column}","==","{value}"]]}}"#
            ))
        })
    }

    /// Writes to the northbound database past everything that checks what is written.
    fn transact(&self, operation: &str) -> anyhow::Result<()> {
        let remote = self.northbound.remote();
        let operations = format!(r#"["Brint_Northbound",{operation}]"#);
        let mut client = Command::new("ovsdb-client");
        let answer = succeed(client.args(["-t", "10", "transact", &remote, &operations]))?;
        ensure!(!answer.contains("\"error\""), "{operation}: {answer}");
        Ok(())
    }
}

/// Writes into the database of a host what its agent needs to know.
fn set_up(lab: &Lab, host: &str) -> anyhow::Result<()> {
    let address = endpoint(lab, host)?;
    lab.host(host)?.ovs().vsctl(&format!(
        "--no-wait set Open_vSwitch . external_ids:brint-encap-ip={address} \
         external_ids:brint-bridge-mappings=physnet1:br-ex"
    ))?;
    Ok(())
}

fn endpoint(lab: &Lab, host: &str) -> anyhow::Result<String> {
    let mut hosts = lab.description().hosts.iter();
    let described = hosts.find(|it| it.name == host);
    let described = described.with_context(|| format!("no host {host}"))?;
    Ok(described.encap_ip.to_string())
}

/// What was seen in a round that must not be.
fn judge(seen: &Seen, cost: Cost, host: &str) -> Vec<String> {
    let may_miss = |hosts: &[String; 2]| {
        cost == Cost::Host && hosts.iter().any(|it| it == host || it == "outside")
    };
    let missed = seen.gaps.iter().filter(|gap| !may_miss(&gap.hosts));
    let missed = missed.filter(|gap| gap.longest > LATE).map(|gap| {
        let longest = gap.longest.as_millis();
        format!("{} missed {} for {longest} ms", gap.from, gap.to)
    });
    let count = seen.leaks.len();
    let leaks = seen
        .leaks
        .first()
        .map(|first| format!("{count} frames leaked: {first}"));
    missed.chain(leaks).collect()
}

impl Drop for Arena {
    fn drop(&mut self) {
        // The namespaces go, and with them what runs inside.
        drop(self.server.take());
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:20} {:6} settled in {:>5} ms, {:>3} writes and {:>3} refused, longest gap {:>5} ms  {}",
            self.fault,
            self.host,
            self.settled.as_millis(),
            self.written.done,
            self.written.refused,
            self.longest.as_millis(),
            if self.wrong.is_empty() { "ok" } else { "FAIL" }
        )?;
        for wrong in &self.wrong {
            write!(f, "\n    {wrong}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::guard::Gap;
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let names: BTreeSet<_> = FAULTS.iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), FAULTS.len());
    }

    #[test]
    fn only_those_whom_a_fault_costs_nothing_are_missed() {
        let gap = |hosts: [&str; 2], millis| Gap {
            from: "a".to_owned(),
            to: "b".to_owned(),
            hosts: hosts.map(str::to_owned),
            longest: Duration::from_millis(millis),
        };
        let seen = Seen {
            gaps: vec![
                gap(["host1", "host2"], 2000),
                gap(["host2", "outside"], 2000),
                gap(["host2", "host3"], 100),
            ],
            leaks: Vec::new(),
        };
        assert_eq!(judge(&seen, Cost::Host, "host1").len(), 0);
        assert_eq!(judge(&seen, Cost::Host, "host3").len(), 1);
        assert_eq!(judge(&seen, Cost::Nothing, "host1").len(), 2);
        let leaky = Seen {
            leaks: vec!["frame".to_owned()],
            ..seen
        };
        assert_eq!(judge(&leaky, Cost::Host, "host1").len(), 1);
    }
}
