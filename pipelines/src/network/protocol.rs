//! IP protocols, by the names that Neutron takes.

use std::{fmt, str::FromStr};

use openflow::field::IpProto;

use super::Problem;

/// An IP protocol number (IANA, "Assigned Internet Protocol Numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub IpProto);

impl Protocol {
    /// ICMP of IPv4.
    pub const ICMP: Self = Self(IpProto::ICMP);
    /// TCP.
    pub const TCP: Self = Self(IpProto::TCP);
    /// UDP.
    pub const UDP: Self = Self(IpProto::UDP);
    /// IPv6 in another packet.
    const IPV6_ENCAP: Self = Self(IpProto(41));
    /// IPv6's routing header.
    const IPV6_ROUTE: Self = Self(IpProto(43));
    /// IPv6's fragment header.
    const IPV6_FRAG: Self = Self(IpProto(44));
    /// ICMP of IPv6.
    pub const ICMPV6: Self = Self(IpProto::ICMPV6);
    /// IPv6's "no next header".
    const IPV6_NONXT: Self = Self(IpProto(59));
    /// IPv6's destination options.
    const IPV6_OPTS: Self = Self(IpProto(60));
    /// SCTP.
    pub const SCTP: Self = Self(IpProto::SCTP);

    const NAMES: [(&'static str, Self); 24] = [
        ("hopopt", Self(IpProto(0))),
        ("icmp", Self::ICMP),
        ("igmp", Self(IpProto(2))),
        ("ipip", Self(IpProto(4))),
        ("tcp", Self::TCP),
        ("egp", Self(IpProto(8))),
        ("udp", Self::UDP),
        ("dccp", Self(IpProto(33))),
        ("ipv6-encap", Self::IPV6_ENCAP),
        ("ipv6-route", Self::IPV6_ROUTE),
        ("ipv6-frag", Self::IPV6_FRAG),
        ("rsvp", Self(IpProto(46))),
        ("gre", Self(IpProto(47))),
        ("esp", Self(IpProto(50))),
        ("ah", Self(IpProto(51))),
        ("ipv6-icmp", Self::ICMPV6),
        ("icmpv6", Self::ICMPV6),
        ("ipv6-nonxt", Self::IPV6_NONXT),
        ("ipv6-opts", Self::IPV6_OPTS),
        ("ospf", Self(IpProto(89))),
        ("vrrp", Self(IpProto(112))),
        ("pgm", Self(IpProto(113))),
        ("sctp", Self::SCTP),
        ("udplite", Self(IpProto(136))),
    ];

    /// Whether Neutron takes it in IPv6 rules only.
    pub(super) fn is_ipv6_only(self) -> bool {
        let only = [
            Self::IPV6_ENCAP,
            Self::IPV6_ROUTE,
            Self::IPV6_FRAG,
            Self::ICMPV6,
            Self::IPV6_NONXT,
            Self::IPV6_OPTS,
        ];
        only.contains(&self)
    }
}

impl FromStr for Protocol {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        if let Ok(number) = text.parse() {
            return Ok(Self(IpProto(number)));
        }
        let found = Self::NAMES
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        let expected = "an IP protocol by name (tcp, udp, icmp, ...) or number (0-255)";
        let unknown = || Problem::UnknownWord {
            word: text.to_owned(),
            expected,
        };
        found.map(|(_, protocol)| *protocol).ok_or_else(unknown)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(_, protocol)| protocol == self) {
            Some((name, _)) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neutrons_names_are_read_in_any_case() {
        // Those of neutron-lib, `any` and `ip` aside, which name no protocol.
        let names = [
            ("ah", 51),
            ("dccp", 33),
            ("egp", 8),
            ("esp", 50),
            ("gre", 47),
            ("hopopt", 0),
            ("icmp", 1),
            ("icmpv6", 58),
            ("igmp", 2),
            ("ipip", 4),
            ("ipv6-encap", 41),
            ("ipv6-frag", 44),
            ("ipv6-icmp", 58),
            ("ipv6-nonxt", 59),
            ("ipv6-opts", 60),
            ("ipv6-route", 43),
            ("ospf", 89),
            ("pgm", 113),
            ("rsvp", 46),
            ("sctp", 132),
            ("tcp", 6),
            ("udp", 17),
            ("udplite", 136),
            ("vrrp", 112),
        ];
        assert_eq!(names.len(), Protocol::NAMES.len());
        for (name, number) in names {
            let protocol = Ok(Protocol(IpProto(number)));
            assert_eq!(name.parse(), protocol, "{name}");
            assert_eq!(name.to_uppercase().parse(), protocol, "{name}");
        }
    }

    #[test]
    fn every_number_is_read_and_what_is_written_reads_back() {
        for number in 0..=u8::MAX {
            let protocol = Ok(Protocol(IpProto(number)));
            assert_eq!(number.to_string().parse(), protocol);
            assert_eq!(Protocol(IpProto(number)).to_string().parse(), protocol);
        }
        for text in ["256", "-1", "", "nosuch", "6 "] {
            assert!(text.parse::<Protocol>().is_err(), "{text:?}");
        }
    }
}
