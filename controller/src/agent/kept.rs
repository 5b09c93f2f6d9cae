//! What is in the switch while nobody knows what should be: it stays.
//!
//! An agent that starts while the northbound database is held, or away, has no description. What it
//! finds in the bridges is what was right before, so it keeps just that, and repairs drift from it.

use std::sync::Arc;

use pipelines::cookie::Cookie;
use pipelines::flow_set::FlowSet;
use tracing::{info, warn};

use super::Agent;
use super::settings::NAME;
use crate::northbound::followed::Followed;
use crate::switch;
use crate::vswitch::{OpenVSwitch, Plan};

impl Agent {
    /// Keeps what is installed, if the source is held or away; releases packets that a killed agent has held.
    pub(super) async fn keep(&mut self) {
        let tables = self.client.snapshot();
        let mut plan = Plan::default();
        self.hold.amend(&mut plan, &tables);
        if !plan.changes.is_empty() && self.retry_at.is_none() {
            self.commit(plan).await;
        }
        // Without a word from the source, it may still answer in a moment.
        let is_silent = self.held.is_none() && self.troubles.source.is_none();
        let external_ids = tables.switch().map(|switch| &switch.external_ids);
        let was_programmed = external_ids
            .is_some_and(|notes| Followed::of(notes).is_some() || notes.contains_key(NAME));
        if is_silent || !was_programmed || !self.switches.is_empty() {
            return;
        }
        for bridge in bridges(&tables) {
            match switch::read(bridge, &self.settings.run_directory).await {
                Ok(installed) => {
                    let flows = ours(&installed);
                    if flows.flows().len() > 0 {
                        info!("keeping {} flows of {bridge}", flows.flows().len());
                        self.desire(bridge, Arc::new(flows));
                    }
                }
                Err(reason) => warn!("bridge {bridge} cannot be kept as it is: {reason}"),
            }
        }
    }
}

/// The bridges that an agent has programmed: its ports join them.
fn bridges(tables: &OpenVSwitch) -> impl Iterator<Item = &str> {
    let bridges = tables.bridges.iter();
    let joined = bridges.filter(|bridge| tables.is_joined(bridge));
    joined.map(|bridge| bridge.name.as_str())
}

/// What of a bridge an agent has installed.
fn ours(installed: &FlowSet) -> FlowSet {
    let mut ours = FlowSet::default();
    ours.groups.clone_from(&installed.groups);
    ours.meters.clone_from(&installed.meters);
    let flows = installed.flows();
    for flow in flows.filter(|flow| Cookie::is_ours(flow.cookie)) {
        ours.put_flow(Arc::clone(flow));
    }
    ours
}
