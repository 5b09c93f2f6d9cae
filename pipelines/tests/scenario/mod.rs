//! Reads a scenario: what is desired, and the numbers that the host gave to it.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use ipnet::IpNet;
use openflow::field::{EthType, PortNo};
use pipelines::{
    network::{
        AddressGroup, AddressGroupId, AddressPair, ETHERNET_MTU, EncapType, FloatingIp,
        FloatingIpId, Gateway, Host, HostName, Log, LogId, Model, Network, NetworkId, Objects,
        PhysicalNetwork, Port, PortForwarding, PortForwardingId, PortId, Route, Router, RouterId,
        Rule, RuleAttributes, RuleId, SecurityGroup, SecurityGroupId, Segment, SubPort, Subnet,
        SubnetId, Target, Trunk, TrunkId, VlanId,
    },
    site::{ProviderPatch, Site},
};
use serde::Deserialize;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    host: String,
    hosts: Vec<HostEntry>,
    networks: Vec<NetworkEntry>,
    #[serde(default)]
    address_groups: Vec<AddressGroupEntry>,
    security_groups: Vec<GroupEntry>,
    ports: Vec<PortEntry>,
    #[serde(default)]
    trunks: Vec<TrunkEntry>,
    #[serde(default)]
    routers: Vec<RouterEntry>,
    #[serde(default)]
    floating_ips: Vec<FloatingIpEntry>,
    #[serde(default)]
    logs: Vec<LogEntry>,
    /// In hexadecimal.
    #[serde(default)]
    permitted_ethertypes: Vec<String>,
    #[serde(default)]
    igmp_snooping: bool,
    patch_tun: u32,
    patch_int: u32,
    /// Both ends of the patch to each physical network.
    providers: BTreeMap<String, [u32; 2]>,
    /// The number of each tunnel, by type and remote address.
    tunnels: BTreeMap<String, BTreeMap<IpAddr, u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostEntry {
    name: String,
    encap_ip: IpAddr,
    encap_types: Option<Vec<String>>,
    #[serde(default)]
    bridge_mappings: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkEntry {
    name: String,
    network_type: String,
    physical_network: Option<String>,
    segmentation_id: Option<u32>,
    /// Each with its gateway, if it has one.
    subnets: Vec<String>,
    local_vlan: Option<u32>,
    igmp_snooping: Option<bool>,
    /// Whether DHCP answers in each subnet.
    #[serde(default)]
    enable_dhcp: bool,
    /// What router advertisements say in each subnet of IPv6.
    ipv6_ra_mode: Option<String>,
    /// How machines come to their addresses in each subnet of IPv6.
    ipv6_address_mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressGroupEntry {
    name: String,
    addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    name: String,
    stateful: Option<bool>,
    rules: Vec<RuleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    direction: String,
    ethertype: String,
    protocol: Option<String>,
    port_range_min: Option<u32>,
    port_range_max: Option<u32>,
    remote_ip_prefix: Option<String>,
    remote_group: Option<String>,
    remote_address_group: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortEntry {
    name: String,
    id: Option<Uuid>,
    network: String,
    mac_address: String,
    fixed_ips: Vec<IpAddr>,
    #[serde(default)]
    security_groups: Vec<String>,
    port_security_enabled: Option<bool>,
    #[serde(default)]
    allowed_address_pairs: Vec<PairEntry>,
    admin_state_up: Option<bool>,
    host: Option<String>,
    migrating_to: Option<String>,
    ofport: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrunkEntry {
    /// The parent's name, and that of each sub-port with its VLAN.
    port: String,
    sub_ports: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouterEntry {
    name: String,
    /// The number that the host gave it.
    number: Option<u16>,
    /// The names of its ports.
    interfaces: Vec<String>,
    gateway: Option<String>,
    enable_snat: Option<bool>,
    /// The next hop of each destination.
    #[serde(default)]
    routes: BTreeMap<String, IpAddr>,
}

#[derive(Deserialize)]
struct FloatingIpEntry {
    address_port: String,
    router: String,
    #[serde(flatten)]
    target: Option<TargetEntry>,
    #[serde(default)]
    port_forwardings: Vec<PortForwardingEntry>,
}

#[derive(Clone, Deserialize)]
struct TargetEntry {
    port: String,
    fixed_ip_address: Ipv4Addr,
}

#[derive(Deserialize)]
struct PortForwardingEntry {
    protocol: String,
    external_port: u16,
    internal_port: u16,
    #[serde(flatten)]
    target: TargetEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogEntry {
    name: String,
    enabled: Option<bool>,
    event: String,
    security_group: Option<String>,
    port: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairEntry {
    ip_address: String,
    mac_address: Option<String>,
}

/// The site that a scenario describes.
pub(crate) fn read(name: &str) -> Site {
    read_with_objects(name).1
}

/// The folder that holds the scenarios.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// The site that a scenario describes, and what it was built from.
pub(crate) fn read_with_objects(name: &str) -> (Objects, Site) {
    let text = fs::read_to_string(folder().join(name).join("network.json")).unwrap();
    let scenario: Scenario = serde_json::from_str(&text).unwrap();
    let objects = objects(&scenario);
    let model = Model::new(objects.clone()).unwrap();
    let mut site = Site::new(Arc::new(model), HostName(scenario.host));
    for network in &scenario.networks {
        if let Some(vlan) = network.local_vlan {
            site.local_vlans
                .insert(network_id(&network.name), VlanId::new(vlan).unwrap());
        }
    }
    for port in &scenario.ports {
        if let Some(ofport) = port.ofport {
            site.bindings.insert(port_id(port), PortNo(ofport));
        }
    }
    for router in &scenario.routers {
        if let Some(number) = router.number {
            site.routers.insert(router_id(&router.name), number);
        }
    }
    let permitted = scenario.permitted_ethertypes.iter();
    site.permitted_ethertypes = permitted
        .map(|text| EthType(u16::from_str_radix(text, 16).unwrap()))
        .collect();
    site.igmp_snooping = scenario.igmp_snooping;
    site.patch_tun = Some(PortNo(scenario.patch_tun));
    site.patch_int = Some(PortNo(scenario.patch_int));
    for (physical_network, [int, phy]) in &scenario.providers {
        let patch = ProviderPatch {
            int: PortNo(*int),
            phy: PortNo(*phy),
        };
        site.providers
            .insert(PhysicalNetwork::from(physical_network.as_str()), patch);
    }
    for (encap_type, tunnels) in &scenario.tunnels {
        let encap_type: EncapType = encap_type.parse().unwrap();
        site.tunnels.extend(
            tunnels
                .iter()
                .map(|(ip, port)| ((encap_type, *ip), PortNo(*port))),
        );
    }
    (objects, site)
}

fn objects(scenario: &Scenario) -> Objects {
    Objects {
        hosts: scenario.hosts.iter().map(host).collect(),
        networks: scenario.networks.iter().map(network).collect(),
        address_groups: scenario.address_groups.iter().map(address_group).collect(),
        security_groups: scenario
            .security_groups
            .iter()
            .map(security_group)
            .collect(),
        ports: scenario.ports.iter().map(port).collect(),
        trunks: scenario
            .trunks
            .iter()
            .map(|entry| trunk(entry, scenario))
            .collect(),
        routers: scenario
            .routers
            .iter()
            .map(|entry| router(entry, scenario))
            .collect(),
        floating_ips: scenario
            .floating_ips
            .iter()
            .map(|entry| floating_ip(entry, scenario))
            .collect(),
        logs: scenario
            .logs
            .iter()
            .map(|entry| log(entry, scenario))
            .collect(),
    }
}

fn log(entry: &LogEntry, scenario: &Scenario) -> Log {
    let mut ports = scenario.ports.iter();
    let port = entry.port.as_ref();
    Log {
        id: LogId(derived("log", &entry.name)),
        name: entry.name.clone(),
        project: "default".to_owned(),
        enabled: entry.enabled.unwrap_or(true),
        event: entry.event.parse().unwrap(),
        security_group: entry.security_group.as_deref().map(group_id),
        port: port.map(|name| port_id(ports.find(|port| port.name == *name).unwrap())),
    }
}

fn host(entry: &HostEntry) -> Host {
    let types = entry.encap_types.as_ref();
    Host {
        name: HostName(entry.name.clone()),
        encap_ip: Some(entry.encap_ip),
        encap_types: match types {
            Some(types) => types.iter().map(|text| text.parse().unwrap()).collect(),
            None => EncapType::ALL.into(),
        },
        bridge_mappings: (entry.bridge_mappings.iter())
            .map(|(network, bridge)| (PhysicalNetwork::from(network.as_str()), bridge.clone()))
            .collect(),
        mtu: ETHERNET_MTU,
        gateway_priority: 0,
        preemptive: false,
    }
}

fn network(entry: &NetworkEntry) -> Network {
    let network_type = entry.network_type.parse().unwrap();
    let physical_network = entry.physical_network.as_deref().map(PhysicalNetwork::from);
    let subnet = |text: &String| {
        let (cidr, gateway) = match text.split_once(' ') {
            Some((cidr, gateway)) => (cidr, Some(gateway.parse().unwrap())),
            None => (text.as_str(), None),
        };
        let id = SubnetId(derived("subnet", &format!("{} {cidr}", entry.name)));
        let cidr: IpNet = cidr.parse().unwrap();
        let mut subnet = Subnet::new(id, String::new(), cidr, gateway).unwrap();
        subnet.enable_dhcp = entry.enable_dhcp;
        let mode = |mode: &Option<String>| {
            let mode = mode.as_ref().filter(|_| cidr.network().is_ipv6());
            mode.map(|mode| mode.parse().unwrap())
        };
        subnet.ipv6_ra_mode = mode(&entry.ipv6_ra_mode);
        subnet.ipv6_address_mode = mode(&entry.ipv6_address_mode);
        subnet
    };
    Network {
        id: network_id(&entry.name),
        name: entry.name.clone(),
        project: "default".to_owned(),
        segment: Segment::new(network_type, physical_network, entry.segmentation_id).unwrap(),
        mtu: None,
        dns_domain: String::new(),
        igmp_snooping: entry.igmp_snooping,
        subnets: entry.subnets.iter().map(subnet).collect(),
    }
}

fn address_group(entry: &AddressGroupEntry) -> AddressGroup {
    let addresses = entry.addresses.iter();
    AddressGroup {
        id: address_group_id(&entry.name),
        name: entry.name.clone(),
        project: "default".to_owned(),
        addresses: addresses.map(|text| text.parse().unwrap()).collect(),
    }
}

fn security_group(entry: &GroupEntry) -> SecurityGroup {
    let rule = |(index, rule): (usize, &RuleEntry)| {
        let attributes = RuleAttributes {
            id: RuleId(derived("rule", &format!("{} {index}", entry.name))),
            direction: rule.direction.parse().unwrap(),
            ethertype: rule.ethertype.parse().unwrap(),
            protocol: rule.protocol.as_deref(),
            port_range_min: rule.port_range_min,
            port_range_max: rule.port_range_max,
            remote_ip_prefix: rule
                .remote_ip_prefix
                .as_ref()
                .map(|text| text.parse().unwrap()),
            remote_group: rule.remote_group.as_deref().map(group_id),
            remote_address_group: rule.remote_address_group.as_deref().map(address_group_id),
        };
        Rule::new(&attributes).unwrap()
    };
    SecurityGroup {
        id: group_id(&entry.name),
        name: entry.name.clone(),
        project: "default".to_owned(),
        stateful: entry.stateful.unwrap_or(true),
        rules: entry.rules.iter().enumerate().map(rule).collect(),
    }
}

fn port(entry: &PortEntry) -> Port {
    let pair = |pair: &PairEntry| AddressPair {
        ip_address: pair.ip_address.parse().unwrap(),
        mac_address: pair.mac_address.as_ref().map(|text| text.parse().unwrap()),
    };
    Port {
        id: port_id(entry),
        name: entry.name.clone(),
        project: "default".to_owned(),
        network: network_id(&entry.network),
        mac_address: entry.mac_address.parse().unwrap(),
        fixed_ips: entry.fixed_ips.clone(),
        security_groups: entry
            .security_groups
            .iter()
            .map(|name| group_id(name))
            .collect(),
        port_security_enabled: entry.port_security_enabled.unwrap_or(true),
        allowed_address_pairs: entry.allowed_address_pairs.iter().map(pair).collect(),
        admin_state_up: entry.admin_state_up.unwrap_or(true),
        host: entry.host.as_deref().map(HostName::from),
        migrating_to: entry.migrating_to.as_deref().map(HostName::from),
        dns_name: String::new(),
        extra_dhcp_opts: Default::default(),
        machine: Default::default(),
    }
}

fn named(name: &str, scenario: &Scenario) -> PortId {
    let mut ports = scenario.ports.iter();
    port_id(ports.find(|port| port.name == name).unwrap())
}

fn router(entry: &RouterEntry, scenario: &Scenario) -> Router {
    let interfaces = entry.interfaces.iter();
    let routes = entry.routes.iter();
    Router {
        id: router_id(&entry.name),
        name: entry.name.clone(),
        project: "default".to_owned(),
        admin_state_up: true,
        interfaces: interfaces.map(|name| named(name, scenario)).collect(),
        gateway: entry.gateway.as_ref().map(|name| Gateway {
            port: named(name, scenario),
            enable_snat: entry.enable_snat.unwrap_or(true),
        }),
        routes: routes
            .map(|(destination, nexthop)| Route {
                destination: destination.parse().unwrap(),
                nexthop: *nexthop,
            })
            .collect(),
    }
}

fn floating_ip(entry: &FloatingIpEntry, scenario: &Scenario) -> FloatingIp {
    FloatingIp {
        id: FloatingIpId(derived("floating IP", &entry.address_port)),
        project: "default".to_owned(),
        port: named(&entry.address_port, scenario),
        router: Some(router_id(&entry.router)),
        target: entry.target.as_ref().map(|entry| target(entry, scenario)),
        port_forwardings: (entry.port_forwardings.iter())
            .map(|forwarding| port_forwarding(forwarding, entry, scenario))
            .collect(),
    }
}

fn port_forwarding(
    entry: &PortForwardingEntry,
    of: &FloatingIpEntry,
    scenario: &Scenario,
) -> PortForwarding {
    let name = format!("{} {}", of.address_port, entry.external_port);
    PortForwarding {
        id: PortForwardingId(derived("port forwarding", &name)),
        protocol: entry.protocol.parse().unwrap(),
        external_port: entry.external_port,
        target: target(&entry.target, scenario),
        internal_port: entry.internal_port,
    }
}

fn target(entry: &TargetEntry, scenario: &Scenario) -> Target {
    Target {
        port: named(&entry.port, scenario),
        fixed_ip: entry.fixed_ip_address,
    }
}

fn router_id(name: &str) -> RouterId {
    RouterId(derived("router", name))
}

fn trunk(entry: &TrunkEntry, scenario: &Scenario) -> Trunk {
    let named = |name: &String| named(name, scenario);
    let sub_port = |(name, vlan): (&String, &u32)| SubPort {
        port: named(name),
        vlan: VlanId::new(*vlan).unwrap(),
    };
    Trunk {
        id: TrunkId(derived("trunk", &entry.port)),
        name: entry.port.clone(),
        project: "default".to_owned(),
        port: named(&entry.port),
        sub_ports: entry.sub_ports.iter().map(sub_port).collect(),
    }
}

fn network_id(name: &str) -> NetworkId {
    NetworkId(derived("network", name))
}

fn address_group_id(name: &str) -> AddressGroupId {
    AddressGroupId(derived("address group", name))
}

fn group_id(name: &str) -> SecurityGroupId {
    SecurityGroupId(derived("security group", name))
}

fn port_id(entry: &PortEntry) -> PortId {
    PortId(entry.id.unwrap_or_else(|| derived("port", &entry.name)))
}

fn derived(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind} {name}").as_bytes())
}
