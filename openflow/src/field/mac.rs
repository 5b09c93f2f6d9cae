//! Ethernet addresses.
//!
//! A type of this crate rather than a dependency: it is six bytes, and `ovs-ofctl` has its own
//! ways of writing them and their masks.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::wire::{DecodeError, Reader, Wire, Writer};

/// An Ethernet address.
///
/// ```
/// # use openflow::field::MacAddr;
/// let mac: MacAddr = "fa:16:3e:00:00:01".parse()?;
/// assert_eq!(mac.to_string(), "fa:16:3e:00:00:01");
/// assert!(!mac.is_multicast());
/// # Ok::<(), openflow::field::InvalidMac>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// The address of every station.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// The address that no station has.
    pub const ZERO: Self = Self([0; 6]);

    /// The single bit that tells a group of stations from one station; a mask.
    pub const MULTICAST_BIT: Self = Self([1, 0, 0, 0, 0, 0]);

    /// Whether the address names a group of stations. The broadcast address does.
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 1
    }

    /// The IPv6 address in `fe80::/64` that a station makes of its MAC (RFC 4291, appendix A).
    #[must_use]
    pub fn link_local(self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        Ipv6Addr::from([
            0xfe,
            0x80,
            0,
            0,
            0,
            0,
            0,
            0,
            a ^ 2,
            b,
            c,
            0xff,
            0xfe,
            d,
            e,
            f,
        ])
    }

    /// The group that IPv6 packets to `address` are sent to (RFC 2464, section 7).
    #[must_use]
    pub const fn of_multicast(address: Ipv6Addr) -> Self {
        let [.., a, b, c, d] = address.octets();
        Self([0x33, 0x33, a, b, c, d])
    }
}

impl From<[u8; 6]> for MacAddr {
    fn from(octets: [u8; 6]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no Ethernet address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an Ethernet address such as 00:11:22:33:44:55")]
pub struct InvalidMac {
    /// The text.
    pub text: String,
}

impl FromStr for MacAddr {
    type Err = InvalidMac;

    /// Reads six groups of one or two hexadecimal digits, between colons.
    fn from_str(text: &str) -> Result<Self, InvalidMac> {
        let octets = || {
            let mut parts = text.split(':');
            let mut octets = [0; 6];
            for octet in &mut octets {
                let digits = |part: &&str| part.len() <= 2 && !part.starts_with('+');
                *octet = u8::from_str_radix(parts.next().filter(digits)?, 16).ok()?;
            }
            parts.next().is_none().then_some(octets)
        };
        octets().map(Self).ok_or_else(|| InvalidMac {
            text: text.to_owned(),
        })
    }
}

impl Wire for MacAddr {
    fn encode(&self, out: &mut Writer) {
        out.put(&self.0);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.array().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_must_have_six_groups_of_at_most_two_digits() {
        assert_eq!("0:1:2:3:4:ff".parse(), Ok(MacAddr([0, 1, 2, 3, 4, 255])));
        for wrong in [
            "",
            "1:2:3:4:5",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:+6",
            "1:2:3:4:5:006",
            "1:2:3:4:5:",
        ] {
            assert!(wrong.parse::<MacAddr>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_link_local_address_inverts_the_universal_bit() {
        let mac = MacAddr([0xfa, 0x16, 0x3e, 1, 2, 3]);
        assert_eq!(mac.link_local().to_string(), "fe80::f816:3eff:fe01:203");
    }

    #[test]
    fn a_multicast_address_is_mapped_by_its_last_four_bytes() {
        let mac = MacAddr::of_multicast(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff01, 0x203));
        assert_eq!(mac.to_string(), "33:33:ff:01:02:03");
        assert!(mac.is_multicast());
    }
}
