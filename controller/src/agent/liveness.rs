//! Stations that are gone, by what BFD says of them (RFC 5880): other hosts behind tunnels, and the
//! next routers outside.
//!
//! Whatever a host did for everybody, others take over: the way outside of routers. A host that was
//! heard and is heard no more is gone at once. One that was never heard may be about to start, or
//! this host is: it is given a while, so that a start moves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::vswitch::Session;

/// How long a station may take to be heard for the first time.
const GRACE: Duration = Duration::from_secs(5);

/// What is known of stations, each by its name.
#[derive(Debug)]
pub(super) struct Liveness<K> {
    /// Stations that have not been heard yet, and until when they may be silent.
    awaited: BTreeMap<K, Instant>,
    gone: BTreeSet<K>,
}

impl<K> Default for Liveness<K> {
    fn default() -> Self {
        Self {
            awaited: BTreeMap::new(),
            gone: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone> Liveness<K> {
    /// The stations that are gone, by what the switch says now of each way to them.
    pub(super) fn look<'a>(
        &mut self,
        sessions: impl IntoIterator<Item = (&'a K, Session)>,
        now: Instant,
    ) -> &BTreeSet<K>
    where
        K: 'a,
    {
        let mut best: BTreeMap<&K, Session> = BTreeMap::new();
        for (station, session) in sessions {
            let known = best.entry(station).or_insert(session);
            *known = (*known).max(session);
        }
        self.awaited
            .retain(|station, _| best.get(station) == Some(&Session::NeverUp));
        self.gone.clear();
        for (station, session) in best {
            let is_gone = match session {
                Session::Up => false,
                Session::Down => true,
                Session::NeverUp => {
                    let until = self.awaited.entry(station.clone());
                    *until.or_insert(now + GRACE) <= now
                }
            };
            if is_gone {
                self.gone.insert(station.clone());
            }
        }
        &self.gone
    }

    /// When the time of a silent station is up.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let awaited = self.awaited.iter();
        let awaited = awaited.filter(|(station, _)| !self.gone.contains(*station));
        awaited.map(|(_, until)| *until).min()
    }
}

#[cfg(test)]
mod tests {
    use pipelines::network::HostName;

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
            !liveness.look(silent, now).is_empty()
        };
        assert!(!is_gone(start));
        assert!(!is_gone(start + GRACE - MOMENT));
        assert!(is_gone(start + GRACE));
    }

    #[test]
    fn a_host_that_is_heard_no_more_is_gone_at_once() {
        let (mut liveness, host, now) = (Liveness::default(), host2(), Instant::now());
        assert!(liveness.look([(&host, Session::Up)], now).is_empty());
        let gone = liveness.look([(&host, Session::Down)], now).clone();
        assert_eq!(gone, BTreeSet::from([host.clone()]));
        assert!(liveness.look([(&host, Session::Up)], now).is_empty());
    }

    #[test]
    fn a_host_whose_tunnels_are_made_anew_is_given_its_time_again() {
        let (mut liveness, host, start) = (Liveness::default(), host2(), Instant::now());
        let silent = [(&host, Session::NeverUp)];
        liveness.look(silent, start);
        let heard = start + GRACE - MOMENT;
        liveness.look([(&host, Session::Up)], heard);
        assert!(liveness.look(silent, start + GRACE).is_empty());
        let late = start + GRACE + GRACE;
        assert!(!liveness.look(silent, late).is_empty());
    }

    #[test]
    fn one_tunnel_is_enough_to_be_heard() {
        let (mut liveness, host, now) = (Liveness::default(), host2(), Instant::now());
        let both = [(&host, Session::Down), (&host, Session::Up)];
        assert!(liveness.look(both, now).is_empty());
    }

    #[test]
    fn a_tunnel_that_was_never_up_hides_no_host_that_is_gone() {
        let (mut liveness, host, now) = (Liveness::default(), host2(), Instant::now());
        let both = [(&host, Session::NeverUp), (&host, Session::Down)];
        assert!(liveness.look(both, now).contains(&host));
    }

    #[test]
    fn the_agent_looks_again_when_the_time_of_a_host_is_up() {
        let (mut liveness, host, start) = (Liveness::default(), host2(), Instant::now());
        let silent = [(&host, Session::NeverUp)];
        assert!(!liveness.look(silent, start).contains(&host));
        assert_eq!(liveness.next_at(), Some(start + GRACE));
        assert!(liveness.look(silent, start + GRACE).contains(&host));
        assert_eq!(liveness.next_at(), None);
    }
}
