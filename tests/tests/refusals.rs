//! What brint does with a description that makes no sense, and on a host that is not ready.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::probe;
use labs::quickstart::NETWORK;
use labs::{Host, Lab, PATIENCE, wait_for};
use tests::{BRIDGES, Flows, OpenflowLog, brint, quickstart, reaches};

/// How long an answer is waited for before it is asked for again.
const SECOND: Duration = Duration::from_secs(1);

/// A line of the quickstart's description, and what is wrong with it once it is replaced.
const GOOD: &str = "    segmentation_id: 100\n";
const BAD: &str = "    segmentation_id: 4095\n";

#[test]
fn a_bad_description_is_refused_and_the_running_state_stays() -> anyhow::Result<()> {
    let lab = quickstart("t-reload")?;
    let host = lab.host("host1")?;
    let before: Vec<_> = flows(host)?;
    let log = OpenflowLog::start(host.ovs())?;
    fs::write(lab.network(), bad()?).context("writing a bad description")?;
    refused(host)?;
    let changes = log.changes()?;
    ensure!(changes.is_empty(), "{changes:?}");
    ensure!(before == flows(host)?, "the flows have changed");

    // The file is still followed: what makes sense takes effect.
    let without_ssh = NETWORK.replace("port_range_min: 22, port_range_max: 22", "protocol: tcp");
    let without_ssh = without_ssh.replace("protocol: tcp, protocol: tcp", "protocol: tcp");
    fs::write(lab.network(), without_ssh).context("writing another description")?;
    wait_for("the rule for ssh is gone", PATIENCE, || {
        let flows = Flows::of(host.ovs(), "br-int")?;
        Ok(flows.find("tp_dst=22").is_err().then_some(()))
    })?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}

#[test]
fn a_bad_description_at_the_start_programs_nothing() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-start", NETWORK, &brint()?)?;
    fs::write(lab.network(), bad()?).context("writing a bad description")?;
    lab.start_agent("host1")?;
    let host = lab.host("host1")?;
    refused(host)?;
    let bridges = host.ovs().vsctl("list-br")?;
    ensure!(!bridges.contains("br-int"), "there are bridges: {bridges}");
    fs::write(lab.network(), NETWORK).context("writing a good description")?;
    host.wait_for_bridges()
}

/// No message holds a flow that adds to as many conjunctions.
const GROUPS: usize = 4_200;

#[test]
fn a_flow_that_is_too_long_holds_up_no_other() -> anyhow::Result<()> {
    let lab = quickstart("t-long")?;
    let host = lab.host("host1")?;
    let groups: String = (0..GROUPS)
        .map(|group| format!("  - {{name: group{group}, project: tenant-a}}\n"))
        .collect();
    let rules: String = (0..GROUPS)
        .map(|group| {
            let rule = "direction: ingress, ethertype: IPv4, protocol: udp, remote_group";
            format!("      - {{{rule}: group{group}}}\n")
        })
        .collect();
    let many = format!("  - name: many\n    project: tenant-a\n    rules:\n{rules}");
    let own = "security_groups: [default, allow-ssh]";
    let long = NETWORK
        .replacen(
            "security_groups:\n",
            &format!("security_groups:\n{groups}{many}"),
            1,
        )
        .replacen(own, "security_groups: [default, allow-ssh, many]", 1);
    ensure!(
        long.contains("allow-ssh, many]"),
        "the description has changed"
    );
    fs::write(lab.network(), long).context("writing a long description")?;
    logs(host, &["rejected a change", "table=82, priority=73"])?;
    wait_for("the others are there", PATIENCE, || {
        let flows = Flows::of(host.ovs(), "br-int")?;
        Ok((flows.len() > 2 * GROUPS).then_some(()))
    })?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}

/// Settings that cannot work on host1, and what is said of them.
const SETTINGS: [(&str, &str); 3] = [
    (
        "brint-encap-ip=192.0.2.2",
        "tunnel vxlan to host host2 is refused: encap_ip 192.0.2.2 is the address of this host too",
    ),
    (
        "brint-bridge-mappings=physnet1:br-none",
        "bridge mapping physnet1:br-none is refused: there is no bridge br-none",
    ),
    (
        "brint-bridge-mappings=physnet2:br-ex",
        "is cut off: physical network physnet1 has no bridge here",
    ),
];

#[test]
fn a_setting_that_cannot_work_is_told_once_and_harms_no_other() -> anyhow::Result<()> {
    let lab = quickstart("t-settings")?;
    let host = lab.host("host1")?;
    let ask = || host.ask_agent(lab.brint(), "status");
    for (setting, sentence) in SETTINGS {
        let before = host.read_agent_log()?.len();
        host.ovs()
            .vsctl(&format!("set Open_vSwitch . external_ids:{setting}"))?;
        wait_for(&format!("{setting} is a problem"), PATIENCE, || {
            Ok(ask()?.contains(sentence).then_some(()))
        })
        .with_context(|| ask().unwrap_or_default())?;
        // Whether it is the tunnels or the provider bridge that is wrong, the other works.
        if setting.contains("encap-ip") {
            let station = [203, 0, 113, 1].into();
            wait_for("the provider network works", PATIENCE, || {
                let from = lab.machine("f1")?.namespace();
                Ok(probe::ping(from, station, SECOND)?.then_some(()))
            })?;
        } else {
            reaches(lab.machine("a2")?, lab.machine("a1")?)?;
        }
        let log = host.read_agent_log()?;
        let log = log.get(before..).context("the log was cut off")?;
        let told = log.matches(sentence).count();
        ensure!(told == 1, "{sentence}: told {told} times\n{log}");
        let (key, _) = setting.split_once('=').context("a setting")?;
        host.ovs()
            .vsctl(&format!("remove Open_vSwitch . external_ids {key}"))?;
        wait_for("nothing is wrong any more", PATIENCE, || {
            Ok(ask()?.contains("no problems").then_some(()))
        })?;
    }
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}

#[test]
fn an_agent_without_open_vswitch_says_so_and_waits() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-absent", NETWORK, &brint()?)?;
    let host = lab.host_mut("host1")?;
    host.kill_switch()?;
    host.kill_database()?;
    lab.start_agent("host1")?;
    let host = lab.host_mut("host1")?;
    let socket = host.ovs().directory().join("db.sock");
    let socket = socket.to_string_lossy().into_owned();
    logs(host, &[&socket])?;
    host.start_database()?;
    logs(host, &["ovs-vswitchd"])?;
    ensure!(host.agent_runs(), "the agent has ended");
    host.start_switch()?;
    host.wait_for_bridges()
}

fn flows(host: &Host) -> anyhow::Result<Vec<Flows>> {
    BRIDGES
        .into_iter()
        .map(|bridge| Flows::of(host.ovs(), bridge))
        .collect()
}

fn bad() -> anyhow::Result<String> {
    ensure!(NETWORK.contains(GOOD), "the description has changed");
    Ok(NETWORK.replace(GOOD, BAD))
}

/// Waits until the agent names file, line and field, and what it expected.
fn refused(host: &Host) -> anyhow::Result<()> {
    let line = bad()?
        .lines()
        .take_while(|line| *line != BAD.trim_end())
        .count()
        + 1;
    logs(
        host,
        &[&format!("network.yaml:{line}"), "segmentation_id", "4094"],
    )
}

/// Waits until the agent has logged all these words.
fn logs(host: &Host, words: &[&str]) -> anyhow::Result<()> {
    wait_for(&format!("the agent says {words:?}"), PATIENCE, || {
        let log = host.read_agent_log()?;
        Ok(words.iter().all(|word| log.contains(word)).then_some(()))
    })
    .with_context(|| host.read_agent_log().unwrap_or_default())
}
