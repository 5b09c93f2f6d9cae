//! Random networks on a few hosts, all of whose bridges are those of one switch.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use openflow::field::PortNo;
use pipelines::{
    bridge::{Bridge, desired},
    network::{
        AddressPair, Direction, ETHERNET_MTU, EncapType, Ethertype, Host, HostName, MacAddr, Model,
        Network, NetworkId, Objects, PhysicalNetwork, Port, PortId, Rule, RuleAttributes, RuleId,
        SecurityGroup, SecurityGroupId, Segment, SubPort, Subnet, SubnetId, Trunk, TrunkId, VlanId,
    },
    service::Client,
    site::{ProviderPatch, Site},
};
use uuid::Uuid;

use super::random::Random;
use crate::ovs::Switch;

/// Desired networks, and the hosts that carry them.
pub(super) struct World {
    pub(super) objects: Objects,
    pub(super) sites: Vec<Site>,
    /// What the ports listen to, of those whose network asks.
    pub(super) listeners: BTreeSet<(PortId, IpAddr)>,
    /// The ports that have a multicast router behind them.
    pub(super) multicast_routers: BTreeSet<PortId>,
}

pub(super) const HOSTS: usize = 3;

/// Numbers that are the same on every host.
const PATCH: PortNo = PortNo(1);
const NIC: PortNo = PortNo(2);
const FIRST_PROVIDER: u32 = 2;
const FIRST_TUNNEL: u32 = 100;
/// An interface on br-int that is no port of the model.
const STRANGER: u32 = 9;
const FIRST_PORT: u32 = 10;

/// What a port of the switch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On br-int.
    Integration { host: usize, number: u32 },
    /// On br-tun.
    Tunnel { host: usize, number: u32 },
    /// The network card on a provider bridge.
    Nic {
        host: usize,
        physical_network: PhysicalNetwork,
    },
    /// The bridge's own, by which the host itself could listen.
    Own,
}

fn id(kind: u128, number: usize) -> Uuid {
    // Cookies hold the start of an identifier, so the start tells objects apart.
    Uuid::from_u128((kind << 120) | (u128::try_from(number).unwrap() << 96))
}

fn mac(number: usize) -> MacAddr {
    let [.., high, low] = u16::try_from(number).unwrap().to_be_bytes();
    MacAddr([0xfa, 0x16, 0x3e, 0, high, low])
}

/// The MAC that ports share through address pairs, as VRRP does.
pub(super) const SHARED: MacAddr = MacAddr([0, 0, 0x5e, 0, 1, 1]);

pub(super) fn physical_networks() -> [PhysicalNetwork; 2] {
    ["physnet1", "physnet2"].map(PhysicalNetwork::from)
}

impl World {
    pub(super) fn random(random: &mut Random) -> Self {
        let mut objects = Objects {
            address_groups: Vec::new(),
            hosts: (0..HOSTS).map(host).collect(),
            networks: (0..8).map(network).collect(),
            security_groups: security_groups(),
            ports: (0..24).map(|number| port(number, random)).collect(),
            trunks: Vec::new(),
            routers: Vec::new(),
            floating_ips: Vec::new(),
            logs: Vec::new(),
        };
        objects.trunks = (0..2)
            .map(|number| trunk(number, &mut objects, random))
            .collect();
        let model = Arc::new(Model::new(objects.clone()).unwrap());
        let mut sites: Vec<_> = (0..HOSTS)
            .map(|host| site(&model, &objects, host))
            .collect();
        let plugged = objects
            .ports
            .iter()
            .filter(|port| !is_sub_port(&objects, port.id));
        for port in plugged {
            let named = |name: &Option<HostName>| {
                let mut hosts = objects.hosts.iter();
                hosts.position(|host| Some(&host.name) == name.as_ref())
            };
            // What may be anywhere is plugged in somewhere; some ports wait to be plugged in.
            let place = named(&port.host).unwrap_or_else(|| random.below(HOSTS));
            for place in [Some(place), named(&port.migrating_to)]
                .into_iter()
                .flatten()
            {
                if random.percent(90) {
                    plug(sites.get_mut(place).unwrap(), port, &objects, random);
                }
            }
        }
        let mut listeners = BTreeSet::new();
        let mut multicast_routers = BTreeSet::new();
        for port in &objects.ports {
            let joined = groups().into_iter().filter(|_| random.percent(40));
            listeners.extend(joined.map(|group| (port.id, group)));
            if random.percent(10) {
                multicast_routers.insert(port.id);
            }
        }
        Self {
            objects,
            sites,
            listeners,
            multicast_routers,
        }
    }

    pub(super) fn port(&self, id: PortId) -> &Port {
        let mut ports = self.objects.ports.iter();
        ports.find(|port| port.id == id).unwrap()
    }

    /// The parent of a sub-port, and its VLAN there.
    pub(super) fn parent(&self, id: PortId) -> Option<(PortId, u16)> {
        self.objects.trunks.iter().find_map(|trunk| {
            let mut sub_ports = trunk.sub_ports.iter();
            let sub_port = sub_ports.find(|sub_port| sub_port.port == id)?;
            Some((trunk.port, sub_port.vlan.get()))
        })
    }

    /// Whether a port is plugged in on a host.
    pub(super) fn is_on(&self, id: PortId, host: usize) -> bool {
        self.number(id, host).is_some()
    }

    /// The number of a port's interface on a host.
    pub(super) fn number(&self, id: PortId, host: usize) -> Option<PortNo> {
        let interface = self.parent(id).map_or(id, |(parent, _)| parent);
        self.sites.get(host)?.bindings.get(&interface).copied()
    }

    /// The port that has an interface, or the sub-port that has a VLAN there.
    pub(super) fn at(&self, host: usize, number: u32, tag: Option<u16>) -> Option<PortId> {
        let mut ports = self.objects.ports.iter().map(|port| port.id);
        ports.find(|id| {
            let vlan = self.parent(*id).map(|(_, vlan)| vlan);
            self.number(*id, host) == Some(PortNo(number)) && vlan == tag
        })
    }

    /// The hosts that are connected to a physical network.
    pub(super) fn hosts_on(&self, physical_network: &PhysicalNetwork) -> Vec<usize> {
        let hosts = self.objects.hosts.iter().enumerate();
        hosts
            .filter(|(_, host)| host.bridge_mappings.contains_key(physical_network))
            .map(|(place, _)| place)
            .collect()
    }

    /// The number of the tunnel from one host to another.
    pub(super) fn tunnel(&self, from: usize, to: usize, encap_type: EncapType) -> u32 {
        let endpoint = self.objects.hosts.get(to).unwrap().encap_ip.unwrap();
        self.sites.get(from).unwrap().tunnels[&(encap_type, endpoint)].0
    }

    /// The host and type of a tunnel.
    pub(super) fn behind(&self, host: usize, number: u32) -> Option<(usize, EncapType)> {
        let mut tunnels = self.sites.get(host)?.tunnels.iter();
        let ((encap_type, endpoint), _) = tunnels.find(|(_, port)| port.0 == number)?;
        let mut hosts = self.objects.hosts.iter();
        let to = hosts.position(|host| host.encap_ip == Some(*endpoint))?;
        Some((to, *encap_type))
    }

    /// Makes the bridges of every host, and programs them.
    pub(super) fn build(&self, switch: &Switch) {
        for (host, site) in self.sites.iter().enumerate() {
            let (int, tun) = (format!("int{host}"), format!("tun{host}"));
            switch.add_bridge(&int);
            switch.add_bridge(&tun);
            switch.add_patch((&int, PATCH.0), (&tun, PATCH.0));
            switch.add_port(&int, &format!("stranger{host}"), STRANGER);
            for number in site.bindings.values() {
                switch.add_port(&int, &format!("vm{host}.{number}"), number.0);
            }
            for number in site.tunnels.values() {
                switch.add_port(&tun, &format!("tunnel{host}.{number}"), number.0);
            }
            for (physical_network, patch) in &site.providers {
                let ex = provider_bridge(host, physical_network);
                switch.add_bridge(&ex);
                switch.add_patch((&int, patch.int.0), (&ex, patch.phy.0));
                switch.add_port(&ex, &format!("nic-{ex}"), NIC.0);
            }
        }
        for (host, site) in self.sites.iter().enumerate() {
            switch.install(&format!("int{host}"), &text(site, &Bridge::Integration));
            switch.install(&format!("int{host}"), &self.notes(site));
            switch.install(&format!("tun{host}"), &text(site, &Bridge::Tunnel));
            for physical_network in site.providers.keys() {
                let bridge = Bridge::Provider(physical_network.clone());
                let ex = provider_bridge(host, physical_network);
                switch.install(&ex, &text(site, &bridge));
            }
        }
    }
}

impl World {
    /// What the agent of a host has noted of listeners.
    fn notes(&self, site: &Site) -> String {
        let mut notes = String::new();
        for client in Client::all(site).filter(Client::is_snooped) {
            let id = client.port().id;
            let listens = self.listeners.iter().filter(|(port, _)| *port == id);
            for (_, group) in listens {
                notes += &format!("{}\n", client.listens_to(*group, 260));
            }
            if self.multicast_routers.contains(&id) {
                notes += &format!("{}\n", client.routes_multicast(255));
            }
        }
        notes
    }
}

/// The groups that ports may listen to.
pub(super) fn groups() -> [IpAddr; 2] {
    ["239.1.2.3", "ff05::1234"].map(|group| group.parse().unwrap())
}

pub(super) fn provider_bridge(host: usize, physical_network: &PhysicalNetwork) -> String {
    format!("ex{host}.{physical_network}")
}

/// The port of a switch's bridge that is the network card.
pub(super) fn nic() -> u32 {
    NIC.0
}

pub(super) fn stranger() -> u32 {
    STRANGER
}

/// Which port of which bridge each number of the datapath is, as `dpif/show` says.
pub(super) fn places(switch: &Switch) -> BTreeMap<u32, Place> {
    let mut places = BTreeMap::new();
    let mut bridge = String::new();
    for line in switch.appctl("dpif/show", &[]).lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [name] => bridge = name.trim_end_matches(':').to_owned(),
            [_, numbers, ..] => {
                let (number, datapath) = numbers.split_once('/').unwrap_or(("", ""));
                let datapath = datapath.trim_end_matches(':').parse();
                if let (Ok(number), Ok(datapath)) = (number.parse(), datapath) {
                    places.insert(datapath, place(&bridge, number));
                }
            }
            [] => {}
        }
    }
    places
}

fn place(bridge: &str, number: u32) -> Place {
    let (kind, rest) = bridge.split_at(if bridge.starts_with("ex") { 2 } else { 3 });
    let host = rest.get(..1).unwrap().parse().unwrap();
    match kind {
        _ if number == 65534 => Place::Own,
        "int" => Place::Integration { host, number },
        "tun" => Place::Tunnel { host, number },
        _ => Place::Nic {
            host,
            physical_network: PhysicalNetwork::from(rest.get(2..).unwrap()),
        },
    }
}

fn text(site: &Site, bridge: &Bridge) -> String {
    let desired = desired(site, bridge);
    let set = desired.flow_set();
    let groups = set.groups.values().map(ToString::to_string);
    let flows = set.flows().map(ToString::to_string);
    groups.chain(flows).map(|line| line + "\n").collect()
}

fn host(number: usize) -> Host {
    let endpoint = format!("192.0.2.{}", number + 1);
    let connected = physical_networks().into_iter().enumerate();
    Host {
        name: HostName(format!("host{number}")),
        encap_ip: Some(endpoint.parse().unwrap()),
        // The last host takes one type of tunnel only, and has one physical network.
        encap_types: match number {
            2 => BTreeSet::from([EncapType::Vxlan]),
            _ => BTreeSet::from(EncapType::ALL),
        },
        bridge_mappings: connected
            .filter(|(place, _)| number < 2 || *place == 0)
            .map(|(place, name)| (name, format!("br-ex{place}")))
            .collect(),
        mtu: ETHERNET_MTU,
        gateway_priority: 0,
        preemptive: false,
    }
}

fn network(number: usize) -> Network {
    let [one, two] = physical_networks();
    let vlan = VlanId::new(101).unwrap();
    let segments = [
        Segment::Vxlan { vni: 1001 },
        Segment::Vxlan { vni: 1002 },
        Segment::Gre { key: 1001 },
        Segment::Flat {
            physical_network: one.clone(),
        },
        Segment::Vlan {
            physical_network: one,
            vlan,
        },
        Segment::Vlan {
            physical_network: two,
            vlan,
        },
        Segment::Local,
        Segment::Geneve { vni: 1001 },
    ];
    let network = id(1, number);
    let subnet = |kind: usize, cidr: &str| {
        let id = SubnetId(id(4, 2 * number + kind));
        Subnet::new(id, String::new(), cidr.parse().unwrap(), None).unwrap()
    };
    Network {
        id: NetworkId(network),
        name: format!("network{number}"),
        project: "default".to_owned(),
        segment: segments.get(number).unwrap().clone(),
        mtu: None,
        dns_domain: String::new(),
        igmp_snooping: number.is_multiple_of(2).then_some(true),
        // The same addresses in every network.
        subnets: vec![subnet(0, "10.0.0.0/24"), subnet(1, "2001:db8::/64")],
    }
}

fn security_groups() -> Vec<SecurityGroup> {
    let group = |number: usize| SecurityGroupId(id(3, number));
    let mut rules = 0;
    let mut rule = |direction, ethertype, port: Option<u32>, remote_group| {
        rules += 1;
        let attributes = RuleAttributes {
            id: RuleId(id(5, rules)),
            direction,
            ethertype,
            protocol: port.map(|_| "tcp"),
            port_range_min: port,
            port_range_max: port,
            remote_ip_prefix: None,
            remote_group,
            remote_address_group: None,
        };
        Rule::new(&attributes).unwrap()
    };
    let (ingress, egress) = (Direction::Ingress, Direction::Egress);
    let lists = [
        vec![
            rule(egress, Ethertype::Ipv4, None, None),
            rule(egress, Ethertype::Ipv6, None, None),
            rule(ingress, Ethertype::Ipv4, None, Some(group(0))),
            rule(ingress, Ethertype::Ipv6, None, Some(group(0))),
        ],
        vec![
            rule(egress, Ethertype::Ipv4, Some(22), Some(group(0))),
            rule(ingress, Ethertype::Ipv4, Some(22), None),
        ],
        vec![rule(ingress, Ethertype::Ipv6, Some(80), Some(group(1)))],
    ];
    let groups = lists.into_iter().enumerate();
    groups
        .map(|(number, rules)| SecurityGroup {
            id: group(number),
            name: format!("group{number}"),
            project: "default".to_owned(),
            stateful: true,
            rules,
        })
        .collect()
}

fn port(number: usize, random: &mut Random) -> Port {
    let secured = random.percent(75);
    let ips = [
        format!("10.0.0.{}", number + 10),
        format!("10.0.0.{}", number + 110),
        format!("2001:db8::{}", number + 10),
    ];
    let host = random.percent(95).then(|| random.below(HOSTS));
    let migrating_to = host
        .filter(|_| random.percent(10))
        .map(|host| (host + 1) % HOSTS);
    let named = |host: Option<usize>| host.map(|host| HostName(format!("host{host}")));
    let groups = (0..3).filter(|_| secured && random.percent(75));
    let security_groups = groups.map(|group| SecurityGroupId(id(3, group))).collect();
    let pair = |ip: &str, mac_address| AddressPair {
        ip_address: ip.parse().unwrap(),
        mac_address,
    };
    let pairs = [
        pair("10.0.0.250/32", Some(SHARED)),
        pair("10.0.0.64/28", None),
    ];
    Port {
        id: PortId(id(2, number)),
        name: format!("port{number}"),
        project: "default".to_owned(),
        // Most ports are in networks that tunnels carry.
        network: NetworkId(id(1, *random.of(&[0, 0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 7, 7]))),
        mac_address: mac(number),
        // Some have no address, and some many.
        fixed_ips: ips
            .iter()
            .filter(|_| random.percent(75))
            .map(|ip| ip.parse::<IpAddr>().unwrap())
            .collect(),
        security_groups,
        port_security_enabled: secured,
        allowed_address_pairs: pairs
            .into_iter()
            .filter(|_| secured && random.percent(20))
            .collect(),
        admin_state_up: random.percent(90),
        host: named(host),
        migrating_to: named(migrating_to),
        dns_name: String::new(),
        extra_dhcp_opts: Default::default(),
        machine: Default::default(),
    }
}

/// A host on which nothing is plugged in yet.
fn site(model: &Arc<Model>, objects: &Objects, number: usize) -> Site {
    let own = objects.hosts.get(number).unwrap();
    let mut site = Site::new(Arc::clone(model), own.name.clone());
    site.patch_tun = Some(PATCH);
    site.patch_int = Some(PATCH);
    for (physical_network, int) in physical_networks().into_iter().zip(FIRST_PROVIDER..) {
        if own.bridge_mappings.contains_key(&physical_network) {
            let int = PortNo(int);
            let patch = ProviderPatch { int, phy: PATCH };
            site.providers.insert(physical_network, patch);
        }
    }
    for other in objects.hosts.iter().filter(|other| other.name != own.name) {
        for encap_type in EncapType::ALL {
            let ends = own.endpoint(encap_type).zip(other.endpoint(encap_type));
            if let Some((_, remote)) = ends {
                let number = FIRST_TUNNEL + u32::try_from(site.tunnels.len()).unwrap();
                site.tunnels.insert((encap_type, remote), PortNo(number));
            }
        }
    }
    site
}

/// A port and two others that are behind it, in whatever networks.
fn trunk(number: usize, objects: &mut Objects, random: &mut Random) -> Trunk {
    let first = 3 * number;
    let parent = objects.ports.get(first).unwrap().clone();
    let behind = first + 1..first + 3;
    for port in objects.ports.get_mut(behind.clone()).unwrap() {
        port.host.clone_from(&parent.host);
        port.migrating_to.clone_from(&parent.migrating_to);
        if random.percent(40) && port.mac_address != parent.mac_address {
            port.network = parent.network;
        }
    }
    let sub_port = |(port, vlan): (usize, u32)| SubPort {
        port: PortId(id(2, port)),
        vlan: VlanId::new(vlan).unwrap(),
    };
    Trunk {
        id: TrunkId(id(6, number)),
        name: format!("trunk{number}"),
        project: "default".to_owned(),
        port: parent.id,
        sub_ports: behind.zip(200..).map(sub_port).collect(),
    }
}

fn is_sub_port(objects: &Objects, id: PortId) -> bool {
    let mut sub_ports = objects.trunks.iter().flat_map(|trunk| &trunk.sub_ports);
    sub_ports.any(|sub_port| sub_port.port == id)
}

fn plug(site: &mut Site, port: &Port, objects: &Objects, random: &mut Random) {
    let number = FIRST_PORT + u32::try_from(site.bindings.len()).unwrap();
    site.bindings.insert(port.id, PortNo(number));
    let trunks = objects.trunks.iter().filter(|trunk| trunk.port == port.id);
    let behind: Vec<_> = trunks.flat_map(|trunk| &trunk.sub_ports).collect();
    let behind = objects
        .ports
        .iter()
        .filter(|port| behind.iter().any(|sub_port| sub_port.port == port.id));
    for port in behind.chain([port]) {
        number_network(site, port.network, random);
    }
}

fn number_network(site: &mut Site, network: NetworkId, random: &mut Random) {
    // Local VLANs look like those of the physical networks at times.
    let mut vlan = VlanId::new(u32::try_from(100 + random.below(8)).unwrap()).unwrap();
    while site.local_vlans.values().any(|taken| *taken == vlan) {
        vlan = VlanId::new(u32::from(vlan) + 1).unwrap();
    }
    site.local_vlans.entry(network).or_insert(vlan);
}
