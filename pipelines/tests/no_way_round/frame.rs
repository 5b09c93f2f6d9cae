//! Frames as bytes, for what the syntax of flows cannot say: options, extension headers, fragments.

use std::net::{Ipv4Addr, Ipv6Addr};

use pipelines::network::MacAddr;

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;

/// From whom to whom.
#[derive(Clone, Copy)]
pub(super) struct Way<A> {
    pub(super) macs: (MacAddr, MacAddr),
    pub(super) addresses: (A, A),
}

/// A frame with its type and payload, in hexadecimal.
pub(super) fn ethernet((from, to): (MacAddr, MacAddr), eth_type: &[u8], payload: &[u8]) -> String {
    let frame = [&to.0[..], &from.0, eth_type, payload].concat();
    frame.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// IPv4 (RFC 791): the words of options, and the field of flags and offset.
pub(super) fn ipv4(
    way: Way<Ipv4Addr>,
    options: &[[u8; 4]],
    fragment: u16,
    (protocol, body): (u8, &[u8]),
) -> String {
    let words = u8::try_from(5 + options.len()).unwrap();
    let length = u16::try_from(20 + 4 * options.len() + body.len()).unwrap();
    let header = [
        &[0x40 | words, 0][..],
        &length.to_be_bytes(),
        &[0, 1],
        &fragment.to_be_bytes(),
        &[64, protocol, 0, 0],
        &way.addresses.0.octets(),
        &way.addresses.1.octets(),
        &options.concat(),
    ];
    ethernet(way.macs, &[0x08, 0x00], &[&header.concat(), body].concat())
}

/// IPv6 (RFC 8200): extension headers by their number and what follows the next header's number.
pub(super) fn ipv6(
    way: Way<Ipv6Addr>,
    extensions: &[(u8, [u8; 7])],
    (protocol, body): (u8, &[u8]),
) -> String {
    let numbers = extensions.iter().map(|(number, _)| *number);
    let mut numbers = numbers.chain([protocol]);
    let first = numbers.next().unwrap();
    let rests = extensions.iter().map(|(_, rest)| rest);
    let headers: Vec<u8> = numbers
        .zip(rests)
        .flat_map(|(next, rest)| [&[next][..], rest].concat())
        .collect();
    let length = u16::try_from(headers.len() + body.len()).unwrap();
    let header = [
        &[0x60, 0, 0, 0][..],
        &length.to_be_bytes(),
        &[first, 64],
        &way.addresses.0.octets(),
        &way.addresses.1.octets(),
        &headers,
        body,
    ];
    ethernet(way.macs, &[0x86, 0xdd], &header.concat())
}

/// The header of TCP that asks for a connection (RFC 9293).
pub(super) fn tcp(port: u16) -> Vec<u8> {
    let rest = [&[0; 8][..], &[0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]].concat();
    [&40_000_u16.to_be_bytes()[..], &port.to_be_bytes(), &rest].concat()
}

/// The header of UDP (RFC 768), and a word.
pub(super) fn udp(from: u16, to: u16) -> Vec<u8> {
    let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
    [&ports[..], &[0, 12, 0, 0], &[0; 4]].concat()
}

/// A router advertisement without options (RFC 4861).
pub(super) fn router_advertisement() -> Vec<u8> {
    [&[134, 0, 0, 0, 64, 0, 0x07, 0x08][..], &[0; 8]].concat()
}
