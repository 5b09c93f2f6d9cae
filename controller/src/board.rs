//! The board: what the agent and its tasks know, for others to read.
//!
//! Who writes never waits for who reads: the board holds the latest state only, and a reader takes
//! a copy, which costs little as its parts are shared. A reader that is slow misses states, which
//! do not matter any more.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use pipelines::flow_set::FlowSet;
use pipelines::network::{HostName, Model, Port, RouterId};
use pipelines::routing;
use pipelines::site::Site;
use tokio::sync::watch;
use uuid::Uuid;

use crate::agent::{Compilation, Datapath, Desired, Settings};
use crate::problem::Problem;
use crate::switch::Report;
use crate::vswitch::OpenVSwitch;

/// Where the agent and its tasks write what they know.
#[derive(Clone, Debug)]
pub(crate) struct Board(watch::Sender<Knowledge>);

/// Everything that is known.
#[derive(Clone, Debug)]
pub(crate) struct Knowledge {
    /// What the agent knows.
    pub(crate) view: Arc<View>,
    /// What the task of each bridge knows.
    pub(crate) switches: BTreeMap<String, Report>,
}

/// What the agent knows once it has compared everything.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// What the command line said.
    pub(crate) settings: Arc<Settings>,
    /// When the agent started.
    pub(crate) started: SystemTime,
    /// The network description that is in effect.
    pub(crate) model: Option<Arc<Model>>,
    /// Derived from its content.
    pub(crate) digest: Option<Uuid>,
    /// Why what the source says is not in effect, if it is held.
    pub(crate) held: Option<String>,
    /// Whether the replica follows the database.
    pub(crate) connected: bool,
    /// How often it has connected to the database.
    pub(crate) connections: u64,
    /// How many changes the agent has made to it.
    pub(crate) changes: u64,
    /// The host's database, as it was read last.
    pub(crate) tables: Arc<OpenVSwitch>,
    /// What the datapath can do.
    pub(crate) datapath: Datapath,
    /// What the host should be.
    pub(crate) desired: Option<Arc<Desired>>,
    /// What the flows were compiled from.
    pub(crate) site: Option<Arc<Site>>,
    /// The hosts that lead the routers outside that forward here.
    pub(crate) gateways: BTreeMap<RouterId, Gateway>,
    /// How many units the site has, once somebody has asked.
    pub(crate) units: Arc<OnceLock<usize>>,
    /// What compiling took.
    pub(crate) compilation: Compilation,
    /// What each bridge should have.
    pub(crate) flows: BTreeMap<String, Arc<FlowSet>>,
    /// What is wrong, and since when.
    pub(crate) problems: BTreeMap<Problem, SystemTime>,
}

/// The host that leads a router outside.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    /// Which.
    pub(crate) host: HostName,
    /// Since when, as far as the agent knows.
    pub(crate) since: SystemTime,
}

impl View {
    /// Puts a site in effect, and notes which gateway hosts are others than before.
    pub(crate) fn set_site(&mut self, site: Arc<Site>) {
        let view = routing::View {
            model: site.model(),
            host: site.host(),
            failover: &site.failover,
        };
        let mut before = mem::take(&mut self.gateways);
        let routers = site
            .routers
            .keys()
            .filter_map(|id| site.model().router(*id));
        self.gateways = routers
            .filter_map(|router| {
                let host = view.gateway_host(router)?;
                let same = before.remove(&router.id).filter(|same| same.host == *host);
                let gateway = same.unwrap_or_else(|| Gateway {
                    host: host.clone(),
                    since: SystemTime::now(),
                });
                Some((router.id, gateway))
            })
            .collect();
        self.site = Some(site);
        self.units = Arc::default();
    }

    /// The port that a text names, by its name, UUID, interface or OpenFlow number, if there is one.
    ///
    /// # Errors
    ///
    /// There is more than one; in words for people.
    pub(crate) fn port_named(&self, text: &str) -> Result<Option<&Port>, String> {
        let ports = self.model.iter().flat_map(|model| model.ports());
        let mut named = ports.filter(|port| {
            port.name == text
                || port.id.to_string() == text
                || self
                    .interface(port)
                    .is_some_and(|interface| interface == text)
                || self
                    .number(port)
                    .is_some_and(|number| number.to_string() == text)
        });
        match (named.next(), named.next()) {
            (Some(one), Some(other)) => Err(format!(
                "port {text} is not one alone, expected a UUID such as {} or {}",
                one.id, other.id
            )),
            (port, _) => Ok(port),
        }
    }

    /// The OpenFlow number of a port that is plugged in here by itself.
    pub(crate) fn number(&self, port: &Port) -> Option<u32> {
        self.tables.ofport(self.interface(port)?)
    }

    fn interface(&self, port: &Port) -> Option<&str> {
        let bindings = &self.desired.as_ref()?.bindings.ports;
        Some(&bindings.get(&port.id)?.interface)
    }
}

impl Board {
    /// A board on which nothing is known but the settings.
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        let view = View {
            settings,
            started: SystemTime::now(),
            model: None,
            digest: None,
            held: None,
            connected: false,
            connections: 0,
            changes: 0,
            tables: Arc::default(),
            datapath: Datapath::default(),
            desired: None,
            site: None,
            gateways: BTreeMap::new(),
            units: Arc::default(),
            compilation: Compilation::default(),
            flows: BTreeMap::new(),
            problems: BTreeMap::new(),
        };
        let (sender, _) = watch::channel(Knowledge {
            view: Arc::new(view),
            switches: BTreeMap::new(),
        });
        Self(sender)
    }

    /// The latest state.
    pub(crate) fn read(&self) -> Knowledge {
        self.0.borrow().clone()
    }

    /// The latest state, and each one after it.
    pub(crate) fn follow(&self) -> watch::Receiver<Knowledge> {
        self.0.subscribe()
    }

    /// Writes what the agent knows; bridges that have no flows any more are forgotten.
    pub(crate) fn publish(&self, view: View) {
        self.0.send_modify(|knowledge| {
            knowledge
                .switches
                .retain(|bridge, _| view.flows.contains_key(bridge));
            for bridge in view.flows.keys() {
                knowledge.switches.entry(bridge.clone()).or_default();
            }
            knowledge.view = Arc::new(view);
        });
    }

    /// Writes what the task of a bridge knows, unless the bridge is forgotten.
    pub(crate) fn report(&self, bridge: &str, change: impl FnOnce(&mut Report)) {
        self.0
            .send_if_modified(|knowledge| match knowledge.switches.get_mut(bridge) {
                Some(report) => {
                    let before = report.clone();
                    change(report);
                    *report != before
                }
                None => false,
            });
    }
}
