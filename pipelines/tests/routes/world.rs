//! Random routers and what they join, on one host.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;
use openflow::field::PortNo;
use pipelines::{
    bridge::{Bridge, desired},
    network::{
        ETHERNET_MTU, EncapType, FloatingIp, FloatingIpId, ForwardedProtocol, Gateway, Host,
        HostName, MacAddr, Model, Network, NetworkId, Objects, Port, PortForwarding,
        PortForwardingId, PortId, Route, Router, RouterId, Segment, Subnet, SubnetId, Target,
        VlanId,
    },
    routing::FIRST_ROUTER,
    site::{ProviderPatch, Site},
};
use uuid::Uuid;

use super::random::Random;

/// Tenants, each with the same IPv4 addresses.
const TENANTS: u16 = 2;
/// Networks of a tenant: the first router joins the first two, the second the last two.
const NETWORKS: u16 = 3;
/// Machines in a network.
const MACHINES: u16 = 2;

/// The network outside.
pub(super) const OUTSIDE: NetworkId = NetworkId(Uuid::from_u128(1 << 120));
/// The port of br-int that leads there.
pub(super) const WIRE: u32 = 2;
/// Two ports of a network of their own, by which the test tells that the switch has caught up.
pub(super) const SENTINELS: [u32; 2] = [3, 4];
const SENTINEL_NETWORK: NetworkId = NetworkId(Uuid::from_u128(2 << 120));
/// The first number of a machine's port.
const FIRST_PORT: u32 = 10;

/// Everybody outside whom the switch has heard: the next router, whose IPv4 address is outside the
/// block, and somebody else.
pub(super) const NEIGHBOURS: [(MacAddr, Ipv4Addr, Ipv6Addr); 2] = [
    (
        MacAddr([0x02, 0, 0, 0, 0, 1]),
        Ipv4Addr::new(198, 51, 100, 1),
        Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, 1),
    ),
    (
        MacAddr([0x02, 0, 0, 0, 0, 2]),
        Ipv4Addr::new(203, 0, 113, 200),
        Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, 0x200),
    ),
];

/// Routers, networks and machines, as people describe them, and the numbers of the host.
pub(super) struct World {
    pub(super) objects: Objects,
    pub(super) vlans: BTreeMap<NetworkId, u16>,
    /// The machines, with the numbers of their ports.
    pub(super) machines: BTreeMap<PortId, u32>,
}

/// The ports of the bridge.
pub(super) fn numbers() -> Vec<u32> {
    let machines = u32::from(TENANTS * NETWORKS * MACHINES);
    let machines = FIRST_PORT..FIRST_PORT + machines;
    [WIRE]
        .into_iter()
        .chain(SENTINELS)
        .chain(machines)
        .collect()
}

/// The MAC of a machine that tells that the switch has caught up.
pub(super) fn sentinel_mac(number: u32) -> MacAddr {
    MacAddr([0x02, 0, 0, 1, 0, u8::try_from(number).unwrap()])
}

impl World {
    pub(super) fn random(random: &mut Random) -> Self {
        let mut world = Self {
            objects: Objects {
                hosts: vec![host()],
                networks: Vec::new(),
                address_groups: Vec::new(),
                security_groups: Vec::new(),
                ports: Vec::new(),
                trunks: Vec::new(),
                routers: Vec::new(),
                floating_ips: Vec::new(),
                logs: Vec::new(),
            },
            vlans: BTreeMap::new(),
            machines: BTreeMap::new(),
        };
        let outside = [
            "203.0.113.0/24 198.51.100.1",
            "2001:db8:f::/64 2001:db8:f::1",
        ];
        let flat = Segment::Flat {
            physical_network: "physnet1".into(),
        };
        world.network(OUTSIDE, flat, &outside);
        world.network(SENTINEL_NETWORK, Segment::Local, &[]);
        for number in SENTINELS {
            let port = world.port(SENTINEL_NETWORK, sentinel_mac(number), Vec::new(), true);
            world.machines.insert(port, number);
        }
        for tenant in 0..TENANTS {
            world.tenant(tenant, random);
        }
        world
    }

    fn tenant(&mut self, tenant: u16, random: &mut Random) {
        let mut networks = Vec::new();
        let mut machines = Vec::new();
        for place in 0..NETWORKS {
            let number = tenant * NETWORKS + place;
            let network = NetworkId(id(3, number));
            let subnets = [
                format!("10.0.{place}.0/24 10.0.{place}.1"),
                format!("2001:db8:{tenant}:{place}::/64 2001:db8:{tenant}:{place}::1"),
            ];
            self.network(
                network,
                Segment::Local,
                &subnets.each_ref().map(String::as_str),
            );
            for machine in 0..MACHINES {
                let ips = addresses(tenant, place, 11 + machine);
                let mac = mac(0x10, number * MACHINES + machine);
                let port = self.port(network, mac, ips, true);
                let plugged = u32::from(number * MACHINES + machine);
                self.machines.insert(port, FIRST_PORT + plugged);
                machines.push((place, port));
            }
            networks.push(network);
        }
        for place in 0..NETWORKS - 1 {
            // On the network that both join, one is .1 and the other .2.
            let joins = [(place, if place == 0 { 1 } else { 2 }), (place + 1, 1)];
            let interfaces = joins.map(|(joined, own)| {
                let number = (tenant * NETWORKS + place) * 2 + joined - place;
                let network = *networks.get(usize::from(joined)).unwrap();
                let ips = addresses(tenant, joined, own);
                self.port(network, mac(0x20, number), ips, false)
            });
            let other = if place == 0 { 2 } else { 1 };
            let routes = routes(tenant, place, other, random);
            let near = machines
                .iter()
                .filter(|(at, _)| (place..=place + 1).contains(at));
            let near: Vec<PortId> = near.map(|(_, port)| *port).collect();
            self.router(
                tenant * NETWORKS + place,
                interfaces.to_vec(),
                routes,
                &near,
                random,
            );
        }
    }

    fn router(
        &mut self,
        number: u16,
        interfaces: Vec<PortId>,
        routes: Vec<Route>,
        near: &[PortId],
        random: &mut Random,
    ) {
        let router = RouterId(id(5, number));
        let has_gateway = random.percent(75);
        let gateway = has_gateway.then(|| Gateway {
            port: self.outside_port(100 + number, mac(0x30, number)),
            enable_snat: random.percent(70),
        });
        self.objects.routers.push(Router {
            id: router,
            name: format!("router{number}"),
            project: String::new(),
            admin_state_up: true,
            interfaces,
            gateway,
            routes,
        });
        if !has_gateway {
            return;
        }
        let mut forwarded = Vec::new();
        for (place, port) in (0..).zip(near) {
            let target = Target {
                port: *port,
                fixed_ip: self.ipv4(*port),
            };
            let floating = number * 10 + place;
            // Who has a floating IP has one, and nothing is forwarded to it.
            let mut others = self.objects.floating_ips.iter();
            if others.any(|other| other.target == Some(target)) {
                continue;
            }
            let others = self.objects.floating_ips.iter();
            let mut others = others.flat_map(|other| &other.port_forwardings);
            let is_forwarded = others.any(|other| other.target == target);
            if !is_forwarded && random.percent(40) {
                self.floating_ip(20 + floating, router, Some(target), Vec::new());
            } else if random.percent(50) {
                forwarded.push(PortForwarding {
                    id: PortForwardingId(id(7, floating)),
                    protocol: ForwardedProtocol::Udp,
                    external_port: 5000 + place,
                    target,
                    internal_port: 6000 + place,
                });
            }
        }
        if !forwarded.is_empty() {
            self.floating_ip(20 + number * 10 + 9, router, None, forwarded);
        }
    }

    fn floating_ip(
        &mut self,
        last: u16,
        router: RouterId,
        target: Option<Target>,
        port_forwardings: Vec<PortForwarding>,
    ) {
        let port = self.outside_port(last, mac(0x40, last));
        self.objects.floating_ips.push(FloatingIp {
            id: FloatingIpId(id(6, last)),
            project: String::new(),
            port,
            router: Some(router),
            target,
            port_forwardings,
        });
    }

    fn outside_port(&mut self, last: u16, mac: MacAddr) -> PortId {
        let ips = vec![
            IpAddr::from([203, 0, 113, u8::try_from(last).unwrap()]),
            IpAddr::from([0x2001, 0xdb8, 0xf, 0, 0, 0, 1, last]),
        ];
        self.port(OUTSIDE, mac, ips, false)
    }

    fn network(&mut self, id: NetworkId, segment: Segment, subnets: &[&str]) {
        let place = u16::try_from(self.objects.networks.len()).unwrap();
        let subnet = |(number, text): (u16, &&str)| {
            let (cidr, gateway) = text.split_once(' ').unwrap();
            let id = SubnetId(self::id(4, place * 2 + number));
            let gateway = Some(gateway.parse().unwrap());
            Subnet::new(id, String::new(), cidr.parse().unwrap(), gateway).unwrap()
        };
        self.vlans.insert(id, place + 1);
        self.objects.networks.push(Network {
            id,
            name: format!("network{place}"),
            project: String::new(),
            segment,
            mtu: None,
            dns_domain: String::new(),
            igmp_snooping: None,
            subnets: (0..).zip(subnets).map(subnet).collect(),
        });
    }

    fn port(
        &mut self,
        network: NetworkId,
        mac_address: MacAddr,
        fixed_ips: Vec<IpAddr>,
        is_plugged: bool,
    ) -> PortId {
        let number = u16::try_from(self.objects.ports.len()).unwrap();
        let port = PortId(id(8, number));
        self.objects.ports.push(Port {
            id: port,
            name: format!("port{number}"),
            project: String::new(),
            network,
            mac_address,
            fixed_ips,
            security_groups: Vec::new(),
            port_security_enabled: false,
            allowed_address_pairs: Vec::new(),
            admin_state_up: true,
            host: is_plugged.then(|| host().name),
            migrating_to: None,
            dns_name: String::new(),
            extra_dhcp_opts: Default::default(),
            machine: Default::default(),
        });
        port
    }

    pub(super) fn get(&self, id: PortId) -> &Port {
        let mut ports = self.objects.ports.iter();
        ports.find(|port| port.id == id).unwrap()
    }

    fn ipv4(&self, id: PortId) -> Ipv4Addr {
        let mut ips = self.get(id).fixed_ips.iter();
        let ip = ips.find_map(|ip| match ip {
            IpAddr::V4(ip) => Some(*ip),
            IpAddr::V6(_) => None,
        });
        ip.unwrap()
    }

    /// The routers and what is outside, a line each.
    pub(super) fn told(&self) -> String {
        let port = |id: PortId| {
            let port = self.get(id);
            format!("{} {:?} {}", port.network, port.fixed_ips, port.mac_address)
        };
        let mut text = String::new();
        for router in &self.objects.routers {
            let interfaces: Vec<_> = router.interfaces.iter().map(|id| port(*id)).collect();
            writeln!(text, "{}: {interfaces:?}", router.name).unwrap();
            for route in &router.routes {
                writeln!(text, "  {} by {}", route.destination, route.nexthop).unwrap();
            }
            if let Some(gateway) = router.gateway {
                let snat = gateway.enable_snat;
                writeln!(text, "  outside {}, snat {snat}", port(gateway.port)).unwrap();
            }
            let own = self.objects.floating_ips.iter();
            for floating_ip in own.filter(|floating_ip| floating_ip.router == Some(router.id)) {
                let address = port(floating_ip.port);
                let target = floating_ip.target.map(|target| target.fixed_ip);
                writeln!(text, "  {address} to {target:?}").unwrap();
                for to in &floating_ip.port_forwardings {
                    let (from, ip, port) = (to.external_port, to.target.fixed_ip, to.internal_port);
                    writeln!(text, "    {from} to {ip}:{port}").unwrap();
                }
            }
        }
        text
    }

    /// The flows and groups of br-int.
    pub(super) fn flows(&self) -> (Vec<String>, Vec<String>) {
        let desired = desired(&self.site(), &Bridge::Integration);
        let set = desired.flow_set();
        let flows = set.flows().map(ToString::to_string).collect();
        (
            flows,
            set.groups.values().map(ToString::to_string).collect(),
        )
    }

    fn site(&self) -> Site {
        let objects = &self.objects;
        let model = Model::new(Objects {
            hosts: objects.hosts.clone(),
            networks: objects.networks.clone(),
            ports: objects.ports.clone(),
            routers: objects.routers.clone(),
            floating_ips: objects.floating_ips.clone(),
            address_groups: Vec::new(),
            security_groups: Vec::new(),
            trunks: Vec::new(),
            logs: Vec::new(),
        });
        let mut site = Site::new(Arc::new(model.unwrap()), host().name);
        let machines = self.machines.iter();
        site.bindings = machines
            .map(|(id, number)| (*id, PortNo(*number)))
            .collect();
        let vlans = self.vlans.iter();
        site.local_vlans = vlans
            .map(|(id, vlan)| (*id, VlanId::new((*vlan).into()).unwrap()))
            .collect();
        let routers = (FIRST_ROUTER..).zip(&objects.routers);
        site.routers = routers
            .map(|(number, router)| (router.id, number))
            .collect();
        let patch = ProviderPatch {
            int: PortNo(WIRE),
            phy: PortNo(1),
        };
        site.providers.insert("physnet1".into(), patch);
        site
    }
}

fn host() -> Host {
    Host {
        name: HostName::from("host1"),
        encap_ip: None,
        encap_types: EncapType::ALL.into(),
        bridge_mappings: [("physnet1".into(), "br-ex".to_owned())].into(),
        mtu: ETHERNET_MTU,
        gateway_priority: 0,
        preemptive: false,
    }
}

/// Routes of a router to what the other one joins, by way of the network that both join.
fn routes(tenant: u16, place: u16, other: u16, random: &mut Random) -> Vec<Route> {
    let [via4, via6] = <[IpAddr; 2]>::try_from(addresses(tenant, 1, other)).unwrap();
    let far = if place == 0 { 2 } else { 0 };
    let mut destinations: Vec<(String, IpAddr)> = Vec::new();
    if random.percent(80) {
        destinations.push((format!("10.0.{far}.0/24"), via4));
        destinations.push((format!("2001:db8:{tenant}:{far}::/64"), via6));
    }
    if random.percent(30) {
        destinations.push(("0.0.0.0/0".to_owned(), via4));
    }
    if random.percent(30) {
        // Longer than all others, to nobody.
        let nobody = IpAddr::from([10, 0, 1, 77]);
        destinations.push((format!("10.0.{far}.12/32"), nobody));
    }
    let routes = destinations.into_iter();
    routes
        .map(|(destination, nexthop)| Route {
            destination: destination.parse::<IpNet>().unwrap(),
            nexthop,
        })
        .collect()
}

/// The addresses of both versions that somebody has in a network of a tenant.
fn addresses(tenant: u16, network: u16, last: u16) -> Vec<IpAddr> {
    let [network4, last4] = [network, last].map(|part| u8::try_from(part).unwrap());
    vec![
        IpAddr::from([10, 0, network4, last4]),
        IpAddr::from([0x2001, 0xdb8, tenant, network, 0, 0, 0, last]),
    ]
}

fn id(kind: u128, number: u16) -> Uuid {
    Uuid::from_u128((kind << 120) | (u128::from(number) << 64))
}

fn mac(kind: u8, number: u16) -> MacAddr {
    let [high, low] = number.to_be_bytes();
    MacAddr([0xfa, 0x16, 0x3e, kind, high, low])
}
