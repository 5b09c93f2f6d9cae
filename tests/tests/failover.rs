//! Routers go on leading outside when something of a gateway host fails, and never by two hosts.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use labs::{Cable, Lab, PATIENCE, probe, wait_for};
use tests::{Flows, OpenflowLog, brint};

const NETWORK: &str = include_str!("../../labs/topologies/tenants/network.yaml");
const WORLD: &str = "198.51.100.99";
const PROVIDER: Cable = Cable::Provider("br-ex");
/// What the gateway host of tenant A's router has, and nobody else.
const LEADS: &str = "nat(src=203.0.113.101)";

/// Three hosts that can lead outside, the first before the second, the second before the third.
fn network() -> String {
    let third = "  - name: host3\n    encap_ip: 192.0.2.3\n    gateway_priority: 1\n    \
                 bridge_mappings: {physnet1: br-ex}\n\nnetworks:\n";
    NETWORK
        .replace("192.0.2.1\n", "192.0.2.1\n    gateway_priority: 3\n")
        .replace("192.0.2.2\n", "192.0.2.2\n    gateway_priority: 2\n")
        .replacen("\nnetworks:\n", third, 1)
}

fn start(name: &str) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, &network(), &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let outside = lab.outside().namespace();
    for command in ["link set lo up", &format!("address add {WORLD} dev lo")] {
        let mut ip = outside.command("ip");
        let done = ip.args(command.split_whitespace()).status()?;
        ensure!(done.success(), "ip {command}: {done}");
    }
    for host in lab.hosts() {
        let ovs = host.ovs();
        // A busy machine is late, which is no failure here.
        for tunnel in ovs.vsctl("list-ports br-tun")?.lines() {
            if tunnel != "patch-int" {
                let slow = "bfd:min_rx=1000 bfd:min_tx=1000";
                ovs.vsctl(&format!("set Interface {tunnel} {slow}"))?;
            }
        }
        wait_for("all hosts hear each other", PATIENCE, || {
            let heard = ovs.vsctl("--columns=bfd_status list Interface")?;
            let tunnels = heard.matches(" state=").count();
            Ok((tunnels >= 4 && heard.matches(" state=up").count() == tunnels).then_some(()))
        })?;
    }
    leads_alone(&lab, "host1")?;
    reaches_world(&lab)?;
    Ok(lab)
}

fn leaders(lab: &Lab) -> anyhow::Result<Vec<String>> {
    let mut leaders = Vec::new();
    for host in lab.hosts() {
        // A host whose switch does not run leads nothing.
        if Flows::of(host.ovs(), "br-int").is_ok_and(|flows| flows.find(LEADS).is_ok()) {
            leaders.push(host.name().to_owned());
        }
    }
    Ok(leaders)
}

/// Waits until a host leads outside, and no other does.
fn leads_alone(lab: &Lab, host: &str) -> anyhow::Result<()> {
    let mut seen = Vec::new();
    wait_for(&format!("{host} leads outside"), PATIENCE, || {
        seen = leaders(lab)?;
        Ok((seen == [host]).then_some(()))
    })
    .with_context(|| format!("{seen:?}"))
}

fn status(lab: &Lab, host: &str) -> anyhow::Result<String> {
    lab.host(host)?.ask_agent(lab.brint(), "status")
}

/// Waits until the status of a host says something, or does not any more.
fn says(lab: &Lab, host: &str, text: &str, expected: bool) -> anyhow::Result<()> {
    wait_for(&format!("{host}: {text}: {expected}"), PATIENCE, || {
        Ok((status(lab, host)?.contains(text) == expected).then_some(()))
    })
}

fn reaches_world(lab: &Lab) -> anyhow::Result<()> {
    let names = ["w2", "d1"];
    names
        .into_iter()
        .try_for_each(|name| reaches_world_from(lab, name))
}

/// Does something while the world sends to the gateway again and again, and says which part of
/// what a machine asked the world for did not come back.
fn lost_while(lab: &Lab, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let world: IpAddr = WORLD.parse()?;
    let echo = || UdpSocket::bind((world, 7)).context("the world's echo");
    let echo = lab.outside().namespace().enter(echo)?;
    echo.set_read_timeout(Some(Duration::from_millis(100)))?;
    let socket = lab.machine("d1")?.namespace().enter(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").context("a socket")?;
        socket.connect((world, 7)).context("the world")?;
        Ok(socket)
    })?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let answering = thread::spawn(move || {
        let mut data = [0; 64];
        while !over.load(Ordering::Relaxed) {
            if let Ok((length, from)) = echo.recv_from(&mut data) {
                // What is lost is what is counted.
                let _sent = echo.send_to(data.get(..length).unwrap_or_default(), from);
            }
        }
    });
    let over = Arc::clone(&is_over);
    let asking = thread::spawn(move || {
        let (mut data, mut sent, mut lost) = ([0; 64], 0_u32, 0_u32);
        while !over.load(Ordering::Relaxed) {
            sent += 1;
            let heard = socket.send(b"here").is_ok() && socket.recv(&mut data).is_ok();
            lost += u32::from(!heard);
            thread::sleep(Duration::from_millis(10));
        }
        f64::from(lost) / f64::from(sent)
    });
    let worked = work();
    is_over.store(true, Ordering::Relaxed);
    let lost = asking.join().map_err(|_| anyhow!("asking panicked"))?;
    answering
        .join()
        .map_err(|_| anyhow!("answering panicked"))?;
    worked?;
    Ok(lost)
}

#[test]
fn a_host_that_hears_nobody_takes_nothing_over() -> anyhow::Result<()> {
    let lab = start("t-cut-off")?;
    let host3 = lab.host("host3")?;
    let lost = lost_while(&lab, || {
        host3.pull(Cable::Tunnels)?;
        for other in ["host1", "host2"] {
            says(&lab, other, "host host3 is not heard", true)?;
        }
        says(&lab, "host3", "host host3 hears no other host", true)?;
        // It has had the time to do wrong.
        for _ in 0..20 {
            ensure!(leaders(&lab)? == ["host1"]);
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    })?;
    ensure!(lost < 0.05, "{lost} is lost");
    host3.put_back(Cable::Tunnels)?;
    says(&lab, "host3", "hears no other host", false)?;
    leads_alone(&lab, "host1")
}

#[test]
fn a_gateway_host_that_nobody_hears_gives_up_and_does_not_take_back() -> anyhow::Result<()> {
    let lab = start("t-give-up")?;
    let host1 = lab.host("host1")?;
    host1.pull(Cable::Tunnels)?;
    leads_alone(&lab, "host2")?;
    reaches_world_from(&lab, "w2")?;
    let lost = lost_while(&lab, || {
        host1.put_back(Cable::Tunnels)?;
        says(&lab, "host2", "host host1 is not heard", false)?;
        says(&lab, "host1", "hears no other host", false)
    });
    let lost = lost?;
    // d1 is on host1, which is back in the middle of it.
    ensure!(lost < 1.0, "nothing came back");
    for _ in 0..20 {
        ensure!(leaders(&lab)? == ["host2"]);
        thread::sleep(Duration::from_millis(50));
    }
    reaches_world(&lab)?;

    // An agent that starts again finds who leads, and changes nothing.
    let mut lab = lab;
    for host in ["host1", "host2"] {
        let ovs = lab.host(host)?.ovs().clone();
        let flows = Flows::settled(&ovs, "br-int")?;
        let log = OpenflowLog::start(&ovs)?;
        lab.host_mut(host)?.stop_agent()?;
        lab.start_agent(host)?;
        wait_for("the agent is there", PATIENCE, || {
            Ok(status(&lab, host).ok())
        })?;
        // An agent that puts a flow back has compared all of them before.
        flows.find("table=71")?.delete(&ovs, "br-int")?;
        wait_for("the flow is put back", PATIENCE, || {
            let difference = flows.difference(&Flows::of(&ovs, "br-int")?);
            Ok((!difference.contains("table=71")).then_some(()))
        })?;
        let changes = log.changes()?;
        ensure!(changes.len() == 2, "{host}: {changes:?}");
    }
    // The incumbent fails: the first is there.
    lab.host_mut("host2")?.kill_switch()?;
    leads_alone(&lab, "host1")?;
    reaches_world_from(&lab, "d1")
}

fn reaches_world_from(lab: &Lab, name: &str) -> anyhow::Result<()> {
    let world: IpAddr = WORLD.parse()?;
    let machine = lab.machine(name)?.namespace();
    wait_for(&format!("{name} reaches the world"), PATIENCE, || {
        Ok(probe::ping(machine, world, Duration::from_secs(1))?.then_some(()))
    })
}

#[test]
fn a_gateway_host_without_uplink_hands_over() -> anyhow::Result<()> {
    let lab = start("t-uplink")?;
    let host1 = lab.host("host1")?;
    // w1 is on host1, and has a floating IP.
    let floating: IpAddr = "203.0.113.21".parse()?;
    let is_called = || {
        let outside = lab.outside().namespace();
        wait_for("w1 is called", PATIENCE, || {
            Ok(probe::ping(outside, floating, Duration::from_secs(1))?.then_some(()))
        })
    };
    is_called()?;
    host1.pull(PROVIDER)?;
    leads_alone(&lab, "host2")?;
    for host in ["host1", "host2", "host3"] {
        says(
            &lab,
            host,
            "host host1 has no uplink to physical network physnet1",
            true,
        )?;
    }
    reaches_world(&lab)?;
    is_called()?;
    // A second one fails.
    lab.host("host2")?.pull(PROVIDER)?;
    leads_alone(&lab, "host3")?;
    reaches_world(&lab)?;
    for host in ["host1", "host2"] {
        lab.host(host)?.put_back(PROVIDER)?;
    }
    for host in ["host1", "host2"] {
        says(&lab, "host3", &format!("host {host} has no uplink"), false)?;
    }
    ensure!(leaders(&lab)? == ["host3"]);
    reaches_world(&lab)?;
    is_called()
}

#[test]
fn a_gateway_host_that_is_heard_by_none_gives_up() -> anyhow::Result<()> {
    let lab = start("t-one-way")?;
    // It goes on hearing the others.
    let bridge = lab.host("host1")?.ovs().clone();
    bridge.ofctl("add-flow br-phy priority=100,in_port=LOCAL,ip,actions=drop")?;
    leads_alone(&lab, "host2")?;
    says(&lab, "host1", "host host1 hears no other host", true)?;
    reaches_world_from(&lab, "w2")?;
    bridge.ofctl("--strict del-flows br-phy priority=100,in_port=LOCAL,ip")?;
    says(&lab, "host1", "hears no other host", false)?;
    says(&lab, "host2", "host host1 is not heard", false)?;
    leads_alone(&lab, "host2")?;
    reaches_world(&lab)
}

#[test]
fn a_gateway_host_hands_over_when_its_next_station_outside_is_silent() -> anyhow::Result<()> {
    let lab = start("t-bfd")?;
    let (host1, outside) = (lab.host("host1")?.ovs(), lab.outside().ovs());
    outside.vsctl("set Interface host1-br-ex bfd:enable=true")?;
    host1.vsctl("set Interface br-ex-nic bfd:enable=true")?;
    wait_for("the station is heard", PATIENCE, || {
        let heard = host1.vsctl("get Interface br-ex-nic bfd_status")?;
        Ok(heard.contains("state=up").then_some(()))
    })?;
    // Nothing has moved meanwhile.
    ensure!(leaders(&lab)? == ["host1"]);
    // The link stays.
    outside.vsctl("set Interface host1-br-ex bfd:enable=false")?;
    leads_alone(&lab, "host2")?;
    says(
        &lab,
        "host3",
        "host host1 has no uplink to physical network physnet1",
        true,
    )?;
    reaches_world(&lab)?;
    // Who does not ask for it goes by the link.
    host1.vsctl("remove Interface br-ex-nic bfd enable")?;
    says(&lab, "host3", "host host1 has no uplink", false)?;
    leads_alone(&lab, "host2")
}

#[test]
fn of_two_hosts_the_one_with_a_link_leads() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-two", NETWORK, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    wait_for("the hosts hear each other", PATIENCE, || {
        let heard = lab.host("host1")?.ovs();
        let heard = heard.vsctl("--columns=bfd_status list Interface")?;
        Ok(heard.contains(" state=up").then_some(()))
    })?;
    leads_alone(&lab, "host2")?;
    for (cut, other) in [("host1", "host2"), ("host2", "host1")] {
        lab.host(cut)?.pull(Cable::Tunnels)?;
        says(&lab, cut, &format!("host {cut} hears no other host"), true)?;
        leads_alone(&lab, other)?;
        lab.host(cut)?.put_back(Cable::Tunnels)?;
        says(&lab, cut, "hears no other host", false)?;
        says(&lab, other, &format!("host {cut} is not heard"), false)?;
        leads_alone(&lab, other)?;
    }
    Ok(())
}

#[test]
fn a_host_that_others_hear_is_not_replaced() -> anyhow::Result<()> {
    let lab = start("t-part")?;
    // Only the way between two of them fails.
    let bridge = lab.host("host2")?.ovs().clone();
    for way in ["nw_src", "nw_dst"] {
        let drop = format!("priority=100,ip,{way}=192.0.2.1");
        bridge.ofctl(&format!("add-flow br-phy {drop},actions=drop"))?;
    }
    says(&lab, "host1", "host host2 is not heard", true)?;
    says(
        &lab,
        "host2",
        "host host1 is not heard through its tunnels, and by others",
        true,
    )?;
    for _ in 0..40 {
        ensure!(leaders(&lab)? == ["host1"]);
        thread::sleep(Duration::from_millis(50));
    }
    bridge.ofctl("del-flows br-phy ip")?;
    says(&lab, "host2", "host host1 is not heard", false)?;
    leads_alone(&lab, "host1")?;
    reaches_world(&lab)
}
