//! Packets that the datapath could not hand to `ovs-vswitchd`.
//!
//! The first packet of each flow of the datapath is one that `ovs-vswitchd` decides on: an upcall. Its
//! threads may be too slow for that, or not there at all, as in Open vSwitch before 3.1.1 when it
//! starts within ten seconds of the boot of a host with two processors: then flows, ports and tunnels
//! are as they should be, and nothing is forwarded. The datapath counts what it loses so;
//! `ovs-appctl dpctl/show` says it (`lookups: hit:0 missed:120 lost:120`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::problem::{Kind, Problem};
use crate::unixctl::call;

/// How often the datapath is asked.
const INTERVAL: Duration = Duration::from_secs(10);
/// Of so many upcalls one may be lost: a burst of new connections may fill a socket for a moment.
const TOLERATED: u64 = 100;

/// Watches what becomes of upcalls.
#[derive(Debug)]
pub(super) struct Upcalls {
    problems: watch::Receiver<BTreeSet<Problem>>,
}

impl Upcalls {
    /// Watches the datapaths of the `ovs-vswitchd` whose sockets are in a directory.
    pub(super) fn watch(run_directory: PathBuf) -> Self {
        let (sender, problems) = watch::channel(BTreeSet::new());
        tokio::spawn(async move {
            let mut watched = Watched::default();
            while !sender.is_closed() {
                // Who does not answer is asked again: others say that the daemon is gone.
                if let Ok(text) = call(&run_directory, "ovs-vswitchd", "dpctl/show", &[]).await {
                    watched.take_in(&read(&text));
                    sender.send_if_modified(|told| {
                        let problems = watched.problems();
                        let differ = *told != problems;
                        *told = problems;
                        differ
                    });
                }
                sleep(INTERVAL).await;
            }
        });
        Self { problems }
    }

    /// Waits until upcalls begin to be lost, or are lost no more.
    pub(super) async fn changed(&mut self) {
        if self.problems.changed().await.is_err() {
            // The task only ends with the agent.
            std::future::pending::<()>().await;
        }
    }

    /// The datapaths that lose upcalls.
    pub(super) fn problems(&self) -> BTreeSet<Problem> {
        self.problems.borrow().clone()
    }
}

/// What a datapath has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lookups {
    /// Packets that no flow of the datapath matched.
    missed: u64,
    /// Those that did not reach `ovs-vswitchd`.
    lost: u64,
}

/// What each datapath counted until it was asked last, and in the interval before.
#[derive(Debug, Default)]
struct Watched {
    counted: BTreeMap<String, Lookups>,
    lossy: BTreeMap<String, Lookups>,
}

impl Watched {
    fn take_in(&mut self, now: &BTreeMap<String, Lookups>) {
        self.lossy.retain(|datapath, _| now.contains_key(datapath));
        for (datapath, lookups) in now {
            let Some(before) = self.counted.get(datapath) else {
                continue;
            };
            // A datapath that was made anew counts from 0; nothing that came up says nothing.
            let (Some(missed), Some(lost)) = (
                lookups.missed.checked_sub(before.missed),
                lookups.lost.checked_sub(before.lost),
            ) else {
                self.lossy.remove(datapath);
                continue;
            };
            if lost.saturating_mul(TOLERATED) > missed {
                self.lossy
                    .insert(datapath.clone(), Lookups { missed, lost });
            } else if missed > 0 {
                self.lossy.remove(datapath);
            }
        }
        self.counted.clone_from(now);
    }

    fn problems(&self) -> BTreeSet<Problem> {
        let problems = self.lossy.iter().map(|(datapath, lookups)| {
            let sentence = match lookups.lost < lookups.missed {
                true => {
                    "loses packets that ovs-vswitchd should decide on (ovs-appctl dpctl/show: \
                         lost): first packets of connections are missing"
                }
                false => {
                    "loses every packet that ovs-vswitchd should decide on (ovs-appctl \
                          dpctl/show: lost), so nothing new is forwarded: restart ovs-vswitchd"
                }
            };
            Problem::new(Kind::Datapath, datapath, sentence)
        });
        problems.collect()
    }
}

/// Reads a line for each datapath, and below it one with its counters.
fn read(text: &str) -> BTreeMap<String, Lookups> {
    let mut datapaths = BTreeMap::new();
    let mut datapath = "";
    for line in text.lines() {
        if let Some(counters) = line.trim().strip_prefix("lookups: ") {
            let counters = counters.split(' ').filter_map(|one| one.split_once(':'));
            let counters: BTreeMap<_, _> = counters.collect();
            let counter = |name| counters.get(name)?.parse().ok();
            if let (Some(missed), Some(lost)) = (counter("missed"), counter("lost")) {
                // system@ovs-system: its type, as in Bridge.datapath_type, is what people know.
                let kind = datapath.split('@').next().unwrap_or(datapath);
                datapaths.insert(kind.to_owned(), Lookups { missed, lost });
            }
        } else if !line.starts_with(' ') {
            datapath = line.trim().trim_end_matches(':');
        }
    }
    datapaths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(missed: u64, lost: u64) -> BTreeMap<String, Lookups> {
        read(&format!(
            "system@ovs-system:\n  lookups: hit:7 missed:{missed} lost:{lost}\n  flows: 0\n  \
             masks: hit:9 total:2 hit/pkt:1.00\n  port 0: ovs-system (internal)\n"
        ))
    }

    fn problems(samples: &[(u64, u64)]) -> Vec<String> {
        let mut watched = Watched::default();
        for (missed, lost) in samples {
            watched.take_in(&shown(*missed, *lost));
        }
        watched.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_datapath_is_read() {
        let text = "netdev@ovs-netdev:\n  lookups: hit:1 missed:2 lost:0\n\
                    system@ovs-system:\n  lookups: hit:1 missed:3 lost:1\n";
        let lookups = read(text);
        assert_eq!(lookups["netdev"], Lookups { missed: 2, lost: 0 });
        assert_eq!(lookups["system"], Lookups { missed: 3, lost: 1 });
    }

    #[test]
    fn what_was_lost_before_is_no_problem_now() {
        assert_eq!(problems(&[(500, 500)]), [""; 0]);
        assert_eq!(problems(&[(500, 500), (600, 500)]), [""; 0]);
    }

    #[test]
    fn a_switch_without_threads_is_a_problem_until_it_has_some() {
        let all = "datapath system loses every packet that ovs-vswitchd should decide on \
                   (ovs-appctl dpctl/show: lost), so nothing new is forwarded: restart ovs-vswitchd";
        assert_eq!(problems(&[(0, 0), (12, 12)]), [all]);
        assert_eq!(problems(&[(0, 0), (12, 12), (12, 12)]), [all]);
        assert_eq!(problems(&[(0, 0), (12, 12), (20, 12)]), [""; 0]);
        // Restarted, with a datapath of its own.
        assert_eq!(problems(&[(0, 0), (12, 12), (3, 0)]), [""; 0]);
    }

    #[test]
    fn a_switch_that_is_too_slow_is_a_problem() {
        let some = "datapath system loses packets that ovs-vswitchd should decide on (ovs-appctl \
                    dpctl/show: lost): first packets of connections are missing";
        assert_eq!(problems(&[(0, 0), (1000, 50)]), [some]);
        assert_eq!(problems(&[(0, 0), (1000, 10)]), [""; 0]);
    }
}
