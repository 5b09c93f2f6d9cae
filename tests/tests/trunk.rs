//! A machine with a trunk: its interface is in one network untagged, and in others by a VLAN each.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::probe::{self, Ear, Frame, Pinging};
use labs::{Lab, MacAddr, Machine, Namespace, Northbound, PATIENCE, Trunk, wait_for};
use tests::{Flows, brint};

/// The card of a machine.
const CARD: &str = "eth0";
/// How long what is refused is waited for.
const SECOND: Duration = Duration::from_secs(1);

/// A card of the machine with the trunk: its name, its VLAN, the end of its MAC address, and its
/// IPv4 address.
type Card = (&'static str, u16, u8, Option<[u8; 4]>);

/// The parent, untagged, and the ports behind it.
const HOME: Card = ("home", 0, 0x11, Some([10, 0, 0, 11]));
const RED: Card = ("red", 101, 0x21, Some([10, 1, 0, 11]));
const BLUE: Card = ("blue", 102, 0x31, Some([10, 2, 0, 11]));
/// By this VLAN there is no port; the machine pretends to be in the red network by it.
const NONE: Card = ("none", 103, 0x21, None);

const DESCRIPTION: &str = "
hosts:
  - {name: host1, encap_ip: 192.0.2.1}
  - {name: host2, encap_ip: 192.0.2.2}
networks:
  - {name: home, network_type: vxlan, segmentation_id: 1, mtu: 1400, subnets: [{cidr: 10.0.0.0/24}]}
  - {name: red, network_type: vxlan, segmentation_id: 2, mtu: 1400, subnets: [{cidr: 10.1.0.0/24}]}
  - {name: blue, network_type: gre, segmentation_id: 2, mtu: 1400, subnets: [{cidr: 10.2.0.0/24}]}
security_groups:
  - name: all
    rules:
      - {direction: egress, ethertype: IPv4}
      - {direction: ingress, ethertype: IPv4, remote_group: all}
";

/// The description, with or without a port behind the parent in the red network.
fn description(with_red: bool) -> String {
    let port = |number: u8, name: &str, network: &str, address: &str, place: &str| {
        format!(
            "  - {{id: 750000{number:02x}-bcad-4032-8ad1-f0950600b737, name: {name}, \
             network: {network}, mac_address: \"fa:16:3e:00:00:{number:02x}\", \
             fixed_ips: [{address}], security_groups: [all]{place}}}\n"
        )
    };
    let ports = [
        port(0x11, "trunk", "home", "10.0.0.11", ", host: host1"),
        port(0x12, "home2", "home", "10.0.0.12", ", host: host2"),
        port(0x21, "red0", "red", "10.1.0.11", ""),
        port(0x22, "red1", "red", "10.1.0.21", ", host: host1"),
        port(0x23, "red2", "red", "10.1.0.22", ", host: host2"),
        port(0x31, "blue0", "blue", "10.2.0.11", ""),
        port(0x32, "blue2", "blue", "10.2.0.22", ", host: host2"),
    ];
    let red = match with_red {
        true => "{port: red0, segmentation_id: 101}, ",
        false => "",
    };
    format!(
        "{DESCRIPTION}ports:\n{}trunks:\n  - {{name: trunk, port: trunk, sub_ports: \
         [{red}{{port: blue0, segmentation_id: 102}}]}}\n",
        ports.concat()
    )
}

/// The lab, and the machine with the trunk.
fn start(name: &str) -> anyhow::Result<(Lab, Trunk)> {
    let mut lab = Lab::build(name, &description(true), &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let trunk = cards(&lab)?;
    Ok((lab, trunk))
}

/// The machine with the trunk, with all of its cards.
fn cards(lab: &Lab) -> anyhow::Result<Trunk> {
    let trunk = lab.part("trunk")?;
    for (card, vlan, mac, address) in [HOME, RED, BLUE, NONE] {
        trunk.add_card(card, vlan, MacAddr([0xfa, 0x16, 0x3e, 0, 0, mac]))?;
        if let Some([a, b, c, d]) = address {
            trunk.add_address(card, format!("{a}.{b}.{c}.{d}/24").parse()?)?;
        }
    }
    Ok(trunk)
}

/// Waits until machines reach each other, or no longer do.
fn until_reached(from: &Namespace, to: [u8; 4], wanted: bool) -> anyhow::Result<()> {
    let what = format!("{} reaches {to:?}: {wanted}", from.name());
    wait_for(&what, PATIENCE, || {
        let reached = probe::ping(from, to.into(), SECOND)?;
        Ok((reached == wanted).then_some(()))
    })
}

#[test]
fn a_trunk_is_in_each_network_by_its_vlan_only() -> anyhow::Result<()> {
    let (lab, trunk) = start("t-trunk")?;
    let cards = trunk.namespace();
    let (red1, red2) = (lab.machine("red1")?, lab.machine("red2")?);
    let (home2, blue2) = (lab.machine("home2")?, lab.machine("blue2")?);
    // To a port of the same host, and to another host by two kinds of tunnels; and back.
    for to in [
        [10, 0, 0, 12],
        [10, 1, 0, 21],
        [10, 1, 0, 22],
        [10, 2, 0, 22],
    ] {
        until_reached(cards, to, true)?;
    }
    for (from, (.., to)) in [(home2, HOME), (red1, RED), (red2, RED), (blue2, BLUE)] {
        until_reached(from.namespace(), to.context("an address")?, true)?;
    }

    // What one network says to all is heard by its VLAN, and by no other.
    let mut by_red = Ear::open(cards, "red")?;
    let mut by_blue = Ear::open(cards, "blue")?;
    let to_all = |from: &Machine, mark: &str| {
        let to = (MacAddr::BROADCAST, [255; 4].into());
        let frame = Frame::udp((from.mac(), from.ipv4()?), to, mark)?;
        probe::send(from.namespace(), CARD, &frame)?;
        anyhow::Ok(frame)
    };
    let red = to_all(red2, "red to all")?;
    ensure!(by_red.hears(&red, PATIENCE)?, "red is not heard");
    let blue = to_all(blue2, "blue to all")?;
    ensure!(by_blue.hears(&blue, PATIENCE)?, "blue is not heard");
    ensure!(!by_blue.has_heard(&red), "red is heard by the VLAN of blue");
    let again = to_all(red1, "red to all again")?;
    ensure!(by_red.hears(&again, PATIENCE)?, "red is not heard again");
    ensure!(!by_red.has_heard(&blue), "blue is heard by the VLAN of red");

    // A machine cannot choose its network: what is false comes before what is true.
    let mut at_red = Ear::open(red1.namespace(), CARD)?;
    let (_, _, mac, address) = RED;
    let from = (
        MacAddr([0xfa, 0x16, 0x3e, 0, 0, mac]),
        address.context("an address")?.into(),
    );
    let mut sent = Vec::new();
    for card in ["home", "blue", "none", "red"] {
        let mark = format!("as red by {card}");
        let frame = Frame::udp(from, (red1.mac(), red1.ipv4()?), &mark)?;
        probe::send(cards, card, &frame)?;
        sent.push((card, frame));
    }
    let (_, honest) = sent.pop().context("the last frame")?;
    ensure!(at_red.hears(&honest, PATIENCE)?, "the truth is not heard");
    for (card, frame) in sent {
        ensure!(!at_red.has_heard(&frame), "red is heard by {card}");
    }
    Ok(())
}

#[test]
fn a_port_of_a_trunk_comes_and_goes_alone() -> anyhow::Result<()> {
    let (lab, trunk) = start("t-subport")?;
    let cards = trunk.namespace();
    let ovs = lab.host("host1")?.ovs();
    let (red, others) = ([10, 1, 0, 22], [[10, 0, 0, 12], [10, 2, 0, 22]]);
    for to in others.into_iter().chain([red]) {
        until_reached(cards, to, true)?;
    }
    let before = Flows::settled(ovs, "br-int")?;
    let interval = Duration::from_millis(20);
    let others = others.map(|to| Pinging::start(cards, to.into(), interval));

    lab.describe(&description(false))?;
    until_reached(cards, red, false)?;
    lab.describe(&description(true))?;
    until_reached(cards, red, true)?;

    for ping in others {
        let pings = ping?.stop()?;
        ensure!(pings.sent >= 5 && pings.lost.is_empty(), "{pings:?}");
    }
    before.are_on(ovs, "br-int", PATIENCE)
}

#[test]
fn a_trunk_that_is_asked_for_by_request_leads_into_its_networks() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-trunk-api", &description(true), &brint()?)?;
    let northbound = Northbound::start(lab.directory(), &brint()?)?;
    let remote = northbound.remote();
    lab.start_agents_of(&["agent".as_ref(), "--remote".as_ref(), remote.as_ref()])?;
    lab.wait_for_bridges()?;
    // The parent is nowhere until its machine is plugged in.
    let text = description(true);
    let (ports, _) = text.split_once("trunks:").context("the trunks")?;
    northbound.apply(&ports.replacen(", host: host1", "", 1), "")?;
    let behind = |number: u8, vlan: u16| {
        format!(
            r#"{{"port_id":"750000{number:02x}-bcad-4032-8ad1-f0950600b737","segmentation_type":"vlan","segmentation_id":{vlan}}}"#
        )
    };
    let sub_ports = format!("[{},{}]", behind(0x21, 101), behind(0x31, 102));
    northbound.brint(&format!(
        "network-trunk create t port_id=trunk sub_ports={sub_ports}"
    ))?;
    lab.plug_machines(&[])?;
    wait_for("the trunk works", PATIENCE, || {
        let status = northbound.brint("network-trunk show t -f value -c status")?;
        Ok((status.trim() == "ACTIVE").then_some(()))
    })?;
    let trunk = cards(&lab)?;
    for to in [
        [10, 0, 0, 12],
        [10, 1, 0, 21],
        [10, 1, 0, 22],
        [10, 2, 0, 22],
    ] {
        until_reached(trunk.namespace(), to, true)?;
    }
    // What is plugged in is not taken apart.
    let refused = northbound.brint("network-trunk delete t");
    let refused = refused.err().context("the trunk is deleted")?.to_string();
    ensure!(refused.contains("is currently in use"), "{refused}");
    Ok(())
}
