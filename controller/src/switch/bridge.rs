//! A connected bridge: what is installed in it, and how it gets what it should have.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use openflow::flow::Flow;
use openflow::message::{AsyncKind, AsyncProperty, Message, SetAsyncConfig2};
use openflow::multipart::{
    FlowChange, FlowEvent, FlowMonitorFlags, FlowMonitorRequest, FlowUpdate, ReplyBody,
};
use openflow::session::BundleError;
use openflow::{Connection, Event, Events, Options, RequestError, Target};
use pipelines::cookie::Cookie;
use pipelines::diff::{Change, diff, foreign};
use pipelines::flow_set::{FlowSet, Key};
use pipelines::forget::Forgotten;
use pipelines::logging;
use pipelines::service::Service;
use tokio::sync::Notify;
use tokio::time::timeout_at;
use tracing::{info, warn};

use super::Reporter;
use super::change::{culprit, is_meter, lacks_room, message, puts_meter, told};
use super::herald::Herald;
use super::limit::Limit;
use super::read::read;
use super::report::{LastChange, Rejected, Tally, Trouble};
use super::settings::Settings;
use crate::until::until;

/// How long the bridge has to be quiet before it is read again, when somebody else changed it.
const SETTLE: Duration = Duration::from_millis(10);
/// How long it may stay unread while changes follow each other.
const LATEST: Duration = Duration::from_millis(50);
/// How long to wait before what did not fit into the switch is sent again.
const RETRY: Duration = Duration::from_secs(5);
/// A forwarded request that changes a group (OpenFlow 1.4, 7.4.6, `OFPRFR_GROUP_MOD`).
const GROUP_MOD: u32 = 1 << 0;
/// One that changes a meter (`OFPRFR_METER_MOD`).
const METER_MOD: u32 = 1 << 1;
/// How many repairs are told one by one.
const TOLD: usize = 20;

/// A connected bridge and what is installed in it.
pub(super) struct Bridge {
    connection: Connection,
    events: Events,
    reporter: Reporter,
    settings: Settings,
    installed: FlowSet,
    /// How many of the flows have each cookie that is not ours.
    foreign: BTreeMap<u64, usize>,
    /// Somebody else has touched what is ours since the bridge was read.
    stale: bool,
    /// What was too much to be logged.
    limit: Limit,
    /// What the switch rejected.
    refused: Vec<Refusal>,
    /// What it rejected before, while that is sent again.
    refused_before: Vec<Refusal>,
    /// When to send again what did not fit.
    retry_at: Option<Instant>,
    herald: Herald,
}

/// A change that the switch rejected.
struct Refusal {
    change: Change,
    trouble: Trouble,
    /// Whether it may be taken as soon as others make room.
    lacks_room: bool,
}

impl Refusal {
    fn reported(&self) -> Rejected {
        let place = match &self.change {
            Change::PutFlow(flow) => Some((flow.table, flow.cookie)),
            _ => None,
        };
        Rejected {
            place,
            trouble: self.trouble.clone(),
        }
    }
}

impl Bridge {
    /// Connects, and reads what is installed.
    pub(super) async fn connect(target: &Target, reporter: &Reporter) -> Result<Self, String> {
        let connect = Connection::connect(target, Options::default());
        let (connection, events) = connect.await.map_err(|closed| closed.to_string())?;
        info!("connected");
        let settings = Settings::start(&connection, reporter)
            .await
            .map_err(|error| format!("setting the bridge up: {error}"))?;
        let mut bridge = Self {
            connection,
            events,
            reporter: reporter.clone(),
            settings,
            installed: FlowSet::default(),
            foreign: BTreeMap::new(),
            stale: false,
            limit: Limit::default(),
            refused: Vec::new(),
            refused_before: Vec::new(),
            retry_at: None,
            herald: Herald::default(),
        };
        // The monitor first: a change between the two is then told, not missed.
        bridge
            .watch()
            .await
            .map_err(|error| format!("watching the flows: {error}"))?;
        bridge.read().await?;
        if bridge.installed.meters.contains_key(&logging::METER) {
            bridge.limit = Limit::new(&bridge.connection).await;
        }
        // What an end of the agent, or of a connection, has left to be forgotten.
        reporter.forget(Forgotten::noted(&bridge.installed));
        reporter.offer(&bridge.connection);
        let foreign: usize = bridge.foreign.values().sum();
        info!(
            "{} flows and {} groups are installed, {foreign} flows are not ours",
            bridge.installed.flows().len(),
            bridge.installed.groups.len(),
        );
        bridge.reporter.update(|report| {
            report.connected = Some(SystemTime::now());
            report.trouble = None;
            report.totals.connections += 1;
        });
        Ok(bridge)
    }

    /// Asks to be told of changes that others make to flows, and of what flows show.
    ///
    /// The flow monitor tells of flows only. Of groups and meters the switch tells as a forwarded request,
    /// which OpenFlow has from 1.4 on, and Open vSwitch in 1.3 too.
    async fn watch(&self) -> Result<(), RequestError> {
        let forwarded = AsyncProperty {
            kind: AsyncKind::REQUESTFORWARD_PRIMARY,
            mask: GROUP_MOD | METER_MOD,
        };
        let properties = vec![forwarded];
        self.connection
            .send(SetAsyncConfig2 { properties }.into())
            .await?;
        let flags = FlowMonitorFlags::ADD | FlowMonitorFlags::DELETE | FlowMonitorFlags::MODIFY;
        let request = FlowMonitorRequest {
            flags,
            ..FlowMonitorRequest::all(1)
        };
        self.connection.monitor(request).await.map(drop)
    }

    /// Reads everything that is installed.
    async fn read(&mut self) -> Result<(), String> {
        let (installed, unreadable) = read(&self.connection).await?;
        self.installed = installed;
        self.note_unreadable(unreadable);
        self.stale = false;
        self.foreign.clear();
        for flow in foreign(&self.installed) {
            *self.foreign.entry(flow.cookie).or_default() += 1;
        }
        self.report_counts(|_| {});
        Ok(())
    }

    /// Notes why the flows of others cannot be read, if they cannot.
    fn note_unreadable(&self, reason: Option<String>) {
        self.reporter.update(|report| {
            let before = report.unreadable.take();
            report.unreadable = reason.map(|reason| match before {
                Some(known) if known.reason == reason => known,
                _ => {
                    warn!("the flows of others cannot be read: {reason}");
                    let since = SystemTime::now();
                    Trouble { reason, since }
                }
            });
        });
    }

    /// Waits until somebody else has touched what is ours, and has stopped for a moment.
    ///
    /// A wait that is given up is taken up by the next: no change is forgotten.
    pub(super) async fn touched(&mut self) -> Result<(), String> {
        while !self.stale {
            tokio::select! {
                event = self.events.next() => self.take_in(event)?,
                () = until(self.limit.ask_at) => {
                    let more = self.limit.ask(&self.connection).await;
                    self.reporter.update(|report| report.totals.logged.limited += more);
                }
            }
        }
        let latest = Instant::now() + LATEST;
        while Instant::now() < latest {
            let quiet = latest.min(Instant::now() + SETTLE);
            match timeout_at(quiet.into(), self.events.next()).await {
                Ok(event) => self.take_in(event)?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Learns what others did to flows.
    fn take_in(&mut self, event: Option<Event>) -> Result<(), String> {
        let message = match event {
            Some(Event::Message { message, .. }) => message,
            Some(Event::Overflow { .. } | Event::Unreadable { .. }) => {
                // What was dropped, or cannot be understood, may have been about ours.
                self.stale = true;
                return Ok(());
            }
            Some(Event::Closed(closed)) => return Err(closed.to_string()),
            Some(_) => return Ok(()),
            None => return Err("the connection is closed".to_owned()),
        };
        match message {
            // Only others' are forwarded.
            Message::RequestForward(_) => self.stale = true,
            Message::PortStatus(_) => self.settings.touch(),
            Message::PacketIn(packet) if Cookie::is_ours(packet.cookie) => {
                if self.reporter.hear(&packet) {
                    // The agent looks at it.
                } else if let Some(verdict) = logging::verdict(packet.table) {
                    self.reporter.log(verdict, &packet);
                    self.limit.passed();
                } else if let Some(service) = Service::of_packet(packet.table, &packet.metadata) {
                    self.reporter.ask(service, packet, &self.connection);
                } else {
                    self.reporter.announce(packet.cookie);
                }
            }
            Message::MultipartReply(reply) => {
                if let ReplyBody::FlowMonitor(updates) = reply.body {
                    self.take_in_updates(updates);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_in_updates(&mut self, updates: Vec<FlowUpdate>) {
        for update in updates {
            // Of this connection's own changes the switch only says that they are done.
            if let FlowUpdate::Full(change) = update {
                self.stale |= !self.follow(*change);
            }
        }
        self.report_counts(|_| {});
    }

    /// Follows a change of a flow that is not ours, as learned ones come and go with the traffic;
    /// `false` if it is ours, or takes the place of ours.
    fn follow(&mut self, change: FlowChange) -> bool {
        let flow = Arc::new(change.flow);
        let key = Key::of(&flow);
        let present = self.installed.flow(&key);
        let ours = |flow: &Arc<Flow>| Cookie::is_ours(flow.cookie);
        if ours(&flow) || present.is_some_and(ours) {
            return false;
        }
        let gone = match change.event {
            FlowEvent::DELETED => self.installed.remove_flow(&key),
            FlowEvent::ADDED | FlowEvent::MODIFIED => {
                *self.foreign.entry(flow.cookie).or_default() += 1;
                self.installed.put_flow(flow)
            }
            _ => return false,
        };
        if let Some(gone) = gone {
            self.forget(gone.cookie);
        }
        true
    }

    /// Counts one flow less of a cookie.
    fn forget(&mut self, cookie: u64) {
        if let Some(count) = self.foreign.get_mut(&cookie) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.foreign.remove(&cookie);
            }
        }
    }

    /// Reads the bridge again, and puts back what somebody else has changed.
    ///
    /// `desired` is what was installed before.
    pub(super) async fn repair(&mut self, desired: &FlowSet) -> Result<(), String> {
        self.read().await?;
        let (changes, took) = self.missing(desired);
        if changes.is_empty() {
            return Ok(());
        }
        for change in changes.iter().take(TOLD) {
            warn!("{}", told(change, &self.installed));
        }
        if let Some(more) = changes.len().checked_sub(TOLD).filter(|more| *more > 0) {
            warn!("put back {more} more");
        }
        let tally = Tally::of(&changes, &self.installed);
        self.reporter.update(|report| {
            report.totals.repairs.flows += tally.flows.sum();
            report.totals.repairs.groups += tally.groups.sum();
            report.totals.repairs.meters += tally.meters.sum();
        });
        // Something may have been rejected for the lack of what is put back.
        self.refused_before = mem::take(&mut self.refused);
        self.retry_at = None;
        let (changes, _) = self.missing(desired);
        self.send(changes, took, desired).await
    }

    /// When to check what is set outside of flows, and who tells that this has become earlier.
    pub(super) fn check_at(&self) -> (Instant, Arc<Notify>) {
        (self.settings.ask_at(), self.settings.moved())
    }

    /// Puts back what somebody else has set outside of flows.
    pub(super) async fn check(&mut self) -> Result<(), String> {
        let checked = self.settings.check(&self.connection, &self.reporter).await;
        checked.map_err(|error| format!("checking ports: {error}"))
    }

    /// When there is something to say outside.
    pub(super) fn herald_at(&self) -> Option<Instant> {
        self.herald.next_at()
    }

    /// Says outside what is here, as far as it has not been said.
    pub(super) async fn herald(&mut self) -> Result<(), String> {
        let Some(site) = self.reporter.site() else {
            return Ok(());
        };
        for message in self.herald.say(&site, Instant::now()) {
            let sent = self.connection.send(message).await;
            sent.map_err(|error| format!("announcing addresses: {error}"))?;
        }
        Ok(())
    }

    /// When to send again what did not fit; `None` if everything did.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Sends again what did not fit. What the switch cannot do is not sent again before something
    /// else is desired.
    pub(super) async fn retry(&mut self, desired: &FlowSet) -> Result<(), String> {
        self.retry_at = None;
        let refused = mem::take(&mut self.refused).into_iter();
        (self.refused_before, self.refused) = refused.partition(|refusal| refusal.lacks_room);
        let (changes, took) = self.missing(desired);
        self.send(changes, took, desired).await
    }

    /// Installs flows that what is desired next has too, and that cannot wait for it.
    pub(super) async fn stop(&mut self, flows: Vec<Arc<Flow>>) -> Result<(), String> {
        let changes: Vec<_> = flows.into_iter().map(Change::PutFlow).collect();
        self.hand_over(changes.iter()).await?;
        changes.into_iter().for_each(|change| self.note(change));
        Ok(())
    }

    /// Installs the difference between what is and what should be.
    pub(super) async fn install(&mut self, desired: &FlowSet) -> Result<(), String> {
        // What was refused before may now fit.
        self.refused_before = mem::take(&mut self.refused);
        self.retry_at = None;
        let started = Instant::now();
        self.installed.share(desired);
        let sharing = started.elapsed();
        let (changes, took) = self.missing(desired);
        self.send(changes, sharing + took, desired).await
    }

    /// The changes that turn what is into what should be, and how long it took to find them.
    fn missing(&self, desired: &FlowSet) -> (Vec<Change>, Duration) {
        let started = Instant::now();
        let mut changes = diff(&self.installed, desired);
        changes.retain(|change| !self.is_refused(change));
        (changes, started.elapsed())
    }

    fn is_refused(&self, change: &Change) -> bool {
        let mut refused = self.refused.iter();
        refused.any(|refusal| refusal.change == *change)
    }

    /// The changes that note what is to be forgotten.
    fn notes(&self, forgotten: &Forgotten) -> Vec<Change> {
        let notes = forgotten.notes().map(Arc::new).map(Change::PutFlow);
        notes.filter(|note| !self.is_refused(note)).collect()
    }

    /// Sends changes: new meters, then all but meters as one bundle, then the meters that go.
    ///
    /// No bundle takes meters (Open vSwitch 3.1), and flows need theirs when they come.
    ///
    /// A change that the switch rejects, or that no message can hold, is skipped, so that it does not
    /// hold up the others. It is sent again when something else is desired, or when others make room.
    async fn send(
        &mut self,
        mut changes: Vec<Change>,
        mut diff: Duration,
        desired: &FlowSet,
    ) -> Result<(), String> {
        while !changes.is_empty() {
            let started = Instant::now();
            let forgotten = Forgotten::between(&self.installed, desired, &changes);
            changes.extend(self.notes(&forgotten));
            let bundled = changes.iter().filter(|change| !is_meter(change));
            let bundled: Vec<_> = bundled.cloned().collect();
            self.hand_over(changes.iter().filter(|change| puts_meter(change)))
                .await?;
            // Each message is made when the switch has room for it: a full state is long.
            let messages = bundled.clone().into_iter().map(|change| message(&change));
            // A busy switch takes milliseconds to answer: nothing waits for what is sent before it.
            let (ordered, bundle, meters) = tokio::join!(
                self.connection.barrier(),
                self.connection.bundle(messages),
                self.missing_meters(&changes),
            );
            ordered.map_err(|error| format!("installing: {error}"))?;
            for change in meters? {
                let reason = format!("{change}: it takes no such meter");
                changes.retain(|other| *other != change);
                self.refuse(change, reason, true);
            }
            let left_out = match bundle {
                Ok(()) => Vec::new(),
                Err(RequestError::Bundle(BundleError::LeftOut(left_out))) => left_out,
                Err(error) => {
                    let Some((change, reason, lacks_room)) = culprit(&bundled, &error) else {
                        return Err(format!("installing: {error}"));
                    };
                    self.refuse(change, reason, lacks_room);
                    (changes, diff) = self.missing(desired);
                    continue;
                }
            };
            for refused in left_out {
                if let Some(change) = bundled.get(refused.index) {
                    changes.retain(|other| other != change);
                    let reason = format!("{change}: {}", refused.error);
                    self.refuse(change.clone(), reason, lacks_room(&refused.error));
                }
            }
            if changes.is_empty() {
                break;
            }
            let gone = changes.iter();
            let gone = gone.filter(|change| matches!(change, Change::DeleteMeter(_)));
            self.send_all(gone).await?;
            self.installed_now(changes, diff, started.elapsed());
            self.reporter.forget(forgotten);
            return Ok(());
        }
        self.report_counts(|_| {});
        Ok(())
    }

    /// The changes that put meters, of which the switch does not have what was sent.
    ///
    /// A refusal comes without the meter's number, and not in place of an answer: what is there
    /// tells.
    async fn missing_meters(&self, changes: &[Change]) -> Result<Vec<Change>, String> {
        if !changes.iter().any(puts_meter) {
            return Ok(Vec::new());
        }
        let meters = self.connection.meters().await;
        let meters = meters.map_err(|error| format!("reading the meters: {error}"))?;
        let there: BTreeMap<_, _> = meters.iter().map(|meter| (meter.id, meter)).collect();
        let missing = changes.iter().filter(|change| match change {
            Change::AddMeter(meter) | Change::ModifyMeter(meter) => {
                there.get(&meter.id) != Some(&meter.as_ref())
            }
            _ => false,
        });
        Ok(missing.cloned().collect())
    }

    /// Sends changes one by one, and waits until the switch is done.
    async fn send_all(&self, changes: impl Iterator<Item = &Change>) -> Result<(), String> {
        if !self.hand_over(changes).await? {
            return Ok(());
        }
        let done = self.connection.barrier().await;
        done.map_err(|error| format!("installing: {error}"))
    }

    /// Sends changes one by one; whether there were any.
    async fn hand_over(&self, changes: impl Iterator<Item = &Change>) -> Result<bool, String> {
        let mut sent = false;
        for change in changes {
            let handed = self.connection.send(message(change)).await;
            handed.map_err(|error| format!("installing: {error}"))?;
            sent = true;
        }
        Ok(sent)
    }

    /// Notes that the switch rejected a change, and logs it if that is new.
    fn refuse(&mut self, change: Change, reason: String, lacks_room: bool) {
        let mut before = self.refused_before.iter();
        let known =
            before.find(|refusal| refusal.change == change && refusal.trouble.reason == reason);
        let since = match known {
            Some(refusal) => refusal.trouble.since,
            None => {
                warn!("the switch rejected a change, which is skipped: {reason}");
                SystemTime::now()
            }
        };
        self.refused.push(Refusal {
            change,
            trouble: Trouble { reason, since },
            lacks_room,
        });
        if lacks_room {
            self.retry_at.get_or_insert_with(|| Instant::now() + RETRY);
        }
    }

    /// Notes that changes are installed.
    fn installed_now(&mut self, changes: Vec<Change>, diff: Duration, switch: Duration) {
        let tally = Tally::of(&changes, &self.installed);
        info!("{tally} in {switch:?}");
        for change in changes {
            self.note(change);
        }
        let last = LastChange {
            when: SystemTime::now(),
            tally,
            diff,
            switch,
        };
        self.report_counts(|report| {
            report.last = Some(last);
            report.totals.bundles += 1;
            report.totals.sent += tally;
            report.totals.diff += diff;
            report.totals.switch += switch;
        });
    }

    /// Tells how much is installed and refused, and what else there is to tell.
    fn report_counts(&self, also: impl FnOnce(&mut super::Report)) {
        let refused = self.refused.iter();
        let refused = refused.map(Refusal::reported);
        let refused: Vec<_> = refused.collect();
        self.reporter.update(|report| {
            also(report);
            let foreign: usize = self.foreign.values().sum();
            report.flows = self.installed.flows().len().saturating_sub(foreign);
            report.foreign.clone_from(&self.foreign);
            report.groups = self.installed.groups.len();
            report.meters = self.installed.meters.len();
            report.refused = refused;
        });
    }

    /// Notes that a change is installed.
    fn note(&mut self, change: Change) {
        match change {
            Change::AddGroup(group) | Change::ModifyGroup(group) => {
                self.installed.insert_group(*group);
            }
            Change::PutFlow(flow) => {
                if !Cookie::is_ours(flow.cookie) {
                    *self.foreign.entry(flow.cookie).or_default() += 1;
                }
                if let Some(replaced) = self.installed.put_flow(flow) {
                    self.forget(replaced.cookie);
                }
            }
            Change::DeleteFlow(key) => {
                self.installed.remove_flow(&key);
            }
            Change::DeleteGroup(id) => {
                self.installed.groups.remove(&id);
            }
            Change::AddMeter(meter) | Change::ModifyMeter(meter) => {
                self.installed.insert_meter(*meter);
            }
            Change::DeleteMeter(id) => {
                self.installed.meters.remove(&id);
            }
        }
    }
}
