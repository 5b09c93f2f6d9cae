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
    /// Takes a message, and those that have come with it: where a host fails, all others say so at
    /// once.
    pub(super) fn receive(&mut self, packet: Option<PacketIn>) {
        let now = Instant::now();
        let mut next = packet;
        while let Some(packet) = next {
            if !self.is_repeated(&packet, now) {
                self.pending.push(packet);
            }
            next = self.heard.try_recv().ok();
        }
    }

    /// Whether a host has said this before, and has not failed since.
    fn is_repeated(&mut self, packet: &PacketIn, now: Instant) -> bool {
        let Some((host, frame)) = self.frames.get(&packet.cookie) else {
            return false;
        };
        let told = self.told.get_mut(host).filter(|told| told.at.is_some());
        match told {
            Some(told) if *frame == packet.data => {
                told.at = Some(now);
                true
            }
            _ => false,
        }
    }

    /// Says once more that nothing has changed, if it is time and nothing has; whether it has said
    /// so.
    pub(super) fn repeat(&mut self, now: Instant) -> bool {
        let is_due = self.say_at.is_some_and(|at| at <= now);
        let is_known = self.said.to.iter().all(|host| self.knows(host, now));
        let connection = self.connection.borrow().clone();
        let (Some(packet), Some(connection)) = (self.repetition.clone(), connection) else {
            return false;
        };
        if !is_due || !is_known || self.say_all {
            return false;
        }
        send(connection, vec![packet]);
        self.say_at = Some(now + REPEAT);
        true
    }

    /// Whether a host knows the same takeovers as this one. Where no agent runs, nobody has to.
    fn knows(&self, host: &HostName, now: Instant) -> bool {
        let told = self.told.get(host).filter(|told| told.is_fresh(now));
        told.is_none_or(|told| told.digest == self.said.digest)
    }

    /// Takes in what other agents have told.
    pub(super) fn take_in(&mut self, scene: &Scene<'_>, now: Instant) {
        let model = scene.model;
        self.told.retain(|host, _| model.host(host).is_some());
        self.frames
            .retain(|_, (host, _)| model.host(host).is_some());
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
            if !message.asks {
                let frame = (host.clone(), packet.data.clone());
                self.frames.insert(packet.cookie, frame);
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
        let known_before = said.digest == self.said.digest;
        let is_known = known_before && said.to.iter().all(|host| self.knows(host, now));
        let with_takeovers = is_new || self.say_all || !is_known;
        // An agent that does not answer is not asked for ever: it speaks when it starts.
        let mut up = self.up.iter();
        let asks = up.any(|(host, since)| !self.has_told(host) && *since + FRESH > now);
        let host = &scene.host.name;
        let packets = |to: &BTreeSet<HostName>, kind| {
            let about = (&said.misses, &said.cut_off);
            let messages = Message::all(host, about, &self.takeovers, kind);
            let (tunnels, mac) = (scene.tunnels(to), own_mac(host));
            let packet = |message: Message| {
                PacketOut::new(peer::way(tunnels.iter().copied()), message.frame(mac))
            };
            messages.into_iter().map(packet).collect::<Vec<_>>()
        };
        send(connection, packets(&said.to, (with_takeovers, asks)));
        // A question is not repeated: whoever is asked would answer each time.
        self.repetition = match asks {
            true => None,
            false => packets(&self.up.keys().cloned().collect(), (false, false)).pop(),
        };
        self.say_at = Some(now + if is_new { AGAIN } else { REPEAT });
        self.say_all = is_new;
        self.asked.clear();
        self.said = said;
        // Those who only asked are not told again.
        self.said.to = self.up.keys().cloned().collect();
    }
}

/// Sends packets; a switch that does not take them must not hold up the agent.
fn send(connection: Connection, packets: Vec<PacketOut>) {
    tokio::spawn(async move {
        for packet in packets {
            if connection.send(packet.into()).await.is_err() {
                break;
            }
        }
    });
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
