//! What routers say of packets that they cannot forward.
//!
//! Who sent the packet is told why it does not arrive. A packet whose next station nobody knows yet
//! is not lost: the station is asked for its MAC, and the packet goes on a moment later.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use etherparse::{Icmpv6Type, LinkSlice, NetSlice, SlicedPacket, TransportSlice};
use openflow::message::{PacketIn, PacketOut};
use pipelines::errand::{Errand, attempts, next_hop, return_path};
use pipelines::service::Service;
use pipelines::site::Site;

use super::{Refusal, Sent, at_once};
use crate::neighbour;

mod undelivered;

use undelivered::Reason;

/// How long a packet waits each time that its next station has been asked for.
const WAITS: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// What to do about a packet.
pub(super) fn answer(service: Service, site: &Site, packet: &PacketIn) -> Result<Sent, Refusal> {
    let (to, from) = packet.addresses().ok_or(Refusal::Gone)?;
    let errand = |mac| Errand::of(site, &packet.metadata, mac).ok_or(Refusal::Gone);
    if let Service::Neighbour = service {
        // It already goes on in the name of the router.
        return resolve(errand(from)?, packet);
    }
    // It is still addressed to the router.
    let errand = errand(to)?;
    let mtu = errand.exceeded_mtu(&packet.metadata);
    let reason = mtu.map(|mtu| Reason::TooLarge { mtu });
    let Some((to, frame)) = undelivered::answer(&errand, &packet.data, reason)? else {
        return Ok(Vec::new());
    };
    let way = errand.way_to(to).ok_or(Refusal::Gone)?;
    Ok(at_once(way, Some(frame)))
}

/// Answers a solicitation of a router's address, by the port that it came from.
pub(super) fn advertise(site: &Site, packet: &PacketIn) -> Result<Sent, Refusal> {
    let (target, asker) = solicitation(&packet.data)?;
    let errand = Errand::solicited(site, &packet.metadata, target).ok_or(Refusal::Gone)?;
    let answer = neighbour::router_answer((errand.mac_address(), target), asker);
    let answer = answer.ok_or_else(|| Refusal::Unsayable(target.to_string()))?;
    let (in_port, actions) = return_path(&packet.metadata).ok_or(Refusal::Gone)?;
    let answer = PacketOut {
        in_port,
        ..PacketOut::new(actions, Bytes::from(answer))
    };
    Ok(vec![(Duration::ZERO, answer)])
}

/// The address that a solicitation asks for, and the MAC and IP address that sent it.
fn solicitation(frame: &[u8]) -> Result<(Ipv6Addr, ([u8; 6], Ipv6Addr)), Refusal> {
    let malformed = |error: &dyn ToString| Refusal::Malformed(error.to_string());
    let sliced = SlicedPacket::from_ethernet(frame).map_err(|error| malformed(&error))?;
    let (Some(LinkSlice::Ethernet2(ethernet)), Some(NetSlice::Ipv6(ip))) =
        (&sliced.link, &sliced.net)
    else {
        return Err(malformed(&"expected IPv6 on Ethernet"));
    };
    let header = ip.header();
    // Nothing from beyond the link can have all hops left (RFC 4861, section 7.1.1).
    if header.hop_limit() != 255 {
        return Err(malformed(&"the hop limit of a solicitation is 255"));
    }
    let Some(TransportSlice::Icmpv6(icmp)) = &sliced.transport else {
        return Err(malformed(&"expected ICMPv6"));
    };
    let Icmpv6Type::NeighborSolicitation = icmp.icmp_type() else {
        return Err(malformed(&"expected a neighbour solicitation"));
    };
    let target = icmp.payload().first_chunk::<16>();
    let target = target.ok_or_else(|| malformed(&"the solicitation has no target"))?;
    let asker = (ethernet.source(), header.source_addr());
    Ok((Ipv6Addr::from(*target), asker))
}

/// Asks for the next station of a packet, and has the packet look for it again a moment later.
fn resolve(errand: Errand<'_>, packet: &PacketIn) -> Result<Sent, Refusal> {
    let attempts = attempts(&packet.metadata);
    let wait = usize::try_from(attempts).ok();
    let Some(wait) = wait.and_then(|attempts| WAITS.get(attempts)) else {
        let reason = Some(Reason::HostUnreachable);
        let told = undelivered::answer(&errand, &packet.data, reason)?;
        return Ok(at_once(errand.way_back(), told.map(|(_, frame)| frame)));
    };
    let malformed = |error| Refusal::Malformed(format!("{error}"));
    let sliced = SlicedPacket::from_ethernet(&packet.data).map_err(malformed)?;
    let is_ipv4 = matches!(sliced.net, Some(NetSlice::Ipv4(_)));
    let next_hop = next_hop(&packet.metadata, is_ipv4).ok_or(Refusal::Gone)?;
    let own = match next_hop {
        IpAddr::V4(_) => IpAddr::V4(errand.ipv4().ok_or(Refusal::Gone)?),
        IpAddr::V6(_) => IpAddr::V6(errand.ipv6()),
    };
    let question = neighbour::question(errand.mac_address(), own, next_hop);
    let question = question.ok_or_else(|| Refusal::Unsayable(next_hop.to_string()))?;
    let question = PacketOut::new(errand.way_to_everyone(), Bytes::from(question));
    let again = PacketOut::new(errand.way_on(next_hop, attempts + 1), packet.data.clone());
    Ok(vec![(Duration::ZERO, question), (*wait, again)])
}
