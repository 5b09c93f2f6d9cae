//! The parts of `brint status -f json` that tell what a change costs.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What the agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Status {
    source: Option<Source>,
    compilation: Compilation,
    bridges: BTreeMap<String, Bridge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Source {
    digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Compilation {
    us: u64,
    changes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Bridge {
    flows: Flows,
    last_change: Option<Change>,
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

impl Status {
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
