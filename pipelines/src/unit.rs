//! Units: the pieces that flows are compiled in.
//!
//! A unit is what one change usually touches: a port, a network, the members of a group. Its flows
//! are a function of what it names, so a change costs the units that name what changed, however
//! large the network is.

use std::collections::BTreeSet;

use crate::{
    network::{HostName, MacAddr, NetworkId, Port, PortId, SecurityGroupId},
    site::Site,
};

/// A piece that is compiled on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// What is there whatever the model says.
    Bridge,
    /// Another host.
    Host(HostName),
    /// A network that has a local VLAN here.
    Network(NetworkId),
    /// A MAC in such a network: where frames to it go.
    Station(NetworkId, MacAddr),
    /// A port of such a network, plugged in here or elsewhere.
    Port(PortId),
    /// The addresses of a group that rules in such a network name.
    Members {
        /// The group that is named.
        remote: SecurityGroupId,
        /// The network of the ports whose rules name it.
        network: NetworkId,
    },
}

/// Every unit of a site, in order.
pub fn units(site: &Site) -> BTreeSet<Unit> {
    let hosts = site
        .model()
        .hosts()
        .filter(|host| host.name != *site.host());
    let mut units: BTreeSet<_> = hosts.map(|host| Unit::Host(host.name.clone())).collect();
    units.insert(Unit::Bridge);
    for network in site.networks() {
        let id = network.network.id;
        units.insert(Unit::Network(id));
        units.extend(network.members().map(|port| Unit::Port(port.id)));
        units.extend(network.macs().into_iter().map(|mac| Unit::Station(id, mac)));
        let remotes = site.remote_groups(network).into_iter();
        units.extend(remotes.map(|remote| Unit::Members {
            remote,
            network: id,
        }));
    }
    units
}

/// Something that units name. What it stands for changes as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    /// The patch ports.
    Bridge,
    /// Another host, and the tunnels to it.
    Host(HostName),
    /// A network and its local VLAN.
    Network(NetworkId),
    /// Which ports a network has, and where.
    Population(NetworkId),
    /// Whether a network has a port here that is not firewalled.
    OpenPort(NetworkId),
    /// Which security groups the ports of a network have here.
    GroupsHere(NetworkId),
    /// A port, and how it is plugged in.
    Port(PortId),
    /// A security group's rules and the numbers of its conjunctions.
    Rules(SecurityGroupId),
    /// The addresses of a security group's members.
    Membership(SecurityGroupId),
}

impl Unit {
    /// Everything that the unit's flows are a function of.
    fn names(&self, site: &Site) -> BTreeSet<Name> {
        match self {
            Self::Bridge => [Name::Bridge].into(),
            Self::Host(host) => [Name::Host(host.clone())].into(),
            Self::Network(id) => {
                let ports = site.model().ports_of(*id);
                let hosts = ports.flat_map(Port::hosts).cloned();
                let own = [Name::Bridge, Name::Network(*id), Name::Population(*id)];
                hosts.map(Name::Host).chain(own).collect()
            }
            Self::Station(id, mac) => {
                let ports = site.model().ports_at(*id, *mac);
                let ports = ports.flat_map(|port| {
                    let hosts = port.hosts().cloned().map(Name::Host);
                    hosts.chain([Name::Port(port.id)])
                });
                let own = [Name::Bridge, Name::Network(*id), Name::OpenPort(*id)];
                ports.chain(own).collect()
            }
            Self::Port(id) => {
                let port = site.model().port(*id).into_iter();
                let named = port.flat_map(|port| {
                    let groups = port.security_groups.iter().copied().map(Name::Rules);
                    let hosts = port.hosts().cloned().map(Name::Host);
                    groups.chain(hosts).chain([Name::Network(port.network)])
                });
                named.chain([Name::Port(*id)]).collect()
            }
            Self::Members { remote, network } => {
                let here = site.network(*network).into_iter();
                let groups = here.flat_map(|here| here.security_groups());
                let own = [
                    Name::Network(*network),
                    Name::GroupsHere(*network),
                    Name::Membership(*remote),
                ];
                groups
                    .map(|group| Name::Rules(group.id))
                    .chain(own)
                    .collect()
            }
        }
    }
}

/// The units whose flows may differ between two states of a site, those that come or go included.
pub fn affected(old: &Site, new: &Site) -> BTreeSet<Unit> {
    let changed = changed(old, new);
    let before = units(old);
    let after = units(new);
    let touched = |site: &Site, unit: &Unit| !unit.names(site).is_disjoint(&changed);
    let gone = before
        .iter()
        .filter(|unit| !after.contains(*unit) || touched(old, unit));
    let come = after
        .iter()
        .filter(|unit| !before.contains(*unit) || touched(new, unit));
    gone.chain(come).cloned().collect()
}

/// The names that stand for something else than before.
fn changed(old: &Site, new: &Site) -> BTreeSet<Name> {
    let mut changed = BTreeSet::new();
    if (old.patch_tun, old.patch_int, &old.providers)
        != (new.patch_tun, new.patch_int, &new.providers)
    {
        changed.insert(Name::Bridge);
    }
    for site in [old, new] {
        let (old_model, new_model) = (old.model(), new.model());
        let hosts = site.model().hosts().map(|host| &host.name);
        let differs = |name: &&HostName| {
            old_model.host(name) != new_model.host(name)
                || old.tunnels_to(name) != new.tunnels_to(name)
        };
        changed.extend(hosts.filter(differs).cloned().map(Name::Host));
        for network in site.model().networks() {
            changed.extend(network_changes(network.id, old, new));
        }
        for port in site.model().ports() {
            changed.extend(port_changes(port.id, old, new));
        }
        for group in site.model().security_groups() {
            let rules = |site: &Site| site.model().security_group(group.id).cloned();
            let numbers = |site: &Site| site.conjunctions_of(group.id);
            if rules(old) != rules(new) || numbers(old) != numbers(new) {
                changed.insert(Name::Rules(group.id));
            }
        }
    }
    changed
}

fn network_changes(id: NetworkId, old: &Site, new: &Site) -> Vec<Name> {
    let itself = |site: &Site| {
        (
            site.model().network(id).cloned(),
            site.local_vlans.get(&id).copied(),
        )
    };
    let open = |site: &Site| {
        site.network(id)
            .is_some_and(|network| network.has_open_port())
    };
    let groups = |site: &Site| -> Vec<SecurityGroupId> {
        let network = site.network(id).into_iter();
        network
            .flat_map(|network| network.security_groups())
            .map(|group| group.id)
            .collect()
    };
    let mut changes = Vec::new();
    if itself(old) != itself(new) {
        changes.push(Name::Network(id));
    }
    if open(old) != open(new) {
        changes.push(Name::OpenPort(id));
    }
    if groups(old) != groups(new) {
        changes.push(Name::GroupsHere(id));
    }
    changes
}

fn port_changes(id: PortId, old: &Site, new: &Site) -> Vec<Name> {
    let before = old.model().port(id);
    let after = new.model().port(id);
    if (before, old.attachment(id)) == (after, new.attachment(id)) {
        return Vec::new();
    }
    let mut changes = vec![Name::Port(id)];
    for port in [before, after].into_iter().flatten() {
        changes.push(Name::Population(port.network));
        changes.extend(port.security_groups.iter().copied().map(Name::Membership));
    }
    changes
}
