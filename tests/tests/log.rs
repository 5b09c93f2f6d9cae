//! What the logs of security groups tell, and what they cost.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::probe::{Answer, Frame, Mouth, connect, listen};
use labs::quickstart::NETWORK;
use labs::{Host, Lab, Machine, PATIENCE, wait_for};
use serde_json::Value;
use tests::{Flows, OpenflowLog, brint, quickstart};

/// The port that is logged, and the log that asks for it.
const A1: &str = "7571157f-bcad-4032-8ad1-f0950600b737";
const LOG: &str = "53c5f0a4-6c8e-4a80-9d42-9a6b1e0b7d11";
/// A log of the group that only a1 has.
const LOGS: &str = "logs:
  - id: 53c5f0a4-6c8e-4a80-9d42-9a6b1e0b7d11
    name: ssh
    project: tenant-a
    event: ALL
    security_group: allow-ssh
";
/// How long what must not pass is waited for.
const REFUSED: Duration = Duration::from_millis(700);
/// Far more packets than the meter lets pass while they are sent.
const FLOOD: usize = 2_000;

#[test]
fn accepted_and_refused_connections_are_told_until_there_are_too_many() -> anyhow::Result<()> {
    let mut lab = quickstart("t-log")?;
    let before = Flows::of(lab.host("host1")?.ovs(), "br-int")?;
    write_logs(&lab, LOGS)?;
    shown(lab.host("host1")?, true)?;

    let (a1, visitor) = (lab.machine("a1")?, lab.machine("visitor")?);
    let server = listen(a1.namespace(), 22)?;
    let answer = connect(visitor.namespace(), a1.ipv4()?, 22, PATIENCE)?;
    ensure!(answer == Answer::Connected, "{answer}");
    drop(server);
    let host = lab.host("host1")?;
    told(host, "ACCEPT", "pkt=tcp,", "tp_dst=22,")?;
    connect(visitor.namespace(), a1.ipv4()?, 80, REFUSED)?;
    told(host, "DROP", "pkt=tcp,", "tp_dst=80,")?;
    // What a1 itself may send is told where it leaves the host.
    connect(a1.namespace(), visitor.ipv6()?, 443, REFUSED)?;
    told(host, "ACCEPT", "pkt=tcp6,", "tp_dst=443,")?;

    flood(visitor, a1)?;
    wait_for("the meter has held packets back", PATIENCE, || {
        Ok((logged(host, "limited")? > 0).then_some(()))
    })?;
    let lines = lines(host)?;
    let floods = lines.iter().filter(|line| line.contains("tp_dst=4444"));
    let (told, flood) = (floods.count(), u64::try_from(FLOOD)?);
    ensure!(told < FLOOD, "all of {FLOOD} packets are told");
    let limited = logged(host, "limited")?;
    ensure!(limited <= flood, "{limited} of {flood} packets held back");
    let others = lines.iter().find(|line| !line.contains(A1));
    ensure!(others.is_none(), "{others:?}");

    nothing_is_sent_when_the_agent_restarts(&mut lab)?;
    let host = lab.host("host1")?;
    a_meter_that_is_deleted_comes_back(host)?;
    write_logs(&lab, "")?;
    shown(host, false)?;
    before.are_on(host.ovs(), "br-int", PATIENCE)
}

/// Describes the quickstart with some logs.
fn write_logs(lab: &Lab, logs: &str) -> anyhow::Result<()> {
    fs::write(lab.network(), format!("{NETWORK}{logs}")).context("writing another description")
}

/// Waits until the switch has the meter and the flows of logs, or has neither.
fn shown(host: &Host, there: bool) -> anyhow::Result<()> {
    wait_for(&format!("logs are installed: {there}"), PATIENCE, || {
        let meters = host.ovs().ofctl("-O OpenFlow13 dump-meters br-int")?;
        let flows = host.ovs().ofctl("dump-flows br-int")?;
        let found = [&meters, &flows].map(|text| text.contains("25202"));
        Ok((found == [there; 2]).then_some(()))
    })
}

/// Waits for the line about a packet.
fn told(host: &Host, action: &str, kind: &str, ports: &str) -> anyhow::Result<()> {
    let start = format!(
        "|security_group_log|INFO|action={action}, project_id=tenant-a, log_resource_ids=['{LOG}'], vm_port={A1}, "
    );
    let mut log = Vec::new();
    wait_for(&format!("{action} {kind} {ports}"), PATIENCE, || {
        log = lines(host)?;
        let mut lines = log.iter();
        let line =
            lines.find(|line| line.contains(&start) && line.contains(kind) && line.contains(ports));
        Ok(line.map(drop))
    })
    .with_context(|| format!("{log:#?}"))
}

/// What the agent has logged for logs.
fn lines(host: &Host) -> anyhow::Result<Vec<String>> {
    let log = host.read_agent_log()?;
    let lines = log
        .lines()
        .filter(|line| line.contains("|security_group_log|"));
    Ok(lines.map(ToOwned::to_owned).collect())
}

/// Sends what no rule allows, as fast as it goes.
fn flood(from: &Machine, to: &Machine) -> anyhow::Result<()> {
    let frame = Frame::udp((from.mac(), from.ipv4()?), (to.mac(), to.ipv4()?), "flood")?;
    let sender = Mouth::open(from.namespace(), "eth0")?;
    for _ in 0..FLOOD {
        sender.send(&frame)?;
    }
    Ok(())
}

/// How many packets were written or limited.
fn logged(host: &Host, what: &str) -> anyhow::Result<u64> {
    let output = Command::new(brint()?)
        .envs(host.ovs().environment())
        .args(["status", "-f", "json"])
        .output()
        .context("brint status")?;
    let status: Value = serde_json::from_slice(&output.stdout).context("brint status")?;
    let count = status.pointer(&format!("/bridges/br-int/logged/{what}"));
    count
        .and_then(Value::as_u64)
        .with_context(|| format!("{status:#}"))
}

fn nothing_is_sent_when_the_agent_restarts(lab: &mut Lab) -> anyhow::Result<()> {
    lab.host_mut("host1")?.stop_agent()?;
    let ovs = lab.host("host1")?.ovs().clone();
    let log = OpenflowLog::start(&ovs)?;
    lab.start_agent("host1")?;
    wait_for("the agent is back", PATIENCE, || {
        Ok(logged(lab.host("host1")?, "written").ok())
    })?;
    // Who puts a flow back has compared the whole bridge before.
    let flows = Flows::of(&ovs, "br-int")?;
    flows.find("table=93")?.delete(&ovs, "br-int")?;
    flows.are_on(&ovs, "br-int", PATIENCE)?;
    let changes = log.changes()?;
    ensure!(changes.len() == 2, "{changes:?}");
    Ok(())
}

fn a_meter_that_is_deleted_comes_back(host: &Host) -> anyhow::Result<()> {
    let log = OpenflowLog::start(host.ovs())?;
    host.ovs()
        .ofctl("-O OpenFlow13 del-meter br-int meter=25202")?;
    wait_for("the meter and its flows are put back", PATIENCE, || {
        let meters = host.ovs().ofctl("-O OpenFlow13 dump-meters br-int")?;
        // The deletion, the meter, and the flows in tables 91, 92 and 93.
        Ok((meters.contains("25202") && log.changes()?.len() == 5).then_some(()))
    })
}
