//! Says outside which addresses are here, and asks the next routers for theirs.
//!
//! What is new is said twice, as a frame may get lost. Routers are asked again before the switch
//! forgets them, so that no packet finds them forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use openflow::message::{Message, PacketOut};
use pipelines::announcement::{Announcement, announcements};
use pipelines::network::HostName;
use pipelines::site::Site;

use crate::neighbour;

/// How long after the first time what is new is said again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often routers are asked: several times before the switch forgets what it learned.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// What has been said.
#[derive(Debug, Default)]
pub(super) struct Herald {
    /// When each address is said again, if it has been said once only.
    said: BTreeMap<Announcement, Option<Instant>>,
    /// The hosts that were gone.
    gone: BTreeSet<HostName>,
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
        if !self.gone.is_subset(&site.failover.unreachable) {
            // Who is back has been replaced meanwhile, or has replaced this host.
            self.said.clear();
        }
        self.gone.clone_from(&site.failover.unreachable);
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
    match announcement.ip {
        // Those who take no answers that they did not ask for take questions (RFC 5227, section 3).
        IpAddr::V4(ip) => neighbour::arp_request(mac, ip, ip),
        IpAddr::V6(ip) => neighbour::advertisement(mac, ip),
    }
}

/// A question: who has the address of the router?
fn who_routes(announcement: &Announcement) -> Option<Vec<u8>> {
    neighbour::question(
        announcement.mac_address,
        announcement.ip,
        announcement.router?,
    )
}
