//! What a client says, as far as its server has to know.
//!
//! Nothing of a message is read that is not needed, and what is broken is dropped as a whole.

use std::net::Ipv6Addr;

use dhcproto::v6::{MessageType, OptionCode};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use super::super::Refusal;

/// A message of a client.
pub(super) struct Request {
    pub(super) kind: MessageType,
    /// Its number, which the answer repeats.
    pub(super) xid: [u8; 3],
    /// Where the answer goes.
    pub(super) source: Ipv6Addr,
    /// How the client calls itself.
    pub(super) client: Option<Vec<u8>>,
    /// The server that it has chosen.
    pub(super) server: Option<Vec<u8>>,
    /// Whether it takes its addresses at once.
    pub(super) rapid_commit: bool,
    /// What it wants addresses for.
    pub(super) associations: Vec<Association>,
}

/// An identity association: something that a client has addresses for (`IA_NA`).
pub(super) struct Association {
    pub(super) id: u32,
    /// Those that it has, or wishes for.
    pub(super) addresses: Vec<Ipv6Addr>,
}

impl Request {
    /// Reads a frame that a port has sent.
    pub(super) fn read(frame: &[u8]) -> Result<Self, Refusal> {
        let packet = SlicedPacket::from_ethernet(frame);
        let packet = packet.map_err(|error| malformed(&error))?;
        let (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Udp(udp))) =
            (packet.net, packet.transport)
        else {
            return Err(malformed(&"no UDP over IPv6, or a fragment"));
        };
        let header = udp.payload().split_first_chunk::<4>();
        let (&[kind, xid @ ..], rest) = header.ok_or_else(|| malformed(&"no header"))?;
        let mut request = Self {
            kind: MessageType::from(kind),
            xid,
            source: ip.header().source_addr(),
            client: None,
            server: None,
            rapid_commit: false,
            associations: Vec::new(),
        };
        // Relays have a header of their own.
        if matches!(
            request.kind,
            MessageType::RelayForw | MessageType::RelayRepl
        ) {
            return Err(malformed(&"relayed, expected no relay"));
        }
        for (code, value) in options(rest)? {
            match OptionCode::from(code) {
                OptionCode::ClientId => request.client = Some(value.to_owned()),
                OptionCode::ServerId => request.server = Some(value.to_owned()),
                OptionCode::RapidCommit => request.rapid_commit = true,
                OptionCode::IANA => request.associations.push(association(value)?),
                _ => {}
            }
        }
        // Who only wants to be told something need not say who it is (RFC 8415, section 18.2.6).
        if request.client.is_none() && request.kind != MessageType::InformationRequest {
            return Err(malformed(&"no client identifier"));
        }
        Ok(request)
    }
}

/// An association: its number, two times, and options that hold addresses (RFC 8415, section 21.4).
fn association(value: &[u8]) -> Result<Association, Refusal> {
    let header = value.split_first_chunk::<12>();
    let (header, rest) = header.ok_or_else(|| malformed(&"an association that is cut short"))?;
    let id = header.first_chunk().copied().unwrap_or_default();
    let mut addresses = Vec::new();
    for (code, value) in options(rest)? {
        if OptionCode::from(code) == OptionCode::IAAddr {
            let octets = value.first_chunk::<16>();
            let octets = octets.ok_or_else(|| malformed(&"an address that is cut short"))?;
            addresses.push(Ipv6Addr::from(*octets));
        }
    }
    Ok(Association {
        id: u32::from_be_bytes(id),
        addresses,
    })
}

/// The options of a message, or of an option, each with its code (RFC 8415, section 21.1).
fn options(mut rest: &[u8]) -> Result<Vec<(u16, &[u8])>, Refusal> {
    let mut options = Vec::new();
    while let Some((&[a, b, c, d], after)) = rest.split_first_chunk() {
        let code = u16::from_be_bytes([a, b]);
        let length = usize::from(u16::from_be_bytes([c, d]));
        let (value, after) = after
            .split_at_checked(length)
            .ok_or_else(|| malformed(&format!("option {code} is cut short")))?;
        options.push((code, value));
        rest = after;
    }
    match rest {
        [] => Ok(options),
        _ => Err(malformed(&"something after the last option")),
    }
}

fn malformed(problem: &dyn std::fmt::Display) -> Refusal {
    Refusal::Malformed(problem.to_string())
}
