//! What the host should be, derived anew from all that is known.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use pipelines::network::{HostName, Model, PortId};

use super::liveness::Liveness;
use super::settings::{Settings, ThisHost};
use crate::northbound::database::tables::Northbound;
use crate::problem::{Kind, Problem};
use crate::vswitch::{self, Bindings, Configuration, OpenVSwitch, Plan};

/// What the host should be, as far as the database knows it.
#[derive(Clone, Debug)]
pub(crate) struct Desired {
    /// The host with its settings.
    pub(crate) this: ThisHost,
    /// Its bridges, and what joins them.
    pub(crate) configuration: Configuration,
    /// Other hosts that are not heard any more.
    pub(crate) unreachable: BTreeSet<HostName>,
    /// What is plugged in.
    pub(crate) bindings: Bindings,
    /// Everything that is wrong.
    pub(crate) problems: BTreeSet<Problem>,
}

impl Desired {
    /// Derives it, and the plan that makes the database say so.
    ///
    /// `rows` are what the model comes from, unless that is a file.
    /// `announced` are ports whose machine was being moved here, and has just been heard.
    /// `liveness` is told what the switch says of other hosts.
    pub(super) fn new(
        settings: &Settings,
        tables: &OpenVSwitch,
        (model, rows): (&Model, Option<&Northbound>),
        announced: &BTreeSet<PortId>,
        liveness: &mut Liveness,
    ) -> (Arc<Self>, Plan) {
        let external_ids = tables
            .switch()
            .map(|switch| switch.external_ids.clone())
            .unwrap_or_default();
        let exists = |bridge: &str| tables.bridge(bridge).is_some();
        let mut this = settings.this_host(model.host(&settings.host), &external_ids, exists);
        if let Some(rows) = rows {
            this.respect(rows);
        }
        let integration = settings.integration_bridge.as_str();
        let names = (integration, settings.tunnel_bridge.as_str());
        let configuration = Configuration::new(model, &this.host, names, tables);
        let unreachable = liveness
            .look(&configuration, tables, Instant::now())
            .clone();
        let view = (&settings.host, &unreachable);
        let mut bindings = Bindings::new(tables, model, view, integration);
        bindings.arrive(announced);
        let datapath_type = vswitch::datapath_type(tables, integration, &this);
        let plan = vswitch::plan(tables, &configuration, &bindings, model, &datapath_type);

        let mut problems = this.problems.clone();
        problems.extend(configuration.problems.iter().cloned());
        problems.extend(bindings.problems.iter().cloned());
        let networks = bindings.vlans.iter().map(|(network, _)| network);
        problems.extend(configuration.unmapped(model, networks));
        problems.extend(plan.problems.iter().cloned());
        problems.extend(vswitch::broken_interfaces(tables));
        problems.extend(unreachable.iter().map(gone));
        let silent = configuration.silent(tables);
        problems.extend(silent.map(|(tunnel, host)| deaf(tunnel, host)));
        let desired = Self {
            this,
            configuration,
            unreachable,
            bindings,
            problems,
        };
        (Arc::new(desired), plan)
    }
}

fn deaf(tunnel: &str, host: &HostName) -> Problem {
    let sentence = format!("to host {host} is down, says BFD: nothing is heard through it");
    Problem::new(Kind::Tunnel, tunnel, sentence)
}

fn gone(host: &HostName) -> Problem {
    let sentence = "is not heard through its tunnels: others lead routers outside in its place";
    Problem::new(Kind::Host, host, sentence)
}
