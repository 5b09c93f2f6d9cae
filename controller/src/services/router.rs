//! What routers say of packets that they cannot forward.
//!
//! Who sent the packet is told why it does not arrive. A packet whose next station nobody knows yet
//! is not lost: the station is asked for its MAC, and the packet goes on a moment later.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use etherparse::{NetSlice, SlicedPacket};
use openflow::message::{PacketIn, PacketOut};
use pipelines::errand::{Errand, attempts, next_hop};
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
