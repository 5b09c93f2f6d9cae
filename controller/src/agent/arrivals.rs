//! Machines that are being moved here, and are heard for the first time.
//!
//! While a machine moves, both of its hosts get what is for it. When it starts to run here, it or
//! its hypervisor says so to its neighbours, by gratuitous ARP, RARP or a neighbour advertisement,
//! and the switch shows that to the agent. From then on this host treats it as its own. The others
//! go on serving both until the description says that the move is over.

use std::collections::BTreeSet;

use pipelines::cookie::Cookie;
use pipelines::network::{HostName, Model, PortId};
use tokio::sync::mpsc;
use tracing::info;

/// How many announcements may wait for the agent. A machine repeats its own, so that one more may
/// get lost.
const WAITING: usize = 64;

/// Takes announcements from the tasks of bridges, each as the cookie of the flow that saw it.
pub(crate) type Announce = mpsc::Sender<u64>;

/// The machines that were heard.
#[derive(Debug)]
pub(super) struct Arrivals {
    announce: Announce,
    announced: mpsc::Receiver<u64>,
    /// The cookie of the announcement that is not looked at yet.
    heard: BTreeSet<u64>,
    ports: BTreeSet<PortId>,
}

impl Arrivals {
    pub(super) fn new() -> Self {
        let (announce, announced) = mpsc::channel(WAITING);
        Self {
            announce,
            announced,
            heard: BTreeSet::new(),
            ports: BTreeSet::new(),
        }
    }

    /// Where tasks tell what they hear.
    pub(super) fn announce(&self) -> Announce {
        self.announce.clone()
    }

    /// Waits until a machine is heard.
    pub(super) async fn changed(&mut self) {
        // The other end is in this value too, so that there always is another.
        self.heard.extend(self.announced.recv().await);
    }

    /// The ports whose machine was heard, of those that are being moved to this host.
    pub(super) fn ports(&mut self, model: &Model, host: &HostName) -> &BTreeSet<PortId> {
        let arrives = |id: &PortId| {
            let port = model.port(*id);
            port.is_some_and(|port| port.migrating_to.as_ref() == Some(host))
        };
        self.ports.retain(arrives);
        for cookie in std::mem::take(&mut self.heard) {
            let ports = model.ports_on(host).map(|port| port.id);
            let announced = |id: &PortId| Cookie::of(id.0).get() == cookie;
            for id in ports.filter(announced).filter(arrives) {
                // A sub-port comes with its parent.
                let id = model.parent(id).map_or(id, |(parent, _)| parent.id);
                if self.ports.insert(id) {
                    let name = model.port(id).map(|port| port.name.as_str());
                    let name = name.unwrap_or_default();
                    info!("port {name} ({id}): its machine has arrived, and runs here");
                }
            }
        }
        &self.ports
    }
}
