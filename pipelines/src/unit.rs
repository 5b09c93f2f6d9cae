//! Units: the pieces that flows are compiled in.
//!
//! A unit is what one change usually touches: a port, a network, one member of a group. Its flows
//! are a function of what it names, so a change costs the units that name what changed, however
//! large the network is.
//!
//! Which units name a thing is declared once, in `Changes::name`; nothing goes through all units
//! to ask each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ipnet::IpNet;

use crate::{
    network::{
        AddressGroup, AddressGroupId, FloatingIpId, HostName, Log, LogId, MacAddr, NetworkId, Port,
        PortId, RemoteSet, RouterId, RouterPort, SecurityGroupId,
    },
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
    /// A router that forwards here.
    Router(RouterId),
    /// A floating IP that is translated here.
    FloatingIp(FloatingIpId),
    /// The addresses of one port as a member of a group that rules in such a network name.
    Member {
        /// The group that is named.
        remote: SecurityGroupId,
        /// The network of the ports whose rules name it.
        network: NetworkId,
        /// The member, of whatever network.
        port: PortId,
    },
    /// One block of an address group that rules in such a network name.
    Address {
        /// The group that is named.
        group: AddressGroupId,
        /// The network of the ports whose rules name it.
        network: NetworkId,
        /// The block.
        block: IpNet,
    },
}

/// Every unit of a site, in order.
pub fn units(site: &Site) -> BTreeSet<Unit> {
    let hosts = site.model().hosts();
    let mut changes = Changes::default();
    changes.name(site, &Name::Bridge);
    for host in hosts.filter(|host| host.name != *site.host()) {
        changes.units.insert(Unit::Host(host.name.clone()));
    }
    for network in site.local_vlans.keys() {
        changes.name(site, &Name::Network(*network));
    }
    for router in site.routers.keys() {
        changes.name(site, &Name::Router(*router));
    }
    changes.units
}

/// The units whose flows may differ between two states of a site, those that come or go included.
pub fn affected(old: &Site, new: &Site) -> BTreeSet<Unit> {
    let mut changes = Changes::default();
    for name in changed(old, new) {
        changes.name(old, &name);
        changes.name(new, &name);
    }
    changes.units
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
    /// Whether a firewalled port of a network here has a security group.
    GroupHere(NetworkId, SecurityGroupId),
    /// A port, and how it is plugged in.
    Port(PortId),
    /// A router, its number, and its gateway host.
    Router(RouterId),
    /// A floating IP, and the host that translates it.
    FloatingIp(FloatingIpId),
    /// A security group's rules and the numbers of its conjunctions.
    Rules(SecurityGroupId),
    /// A block of an address group.
    Address(AddressGroupId, IpNet),
    /// Which verdicts about which ports are logged.
    Log(LogId),
}

/// The sets that a group's rules name.
fn remotes(site: &Site, group: SecurityGroupId) -> BTreeSet<RemoteSet> {
    let rules = site.model().security_group(group).into_iter();
    let rules = rules.flat_map(|group| &group.rules);
    rules.filter_map(|rule| rule.remote().set()).collect()
}

/// The groups of the firewalled ports of a network here.
fn groups_here(site: &Site, network: NetworkId) -> BTreeSet<SecurityGroupId> {
    let here = site.network(network).into_iter();
    let groups = here.flat_map(|network| network.security_groups());
    groups.map(|group| group.id).collect()
}

/// The networks here that have ports of a group, here or elsewhere.
fn networks_with(site: &Site, group: SecurityGroupId) -> impl Iterator<Item = NetworkId> {
    let networks = site.model().networks_with(group);
    networks.filter(|network| site.local_vlans.contains_key(network))
}

/// The networks here that have ports of a group whose rules name a set.
fn naming_networks(site: &Site, remote: RemoteSet) -> impl Iterator<Item = NetworkId> {
    let naming = site.model().groups_naming(remote);
    naming.flat_map(|group| networks_with(site, group))
}

/// The ports here that a log is about.
fn logged_ports<'a>(site: &'a Site, log: &Log) -> Vec<&'a Port> {
    let model = site.model();
    let about = |port: &&Port| log.is_about(port) && site.has(port.id);
    match (log.port, log.security_group) {
        (Some(port), _) => model.port(port).into_iter().filter(about).collect(),
        (None, Some(group)) => model.members(group).filter(about).collect(),
        (None, None) => {
            let here = site.local_vlans.keys();
            let ports = here.flat_map(|network| model.ports_of(*network));
            ports.filter(about).collect()
        }
    }
}

/// The blocks of an address group, if there is one.
fn addresses(group: Option<&AddressGroup>) -> BTreeSet<IpNet> {
    let groups = group.into_iter();
    groups
        .flat_map(|group| group.addresses.iter().copied())
        .collect()
}

/// Units that have to be compiled anew.
#[derive(Default)]
struct Changes {
    units: BTreeSet<Unit>,
}

impl Changes {
    /// Adds every unit that names a thing.
    fn name(&mut self, site: &Site, name: &Name) {
        match name {
            Name::Bridge => {
                self.units.insert(Unit::Bridge);
                for network in site.local_vlans.keys() {
                    self.network(site, *network);
                    self.ports_of(site, *network);
                }
                for router in site.routers.keys() {
                    self.router(site, *router);
                }
            }
            Name::Host(host) => {
                self.units.insert(Unit::Host(host.clone()));
                for port in site.model().ports_on(host) {
                    self.port(site, port);
                    self.network(site, port.network);
                }
                let gateways = site.view().gateway_hosts().into_iter();
                for (router, _) in gateways.filter(|(_, gateway)| *gateway == host) {
                    self.name(site, &Name::Router(router));
                }
            }
            Name::Network(id) => {
                self.network(site, *id);
                self.ports_of(site, *id);
                let named = groups_here(site, *id)
                    .into_iter()
                    .flat_map(|group| remotes(site, group));
                for remote in named.collect::<BTreeSet<_>>() {
                    self.members(site, remote, *id);
                }
                for router in site.model().routers_of(*id) {
                    self.units.insert(Unit::Router(router.id));
                    let floating_ips = site.model().floating_ips_of(router.id);
                    let units = floating_ips.map(|ip| Unit::FloatingIp(ip.id));
                    self.units.extend(units);
                }
            }
            Name::Population(id) => self.network(site, *id),
            Name::OpenPort(id) => {
                self.network(site, *id);
                self.stations(site, *id);
            }
            Name::GroupHere(network, group) => {
                for remote in remotes(site, *group) {
                    self.members(site, remote, *network);
                }
            }
            Name::Port(id) => {
                if let Some(port) = site.model().port(*id) {
                    self.port(site, port);
                    self.memberships(site, port);
                }
            }
            Name::Router(id) => self.router(site, *id),
            Name::FloatingIp(id) => self.floating_ip(site, *id),
            Name::Rules(group) => {
                let members = site.model().members(*group);
                for port in members.filter(|port| site.has(port.id)) {
                    self.units.insert(Unit::Port(port.id));
                }
                for network in networks_with(site, *group) {
                    self.name(site, &Name::GroupHere(network, *group));
                }
            }
            Name::Log(id) => {
                let log = site.model().log(*id);
                let ports = log.into_iter().flat_map(|log| logged_ports(site, log));
                self.units.extend(ports.map(|port| Unit::Port(port.id)));
            }
            Name::Address(group, block) => {
                let networks = naming_networks(site, RemoteSet::AddressGroup(*group));
                self.units.extend(networks.map(|network| Unit::Address {
                    group: *group,
                    network,
                    block: *block,
                }));
            }
        }
    }

    /// The router itself, its ports, and who seems to be outside by it.
    fn router(&mut self, site: &Site, id: RouterId) {
        self.units.insert(Unit::Router(id));
        let router = site.model().router(id).into_iter();
        for port in router.flat_map(|router| site.model().ports_of_router(router)) {
            self.port(site, port);
            self.network(site, port.network);
        }
        for floating_ip in site.model().floating_ips_of(id) {
            self.floating_ip(site, floating_ip.id);
        }
    }

    /// The floating IP itself, and its port outside.
    fn floating_ip(&mut self, site: &Site, id: FloatingIpId) {
        self.units.insert(Unit::FloatingIp(id));
        let floating_ip = site.model().floating_ip(id);
        if let Some(port) = floating_ip.and_then(|ip| site.model().port(ip.port)) {
            self.port(site, port);
            self.network(site, port.network);
        }
    }

    fn network(&mut self, site: &Site, id: NetworkId) {
        if site.local_vlans.contains_key(&id) {
            self.units.insert(Unit::Network(id));
        }
    }

    fn ports_of(&mut self, site: &Site, network: NetworkId) {
        let ports = site.model().ports_of(network);
        ports.for_each(|port| self.port(site, port));
    }

    /// The port itself, and where frames to it go.
    fn port(&mut self, site: &Site, port: &Port) {
        if site.local_vlans.contains_key(&port.network) {
            self.units.insert(Unit::Port(port.id));
            let stations = port.macs().into_iter();
            self.units
                .extend(stations.map(|mac| Unit::Station(port.network, mac)));
        }
    }

    fn stations(&mut self, site: &Site, network: NetworkId) {
        for port in site.model().ports_of(network) {
            let stations = port.macs().into_iter();
            self.units
                .extend(stations.map(|mac| Unit::Station(network, mac)));
        }
    }

    /// Every member of a set that rules in a network name.
    fn members(&mut self, site: &Site, remote: RemoteSet, network: NetworkId) {
        match remote {
            RemoteSet::Group(remote) => {
                let members = site.model().members(remote);
                self.units.extend(members.map(|port| Unit::Member {
                    remote,
                    network,
                    port: port.id,
                }));
            }
            RemoteSet::AddressGroup(group) => {
                let addresses = addresses(site.model().address_group(group));
                self.units
                    .extend(addresses.into_iter().map(|block| Unit::Address {
                        group,
                        network,
                        block,
                    }));
            }
        }
    }

    /// A port as member of each of its groups, wherever rules name that.
    fn memberships(&mut self, site: &Site, port: &Port) {
        for remote in port.security_groups.iter().copied() {
            let networks = naming_networks(site, RemoteSet::Group(remote));
            self.units.extend(networks.map(|network| Unit::Member {
                remote,
                network,
                port: port.id,
            }));
        }
    }
}

/// The names that stand for something else than before.
fn changed(old: &Site, new: &Site) -> BTreeSet<Name> {
    let mut changed = BTreeSet::new();
    if (old.patch_tun, old.patch_int, &old.providers)
        != (new.patch_tun, new.patch_int, &new.providers)
    {
        changed.insert(Name::Bridge);
    }
    if old.features != new.features {
        changed.extend(new.routers.keys().copied().map(Name::Router));
    }
    changed.extend(changed_hosts(old, new).into_iter().map(Name::Host));
    let vlans = differences(&old.local_vlans, &new.local_vlans);
    changed.extend(vlans.into_iter().map(Name::Network));
    if old.igmp_snooping != new.igmp_snooping {
        changed.extend(new.local_vlans.keys().copied().map(Name::Network));
    }
    if !Arc::ptr_eq(old.shared_model(), new.shared_model()) {
        let [before, after] = [old, new].map(Site::model);
        let networks = keyed(before.networks(), after.networks(), |network| network.id);
        changed.extend(networks.into_iter().map(Name::Network));
        let groups = keyed(before.security_groups(), after.security_groups(), |group| {
            group.id
        });
        changed.extend(groups.into_iter().map(Name::Rules));
        let groups = keyed(before.address_groups(), after.address_groups(), |group| {
            group.id
        });
        for id in groups {
            let [before, after] = [before, after].map(|model| addresses(model.address_group(id)));
            let blocks = (&before ^ &after).into_iter();
            changed.extend(blocks.map(|block| Name::Address(id, block)));
        }
        let logs = keyed(before.logs(), after.logs(), |log| log.id);
        changed.extend(logs.into_iter().map(Name::Log));
        let numbers = old.changed_conjunctions(new).into_iter();
        changed.extend(numbers.map(|conjunction| Name::Rules(conjunction.group)));
    }
    let (routers, floating_ips) = changed_routers(old, new);
    let flips = joined_networks(old, new, &routers).into_iter();
    let flips = flips.filter(|id| old.is_routed(*id) != new.is_routed(*id));
    changed.extend(flips.map(Name::Network));
    changed.extend(routers.into_iter().map(Name::Router));
    changed.extend(floating_ips.into_iter().map(Name::FloatingIp));
    let mut networks = BTreeSet::new();
    for id in changed_ports(old, new) {
        for port in [old, new]
            .into_iter()
            .filter_map(|site| site.model().port(id))
        {
            networks.insert(port.network);
        }
        for site in [old, new] {
            changed.extend(names_of_ports_routers(site, id));
        }
        changed.insert(Name::Port(id));
    }
    for id in networks {
        changed.insert(Name::Population(id));
        let open = |site: &Site| site.network(id).is_some_and(|here| here.has_open_port());
        if open(old) != open(new) {
            changed.insert(Name::OpenPort(id));
        }
        let came_or_went = &groups_here(old, id) ^ &groups_here(new, id);
        changed.extend(
            came_or_went
                .into_iter()
                .map(|group| Name::GroupHere(id, group)),
        );
    }
    changed
}

/// The networks that some routers have ports on, before or after.
fn joined_networks(old: &Site, new: &Site, routers: &BTreeSet<RouterId>) -> BTreeSet<NetworkId> {
    let models = [old, new].into_iter().map(Site::model);
    let ports = models.flat_map(|model| {
        let routers = routers.iter().filter_map(|id| model.router(*id));
        routers.flat_map(|router| model.ports_of_router(router))
    });
    ports.map(|port| port.network).collect()
}

/// What else names a port: the router that it is part of, and its floating IPs.
fn names_of_ports_routers(site: &Site, id: PortId) -> Vec<Name> {
    let model = site.model();
    let floating_ips = model.floating_ips_for(id);
    let part = match model.router_port(id) {
        Some(RouterPort::Interface(router) | RouterPort::Gateway(router)) => {
            Some(Name::Router(router))
        }
        Some(RouterPort::FloatingIp(floating_ip)) => Some(Name::FloatingIp(floating_ip)),
        None => None,
    };
    floating_ips
        .map(|floating_ip| Name::FloatingIp(floating_ip.id))
        .chain(part)
        .collect()
}

/// Routers and floating IPs that changed, their numbers, or the hosts that answer for them.
fn changed_routers(old: &Site, new: &Site) -> (BTreeSet<RouterId>, BTreeSet<FloatingIpId>) {
    let mut routers = differences(&old.routers, &new.routers);
    let mut floating_ips = BTreeSet::new();
    let [before, after] = [old, new].map(Site::model);
    let same_model = Arc::ptr_eq(old.shared_model(), new.shared_model());
    if !same_model {
        routers.extend(keyed(before.routers(), after.routers(), |router| router.id));
        let changed = keyed(before.floating_ips(), after.floating_ips(), |ip| ip.id);
        floating_ips.extend(changed);
        let networks = keyed(before.networks(), after.networks(), |network| network.id);
        for network in networks {
            let routed = before.routers_of(network).chain(after.routers_of(network));
            routers.extend(routed.map(|router| router.id));
        }
    }
    let same_hosts = same_model || before.hosts().eq(after.hosts());
    if before.limits() != after.limits() {
        routers.extend(new.routers.keys());
    }
    if !same_hosts || old.failover != new.failover {
        let [before, after] = [old, new].map(|site| site.view().gateway_hosts());
        routers.extend(differences(&before, &after));
        if !same_hosts || old.failover.cut_off != new.failover.cut_off {
            let ips = old.model().floating_ips().chain(new.model().floating_ips());
            let host = |site: &Site, id| {
                let floating_ip = site.model().floating_ip(id)?;
                site.view().floating_host(floating_ip).cloned()
            };
            let moved = ips
                .map(|ip| ip.id)
                .filter(|id| host(old, *id) != host(new, *id));
            floating_ips.extend(moved);
        }
    }
    (routers, floating_ips)
}

/// Other hosts that changed, or the tunnels to them.
fn changed_hosts(old: &Site, new: &Site) -> BTreeSet<HostName> {
    let [before, after] = [old, new].map(Site::model);
    let mut changed = match Arc::ptr_eq(old.shared_model(), new.shared_model()) {
        true => BTreeSet::new(),
        false => keyed(before.hosts(), after.hosts(), |host| host.name.clone()),
    };
    changed.extend(old.peers.symmetric_difference(&new.peers).cloned());
    if old.tunnels != new.tunnels {
        let hosts = before.hosts().chain(after.hosts()).map(|host| &host.name);
        let moved = hosts.filter(|name| old.tunnels_to(name) != new.tunnels_to(name));
        changed.extend(moved.cloned());
    }
    changed
}

/// Ports that changed, or how they are plugged in.
fn changed_ports(old: &Site, new: &Site) -> BTreeSet<PortId> {
    let mut changed = differences(&old.bindings, &new.bindings);
    changed.extend(&old.arrived ^ &new.arrived);
    changed.extend(&old.renumbered ^ &new.renumbered);
    if old.permitted_ethertypes != new.permitted_ethertypes {
        changed.extend(old.bindings.keys());
    }
    if !Arc::ptr_eq(old.shared_model(), new.shared_model()) {
        let [before, after] = [old, new].map(Site::model);
        changed.extend(keyed(before.ports(), after.ports(), |port| port.id));
        let trunks = keyed(before.trunks(), after.trunks(), |trunk| trunk.id);
        for trunk in [before, after]
            .into_iter()
            .flat_map(|model| trunks.iter().filter_map(|id| model.trunk(*id)))
        {
            changed.insert(trunk.port);
            changed.extend(trunk.sub_ports.iter().map(|sub_port| sub_port.port));
        }
    }
    // Sub-ports are plugged in and up with their parents.
    for parent in changed.clone() {
        let trunks = [old, new].map(|site| site.model().trunk_of(parent));
        let sub_ports = trunks
            .into_iter()
            .flatten()
            .flat_map(|trunk| &trunk.sub_ports);
        changed.extend(sub_ports.map(|sub_port| sub_port.port));
    }
    changed
}

/// The keys whose values differ, or that only one has.
pub(crate) fn differences<K: Ord + Copy, V: PartialEq>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
) -> BTreeSet<K> {
    let entry = |entry: &(&K, &V)| *entry.0;
    keyed(old.iter(), new.iter(), entry)
}

/// The keys of the values that only one of two lists has; each is in the order of the keys.
fn keyed<T: PartialEq, K: Ord>(
    old: impl Iterator<Item = T>,
    new: impl Iterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> BTreeSet<K> {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    let mut keys = BTreeSet::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some(before), Some(after)) if before == after => {
                old.next();
                new.next();
                continue;
            }
            (Some(before), Some(after)) => key(before).cmp(&key(after)),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return keys,
        };
        if order.is_le() {
            keys.extend(old.next().as_ref().map(&key));
        }
        if order.is_ge() {
            keys.extend(new.next().as_ref().map(&key));
        }
    }
}
