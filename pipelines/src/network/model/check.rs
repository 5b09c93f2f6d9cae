//! What makes objects agree with each other.

mod floating_ip;
mod router;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;

use super::{Model, Objects};
use crate::network::{
    AddressGroup, Host, HostName, InvalidField, InvalidNetwork, Log, MacAddr, Network, NetworkId,
    ObjectRef, Port, PortId, Problem, Remote, RuleId, SecurityGroup, Segment, SubPort, Subnet,
    SubnetId, Trunk, check_station,
    mtu::Limits,
};

/// The objects that are right, and what is wrong with the others.
pub(super) fn check(objects: Objects) -> (Model, Vec<InvalidNetwork>) {
    let mut check = Check {
        listed_hosts: objects.hosts.iter().map(|host| host.name.clone()).collect(),
        listed_networks: objects.networks.iter().map(|network| network.id).collect(),
        listed_ports: objects.ports.iter().map(|port| port.id).collect(),
        ..Check::default()
    };
    check.hosts(objects.hosts);
    check.networks(objects.networks);
    check.address_groups(objects.address_groups);
    check.security_groups(objects.security_groups);
    check.ports(objects.ports);
    check.trunks(objects.trunks);
    check.routers(objects.routers);
    check.floating_ips(objects.floating_ips);
    check.logs(objects.logs);
    check.problems.sort_by_key(|problem| problem.object);
    (check.model, check.problems)
}

/// The model under construction, and what was refused.
#[derive(Default)]
struct Check {
    model: Model,
    problems: Vec<InvalidNetwork>,
    listed_hosts: BTreeSet<HostName>,
    listed_networks: BTreeSet<NetworkId>,
    listed_ports: BTreeSet<PortId>,
    segments: Owners<Segment>,
    subnets: Owners<SubnetId>,
    rules: Owners<RuleId>,
    macs: Owners<(NetworkId, MacAddr)>,
    ips: Owners<(NetworkId, IpAddr)>,
    encap_ips: Owners<IpAddr>,
    trunk_ports: Owners<PortId>,
    router_ports: Owners<PortId>,
    floating_targets: Owners<(PortId, Ipv4Addr)>,
    /// The floating IPs that lead to single ports of an address: there may be several.
    forwarded: BTreeMap<(PortId, Ipv4Addr), String>,
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
        for (place, mut host) in hosts.into_iter().enumerate() {
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
            self.host_encap_ip(place, &mut host, &label);
            if self.accept(ObjectRef::Host(place), &label, problems) {
                self.model.hosts.insert(host.name.clone(), host);
            }
        }
        self.model.limits = Limits::of(self.model.hosts.values());
    }

    /// Leaves the host without a tunnel endpoint that another has: packets for one would go to the
    /// other.
    fn host_encap_ip(&mut self, place: usize, host: &mut Host, label: &str) {
        let Some(ip) = host.encap_ip else { return };
        let problems = self.encap_ips.claim(ip, ip, label, "encap_ip");
        if !self.accept(ObjectRef::Host(place), label, problems) {
            host.encap_ip = None;
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
        let most = self.model.limits.mtu(&network.segment);
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

    fn address_groups(&mut self, groups: Vec<AddressGroup>) {
        for (place, group) in groups.into_iter().enumerate() {
            let mut problems = Vec::new();
            if self.model.address_groups.contains_key(&group.id) {
                problems.push(duplicate(group.id, "another address group").of("id"));
            }
            for (index, cidr) in group.addresses.iter().copied().enumerate() {
                let expected = cidr.trunc();
                if cidr != expected {
                    let problem = Problem::HostBits { cidr, expected };
                    problems.push(problem.of("addresses").at(index));
                }
            }
            let label = label(&group.name, &group.id);
            if self.accept(ObjectRef::AddressGroup(place), &label, problems) {
                self.model.address_groups.insert(group.id, group);
            }
        }
    }

    fn security_groups(&mut self, groups: Vec<SecurityGroup>) {
        let known: Vec<_> = groups.iter().map(|group| group.id).collect();
        for (place, mut group) in groups.into_iter().enumerate() {
            for (rule_place, rule) in std::mem::take(&mut group.rules).into_iter().enumerate() {
                let label = format!("{rule_place} of {}", group.name);
                let mut problems = self.rules.claim(rule.id(), rule.id(), &label, "id");
                match rule.remote() {
                    Remote::Group(remote) if !known.contains(&remote) => {
                        problems.push(missing("security group", remote, false).of("remote_group"));
                    }
                    Remote::AddressGroup(remote) if self.model.address_group(remote).is_none() => {
                        let problem = missing("address group", remote, false);
                        problems.push(problem.of("remote_address_group"));
                    }
                    _ => {}
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
                self.model.insert_security_group(group);
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
        for (field, host) in [("host", &port.host), ("migrating_to", &port.migrating_to)] {
            if let Some(host) = host.as_ref()
                && self.model.host(host).is_none()
            {
                let listed = self.listed_hosts.contains(host);
                problems.push(missing("host", host, listed).of(field));
            }
        }
        problems
    }

    fn trunks(&mut self, trunks: Vec<Trunk>) {
        for (place, mut trunk) in trunks.into_iter().enumerate() {
            let label = label(&trunk.name, &trunk.id);
            let mut problems = Vec::new();
            if self.model.trunks.contains_key(&trunk.id) {
                problems.push(duplicate(trunk.id, "another trunk").of("id"));
            }
            problems.extend(self.trunk_port(trunk.port, &label));
            if self.accept(ObjectRef::Trunk(place), &label, problems) {
                self.sub_ports(place, &mut trunk);
                self.model.by_parent.insert(trunk.port, trunk.id);
                self.model.trunks.insert(trunk.id, trunk);
            }
        }
    }

    fn logs(&mut self, logs: Vec<Log>) {
        for (place, log) in logs.into_iter().enumerate() {
            let mut problems = self.log_references(&log);
            if self.model.logs.contains_key(&log.id) {
                problems.push(duplicate(log.id, "another log").of("id"));
            }
            let label = label(&log.name, &log.id);
            if self.accept(ObjectRef::Log(place), &label, problems) {
                self.model.logs.insert(log.id, log);
            }
        }
    }

    /// Whether the objects that a log names exist, and the firewall decides about them.
    fn log_references(&self, log: &Log) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        let group = log
            .security_group
            .map(|id| (id, self.model.security_group(id)));
        if let Some((id, None)) = group {
            problems.push(missing("security group", id, false).of("security_group"));
        }
        let Some(id) = log.port else { return problems };
        let Some(port) = self.model.port(id) else {
            let listed = self.listed_ports.contains(&id);
            problems.push(missing("port", id, listed).of("port"));
            return problems;
        };
        let name = label(&port.name, &port.id);
        if !port.port_security_enabled {
            problems.push(Problem::NoFirewall(name).of("port"));
        } else if let Some((id, Some(group))) = group
            && !port.security_groups.contains(&id)
        {
            let group = label(&group.name, &id);
            problems.push(Problem::NotMember { port: name, group }.of("port"));
        }
        problems
    }

    /// Takes a port for a trunk: it must exist, and be in no other.
    fn trunk_port(&mut self, port: PortId, trunk: &str) -> Vec<InvalidField> {
        if self.model.port(port).is_none() {
            let listed = self.listed_ports.contains(&port);
            return vec![missing("port", port, listed).of("port")];
        }
        self.trunk_ports.claim(port, port, trunk, "port")
    }

    /// Leaves the trunk with those of its sub-ports that are right, and puts them where it is.
    fn sub_ports(&mut self, trunk_place: usize, trunk: &mut Trunk) {
        let trunk_label = label(&trunk.name, &trunk.id);
        let parent = self.model.port(trunk.port);
        let host = parent.and_then(|parent| parent.host.clone());
        let migrating_to = parent.and_then(|parent| parent.migrating_to.clone());
        let mut vlans = Owners::default();
        for (place, sub_port) in std::mem::take(&mut trunk.sub_ports).into_iter().enumerate() {
            let SubPort { port: id, vlan } = sub_port;
            let label = format!("{place} of {trunk_label}");
            let mut problems = self.trunk_port(id, &trunk_label);
            problems.extend(vlans.claim(vlan, vlan, &label, "segmentation_id"));
            let port = self.model.ports.get_mut(&id);
            let own_host = port.as_ref().and_then(|port| port.host.clone());
            if let Some(own_host) = own_host.filter(|own| Some(own) != host.as_ref()) {
                let expected = host.as_ref().map_or("none", HostName::as_str);
                let (host, expected) = (own_host.to_string(), expected.to_owned());
                problems.push(Problem::OffTrunk { host, expected }.of("port"));
            }
            if let Some(port) = port.filter(|_| problems.is_empty()) {
                port.host.clone_from(&host);
                port.migrating_to.clone_from(&migrating_to);
                let port = port.clone();
                self.model.place_port(&port);
            }
            let object = ObjectRef::SubPort {
                trunk: trunk_place,
                sub_port: place,
            };
            if self.accept(object, &label, problems) {
                self.model.parents.insert(id, (trunk.port, vlan));
                trunk.sub_ports.push(sub_port);
            }
        }
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
    /// Who has the value.
    fn owner(&self, value: &T) -> Option<&str> {
        self.0.get(value).map(String::as_str)
    }

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
    if let Some(to) = port.migrating_to.as_ref()
        && port.host.as_ref().is_none_or(|host| host == to)
    {
        problems.push(Problem::NoMove(to.to_string()).of("migrating_to"));
    }
    if let Err(problem) = check_station(port.mac_address) {
        problems.push(problem.of("mac_address"));
    }
    for (index, pair) in port.allowed_address_pairs.iter().enumerate() {
        if let Err(problem) = pair.check() {
            problems.push(problem.of("allowed_address_pairs").at(index));
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
