//! What machines are told of themselves, with real connections.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::{Lab, Machine, PATIENCE, wait_for};
use tests::brint;

const NETWORK: &str = include_str!("../../labs/topologies/tenants/network.yaml");
/// The tail of the lines of two machines with one address, in networks of two tenants.
const W1: &str = "security_groups: [default, ping], host: host1}";
const B1: &str = "mac_address: \"fa:16:3e:00:0b:11\",";

/// The lab of routers, with something to say to both machines.
fn description() -> String {
    let w1 = "security_groups: [default, ping], device_id: machine-w1, user_data: \"echo w1\", \
        public_keys: {me: ssh-ed25519 AAAAw1 me@w1}, host: host1}";
    let b1 =
        format!("{B1} device_id: machine-b1, public_keys: {{you: ssh-ed25519 AAAAb1 you@b1}},");
    NETWORK.replace(W1, w1).replace(B1, &b1)
}

fn start(name: &str) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, &description(), &brint()?)?;
    lab.start_agents()?;
    plug(&mut lab)?;
    Ok(lab)
}

fn plug(lab: &mut Lab) -> anyhow::Result<()> {
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()
}

/// The status line and the body that a machine gets.
fn get(machine: &Machine, path: &str, headers: &str) -> anyhow::Result<(String, String)> {
    ask(machine, "169.254.169.254:80".parse()?, path, headers)
}

fn ask(
    machine: &Machine,
    to: SocketAddr,
    path: &str,
    headers: &str,
) -> anyhow::Result<(String, String)> {
    let mut stream = wait_for("the service answers", PATIENCE, || {
        let connect = || Ok(TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok());
        machine.namespace().enter(connect)
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 169.254.169.254\r\n{headers}Connection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer of HTTP")?;
    let status = head.lines().next().unwrap_or_default();
    Ok((status.to_owned(), body.to_owned()))
}

const KEY: &str = "/2009-04-04/meta-data/public-keys/0/openssh-key";

#[test]
fn machines_with_one_address_are_told_of_themselves() -> anyhow::Result<()> {
    let lab = start("t-metadata")?;
    let [w1, b1] = [lab.machine("w1")?, lab.machine("b1")?];
    ensure!(w1.ipv4()? == b1.ipv4()?);
    for (machine, key, id) in [
        (w1, "ssh-ed25519 AAAAw1 me@w1", "machine-w1"),
        (b1, "ssh-ed25519 AAAAb1 you@b1", "machine-b1"),
    ] {
        let (status, body) = get(machine, KEY, "")?;
        ensure!(
            status == "HTTP/1.1 200 OK" && body == key,
            "{status}: {body}"
        );
        let (_, body) = get(machine, "/latest/meta-data/instance-id", "")?;
        ensure!(body == id, "{body}");
    }
    let (_, body) = get(w1, "/latest/meta-data/public-ipv4", "")?;
    ensure!(body == "203.0.113.21", "{body}");
    let (_, body) = get(w1, "/latest/user-data", "")?;
    ensure!(body == "echo w1", "{body}");
    let (_, body) = get(w1, "/openstack/latest/meta_data.json", "")?;
    let meta_data: serde_json::Value = serde_json::from_str(&body)?;
    ensure!(meta_data["uuid"] == "machine-w1", "{body}");
    ensure!(
        meta_data["public_keys"]["me"] == "ssh-ed25519 AAAAw1 me@w1",
        "{body}"
    );
    let (_, body) = get(w1, "/openstack/latest/network_data.json", "")?;
    let network_data: serde_json::Value = serde_json::from_str(&body)?;
    ensure!(
        network_data["networks"][0]["ip_address"] == "10.0.1.11",
        "{body}"
    );
    let (status, _) = get(b1, "/latest/user-data", "")?;
    ensure!(status == "HTTP/1.1 404 Not Found", "{status}");
    Ok(())
}

#[test]
fn metadata_is_there_over_ipv6_too() -> anyhow::Result<()> {
    let lab = start("t-metadata6")?;
    let w1 = lab.machine("w1")?;
    let server: Ipv6Addr = "fe80::a9fe:a9fe".parse()?;
    let shown = w1
        .namespace()
        .command("ip")
        .args(["-o", "link", "show", "eth0"])
        .output()?;
    let shown = String::from_utf8(shown.stdout)?;
    let (card, _) = shown.split_once(':').context("ip link")?;
    let card = card.parse()?;
    let to = SocketAddr::V6(SocketAddrV6::new(server, 80, 0, card));
    let (status, body) = ask(w1, to, KEY, "")?;
    ensure!(status == "HTTP/1.1 200 OK", "{status}");
    ensure!(body == "ssh-ed25519 AAAAw1 me@w1", "{body}");
    Ok(())
}

#[test]
fn nova_is_told_who_asks_and_believes_no_machine() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-nova", &description(), &brint()?)?;
    let secret = lab.directory().join("secret");
    std::fs::write(&secret, "shared\n")?;
    // Nova, as the agent's host sees it.
    let host = lab.host("host1")?;
    let nova = host
        .namespace()
        .enter(|| Ok(TcpListener::bind("127.0.0.1:0")?))?;
    let url = format!("http://{}", nova.local_addr()?);
    let nova = thread::spawn(move || -> anyhow::Result<String> {
        let (mut stream, _) = nova.accept()?;
        let mut head = String::new();
        let mut lines = BufReader::new(stream.try_clone()?);
        while !head.ends_with("\r\n\r\n") {
            ensure!(lines.read_line(&mut head)? > 0, "{head}");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnova")?;
        Ok(head.to_lowercase())
    });
    let network = lab.network().to_path_buf();
    let source = [
        "agent".as_ref(),
        "--network".as_ref(),
        network.as_os_str(),
        "--nova-metadata".as_ref(),
        url.as_ref(),
        "--metadata-secret-file".as_ref(),
        secret.as_os_str(),
    ];
    lab.start_agents_of(&source)?;
    plug(&mut lab)?;
    let forged = "X-Instance-ID: machine-b1\r\nX-Tenant-ID: tenant-b\r\n\
        X-Forwarded-For: 10.9.9.9\r\nX-Instance-ID-Signature: 00\r\n";
    let (status, body) = get(lab.machine("w1")?, "/openstack/latest?x=1", forged)?;
    ensure!(
        status == "HTTP/1.1 200 OK" && body == "nova",
        "{status}: {body}"
    );
    let head = nova
        .join()
        .map_err(|_| anyhow::anyhow!("Nova panicked"))??;
    ensure!(
        head.starts_with("get /openstack/latest?x=1 http/1.1"),
        "{head}"
    );
    for expected in [
        "x-instance-id: machine-w1\r\n",
        "x-tenant-id: tenant-a\r\n",
        "x-forwarded-for: 10.0.1.11\r\n",
        // HMAC-SHA256 of machine-w1 by `shared`.
        "x-instance-id-signature: 85819a3eb774ae3cc7e712df5716f8e4792b77a2bba650a57348a4904d623914\r\n",
    ] {
        ensure!(head.contains(expected), "{head}");
    }
    ensure!(
        !head.contains("machine-b1") && !head.contains("10.9.9.9"),
        "{head}"
    );
    // Who is no machine that Nova knows is not passed on.
    let (status, _) = get(lab.machine("d1")?, "/openstack", "")?;
    ensure!(status == "HTTP/1.1 404 Not Found", "{status}");
    Ok(())
}
