//! Packets through the routers of a real switch, held against what routers do.
//!
//! `reference.rs` reads the description of the networks and knows no flow. Whoever changes a table
//! changes nothing there.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[expect(dead_code, reason = "the switch is shared with other tests")]
#[path = "../ovs/mod.rs"]
mod ovs;
#[path = "../frames/random.rs"]
mod random;
#[path = "../ovs/wires.rs"]
mod wires;

mod packet;
mod reference;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, Instant},
};

use ovs::Switch;
use packet::{Packet, announcements};
use pipelines::network::{MacAddr, NetworkId, Port};
use random::Random;
use reference::Reference;
use wires::Wires;
use world::{NEIGHBOURS, OUTSIDE, SENTINELS, WIRE, World, numbers, sentinel_mac};

const BRIDGE: &str = "int";
/// How long the switch may take for one batch.
const DEADLINE: Duration = Duration::from_secs(20);
/// The switch takes 32 frames of each port in a turn.
const TURNS: u8 = 4;
/// No IP packet's.
const SENTINEL_TYPE: [u8; 2] = [0x88, 0xb5];
/// Packets that are sent together.
const BATCH: usize = 40;
/// Batches in one world; after the first, some packets answer those that arrived.
const BATCHES: usize = 6;
/// An address that is behind the next router outside.
const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 99);
const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0x99);

fn number(variable: &str, default: usize) -> usize {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// A packet, and where it is sent: the port of the switch, and the network there.
type Sent = (u32, NetworkId, Packet);

/// `BRINT_PACKETS` asks for more packets, and `BRINT_SEED` for others.
#[test]
fn routers_bring_packets_where_routers_do() {
    let wanted = number("BRINT_PACKETS", 3_000);
    let seed = number("BRINT_SEED", 1);
    let switch = Switch::start();
    let mut wires = Wires::plug(&switch, BRIDGE, &numbers());
    let (mut sent, mut arrived) = (0, 0);
    for seed in seed.. {
        let mut random = Random::new(u64::try_from(seed).unwrap());
        let world = World::random(&mut random);
        let (flows, groups) = world.flows();
        switch.replace(BRIDGE, &groups, &flows);
        for command in [
            "dpctl/flush-conntrack",
            "revalidator/purge",
            "revalidator/wait",
        ] {
            switch.appctl(command, &[]);
        }
        for neighbour in NEIGHBOURS {
            for frame in announcements(neighbour) {
                wires.send(WIRE, &frame);
            }
        }
        exchange(&mut wires, &[]);
        let (all, some) = world_agrees(seed, &world, &mut wires, &mut random);
        sent += all;
        arrived += some;
        if sent >= wanted {
            break;
        }
    }
    // A test in which nothing arrives, or everything, shows little.
    assert!(
        (sent / 4..sent * 9 / 10).contains(&arrived),
        "{arrived} of {sent} arrived"
    );
}

/// How many packets were sent in one world, and how many arrived.
fn world_agrees(
    seed: usize,
    world: &World,
    wires: &mut Wires,
    random: &mut Random,
) -> (usize, usize) {
    let mut reference = Reference::default();
    let mut answered: Vec<Sent> = Vec::new();
    let (mut sent, mut arrived) = (0, 0);
    for batch in 0..BATCHES {
        let answers = std::mem::take(&mut answered).into_iter();
        let mut packets: Vec<Sent> = answers.filter(|_| random.percent(60)).collect();
        packets.truncate(BATCH / 2);
        while packets.len() < BATCH {
            packets.push(send(world, random));
        }
        let first = u32::try_from(batch * BATCH).unwrap();
        for (number, (.., packet)) in (first..).zip(&mut packets) {
            packet.number = number;
        }
        let expected: Vec<_> = packets
            .iter()
            .map(|(_, network, packet)| reference.arrival(world, *network, packet))
            .collect();
        let heard = exchange(wires, &packets);
        for ((sent, expected), number) in packets.iter().zip(expected).zip(first..) {
            let heard = heard.get(&number).cloned().unwrap_or_default();
            let wanted: BTreeSet<_> = expected.clone().into_iter().collect();
            assert!(
                heard == wanted,
                "BRINT_SEED={seed}: {sent:?}\nis to be {wanted:?}\n        is {heard:?}\n{}",
                world.told()
            );
            arrived += usize::from(expected.is_some());
            answered.extend(expected.and_then(|(port, packet)| answer(world, port, &packet)));
        }
        sent += packets.len();
    }
    (sent, arrived)
}

/// What who got a packet answers to it.
fn answer(world: &World, port: u32, packet: &Packet) -> Option<Sent> {
    let mut machines = world.machines.iter();
    let network = match machines.find(|(_, number)| **number == port) {
        Some((id, _)) => world.get(*id).network,
        None => OUTSIDE,
    };
    let packet = Packet {
        source_mac: packet.destination_mac,
        destination_mac: packet.source_mac,
        source: packet.destination,
        destination: packet.source,
        ttl: 64,
        // The provider bridge takes the tag off, and brings none.
        tag: None,
        number: 0,
    };
    Some((port, network, packet))
}

/// A packet from somebody to somebody, by a router.
fn send(world: &World, random: &mut Random) -> Sent {
    let is_ipv4 = random.percent(70);
    let is_from_outside = random.percent(35);
    let called = called(world, random, is_ipv4, is_from_outside);
    let (number, network, source_mac, source) = sender(world, random, is_ipv4, is_from_outside);
    let entrances = world
        .objects
        .ports
        .iter()
        .filter(|port| port.network == network && !world.machines.contains_key(&port.id));
    let entrances: Vec<&Port> = entrances.collect();
    // Outside everybody knows who has an address; inside a machine chooses its router.
    let mut owners = entrances.iter().filter(|_| is_from_outside);
    let owner = owners.find(|port| port.fixed_ips.contains(&called));
    let destination_mac = match (owner, entrances.as_slice()) {
        (Some(port), _) => port.mac_address,
        (None, []) => MacAddr([0x02, 0, 0, 0, 0, 9]),
        (None, entrances) => random.of(entrances).mac_address,
    };
    let floating_ips = world.objects.floating_ips.iter();
    let forwarded = floating_ips.flat_map(|floating_ip| &floating_ip.port_forwardings);
    let forwarded: Vec<u16> = forwarded.map(|to| to.external_port).collect();
    let port = match forwarded.as_slice() {
        known if !known.is_empty() && random.percent(60) => *random.of(known),
        _ => 7000,
    };
    // A port of its own for each, so that no translator has to choose another.
    let own = 10_000 + u16::try_from(random.below(50_000)).unwrap();
    let ttl = match random.percent(10) {
        true => 1 + u8::try_from(random.below(2)).unwrap(),
        false => 64,
    };
    let packet = Packet {
        number: 0,
        tag: None,
        source_mac,
        destination_mac,
        source: (source, own),
        destination: (called, port),
        ttl,
    };
    (number, network, packet)
}

/// Whom a packet is for.
fn called(world: &World, random: &mut Random, is_ipv4: bool, is_from_outside: bool) -> IpAddr {
    let routed = world.objects.ports.iter();
    let routed = routed.filter(|port| !port.fixed_ips.is_empty());
    let (outside, inside): (Vec<_>, Vec<_>) = routed.partition(|port| port.network == OUTSIDE);
    let addresses = |ports: &[&Port]| -> Vec<IpAddr> {
        let addresses = ports.iter().map(|port| of_version(port, is_ipv4));
        addresses.collect()
    };
    let outside = addresses(&outside);
    if is_from_outside && !outside.is_empty() && random.percent(75) {
        return *random.of(&outside);
    }
    // Who is known, who is far, and who is nobody, here and outside.
    let [(_, next, _), (_, v4, v6)] = NEIGHBOURS;
    let others = match is_ipv4 {
        true => {
            let nobody = [[10, 0, 1, 99], [203, 0, 113, 99]].map(Ipv4Addr::from);
            [v4, FAR, next, nobody[0], nobody[1]]
                .map(IpAddr::V4)
                .to_vec()
        }
        false => {
            let nobody = [[0x2001, 0xdb8, 0, 1], [0x2001, 0xdb8, 0xf, 0]];
            let nobody = nobody.map(|[a, b, c, d]| Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0x9999));
            [v6, FAR_V6, nobody[0], nobody[1]].map(IpAddr::V6).to_vec()
        }
    };
    *random.of(&[outside, addresses(&inside), others].concat())
}

/// Who sends a packet: the port of the switch, the network there, and the addresses.
fn sender(
    world: &World,
    random: &mut Random,
    is_ipv4: bool,
    is_from_outside: bool,
) -> (u32, NetworkId, MacAddr, IpAddr) {
    if is_from_outside {
        let (mac, v4, v6) = NEIGHBOURS[0];
        let (v4, v6) = match random.percent(50) {
            true => (FAR, FAR_V6),
            false => (v4, v6),
        };
        let source = match is_ipv4 {
            true => IpAddr::V4(v4),
            false => IpAddr::V6(v6),
        };
        return (WIRE, OUTSIDE, mac, source);
    }
    let machines = world.machines.iter();
    let machines = machines.filter(|(_, number)| !SENTINELS.contains(number));
    let (id, number) = *random.of(&machines.collect::<Vec<_>>());
    let port = world.get(*id);
    let source = of_version(port, is_ipv4);
    (*number, port.network, port.mac_address, source)
}

fn of_version(port: &Port, is_ipv4: bool) -> IpAddr {
    let mut ips = port.fixed_ips.iter().copied();
    ips.find(|ip| ip.is_ipv4() == is_ipv4).unwrap()
}

/// Sends packets, and tells what came out of which port, by the packets' numbers.
fn exchange(wires: &mut Wires, packets: &[Sent]) -> BTreeMap<u32, BTreeSet<(u32, Packet)>> {
    for (port, _, packet) in packets {
        wires.send(*port, &packet.frame());
    }
    let mut heard: BTreeMap<u32, BTreeSet<_>> = BTreeMap::new();
    let [from, to] = SENTINELS;
    for turn in 0..TURNS {
        let macs = [sentinel_mac(to).0, sentinel_mac(from).0].concat();
        let frame = [&macs[..], &SENTINEL_TYPE, &[turn; 46]].concat();
        wires.send(from, &frame);
        let deadline = Instant::now() + DEADLINE;
        let mut done = false;
        while !done {
            for (port, frame) in wires.heard() {
                done |= port == to && frame.get(14) == Some(&turn);
                if let Some(packet) = Packet::read(&frame) {
                    heard
                        .entry(packet.number)
                        .or_default()
                        .insert((port, packet));
                }
            }
            assert!(Instant::now() < deadline, "the switch does not answer");
            std::thread::yield_now();
        }
    }
    heard
}
