//! What listeners and multicast routers say: IGMP (RFC 3376), MLD (RFC 3810) and PIM (RFC 7761).
//!
//! Older versions are subsets. Sources are not told apart: who wants some sources of a group gets
//! them all, and its machine leaves out the rest.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::checksum::Sum16BitWords;
use etherparse::{Icmpv6Slice, IpNumber, Ipv4Slice, Ipv6Slice, NetSlice, SlicedPacket};
use pipelines::multicast::has_listeners;

use super::super::Refusal;

/// The protocol of multicast routers among themselves.
const PIM: IpNumber = IpNumber(103);
/// The version of PIM and the type of the message by which a router says that it is there.
const PIM_HELLO: u8 = 0x20;

/// Types of IGMP messages.
mod igmp {
    pub(super) const QUERY: u8 = 0x11;
    pub(super) const REPORT_V1: u8 = 0x12;
    pub(super) const REPORT_V2: u8 = 0x16;
    pub(super) const LEAVE: u8 = 0x17;
    pub(super) const REPORT_V3: u8 = 0x22;
}

/// Types of MLD messages.
mod mld {
    pub(super) const QUERY: u8 = 130;
    pub(super) const REPORT: u8 = 131;
    pub(super) const DONE: u8 = 132;
    pub(super) const REPORT_V2: u8 = 143;
}

/// What a message says about the port that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Which groups it listens to, and which no more.
    Reports(Vec<Report>),
    /// A multicast router is behind it.
    Router,
    /// Nothing of the kind.
    Nothing,
}

/// What a port says of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) group: IpAddr,
    pub(super) listens: bool,
}

impl Heard {
    /// Reads a frame.
    pub(super) fn read(frame: &[u8]) -> Result<Self, Refusal> {
        let sliced = SlicedPacket::from_ethernet(frame);
        let sliced = sliced.map_err(|error| Refusal::Malformed(error.to_string()))?;
        match &sliced.net {
            Some(NetSlice::Ipv4(ip)) => Self::over_ipv4(ip),
            Some(NetSlice::Ipv6(ip)) => Self::over_ipv6(ip),
            _ => Err(malformed("expected IPv4 or IPv6")),
        }
    }

    fn over_ipv4(ip: &Ipv4Slice<'_>) -> Result<Self, Refusal> {
        let message = ip.payload().payload;
        match ip.payload().ip_number {
            PIM => Ok(Self::pim(message)),
            IpNumber::IGMP => {
                if Sum16BitWords::new().add_slice(message).ones_complement() != 0 {
                    return Err(malformed("the checksum is wrong"));
                }
                Self::igmp(ip.header().source_addr(), message)
            }
            _ => Err(malformed("expected IGMP or PIM")),
        }
    }

    fn over_ipv6(ip: &Ipv6Slice<'_>) -> Result<Self, Refusal> {
        let message = ip.payload().payload;
        match ip.payload().ip_number {
            PIM => Ok(Self::pim(message)),
            IpNumber::IPV6_ICMP => Self::mld(ip, message),
            _ => Err(malformed("expected MLD or PIM")),
        }
    }

    fn pim(message: &[u8]) -> Self {
        match message.first() {
            Some(&PIM_HELLO) => Self::Router,
            _ => Self::Nothing,
        }
    }

    fn igmp(source: Ipv4Addr, message: &[u8]) -> Result<Self, Refusal> {
        let (kind, body) = message.split_first().ok_or_else(truncated)?;
        let group = || {
            let group = body.get(3..).and_then(<[u8]>::first_chunk::<4>);
            group
                .map(|group| Ipv4Addr::from(*group))
                .ok_or_else(truncated)
        };
        Ok(match *kind {
            // From there switches ask, not routers (RFC 4541, section 2.1.1).
            igmp::QUERY if source.is_unspecified() => Self::Nothing,
            igmp::QUERY => Self::Router,
            igmp::REPORT_V1 | igmp::REPORT_V2 => Self::report(group()?, true),
            igmp::LEAVE => Self::report(group()?, false),
            igmp::REPORT_V3 => Self::records(message, |address: [u8; 4]| Ipv4Addr::from(address))?,
            _ => Self::Nothing,
        })
    }

    fn mld(ip: &Ipv6Slice<'_>, message: &[u8]) -> Result<Self, Refusal> {
        let header = ip.header();
        let (source, destination) = (header.source_addr(), header.destination_addr());
        // Nothing of it comes from beyond the link (RFC 3810, section 5).
        let is_of_link = source.is_unicast_link_local() || source.is_unspecified();
        if !is_of_link || header.hop_limit() != 1 {
            return Err(malformed("MLD comes from the link, with a hop limit of 1"));
        }
        let icmp = Icmpv6Slice::from_slice(message);
        let icmp = icmp.map_err(|error| Refusal::Malformed(error.to_string()))?;
        if !icmp.is_checksum_valid(source.octets(), destination.octets()) {
            return Err(malformed("the checksum is wrong"));
        }
        let group = || {
            let group = icmp.payload().first_chunk::<16>();
            group
                .map(|group| Ipv6Addr::from(*group))
                .ok_or_else(truncated)
        };
        Ok(match icmp.type_u8() {
            mld::QUERY if source.is_unspecified() => Self::Nothing,
            mld::QUERY => Self::Router,
            mld::REPORT => Self::report(group()?, true),
            mld::DONE => Self::report(group()?, false),
            mld::REPORT_V2 => Self::records(message, |address: [u8; 16]| Ipv6Addr::from(address))?,
            _ => Self::Nothing,
        })
    }

    fn report(group: impl Into<IpAddr>, listens: bool) -> Self {
        let group = group.into();
        let reports = has_listeners(group).then_some(Report { group, listens });
        Self::Reports(reports.into_iter().collect())
    }

    /// Reads the records of IGMPv3 and MLDv2, which differ in the length of addresses only.
    fn records<const LENGTH: usize, Address: Into<IpAddr>>(
        message: &[u8],
        address: impl Fn([u8; LENGTH]) -> Address,
    ) -> Result<Self, Refusal> {
        let (head, mut rest) = message.split_first_chunk::<8>().ok_or_else(truncated)?;
        let [.., high, low] = *head;
        let mut reports = Vec::new();
        for _ in 0..u16::from_be_bytes([high, low]) {
            let (head, after) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
            let (group, after) = after.split_first_chunk::<LENGTH>().ok_or_else(truncated)?;
            let [kind, auxiliary, high, low] = *head;
            let sources = usize::from(u16::from_be_bytes([high, low]));
            let skipped = sources * LENGTH + usize::from(auxiliary) * 4;
            rest = after.get(skipped..).ok_or_else(truncated)?;
            let group = address(*group).into();
            let listens = listens(kind, sources).filter(|_| has_listeners(group));
            reports.extend(listens.map(|listens| Report { group, listens }));
        }
        Ok(Self::Reports(reports))
    }
}

/// What a record says (RFC 3376, section 4.2.12): `None` if the port may listen as before.
fn listens(kind: u8, sources: usize) -> Option<bool> {
    /// From these sources only, now and before.
    const IS_INCLUDE: u8 = 1;
    /// From all sources but these.
    const IS_EXCLUDE: u8 = 2;
    const TO_INCLUDE: u8 = 3;
    const TO_EXCLUDE: u8 = 4;
    /// From these sources too.
    const ALLOW: u8 = 5;
    match kind {
        IS_INCLUDE | TO_INCLUDE => Some(sources > 0),
        IS_EXCLUDE | TO_EXCLUDE => Some(true),
        ALLOW => (sources > 0).then_some(true),
        _ => None,
    }
}

fn truncated() -> Refusal {
    malformed("it ends too early")
}

fn malformed(problem: &str) -> Refusal {
    Refusal::Malformed(problem.to_owned())
}
