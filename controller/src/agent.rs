//! The agent: keeps the database and the bridges of one host as the network description says.
//!
//! It is level-triggered. Whatever happens, the same function runs: it compares what is with what
//! should be, and sends the difference. An event that gets lost costs time, never correctness.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use ovsdb::{Client, Event, Events, Options, Remote};
use pipelines::bridge::{self, Bridge as Role};
use pipelines::flow_set::FlowSet;
use pipelines::network::Model;
use pipelines::site::Site;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::board::{Board, View};
use crate::listeners::Listeners;
use crate::log::Levels;
use crate::northbound::database::WriteError;
use crate::northbound::database::tables::Northbound;
use crate::northbound::followed::{Followed, Held};
use crate::northbound::source::{Described, Source};
use crate::presence::Presence;
use crate::problem::{Kind, Problem};
use crate::services::Services;
use crate::switch::Switch;
use crate::unixctl::Commands;
use crate::until::until;
use crate::vswitch::{OpenVSwitch, Plan};

mod arrivals;
mod datapath;
mod desired;
mod failover;
mod hold;
mod kept;
mod liveness;
mod mending;
mod northbound;
mod programs;
pub(crate) mod settings;
mod site;
mod upcalls;
mod uplink;

use arrivals::Arrivals;
use failover::{Failures, Scene};
use hold::Hold;
use mending::Mending;
use programs::Programs;
use upcalls::Upcalls;
use uplink::{Facts, Uplink};

pub(crate) use arrivals::Announce;
pub(crate) use datapath::Datapath;
pub(crate) use desired::Desired;
pub(crate) use failover::Wire;
pub(crate) use programs::Compilation;
pub(crate) use settings::Settings;

/// How long the database may take to answer.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before a transaction that was refused is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// How long `ovs-vswitchd` usually takes to put a configuration into effect, amply.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs the agent until a signal ends it.
///
/// # Errors
///
/// Only what makes a start impossible; what goes wrong later is logged and tried again.
pub(crate) async fn run(settings: Settings, levels: Levels) -> anyhow::Result<()> {
    // Whatever can be wrong with the start is found before anything is touched.
    let mut presence = Presence::claim(&settings.run_directory)?;
    let listeners = Listeners::bind(&mut presence, settings.metrics)?;
    let remote: Remote = (settings.database.parse()).with_context(|| {
        format!(
            "--db {}: expected unix:PATH or tcp:HOST:PORT",
            settings.database
        )
    })?;
    let (client, events) = Client::<OpenVSwitch>::connect(vec![remote], Options::default());
    let mut source = Source::start(&settings.source, settings.host.as_str())
        .with_context(|| format!("watching {}", settings.source))?;
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
    let mut hangup = signal(SignalKind::hangup()).context("waiting for SIGHUP")?;
    info!(
        "brint {} started for host {}",
        env!("CARGO_PKG_VERSION"),
        settings.host
    );

    let settings = Arc::new(settings);
    let board = Board::new(Arc::clone(&settings));
    let exit = Arc::new(Notify::new());
    listeners.start(Commands {
        board: board.clone(),
        levels,
        exit: Arc::clone(&exit),
    })?;
    let mut agent = Agent::new(settings, board, client, events);
    agent.uplink = source.database().cloned().map(Uplink::new);
    loop {
        tokio::select! {
            described = source.next() => match described {
                Ok(described) => agent.offered = Some(described),
                Err(error) => agent.refuse_source(&error),
            },
            error = uplink_changed(&mut agent.uplink) => agent.note_uplink(error),
            () = agent.progress.notified() => {
                agent.tell();
                continue;
            }
            event = agent.events.next() => agent.database_event(event.context("the database")?),
            () = until(agent.retry_at) => agent.retry_at = None,
            () = agent.hold.changed() => {}
            () = agent.arrivals.changed() => {}
            // Without the database of the host there is nothing to look at.
            () = agent.failures.changed(), if agent.view.connected => {}
            () = agent.upcalls.changed() => {}
            () = until(agent.mending.next()) => {}
            () = until(agent.patience) => agent.lose_patience(),
            _ = hangup.recv() => source.reload(),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = exit.notified() => break,
        }
        agent.find_northbound(&source).await;
        agent.reconcile().await;
    }
    agent.let_through().await;
    agent.take_leave().await;
    info!("stopped; bridges and flows stay as they are");
    Ok(())
}

/// What the agent knows and does.
struct Agent {
    settings: Arc<Settings>,
    board: Board,
    client: Client<OpenVSwitch>,
    events: Events<OpenVSwitch>,
    /// What it knows, as others may see it.
    view: View,
    troubles: Troubles,
    switches: BTreeMap<String, Switch>,
    programs: Programs,
    hold: Hold,
    arrivals: Arrivals,
    failures: Failures,
    upcalls: Upcalls,
    mending: Mending,
    services: Services,
    /// What is said of the host to the source, if that is a database.
    uplink: Option<Uplink>,
    /// Tells that a bridge has installed something.
    progress: Arc<Notify>,
    /// The rows that the description in effect comes from, if it is not a file's.
    rows: Option<Arc<Northbound>>,
    /// What the source says, while it is not in effect.
    offered: Option<Described>,
    /// The northbound database that is followed.
    followed: Option<Followed>,
    /// Why the one that the source leads to is not.
    held: Option<Held>,
    /// The number of the description in effect, and whether the database of the host says all of it.
    nb_cfg: i64,
    configured: bool,
    /// The servers that the host's database says the northbound database has.
    remotes: Vec<Remote>,
    /// When to try again what failed.
    retry_at: Option<Instant>,
    /// Until when `ovs-vswitchd` may leave the configuration as it is without a complaint.
    patience: Option<Instant>,
}

/// What is wrong around the agent; what is wrong with the host's objects is derived.
#[derive(Debug, Default)]
struct Troubles {
    /// The description that was read last.
    source: Option<Problem>,
    /// The northbound database, which is held.
    held: Option<Problem>,
    /// What the description in effect has to do without.
    left_out: BTreeSet<Problem>,
    /// Where the northbound database is.
    remote: Option<Problem>,
    /// What is reported to it.
    uplink: Option<Problem>,
    /// Another agent with the same name.
    double: Option<Problem>,
    /// The name of the host, which is not the one that it had.
    renamed: Option<Problem>,
    /// The connection to the database.
    connection: Option<Problem>,
    /// The transaction that was sent last.
    transaction: Option<Problem>,
    /// What `ovs-vswitchd` does with the database.
    switch: Option<Problem>,
}

impl Agent {
    fn new(
        settings: Arc<Settings>,
        board: Board,
        client: Client<OpenVSwitch>,
        events: Events<OpenVSwitch>,
    ) -> Self {
        let view = View::clone(&board.read().view);
        let hold = Hold::new(&board);
        let services = Services::start(board.clone());
        let upcalls = Upcalls::watch(settings.run_directory.clone());
        Self {
            settings,
            board,
            client,
            events,
            view,
            troubles: Troubles::default(),
            switches: BTreeMap::new(),
            programs: Programs::default(),
            hold,
            arrivals: Arrivals::new(),
            failures: Failures::new(),
            upcalls,
            mending: Mending::default(),
            services,
            uplink: None,
            progress: Arc::new(Notify::new()),
            rows: None,
            offered: None,
            followed: None,
            held: None,
            nb_cfg: 0,
            configured: false,
            remotes: Vec::new(),
            retry_at: None,
            patience: None,
        }
    }

    fn note_uplink(&mut self, error: Option<WriteError>) {
        self.troubles.uplink = match error {
            // Who was slower looks again.
            None | Some(WriteError::Stale) => None,
            Some(error) => Some(self.source_problem(format!(
                "does not take what the host reports: {error}; trying until it does"
            ))),
        };
    }

    /// Tells the northbound database what is true of the host.
    fn tell(&mut self) {
        let (Some(uplink), Some(model), Some(desired)) =
            (&mut self.uplink, &self.view.model, &self.view.desired)
        else {
            return;
        };
        let Some(rows) = &self.rows else {
            return;
        };
        // Another database is told nothing, not even before it is looked at.
        let followed = self.followed.as_ref();
        if self.held.is_some() || followed.is_none_or(|followed| !uplink.leads_to(followed)) {
            return;
        }
        let settled = self.configured && self.switches.values().all(Switch::is_settled);
        uplink.report(&Facts {
            this: &desired.this,
            rows,
            model,
            bindings: &desired.bindings,
            programmed: settled.then_some(self.nb_cfg),
        });
        let is_displaced = uplink.is_displaced();
        self.note_displaced(is_displaced);
    }

    /// Tells the northbound database that nobody need wait for the host.
    async fn take_leave(self) {
        let is_held = self.held.is_some();
        let uplink = self.uplink.filter(|_| !is_held);
        if let (Some(uplink), Some(desired)) = (uplink, self.view.desired) {
            uplink.farewell(&desired.this.host).await;
        }
    }

    fn database_event(&mut self, event: Event<OpenVSwitch>) {
        match event {
            Event::Connected { remote } => {
                info!("{remote}: connected");
                self.view.connected = true;
                self.view.connections += 1;
                self.troubles.connection = None;
            }
            Event::Disconnected(reason) => {
                self.view.connected = false;
                // The client retries by itself; the first failure tells what people need to know.
                self.troubles.connection.get_or_insert_with(|| {
                    let sentence = format!("is not connected: {reason}; trying until it answers");
                    Problem::new(Kind::Database, "Open_vSwitch", sentence)
                });
            }
            _ => {}
        }
    }

    /// Compares everything, sends what differs, and tells what came of it.
    async fn reconcile(&mut self) {
        self.consider();
        self.compare().await;
        self.tell();
        self.report();
        self.board.publish(self.view.clone());
    }

    async fn compare(&mut self) {
        self.configured = false;
        // A replica that is not complete must not look like a database that is empty.
        if !self.view.connected {
            return;
        }
        let Some(model) = self.view.model.clone() else {
            return self.keep().await;
        };
        let mut started = Instant::now();
        let mut tables = self.client.snapshot();
        if self.is_renamed(&tables, &model) {
            return self.keep().await;
        }
        self.stop_renumbered(&tables);
        let (mut desired, mut plan) = self.derive(&tables, &model);
        if plan.changes.is_empty() && tables.is_configured() {
            let configuration = &desired.configuration;
            let due = self.mending.due(configuration, &tables, Instant::now());
            let due = due
                .iter()
                .map(|(bridge, port)| (bridge.as_str(), port.as_str()));
            plan.unmake(&tables, due);
        }
        self.hold.amend(&mut plan, &tables);
        self.remember(&mut plan, &tables, &desired.this);
        if plan.changes.is_empty() {
            self.troubles.transaction = None;
        } else if self.retry_at.is_none() {
            self.commit(plan).await;
            started = Instant::now();
            tables = self.client.snapshot();
            (desired, _) = self.derive(&tables, &model);
        }
        // Until then an interface may be waiting for its number, and its flows for it.
        if tables.is_configured() {
            self.patience = None;
            self.troubles.switch = None;
            let (directory, bridge) = (
                &self.settings.run_directory,
                self.settings.integration_bridge.as_str(),
            );
            self.view.datapath.probe(directory, &tables, bridge).await;
            let mut site = site::site(&self.settings, &desired, &tables, Arc::clone(&model));
            site.features = self.view.datapath.features();
            self.program(&desired, site, started);
            self.configured = self.troubles.transaction.is_none();
        } else if self.troubles.switch.is_none() {
            self.patience
                .get_or_insert_with(|| Instant::now() + PATIENCE);
        }
        self.failures.say(
            &Scene {
                configuration: &desired.configuration,
                tables: &tables,
                model: &model,
                host: &desired.this.host,
                integration: (
                    &self.settings.integration_bridge,
                    &self.settings.run_directory,
                ),
            },
            Instant::now(),
        );
        self.view.tables = tables;
        self.view.desired = Some(desired);
    }

    /// Takes ports down whose numbers somebody changes, before `ovs-vswitchd` is done with it.
    ///
    /// It reads the request when the agent does, and makes the ports anew, which takes it longer than
    /// the agent needs. Flows of before would then be about another port. They come back when the
    /// configuration is in effect.
    fn stop_renumbered(&mut self, tables: &OpenVSwitch) {
        let (Some(site), Some(desired)) = (self.view.site.clone(), self.view.desired.clone())
        else {
            return;
        };
        let renumbered = site::renumbered(&self.settings, &desired, tables);
        if !renumbered.is_subset(&site.renumbered) {
            let mut site = Site::clone(&site);
            site.renumbered = renumbered;
            // One at a time: the switch takes longer to get to a whole bundle.
            if let Some(switch) = self.switches.get(&self.settings.integration_bridge) {
                let ports = site.renumbered.iter();
                let flows = ports.flat_map(|port| bridge::stops(&site, *port));
                switch.stop(flows.collect());
            }
            self.program(&desired, site, Instant::now());
        }
    }

    /// What the host should be, and how to get there.
    fn derive(&mut self, tables: &OpenVSwitch, model: &Model) -> (Arc<Desired>, Plan) {
        let announced = self.arrivals.ports(model, &self.settings.host);
        let described = (model, self.rows.as_deref());
        Desired::new(
            &self.settings,
            tables,
            described,
            announced,
            &mut self.failures,
        )
    }

    /// Notes what the agent is waiting for.
    fn lose_patience(&mut self) {
        self.patience = None;
        self.troubles.switch = Some(Problem::new(
            Kind::Daemon,
            "ovs-vswitchd",
            "does not put the configuration into effect: is it running?",
        ));
    }

    /// Holds no packets any more, as nobody would let them through later.
    async fn let_through(&mut self) {
        let tables = self.client.snapshot();
        let mut plan = Plan::default();
        plan.release(&tables);
        if self.view.connected && !plan.changes.is_empty() {
            self.commit(plan).await;
        }
    }

    /// Sends one transaction; one that fails is tried again later.
    async fn commit(&mut self, plan: Plan) {
        for change in &plan.changes {
            info!("{change}");
        }
        let sent = self
            .client
            .transact(plan.transaction, TRANSACTION_TIMEOUT)
            .await;
        self.troubles.transaction = match sent {
            Ok(_) => {
                // No transaction is long enough to make the conversion fail.
                self.view.changes += u64::try_from(plan.changes.len()).unwrap_or_default();
                None
            }
            Err(error) => {
                self.retry_at = Some(Instant::now() + RETRY);
                let sentence = format!("does not take a change: {error}; trying every {RETRY:?}");
                Some(Problem::new(Kind::Database, "Open_vSwitch", sentence))
            }
        };
    }

    /// Logs problems that are new, and those that are gone.
    fn report(&mut self) {
        let Troubles {
            source,
            held,
            left_out,
            remote,
            uplink,
            double,
            renamed,
            connection,
            transaction,
            switch,
        } = &self.troubles;
        let troubles = [
            source,
            held,
            remote,
            uplink,
            double,
            renamed,
            connection,
            transaction,
            switch,
        ];
        let mut problems: BTreeSet<Problem> = troubles.into_iter().flatten().cloned().collect();
        problems.extend(left_out.iter().cloned());
        problems.extend(self.view.datapath.problems());
        problems.extend(self.upcalls.problems());
        if let Some(desired) = &self.view.desired {
            problems.extend(desired.problems.iter().cloned());
        }
        self.view.problems.retain(|problem, _| {
            let stands = problems.contains(problem);
            if !stands {
                info!("no longer: {problem}");
            }
            stands
        });
        for problem in problems {
            if let Entry::Vacant(new) = self.view.problems.entry(problem) {
                warn!("{}", new.key());
                new.insert(SystemTime::now());
            }
        }
    }

    /// Hands each bridge its flows, and takes back those of bridges that are no longer used.
    ///
    /// `started` is when deriving the site began.
    fn program(&mut self, desired: &Desired, site: Site, started: Instant) {
        let bridges = desired.configuration.bridges.iter();
        let bridges: BTreeMap<String, Role> = bridges
            .map(|(name, bridge)| (name.clone(), bridge.role.clone()))
            .collect();
        if self.programs.is_current(&site, &bridges) {
            return;
        }
        self.programs.compile(site, bridges, started);
        self.view.compilation = self.programs.compilation();
        if let Some(site) = self.programs.site() {
            self.view.set_site(site);
        }
        self.view.flows.clear();
        let flows: Vec<_> = self
            .programs
            .flows()
            .map(|(name, flows)| (name.to_owned(), flows))
            .collect();
        for (name, flows) in flows {
            self.desire(&name, flows);
        }
        let programs = &self.programs;
        self.switches.retain(|name, switch| {
            let used = programs.has(name);
            if !used {
                switch.desire(Arc::default());
            }
            used
        });
    }
}

impl Agent {
    /// Has a bridge get what it should have, and nothing else of brint.
    fn desire(&mut self, bridge: &str, flows: Arc<FlowSet>) {
        let start = || {
            let progress = Arc::clone(&self.progress);
            let tellers = (
                self.arrivals.announce(),
                self.services.clone(),
                self.failures.wire(),
            );
            let directory = &self.settings.run_directory;
            Switch::start(bridge, directory, &self.board, tellers, progress)
        };
        let switch = self.switches.entry(bridge.to_owned());
        switch.or_insert_with(start).desire(Arc::clone(&flows));
        self.view.flows.insert(bridge.to_owned(), flows);
    }
}

/// Waits until there may be something to tell the northbound database, if there is one.
async fn uplink_changed(uplink: &mut Option<Uplink>) -> Option<WriteError> {
    match uplink {
        Some(uplink) => uplink.changed().await,
        None => future::pending().await,
    }
}
