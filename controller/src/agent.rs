//! The agent: keeps the database and the bridges of one host as the network description says.
//!
//! It is level-triggered. Whatever happens, the same function runs: it compares what is with what
//! should be, and sends the difference. An event that gets lost costs time, never correctness.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use ovsdb::{Client, Event, Events, Options, Remote};
use pipelines::bridge::Bridge as Role;
use pipelines::site::Site;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::board::{Board, View};
use crate::listeners::Listeners;
use crate::log::Levels;
use crate::northbound::watch::{Loaded, Watch};
use crate::presence::Presence;
use crate::problem::{Kind, Problem};
use crate::switch::Switch;
use crate::unixctl::Commands;
use crate::until::until;
use crate::vswitch::{OpenVSwitch, Plan};

mod arrivals;
mod desired;
mod hold;
mod programs;
pub(crate) mod settings;
mod site;

use arrivals::Arrivals;
use hold::Hold;
use programs::Programs;

pub(crate) use arrivals::Announce;
pub(crate) use desired::Desired;
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
    let mut watch = Watch::start(&settings.network)
        .with_context(|| format!("watching {}", settings.network.display()))?;
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
    loop {
        tokio::select! {
            loaded = watch.next() => match loaded {
                Ok(loaded) => agent.set_model(loaded),
                Err(error) => agent.refuse_file(&error.to_string()),
            },
            event = agent.events.next() => agent.database_event(event.context("the database")?),
            () = until(agent.retry_at) => agent.retry_at = None,
            () = agent.hold.changed() => {}
            () = agent.arrivals.changed() => {}
            () = until(agent.patience) => agent.lose_patience(),
            _ = hangup.recv() => watch.reload(),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = exit.notified() => break,
        }
        agent.reconcile().await;
    }
    agent.let_through().await;
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
    /// When to try again what failed.
    retry_at: Option<Instant>,
    /// Until when `ovs-vswitchd` may leave the configuration as it is without a complaint.
    patience: Option<Instant>,
}

/// What is wrong around the agent; what is wrong with the host's objects is derived.
#[derive(Debug, Default)]
struct Troubles {
    /// The description that was read last.
    file: Option<Problem>,
    /// What the description in effect has to do without.
    left_out: BTreeSet<Problem>,
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
            retry_at: None,
            patience: None,
        }
    }

    fn set_model(&mut self, loaded: Loaded) {
        let Loaded {
            model,
            left_out,
            digest,
        } = loaded;
        info!(
            "{}: {} networks, {} ports, {} security groups, {} hosts; content {digest}",
            self.settings.network.display(),
            model.networks().count(),
            model.ports().count(),
            model.security_groups().count(),
            model.hosts().count()
        );
        self.view.model = Some(Arc::new(model));
        self.view.digest = Some(digest);
        self.troubles.file = None;
        let file = self.settings.network.display();
        let left_out = left_out.into_iter();
        self.troubles.left_out = left_out
            .map(|mistake| {
                Problem::new(Kind::File, &file, format!("is in effect without {mistake}"))
            })
            .collect();
    }

    fn refuse_file(&mut self, error: &str) {
        let sentence = format!("is not in effect, the running state stays: {error}");
        let file = self.settings.network.display();
        self.troubles.file = Some(Problem::new(Kind::File, file, sentence));
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
        self.compare().await;
        self.report();
        self.board.publish(self.view.clone());
    }

    async fn compare(&mut self) {
        // A replica that is not complete must not look like a database that is empty.
        let Some(model) = self.view.model.clone().filter(|_| self.view.connected) else {
            return;
        };
        let mut tables = self.client.snapshot();
        let announced = self.arrivals.ports(&model, &self.settings.host);
        let (mut desired, mut plan) = Desired::new(&self.settings, &tables, &model, announced);
        self.hold.amend(&mut plan, &tables);
        if plan.changes.is_empty() {
            self.troubles.transaction = None;
        } else if self.retry_at.is_none() {
            self.commit(plan).await;
            tables = self.client.snapshot();
            let announced = self.arrivals.ports(&model, &self.settings.host);
            (desired, _) = Desired::new(&self.settings, &tables, &model, announced);
        }
        // Until then an interface may be waiting for its number, and its flows for it.
        if tables.is_configured() {
            self.patience = None;
            self.troubles.switch = None;
            let site = site::site(&self.settings, &desired, &tables, model);
            self.program(&desired, site);
        } else if self.troubles.switch.is_none() {
            self.patience
                .get_or_insert_with(|| Instant::now() + PATIENCE);
        }
        self.view.tables = tables;
        self.view.desired = Some(desired);
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
            file,
            left_out,
            connection,
            transaction,
            switch,
        } = &self.troubles;
        let troubles = [file, connection, transaction, switch];
        let mut problems: BTreeSet<Problem> = troubles.into_iter().flatten().cloned().collect();
        problems.extend(left_out.iter().cloned());
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
    fn program(&mut self, desired: &Desired, site: Site) {
        let bridges = desired.configuration.bridges.iter();
        let bridges: BTreeMap<String, Role> = bridges
            .map(|(name, bridge)| (name.clone(), bridge.role.clone()))
            .collect();
        if self.programs.is_current(&site, &bridges) {
            return;
        }
        self.programs.compile(site, bridges);
        self.view.compilation = self.programs.compilation();
        self.view.site = self.programs.site();
        self.view.flows.clear();
        let announce = self.arrivals.announce();
        for (name, flows) in self.programs.flows() {
            let directory = &self.settings.run_directory;
            self.switches
                .entry(name.to_owned())
                .or_insert_with(|| Switch::start(name, directory, &self.board, announce.clone()))
                .desire(Arc::clone(&flows));
            self.view.flows.insert(name.to_owned(), flows);
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
