//! Other hosts that are gone, by what BFD says of the tunnels to them (RFC 5880).
//!
//! Whatever they did for everybody, others take over: the way outside of routers. A host that was
//! heard and is heard no more is gone at once. One that was never heard may be about to start, or
//! this host is: it is given a while, so that a start moves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use pipelines::network::HostName;

use crate::until::until;
use crate::vswitch::{Configuration, OpenVSwitch, Session};

/// How long a host may take to be heard for the first time.
const GRACE: Duration = Duration::from_secs(5);

/// What is known of other hosts.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    /// Hosts that have not been heard yet, and until when they may be silent.
    awaited: BTreeMap<HostName, Instant>,
    gone: BTreeSet<HostName>,
}

impl Liveness {
    /// The hosts that are gone, by what the switch says now.
    pub(super) fn look(
        &mut self,
        configuration: &Configuration,
        tables: &OpenVSwitch,
        now: Instant,
    ) -> &BTreeSet<HostName> {
        let mut best: BTreeMap<&HostName, Session> = BTreeMap::new();
        for (host, session) in configuration.sessions(tables) {
            let known = best.entry(host).or_insert(session);
            *known = (*known).max(session);
        }
        self.awaited
            .retain(|host, _| best.get(host) == Some(&Session::NeverUp));
        self.gone.clear();
        for (host, session) in best {
            let is_gone = match session {
                Session::Up => false,
                Session::Down => true,
                Session::NeverUp => {
                    let until = self.awaited.entry(host.clone());
                    *until.or_insert(now + GRACE) <= now
                }
            };
            if is_gone {
                self.gone.insert(host.clone());
            }
        }
        &self.gone
    }

    /// Waits until the time of a silent host is up.
    pub(super) async fn changed(&self) {
        let awaited = self.awaited.iter();
        let awaited = awaited.filter(|(host, _)| !self.gone.contains(*host));
        until(awaited.map(|(_, until)| *until).min()).await;
    }
}
