//! The matrix: every segment type on every host, and who hears whose frames.
//!
//! Each machine sends a frame to each other machine of the lab, on IPv4 and IPv6, and one to
//! everybody. Every machine and every station of the physical world writes down what arrives. Who
//! should have heard a frame follows from one rule: the machines of one network hear each other,
//! wherever they are, and nobody else does; a local network is one for each host.
//!
//! A machine sends what must not arrive before what must. So when the latter has arrived, the
//! former had its time, and nothing has to be waited for that does not come.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::lab::Lab;
use crate::machine::CARD;
use crate::namespace::Namespace;
use crate::network::MacAddr;
use crate::patience::PATIENCE;
use crate::probe::{Ear, Frame, Mouth};

mod description;

pub use description::{MOST_HOSTS, Underlay, description};

/// How long a listener waits before it looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(100);
/// After so long a frame that has not arrived is sent again.
///
/// The userspace datapath loses the packet that makes it look for the other end of a tunnel.
const AGAIN: Duration = Duration::from_millis(500);
/// The time between two frames while something happens to the lab: a busy network, no flood.
const PACE: Duration = Duration::from_millis(1);
/// What every frame carries before its number.
const MARK: &str = "matrix ";
/// The digits of a frame's number.
const DIGITS: usize = 8;
/// All nodes of a link (RFC 4291, 2.7.1), and their MAC address (RFC 2464, 7).
const ALL_NODES: (MacAddr, Ipv6Addr) = (
    MacAddr([0x33, 0x33, 0, 0, 0, 1]),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
);

/// Brings the lab up, until every machine is bound by its agent.
///
/// # Errors
///
/// When something does not start.
pub fn start(name: &str, brint: &Path, hosts: u8, underlay: Underlay) -> anyhow::Result<Lab> {
    let mut lab = Lab::build(name, &description(hosts, underlay)?, brint)?;
    lab.start_agents()?;
    lab.wait_for_bridges()?;
    lab.plug_machines(&[])?;
    lab.wait_until_bound()?;
    Ok(lab)
}

/// What came of sending every frame.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many frames were sent, without those that were sent again.
    pub frames: usize,
    /// How many times a frame had to be heard, and was.
    pub heard: usize,
    /// One sentence for each frame that was not heard, or was heard by somebody it was not for.
    pub violations: Vec<String>,
}

/// Somebody who may hear a frame.
struct Listener {
    name: String,
    place: Place,
    namespace: Namespace,
    interface: String,
}

/// Where a frame can come to: a network, which for a local one is one of a host.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    network: String,
    host: Option<String>,
}

/// A frame, and who is to hear it.
struct Sent {
    frame: Frame,
    what: String,
    /// Listeners, by their number.
    must: BTreeSet<usize>,
    may: BTreeSet<usize>,
}

/// A machine with the frames that it sends, which are numbered from `first`.
struct Speaker {
    mouth: Mouth,
    first: usize,
    frames: Vec<Sent>,
}

/// Which listeners have heard a frame, by its number.
type Heard = BTreeMap<usize, BTreeSet<usize>>;

/// The number of a frame, and of a listener who has heard it.
type Arrival = (usize, usize);

/// Sends every frame until it has arrived, and compares who heard it with who should have.
///
/// # Errors
///
/// When a machine cannot send or listen.
pub fn check(lab: &Lab) -> anyhow::Result<Outcome> {
    let listeners = listeners(lab)?;
    let speakers = speakers(lab, &listeners)?;
    let mut heard = Heard::new();
    hear(&listeners, |arrivals| {
        for speaker in &speakers {
            speaker.is_heard(&mut heard, arrivals)?;
        }
        Ok(())
    })?;
    let mut outcome = outcome(&speakers, &listeners, &heard);
    for (number, sent) in speakers.iter().flat_map(Speaker::numbered) {
        let nobody = BTreeSet::new();
        for listener in (sent.must).difference(heard.get(&number).unwrap_or(&nobody)) {
            let listener = name(&listeners, *listener);
            let sentence = format!("{}: {listener} did not hear it", sent.what);
            outcome.violations.push(sentence);
        }
    }
    Ok(outcome)
}

/// Sends every frame again and again while something happens to the lab, and looks for those that
/// were heard by somebody they were not for.
///
/// # Errors
///
/// When a machine cannot send or listen, and what went wrong `during` that time.
pub fn leaks(
    lab: &mut Lab,
    during: impl FnOnce(&mut Lab) -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let listeners = listeners(lab)?;
    let speakers = speakers(lab, &listeners)?;
    let mut heard = Heard::new();
    hear(&listeners, |arrivals| {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let speaking = scope.spawn(|| speak_on(&speakers, &done));
            let happened = during(lab).map(|()| {
                // A world in which nobody is heard leaks nothing.
                let deadline = Instant::now() + PATIENCE;
                while outcome(&speakers, &listeners, &heard).heard == 0 && Instant::now() < deadline
                {
                    note(&mut heard, arrivals.recv_timeout(LOOK));
                }
            });
            done.store(true, Ordering::Relaxed);
            joined(speaking)?;
            happened
        })?;
        note(&mut heard, arrivals.try_iter());
        Ok(())
    })?;
    Ok(outcome(&speakers, &listeners, &heard))
}

/// Has every listener listen while `code` runs.
fn hear(
    listeners: &[Listener],
    code: impl FnOnce(&Receiver<Arrival>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let ears = listeners
        .iter()
        .map(|it| Ear::open(&it.namespace, &it.interface));
    let ears = ears.collect::<anyhow::Result<Vec<_>>>()?;
    let done = AtomicBool::new(false);
    let (sender, arrivals) = mpsc::channel();
    thread::scope(|scope| {
        let listening: Vec<_> = (ears.iter().enumerate())
            .map(|(number, ear)| {
                let (sender, done) = (sender.clone(), &done);
                scope.spawn(move || listen(number, ear, &sender, done))
            })
            .collect();
        let result = code(&arrivals);
        done.store(true, Ordering::Relaxed);
        listening.into_iter().try_for_each(joined)?;
        result
    })
}

fn joined(thread: ScopedJoinHandle<'_, anyhow::Result<()>>) -> anyhow::Result<()> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}

fn note(heard: &mut Heard, arrivals: impl IntoIterator<Item = Arrival>) {
    for (frame, listener) in arrivals {
        heard.entry(frame).or_default().insert(listener);
    }
}

/// Counts what was heard, and by whom it should not have been.
fn outcome(speakers: &[Speaker], listeners: &[Listener], heard: &Heard) -> Outcome {
    let mut outcome = Outcome::default();
    for (number, sent) in speakers.iter().flat_map(Speaker::numbered) {
        outcome.frames += 1;
        let Some(by) = heard.get(&number) else {
            continue;
        };
        outcome.heard += by.intersection(&sent.must).count();
        for listener in by.difference(&sent.may) {
            let listener = name(listeners, *listener);
            let sentence = format!("{}: {listener} heard it", sent.what);
            outcome.violations.push(sentence);
        }
    }
    outcome
}

fn name(listeners: &[Listener], number: usize) -> &str {
    listeners.get(number).map_or("", |listener| &listener.name)
}

/// The machines, in their order, then the stations of the physical world.
fn listeners(lab: &Lab) -> anyhow::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for (port, machine) in lab.description().ports.iter().zip(lab.machines()) {
        let network = lab
            .description()
            .network(port)
            .with_context(|| format!("the network of {}", port.name))?;
        let local = network.network_type == "local";
        listeners.push(Listener {
            name: machine.name().to_owned(),
            place: Place {
                network: network.name.clone(),
                host: port.host.clone().filter(|_| local),
            },
            namespace: machine.namespace().clone(),
            interface: CARD.to_owned(),
        });
    }
    let provided = (lab.description().networks.iter()).filter(|it| it.physical_network.is_some());
    listeners.extend(provided.map(|network| Listener {
        name: format!("the station of {}", network.name),
        place: Place {
            network: network.name.clone(),
            host: None,
        },
        namespace: lab.outside().namespace().clone(),
        interface: network.name.clone(),
    }));
    Ok(listeners)
}

/// Passes on the numbers of the frames that arrive.
fn listen(
    number: usize,
    ear: &Ear,
    arrivals: &Sender<Arrival>,
    done: &AtomicBool,
) -> anyhow::Result<()> {
    while !done.load(Ordering::Relaxed) {
        if let Some(frame) = ear.next(LOOK)?.as_deref().and_then(number_of)
            && arrivals.send((frame, number)).is_err()
        {
            break;
        }
    }
    Ok(())
}

/// The number that a UDP packet carries. Errors that quote such a packet are none.
fn number_of(bytes: &[u8]) -> Option<usize> {
    const UDP: u8 = 17;
    let protocol = match bytes.get(12..14)? {
        [0x08, 0x00] => bytes.get(23)?,
        [0x86, 0xdd] => bytes.get(20)?,
        _ => return None,
    };
    let found = bytes
        .windows(MARK.len())
        .position(|window| window == MARK.as_bytes())
        .filter(|_| *protocol == UDP)?;
    let digits = bytes.get(found + MARK.len()..)?.get(..DIGITS)?;
    str::from_utf8(digits).ok()?.parse().ok()
}

impl Speaker {
    /// The frames, each with its number.
    fn numbered(&self) -> impl Iterator<Item = (usize, &Sent)> {
        (self.first..).zip(&self.frames)
    }

    /// Sends every frame, and those that do not arrive again.
    fn is_heard(&self, heard: &mut Heard, arrivals: &Receiver<Arrival>) -> anyhow::Result<()> {
        for sent in &self.frames {
            self.mouth.send(&sent.frame)?;
        }
        let deadline = Instant::now() + PATIENCE;
        let mut again = Instant::now() + AGAIN;
        while Instant::now() < deadline {
            let unheard = |(number, sent): &(usize, &Sent)| {
                let by = heard.get(number);
                !sent.must.is_empty() && by.is_none_or(|by| !by.is_superset(&sent.must))
            };
            let mut missing = self.numbered().filter(unheard).peekable();
            if missing.peek().is_none() {
                break;
            }
            if Instant::now() >= again {
                missing.try_for_each(|(_, sent)| self.mouth.send(&sent.frame))?;
                again = Instant::now() + AGAIN;
            }
            note(heard, arrivals.recv_timeout(LOOK));
            note(heard, arrivals.try_iter());
        }
        Ok(())
    }
}

/// Has the machines send in turn, until it is enough.
fn speak_on(speakers: &[Speaker], enough: &AtomicBool) -> anyhow::Result<()> {
    for round in 0_usize.. {
        for speaker in speakers {
            if enough.load(Ordering::Relaxed) {
                return Ok(());
            }
            let number = round % speaker.frames.len().max(1);
            if let Some(sent) = speaker.frames.get(number) {
                speaker.mouth.send(&sent.frame)?;
            }
            thread::sleep(PACE);
        }
    }
    Ok(())
}

/// The machines of a lab, each with its frames.
fn speakers(lab: &Lab, listeners: &[Listener]) -> anyhow::Result<Vec<Speaker>> {
    let mut first = 0;
    let mut speakers = Vec::new();
    for (number, machine) in lab.machines().iter().enumerate() {
        let frames = frames(lab, listeners, number, first)?;
        let speaker = Speaker {
            mouth: Mouth::open(machine.namespace(), CARD)?,
            first,
            frames,
        };
        first += speaker.frames.len();
        speakers.push(speaker);
    }
    Ok(speakers)
}

/// The frames of one machine, numbered from `first`: those for strangers before those for friends.
fn frames(
    lab: &Lab,
    listeners: &[Listener],
    number: usize,
    first: usize,
) -> anyhow::Result<Vec<Sent>> {
    let from = lab.machines().get(number).context("the sender")?;
    let place = &listeners.get(number).context("the sender's place")?.place;
    let stations = lab.machines().len()..listeners.len();
    let friends: BTreeSet<usize> = (listeners.iter().enumerate())
        .filter(|(other, listener)| *other != number && listener.place == *place)
        .map(|(other, _)| other)
        .collect();
    let mut plans = Vec::new();
    for (other, to) in lab.machines().iter().enumerate() {
        if other == number {
            continue;
        }
        let must: BTreeSet<usize> = friends
            .contains(&other)
            .then_some(other)
            .into_iter()
            .collect();
        // The physical world is asked about whoever is not known, and hears what it carries.
        let mut may = must.clone();
        may.extend(friends.iter().filter(|friend| stations.contains(friend)));
        for to_ip in [to.ipv4()?, to.ipv6()?] {
            let what = format!("{} to {} at {to_ip}", from.name(), to.name());
            plans.push(((to.mac(), to_ip), what, must.clone(), may.clone()));
        }
    }
    plans.sort_by_key(|(_, _, must, _)| !must.is_empty());
    let everybody = [
        (MacAddr::BROADCAST, IpAddr::from(Ipv4Addr::BROADCAST)),
        (ALL_NODES.0, ALL_NODES.1.into()),
    ];
    for to in everybody {
        let what = format!("{} to {}", from.name(), to.1);
        plans.push((to, what, friends.clone(), friends.clone()));
    }
    let sent = (first..).zip(plans).map(|(number, (to, what, must, may))| {
        let own = if to.1.is_ipv4() {
            from.ipv4()?
        } else {
            from.ipv6()?
        };
        let frame = Frame::udp((from.mac(), own), to, &format!("{MARK}{number:0DIGITS$}"))?;
        Ok(Sent {
            frame,
            what,
            must,
            may,
        })
    });
    sent.collect()
}
