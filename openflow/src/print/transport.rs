//! What flows could match of a packet beyond its IP header, and the checksum that stands there.

use std::fmt::{self, Display, Formatter};
use std::net::Ipv6Addr;

use super::key::Cursor;
use crate::field::format::{Ipv6Text, flag_name, named_flags};
use crate::field::{EthType, IpProto, MacAddr, TcpFlags};

/// Two ports, or the type and code of a message; zeros if the packet ends before them.
#[derive(Debug, Default)]
pub(super) struct Transport {
    source: u16,
    destination: u16,
    flags: u16,
    neighbour: Option<Neighbour>,
}

/// What a message of neighbour discovery is about.
#[derive(Debug)]
struct Neighbour {
    target: Ipv6Addr,
    source: MacAddr,
    destination: MacAddr,
}

const IGMP: IpProto = IpProto(2);

impl Transport {
    /// What a packet of `proto` has; nothing if OVS knows no more of it.
    pub(super) fn of(proto: IpProto, payload: &[u8]) -> Option<Self> {
        let cursor = Cursor(payload);
        let found = match proto {
            IpProto::TCP => tcp(cursor),
            IpProto::UDP => ports(cursor, 8),
            IpProto::SCTP => ports(cursor, 12),
            IpProto::ICMP | IGMP => codes(cursor),
            IpProto::ICMPV6 => icmpv6(cursor),
            _ => return None,
        };
        Some(found.unwrap_or_default())
    }

    pub(super) fn print(
        &self,
        eth_type: EthType,
        proto: IpProto,
        f: &mut Formatter<'_>,
    ) -> fmt::Result {
        let message = matches!(
            (eth_type, proto),
            (EthType::IPV4, IpProto::ICMP) | (EthType::IPV6, IpProto::ICMPV6)
        );
        let (source, destination) = (self.source, self.destination);
        if message {
            write!(f, ",icmp_type={source},icmp_code={destination}")?;
        } else {
            write!(f, ",tp_src={source},tp_dst={destination}")?;
        }
        if let (EthType::IPV6, Some(neighbour)) = (eth_type, &self.neighbour) {
            let Neighbour {
                target,
                source,
                destination,
            } = neighbour;
            let target = Ipv6Text(*target);
            write!(
                f,
                ",nd_target={target},nd_sll={source},nd_tll={destination}"
            )?;
        }
        if proto == IpProto::TCP {
            f.write_str(",tcp_flags=")?;
            let (value, all) = (self.flags.into(), 0xfff);
            named_flags(value, all, all, flag_name::<TcpFlags>, f)?;
        }
        Ok(())
    }
}

fn tcp(mut cursor: Cursor<'_>) -> Option<Transport> {
    let whole = cursor.0.len();
    let [s0, s1, d0, d1, _, _, _, _, _, _, _, _, c0, c1, ..] = cursor.array::<20>()?;
    let control = u16::from_be_bytes([c0, c1]);
    let size = usize::from(control >> 12) * 4;
    (20..=whole).contains(&size).then_some(Transport {
        source: u16::from_be_bytes([s0, s1]),
        destination: u16::from_be_bytes([d0, d1]),
        flags: control & 0xfff,
        neighbour: None,
    })
}

/// The ports in a header of `size` bytes.
fn ports(mut cursor: Cursor<'_>, size: usize) -> Option<Transport> {
    cursor.0.get(..size)?;
    Some(Transport {
        source: u16::from_be_bytes(cursor.array()?),
        destination: u16::from_be_bytes(cursor.array()?),
        ..Transport::default()
    })
}

fn codes(mut cursor: Cursor<'_>) -> Option<Transport> {
    let [kind, code, ..] = cursor.array::<8>()?;
    Some(Transport {
        source: kind.into(),
        destination: code.into(),
        ..Transport::default()
    })
}

fn icmpv6(cursor: Cursor<'_>) -> Option<Transport> {
    let mut transport = codes(cursor)?;
    if matches!((transport.source, transport.destination), (135 | 136, 0)) {
        transport.neighbour = Some(neighbour(cursor).unwrap_or(NOBODY));
    }
    Some(transport)
}

const NOBODY: Neighbour = Neighbour {
    target: Ipv6Addr::UNSPECIFIED,
    source: MacAddr([0; 6]),
    destination: MacAddr([0; 6]),
};

/// Reads the target and the addresses of the link; nothing if one is told twice.
fn neighbour(mut cursor: Cursor<'_>) -> Option<Neighbour> {
    cursor.skip(8)?;
    let mut found = Neighbour {
        target: cursor.array()?.into(),
        ..NOBODY
    };
    while let Some([kind, size, address @ ..]) = cursor.0.first_chunk::<8>() {
        let length = usize::from(*size) * 8;
        if length == 0 || cursor.0.len() < length {
            break;
        }
        let place = match kind {
            1 => Some(&mut found.source),
            2 => Some(&mut found.destination),
            _ => None,
        };
        if let Some(place) = place.filter(|_| *size == 1) {
            if *place != MacAddr([0; 6]) {
                return None;
            }
            *place = MacAddr(*address);
        }
        cursor.skip(length)?;
    }
    Some(found)
}

/// The checksum of a packet's payload, which is told, not checked.
#[derive(Debug)]
pub(super) struct Checksum {
    name: &'static str,
    value: u32,
}

impl Checksum {
    pub(super) fn of(proto: IpProto, payload: &[u8]) -> Option<Self> {
        let (name, at, size) = match proto {
            IpProto::TCP => ("tcp", 16, 20),
            IpProto::UDP => ("udp", 6, 8),
            IpProto::SCTP => ("sctp", 8, 12),
            IpProto::ICMP => ("icmp", 2, 8),
            IpProto::ICMPV6 => ("icmp6", 2, 4),
            _ => return None,
        };
        payload.get(..size)?;
        let mut cursor = Cursor(payload);
        cursor.skip(at)?;
        let value = match proto {
            IpProto::SCTP => u32::from_be_bytes(cursor.array()?),
            _ => u16::from_be_bytes(cursor.array()?).into(),
        };
        Some(Self { name, value })
    }
}

impl Display for Checksum {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}_csum:{:x}", self.name, self.value)
    }
}
