//! Network address translation, within [`Ct`](super::Ct).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::declare::flags;
use crate::field::format::Ipv6Text;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Translates addresses and ports of the connection (`NXAST_NAT`).
///
/// Without flags, it translates as the connection's first packet said.
///
/// ```
/// # use openflow::action::{AddressRange, Nat, NatFlags};
/// let address = [192, 0, 2, 1].into();
/// let nat = Nat { flags: NatFlags::SRC, addresses: AddressRange::V4(address, None), ..Nat::default() };
/// assert_eq!(nat.to_string(), "nat(src=192.0.2.1)");
/// assert_eq!(Nat::default().to_string(), "nat");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nat {
    /// What is translated, and how an address is chosen.
    pub flags: NatFlags,
    /// The addresses to choose from.
    pub addresses: AddressRange,
    /// The ports to choose from; needs addresses.
    pub ports: Option<PortRange>,
}

flags! {
    /// What is translated, and how an address and port are chosen.
    pub struct NatFlags(u16) {
        /// The source.
        SRC = 0x01;
        /// The destination.
        DST = 0x02;
        /// Choose the same after a restart.
        PERSISTENT = 0x04;
        /// Choose ports by a hash.
        PROTO_HASH = 0x08;
        /// Choose ports at random.
        PROTO_RANDOM = 0x10;
    }
}

/// Addresses, from the first to the last, if there is more than one.
///
/// A last address that is the first is like none.
#[derive(Clone, Copy, Debug, Default)]
pub enum AddressRange {
    /// The address stays what it is.
    #[default]
    None,
    /// IPv4 addresses.
    V4(Ipv4Addr, Option<Ipv4Addr>),
    /// IPv6 addresses.
    V6(Ipv6Addr, Option<Ipv6Addr>),
}

impl PartialEq for AddressRange {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::None, Self::None) => true,
            (Self::V4(first, last), Self::V4(other, other_last)) => {
                (first, last.unwrap_or(first)) == (other, other_last.unwrap_or(other))
            }
            (Self::V6(first, last), Self::V6(other, other_last)) => {
                (first, last.unwrap_or(first)) == (other, other_last.unwrap_or(other))
            }
            _ => false,
        }
    }
}

impl Eq for AddressRange {}

/// Ports, from the first to the last, if there is more than one.
///
/// A last port that is the first is like none.
#[derive(Clone, Copy, Debug)]
pub struct PortRange {
    /// The first port; not 0.
    pub first: u16,
    /// The last port.
    pub last: Option<u16>,
}

impl PartialEq for PortRange {
    fn eq(&self, other: &Self) -> bool {
        let ends = |range: &Self| (range.first, range.last.unwrap_or(range.first));
        ends(self) == ends(other)
    }
}

impl Eq for PortRange {}

flags! {
    /// What of a range follows.
    struct Present(u16) {
        IPV4_MIN = 0x01;
        IPV4_MAX = 0x02;
        IPV6_MIN = 0x04;
        IPV6_MAX = 0x08;
        PROTO_MIN = 0x10;
        PROTO_MAX = 0x20;
    }
}

impl Wire for Nat {
    fn encode(&self, out: &mut Writer) {
        out.zeros(2);
        self.flags.encode(out);
        self.present().encode(out);
        match self.addresses.sent() {
            AddressRange::None => {}
            AddressRange::V4(first, last) => {
                first.encode(out);
                last.iter().for_each(|last| last.encode(out));
            }
            AddressRange::V6(first, last) => {
                first.encode(out);
                last.iter().for_each(|last| last.encode(out));
            }
        }
        if let Some(PortRange { first, last }) = self.ports {
            first.encode(out);
            last.iter().for_each(|last| last.encode(out));
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.skip(2)?;
        let at = input.place("Nat.flags");
        let wrong = |value: u16| {
            let value = value.into();
            at.error(Problem::BadValue { value })
        };
        let flags = NatFlags::decode(input)?;
        let both = |flag| flags.contains(flag);
        if both(NatFlags::SRC | NatFlags::DST)
            || both(NatFlags::PROTO_HASH | NatFlags::PROTO_RANDOM)
            || flags.bits() & !NatFlags::all().bits() != 0
        {
            return Err(wrong(flags.bits()));
        }
        let present = Present::decode(input)?;
        if !present.is_consistent() {
            return Err(wrong(present.bits()));
        }
        let addresses = if present.contains(Present::IPV4_MIN) {
            let (first, last) = range(input, present.contains(Present::IPV4_MAX))?;
            AddressRange::V4(first, last)
        } else if present.contains(Present::IPV6_MIN) {
            let (first, last) = range(input, present.contains(Present::IPV6_MAX))?;
            AddressRange::V6(first, last)
        } else {
            AddressRange::None
        };
        let mut ports = None;
        if present.contains(Present::PROTO_MIN) {
            let (first, last) = range(input, present.contains(Present::PROTO_MAX))?;
            ports = Some(PortRange { first, last });
        }
        Ok(Self {
            flags,
            addresses,
            ports,
        })
    }
}

impl Nat {
    fn present(&self) -> Present {
        let if_some = |there, flag| if there { flag } else { Present::empty() };
        let addresses = match self.addresses.sent() {
            AddressRange::None => Present::empty(),
            AddressRange::V4(_, last) => {
                Present::IPV4_MIN | if_some(last.is_some(), Present::IPV4_MAX)
            }
            AddressRange::V6(_, last) => {
                Present::IPV6_MIN | if_some(last.is_some(), Present::IPV6_MAX)
            }
        };
        let ports = self.ports.map_or_else(Present::empty, |ports| {
            Present::PROTO_MIN | if_some(ports.last.is_some(), Present::PROTO_MAX)
        });
        addresses | ports
    }
}

impl AddressRange {
    /// What the wire can say: a range that starts with no address is none.
    const fn sent(self) -> Self {
        match self {
            Self::V4(Ipv4Addr::UNSPECIFIED, _) | Self::V6(Ipv6Addr::UNSPECIFIED, _) => Self::None,
            range => range,
        }
    }
}

impl Present {
    /// Whether no range has an end without a start, there are not two kinds of addresses, and
    /// ports come with addresses.
    fn is_consistent(self) -> bool {
        let paired = |min, max| !self.contains(max) || self.contains(min);
        paired(Self::IPV4_MIN, Self::IPV4_MAX)
            && paired(Self::IPV6_MIN, Self::IPV6_MAX)
            && paired(Self::PROTO_MIN, Self::PROTO_MAX)
            && !self.contains(Self::IPV4_MIN | Self::IPV6_MIN)
            && (!self.contains(Self::PROTO_MIN) || self.intersects(Self::IPV4_MIN | Self::IPV6_MIN))
    }
}

/// Reads the ends of a range, the first of which is not zero and the last not below it.
fn range<T: Wire + PartialOrd + Zero>(
    input: &mut Reader<'_>,
    has_last: bool,
) -> Result<(T, Option<T>), DecodeError> {
    let at = input.error("Nat.range", Problem::BadValue { value: 0 });
    let first = T::decode(input).map_err(|e| e.reading("Nat.range"))?;
    let last = match has_last {
        true => Some(T::decode(input).map_err(|e| e.reading("Nat.range"))?),
        false => None,
    };
    if first == T::ZERO || last.as_ref().is_some_and(|last| *last < first) {
        return Err(at);
    }
    Ok((first, last))
}

/// A type with a value that a range cannot start with.
trait Zero {
    const ZERO: Self;
}

impl Zero for u16 {
    const ZERO: Self = 0;
}

impl Zero for Ipv4Addr {
    const ZERO: Self = Self::UNSPECIFIED;
}

impl Zero for Ipv6Addr {
    const ZERO: Self = Self::UNSPECIFIED;
}

impl Text for Nat {
    fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.flags & (NatFlags::SRC | NatFlags::DST) {
            NatFlags::SRC => "src",
            NatFlags::DST => "dst",
            _ => return f.write_str("nat"),
        };
        write!(f, "nat({direction}")?;
        if self.addresses == AddressRange::None {
            return f.write_str(")");
        }
        f.write_str("=")?;
        match self.addresses {
            AddressRange::None => {}
            AddressRange::V4(first, last) => ends(first, last, f)?,
            AddressRange::V6(first, last) if self.ports.is_some() => {
                ends(Bracketed(first), last.map(Bracketed), f)?;
            }
            AddressRange::V6(first, last) => ends(Ipv6Text(first), last.map(Ipv6Text), f)?,
        }
        if let Some(PortRange { first, last }) = self.ports {
            f.write_str(":")?;
            ends(first, last, f)?;
        }
        for (flag, word) in [
            (NatFlags::PERSISTENT, ",persistent"),
            (NatFlags::PROTO_HASH, ",hash"),
            (NatFlags::PROTO_RANDOM, ",random"),
        ] {
            if self.flags.contains(flag) {
                f.write_str(word)?;
            }
        }
        f.write_str(")")
    }
}

/// Writes a range; the last only if it is another than the first.
fn ends<T: fmt::Display + PartialEq>(
    first: T,
    last: Option<T>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match last {
        Some(last) if last != first => write!(f, "{first}-{last}"),
        _ => write!(f, "{first}"),
    }
}

/// An IPv6 address that a port follows.
#[derive(PartialEq)]
struct Bracketed(Ipv6Addr);

impl fmt::Display for Bracketed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", Ipv6Text(self.0))
    }
}
