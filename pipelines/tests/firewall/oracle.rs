//! What the rules say of a packet.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    packet::{Event, Protocol, Step},
    world::{LOCAL, Port, Remote, Rule, World},
};

/// What trackers know a connection by.
type Key = (u8, usize, IpAddr, IpAddr);

#[derive(Default)]
pub(super) struct Oracle {
    /// The connections that were accepted.
    connections: BTreeMap<Key, Connection>,
    /// Connections of TCP whose trackers saw half of the handshake: what they make of the rest is
    /// their own affair.
    half_open: BTreeSet<Key>,
}

struct Connection {
    /// Who opened it, as the packet that did says.
    opener: (IpAddr, bool),
    /// Whether the other side has spoken; until then trackers call each packet the first.
    answered: bool,
    /// Whether it lost its rule, which only a packet that is not the first can show.
    cut: bool,
}

/// Which pieces of a packet pass. What is not fragmented is a first piece alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) first: bool,
    pub(super) later: bool,
}

impl From<bool> for Verdict {
    fn from(whole: bool) -> Self {
        Self {
            first: whole,
            later: whole,
        }
    }
}

impl Oracle {
    /// Whether it knows what becomes of a packet's fragments: not without a tracker.
    pub(super) fn judges_fragments(world: &World, event: &Event<'_>) -> bool {
        let (sender, receiver) = event.ends();
        let mut checked = [sender, receiver]
            .into_iter()
            .filter_map(|place| is_checked(world, place));
        event.step.may_be_fragmented() && checked.all(|port| is_stateful(world, port))
    }

    /// What reaches whom a packet is for, if that is known; remembers what it opens or cuts.
    pub(super) fn judges(&mut self, world: &World, event: &Event<'_>) -> Option<Verdict> {
        let key = event.exchange.connection();
        if self.half_open.contains(&key) {
            return None;
        }
        let verdict = self.allows(world, event);
        let connection = self.connections.get(&key);
        if event.ends_handshake() && connection.is_some_and(|connection| !connection.answered) {
            self.half_open.insert(key);
        }
        Some(verdict)
    }

    fn allows(&mut self, world: &World, event: &Event<'_>) -> Verdict {
        let (sender, receiver) = event.ends();
        let (sender, receiver) = (is_checked(world, sender), is_checked(world, receiver));
        if sender.is_some_and(|port| !port.owns(event.source())) {
            return false.into();
        }
        if sender.is_none() && receiver.is_none() {
            return true.into();
        }
        let leaves = sender.is_none_or(|port| allowed(world, port, event, false, means));
        let enters = receiver.is_none_or(|port| allowed(world, port, event, true, means));
        let tracked_first = sender.is_some_and(|port| is_stateful(world, port));
        let tracked_last = receiver.is_some_and(|port| is_stateful(world, port));
        if !tracked_first && !tracked_last {
            return (leaves && enters).into();
        }
        // What stateless rules keep from leaving is seen by no tracker; what they keep from
        // entering was seen.
        if !tracked_first && !leaves {
            return false.into();
        }
        let enters_untracked = tracked_last || enters;
        let by_rules = leaves && (enters || !tracked_last);
        let key = event.exchange.connection();
        let opener = event.opener();
        if let Some(port) = receiver
            && tracked_last
            && !port.owns(event.destination())
        {
            let leaves = !tracked_first || self.leaves(event, leaves);
            let passes = leaves && enters && event.can_open();
            if passes {
                self.notice(event);
            }
            return passes.into();
        }
        match self.connections.get_mut(&key) {
            // An error is about a connection, whichever way that goes.
            Some(connection) if event.step == Step::Error => {
                (!connection.cut && enters_untracked).into()
            }
            Some(connection) if connection.opener == opener => {
                if event.fragmented && connection.answered {
                    // Later fragments have no ports.
                    let later = [(sender, false), (receiver, true)].map(|(port, ingress)| {
                        port.is_none_or(|port| allowed(world, port, event, ingress, may_mean))
                    });
                    return connection.fragments([leaves, enters], later);
                }
                connection.cut = !by_rules && connection.answered;
                (by_rules && enters_untracked).into()
            }
            Some(connection) => {
                connection.answered |= !connection.cut;
                (!connection.cut && enters_untracked).into()
            }
            None => {
                let opens = by_rules && enters_untracked && event.can_open();
                if opens {
                    self.connections.insert(
                        key,
                        Connection {
                            opener,
                            answered: event.is_midstream(),
                            cut: false,
                        },
                    );
                }
                opens.into()
            }
        }
    }
}

impl Oracle {
    /// Whether a packet leaves a port whose connections are tracked, for somebody who has not its
    /// destination and so is no party to its connection.
    fn leaves(&mut self, event: &Event<'_>, by_rules: bool) -> bool {
        match self.connections.get_mut(&event.exchange.connection()) {
            Some(connection) if event.step == Step::Error => !connection.cut,
            Some(connection) if connection.opener == event.opener() => {
                connection.cut = !by_rules && connection.answered;
                by_rules
            }
            Some(connection) => {
                connection.answered |= !connection.cut;
                !connection.cut
            }
            None => by_rules && event.can_open(),
        }
    }

    /// What the tracker notes of a packet that somebody else's rules let in.
    fn notice(&mut self, event: &Event<'_>) {
        let opened = Connection {
            opener: event.opener(),
            answered: event.is_midstream(),
            cut: false,
        };
        let key = event.exchange.connection();
        let connection = self.connections.entry(key).or_insert(opened);
        connection.answered |= connection.opener != event.opener();
    }
}

impl Connection {
    /// What becomes of fragments that go the way of an open connection, by what leaves the sender
    /// and what enters the receiver.
    ///
    /// A connection is cut when all of a packet is refused, each piece on one side or the other, and
    /// then needs a whole packet to come back.
    fn fragments(&mut self, first: [bool; 2], later: [bool; 2]) -> Verdict {
        if self.cut {
            return false.into();
        }
        let verdict = Verdict {
            first: first == [true; 2],
            later: later == [true; 2],
        };
        self.cut = !verdict.first && !verdict.later;
        verdict
    }
}

/// The port, if it is here and its rules count.
fn is_checked(world: &World, place: usize) -> Option<&Port> {
    let port = world.ports.get(place)?;
    (place < LOCAL && port.secured).then_some(port)
}

/// Whether its rules are about connections: not if all its groups are stateless.
fn is_stateful(world: &World, port: &Port) -> bool {
    let groups = port.groups.iter();
    let mut groups = groups.map(|group| world.groups.get(*group).unwrap());
    port.groups.is_empty() || groups.any(|group| group.stateful)
}

fn allowed(
    world: &World,
    port: &Port,
    event: &Event<'_>,
    ingress: bool,
    means: fn(&Rule, &Event<'_>) -> bool,
) -> bool {
    let groups = port
        .groups
        .iter()
        .filter_map(|group| world.groups.get(*group));
    let rules = groups.flat_map(|group| &group.rules);
    let mut rules = rules.filter(|rule| rule.ingress == ingress);
    rules.any(|rule| {
        let far = if ingress {
            event.source()
        } else {
            event.destination()
        };
        rule.v6 == far.is_ipv6() && means(rule, event) && is_remote(world, rule, event, far)
    })
}

/// Whether a rule is about a packet, as far as one knows who has not seen its ports.
fn may_mean(rule: &Rule, event: &Event<'_>) -> bool {
    rule.protocol
        .is_none_or(|protocol| protocol == event.protocol_number())
}

fn means(rule: &Rule, event: &Event<'_>) -> bool {
    if !may_mean(rule, event) {
        return false;
    }
    let Some((least, most)) = rule.bounds else {
        return true;
    };
    let is_kind = |(kind, code): (u8, u8)| {
        least == u32::from(kind) && most.is_none_or(|most| most == u32::from(code))
    };
    match event.exchange.protocol {
        Protocol::Icmp => is_kind(event.icmp()),
        _ if event.step == Step::Error => is_kind(event.icmp()),
        Protocol::Gre => true,
        _ => (least..=most.unwrap_or(least)).contains(&event.destination_port()),
    }
}

fn is_remote(world: &World, rule: &Rule, event: &Event<'_>, far: IpAddr) -> bool {
    match rule.remote {
        Remote::Any => true,
        Remote::Block(block) => block.contains(&far),
        Remote::AddressGroup(group) => {
            let mut blocks = world.address_groups.get(group).unwrap().iter();
            blocks.any(|block| block.contains(&far))
        }
        Remote::Group(group) => {
            let sender = event.ends().0;
            let ports = world.ports.iter().enumerate();
            let mut members = ports.filter(|(_, port)| port.groups.contains(&group));
            // Who sends from any address is known by its MAC.
            members.any(|(place, port)| {
                port.is_known_by(far) || rule.ingress && place == sender && port.owns(far)
            })
        }
    }
}
