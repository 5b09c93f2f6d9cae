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
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

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
struct Listener<'a> {
    name: String,
    place: Place<'a>,
    at: (&'a Namespace, &'a str),
}

/// Where a frame can come to: a network, which for a local one is one of a host.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    network: &'a str,
    host: Option<&'a str>,
}

/// A frame, and who is to hear it.
struct Sent {
    frame: Frame,
    what: String,
    /// Listeners, by their number.
    must: BTreeSet<usize>,
    may: BTreeSet<usize>,
}

/// Sends every frame, and compares who heard it with who should have.
///
/// # Errors
///
/// When a machine cannot send or listen.
pub fn check(lab: &Lab) -> anyhow::Result<Outcome> {
    let listeners = listeners(lab)?;
    let done = AtomicBool::new(false);
    let (sender, arrivals) = mpsc::channel();
    thread::scope(|scope| {
        let mut running = Vec::new();
        for (number, listener) in listeners.iter().enumerate() {
            let ear = Ear::open(listener.at.0, listener.at.1)?;
            let (sender, done) = (sender.clone(), &done);
            running.push(scope.spawn(move || listen(number, &ear, &sender, done)));
        }
        let outcome = send_all(lab, &listeners, &arrivals);
        done.store(true, Ordering::Relaxed);
        for listener in running {
            listener
                .join()
                .map_err(|_| anyhow::anyhow!("a listener panicked"))??;
        }
        outcome
    })
}

/// The machines, in their order, then the stations of the physical world.
fn listeners(lab: &Lab) -> anyhow::Result<Vec<Listener<'_>>> {
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
                network: &network.name,
                host: port.host.as_deref().filter(|_| local),
            },
            at: (machine.namespace(), CARD),
        });
    }
    let provided = (lab.description().networks.iter()).filter(|it| it.physical_network.is_some());
    listeners.extend(provided.map(|network| Listener {
        name: format!("the station of {}", network.name),
        place: Place {
            network: &network.name,
            host: None,
        },
        at: (lab.outside().namespace(), &network.name),
    }));
    Ok(listeners)
}

/// Passes on the numbers of the frames that arrive.
fn listen(
    number: usize,
    ear: &Ear,
    arrivals: &Sender<(usize, usize)>,
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

fn send_all(
    lab: &Lab,
    listeners: &[Listener<'_>],
    arrivals: &Receiver<(usize, usize)>,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut heard: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut all: Vec<Sent> = Vec::new();
    for (number, machine) in lab.machines().iter().enumerate() {
        let first = all.len();
        all.extend(frames(lab, listeners, number, first)?);
        let mouth = Mouth::open(machine.namespace(), CARD)?;
        let round = all.get(first..).unwrap_or_default();
        for sent in round {
            mouth.send(&sent.frame)?;
        }
        let deadline = Instant::now() + PATIENCE;
        let mut again = Instant::now() + AGAIN;
        while Instant::now() < deadline {
            let missing = (first..)
                .zip(round)
                .filter(|(frame, sent)| {
                    heard
                        .get(frame)
                        .is_none_or(|by| !by.is_superset(&sent.must))
                })
                .filter(|(_, sent)| !sent.must.is_empty());
            let mut missing = missing.peekable();
            if missing.peek().is_none() {
                break;
            }
            if Instant::now() >= again {
                missing.try_for_each(|(_, sent)| mouth.send(&sent.frame))?;
                again = Instant::now() + AGAIN;
            }
            let arrived = arrivals.recv_timeout(LOOK).into_iter();
            for (frame, listener) in arrived.chain(arrivals.try_iter()) {
                heard.entry(frame).or_default().insert(listener);
            }
        }
    }
    outcome.frames = all.len();
    let nobody = BTreeSet::new();
    for (frame, sent) in all.iter().enumerate() {
        let by = heard.get(&frame).unwrap_or(&nobody);
        outcome.heard += by.intersection(&sent.must).count();
        let name = |listener: &usize| listeners.get(*listener).map_or("", |it| it.name.as_str());
        for listener in sent.must.difference(by) {
            let listener = name(listener);
            outcome
                .violations
                .push(format!("{}: {listener} did not hear it", sent.what));
        }
        for listener in by.difference(&sent.may) {
            let listener = name(listener);
            outcome
                .violations
                .push(format!("{}: {listener} heard it", sent.what));
        }
    }
    Ok(outcome)
}

/// The frames of one machine, numbered from `first`: those for strangers before those for friends.
fn frames(
    lab: &Lab,
    listeners: &[Listener<'_>],
    number: usize,
    first: usize,
) -> anyhow::Result<Vec<Sent>> {
    let from = lab.machines().get(number).context("the sender")?;
    let place = listeners.get(number).context("the sender's place")?.place;
    let stations = lab.machines().len()..listeners.len();
    let friends: BTreeSet<usize> = (listeners.iter().enumerate())
        .filter(|(other, listener)| *other != number && listener.place == place)
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
