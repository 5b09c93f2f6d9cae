//! Descriptions that become rows, and rows that become networks.

use pipelines::network::{Model, Objects, PortId};

use super::super::delete::delete;
use super::super::identity::Origin;
use super::super::objects::{describe, describe_after};
use super::super::plan::Plan;
use super::super::put::put;
use super::*;
use crate::northbound::file;

/// Everything that a description can say.
const DESCRIPTION: &str = r#"
hosts:
  - {name: host1, encap_ip: 192.0.2.1, encap_types: [vxlan], bridge_mappings: {physnet1: br-ex}}
  - {name: host2, encap_ip: "2001:db8::2", mtu: 9000, gateway_priority: 7, preemptive: true}
networks:
  - name: private
    project: tenant-a
    network_type: vxlan
    segmentation_id: 1001
    mtu: 1400
    dns_domain: example.org
    igmp_snooping: false
    subnets:
      - name: v4
        cidr: 10.0.0.0/24
        gateway_ip: 10.0.0.1
        dns_nameservers: [192.0.2.53, 192.0.2.52]
        host_routes: [{destination: 198.51.100.0/24, nexthop: 10.0.0.7}]
      - {name: v6, cidr: "2001:db8:a::/64", enable_dhcp: false, ipv6_ra_mode: slaac, ipv6_address_mode: dhcpv6-stateless}
  - name: provider
    network_type: vlan
    physical_network: physnet1
    segmentation_id: 7
    subnets: [{name: outside, cidr: 203.0.113.0/24, gateway_ip: 203.0.113.1}]
  - {name: island, network_type: local}
address_groups:
  - {name: offices, project: tenant-a, addresses: [198.51.100.0/24, 203.0.113.7]}
security_groups:
  - name: default
    project: tenant-a
    rules:
      - {direction: egress, ethertype: IPv4}
      - {direction: ingress, ethertype: IPv4, remote_group: default}
      - {direction: ingress, protocol: tcp, port_range_min: 22, port_range_max: 23, remote_address_group: offices}
      - {direction: ingress, ethertype: IPv6, protocol: icmp, port_range_min: 128, port_range_max: 0}
      - {direction: ingress, protocol: udp, remote_ip_prefix: 192.0.2.0/24}
      - {direction: ingress, protocol: 250}
  - {name: fast, project: tenant-a, stateful: false}
ports:
  - name: vm1
    project: tenant-a
    network: private
    mac_address: fa:16:3e:00:00:12
    fixed_ips: [10.0.0.18, "2001:db8:a::18"]
    security_groups: [default, fast]
    allowed_address_pairs: [{ip_address: 10.0.0.200, mac_address: "fa:16:3e:00:00:99"}, {ip_address: 10.9.0.0/16}]
    host: host1
    migrating_to: host2
    dns_name: web
    extra_dhcp_opts:
      - {opt_name: bootfile-name, opt_value: pxelinux.0}
      - {opt_name: "59", opt_value: "http://192.0.2.1/", ip_version: 6}
    device_id: 3b5c2b3e-5bd2-4b4f-9d3e-9b1f5f7f0001
    public_keys: {me: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example}
    user_data: "echo hello"
  - {name: open, network: provider, mac_address: "fa:16:3e:00:00:13", port_security_enabled: false, admin_state_up: false}
  - {name: vm2, network: private, mac_address: "fa:16:3e:00:00:24", fixed_ips: [10.0.0.20]}
  - {name: r1-private, network: private, mac_address: "fa:16:3e:00:00:21", fixed_ips: [10.0.0.1], port_security_enabled: false}
  - {name: r1-provider, network: provider, mac_address: "fa:16:3e:00:00:22", fixed_ips: [203.0.113.2], port_security_enabled: false}
  - {name: floating, network: provider, mac_address: "fa:16:3e:00:00:23", fixed_ips: [203.0.113.3], port_security_enabled: false}
trunks:
  - {name: trunk, port: open, sub_ports: [{port: behind, segmentation_id: 100}]}
routers:
  - name: r1
    interfaces: [r1-private]
    gateway: {port: r1-provider}
floating_ips:
  - address_port: floating
    router: r1
    port_forwardings:
      - {protocol: udp, external_port: 53, port: vm2, internal_port: 5353}
      - {protocol: tcp, external_port: 2222, port: vm2, fixed_ip_address: 10.0.0.20, internal_port: 22}
logs:
  - {name: fast, project: tenant-a, event: ACCEPT, security_group: fast}
  - {name: behind, event: DROP, port: behind, enabled: false}
  - {name: all}
"#;
const BEHIND: &str =
    "  - {name: behind, network: island, mac_address: \"fa:16:3e:00:00:14\"}\ntrunks:\n";

fn model(description: &str) -> Model {
    let described = file::parse("network.yaml".as_ref(), description.as_bytes());
    described.unwrap_or_else(|error| panic!("{error}")).model
}

fn whole() -> Model {
    model(&DESCRIPTION.replace("trunks:\n", BEHIND))
}

/// What a model says, in an order that does not depend on its source.
fn sorted(model: &Model) -> Objects {
    let mut objects = Objects {
        networks: model.networks().cloned().collect(),
        address_groups: model.address_groups().cloned().collect(),
        security_groups: model.security_groups().cloned().collect(),
        ports: model.ports().cloned().collect(),
        trunks: model.trunks().cloned().collect(),
        routers: model.routers().cloned().collect(),
        floating_ips: model.floating_ips().cloned().collect(),
        logs: model.logs().cloned().collect(),
        hosts: model.hosts().cloned().collect(),
    };
    for network in &mut objects.networks {
        network.subnets.sort_by_key(|subnet| subnet.id);
    }
    for group in &mut objects.address_groups {
        group.addresses.sort();
    }
    for group in &mut objects.security_groups {
        group.rules.sort_by_key(pipelines::network::Rule::id);
    }
    for floating_ip in &mut objects.floating_ips {
        floating_ip.port_forwardings.sort();
    }
    for port in &mut objects.ports {
        port.security_groups.sort();
        port.allowed_address_pairs.sort();
    }
    objects
}

/// Applies a plan, and returns what it does.
async fn apply(database: &Database, plan: impl Fn(&Northbound) -> Plan) -> Vec<String> {
    let plan = plan(&database.snapshot());
    database.transact(plan.transaction).await.unwrap();
    plan.changes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_a_file_says_is_what_the_database_says() {
    let server = Server::start();
    let database = server.open().await;
    let model = whole();
    let changes = apply(&database, |rows| put(rows, &model)).await;
    assert!(
        changes.iter().all(|change| change.starts_with("+ ")),
        "{changes:#?}"
    );
    let described = describe(&database.snapshot());
    assert_eq!(described.left_out, [""; 0]);
    assert_eq!(sorted(&described.model), sorted(&model));
    // Applied again, nothing is left to do.
    assert_eq!(put(&database.snapshot(), &model).changes, []);
}

#[test]
fn what_is_exported_is_read_as_the_same() {
    let model = whole();
    let text = serde_saphyr::to_string(&file::write::document(&model)).unwrap();
    assert_eq!(sorted(&self::model(&text)), sorted(&model), "{text}");
}

#[tokio::test]
async fn only_what_changes_is_written() {
    let server = Server::start();
    let database = server.open().await;
    let before = whole();
    apply(&database, |rows| put(rows, &before)).await;
    let text = DESCRIPTION
        .replace("trunks:\n", BEHIND)
        .replace("fixed_ips: [10.0.0.18,", "fixed_ips: [10.0.0.19,")
        .replace("segmentation_id: 1001", "segmentation_id: 1002")
        .replace("mtu: 1400", "mtu: 1401");
    let after = model(&text);
    let changes = apply(&database, |rows| put(rows, &after)).await;
    let [network, port] = changes.as_slice() else {
        panic!("{changes:#?}");
    };
    assert!(network.starts_with("~ network private ("), "{network}");
    assert!(network.ends_with("): mtu, segments"), "{network}");
    assert!(port.ends_with("): fixed_ips"), "{port}");
    let rows = database.snapshot();
    assert_eq!(sorted(&describe(&rows).model), sorted(&after));
    let revisions: Vec<_> = rows.ports.iter().map(|port| port.revision_number).collect();
    assert_eq!(revisions.iter().sum::<i64>(), 1, "{revisions:?}");
}

#[tokio::test]
async fn what_was_applied_can_be_deleted() {
    let server = Server::start();
    let database = server.open().await;
    let model = whole();
    apply(&database, |rows| put(rows, &model)).await;
    apply(&database, |rows| delete(rows, &model)).await;
    let rows = database.snapshot();
    // What is left is which database it is, and that it is meant to be empty.
    let origin = Origin::of(&rows);
    assert!(origin.is_empty && origin.is_emptied && origin.identity.is_some());
    let left = Northbound {
        global: rows.global.clone(),
        ..Northbound::default()
    };
    assert_eq!(*rows, left);
    // It is not meant to be so any more once there are networks.
    apply(&database, |rows| put(rows, &model)).await;
    let filled = Origin::of(&database.snapshot());
    assert!(!filled.is_empty && !filled.is_emptied);
    assert_eq!(filled.identity, origin.identity);
}

#[tokio::test]
async fn a_row_that_is_wrong_is_left_out_alone() {
    let server = Server::start();
    let database = server.open().await;
    let model = whole();
    apply(&database, |rows| put(rows, &model)).await;
    let vm1 = model.ports().find(|port| port.name == "vm1").unwrap().id;
    let mut transaction = Transaction::new();
    transaction.update(vm1.0, Port::values().set(Port::mac_address, "junk"));
    database.transact(transaction).await.unwrap();
    let described = describe(&database.snapshot());
    let [left_out] = described.left_out.as_slice() else {
        panic!("{:?}", described.left_out);
    };
    assert!(left_out.starts_with("port vm1 ("), "{left_out}");
    assert!(
        left_out.contains("): mac_address: \"junk\": "),
        "{left_out}"
    );
    let ports: Vec<PortId> = described.model.ports().map(|port| port.id).collect();
    assert_eq!(ports.len(), model.ports().count() - 1);
    assert!(!ports.contains(&vm1));
}

#[tokio::test]
async fn what_is_in_effect_stays_where_a_row_becomes_wrong() {
    let server = Server::start();
    let database = server.open().await;
    let model = whole();
    apply(&database, |rows| put(rows, &model)).await;
    let before = describe(&database.snapshot()).model;
    let vm1 = model.ports().find(|port| port.name == "vm1").unwrap().id;
    let private = model.networks().find(|network| network.name == "private");
    let subnet = |name: &str| {
        let mut subnets = private.unwrap().subnets.iter();
        subnets.find(|subnet| subnet.name == name).unwrap().id.0
    };
    let mut transaction = Transaction::new();
    let renamed = Port::values().set(Port::name, "renamed");
    transaction.update(vm1.0, renamed.set(Port::mac_address, "junk"));
    transaction.update(subnet("v6"), Subnet::values().set(Subnet::cidr, "junk"));
    let gateway = Subnet::values().set(Subnet::gateway_ip, Some("224.0.0.1".to_owned()));
    transaction.update(subnet("v4"), gateway);
    database.transact(transaction).await.unwrap();
    let described = describe_after(&database.snapshot(), &before);
    let mut left_out = described.left_out.clone();
    left_out.sort();
    let [gateway, changed_port, changed_subnet] = left_out.as_slice() else {
        panic!("{left_out:?}");
    };
    assert!(
        changed_port.starts_with("the change of port renamed ("),
        "{changed_port}"
    );
    assert!(
        changed_port.contains("), which stays as it was: mac_address: "),
        "{changed_port}"
    );
    assert!(
        changed_subnet.starts_with("the change of subnet v6 ("),
        "{changed_subnet}"
    );
    assert!(
        gateway.starts_with("gateway_ip of subnet v4 ("),
        "{gateway}"
    );
    let mut expected = sorted(&before);
    for network in &mut expected.networks {
        for place in &mut network.subnets {
            if place.name == "v4" {
                let (id, name) = (place.id, place.name.clone());
                let mut bare =
                    pipelines::network::Subnet::new(id, name, place.cidr(), None).unwrap();
                bare.enable_dhcp = place.enable_dhcp;
                bare.dns_nameservers.clone_from(&place.dns_nameservers);
                bare.host_routes.clone_from(&place.host_routes);
                *place = bare;
            }
        }
    }
    assert_eq!(sorted(&described.model), expected);
}

#[tokio::test]
async fn user_data_is_whatever_bytes_a_machine_is_given() {
    let server = Server::start();
    let database = server.open().await;
    let noise: Vec<u8> = (0..65_535_u32)
        .map(|n| u8::try_from(n * n % 251).unwrap() ^ 0xff)
        .collect();
    let data = [
        b"#cloud-config\nruncmd: [ls]\n".to_vec(),
        noise,
        b"\x1f\x8b\x08\x00".to_vec(),
        vec![0; 65_535],
    ];
    for data in data {
        let mut port = whole()
            .ports()
            .find(|port| port.name == "vm1")
            .unwrap()
            .clone();
        port.machine.user_data.clone_from(&data);
        let mut objects = sorted(&whole());
        objects.ports.retain(|other| other.id != port.id);
        objects.ports.push(port.clone());
        let model = Model::new(objects).unwrap();
        let text = serde_saphyr::to_string(&file::write::document(&model)).unwrap();
        let read = self::model(&text);
        apply(&database, |rows| put(rows, &read)).await;
        let described = describe(&database.snapshot()).model;
        let told = &described.port(port.id).unwrap().machine.user_data;
        assert!(*told == data, "{} bytes", data.len());
    }
    // What is no text in a file is refused in words.
    let twice = DESCRIPTION.replace(
        "user_data: \"echo hello\"",
        "user_data: a\n    user_data_base64: YQ==",
    );
    let twice = twice.replace("trunks:\n", BEHIND);
    let refused = file::parse("n.yaml".as_ref(), twice.as_bytes()).unwrap_err();
    let expected = "user_data_base64: not expected together with user_data";
    assert!(refused.to_string().contains(expected), "{refused}");
}
