//! What the host should be, derived anew from all that is known.

use std::collections::BTreeSet;
use std::sync::Arc;

use pipelines::network::{Model, PortId};

use super::settings::{Settings, ThisHost};
use crate::problem::Problem;
use crate::vswitch::{self, Bindings, Configuration, OpenVSwitch, Plan};

/// What the host should be, as far as the database knows it.
#[derive(Clone, Debug)]
pub(crate) struct Desired {
    /// The host with its settings.
    pub(crate) this: ThisHost,
    /// Its bridges, and what joins them.
    pub(crate) configuration: Configuration,
    /// What is plugged in.
    pub(crate) bindings: Bindings,
    /// Everything that is wrong.
    pub(crate) problems: BTreeSet<Problem>,
}

impl Desired {
    /// Derives it, and the plan that makes the database say so.
    ///
    /// `announced` are ports whose machine was being moved here, and has just been heard.
    pub(super) fn new(
        settings: &Settings,
        tables: &OpenVSwitch,
        model: &Model,
        announced: &BTreeSet<PortId>,
    ) -> (Arc<Self>, Plan) {
        let external_ids = tables
            .switch()
            .map(|switch| switch.external_ids.clone())
            .unwrap_or_default();
        let this = settings.this_host(model.host(&settings.host), &external_ids);
        let integration = settings.integration_bridge.as_str();
        let names = (integration, settings.tunnel_bridge.as_str());
        let configuration = Configuration::new(model, &this.host, names, tables);
        let view = (&settings.host, &BTreeSet::new());
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
        let desired = Self {
            this,
            configuration,
            bindings,
            problems,
        };
        (Arc::new(desired), plan)
    }
}
