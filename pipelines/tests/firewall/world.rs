//! Random groups, rules and ports, and the model that they make.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use openflow::field::PortNo;
use pipelines::{
    bridge::{Bridge, desired},
    network::{
        AddressGroup, AddressGroupId, AddressPair, Direction, ETHERNET_MTU, EncapType, Ethertype,
        Host, HostName, MacAddr, Model, Network, NetworkId, Objects, PortId, RuleAttributes,
        RuleId, SecurityGroup, SecurityGroupId, Segment, Subnet, SubnetId, VlanId,
    },
    site::Site,
};
use uuid::Uuid;

use super::random::Random;

/// The first ports are plugged in here, the others elsewhere.
pub(super) const LOCAL: usize = 6;
const PORTS: usize = 9;
const GROUPS: usize = 4;
const ADDRESS_GROUPS: usize = 3;

/// The patch port of br-int to br-tun.
pub(super) const PATCH: u32 = 1;
/// Two ports without port security, by which the test tells that the switch has caught up.
pub(super) const SENTINELS: [usize; 2] = [90, 91];

#[derive(Clone)]
pub(super) struct World {
    pub(super) address_groups: Vec<Vec<IpNet>>,
    pub(super) groups: Vec<Group>,
    pub(super) ports: Vec<Port>,
}

#[derive(Clone)]
pub(super) struct Group {
    pub(super) stateful: bool,
    pub(super) rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) ingress: bool,
    pub(super) v6: bool,
    pub(super) protocol: Option<u8>,
    /// A range of ports; a type and perhaps a code of ICMP.
    pub(super) bounds: Option<(u32, Option<u32>)>,
    pub(super) remote: Remote,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Remote {
    Any,
    Block(IpNet),
    Group(usize),
    AddressGroup(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) groups: Vec<usize>,
    pub(super) secured: bool,
    /// Its own addresses, and those of its pairs.
    blocks: Vec<IpNet>,
}

impl Port {
    fn random(number: usize, random: &mut Random) -> Self {
        let secured = random.percent(85);
        let pair = (secured && random.percent(25)).then_some("10.0.0.64/28");
        // A virtual router.
        let any = (secured && random.percent(15)).then_some("0.0.0.0/0");
        let own = [
            format!("10.0.0.{}/32", 10 + number),
            format!("2001:db8::{}/128", 10 + number),
        ];
        let own = own.iter().map(String::as_str);
        Self {
            groups: (0..GROUPS)
                .filter(|_| secured && random.percent(40))
                .collect(),
            secured,
            blocks: own
                .chain(pair)
                .chain(any)
                .map(|text| text.parse().unwrap())
                .collect(),
        }
    }

    pub(super) fn owns(&self, address: IpAddr) -> bool {
        self.blocks.iter().any(|block| block.contains(&address))
    }

    /// Whether it may use an address, and not just any.
    pub(super) fn is_known_by(&self, address: IpAddr) -> bool {
        let mut blocks = self.blocks.iter().filter(|block| block.prefix_len() > 0);
        blocks.any(|block| block.contains(&address))
    }

    /// Addresses that the port may use.
    pub(super) fn addresses(&self, v6: bool) -> Vec<IpAddr> {
        let blocks = self.blocks.iter().map(|block| match block.prefix_len() {
            0 => IpAddr::from([198, 51, 100, 7]),
            _ => block.addr(),
        });
        blocks.filter(|address| address.is_ipv6() == v6).collect()
    }
}

impl Rule {
    fn random(random: &mut Random) -> Self {
        let v6 = random.percent(30);
        let icmp = if v6 { 58 } else { 1 };
        let number = *random.of(&[6, 6, 6, 17, 17, 17, icmp, icmp, 132, 132, 47]);
        let protocol = random.percent(85).then_some(number);
        let bounds = match protocol {
            Some(number) if number == icmp && random.percent(60) => {
                let kinds = if v6 { [128, 129, 1] } else { [8, 0, 3] };
                Some((*random.of(&kinds), *random.of(&[None, Some(0), Some(1)])))
            }
            Some(6 | 17 | 132) if random.percent(80) => {
                let ranges = [
                    (22, 22),
                    (21, 21),
                    (69, 69),
                    (80, 443),
                    (1, 65535),
                    (1000, 1010),
                    (20_000, 20_031),
                ];
                let (least, most) = *random.of(&ranges);
                Some((least, Some(most)))
            }
            _ => None,
        };
        Self {
            ingress: random.percent(50),
            v6,
            protocol,
            bounds,
            remote: Remote::random(v6, random),
        }
    }
}

impl Remote {
    fn random(v6: bool, random: &mut Random) -> Self {
        let blocks = match v6 {
            false => ["10.0.0.12/32", "10.0.0.8/29", "10.0.0.64/26", "0.0.0.0/0"],
            true => [
                "2001:db8::12/128",
                "2001:db8::10/125",
                "2001:db8::/64",
                "::/0",
            ],
        };
        match random.below(10) {
            0..3 => Self::Any,
            3..6 => Self::Block(random.of(&blocks).parse().unwrap()),
            6..8 => Self::AddressGroup(random.below(ADDRESS_GROUPS)),
            _ => Self::Group(random.below(GROUPS)),
        }
    }
}

/// Some addresses of ports, and blocks of them.
fn blocks(random: &mut Random, percent: usize) -> Vec<IpNet> {
    let blocks = [
        "10.0.0.10/32",
        "10.0.0.11/32",
        "10.0.0.14/31",
        "10.0.0.16/30",
        "10.0.0.64/30",
        "2001:db8::10/128",
        "2001:db8::11/128",
        "2001:db8::12/127",
        "2001:db8::14/126",
    ];
    let mut chosen = Vec::new();
    for block in blocks {
        if random.percent(percent) {
            chosen.push(block.parse().unwrap());
        }
    }
    chosen
}

impl World {
    pub(super) fn random(random: &mut Random) -> Self {
        let group = |random: &mut Random| {
            let rules = 4 + random.below(6);
            Group {
                stateful: random.percent(60),
                rules: (0..rules).map(|_| Rule::random(random)).collect(),
            }
        };
        Self {
            address_groups: (0..ADDRESS_GROUPS).map(|_| blocks(random, 40)).collect(),
            groups: (0..GROUPS).map(|_| group(random)).collect(),
            ports: (0..PORTS)
                .map(|number| Port::random(number, random))
                .collect(),
        }
    }

    /// The same with other rules and members; who has port security stays.
    pub(super) fn changed(&self, random: &mut Random) -> Self {
        let mut changed = self.clone();
        for group in &mut changed.address_groups {
            group.retain(|_| random.percent(70));
            group.extend(blocks(random, 10));
        }
        for group in &mut changed.groups {
            group.rules.retain(|_| random.percent(70));
            if random.percent(30) {
                group.rules.push(Rule::random(random));
            }
        }
        for port in changed.ports.iter_mut().filter(|port| port.secured) {
            port.groups.retain(|_| random.percent(75));
        }
        changed
    }

    /// The port of the switch where frames for a port come out.
    pub(super) fn exit(&self, place: usize) -> u32 {
        if place < LOCAL {
            interface(place)
        } else {
            PATCH
        }
    }

    /// The flows and groups of br-int.
    pub(super) fn flows(&self, vlan: u16) -> (Vec<String>, Vec<String>) {
        let desired = desired(&self.site(vlan), &Bridge::Integration);
        let set = desired.flow_set();
        let flows = set.flows().map(ToString::to_string).collect();
        (
            flows,
            set.groups.values().map(ToString::to_string).collect(),
        )
    }

    fn site(&self, vlan: u16) -> Site {
        let host = |number: u8| Host {
            name: HostName(format!("host{number}")),
            encap_ip: Some(IpAddr::from([192, 0, 2, number])),
            encap_types: EncapType::ALL.into(),
            bridge_mappings: Default::default(),
            mtu: ETHERNET_MTU,
            gateway_priority: 0,
            preemptive: false,
        };
        let subnet = |number: u128, cidr: &str| {
            let id = SubnetId(id(4, number));
            Subnet::new(id, String::new(), cidr.parse().unwrap(), None).unwrap()
        };
        let network = Network {
            id: NetworkId(id(1, 0)),
            name: "network".to_owned(),
            project: "project".to_owned(),
            segment: Segment::Vxlan { vni: 1 },
            mtu: None,
            dns_domain: String::new(),
            igmp_snooping: None,
            subnets: vec![subnet(0, "10.0.0.0/24"), subnet(1, "2001:db8::/64")],
        };
        let ports = self.ports.iter().enumerate();
        let sentinel = Port {
            groups: Vec::new(),
            secured: false,
            blocks: Vec::new(),
        };
        let sentinels = SENTINELS.map(|place| port(place, &sentinel));
        let objects = Objects {
            hosts: vec![host(1), host(2)],
            networks: vec![network],
            address_groups: (0..).zip(&self.address_groups).map(address_group).collect(),
            security_groups: (0..).zip(&self.groups).map(security_group).collect(),
            ports: ports
                .map(|(place, own)| port(place, own))
                .chain(sentinels)
                .collect(),
            trunks: Vec::new(),
            routers: Vec::new(),
            floating_ips: Vec::new(),
            logs: Vec::new(),
        };
        let model = Model::new(objects).unwrap();
        let mut site = Site::new(Arc::new(model), HostName("host1".to_owned()));
        site.patch_tun = Some(PortNo(PATCH));
        site.bindings = (0..LOCAL)
            .chain(SENTINELS)
            .map(|place| (PortId(port_id(place)), PortNo(interface(place))))
            .collect();
        let vlan = VlanId::new(vlan.into()).unwrap();
        site.local_vlans.insert(NetworkId(id(1, 0)), vlan);
        site
    }
}

fn id(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128((kind << 120) | (number << 96))
}

fn port_id(place: usize) -> Uuid {
    id(2, u128::try_from(place).unwrap())
}

/// The number of a port's interface on br-int.
pub(super) fn interface(place: usize) -> u32 {
    10 + u32::try_from(place).unwrap()
}

pub(super) fn mac(place: usize) -> MacAddr {
    MacAddr([0xfa, 0x16, 0x3e, 0, 0, u8::try_from(place).unwrap()])
}

fn address_group((number, addresses): (u128, &Vec<IpNet>)) -> AddressGroup {
    AddressGroup {
        id: AddressGroupId(id(6, number)),
        name: format!("addresses{number}"),
        project: "project".to_owned(),
        addresses: addresses.clone(),
    }
}

fn security_group((number, group): (u128, &Group)) -> SecurityGroup {
    let rule = |(place, rule): (u128, &Rule)| {
        let protocol = rule.protocol.map(|number| number.to_string());
        let of = |ingress| {
            if ingress {
                Direction::Ingress
            } else {
                Direction::Egress
            }
        };
        let wide = |number: usize| u128::try_from(number).unwrap();
        let (remote_ip_prefix, remote_group, remote_address_group) = match rule.remote {
            Remote::Any => (None, None, None),
            Remote::Block(block) => (Some(block.trunc()), None, None),
            Remote::Group(group) => (None, Some(SecurityGroupId(id(3, wide(group)))), None),
            Remote::AddressGroup(group) => (None, None, Some(AddressGroupId(id(6, wide(group))))),
        };
        let attributes = RuleAttributes {
            id: RuleId(id(5, (number << 8) | place)),
            direction: of(rule.ingress),
            ethertype: if rule.v6 {
                Ethertype::Ipv6
            } else {
                Ethertype::Ipv4
            },
            protocol: protocol.as_deref(),
            port_range_min: rule.bounds.map(|(least, _)| least),
            port_range_max: rule.bounds.and_then(|(_, most)| most),
            remote_ip_prefix,
            remote_group,
            remote_address_group,
        };
        pipelines::network::Rule::new(&attributes).unwrap()
    };
    SecurityGroup {
        id: SecurityGroupId(id(3, number)),
        name: format!("group{number}"),
        project: "project".to_owned(),
        stateful: group.stateful,
        rules: (0..).zip(&group.rules).map(rule).collect(),
    }
}

fn port(place: usize, own: &Port) -> pipelines::network::Port {
    let (fixed, pairs): (Vec<_>, Vec<_>) = own
        .blocks
        .iter()
        .partition(|block| block.prefix_len() == block.max_prefix_len());
    let groups = own.groups.iter();
    pipelines::network::Port {
        id: PortId(port_id(place)),
        name: format!("port{place}"),
        project: "project".to_owned(),
        network: NetworkId(id(1, 0)),
        mac_address: mac(place),
        fixed_ips: fixed.into_iter().map(IpNet::addr).collect(),
        security_groups: groups
            .map(|group| SecurityGroupId(id(3, u128::try_from(*group).unwrap())))
            .collect(),
        port_security_enabled: own.secured,
        allowed_address_pairs: pairs
            .into_iter()
            .map(|block| AddressPair {
                ip_address: *block,
                mac_address: None,
            })
            .collect(),
        admin_state_up: true,
        host: Some(HostName(if place < LOCAL || SENTINELS.contains(&place) {
            "host1".to_owned()
        } else {
            "host2".to_owned()
        })),
        migrating_to: None,
        dns_name: String::new(),
        extra_dhcp_opts: Default::default(),
        machine: Default::default(),
    }
}
