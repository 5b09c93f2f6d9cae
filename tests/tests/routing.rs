//! Routers, floating IPs and the world outside, with real packets.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use etherparse::PacketBuilder;
use labs::probe::{Frame, Mouth};
use labs::{Lab, Machine, Namespace, PATIENCE, probe, wait_for};
use serde_json::Value;
use tests::{Flows, brint, reaches};

const NETWORK: &str = include_str!("../../labs/topologies/tenants/network.yaml");

fn start(name: &str) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, NETWORK, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    Ok(lab)
}

fn answers(from: &Machine, to: &str) -> anyhow::Result<()> {
    let to: IpAddr = to.parse()?;
    wait_for(&format!("{} reaches {to}", from.name()), PATIENCE, || {
        Ok(probe::ping(from.namespace(), to, Duration::from_secs(1))?.then_some(()))
    })
}

#[test]
fn machines_of_one_router_reach_each_other_wherever_they_are() -> anyhow::Result<()> {
    let lab = start("t-routed")?;
    let machine = |name| lab.machine(name);
    for (from, to) in [("w1", "d1"), ("w1", "d2"), ("w2", "d1"), ("d2", "w2")] {
        reaches(machine(from)?, machine(to)?)?;
    }
    for to in ["10.0.1.1", "10.0.2.1", "2001:db8:a:1::1", "2001:db8:a:2::1"] {
        answers(machine("w1")?, to)?;
    }
    // So `brint why` says of both ends, and of what only the agent answers.
    for (question, expected) in [
        ("w1 tcp/22 to d1", "allows it at d1; it is delivered to d1"),
        (
            "d1 tcp/80 from w2",
            "allows it at d1; it is delivered to d1",
        ),
        (
            "w1 tcp/22 to 10.0.2.12",
            "d2 is on host host2: its ingress rules are judged there",
        ),
        (
            "w1 tcp/80 to 169.254.169.254",
            "allowed: the agent answers it",
        ),
    ] {
        let host = lab.host("host1")?;
        let said = host.ask_agent(lab.brint(), &format!("why {question}"))?;
        ensure!(said.contains(expected), "why {question}: {said}");
    }
    // What goes no further than the router is no success.
    let to_router = lab
        .host("host1")?
        .ask_agent(lab.brint(), "why w1 udp/53 to 10.0.2.1");
    ensure!(to_router.is_err(), "{to_router:?}");
    // Tenant B's addresses are the same, and its router leads nowhere else.
    reaches(machine("b1")?, machine("b2")?)?;
    let limit = Duration::from_millis(700);
    let d1 = machine("d1")?.ipv4()?;
    ensure!(!probe::ping(machine("b1")?.namespace(), d1, limit)?);
    Ok(())
}

/// An address that is behind the router outside.
const WORLD: &str = "198.51.100.99";

/// The lab, with a world behind the router outside.
fn start_with_world(name: &str) -> anyhow::Result<Lab> {
    let lab = start(name)?;
    let outside = lab.outside().namespace();
    for arguments in [
        &["addr", "add", WORLD, "dev", "lo"][..],
        &["link", "set", "lo", "up"],
        // IPv6 is not translated: the world has to know the way.
        &["route", "add", "2001:db8:a::/48", "via", "2001:db8:f::101"],
    ] {
        let done = outside.command("ip").args(arguments).status()?;
        ensure!(done.success(), "ip {arguments:?}: {done}");
    }
    Ok(lab)
}

/// Whom a server outside sees, when a machine connects to it.
fn seen_by_world(lab: &Lab, from: &Machine) -> anyhow::Result<IpAddr> {
    let world: IpAddr = WORLD.parse()?;
    let server = lab
        .outside()
        .namespace()
        .enter(|| Ok(TcpListener::bind((world, 0))?))?;
    let to = server.local_addr()?;
    let client = wait_for("the world answers", PATIENCE, || {
        let connect = || Ok(TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok());
        from.namespace().enter(connect)
    })?;
    let (mut served, peer) = server.accept()?;
    served.write_all(b"hello")?;
    drop(served);
    let mut heard = String::new();
    (&client).read_to_string(&mut heard)?;
    ensure!(heard == "hello", "{heard}");
    Ok(peer.ip())
}

#[test]
fn who_is_known_outside_is_reached_from_everywhere() -> anyhow::Result<()> {
    let lab = start_with_world("t-floating")?;
    let outside = lab.outside().namespace();
    // Floating IPs lead to those who let everybody ping them; routers answer for themselves.
    for to in [
        "203.0.113.21",
        "203.0.113.22",
        "203.0.113.101",
        "203.0.113.102",
    ] {
        let to: IpAddr = to.parse()?;
        wait_for(&format!("the world reaches {to}"), PATIENCE, || {
            Ok(probe::ping(outside, to, Duration::from_secs(1))?.then_some(()))
        })?;
        // Also by its own floating IP, and by those of others behind the same router.
        for from in lab.machines() {
            answers(from, &to.to_string())?;
        }
    }
    // Who has no floating IP cannot be called.
    let limit = Duration::from_millis(700);
    let w2 = lab.machine("w2")?.ipv4()?;
    ensure!(!probe::ping(outside, w2, limit)?);
    Ok(())
}

#[test]
fn a_floating_ip_that_moves_leaves_its_connections_behind() -> anyhow::Result<()> {
    let lab = start_with_world("t-moved")?;
    let serve = |name| {
        let listen = || Ok(TcpListener::bind(("0.0.0.0", 22))?);
        lab.machine(name)?.namespace().enter(listen)
    };
    let (before, after) = (serve("w1")?, serve("d2")?);
    let call = || {
        let to = "203.0.113.21:22".parse()?;
        Ok(TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok())
    };
    let call = || lab.outside().namespace().enter(call);
    let mut client = wait_for("w1 is called", PATIENCE, call)?;
    let (mut served, _) = before.accept()?;
    let mut heard = [0; 4];
    client.write_all(b"here")?;
    served.read_exact(&mut heard)?;

    let moved = NETWORK
        .replace(
            "address_port: f-w1, port: w1",
            "address_port: f-w1, port: d2",
        )
        .replace(
            "  - {project: tenant-a, address_port: f-d2, port: d2, router: ra}\n",
            "",
        );
    lab.describe(&moved)?;
    after.set_nonblocking(true)?;
    wait_for("d2 is called", PATIENCE, || {
        call()?;
        Ok(after.accept().ok())
    })?;
    client.write_all(b"lost")?;
    served.set_read_timeout(Some(Duration::from_secs(1)))?;
    ensure!(served.read_exact(&mut heard).is_err(), "{heard:?}");
    Ok(())
}

#[test]
fn machines_reach_the_world_by_the_address_that_they_have_there() -> anyhow::Result<()> {
    let lab = start_with_world("t-outside")?;
    for (name, expected) in [
        ("w1", "203.0.113.21"),
        ("d2", "203.0.113.22"),
        ("w2", "203.0.113.101"),
        ("d1", "203.0.113.101"),
        ("b1", "203.0.113.102"),
        ("b2", "203.0.113.102"),
    ] {
        let seen = seen_by_world(&lab, lab.machine(name)?)?;
        ensure!(seen == expected.parse::<IpAddr>()?, "{name}: {seen}");
    }
    Ok(())
}

/// What `ping` prints about one packet.
fn ping(from: &Namespace, arguments: &[&str]) -> anyhow::Result<String> {
    let mut ping = from.command("ping");
    let output = ping
        .args(["-n", "-c", "1", "-W", "5"])
        .args(arguments)
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits until `ping` prints something.
fn says(from: &Namespace, arguments: &[&str], expected: &str) -> anyhow::Result<()> {
    wait_for(&format!("{arguments:?}: {expected}"), PATIENCE, || {
        Ok(ping(from, arguments)?.contains(expected).then_some(()))
    })
}

/// Pings whose errors are counted.
const ERRORS: u32 = 20;

#[test]
fn a_vm_that_floods_its_router_takes_no_answers_from_others() -> anyhow::Result<()> {
    let lab = start("t-flood")?;
    let (flooding, other) = (lab.machine("w1")?, lab.machine("d1")?);
    answers(other, "10.0.2.1")?;
    let expiring = Frame::of(
        expiring_packet(flooding, "10.0.2.12".parse()?)?,
        b"no hops left",
    );
    let stop = AtomicBool::new(false);
    let heard = thread::scope(|scope| {
        scope.spawn(|| -> anyhow::Result<()> {
            let mouth = Mouth::open(flooding.namespace(), "eth0")?;
            while !stop.load(Ordering::Relaxed) {
                mouth.send(&expiring)?;
                thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        });
        let count = ERRORS.to_string();
        let output = (other.namespace().command("ping"))
            .args(["-n", "-c", &count, "-i", "0.1", "-W", "2"])
            .args(["-t", "1", "10.0.1.12"])
            .output();
        stop.store(true, Ordering::Relaxed);
        output
    })?;
    let heard = String::from_utf8_lossy(&heard.stdout).into_owned();
    let errors = heard.matches("Time to live exceeded").count();
    // A busy machine may lose one or the other; the flood took nine of ten.
    ensure!(
        errors >= usize::try_from(ERRORS)? * 9 / 10,
        "{errors} of {ERRORS} errors: {heard}"
    );
    Ok(())
}

/// A packet from a VM by its router that may take no hop more.
fn expiring_packet(from: &Machine, to: Ipv4Addr) -> anyhow::Result<Vec<u8>> {
    const ROUTER: [u8; 6] = [0xfa, 0x16, 0x3e, 0x00, 0x01, 0x01];
    let IpAddr::V4(source) = from.ipv4()? else {
        bail!("{} has no IPv4 address", from.name());
    };
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2(from.mac().0, ROUTER)
        .ipv4(source.octets(), to.octets(), 1)
        .udp(4_444, 4_444)
        .write(&mut bytes, b"no hops left")?;
    Ok(bytes)
}

#[test]
fn routers_say_why_a_packet_goes_no_further() -> anyhow::Result<()> {
    let lab = start_with_world("t-no-further")?;
    let w1 = lab.machine("w1")?;
    for (to, expected) in [
        (
            "10.0.2.12",
            "From 10.0.1.1 icmp_seq=1 Time to live exceeded",
        ),
        (WORLD, "From 10.0.1.1 icmp_seq=1 Time to live exceeded"),
        (
            "203.0.113.22",
            "From 10.0.1.1 icmp_seq=1 Time to live exceeded",
        ),
        (
            "2001:db8:a:2::12",
            "From 2001:db8:a:1::1 icmp_seq=1 Time exceeded",
        ),
    ] {
        says(w1.namespace(), &["-t", "1", to], expected)?;
    }
    let outside = lab.outside().namespace();
    says(
        outside,
        &["-t", "1", "203.0.113.21"],
        "From 203.0.113.21 icmp_seq=1 Time to live exceeded",
    )?;
    // Nobody listens at the router itself.
    let refused = |to: &str| {
        let to = to.parse()?;
        wait_for(&format!("{to} refuses"), PATIENCE, || {
            let connect = || Ok(TcpStream::connect_timeout(&to, Duration::from_secs(2)));
            let error = w1.namespace().enter(connect)?.err();
            let is_refused = |error: std::io::Error| error.kind() == ErrorKind::ConnectionRefused;
            Ok(error.is_some_and(is_refused).then_some(()))
        })
    };
    refused("10.0.1.1:80")?;
    refused("[2001:db8:a:2::1]:80")?;

    let inside = NETWORK.replace("    gateway: {port: ra-external}\n", "");
    let (inside, _) = inside
        .split_once("floating_ips:")
        .context("no floating IPs")?;
    lab.describe(inside)?;
    says(
        w1.namespace(),
        &[WORLD],
        "From 10.0.1.1 icmp_seq=1 Destination Net Unreachable",
    )?;
    says(
        w1.namespace(),
        &["2001:db8:ffff::1"],
        "Destination unreachable: No route",
    )?;
    Ok(())
}

#[test]
fn stations_outside_are_looked_for() -> anyhow::Result<()> {
    let lab = start_with_world("t-strangers")?;
    let outside = lab.outside().namespace();
    let w1 = lab.machine("w1")?;
    // A packet to a station that nobody has heard of yet is not lost.
    for stranger in ["203.0.113.200", "2001:db8:f::200"] {
        let mut ip = outside.command("ip");
        let done = ip
            .args(["addr", "add", stranger, "dev", "external", "nodad"])
            .status()?;
        ensure!(done.success(), "{stranger}: {done}");
        let said = ping(lab.machine("w2")?.namespace(), &[stranger])?;
        ensure!(said.contains(" 0% packet loss"), "{said}");
    }
    // Nobody is there, on the network outside or as the router that leads on.
    says(
        w1.namespace(),
        &["203.0.113.250"],
        "Destination Host Unreachable",
    )?;
    says(
        lab.machine("w2")?.namespace(),
        &["203.0.113.251"],
        "Destination Host Unreachable",
    )?;
    says(
        w1.namespace(),
        &["2001:db8:f::99"],
        "Destination unreachable: Address unreachable",
    )?;
    Ok(())
}

#[test]
fn senders_are_told_of_packets_that_are_too_large() -> anyhow::Result<()> {
    let lab = start_with_world("t-large")?;
    let o1 = lab.machine("o1")?;
    answers(o1, "10.0.1.11")?;
    // As large as what o1's network carries, and 50 bytes more than what tunnels do.
    for (payload, to, expected) in [
        (
            "1472",
            "10.0.1.11",
            "From 10.0.3.1 icmp_seq=1 Frag needed and DF set (mtu = 1450)",
        ),
        (
            "1452",
            "2001:db8:a:1::12",
            "From 2001:db8:a:3::1 icmp_seq=1 Packet too big: mtu=1450",
        ),
    ] {
        let said = ping(o1.namespace(), &["-M", "do", "-s", payload, to])?;
        ensure!(said.contains(expected), "{said}");
        // What fits arrives.
        let fits = (payload.parse::<u16>()? - 50).to_string();
        let said = ping(o1.namespace(), &["-M", "do", "-s", &fits, to])?;
        ensure!(said.contains(" 0% packet loss"), "{said}");
    }
    let outside = lab.outside().namespace();
    let said = ping(outside, &["-M", "do", "-s", "1472", "203.0.113.21"])?;
    ensure!(
        said.contains("From 203.0.113.21 icmp_seq=1 Frag needed and DF set (mtu = 1450)"),
        "{said}"
    );
    Ok(())
}

#[test]
fn another_host_leads_outside_when_the_gateway_host_is_gone() -> anyhow::Result<()> {
    let mut lab = start_with_world("t-gateway")?;
    let leads = |lab: &Lab, host: &str| {
        let flows = Flows::of(lab.host(host)?.ovs(), "br-int")?;
        anyhow::Ok(flows.find("nat(src=203.0.113.101)").is_ok())
    };
    wait_for("the hosts hear each other", PATIENCE, || {
        let ovs = lab.host("host1")?.ovs();
        let heard = ovs.vsctl("--columns=bfd_status list Interface")?;
        Ok(heard.contains("state=up").then_some(()))
    })?;
    ensure!(leads(&lab, "host2")? && !leads(&lab, "host1")?);
    let gateway = |lab: &Lab| {
        let status = (lab.host("host1")?).ask_agent(lab.brint(), "status -f json")?;
        let status: Value = serde_json::from_str(&status)?;
        let routers = status["routers"].as_array().context("routers")?;
        let router = routers.iter().find(|router| router["name"] == "ra");
        anyhow::Ok(router.context("ra")?["gateway_host"].clone())
    };
    ensure!(gateway(&lab)? == "host2");
    answers(lab.machine("d1")?, WORLD)?;
    // People can say who is preferred.
    let preferred = NETWORK.replace(
        "encap_ip: 192.0.2.1\n",
        "encap_ip: 192.0.2.1\n    gateway_priority: 1\n",
    );
    lab.describe(&preferred)?;
    wait_for("host1 is preferred", PATIENCE, || {
        Ok((leads(&lab, "host1")? && !leads(&lab, "host2")?).then_some(()))
    })?;
    answers(lab.machine("d1")?, WORLD)?;
    lab.describe(NETWORK)?;
    wait_for("host2 leads again", PATIENCE, || {
        Ok((leads(&lab, "host2")? && !leads(&lab, "host1")?).then_some(()))
    })?;

    lab.host_mut("host2")?.kill_switch()?;
    wait_for("host1 leads outside", PATIENCE, || {
        Ok(leads(&lab, "host1")?.then_some(()))
    })?;
    answers(lab.machine("d1")?, WORLD)?;
    ensure!(gateway(&lab)? == "host1");
    let status = lab.host("host1")?.ask_agent(lab.brint(), "status")?;
    ensure!(status.contains("host host2"), "{status}");

    // It keeps what it has taken over.
    lab.host_mut("host2")?.start_switch()?;
    wait_for("host2 is back", PATIENCE, || {
        let gone = lab.host("host1")?.ask_agent(lab.brint(), "status")?;
        Ok((!gone.contains("host host2")).then_some(()))
    })?;
    ensure!(leads(&lab, "host1")? && !leads(&lab, "host2")?);
    // Who prefers a host gets it.
    let preemptive = NETWORK.replace(
        "encap_ip: 192.0.2.2\n",
        "encap_ip: 192.0.2.2\n    preemptive: true\n",
    );
    lab.describe(&preemptive)?;
    wait_for("host2 leads outside again", PATIENCE, || {
        Ok((leads(&lab, "host2")? && !leads(&lab, "host1")?).then_some(()))
    })?;
    answers(lab.machine("d1")?, WORLD)?;
    let seen = seen_by_world(&lab, lab.machine("d1")?)?;
    ensure!(seen == "203.0.113.101".parse::<IpAddr>()?, "{seen}");
    Ok(())
}
