//! What the rules say of a packet.

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    packet::{Event, Protocol, Step},
    world::{LOCAL, Port, Remote, Rule, World},
};

/// The connections that were accepted, by what trackers know them by.
#[derive(Default)]
pub(super) struct Oracle(BTreeMap<(u8, usize, IpAddr, IpAddr), Connection>);

struct Connection {
    /// Who opened it, as the packet that did says.
    opener: (IpAddr, bool),
    /// Whether the other side has spoken; until then trackers call each packet the first.
    answered: bool,
    /// Whether it lost its rule, which only a packet that is not the first can show.
    cut: bool,
}

impl Oracle {
    /// Whether a packet reaches whom it is for; remembers what it opens or cuts.
    pub(super) fn allows(&mut self, world: &World, event: &Event<'_>) -> bool {
        let (sender, receiver) = event.ends();
        let (sender, receiver) = (is_checked(world, sender), is_checked(world, receiver));
        if sender.is_some_and(|port| !port.owns(event.source())) {
            return false;
        }
        if sender.is_none() && receiver.is_none() {
            return true;
        }
        let leaves = sender.is_none_or(|port| allowed(world, port, event, false));
        let enters = receiver.is_none_or(|port| allowed(world, port, event, true));
        let tracked_first = sender.is_some_and(|port| is_stateful(world, port));
        let tracked_last = receiver.is_some_and(|port| is_stateful(world, port));
        if !tracked_first && !tracked_last {
            return leaves && enters;
        }
        // What stateless rules keep from leaving is seen by no tracker; what they keep from
        // entering was seen.
        if !tracked_first && !leaves {
            return false;
        }
        let enters_untracked = tracked_last || enters;
        let by_rules = leaves && (enters || !tracked_last);
        let key = event.exchange.connection();
        let opener = event.opener();
        match self.0.get_mut(&key) {
            // An error is about a connection, whichever way that goes.
            Some(connection) if event.step == Step::Error => !connection.cut && enters_untracked,
            Some(connection) if connection.opener == opener => {
                connection.cut = !by_rules && connection.answered;
                by_rules && enters_untracked
            }
            Some(connection) => {
                connection.answered |= !connection.cut;
                !connection.cut && enters_untracked
            }
            None => {
                let opens = by_rules && enters_untracked && event.can_open();
                if opens {
                    self.0.insert(
                        key,
                        Connection {
                            opener,
                            answered: event.is_midstream(),
                            cut: false,
                        },
                    );
                }
                opens
            }
        }
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

fn allowed(world: &World, port: &Port, event: &Event<'_>, ingress: bool) -> bool {
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
        rule.v6 == far.is_ipv6() && means(rule, event) && is_remote(world, rule, far)
    })
}

fn means(rule: &Rule, event: &Event<'_>) -> bool {
    let Some(protocol) = rule.protocol else {
        return true;
    };
    if protocol != event.protocol_number() {
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

fn is_remote(world: &World, rule: &Rule, far: IpAddr) -> bool {
    match rule.remote {
        Remote::Any => true,
        Remote::Block(block) => block.contains(&far),
        Remote::AddressGroup(group) => {
            let mut blocks = world.address_groups.get(group).unwrap().iter();
            blocks.any(|block| block.contains(&far))
        }
        Remote::Group(group) => {
            let mut members = world
                .ports
                .iter()
                .filter(|port| port.groups.contains(&group));
            members.any(|port| port.owns(far))
        }
    }
}
