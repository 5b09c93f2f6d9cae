//! Everything that is desired, checked as a whole.

mod check;
mod routed;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AddressGroup, AddressGroupId, FloatingIp, FloatingIpId, Host, HostName, InvalidNetwork, Log,
    LogId, MacAddr, Network, NetworkId, Port, PortId, RemoteSet, Router, RouterId, RouterPort,
    SecurityGroup, SecurityGroupId, Trunk, TrunkId, Verdict, VlanId, mtu::Limits,
};
use check::check;

/// Objects as a source lists them, each valid by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// Networks with their subnets.
    pub networks: Vec<Network>,
    /// Address groups.
    pub address_groups: Vec<AddressGroup>,
    /// Security groups with their rules.
    pub security_groups: Vec<SecurityGroup>,
    /// Ports.
    pub ports: Vec<Port>,
    /// Trunks with their sub-ports.
    pub trunks: Vec<Trunk>,
    /// Routers.
    pub routers: Vec<Router>,
    /// Floating IPs.
    pub floating_ips: Vec<FloatingIp>,
    /// Logs.
    pub logs: Vec<Log>,
    /// Hosts.
    pub hosts: Vec<Host>,
}

/// The desired network: objects that agree with each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    networks: BTreeMap<NetworkId, Network>,
    address_groups: BTreeMap<AddressGroupId, AddressGroup>,
    security_groups: BTreeMap<SecurityGroupId, SecurityGroup>,
    ports: BTreeMap<PortId, Port>,
    trunks: BTreeMap<TrunkId, Trunk>,
    routers: BTreeMap<RouterId, Router>,
    floating_ips: BTreeMap<FloatingIpId, FloatingIp>,
    logs: BTreeMap<LogId, Log>,
    hosts: BTreeMap<HostName, Host>,
    by_network: BTreeMap<NetworkId, BTreeSet<PortId>>,
    open_by_network: BTreeMap<NetworkId, BTreeSet<PortId>>,
    by_group: BTreeMap<SecurityGroupId, BTreeSet<PortId>>,
    by_mac: BTreeMap<(NetworkId, MacAddr), BTreeSet<PortId>>,
    by_host: BTreeMap<HostName, BTreeSet<PortId>>,
    networks_by_group: BTreeMap<SecurityGroupId, BTreeSet<NetworkId>>,
    naming: BTreeMap<RemoteSet, BTreeSet<SecurityGroupId>>,
    by_parent: BTreeMap<PortId, TrunkId>,
    parents: BTreeMap<PortId, (PortId, VlanId)>,
    router_ports: BTreeMap<PortId, RouterPort>,
    routers_by_network: BTreeMap<NetworkId, BTreeSet<RouterId>>,
    floating_by_router: BTreeMap<RouterId, BTreeSet<FloatingIpId>>,
    floating_by_port: BTreeMap<PortId, BTreeSet<FloatingIpId>>,
    limits: Limits,
}

impl Model {
    /// Takes all objects or none.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, in the order of the lists; never empty.
    pub fn new(objects: Objects) -> Result<Self, Vec<InvalidNetwork>> {
        match Self::valid_part(objects) {
            (model, problems) if problems.is_empty() => Ok(model),
            (_, problems) => Err(problems),
        }
    }

    /// Takes what is right, so that what is wrong does not stop the rest.
    ///
    /// An attribute that is wrong costs that attribute; an object goes only if it cannot be without
    /// it. Of two objects that cannot both be right, the earlier stays.
    pub fn valid_part(objects: Objects) -> (Self, Vec<InvalidNetwork>) {
        check(objects, &Self::default())
    }

    /// Takes what is right of a new version of the network that is in effect.
    ///
    /// An object that was in effect stays as it was where its new version is refused as a whole.
    pub fn successor(&self, objects: Objects) -> (Self, Vec<InvalidNetwork>) {
        check(objects, self)
    }

    /// Every network, by identifier.
    pub fn networks(&self) -> impl Iterator<Item = &Network> {
        self.networks.values()
    }

    /// The largest packet that a network carries, in bytes: what it asks for, where hosts can.
    pub fn mtu(&self, network: &Network) -> u16 {
        let most = self.limits.mtu(&network.segment);
        network.mtu.unwrap_or(most).min(most)
    }

    /// The largest packets that the hosts can carry.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// One network.
    pub fn network(&self, id: NetworkId) -> Option<&Network> {
        self.networks.get(&id)
    }

    /// Every address group, by identifier.
    pub fn address_groups(&self) -> impl Iterator<Item = &AddressGroup> {
        self.address_groups.values()
    }

    /// One address group.
    pub fn address_group(&self, id: AddressGroupId) -> Option<&AddressGroup> {
        self.address_groups.get(&id)
    }

    /// Every security group, by identifier.
    pub fn security_groups(&self) -> impl Iterator<Item = &SecurityGroup> {
        self.security_groups.values()
    }

    /// One security group.
    pub fn security_group(&self, id: SecurityGroupId) -> Option<&SecurityGroup> {
        self.security_groups.get(&id)
    }

    /// Every port, by identifier.
    pub fn ports(&self) -> impl Iterator<Item = &Port> {
        self.ports.values()
    }

    /// One port.
    pub fn port(&self, id: PortId) -> Option<&Port> {
        self.ports.get(&id)
    }

    /// Every trunk, by identifier.
    pub fn trunks(&self) -> impl Iterator<Item = &Trunk> {
        self.trunks.values()
    }

    /// One trunk.
    pub fn trunk(&self, id: TrunkId) -> Option<&Trunk> {
        self.trunks.get(&id)
    }

    /// The trunk that a port is the parent of.
    pub fn trunk_of(&self, parent: PortId) -> Option<&Trunk> {
        self.trunks.get(self.by_parent.get(&parent)?)
    }

    /// The parent of a sub-port, and its VLAN on the parent's interface.
    pub fn parent(&self, sub_port: PortId) -> Option<(&Port, VlanId)> {
        let (parent, vlan) = self.parents.get(&sub_port)?;
        Some((self.port(*parent)?, *vlan))
    }

    /// Every log, by identifier.
    pub fn logs(&self) -> impl Iterator<Item = &Log> {
        self.logs.values()
    }

    /// One log.
    pub fn log(&self, id: LogId) -> Option<&Log> {
        self.logs.get(&id)
    }

    /// The logs that tell a verdict about a port.
    pub fn logs_of(&self, port: &Port, verdict: Verdict) -> impl Iterator<Item = &Log> {
        self.logs().filter(move |log| log.tells(verdict, port))
    }

    /// The ports of a network, on every host.
    pub fn ports_of(&self, network: NetworkId) -> impl Iterator<Item = &Port> {
        self.listed(self.by_network.get(&network))
    }

    /// The ports of a host, those that are being moved there included.
    pub fn ports_on(&self, host: &HostName) -> impl Iterator<Item = &Port> {
        self.listed(self.by_host.get(host))
    }

    /// The ports of a network that have no port security, on every host.
    pub fn open_ports_of(&self, network: NetworkId) -> impl Iterator<Item = &Port> {
        self.listed(self.open_by_network.get(&network))
    }

    /// The ports of a security group, on every host.
    pub fn members(&self, group: SecurityGroupId) -> impl Iterator<Item = &Port> {
        self.listed(self.by_group.get(&group))
    }

    /// The networks that have a port of a security group.
    pub(crate) fn networks_with(&self, group: SecurityGroupId) -> impl Iterator<Item = NetworkId> {
        let networks = self.networks_by_group.get(&group);
        networks.into_iter().flatten().copied()
    }

    /// The security groups whose rules name a set.
    pub(crate) fn groups_naming(&self, remote: RemoteSet) -> impl Iterator<Item = SecurityGroupId> {
        self.naming.get(&remote).into_iter().flatten().copied()
    }

    /// The ports of a network that answer to a MAC: one, unless address pairs share it.
    pub fn ports_at(&self, network: NetworkId, mac: MacAddr) -> impl Iterator<Item = &Port> {
        self.listed(self.by_mac.get(&(network, mac)))
    }

    fn listed<'a>(&'a self, ids: Option<&'a BTreeSet<PortId>>) -> impl Iterator<Item = &'a Port> {
        ids.into_iter().flatten().filter_map(|id| self.port(*id))
    }

    fn insert_port(&mut self, port: Port) {
        self.by_network
            .entry(port.network)
            .or_default()
            .insert(port.id);
        if !port.port_security_enabled {
            let open = self.open_by_network.entry(port.network).or_default();
            open.insert(port.id);
        }
        for group in &port.security_groups {
            self.by_group.entry(*group).or_default().insert(port.id);
            let networks = self.networks_by_group.entry(*group).or_default();
            networks.insert(port.network);
        }
        self.place_port(&port);
        for mac in port.macs() {
            self.by_mac
                .entry((port.network, mac))
                .or_default()
                .insert(port.id);
        }
        self.ports.insert(port.id, port);
    }

    /// Notes what a port is part of that is plugged in nowhere, so no machine can be behind it.
    fn take_router_port(&mut self, id: PortId, part: RouterPort) {
        self.router_ports.insert(id, part);
        if let Some(port) = self.ports.get(&id)
            && let Some(open) = self.open_by_network.get_mut(&port.network)
        {
            open.remove(&id);
        }
    }

    fn insert_security_group(&mut self, group: SecurityGroup) {
        for remote in group.rules.iter().filter_map(|rule| rule.remote().set()) {
            self.naming.entry(remote).or_default().insert(group.id);
        }
        self.security_groups.insert(group.id, group);
    }

    fn place_port(&mut self, port: &Port) {
        for host in port.hosts() {
            self.by_host
                .entry(host.clone())
                .or_default()
                .insert(port.id);
        }
    }

    /// Every host, by name.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    /// One host.
    pub fn host(&self, name: &HostName) -> Option<&Host> {
        self.hosts.get(name)
    }
}

#[cfg(test)]
mod tests;
