//! Holding back packets while a switch that has crashed gets its flows again.
//!
//! `ovs-vswitchd` starts without flows. With `other_config:flow-restore-wait` it forwards nothing,
//! and leaves the kernel's flows as they are, until that is cleared (`ovs-vswitchd.conf.db(5)`). It
//! looks at the setting only until it was cleared once. So it is set as soon as every bridge is
//! lost, and cleared when all have their flows again.
//!
//! A host must not stand still because of one bridge that does not come back, or an agent that is
//! gone: the hold ends after [`LIMIT`] in any case, and when the agent ends. A mark beside the
//! setting tells it from that of `ovs-ctl restart`, which is not the agent's to clear.

use std::future;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::board::{Board, Knowledge};
use crate::vswitch::{OpenVSwitch, Plan};

/// How long one bridge may keep the others from forwarding.
const LIMIT: Duration = Duration::from_secs(5);

/// What the bridges are, all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bridges {
    /// They were connected, and none is.
    Lost,
    /// Some are on their way.
    Underway,
    /// All have what they should.
    Programmed,
}

impl Bridges {
    fn of(knowledge: &Knowledge) -> Self {
        let reports = || knowledge.switches.values();
        let known = reports().any(|report| report.totals.connections > 0);
        if known && !reports().any(|report| report.connected.is_some()) {
            Self::Lost
        } else if known && reports().all(|report| report.programmed) {
            Self::Programmed
        } else {
            Self::Underway
        }
    }
}

/// Watches the bridges, and says when packets are to be held.
#[derive(Debug)]
pub(super) struct Hold {
    knowledge: watch::Receiver<Knowledge>,
    bridges: Bridges,
    /// When the hold ends in any case, once the switch is back.
    ends: Option<Instant>,
}

impl Hold {
    /// Watches the bridges on a board.
    pub(super) fn new(board: &Board) -> Self {
        Self {
            knowledge: board.follow(),
            bridges: Bridges::Underway,
            // An agent that was killed may have left a hold.
            ends: Some(Instant::now() + LIMIT),
        }
    }

    /// Waits until there may be something to set or to clear.
    pub(super) async fn changed(&mut self) {
        loop {
            let now = Bridges::of(&self.knowledge.borrow_and_update());
            if now != self.bridges {
                self.ends = match (self.bridges, now) {
                    (Bridges::Lost, Bridges::Underway) => Some(Instant::now() + LIMIT),
                    (_, Bridges::Underway) => self.ends,
                    _ => None,
                };
                self.bridges = now;
                return;
            }
            tokio::select! {
                changed = self.knowledge.changed() => if changed.is_err() {
                    // The board goes with the agent.
                    future::pending::<()>().await;
                },
                () = super::until(self.ends) => {
                    self.ends = None;
                    return;
                }
            }
        }
    }

    /// Adds to the plan what the bridges need.
    pub(super) fn amend(&self, plan: &mut Plan, tables: &OpenVSwitch) {
        match self.bridges {
            Bridges::Lost => plan.hold(tables),
            Bridges::Programmed => plan.release(tables),
            Bridges::Underway if self.ends.is_none() => plan.release(tables),
            Bridges::Underway => {}
        }
    }
}
