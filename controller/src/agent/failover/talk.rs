//! Talking to the agents of other hosts, on the bridge of the tunnels.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use openflow::Connection;
use openflow::field::PortNo;
use openflow::message::{PacketIn, PacketOut};
use pipelines::network::{HostName, PhysicalNetwork};
use pipelines::peer;
use pipelines::site::own_mac;
use tokio::sync::{mpsc, watch};
use tracing::debug;
use uuid::Uuid;

use super::message::{Message, Misses, digest};
use super::{Failures, Scene};
use crate::vswitch::Session;

/// How long after a change it is told again, as a frame may get lost.
const AGAIN: Duration = Duration::from_millis(200);
/// How often a host tells what has not changed, and what others do not seem to know.
const REPEAT: Duration = Duration::from_secs(2);

/// Where the task of br-tun hands in what it hears from other agents, and its connection.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(super) heard: mpsc::Sender<PacketIn>,
    pub(super) connected: watch::Sender<Option<Connection>>,
}

impl Wire {
    /// Takes a frame of another agent.
    pub(crate) fn hear(&self, packet: PacketIn) {
        // What is too much at once is repeated.
        drop(self.heard.try_send(packet));
    }

    /// Takes the connection to the bridge of the tunnels.
    pub(crate) fn connected(&self, connection: Connection) {
        self.connected.send_replace(Some(connection));
    }
}

/// How long what a host has told of others counts: its agent may have ended since.
pub(super) const FRESH: Duration = Duration::from_secs(5);
/// How many hosts that are not heard are told by their names.
const MISSED: usize = 16;

/// What another host has told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// When it was heard last.
    pub(super) at: Option<Instant>,
    misses: Misses,
    pub(super) cut_off: BTreeSet<PhysicalNetwork>,
    digest: Uuid,
    /// The parts that have come of the takeovers with that digest.
    parts: BTreeSet<u16>,
    pub(super) is_complete: bool,
}

/// What this host has told, and to which others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    misses: Misses,
    cut_off: BTreeSet<PhysicalNetwork>,
    digest: Uuid,
    to: BTreeSet<HostName>,
}

impl Told {
    fn is_fresh(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| at + FRESH > now)
    }

    /// Notes that the host has failed, and may know other things when it is back.
    pub(super) fn expire(&mut self) {
        self.is_complete = false;
        self.parts.clear();
        self.at = None;
    }
}

impl Failures {
    /// Takes in what other agents have told.
    pub(super) fn take_in(&mut self, scene: &Scene<'_>, now: Instant) {
        for packet in std::mem::take(&mut self.pending) {
            let Some(message) = Message::read(&packet.data) else {
                debug!("a message of another agent is not understood: {packet:?}");
                continue;
            };
            let host = &message.host;
            let is_other = *host != scene.host.name && scene.model.host(host).is_some();
            if !is_other || !peer::is_from(host, packet.cookie) {
                debug!("a message in the name of host {host} is not taken");
                continue;
            }
            self.hear(message, now);
        }
    }

    pub(super) fn hear(&mut self, message: Message, now: Instant) {
        for (router, takeover) in message.takeovers {
            let known = self.takeovers.entry(router);
            let known = known.or_insert_with(|| takeover.clone());
            *known = takeover.max(known.clone());
        }
        let digest = digest(&self.takeovers);
        if message.asks {
            self.asked.insert(message.host.clone());
        }
        let told = self.told.entry(message.host).or_default();
        told.at = Some(now);
        told.misses = message.misses;
        told.cut_off = message.cut_off;
        if told.digest != message.digest {
            told.parts.clear();
            told.is_complete = false;
            told.digest = message.digest;
        }
        let (part, count) = message.part;
        if count > 0 {
            told.parts.insert(part);
            told.is_complete |= told.parts.len() >= usize::from(count);
        }
        told.is_complete |= message.digest == digest;
    }

    /// Whether another host, which is heard, hears one that is not heard here.
    ///
    /// What fails then is the way between two, not a host: it goes on leading for the others, and
    /// must not be replaced.
    pub(super) fn is_vouched_for(&self, host: &HostName, now: Instant) -> bool {
        self.up.keys().any(|other| {
            let told = self.told.get(other).filter(|told| told.is_fresh(now));
            let misses = told.and_then(|told| told.misses.as_ref());
            misses.is_some_and(|misses| !misses.contains(host))
        })
    }

    /// When what others have told of hosts that are not heard here stops to count.
    pub(super) fn stale_at(&self) -> Option<Instant> {
        let told = self.told.values().filter_map(|told| told.at);
        let stale = told
            .map(|at| at + FRESH)
            .filter(|_| !self.silent.is_empty());
        stale.filter(|at| *at > Instant::now()).min()
    }

    /// The hosts of the model that are not heard, to be told.
    pub(super) fn missed(&self, scene: &Scene<'_>) -> Misses {
        let hosts = scene.model.hosts().map(|host| &host.name);
        let others = hosts.filter(|host| **host != scene.host.name);
        let missed = others.filter(|host| !self.up.contains_key(*host));
        let missed: BTreeSet<_> = missed.take(MISSED + 1).cloned().collect();
        (missed.len() <= MISSED).then_some(missed)
    }

    /// Tells other agents what they may not know.
    pub(in crate::agent) fn say(&mut self, scene: &Scene<'_>, now: Instant) {
        let Some(connection) = self.connection.borrow().clone() else {
            return;
        };
        if self.up.is_empty() {
            self.say_at = None;
        }
        let said = Said {
            misses: self.misses.clone(),
            cut_off: self.cut_off.clone(),
            digest: digest(&self.takeovers),
            to: self.up.keys().cloned().chain(self.asked.clone()).collect(),
        };
        let is_new = said != self.said || !self.asked.is_empty();
        let is_due = self.say_at.is_some_and(|at| at <= now);
        if said.to.is_empty() || !(is_new || is_due) {
            return;
        }
        let knows = |host| {
            self.told
                .get(host)
                .is_some_and(|told| told.digest == said.digest)
        };
        let with_takeovers = is_new || self.say_all || !said.to.iter().all(knows);
        let asks = !self.up.keys().all(|host| self.has_told(host));
        let kind = (with_takeovers, asks);
        let host = &scene.host.name;
        let messages = Message::all(host, (&said.misses, &said.cut_off), &self.takeovers, kind);
        let tunnels = scene.tunnels(&said.to);
        let mac = own_mac(host);
        let packets = messages
            .into_iter()
            .map(move |message| PacketOut::new(peer::way(tunnels.clone()), message.frame(mac)));
        // A switch that does not take them must not hold up the agent.
        tokio::spawn(async move {
            for packet in packets {
                if connection.send(packet.into()).await.is_err() {
                    break;
                }
            }
        });
        self.say_at = Some(now + if is_new { AGAIN } else { REPEAT });
        self.say_all = is_new;
        self.asked.clear();
        self.said = said;
        // Those who only asked are not told again.
        self.said.to = self.up.keys().cloned().collect();
    }
}

impl Scene<'_> {
    /// One tunnel to each of some hosts, the best that there is.
    fn tunnels(&self, hosts: &BTreeSet<HostName>) -> Vec<PortNo> {
        let watched = self.configuration.watched(self.tables);
        let mut best: BTreeMap<&HostName, (Option<Session>, PortNo)> = BTreeMap::new();
        for tunnel in watched.filter(|tunnel| hosts.contains(tunnel.host)) {
            let Some(number) = self.tables.ofport(tunnel.interface) else {
                continue;
            };
            let found = (tunnel.session, PortNo(number));
            let known = best.entry(tunnel.host).or_insert(found);
            if found.0 > known.0 {
                *known = found;
            }
        }
        best.into_values().map(|(_, number)| number).collect()
    }
}
