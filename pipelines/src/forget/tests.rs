use std::sync::Arc;

use openflow::field::PortNo;
use uuid::Uuid;

use super::*;
use crate::{
    bridge::{Bridge, desired},
    diff::diff,
    network::{
        AddressPair, HostName, MacAddr, Model, Network, NetworkId, NetworkType, Objects, Port,
        PortId, Segment, Subnet, SubnetId, VlanId,
    },
    site::Site,
};

fn port(id: u128, address: &str) -> Port {
    Port {
        id: PortId(Uuid::from_u128(id << 80)),
        name: format!("port{id}"),
        project: String::new(),
        network: NetworkId(Uuid::from_u128(1 << 80)),
        mac_address: MacAddr([0xfa, 0x16, 0x3e, 0, 0, u8::try_from(id).unwrap()]),
        fixed_ips: vec![address.parse().unwrap()],
        security_groups: Vec::new(),
        port_security_enabled: true,
        allowed_address_pairs: Vec::new(),
        admin_state_up: true,
        host: None,
        migrating_to: None,
        dns_name: String::new(),
        extra_dhcp_opts: Default::default(),
        machine: Default::default(),
    }
}

/// What br-int has, with each port plugged in at a number, in the zone 5 of a network.
fn flows(network: u128, ports: &[(Port, u32)]) -> FlowSet {
    let id = NetworkId(Uuid::from_u128(network << 80));
    let network = Network {
        id,
        name: "private".to_owned(),
        project: String::new(),
        segment: Segment::new(NetworkType::Local, None, None).unwrap(),
        mtu: None,
        dns_domain: String::new(),
        igmp_snooping: None,
        subnets: vec![
            Subnet::new(
                SubnetId(Uuid::from_u128(2)),
                "private-v4".to_owned(),
                "10.0.0.0/24".parse().unwrap(),
                None,
            )
            .unwrap(),
        ],
    };
    let placed = |port: &Port| Port {
        network: id,
        ..port.clone()
    };
    let objects = Objects {
        networks: vec![network],
        ports: ports.iter().map(|(port, _)| placed(port)).collect(),
        ..Objects::default()
    };
    let model = Model::new(objects).unwrap();
    let mut site = Site::new(Arc::new(model), HostName::from("host1"));
    site.local_vlans.insert(id, VlanId::new(5).unwrap());
    let numbers = ports
        .iter()
        .map(|(port, number)| (port.id, PortNo(*number)));
    site.bindings.extend(numbers);
    desired(&site, &Bridge::Integration).flow_set().clone()
}

fn between(before: &FlowSet, after: &FlowSet) -> Forgotten {
    Forgotten::between(before, after, &diff(before, after))
}

/// The IPv4 addresses among what is to be forgotten.
fn forgotten(before: &FlowSet, after: &FlowSet) -> Vec<String> {
    let addresses = between(before, after).addresses.into_iter();
    let v4 = addresses.filter(|(_, block)| block.addr().is_ipv4());
    v4.map(|(zone, block)| format!("{zone} {block}")).collect()
}

#[test]
fn the_addresses_of_a_port_that_goes_are_forgotten() {
    let before = flows(1, &[(port(2, "10.0.0.2"), 2), (port(3, "10.0.0.3"), 3)]);
    let after = flows(1, &[(port(3, "10.0.0.3"), 3)]);
    assert_eq!(forgotten(&before, &after), ["5 10.0.0.2/32"]);
    assert_eq!(between(&before, &after).zones, [].into());
    assert!(between(&after, &before).is_empty());
}

#[test]
fn an_address_that_another_port_takes_is_forgotten() {
    let before = flows(1, &[(port(2, "10.0.0.2"), 2)]);
    let after = flows(1, &[(port(3, "10.0.0.2"), 2)]);
    assert_eq!(forgotten(&before, &after), ["5 10.0.0.2/32"]);
}

#[test]
fn a_port_that_gets_another_number_keeps_its_connections() {
    let before = flows(1, &[(port(2, "10.0.0.2"), 2)]);
    let after = flows(1, &[(port(2, "10.0.0.2"), 7)]);
    assert!(between(&before, &after).is_empty());
}

#[test]
fn a_port_keeps_its_connections_while_it_is_down_or_not_tracked() {
    let usual = port(2, "10.0.0.2");
    let down = Port {
        admin_state_up: false,
        ..usual.clone()
    };
    let open = Port {
        port_security_enabled: false,
        ..usual.clone()
    };
    let states = [usual, down, open].map(|port| flows(1, &[(port, 2)]));
    for before in &states {
        for after in &states {
            assert!(between(before, after).is_empty());
        }
        // Whoever has its address next has none of them.
        let gone = flows(1, &[(port(3, "10.0.0.3"), 3)]);
        assert_eq!(forgotten(before, &gone), ["5 10.0.0.2/32"]);
        let taken = flows(1, &[(port(3, "10.0.0.2"), 2)]);
        assert_eq!(forgotten(before, &taken), ["5 10.0.0.2/32"]);
        let moved = flows(1, &[(port(2, "10.0.0.4"), 2)]);
        assert_eq!(forgotten(before, &moved), ["5 10.0.0.2/32"]);
    }
}

#[test]
fn an_address_that_a_port_loses_is_forgotten_alone() {
    let mut both = port(2, "10.0.0.2");
    both.fixed_ips.push("10.0.0.3".parse().unwrap());
    let before = flows(1, &[(both, 2)]);
    let after = flows(1, &[(port(2, "10.0.0.2"), 2)]);
    assert_eq!(forgotten(&before, &after), ["5 10.0.0.3/32"]);
}

#[test]
fn an_address_that_two_ports_share_stays_with_the_other() {
    let shared = |id, address| {
        let mut port = port(id, address);
        let ip_address = "10.0.0.9/32".parse().unwrap();
        let mac_address = None;
        port.allowed_address_pairs.push(AddressPair {
            ip_address,
            mac_address,
        });
        port
    };
    let both = [(shared(2, "10.0.0.2"), 2), (shared(3, "10.0.0.3"), 3)];
    let before = flows(1, &both);
    let after = flows(1, &both[1..]);
    assert_eq!(forgotten(&before, &after), ["5 10.0.0.2/32"]);
}

#[test]
fn of_a_block_what_others_have_stays() {
    let mut router = port(2, "10.0.0.2");
    router.allowed_address_pairs.push(AddressPair {
        ip_address: "10.0.0.0/24".parse().unwrap(),
        mac_address: None,
    });
    let before = flows(1, &[(router, 2), (port(3, "10.0.0.3"), 3)]);
    let after = flows(1, &[(port(3, "10.0.0.3"), 3)]);
    let forgotten = between(&before, &after);
    assert!(forgotten.names(5, "10.0.0.77".parse().unwrap()));
    assert!(!forgotten.names(5, "10.0.0.3".parse().unwrap()));
    assert!(!forgotten.names(6, "10.0.0.77".parse().unwrap()));
}

#[test]
fn a_zone_that_another_network_gets_is_forgotten_as_a_whole() {
    let before = flows(1, &[(port(2, "10.0.0.2"), 2)]);
    let after = flows(9, &[(port(3, "10.0.0.3"), 3)]);
    let forgotten = between(&before, &after);
    assert_eq!(
        (forgotten.zones, forgotten.addresses),
        ([5].into(), [].into())
    );
    assert_eq!(between(&before, &FlowSet::default()).zones, [5].into());
}

#[test]
fn what_is_noted_reads_as_it_was_written() {
    let mut router = port(2, "10.0.0.2");
    router.allowed_address_pairs.push(AddressPair {
        ip_address: "10.0.0.0/24".parse().unwrap(),
        mac_address: None,
    });
    let before = flows(1, &[(router, 2), (port(3, "10.0.0.3"), 3)]);
    let after = flows(1, &[(port(3, "10.0.0.3"), 3)]);
    for after in [after, FlowSet::default()] {
        let forgotten = between(&before, &after);
        let mut bridge = after.clone();
        for note in forgotten.notes() {
            bridge.insert_flow(note);
        }
        let noted = Forgotten::noted(&bridge);
        assert_eq!(
            (&noted.zones, &noted.addresses),
            (&forgotten.zones, &forgotten.addresses)
        );
        for address in ["10.0.0.3", "10.0.0.77", "fe80::1"] {
            let address = address.parse().unwrap();
            assert_eq!(noted.names(5, address), forgotten.names(5, address));
        }
        // Nobody desires notes, and nobody takes them away.
        assert_eq!(diff(&bridge, &after), []);
    }
    assert_eq!(Forgotten::noted(&before), Forgotten::default());
}
