//! The other way round: a network as a file describes it.
//!
//! What is written is read as the same network: every identifier stands there, and references are
//! identifiers, so that names need not be unique.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use pipelines::network::{Ethertype, IcmpKind, Model, PortProtocol, Rule, Traffic};
use serde::Serialize;

/// The document.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    hosts: Vec<Host>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    other_hosts: BTreeSet<String>,
    networks: Vec<Network>,
    address_groups: Vec<AddressGroup>,
    security_groups: Vec<SecurityGroup>,
    ports: Vec<Port>,
    trunks: Vec<Trunk>,
    routers: Vec<Router>,
    floating_ips: Vec<FloatingIp>,
    logs: Vec<Log>,
}

#[derive(Debug, Serialize)]
struct Host {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encap_ip: Option<String>,
    encap_types: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bridge_mappings: BTreeMap<String, String>,
    mtu: u16,
    #[serde(skip_serializing_if = "is_default")]
    gateway_priority: u16,
    #[serde(skip_serializing_if = "is_default")]
    preemptive: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What every object has.
#[derive(Debug, Serialize)]
struct Identity {
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    project: String,
}

#[derive(Debug, Serialize)]
struct Network {
    #[serde(flatten)]
    identity: Identity,
    network_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segmentation_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u16>,
    #[serde(skip_serializing_if = "String::is_empty")]
    dns_domain: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    igmp_snooping: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subnets: Vec<Subnet>,
}

#[derive(Debug, Serialize)]
struct Subnet {
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    cidr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_ip: Option<String>,
    enable_dhcp: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns_nameservers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    host_routes: Vec<HostRoute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_ra_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_address_mode: Option<String>,
}

#[derive(Debug, Serialize)]
struct HostRoute {
    destination: String,
    nexthop: String,
}

#[derive(Debug, Serialize)]
struct AddressGroup {
    #[serde(flatten)]
    identity: Identity,
    addresses: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SecurityGroup {
    #[serde(flatten)]
    identity: Identity,
    stateful: bool,
    rules: Vec<RuleEntry>,
}

#[derive(Debug, Serialize)]
struct RuleEntry {
    id: String,
    direction: String,
    ethertype: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_range_min: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_range_max: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_ip_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_address_group: Option<String>,
}

#[derive(Debug, Serialize)]
struct Port {
    #[serde(flatten)]
    identity: Identity,
    network: String,
    mac_address: String,
    fixed_ips: Vec<String>,
    security_groups: Vec<String>,
    port_security_enabled: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_address_pairs: Vec<AddressPair>,
    admin_state_up: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    migrating_to: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    dns_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_dhcp_opts: Vec<ExtraDhcpOption>,
    #[serde(skip_serializing_if = "String::is_empty")]
    device_id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    public_keys: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_data: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_data_base64: String,
}

#[derive(Debug, Serialize)]
struct ExtraDhcpOption {
    opt_name: String,
    opt_value: String,
    ip_version: u8,
}

#[derive(Debug, Serialize)]
struct AddressPair {
    ip_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_address: Option<String>,
}

#[derive(Debug, Serialize)]
struct Trunk {
    #[serde(flatten)]
    identity: Identity,
    port: String,
    sub_ports: Vec<SubPort>,
}

#[derive(Debug, Serialize)]
struct SubPort {
    port: String,
    segmentation_id: u16,
}

#[derive(Debug, Serialize)]
struct Router {
    #[serde(flatten)]
    identity: Identity,
    admin_state_up: bool,
    interfaces: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<Gateway>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
}

#[derive(Debug, Serialize)]
struct Gateway {
    port: String,
    enable_snat: bool,
}

#[derive(Debug, Serialize)]
struct Route {
    destination: String,
    nexthop: String,
}

#[derive(Debug, Serialize)]
struct FloatingIp {
    id: String,
    project: String,
    address_port: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    router: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    port_forwardings: Vec<PortForwarding>,
}

#[derive(Debug, Serialize)]
struct PortForwarding {
    id: String,
    protocol: String,
    external_port: u16,
    port: String,
    fixed_ip_address: String,
    internal_port: u16,
}

#[derive(Debug, Serialize)]
struct Log {
    #[serde(flatten)]
    identity: Identity,
    enabled: bool,
    event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
}

/// Describes a network.
pub(crate) fn document(model: &Model) -> Document {
    Document {
        hosts: model.hosts().map(host).collect(),
        other_hosts: (model.ports().flat_map(|port| port.hosts()))
            .filter(|host| model.host(host).is_none())
            .map(ToString::to_string)
            .collect(),
        networks: model.networks().map(network).collect(),
        address_groups: (model.address_groups())
            .map(|group| AddressGroup {
                identity: identity(group.id, &group.name, &group.project),
                addresses: texts(&group.addresses),
            })
            .collect(),
        security_groups: (model.security_groups())
            .map(|group| SecurityGroup {
                identity: identity(group.id, &group.name, &group.project),
                stateful: group.stateful,
                rules: group.rules.iter().map(rule).collect(),
            })
            .collect(),
        ports: model.ports().map(port).collect(),
        trunks: model.trunks().map(trunk).collect(),
        routers: model.routers().map(router).collect(),
        floating_ips: (model.floating_ips())
            .map(|floating_ip| FloatingIp {
                id: floating_ip.id.to_string(),
                project: floating_ip.project.clone(),
                address_port: floating_ip.port.to_string(),
                port: text(floating_ip.target.map(|target| target.port)),
                fixed_ip_address: text(floating_ip.target.map(|target| target.fixed_ip)),
                router: text(floating_ip.router),
                port_forwardings: (floating_ip.port_forwardings.iter())
                    .map(port_forwarding)
                    .collect(),
            })
            .collect(),
        logs: (model.logs())
            .map(|log| Log {
                identity: identity(log.id, &log.name, &log.project),
                enabled: log.enabled,
                event: log.event.to_string(),
                security_group: text(log.security_group),
                port: text(log.port),
            })
            .collect(),
    }
}

fn port_forwarding(forwarding: &pipelines::network::PortForwarding) -> PortForwarding {
    PortForwarding {
        id: forwarding.id.to_string(),
        protocol: forwarding.protocol.to_string(),
        external_port: forwarding.external_port,
        port: forwarding.target.port.to_string(),
        fixed_ip_address: forwarding.target.fixed_ip.to_string(),
        internal_port: forwarding.internal_port,
    }
}

fn identity(id: impl ToString, name: &str, project: &str) -> Identity {
    Identity {
        id: id.to_string(),
        name: name.to_owned(),
        project: project.to_owned(),
    }
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn text<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn host(host: &pipelines::network::Host) -> Host {
    let mappings = host.bridge_mappings.iter();
    Host {
        name: host.name.to_string(),
        encap_ip: text(host.encap_ip),
        encap_types: host.encap_types.iter().map(ToString::to_string).collect(),
        bridge_mappings: mappings
            .map(|(physical_network, bridge)| (physical_network.to_string(), bridge.clone()))
            .collect(),
        mtu: host.mtu,
        gateway_priority: host.gateway_priority,
        preemptive: host.preemptive,
    }
}

fn network(network: &pipelines::network::Network) -> Network {
    let segment = &network.segment;
    let subnets = network.subnets.iter().map(|subnet| Subnet {
        id: subnet.id.to_string(),
        name: subnet.name.clone(),
        cidr: subnet.cidr().to_string(),
        gateway_ip: text(subnet.gateway_ip()),
        enable_dhcp: subnet.enable_dhcp,
        dns_nameservers: texts(&subnet.dns_nameservers),
        host_routes: (subnet.host_routes.iter())
            .map(|route| HostRoute {
                destination: route.destination.to_string(),
                nexthop: route.nexthop.to_string(),
            })
            .collect(),
        ipv6_ra_mode: text(subnet.ipv6_ra_mode),
        ipv6_address_mode: text(subnet.ipv6_address_mode),
    });
    Network {
        identity: identity(network.id, &network.name, &network.project),
        network_type: segment.network_type().as_str(),
        physical_network: text(segment.physical_network()),
        segmentation_id: segment.segmentation_id(),
        mtu: network.mtu,
        dns_domain: network.dns_domain.clone(),
        igmp_snooping: network.igmp_snooping,
        subnets: subnets.collect(),
    }
}

/// The attributes `protocol`, `port_range_min` and `port_range_max` of a rule.
pub(crate) fn traffic(rule: &Rule) -> (Option<String>, Option<u16>, Option<u16>) {
    match rule.traffic() {
        Traffic::Any => (None, None, None),
        Traffic::Protocol(protocol) => (Some(protocol.to_string()), None, None),
        Traffic::Ports(protocol, range) => {
            let protocol = match protocol {
                PortProtocol::Tcp => "tcp",
                PortProtocol::Udp => "udp",
                PortProtocol::Sctp => "sctp",
            };
            let (first, last) = (range.first(), range.last());
            (Some(protocol.to_owned()), Some(first), Some(last))
        }
        Traffic::Icmp(IcmpKind {
            icmp_type,
            icmp_code,
        }) => {
            let code = icmp_code.map(u16::from);
            let protocol = match rule.ethertype() {
                Ethertype::Ipv4 => "icmp",
                Ethertype::Ipv6 => "ipv6-icmp",
            };
            (Some(protocol.to_owned()), Some(icmp_type.into()), code)
        }
    }
}

fn rule(rule: &Rule) -> RuleEntry {
    let (protocol, port_range_min, port_range_max) = traffic(rule);
    let remote = rule.remote();
    RuleEntry {
        id: rule.id().to_string(),
        direction: rule.direction().to_string(),
        ethertype: rule.ethertype().to_string(),
        protocol,
        port_range_min,
        port_range_max,
        remote_ip_prefix: match remote {
            pipelines::network::Remote::Block(block) => Some(block.to_string()),
            _ => None,
        },
        remote_group: text(remote.group()),
        remote_address_group: match remote {
            pipelines::network::Remote::AddressGroup(group) => Some(group.to_string()),
            _ => None,
        },
    }
}

fn port(port: &pipelines::network::Port) -> Port {
    let pairs = port.allowed_address_pairs.iter();
    let options = &port.extra_dhcp_opts;
    let options = [(4, &options.v4), (6, &options.v6)];
    let (user_data, user_data_base64) = user_data(&port.machine.user_data);
    Port {
        identity: identity(port.id, &port.name, &port.project),
        network: port.network.to_string(),
        mac_address: port.mac_address.to_string(),
        fixed_ips: texts(&port.fixed_ips),
        security_groups: texts(&port.security_groups),
        port_security_enabled: port.port_security_enabled,
        allowed_address_pairs: pairs
            .map(|pair| AddressPair {
                ip_address: pair.ip_address.to_string(),
                mac_address: text(pair.mac_address),
            })
            .collect(),
        admin_state_up: port.admin_state_up,
        host: text(port.host.as_ref()),
        migrating_to: text(port.migrating_to.as_ref()),
        dns_name: port.dns_name.clone(),
        extra_dhcp_opts: (options.into_iter())
            .flat_map(|(ip_version, options)| {
                options.iter().map(move |(name, value)| ExtraDhcpOption {
                    opt_name: name.clone(),
                    opt_value: value.clone(),
                    ip_version,
                })
            })
            .collect(),
        device_id: port.machine.id.clone(),
        public_keys: port.machine.public_keys.clone(),
        user_data,
        user_data_base64,
    }
}

/// Bytes as text if they are nothing else, and in Base64 otherwise.
fn user_data(data: &[u8]) -> (String, String) {
    let is_plain = |text: &&str| {
        let mut strange = text.chars().filter(|c| c.is_control() && *c != '\n');
        strange.next().is_none()
    };
    match str::from_utf8(data).ok().filter(is_plain) {
        Some(text) => (text.to_owned(), String::new()),
        None => (String::new(), BASE64.encode(data)),
    }
}

fn trunk(trunk: &pipelines::network::Trunk) -> Trunk {
    let sub_ports = trunk.sub_ports.iter().map(|sub_port| SubPort {
        port: sub_port.port.to_string(),
        segmentation_id: sub_port.vlan.get(),
    });
    Trunk {
        identity: identity(trunk.id, &trunk.name, &trunk.project),
        port: trunk.port.to_string(),
        sub_ports: sub_ports.collect(),
    }
}

fn router(router: &pipelines::network::Router) -> Router {
    let routes = router.routes.iter().map(|route| Route {
        destination: route.destination.to_string(),
        nexthop: route.nexthop.to_string(),
    });
    Router {
        identity: identity(router.id, &router.name, &router.project),
        admin_state_up: router.admin_state_up,
        interfaces: texts(&router.interfaces),
        gateway: router.gateway.map(|gateway| Gateway {
            port: gateway.port.to_string(),
            enable_snat: gateway.enable_snat,
        }),
        routes: routes.collect(),
    }
}
