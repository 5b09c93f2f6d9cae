//! What flows could match of a packet, which `ovs-ofctl` prints in place of the packet.
//!
//! This is not a [`Match`](crate::matching::Match): it has every field that a packet of its kind
//! has, be it zero because the packet ends too early, and up to two VLAN tags.

use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::transport::{Checksum, Transport};
use crate::field::format::Ipv6Text;
use crate::field::{EthType, IpFrag, IpProto, MacAddr, PacketType};

/// What flows could match of a packet.
#[derive(Debug, Default)]
pub(super) struct Key {
    /// What is not an Ethernet frame begins with its Ethernet type's header.
    inside: Option<PacketType>,
    destination: MacAddr,
    source: MacAddr,
    tags: Vec<u16>,
    eth_type: EthType,
    network: Network,
}

/// What follows the Ethernet type.
#[derive(Debug, Default)]
enum Network {
    #[default]
    Other,
    Ip(Ip),
    Arp(Arp),
    Mpls([u32; 3]),
    Nsh(Nsh),
}

#[derive(Debug)]
struct Ip {
    addresses: Addresses,
    tos: u8,
    ttl: u8,
    proto: IpProto,
    frag: IpFrag,
    /// Nothing in a later fragment.
    transport: Option<Transport>,
    checksum: Option<Checksum>,
}

#[derive(Debug)]
enum Addresses {
    V4([Ipv4Addr; 2]),
    V6([Ipv6Addr; 2], u32),
}

#[derive(Debug, Default)]
struct Arp {
    op: u8,
    addresses: [[u8; 4]; 2],
    hardware: [[u8; 6]; 2],
}

#[derive(Debug, Default)]
struct Nsh {
    flags: u8,
    ttl: u8,
    mdtype: u8,
    np: u8,
    path: u32,
    context: [u32; 4],
}

/// Takes bytes off the front of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*front)
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
}

impl Key {
    /// The key of a packet that starts as `packet_type` says.
    pub(super) fn of(packet: &[u8], packet_type: PacketType) -> Self {
        let mut cursor = Cursor(packet);
        let mut key = Self::default();
        if packet_type != PacketType::ETHERNET {
            key.inside = Some(packet_type);
            key.eth_type = EthType(u16::try_from(packet_type.kind()).unwrap_or_default());
        } else if key.ethernet(&mut cursor).is_none() {
            return key;
        }
        key.network = match key.eth_type {
            EthType::IPV4 => Network::Ip(Ip::v4(cursor).unwrap_or_else(Ip::no_v4)),
            EthType::IPV6 => Network::Ip(Ip::v6(cursor)),
            EthType::ARP | EthType::RARP => Network::Arp(Arp::of(cursor).unwrap_or_default()),
            EthType::MPLS | EthType::MPLS_MULTICAST => Network::Mpls(labels(cursor)),
            EthType::NSH => Network::Nsh(Nsh::of(cursor).unwrap_or_default()),
            _ => Network::Other,
        };
        key
    }

    /// Reads the addresses, the tags and the Ethernet type. Nothing is known of less than those.
    fn ethernet(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        if cursor.0.len() < 14 {
            return None;
        }
        self.destination = MacAddr(cursor.array()?);
        self.source = MacAddr(cursor.array()?);
        let mut eth_type = cursor.u16()?;
        while matches!(eth_type, 0x8100 | 0x88a8) && self.tags.len() < 2 && cursor.0.len() >= 4 {
            self.tags.push(cursor.u16()? | 1 << 12);
            eth_type = cursor.u16()?;
        }
        self.eth_type = EthType(eth_type);
        // What is too small for a type is the length of an 802.2 frame, which may hold a type.
        if eth_type < 0x600 {
            self.eth_type = snap_type(cursor).unwrap_or(EthType(0x5ff));
        }
        Some(())
    }

    /// The word for the Ethernet type and the protocol, and whether it says the protocol, too.
    fn word(&self) -> (Option<&'static str>, bool) {
        if self.inside.is_some() {
            return (None, false);
        }
        let proto = match &self.network {
            Network::Ip(ip) => ip.proto,
            _ => IpProto::default(),
        };
        let (word, whole) = match (self.eth_type, proto) {
            (EthType::IPV4, IpProto::ICMP) => ("icmp", true),
            (EthType::IPV4, IpProto::TCP) => ("tcp", true),
            (EthType::IPV4, IpProto::UDP) => ("udp", true),
            (EthType::IPV4, IpProto::SCTP) => ("sctp", true),
            (EthType::IPV4, _) => ("ip", false),
            (EthType::IPV6, IpProto::ICMPV6) => ("icmp6", true),
            (EthType::IPV6, IpProto::TCP) => ("tcp6", true),
            (EthType::IPV6, IpProto::UDP) => ("udp6", true),
            (EthType::IPV6, IpProto::SCTP) => ("sctp6", true),
            (EthType::IPV6, _) => ("ipv6", false),
            (EthType::ARP, _) => ("arp", false),
            (EthType::RARP, _) => ("rarp", false),
            (EthType::MPLS, _) => ("mpls", false),
            (EthType::MPLS_MULTICAST, _) => ("mplsm", false),
            _ => return (None, false),
        };
        (Some(word), whole)
    }

    fn print_ethernet(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, tag) in self.tags.iter().enumerate() {
            let number = Tag(place);
            let (vid, priority) = (tag & 0xfff, tag >> 13);
            write!(f, "dl_vlan{number}={vid},dl_vlan_pcp{number}={priority},")?;
        }
        // The first tag that is not there is told, too, if there is a place for it.
        if self.tags.len() < 2 {
            write!(f, "vlan_tci{}=0x0000,", Tag(self.tags.len()))?;
        }
        write!(f, "dl_src={},dl_dst={}", self.source, self.destination)
    }
}

/// The number of a tag, which the first does not have.
struct Tag(usize);

impl Display for Tag {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            number => number.fmt(f),
        }
    }
}

/// The type that stands in a frame of 802.2 with SNAP.
fn snap_type(cursor: &mut Cursor<'_>) -> Option<EthType> {
    const SNAP: [u8; 6] = [0xaa, 0xaa, 3, 0, 0, 0];
    let mut inner = *cursor;
    if inner.array()? != SNAP {
        return None;
    }
    let eth_type = inner.u16()?;
    *cursor = inner;
    (eth_type >= 0x600).then_some(EthType(eth_type))
}

/// The first three labels, up to the bottom of the stack.
fn labels(mut cursor: Cursor<'_>) -> [u32; 3] {
    let mut labels = [0; 3];
    for place in &mut labels {
        let Some(label) = cursor.u32() else { break };
        *place = label;
        if label & BOTTOM != 0 {
            break;
        }
    }
    labels
}

/// The bit of the label at the bottom of a stack.
const BOTTOM: u32 = 1 << 8;

impl Ip {
    const fn empty(addresses: Addresses) -> Self {
        Self {
            addresses,
            tos: 0,
            ttl: 0,
            proto: IpProto(0),
            frag: IpFrag::empty(),
            transport: None,
            checksum: None,
        }
    }

    fn no_v4() -> Self {
        Self::empty(Addresses::V4([Ipv4Addr::UNSPECIFIED; 2]))
    }

    fn v4(cursor: Cursor<'_>) -> Option<Self> {
        let mut header = cursor;
        let [version, tos, l0, l1, _, _, f0, f1, ttl, proto, _, _] = header.array()?;
        let addresses = [header.array()?, header.array()?].map(Ipv4Addr::from);
        let size = usize::from(version & 0xf) * 4;
        let total = usize::from(u16::from_be_bytes([l0, l1]));
        if size < 20 || size > total {
            return None;
        }
        // Padding after the packet is none of it.
        let payload = cursor.0.get(..total)?.get(size..)?;
        let fragment = u16::from_be_bytes([f0, f1]);
        let mut frag = IpFrag::empty();
        if fragment & 0x3fff != 0 {
            frag |= IpFrag::ANY;
        }
        if fragment & 0x1fff != 0 {
            frag |= IpFrag::LATER;
        }
        let ip = Self {
            tos,
            ttl,
            proto: IpProto(proto),
            frag,
            ..Self::empty(Addresses::V4(addresses))
        };
        Some(ip.carrying(payload))
    }

    fn v6(cursor: Cursor<'_>) -> Self {
        let nothing = || Self::empty(Addresses::V6([Ipv6Addr::UNSPECIFIED; 2], 0));
        Self::v6_header(cursor).unwrap_or_else(nothing)
    }

    fn v6_header(mut cursor: Cursor<'_>) -> Option<Self> {
        let word = cursor.u32()?;
        let length = usize::from(cursor.u16()?);
        let [next, ttl] = cursor.array()?;
        let addresses = [cursor.array()?, cursor.array()?].map(Ipv6Addr::from);
        cursor.0 = cursor.0.get(..length)?;
        let mut proto = IpProto(next);
        let mut frag = IpFrag::empty();
        if extensions(&mut cursor, &mut proto, &mut frag).is_none() {
            return Some(Self::empty(Addresses::V6(addresses, 0)));
        }
        let [tos, ..] = (word >> 20).to_le_bytes();
        let ip = Self {
            tos,
            ttl,
            proto,
            frag,
            ..Self::empty(Addresses::V6(addresses, word & 0xf_ffff))
        };
        Some(ip.carrying(cursor.0))
    }

    /// The same with what the protocol has in `payload`.
    fn carrying(self, payload: &[u8]) -> Self {
        let later = self.frag.contains(IpFrag::LATER);
        Self {
            transport: (!later)
                .then(|| Transport::of(self.proto, payload))
                .flatten(),
            checksum: Checksum::of(self.proto, payload),
            ..self
        }
    }
}

/// Takes the headers between that of IPv6 and that of the protocol; nothing if one is cut off.
fn extensions(cursor: &mut Cursor<'_>, proto: &mut IpProto, frag: &mut IpFrag) -> Option<()> {
    const HOPOPTS: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const AH: u8 = 51;
    const DSTOPTS: u8 = 60;
    loop {
        let kind = proto.0;
        let size = |length: u8| match kind {
            HOPOPTS | ROUTING | DSTOPTS => (usize::from(length) + 1) * 8,
            AH => (usize::from(length) + 2) * 4,
            _ => 8,
        };
        if !matches!(kind, HOPOPTS | ROUTING | DSTOPTS | AH | FRAGMENT) {
            return Some(());
        }
        let [next, length, o0, o1, ..] = *cursor.0.first_chunk::<8>()?;
        *proto = IpProto(next);
        cursor.skip(size(length))?;
        let offset = u16::from_be_bytes([o0, o1]);
        if kind == FRAGMENT && offset != 0 {
            *frag = IpFrag::ANY;
            if offset & 0xfff8 != 0 {
                // What follows is not the protocol's header.
                *frag |= IpFrag::LATER;
                *proto = IpProto(FRAGMENT);
                return Some(());
            }
        }
    }
}

impl Arp {
    /// Ethernet addresses of IPv4 addresses; nothing else is looked at.
    fn of(mut cursor: Cursor<'_>) -> Option<Self> {
        if cursor.array()? != [0, 1, 8, 0, 6, 4] {
            return None;
        }
        let op = cursor.u16()?;
        let sender = (cursor.array()?, cursor.array()?);
        let target = (cursor.array()?, cursor.array()?);
        Some(Self {
            op: u8::try_from(op).unwrap_or_default(),
            addresses: [sender.1, target.1],
            hardware: [sender.0, target.0],
        })
    }
}

impl Nsh {
    fn of(mut cursor: Cursor<'_>) -> Option<Self> {
        let whole = cursor.0.len();
        let word = cursor.u16()?;
        let [mdtype, np] = cursor.array()?;
        let path = cursor.u32()?;
        let size = usize::from(word & 0x3f) * 4;
        let right = match mdtype {
            1 => size == 24,
            2 => size >= 8,
            _ => false,
        };
        if size > whole || word >> 14 != 0 || !right {
            return None;
        }
        let mut context = [0; 4];
        if mdtype == 1 {
            for word in &mut context {
                *word = cursor.u32()?;
            }
        }
        let byte = |value: u16| u8::try_from(value).unwrap_or_default();
        Some(Self {
            flags: byte((word >> 12) & 3),
            ttl: byte((word >> 6) & 0x3f),
            mdtype,
            np,
            path,
            context,
        })
    }
}

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (word, whole) = self.word();
        match (self.inside, word) {
            (Some(packet_type), _) => write!(f, "packet_type={packet_type}")?,
            (None, Some(word)) => write!(f, "{word},")?,
            (None, None) => {}
        }
        if self.inside.is_none() {
            self.print_ethernet(f)?;
            if word.is_none() {
                write!(f, ",dl_type=0x{:04x}", self.eth_type.0)?;
            }
        }
        match &self.network {
            Network::Other => Ok(()),
            Network::Ip(ip) => ip.print(self.eth_type, whole, f),
            Network::Arp(arp) => arp.fmt(f),
            Network::Mpls(labels) => mpls(labels, f),
            Network::Nsh(nsh) => nsh.fmt(f),
        }
    }
}

impl Ip {
    fn print(&self, eth_type: EthType, whole: bool, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.addresses {
            Addresses::V4([src, dst]) => write!(f, ",nw_src={src},nw_dst={dst}")?,
            Addresses::V6([src, dst], label) => {
                let [src, dst] = [*src, *dst].map(Ipv6Text);
                write!(f, ",ipv6_src={src},ipv6_dst={dst},ipv6_label=0x{label:05x}")?;
            }
        }
        if !whole {
            write!(f, ",nw_proto={}", self.proto.0)?;
        }
        let (tos, ecn, ttl) = (self.tos & 0xfc, self.tos & 3, self.ttl);
        let frag = match self.frag {
            frag if frag.is_empty() => "no",
            IpFrag::ANY => "first",
            _ => "later",
        };
        write!(f, ",nw_tos={tos},nw_ecn={ecn},nw_ttl={ttl},nw_frag={frag}")?;
        if let Some(transport) = &self.transport {
            transport.print(eth_type, self.proto, f)?;
        }
        match &self.checksum {
            Some(checksum) => write!(f, " {checksum}"),
            None => Ok(()),
        }
    }
}

impl Display for Arp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [spa, tpa] = self.addresses.map(Ipv4Addr::from);
        let [sha, tha] = self.hardware.map(MacAddr);
        let op = self.op;
        write!(
            f,
            ",arp_spa={spa},arp_tpa={tpa},arp_op={op},arp_sha={sha},arp_tha={tha}"
        )
    }
}

/// Prints the top label in parts, and those beneath it, to the bottom of the stack, as numbers.
fn mpls(labels: &[u32; 3], f: &mut Formatter<'_>) -> fmt::Result {
    let [top, rest @ ..] = labels;
    let (label, tc, ttl, bottom) = (top >> 12, (top >> 9) & 7, top & 0xff, (top >> 8) & 1);
    write!(
        f,
        ",mpls_label={label},mpls_tc={tc},mpls_ttl={ttl},mpls_bos={bottom}"
    )?;
    let mut above = *top;
    for (number, label) in (1..).zip(rest) {
        if above & BOTTOM != 0 {
            break;
        }
        write!(f, ",mpls_lse{number}={label}")?;
        above = *label;
    }
    Ok(())
}

impl Display for Nsh {
    /// Writes the header, and as zeros what OVS would look for in a packet of IP.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (spi, si) = (self.path >> 8, self.path & 0xff);
        write!(f, ",nsh_flags={},nsh_ttl={}", self.flags, self.ttl)?;
        write!(f, ",nsh_mdtype={},nsh_np={}", self.mdtype, self.np)?;
        write!(f, ",nsh_spi={spi:#x},nsh_si={si}")?;
        if self.mdtype == 1 {
            for (number, word) in (1..).zip(self.context) {
                write!(f, ",nsh_c{number}={word:#x}")?;
            }
        }
        f.write_str(",nw_proto=0,nw_tos=0,nw_ecn=0,nw_ttl=0,nw_frag=no")
    }
}
