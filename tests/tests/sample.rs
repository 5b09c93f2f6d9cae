//! A sample of random frames: where they come out of the datapath is where `ofproto/trace` says.
//!
//! The property tests of the pipelines ask `ofproto/trace` where a frame goes. This one sends frames
//! through the datapath itself, the kernel's where there is one, and listens at every VM. The seed
//! is fixed; `BRINT_SAMPLE` sets how many frames are sent (200), `BRINT_SEED` chooses others.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, PacketBuilder};
use labs::probe::{Ear, Frame, Mouth};
use labs::{Lab, MacAddr, Machine, PATIENCE};
use tests::{Flows, brint, reaches};

const NETWORK: &str = include_str!("../../labs/topologies/one-host/network.yaml");
/// The card of a VM.
const CARD: &str = "eth0";
/// A surplus frame arrives within that time.
const SILENCE: Duration = Duration::from_secs(1);
/// The MAC addresses of the router's ports in the second and in the first network, which the fifth
/// byte numbers, and addresses that the router or nobody has.
const ROUTER_MACS: [MacAddr; 2] = [
    MacAddr([0xfa, 0x16, 0x3e, 0x40, 0x02, 0x01]),
    MacAddr([0xfa, 0x16, 0x3e, 0x40, 0x01, 0x01]),
];
const OTHER_ADDRESSES: [&str; 4] = ["10.0.1.1", "10.0.2.99", "2001:db8:1::1", "2001:db8:2::99"];

/// A small generator that gives the same numbers in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(mixed).unwrap_or_default() % limit.max(1)
    }

    /// One of several.
    ///
    /// # Errors
    ///
    /// Nothing to choose from.
    fn one<'a, T>(&mut self, of: &'a [T]) -> anyhow::Result<&'a T> {
        of.get(self.below(of.len()))
            .context("nothing to choose from")
    }

    /// Whether one chance in so many comes up.
    fn rarely(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

fn number(variable: &str, default: u64) -> anyhow::Result<u64> {
    match env::var(variable) {
        Ok(text) => (text.parse()).with_context(|| format!("{variable}: expected a number")),
        Err(_) => Ok(default),
    }
}

#[test]
fn random_frames_come_out_where_the_switch_says() -> anyhow::Result<()> {
    let mut lab = Lab::build("t-sample", NETWORK, &brint()?)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    reaches(lab.machine("web1")?, lab.machine("web2")?)?;
    Flows::settled(lab.host("host1")?.ovs(), "br-int")?;

    let mut random = Random(number("BRINT_SEED", 1)?.max(1));
    let machines: Vec<&Machine> = lab.machines().iter().collect();
    let ports = datapath_ports(&lab)?;
    let mut ears = BTreeMap::new();
    for machine in &machines {
        ears.insert(machine.name(), Ear::open(machine.namespace(), CARD)?);
    }
    let mut sent = Vec::new();
    let mut delivered = 0;
    for count in 0..number("BRINT_SAMPLE", 200)? {
        let from = *random.one(&machines)?;
        let frame = frame(&mut random, from, &machines, count)?;
        let expected = traced(&lab, from, &frame, &ports)?;
        Mouth::open(from.namespace(), CARD)?.send(&frame)?;
        for name in &expected {
            let ear = ears.get_mut(name.as_str()).context("a port is no VM's")?;
            let heard = ear.hears(&frame, PATIENCE)?;
            ensure!(
                heard,
                "frame {count} of {} does not reach {name}: {}",
                from.name(),
                hex(&frame)
            );
        }
        delivered += expected.len();
        sent.push((from.name().to_owned(), frame, expected));
    }
    for (name, mut ear) in ears {
        // What was never sent is waited for, and all that has arrived is taken meanwhile.
        let never = Frame::of(Vec::new(), b"never sent by anybody");
        ensure!(!ear.hears(&never, SILENCE)?);
        for (from, frame, expected) in &sent {
            // What the sender hears are answers that quote its frame.
            let surplus = from != name && !expected.contains(name) && ear.has_heard(frame);
            ensure!(!surplus, "{name} hears what {from} sent: {}", hex(frame));
        }
    }
    // Frames that nobody hears show little.
    ensure!(
        delivered > sent.len() / 12,
        "only {delivered} frames arrived"
    );
    Ok(())
}

fn hex(frame: &Frame) -> String {
    frame
        .bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The VM behind each port of the datapath, by the port's number.
fn datapath_ports(lab: &Lab) -> anyhow::Result<BTreeMap<u32, String>> {
    let shown = lab.host("host1")?.ovs().appctl("dpctl/show")?;
    let mut ports = BTreeMap::new();
    for line in shown.lines() {
        let Some((number, name)) = line
            .trim()
            .strip_prefix("port ")
            .and_then(|rest| rest.split_once(": "))
        else {
            continue;
        };
        let interface = name.split(' ').next().unwrap_or_default();
        let port = lab.description().ports.iter();
        let port = port.filter(|port| port.host.is_some());
        for port in port.filter(|port| port.interface() == interface) {
            ports.insert(number.parse()?, port.name.clone());
        }
    }
    Ok(ports)
}

/// The VMs that a trace sends a frame to.
fn traced(
    lab: &Lab,
    from: &Machine,
    frame: &Frame,
    ports: &BTreeMap<u32, String>,
) -> anyhow::Result<BTreeSet<String>> {
    let ovs = lab.host("host1")?.ovs();
    let mut ports_of_lab = lab.description().ports.iter();
    let port = ports_of_lab.find(|port| port.name == from.name());
    let interface = port.context("a VM without port")?.interface();
    let trace = ovs.appctl(&format!(
        "ofproto/trace br-int in_port={interface} {}",
        hex(frame)
    ))?;
    let mut names = BTreeSet::new();
    for actions in trace
        .lines()
        .filter_map(|line| line.strip_prefix("Datapath actions: "))
    {
        // Between parentheses are arguments: what stands alone is an output.
        let mut depth = 0_i32;
        let mut word = String::new();
        for character in actions.chars().chain([',']) {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                ',' if depth == 0 => {
                    let output = word.trim().parse().ok();
                    names.extend(output.and_then(|number: u32| ports.get(&number).cloned()));
                    word.clear();
                    continue;
                }
                _ => {}
            }
            word.push(character);
        }
    }
    names.remove(from.name());
    Ok(names)
}

/// A frame that a VM might send, honest or not.
fn frame(
    random: &mut Random,
    from: &Machine,
    machines: &[&Machine],
    count: u64,
) -> anyhow::Result<Frame> {
    let mark = format!("sample {count:08}");
    let to = *random.one(machines)?;
    let spoofed = *random.one(machines)?;
    let source_mac = match random.rarely(10) {
        true => spoofed.mac(),
        false => from.mac(),
    };
    let is_ipv6 = random.rarely(3);
    let address = |machine: &Machine| {
        let mut addresses = machine.addresses();
        addresses.find(|address| address.is_ipv6() == is_ipv6)
    };
    let source = match random.rarely(10) {
        true => address(spoofed),
        false => address(from),
    };
    let other: IpAddr = random.one(&OTHER_ADDRESSES)?.parse()?;
    let destination = match random.rarely(6) {
        true => Some(other).filter(|other| other.is_ipv6() == is_ipv6),
        false => address(to),
    };
    let (Some(source), Some(destination)) = (source, destination) else {
        return Frame::udp(
            (source_mac, Ipv4Addr::new(10, 0, 1, 77).into()),
            (MacAddr([0xff; 6]), Ipv4Addr::BROADCAST.into()),
            &mark,
        );
    };
    let destination_mac = match random.below(10) {
        0 => MacAddr([0xff; 6]),
        1 => *random.one(&ROUTER_MACS)?,
        2 => to.mac(),
        _ => next_hop(from, to),
    };
    let ends = ((source_mac, source), (destination_mac, destination));
    let bytes = match random.below(8) {
        0 => arp(random, ends, &mark)?,
        1 => neighbour(random, ends, &mark)?,
        kind => packet(random, ends, kind, &mark)?,
    };
    Ok(Frame::of(bytes, mark.as_bytes()))
}

/// The MAC address that an honest VM sends to: the other VM's, or the router's in its network.
fn next_hop(from: &Machine, to: &Machine) -> MacAddr {
    let network = |machine: &Machine| {
        let MacAddr([.., network, _]) = machine.mac();
        network
    };
    let [even, odd] = ROUTER_MACS;
    match network(from) {
        own if own == network(to) => to.mac(),
        own if own % 2 == 0 => even,
        _ => odd,
    }
}

/// Both ends of a frame.
type Ends = ((MacAddr, IpAddr), (MacAddr, IpAddr));

/// An ARP message, if the ends are of IPv4; the mark follows it.
fn arp(random: &mut Random, ends: Ends, mark: &str) -> anyhow::Result<Vec<u8>> {
    let ((source_mac, source), (destination_mac, destination)) = ends;
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (source, destination) else {
        return neighbour(random, ends, mark);
    };
    let is_request = !random.rarely(3);
    let (operation, to) = match is_request {
        true => (ArpOperation::REQUEST, [0xff; 6]),
        false => (ArpOperation::REPLY, destination_mac.0),
    };
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        operation,
        &source_mac.0,
        &source.octets(),
        &[0; 6],
        &destination.octets(),
    )?;
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2(source_mac.0, to)
        .arp(packet)
        .write(&mut bytes)?;
    bytes.extend(mark.as_bytes());
    Ok(bytes)
}

/// A neighbour solicitation or advertisement, if the ends are of IPv6; the mark follows it.
fn neighbour(random: &mut Random, ends: Ends, mark: &str) -> anyhow::Result<Vec<u8>> {
    let ((source_mac, source), (destination_mac, destination)) = ends;
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (source, destination) else {
        return packet(random, ends, 3, mark);
    };
    let [.., a, b, c] = destination.octets();
    let group = Ipv6Addr::from_bits(0xff02_u128 << 112 | 0x1_ff00_0000)
        | Ipv6Addr::from_bits(u128::from(u32::from_be_bytes([0, a, b, c])));
    let is_solicitation = !random.rarely(3);
    let (kind, to_mac, to, about, option) = match is_solicitation {
        true => (135, [0x33, 0x33, 0xff, a, b, c], group, destination, 1),
        false => (136, destination_mac.0, destination, source, 2),
    };
    let body = [&about.octets()[..], &[option, 1], &source_mac.0].concat();
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2(source_mac.0, to_mac)
        .ipv6(source.octets(), to.octets(), 255)
        .icmpv6_raw(kind, 0, [0; 4])
        .write(&mut bytes, &body)?;
    bytes.extend(mark.as_bytes());
    Ok(bytes)
}

/// A packet that carries the mark.
fn packet(random: &mut Random, ends: Ends, kind: usize, mark: &str) -> anyhow::Result<Vec<u8>> {
    let ((source_mac, source), (destination_mac, destination)) = ends;
    let hops = if random.rarely(12) { 1 } else { 64 };
    let builder = PacketBuilder::ethernet2(source_mac.0, destination_mac.0);
    let builder = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            builder.ipv4(source.octets(), destination.octets(), hops)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            builder.ipv6(source.octets(), destination.octets(), hops)
        }
        _ => anyhow::bail!("{source} and {destination} are of different families"),
    };
    let port = u16::try_from(20_000 + random.below(20_000))?;
    let mut bytes = Vec::new();
    let mark = mark.as_bytes();
    match kind {
        2 => builder
            .tcp(port, 5432, 1, 1024)
            .syn()
            .write(&mut bytes, mark)?,
        3 | 4 => builder.udp(port, 5432).write(&mut bytes, mark)?,
        // The answers of DHCP servers.
        5 => builder.udp(67, 68).write(&mut bytes, mark)?,
        _ => match source {
            IpAddr::V4(_) => builder
                .icmpv4_echo_request(port, 1)
                .write(&mut bytes, mark)?,
            IpAddr::V6(_) => builder
                .icmpv6_echo_request(port, 1)
                .write(&mut bytes, mark)?,
        },
    }
    Ok(bytes)
}
