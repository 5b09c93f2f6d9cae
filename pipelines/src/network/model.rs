//! Everything that is desired, checked as a whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    net::IpAddr,
};

use ipnet::IpNet;

use super::{
    Host, HostName, InvalidField, InvalidNetwork, MacAddr, Network, NetworkId, ObjectRef, Port,
    PortId, Problem, Remote, RuleId, SecurityGroup, SecurityGroupId, Segment, Subnet, SubnetId,
};

/// Objects as a source lists them, each valid by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// Networks with their subnets.
    pub networks: Vec<Network>,
    /// Security groups with their rules.
    pub security_groups: Vec<SecurityGroup>,
    /// Ports.
    pub ports: Vec<Port>,
    /// Hosts.
    pub hosts: Vec<Host>,
}

/// The desired network: objects that agree with each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    networks: BTreeMap<NetworkId, Network>,
    security_groups: BTreeMap<SecurityGroupId, SecurityGroup>,
    ports: BTreeMap<PortId, Port>,
    hosts: BTreeMap<HostName, Host>,
    by_network: BTreeMap<NetworkId, BTreeSet<PortId>>,
    open_by_network: BTreeMap<NetworkId, BTreeSet<PortId>>,
    by_group: BTreeMap<SecurityGroupId, BTreeSet<PortId>>,
    by_mac: BTreeMap<(NetworkId, MacAddr), BTreeSet<PortId>>,
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

    /// Takes the objects that are right, so that a wrong one does not stop the others.
    ///
    /// Of two objects that cannot both be right, the earlier stays. A rule that is wrong leaves its
    /// group without that rule, and a port that names an unknown group leaves the network.
    pub fn valid_part(objects: Objects) -> (Self, Vec<InvalidNetwork>) {
        let mut check = Check {
            listed_hosts: objects.hosts.iter().map(|host| host.name.clone()).collect(),
            listed_networks: objects.networks.iter().map(|network| network.id).collect(),
            ..Check::default()
        };
        check.hosts(objects.hosts);
        check.networks(objects.networks);
        check.security_groups(objects.security_groups);
        check.ports(objects.ports);
        check.problems.sort_by_key(|problem| problem.object);
        (check.model, check.problems)
    }

    /// Every network, by identifier.
    pub fn networks(&self) -> impl Iterator<Item = &Network> {
        self.networks.values()
    }

    /// The largest packet that a network carries, in bytes: what it asks for, where hosts can.
    pub fn mtu(&self, network: &Network) -> u16 {
        let most = network.segment.mtu(self.hosts());
        network.mtu.unwrap_or(most).min(most)
    }

    /// One network.
    pub fn network(&self, id: NetworkId) -> Option<&Network> {
        self.networks.get(&id)
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

    /// The ports of a network, on every host.
    pub fn ports_of(&self, network: NetworkId) -> impl Iterator<Item = &Port> {
        self.listed(self.by_network.get(&network))
    }

    /// The ports of a network that have no port security, on every host.
    pub fn open_ports_of(&self, network: NetworkId) -> impl Iterator<Item = &Port> {
        self.listed(self.open_by_network.get(&network))
    }

    /// The ports of a security group, on every host.
    pub fn members(&self, group: SecurityGroupId) -> impl Iterator<Item = &Port> {
        self.listed(self.by_group.get(&group))
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
        }
        for mac in port.macs() {
            self.by_mac
                .entry((port.network, mac))
                .or_default()
                .insert(port.id);
        }
        self.ports.insert(port.id, port);
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

/// The model under construction, and what was refused.
#[derive(Default)]
struct Check {
    model: Model,
    problems: Vec<InvalidNetwork>,
    listed_hosts: BTreeSet<HostName>,
    listed_networks: BTreeSet<NetworkId>,
    segments: Owners<Segment>,
    subnets: Owners<SubnetId>,
    rules: Owners<RuleId>,
    macs: Owners<(NetworkId, MacAddr)>,
    ips: Owners<(NetworkId, IpAddr)>,
    encap_ips: Owners<IpAddr>,
}

impl Check {
    /// Reports the problems of one object; whether there were none.
    fn accept(&mut self, object: ObjectRef, name: &str, problems: Vec<InvalidField>) -> bool {
        let valid = problems.is_empty();
        let name = name.to_owned();
        let invalid = |field| InvalidNetwork {
            object,
            name: name.clone(),
            field,
        };
        self.problems.extend(problems.into_iter().map(invalid));
        valid
    }

    fn hosts(&mut self, hosts: Vec<Host>) {
        for (place, host) in hosts.into_iter().enumerate() {
            let label = host.name.to_string();
            let mut problems = Vec::new();
            if host.name.as_str().is_empty() {
                problems.push(
                    Problem::Unknown {
                        kind: "host",
                        name: "\"\"".to_owned(),
                    }
                    .of("name"),
                );
            }
            if self.model.hosts.contains_key(&host.name) {
                problems.push(duplicate(&host.name, "another host").of("name"));
            }
            let mut bridges = Owners::default();
            for (physical_network, bridge) in &host.bridge_mappings {
                let owner = physical_network.as_str();
                problems.extend(bridges.claim(bridge.clone(), bridge, owner, "bridge_mappings"));
            }
            if let Some(ip) = host.encap_ip {
                problems.extend(self.encap_ips.claim(ip, ip, &label, "encap_ip"));
            }
            if self.accept(ObjectRef::Host(place), &label, problems) {
                self.model.hosts.insert(host.name.clone(), host);
            }
        }
    }

    fn networks(&mut self, networks: Vec<Network>) {
        for (place, mut network) in networks.into_iter().enumerate() {
            let label = label(&network.name, &network.id);
            let mut problems = Vec::new();
            if self.model.networks.contains_key(&network.id) {
                problems.push(duplicate(network.id, "another network").of("id"));
            }
            if network.segment != Segment::Local {
                // A flat network has no identifier to blame.
                let field = match network.segment {
                    Segment::Flat { .. } => "physical_network",
                    _ => "segmentation_id",
                };
                let segment = network.segment.clone();
                problems.extend(
                    self.segments
                        .claim(segment, &network.segment, &label, field),
                );
            }
            self.network_mtu(place, &mut network, &label);
            self.network_subnets(place, &mut network);
            if self.accept(ObjectRef::Network(place), &label, problems) {
                self.model.networks.insert(network.id, network);
            }
        }
    }

    /// Leaves the network without an MTU that it cannot have.
    fn network_mtu(&mut self, place: usize, network: &mut Network, label: &str) {
        let most = network.segment.mtu(self.model.hosts());
        let wrong = network
            .mtu
            .take_if(|mtu| !(SMALLEST_MTU..=most).contains(mtu));
        let problem = wrong.map(|mtu| {
            let [value, least, most] = [mtu, SMALLEST_MTU, most].map(u32::from);
            Problem::OutOfRange { value, least, most }.of("mtu")
        });
        self.accept(
            ObjectRef::Network(place),
            label,
            problem.into_iter().collect(),
        );
    }

    /// Leaves the network with those of its subnets that are right.
    fn network_subnets(&mut self, network_place: usize, network: &mut Network) {
        let mut blocks: Vec<IpNet> = Vec::new();
        for (place, subnet) in std::mem::take(&mut network.subnets).into_iter().enumerate() {
            let label = label(&subnet.name, &subnet.id);
            let mut problems = self.subnets.claim(subnet.id, subnet.id, &label, "id");
            let cidr = subnet.cidr();
            let other = blocks.iter().find(|block| overlap(block, &cidr));
            problems.extend(other.map(|other| {
                Problem::Overlaps {
                    cidr,
                    other: *other,
                }
                .of("cidr")
            }));
            let object = ObjectRef::Subnet {
                network: network_place,
                subnet: place,
            };
            if self.accept(object, &label, problems.into_iter().collect()) {
                blocks.push(cidr);
                network.subnets.push(subnet);
            }
        }
    }

    fn security_groups(&mut self, groups: Vec<SecurityGroup>) {
        let known: Vec<_> = groups.iter().map(|group| group.id).collect();
        for (place, mut group) in groups.into_iter().enumerate() {
            for (rule_place, rule) in std::mem::take(&mut group.rules).into_iter().enumerate() {
                let label = format!("{rule_place} of {}", group.name);
                let mut problems = self.rules.claim(rule.id(), rule.id(), &label, "id");
                if let Remote::Group(remote) = rule.remote()
                    && !known.contains(&remote)
                {
                    problems.push(missing("security group", remote, false).of("remote_group"));
                }
                let object = ObjectRef::Rule {
                    security_group: place,
                    rule: rule_place,
                };
                if self.accept(object, &label, problems) {
                    group.rules.push(rule);
                }
            }
            let taken = self.model.security_groups.contains_key(&group.id);
            let problem = taken.then(|| duplicate(group.id, "another group").of("id"));
            let label = label(&group.name, &group.id);
            if self.accept(
                ObjectRef::SecurityGroup(place),
                &label,
                problem.into_iter().collect(),
            ) {
                self.model.security_groups.insert(group.id, group);
            }
        }
    }

    fn ports(&mut self, ports: Vec<Port>) {
        for (place, port) in ports.into_iter().enumerate() {
            let label = label(&port.name, &port.id);
            let mut problems = self.port_references(&port);
            if self.model.ports.contains_key(&port.id) {
                problems.push(duplicate(port.id, "another port").of("id"));
            }
            problems.extend(port_by_itself(&port));
            let mac = port.mac_address;
            problems.extend(
                self.macs
                    .claim((port.network, mac), mac, &label, "mac_address"),
            );
            for (index, ip) in port.fixed_ips.iter().enumerate() {
                let claimed = self.ips.claim((port.network, *ip), ip, &label, "fixed_ips");
                problems.extend(claimed.into_iter().map(|problem| problem.at(index)));
            }
            if self.accept(ObjectRef::Port(place), &label, problems) {
                self.model.insert_port(port);
            }
        }
    }

    /// Whether the objects that a port names exist, and hold its addresses.
    fn port_references(&self, port: &Port) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        match self.model.network(port.network) {
            Some(network) => problems.extend(outside(port, &network.subnets)),
            None => {
                let listed = self.listed_networks.contains(&port.network);
                problems.push(missing("network", port.network, listed).of("network"));
            }
        }
        for (index, group) in port.security_groups.iter().enumerate() {
            if self.model.security_group(*group).is_none() {
                let problem = missing("security group", group, false);
                problems.push(problem.of("security_groups").at(index));
            }
        }
        if let Some(host) = &port.host
            && self.model.host(host).is_none()
        {
            let listed = self.listed_hosts.contains(host);
            problems.push(missing("host", host, listed).of("host"));
        }
        problems
    }
}

/// What a host must forward in one piece (RFC 791).
const SMALLEST_MTU: u16 = 68;

/// Who has each value that must be unique.
struct Owners<T>(BTreeMap<T, String>);

impl<T> Default for Owners<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Owners<T> {
    /// Takes the value for an object, or says who was first.
    fn claim(
        &mut self,
        value: T,
        text: impl Display,
        owner: &str,
        field: &'static str,
    ) -> Vec<InvalidField> {
        match self.0.get(&value) {
            Some(first) => vec![duplicate(text, first).of(field)],
            None => {
                self.0.insert(value, owner.to_owned());
                Vec::new()
            }
        }
    }
}

/// The fixed addresses that no subnet holds.
fn outside<'a>(port: &'a Port, subnets: &'a [Subnet]) -> impl Iterator<Item = InvalidField> + 'a {
    let inside = |ip: &IpAddr| subnets.iter().any(|subnet| subnet.cidr().contains(ip));
    port.fixed_ips
        .iter()
        .enumerate()
        .filter(move |(_, ip)| !inside(ip))
        .map(|(index, ip)| {
            let blocks: Vec<_> = subnets
                .iter()
                .map(|subnet| subnet.cidr().to_string())
                .collect();
            let subnets = match blocks.is_empty() {
                true => "a network without subnets".to_owned(),
                false => format!("every subnet of its network ({})", blocks.join(", ")),
            };
            Problem::OutsideSubnets { ip: *ip, subnets }
                .of("fixed_ips")
                .at(index)
        })
}

/// What is wrong with a port whatever else exists.
fn port_by_itself(port: &Port) -> Vec<InvalidField> {
    let mut problems = Vec::new();
    if port.mac_address.is_multicast() || port.mac_address.0 == [0; 6] {
        problems.push(Problem::NotUnicast(port.mac_address).of("mac_address"));
    }
    for (index, pair) in port.allowed_address_pairs.iter().enumerate() {
        if let Some(mac) = pair.mac_address.filter(|mac| mac.is_multicast()) {
            problems.push(
                Problem::NotUnicast(mac)
                    .of("allowed_address_pairs")
                    .at(index),
            );
        }
    }
    if !port.port_security_enabled {
        let attributes = [
            ("security_groups", port.security_groups.is_empty()),
            (
                "allowed_address_pairs",
                port.allowed_address_pairs.is_empty(),
            ),
        ];
        let given = attributes.iter().filter(|(_, empty)| !empty);
        problems.extend(given.map(|(field, _)| Problem::NeedsPortSecurity.of(field)));
    }
    problems
}

fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
}

fn duplicate(value: impl Display, owner: &str) -> Problem {
    Problem::Duplicate {
        value: value.to_string(),
        owner: owner.to_owned(),
    }
}

/// A named object is not in the model: it was never listed, or it was and is refused.
fn missing(kind: &'static str, name: impl Display, listed: bool) -> Problem {
    let name = name.to_string();
    match listed {
        true => Problem::Refused { kind, name },
        false => Problem::Unknown { kind, name },
    }
}

/// What people call an object: its name, else its identifier.
fn label(name: &str, id: &impl Display) -> String {
    match name {
        "" => id.to_string(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
