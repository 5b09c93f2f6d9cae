//! Reads the desired network from a YAML file.
//!
//! The nouns and attributes are Neutron's, so that nobody has to learn others. The file is taken
//! as a whole or refused as a whole, with every mistake named by line and field: half a network
//! would be programmed faster, but nobody asked for it. One thing is left out alone: a tunnel
//! endpoint that an earlier host has already.
//!
//! # The format
//!
//! ```yaml
//! hosts:
//!   - name: host1
//!     encap_ip: 192.0.2.1
//!     bridge_mappings: {physnet1: br-ex}
//! networks:
//!   - name: private
//!     network_type: vxlan
//!     segmentation_id: 1001
//!     subnets:
//!       - {name: private-v4, cidr: 10.0.0.0/24, gateway_ip: 10.0.0.1}
//! security_groups:
//!   - name: default
//!     rules:
//!       - {direction: egress, ethertype: IPv4}
//!       - {direction: ingress, ethertype: IPv4, remote_group: default}
//! ports:
//!   - name: vm1
//!     network: private
//!     mac_address: fa:16:3e:00:00:12
//!     fixed_ips: [10.0.0.18]
//!     host: host1
//! ```
//!
//! The document is a mapping with ten lists, each optional. A key without value, or with `null`,
//! is as good as absent. Unknown keys are refused. Anchors, aliases and merge keys (`<<`) work. An
//! empty file is refused, as it is more often a file that somebody is about to write than a wish to
//! remove everything; `networks: []` says that.
//!
//! ## Names and identifiers
//!
//! Networks, subnets, security groups, rules, ports, trunks, routers, floating IPs and logs have an
//! `id`, a UUID. Where none is given it is derived (UUID version 5): for networks, groups, ports,
//! trunks, routers and logs from the project and the name, so one of `id` and `name` must be there, and names without `id` are used once in a
//! project; for subnets from the network and the name, else the `cidr`; for rules from the group and
//! all that the rule says; for floating IPs from their `address_port`; for port forwardings from the floating IP and its port. Every host that reads the file derives the same.
//!
//! A reference (`network`, `security_groups`, `remote_group`, `remote_address_group`, `security_group`, `port`) is an `id`, or a name in the same
//! project, or else a name that occurs in one other project.
//!
//! ## `hosts`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `name` | text | required | what `brint agent --host` and a port's `host` call it |
//! | `encap_ip` | address | none | where its tunnels end; without it there are no tunnels to it |
//! | `encap_types` | list of `vxlan`, `gre`, `geneve` | all | the tunnels that it takes |
//! | `bridge_mappings` | mapping | none | the provider bridge of each physical network |
//! | `mtu` | number | 1500 | largest packet in bytes that its network cards carry, 68-65535 |
//! | `gateway_priority` | number | 0 | routers lead outside by the hosts with the greatest that can, and are there; 0-65535 |
//! | `preemptive` | boolean | false | when it returns after a failure, it takes back the routers that it led outside |
//!
//! ## `other_hosts`
//!
//! The names of hosts without an agent, as of bare-metal machines, that a port's `host` may name. What
//! is there is a member of its groups and networks like any other; nothing is programmed there.
//!
//! ## `networks`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `name` | text | none | |
//! | `project` | text | `default` | the owner |
//! | `network_type` | word | required | `local`, `flat`, `vlan`, `vxlan`, `gre` or `geneve` |
//! | `segmentation_id` | number | by type | required for `vlan` and tunnels, refused elsewhere |
//! | `physical_network` | text | by type | required for `flat` and `vlan`, refused elsewhere |
//! | `mtu` | number | what hosts carry | largest packet in bytes, at least what its subnets need: 68, with IPv6 1280 |
//! | `dns_domain` | text | none | the domain of its ports' names |
//! | `igmp_snooping` | boolean | what hosts say | `true`: multicast goes only to ports that listen, to multicast routers and outside |
//! | `subnets` | list | none | below |
//!
//! The `segmentation_id` is the VLAN (1-4094), the VXLAN or Geneve network identifier (1-16777215) or
//! the GRE key (1-4294967295). No two networks have the same segment. The greatest `mtu` is the least
//! that a host with a way for the network carries: its own, less what a tunnel adds. VXLAN and Geneve
//! add 50 bytes over IPv4 and 70 over IPv6, GRE 42 and 62. Each entry of `subnets`:
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `name` | text | none | |
//! | `cidr` | block | required | without host bits; blocks of one network do not overlap |
//! | `gateway_ip` | address | none | the router; outside the block, machines are told that it is on the link |
//! | `enable_dhcp` | boolean | `true` | whether DHCP answers its ports |
//! | `dns_nameservers` | list of addresses | none | the name servers that machines are told of |
//! | `host_routes` | list of `destination`, `nexthop` | none | the routes that they are told of |
//! | `ipv6_ra_mode` | word | none | what router advertisements say of it: `slaac`, `dhcpv6-stateful` or `dhcpv6-stateless` |
//! | `ipv6_address_mode` | word | none | how machines come to their addresses; the same words |
//!
//! ## `address_groups`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `name` | text | none | |
//! | `project` | text | `default` | the owner |
//! | `addresses` | list of blocks or addresses | none | of either version of IP, without host bits |
//!
//! ## `security_groups`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `name` | text | none | |
//! | `project` | text | `default` | the owner |
//! | `stateful` | boolean | `true` | `false`: replies need rules too, below |
//! | `rules` | list | none | what is allowed; all else is dropped |
//!
//! The connections of a port are not tracked if all its groups are stateless. With one group that is
//! stateful, the rules of all of them are about connections.
//!
//! Each entry of `rules`:
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `direction` | word | required | `ingress` (to the port) or `egress` |
//! | `ethertype` | word | `IPv4` | `IPv4` or `IPv6` |
//! | `protocol` | word or number | `any` | below |
//! | `port_range_min` | number | all | first port, with `port_range_max`; for ICMP the type |
//! | `port_range_max` | number | all | last port, with `port_range_min`; for ICMP the code |
//! | `remote_ip_prefix` | block or address | any | the other side; without host bits |
//! | `remote_group` | reference | any | the other side: ports of a group |
//! | `remote_address_group` | reference | any | the other side: an address group |
//!
//! A rule has one other side at most.
//!
//! A protocol is a number (0-255) or one of Neutron's words, among them `tcp`, `udp`, `sctp`, `icmp`
//! (in an IPv6 rule it means `ipv6-icmp`), `igmp`, `gre`, `esp`, `ah` and `vrrp`. `tcp`, `udp` and
//! `sctp` may have ports, always both ends; ICMP may have a type, and with it a code.
//!
//! ## `ports`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | what the interface carries as `external_ids:iface-id` |
//! | `name` | text | none | |
//! | `project` | text | `default` | the owner |
//! | `network` | reference | required | |
//! | `mac_address` | MAC address | required | once in a network |
//! | `fixed_ips` | list of addresses | none | each once in a network, and in one of its subnets |
//! | `security_groups` | list of references | the project's `default` | `[]`: none, nothing is allowed |
//! | `port_security_enabled` | boolean | `true` | `false`: no group, no check of sources |
//! | `allowed_address_pairs` | list | none | more sources that it may use, below |
//! | `admin_state_up` | boolean | `true` | `false`: nothing passes |
//! | `host` | text | none | where it is plugged in, one of `hosts` or `other_hosts` |
//! | `migrating_to` | text | none | where its machine is being moved, another of `hosts` |
//! | `dns_name` | text | none | its name in the network's domain |
//! | `extra_dhcp_opts` | list of `opt_name`, `opt_value`, `ip_version` | none | what DHCP tells it besides; of IPv4 unless `ip_version` is 6 |
//! | `device_id` | text | the port's `id` | what the metadata service calls its machine |
//! | `public_keys` | mapping of names to keys | none | who may log in to its machine, by OpenSSH's keys |
//! | `user_data` | text | none | what cloud-init does there; of many lines, up to 524288 characters |
//! | `user_data_base64` | text | none | the same in Base64, for bytes that are no text |
//!
//! Without a group of that name in the project, the default is none. Each entry of
//! `allowed_address_pairs`:
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `ip_address` | block or address | required | |
//! | `mac_address` | MAC address | the port's | |
//!
//! ## `trunks`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `name` | text | none | |
//! | `project` | text | `default` | the owner |
//! | `port` | reference | required | the parent: the interface, untagged |
//! | `sub_ports` | list | none | ports behind it, below |
//!
//! A port is in one trunk at most. Each entry of `sub_ports`:
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `port` | reference | required | its `host` is absent, or the parent's |
//! | `segmentation_type` | word | `vlan` | `vlan` |
//! | `segmentation_id` | number | required | its VLAN on the parent's interface, 1-4094 |
//!
//! ## `routers`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `name` | text | none | |
//! | `project` | text | `default` | the owner |
//! | `admin_state_up` | boolean | `true` | `false`: nothing is forwarded |
//! | `interfaces` | list of references | none | its ports on the networks that it joins |
//! | `gateway` | mapping | none | where it leads outside, below |
//! | `routes` | list | none | `destination` (a block) and `nexthop` (an address) |
//!
//! A port of a router is listed in `ports` and says its MAC and its addresses; nothing is plugged in
//! there. The networks of a router do not overlap, and each `nexthop` is on one of them. A `gateway`:
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `port` | reference | required | its port on the external network |
//! | `enable_snat` | boolean | `true` | `false`: machines leave with their own IPv4 addresses |
//!
//! ## `floating_ips`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `project` | text | `default` | the owner |
//! | `address_port` | reference | required | the port on the external network that has the address |
//! | `port` | reference | none | what it stands for |
//! | `fixed_ip_address` | address | the port's only one | which address of the port |
//! | `router` | reference | required with `port` and `port_forwardings` | what leads from the one to the other |
//! | `port_forwardings` | list of port forwardings | empty | what single ports of it stand for, instead of `port` |
//!
//! ### `floating_ips[].port_forwardings`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | |
//! | `protocol` | `tcp` or `udp` | required | |
//! | `external_port` | number | required | the port of the floating IP, 1 to 65535 |
//! | `port` | reference | required | who is meant |
//! | `fixed_ip_address` | address | the port's only one | which address of the port |
//! | `internal_port` | number | required | the port there, 1 to 65535 |
//!
//! ## `logs`
//!
//! | key | type | default | meaning |
//! |---|---|---|---|
//! | `id` | UUID | derived | what the log calls `log_resource_ids` |
//! | `name` | text | none | |
//! | `project` | text | `default` | the owner |
//! | `enabled` | boolean | `true` | `false`: nothing is logged |
//! | `event` | word | `ALL` | `ACCEPT`: new connections; `DROP`: refused packets; `ALL`: both |
//! | `security_group` | reference | all | the ports of a group |
//! | `port` | reference | all | one port; it has the group, if that is given too |
//!
//! Without `security_group` and `port`, every port of the project is logged. Ports without port
//! security never are, and ports whose groups are all stateless have no connections to accept on
//! their way out.
//!
//! ## Limits
//!
//! A file has at most 128 MiB, a text 255 characters where no other limit is named, and lists and
//! mappings are nested at most 16 deep.

use std::{collections::BTreeSet, fs::File, io::Read, path::Path};

use pipelines::network::{InvalidNetwork, Model, ObjectRef, Objects};

pub(crate) use error::{FileError, Mistake};
use field::{Field, Mapping, Report};
use name::Catalogue;

mod address_group;
mod error;
mod field;
mod floating_ip;
mod host;
mod log;
mod name;
pub(crate) mod nearest;
mod network;
mod port;
mod router;
mod security_group;
mod tree;
mod trunk;
pub(crate) mod write;

/// The sections of the document.
const KNOWN: &[&str] = &[
    "hosts",
    "other_hosts",
    "networks",
    "address_groups",
    "security_groups",
    "ports",
    "trunks",
    "routers",
    "floating_ips",
    "logs",
];

/// The longest file that is read, in bytes: some hundred thousand ports, or a thousand with as much
/// user data as Nova allows.
const LONGEST: u64 = 128 << 20;

/// Reads a file's content.
///
/// # Errors
///
/// The file is absent, unreadable, too long, or no regular file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let unreadable = |problem| FileError::Unreadable {
        path: path.to_owned(),
        problem,
    };
    // A pipe would keep the reader waiting, so the path is looked at before it is opened.
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(FileError::NotRegular {
            path: path.to_owned(),
        });
    }
    if metadata.len() > LONGEST {
        return Err(FileError::TooLong {
            path: path.to_owned(),
            size: metadata.len(),
            most: LONGEST,
        });
    }
    let file = File::open(path).map_err(unreadable)?;
    read_from(path, file)
}

/// Reads a content from what gives it; the path is for messages.
///
/// # Errors
///
/// It cannot be read, or is too long.
pub(crate) fn read_from(path: &Path, source: impl Read) -> Result<Vec<u8>, FileError> {
    let unreadable = |problem| FileError::Unreadable {
        path: path.to_owned(),
        problem,
    };
    let mut content = Vec::new();
    let mut source = source.take(LONGEST + 1);
    let size = source.read_to_end(&mut content).map_err(unreadable)?;
    match u64::try_from(size) {
        Ok(size) if size <= LONGEST => Ok(content),
        size => Err(FileError::TooLong {
            path: path.to_owned(),
            size: size.unwrap_or(u64::MAX),
            most: LONGEST,
        }),
    }
}

/// What a content describes.
#[derive(Debug)]
pub(crate) struct Described {
    /// The network.
    pub(crate) model: Model,
    /// What it has to do without, though the rest is in effect: an address that two hosts claim.
    pub(crate) left_out: Vec<Mistake>,
}

/// Builds the network that a content describes; the path is for messages.
///
/// # Errors
///
/// [`FileError::Invalid`] with every mistake that could be found.
pub(crate) fn parse(path: &Path, content: &[u8]) -> Result<Described, FileError> {
    let invalid = |mistakes| FileError::Invalid {
        path: path.to_owned(),
        mistakes,
    };
    let root = tree::parse(content).map_err(|mistake| invalid(vec![mistake]))?;
    let mut report = Report::default();
    let described = build(&root, &mut report);
    match (described, report.into_mistakes()) {
        (Some(described), mistakes) if mistakes.is_empty() => Ok(described),
        (_, mistakes) => Err(invalid(mistakes)),
    }
}

fn build(root: &tree::Node, report: &mut Report) -> Option<Described> {
    let expected = "a mapping with hosts, networks, address_groups, security_groups, ports, trunks, routers, floating_ips and logs";
    let document = Field::root(root).mapping(expected, KNOWN, report)?;
    let (objects, origins) = read_objects(&document, report);
    let (model, problems) = Model::valid_part(objects);
    let mut left_out = Report::default();
    for problem in problems {
        // Hosts are many people's; one that is wrong must not stop the others.
        let report = match (problem.object, problem.field.field) {
            (ObjectRef::Host(_), "encap_ip") => &mut left_out,
            _ => &mut *report,
        };
        origins.report(problem, report);
    }
    Some(Described {
        model,
        left_out: left_out.into_mistakes(),
    })
}

/// Reads every object that is right by itself.
fn read_objects<'a>(document: &Mapping<'a>, report: &mut Report) -> (Objects, Origins<'a>) {
    let mut objects = Objects::default();
    let mut origins = Origins::default();

    let mut hosts = BTreeSet::new();
    for element in document.list("hosts", "a list of hosts", report) {
        if let Some((host, origin)) = host::read(&element, &mut hosts, report) {
            objects.hosts.push(host);
            origins.hosts.push(origin);
        }
    }
    for element in document.list("other_hosts", "a list of names of hosts", report) {
        hosts.extend(element.name("the name of a host", report));
    }

    let mut networks = Catalogue::new("network");
    for element in document.list("networks", "a list of networks", report) {
        let network = network::read(&element, &mut networks, report);
        if let Some((network, origin, subnets)) = network {
            objects.networks.push(network);
            origins.networks.push((origin, subnets));
        }
    }

    let mut address_groups = Catalogue::new("address group");
    for element in document.list("address_groups", "a list of address groups", report) {
        let group = address_group::read(&element, &mut address_groups, report);
        if let Some((group, origin)) = group {
            objects.address_groups.push(group);
            origins.address_groups.push(origin);
        }
    }

    let mut groups = Catalogue::new("security group");
    let elements = document.list("security_groups", "a list of security groups", report);
    let declared: Vec<_> = elements
        .iter()
        .filter_map(|element| security_group::declare(element, &mut groups, report))
        .collect();
    for group in declared {
        if let Some((group, origin, rules)) = group.read(&groups, &address_groups, report) {
            objects.security_groups.push(group);
            origins.security_groups.push((origin, rules));
        }
    }

    let context = port::Context {
        networks: &networks,
        groups: &groups,
        hosts: &hosts,
    };
    let mut ports = Catalogue::new("port");
    for element in document.list("ports", "a list of ports", report) {
        if let Some((port, origin)) = port::read(&element, &context, &mut ports, report) {
            objects.ports.push(port);
            origins.ports.push(origin);
        }
    }

    let mut trunks = Catalogue::new("trunk");
    for element in document.list("trunks", "a list of trunks", report) {
        let trunk = trunk::read(&element, &mut trunks, &ports, report);
        if let Some((trunk, origin, sub_ports)) = trunk {
            objects.trunks.push(trunk);
            origins.trunks.push((origin, sub_ports));
        }
    }

    read_routers(document, &ports, (&mut objects, &mut origins), report);

    let mut logs = Catalogue::new("log");
    for element in document.list("logs", "a list of logs", report) {
        let log = log::read(&element, &mut logs, &groups, &ports, report);
        if let Some((log, origin)) = log {
            objects.logs.push(log);
            origins.logs.push(origin);
        }
    }
    (objects, origins)
}

/// Reads every router and floating IP that is right by itself.
fn read_routers<'a>(
    document: &Mapping<'a>,
    ports: &Catalogue,
    (objects, origins): (&mut Objects, &mut Origins<'a>),
    report: &mut Report,
) {
    let mut routers = Catalogue::new("router");
    for element in document.list("routers", "a list of routers", report) {
        let router = router::read(&element, &mut routers, ports, report);
        if let Some((router, origin)) = router {
            objects.routers.push(router);
            origins.routers.push(origin);
        }
    }

    let elements = document.list("floating_ips", "a list of floating IPs", report);
    let context = floating_ip::Context {
        ports,
        listed: &objects.ports,
        routers: &routers,
    };
    for element in elements {
        let floating_ip = floating_ip::read(&element, &context, report);
        if let Some((floating_ip, origin, forwardings)) = floating_ip {
            objects.floating_ips.push(floating_ip);
            origins.floating_ips.push((origin, forwardings));
        }
    }
}

/// Where the objects come from; the lists are those of [`Objects`].
#[derive(Default)]
struct Origins<'a> {
    hosts: Vec<Mapping<'a>>,
    networks: Vec<(Mapping<'a>, Vec<Mapping<'a>>)>,
    address_groups: Vec<Mapping<'a>>,
    security_groups: Vec<(Mapping<'a>, Vec<Mapping<'a>>)>,
    ports: Vec<Mapping<'a>>,
    trunks: Vec<(Mapping<'a>, Vec<Mapping<'a>>)>,
    routers: Vec<Mapping<'a>>,
    floating_ips: Vec<(Mapping<'a>, Vec<Mapping<'a>>)>,
    logs: Vec<Mapping<'a>>,
}

impl Origins<'_> {
    /// Notes what is wrong between objects, at the place in the text.
    fn report(&self, invalid: InvalidNetwork, report: &mut Report) {
        let InvalidNetwork { object, field, .. } = invalid;
        // References were resolved before, so what the model misses is an object that has
        // mistakes of its own.
        if matches!(field.problem, pipelines::network::Problem::Unknown { .. }) {
            return;
        }
        if let Some(origin) = self.get(object) {
            let list = origin.at(field.field);
            let element = field.index.and_then(|index| list.element(index));
            report.add(&element.unwrap_or(list), field.problem);
        }
    }

    fn get(&self, object: ObjectRef) -> Option<&Mapping<'_>> {
        match object {
            ObjectRef::Host(host) => self.hosts.get(host),
            ObjectRef::Network(network) => self.networks.get(network).map(|(origin, _)| origin),
            ObjectRef::Subnet { network, subnet } => self
                .networks
                .get(network)
                .and_then(|(_, subnets)| subnets.get(subnet)),
            ObjectRef::AddressGroup(group) => self.address_groups.get(group),
            ObjectRef::SecurityGroup(group) => {
                self.security_groups.get(group).map(|(origin, _)| origin)
            }
            ObjectRef::Rule {
                security_group,
                rule,
            } => self
                .security_groups
                .get(security_group)
                .and_then(|(_, rules)| rules.get(rule)),
            ObjectRef::Port(port) => self.ports.get(port),
            ObjectRef::Trunk(trunk) => self.trunks.get(trunk).map(|(origin, _)| origin),
            ObjectRef::Router(router) => self.routers.get(router),
            ObjectRef::FloatingIp(floating_ip) => {
                self.floating_ips.get(floating_ip).map(|(origin, _)| origin)
            }
            ObjectRef::PortForwarding {
                floating_ip,
                port_forwarding,
            } => self
                .floating_ips
                .get(floating_ip)
                .and_then(|(_, forwardings)| forwardings.get(port_forwarding)),
            ObjectRef::Log(log) => self.logs.get(log),
            ObjectRef::SubPort { trunk, sub_port } => self
                .trunks
                .get(trunk)
                .and_then(|(_, sub_ports)| sub_ports.get(sub_port)),
        }
    }
}

#[cfg(test)]
mod tests;
