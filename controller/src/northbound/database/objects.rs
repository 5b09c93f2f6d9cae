//! From rows to the desired network.
//!
//! The schema refuses much, but not all: an address is a text to it. A row that is wrong is left
//! out and told, and so is what cannot be right without it; the others are in effect.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use ovsdb::Uuid;
use pipelines::network::{
    self, AddressGroupId, AddressPair, Ethertype, ExtraDhcpOptions, FloatingIpId, Gateway,
    HostName, LogId, Model, NetworkId, NetworkType, Objects, PhysicalNetwork, PortForwardingId,
    PortId, Route, RouterId, Rule, RuleAttributes, RuleId, SecurityGroupId, SubPort, SubnetId,
    Target, TrunkId, VlanId,
};

use super::machine::machine;
use super::tables::{
    AddressGroup, Direction, EncapType, FloatingIp, Host, Log, LogEvent, Network, Northbound,
    OWNER_OF_GATEWAY, Port, PortForwarding, Router, SecurityGroup, SecurityGroupRule, Subnet,
    Trunk,
};

/// The least that every network carries (RFC 791), whatever is asked for.
const LEAST_MTU: i64 = 68;

/// What the rows describe.
#[derive(Debug)]
pub(crate) struct Described {
    /// The network.
    pub(crate) model: Model,
    /// Each row that is left out, with the column that is wrong.
    pub(crate) left_out: Vec<String>,
}

/// Reads all rows.
pub(crate) fn describe(rows: &Northbound) -> Described {
    let mut reader = Reader {
        rows,
        left_out: Vec::new(),
    };
    let objects = reader.objects();
    let mut left_out = reader.left_out;
    let (model, problems) = Model::valid_part(objects);
    left_out.extend(problems.iter().map(ToString::to_string));
    Described { model, left_out }
}

struct Reader<'a> {
    rows: &'a Northbound,
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

impl From<network::InvalidField> for Wrong {
    fn from(invalid: network::InvalidField) -> Self {
        Self::new(invalid.field, invalid.problem)
    }
}

impl Reader<'_> {
    fn objects(&mut self) -> Objects {
        let rows = self.rows;
        Objects {
            networks: self.each("network", rows.networks.iter(), Self::network),
            address_groups: self.each("address group", rows.address_groups.iter(), |_, row| {
                address_group(row)
            }),
            security_groups: self.each(
                "security group",
                rows.security_groups.iter(),
                Self::security_group,
            ),
            ports: self.each("port", rows.ports.iter(), Self::port),
            trunks: self.each("trunk", rows.trunks.iter(), Self::trunk),
            routers: self.each("router", rows.routers.iter(), Self::router),
            floating_ips: self.each("floating IP", rows.floating_ips.iter(), Self::floating_ip),
            logs: self.each("log", rows.logs.iter(), |_, row| Ok(log(row))),
            hosts: self.each("host", rows.hosts.iter(), |_, row| host(row)),
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
            Err(Wrong { column, problem }) => {
                let (name, uuid) = row.identity();
                let label = match name {
                    "" => uuid.to_string(),
                    name => format!("{name} ({uuid})"),
                };
                self.left_out
                    .push(format!("{kind} {label}: {column}: {problem}"));
                None
            }
        };
        rows.filter_map(read).collect()
    }

    fn network(&mut self, row: &Network) -> Result<network::Network, Wrong> {
        let mut segments = self.rows.segments.index().by_network.all(row.uuid);
        let segment = match (segments.next(), segments.next()) {
            (Some(_), Some(_)) => {
                return Err(Wrong::new("segments", "several, expected one at most"));
            }
            (Some(segment), None) => network::Segment::new(
                parse("network_type", segment.network_type.as_str())?,
                segment
                    .physical_network
                    .as_deref()
                    .map(PhysicalNetwork::from),
                number("segmentation_id", segment.segmentation_id)?,
            )?,
            (None, _) => network::Segment::new(NetworkType::Local, None, None)?,
        };
        let subnets = self.rows.subnets.index().by_network.all(row.uuid);
        Ok(network::Network {
            id: NetworkId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            segment,
            mtu: number("mtu", row.mtu.map(|mtu| mtu.max(LEAST_MTU)))?,
            dns_domain: row.dns_domain.clone(),
            subnets: self.each("subnet", subnets, |_, row| subnet(row)),
        })
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
        let addresses = self.rows.addresses.index().by_port.all(row.uuid);
        let addresses = addresses.map(|address| parse("fixed_ips", &address.ip_address));
        let mut fixed_ips = addresses.collect::<Result<Vec<IpAddr>, _>>()?;
        fixed_ips.sort_unstable();
        let pairs = row.allowed_address_pairs.iter();
        Ok(network::Port {
            id: PortId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            network: NetworkId(row.network),
            mac_address: parse("mac_address", &row.mac_address)?,
            fixed_ips,
            security_groups: row
                .security_groups
                .iter()
                .copied()
                .map(SecurityGroupId)
                .collect(),
            port_security_enabled: row.port_security_enabled,
            allowed_address_pairs: pairs
                .map(|pair| address_pair(pair))
                .collect::<Result<_, _>>()?,
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

    fn trunk(&mut self, row: &Trunk) -> Result<network::Trunk, Wrong> {
        let sub_ports = self.rows.sub_ports.index().by_trunk.all(row.uuid);
        let sub_ports = sub_ports.map(|sub_port| {
            let vlan = required("segmentation_id", sub_port.segmentation_id)?;
            Ok(SubPort {
                port: PortId(sub_port.port),
                vlan: VlanId::new(vlan).map_err(|problem| problem.of("segmentation_id"))?,
            })
        });
        Ok(network::Trunk {
            id: TrunkId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            port: PortId(row.port),
            sub_ports: sub_ports.collect::<Result<_, Wrong>>()?,
        })
    }

    fn router(&mut self, row: &Router) -> Result<network::Router, Wrong> {
        let ports = self.rows.ports.index().by_router.all(row.uuid);
        let (outside, interfaces): (Vec<_>, Vec<_>) =
            ports.partition(|port| port.device_owner == OWNER_OF_GATEWAY);
        let gateway = outside.first().map(|port| Gateway {
            port: PortId(port.uuid),
            enable_snat: row.enable_snat,
        });
        Ok(network::Router {
            id: RouterId(row.uuid),
            name: row.name.clone(),
            project: row.project.clone(),
            admin_state_up: row.admin_state_up,
            interfaces: interfaces.iter().map(|port| PortId(port.uuid)).collect(),
            gateway,
            routes: row
                .routes
                .iter()
                .map(|text| route(text))
                .collect::<Result<_, _>>()?,
        })
    }

    fn floating_ip(&mut self, row: &FloatingIp) -> Result<network::FloatingIp, Wrong> {
        let fixed_ip = row.fixed_ip_address.as_deref();
        let fixed_ip = fixed_ip
            .map(|ip| parse("fixed_ip_address", ip))
            .transpose()?;
        let target = match (row.port, fixed_ip) {
            (Some(port), Some(fixed_ip)) => Some(Target {
                port: PortId(port),
                fixed_ip,
            }),
            _ => None,
        };
        let forwardings = &self.rows.port_forwardings.index().by_floating_ip;
        let forwardings = forwardings.all(row.uuid);
        let forwardings: Vec<_> = forwardings.cloned().collect();
        let forwardings = forwardings.iter();
        Ok(network::FloatingIp {
            id: FloatingIpId(row.uuid),
            project: row.project.clone(),
            port: PortId(row.address_port),
            router: row.router.map(RouterId),
            target,
            port_forwardings: self.each("port forwarding", forwardings, |_, row| {
                port_forwarding(row)
            }),
        })
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

fn subnet(row: &Subnet) -> Result<network::Subnet, Wrong> {
    let gateway_ip = row.gateway_ip.as_deref();
    let gateway_ip = gateway_ip.map(|ip| parse("gateway_ip", ip)).transpose()?;
    let cidr = parse("cidr", &row.cidr)?;
    let id = SubnetId(row.uuid);
    let servers = row.dns_nameservers.values();
    let servers = servers.map(|server| parse("dns_nameservers", server));
    let routes = row.host_routes.iter();
    let routes = routes.map(|route| parse("host_routes", route));
    let mut subnet = network::Subnet::new(id, row.name.clone(), cidr, gateway_ip)?;
    subnet.enable_dhcp = row.enable_dhcp;
    subnet.dns_nameservers = servers.collect::<Result<_, _>>()?;
    subnet.host_routes = routes.collect::<Result<_, _>>()?;
    subnet.ipv6_ra_mode = row.ipv6_ra_mode.map(Into::into);
    subnet.ipv6_address_mode = row.ipv6_address_mode.map(Into::into);
    Ok(subnet)
}

fn address_group(row: &AddressGroup) -> Result<network::AddressGroup, Wrong> {
    let addresses = row.addresses.iter().map(|text| block("addresses", text));
    Ok(network::AddressGroup {
        id: AddressGroupId(row.uuid),
        name: row.name.clone(),
        project: row.project.clone(),
        addresses: addresses.collect::<Result<_, _>>()?,
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
        protocol: row.protocol.as_deref(),
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

fn host(row: &Host) -> Result<network::Host, Wrong> {
    let encap_ip = row.encap_ip.as_deref();
    let mappings = row.bridge_mappings.iter();
    Ok(network::Host {
        name: HostName::from(row.name.as_str()),
        encap_ip: encap_ip.map(|ip| parse("encap_ip", ip)).transpose()?,
        encap_types: (row.encap_types.iter())
            .map(|encap_type| match encap_type {
                EncapType::Vxlan => network::EncapType::Vxlan,
                EncapType::Gre => network::EncapType::Gre,
                EncapType::Geneve => network::EncapType::Geneve,
            })
            .collect(),
        bridge_mappings: mappings
            .map(|(physical_network, bridge)| {
                let physical_network = PhysicalNetwork::from(physical_network.as_str());
                (physical_network, bridge.clone())
            })
            .collect::<BTreeMap<_, _>>(),
        mtu: required("mtu", row.mtu)?,
        gateway_priority: required("gateway_priority", row.gateway_priority)?,
    })
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
