//! Frames by which stations of a link tell each other their MACs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, PacketBuilder};
use pipelines::network::MacAddr;

/// ICMPv6: who has an address? And the option that says who asks (RFC 4861, sections 4.3, 4.6.1).
const NEIGHBOUR_SOLICITATION: u8 = 135;
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
/// ICMPv6: this address is here. And the option that says where (sections 4.4, 4.6.1).
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
/// That an advertisement takes the place of what is known, and comes from a router.
const ROUTER_OVERRIDE: [u8; 4] = [0xa0, 0, 0, 0];
/// That an advertisement answers, and takes the place of what is known.
const SOLICITED_OVERRIDE: [u8; 4] = [0x60, 0, 0, 0];
/// That an advertisement answers, takes the place of what is known, and comes from a router.
const ROUTER_SOLICITED_OVERRIDE: [u8; 4] = [0xe0, 0, 0, 0];
/// Whom everybody on a link listens to (RFC 4291, section 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A question to everybody, who has an address; `None` between versions of IP.
pub(crate) fn question(mac: MacAddr, from: IpAddr, about: IpAddr) -> Option<Vec<u8>> {
    match (from, about) {
        (IpAddr::V4(from), IpAddr::V4(about)) => arp_request(mac, from, about),
        (IpAddr::V6(from), IpAddr::V6(about)) => {
            let to = solicited_node(about);
            let option = SOURCE_LINK_LAYER_ADDRESS;
            let kind = (NEIGHBOUR_SOLICITATION, [0; 4]);
            icmpv6(mac, (from, to), kind, (about, option))
        }
        _ => None,
    }
}

/// A question to everybody, who has an address (RFC 826). About the own one it says who does.
pub(crate) fn arp_request(mac: MacAddr, from: Ipv4Addr, about: Ipv4Addr) -> Option<Vec<u8>> {
    let MacAddr(mac) = mac;
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REQUEST,
        &mac,
        &from.octets(),
        &[0; 6],
        &about.octets(),
    );
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac, MacAddr::BROADCAST.0)
        .arp(packet.ok()?)
        .write(&mut frame)
        .ok()?;
    Some(frame)
}

/// An advertisement to everybody that nobody asked for.
pub(crate) fn advertisement(mac: MacAddr, ip: Ipv6Addr) -> Option<Vec<u8>> {
    let kind = (NEIGHBOUR_ADVERTISEMENT, ROUTER_OVERRIDE);
    icmpv6(mac, (ip, ALL_NODES), kind, (ip, TARGET_LINK_LAYER_ADDRESS))
}

/// The advertisement of a service's address to whom solicited it.
pub(crate) fn answer(from: (MacAddr, Ipv6Addr), to: ([u8; 6], Ipv6Addr)) -> Option<Vec<u8>> {
    solicited_advertisement(from, to, SOLICITED_OVERRIDE)
}

/// The advertisement of a router's address to whom solicited it.
///
/// Duplicate address detection solicits from the unspecified address; the answer to that goes to
/// all nodes, and is not solicited (RFC 4861, section 7.2.4).
pub(crate) fn router_answer(
    (mac, ip): (MacAddr, Ipv6Addr),
    (to_mac, to): ([u8; 6], Ipv6Addr),
) -> Option<Vec<u8>> {
    match to.is_unspecified() {
        true => advertisement(mac, ip),
        false => solicited_advertisement((mac, ip), (to_mac, to), ROUTER_SOLICITED_OVERRIDE),
    }
}

fn solicited_advertisement(
    (mac, ip): (MacAddr, Ipv6Addr),
    (to_mac, to): ([u8; 6], Ipv6Addr),
    flags: [u8; 4],
) -> Option<Vec<u8>> {
    let body = [&ip.octets()[..], &[TARGET_LINK_LAYER_ADDRESS, 1], &mac.0].concat();
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac.0, to_mac)
        .ipv6(ip.octets(), to.octets(), 255)
        .icmpv6_raw(NEIGHBOUR_ADVERTISEMENT, 0, flags)
        .write(&mut frame, &body)
        .ok()?;
    Some(frame)
}

/// A message of neighbour discovery, with one option that holds the MAC.
fn icmpv6(
    MacAddr(mac): MacAddr,
    (from, to): (Ipv6Addr, Ipv6Addr),
    (icmp_type, flags): (u8, [u8; 4]),
    (about, option): (Ipv6Addr, u8),
) -> Option<Vec<u8>> {
    // The length of an option is counted in eights of octets.
    let body = [&about.octets()[..], &[option, 1], &mac].concat();
    let [.., a, b, c, d] = to.octets();
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac, [0x33, 0x33, a, b, c, d])
        .ipv6(from.octets(), to.octets(), 255)
        .icmpv6_raw(icmp_type, 0, flags)
        .write(&mut frame, &body)
        .ok()?;
    Some(frame)
}

/// Who listens to solicitations for an address (RFC 4291, section 2.7.1).
fn solicited_node(ip: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = ip.octets();
    let [high, low] = [[0xff, a], [b, c]].map(u16::from_be_bytes);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, high, low)
}
