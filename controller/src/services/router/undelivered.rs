//! Tells who sent a packet why it goes no further than a router (RFC 792, RFC 4443).

use std::net::IpAddr;

use etherparse::{
    IpNumber, NetSlice, PacketBuilder, PacketBuilderStep, SlicedPacket, TcpSlice, TransportSlice,
    err::packet::BuildWriteError,
};
use pipelines::errand::Errand;
use pipelines::network::MacAddr;

use crate::services::Refusal;

/// Hops that what routers say may take.
const HOPS: u8 = 64;
/// How much of a packet an error quotes: so that no error is longer than every link takes, the
/// headers included (RFC 1812, section 4.3.2.3; RFC 4443, section 3.3).
const QUOTED_V4: usize = 576 - 28;
const QUOTED_V6: usize = 1280 - 48;
/// The length of an Ethernet header.
const ETHERNET: usize = 14;

/// A type and a code.
type Kind = (u8, u8);

/// ICMP: echo request (RFC 792). The same of ICMPv6 (RFC 4443).
const ECHO_REQUEST: Kind = (8, 0);
const ECHO_REQUEST_V6: Kind = (128, 0);

/// Why a packet goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It may take no hop more.
    TimeExceeded,
    /// No route leads there.
    NoRoute,
    /// Nobody answers for its next station.
    HostUnreachable,
    /// It is larger than what the next network carries.
    TooLarge {
        /// What that is, in bytes.
        mtu: u16,
    },
    /// It is for the router, and nobody there has this port.
    PortUnreachable,
    /// It is for the router, which does not speak this.
    ProtocolUnreachable,
}

impl Reason {
    /// Why a packet with so many hops left was stopped.
    fn of(errand: &Errand<'_>, destination: IpAddr, hops: u8, protocol: IpNumber) -> Self {
        match (errand.is_own(destination), hops, protocol) {
            (true, _, IpNumber::UDP) => Self::PortUnreachable,
            (true, ..) => Self::ProtocolUnreachable,
            (false, 0 | 1, _) => Self::TimeExceeded,
            (false, ..) => Self::NoRoute,
        }
    }

    /// The MTU is in the last bytes (RFC 1191, section 4).
    fn v4(self) -> (Kind, [u8; 4]) {
        let kind = match self {
            Self::TimeExceeded => (11, 0),
            Self::NoRoute => (3, 0),
            Self::HostUnreachable => (3, 1),
            Self::TooLarge { mtu } => {
                let [high, low] = mtu.to_be_bytes();
                return ((3, 4), [0, 0, high, low]);
            }
            Self::PortUnreachable => (3, 3),
            Self::ProtocolUnreachable => (3, 2),
        };
        (kind, [0; 4])
    }

    /// The protocol's place is that of the next header.
    fn v6(self) -> (Kind, [u8; 4]) {
        const NEXT_HEADER: u8 = 6;
        match self {
            Self::TimeExceeded => ((3, 0), [0; 4]),
            Self::NoRoute => ((1, 0), [0; 4]),
            Self::HostUnreachable => ((1, 3), [0; 4]),
            Self::TooLarge { mtu } => ((2, 0), u32::from(mtu).to_be_bytes()),
            Self::PortUnreachable => ((1, 4), [0; 4]),
            Self::ProtocolUnreachable => ((4, 1), [0, 0, 0, NEXT_HEADER]),
        }
    }
}

/// Who is told about a packet, and the frame that says it; for the reason that is known, or for
/// what can be seen of the packet.
pub(super) fn answer(
    errand: &Errand<'_>,
    packet: &[u8],
    known: Option<Reason>,
) -> Result<Option<(IpAddr, Vec<u8>)>, Refusal> {
    let malformed = |error| Refusal::Malformed(format!("{error}"));
    let sliced = SlicedPacket::from_ethernet(packet).map_err(malformed)?;
    let Some((source, destination)) = addresses(&sliced) else {
        return Ok(None);
    };
    // What went outside is translated back on its way.
    let comes_back = known == Some(Reason::HostUnreachable);
    if !comes_back && !errand.may_quote(destination) {
        return Ok(None);
    }
    let is_pinged = known.is_none() && errand.answers_ping(destination);
    let answer = match &sliced.transport {
        Some(TransportSlice::Icmpv4(icmp))
            if is_pinged && (icmp.type_u8(), icmp.code_u8()) == ECHO_REQUEST =>
        {
            let ends = (source, destination);
            echo_reply(errand, ends, icmp.bytes5to8(), icmp.payload())
        }
        Some(TransportSlice::Icmpv6(icmp))
            if is_pinged && (icmp.type_u8(), icmp.code_u8()) == ECHO_REQUEST_V6 =>
        {
            let ends = (source, destination);
            echo_reply(errand, ends, icmp.bytes5to8(), icmp.payload())
        }
        Some(TransportSlice::Tcp(tcp)) if known.is_none() && errand.is_own(destination) => {
            reset(errand, (source, destination), tcp)
        }
        _ => error(
            errand,
            &sliced,
            packet.get(ETHERNET..).unwrap_or_default(),
            known,
        ),
    };
    let answer = answer.transpose();
    let answer = answer.map_err(|error| Refusal::Unsayable(error.to_string()))?;
    Ok(answer.map(|frame| (source, frame)))
}

/// Who sent a packet, to whom; `None` if nobody can be told about it.
fn addresses(packet: &SlicedPacket<'_>) -> Option<(IpAddr, IpAddr)> {
    let (source, destination): (IpAddr, IpAddr) = match packet.net.as_ref()? {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            let is_first = header.fragments_offset().value() == 0;
            let addresses = (header.source_addr(), header.destination_addr());
            is_first.then_some((addresses.0.into(), addresses.1.into()))?
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            let addresses = (header.source_addr(), header.destination_addr());
            (addresses.0.into(), addresses.1.into())
        }
        NetSlice::Arp(_) => return None,
    };
    let is_one = !source.is_unspecified() && !source.is_multicast();
    is_one.then_some((source, destination))
}

/// A frame that says whether it could be written.
type Written = Result<Vec<u8>, BuildWriteError>;

/// An error about a packet, for the reason that is known or for what can be seen of it.
fn error(
    errand: &Errand<'_>,
    packet: &SlicedPacket<'_>,
    quoted: &[u8],
    known: Option<Reason>,
) -> Option<Written> {
    if is_error(packet) {
        return None;
    }
    let mut out = Vec::new();
    let written = match packet.net.as_ref()? {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            let to = header.destination_addr();
            let seen = Reason::of(errand, to.into(), header.ttl(), header.protocol());
            // Who is asked at an address answers from there.
            let from = if errand.is_own(to.into()) {
                to
            } else {
                errand.ipv4()?
            };
            let ((kind, code), rest) = known.unwrap_or(seen).v4();
            frame(errand)
                .ipv4(from.octets(), header.source(), HOPS)
                .icmpv4_raw(kind, code, rest)
                .write(&mut out, quoted.get(..QUOTED_V4).unwrap_or(quoted))
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            let to = header.destination_addr();
            let seen = Reason::of(errand, to.into(), header.hop_limit(), header.next_header());
            let from = if errand.is_own(to.into()) {
                to
            } else {
                errand.ipv6()
            };
            let ((kind, code), rest) = known.unwrap_or(seen).v6();
            frame(errand)
                .ipv6(from.octets(), header.source(), HOPS)
                .icmpv6_raw(kind, code, rest)
                .write(&mut out, quoted.get(..QUOTED_V6).unwrap_or(quoted))
        }
        NetSlice::Arp(_) => return None,
    };
    Some(written.map(|()| out))
}

/// The router looks at nothing but its own MAC.
fn frame(errand: &Errand<'_>) -> PacketBuilderStep<etherparse::Ethernet2Header> {
    let MacAddr(mac) = errand.mac_address();
    PacketBuilder::ethernet2(mac, mac)
}

/// Whether a packet is an error itself: nothing is said about errors.
fn is_error(packet: &SlicedPacket<'_>) -> bool {
    /// Destination unreachable, source quench, redirect, time exceeded, parameter problem.
    const ERRORS: [u8; 5] = [3, 4, 5, 11, 12];
    /// From here on messages of ICMPv6 are no errors.
    const INFORMATIONAL: u8 = 128;
    match &packet.transport {
        Some(TransportSlice::Icmpv4(icmp)) => ERRORS.contains(&icmp.type_u8()),
        Some(TransportSlice::Icmpv6(icmp)) => icmp.type_u8() < INFORMATIONAL,
        _ => false,
    }
}

/// The reply to a ping of the router (RFC 792, RFC 4443, section 4.2).
///
/// `word` holds the identifier and the sequence number.
fn echo_reply(
    errand: &Errand<'_>,
    (to, own): (IpAddr, IpAddr),
    word: [u8; 4],
    payload: &[u8],
) -> Option<Written> {
    /// ICMP: echo reply. The same of ICMPv6.
    const ECHO_REPLY: u8 = 0;
    const ECHO_REPLY_V6: u8 = 129;
    let mut out = Vec::new();
    let frame = frame(errand);
    let written = match (own, to) {
        (IpAddr::V4(own), IpAddr::V4(to)) => frame
            .ipv4(own.octets(), to.octets(), HOPS)
            .icmpv4_raw(ECHO_REPLY, 0, word)
            .write(&mut out, payload),
        (IpAddr::V6(own), IpAddr::V6(to)) => frame
            .ipv6(own.octets(), to.octets(), HOPS)
            .icmpv6_raw(ECHO_REPLY_V6, 0, word)
            .write(&mut out, payload),
        _ => return None,
    };
    Some(written.map(|()| out))
}

/// What refuses a connection to the router (RFC 9293, section 3.10.7.1).
fn reset(
    errand: &Errand<'_>,
    (from, own): (IpAddr, IpAddr),
    tcp: &TcpSlice<'_>,
) -> Option<Written> {
    if tcp.rst() {
        return None;
    }
    let length = u32::try_from(tcp.payload().len()).ok()?;
    let flags = u32::from(tcp.syn()) + u32::from(tcp.fin());
    let next = tcp
        .sequence_number()
        .wrapping_add(length)
        .wrapping_add(flags);
    let ports = (tcp.destination_port(), tcp.source_port());
    let frame = frame(errand);
    let ip = match (own, from) {
        (IpAddr::V4(own), IpAddr::V4(to)) => frame.ipv4(own.octets(), to.octets(), HOPS),
        (IpAddr::V6(own), IpAddr::V6(to)) => frame.ipv6(own.octets(), to.octets(), HOPS),
        _ => return None,
    };
    let reset = match tcp.ack() {
        true => ip
            .tcp(ports.0, ports.1, tcp.acknowledgment_number(), 0)
            .rst(),
        false => ip.tcp(ports.0, ports.1, 0, 0).rst().ack(next),
    };
    let mut out = Vec::new();
    Some(reset.write(&mut out, &[]).map(|()| out))
}
