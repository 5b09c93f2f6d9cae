//! What somebody changes beside the flows is put back, or said.

use anyhow::{Context as _, ensure};
use labs::{Lab, PATIENCE, wait_for};
use tests::{Flows, quickstart, reaches};

/// The interface of the machine a1.
const A1: &str = "tap7571157f-bc";
/// The tunnel of the first host to the second.
const TUNNEL: &str = "vxlan-c0000202";

/// Waits until the status of the first host says something, or does not any more.
fn status(lab: &Lab, words: &str, says: bool) -> anyhow::Result<()> {
    let host = lab.host("host1")?;
    let mut status = String::new();
    wait_for(&format!("status says {words:?}: {says}"), PATIENCE, || {
        status = host.ask_agent(lab.brint(), "status")?;
        Ok((status.contains(words) == says).then_some(()))
    })
    .with_context(|| status.clone())
}

/// Waits until a question to the first host's database has an answer.
fn answers(lab: &Lab, question: &str, answer: &str) -> anyhow::Result<()> {
    let ovs = lab.host("host1")?.ovs();
    let mut now = String::new();
    wait_for(&format!("{question} is {answer}"), PATIENCE, || {
        // While a port is made anew it is not there.
        now = ovs
            .vsctl(&format!("--no-wait {question}"))
            .unwrap_or_default();
        Ok((now.trim() == answer).then_some(()))
    })
    .with_context(|| now.clone())
}

#[test]
fn a_tunnel_that_somebody_spoils_is_put_back() -> anyhow::Result<()> {
    let lab = quickstart("t-spoilt")?;
    let ovs = lab.host("host1")?.ovs();
    let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);
    let question = format!("get Interface {TUNNEL} options");
    let options = ovs.vsctl(&question)?;
    for edit in [
        "options:dst_port=9999",
        "options:egress_pkt_mark=3",
        "options:key=7",
        "options:in_key=7",
    ] {
        ovs.vsctl(&format!("--no-wait set Interface {TUNNEL} {edit}"))?;
        answers(&lab, &question, options.trim()).context(edit)?;
        reaches(a2, a1).context(edit)?;
    }
    // What harms nobody stays.
    ovs.vsctl(&format!(
        "--no-wait set Interface {TUNNEL} options:tos=inherit"
    ))?;
    // The switch does not make a port of another type under the same name, and not again by itself.
    for kind in ["gre", "geneve"] {
        ovs.vsctl(&format!("--no-wait set Interface {TUNNEL} type={kind}"))?;
        answers(&lab, &format!("get Interface {TUNNEL} type"), "vxlan").context(kind)?;
        wait_for("the port works", PATIENCE, || {
            let number = ovs.vsctl(&format!("--no-wait get Interface {TUNNEL} ofport"));
            let number = number.unwrap_or_default().trim().parse::<u32>();
            Ok(number.is_ok_and(|number| number > 0).then_some(()))
        })
        .context(kind)?;
        reaches(a2, a1).context(kind)?;
    }
    status(&lab, "no problems", true)
}

#[test]
fn a_bridge_that_shall_not_speak_openflow_1_3_speaks_it_too() -> anyhow::Result<()> {
    let mut lab = quickstart("t-protocols")?;
    let before = Flows::of(lab.host("host1")?.ovs(), "br-int")?;
    let flow = before.find("table=71")?.clone();
    for started in [true, false] {
        let host = lab.host_mut("host1")?;
        if !started {
            host.kill_agent()?;
        }
        for bridge in ["br-int", "br-tun"] {
            host.ovs().vsctl(&format!(
                "--no-wait set Bridge {bridge} protocols=OpenFlow10"
            ))?;
        }
        if !started {
            lab.start_agent("host1")?;
        }
        for bridge in ["br-int", "br-tun"] {
            let question = format!("get Bridge {bridge} protocols");
            answers(&lab, &question, "[OpenFlow10, OpenFlow13]")?;
        }
        let ovs = lab.host("host1")?.ovs();
        flow.delete(ovs, "br-int")?;
        before.are_on(ovs, "br-int", PATIENCE)?;
    }
    status(&lab, "no problems", true)
}

#[test]
fn ports_and_fragments_are_as_they_were() -> anyhow::Result<()> {
    let lab = quickstart("t-ports")?;
    let ovs = lab.host("host1")?.ovs();
    let config = |bridge: &str, port: &str| -> anyhow::Result<String> {
        let shown = ovs.ofctl(&format!("-O OpenFlow13 show {bridge}"))?;
        let mut lines = shown
            .lines()
            .skip_while(|line| !line.contains(&format!("({port})")));
        let config = lines.find(|line| line.contains("config:"));
        Ok(config.context("a port without config")?.trim().to_owned())
    };
    for (port, change) in [
        ("patch-tun", "no-forward"),
        ("patch-tun", "no-receive"),
        (A1, "no-receive"),
        (A1, "no-forward"),
        (A1, "no-packet-in"),
        ("int-br-ex", "no-forward"),
    ] {
        let before = config("br-int", port)?;
        ovs.ofctl(&format!("-O OpenFlow13 mod-port br-int {port} {change}"))?;
        wait_for(&format!("{port} is without {change}"), PATIENCE, || {
            Ok((config("br-int", port)? == before).then_some(()))
        })?;
    }
    for (bridge, before) in [("br-int", "nx-match"), ("br-tun", "normal")] {
        ovs.ofctl(&format!("set-frags {bridge} drop"))?;
        wait_for(
            &format!("{bridge} treats fragments as before"),
            PATIENCE,
            || {
                Ok(ovs
                    .ofctl(&format!("get-frags {bridge}"))?
                    .trim()
                    .ends_with(before)
                    .then_some(()))
            },
        )?;
    }
    status(&lab, "no problems", true)?;
    reaches(lab.machine("a2")?, lab.machine("a1")?)?;

    // What may be meant is said.
    for (bridge, port, change, back, words) in [
        (
            "br-int",
            A1,
            "down",
            "up",
            "port tap7571157f-bc is down in br-int",
        ),
        (
            "br-ex",
            "br-ex-nic",
            "no-forward",
            "forward",
            "port br-ex-nic is set to no-forward in br-ex",
        ),
    ] {
        ovs.ofctl(&format!("-O OpenFlow13 mod-port {bridge} {port} {change}"))?;
        status(&lab, words, true)?;
        ovs.ofctl(&format!("-O OpenFlow13 mod-port {bridge} {port} {back}"))?;
        status(&lab, words, false)?;
    }
    Ok(())
}

#[test]
fn a_typo_in_a_setting_costs_nothing_that_worked() -> anyhow::Result<()> {
    let mut lab = quickstart("t-typo")?;
    let good = "external_ids:brint-encap-ip=192.0.2.1 external_ids:brint-encap-type=vxlan,gre,geneve \
                external_ids:brint-bridge-mappings=physnet1:br-ex";
    lab.host("host1")?
        .ovs()
        .vsctl(&format!("set Open_vSwitch . {good}"))?;
    let note = "get Open_vSwitch . external_ids:brint-good-settings";
    wait_for("the settings are remembered", PATIENCE, || {
        Ok(lab.host("host1")?.ovs().vsctl(note).ok())
    })?;
    let before: Vec<_> = ["br-int", "br-tun", "br-ex"]
        .iter()
        .map(|bridge| Flows::settled(lab.host("host1")?.ovs(), bridge))
        .collect::<anyhow::Result<_>>()?;
    for typo in [
        "brint-encap-ip=192.0.2.256",
        "brint-encap-type=vxlan,gree",
        "brint-bridge-mappings=physnet1:br-exx",
        "brint-bridge-mappings=physnet1;br-ex",
        "brint-encapip=192.0.2.7",
    ] {
        let (key, _) = typo.split_once('=').context("a key")?;
        lab.host("host1")?
            .ovs()
            .vsctl(&format!("set Open_vSwitch . external_ids:{typo}"))?;
        status(&lab, &format!("setting external_ids:{key} is"), true)?;
        // An agent that starts now finds what was good.
        lab.host_mut("host1")?.kill_agent()?;
        lab.start_agent("host1")?;
        wait_for("the agent answers", PATIENCE, || {
            Ok(lab.host("host1")?.ask_agent(lab.brint(), "status").ok())
        })?;
        status(&lab, &format!("setting external_ids:{key} is"), true)?;
        for (flows, bridge) in before.iter().zip(["br-int", "br-tun", "br-ex"]) {
            flows
                .are_on(lab.host("host1")?.ovs(), bridge, PATIENCE)
                .context(typo)?;
        }
        reaches(lab.machine("a2")?, lab.machine("a1")?).context(typo)?;
    }
    let ovs = lab.host("host1")?.ovs();
    ovs.vsctl("remove Open_vSwitch . external_ids brint-encapip")?;
    ovs.vsctl(&format!("set Open_vSwitch . {good}"))?;
    status(&lab, "no problems", true)?;
    ensure!(before.iter().all(|flows| !flows.is_empty()));
    Ok(())
}

#[test]
fn a_spanning_tree_that_somebody_turns_on_is_turned_off() -> anyhow::Result<()> {
    let lab = quickstart("t-stp")?;
    let ovs = lab.host("host1")?.ovs();
    for (bridge, column) in [("br-int", "stp_enable"), ("br-tun", "rstp_enable")] {
        ovs.vsctl(&format!("--no-wait set Bridge {bridge} {column}=true"))?;
        answers(&lab, &format!("get Bridge {bridge} {column}"), "false")?;
    }
    reaches(lab.machine("a2")?, lab.machine("a1")?)
}
