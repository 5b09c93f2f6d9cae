//! Random frames in random networks come out where a simple model of a network says.
//!
//! All hosts are bridges of one switch, each with its own program. A frame is traced through the
//! bridges of one host; what goes into tunnels and onto wires is traced again on the hosts that get
//! it. The seed is fixed; `BRINT_FRAMES` sets how many frames each network gets, and `BRINT_SEED`
//! other networks.

mod frame;
mod random;
mod reference;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use frame::{Frame, Payload};
use pipelines::network::{MacAddr, Port};
use random::Random;
use reference::{Arrival, Origin, arrivals};
use world::{HOSTS, Place, World, physical_networks, places, provider_bridge};

use crate::{NEW, ovs::Switch};

/// Networks in an ordinary run.
const WORLDS: u64 = 2;
/// Frames in each of them.
const FRAMES: u64 = 200;

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn random_frames_come_out_where_the_reference_says() {
    let mut failures = Vec::new();
    for world in 0..WORLDS {
        let seed = number("BRINT_SEED", 1) + world;
        let mut random = Random::new(seed);
        let world = World::random(&mut random);
        let switch = Switch::start();
        world.build(&switch);
        let walk = Walk {
            places: places(&switch),
            switch: &switch,
            world: &world,
        };
        let mut heard = 0;
        let frames = number("BRINT_FRAMES", FRAMES);
        for count in 0..frames {
            let (origin, frame) = send(&world, &mut random);
            let expected = arrivals(&world, &origin, &frame);
            let found = walk.arrivals(&origin, &frame);
            heard += u64::from(!expected.is_empty());
            if found != expected {
                let missing: Vec<_> = expected.difference(&found).collect();
                let surplus: Vec<_> = found.difference(&expected).collect();
                failures.push(format!(
                    "seed {seed}, frame {count}: {origin:?} sends {frame}\n  \
                     missing {missing:?}\n  surplus {surplus:?}"
                ));
            }
        }
        // Frames that nobody hears show little.
        assert!(heard > frames / 5, "only {heard} frames came out anywhere");
    }
    assert!(
        failures.is_empty(),
        "{} frames went wrong\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Follows a frame through the switch.
struct Walk<'a> {
    switch: &'a Switch,
    world: &'a World,
    places: BTreeMap<u32, Place>,
}

impl Walk<'_> {
    /// Where a frame comes out, on whatever host.
    fn arrivals(&self, origin: &Origin, frame: &Frame) -> BTreeSet<Arrival> {
        let (mut found, in_tunnels) = self.on_one_host(origin, frame);
        for arrival in found.clone() {
            match arrival {
                Arrival::Tunnel {
                    from,
                    to,
                    encap_type,
                    key,
                } => {
                    let origin = Origin::Tunnel {
                        from,
                        to,
                        encap_type,
                        key,
                    };
                    // What comes out is untagged, or it would be nowhere.
                    let frame = Frame {
                        tag: None,
                        ..in_tunnels.clone()
                    };
                    found.extend(self.on_one_host(&origin, &frame).0);
                }
                Arrival::Wire {
                    host,
                    physical_network,
                    tag,
                } => {
                    let frame = Frame {
                        tag,
                        ..frame.clone()
                    };
                    let others = self.world.hosts_on(&physical_network).into_iter();
                    for host in others.filter(|other| *other != host) {
                        let origin = Origin::Wire {
                            host,
                            physical_network: physical_network.clone(),
                        };
                        found.extend(self.on_one_host(&origin, &frame).0);
                    }
                }
                Arrival::Port { .. } | Arrival::Stray(_) => {}
            }
        }
        found
    }

    /// Where a frame comes out of the bridges of the host that it enters, and as what in tunnels.
    fn on_one_host(&self, origin: &Origin, frame: &Frame) -> (BTreeSet<Arrival>, Frame) {
        let (bridge, port) = match origin {
            Origin::Port { id, host } => {
                let number = self.world.number(*id, *host).unwrap();
                (format!("int{host}"), format!("in_port={number}"))
            }
            Origin::Stranger { host } => {
                let number = world::stranger();
                (format!("int{host}"), format!("in_port={number}"))
            }
            Origin::Wire {
                host,
                physical_network,
            } => {
                let bridge = provider_bridge(*host, physical_network);
                (bridge, format!("in_port={}", world::nic()))
            }
            Origin::Tunnel {
                from,
                to,
                encap_type,
                key,
            } => {
                let number = self.world.tunnel(*to, *from, *encap_type);
                (format!("tun{to}"), format!("in_port={number},tun_id={key}"))
            }
        };
        // A machine reaches its sub-ports by tags.
        let tag = match origin {
            Origin::Port { id, .. } => self.world.parent(*id).map(|(_, vlan)| vlan).or(frame.tag),
            _ => frame.tag,
        };
        let sent = Frame {
            tag,
            ..frame.clone()
        };
        let trace = self
            .switch
            .trace_text(&bridge, &format!("{port},{sent}"), NEW);
        let key = key(&trace);
        let outputs = outputs(&trace, sent.tag);
        let place = |(port, tag): (u32, Option<u16>)| self.arrival(port, tag, key);
        let arrivals = outputs.into_iter().filter_map(place).collect();
        let destination = destination(&trace).unwrap_or(frame.destination);
        let in_tunnels = Frame {
            destination,
            ..frame.clone()
        };
        (arrivals, in_tunnels)
    }

    fn arrival(&self, port: u32, tag: Option<u16>, key: Option<u32>) -> Option<Arrival> {
        let place = &self.places[&port];
        let stray = || Arrival::Stray(format!("{place:?} with tag {tag:?}"));
        Some(match place {
            Place::Own => return None,
            Place::Nic {
                host,
                physical_network,
            } => Arrival::Wire {
                host: *host,
                physical_network: physical_network.clone(),
                tag,
            },
            Place::Integration { host, number } => {
                let port = self.world.at(*host, *number, tag);
                port.map_or_else(stray, |id| Arrival::Port { id, host: *host })
            }
            Place::Tunnel { host, number } => match (self.world.behind(*host, *number), key, tag) {
                (Some((to, encap_type)), Some(key), None) => Arrival::Tunnel {
                    from: *host,
                    to,
                    encap_type,
                    key,
                },
                _ => stray(),
            },
        })
    }
}

/// The key that a frame gets on its way into tunnels.
/// The MAC address that a trace writes into the packet as its destination.
fn destination(trace: &str) -> Option<MacAddr> {
    let actions = trace.lines().map(str::trim);
    let mut written = actions.filter_map(|action| {
        let action = action.strip_prefix("set_field:")?;
        action.strip_suffix("->eth_dst")?.parse().ok()
    });
    written.next_back()
}

fn key(trace: &str) -> Option<u32> {
    let keys: BTreeSet<_> = trace
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            let set = line.strip_suffix("->tun_id")?.strip_prefix("set_field:")?;
            u32::from_str_radix(set.strip_prefix("0x").unwrap_or(set), 16).ok()
        })
        .collect();
    assert!(keys.len() < 2, "several keys: {trace}");
    keys.first().copied()
}

/// What leaves the datapath: each port, and the tag of the frame there.
///
/// The actions are a list in which tags come and go; `clone` works on a copy. A frame that is looked
/// up anew, after the connection tracker, goes on as it was.
fn outputs(trace: &str, tag: Option<u16>) -> Vec<(u32, Option<u16>)> {
    let mut found = Vec::new();
    let mut frozen = BTreeMap::from([(0, tag)]);
    let mut current = 0;
    for line in trace.lines() {
        if let Some(rest) = line.strip_prefix("recirc(") {
            current = recirculation(rest);
        }
        if let Some(actions) = line.strip_prefix("Datapath actions: ") {
            let tag = frozen[&current];
            run(actions, tag, &mut frozen, &mut found);
        }
    }
    found
}

fn recirculation(text: &str) -> u32 {
    let digits: String = text
        .trim_start_matches("0x")
        .chars()
        .take_while(char::is_ascii_hexdigit)
        .collect();
    u32::from_str_radix(&digits, 16).unwrap()
}

fn run(
    actions: &str,
    mut tag: Option<u16>,
    frozen: &mut BTreeMap<u32, Option<u16>>,
    found: &mut Vec<(u32, Option<u16>)>,
) {
    for action in split(actions) {
        if let Ok(port) = action.parse() {
            found.push((port, tag));
        } else if let Some(rest) = action.strip_prefix("push_vlan(vid=") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            tag = Some(digits.parse().unwrap());
        } else if action == "pop_vlan" {
            tag = None;
        } else if let Some(rest) = action.strip_prefix("recirc(") {
            frozen.insert(recirculation(rest), tag);
        } else if let Some(rest) = action.strip_prefix("clone(") {
            run(rest.strip_suffix(')').unwrap(), tag, frozen, found);
        }
    }
}

/// The parts of a list, commas in parentheses aside.
fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (place, letter) in list.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(list.get(start..place));
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.extend(list.get(start..));
    parts
}

/// A frame, and where it comes from.
fn send(world: &World, random: &mut Random) -> (Origin, Frame) {
    let origin = origin(world, random);
    let ports: Vec<_> = match origin {
        Origin::Port { id, .. } => {
            // Mostly within one network.
            let network = world.port(id).network;
            let all = world.objects.ports.iter();
            let strangers = random.percent(10);
            all.filter(|port| strangers || port.network == network)
                .collect()
        }
        _ => world.objects.ports.iter().collect(),
    };
    let peer = *random.of(&ports);
    let sender = match origin {
        Origin::Port { id, .. } if random.percent(95) => world.port(id),
        _ => random.of(&world.objects.ports),
    };
    let source = match random.below(25) {
        0 => MacAddr([2, 0, 0, 0, 0, 0x77]),
        1 => world::SHARED,
        _ => sender.mac_address,
    };
    let destination = match random.below(11) {
        10 => MacAddr([
            0x01,
            0x80,
            0xc2,
            0,
            0,
            *random.of(&[0, 2, 0x0e, 0x0f, 0x10]),
        ]),
        0..5 => peer.mac_address,
        5 => world::SHARED,
        6 => MacAddr([0xfa, 0x16, 0x3e, 0, 0xff, 0xff]),
        7 | 8 => MacAddr::BROADCAST,
        _ => MacAddr([0x33, 0x33, 0, 0, 0, 1]),
    };
    let is_sub_port = |origin: &Origin| match origin {
        Origin::Port { id, .. } => world.parent(*id).is_some(),
        _ => false,
    };
    let tag = match origin {
        _ if random.percent(5) && !is_sub_port(&origin) => Some(0),
        Origin::Tunnel { .. } if random.percent(80) => None,
        Origin::Tunnel { .. } => Some(*random.of(&[1, 2, 101, 4095])),
        Origin::Port { id, .. } if world.parent(id).is_some() => None,
        Origin::Wire { .. } if random.percent(50) => Some(101),
        _ if random.percent(3) => Some(*random.of(&[1, 100, 101, 103, 4095])),
        _ => None,
    };
    let mut payload = payload(sender, peer, random);
    let to_group = random.percent(10);
    for group in world::groups().into_iter().filter(|_| to_group) {
        payload.send_to(group);
    }
    let destination = match addressed_to(&payload) {
        Some(group) if random.percent(80) => group,
        _ => destination,
    };
    let inner = match random.below(10) {
        0 => peer.mac_address,
        1 => MacAddr::ZERO,
        _ => source,
    };
    let frame = Frame {
        source,
        destination,
        tag,
        inner,
        payload,
    };
    (origin, frame)
}

/// The MAC address that a packet for many is usually sent to.
fn addressed_to(payload: &Payload) -> Option<MacAddr> {
    match payload {
        Payload::ArpRequest { .. } => Some(MacAddr::BROADCAST),
        Payload::Solicitation { target, .. } => {
            let [.., a, b, c] = target.octets();
            Some(MacAddr([0x33, 0x33, 0xff, a, b, c]))
        }
        Payload::Tcp4 { destination, .. } if destination.is_multicast() => {
            let [_, b, c, d] = destination.octets();
            Some(MacAddr([0x01, 0x00, 0x5e, b & 0x7f, c, d]))
        }
        Payload::Tcp6 { destination, .. } if destination.is_multicast() => {
            let [.., a, b, c, d] = destination.octets();
            Some(MacAddr([0x33, 0x33, a, b, c, d]))
        }
        _ => None,
    }
}

fn origin(world: &World, random: &mut Random) -> Origin {
    let host = random.below(HOSTS);
    match random.below(20) {
        0 => Origin::Stranger { host },
        1 | 2 => {
            let physical_network = random.of(&physical_networks()).clone();
            let host = *random.of(&world.hosts_on(&physical_network));
            Origin::Wire {
                host,
                physical_network,
            }
        }
        3 => {
            let from = (host + 1) % HOSTS;
            let tunnels = &world.sites.get(host).unwrap().tunnels;
            let types: Vec<_> = tunnels
                .values()
                .filter_map(|port| world.behind(host, port.0))
                .filter(|(to, _)| *to == from)
                .collect();
            Origin::Tunnel {
                from,
                to: host,
                encap_type: random.of(&types).1,
                key: *random.of(&[1001, 1002, 1003]),
            }
        }
        _ => {
            let ids = world.objects.ports.iter().map(|port| port.id);
            let here: Vec<_> = ids.filter(|id| world.is_on(*id, host)).collect();
            let id = *random.of(&here);
            Origin::Port { id, host }
        }
    }
}

fn payload(sender: &Port, peer: &Port, random: &mut Random) -> Payload {
    let v4 = |port: &Port, random: &mut Random| -> Ipv4Addr {
        let own = port.fixed_ips.iter().find_map(|ip| match ip {
            IpAddr::V4(ip) => Some(*ip),
            IpAddr::V6(_) => None,
        });
        let others = ["10.0.0.250", "10.0.0.70", "10.0.0.99", "198.51.100.7"];
        match own.filter(|_| random.percent(95)) {
            Some(own) => own,
            None => random.of(&others).parse().unwrap(),
        }
    };
    let v6 = |port: &Port, random: &mut Random| -> Ipv6Addr {
        let own = port.fixed_ips.iter().find_map(|ip| match ip {
            IpAddr::V6(ip) => Some(*ip),
            IpAddr::V4(_) => None,
        });
        match own.filter(|_| random.percent(80)) {
            Some(own) => own,
            None if random.percent(80) => port.mac_address.link_local(),
            None => "2001:db8::99".parse().unwrap(),
        }
    };
    match random.below(28) {
        24 => Payload::Report {
            source: *random.of(&[Ipv6Addr::UNSPECIFIED, sender.mac_address.link_local()]),
        },
        25 => Payload::Igmp {
            source: v4(sender, random),
            destination: *random.of(&[[224, 0, 0, 1].into(), [239, 1, 2, 3].into()]),
        },
        26 | 27 => Payload::Solicitation {
            source: Ipv6Addr::UNSPECIFIED,
            target: v6(if random.percent(80) { sender } else { peer }, random),
            option: random.percent(10),
        },
        0 | 1 | 22 => Payload::ArpRequest {
            sender: v4(sender, random),
            target: v4(peer, random),
        },
        2 => Payload::ArpReply {
            sender: v4(sender, random),
            target: v4(peer, random),
        },
        3 => Payload::Rarp,
        4 | 5 | 23 => Payload::Solicitation {
            source: v6(sender, random),
            target: v6(peer, random),
            option: random.percent(80),
        },
        6 => Payload::Advertisement {
            source: v6(sender, random),
            target: v6(sender, random),
        },
        7 => Payload::RouterAdvertisement {
            source: v6(sender, random),
        },
        8 => Payload::DhcpRequest {
            source: match random.percent(50) {
                true => Ipv4Addr::UNSPECIFIED,
                false => v4(sender, random),
            },
        },
        9 => Payload::DhcpAnswer {
            source: v4(sender, random),
        },
        10 => Payload::Other,
        11..15 => Payload::Tcp6 {
            source: v6(sender, random),
            destination: v6(peer, random),
            port: *random.of(&[22, 80]),
        },
        _ => Payload::Tcp4 {
            source: v4(sender, random),
            destination: v4(peer, random),
            port: *random.of(&[22, 80]),
        },
    }
}
