//! How `ovs-ofctl` writes the value of a field.
//!
//! These are the forms of `set_field` and of lists of fields. A match has a few forms of its own,
//! which [`Match`](crate::matching::Match) knows.

use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{CtState, MacAddr, PacketType, PortNo, TcpFlags, TunFlags, Value};
use crate::names::Names;

/// How the values of a field are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A number, in tens; its mask in hexadecimal.
    Decimal,
    /// A number, in hexadecimal.
    Hexadecimal,
    /// An Ethernet address.
    Mac,
    /// An IPv4 address; its mask as a length if it is one.
    Ipv4,
    /// An IPv6 address; its mask as a length if it is one.
    Ipv6,
    /// A port: its number or its reserved name.
    Port,
    /// `yes`, `first`, `later` and their like.
    Fragment,
    /// `+est-new`.
    CtState,
    /// `+syn-ack`.
    TcpFlags,
    /// `+oam`.
    TunFlags,
    /// A namespace and a type.
    PacketType,
}

impl Format {
    /// Writes `value`, and `mask` unless it is absent; ports by the names that `names` gives them.
    ///
    /// # Errors
    ///
    /// Only those of the formatter.
    pub fn write(
        self,
        value: &[u8],
        mask: Option<&[u8]>,
        names: &Names,
        f: &mut Formatter<'_>,
    ) -> fmt::Result {
        match self {
            Self::Decimal => {
                write!(f, "{}", number(value))?;
                slash(f, mask.map(Hex))
            }
            Self::Hexadecimal => {
                Hex(value).fmt(f)?;
                slash(f, mask.map(Hex))
            }
            Self::Mac => {
                show::<MacAddr>(value, f)?;
                slash(f, mask.and_then(MacAddr::from_bytes))
            }
            Self::Ipv4 => {
                show::<Ipv4Addr>(value, f)?;
                match mask.and_then(u32::from_bytes) {
                    None => Ok(()),
                    Some(mask) if mask.leading_ones() + mask.trailing_zeros() >= 32 => {
                        write!(f, "/{}", mask.leading_ones())
                    }
                    Some(mask) => write!(f, "/{}", Ipv4Addr::from(mask)),
                }
            }
            Self::Ipv6 => {
                Ipv6Addr::from_bytes(value).map_or(Ok(()), |it| Ipv6Text(it).fmt(f))?;
                match mask.and_then(u128::from_bytes) {
                    None => Ok(()),
                    Some(mask) if mask.leading_ones() + mask.trailing_zeros() >= 128 => {
                        write!(f, "/{}", mask.leading_ones())
                    }
                    Some(mask) => write!(f, "/{}", Ipv6Text(mask.into())),
                }
            }
            Self::Port => {
                let narrow = u16::from_bytes(value).map(PortNo::from_16);
                let port = narrow.or_else(|| PortNo::from_bytes(value));
                port.map_or(Ok(()), |port| names.port(port).fmt(f))
            }
            Self::Fragment => f.write_str(fragment(number(value), mask.map_or(0xff, number))),
            Self::CtState => flags::<CtState>(value, mask, u32::MAX.into(), f),
            Self::TcpFlags => flags::<TcpFlags>(value, mask, 0xfff, f),
            Self::TunFlags => flags::<TunFlags>(value, mask, 1, f),
            Self::PacketType => show::<PacketType>(value, f),
        }
    }
}

/// An IPv6 address as the C library writes it: after six words of zeros, the rest is as in IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ipv6Text(pub(crate) Ipv6Addr);

impl Display for Ipv6Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.segments() {
            [0, 0, 0, 0, 0, 0, next, _] if next != 0 => {
                let [.., a, b, c, d] = self.0.octets();
                write!(f, "::{}", Ipv4Addr::new(a, b, c, d))
            }
            _ => self.0.fmt(f),
        }
    }
}

/// A number of any length in hexadecimal: `0x` and no leading zeros, but a plain `0`.
#[derive(Clone, Copy)]
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut bytes = self.0.iter().skip_while(|byte| **byte == 0);
        match bytes.next() {
            None => return f.write_str("0"),
            Some(first) => write!(f, "{first:#x}")?,
        }
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The unsigned number of up to 16 bytes in network order.
pub(crate) fn number(bytes: &[u8]) -> u128 {
    let mut wide = [0; 16];
    let unused = wide.len().saturating_sub(bytes.len());
    if let Some(low) = wide
        .get_mut(unused..)
        .filter(|low| low.len() == bytes.len())
    {
        low.copy_from_slice(bytes);
    }
    u128::from_be_bytes(wide)
}

/// Flags with a name each: `+est-new` under a mask, `est|trk` without, as `ovs-ofctl` does.
pub(crate) fn named_flags(
    value: u128,
    mask: u128,
    full: u128,
    name: impl Fn(u128) -> Option<&'static str>,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    let bits = |of: u128| (0..32).map(|bit| 1 << bit).filter(move |bit| of & bit != 0);
    if mask == full {
        if value == 0 {
            return f.write_str("0");
        }
        let mut separator = "";
        for bit in bits(value).filter(|bit| name(*bit).is_some()) {
            write!(f, "{separator}{}", Lower(name(bit).unwrap_or_default()))?;
            separator = "|";
        }
        let unnamed: u128 = bits(value).filter(|bit| name(*bit).is_none()).sum();
        return match unnamed {
            0 => Ok(()),
            _ => write!(f, "{separator}{unnamed:#x}"),
        };
    }
    if mask == 0 {
        return f.write_str("0/0");
    }
    bits(mask).try_for_each(|bit| {
        let sign = if value & bit == 0 { '-' } else { '+' };
        write!(f, "{sign}{}", Lower(name(bit).unwrap_or("[Unknown]")))
    })
}

/// The name of one flag of a set, for [`named_flags`].
pub(crate) fn flag_name<T>(bit: u128) -> Option<&'static str>
where
    T: bitflags::Flags,
    T::Bits: Into<u128>,
{
    // OVS has a way of writing the reserved flags of TCP.
    let reserved = |bit| match bit {
        0x200 => Some("[200]"),
        0x400 => Some("[400]"),
        0x800 => Some("[800]"),
        _ => None,
    };
    let named = T::FLAGS
        .iter()
        .find(|flag| flag.value().bits().into() == bit);
    named.map_or_else(|| reserved(bit), |flag| Some(flag.name()))
}

/// Which fragments a match on `ip_frag` accepts; `value` and `mask` count two bits.
pub(crate) fn fragment(value: u128, mask: u128) -> &'static str {
    match (value & mask & 3, mask & 3) {
        (0, 1 | 3) => "no",
        (1, 1) => "yes",
        (1, 3) => "first",
        (2, 2) | (3, 3) => "later",
        (0, 2) => "not_later",
        _ => "<error>",
    }
}

fn flags<T>(value: &[u8], mask: Option<&[u8]>, full: u128, f: &mut Formatter<'_>) -> fmt::Result
where
    T: bitflags::Flags,
    T::Bits: Into<u128>,
{
    named_flags(
        number(value),
        mask.map_or(full, number),
        full,
        flag_name::<T>,
        f,
    )
}

fn show<T: Value + Display>(value: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    T::from_bytes(value).map_or(Ok(()), |value| value.fmt(f))
}

fn slash(f: &mut Formatter<'_>, mask: Option<impl Display>) -> fmt::Result {
    mask.map_or(Ok(()), |mask| write!(f, "/{mask}"))
}

struct Lower(&'static str);

impl Display for Lower {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            "[Unknown]" => f.write_str(self.0),
            name => name
                .chars()
                .try_for_each(|c| write!(f, "{}", c.to_ascii_lowercase())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_that_is_short_ends_as_one_of_ipv4() {
        for (address, text) in [
            ("::20:1", "::0.32.0.1"),
            ("::20", "::20"),
            ("::ffff:20:1", "::ffff:0.32.0.1"),
            ("::1:20:1", "::1:20:1"),
            ("::", "::"),
        ] {
            let address: Ipv6Addr = address.parse().unwrap();
            assert_eq!(Ipv6Text(address).to_string(), text);
            assert_eq!(text.parse(), Ok(address));
        }
    }
}
