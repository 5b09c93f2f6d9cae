//! Says outside which addresses are here, and asks the next routers for theirs.
//!
//! What is new is said twice, as a frame may get lost. Routers are asked again before the switch
//! forgets them, so that no packet finds them forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, PacketBuilder, err::packet::BuildWriteError,
};
use openflow::message::{Message, PacketOut};
use pipelines::announcement::{Announcement, announcements};
use pipelines::network::MacAddr;
use pipelines::site::Site;

/// How long after the first time what is new is said again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often routers are asked: several times before the switch forgets what it learned.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// ICMPv6: who has an address? And the option that says who asks (RFC 4861, sections 4.3, 4.6.1).
const NEIGHBOUR_SOLICITATION: u8 = 135;
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
/// ICMPv6: this address is here. And the option that says where (sections 4.4, 4.6.1).
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
/// That an advertisement takes the place of what is known, and comes from a router.
const ROUTER_OVERRIDE: [u8; 4] = [0xa0, 0, 0, 0];
/// Whom everybody on a link listens to (RFC 4291, section 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// What has been said.
#[derive(Debug, Default)]
pub(super) struct Herald {
    /// When each address is said again, if it has been said once only.
    said: BTreeMap<Announcement, Option<Instant>>,
    /// When routers are asked again.
    ask_at: Option<Instant>,
}

impl Herald {
    /// When there is something to say.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.said
            .values()
            .copied()
            .flatten()
            .chain(self.ask_at)
            .min()
    }

    /// What is to be said now.
    pub(super) fn say(&mut self, site: &Site, now: Instant) -> Vec<Message> {
        let here = announcements(site);
        self.said
            .retain(|announcement, _| here.contains(announcement));
        let mut frames = Vec::new();
        for announcement in &here {
            let again = match self.said.get(announcement) {
                None => Some(now + AGAIN),
                Some(Some(at)) if *at <= now => None,
                Some(_) => continue,
            };
            frames.push((announcement, here_it_is(announcement)));
            frames.push((announcement, who_routes(announcement)));
            self.said.insert(*announcement, again);
        }
        if self.ask_at.is_some_and(|at| at <= now) {
            // One may ask for all.
            let mut asked = BTreeSet::new();
            let asking = here.iter().filter(|it| asked.insert((it.vlan, it.router)));
            frames.extend(asking.map(|announcement| (announcement, who_routes(announcement))));
            self.ask_at = None;
        }
        if here
            .iter()
            .any(|announcement| announcement.router.is_some())
        {
            self.ask_at.get_or_insert(now + ASK_EVERY);
        } else {
            self.ask_at = None;
        }
        let messages = frames.into_iter().filter_map(|(announcement, frame)| {
            Some(PacketOut::new(announcement.way(), Bytes::from(frame?)).into())
        });
        messages.collect()
    }
}

/// An unasked answer: who has the address.
fn here_it_is(announcement: &Announcement) -> Option<Vec<u8>> {
    let mac = announcement.mac_address;
    let frame = match announcement.ip {
        // Those who take no answers that they did not ask for take questions (RFC 5227, section 3).
        IpAddr::V4(ip) => arp(mac, ip, ip),
        IpAddr::V6(ip) => {
            let about = (ip, TARGET_LINK_LAYER_ADDRESS);
            icmpv6(
                mac,
                (ip, ALL_NODES),
                (NEIGHBOUR_ADVERTISEMENT, ROUTER_OVERRIDE),
                about,
            )
        }
    };
    frame.ok()
}

/// A question: who has the address of the router?
fn who_routes(announcement: &Announcement) -> Option<Vec<u8>> {
    let mac = announcement.mac_address;
    let frame = match (announcement.ip, announcement.router?) {
        (IpAddr::V4(ip), IpAddr::V4(router)) => arp(mac, ip, router),
        (IpAddr::V6(ip), IpAddr::V6(router)) => {
            let about = (router, SOURCE_LINK_LAYER_ADDRESS);
            let to = solicited_node(router);
            icmpv6(mac, (ip, to), (NEIGHBOUR_SOLICITATION, [0; 4]), about)
        }
        _ => return None,
    };
    frame.ok()
}

/// A question to everybody, who has an address (RFC 826).
fn arp(MacAddr(mac): MacAddr, from: Ipv4Addr, about: Ipv4Addr) -> Result<Vec<u8>, BuildWriteError> {
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REQUEST,
        &mac,
        &from.octets(),
        &[0; 6],
        &about.octets(),
    );
    let mut frame = Vec::new();
    if let Ok(packet) = packet {
        let builder = PacketBuilder::ethernet2(mac, MacAddr::BROADCAST.0).arp(packet);
        builder.write(&mut frame)?;
    }
    Ok(frame)
}

/// A message of neighbour discovery, with one option that holds the MAC.
fn icmpv6(
    MacAddr(mac): MacAddr,
    (from, to): (Ipv6Addr, Ipv6Addr),
    (icmp_type, flags): (u8, [u8; 4]),
    (about, option): (Ipv6Addr, u8),
) -> Result<Vec<u8>, BuildWriteError> {
    // The length of an option is counted in eights of octets.
    let body = [&about.octets()[..], &[option, 1], &mac].concat();
    let [.., a, b, c, d] = to.octets();
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac, [0x33, 0x33, a, b, c, d])
        .ipv6(from.octets(), to.octets(), 255)
        .icmpv6_raw(icmp_type, 0, flags)
        .write(&mut frame, &body)?;
    Ok(frame)
}

/// Who listens to solicitations for an address (RFC 4291, section 2.7.1).
fn solicited_node(ip: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = ip.octets();
    let [high, low] = [[0xff, a], [b, c]].map(u16::from_be_bytes);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, high, low)
}
