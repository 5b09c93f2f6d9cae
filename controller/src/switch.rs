//! One task for each bridge: it owns the connection, and knows what is installed.
//!
//! It reads the bridge once when it connects, then sends differences: one bundle, then a barrier.
//! It watches the flows, so that what somebody else changes is put back.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openflow::flow::Flow;
use openflow::message::{FlowMod, GroupMod, Message};
use openflow::multipart::{FlowMonitorFlags, FlowMonitorRequest, FlowUpdate, ReplyBody};
use openflow::session::BundleError;
use openflow::{Connection, Event, Events, Options, RequestError, Target};
use pipelines::diff::{Change, diff, foreign};
use pipelines::flow_set::{FlowSet, Key};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{Instrument as _, info, info_span, warn};

/// The shortest and the longest time between two attempts to connect.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How long the bridge has to be quiet before it is read again, when somebody else changed it.
const SETTLE: Duration = Duration::from_millis(10);

/// A handle to the task of one bridge.
///
/// Dropped, the task ends once it has installed what was desired last.
#[derive(Debug)]
pub(crate) struct Switch {
    desired: watch::Sender<Option<Arc<FlowSet>>>,
}

impl Switch {
    /// Starts the task of a bridge, whose socket is `BRIDGE.mgmt` in `directory`.
    pub(crate) fn start(bridge: &str, directory: &Path) -> Self {
        let (desired, receiver) = watch::channel(None);
        let target = Target::Unix(directory.join(format!("{bridge}.mgmt")));
        let span = info_span!("switch", %bridge);
        tokio::spawn(
            Task {
                target,
                desired: receiver,
            }
            .run()
            .instrument(span),
        );
        Self { desired }
    }

    /// Has the task install these flows and groups, and nothing else of ours.
    pub(crate) fn desire(&self, flows: Arc<FlowSet>) {
        self.desired.send_if_modified(|desired| {
            let modified = desired.as_ref() != Some(&flows);
            *desired = Some(flows);
            modified
        });
    }
}

struct Task {
    target: Target,
    desired: watch::Receiver<Option<Arc<FlowSet>>>,
}

/// Why the task goes on to a new connection, or ends.
enum End {
    /// The bridge is no longer ours, and has nothing of ours left.
    Retired,
    /// The connection is of no more use.
    Lost(String),
}

impl Task {
    async fn run(mut self) {
        let mut retry = RETRY.0;
        let mut reported = None;
        loop {
            // Nothing is done to a bridge before all of what it should have is known.
            if self.desired.borrow_and_update().is_none() {
                if self.desired.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let started = Instant::now();
            match self.connected().await {
                End::Retired => return,
                End::Lost(reason) => {
                    if started.elapsed() > RETRY.1 {
                        retry = RETRY.0;
                    }
                    if reported.as_ref() != Some(&reason) {
                        warn!("{}: {reason}; trying again until it answers", self.target);
                        reported = Some(reason);
                    }
                }
            }
            if self.desired.has_changed().is_err() {
                return;
            }
            sleep(retry).await;
            retry = (retry * 2).min(RETRY.1);
        }
    }

    /// Lives as long as one connection.
    async fn connected(&mut self) -> End {
        match self.follow().await {
            Ok(()) => End::Retired,
            Err(reason) => End::Lost(reason),
        }
    }

    async fn follow(&mut self) -> Result<(), String> {
        let connect = Connection::connect(&self.target, Options::default());
        let (connection, events) = connect.await.map_err(|closed| closed.to_string())?;
        info!("connected");
        let mut bridge = Bridge {
            connection,
            events,
            installed: FlowSet::default(),
            refused: Vec::new(),
        };
        // The monitor first: a change between the two is then told, not missed.
        bridge
            .watch()
            .await
            .map_err(|error| format!("watching the flows: {error}"))?;
        bridge
            .read()
            .await
            .map_err(|error| format!("reading the flows: {error}"))?;
        info!(
            "{} flows and {} groups are installed, {} flows are not ours",
            bridge.installed.flows.len(),
            bridge.installed.groups.len(),
            foreign(&bridge.installed).count()
        );
        loop {
            let Some(desired) = self.desired.borrow_and_update().clone() else {
                return Ok(());
            };
            bridge.install(&desired).await?;
            tokio::select! {
                changed = self.desired.changed() => match changed {
                    Ok(()) => bridge.refused.clear(),
                    Err(_) => return Ok(()),
                },
                touched = bridge.touched() => {
                    touched?;
                    bridge.read().await.map_err(|error| format!("reading the flows: {error}"))?;
                    let changes = diff(&bridge.installed, &desired).len();
                    if changes > 0 {
                        warn!("somebody else changed the bridge: putting {changes} things back");
                    }
                }
            }
        }
    }
}

/// A connected bridge and what is installed in it.
struct Bridge {
    connection: Connection,
    events: Events,
    installed: FlowSet,
    refused: Vec<Change>,
}

impl Bridge {
    /// Asks to be told of changes that others make to flows.
    async fn watch(&self) -> Result<(), RequestError> {
        let flags = FlowMonitorFlags::ADD | FlowMonitorFlags::DELETE | FlowMonitorFlags::MODIFY;
        let request = FlowMonitorRequest {
            flags,
            ..FlowMonitorRequest::all(1)
        };
        self.connection.monitor(request).await.map(drop)
    }

    /// Reads everything that is installed.
    async fn read(&mut self) -> Result<(), RequestError> {
        let mut installed = FlowSet::default();
        for group in self.connection.groups().await? {
            installed.insert_group(group);
        }
        for flow in self.connection.flows().await? {
            let flow = Flow::from(flow);
            installed.flows.insert(Key::of(&flow), flow);
        }
        self.installed = installed;
        Ok(())
    }

    /// Waits until somebody else has changed the bridge, and has stopped for a moment.
    async fn touched(&mut self) -> Result<(), String> {
        while !is_change(self.events.next().await)? {}
        loop {
            match timeout(SETTLE, self.events.next()).await {
                Ok(event) => is_change(event).map(drop)?,
                Err(_) => return Ok(()),
            }
        }
    }

    /// Installs the difference between what is and what should be.
    ///
    /// A change that the switch refuses is left out, so that it does not hold up the others; it is
    /// tried again when something else is desired.
    async fn install(&mut self, desired: &FlowSet) -> Result<(), String> {
        loop {
            let mut changes = diff(&self.installed, desired);
            changes.retain(|change| !self.refused.contains(change));
            if changes.is_empty() {
                return Ok(());
            }
            let started = Instant::now();
            match self
                .connection
                .bundle(changes.iter().map(message).collect())
                .await
            {
                Ok(()) => {
                    info!("{} in {:?}", Summary(&changes), started.elapsed());
                    for change in changes {
                        self.note(change);
                    }
                }
                Err(RequestError::Bundle(BundleError::Refused(culprit))) => {
                    let Some(change) = changes.get(culprit.index) else {
                        return Err(format!("installing: {culprit}"));
                    };
                    warn!(
                        "{change} is left out, as the switch refuses it: {}",
                        culprit.error
                    );
                    self.refused.push(change.clone());
                }
                Err(error) => return Err(format!("installing: {error}")),
            }
        }
    }

    /// Notes that a change is installed.
    fn note(&mut self, change: Change) {
        match change {
            Change::AddGroup(group) | Change::ModifyGroup(group) => {
                self.installed.insert_group(group);
            }
            Change::PutFlow(flow) => {
                self.installed.flows.insert(Key::of(&flow), flow);
            }
            Change::DeleteFlow(key) => {
                self.installed.flows.remove(&key);
            }
            Change::DeleteGroup(id) => {
                self.installed.groups.remove(&id);
            }
        }
    }
}

/// Whether an event says that somebody else changed a flow.
fn is_change(event: Option<Event>) -> Result<bool, String> {
    match event {
        Some(Event::Message { message, .. }) => Ok(tells_change(&message)),
        // What was dropped may have been a change.
        Some(Event::Overflow { .. }) => Ok(true),
        Some(Event::Closed(closed)) => Err(closed.to_string()),
        Some(_) => Ok(false),
        None => Err("the connection is closed".to_owned()),
    }
}

/// Whether a message is of the flow monitor, and about what others did: of this connection's own
/// changes the switch only says that they are done.
fn tells_change(message: &Message) -> bool {
    let Message::MultipartReply(reply) = message else {
        return false;
    };
    match &reply.body {
        ReplyBody::FlowMonitor(updates) => updates
            .iter()
            .any(|update| !matches!(update, FlowUpdate::Abbreviated { .. })),
        _ => false,
    }
}

/// The message that carries a change out.
fn message(change: &Change) -> Message {
    match change {
        Change::AddGroup(group) => GroupMod::add(group.clone()).into(),
        Change::ModifyGroup(group) => GroupMod::modify(group.clone()).into(),
        Change::DeleteGroup(id) => GroupMod::delete(*id).into(),
        Change::PutFlow(flow) => FlowMod::add(flow).into(),
        Change::DeleteFlow(key) => {
            FlowMod::delete_strict((key.table, key.priority, &key.matching)).into()
        }
    }
}

/// How many things a list of changes adds, changes and removes.
struct Summary<'a>(&'a [Change]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut flows, mut groups, mut gone) = (0, 0, 0);
        for change in self.0 {
            match change {
                Change::PutFlow(_) => flows += 1,
                Change::AddGroup(_) | Change::ModifyGroup(_) => groups += 1,
                Change::DeleteFlow(_) | Change::DeleteGroup(_) => gone += 1,
            }
        }
        write!(f, "put {flows} flows and {groups} groups, removed {gone}")
    }
}
