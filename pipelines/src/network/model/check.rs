//! What makes objects agree with each other.

mod floating_ip;
mod network;
mod port;
mod router;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;

use super::{Model, Objects};
use crate::network::{
    AddressGroup, Cost, Host, HostName, InvalidField, InvalidNetwork, Log, MacAddr, NetworkId,
    ObjectRef, PortId, Problem, Remote, RuleId, SecurityGroup, Segment, SubPort, SubnetId, Trunk,
    mtu::Limits,
};

/// The objects that are right, and what is wrong with the others.
///
/// What was in effect before stays in effect where its new version is refused.
pub(super) fn check(objects: Objects, before: &Model) -> (Model, Vec<InvalidNetwork>) {
    let mut check = Check {
        before,
        model: Model::default(),
        problems: Vec::new(),
        listed_networks: objects.networks.iter().map(|network| network.id).collect(),
        listed_ports: objects.ports.iter().map(|port| port.id).collect(),
        segments: Owners::default(),
        subnets: Owners::default(),
        rules: Owners::default(),
        macs: Owners::default(),
        ips: Owners::default(),
        encap_ips: Owners::default(),
        trunk_ports: Owners::default(),
        router_ports: Owners::default(),
        floating_targets: Owners::default(),
        forwarded: BTreeMap::new(),
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
struct Check<'a> {
    /// What was in effect.
    before: &'a Model,
    model: Model,
    problems: Vec<InvalidNetwork>,
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

impl Check<'_> {
    /// Reports what costs an object its place in the model; whether there was nothing.
    fn accept(&mut self, object: ObjectRef, name: &str, problems: Vec<InvalidField>) -> bool {
        self.report(Cost::Object, object, name, problems)
    }

    /// Reports what costs an object an attribute; whether there was nothing.
    fn lose(&mut self, object: ObjectRef, name: &str, problems: Vec<InvalidField>) -> bool {
        self.report(Cost::Attribute, object, name, problems)
    }

    fn report(
        &mut self,
        cost: Cost,
        object: ObjectRef,
        name: &str,
        problems: Vec<InvalidField>,
    ) -> bool {
        let valid = problems.is_empty();
        let invalid = |field| InvalidNetwork {
            object,
            name: name.to_owned(),
            field,
            cost,
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
        if !self.lose(ObjectRef::Host(place), label, problems) {
            host.encap_ip = None;
        }
    }

    fn address_groups(&mut self, groups: Vec<AddressGroup>) {
        for (place, mut group) in groups.into_iter().enumerate() {
            let object = ObjectRef::AddressGroup(place);
            let label = label(&group.name, &group.id);
            let mut problems = Vec::new();
            if self.model.address_groups.contains_key(&group.id) {
                problems.push(duplicate(group.id, "another address group").of("id"));
            }
            if !self.accept(object, &label, problems) {
                continue;
            }
            let host_bits = |cidr: &IpNet| {
                let (cidr, expected) = (*cidr, cidr.trunc());
                (cidr != expected).then_some(Problem::HostBits { cidr, expected })
            };
            let problems = sift(&mut group.addresses, "addresses", host_bits);
            self.lose(object, &label, problems);
            self.model.address_groups.insert(group.id, group);
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

    /// Whether the objects that a log names exist.
    ///
    /// Whether the firewall decides anything about them may change at any time.
    fn log_references(&self, log: &Log) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        let group = log.security_group;
        if let Some(id) = group.filter(|id| self.model.security_group(*id).is_none()) {
            problems.push(missing("security group", id, false).of("security_group"));
        }
        if let Some(id) = log.port.filter(|id| self.model.port(*id).is_none()) {
            let listed = self.listed_ports.contains(&id);
            problems.push(missing("port", id, listed).of("port"));
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

/// Leaves the elements of a list of which a check says nothing; what it says of the others.
fn sift<T>(
    elements: &mut Vec<T>,
    field: &'static str,
    mut check: impl FnMut(&T) -> Option<Problem>,
) -> Vec<InvalidField> {
    let mut problems = Vec::new();
    let mut places = 0..;
    elements.retain(|element| {
        let place = places.next();
        let problem = check(element).map(|problem| problem.of(field));
        let is_right = problem.is_none();
        let placed = |problem: InvalidField| match place {
            Some(place) => problem.at(place),
            None => problem,
        };
        problems.extend(problem.map(placed));
        is_right
    });
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
