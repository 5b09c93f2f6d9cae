//! Port forwardings of floating IPs, and floating IPs of other subnets, with real packets.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::{Lab, Machine, Namespace, PATIENCE, probe, wait_for};
use tests::brint;

const NETWORK: &str = include_str!("../../labs/topologies/tenants/network.yaml");

const ADDRESS: &str = "ports:\n  - {id: 75000031-bcad-4032-8ad1-f0950600b737, name: f-b, \
    project: provider, network: external, mac_address: \"fa:16:3e:00:0f:31\", \
    fixed_ips: [203.0.113.23], port_security_enabled: false}\n";
const RULES: &str = "    project: tenant-b\n    rules:\n      \
    - {direction: ingress, protocol: tcp, port_range_min: 22, port_range_max: 22}\n      \
    - {direction: ingress, protocol: udp, port_range_min: 53, port_range_max: 53}\n";
const FORWARDED: &str = "  - project: tenant-b\n    address_port: f-b\n    router: rb\n    \
    port_forwardings:\n";
const TO_B1: &str = "      \
    - {protocol: tcp, external_port: 2222, port: b1, fixed_ip_address: 10.0.1.11, internal_port: 22}\n";
const TO_B2: &str = "      \
    - {protocol: tcp, external_port: 2223, port: b2, fixed_ip_address: 10.0.1.12, internal_port: 22}\n      \
    - {protocol: udp, external_port: 5300, port: b2, fixed_ip_address: 10.0.1.12, internal_port: 53}\n";

/// The lab of two tenants, the second with forwarded ports.
fn network() -> String {
    let network = NETWORK.replacen("ports:\n", ADDRESS, 1).replacen(
        "    project: tenant-b\n    rules:\n",
        RULES,
        1,
    );
    format!("{network}{FORWARDED}{TO_B1}{TO_B2}")
}

fn start(name: &str, network: &str) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, network, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    Ok(lab)
}

/// A server of a machine on TCP port 22.
fn serve(machine: &Machine) -> anyhow::Result<TcpListener> {
    machine
        .namespace()
        .enter(|| Ok(TcpListener::bind(("0.0.0.0", 22))?))
}

/// A connection from somewhere to a server, by another address, with both of its ends.
fn call(
    from: &Namespace,
    to: &str,
    server: &TcpListener,
) -> anyhow::Result<(TcpStream, TcpStream, SocketAddr)> {
    let to: SocketAddr = to.parse()?;
    let connect = || Ok(TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok());
    let client = wait_for(&format!("{to} answers"), PATIENCE, || from.enter(connect))?;
    let (served, peer) = server.accept()?;
    served.set_read_timeout(Some(Duration::from_secs(5)))?;
    Ok((client, served, peer))
}

fn passes(client: &mut TcpStream, served: &mut TcpStream) -> anyhow::Result<bool> {
    let mut heard = [0; 4];
    client.write_all(b"here")?;
    Ok(served.read_exact(&mut heard).is_ok())
}

#[test]
fn single_ports_of_a_floating_ip_lead_to_machines_wherever_they_are() -> anyhow::Result<()> {
    let lab = start("t-forward", &network())?;
    let outside = lab.outside().namespace();
    let (b1, b2) = (lab.machine("b1")?, lab.machine("b2")?);
    let (of_b1, of_b2) = (serve(b1)?, serve(b2)?);
    for (to, server) in [("203.0.113.23:2222", &of_b1), ("203.0.113.23:2223", &of_b2)] {
        let (mut client, mut served, peer) = call(outside, to, server)?;
        ensure!(passes(&mut client, &mut served)?, "{to}");
        ensure!(peer == client.local_addr()?, "{to}: {peer}");
        // Machines behind other routers, and behind the same one, see the same.
        for from in ["w1", "w2", "b1", "b2"] {
            let (mut client, mut served, peer) = call(lab.machine(from)?.namespace(), to, server)
                .with_context(|| format!("{from} to {to}"))?;
            ensure!(passes(&mut client, &mut served)?, "{from} to {to}");
            let own = client.local_addr()?.ip();
            ensure!(peer.ip() != own, "{from} to {to} is known by {own}");
        }
    }

    let server = b2
        .namespace()
        .enter(|| Ok(UdpSocket::bind(("0.0.0.0", 53))?))?;
    let client = outside.enter(|| Ok(UdpSocket::bind(("0.0.0.0", 0))?))?;
    client.connect("203.0.113.23:5300")?;
    client.send(b"name?")?;
    let mut buffer = [0; 16];
    server.set_read_timeout(Some(PATIENCE))?;
    client.set_read_timeout(Some(PATIENCE))?;
    let (length, peer) = server.recv_from(&mut buffer)?;
    ensure!(buffer.get(..length) == Some(b"name?"), "{buffer:?}");
    server.send_to(b"name!", peer)?;
    let length = client.recv(&mut buffer)?;
    ensure!(buffer.get(..length) == Some(b"name!"), "{buffer:?}");

    // The address answers for itself, and no other port of it leads to anybody.
    let address: IpAddr = "203.0.113.23".parse()?;
    wait_for("the address answers", PATIENCE, || {
        Ok(probe::ping(outside, address, Duration::from_secs(1))?.then_some(()))
    })?;
    for to in ["203.0.113.23:22", "203.0.113.23:5300"] {
        let to = to.parse()?;
        let connect = || Ok(TcpStream::connect_timeout(&to, Duration::from_millis(700)).is_ok());
        ensure!(!outside.enter(connect)?, "{to} leads somewhere");
    }

    // Also where machines leave with their own addresses.
    let untranslated = network().replace(
        "    gateway: {port: rb-external}\n",
        "    gateway: {port: rb-external, enable_snat: false}\n",
    );
    lab.describe(&untranslated)?;
    let (mut client, mut served, _) = call(outside, "203.0.113.23:2223", &of_b2)?;
    ensure!(passes(&mut client, &mut served)?);
    Ok(())
}

#[test]
fn a_floating_ip_may_be_of_another_subnet_than_its_router() -> anyhow::Result<()> {
    let elsewhere = network()
        .replacen(
            "gateway_ip: 203.0.113.1}\n",
            "gateway_ip: 203.0.113.1}\n      \
             - {name: more, cidr: 198.18.7.0/24, gateway_ip: 198.18.7.1}\n",
            1,
        )
        .replace("fixed_ips: [203.0.113.21]", "fixed_ips: [198.18.7.21]")
        .replace("fixed_ips: [203.0.113.23]", "fixed_ips: [198.18.7.23]");
    let lab = start("t-elsewhere", &elsewhere)?;
    let outside = lab.outside().namespace();
    let w1 = serve(lab.machine("w1")?)?;
    let (mut client, mut served, _) = call(outside, "198.18.7.21:22", &w1)?;
    ensure!(passes(&mut client, &mut served)?);
    let b1 = serve(lab.machine("b1")?)?;
    let (mut client, mut served, _) = call(outside, "198.18.7.23:2222", &b1)?;
    ensure!(passes(&mut client, &mut served)?);
    // It is also what the machine is known by.
    let world = outside.enter(|| Ok(TcpListener::bind(("203.0.113.1", 0))?))?;
    let to = world.local_addr()?.to_string();
    let (.., peer) = call(lab.machine("w1")?.namespace(), &to, &world)?;
    ensure!(peer.ip() == "198.18.7.21".parse::<IpAddr>()?, "{peer}");
    Ok(())
}

#[test]
fn a_port_that_is_not_forwarded_any_more_loses_its_connections_alone() -> anyhow::Result<()> {
    let lab = start("t-forwarded", &network())?;
    let outside = lab.outside().namespace();
    let (of_b1, of_b2) = (serve(lab.machine("b1")?)?, serve(lab.machine("b2")?)?);
    let (mut kept, mut kept_served, _) = call(outside, "203.0.113.23:2223", &of_b2)?;
    let (mut lost, mut lost_served, _) = call(outside, "203.0.113.23:2222", &of_b1)?;
    ensure!(passes(&mut kept, &mut kept_served)?);
    ensure!(passes(&mut lost, &mut lost_served)?);

    // The port leads to another machine now.
    let moved = network().replace(
        "external_port: 2222, port: b1, fixed_ip_address: 10.0.1.11",
        "external_port: 2222, port: b2, fixed_ip_address: 10.0.1.12, id: \
         75000041-bcad-4032-8ad1-f0950600b737",
    );
    lab.describe(&moved)?;
    let (mut new, mut new_served, _) = wait_for("the port leads to b2", PATIENCE, || {
        let to = "203.0.113.23:2222".parse()?;
        let connect = || Ok(TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok());
        let Some(client) = outside.enter(connect)? else {
            return Ok(None);
        };
        // Others were given up by their clients, and are still in the queue.
        of_b2.set_nonblocking(true)?;
        let own = client.local_addr()?;
        let accepted = std::iter::from_fn(|| of_b2.accept().ok());
        let found = accepted.into_iter().find(|(_, peer)| *peer == own);
        Ok(found.map(|(served, peer)| (client, served, peer)))
    })?;
    ensure!(passes(&mut new, &mut new_served)?);
    lost_served.set_read_timeout(Some(Duration::from_secs(1)))?;
    wait_for("the connection to b1 is cut", PATIENCE, || {
        Ok((!passes(&mut lost, &mut lost_served)?).then_some(()))
    })?;
    ensure!(passes(&mut kept, &mut kept_served)?, "it does not go on");
    Ok(())
}
