//! The flows of each bridge, compiled as far as something changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use pipelines::bridge::{Bridge, desired, recompile};
use pipelines::flow_set::{Desired, FlowSet};
use pipelines::site::Site;
use pipelines::unit::affected;
use tracing::debug;

/// What each bridge should have, and the site that it was compiled from.
#[derive(Debug, Default)]
pub(super) struct Programs {
    site: Option<Site>,
    bridges: BTreeMap<String, (Bridge, Desired)>,
}

impl Programs {
    /// Whether compiling again would change nothing.
    pub(super) fn is_current(&self, site: &Site, bridges: &BTreeMap<String, Bridge>) -> bool {
        let compiled = self
            .bridges
            .iter()
            .map(|(name, (bridge, _))| (name, bridge));
        self.site.as_ref() == Some(site) && compiled.eq(bridges)
    }

    /// Compiles the units that differ from those of the site before.
    pub(super) fn compile(&mut self, site: Site, bridges: BTreeMap<String, Bridge>) {
        let started = Instant::now();
        let units = self
            .site
            .as_ref()
            .map(|before| affected(before, &site))
            .unwrap_or_default();
        let mut before = std::mem::take(&mut self.bridges);
        for (name, bridge) in bridges {
            let flows = match before.remove(&name) {
                Some((same, mut flows)) if same == bridge => {
                    recompile(&mut flows, &site, &bridge, &units);
                    flows
                }
                _ => desired(&site, &bridge),
            };
            self.bridges.insert(name, (bridge, flows));
        }
        self.site = Some(site);
        debug!(
            "compiled {} units anew in {:?}",
            units.len(),
            started.elapsed()
        );
    }

    /// What each bridge should have.
    pub(super) fn flows(&self) -> impl Iterator<Item = (&str, Arc<FlowSet>)> {
        self.bridges
            .iter()
            .map(|(name, (_, desired))| (name.as_str(), Arc::new(desired.flow_set().clone())))
    }

    /// Whether a bridge is among them.
    pub(super) fn has(&self, bridge: &str) -> bool {
        self.bridges.contains_key(bridge)
    }
}
