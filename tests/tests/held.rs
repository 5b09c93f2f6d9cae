//! A northbound database that is empty, or another one, cuts no running VM.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::cluster::{hosts_with_rule, with_rule};
use labs::quickstart::{NETWORK, OFPORTS};
use labs::{Lab, Northbound, PATIENCE, probe, wait_for};
use tests::{ALONE, Flows, brint, reaches};

/// What an operator reads of a database that is held.
const HELD: &str = "northbound Brint_Northbound is held, the running state stays";

/// The quickstart on a northbound database.
fn quickstart(name: &str) -> anyhow::Result<(Lab, Northbound)> {
    let brint = brint()?;
    let mut lab = Lab::build(name, NETWORK, &brint)?;
    let northbound = Northbound::start(lab.directory(), &brint)?;
    let remote = northbound.remote();
    lab.start_agents_of(&["agent".as_ref(), "--remote".as_ref(), remote.as_ref()])?;
    northbound.apply(NETWORK, "")?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&OFPORTS)?;
    lab.wait_until_bound()?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    northbound.apply(NETWORK, "--wait=hosts")?;
    for host in lab.hosts() {
        Flows::settled(host.ovs(), "br-int")?;
    }
    Ok((lab, northbound))
}

/// Waits until the status of every host says something, or does not any more.
fn status(lab: &Lab, words: &str, says: bool) -> anyhow::Result<()> {
    for host in lab.hosts() {
        let mut status = String::new();
        wait_for(
            &format!("{} says {words:?}: {says}", host.name()),
            PATIENCE,
            || {
                // An agent that has just been started does not listen yet.
                let Ok(now) = host.ask_agent(lab.brint(), "status") else {
                    return Ok(None);
                };
                status = now;
                Ok((status.contains(words) == says).then_some(()))
            },
        )
        .with_context(|| status.clone())?;
    }
    Ok(())
}

/// Holds br-int of every host against what it was, and has drift repaired.
fn stays(lab: &Lab, before: &[Flows]) -> anyhow::Result<()> {
    for (host, flows) in lab.hosts().iter().zip(before) {
        let now = Flows::of(host.ovs(), "br-int")?;
        let difference = flows.difference(&now);
        ensure!(difference.is_empty(), "{}: {difference}", host.name());
        flows.find("table=71")?.delete(host.ovs(), "br-int")?;
        flows.are_on(host.ovs(), "br-int", PATIENCE)?;
    }
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}

fn flows(lab: &Lab) -> anyhow::Result<Vec<Flows>> {
    let hosts = lab.hosts().iter();
    hosts.map(|host| Flows::of(host.ovs(), "br-int")).collect()
}

#[test]
fn an_empty_or_another_database_is_held_until_it_is_accepted() -> anyhow::Result<()> {
    let (mut lab, mut northbound) = quickstart("t-held")?;
    let before = flows(&lab)?;
    northbound.replace()?;
    status(&lab, HELD, true)?;
    stays(&lab, &before)?;
    // Nothing is said to it.
    ensure!(northbound.rows("Host", "name")?.is_empty());

    // Another network makes it no better.
    let other = "networks:\n  - {name: other, network_type: vxlan, segmentation_id: 9, \
                 subnets: [{cidr: 10.9.9.0/24}]}\n";
    northbound.apply(other, "")?;
    stays(&lab, &before)?;

    // An agent that starts now knows no network at all.
    let remote = northbound.remote();
    let source = ["agent".as_ref(), "--remote".as_ref(), remote.as_ref()];
    let program = lab.brint().to_owned();
    let host = lab.host_mut("host1")?;
    host.kill_agent()?;
    host.start_agent_of(&program, &source)?;
    status(&lab, HELD, true)?;
    let log = lab.host("host1")?;
    wait_for("the flows are kept", PATIENCE, || {
        Ok(log.read_agent_log()?.contains("keeping ").then_some(()))
    })?;
    stays(&lab, &before)?;

    // The old one is followed at once, also in an older copy.
    northbound.restore()?;
    status(&lab, HELD, false)?;
    let changed = with_rule(4244)?;
    northbound.apply(&changed, "--wait=hosts")?;
    ensure!(
        hosts_with_rule(&lab, 4244)? == 2,
        "the old one is not followed"
    );
    northbound.restore()?;
    wait_for("the older copy is followed", PATIENCE, || {
        Ok((hosts_with_rule(&lab, 4244)? == 0).then_some(()))
    })?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;

    // An operator may want the new one.
    northbound.replace()?;
    status(&lab, HELD, true)?;
    for host in lab.hosts() {
        let told = host.ask_agent(lab.brint(), "accept-database")?;
        ensure!(told.contains("is followed"), "{told}");
    }
    status(&lab, HELD, false)?;
    for (host, before) in lab.hosts().iter().zip(&before) {
        wait_for("the ports are gone", PATIENCE, || {
            let flows = Flows::of(host.ovs(), "br-int")?;
            Ok((flows.len() < before.len() / 2).then_some(()))
        })?;
    }
    // That was for once.
    northbound.apply(NETWORK, "--wait=hosts")?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    northbound.restore()?;
    status(&lab, HELD, true)
}

#[test]
fn a_database_whose_rows_are_gone_is_held_unless_brint_deleted_them() -> anyhow::Result<()> {
    let (lab, northbound) = quickstart("t-emptied")?;
    let before = flows(&lab)?;
    let file = lab.directory().join("applied.yaml");
    fs::write(&file, NETWORK)?;
    let tables = [
        "Log",
        "Trunk",
        "Sub_Port",
        "Floating_IP",
        "Port_Forwarding",
        "Address",
        "Port",
        "Router",
        "Security_Group_Rule",
        "Security_Group",
        "Subnet",
        "Segment",
        "Network",
    ];
    let operations =
        tables.map(|table| format!(r#"{{"op":"delete","table":"{table}","where":[]}}"#));
    let transaction = format!("[\"Brint_Northbound\",{}]", operations.join(","));
    let output = Command::new("ovsdb-client")
        .args(["transact", &northbound.remote(), &transaction])
        .output()?;
    let answer = String::from_utf8(output.stdout)?;
    ensure!(!answer.contains("error"), "{answer}");
    status(&lab, HELD, true)?;
    stays(&lab, &before).context("while it is held")?;
    northbound.apply(NETWORK, "--wait=hosts")?;
    status(&lab, HELD, false)?;
    stays(&lab, &before).context("once it is filled again")?;

    northbound.brint(&format!("delete -f {} --wait=hosts", file.display()))?;
    for (host, before) in lab.hosts().iter().zip(&before) {
        wait_for("the ports are gone", PATIENCE, || {
            let flows = Flows::of(host.ovs(), "br-int")?;
            Ok((flows.len() < before.len() / 2).then_some(()))
        })?;
    }
    status(&lab, HELD, false)
}

#[test]
fn brint_run_makes_no_database_where_there_was_one() -> anyhow::Result<()> {
    let brint = brint()?;
    let mut lab = Lab::build("t-lost", ALONE, &brint)?;
    lab.start_agents_of(&["run".as_ref()])?;
    let apply = format!("apply -f {} --wait=hosts", lab.network().display());
    wait_for("the database is served", PATIENCE, || {
        Ok(lab.host("host1")?.ask_agent(&brint, &apply).ok())
    })?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let (one, two) = (lab.machine("one")?.clone(), lab.machine("two")?.clone());
    let answered = || -> anyhow::Result<()> {
        wait_for("an answer", PATIENCE, || {
            let second = Duration::from_secs(1);
            let answered = probe::ping(one.namespace(), two.ipv4()?, second)?;
            Ok(answered.then_some(()))
        })
    };
    answered()?;
    let before = Flows::settled(lab.host("host1")?.ovs(), "br-int")?;

    // The disk is replaced while nothing runs.
    let host = lab.host_mut("host1")?;
    host.kill_agent()?;
    host.kill_database()?;
    let file = host.ovs().directory().join("brint_northbound.db");
    let aside = host.ovs().directory().join("aside.db");
    fs::rename(&file, &aside)?;
    host.start_database()?;
    host.start_agent_of(&brint, &["run".as_ref()])?;
    status(&lab, "brint_northbound.db is missing", true)?;
    let host = lab.host("host1")?;
    wait_for("the flows are kept", PATIENCE, || {
        Ok(host.read_agent_log()?.contains("keeping ").then_some(()))
    })?;
    ensure!(!file.exists(), "a database is made");
    before.find("table=71")?.delete(host.ovs(), "br-int")?;
    before.are_on(host.ovs(), "br-int", PATIENCE)?;
    answered()?;

    // It is back.
    fs::copy(&aside, &file)?;
    status(&lab, "brint_northbound.db is missing", false)?;
    host.ask_agent(&brint, &apply)?;
    answered()?;
    before.are_on(host.ovs(), "br-int", PATIENCE)?;

    // Or somebody wants to begin anew.
    let host = lab.host_mut("host1")?;
    host.kill_agent()?;
    host.kill_database()?;
    fs::remove_file(&file)?;
    host.start_database()?;
    host.start_agent_of(&brint, &["run".as_ref()])?;
    status(&lab, "brint_northbound.db is missing", true)?;
    lab.host("host1")?.ask_agent(&brint, "accept-database")?;
    status(&lab, "brint_northbound.db is missing", false)?;
    ensure!(file.exists(), "no database is made");
    wait_for("the ports are gone", PATIENCE, || {
        let flows = Flows::of(lab.host("host1")?.ovs(), "br-int")?;
        Ok((flows.len() < before.len()).then_some(()))
    })?;
    lab.host("host1")?.ask_agent(&brint, &apply)?;
    answered()
}

#[test]
fn an_empty_database_after_a_file_is_held_until_it_is_filled() -> anyhow::Result<()> {
    let mut lab = tests::quickstart("t-held-file")?;
    let before = flows(&lab)?;
    let brint = brint()?;
    let northbound = Northbound::start(lab.directory(), &brint)?;
    let remote = northbound.remote();
    for name in ["host1", "host2"] {
        let host = lab.host_mut(name)?;
        host.kill_agent()?;
        host.start_agent_of(
            &brint,
            &["agent".as_ref(), "--remote".as_ref(), remote.as_ref()],
        )?;
    }
    status(&lab, HELD, true)?;
    stays(&lab, &before)?;
    northbound.apply(NETWORK, "")?;
    status(&lab, HELD, false)?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}
