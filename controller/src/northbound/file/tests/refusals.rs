//! Each kind of mistake, with all that is said about it.
//!
//! In the texts, `§` marks the place that must be named.

use super::*;

mod content;
mod subnet;

/// Checks what is said: one message for each mark, in the order of the marks.
#[track_caller]
fn refuses(marked: &str, messages: &[&str]) {
    let lines = marked.lines().zip(1..);
    let places = lines.flat_map(|(line, number)| {
        let marks = line.char_indices().filter(|(_, letter)| *letter == '§');
        marks.enumerate().map(move |(earlier, (at, _))| {
            let column = line[..at].chars().count() - earlier + 1;
            format!("n.yaml:{number}:{column}")
        })
    });
    let expected: Vec<_> = places
        .zip(messages)
        .map(|(place, message)| format!("{place}: {message}"))
        .collect();
    assert_eq!(expected.len(), messages.len(), "one mark for each message");
    let error = load(&marked.replace('§', "")).unwrap_err();
    assert_eq!(error.to_string(), expected.join("\n"));
}

/// Checks what is said about a network called `net`.
#[track_caller]
fn refuses_network(attributes: &str, message: &str) {
    let text = format!("networks:\n- {{name: net, {attributes}}}\n");
    refuses(&text, &[&format!("networks[0].{message}")]);
}

/// Checks what is said about a rule of a group called `web`, beside addresses called `office`.
#[track_caller]
fn refuses_rule(rule: &str, message: &str) {
    let text = format!(
        "address_groups: [{{name: office}}]\n\
         security_groups:\n- name: web\n  rules:\n  - {rule}\n"
    );
    refuses(&text, &[&format!("security_groups[0].rules[0].{message}")]);
}

/// Checks what is said about a second port beside that of [`BASE`].
#[track_caller]
fn refuses_port(more: &str, message: &str) {
    refuses(&second_port(more), &[&format!("ports[1].{message}")]);
}

#[test]
fn a_key_that_is_unknown() {
    let sections = "hosts, other_hosts, networks, address_groups, security_groups, ports, trunks, routers, floating_ips, logs";
    refuses(
        "§network: []",
        &[&format!(
            "network: unknown key (did you mean networks?), known are {sections}"
        )],
    );
    refuses(
        "§balancers: []",
        &[&format!("balancers: unknown key, known are {sections}")],
    );
    refuses_rule(
        "{direction: egress, §remote_group_id: web}",
        "remote_group_id: unknown key (did you mean remote_group?), known are id, direction, \
         ethertype, protocol, port_range_min, port_range_max, remote_ip_prefix, remote_group, \
         remote_address_group",
    );
    refuses_network(
        "network_type: local, subnets: [{cidr: 10.0.0.0/8, §colour: red}]",
        "subnets[0].colour: unknown key, known are id, name, cidr, gateway_ip, enable_dhcp, \
         dns_nameservers, host_routes, ipv6_ra_mode, ipv6_address_mode",
    );
    refuses_network(
        "network_type: local, §provider: x",
        "provider: unknown key, known are id, name, project, network_type, segmentation_id, \
         physical_network, mtu, dns_domain, igmp_snooping, subnets",
    );
    refuses_port(
        "§fixed_ip: 10.0.0.19",
        "fixed_ip: unknown key (did you mean fixed_ips?), known are id, name, project, network, \
         mac_address, fixed_ips, security_groups, port_security_enabled, allowed_address_pairs, \
         admin_state_up, host, migrating_to, dns_name, extra_dhcp_opts, device_id, \
         public_keys, user_data, user_data_base64",
    );
}

#[test]
fn a_key_that_is_no_word() {
    refuses("hosts: []\n? §[a]\n: b", &["found a list, expected a key"]);
    refuses(r#"§"a\nb": 5"#, &[r#"found "a\nb", expected a key"#]);
}

#[test]
fn a_key_that_occurs_twice() {
    refuses(
        "hosts: []\nports: []\n§hosts: []",
        &["hosts: given before, at 1:1"],
    );
    refuses(
        "hosts: [{name: a, bridge_mappings: {p: br-ex, §p: br-ex}}]",
        &["hosts[0].bridge_mappings.p: given before, at 1:37"],
    );
}

#[test]
fn a_key_that_is_missing() {
    refuses(
        "hosts: [§{encap_ip: 192.0.2.1}]",
        &["hosts[0].name: missing, expected the name of a host"],
    );
    refuses(
        "ports:\n  - §§§{}",
        &[
            "ports[0].name: missing, expected a name or an id",
            "ports[0].network: missing, expected the name or id of a network",
            "ports[0].mac_address: missing, expected a MAC address, six pairs of hexadecimal \
             digits such as fa:16:3e:00:00:12",
        ],
    );
    refuses_rule(
        "§{protocol: tcp}",
        "direction: missing, expected ingress or egress",
    );
    refuses_network(
        "network_type: local, subnets: [§{name: s}]",
        "subnets[0].cidr: missing, expected a block such as 10.0.0.0/24",
    );
    refuses(
        "networks: [§{name: a}]",
        &["networks[0].network_type: missing, expected local, flat, vlan, vxlan, gre or geneve"],
    );
}

#[test]
fn a_value_of_another_type() {
    refuses(
        "§[]",
        &[
            "found a list, expected a mapping with hosts, networks, address_groups, security_groups, ports, trunks, routers, floating_ips and logs",
        ],
    );
    refuses(
        "ports: §{}",
        &["ports: found a mapping, expected a list of ports"],
    );
    refuses("ports: [§5]", &["ports[0]: found 5, expected a port"]);
    refuses(
        "hosts: [{name: §[a]}]",
        &["hosts[0].name: found a list, expected the name of a host"],
    );
    refuses(
        r#"hosts: [{name: §""}]"#,
        &[r#"hosts[0].name: found "", expected the name of a host"#],
    );
    refuses_port(
        "port_security_enabled: §yes",
        r#"port_security_enabled: found "yes", expected true or false"#,
    );
    refuses_port(
        "fixed_ips: §10.0.0.19",
        r#"fixed_ips: found "10.0.0.19", expected a list of addresses such as [10.0.0.18]"#,
    );
    refuses_network(
        r#"network_type: gre, segmentation_id: §"7""#,
        r#"segmentation_id: found "7", expected a number from 0 to 4294967295"#,
    );
    refuses_network(
        "network_type: gre, segmentation_id: §-1",
        "segmentation_id: found -1, expected a number from 0 to 4294967295",
    );
}

#[test]
fn a_long_value_is_told_in_part() {
    let (long, part) = ("x".repeat(300), "x".repeat(40));
    refuses(
        &format!("hosts: [{{name: §{long}}}]"),
        &[&format!(
            "hosts[0].name: found \"{part}...\", expected the name of a host"
        )],
    );
}

#[test]
fn a_host_that_cannot_be() {
    refuses(
        "hosts: [{name: a, encap_types: [vxlan, §stt]}]",
        &[r#"hosts[0].encap_types[1]: "stt" is unknown, expected vxlan, gre or geneve"#],
    );
    refuses(
        "hosts: [{name: a, encap_ip: §192.0.2}]",
        &[r#"hosts[0].encap_ip: found "192.0.2", expected an address such as 192.0.2.1"#],
    );
    refuses(
        "hosts: [{name: a, bridge_mappings: {p: §br/ex}}]",
        &[
            "hosts[0].bridge_mappings.p: \"br/ex\" is unknown, expected the name of a bridge, at \
             most 15 characters without space or slash",
        ],
    );
}

#[test]
fn a_segment_that_cannot_be() {
    let cases = [
        (
            "vlan, physical_network: p, segmentation_id: §4095",
            "segmentation_id: 4095 is out of range, expected 1-4094",
        ),
        (
            "vlan, physical_network: p, segmentation_id: §0",
            "segmentation_id: 0 is out of range, expected 1-4094",
        ),
        (
            "vxlan, segmentation_id: §16777216",
            "segmentation_id: 16777216 is out of range, expected 1-16777215",
        ),
        (
            "local, segmentation_id: §5",
            "segmentation_id: not expected, a local network has none",
        ),
        (
            "gre, segmentation_id: 5, physical_network: §p",
            "physical_network: not expected, a gre network has none",
        ),
        (
            "§stt",
            r#"network_type: "stt" is unknown, expected local, flat, vlan, vxlan, gre or geneve"#,
        ),
        (
            "local, mtu: §70000",
            "mtu: 70000 is out of range, expected 0-65535",
        ),
        (
            "local, mtu: §67, subnets: [{cidr: 10.0.0.0/24}]",
            "mtu: 67 is out of range, expected 68-1500",
        ),
        (
            "local, mtu: §1279, subnets: [{cidr: 'fd00::/64'}]",
            "mtu: 1279 is out of range, expected 1280-1500",
        ),
    ];
    for (attributes, message) in cases {
        refuses_network(&format!("network_type: {attributes}"), message);
    }
    refuses(
        "networks: [§{name: a, network_type: gre}]",
        &["networks[0].segmentation_id: missing, a gre network needs it"],
    );
    refuses(
        "networks: [§{name: a, network_type: flat}]",
        &["networks[0].physical_network: missing, a flat network needs it"],
    );
}

#[test]
fn a_subnet_that_cannot_be() {
    let cases = [
        (
            "{cidr: §10.0.0.5/24}",
            "subnets[0].cidr: 10.0.0.5/24 has host bits set, expected 10.0.0.0/24",
        ),
        (
            "{cidr: §10.0.0.0}",
            r#"subnets[0].cidr: found "10.0.0.0", expected a block such as 10.0.0.0/24"#,
        ),
        (
            "{cidr: 10.0.0.0/24, gateway_ip: §10.0.0.255}",
            "subnets[0].gateway_ip: 10.0.0.255 cannot be a router's in 10.0.0.0/24",
        ),
        (
            "{cidr: 10.0.0.0/24}, {cidr: §10.0.0.0/25}",
            "subnets[1].cidr: 10.0.0.0/25 overlaps 10.0.0.0/24 of the same network",
        ),
    ];
    for (subnets, message) in cases {
        refuses_network(
            &format!("network_type: local, subnets: [{subnets}]"),
            message,
        );
    }
}

#[test]
fn a_rule_that_cannot_be() {
    refuses_rule(
        "{direction: §in}",
        r#"direction: "in" is unknown, expected ingress or egress"#,
    );
    let cases = [
        (
            "ethertype: §IPv5",
            r#"ethertype: "IPv5" is unknown, expected IPv4 or IPv6"#,
        ),
        (
            "protocol: §256",
            "protocol: \"256\" is unknown, expected an IP protocol by name (tcp, udp, icmp, ...) \
             or number (0-255)",
        ),
        (
            "protocol: tcp, port_range_min: §23, port_range_max: 22",
            "port_range_min: 23-22 is reversed, expected port_range_min <= port_range_max",
        ),
        (
            "protocol: tcp, port_range_min: §0, port_range_max: 22",
            "port_range_min: 0 is out of range, expected 1-65535",
        ),
        (
            "protocol: icmp, port_range_min: §256",
            "port_range_min: 256 is out of range, expected 0-255",
        ),
        (
            "protocol: gre, port_range_min: §1, port_range_max: 2",
            "port_range_min: not expected, protocol gre has no ports that can be matched",
        ),
        (
            "port_range_min: §1, port_range_max: 2",
            "port_range_min: not expected, ports need a protocol",
        ),
        (
            "remote_ip_prefix: §10.0.0.1/24",
            "remote_ip_prefix: 10.0.0.1/24 has host bits set, expected 10.0.0.0/24",
        ),
        (
            r#"remote_ip_prefix: §"::/0""#,
            "remote_ip_prefix: ::/0 does not fit ethertype IPv4",
        ),
        (
            "remote_ip_prefix: 10.0.0.0/24, remote_group: §web",
            "remote_group: not expected together with remote_ip_prefix",
        ),
        (
            "remote_ip_prefix: 10.0.0.0/24, remote_address_group: §office",
            "remote_address_group: not expected together with remote_ip_prefix",
        ),
        (
            "remote_group: web, remote_address_group: §office",
            "remote_address_group: not expected together with remote_group",
        ),
    ];
    for (attributes, message) in cases {
        refuses_rule(&format!("{{direction: egress, {attributes}}}"), message);
    }
}

#[test]
fn half_a_range() {
    refuses_rule(
        "§{direction: egress, protocol: tcp, port_range_min: 22}",
        "port_range_max: missing, a port range needs both ends",
    );
    refuses_rule(
        "§{direction: egress, protocol: tcp, port_range_max: 22}",
        "port_range_min: missing, a port range needs both ends",
    );
    refuses_rule(
        "§{direction: egress, protocol: icmp, port_range_max: 0}",
        "port_range_min: missing, an ICMP code (port_range_max) needs a type (port_range_min)",
    );
}

#[test]
fn a_port_that_cannot_be() {
    refuses(
        &second_port("")
            .replace("fa:16:3e:00:00:13", "fa:16:3e:zz")
            .replace("\"fa:16:3e:zz", "§\"fa:16:3e:zz"),
        &[
            "ports[1].mac_address: found \"fa:16:3e:zz\", expected a MAC address, six pairs of \
           hexadecimal digits such as fa:16:3e:00:00:12",
        ],
    );
    let cases = [
        (
            "id: §5",
            "id: found 5, expected a UUID such as 7571157f-bcad-4032-8ad1-f0950600b737",
        ),
        (
            "fixed_ips: [10.0.0.19, §10.0.0]",
            r#"fixed_ips[1]: found "10.0.0", expected an address such as 10.0.0.18"#,
        ),
        (
            "fixed_ips: [10.0.0.19, §10.0.1.19]",
            "fixed_ips[1]: 10.0.1.19 is outside every subnet of its network (10.0.0.0/24, \
             2001:db8:a::/64)",
        ),
        (
            "allowed_address_pairs: [{ip_address: §10.0.0.0/33}]",
            "allowed_address_pairs[0].ip_address: found \"10.0.0.0/33\", expected a block such as \
             10.0.0.0/24, or an address",
        ),
        (
            "allowed_address_pairs: [§{mac_address: \"fa:16:3e:00:00:14\"}]",
            "allowed_address_pairs[0].ip_address: missing, expected an address or a block",
        ),
        (
            "allowed_address_pairs: [§{ip_address: 10.0.0.1, mac_address: \"01:00:5e:00:00:01\"}]",
            "allowed_address_pairs[0]: 01:00:5e:00:00:01 is no unicast MAC address",
        ),
        (
            "port_security_enabled: false, security_groups: §[default]",
            "security_groups: not expected, port_security_enabled is false",
        ),
    ];
    for (more, message) in cases {
        refuses_port(more, message);
    }
}

#[test]
fn a_reference_to_nothing() {
    refuses(
        &second_port("").replace("vm2, network: private", "vm2, network: §privat"),
        &[r#"ports[1].network: there is no network "privat" (did you mean private?)"#],
    );
    refuses_port(
        "security_groups: [default, §ssh]",
        r#"security_groups[1]: there is no security group "ssh""#,
    );
    refuses_port(
        "security_groups: [§7571157f-bcad-4032-8ad1-f0950600b737]",
        r#"security_groups[0]: there is no security group "7571157f-bcad-4032-8ad1-f0950600b737""#,
    );
    refuses_port(
        "host: §hots1",
        r#"host: there is no host "hots1" (did you mean host1?)"#,
    );
    refuses_rule(
        "{direction: egress, remote_group: §web1}",
        r#"remote_group: there is no security group "web1" (did you mean web?)"#,
    );
    refuses_rule(
        "{direction: egress, remote_address_group: §home}",
        r#"remote_address_group: there is no address group "home""#,
    );
}

#[test]
fn a_name_that_means_several_objects() {
    let text = "
networks:
  - {name: net, network_type: local, project: a}
  - {name: net, network_type: local, project: b}
ports:
  - {name: p, project: c, network: §net, mac_address: fa:16:3e:00:00:01}
";
    refuses(
        text,
        &[r#"ports[0].network: "net" could be any of networks[0], networks[1], expected an id"#],
    );
}

#[test]
fn what_must_be_unique_and_is_not() {
    refuses(
        &second_port("fixed_ips: [§10.0.0.18]")
            .replace("\"fa:16:3e:00:00:13\"", "§\"fa:16:3e:00:00:12\""),
        &[
            "ports[1].mac_address: fa:16:3e:00:00:12 is already that of vm1",
            "ports[1].fixed_ips[0]: 10.0.0.18 is already that of vm1",
        ],
    );
    refuses(
        "networks:\n- {name: a, network_type: local}\n- {name: §a, network_type: local}",
        &[
            "networks[1].name: \"a\" is already the name of networks[0], expected another name or \
             an id",
        ],
    );
    let id = "7571157f-bcad-4032-8ad1-f0950600b737";
    refuses(
        &format!(
            "networks:\n- {{id: {id}, network_type: local}}\n- {{id: §{id}, network_type: local}}"
        ),
        &[&format!(
            "networks[1].id: {id} is already the id of networks[0]"
        )],
    );
    refuses(
        "networks:
- {name: a, network_type: vxlan, segmentation_id: 5}
- {name: b, network_type: vxlan, segmentation_id: §5}",
        &["networks[1].segmentation_id: vxlan 5 is already that of a"],
    );
}

#[test]
fn one_mistake_causes_no_second() {
    // The network has a mistake, its port has none.
    refuses(
        &BASE.replace("10.0.0.0/24", "§10.0.0.1/24"),
        &["networks[0].subnets[0].cidr: 10.0.0.1/24 has host bits set, expected 10.0.0.0/24"],
    );
}

#[test]
fn a_trunk_names_ports_and_vlans() {
    let cases = [
        (
            "{port: §vm3, segmentation_id: 100}",
            r#"port: there is no port "vm3" (did you mean vm1?)"#,
        ),
        (
            "{port: vm2, segmentation_id: §4095}",
            "segmentation_id: 4095 is out of range, expected 1-4094",
        ),
        (
            "{port: vm2, segmentation_id: 100, segmentation_type: §inherit}",
            r#"segmentation_type: found "inherit", expected vlan"#,
        ),
        (
            "§{port: vm2}",
            "segmentation_id: missing, expected a VLAN from 1 to 4094",
        ),
        (
            "{port: §vm1, segmentation_id: 100}",
            "port: 56108293-9942-5e91-84ec-73209af0ac78 is already that of t",
        ),
    ];
    for (sub_port, message) in cases {
        let text = second_port("admin_state_up: true")
            + &format!("\ntrunks: [{{name: t, port: vm1, sub_ports: [{sub_port}]}}]");
        refuses(&text, &[&format!("trunks[0].sub_ports[0].{message}")]);
    }
}

#[test]
fn a_log_names_what_the_firewall_decides_about() {
    let cases = [
        (
            "event: §DENY",
            r#"event: "DENY" is unknown, expected ACCEPT, DROP or ALL"#,
        ),
        (
            "enabled: §maybe",
            r#"enabled: found "maybe", expected true or false"#,
        ),
        (
            "security_group: §defalt",
            r#"security_group: there is no security group "defalt" (did you mean default?)"#,
        ),
        (
            "port: §vm9",
            r#"port: there is no port "vm9" (did you mean vm1?)"#,
        ),
        (
            "§target: vm1",
            "target: unknown key, known are id, name, project, enabled, event, security_group, port",
        ),
    ];
    for (attributes, message) in cases {
        let text = second_port("port_security_enabled: false")
            + &format!("\nlogs: [{{name: l, {attributes}}}]");
        refuses(&text, &[&format!("logs[0].{message}")]);
    }
    let twice = format!("{BASE}logs:\n- {{name: l}}\n- {{name: §l}}\n");
    refuses(
        &twice,
        &[r#"logs[1].name: "l" is already the name of logs[0], expected another name or an id"#],
    );
}

#[test]
fn every_mistake_is_told_by_line() {
    let text = second_port("host: §host2")
        .replace("192.0.2.1", "§192.0.2")
        .replace("vxlan", "§vlxan")
        .replace("\"fa:16:3e:00:00:13\"", "§\"fa:16:3e:00:00:12\"");
    refuses(
        &text,
        &[
            r#"hosts[0].encap_ip: found "192.0.2", expected an address such as 192.0.2.1"#,
            "networks[0].network_type: \"vlxan\" is unknown, expected local, flat, vlan, vxlan, gre or \
             geneve",
            "ports[1].mac_address: fa:16:3e:00:00:12 is already that of vm1",
            r#"ports[1].host: there is no host "host2" (did you mean host1?)"#,
        ],
    );
}

#[test]
fn a_long_list_of_mistakes_is_cut() {
    let text = format!("ports:\n{}", "- 5\n".repeat(60));
    let message = load(&text).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 51);
    assert_eq!(message.lines().last(), Some("n.yaml: and 10 more"));
}
