//! What the underlay leaves to the networks in it.

use anyhow::{Context as _, ensure};
use labs::{Lab, Machine, PATIENCE, wait_for};
use serde_json::Value;
use tests::{brint, reaches};

/// Bytes of the headers of an echo request, of IPv4 and of ICMP.
const HEADERS: u16 = 20 + 8;

/// The networks with what their tunnels leave of the 1500 bytes of an IPv4 underlay.
const NETWORKS: [(&str, u16); 3] = [("vxlan", 1450), ("gre", 1458), ("geneve", 1450)];

/// One network of each type, which say nothing of an MTU, with a machine on each of two hosts.
fn description(encap_ips: [&str; 2], settings: &str) -> String {
    let mut text = "hosts:\n".to_owned();
    for (host, encap_ip) in (1..).zip(encap_ips) {
        text += &format!("  - {{name: host{host}, encap_ip: \"{encap_ip}\"{settings}}}\n");
    }
    text += "networks:\n";
    for (name, _) in NETWORKS {
        text += &format!(
            "  - {{name: {name}, network_type: {name}, segmentation_id: 7, \
             subnets: [{{cidr: 10.0.0.0/24}}, {{cidr: \"2001:db8::/64\"}}]}}\n"
        );
    }
    text += "ports:\n";
    for (network, (name, _)) in (1..).zip(NETWORKS) {
        for host in 1..=2 {
            let number = 10 * network + host;
            text += &format!(
                "  - {{id: 750000{number}-bcad-4032-8ad1-f0950600b737, name: {name}{host}, \
                 network: {name}, mac_address: \"fa:16:3e:00:00:{number}\", host: host{host}, \
                 fixed_ips: [10.0.0.{number}, \"2001:db8::{number}\"], \
                 port_security_enabled: false}}\n"
            );
        }
    }
    text
}

#[test]
fn an_mtu_is_what_an_ipv4_underlay_leaves() -> anyhow::Result<()> {
    an_mtu_is_what_is_left("t-mtu4", ["192.0.2.1", "192.0.2.2"], 0)
}

#[test]
fn an_mtu_is_what_an_ipv6_underlay_leaves() -> anyhow::Result<()> {
    let endpoints = ["2001:db8:ffff::1", "2001:db8:ffff::2"];
    an_mtu_is_what_is_left("t-mtu6", endpoints, 20)
}

/// The outer header is longer by some bytes than that of IPv4.
fn an_mtu_is_what_is_left(name: &str, endpoints: [&str; 2], longer: u16) -> anyhow::Result<()> {
    let mut lab = Lab::build(name, &description(endpoints, ""), &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    for (network, mtu) in NETWORKS {
        let mtu = mtu - longer;
        is_reported(&lab, network, mtu)?;
        let (from, to) = (format!("{network}1"), format!("{network}2"));
        let (from, to) = (lab.machine(&from)?, lab.machine(&to)?);
        reaches(from, to)?;
        ensure!(carries(from, to, mtu)?, "{network}: {mtu} bytes are lost");
        let more = mtu + 1;
        ensure!(!carries(from, to, more)?, "{network}: {more} bytes pass");
    }

    // The host that carries least decides, and others hear of it.
    lab.describe(&description(endpoints, ", mtu: 1400"))?;
    for (network, mtu) in NETWORKS {
        is_reported(&lab, network, mtu - longer - 100)?;
    }
    Ok(())
}

/// Waits until `brint status` tells this MTU of a network.
fn is_reported(lab: &Lab, network: &str, mtu: u16) -> anyhow::Result<()> {
    let mut last = Value::Null;
    wait_for(&format!("{network} has {mtu}"), PATIENCE, || {
        let text = lab
            .host("host1")?
            .ask_agent(lab.brint(), "status -f json")?;
        let status: Value = serde_json::from_str(&text)?;
        let networks = status.get("networks").and_then(Value::as_array);
        let mut named = networks.into_iter().flatten();
        let found = named.find(|row| row["name"] == network);
        last = found.map(|row| row["mtu"].clone()).unwrap_or_default();
        Ok((last == mtu).then_some(()))
    })
    .with_context(|| format!("{network} has {last}"))
}

/// Whether an IPv4 packet of so many bytes arrives that must not be cut.
fn carries(from: &Machine, to: &Machine, mtu: u16) -> anyhow::Result<bool> {
    let size = (mtu - HEADERS).to_string();
    let mut ping = from.namespace().command("ping");
    ping.args(["-n", "-q", "-M", "do", "-c", "2", "-i", "0.2", "-W", "1"]);
    ping.args(["-s", &size, &to.ipv4()?.to_string()]);
    Ok(ping.output().context("starting ping")?.status.success())
}
