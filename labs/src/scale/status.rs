//! The parts of `brint status -f json` that tell what a change costs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

/// What the agent says of itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Status {
    source: Option<Source>,
    compilation: Compilation,
    bridges: BTreeMap<String, Bridge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Source {
    digest: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Compilation {
    us: u64,
    changes: u64,
    total_seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Bridge {
    flows: Flows,
    last_change: Option<Change>,
    changes: u64,
    flow_mods: Kinds,
    diff_seconds: f64,
    switch_seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Flows {
    desired: usize,
    installed: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Change {
    diff_us: u64,
    switch_us: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Kinds {
    added: u64,
    modified: u64,
    deleted: u64,
}

/// What the agent spent between two looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spent {
    /// Time for deriving what the host should be, compiling, comparing, and the switch up to the answer to the last barrier.
    pub time: Duration,
    /// Flow-mods, on all bridges.
    pub mods: u64,
    /// Bundles, on the bridge that got most.
    pub bundles: u64,
}

impl Status {
    /// What was spent since an earlier status of the same agent.
    pub fn since(&self, before: &Self) -> Spent {
        let bridges = self.bridges.iter().map(|(name, now)| {
            let mut spent = now.spent();
            if let Some(then) = before.bridges.get(name).map(Bridge::spent) {
                spent.time = spent.time.saturating_sub(then.time);
                spent.mods = spent.mods.saturating_sub(then.mods);
                spent.bundles = spent.bundles.saturating_sub(then.bundles);
            }
            spent
        });
        let compiling = self.compilation.total_seconds - before.compilation.total_seconds;
        // Bridges are programmed side by side.
        bridges.fold(Spent::default(), |all, one| Spent {
            time: all.time.max(Duration::from_secs_f64(compiling) + one.time),
            mods: all.mods + one.mods,
            bundles: all.bundles.max(one.bundles),
        })
    }

    /// Which description is in effect.
    pub fn digest(&self) -> Option<&str> {
        self.source.as_ref().map(|source| source.digest.as_str())
    }

    /// How many states have been compiled since the agent started.
    pub fn compiled(&self) -> u64 {
        self.compilation.changes
    }

    /// How many flows the host has.
    pub fn flows(&self) -> usize {
        self.bridges
            .values()
            .map(|bridge| bridge.flows.installed)
            .sum()
    }

    /// Whether every bridge has as many flows as it should.
    pub fn is_done(&self) -> bool {
        let mut bridges = self.bridges.values();
        bridges.all(|bridge| bridge.flows.desired == bridge.flows.installed)
    }

    /// Microseconds that the last change took from the model to the answer to the last barrier:
    /// compiling, comparing and the switch, one bridge after the other.
    pub fn last_change(&self) -> u64 {
        let changes = (self.bridges.values()).filter_map(|bridge| bridge.last_change.as_ref());
        let sent: u64 = changes
            .map(|change| change.diff_us + change.switch_us)
            .sum();
        self.compilation.us + sent
    }
}

impl Bridge {
    /// What the agent spent on the bridge since it started.
    fn spent(&self) -> Spent {
        let Kinds {
            added,
            modified,
            deleted,
        } = self.flow_mods;
        Spent {
            time: Duration::from_secs_f64(self.diff_seconds + self.switch_seconds),
            mods: added + modified + deleted,
            bundles: self.changes,
        }
    }
}
