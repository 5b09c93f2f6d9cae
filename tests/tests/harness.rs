//! The harness itself, on switches without any firewall: every probe can pass, and every probe that
//! must not pass elsewhere is seen to pass here.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use labs::network::MacAddr;
use labs::probe::{self, Answer, Ear, Frame};
use labs::quickstart::NETWORK;
use labs::{Lab, PATIENCE};

/// The card of a machine.
const CARD: &str = "eth0";
/// Past the time that any frame takes.
const SILENCE: Duration = Duration::from_secs(1);

/// Two hosts whose br-int forwards as any switch does, joined by one tunnel.
fn lab(name: &str) -> anyhow::Result<Lab> {
    // No agent is started, so any program will do.
    let mut lab = Lab::build(name, NETWORK, Path::new("/bin/true"))?;
    let datapath = lab.datapath();
    for (host, remote) in [("host1", "192.0.2.2"), ("host2", "192.0.2.1")] {
        lab.host(host)?.ovs().vsctl(&format!(
            "add-br br-int -- set Bridge br-int datapath_type={datapath} \
             -- add-port br-int vxlan0 -- set Interface vxlan0 type=vxlan \
             options:remote_ip={remote} options:key=7"
        ))?;
    }
    lab.plug_machines(&[])?;
    Ok(lab)
}

#[test]
fn machines_reach_each_other_across_hosts() -> anyhow::Result<()> {
    let lab = lab("t-reach")?;
    let (a1, a2) = (lab.machine("a1")?, lab.machine("visitor")?);
    let _server = probe::listen(a2.namespace(), 80)?;
    for address in [a2.ipv4()?, a2.ipv6()?] {
        ensure!(
            probe::ping(a1.namespace(), address, PATIENCE)?,
            "no ping to {address}"
        );
        let answer = probe::connect(a1.namespace(), address, 80, PATIENCE)?;
        ensure!(answer == Answer::Connected, "{answer}");
        let answer = probe::connect(a1.namespace(), address, 81, PATIENCE)?;
        ensure!(answer == Answer::Refused, "{answer}");
    }
    Ok(())
}

#[test]
fn false_frames_arrive_where_nobody_stops_them() -> anyhow::Result<()> {
    let lab = lab("t-false")?;
    let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);
    let stolen = MacAddr([0xfa, 0x16, 0x3e, 0x66, 0x66, 0x66]);
    let to = (a2.mac(), a2.ipv4()?);
    let elsewhere: IpAddr = [10, 9, 9, 9].into();
    let frames = [
        Frame::udp((stolen, a1.ipv4()?), to, "false MAC address")?,
        Frame::udp((a1.mac(), elsewhere), to, "false IP address")?,
        Frame::arp((stolen, a1.ipv4()?), to, "false ARP")?,
    ];
    let mut ear = Ear::open(a2.namespace(), CARD)?;
    for frame in &frames {
        probe::send(a1.namespace(), CARD, frame)?;
        ensure!(ear.hears(frame, PATIENCE)?, "{frame:?} did not arrive");
    }
    Ok(())
}

#[test]
fn what_was_not_sent_is_not_heard() -> anyhow::Result<()> {
    let lab = lab("t-silent")?;
    let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);
    let frame = Frame::udp((a1.mac(), a1.ipv4()?), (a2.mac(), a2.ipv4()?), "never sent")?;
    let mut ear = Ear::open(a2.namespace(), CARD)?;
    ensure!(!ear.hears(&frame, SILENCE)?, "heard what was never sent");
    ensure!(
        !probe::ping(a1.namespace(), [10, 0, 0, 99].into(), SILENCE)?,
        "nobody answered"
    );
    Ok(())
}

#[test]
fn tenants_on_one_wire_are_noticed() -> anyhow::Result<()> {
    let lab = lab("t-wire")?;
    let checks = labs::quickstart::check(&lab)?;
    let apart = checks
        .iter()
        .filter(|check| check.expected.starts_with("tenant "));
    let (unnoticed, noticed): (Vec<_>, Vec<_>) = apart.partition(|check| check.ok);
    ensure!(unnoticed.is_empty(), "not noticed: {unnoticed:#?}");
    ensure!(!noticed.is_empty(), "no check keeps tenants apart");
    Ok(())
}

#[test]
fn of_two_labs_of_one_name_the_second_is_refused() -> anyhow::Result<()> {
    let lab = lab("t-twice")?;
    let second = Lab::build("t-twice", NETWORK, Path::new("/bin/true"));
    let error = second.expect_err("the name is taken").to_string();
    ensure!(error.contains("in use by another program"), "{error}");
    let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);
    ensure!(
        probe::ping(a1.namespace(), a2.ipv4()?, PATIENCE)?,
        "the first lab is harmed"
    );
    Ok(())
}
