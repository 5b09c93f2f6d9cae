//! The agent: keeps the database and the bridges of one host as the network description says.
//!
//! It is level-triggered. Whatever happens, the same function runs: it compares what is with what
//! should be, and sends the difference. An event that gets lost costs time, never correctness.

use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ovsdb::{Client, Event, Events, Options, Remote};
use pipelines::bridge::Bridge as Role;
use pipelines::network::Model;
use pipelines::site::Site;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use crate::northbound::watch::{Loaded, Watch};
use crate::switch::Switch;
use crate::vswitch::{self, Bindings, Configuration, OpenVSwitch, Plan};

mod programs;
pub(crate) mod settings;
mod site;

use programs::Programs;
use settings::ThisHost;

pub(crate) use settings::Settings;

/// How long the database may take to answer.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before a transaction that was refused is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// How long `ovs-vswitchd` usually takes to put a configuration into effect, amply.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often to repeat what the agent is waiting for.
const REMINDER: Duration = Duration::from_secs(60);

/// Runs the agent until a signal ends it.
///
/// # Errors
///
/// Only what makes a start impossible; what goes wrong later is logged and tried again.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
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

    let mut agent = Agent::new(settings, client, events);
    loop {
        tokio::select! {
            loaded = watch.next() => match loaded {
                Ok(loaded) => agent.set_model(loaded),
                Err(error) => warn!("{error}\nthe running state stays"),
            },
            event = agent.events.next() => agent.database_event(event.context("the database")?),
            () = until(agent.retry_at) => agent.retry_at = None,
            () = until(agent.patience) => agent.complain(),
            _ = hangup.recv() => watch.reload(),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
        agent.reconcile().await;
    }
    info!("stopped; bridges and flows stay as they are");
    Ok(())
}

/// Waits for a time, or for ever where there is none.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => future::pending().await,
    }
}

/// What the agent knows and does.
struct Agent {
    settings: Settings,
    client: Client<OpenVSwitch>,
    events: Events<OpenVSwitch>,
    /// Whether the replica follows the database.
    connected: bool,
    model: Option<Arc<Model>>,
    switches: BTreeMap<String, Switch>,
    programs: Programs,
    /// Problems that have been logged and still stand.
    problems: BTreeSet<String>,
    /// When to try again what failed.
    retry_at: Option<Instant>,
    /// Until when `ovs-vswitchd` may leave the configuration as it is without a complaint.
    patience: Option<Instant>,
}

impl Agent {
    fn new(settings: Settings, client: Client<OpenVSwitch>, events: Events<OpenVSwitch>) -> Self {
        Self {
            settings,
            client,
            events,
            connected: false,
            model: None,
            switches: BTreeMap::new(),
            programs: Programs::default(),
            problems: BTreeSet::new(),
            retry_at: None,
            patience: None,
        }
    }

    fn set_model(&mut self, loaded: Loaded) {
        let Loaded { model, digest } = loaded;
        info!(
            "{}: {} networks, {} ports, {} security groups, {} hosts; content {digest}",
            self.settings.network.display(),
            model.networks().count(),
            model.ports().count(),
            model.security_groups().count(),
            model.hosts().count()
        );
        self.model = Some(Arc::new(model));
    }

    fn database_event(&mut self, event: Event<OpenVSwitch>) {
        match event {
            Event::Connected { remote } => {
                info!("{remote}: connected");
                self.connected = true;
            }
            Event::Disconnected(reason) => {
                // The client retries by itself; the first failure tells what people need to know.
                if self.connected || self.problems.insert(reason.to_string()) {
                    warn!("{reason}; trying again until it answers");
                }
                self.connected = false;
            }
            _ => {}
        }
    }

    /// Compares everything and sends what differs.
    async fn reconcile(&mut self) {
        // A replica that is not complete must not look like a database that is empty.
        let Some(model) = self.model.clone().filter(|_| self.connected) else {
            return;
        };
        let mut tables = self.client.snapshot();
        let mut desired = Desired::new(&self.settings, &tables, &model);
        if !desired.plan.changes.is_empty() && self.retry_at.is_none() {
            self.commit(desired.plan).await;
            tables = self.client.snapshot();
            desired = Desired::new(&self.settings, &tables, &model);
        }
        self.report(desired.problems(&tables));
        // Until then an interface may be waiting for its number, and its flows for it.
        if !tables.is_configured() {
            self.patience
                .get_or_insert_with(|| Instant::now() + PATIENCE);
        } else {
            self.patience = None;
            let site = site::site(&self.settings, &desired, &tables, model);
            let bridges = desired.configuration.bridges.into_iter();
            self.program(
                bridges.map(|(name, bridge)| (name, bridge.role)).collect(),
                site,
            );
        }
    }

    /// Says what the agent is waiting for.
    fn complain(&mut self) {
        warn!("waiting for ovs-vswitchd to put the configuration into effect: is it running?");
        self.patience = Some(Instant::now() + REMINDER);
    }

    /// Sends one transaction; one that fails is tried again later.
    async fn commit(&mut self, plan: Plan) {
        for change in &plan.changes {
            info!("{change}");
        }
        if let Err(error) = self
            .client
            .transact(plan.transaction, TRANSACTION_TIMEOUT)
            .await
        {
            warn!(
                "{}: {error}; trying again in {RETRY:?}",
                self.settings.database
            );
            self.retry_at = Some(Instant::now() + RETRY);
        }
    }

    /// Logs problems that are new, and those that are gone.
    fn report(&mut self, problems: BTreeSet<String>) {
        for problem in problems.difference(&self.problems) {
            warn!("{problem}");
        }
        for problem in self.problems.difference(&problems) {
            info!("no longer: {problem}");
        }
        self.problems = problems;
    }

    /// Hands each bridge its flows, and takes back those of bridges that are no longer used.
    fn program(&mut self, bridges: BTreeMap<String, Role>, site: Site) {
        if self.programs.is_current(&site, &bridges) {
            return;
        }
        self.programs.compile(site, bridges);
        for (name, flows) in self.programs.flows() {
            let directory = &self.settings.run_directory;
            self.switches
                .entry(name.to_owned())
                .or_insert_with(|| Switch::start(name, directory))
                .desire(flows);
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

/// What the host should be, as far as the database knows it.
struct Desired {
    this: ThisHost,
    configuration: Configuration,
    bindings: Bindings,
    plan: Plan,
}

impl Desired {
    fn new(settings: &Settings, tables: &OpenVSwitch, model: &Model) -> Self {
        let external_ids = tables
            .switch()
            .map(|switch| switch.external_ids.clone())
            .unwrap_or_default();
        let this = settings.this_host(model.host(&settings.host), &external_ids);
        let (integration, tunnel) = (&settings.integration_bridge, &settings.tunnel_bridge);
        let configuration = Configuration::new(model, &this.host, integration, tunnel);
        let bindings = Bindings::new(tables, model, &settings.host, integration);
        let datapath_type = vswitch::datapath_type(tables, integration, &this);
        let plan = vswitch::plan(tables, &configuration, &bindings, model, &datapath_type);
        Self {
            this,
            configuration,
            bindings,
            plan,
        }
    }

    /// Everything that is wrong on this host, a sentence each.
    fn problems(&self, tables: &OpenVSwitch) -> BTreeSet<String> {
        let mut problems = self.this.ignored.clone();
        problems.extend(self.configuration.problems.iter().cloned());
        problems.extend(self.bindings.problems.iter().cloned());
        problems.extend(self.plan.problems.iter().cloned());
        problems.extend(vswitch::broken_interfaces(tables));
        problems
    }
}
