//! Names of ports, as machines ask for them.

use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::{Lab, Machine, PATIENCE, wait_for};
use tests::brint;

const NETWORK: &str = include_str!("../../labs/topologies/tenants/network.yaml");
const SERVER: &str = "169.254.169.254:53";
/// Types of records (RFC 1035, section 3.2.2; RFC 3596).
const A: u16 = 1;
const PTR: u16 = 12;
const AAAA: u16 = 28;
/// What a message starts with: a number, then that it is a question, one, that wants recursion.
const HEADER: [u8; 12] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/// The lab of routers, where a network has a domain, a machine has a name, and subnets have a
/// server outside: host1's underlay.
fn description() -> String {
    NETWORK
        .replace(
            "segmentation_id: 1001\n",
            "segmentation_id: 1001\n    dns_domain: cloud.example.\n",
        )
        .replace(
            "gateway_ip: 10.0.1.1}",
            "gateway_ip: 10.0.1.1, dns_nameservers: [192.0.2.1]}",
        )
        .replace("name: w1,", "name: w1, dns_name: db,")
}

/// The name of a question, as it is sent.
fn encode(name: &str) -> anyhow::Result<Vec<u8>> {
    let mut encoded = Vec::new();
    for label in name.split('.') {
        encoded.push(label.len().try_into()?);
        encoded.extend(label.as_bytes());
    }
    encoded.push(0);
    Ok(encoded)
}

/// The code of the answer to a question, and everything behind its header.
fn ask(machine: &Machine, name: &str, kind: u16) -> anyhow::Result<(u8, Vec<u8>)> {
    let question = [&HEADER[..], &encode(name)?, &kind.to_be_bytes(), &[0, 1]].concat();
    let answer = wait_for("an answer", PATIENCE, || {
        machine.namespace().enter(|| {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.set_read_timeout(Some(Duration::from_secs(5)))?;
            if socket.send_to(&question, SERVER).is_err() {
                return Ok(None);
            }
            let mut answer = [0; 512];
            let heard = socket.recv(&mut answer).ok();
            Ok(heard.and_then(|length| Some(answer.get(..length)?.to_vec())))
        })
    })?;
    ensure!(answer.starts_with(&[0x12, 0x34]), "{answer:?}");
    let (header, rest) = answer.split_at_checked(HEADER.len()).context("a header")?;
    Ok((header.get(3).map_or(0, |flags| flags & 0xf), rest.to_vec()))
}

fn has(answer: &[u8], wanted: &[u8]) -> bool {
    answer.windows(wanted.len()).any(|part| part == wanted)
}

#[test]
fn machines_find_each_other_by_name_and_others_through_their_servers() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-names", &description(), &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    // The server outside says where everything is: at 198.51.100.7.
    let bind = || Ok(UdpSocket::bind("192.0.2.1:53")?);
    let server = lab.host("host1")?.namespace().enter(bind)?;
    thread::spawn(move || -> anyhow::Result<()> {
        let mut question = [0; 512];
        loop {
            let (length, from) = server.recv_from(&mut question)?;
            let mut answer = question.get(..length).context("a question")?.to_vec();
            answer
                .get_mut(2..8)
                .context("a header")?
                .copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1]);
            // The name of the question, class Internet, for a minute.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 7]);
            server.send_to(&answer, from)?;
        }
    });

    let w2 = lab.machine("w2")?;
    for name in ["db.cloud.example", "db", "DB.Cloud.Example"] {
        let (code, answer) = ask(w2, name, A)?;
        ensure!(
            code == 0 && has(&answer, &[10, 0, 1, 11]),
            "{name}: {code} {answer:?}"
        );
    }
    let (code, answer) = ask(w2, "db.cloud.example", AAAA)?;
    let ipv6: std::net::Ipv6Addr = "2001:db8:a:1::11".parse()?;
    ensure!(
        code == 0 && has(&answer, &ipv6.octets()),
        "{code} {answer:?}"
    );
    let (code, answer) = ask(w2, "11.1.0.10.in-addr.arpa", PTR)?;
    let name = encode("db.cloud.example")?;
    ensure!(code == 0 && has(&answer, &name), "{code} {answer:?}");
    // Tenant B has the same addresses, and no such name.
    for (machine, name) in [
        (w2, "www.example"),
        (lab.machine("b2")?, "db.cloud.example"),
    ] {
        let (code, answer) = ask(machine, name, A)?;
        ensure!(
            code == 0 && has(&answer, &[198, 51, 100, 7]),
            "{name}: {code} {answer:?}"
        );
    }
    Ok(())
}
