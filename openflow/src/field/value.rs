//! The types of what fields hold.
//!
//! Ports, groups and protocols are open sets of codes: newtypes with constants, so that each
//! number has one value, known or not.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::MacAddr;
use crate::declare::{codes, flags};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// A type that a field can hold.
pub trait Value: Copy {
    /// Its bytes, as many as the field has.
    type Bytes: AsRef<[u8]>;

    /// How many bytes a value has at most.
    const SIZE: u8;

    /// The value in network order.
    fn to_bytes(self) -> Self::Bytes;

    /// The value of `bytes`, unless they are too many or too few.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Makes values of types that are, or hold, an unsigned integer.
macro_rules! integer_values {
    ($($name:ty: $repr:ident, $from:expr, $to:expr;)*) => {$(
        impl Value for $name {
            type Bytes = [u8; size_of::<$repr>()];

            #[expect(clippy::as_conversions, reason = "an integer has at most 16 bytes")]
            const SIZE: u8 = size_of::<$repr>() as u8;

            fn to_bytes(self) -> Self::Bytes {
                let to: fn($name) -> $repr = $to;
                to(self).to_be_bytes()
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map($repr::from_be_bytes).map($from)
            }
        }
    )*};
}
integer_values! {
    u8: u8, |v| v, |v| v;
    u16: u16, |v| v, |v| v;
    u32: u32, |v| v, |v| v;
    u64: u64, |v| v, |v| v;
    u128: u128, |v| v, |v| v;
    Ipv4Addr: u32, Self::from, u32::from;
    Ipv6Addr: u128, Self::from, u128::from;
    PortNo: u32, Self, |v| v.0;
    EthType: u16, Self, |v| v.0;
    IpProto: u8, Self, |v| v.0;
    VlanVid: u16, Self, |v| v.0;
    PacketType: u32, Self, |v| v.0;
    IpFrag: u8, Self::from_bits_retain, |v| v.bits();
    CtState: u32, Self::from_bits_retain, |v| v.bits();
    TcpFlags: u16, Self::from_bits_retain, |v| v.bits();
    TunFlags: u16, Self::from_bits_retain, |v| v.bits();
}

impl Value for MacAddr {
    type Bytes = [u8; 6];

    const SIZE: u8 = 6;

    fn to_bytes(self) -> [u8; 6] {
        self.0
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl Value for TunMetadata {
    type Bytes = Self;

    const SIZE: u8 = 124;

    fn to_bytes(self) -> Self {
        self
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(bytes)
    }
}

codes! {
    /// A port of a switch: its number, or one of the reserved meanings (section 7.2.1, `OFPP_*`).
    #[derive(Default)]
    pub struct PortNo(u32) {
        /// No output port has been chosen in the action set; only in the field `actset_output`.
        UNSET = 0xffff_fff7, "UNSET";
        /// Where the packet came from. An output to that port needs this form.
        IN_PORT = 0xffff_fff8, "IN_PORT";
        /// The flow tables, from the first; only for a packet-out.
        TABLE = 0xffff_fff9, "TABLE";
        /// The switch's own learning bridge.
        NORMAL = 0xffff_fffa, "NORMAL";
        /// Every port of the learning bridge but the one it came from, and those that do not flood.
        FLOOD = 0xffff_fffb, "FLOOD";
        /// Every port but the one it came from.
        ALL = 0xffff_fffc, "ALL";
        /// The controllers.
        CONTROLLER = 0xffff_fffd, "CONTROLLER";
        /// The switch's own network device.
        LOCAL = 0xffff_fffe, "LOCAL";
        /// No port, or any: a filter that is not there.
        ANY = 0xffff_ffff, "ANY";
    }
}

impl PortNo {
    /// The first number that is reserved; real ports are below.
    pub const MAX: Self = Self(0xffff_ff00);

    /// The port of the 16 bits that OpenFlow 1.0, and with it NXM and `resubmit`, write.
    ///
    /// Its reserved ports start at `0xff00`.
    #[must_use]
    pub fn from_16(number: u16) -> Self {
        match number {
            0xff00.. => Self(u32::from(number) | 0xffff_0000),
            _ => Self(u32::from(number)),
        }
    }

    /// The 16 bits that OpenFlow 1.0, and with it NXM and `resubmit`, write, if there are any.
    #[must_use]
    pub fn to_16(self) -> Option<u16> {
        match self.0 {
            0..0xff00 => u16::try_from(self.0).ok(),
            0xffff_ff00.. => u16::try_from(self.0 & 0xffff).ok(),
            _ => None,
        }
    }
}

codes! {
    /// A group of a switch (section 7.3.4.3, `OFPG_*`).
    #[derive(Default)]
    pub struct GroupId(u32) {
        /// Every group; only to delete them.
        ALL = 0xffff_fffc, "ALL";
        /// No group, or any: a filter that is not there.
        ANY = 0xffff_ffff, "ANY";
    }
}

impl GroupId {
    /// The greatest number that a group can have.
    pub const MAX: Self = Self(0xffff_ff00);
}

codes! {
    /// A meter of a switch (section 7.3.4.4, `OFPM_*`).
    #[derive(Default)]
    pub struct MeterId(u32) {
        /// Packets that take the slow path; virtual.
        SLOWPATH = 0xffff_fffd, "slowpath";
        /// Packets to the controller; virtual.
        CONTROLLER = 0xffff_fffe, "controller";
        /// Every meter; only for requests.
        ALL = 0xffff_ffff, "all";
    }
}

impl MeterId {
    /// The greatest number that a meter can have.
    pub const MAX: Self = Self(0xffff_0000);
}

/// An Ethernet type.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EthType(pub u16);

impl EthType {
    /// IPv4.
    pub const IPV4: Self = Self(0x0800);
    /// ARP.
    pub const ARP: Self = Self(0x0806);
    /// Reverse ARP.
    pub const RARP: Self = Self(0x8035);
    /// A VLAN tag (802.1Q).
    pub const VLAN: Self = Self(0x8100);
    /// IPv6.
    pub const IPV6: Self = Self(0x86dd);
    /// An MPLS label, unicast.
    pub const MPLS: Self = Self(0x8847);
    /// An MPLS label, multicast.
    pub const MPLS_MULTICAST: Self = Self(0x8848);
    /// A provider's VLAN tag (802.1ad).
    pub const SERVICE_VLAN: Self = Self(0x88a8);
    /// A network service header (RFC 8300).
    pub const NSH: Self = Self(0x894f);
    /// What OpenFlow calls frames without a type: lengths, as in 802.3.
    pub const NONE: Self = Self(0x05ff);
}

impl fmt::Display for EthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04x}", self.0)
    }
}

impl fmt::Debug for EthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EthType({self})")
    }
}

impl Wire for EthType {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u16::decode(input).map(Self)
    }
}

/// The number of a protocol on top of IP.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IpProto(pub u8);

impl IpProto {
    /// ICMP.
    pub const ICMP: Self = Self(1);
    /// IGMP.
    pub const IGMP: Self = Self(2);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
    /// SCTP.
    pub const SCTP: Self = Self(132);
}

impl fmt::Display for IpProto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A VLAN's number, with the bit that says that there is a tag at all (`OFPVID_PRESENT`).
///
/// ```
/// # use openflow::field::VlanVid;
/// assert_eq!(VlanVid::tagged(5), VlanVid(0x1005));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanVid(pub u16);

impl VlanVid {
    /// A packet without a tag.
    pub const NONE: Self = Self(0);

    /// The bit of a packet with a tag; as value and mask, it matches every tag.
    pub const PRESENT: Self = Self(0x1000);

    /// A tag with number `vid`, of which 12 bits count.
    #[must_use]
    pub const fn tagged(vid: u16) -> Self {
        Self(vid & 0xfff | Self::PRESENT.0)
    }

    /// The number, without the bit of presence.
    #[must_use]
    pub const fn vid(self) -> u16 {
        self.0 & 0xfff
    }

    /// Whether there is a tag.
    #[must_use]
    pub const fn is_tagged(self) -> bool {
        self.0 & Self::PRESENT.0 != 0
    }
}

impl fmt::Display for VlanVid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for VlanVid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VlanVid({self})")
    }
}

/// What a packet starts with: a namespace in the upper 16 bits, a type in the lower.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PacketType(pub u32);

impl PacketType {
    /// An Ethernet frame.
    pub const ETHERNET: Self = Self(0);

    /// A packet that starts with what an Ethernet type says.
    #[must_use]
    pub fn of(eth_type: EthType) -> Self {
        Self(0x1_0000 | u32::from(eth_type.0))
    }

    /// The namespace: 0 for what the OpenFlow specification lists, 1 for Ethernet types.
    #[must_use]
    pub const fn namespace(self) -> u32 {
        self.0 >> 16
    }

    /// The type within the namespace.
    #[must_use]
    pub const fn kind(self) -> u32 {
        self.0 & 0xffff
    }
}

impl Wire for PacketType {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u32::decode(input).map(Self)
    }
}

impl fmt::Display for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            0 => write!(f, "({},0)", self.namespace()),
            kind => write!(f, "({},{kind:#x})", self.namespace()),
        }
    }
}

/// An option of a tunnel: 1 to 124 bytes, as the switch's TLV table says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunMetadata {
    bytes: [u8; 124],
    length: u8,
}

impl TunMetadata {
    /// The option of these bytes, unless they are none or too many.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut option = Self {
            bytes: [0; 124],
            length: u8::try_from(bytes.len())
                .ok()
                .filter(|length| *length > 0)?,
        };
        option.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(option)
    }
}

impl AsRef<[u8]> for TunMetadata {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length.into()).unwrap_or_default()
    }
}

impl fmt::Debug for TunMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TunMetadata({:02x?})", self.as_ref())
    }
}

flags! {
    /// What the connection tracker knows of a packet (`ovs-fields(7)`, `ct_state`).
    pub struct CtState(u32) {
        /// The first packet of a connection that is not committed.
        NEW = 0x01;
        /// Part of a committed connection that went both ways.
        EST = 0x02;
        /// Related to a committed connection: an ICMP error, an FTP data channel.
        REL = 0x04;
        /// From the side that did not open the connection.
        RPL = 0x08;
        /// Something the tracker cannot place.
        INV = 0x10;
        /// The packet went through the tracker at all.
        TRK = 0x20;
        /// The source was changed by NAT.
        SNAT = 0x40;
        /// The destination was changed by NAT.
        DNAT = 0x80;
    }
}

flags! {
    /// The flags of a TCP header, 12 bits of which the upper three have no name.
    pub struct TcpFlags(u16) {
        /// No more data.
        FIN = 0x001;
        /// Synchronize sequence numbers.
        SYN = 0x002;
        /// Reset.
        RST = 0x004;
        /// Push.
        PSH = 0x008;
        /// Acknowledgment.
        ACK = 0x010;
        /// Urgent.
        URG = 0x020;
        /// Explicit congestion notification echo.
        ECE = 0x040;
        /// Congestion window reduced.
        CWR = 0x080;
        /// Nonce sum.
        NS = 0x100;
    }
}

flags! {
    /// The flags of a tunnel.
    pub struct TunFlags(u16) {
        /// Operations, administration and maintenance; in Geneve.
        OAM = 1;
    }
}

flags! {
    /// Whether, and which, fragment of an IP packet this is.
    pub struct IpFrag(u8) {
        /// A fragment.
        ANY = 1;
        /// Not the first fragment.
        LATER = 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_ports_have_a_16_bit_form_and_large_numbers_have_none() {
        for port in [PortNo(1), PortNo(0xfeff), PortNo::LOCAL, PortNo::MAX] {
            assert_eq!(port.to_16().map(PortNo::from_16), Some(port));
        }
        assert_eq!(PortNo(0xff00).to_16(), None);
    }

    #[test]
    fn a_value_has_exactly_its_bytes() {
        assert_eq!(u16::from_bytes(&[1, 2]), Some(0x102));
        assert_eq!(u16::from_bytes(&[1, 2, 3]), None);
        assert_eq!(MacAddr::from_bytes(&[0; 5]), None);
    }
}
