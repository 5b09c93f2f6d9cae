//! Which hosts have failed, which has taken over, and whether this one may lead routers outside.
//!
//! BFD says which hosts are gone, the switch whether network cards have a link. What a host cannot
//! see by itself, the other agents tell through the tunnels: which have lost an uplink, and which
//! routers have been taken over. It does not go through the northbound database, as it has to work
//! when that is away, and at the speed of BFD.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use openflow::Connection;
use openflow::message::{PacketIn, PacketOut};
use pipelines::failover::{Failover, Takeover};
use pipelines::network::{Host, HostName, Model, PhysicalNetwork, Router, RouterId};
use pipelines::routing::View;
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use super::liveness::Liveness;
use crate::until::until;
use crate::vswitch::{Card, Configuration, OpenVSwitch, Plan, Session, cards, tunnel_link};

mod contact;
mod message;
mod talk;

use contact::{Contact, Hearing};
use message::Misses;
pub(crate) use talk::Wire;
use talk::{Said, Told};

/// How many messages of other agents may wait to be looked at; they are repeated.
const WAITING: usize = 256;
/// How long hosts may take to be heard again once the link is back.
const SETTLE: Duration = Duration::from_secs(3);
/// How long the agent of a host that is heard may take to tell what it knows. It may not run.
const TELL: Duration = Duration::from_secs(2);

/// Key of the integration bridge's `external_ids`: in which run of the switch this host was last in
/// contact with others.
const CONTACT: &str = "brint-contact";
/// Key of the integration bridge's `external_ids` for takeovers: `ROUTER=TERM:REASON:HOST`, each in
/// a line.
const TAKEOVERS: &str = "brint-takeovers";

/// What the host is and should be, as far as failures are concerned.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) tables: &'a OpenVSwitch,
    pub(super) model: &'a Model,
    pub(super) host: &'a Host,
    /// The name of the integration bridge, and the directory of its sockets.
    pub(super) integration: (&'a str, &'a Path),
}

/// Watches hosts and uplinks, and talks to other agents about them.
#[derive(Debug)]
pub(super) struct Failures {
    hosts: Liveness<HostName>,
    /// The stations behind network cards that an operator has BFD watch, by the names of the cards.
    stations: Liveness<String>,
    /// The other hosts that are heard, and since when.
    up: BTreeMap<HostName, Instant>,
    told: BTreeMap<HostName, Told>,
    /// The hosts that want to be told everything.
    asked: BTreeSet<HostName>,
    contact: Contact,
    /// Since when the host could be in contact and is not.
    reachable: Option<Instant>,
    /// The run of the switch that the contact was made in.
    run: Option<String>,
    is_recovered: bool,
    takeovers: BTreeMap<RouterId, Takeover>,
    /// When this host has taken over each router last.
    taken_at: BTreeMap<RouterId, Instant>,
    /// The other hosts that were not heard since the switch started.
    unheard: BTreeSet<HostName>,
    /// The other hosts that are not heard, and all that are to be told of as such.
    silent: BTreeSet<HostName>,
    misses: Misses,
    /// The physical networks that this host has lost its uplinks to.
    cut_off: BTreeSet<PhysicalNetwork>,
    wire: Wire,
    heard: mpsc::Receiver<PacketIn>,
    connection: watch::Receiver<Option<Connection>>,
    /// What has been heard and not looked at.
    pending: Vec<PacketIn>,
    /// The last frame of each host, by the cookie of the flow that shows them.
    frames: BTreeMap<u64, (HostName, Bytes)>,
    said: Said,
    /// What tells others that nothing has changed.
    repetition: Option<PacketOut>,
    /// When to tell what is known again, and whether all of it.
    say_at: Option<Instant>,
    say_all: bool,
}

impl Failures {
    pub(super) fn new() -> Self {
        let (sender, heard) = mpsc::channel(WAITING);
        let (connected, connection) = watch::channel(None);
        Self {
            hosts: Liveness::default(),
            stations: Liveness::default(),
            up: BTreeMap::new(),
            told: BTreeMap::new(),
            asked: BTreeSet::new(),
            contact: Contact::Made,
            reachable: None,
            run: None,
            is_recovered: false,
            takeovers: BTreeMap::new(),
            taken_at: BTreeMap::new(),
            unheard: BTreeSet::new(),
            silent: BTreeSet::new(),
            misses: None,
            cut_off: BTreeSet::new(),
            wire: Wire {
                heard: sender,
                connected,
            },
            heard,
            connection,
            pending: Vec::new(),
            frames: BTreeMap::new(),
            said: Said::default(),
            repetition: None,
            say_at: None,
            say_all: false,
        }
    }

    /// Where the task of br-tun hands in what it hears.
    pub(super) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    /// Waits until there may be something to look at, or to say. What others repeat, and what is
    /// repeated to them, is not worth a look.
    pub(super) async fn changed(&mut self) {
        loop {
            let next = self.next_at();
            tokio::select! {
                packet = self.heard.recv() => {
                    self.receive(packet);
                    if self.pending.is_empty() {
                        continue;
                    }
                }
                // The other end is in this value too.
                _ = self.connection.changed() => self.said = Said::default(),
                () = until(next) => if self.repeat(Instant::now()) {
                    continue;
                },
            }
            return;
        }
    }

    fn next_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let untold = self.up.iter().filter(|(host, _)| !self.has_told(host));
        let untold = untold.map(|(_, since)| *since + TELL);
        let settled = self.reachable.map(|since| since + SETTLE);
        let times = [
            self.hosts.next_at(),
            self.stations.next_at(),
            self.stale_at(),
            self.say_at,
        ];
        let times = times.into_iter().flatten();
        let next = untold.chain(settled).filter(|at| *at > now).chain(times);
        next.min()
    }

    /// What is known now.
    pub(super) fn look(&mut self, scene: Scene<'_>, now: Instant) -> Failover {
        self.recover(&scene);
        let mut best: BTreeMap<&HostName, Option<Session>> = BTreeMap::new();
        for tunnel in scene.configuration.watched(scene.tables) {
            let known = best.entry(tunnel.host).or_default();
            *known = (*known).max(tunnel.session);
        }
        let sessions = best
            .iter()
            .filter_map(|(host, session)| Some((*host, (*session)?)));
        self.silent = self.hosts.look(sessions, now).clone();
        let unheard = best.iter().filter(|(_, session)| {
            let session = session.unwrap_or(Session::NeverUp);
            session == Session::NeverUp
        });
        self.unheard = unheard.map(|(host, _)| (*host).clone()).collect();
        self.up
            .retain(|host, _| best.get(host) == Some(&Some(Session::Up)));
        for (host, _) in best.iter().filter(|(_, it)| **it == Some(Session::Up)) {
            self.up.entry((*host).clone()).or_insert(now);
        }
        let told = self.told.iter_mut();
        let failed = told.filter(|(host, _)| self.silent.contains(*host));
        failed.for_each(|(_, told)| told.expire());
        self.take_in(&scene, now);

        let mut hearing = Hearing::default();
        for (host, session) in &best {
            hearing.count(*session);
            let is_awaited = *session == Some(Session::NeverUp) && !self.silent.contains(*host);
            hearing.awaited += usize::from(is_awaited);
        }
        let mut up = self.up.iter();
        hearing.is_told = up.all(|(host, since)| self.has_told(host) || *since + TELL <= now);
        hearing.link = tunnel_link(scene.configuration, scene.tables);
        let can_be_made = hearing.up > 0 || hearing.down == 1 && hearing.link == Some(true);
        let waits = self.contact == Contact::Lost && can_be_made;
        self.reachable = waits.then(|| self.reachable.unwrap_or(now));
        let settled = self.reachable.map(|since| since + SETTLE);
        hearing.is_settled = settled.is_some_and(|at| at <= now);
        self.set_contact(self.contact.next(hearing));

        self.cut_off = self.lost_uplinks(&scene, now);
        self.misses = self.missed(&scene);
        let silent = self.silent.iter();
        let unreachable = silent.filter(|host| !self.is_vouched_for(host, now));
        let unreachable = unreachable.cloned().collect();
        let mut failover = Failover {
            unreachable,
            cut_off: self.cut_off(&scene.host.name),
            stands_back: self.contact == Contact::Lost,
            takeovers: std::mem::take(&mut self.takeovers),
        };
        if !best.is_empty() {
            self.take_over(&scene, &mut failover, now);
        }
        self.takeovers.clone_from(&failover.takeovers);
        failover
    }

    /// The other hosts that this one does not hear itself.
    pub(super) fn silent(&self) -> &BTreeSet<HostName> {
        &self.silent
    }

    fn set_contact(&mut self, contact: Contact) {
        match (self.contact, contact) {
            (Contact::Made, Contact::Lost) => {
                warn!("no other host is heard: this one leads no router outside");
            }
            (Contact::Lost, Contact::Made) => {
                info!("this host is in contact with others, and may lead routers outside");
            }
            _ => {}
        }
        self.contact = contact;
    }

    /// Notes the routers that this host leads outside though another would if nothing had failed.
    ///
    /// Where hosts do not agree on who is there, they take turns no faster than they settle.
    fn take_over(&mut self, scene: &Scene<'_>, failover: &mut Failover, now: Instant) {
        let model = scene.model;
        failover
            .takeovers
            .retain(|router, _| model.router(*router).is_some());
        self.taken_at.retain(|_, at| *at + SETTLE > now);
        if failover.stands_back {
            return;
        }
        let view = View {
            model,
            host: &scene.host.name,
            failover,
        };
        let routers = model.routers().filter(|router| router.admin_state_up);
        let routers = routers.filter(|router| !self.taken_at.contains_key(&router.id));
        // A host that was not there yet has not failed: it leads as soon as it is there.
        let is_late = |router: &&Router| {
            let first = view.first_choice(router);
            let is_first = !failover.takeovers.contains_key(&router.id);
            is_first && first.is_some_and(|host| self.unheard.contains(host))
        };
        let routers = routers.filter(|router| !is_late(router));
        let taken = routers.filter_map(|router| Some((router, view.takeover(router)?)));
        let taken: Vec<_> = taken.collect();
        for (router, takeover) in taken {
            let (id, name) = (router.id, &router.name);
            info!("router {name} ({id}): this host leads it outside now");
            self.taken_at.insert(id, now);
            failover.takeovers.insert(id, takeover);
        }
    }

    fn has_told(&self, host: &HostName) -> bool {
        self.told.get(host).is_some_and(|told| told.is_complete)
    }

    /// Finds what an earlier agent noted, and whether the switch has started since.
    ///
    /// A switch that starts has been away, so another host may have taken over. It makes its sockets
    /// anew, which tells its runs apart.
    fn recover(&mut self, scene: &Scene<'_>) {
        let (name, directory) = scene.integration;
        let Some(bridge) = scene.tables.bridge(name) else {
            return;
        };
        let Some(run) = run_of(&directory.join(format!("{name}.mgmt"))) else {
            return;
        };
        let before = if self.is_recovered {
            self.run.clone()
        } else {
            let noted = bridge.external_ids.get(TAKEOVERS);
            self.takeovers = noted.map_or_else(BTreeMap::new, |text| read(text));
            bridge.external_ids.get(CONTACT).cloned()
        };
        self.is_recovered = true;
        if before.is_some_and(|before| before != run) {
            self.set_contact(Contact::Lost);
            self.up.clear();
            self.told.clear();
        }
        self.run = Some(run);
    }

    /// Adds to the plan the notes that a restart of the agent finds.
    pub(super) fn amend(&self, plan: &mut Plan, tables: &OpenVSwitch, integration: &str) {
        if !self.is_recovered {
            return;
        }
        let noted = tables.bridge(integration);
        let noted = noted.and_then(|bridge| bridge.external_ids.get(CONTACT));
        let is_made = self.contact == Contact::Made && !self.up.is_empty();
        let run = if is_made { self.run.as_ref() } else { noted };
        let run = run.cloned().unwrap_or_default();
        plan.note(
            tables,
            integration,
            CONTACT,
            run,
            "the contact with other hosts",
        );
        let takeovers = write(&self.takeovers);
        plan.note(
            tables,
            integration,
            TAKEOVERS,
            takeovers,
            "takeovers of routers",
        );
    }

    /// The uplinks that hosts have lost, those of this host included.
    fn cut_off(&self, this: &HostName) -> BTreeMap<HostName, BTreeSet<PhysicalNetwork>> {
        let told = self.told.iter();
        let others = told.map(|(host, told)| (host, &told.cut_off));
        let all = others.chain([(this, &self.cut_off)]);
        let all = all.filter(|(_, cut_off)| !cut_off.is_empty());
        all.map(|(host, cut_off)| (host.clone(), cut_off.clone()))
            .collect()
    }

    /// The physical networks whose bridge has cards, none of which works.
    fn lost_uplinks(&mut self, scene: &Scene<'_>, now: Instant) -> BTreeSet<PhysicalNetwork> {
        let mappings = scene.host.bridge_mappings.iter();
        let cards: Vec<_> = mappings
            .map(|(network, bridge)| (network, cards(scene.tables, bridge)))
            .collect();
        let all = cards.iter().flat_map(|(_, cards)| cards);
        let sessions: Vec<_> = all
            .filter_map(|card| Some((card.name.to_owned(), card.session?)))
            .collect();
        let sessions = sessions.iter().map(|(name, session)| (name, *session));
        let silent = self.stations.look(sessions, now);
        let works = |card: &Card<'_>| card.has_link && !silent.contains(card.name);
        let lost = cards
            .iter()
            .filter(|(_, cards)| !cards.is_empty() && !cards.iter().any(works));
        lost.map(|(network, _)| (*network).clone()).collect()
    }
}

/// Tells runs of a switch apart by when it made a socket.
fn run_of(socket: &Path) -> Option<String> {
    let made = fs::symlink_metadata(socket).ok()?.modified().ok()?;
    let since = made.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_nanos().to_string())
}

fn write(takeovers: &BTreeMap<RouterId, Takeover>) -> String {
    let entries = takeovers.iter().map(|(router, takeover)| {
        let Takeover { term, host, reason } = takeover;
        format!("{router}={term}:{reason}:{host}")
    });
    entries.collect::<Vec<_>>().join("\n")
}

/// Reads what was noted; what is not of its form is left out.
fn read(text: &str) -> BTreeMap<RouterId, Takeover> {
    let entries = text.lines().filter_map(|entry| {
        let (router, takeover) = entry.split_once('=')?;
        let (term, takeover) = takeover.split_once(':')?;
        let (reason, host) = takeover.split_once(':')?;
        let takeover = Takeover {
            term: term.parse().ok()?,
            host: HostName::from(host),
            reason: reason.parse().ok()?,
        };
        Some((RouterId(router.parse().ok()?), takeover))
    });
    entries.collect()
}

#[cfg(test)]
mod tests;
