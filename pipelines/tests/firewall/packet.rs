//! Exchanges between two ports, and their packets as bytes.

use std::net::IpAddr;

use super::{
    random::Random,
    world::{LOCAL, World},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    Icmp,
    /// Trackers tell its connections by addresses alone, as those of every other protocol.
    Sctp,
    /// Has no ports.
    Gre,
}

const PROTOCOLS: [Protocol; 8] = [
    Protocol::Tcp,
    Protocol::Udp,
    Protocol::Icmp,
    Protocol::Tcp,
    Protocol::Udp,
    Protocol::Icmp,
    Protocol::Sctp,
    Protocol::Gre,
];

/// What two ports have to say to each other.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) number: usize,
    /// Two ports, and the addresses that they use.
    ends: [(usize, IpAddr); 2],
    pub(super) protocol: Protocol,
    /// The port that the first asks.
    service: u16,
}

/// One packet's place in an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The first asks for a connection.
    Open,
    /// The second agrees.
    Agree,
    /// The first speaks.
    Forward,
    /// The second speaks.
    Reply,
    /// The second says that it cannot be reached.
    Error,
}

impl Step {
    pub(super) fn random(round: usize, random: &mut Random) -> Self {
        match round {
            0 => Self::Open,
            1 => Self::Agree,
            _ => *random.of(&[Self::Forward, Self::Forward, Self::Reply, Self::Error]),
        }
    }

    /// What opens a connection of TCP carries nothing, and errors are short.
    pub(super) fn may_be_fragmented(self) -> bool {
        matches!(self, Self::Forward | Self::Reply)
    }
}

impl Exchange {
    pub(super) fn random(number: usize, world: &World, random: &mut Random) -> Self {
        let v6 = random.percent(30);
        let first = random.below(world.ports.len());
        // One of them is here, or the packet would not come this way.
        let others = if first < LOCAL {
            world.ports.len()
        } else {
            LOCAL
        };
        let second = match random.below(others - 1) {
            place if place < first => place,
            place => place + 1,
        };
        let mut end = |place: usize| {
            let addresses = world.ports.get(place).unwrap().addresses(v6);
            (place, *random.of(&addresses))
        };
        let mut ends = [end(first), end(second)];
        if random.percent(5) {
            let false_one = if v6 { "2001:db8::dead" } else { "10.0.0.201" };
            ends[0].1 = false_one.parse().unwrap();
        }
        // Between equal addresses nobody can say which way a packet without ports goes.
        let protocols = match ends {
            [(_, one), (_, other)] if one == other => &PROTOCOLS[..3],
            _ => &PROTOCOLS,
        };
        Self {
            number,
            ends,
            protocol: *random.of(protocols),
            service: *random.of(&[21, 22, 69, 80, 443, 1003]),
        }
    }

    /// What trackers know its connection by, and which address that calls the first.
    pub(super) fn connection(&self) -> (u8, usize, IpAddr, IpAddr) {
        let [first, second] = self.ends.map(|(_, address)| address);
        match self.protocol {
            Protocol::Tcp | Protocol::Udp | Protocol::Icmp => (0, self.number, first, second),
            Protocol::Sctp => (132, 0, first.min(second), first.max(second)),
            Protocol::Gre => (47, 0, first.min(second), first.max(second)),
        }
    }

    /// The number that only this exchange uses.
    fn own_port(&self) -> u16 {
        20_000 + u16::try_from(self.number).unwrap()
    }
}

/// A packet of an exchange.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) step: Step,
    /// Whether it is sent in two pieces.
    pub(super) fragmented: bool,
    /// Who gets the frame by its MAC instead of the port that the packet is for.
    pub(super) misdirected: Option<usize>,
}

/// The first fragment, without headers. Trackers refuse those that are smaller than they need be.
const FIRST_FRAGMENT: usize = 1240;
/// What the second fragment has.
const REST: usize = 80;

impl Event<'_> {
    /// Who sends it, and to whose MAC.
    pub(super) fn ends(&self) -> (usize, usize) {
        let (sender, meant) = self.meant_ends();
        (sender, self.misdirected.unwrap_or(meant))
    }

    /// Who sends it, and who the packet is for.
    fn meant_ends(&self) -> (usize, usize) {
        let [first, second] = self.exchange.ends.map(|(place, _)| place);
        if self.is_forward() {
            (first, second)
        } else {
            (second, first)
        }
    }

    /// The packet under the MAC of another port, where that comes this way.
    pub(super) fn misdirect(self, random: &mut Random) -> Self {
        let (sender, meant) = self.meant_ends();
        let others = (0..LOCAL).filter(|place| ![sender, meant].contains(place));
        let others: Vec<_> = others.collect();
        Self {
            misdirected: Some(*random.of(&others)),
            ..self
        }
    }

    pub(super) fn source(&self) -> IpAddr {
        let [first, second] = self.exchange.ends;
        if self.is_forward() { first.1 } else { second.1 }
    }

    pub(super) fn destination(&self) -> IpAddr {
        let [first, second] = self.exchange.ends;
        if self.is_forward() { second.1 } else { first.1 }
    }

    /// Whether the first side sends it.
    pub(super) fn is_forward(&self) -> bool {
        matches!(self.step, Step::Open | Step::Forward)
    }

    /// Whether a connection may begin with it, as trackers see it.
    pub(super) fn can_open(&self) -> bool {
        match (self.exchange.protocol, self.step) {
            (_, Step::Error) | (Protocol::Tcp, Step::Agree) => false,
            (Protocol::Icmp, _) => self.is_forward(),
            (Protocol::Tcp | Protocol::Udp | Protocol::Sctp | Protocol::Gre, _) => true,
        }
    }

    /// Whether it shows that the other side has spoken, as all of TCP but the first does.
    pub(super) fn is_midstream(&self) -> bool {
        self.exchange.protocol == Protocol::Tcp && self.step != Step::Open
    }

    /// Who opens a connection with it, as [`Exchange::connection`] tells connections apart.
    pub(super) fn opener(&self) -> (IpAddr, bool) {
        let by_addresses = matches!(self.exchange.protocol, Protocol::Sctp | Protocol::Gre);
        (self.source(), by_addresses || self.is_forward())
    }

    /// Whether the second side agrees to a connection of TCP.
    pub(super) fn ends_handshake(&self) -> bool {
        (self.exchange.protocol, self.step) == (Protocol::Tcp, Step::Agree)
    }

    pub(super) fn protocol_number(&self) -> u8 {
        match (self.exchange.protocol, self.step, self.source().is_ipv6()) {
            (Protocol::Icmp, _, false) | (_, Step::Error, false) => 1,
            (Protocol::Icmp, _, true) | (_, Step::Error, true) => 58,
            (Protocol::Tcp, ..) => 6,
            (Protocol::Udp, ..) => 17,
            (Protocol::Sctp, ..) => 132,
            (Protocol::Gre, ..) => 47,
        }
    }

    /// The type and code of an echo, or of an error: host unreachable, prohibited.
    pub(super) fn icmp(&self) -> (u8, u8) {
        match (self.step, self.source().is_ipv6()) {
            (Step::Error, false) => return (3, 1),
            (Step::Error, true) => return (1, 1),
            _ => {}
        }
        match (self.source().is_ipv6(), self.is_forward()) {
            (false, true) => (8, 0),
            (false, false) => (0, 0),
            (true, true) => (128, 0),
            (true, false) => (129, 0),
        }
    }

    fn ports(&self) -> (u16, u16) {
        let (own, service) = (self.exchange.own_port(), self.exchange.service);
        if self.is_forward() {
            (own, service)
        } else {
            (service, own)
        }
    }

    pub(super) fn destination_port(&self) -> u32 {
        self.ports().1.into()
    }

    /// The pieces of the packet, with a number that tells it from all others: the identification
    /// of IPv4, the flow label of IPv6.
    pub(super) fn pieces(&self, number: u16) -> Vec<Vec<u8>> {
        let whole = self.bytes(number);
        match self.fragmented {
            true => fragments(&whole, number).into(),
            false => vec![whole],
        }
    }

    fn bytes(&self, number: u16) -> Vec<u8> {
        let (source, destination) = (self.source(), self.destination());
        if self.step != Step::Error {
            return ip(
                source,
                destination,
                self.protocol_number(),
                number,
                self.body(),
            );
        }
        let about = Event {
            exchange: self.exchange,
            step: Step::Forward,
            fragmented: false,
            misdirected: None,
        };
        let quoted = about.bytes(number);
        let (kind, code) = self.icmp();
        let body = [&[kind, code][..], &[0; 6], &quoted].concat();
        ip(source, destination, self.protocol_number(), number, body)
    }

    fn body(&self) -> Vec<u8> {
        let mut body = self.headers();
        if self.fragmented {
            body.resize(FIRST_FRAGMENT + REST, 0);
        }
        if self.exchange.protocol == Protocol::Udp {
            let length = u16::try_from(body.len()).unwrap();
            body.splice(4..6, length.to_be_bytes());
        }
        body
    }

    fn headers(&self) -> Vec<u8> {
        let (from, to) = self.ports();
        let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
        let rest: Vec<u8> = match self.exchange.protocol {
            Protocol::Tcp => {
                let (syn, ack) = (0x02, 0x10);
                let (sequence, acknowledged, flags): (u32, u32, u8) = match self.step {
                    Step::Open => (1000, 0, syn),
                    Step::Agree => (5000, 1001, syn | ack),
                    Step::Forward => (1001, 5001, ack),
                    Step::Reply | Step::Error => (5001, 1001, ack),
                };
                let numbers = [sequence.to_be_bytes(), acknowledged.to_be_bytes()].concat();
                [&numbers[..], &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]].concat()
            }
            Protocol::Udp => vec![0; 4],
            // A tag; the checksum is not looked at on the way.
            Protocol::Sctp => vec![0; 8],
            Protocol::Gre => return vec![0, 0, 0x08, 0],
            Protocol::Icmp => {
                let (kind, code) = self.icmp();
                let id = self.exchange.own_port().to_be_bytes();
                return [&[kind, code, 0, 0][..], &id, &[0, 1]].concat();
            }
        };
        [ports, rest].concat()
    }
}

/// The packet with its checksums (RFC 791, RFC 8200).
fn ip(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    number: u16,
    mut body: Vec<u8>,
) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let [high, low] = number.to_be_bytes();
    let addresses = [octets(source), octets(destination)].concat();
    let place = match protocol {
        6 => 16,
        17 => 6,
        _ => 2,
    };
    let [a, b] = length.to_be_bytes();
    let pseudo = match protocol {
        1 => Vec::new(),
        _ => [&addresses[..], &[0, protocol, a, b]].concat(),
    };
    if ![47, 132].contains(&protocol) {
        let sum = checksum(&[pseudo, body.clone()].concat());
        body.splice(place..place + 2, sum.to_be_bytes());
    }
    if source.is_ipv6() {
        let header = [0x60, 0, high, low, a, b, protocol, 64];
        return [&header[..], &addresses, &body].concat();
    }
    let [a, b] = (length + 20).to_be_bytes();
    let header = [0x45, 0, a, b, high, low, 0, 0, 64, protocol, 0, 0];
    let mut header = [&header[..], &addresses].concat();
    let sum = checksum(&header);
    header.splice(10..12, sum.to_be_bytes());
    [header, body].concat()
}

/// The packet in two (RFC 791, section 3.2; RFC 8200, section 4.5).
fn fragments(whole: &[u8], number: u16) -> [Vec<u8>; 2] {
    let v6 = whole[0] >> 4 == 6;
    let (header, body) = whole.split_at(if v6 { 40 } else { 20 });
    let (first, rest) = body.split_at(FIRST_FRAGMENT);
    let piece = |offset: usize, more: u16, body: &[u8]| {
        let offset = u16::try_from(offset).unwrap();
        let mut header = header.to_vec();
        if v6 {
            let place = (offset | more).to_be_bytes();
            let identification = u32::from(number).to_be_bytes();
            let extension = [&[header[6], 0][..], &place, &identification].concat();
            let length = u16::try_from(extension.len() + body.len()).unwrap();
            header.splice(4..7, [&length.to_be_bytes()[..], &[44]].concat());
            return [&header[..], &extension, body].concat();
        }
        let length = u16::try_from(header.len() + body.len()).unwrap();
        header.splice(2..4, length.to_be_bytes());
        header.splice(6..8, ((more << 13) | (offset / 8)).to_be_bytes());
        header.splice(10..12, [0, 0]);
        let sum = checksum(&header);
        header.splice(10..12, sum.to_be_bytes());
        [&header[..], body].concat()
    };
    [piece(0, 1, first), piece(FIRST_FRAGMENT, 0, rest)]
}

/// The number that [`Event::pieces`] was given, and whether it is a later fragment, if it is an IP
/// packet.
pub(super) fn number(packet: &[u8]) -> Option<(u16, bool)> {
    let word = |place: usize| {
        let bytes = packet.get(place..place + 2)?.try_into().unwrap();
        Some(u16::from_be_bytes(bytes))
    };
    match packet.first()? >> 4 {
        4 => Some((word(4)?, word(6)? & 0x1fff != 0)),
        6 => {
            let fragment = packet.get(6) == Some(&44);
            Some((word(2)?, fragment && word(42)? & 0xfff8 != 0))
        }
        _ => None,
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(u16::from_be_bytes([pair[0], low]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}
