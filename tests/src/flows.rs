//! The flows of a bridge, compared without what counts time and packets.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use labs::quickstart::without_statistics;
use labs::{Ovs, PATIENCE, wait_for};

/// A flow as `ovs-ofctl dump-flows` prints it, without cookie, age and counters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow(String);

/// Every flow of a bridge, and every group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flows {
    flows: BTreeSet<Flow>,
    groups: BTreeSet<String>,
}

impl Flows {
    /// What a bridge has now.
    ///
    /// # Errors
    ///
    /// When the switch does not answer.
    pub fn of(ovs: &Ovs, bridge: &str) -> anyhow::Result<Self> {
        let flows = ovs.flows(bridge)?;
        let groups = ovs.ofctl(&format!("-O OpenFlow13 dump-groups {bridge}"))?;
        Ok(Self {
            flows: flows
                .iter()
                .map(|line| Flow(without_statistics(line)))
                .collect(),
            groups: groups
                .lines()
                .skip(1)
                .map(|line| line.trim().to_owned())
                .collect(),
        })
    }

    /// What a bridge has once it has stopped changing.
    ///
    /// # Errors
    ///
    /// When there is nothing, or it goes on changing.
    pub fn settled(ovs: &Ovs, bridge: &str) -> anyhow::Result<Self> {
        /// So long without a change, at several looks, counts as an end.
        const QUIET: Duration = Duration::from_millis(300);
        let mut last = Self::of(ovs, bridge)?;
        let mut since = Instant::now();
        wait_for(&format!("{bridge} stops changing"), PATIENCE, || {
            let looked = Instant::now();
            let now = Self::of(ovs, bridge)?;
            if now != last || now.flows.is_empty() {
                last = now;
                since = looked;
                return Ok(None);
            }
            Ok((looked.duration_since(since) >= QUIET).then_some(()))
        })?;
        Ok(last)
    }

    /// Waits until a bridge has exactly these.
    ///
    /// # Errors
    ///
    /// When it does not within the limit, with what is missing and what is too much.
    pub fn are_on(&self, ovs: &Ovs, bridge: &str, limit: Duration) -> anyhow::Result<()> {
        let mut difference = String::new();
        wait_for(&format!("{bridge} has its flows"), limit, || {
            // A switch that is just starting does not answer.
            match Self::of(ovs, bridge) {
                Ok(now) => difference = self.difference(&now),
                Err(error) => difference = format!("{error:#}"),
            }
            Ok(difference.is_empty().then_some(()))
        })
        .with_context(|| difference.clone())
    }

    /// What this has and another has not, and the other way round, as `ovs-ofctl diff-flows` would.
    pub fn difference(&self, other: &Self) -> String {
        let (these, others) = (self.lines(), other.lines());
        let missing = these.difference(&others);
        let extra = others.difference(&these);
        let lines = missing.map(|line| format!("-{line}\n")).collect::<String>();
        lines + &extra.map(|line| format!("+{line}\n")).collect::<String>()
    }

    fn lines(&self) -> BTreeSet<String> {
        self.flows
            .iter()
            .map(ToString::to_string)
            .chain(self.groups.iter().cloned())
            .collect()
    }

    /// The first flow whose text has this in it.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn find(&self, text: &str) -> anyhow::Result<&Flow> {
        let found = self.flows.iter().find(|flow| flow.0.contains(text));
        found.with_context(|| format!("a flow with {text}"))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }
}

impl Flow {
    /// Deletes the flow, as somebody might by hand.
    ///
    /// # Errors
    ///
    /// When it is still there.
    pub fn delete(&self, ovs: &Ovs, bridge: &str) -> anyhow::Result<()> {
        let (condition, _actions) = self.0.split_once(" actions=").context("actions")?;
        let condition = condition.replace(", ", ",");
        ovs.ofctl(&format!("--strict del-flows {bridge} {condition}"))?;
        ensure!(condition.starts_with("table="), "{self}: no table");
        Ok(())
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
