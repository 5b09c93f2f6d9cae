//! The switch is never worse off because something around it started, stopped or crashed.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::probe::{self, Pinging, Pings};
use labs::{Datapath, Lab, PATIENCE, wait_for};
use tests::{BRIDGES, Flows, OpenflowLog, brint, quickstart, reaches};

/// Two VMs that a router connects, on one host.
const ONE_HOST: &str = include_str!("../../labs/topologies/one-host/network.yaml");

/// How long what is refused is waited for.
const SECOND: Duration = Duration::from_secs(1);

/// For each bridge, a flow that it has on every host.
const ANY_FLOW: [(&str, &str); 3] = [
    ("br-int", "table=71"),
    ("br-tun", "table=0"),
    ("br-ex", "table=0"),
];

#[test]
fn an_agent_killed_under_a_ping_comes_back_unnoticed() -> anyhow::Result<()> {
    let mut lab = quickstart("t-agent")?;
    let (a1, a2) = (lab.machine("a1")?.clone(), lab.machine("a2")?.clone());
    let ovs = lab.host("host1")?.ovs().clone();
    let before: Vec<_> = all_flows(&lab)?;
    let log = OpenflowLog::start(&ovs)?;
    let interval = Duration::from_millis(20);
    let pings = [
        Pinging::start(a2.namespace(), a1.ipv4()?, interval)?,
        Pinging::start(a2.namespace(), a1.ipv6()?, interval)?,
    ];

    lab.host_mut("host1")?.kill_agent()?;
    // New connections pass without an agent too.
    reaches(&a1, &a2)?;
    lab.start_agent("host1")?;

    // An agent that puts a flow back has compared the whole bridge before.
    for (number, (bridge, any)) in (1..).zip(ANY_FLOW) {
        let flows = Flows::of(&ovs, bridge)?;
        let changes = log.changes()?;
        ensure!(
            changes.len() == 2 * (number - 1),
            "before {bridge} was touched: {changes:?}"
        );
        flows.find(any)?.delete(&ovs, bridge)?;
        flows.are_on(&ovs, bridge, PATIENCE)?;
        // One deletion, and one message that puts it back.
        let changes = log.changes()?;
        ensure!(
            changes.len() == 2 * number,
            "after {bridge} was touched: {changes:?}"
        );
    }
    for ping in pings {
        let pings = ping.stop()?;
        // All of it may take less than a quarter of a second.
        ensure!(pings.sent >= 5, "only {} requests were sent", pings.sent);
        ensure!(pings.lost.is_empty(), "{pings:?}");
    }
    for (before, after) in before.iter().zip(all_flows(&lab)?) {
        let difference = before.difference(&after);
        ensure!(difference.is_empty(), "{difference}");
    }
    Ok(())
}

#[test]
fn flows_deleted_by_hand_are_put_back() -> anyhow::Result<()> {
    let lab = quickstart("t-deleted")?;
    let ovs = lab.host("host1")?.ovs();
    for bridge in BRIDGES {
        let flows = Flows::of(ovs, bridge)?;
        ovs.ofctl(&format!("del-flows {bridge}"))?;
        flows.are_on(ovs, bridge, PATIENCE)?;
    }
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}

#[test]
fn a_bridge_that_somebody_makes_anew_is_programmed_again() -> anyhow::Result<()> {
    let lab = quickstart("t-anew")?;
    let host = lab.host("host1")?;
    let (ovs, datapath) = (host.ovs(), host.datapath());
    for bridge in BRIDGES {
        let before = Flows::of(ovs, bridge)?.len();
        // In one transaction, so that nobody sees that the bridge was gone: only its socket tells.
        let mut anew = format!(
            "del-br {bridge} -- add-br {bridge} -- set Bridge {bridge} datapath_type={datapath}"
        );
        // What was plugged in comes back with the bridge, under whatever numbers.
        if bridge == "br-int" {
            let ports = lab.description().ports.iter();
            for port in ports.filter(|port| port.host.as_deref() == Some(host.name())) {
                let (interface, id) = (port.interface(), port.id);
                anew += &format!(
                    " -- add-port {bridge} {interface} \
                     -- set Interface {interface} external_ids:iface-id={id}"
                );
            }
        }
        if bridge == "br-ex" {
            anew += " -- add-port br-ex br-ex-nic";
        }
        ovs.vsctl(&anew)?;
        let mut now = 0;
        wait_for(&format!("{bridge} has its flows"), PATIENCE, || {
            now = Flows::of(ovs, bridge).map_or(0, |flows| flows.len());
            Ok((now == before).then_some(()))
        })
        .with_context(|| format!("{now} flows of {before}"))?;
        reaches(lab.machine("a2")?, lab.machine("a1")?)?;
        reaches(lab.machine("b2")?, lab.machine("b1")?)?;
    }
    let station = [203, 0, 113, 1].into();
    wait_for("f1 reaches the physical world", PATIENCE, || {
        let answered = probe::ping(lab.machine("f1")?.namespace(), station, SECOND)?;
        Ok(answered.then_some(()))
    })
}

#[test]
fn groups_changed_by_hand_are_put_back() -> anyhow::Result<()> {
    let lab = quickstart("t-groups")?;
    let ovs = lab.host("host1")?.ovs();
    let flows = Flows::of(ovs, "br-int")?;
    // The flows that use a group go with it.
    ovs.ofctl("-O OpenFlow13 del-groups br-int")?;
    flows.are_on(ovs, "br-int", PATIENCE)?;
    // One that is only changed is still there, and takes no flow with it.
    ovs.ofctl("-O OpenFlow13 mod-group br-int group_id=1,type=all,bucket=actions=drop")?;
    flows.are_on(ovs, "br-int", PATIENCE)?;
    ovs.ofctl("-O OpenFlow13 add-group br-int group_id=4000,type=all,bucket=actions=drop")?;
    flows.are_on(ovs, "br-int", PATIENCE)
}

#[test]
fn a_switch_that_was_killed_is_programmed_again() -> anyhow::Result<()> {
    let mut lab = quickstart("t-vswitchd")?;
    let before = all_flows(&lab)?;
    let host = lab.host_mut("host1")?;
    host.kill_switch()?;
    host.start_switch()?;
    for (flows, bridge) in before.iter().zip(BRIDGES) {
        flows.are_on(host.ovs(), bridge, PATIENCE)?;
    }
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    // While it had no flows it was to forward nothing, and is not told so any more.
    let host = lab.host("host1")?;
    let log = host.read_agent_log()?;
    ensure!(
        log.contains("hold packets"),
        "packets were not held:\n{log}"
    );
    let settings = host.ovs().vsctl("get Open_vSwitch . other_config")?;
    ensure!(!settings.contains("flow-restore-wait"), "{settings}");
    Ok(())
}

#[test]
fn the_kernel_forwards_what_is_established_while_the_switch_restarts() -> anyhow::Result<()> {
    // Tunnels are left out: a new ovs-vswitchd removes their devices and makes them again.
    let mut lab = Lab::build("t-vswitchd-ping", ONE_HOST, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let (web1, web2) = (lab.machine("web1")?.clone(), lab.machine("web2")?.clone());
    let interval = Duration::from_millis(10);
    reaches(&web1, &web2)?;
    let pings = [
        Pinging::start(web1.namespace(), web2.ipv4()?, interval)?,
        Pinging::start(web1.namespace(), web2.ipv6()?, interval)?,
    ];
    let ovs = lab.host("host1")?.ovs().clone();
    let before = Flows::settled(&ovs, "br-int")?;
    let host = lab.host_mut("host1")?;
    host.kill_switch()?;
    let setting = "get Open_vSwitch . other_config:flow-restore-wait";
    wait_for("packets are held", PATIENCE, || Ok(ovs.vsctl(setting).ok()))?;
    host.start_switch()?;
    before.are_on(&ovs, "br-int", PATIENCE)?;
    wait_for("packets are held no more", PATIENCE, || {
        Ok(ovs.vsctl(setting).err())
    })?;
    reaches(&web1, &web2)?;
    let datapath = lab.datapath();
    for pings in pings {
        let Pings { sent, lost } = pings.stop()?;
        ensure!(sent > 20, "only {sent} requests were sent");
        match datapath {
            // What is between two flows of the old process when the new one drops them is lost.
            Datapath::Kernel => ensure!(lost.len() <= 2, "lost {lost:?} of {sent}"),
            // It forwards in the process that was killed.
            Datapath::Userspace => ensure!(!lost.contains(&sent), "lost {lost:?} of {sent}"),
        }
    }
    Ok(())
}

#[test]
fn an_agent_that_is_stopped_holds_no_packets() -> anyhow::Result<()> {
    let mut lab = quickstart("t-held")?;
    let host = lab.host_mut("host1")?;
    host.kill_switch()?;
    let setting = "get Open_vSwitch . other_config:flow-restore-wait";
    wait_for("packets are held", PATIENCE, || {
        Ok(host.ovs().vsctl(setting).ok())
    })?;
    host.stop_agent()?;
    let settings = host.ovs().vsctl("get Open_vSwitch . other_config")?;
    ensure!(!settings.contains("flow-restore-wait"), "{settings}");
    Ok(())
}

#[test]
fn an_agent_that_was_killed_lets_packets_through_when_it_is_back() -> anyhow::Result<()> {
    let mut lab = quickstart("t-held9")?;
    let host = lab.host_mut("host1")?;
    host.kill_switch()?;
    let setting = "get Open_vSwitch . other_config:flow-restore-wait";
    wait_for("packets are held", PATIENCE, || {
        Ok(host.ovs().vsctl(setting).ok())
    })?;
    host.kill_agent()?;
    host.start_switch()?;
    lab.start_agent("host1")?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}

#[test]
fn a_database_that_was_killed_changes_nothing() -> anyhow::Result<()> {
    let mut lab = quickstart("t-ovsdb")?;
    let before = all_flows(&lab)?;
    let host = lab.host_mut("host1")?;
    let log = OpenflowLog::start(host.ovs())?;
    host.kill_database()?;
    host.start_database()?;
    // The switch forwards again once it has found its database.
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;
    let ovs = lab.host("host1")?.ovs();
    let changes = log.changes()?;
    ensure!(changes.is_empty(), "{changes:?}");
    for (flows, bridge) in before.iter().zip(BRIDGES) {
        flows.are_on(ovs, bridge, PATIENCE)?;
    }
    Ok(())
}

#[test]
fn two_agents_started_again_program_the_same() -> anyhow::Result<()> {
    let mut lab = quickstart("t-both")?;
    let before: Vec<_> = all_flows(&lab)?;
    for host in ["host1", "host2"] {
        lab.host_mut(host)?.stop_agent()?;
    }
    for host in ["host1", "host2"] {
        for bridge in BRIDGES {
            lab.host(host)?
                .ovs()
                .ofctl(&format!("del-flows {bridge}"))?;
        }
    }
    lab.start_agents()?;
    let bridges = lab
        .hosts()
        .iter()
        .flat_map(|host| BRIDGES.map(|bridge| (host, bridge)));
    for (flows, (host, bridge)) in before.iter().zip(bridges) {
        flows.are_on(host.ovs(), bridge, PATIENCE)?;
    }
    let a1 = lab.machine("a1")?;
    let visitor = lab.machine("visitor")?;
    reaches(lab.machine("a2")?, a1)?;
    let refused = probe::ping(visitor.namespace(), a1.ipv4()?, SECOND)?;
    ensure!(!refused, "the visitor is let in");
    Ok(())
}

/// The flows of every bridge, in the order of hosts and bridges.
fn all_flows(lab: &Lab) -> anyhow::Result<Vec<Flows>> {
    let bridges = lab
        .hosts()
        .iter()
        .flat_map(|host| BRIDGES.map(|bridge| (host, bridge)));
    bridges
        .map(|(host, bridge)| Flows::of(host.ovs(), bridge))
        .collect()
}
