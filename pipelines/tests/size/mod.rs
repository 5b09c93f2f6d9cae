//! Networks of any size, in the shape that most have: a default group, many ports, other hosts.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use openflow::field::PortNo;
use pipelines::{
    network::{
        Direction, ETHERNET_MTU, EncapType, Ethertype, FloatingIp, FloatingIpId, Gateway, Host,
        HostName, MacAddr, Model, Network, NetworkId, Objects, PhysicalNetwork, Port, PortId,
        Router, RouterId, Rule, RuleAttributes, RuleId, SecurityGroup, SecurityGroupId, Segment,
        Subnet, SubnetId, Target, VlanId,
    },
    routing::FIRST_ROUTER,
    site::{ProviderPatch, Site},
};
use uuid::Uuid;

/// Ports of a network on this host.
const PORTS_OF_NETWORK: u32 = 50;

fn id(kind: u128, number: u32) -> Uuid {
    Uuid::from_u128((kind << 120) | (u128::from(number) << 80))
}

/// One host with so many ports, and so many others with one port in each network.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) ports: u32,
    pub(crate) hosts: u32,
    pub(crate) networks: u32,
    /// Networks that have a local VLAN and no port.
    pub(crate) empty_networks: u32,
    /// Rules of the group that let members in, each to another port of TCP.
    pub(crate) rules: u32,
    /// Whether there is the group, with all ports in it.
    pub(crate) grouped: bool,
    /// Routers, each with a network of its own, one port there, and a floating IP for that.
    pub(crate) routers: u32,
}

impl Size {
    pub(crate) fn new(ports: u32, hosts: u32) -> Self {
        let networks = ports.div_ceil(PORTS_OF_NETWORK);
        Self {
            ports,
            hosts,
            networks,
            empty_networks: 0,
            rules: 0,
            grouped: true,
            routers: 0,
        }
    }

    pub(crate) fn site(self) -> Site {
        let networks = self.networks;
        let group = self.grouped.then(|| security_group(self.rules));
        let groups: Vec<_> = group.iter().map(|group| group.id).collect();
        let port = |number, host, network| port(number, host, network, &groups);
        let local = (0..self.ports).map(|number| port(number, 0, number % networks));
        // Remote ports spread over the networks.
        let remote = (1..=self.hosts).map(|host| port(0x10_0000 + host, host, host % networks));
        let routed = (0..self.routers).map(|number| port(ROUTED + number, 0, ROUTED + number));
        let local = local.chain(routed);
        let outside = (self.routers > 0).then(outside);
        let behind = (0..self.routers).map(|number| network(ROUTED + number));
        let networks_in_all = (0..networks + self.empty_networks).map(network);
        let objects = Objects {
            address_groups: Vec::new(),
            networks: networks_in_all.chain(behind).chain(outside).collect(),
            security_groups: group.into_iter().collect(),
            ports: (local.chain(remote))
                .chain((0..self.routers).flat_map(router_ports))
                .collect(),
            trunks: Vec::new(),
            routers: (0..self.routers).map(router).collect(),
            floating_ips: (0..self.routers).map(floating_ip).collect(),
            logs: Vec::new(),
            hosts: (0..=self.hosts).map(host).collect(),
        };
        let model = Model::new(objects).unwrap_or_else(|problems| unreachable!("{problems:?}"));
        let mut site = Site::new(Arc::new(model), HostName("host0".to_owned()));
        site.patch_tun = Some(PortNo(1));
        site.patch_int = Some(PortNo(1));
        site.bindings = (0..self.ports)
            .map(|number| (PortId(id(2, number)), PortNo(10 + number)))
            .collect();
        for number in 0..networks + self.empty_networks {
            let vlan = VlanId::new(number + 1).unwrap_or(VlanId::MAX);
            site.local_vlans.insert(NetworkId(id(1, number)), vlan);
        }
        self.route(&mut site);
        for number in 1..=self.hosts {
            let tunnel = (EncapType::Vxlan, endpoint(number).into());
            site.tunnels.insert(tunnel, PortNo(100 + number));
        }
        site
    }

    /// Gives routers their numbers, and what is with them.
    fn route(self, site: &mut Site) {
        let first = self.networks + self.empty_networks + 1;
        let vlan = |number| VlanId::new(number).unwrap_or(VlanId::MAX);
        for number in 0..self.routers {
            let network = NetworkId(id(1, ROUTED + number));
            site.local_vlans.insert(network, vlan(first + 1 + number));
            let plugged = PortId(id(2, ROUTED + number));
            site.bindings.insert(plugged, PortNo(20_000 + number));
            let zone = FIRST_ROUTER + u16::try_from(number).unwrap_or_default();
            site.routers.insert(RouterId(id(6, number)), zone);
        }
        if self.routers > 0 {
            let patch = ProviderPatch {
                int: PortNo(3),
                phy: PortNo(1),
            };
            site.local_vlans
                .insert(NetworkId(id(1, OUTSIDE)), vlan(first));
            site.providers
                .insert(PhysicalNetwork::from("physnet1"), patch);
        }
    }
}

/// Where the numbers of networks and ports with a router start, and those of the routers' ports.
const ROUTED: u32 = 0x20_0000;
const INTERFACES: u32 = 0x30_0000;
const GATEWAYS: u32 = 0x40_0000;
const FLOATING: u32 = 0x50_0000;
/// The number of the external network.
const OUTSIDE: u32 = 0x60_0000;

fn outside() -> Network {
    Network {
        segment: Segment::Flat {
            physical_network: PhysicalNetwork::from("physnet1"),
        },
        ..network(OUTSIDE)
    }
}

/// The interface, the gateway and the floating IP of a router, as ports.
fn router_ports(number: u32) -> [Port; 3] {
    let part = |first, network| Port {
        host: None,
        port_security_enabled: false,
        ..port(first + number, 0, network, &[])
    };
    [
        part(INTERFACES, ROUTED + number),
        part(GATEWAYS, OUTSIDE),
        part(FLOATING, OUTSIDE),
    ]
}

fn router(number: u32) -> Router {
    Router {
        id: RouterId(id(6, number)),
        name: format!("router{number}"),
        project: "default".to_owned(),
        admin_state_up: true,
        interfaces: vec![PortId(id(2, INTERFACES + number))],
        gateway: Some(Gateway {
            port: PortId(id(2, GATEWAYS + number)),
            enable_snat: true,
        }),
        routes: Vec::new(),
    }
}

fn floating_ip(number: u32) -> FloatingIp {
    let target = port(ROUTED + number, 0, 0, &[]);
    let fixed_ip = target.fixed_ips.iter().find_map(|ip| match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    });
    FloatingIp {
        id: FloatingIpId(id(7, number)),
        project: "default".to_owned(),
        port: PortId(id(2, FLOATING + number)),
        router: Some(RouterId(id(6, number))),
        port_forwardings: Vec::new(),
        target: fixed_ip.map(|fixed_ip| Target {
            port: target.id,
            fixed_ip,
        }),
    }
}

fn endpoint(host: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(172, 16, 0, 1).to_bits() + host)
}

fn host(number: u32) -> Host {
    Host {
        name: HostName(format!("host{number}")),
        encap_ip: Some(endpoint(number).into()),
        encap_types: BTreeSet::from([EncapType::Vxlan]),
        // The first leads outside.
        bridge_mappings: (number == 0)
            .then(|| (PhysicalNetwork::from("physnet1"), "br-ex".to_owned()))
            .into_iter()
            .collect(),
        mtu: ETHERNET_MTU,
        gateway_priority: 0,
        preemptive: false,
    }
}

/// What the addresses of a network start with.
fn first_byte(network: u32) -> u8 {
    match network {
        OUTSIDE => 11,
        _ => 10,
    }
}

fn network(number: u32) -> Network {
    let block = ipnet::Ipv4Net::new_assert(Ipv4Addr::new(first_byte(number), 0, 0, 0), 8);
    let subnet = Subnet::new(SubnetId(id(4, number)), String::new(), block.into(), None);
    Network {
        id: NetworkId(id(1, number)),
        name: format!("network{number}"),
        project: "default".to_owned(),
        segment: Segment::Vxlan { vni: number + 1 },
        mtu: None,
        dns_domain: String::new(),
        igmp_snooping: None,
        subnets: subnet.into_iter().collect(),
    }
}

/// Neutron's default group, everything out and in from its members, and more rules.
fn security_group(rules: u32) -> SecurityGroup {
    let group = SecurityGroupId(id(3, 0));
    let default = [
        (Direction::Egress, Ethertype::Ipv4, None),
        (Direction::Egress, Ethertype::Ipv6, None),
        (Direction::Ingress, Ethertype::Ipv4, Some(group)),
        (Direction::Ingress, Ethertype::Ipv6, Some(group)),
    ];
    let more = (0..rules).map(|_| (Direction::Ingress, Ethertype::Ipv4, Some(group)));
    let rule = |(number, (direction, ethertype, remote_group)): (u32, _)| {
        let port = number.checked_sub(4).map(|more| 1000 + 2 * more);
        let attributes = RuleAttributes {
            id: RuleId(id(5, number)),
            direction,
            ethertype,
            protocol: port.map(|_| "tcp"),
            port_range_min: port,
            port_range_max: port,
            remote_ip_prefix: None,
            remote_group,
            remote_address_group: None,
        };
        Rule::new(&attributes)
    };
    SecurityGroup {
        id: group,
        name: "default".to_owned(),
        project: "default".to_owned(),
        stateful: true,
        rules: (0..)
            .zip(default.into_iter().chain(more))
            .flat_map(rule)
            .collect(),
    }
}

fn port(number: u32, host: u32, network: u32, groups: &[SecurityGroupId]) -> Port {
    let [_, a, b, c] = number.to_be_bytes();
    Port {
        id: PortId(id(2, number)),
        name: format!("port{number}"),
        project: "default".to_owned(),
        network: NetworkId(id(1, network)),
        mac_address: MacAddr([0xfa, 0x16, 0x3e, a, b, c]),
        fixed_ips: vec![Ipv4Addr::new(first_byte(network), a, b, c).into()],
        security_groups: groups.to_vec(),
        port_security_enabled: true,
        allowed_address_pairs: Vec::new(),
        admin_state_up: true,
        host: Some(HostName(format!("host{host}"))),
        migrating_to: None,
        dns_name: String::new(),
        extra_dhcp_opts: Default::default(),
        machine: Default::default(),
    }
}
