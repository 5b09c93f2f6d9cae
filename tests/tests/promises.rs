//! What brint promises of a host: whatever happens to it, it comes back as it was, and nobody
//! hears what is not for him meanwhile.

use std::fs;

use anyhow::{Context as _, ensure};
use labs::matrix::{self, Underlay};
use labs::quickstart::{NETWORK, QUOTED_FLOWS};
use labs::{Host, Lab, PATIENCE, wait_for};
use tests::{BRIDGES, Flows, OpenflowLog, brint, quickstart, reaches};

/// The interface of the machine a1.
const A1: &str = "tap7571157f-bc";

/// What somebody may do to the database, and how to ask whether it has been put back.
const EDITS: [(&str, &str); 8] = [
    (
        "del-port br-int patch-tun",
        "get Interface patch-tun options:peer",
    ),
    (
        "del-port br-ex phy-br-ex",
        "get Interface phy-br-ex options:peer",
    ),
    (
        "del-port br-tun vxlan-c0000202",
        "get Interface vxlan-c0000202 options:remote_ip",
    ),
    (
        "set Interface gre-c0000202 options:remote_ip=192.0.2.9",
        "get Interface gre-c0000202 options:remote_ip",
    ),
    (
        "set Port tap7571157f-bc tag=7",
        "get Port tap7571157f-bc tag",
    ),
    (
        "clear Port tap7571157f-bc tag",
        "get Port tap7571157f-bc tag",
    ),
    (
        "clear Port tap7571157f-bc other_config",
        "get Port tap7571157f-bc other_config",
    ),
    (
        "set Bridge br-int fail_mode=standalone",
        "get Bridge br-int fail_mode",
    ),
];

#[test]
fn what_somebody_changes_in_the_database_is_put_back() -> anyhow::Result<()> {
    let lab = quickstart("t-edits")?;
    let ovs = lab.host("host1")?.ovs();
    for (edit, question) in EDITS {
        let before = ovs.vsctl(question)?;
        // The answer would come from the database that has been put back.
        ovs.vsctl(&format!("--no-wait {edit}"))?;
        wait_for(&format!("what {edit:?} did is undone"), PATIENCE, || {
            Ok(ovs.vsctl(question).ok().filter(|now| *now == before))
        })?;
        reaches(lab.machine("a2")?, lab.machine("a1")?)
            .with_context(|| format!("after {edit:?}"))?;
        reaches(lab.machine("b2")?, lab.machine("b1")?)
            .with_context(|| format!("after {edit:?}"))?;
    }
    Ok(())
}

#[test]
fn whatever_flows_others_add_drift_is_repaired() -> anyhow::Result<()> {
    let lab = quickstart("t-others")?;
    let ovs = lab.host("host1")?.ovs();
    let before = Flows::of(ovs, "br-int")?;
    let connections = connections(&lab)?;
    for other in [
        "table=9,actions=load:1->in_port_oxm[]",
        "table=10,dl_type=0x894f,actions=load:1->nsh_spi[],load:3->nsh_si[0..3]",
        "table=11,dl_type=0x894f,actions=load:1->nsh_ttl[]",
    ] {
        ovs.ofctl(&format!("-O OpenFlow13 add-flow br-int {other}"))?;
    }
    let with_others = Flows::of(ovs, "br-int")?;
    ensure!(
        with_others.len() == before.len() + 3,
        "the flows are not there"
    );
    before.find("table=71")?.delete(ovs, "br-int")?;
    with_others.are_on(ovs, "br-int", PATIENCE)?;
    ensure!(
        self::connections(&lab)? == connections,
        "the connection ended"
    );
    Ok(())
}

/// How many connections to br-int of the first host there were.
fn connections(lab: &Lab) -> anyhow::Result<u64> {
    let status = lab
        .host("host1")?
        .ask_agent(lab.brint(), "status -f json")?;
    let status: serde_json::Value = serde_json::from_str(&status)?;
    let connections = status.pointer("/bridges/br-int/connections");
    let connections = connections.and_then(serde_json::Value::as_u64);
    connections.with_context(|| format!("no connections in {status}"))
}

#[test]
fn what_changed_while_the_agent_was_away_is_all_it_sends() -> anyhow::Result<()> {
    let mut lab = quickstart("t-away")?;
    let before = flows(lab.host("host1")?)?;
    lab.host_mut("host1")?.kill_agent()?;
    let more = NETWORK.replace(
        "  - name: allow-ssh\n    project: tenant-a\n    rules:\n",
        "  - name: allow-ssh\n    project: tenant-a\n    rules:\n      \
         - {direction: ingress, ethertype: IPv4, protocol: tcp, port_range_min: 443, \
         port_range_max: 443}\n",
    );
    ensure!(more != NETWORK, "the description has changed");
    fs::write(lab.network(), more).context("writing another description")?;
    let log = OpenflowLog::start(lab.host("host1")?.ovs())?;
    lab.start_agent("host1")?;
    let host = lab.host("host1")?;
    wait_for("the rule is there", PATIENCE, || {
        let flows = Flows::of(host.ovs(), "br-int")?;
        Ok(flows.find("tp_dst=443").is_ok().then_some(()))
    })?;
    let after: Vec<_> = flows(host)?;
    let differences = before
        .iter()
        .zip(&after)
        .map(|(before, after)| before.difference(after));
    let differences: Vec<_> = differences.filter(|it| !it.is_empty()).collect();
    let lines: usize = differences.iter().map(|it| it.lines().count()).sum();
    let changes = log.changes()?;
    ensure!(changes.len() == lines, "{changes:?} for {differences:?}");
    Ok(())
}

#[test]
fn a_compacted_database_changes_nothing() -> anyhow::Result<()> {
    let lab = quickstart("t-compact")?;
    let ovs = lab.host("host1")?.ovs();
    let log = OpenflowLog::start(ovs)?;
    ovs.appctl("-t ovsdb-server ovsdb-server/compact")?;
    still_follows(&lab)?;
    let changes = log.changes()?;
    ensure!(changes.is_empty(), "{changes:?}");
    Ok(())
}

#[test]
fn a_database_restored_from_a_backup_changes_nothing() -> anyhow::Result<()> {
    let mut lab = quickstart("t-backup")?;
    let host = lab.host_mut("host1")?;
    let database = host.ovs().directory().join("conf.db");
    let log = OpenflowLog::start(host.ovs())?;
    let backup = host.ovs().directory().join("backup.db");
    fs::copy(&database, &backup).context("copying the database")?;
    // Written after the backup, and lost: the server's history goes back.
    host.ovs()
        .vsctl("set Open_vSwitch . external_ids:note=lost")?;
    host.kill_database()?;
    fs::copy(&backup, &database).context("restoring the database")?;
    host.start_database()?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    still_follows(&lab)?;
    let changes = log.changes()?;
    ensure!(changes.is_empty(), "{changes:?}");
    Ok(())
}

#[test]
fn an_empty_database_is_filled_again() -> anyhow::Result<()> {
    let mut lab = quickstart("t-empty")?;
    let host = lab.host_mut("host1")?;
    let before = flows(host)?;
    host.lose_database()?;
    host.wait_for_bridges()?;
    let ovs = host.ovs();
    // Provider bridges are the administrator's.
    let datapath = host.datapath();
    ovs.vsctl(&format!(
        "add-br br-ex -- set Bridge br-ex datapath_type={datapath}"
    ))?;
    ovs.vsctl(&format!(
        "add-port br-int {A1} -- set Interface {A1} ofport_request=43 \
         external_ids:iface-id=7571157f-bcad-4032-8ad1-f0950600b737"
    ))?;
    wait_for("a1 has its flows again", PATIENCE, || {
        let now = Flows::of(ovs, "br-int")?;
        let missing = QUOTED_FLOWS.iter().find(|flow| now.find(flow).is_err());
        Ok(missing.is_none().then_some(()))
    })?;
    for (before, bridge) in before.iter().zip(BRIDGES) {
        let now = Flows::settled(ovs, bridge)?;
        // Each bridge has at least what is the same on every host.
        ensure!(
            !now.is_empty() && now.len() <= before.len(),
            "{bridge}: {}",
            now.len()
        );
    }
    Ok(())
}

#[test]
fn a_machine_plugged_in_anew_is_found_wherever_it_is() -> anyhow::Result<()> {
    let lab = quickstart("t-replug")?;
    let host = lab.host("host1")?;
    let ovs = host.ovs();
    let id = "7571157f-bcad-4032-8ad1-f0950600b737";
    let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);

    // Unplugged, it has no flows.
    ovs.vsctl(&format!("del-port {A1}"))?;
    wait_for("the flows of a1 are gone", PATIENCE, || {
        let flows = Flows::of(ovs, "br-int")?;
        Ok(flows.find("reg5=0x2b").is_err().then_some(()))
    })?;

    // Under another name and number.
    let run = |arguments: &[&str]| -> anyhow::Result<()> {
        let status = host.namespace().command("ip").args(arguments).status()?;
        ensure!(status.success(), "ip {arguments:?}: {status}");
        Ok(())
    };
    run(&["link", "set", A1, "down"])?;
    run(&["link", "set", A1, "name", "another"])?;
    run(&["link", "set", "another", "up"])?;
    let plug =
        format!("add-port br-int another -- set Interface another external_ids:iface-id={id}");
    ovs.vsctl(&format!("{plug} ofport_request=99"))?;
    reaches(a2, a1)?;
    let flows = Flows::of(ovs, "br-int")?;
    flows.find("reg5=0x63")?;
    ensure!(
        flows.find("reg5=0x2b").is_err(),
        "flows of the old number are left"
    );

    // Its number changes while it is plugged in.
    ovs.vsctl("set Interface another ofport_request=98")?;
    reaches(a2, a1)?;
    wait_for("the flows follow the number", PATIENCE, || {
        let flows = Flows::of(ovs, "br-int")?;
        Ok(flows.find("reg5=0x62").is_ok().then_some(()))
    })?;

    // A second interface claims the port: the newer wins, until it is gone.
    ovs.vsctl(&format!(
        "add-port br-int claim -- set Interface claim type=internal external_ids:iface-id={id} \
         ofport_request=200"
    ))?;
    wait_for("the newer interface is the port", PATIENCE, || {
        let flows = Flows::of(ovs, "br-int")?;
        Ok((flows.find("reg5=0xc8").is_ok() && flows.find("reg5=0x62").is_err()).then_some(()))
    })?;
    let log = host.read_agent_log()?;
    ensure!(
        log.contains("another") && log.contains("claim"),
        "the agent does not report the two interfaces:\n{log}"
    );
    ovs.vsctl("del-port claim")?;
    reaches(a2, a1)
}

#[test]
fn nothing_leaks_while_hosts_start_cold() -> anyhow::Result<()> {
    let mut lab = matrix::start("t-cold", &brint()?, 2, Underlay::Ipv4)?;
    let warm = matrix::check(&lab)?;
    ensure!(warm.violations.is_empty(), "{:?}", warm.violations);
    let outcome = matrix::leaks(&mut lab, |lab| {
        for name in ["host1", "host2"] {
            let host = lab.host_mut(name)?;
            host.kill_agent()?;
            host.kill_switch()?;
            // It has every port and bridge, but no flow, until the agent comes.
            host.start_switch()?;
            lab.start_agent(name)?;
        }
        for port in ["vxlan1", "gre1", "geneve1", "flat1", "red1", "blue1"] {
            let neighbour = port.replace('1', "2");
            reaches(lab.machine(port)?, lab.machine(&neighbour)?)?;
        }
        Ok(())
    })?;
    let leaks = &outcome.violations;
    ensure!(
        leaks.is_empty(),
        "{} leaks:\n{}",
        leaks.len(),
        leaks.join("\n")
    );
    ensure!(outcome.heard > 0, "no frame was heard at all");
    let after = matrix::check(&lab)?;
    ensure!(after.violations.is_empty(), "{:?}", after.violations);
    Ok(())
}

/// Waits until a new port is bound: the agent still hears of changes.
fn still_follows(lab: &Lab) -> anyhow::Result<()> {
    let ovs = lab.host("host1")?.ovs();
    ovs.vsctl("--no-wait clear Port tap7571157f-bc tag")?;
    wait_for("the tag is put back", PATIENCE, || {
        let tag = ovs.vsctl("get Port tap7571157f-bc tag")?;
        Ok((tag.trim() != "[]").then_some(()))
    })
}

fn flows(host: &Host) -> anyhow::Result<Vec<Flows>> {
    (BRIDGES.into_iter())
        .map(|bridge| Flows::of(host.ovs(), bridge))
        .collect()
}
