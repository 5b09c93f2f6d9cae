//! Questions to machines, which groups they listen to: IGMPv3 and MLDv2 queries.
//!
//! Machines that know older versions read the part that they know. What asks is a switch and no
//! router: the IPv4 source says so (RFC 4541, section 2.1.1), and no router gives way to it. MLD has
//! no such source.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use etherparse::checksum::Sum16BitWords;
use pipelines::network::MacAddr;
use pipelines::service::{SERVER_MAC, SERVER_V6};

/// How often machines are asked (RFC 3376, section 8.2).
pub(super) const INTERVAL: Duration = Duration::from_secs(125);
/// How long they may take to answer (section 8.3).
pub(super) const RESPONSE: Duration = Duration::from_secs(10);
/// How often each question is asked, as one may get lost (section 8.1).
pub(super) const ROBUSTNESS: u8 = 2;

/// The interval as the messages have it, in seconds.
const INTERVAL_CODE: u8 = 125;
/// IPv4: all hosts of the link.
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// IPv6: all nodes of the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Asks for all groups, by IGMP and by MLD.
pub(super) fn general(within: Duration) -> [Vec<u8>; 2] {
    [
        igmp(ALL_HOSTS, Ipv4Addr::UNSPECIFIED, within),
        mld(ALL_NODES, Ipv6Addr::UNSPECIFIED, within),
    ]
}

/// Asks whether anybody still listens to a group.
pub(super) fn about(group: IpAddr, within: Duration) -> Vec<u8> {
    match group {
        IpAddr::V4(group) => igmp(group, group, within),
        IpAddr::V6(group) => mld(group, group, within),
    }
}

/// An IGMPv3 query (RFC 3376, section 4.1).
fn igmp(to: Ipv4Addr, group: Ipv4Addr, within: Duration) -> Vec<u8> {
    // In tenths of a second; from 128 on it would be a floating point number.
    let code = u8::try_from(within.as_millis() / 100)
        .unwrap_or(u8::MAX)
        .min(127);
    let [a, b, c, d] = group.octets();
    let message = [
        0x11,
        code,
        0,
        0,
        a,
        b,
        c,
        d,
        ROBUSTNESS,
        INTERVAL_CODE,
        0,
        0,
    ];
    let message = with_checksum(message, 2, Sum16BitWords::new());
    // Internetwork control, 36 bytes, not fragmented, one hop, IGMP, and the router alert option.
    let mut header = [0; 24];
    header[..12].copy_from_slice(&[0x46, 0xc0, 0, 36, 0, 0, 0x40, 0, 1, 2, 0, 0]);
    header[16..20].copy_from_slice(&to.octets());
    header[20..].copy_from_slice(&[0x94, 4, 0, 0]);
    let header = with_checksum(header, 10, Sum16BitWords::new());
    let [_, b, c, d] = to.octets();
    let ethernet = ethernet([0x01, 0x00, 0x5e, b & 0x7f, c, d], 0x0800);
    [&ethernet[..], &header, &message].concat()
}

/// An MLDv2 query (RFC 3810, section 5.1).
fn mld(to: Ipv6Addr, group: Ipv6Addr, within: Duration) -> Vec<u8> {
    // In milliseconds; from 32,768 on it would be a floating point number.
    let code = u16::try_from(within.as_millis())
        .unwrap_or(u16::MAX)
        .min(32_767);
    let mut message = [0; 28];
    message[0] = 130;
    message[4..6].copy_from_slice(&code.to_be_bytes());
    message[8..24].copy_from_slice(&group.octets());
    message[24..26].copy_from_slice(&[ROBUSTNESS, INTERVAL_CODE]);
    let pseudo_header = Sum16BitWords::new()
        .add_16bytes(SERVER_V6.octets())
        .add_16bytes(to.octets())
        .add_2bytes([0, 28])
        .add_2bytes([0, 58]);
    let message = with_checksum(message, 2, pseudo_header);
    // 36 bytes, hop-by-hop options, one hop; then the router alert option, and ICMPv6 follows.
    let header = [0x60, 0, 0, 0, 0, 36, 0, 1];
    let options = [58, 0, 5, 2, 0, 0, 1, 0];
    let [.., a, b, c, d] = to.octets();
    let ethernet = ethernet([0x33, 0x33, a, b, c, d], 0x86dd);
    let (source, to) = (SERVER_V6.octets(), to.octets());
    [&ethernet[..], &header, &source, &to, &options, &message].concat()
}

fn ethernet(to: [u8; 6], ethertype: u16) -> Vec<u8> {
    let MacAddr(from) = SERVER_MAC;
    [&to[..], &from, &ethertype.to_be_bytes()].concat()
}

/// Writes the checksum of some bytes at a place that is zero.
fn with_checksum<const LENGTH: usize>(
    mut bytes: [u8; LENGTH],
    place: usize,
    sum: Sum16BitWords,
) -> [u8; LENGTH] {
    // The sum is of the bytes as they are in memory.
    let checksum = sum.add_slice(&bytes).ones_complement().to_ne_bytes();
    if let Some(field) = bytes.get_mut(place..place + 2) {
        field.copy_from_slice(&checksum);
    }
    bytes
}
