//! What the host should be, derived anew from all that is known.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use pipelines::failover::Failover;
use pipelines::network::{Host, HostName, Model, PortId};

use super::failover::{Failures, Scene};
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
    /// Which hosts have failed, and which has taken over.
    pub(crate) failover: Failover,
    /// Other hosts that are not heard through their tunnels.
    pub(crate) silent: BTreeSet<HostName>,
    /// Other hosts that are told of failures.
    pub(crate) peers: BTreeSet<HostName>,
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
    /// `failures` looks at what the switch says of other hosts and of uplinks.
    pub(super) fn new(
        settings: &Settings,
        tables: &OpenVSwitch,
        (model, rows): (&Model, Option<&Northbound>),
        announced: &BTreeSet<PortId>,
        failures: &mut Failures,
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
        let scene = Scene {
            configuration: &configuration,
            tables,
            model,
            host: &this.host,
            integration: (integration, &settings.run_directory),
        };
        let failover = failures.look(scene, Instant::now());
        let view = (&settings.host, &failover);
        let mut bindings = Bindings::new(tables, model, view, integration);
        bindings.arrive(announced);
        let datapath_type = vswitch::datapath_type(tables, integration, &this);
        let mut plan = vswitch::plan(tables, &configuration, &bindings, model, &datapath_type);

        failures.amend(&mut plan, tables, integration);

        let mut problems = this.problems.clone();
        problems.extend(configuration.problems.iter().cloned());
        problems.extend(bindings.problems.iter().cloned());
        let networks = bindings.vlans.iter().map(|(network, _)| network);
        problems.extend(configuration.unmapped(model, networks));
        problems.extend(plan.problems.iter().cloned());
        problems.extend(vswitch::broken_interfaces(tables));
        let silent = failures.silent().clone();
        problems.extend(failed(&failover, &silent, &this.host));
        let tunnels = configuration.silent(tables);
        problems.extend(tunnels.map(|(tunnel, host)| deaf(tunnel, host)));
        let watched = configuration.watched(tables);
        let peers = watched.map(|tunnel| tunnel.host.clone()).collect();
        let desired = Self {
            this,
            configuration,
            failover,
            silent,
            peers,
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

/// What has failed, and what becomes of routers that lead outside.
fn failed(failover: &Failover, silent: &BTreeSet<HostName>, this: &Host) -> BTreeSet<Problem> {
    let gone = silent.iter().map(|host| {
        let sentence = if failover.unreachable.contains(host) {
            "is not heard through its tunnels: others lead routers outside in its place"
        } else {
            "is not heard through its tunnels, and by others it is: it leads routers outside as before"
        };
        Problem::new(Kind::Host, host, sentence)
    });
    let alone = failover.stands_back.then(|| {
        let sentence = "hears no other host through its tunnels: it leads no router outside";
        Problem::new(Kind::Host, &this.name, sentence)
    });
    let lost = failover.cut_off.iter().flat_map(|(host, networks)| {
        networks.iter().map(move |network| {
            let bridge = this.bridge_mappings.get(network);
            let on = bridge.filter(|_| *host == this.name);
            let on = on.map_or_else(String::new, |bridge| format!(" on {bridge}"));
            let sentence = format!(
                "has no uplink to physical network {network}{on}: others lead routers outside in \
                 its place"
            );
            Problem::new(Kind::Host, host, sentence)
        })
    });
    gone.chain(alone).chain(lost).collect()
}
