//! An address that machines share by their address pairs, reached through routers: whoever took it
//! last has it.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::ensure;
use labs::probe::{self, Frame};
use labs::{Lab, MacAddr, Machine, Namespace, PATIENCE, wait_for};
use tests::{Flows, brint};

const NETWORK: &str = include_str!("../../labs/topologies/tenants/network.yaml");
/// The card of a machine.
const CARD: &str = "eth0";

/// The shared addresses: both of data, the second known to the world outside as it is.
const SHARED: [&str; 2] = ["10.0.2.100", "2001:db8:a:2::100"];
/// What the first is known as outside.
const FLOATING: &str = "203.0.113.23";
/// The pairs that let a machine have them.
const PAIRS: &str =
    "allowed_address_pairs: [{ip_address: 10.0.2.100}, {ip_address: \"2001:db8:a:2::100\"}], ";
/// Everybody on a link.
const EVERYONE: MacAddr = MacAddr([0xff; 6]);
const ALL_NODES: (MacAddr, &str) = (MacAddr([0x33, 0x33, 0, 0, 0, 1]), "ff02::1");

/// `d1` and `d2`, on two hosts, may have the addresses; a port that is bound nowhere reserves them,
/// and has a floating IP.
fn shared(holders: &[&str]) -> String {
    let mut network = NETWORK
        .replace(
            "  # Ports of routers",
            "  - {id: 75000031-bcad-4032-8ad1-f0950600b737, name: shared, project: tenant-a, network: data, mac_address: \"fa:16:3e:00:02:64\", \
             fixed_ips: [10.0.2.100, \"2001:db8:a:2::100\"]}\n  - {id: 75000032-bcad-4032-8ad1-f0950600b737, name: f-shared, project: provider, \
             network: external, mac_address: \"fa:16:3e:00:0f:23\", fixed_ips: [203.0.113.23], \
             port_security_enabled: false}\n  # Ports of routers",
        )
        .replace(
            "floating_ips:\n",
            "floating_ips:\n  - {project: tenant-a, address_port: f-shared, port: shared, \
             fixed_ip_address: 10.0.2.100, router: ra}\n",
        )
        .replace(
            "      - {direction: ingress, ethertype: IPv4, protocol: icmp}\n",
            "      - {direction: ingress, ethertype: IPv6, protocol: tcp, port_range_min: 22, \
             port_range_max: 22}\n",
        );
    for name in ["d1", "d2"] {
        let pairs = if holders.contains(&name) { PAIRS } else { "" };
        let start = format!("name: {name}, project: tenant-a, network: data, ");
        let line = network.lines().find(|line| line.contains(&start));
        let line = line.unwrap_or_default().to_owned();
        let groups = "security_groups: [default, ping]";
        let open = line.replace("security_groups: [default]", groups);
        let paired = open.replace(&start, &format!("{start}{pairs}"));
        network = network.replace(&line, &paired);
    }
    network
}

/// Says its name to everybody who calls, as long as the test runs.
fn serve(machine: &Machine) -> anyhow::Result<()> {
    let listen = || Ok(TcpListener::bind(("::", 22))?);
    let listener = machine.namespace().enter(listen)?;
    let name = machine.name().to_owned();
    thread::spawn(move || {
        for caller in listener.incoming().flatten() {
            // Who is gone hears nothing.
            let _ = (&caller).write_all(name.as_bytes());
        }
    });
    Ok(())
}

/// Who answers at an address, if anybody does.
fn called(from: &Namespace, to: IpAddr) -> anyhow::Result<Option<String>> {
    let limit = Duration::from_secs(1);
    let connect = || Ok(TcpStream::connect_timeout(&SocketAddr::new(to, 22), limit).ok());
    let Some(mut stream) = from.enter(connect)? else {
        return Ok(None);
    };
    stream.set_read_timeout(Some(limit))?;
    let mut name = String::new();
    Ok(stream.read_to_string(&mut name).is_ok().then_some(name))
}

fn ip(namespace: &Namespace, arguments: &[&str]) -> anyhow::Result<()> {
    let done = namespace.command("ip").args(arguments).status()?;
    ensure!(done.success(), "ip {arguments:?}: {done}");
    Ok(())
}

fn take(machine: &Machine) -> anyhow::Result<()> {
    for address in SHARED {
        ip(
            machine.namespace(),
            &["addr", "add", address, "dev", CARD, "nodad"],
        )?;
    }
    Ok(())
}

fn leave(machine: &Machine) -> anyhow::Result<()> {
    for address in SHARED {
        let host = if address.contains(':') { "/128" } else { "/32" };
        let address = format!("{address}{host}");
        ip(machine.namespace(), &["addr", "del", &address, "dev", CARD])?;
    }
    Ok(())
}

/// Tells everybody on the link who has the addresses now.
fn announce(machine: &Machine) -> anyhow::Result<()> {
    let [v4, v6] = SHARED.map(str::parse::<IpAddr>);
    let (v4, v6) = (v4?, v6?);
    let arp = Frame::arp((machine.mac(), v4), (EVERYONE, v4), "")?;
    let (mac, to) = ALL_NODES;
    let to = (mac, to.parse()?);
    let advertisement = Frame::neighbour_advertisement((machine.mac(), v6), to, "")?;
    for frame in [arp, advertisement] {
        probe::send(machine.namespace(), CARD, &frame)?;
    }
    Ok(())
}

/// Everybody who is not on the link, and how the addresses are known there.
fn callers(lab: &Lab) -> anyhow::Result<Vec<(&Namespace, &'static str)>> {
    let [v4, v6] = SHARED;
    let outside = lab.outside().namespace();
    let mut callers = vec![(outside, FLOATING), (outside, v6)];
    for name in ["w1", "w2"] {
        let machine = lab.machine(name)?.namespace();
        callers.extend([(machine, v4), (machine, v6), (machine, FLOATING)]);
    }
    Ok(callers)
}

fn is_had_by(lab: &Lab, name: &str) -> anyhow::Result<()> {
    for (from, to) in callers(lab)? {
        let what = format!("{name} answers {} at {to}", from.name());
        let to = to.parse()?;
        wait_for(&what, PATIENCE, || {
            let answering = called(from, to)?;
            Ok((answering.as_deref() == Some(name)).then_some(()))
        })?;
    }
    Ok(())
}

#[test]
fn a_shared_address_is_where_it_was_taken_last() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-shared", &shared(&["d1", "d2"]), &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let outside = lab.outside().namespace();
    ip(
        outside,
        &["route", "add", "2001:db8:a::/48", "via", "2001:db8:f::101"],
    )?;
    let (d1, d2) = (lab.machine("d1")?, lab.machine("d2")?);
    serve(d1)?;
    serve(d2)?;
    // Nobody has said anything: routers ask.
    take(d1)?;
    is_had_by(&lab, "d1")?;
    // It moves to another host, and back.
    for (from, to) in [(d1, d2), (d2, d1)] {
        leave(from)?;
        take(to)?;
        announce(to)?;
        is_had_by(&lab, to.name())?;
    }
    // Who may not have the address cannot claim it.
    lab.describe(&shared(&["d1"]))?;
    take(d2)?;
    wait_for("d2 may not have the address", PATIENCE, || {
        let flows = Flows::of(lab.host("host2")?.ovs(), "br-int")?;
        flows.find("dl_src=fa:16:3e:00:02:12,arp_spa=10.0.2.12")?;
        let shared = flows.find("dl_src=fa:16:3e:00:02:12,arp_spa=10.0.2.100");
        Ok(shared.err().map(|_| ()))
    })?;
    announce(d2)?;
    is_had_by(&lab, "d1")
}
