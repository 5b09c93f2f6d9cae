//! What is known of hosts while they work: which are gone, have lost an uplink, or have taken over.
//!
//! The model says which hosts can lead a router outside. Which of them does follows from this and
//! from what hosts see of each other and tell each other. All hosts that see the same choose alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::network::{HostName, Network, PhysicalNetwork, RouterId};

/// The state of the hosts, as one of them knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failover {
    /// Other hosts that are known to be gone.
    pub unreachable: BTreeSet<HostName>,
    /// The physical networks that hosts, this one included, have lost their uplinks to.
    pub cut_off: BTreeMap<HostName, BTreeSet<PhysicalNetwork>>,
    /// Whether this host leads no router outside, as another may lead it that it does not hear.
    pub stands_back: bool,
    /// The takeover that is known last of each router that ever had one.
    pub takeovers: BTreeMap<RouterId, Takeover>,
}

/// A host leads a router outside that another led before.
///
/// Of two takeovers of one router the greater counts, so that hosts that tell each other what they
/// know agree in the end, in whatever order they hear it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Takeover {
    /// How many takeovers of the router there were.
    pub term: u32,
    /// The host that took over.
    pub host: HostName,
    /// Derived from the priorities that were in effect; with others it does not count any more.
    pub reason: u64,
}

impl Failover {
    /// The same, with other hosts that are gone.
    pub fn without(unreachable: impl IntoIterator<Item = HostName>) -> Self {
        Self {
            unreachable: unreachable.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether a host has lost its uplink to a network.
    pub(crate) fn is_cut_off(&self, host: &HostName, network: &Network) -> bool {
        let lost = self.cut_off.get(host);
        let physical_network = network.segment.physical_network();
        lost.zip(physical_network)
            .is_some_and(|(lost, physical_network)| lost.contains(physical_network))
    }
}
