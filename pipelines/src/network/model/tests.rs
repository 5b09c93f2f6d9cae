use std::{collections::BTreeMap, net::IpAddr};

use uuid::Uuid;

use super::*;
use crate::network::{
    AddressPair, Direction, ETHERNET_MTU, EncapType, Ethertype, NetworkType, ObjectRef,
    PhysicalNetwork, Rule, RuleAttributes, RuleId, Segment, SubPort, Subnet, SubnetId,
};

fn network(number: u128, segment: Segment, blocks: &[&str]) -> Network {
    let subnet = |(index, block): (usize, &&str)| {
        let id = SubnetId(Uuid::from_u128(
            number * 100 + u128::try_from(index).unwrap(),
        ));
        Subnet::new(id, String::new(), block.parse().unwrap(), None).unwrap()
    };
    Network {
        id: NetworkId(Uuid::from_u128(number)),
        name: format!("net{number}"),
        project: "default".to_owned(),
        segment,
        mtu: None,
        dns_domain: String::new(),
        igmp_snooping: None,
        subnets: blocks.iter().enumerate().map(subnet).collect(),
    }
}

fn port(number: u128, mac: &str, ip: &str) -> Port {
    Port {
        id: PortId(Uuid::from_u128(number)),
        name: format!("port{number}"),
        project: "default".to_owned(),
        network: NetworkId(Uuid::from_u128(1)),
        mac_address: mac.parse().unwrap(),
        fixed_ips: vec![ip.parse().unwrap()],
        security_groups: Vec::new(),
        port_security_enabled: true,
        allowed_address_pairs: Vec::new(),
        admin_state_up: true,
        host: Some(HostName::from("host1")),
        migrating_to: None,
        dns_name: String::new(),
        extra_dhcp_opts: Default::default(),
        machine: Default::default(),
    }
}

fn host(name: &str, encap_ip: &str) -> Host {
    Host {
        name: HostName::from(name),
        encap_ip: Some(encap_ip.parse().unwrap()),
        encap_types: EncapType::ALL.into(),
        bridge_mappings: BTreeMap::new(),
        mtu: ETHERNET_MTU,
        gateway_priority: 0,
        preemptive: false,
    }
}

fn objects() -> Objects {
    Objects {
        address_groups: Vec::new(),
        networks: vec![network(
            1,
            Segment::Vxlan { vni: 1001 },
            &["10.0.0.0/24", "2001:db8::/64"],
        )],
        security_groups: Vec::new(),
        ports: vec![port(10, "fa:16:3e:00:00:01", "10.0.0.11")],
        trunks: Vec::new(),
        routers: Vec::new(),
        floating_ips: Vec::new(),
        logs: Vec::new(),
        hosts: vec![host("host1", "192.0.2.1")],
    }
}

/// The only complaint about the objects: where, and the whole message.
fn complaint(objects: Objects) -> (ObjectRef, String) {
    let problems = Model::new(objects).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    (problems[0].object, problems[0].to_string())
}

#[test]
fn objects_that_agree_make_a_model() {
    let model = Model::new(objects()).unwrap();
    assert_eq!(model.ports_of(NetworkId(Uuid::from_u128(1))).count(), 1);
}

#[test]
fn a_mac_is_used_once_in_a_network() {
    let mut objects = objects();
    objects
        .ports
        .push(port(11, "fa:16:3e:00:00:01", "10.0.0.12"));
    let text = "port port11: mac_address: fa:16:3e:00:00:01 is already that of port10";
    assert_eq!(complaint(objects), (ObjectRef::Port(1), text.to_owned()));
}

#[test]
fn a_mac_may_return_in_another_network() {
    let mut objects = objects();
    objects
        .networks
        .push(network(2, Segment::Local, &["10.0.0.0/24"]));
    let other = port(11, "fa:16:3e:00:00:01", "10.0.0.11");
    objects.ports.push(Port {
        network: NetworkId(Uuid::from_u128(2)),
        ..other
    });
    assert!(Model::new(objects).is_ok());
}

#[test]
fn an_address_is_used_once_in_a_network() {
    let mut objects = objects();
    objects
        .ports
        .push(port(11, "fa:16:3e:00:00:02", "10.0.0.11"));
    let text = "fixed_ips[0] of port port11: 10.0.0.11 is already that of port10";
    assert_eq!(complaint(objects), (ObjectRef::Port(1), text.to_owned()));
}

#[test]
fn an_address_lies_in_a_subnet_of_its_network() {
    let mut objects = objects();
    objects
        .ports
        .push(port(11, "fa:16:3e:00:00:02", "10.0.1.11"));
    let text = "fixed_ips[0] of port port11: 10.0.1.11 is outside every subnet of its network \
                (10.0.0.0/24, 2001:db8::/64)";
    assert_eq!(complaint(objects), (ObjectRef::Port(1), text.to_owned()));
}

#[test]
fn two_networks_have_two_segments() {
    let mut objects = objects();
    objects
        .networks
        .push(network(2, Segment::Vxlan { vni: 1001 }, &[]));
    let text = "network net2: segmentation_id: vxlan 1001 is already that of net1";
    assert_eq!(complaint(objects), (ObjectRef::Network(1), text.to_owned()));
}

#[test]
fn equal_numbers_in_segments_of_two_types_are_no_clash() {
    let mut objects = objects();
    objects
        .networks
        .push(network(2, Segment::Gre { key: 1001 }, &[]));
    objects.networks.push(network(3, Segment::Local, &[]));
    objects.networks.push(network(4, Segment::Local, &[]));
    assert!(Model::new(objects).is_ok());
}

#[test]
fn subnets_of_one_network_do_not_overlap() {
    let mut objects = objects();
    objects
        .networks
        .push(network(2, Segment::Local, &["10.0.0.0/16", "10.0.3.0/24"]));
    let text = "subnet 00000000-0000-0000-0000-0000000000c9: cidr: 10.0.3.0/24 overlaps \
                10.0.0.0/16 of the same network";
    let place = ObjectRef::Subnet {
        network: 1,
        subnet: 1,
    };
    assert_eq!(complaint(objects), (place, text.to_owned()));
}

#[test]
fn two_hosts_have_two_tunnel_endpoints() {
    let mut objects = objects();
    objects.hosts.push(host("host2", "192.0.2.1"));
    let text = "encap_ip of host host2: 192.0.2.1 is already that of host1";
    assert_eq!(complaint(objects), (ObjectRef::Host(1), text.to_owned()));
}

#[test]
fn two_physical_networks_have_two_bridges() {
    let mut objects = objects();
    let mapping = |name| (PhysicalNetwork::from(name), "br-ex".to_owned());
    objects.hosts[0].bridge_mappings = [mapping("physnet1"), mapping("physnet2")].into();
    let problems = Model::new(objects).unwrap_err();
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let expected = ["host host1: bridge_mappings: br-ex is already that of physnet1"];
    assert_eq!(texts, expected);
}

#[test]
fn a_port_names_groups_that_exist() {
    let mut objects = objects();
    let groups = vec![SecurityGroupId(Uuid::from_u128(9))];
    let stray = port(11, "fa:16:3e:00:00:02", "10.0.0.12");
    objects.ports.push(Port {
        security_groups: groups,
        ..stray
    });
    let problems = Model::new(objects).unwrap_err();
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let expected = [
        "security_groups[0] of port port11: there is no security group \
         00000000-0000-0000-0000-000000000009",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn a_rule_names_a_group_that_exists() {
    let mut objects = objects();
    let attributes = RuleAttributes {
        remote_group: Some(SecurityGroupId(Uuid::from_u128(9))),
        ..ingress(Ethertype::Ipv4)
    };
    objects.security_groups.push(SecurityGroup {
        id: SecurityGroupId(Uuid::from_u128(5)),
        name: "web".to_owned(),
        project: "default".to_owned(),
        stateful: true,
        rules: vec![Rule::new(&attributes).unwrap()],
    });
    let text = "rule 0 of web: remote_group: there is no security group \
                00000000-0000-0000-0000-000000000009";
    let place = ObjectRef::Rule {
        security_group: 0,
        rule: 0,
    };
    assert_eq!(complaint(objects), (place, text.to_owned()));
}

#[test]
fn groups_need_port_security() {
    let mut objects = objects();
    objects.ports[0].port_security_enabled = false;
    let ip_address = "10.0.0.9/32".parse().unwrap();
    objects.ports[0].allowed_address_pairs = vec![AddressPair {
        ip_address,
        mac_address: None,
    }];
    let text = "allowed_address_pairs of port port10: not expected, port_security_enabled is false";
    assert_eq!(complaint(objects), (ObjectRef::Port(0), text.to_owned()));
}

#[test]
fn the_valid_part_keeps_the_earlier_of_two() {
    let mut objects = objects();
    objects
        .ports
        .push(port(11, "fa:16:3e:00:00:01", "10.0.0.12"));
    let (model, problems) = Model::valid_part(objects);
    assert_eq!((model.ports().count(), problems.len()), (1, 1));
}

#[test]
fn a_port_on_a_host_without_agent_is_a_port() {
    let mut objects = objects();
    let group = SecurityGroupId(Uuid::from_u128(9));
    objects.security_groups.push(SecurityGroup {
        id: group,
        name: "web".to_owned(),
        project: "default".to_owned(),
        stateful: true,
        rules: Vec::new(),
    });
    let bare = port(11, "fa:16:3e:00:00:02", "10.0.0.12");
    objects.ports.push(Port {
        security_groups: vec![group],
        host: Some(HostName::from("ironic1")),
        ..bare
    });
    let model = Model::new(objects).unwrap();
    let members: Vec<_> = model.members(group).map(|port| port.id).collect();
    assert_eq!(members, [PortId(Uuid::from_u128(11))]);
    assert_eq!(model.ports_of(NetworkId(Uuid::from_u128(1))).count(), 2);
}

/// The texts of what is wrong.
fn texts(problems: &[InvalidNetwork]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_wrong_costs_the_attribute_and_not_the_object() {
    let mut objects = objects();
    let group = AddressGroupId(Uuid::from_u128(8));
    objects.address_groups.push(AddressGroup {
        id: group,
        name: "offices".to_owned(),
        project: "default".to_owned(),
        addresses: vec!["10.0.0.1/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
    });
    let pair = |ip: &str| AddressPair {
        ip_address: ip.parse().unwrap(),
        mac_address: None,
    };
    objects.networks[0].mtu = Some(9000);
    objects.ports[0].fixed_ips.push("10.9.0.1".parse().unwrap());
    objects.ports[0].allowed_address_pairs = vec![pair("224.0.0.18/32"), pair("10.0.0.60/32")];
    let (model, problems) = Model::valid_part(objects);
    let expected = [
        "mtu of network net1: 9000 is out of range, expected 1280-1450",
        "addresses[0] of address group offices: 10.0.0.1/8 has host bits set, expected 10.0.0.0/8",
        "fixed_ips[1] of port port10: 10.9.0.1 is outside every subnet of its network \
         (10.0.0.0/24, 2001:db8::/64)",
        "allowed_address_pairs[0] of port port10: 224.0.0.18/32 overlaps 224.0.0.0/4, which is \
         multicast",
    ];
    assert_eq!(texts(&problems), expected);
    assert_eq!(model.address_group(group).unwrap().addresses.len(), 1);
    let port = model.port(PortId(Uuid::from_u128(10))).unwrap();
    assert_eq!(port.fixed_ips, ["10.0.0.11".parse::<IpAddr>().unwrap()]);
    assert_eq!(port.allowed_address_pairs, [pair("10.0.0.60/32")]);
}

#[test]
fn a_port_whose_new_version_is_refused_stays_as_it_was() {
    let before = Model::new(objects()).unwrap();
    let mut after = objects();
    after.ports[0].name = "renamed".to_owned();
    after.ports[0].mac_address = "01:00:5e:00:00:01".parse().unwrap();
    let (model, problems) = before.successor(after.clone());
    let expected = "the change of port renamed, which stays as it was: mac_address: \
                    01:00:5e:00:00:01 is no unicast MAC address";
    assert_eq!(texts(&problems), [expected]);
    assert_eq!(model, before);
    // It was never in effect: there is nothing to stay.
    let (model, problems) = Model::valid_part(after);
    let expected = "port renamed: mac_address: 01:00:5e:00:00:01 is no unicast MAC address";
    assert_eq!(texts(&problems), [expected]);
    assert_eq!(model.ports().count(), 0);
}

#[test]
fn who_is_in_effect_stays_where_a_newcomer_takes_what_it_has() {
    let before = Model::new(objects()).unwrap();
    let mut after = objects();
    let own = SubnetId(Uuid::from_u128(100));
    let newcomer = network(2, Segment::Vxlan { vni: 1002 }, &[]);
    after.networks.insert(0, newcomer);
    // Another network's segment, and a block that overlaps its sister's.
    after.networks[1].segment = Segment::Vxlan { vni: 1002 };
    let subnet = |id, name: &str, block: &str| {
        Subnet::new(id, name.to_owned(), block.parse().unwrap(), None).unwrap()
    };
    let other = SubnetId(Uuid::from_u128(3));
    after.networks[1].subnets[0] = subnet(own, "wide", "10.0.0.0/8");
    after.networks[1].subnets[1] = subnet(SubnetId(Uuid::from_u128(101)), "v6", "10.0.0.0/9");
    after.networks[1]
        .subnets
        .insert(0, subnet(other, "new", "10.0.0.0/16"));
    let (model, problems) = before.successor(after);
    let expected = [
        "the change of network net1, which stays as it was: segmentation_id: vxlan 1002 is \
         already that of net2",
        "subnet new: cidr: 10.0.0.0/16 overlaps 10.0.0.0/8 of the same network",
        "the change of subnet v6, which stays as it was: cidr: 10.0.0.0/9 overlaps 10.0.0.0/8 \
         of the same network",
    ];
    assert_eq!(texts(&problems), expected);
    let network = model.network(NetworkId(Uuid::from_u128(1))).unwrap();
    assert_eq!(network.segment, Segment::Vxlan { vni: 1001 });
    assert_eq!(network.subnets.len(), 2);
    assert_eq!(model.ports().count(), 1);
}

fn ingress(ethertype: Ethertype) -> RuleAttributes<'static> {
    RuleAttributes {
        id: RuleId(Uuid::from_u128(7)),
        direction: Direction::Ingress,
        ethertype,
        protocol: None,
        port_range_min: None,
        port_range_max: None,
        remote_ip_prefix: None,
        remote_group: None,
        remote_address_group: None,
    }
}

/// A protocol with its ports; what is wrong with them, and what Neutron calls that.
type Mistake = (
    &'static str,
    (Option<u32>, Option<u32>),
    &'static str,
    &'static str,
);

const MISTAKES: &[Mistake] = &[
    (
        "tcp",
        (Some(80), Some(79)),
        "port_range_min: 80-79 is reversed",
        "SecurityGroupInvalidPortRange",
    ),
    (
        "tcp",
        (Some(0), Some(79)),
        "port_range_min: 0 is out of range, expected 1-65535",
        "SecurityGroupInvalidPortValue",
    ),
    (
        "tcp",
        (Some(1), Some(70000)),
        "port_range_max: 70000 is out of range",
        "SecurityGroupInvalidPortValue",
    ),
    (
        "tcp",
        (Some(80), None),
        "port_range_max: missing",
        "SecurityGroupInvalidPortRange",
    ),
    (
        "any",
        (Some(80), Some(80)),
        "port_range_min: not expected, ports need a protocol",
        "SecurityGroupProtocolRequiredWithPorts",
    ),
    (
        "47",
        (Some(80), Some(80)),
        "port_range_min: not expected, protocol gre",
        "SecurityGroupInvalidProtocolForPort",
    ),
    (
        "dccp",
        (Some(80), Some(80)),
        "port_range_min: not expected, protocol dccp",
        "SecurityGroupInvalidProtocolForPort",
    ),
    (
        "icmp",
        (Some(256), None),
        "port_range_min: 256 is out of range, expected 0-255",
        "SecurityGroupInvalidIcmpValue",
    ),
    (
        "icmp",
        (Some(8), Some(256)),
        "port_range_max: 256 is out of range, expected 0-255",
        "SecurityGroupInvalidIcmpValue",
    ),
    (
        "icmp",
        (None, Some(0)),
        "port_range_min: missing, an ICMP code",
        "SecurityGroupMissingIcmpType",
    ),
    (
        "ipv6-icmp",
        (None, None),
        "protocol: ipv6-icmp does not fit ethertype IPv4",
        "SecurityGroupEthertypeConflictWithProtocol",
    ),
    (
        "256",
        (None, None),
        "protocol: \"256\" is unknown",
        "SecurityGroupRuleInvalidProtocol",
    ),
];

#[test]
fn a_rule_refuses_ports_that_do_not_fit() {
    for (protocol, (port_range_min, port_range_max), expected, neutron_type) in MISTAKES {
        let attributes = RuleAttributes {
            protocol: Some(protocol),
            port_range_min: *port_range_min,
            port_range_max: *port_range_max,
            ..ingress(Ethertype::Ipv4)
        };
        let problem = Rule::new(&attributes).unwrap_err();
        let text = problem.to_string();
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(problem.neutron_type(), *neutron_type, "{text}");
    }
    let ethertype = "IPv5".parse::<Ethertype>().unwrap_err().of("ethertype");
    let expected = "SecurityGroupRuleInvalidEtherType";
    assert_eq!(ethertype.neutron_type(), expected);
}

#[test]
fn a_rule_refuses_remotes_that_do_not_fit() {
    let group = SecurityGroupId(Uuid::from_u128(8));
    let cases = [
        (
            "2001:db8::/32",
            None,
            "remote_ip_prefix: 2001:db8::/32 does not fit ethertype IPv4",
            "SecurityGroupRuleParameterConflict",
        ),
        (
            "10.0.0.1/24",
            None,
            "remote_ip_prefix: 10.0.0.1/24 has host bits set, expected 10.0.0.0/24",
            "InvalidCIDR",
        ),
        (
            "10.0.0.0/24",
            Some(group),
            "remote_group: not expected together with remote_ip_prefix",
            "SecurityGroupMultipleRemoteEntites",
        ),
    ];
    for (block, remote_group, expected, neutron_type) in cases {
        let attributes = RuleAttributes {
            remote_ip_prefix: Some(block.parse().unwrap()),
            remote_group,
            ..ingress(Ethertype::Ipv4)
        };
        let problem = Rule::new(&attributes).unwrap_err();
        assert_eq!(problem.to_string(), expected);
        assert_eq!(problem.neutron_type(), neutron_type);
    }
}

#[test]
fn a_segment_refuses_what_does_not_fit() {
    let physical = || Some(PhysicalNetwork::from("physnet1"));
    let cases = [
        (
            NetworkType::Vlan,
            physical(),
            Some(4095),
            "segmentation_id: 4095 is out of range",
        ),
        (
            NetworkType::Vlan,
            None,
            Some(5),
            "physical_network: missing, a vlan network needs it",
        ),
        (
            NetworkType::Vxlan,
            None,
            Some(1 << 24),
            "segmentation_id: 16777216 is out of range",
        ),
        (NetworkType::Vxlan, None, None, "segmentation_id: missing"),
        (
            NetworkType::Flat,
            physical(),
            Some(5),
            "segmentation_id: not expected, a flat network",
        ),
        (
            NetworkType::Gre,
            physical(),
            Some(5),
            "physical_network: not expected, a gre network",
        ),
        (
            NetworkType::Local,
            None,
            Some(5),
            "segmentation_id: not expected, a local network",
        ),
    ];
    for (network_type, physical_network, id, expected) in cases {
        let text = Segment::new(network_type, physical_network, id)
            .unwrap_err()
            .to_string();
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn every_protocol_makes_a_rule() {
    for ethertype in [Ethertype::Ipv4, Ethertype::Ipv6] {
        for number in 0..=u8::MAX {
            let name = number.to_string();
            let rule = Rule::new(&RuleAttributes {
                protocol: Some(&name),
                ..ingress(ethertype)
            });
            // As Neutron has it, these occur in IPv6 only.
            let only_v6 = [41, 43, 44, 58, 59, 60].contains(&number);
            let fits = ethertype == Ethertype::Ipv6 || !only_v6;
            assert_eq!(rule.is_ok(), fits, "{ethertype} {number}");
        }
        for name in ["any", "ANY", "ip"] {
            let rule = Rule::new(&RuleAttributes {
                protocol: Some(name),
                ..ingress(ethertype)
            });
            assert_eq!(rule.unwrap().traffic(), crate::network::Traffic::Any);
        }
    }
}

#[test]
fn icmp_in_an_ipv6_rule_is_icmpv6() {
    let attributes = RuleAttributes {
        protocol: Some("icmp"),
        ..ingress(Ethertype::Ipv6)
    };
    let traffic = Rule::new(&attributes).unwrap().traffic();
    assert_eq!(
        traffic,
        crate::network::Traffic::Protocol(crate::network::Protocol::ICMPV6)
    );
}

#[test]
fn a_network_asks_for_no_more_than_its_underlay_carries() {
    let hosts = vec![host("host1", "192.0.2.1"), host("host2", "192.0.2.2")];
    let model_of = |mtu: Option<u16>, blocks: &[&str]| {
        let network = Network {
            mtu,
            ..network(1, Segment::Vxlan { vni: 1 }, blocks)
        };
        let objects = Objects {
            hosts: hosts.clone(),
            networks: vec![network],
            ..Objects::default()
        };
        let (model, problems) = Model::valid_part(objects);
        let mtu = model.networks().next().map(|network| model.mtu(network));
        let problems: Vec<_> = problems
            .iter()
            .map(|problem| problem.field.to_string())
            .collect();
        (mtu, problems)
    };
    let model = |mtu| model_of(mtu, &[]);
    assert_eq!(model(None), (Some(1450), vec![]));
    assert_eq!(model(Some(1400)), (Some(1400), vec![]));
    // The network stays, with what it can have.
    let refused = "mtu: 1451 is out of range, expected 1-1450".to_owned();
    assert_eq!(model(Some(1451)), (Some(1450), vec![refused]));
    // Its subnets need something too.
    assert_eq!(model(Some(20)), (Some(20), vec![]));
    for (block, least) in [("10.0.0.0/24", 68), ("2001:db8::/64", 1280)] {
        assert_eq!(model_of(Some(least), &[block]), (Some(least), vec![]));
        let refused = format!("mtu: {} is out of range, expected {least}-1450", least - 1);
        let expected = (Some(1450), vec![refused]);
        assert_eq!(model_of(Some(least - 1), &[block]), expected);
    }
}

/// Two ports on `host1`, one of which is behind the other.
fn with_trunk(sub_ports: &[(u128, u32)]) -> Objects {
    let mut objects = objects();
    objects.ports = vec![
        port(10, "fa:16:3e:00:00:01", "10.0.0.11"),
        port(11, "fa:16:3e:00:00:02", "10.0.0.12"),
        port(12, "fa:16:3e:00:00:03", "10.0.0.13"),
    ];
    objects.ports[0].host = Some("host1".into());
    let sub_port = |&(port, vlan): &(u128, u32)| SubPort {
        port: PortId(Uuid::from_u128(port)),
        vlan: VlanId::new(vlan).unwrap(),
    };
    objects.trunks = vec![Trunk {
        id: TrunkId(Uuid::from_u128(20)),
        name: "trunk20".to_owned(),
        project: "default".to_owned(),
        port: PortId(Uuid::from_u128(10)),
        sub_ports: sub_ports.iter().map(sub_port).collect(),
    }];
    objects
}

#[test]
fn a_sub_port_is_where_its_parent_is() {
    let model = Model::new(with_trunk(&[(11, 100), (12, 200)])).unwrap();
    let [parent, first] = [10, 11].map(|id| PortId(Uuid::from_u128(id)));
    assert_eq!(model.port(first).unwrap().host, Some("host1".into()));
    let (found, vlan) = model.parent(first).unwrap();
    assert_eq!((found.id, vlan.get()), (parent, 100));
    assert_eq!(model.trunk_of(parent).unwrap().sub_ports.len(), 2);
}

#[test]
fn a_trunk_has_each_port_and_each_vlan_once() {
    let cases = [
        (
            (11, 200),
            "port: 00000000-0000-0000-0000-00000000000b is already that of trunk20",
        ),
        (
            (12, 100),
            "segmentation_id: 100 is already that of 0 of trunk20",
        ),
        (
            (10, 200),
            "port: 00000000-0000-0000-0000-00000000000a is already that of trunk20",
        ),
        (
            (13, 200),
            "port: there is no port 00000000-0000-0000-0000-00000000000d",
        ),
    ];
    for (second, text) in cases {
        let place = ObjectRef::SubPort {
            trunk: 0,
            sub_port: 1,
        };
        let found = complaint(with_trunk(&[(11, 100), second]));
        assert_eq!(found, (place, format!("sub-port 1 of trunk20: {text}")));
    }
}

#[test]
fn a_sub_port_cannot_be_elsewhere() {
    let mut objects = with_trunk(&[(11, 100)]);
    objects.hosts.push(host("host2", "192.0.2.2"));
    objects.ports[1].host = Some("host2".into());
    let (_, text) = complaint(objects);
    let expected = "port: is on host host2, expected its parent's: host1";
    assert_eq!(text, format!("sub-port 0 of trunk20: {expected}"));
}

#[test]
fn a_machine_moves_to_another_host() {
    let mut objects = objects();
    objects.ports[0].host = Some("host1".into());
    objects.ports[0].migrating_to = Some("host1".into());
    let text = "migrating_to of port port10: host1, expected another host than the port's";
    assert_eq!(complaint(objects), (ObjectRef::Port(0), text.to_owned()));
}
