//! What the task of a bridge tells of itself: what it sees, and what it has done so far.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::time::{Duration, SystemTime};

use pipelines::diff::Change;
use pipelines::flow_set::{FlowSet, Key};
use pipelines::service::Service;

/// What a bridge has, and what was done to it since the agent started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Since when the bridge is connected; `None` while it is not.
    pub(crate) connected: Option<SystemTime>,
    /// Whether it has got all that it should since it was connected.
    pub(crate) programmed: bool,
    /// Why it is not connected.
    pub(crate) trouble: Option<Trouble>,
    /// How many flows were installed by the agent.
    pub(crate) flows: usize,
    /// How many groups there are.
    pub(crate) groups: usize,
    /// How many meters there are.
    pub(crate) meters: usize,
    /// How many flows have each cookie that is not the agent's.
    pub(crate) foreign: BTreeMap<u64, usize>,
    /// Why the flows of others cannot be read, if they cannot.
    pub(crate) unreadable: Option<Trouble>,
    /// Ports that somebody else has configured so that packets do not pass.
    pub(crate) odd: Vec<Trouble>,
    /// What the switch rejected, and why.
    pub(crate) refused: Vec<Rejected>,
    /// What machines asked of their networks.
    pub(crate) served: BTreeMap<Service, Served>,
    /// The change that was installed last.
    pub(crate) last: Option<LastChange>,
    /// Everything since the agent started.
    pub(crate) totals: Totals,
}

/// A change that the switch rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// The table of the flow, and its cookie; `None` of a group or a meter.
    pub(crate) place: Option<(u8, u64)>,
    /// What the switch said, and since when.
    pub(crate) trouble: Trouble,
}

/// Something that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What, and why.
    pub(crate) reason: String,
    /// Since when.
    pub(crate) since: SystemTime,
}

/// A change: what it did, and what it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastChange {
    /// When it was done.
    pub(crate) when: SystemTime,
    /// What it did.
    pub(crate) tally: Tally,
    /// How long it took to compare what is with what should be.
    pub(crate) diff: Duration,
    /// How long the switch took, from the first message to the answer to the barrier.
    pub(crate) switch: Duration,
}

/// Everything since the agent started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Connections that came about.
    pub(crate) connections: u64,
    /// Bundles that were installed; each is one change.
    pub(crate) bundles: u64,
    /// What was sent to the switch.
    pub(crate) sent: Tally,
    /// What somebody else had changed, and was put back.
    pub(crate) repairs: Repairs,
    /// Packets that were shown to be logged, and those that were too many.
    pub(crate) logged: Logged,
    /// Time spent on comparing.
    pub(crate) diff: Duration,
    /// Time spent on waiting for the switch.
    pub(crate) switch: Duration,
}

/// What somebody else had changed, and was put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repairs {
    /// Flows.
    pub(crate) flows: u64,
    /// Groups.
    pub(crate) groups: u64,
    /// Meters.
    pub(crate) meters: u64,
    /// Settings of the bridge and of its ports.
    pub(crate) settings: u64,
}

/// Packets that the firewall showed, to be logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Logged {
    /// Those that were logged.
    pub(crate) written: u64,
    /// Those that the meter held back.
    pub(crate) limited: u64,
}

/// Questions of machines, by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    /// Those that were answered.
    pub(crate) answered: u64,
    /// Those that were right, and wanted no answer.
    pub(crate) heard: u64,
    /// Those that were wrong.
    pub(crate) refused: u64,
    /// Those that were too many at once.
    pub(crate) lost: u64,
}

/// How many things a list of changes adds, changes and removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Flows.
    pub(crate) flows: Kinds,
    /// Groups.
    pub(crate) groups: Kinds,
    /// Meters.
    pub(crate) meters: Kinds,
}

/// How many are new, changed and gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    /// New ones.
    pub(crate) added: u64,
    /// Those that took the place of another.
    pub(crate) modified: u64,
    /// Those that went.
    pub(crate) deleted: u64,
}

impl Tally {
    /// What `changes` do to a bridge that has `installed`.
    pub(crate) fn of(changes: &[Change], installed: &FlowSet) -> Self {
        let mut tally = Self::default();
        for change in changes {
            let count = match change {
                Change::PutFlow(flow) => match installed.flow(&Key::of(flow)).is_some() {
                    true => &mut tally.flows.modified,
                    false => &mut tally.flows.added,
                },
                Change::DeleteFlow(_) => &mut tally.flows.deleted,
                Change::AddGroup(_) => &mut tally.groups.added,
                Change::ModifyGroup(_) => &mut tally.groups.modified,
                Change::DeleteGroup(_) => &mut tally.groups.deleted,
                Change::AddMeter(_) => &mut tally.meters.added,
                Change::ModifyMeter(_) => &mut tally.meters.modified,
                Change::DeleteMeter(_) => &mut tally.meters.deleted,
            };
            *count += 1;
        }
        tally
    }
}

impl Kinds {
    /// All of them.
    pub(crate) fn sum(self) -> u64 {
        self.added + self.modified + self.deleted
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.groups += other.groups;
        self.meters += other.meters;
    }
}

impl AddAssign for Kinds {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.modified += other.modified;
        self.deleted += other.deleted;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flows {}", self.flows)?;
        if self.groups != Kinds::default() {
            write!(f, ", groups {}", self.groups)?;
        }
        if self.meters != Kinds::default() {
            write!(f, ", meters {}", self.meters)?;
        }
        Ok(())
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{} ~{} -{}", self.added, self.modified, self.deleted)
    }
}
