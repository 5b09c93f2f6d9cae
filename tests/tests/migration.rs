//! A machine that is moved between hosts while others talk to it: nobody loses sight of it, and no
//! frame comes twice.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use labs::probe::{self, Ear, Frame, Pinging};
use labs::{Lab, Machine, PATIENCE, wait_for};
use tests::{Flows, OpenflowLog, brint, reaches};

/// The card of a machine.
const CARD: &str = "eth0";
/// The interface of the machine that moves.
const MOVER: &str = "tap75000001-bc";
/// How long a frame that has been lost is waited for.
const LOST: Duration = Duration::from_secs(1);

/// `place` says where the machine is that moves.
fn description(place: &str) -> String {
    let port = |number: u8, name: &str, place: &str| {
        format!(
            "  - {{id: 7500000{number}-bcad-4032-8ad1-f0950600b737, name: {name}, network: net, \
             {place}, mac_address: \"fa:16:3e:00:00:0{number}\", \
             fixed_ips: [10.0.0.1{number}, \"2001:db8::1{number}\"], security_groups: [all]}}\n"
        )
    };
    let head = "
hosts:
  - {name: host1, encap_ip: 192.0.2.1}
  - {name: host2, encap_ip: 192.0.2.2}
  - {name: host3, encap_ip: 192.0.2.3}
networks:
  - name: net
    network_type: vxlan
    segmentation_id: 77
    subnets: [{cidr: 10.0.0.0/24}, {cidr: \"2001:db8::/64\"}]
security_groups:
  - name: all
    rules:
      - {direction: egress, ethertype: IPv4}
      - {direction: egress, ethertype: IPv6}
      - {direction: ingress, ethertype: IPv4, remote_group: all}
      - {direction: ingress, ethertype: IPv6, remote_group: all}
ports:
";
    [
        head.to_owned(),
        port(1, "mover", place),
        port(2, "left", "host: host1"),
        port(3, "met", "host: host2"),
        port(4, "peer", "host: host3"),
    ]
    .concat()
}

/// The machine that moves: where it is, and where it is going.
struct Move<'a> {
    lab: &'a Lab,
    mover: &'a Machine,
    here: Ear,
    there: Ear,
    sent: Vec<Frame>,
}

impl Move<'_> {
    /// Sends a new frame to the machine.
    fn send(&mut self, from: &Machine) -> anyhow::Result<Frame> {
        let mark = format!("to whom moves, number {:03}.", self.sent.len());
        let to = (self.mover.mac(), [10, 0, 0, 11].into());
        let frame = Frame::udp((from.mac(), from.ipv4()?), to, &mark)?;
        probe::send(from.namespace(), CARD, &frame)?;
        self.sent.push(frame.clone());
        Ok(frame)
    }

    /// Sends frames until one reaches the machine at both ends.
    fn both_hear(&mut self, from: &str) -> anyhow::Result<()> {
        let from = self.lab.machine(from)?;
        wait_for("both ends hear a frame", PATIENCE, || {
            let frame = self.send(from)?;
            let heard = self.here.hears(&frame, LOST)? && self.there.hears(&frame, LOST)?;
            Ok(heard.then_some(()))
        })
    }

    /// Sends frames until one reaches the machine at its new end only.
    fn only_there(&mut self, from: &str) -> anyhow::Result<()> {
        let from = self.lab.machine(from)?;
        let left = self.lab.machine("left")?;
        let mut ear = Ear::open(left.namespace(), CARD)?;
        let mut heard = String::new();
        let only = wait_for("only the new end hears a frame", PATIENCE, || {
            let frame = self.send(from)?;
            // What is sent later to the old host shows that the frame has had its time.
            let mark = format!("to whom stays, number {:03}.", self.sent.len());
            let to = (left.mac(), left.ipv4()?);
            let later = Frame::udp((from.mac(), from.ipv4()?), to, &mark)?;
            probe::send(from.namespace(), CARD, &later)?;
            let there = self.there.hears(&frame, LOST)?;
            let stays = ear.hears(&later, LOST)?;
            let here = self.here.hears(&frame, Duration::from_millis(1))?;
            heard = format!("new end {there}, old end {here}, who stays {stays}");
            Ok((there && stays && !here).then_some(()))
        });
        only.with_context(|| heard)
    }

    /// Fails if a frame has come to one end more than once.
    fn no_frame_came_twice(&self) -> anyhow::Result<()> {
        for frame in &self.sent {
            for (end, ear) in [("old", &self.here), ("new", &self.there)] {
                let count = ear.count(frame);
                ensure!(count <= 1, "{count} times at the {end} end: {frame:?}");
            }
        }
        Ok(())
    }
}

#[test]
fn a_machine_moves_while_a_peer_pings_it() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-move", &description("host: host1"), &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let mut mover = lab.machine("mover")?.clone();
    for peer in ["left", "met", "peer"] {
        reaches(lab.machine(peer)?, &mover)?;
        reaches(lab.machine(peer)?, lab.machine("met")?)?;
    }

    // The new end is programmed before the machine runs there, and both get what is for it.
    lab.describe(&description("host: host1, migrating_to: host2"))?;
    let mut arriving = lab.plug_arriving("mover", "host2")?;
    let before = mover.clone();
    let mut moving = Move {
        lab: &lab,
        mover: &before,
        here: Ear::open(mover.namespace(), CARD)?,
        there: Ear::open(arriving.namespace(), CARD)?,
        sent: Vec::new(),
    };
    for from in ["peer", "met", "left"] {
        moving
            .both_hear(from)
            .with_context(|| format!("from {from}"))?;
    }
    let interval = Duration::from_millis(20);
    let peer = lab.machine("peer")?;
    let pings = Pinging::start(peer.namespace(), mover.ipv4()?, interval)?;
    reaches(peer, &mover)?;

    // It stops here, starts there, and says so.
    let address = mover.ipv4()?;
    let addresses = mover.sleep()?;
    arriving.wake(addresses)?;
    let own = (arriving.mac(), address);
    let announcement = Frame::arp(own, (labs::MacAddr::BROADCAST, address), "here I am")?;
    probe::send(arriving.namespace(), CARD, &announcement)?;
    reaches(peer, &arriving)?;
    // On its new host, others look for it there only; elsewhere both are served until the end.
    moving.only_there("met")?;
    moving.both_hear("peer")?;
    let ovs = lab.host("host2")?.ovs();
    let arrived = || ovs.vsctl(&format!("get Port {MOVER} other_config"));
    ensure!(arrived()?.contains("brint-arrived"), "{}", arrived()?);

    // The move is over.
    lab.describe(&description("host: host2"))?;
    wait_for("the end of the move is noted", PATIENCE, || {
        Ok((!arrived()?.contains("brint-arrived")).then_some(()))
    })?;
    let old = lab.host("host1")?.ovs();
    old.vsctl(&format!("del-port {MOVER}"))?;
    for from in ["peer", "met"] {
        reaches(lab.machine(from)?, &arriving)?;
        moving
            .only_there(from)
            .with_context(|| format!("from {from}"))?;
    }
    reaches(lab.machine("left")?, &arriving)?;
    moving.no_frame_came_twice()?;

    // Only while it ran nowhere was anything lost.
    let pings = pings.stop()?;
    let (first, last) = (pings.lost.first(), pings.lost.last());
    if let (Some(first), Some(last)) = (first, last) {
        let gap: Vec<u32> = (*first..=*last).collect();
        ensure!(pings.lost == gap, "lost more than once: {pings:?}");
        ensure!(*last < pings.sent, "never answered again: {pings:?}");
    }
    Ok(())
}

#[test]
fn an_agent_that_starts_again_knows_who_has_arrived() -> anyhow::Result<()> {
    let description = description("host: host1, migrating_to: host2");
    let mut lab = Lab::build("t-arrived", &description, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    let mut arriving = lab.plug_arriving("mover", "host2")?;
    let mut mover = lab.machine("mover")?.clone();
    let own = (arriving.mac(), mover.ipv4()?);
    let everybody = (labs::MacAddr::BROADCAST, mover.ipv4()?);
    arriving.wake(mover.sleep()?)?;
    let announcement = Frame::arp(own, everybody, "here I am")?;
    let host = lab.host("host2")?;
    wait_for("the arrival is noted", PATIENCE, || {
        probe::send(arriving.namespace(), CARD, &announcement)?;
        let noted = host
            .ovs()
            .vsctl(&format!("get Port {MOVER} other_config"))?;
        Ok(noted.contains("brint-arrived").then_some(()))
    })?;
    let before = Flows::settled(host.ovs(), "br-int")?;

    let log = OpenflowLog::start(host.ovs())?;
    lab.host_mut("host2")?.kill_agent()?;
    lab.start_agent("host2")?;
    // An agent that puts a flow back has compared the whole bridge before.
    let ovs = lab.host("host2")?.ovs();
    before.find("table=71")?.delete(ovs, "br-int")?;
    before.are_on(ovs, "br-int", PATIENCE)?;
    let changes = log.changes()?;
    ensure!(changes.len() == 2, "{changes:?}");
    Ok(())
}
