//! The flows of each bridge, compiled as far as something changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipelines::bridge::{Bridge, desired, recompile};
use pipelines::flow_set::{Desired, FlowSet};
use pipelines::site::Site;
use pipelines::unit::{affected, units};
use tracing::debug;

/// What each bridge should have, and the site that it was compiled from.
#[derive(Debug, Default)]
pub(super) struct Programs {
    site: Option<Arc<Site>>,
    bridges: BTreeMap<String, (Bridge, Desired)>,
    compilation: Compilation,
}

/// What compiling took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compilation {
    /// How many units the last change had compiled anew.
    pub(crate) recompiled: usize,
    /// How long that took, with deriving what the host should be.
    pub(crate) took: Duration,
    /// How many changes there were since the agent started.
    pub(crate) changes: u64,
    /// How many units all changes together had compiled anew.
    pub(crate) total_recompiled: u64,
    /// How long all of them took.
    pub(crate) total: Duration,
}

impl Compilation {
    fn add(&mut self, recompiled: usize, took: Duration) {
        *self = Self {
            recompiled,
            took,
            changes: self.changes + 1,
            // No host has units enough to make the conversion fail.
            total_recompiled: self.total_recompiled + u64::try_from(recompiled).unwrap_or_default(),
            total: self.total + took,
        };
    }
}

impl Programs {
    /// Whether compiling again would change nothing.
    pub(super) fn is_current(&self, site: &Site, bridges: &BTreeMap<String, Bridge>) -> bool {
        let compiled = self
            .bridges
            .iter()
            .map(|(name, (bridge, _))| (name, bridge));
        self.site.as_deref() == Some(site) && compiled.eq(bridges)
    }

    /// Compiles the units that differ from those of the site before.
    ///
    /// `started` is when the work on the change began.
    pub(super) fn compile(
        &mut self,
        site: Site,
        bridges: BTreeMap<String, Bridge>,
        started: Instant,
    ) {
        let mut recompiled = match &self.site {
            Some(before) => affected(before, &site),
            None => units(&site),
        };
        let mut before = std::mem::take(&mut self.bridges);
        for (name, bridge) in bridges {
            let flows = match before.remove(&name) {
                Some((same, mut flows)) if same == bridge => {
                    recompile(&mut flows, &site, &bridge, &recompiled);
                    flows
                }
                _ => {
                    recompiled.extend(units(&site));
                    desired(&site, &bridge)
                }
            };
            self.bridges.insert(name, (bridge, flows));
        }
        self.site = Some(Arc::new(site));
        let took = started.elapsed();
        self.compilation.add(recompiled.len(), took);
        debug!("compiled {} units anew in {took:?}", recompiled.len());
    }

    /// What each bridge should have.
    pub(super) fn flows(&self) -> impl Iterator<Item = (&str, Arc<FlowSet>)> {
        self.bridges
            .iter()
            .map(|(name, (_, desired))| (name.as_str(), desired.shared()))
    }

    /// The site that all of it was compiled from.
    pub(super) fn site(&self) -> Option<Arc<Site>> {
        self.site.clone()
    }

    /// What compiling took.
    pub(super) fn compilation(&self) -> Compilation {
        self.compilation
    }

    /// Whether a bridge is among them.
    pub(super) fn has(&self, bridge: &str) -> bool {
        self.bridges.contains_key(bridge)
    }
}
