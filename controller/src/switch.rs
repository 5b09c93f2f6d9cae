//! One task for each bridge: it owns the connection, and knows what is installed.
//!
//! It reads the bridge once when it connects, then sends differences: one bundle, then a barrier.
//! It watches the flows, so that what somebody else changes is put back. What it sees and does, it
//! writes on a board for others to read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use openflow::flow::Flow;
use openflow::message::PacketIn;
use openflow::multipart::FlowStats;
use openflow::{Connection, Events, Options, Target};
use pipelines::flow_set::FlowSet;
use pipelines::forget::Forgotten;
use pipelines::network::Verdict;
use pipelines::peer;
use pipelines::service::Service;
use pipelines::site::Site;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;
use tracing::{Instrument as _, debug, info_span, warn};

use crate::agent::{Announce, Wire};
use crate::board::Board;
use crate::security_group_log;
use crate::services::Services;
use crate::until::until;
use bridge::Bridge;
use report::Trouble;
use settings::Guarded;

mod bridge;
mod change;
mod forget;
mod herald;
mod limit;
mod read;
pub(crate) mod report;
mod settings;

pub(crate) use report::Report;

/// The shortest and the longest time between two attempts to connect.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A handle to the task of one bridge.
///
/// Dropped, the task ends once it has installed what was desired last.
#[derive(Debug)]
pub(crate) struct Switch {
    desired: watch::Sender<Option<Arc<FlowSet>>>,
    installed: watch::Receiver<Option<Arc<FlowSet>>>,
    stops: mpsc::UnboundedSender<Vec<Arc<Flow>>>,
}

impl Switch {
    /// Starts the task of a bridge, whose socket is in `directory`; it tells the tellers which flows
    /// have shown it a packet, and what machines ask, and `progress` that it has installed something.
    pub(crate) fn start(
        bridge: &str,
        directory: &Path,
        board: &Board,
        tellers: (Announce, Services, Wire),
        progress: Arc<Notify>,
    ) -> Self {
        let (announce, services, wire) = tellers;
        let (desired, receiver) = watch::channel(None);
        let (sender, installed) = watch::channel(None);
        let (stops, to_stop) = mpsc::unbounded_channel();
        let span = info_span!("switch", %bridge);
        let task = Task {
            target: socket(bridge, directory),
            desired: receiver,
            installed: sender,
            to_stop,
            progress,
            reporter: Reporter {
                bridge: bridge.to_owned(),
                directory: directory.to_owned(),
                board: board.clone(),
                announce,
                services,
                wire,
            },
        };
        tokio::spawn(task.run().instrument(span));
        Self {
            desired,
            installed,
            stops,
        }
    }

    /// Whether what was desired last is installed.
    pub(crate) fn is_settled(&self) -> bool {
        let (desired, installed) = (self.desired.borrow(), self.installed.borrow());
        match (desired.as_ref(), installed.as_ref()) {
            (Some(desired), Some(installed)) => Arc::ptr_eq(desired, installed),
            _ => false,
        }
    }

    /// Has the task install flows at once that are part of what it will be to install.
    pub(crate) fn stop(&self, flows: Vec<Arc<Flow>>) {
        // A task that has ended has nothing to stop.
        let _ = self.stops.send(flows);
    }

    /// Has the task install these flows, groups and meters, and nothing else of ours.
    pub(crate) fn desire(&self, flows: Arc<FlowSet>) {
        self.desired.send_if_modified(|desired| {
            let same = desired
                .as_ref()
                .is_some_and(|before| Arc::ptr_eq(before, &flows));
            *desired = Some(flows);
            !same
        });
    }
}

/// Where a bridge listens for OpenFlow: `BRIDGE.mgmt`.
fn socket(bridge: &str, directory: &Path) -> Target {
    Target::Unix(directory.join(format!("{bridge}.mgmt")))
}

/// Reads everything that is installed in a bridge, on a connection of its own.
///
/// # Errors
///
/// When the bridge does not answer, in words for people.
pub(crate) async fn read(bridge: &str, directory: &Path) -> Result<FlowSet, String> {
    let (connection, _events) = connect(bridge, directory).await?;
    read::read(&connection)
        .await
        .map(|(installed, _)| installed)
}

/// Reads every flow of a bridge with what it has seen, on a connection of its own.
///
/// # Errors
///
/// When the bridge does not answer, in words for people.
pub(crate) async fn counters(bridge: &str, directory: &Path) -> Result<Vec<FlowStats>, String> {
    let (connection, _events) = connect(bridge, directory).await?;
    let (flows, _) = read::flows(&connection).await?;
    Ok(flows)
}

async fn connect(bridge: &str, directory: &Path) -> Result<(Connection, Events), String> {
    let target = socket(bridge, directory);
    let connect = Connection::connect(&target, Options::default());
    connect
        .await
        .map_err(|closed| format!("{target}: {closed}"))
}

/// Writes what one task knows on the board.
#[derive(Clone, Debug)]
struct Reporter {
    bridge: String,
    directory: PathBuf,
    board: Board,
    announce: Announce,
    services: Services,
    wire: Wire,
}

impl Reporter {
    fn update(&self, change: impl FnOnce(&mut Report)) {
        self.board.report(&self.bridge, change);
    }

    /// Tells that a flow with this cookie has shown a packet.
    fn announce(&self, cookie: u64) {
        if self.announce.try_send(cookie).is_err() {
            debug!("too many announcements at once: one is left out, and will be repeated");
        }
    }

    /// Lets services speak to machines unasked, on the bridge that those are plugged in, and
    /// the agent to other agents, on the bridge of the tunnels.
    fn offer(&self, connection: &Connection) {
        if self.has_rules() {
            self.services.connected(connection.clone());
        }
        if self.has_tunnels() {
            self.wire.connected(connection.clone());
        }
    }

    /// Hands over a frame that another agent sent, if this is one; `false` if not.
    fn hear(&self, packet: &PacketIn) -> bool {
        let is_message = self.has_tunnels() && peer::is_message(&packet.data);
        if is_message {
            self.wire.hear(packet.clone());
        }
        is_message
    }

    /// Has a question of a machine answered.
    fn ask(&self, service: Service, packet: PacketIn, connection: &Connection) {
        let place = (self.bridge.as_str(), connection);
        self.services.ask(service, packet, place);
    }

    /// Writes a packet to the log that the firewall showed.
    fn log(&self, verdict: Verdict, packet: &PacketIn) {
        let site = self.board.read().view.site.clone();
        if site.is_some_and(|site| security_group_log::write(&site, verdict, packet)) {
            self.update(|report| report.totals.logged.written += 1);
        }
    }

    /// What the flows are compiled from, if the bridge is the one where routers are.
    fn site(&self) -> Option<Arc<Site>> {
        let site = self.board.read().view.site.clone();
        site.filter(|_| self.has_rules())
    }

    /// Whether the bridge is the one whose flows are rules of security groups.
    fn has_rules(&self) -> bool {
        self.board.read().view.settings.integration_bridge == self.bridge
    }

    /// The ports of the bridge that are brint's to configure.
    fn guarded(&self) -> Guarded {
        let view = self.board.read().view;
        let Some(desired) = view.desired.as_deref() else {
            return Guarded::default();
        };
        let bridge = desired.configuration.bridges.get(&self.bridge);
        let links = bridge.into_iter().flat_map(|bridge| bridge.ports.keys());
        let machines = desired.bindings.ports.values();
        let machines = machines.map(|binding| binding.interface.clone());
        Guarded {
            links: links.cloned().collect(),
            machines: machines.filter(|_| self.has_rules()).collect(),
        }
    }

    /// Whether the bridge is the one that holds the tunnels.
    fn has_tunnels(&self) -> bool {
        self.board.read().view.settings.tunnel_bridge == self.bridge
    }

    /// Has the connection tracker forget what nobody is to remember.
    fn forget(&self, forgotten: Forgotten) {
        if !forgotten.is_empty() {
            forget::start(self.bridge.clone(), self.directory.clone(), forgotten);
        }
    }
}

struct Task {
    target: Target,
    desired: watch::Receiver<Option<Arc<FlowSet>>>,
    /// What the bridge has; nothing while it is not connected.
    installed: watch::Sender<Option<Arc<FlowSet>>>,
    /// What cannot wait for what is desired.
    to_stop: mpsc::UnboundedReceiver<Vec<Arc<Flow>>>,
    progress: Arc<Notify>,
    reporter: Reporter,
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
            // The bridge is no longer ours, and has nothing of ours left.
            let Err(reason) = self.follow().await else {
                return;
            };
            self.installed.send_replace(None);
            self.reporter.update(|report| {
                report.connected = None;
                report.programmed = false;
                let since = report.trouble.take().map(|trouble| trouble.since);
                report.trouble = Some(Trouble {
                    reason: reason.clone(),
                    since: since.unwrap_or_else(SystemTime::now),
                });
            });
            if started.elapsed() > RETRY.1 {
                retry = RETRY.0;
            }
            if reported.as_ref() != Some(&reason) {
                warn!("{}: {reason}; trying again until it answers", self.target);
                reported = Some(reason);
            }
            if self.desired.has_changed().is_err() {
                return;
            }
            sleep(retry).await;
            retry = (retry * 2).min(RETRY.1);
        }
    }

    /// Lives as long as one connection, or until the bridge is no longer ours.
    async fn follow(&mut self) -> Result<(), String> {
        let mut bridge = Bridge::connect(&self.target, &self.reporter).await?;
        loop {
            let Some(desired) = self.desired.borrow_and_update().clone() else {
                return Ok(());
            };
            bridge.install(&desired).await?;
            self.reporter.update(|report| report.programmed = true);
            self.installed.send_replace(Some(Arc::clone(&desired)));
            self.progress.notify_one();
            bridge.herald().await?;
            loop {
                let retry_at = bridge.retry_at();
                let herald_at = bridge.herald_at();
                let (check_at, earlier) = bridge.check_at();
                tokio::select! {
                    biased;
                    Some(flows) = self.to_stop.recv() => {
                        bridge.stop(flows).await?;
                        continue;
                    }
                    changed = self.desired.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return Ok(()),
                    },
                    () = until(retry_at) => {
                        bridge.retry(&desired).await?;
                        continue;
                    }
                    () = until(herald_at) => {
                        bridge.herald().await?;
                        continue;
                    }
                    () = until(Some(check_at)) => {
                        bridge.check().await?;
                        continue;
                    }
                    () = earlier.notified() => continue,
                    touched = bridge.touched() => touched?,
                }
                bridge.repair(&desired).await?;
            }
        }
    }
}
