//! Watches machines during a round: what they miss, and what they hear that is not for them.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::lab::Lab;
use crate::machine::{CARD, Machine};
use crate::probe::{Ear, Pinging};

/// How often machines ping each other.
const INTERVAL: Duration = Duration::from_millis(50);
/// How often what must not arrive is sent.
const NOISE: Duration = Duration::from_millis(20);
/// What is sent to the machine that accepts nothing.
const MARK: &[u8] = b"chaos must not arrive";
/// The machine that accepts nothing.
const SHUT: &str = "shut";
/// How long an ear listens before it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// A ping between machines that goes on during the round.
#[derive(Debug)]
struct Watched {
    from: String,
    to: String,
    hosts: [String; 2],
    pinging: Pinging,
}

/// Watches the machines of a lab until it is told to stop.
#[derive(Debug)]
pub(super) struct Guard {
    stop: Arc<AtomicBool>,
    pings: Vec<Watched>,
    ears: Vec<JoinHandle<anyhow::Result<Vec<String>>>>,
    noise: Vec<JoinHandle<()>>,
}

/// How long a machine missed another.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    pub(super) from: String,
    pub(super) to: String,
    /// The hosts that the two are on, or `outside`.
    pub(super) hosts: [String; 2],
    pub(super) longest: Duration,
}

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) gaps: Vec<Gap>,
    /// Frames that reached a machine which they were not for.
    pub(super) leaks: Vec<String>,
}

impl Guard {
    /// Begins to watch; `world` is an address outside.
    pub(super) fn start(lab: &Lab, world: IpAddr) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let machine = |name: &str| lab.machine(name).cloned();
        let mut pings = Vec::new();
        for (from, to) in [("red1", "red2"), ("red2", "blue3"), ("blue3", "blue1")] {
            pings.push(watch(&machine(from)?, (to, machine(to)?.ipv4()?))?);
        }
        for from in ["red2", "blue3"] {
            pings.push(watch(&machine(from)?, ("outside", world))?);
        }
        let mut ears = Vec::new();
        for machine in lab
            .machines()
            .iter()
            .filter(|it| host_of(it.name()).is_some())
        {
            let (machine, stop) = (machine.clone(), Arc::clone(&stop));
            let ear = Ear::open(machine.namespace(), CARD)?;
            ears.push(thread::spawn(move || listen(&machine, &ear, &stop)));
        }
        let shut = machine(SHUT)?.ipv4()?;
        let noise = ["red1", "blue3"].into_iter().map(|name| {
            let socket = || UdpSocket::bind("0.0.0.0:0").context("a socket");
            let socket = machine(name)?.namespace().enter(socket)?;
            let stop = Arc::clone(&stop);
            Ok(thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // What is refused on the way is as good as lost.
                    let _sent = socket.send_to(MARK, (shut, 7));
                    thread::sleep(NOISE);
                }
            }))
        });
        let noise = noise.collect::<anyhow::Result<_>>()?;
        Ok(Self {
            stop,
            pings,
            ears,
            noise,
        })
    }

    /// Stops; what was seen.
    pub(super) fn stop(self) -> anyhow::Result<Seen> {
        let mut gaps = Vec::new();
        for watched in self.pings {
            let pings = watched.pinging.stop()?;
            gaps.push(Gap {
                from: watched.from,
                to: watched.to,
                hosts: watched.hosts,
                longest: INTERVAL * longest(&pings.lost),
            });
        }
        self.stop.store(true, Ordering::Relaxed);
        let mut leaks = Vec::new();
        for ear in self.ears {
            let heard = ear.join().map_err(|_| anyhow!("an ear panicked"))?;
            leaks.extend(heard?);
        }
        for noise in self.noise {
            noise.join().map_err(|_| anyhow!("the noise panicked"))?;
        }
        Ok(Seen { gaps, leaks })
    }
}

fn watch(from: &Machine, (name, to): (&str, IpAddr)) -> anyhow::Result<Watched> {
    let host = |name: &str| host_of(name).unwrap_or_else(|| "outside".to_owned());
    Ok(Watched {
        from: from.name().to_owned(),
        to: name.to_owned(),
        hosts: [host(from.name()), host(name)],
        pinging: Pinging::start(from.namespace(), to, INTERVAL)?,
    })
}

/// The host of a machine, which its name ends with the number of.
pub(super) fn host_of(machine: &str) -> Option<String> {
    match machine {
        SHUT => Some("host2".to_owned()),
        _ => {
            let number = machine.strip_prefix("red");
            let number = number.or_else(|| machine.strip_prefix("blue"))?;
            Some(format!("host{number}"))
        }
    }
}

/// Listens on the card of a machine; what it hears that is not for it.
fn listen(machine: &Machine, ear: &Ear, stop: &AtomicBool) -> anyhow::Result<Vec<String>> {
    let mut leaks = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let Some(frame) = ear.next(LOOK)? else {
            continue;
        };
        let Some((to, _)) = frame.split_first_chunk::<6>() else {
            continue;
        };
        let is_unicast = to.first().is_some_and(|first| first & 1 == 0);
        let is_foreign = is_unicast && *to != machine.mac().0;
        let is_refused =
            machine.name() == SHUT && frame.windows(MARK.len()).any(|window| window == MARK);
        if is_foreign || is_refused {
            leaks.push(format!("{} hears {frame:02x?}", machine.name()));
        }
    }
    Ok(leaks)
}

/// The longest run of requests that were lost one after the other.
fn longest(lost: &[u32]) -> u32 {
    let (mut longest, mut run, mut before) = (0, 0, None);
    for number in lost {
        run = if before.is_some_and(|before: u32| before + 1 == *number) {
            run + 1
        } else {
            1
        };
        before = Some(*number);
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_lost_in_a_row_is_a_gap() {
        assert_eq!(longest(&[]), 0);
        assert_eq!(longest(&[3, 5, 7]), 1);
        assert_eq!(longest(&[1, 4, 5, 6, 9, 10]), 3);
    }
}
