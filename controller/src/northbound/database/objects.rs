//! From rows to the desired network.
//!
//! The schema refuses much, but not all: an address is a text to it. A column that is wrong, or the
//! element of it, is left out and told; the row goes with it only if it is nothing without. What was
//! in effect then stays as it was.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use ovsdb::Uuid;
use pipelines::network::{
    self, AddressGroupId, AddressPair, Cost, Ethertype, ExtraDhcpOptions, FloatingIpId, Gateway,
    HostName, InvalidField, Limits, LogId, Model, NetworkId, Objects, PhysicalNetwork,
    PortForwardingId, PortId, Route, RouterId, Rule, RuleAttributes, RuleId, SecurityGroupId,
    SubPort, SubnetId, Target, TrunkId, VlanId,
};

use super::machine::machine;
use super::tables::{
    AddressGroup, Direction, FloatingIp, Host, Log, LogEvent, Network, Northbound,
    OWNER_OF_GATEWAY, Port, PortForwarding, Router, SecurityGroup, SecurityGroupRule, Segment,
    Subnet, Trunk,
};

mod host;

use host::host;

/// What the rows describe.
#[derive(Debug)]
pub(crate) struct Described {
    /// The network.
    pub(crate) model: Model,
    /// Each row or column that is left out, with what is wrong.
    pub(crate) left_out: Vec<String>,
}

/// Reads all rows.
pub(crate) fn describe(rows: &Northbound) -> Described {
    describe_after(rows, &Model::default())
}

/// Reads all rows, after those that described the network that is in effect.
pub(crate) fn describe_after(rows: &Northbound, before: &Model) -> Described {
    let mut reader = Reader {
        rows,
        before,
        left_out: Vec::new(),
    };
    let objects = reader.objects();
    let mut left_out = reader.left_out;
    let (model, problems) = before.successor(objects);
    left_out.extend(problems.iter().map(ToString::to_string));
    Described { model, left_out }
}

/// What hosts can carry, by their rows.
pub(crate) fn limits<'a>(hosts: impl IntoIterator<Item = &'a Arc<Host>>) -> Limits {
    let hosts = hosts.into_iter().filter_map(|row| host(row).ok());
    Limits::of(&hosts.collect::<Vec<_>>())
}

/// What carries a network, by its row; without one it does not leave its host.
///
/// # Errors
///
/// The columns do not fit each other.
pub(crate) fn segment(row: Option<&Segment>) -> Result<network::Segment, InvalidField> {
    let Some(row) = row else {
        return Ok(network::Segment::Local);
    };
    let physical_network = row.physical_network.as_deref();
    let number = row.segmentation_id.unwrap_or_default();
    network::Segment::new(
        row.network_type.into(),
        physical_network.map(PhysicalNetwork::from),
        // The schema keeps it in range.
        (row.segmentation_id).map(|_| u32::try_from(number).unwrap_or(u32::MAX)),
    )
}

struct Reader<'a> {
    rows: &'a Northbound,
    /// What is in effect.
    before: &'a Model,
    left_out: Vec<String>,
}

/// A column that is wrong, and how.
struct Wrong {
    column: &'static str,
    problem: String,
}

impl Wrong {
    fn new(column: &'static str, problem: impl fmt::Display) -> Self {
        Self {
            column,
            problem: problem.to_string(),
        }
    }
}

impl From<InvalidField> for Wrong {
    fn from(invalid: InvalidField) -> Self {
        Self::new(invalid.field, invalid.problem)
    }
}

impl Reader<'_> {
    fn objects(&mut self) -> Objects {
        let rows = self.rows;
        Objects {
            networks: self.each("network", rows.networks.iter(), Self::network),
            address_groups: (rows.address_groups.iter())
                .map(|row| self.address_group(row))
                .collect(),
            security_groups: self.each(
                "security group",
                rows.security_groups.iter(),
                Self::security_group,
            ),
            ports: self.each("port", rows.ports.iter(), Self::port),
            trunks: rows.trunks.iter().map(|row| self.trunk(row)).collect(),
            routers: rows.routers.iter().map(|row| self.router(row)).collect(),
            floating_ips: (rows.floating_ips.iter())
                .map(|row| self.floating_ip(row))
                .collect(),
            logs: rows.logs.iter().map(|row| log(row)).collect(),
            hosts: self.hosts(),
        }
    }

    /// Reads rows one by one, and notes those that are wrong.
    fn each<'r, R: Named + 'r, T>(
        &mut self,
        kind: &str,
        rows: impl Iterator<Item = &'r Arc<R>>,
        read: impl Fn(&mut Self, &R) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let read = |row: &Arc<R>| match read(self, row) {
            Ok(object) => Some(object),
            Err(wrong) => {
                self.note(Cost::Object, kind, &**row, wrong);
                None
            }
        };
        rows.filter_map(read).collect()
    }

    /// Notes what a row has to do without.
    fn note(&mut self, cost: Cost, kind: &str, row: &impl Named, wrong: Wrong) {
        let Wrong { column, problem } = wrong;
        let (name, uuid) = row.identity();
        let object = match name {
            "" => format!("{kind} {uuid}"),
            name => format!("{kind} {name} ({uuid})"),
        };
        self.left_out.push(cost.describe(&object, column, &problem));
    }

    /// A column, unless it is wrong: then the row does without.
    fn part<T: Default>(
        &mut self,
        kind: &str,
        row: &impl Named,
        read: Result<T, impl Into<Wrong>>,
    ) -> T {
        read.unwrap_or_else(|wrong| {
            self.note(Cost::Attribute, kind, row, wrong.into());
            T::default()
        })
    }

    /// The elements of a column without those that are wrong.
    fn parts<T>(
        &mut self,
        kind: &str,
        row: &impl Named,
        read: impl Iterator<Item = Result<T, Wrong>>,
    ) -> Vec<T> {
        let read = read.filter_map(|element| self.part(kind, row, element.map(Some)));
        read.collect()
    }

    fn network(&mut self, row: &Network) -> Result<network::Network, Wrong> {
        let kind = "network";
        let mut segments = self.rows.segments.index().by_network.all(row.uuid);
        let (first, second) = (segments.next(), segments.next());
        let segment = match second {
            Some(_) => Err(Wrong::new("segments", "several, expected one at most")),
            None => segment(first.map(AsRef::as_ref)).map_err(Wrong::from),
        };
        let segment = match (segment, self.before.network(NetworkId(row.uuid))) {
            (Err(wrong), Some(earlier)) => {
                self.note(Cost::Change, kind, row, wrong);
                earlier.segment.clone()
            }
            (segment, _) => segment?,
        };
        let mtu = number("mtu", row.mtu);
        let subnets = self.rows.subnets.index().by_network.all(row.uuid);
        Ok(network::Network {
            id: NetworkId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            segment,
            mtu: self.part(kind, row, mtu),
            dns_domain: row.dns_domain.clone(),
            igmp_snooping: row.igmp_snooping,
            subnets: self.each("subnet", subnets, Self::subnet),
        })
    }

    fn subnet(&mut self, row: &Subnet) -> Result<network::Subnet, Wrong> {
        let kind = "subnet";
        let id = SubnetId(row.uuid);
        let cidr = parse("cidr", &row.cidr).and_then(|cidr| {
            let subnet = network::Subnet::new(id, row.name.clone(), cidr, None);
            subnet.map_err(Wrong::from)
        });
        let earlier = self.before.network(NetworkId(row.network));
        let earlier = earlier.into_iter().flat_map(|network| &network.subnets);
        let mut subnet = match (cidr, earlier.into_iter().find(|earlier| earlier.id == id)) {
            (Err(wrong), Some(earlier)) => {
                self.note(Cost::Change, kind, row, wrong);
                return Ok(earlier.clone());
            }
            (subnet, _) => subnet?,
        };
        if let Some(text) = row.gateway_ip.as_deref() {
            let gateway = parse("gateway_ip", text);
            let gateway = gateway.and_then(|ip| subnet.set_gateway(ip).map_err(Wrong::from));
            self.part(kind, row, gateway);
        }
        let servers = row.dns_nameservers.values();
        let servers = servers.map(|server| parse("dns_nameservers", server));
        let routes = row.host_routes.iter();
        let routes = routes.map(|route| parse("host_routes", route));
        subnet.enable_dhcp = row.enable_dhcp;
        subnet.dns_nameservers = self.parts(kind, row, servers);
        subnet.host_routes = self.parts(kind, row, routes);
        subnet.ipv6_ra_mode = row.ipv6_ra_mode.map(Into::into);
        subnet.ipv6_address_mode = row.ipv6_address_mode.map(Into::into);
        Ok(subnet)
    }

    fn address_group(&mut self, row: &AddressGroup) -> network::AddressGroup {
        let addresses = row.addresses.iter().map(|text| block("addresses", text));
        network::AddressGroup {
            id: AddressGroupId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            addresses: self.parts("address group", row, addresses),
        }
    }

    fn security_group(&mut self, row: &SecurityGroup) -> Result<network::SecurityGroup, Wrong> {
        let rules = self.rows.security_group_rules.index();
        let rules = rules.by_security_group.all(row.uuid);
        Ok(network::SecurityGroup {
            id: SecurityGroupId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            stateful: row.stateful,
            rules: self.each("rule", rules, |_, row| rule(row)),
        })
    }

    fn port(&mut self, row: &Port) -> Result<network::Port, Wrong> {
        let kind = "port";
        let id = PortId(row.uuid);
        let mac_address = match (parse("mac_address", &row.mac_address), self.before.port(id)) {
            (Err(wrong), Some(earlier)) => {
                self.note(Cost::Change, kind, row, wrong);
                return Ok(earlier.clone());
            }
            (mac_address, _) => mac_address?,
        };
        let addresses = self.rows.addresses.index().by_port.all(row.uuid);
        let addresses = addresses.map(|address| parse("fixed_ips", &address.ip_address));
        let mut fixed_ips: Vec<IpAddr> = self.parts(kind, row, addresses);
        fixed_ips.sort_unstable();
        let pairs = row.allowed_address_pairs.iter();
        let pairs = self.parts(kind, row, pairs.map(|pair| address_pair(pair)));
        let groups = row.security_groups.iter().copied();
        Ok(network::Port {
            id,
            name: row.name.clone(),
            project: row.project.clone(),
            network: NetworkId(row.network),
            mac_address,
            fixed_ips,
            security_groups: groups.map(SecurityGroupId).collect(),
            port_security_enabled: row.port_security_enabled,
            allowed_address_pairs: pairs,
            admin_state_up: row.admin_state_up,
            host: row.host.as_deref().map(HostName::from),
            migrating_to: row.migrating_to.as_deref().map(HostName::from),
            dns_name: row.dns_name.clone(),
            extra_dhcp_opts: ExtraDhcpOptions {
                v4: row.extra_dhcpv4_options.clone(),
                v6: row.extra_dhcpv6_options.clone(),
            },
            machine: machine(row),
        })
    }

    fn trunk(&mut self, row: &Trunk) -> network::Trunk {
        let sub_ports = self.rows.sub_ports.index().by_trunk.all(row.uuid);
        let sub_ports = sub_ports.map(|sub_port| {
            let vlan = required("segmentation_id", sub_port.segmentation_id)?;
            Ok(SubPort {
                port: PortId(sub_port.port),
                vlan: VlanId::new(vlan).map_err(|problem| problem.of("segmentation_id"))?,
            })
        });
        network::Trunk {
            id: TrunkId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            port: PortId(row.port),
            sub_ports: self.parts("trunk", row, sub_ports),
        }
    }

    fn router(&mut self, row: &Router) -> network::Router {
        let ports = self.rows.ports.index().by_router.all(row.uuid);
        let (outside, interfaces): (Vec<_>, Vec<_>) =
            ports.partition(|port| port.device_owner == OWNER_OF_GATEWAY);
        let gateway = outside.first().map(|port| Gateway {
            port: PortId(port.uuid),
            enable_snat: row.enable_snat,
        });
        let routes = row.routes.iter().map(|text| route(text));
        network::Router {
            id: RouterId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            admin_state_up: row.admin_state_up,
            interfaces: interfaces.iter().map(|port| PortId(port.uuid)).collect(),
            gateway,
            routes: self.parts("router", row, routes),
        }
    }

    /// A host without the mappings to what cannot be a bridge.
    fn floating_ip(&mut self, row: &FloatingIp) -> network::FloatingIp {
        let kind = "floating IP";
        let fixed_ip = row.fixed_ip_address.as_deref();
        let fixed_ip = fixed_ip.map(|ip| parse("fixed_ip_address", ip));
        let fixed_ip = self.part(kind, row, fixed_ip.transpose());
        let target = row.port.map(PortId).zip(fixed_ip);
        let forwardings = &self.rows.port_forwardings.index().by_floating_ip;
        let forwardings = forwardings.all(row.uuid);
        network::FloatingIp {
            id: FloatingIpId(row.uuid),
            project: row.project.clone(),
            port: PortId(row.address_port),
            router: row.router.map(RouterId),
            target: target.map(|(port, fixed_ip)| Target { port, fixed_ip }),
            port_forwardings: self.each("port forwarding", forwardings, |_, row| {
                port_forwarding(row)
            }),
        }
    }
}

fn port_forwarding(row: &PortForwarding) -> Result<network::PortForwarding, Wrong> {
    Ok(network::PortForwarding {
        id: PortForwardingId(row.uuid),
        protocol: row.protocol.into(),
        external_port: required("external_port", row.external_port)?,
        target: Target {
            port: PortId(row.port),
            fixed_ip: parse("fixed_ip_address", &row.fixed_ip_address)?,
        },
        internal_port: required("internal_port", row.internal_port)?,
    })
}

/// Reads `DESTINATION NEXTHOP`.
fn route(text: &str) -> Result<Route, Wrong> {
    let column = "routes";
    let Some((destination, nexthop)) = text.split_once(' ') else {
        let expected = "expected a destination and a next hop";
        return Err(Wrong::new(column, format!("\"{text}\": {expected}")));
    };
    Ok(Route {
        destination: block(column, destination)?,
        nexthop: parse(column, nexthop)?,
    })
}

fn rule(row: &SecurityGroupRule) -> Result<Rule, Wrong> {
    let remote_ip_prefix = row.remote_ip_prefix.as_deref();
    Ok(Rule::new(&RuleAttributes {
        id: RuleId(row.uuid),
        direction: match row.direction {
            Direction::Ingress => network::Direction::Ingress,
            Direction::Egress => network::Direction::Egress,
        },
        ethertype: match row.ethertype {
            super::tables::Ethertype::Ipv4 => Ethertype::Ipv4,
            super::tables::Ethertype::Ipv6 => Ethertype::Ipv6,
        },
        // Neutron's word for protocol 0.
        protocol: row
            .protocol
            .as_deref()
            .map(|word| if word == "ip" { "0" } else { word }),
        port_range_min: number("port_range_min", row.port_range_min)?,
        port_range_max: number("port_range_max", row.port_range_max)?,
        remote_ip_prefix: remote_ip_prefix
            .map(|text| block("remote_ip_prefix", text).map(|block| block.trunc()))
            .transpose()?,
        remote_group: row.remote_group.map(SecurityGroupId),
        remote_address_group: row.remote_address_group.map(AddressGroupId),
    })?)
}

fn log(row: &Log) -> network::Log {
    network::Log {
        id: LogId(row.uuid),
        name: row.name.clone(),
        project: row.project.clone(),
        enabled: row.enabled,
        event: match row.event {
            LogEvent::Accept => network::LogEvent::Accept,
            LogEvent::Drop => network::LogEvent::Drop,
            LogEvent::All => network::LogEvent::All,
        },
        security_group: row.security_group.map(SecurityGroupId),
        port: row.port.map(PortId),
    }
}

/// Reads `BLOCK` or `BLOCK MAC`.
fn address_pair(text: &str) -> Result<AddressPair, Wrong> {
    let column = "allowed_address_pairs";
    let (ip_address, mac_address) = match text.split_once(' ') {
        Some((ip_address, mac_address)) => (ip_address, Some(parse(column, mac_address)?)),
        None => (text, None),
    };
    Ok(AddressPair {
        ip_address: block(column, ip_address)?,
        mac_address,
    })
}

/// Reads a block, or an address, which is a block of one.
fn block(column: &'static str, text: &str) -> Result<IpNet, Wrong> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => parse(column, text),
    }
}

fn parse<T: FromStr>(column: &'static str, text: &str) -> Result<T, Wrong>
where
    T::Err: fmt::Display,
{
    text.parse()
        .map_err(|error| Wrong::new(column, format!("\"{text}\": {error}")))
}

fn required<T: TryFrom<i64>>(column: &'static str, number: i64) -> Result<T, Wrong> {
    T::try_from(number).map_err(|_| Wrong::new(column, format!("{number} is out of range")))
}

fn number<T: TryFrom<i64>>(column: &'static str, number: Option<i64>) -> Result<Option<T>, Wrong> {
    number.map(|number| required(column, number)).transpose()
}

/// A row that people may know by a name.
trait Named {
    fn identity(&self) -> (&str, Uuid);
}

macro_rules! named {
    ($($row:ident)*) => {$(
        impl Named for $row {
            fn identity(&self) -> (&str, Uuid) {
                (&self.name, self.uuid)
            }
        }
    )*};
}

named!(Network Subnet AddressGroup SecurityGroup Port Trunk Router Log Host);

impl Named for FloatingIp {
    fn identity(&self) -> (&str, Uuid) {
        ("", self.uuid)
    }
}

impl Named for PortForwarding {
    fn identity(&self) -> (&str, Uuid) {
        ("", self.uuid)
    }
}

impl Named for SecurityGroupRule {
    fn identity(&self) -> (&str, Uuid) {
        ("", self.uuid)
    }
}
