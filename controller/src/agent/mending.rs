//! Ports of ours that are as they should be in the database, and that the switch cannot make.
//!
//! The switch tries once, when something changes: a type that somebody sets and the agent sets back
//! leaves "File exists" behind, for ever. Such a port is made anew, at once and then ever more seldom,
//! as the reason may be one that time alone takes away.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::vswitch::{Configuration, OpenVSwitch};

/// The shortest and the longest time between two attempts.
const RETRY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// What was tried.
#[derive(Debug, Default)]
pub(super) struct Mending {
    /// Each port that does not work, when it may be made anew, and how long to wait after that.
    ports: BTreeMap<(String, String), (Instant, Duration)>,
}

impl Mending {
    /// The ports that are to be made anew now, each with its bridge.
    pub(super) fn due(
        &mut self,
        configuration: &Configuration,
        tables: &OpenVSwitch,
        now: Instant,
    ) -> Vec<(String, String)> {
        let is_missing = |(bridge, name): &(String, String)| {
            let desired = configuration.bridges.get(bridge);
            desired.is_some_and(|bridge| bridge.ports.contains_key(name))
                && !tables.is_there(bridge, name)
        };
        self.take_in(configuration.broken(tables).collect(), is_missing, now)
    }

    fn take_in(
        &mut self,
        broken: Vec<(String, String)>,
        is_missing: impl Fn(&(String, String)) -> bool,
        now: Instant,
    ) -> Vec<(String, String)> {
        // One that was just removed is made in a moment, and may fail again.
        self.ports
            .retain(|port, _| broken.contains(port) || is_missing(port));
        let mut due = Vec::new();
        for port in broken {
            let (at, wait) = self.ports.entry(port.clone()).or_insert((now, RETRY.0));
            if *at <= now {
                (*at, *wait) = (now + *wait, (*wait * 2).min(RETRY.1));
                due.push(port);
            }
        }
        due
    }

    /// When there is something to try again. What could have been tried is looked at with whatever
    /// else happens.
    pub(super) fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        let times = self.ports.values().map(|(at, _)| *at);
        times.filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_fails_again_is_made_anew_ever_more_seldom() {
        let mut mending = Mending::default();
        let port = ("br-tun".to_owned(), "vxlan-c0000202".to_owned());
        let start = Instant::now();
        let mut times = Vec::new();
        for second in 0..3600 {
            let now = start + Duration::from_secs(second);
            // Between two failures it is not there.
            let due = mending.take_in(vec![port.clone()], |_| false, now);
            if !due.is_empty() {
                times.push(second);
                assert!(mending.take_in(Vec::new(), |_| true, now).is_empty());
            }
        }
        assert_eq!(times.get(..5), Some(&[0, 5, 15, 35, 75][..]));
        let last: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(last.last(), Some(&RETRY.1.as_secs()));
        // One that has worked is made anew at once when it fails again.
        let later = start + Duration::from_secs(3600);
        assert!(mending.take_in(Vec::new(), |_| false, later).is_empty());
        assert_eq!(
            mending.take_in(vec![port.clone()], |_| false, later),
            [port]
        );
    }
}
