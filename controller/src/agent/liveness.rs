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
        self.take_in(configuration.sessions(tables), now)
    }

    fn take_in<'a>(
        &mut self,
        sessions: impl IntoIterator<Item = (&'a HostName, Session)>,
        now: Instant,
    ) -> &BTreeSet<HostName> {
        let mut best: BTreeMap<&HostName, Session> = BTreeMap::new();
        for (host, session) in sessions {
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

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    /// Another host.
    fn host2() -> HostName {
        HostName::from("host2")
    }

    #[test]
    fn a_host_that_was_never_heard_is_gone_when_its_time_is_up() {
        let (mut liveness, host, start) = (Liveness::default(), host2(), Instant::now());
        let mut is_gone = |now| {
            let silent = [(&host, Session::NeverUp)];
            !liveness.take_in(silent, now).is_empty()
        };
        assert!(!is_gone(start));
        assert!(!is_gone(start + GRACE - MOMENT));
        assert!(is_gone(start + GRACE));
    }

    #[test]
    fn a_host_that_is_heard_no_more_is_gone_at_once() {
        let (mut liveness, host, now) = (Liveness::default(), host2(), Instant::now());
        assert!(liveness.take_in([(&host, Session::Up)], now).is_empty());
        let gone = liveness.take_in([(&host, Session::Down)], now).clone();
        assert_eq!(gone, BTreeSet::from([host.clone()]));
        assert!(liveness.take_in([(&host, Session::Up)], now).is_empty());
    }

    #[test]
    fn a_host_whose_tunnels_are_made_anew_is_given_its_time_again() {
        let (mut liveness, host, start) = (Liveness::default(), host2(), Instant::now());
        let silent = [(&host, Session::NeverUp)];
        liveness.take_in(silent, start);
        let heard = start + GRACE - MOMENT;
        liveness.take_in([(&host, Session::Up)], heard);
        assert!(liveness.take_in(silent, start + GRACE).is_empty());
        let late = start + GRACE + GRACE;
        assert!(!liveness.take_in(silent, late).is_empty());
    }

    #[test]
    fn one_tunnel_is_enough_to_be_heard() {
        let (mut liveness, host, now) = (Liveness::default(), host2(), Instant::now());
        let both = [(&host, Session::Down), (&host, Session::Up)];
        assert!(liveness.take_in(both, now).is_empty());
    }

    #[tokio::test]
    async fn the_agent_looks_again_when_the_time_of_a_host_is_up() {
        let (mut liveness, host, now) = (Liveness::default(), host2(), Instant::now());
        let start = now.checked_sub(GRACE).unwrap();
        let silent = [(&host, Session::NeverUp)];
        assert!(!liveness.take_in(silent, start).contains(&host));
        let woken = tokio::time::timeout(Duration::from_secs(30), liveness.changed());
        assert!(woken.await.is_ok());
        assert!(liveness.take_in(silent, Instant::now()).contains(&host));
    }
}
