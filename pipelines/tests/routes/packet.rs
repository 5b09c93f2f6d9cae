//! Packets of UDP, each with a number to know it again by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, LinkSlice, NetSlice, PacketBuilder,
    SlicedPacket, TransportSlice,
};
use pipelines::network::MacAddr;

/// ICMPv6: an address is here (RFC 4861), as an answer that takes the place of what was known.
const ADVERTISEMENT: u8 = 136;
const SOLICITED_OVERRIDE: [u8; 4] = [0x60, 0, 0, 0];
/// The option that says at which MAC.
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packet {
    pub(super) number: u32,
    pub(super) tag: Option<u16>,
    pub(super) source_mac: MacAddr,
    pub(super) destination_mac: MacAddr,
    pub(super) source: (IpAddr, u16),
    pub(super) destination: (IpAddr, u16),
    pub(super) ttl: u8,
}

impl Packet {
    pub(super) fn is_ipv4(&self) -> bool {
        self.destination.0.is_ipv4()
    }

    /// The packet on the wire; nobody sends a tag.
    pub(super) fn frame(&self) -> Vec<u8> {
        let ethernet = PacketBuilder::ethernet2(self.source_mac.0, self.destination_mac.0);
        let ports = (self.source.1, self.destination.1);
        let payload = self.number.to_be_bytes();
        let mut frame = Vec::new();
        let packet = match (self.source.0, self.destination.0) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                ethernet.ipv4(from.octets(), to.octets(), self.ttl)
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                ethernet.ipv6(from.octets(), to.octets(), self.ttl)
            }
            _ => panic!("{self:?} is of two versions of IP"),
        };
        let written = packet.udp(ports.0, ports.1).write(&mut frame, &payload);
        written.unwrap();
        frame
    }

    /// A packet of this test, if a frame is one.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let sliced = SlicedPacket::from_ethernet(frame).ok()?;
        let tag = sliced.vlan_ids().first().map(|tag| tag.value());
        let LinkSlice::Ethernet2(ethernet) = sliced.link? else {
            return None;
        };
        let (source, destination, ttl) = match sliced.net? {
            NetSlice::Ipv4(ip) => (
                IpAddr::V4(ip.header().source_addr()),
                IpAddr::V4(ip.header().destination_addr()),
                ip.header().ttl(),
            ),
            NetSlice::Ipv6(ip) => (
                IpAddr::V6(ip.header().source_addr()),
                IpAddr::V6(ip.header().destination_addr()),
                ip.header().hop_limit(),
            ),
            NetSlice::Arp(_) => return None,
        };
        let TransportSlice::Udp(udp) = sliced.transport? else {
            return None;
        };
        let number = udp.payload().first_chunk()?;
        Some(Self {
            number: u32::from_be_bytes(*number),
            tag,
            source_mac: MacAddr(ethernet.source()),
            destination_mac: MacAddr(ethernet.destination()),
            source: (source, udp.source_port()),
            destination: (destination, udp.destination_port()),
            ttl,
        })
    }
}

/// What somebody says of itself to everybody: in ARP, and as a neighbour.
pub(super) fn announcements((mac, v4, v6): (MacAddr, Ipv4Addr, Ipv6Addr)) -> [Vec<u8>; 2] {
    let everybody = PacketBuilder::ethernet2(mac.0, MacAddr::BROADCAST.0);
    let arp = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REPLY,
        &mac.0,
        &v4.octets(),
        &mac.0,
        &v4.octets(),
    );
    let (mut heard4, mut heard6) = (Vec::new(), Vec::new());
    let message = everybody.arp(arp.unwrap());
    message.write(&mut heard4).unwrap();
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let body = [&v6.octets()[..], &[TARGET_LINK_LAYER_ADDRESS, 1], &mac.0].concat();
    PacketBuilder::ethernet2(mac.0, [0x33, 0x33, 0, 0, 0, 1])
        .ipv6(v6.octets(), all_nodes.octets(), 255)
        .icmpv6_raw(ADVERTISEMENT, 0, SOLICITED_OVERRIDE)
        .write(&mut heard6, &body)
        .unwrap();
    [heard4, heard6]
}
