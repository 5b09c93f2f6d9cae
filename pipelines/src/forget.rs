//! Connections that have lost their machine, and that the connection tracker is to forget.
//!
//! The tracker knows addresses and zones, not ports. Once a port is gone, somebody else may get its
//! address, or another network its zone; the connections of before would pass there without a rule.
//! A port that is down, or that gives up port security for a while, is not gone: what it has open goes
//! on when it comes back. The same holds for who seems to be outside: a floating IP that stands for another machine, a
//! router whose gateway is another host's, a port that is forwarded elsewhere. What has to be
//! forgotten follows from the flows that go, so it is found also for what happened while nobody
//! looked. Until it is done, notes in the bridge say so: they come in the bundle that
//! takes the flows away, so that an end between the two loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use openflow::flow::Flow;

pub use crate::br_int::Forwarded;

use crate::{
    br_int::{self, Note},
    cookie::Cookie,
    diff::Change,
    flow_set::{FlowSet, Key},
};

/// What the connection tracker is to forget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Whole zones: those whose network is gone, or another.
    pub zones: BTreeSet<u16>,
    /// Addresses that no port has any more that had it, each with its zone.
    pub addresses: BTreeSet<(u16, IpNet)>,
    /// Ports of floating IPs that are not forwarded any more, or to somebody else.
    pub forwarded: BTreeSet<Forwarded>,
    /// Addresses that a port still has.
    kept: BTreeSet<(u16, IpNet)>,
}

impl Forgotten {
    /// What is to be forgotten once `changes` have made `after` of what br-int had before.
    ///
    /// An address stays known as long as one port has it that had it before, whatever its number.
    pub fn between(before: &FlowSet, after: &FlowSet, changes: &[Change]) -> Self {
        if !changes.iter().any(|change| takes_away(before, change)) {
            return Self::default();
        }
        let (old, new) = (networks(before), networks(after));
        let gone = |(zone, cookie): &(&u16, &u64)| new.get(*zone) != Some(*cookie);
        let zones: BTreeSet<u16> = old.iter().filter(gone).map(|(zone, _)| *zone).collect();
        let (old, new) = (holders(before), holders(after));
        let none = BTreeSet::new();
        let is_kept = |(place, ports): &(&(u16, IpNet), &BTreeSet<u64>)| {
            !new.get(*place).unwrap_or(&none).is_disjoint(ports)
        };
        let (kept, addresses): (Vec<_>, Vec<_>) = old.iter().partition(is_kept);
        let lost = addresses.into_iter().map(|(place, _)| *place);
        let forwarded = forwarded(before).into_iter();
        let now = self::forwarded(after);
        let forwarded = forwarded.filter(|(place, to)| now.get(place) != Some(to));
        Self {
            addresses: lost.filter(|(zone, _)| !zones.contains(zone)).collect(),
            forwarded: forwarded
                .map(|(place, _)| place)
                .filter(|place| !zones.contains(&place.zone))
                .collect(),
            kept: kept.into_iter().map(|(place, _)| *place).collect(),
            zones,
        }
    }

    /// What to write into the bridge until it is forgotten.
    pub fn notes(&self) -> impl Iterator<Item = Flow> {
        let zones = self.zones.iter().map(|zone| Note::Zone(*zone));
        let addresses = self.addresses.iter();
        let addresses = addresses.map(|(zone, block)| Note::Address(*zone, *block));
        let forwarded = self.forwarded.iter().copied().map(Note::Forwarded);
        let within = |(zone, kept): &&(u16, IpNet)| {
            let mut blocks = self.addresses.iter();
            blocks.any(|(other, block)| other == zone && block.contains(kept))
        };
        let kept = self.kept.iter().filter(within);
        let kept = kept.map(|(zone, block)| Note::Kept(*zone, *block));
        zones
            .chain(addresses)
            .chain(forwarded)
            .chain(kept)
            .map(Note::flow)
    }

    /// What the notes in a bridge say.
    pub fn noted(flows: &FlowSet) -> Self {
        let mut noted = Self::default();
        for note in Note::all(flows) {
            match note {
                Note::Zone(zone) => noted.zones.insert(zone),
                Note::Address(zone, block) => noted.addresses.insert((zone, block)),
                Note::Forwarded(forwarded) => noted.forwarded.insert(forwarded),
                Note::Kept(zone, block) => noted.kept.insert((zone, block)),
            };
        }
        noted
    }

    /// Whether there is nothing to forget.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty() && self.addresses.is_empty() && self.forwarded.is_empty()
    }

    /// Whether the connections of one address in a zone are to be forgotten.
    ///
    /// A block that goes may have addresses in it that stay.
    pub fn names(&self, zone: u16, address: IpAddr) -> bool {
        let within = |places: &BTreeSet<(u16, IpNet)>| {
            let mut places = places.iter();
            places.any(|(other, block)| *other == zone && block.contains(&address))
        };
        within(&self.addresses) && !within(&self.kept)
    }
}

/// Whether a change may leave connections behind.
fn takes_away(before: &FlowSet, change: &Change) -> bool {
    let old = match change {
        Change::DeleteFlow(key) => before.flow(key),
        Change::PutFlow(flow) => (before.flow(&Key::of(flow))).filter(|old| {
            old.cookie != flow.cookie
                || br_int::translated(old) != br_int::translated(flow)
                || br_int::forwarded(old) != br_int::forwarded(flow)
        }),
        _ => None,
    };
    old.is_some_and(|flow| {
        br_int::source(flow).is_some()
            || br_int::held(flow).is_some()
            || br_int::zone(flow).is_some()
            || br_int::translated(flow).is_some()
            || br_int::forwarded(flow).is_some()
    })
}

/// The ports of floating IPs that are forwarded, each with whom it is forwarded to.
fn forwarded(flows: &FlowSet) -> BTreeMap<Forwarded, (Ipv4Addr, Option<u16>)> {
    let (table, priority) = br_int::PORT_FORWARDINGS;
    let ours = flows.at(table, priority);
    let ours = ours.filter(|flow| Cookie::is_ours(flow.cookie));
    ours.filter_map(|flow| br_int::forwarded(flow)).collect()
}

/// The zone of each network, with the network's cookie, and so of routers.
fn networks(flows: &FlowSet) -> BTreeMap<u16, u64> {
    let places = [br_int::ZONES, br_int::ROUTER_ZONES].into_iter();
    let flows = places.flat_map(|(table, priority)| flows.at(table, priority));
    let ours = flows.filter(|flow| Cookie::is_ours(flow.cookie));
    ours.filter_map(|flow| Some((br_int::zone(flow)?, flow.cookie)))
        .collect()
}

/// The ports that have each address of a zone, by their cookies.
fn holders(flows: &FlowSet) -> BTreeMap<(u16, IpNet), BTreeSet<u64>> {
    let (table, priority) = br_int::PORT_ZONES;
    let zones = flows.at(table, priority);
    let zones: BTreeMap<u32, u16> = zones.filter_map(|flow| br_int::port_zone(flow)).collect();
    let mut holders: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
    let (table, priority) = br_int::HELD;
    for flow in flows
        .at(table, priority)
        .filter(|flow| Cookie::is_ours(flow.cookie))
    {
        if let Some(place) = br_int::held(flow) {
            holders.entry(place).or_default().insert(flow.cookie);
        }
    }
    let (table, priority) = br_int::SOURCES;
    for flow in flows
        .at(table, priority)
        .filter(|flow| Cookie::is_ours(flow.cookie))
    {
        if let Some((port, block)) = br_int::source(flow)
            && let Some(zone) = zones.get(&port)
        {
            holders
                .entry((*zone, block))
                .or_default()
                .insert(flow.cookie);
        }
    }
    for (table, priority) in br_int::FLOATING_IPS {
        let ours = flows.at(table, priority);
        for flow in ours.filter(|flow| Cookie::is_ours(flow.cookie)) {
            if let Some((zone, block, to)) = br_int::translated(flow) {
                // Whoever it is translated to is another holder.
                let holder = flow.cookie ^ u64::from(u32::from(to));
                holders.entry((zone, block)).or_default().insert(holder);
            }
        }
    }
    holders
}

#[cfg(test)]
mod tests;
