use pipelines::network::{LogEvent, Model, PortId, Remote, RuleId, Segment, Verdict};

use super::*;

mod properties;
mod refusals;

fn load(text: &str) -> Result<Model, FileError> {
    parse(Path::new("n.yaml"), text.as_bytes()).map(|described| described.model)
}

/// A host, two networks, two groups and a port; tests append to it.
const BASE: &str = r#"hosts:
  - {name: host1, encap_ip: 192.0.2.1}
networks:
  - name: private
    network_type: vxlan
    segmentation_id: 1001
    subnets: [{cidr: 10.0.0.0/24}, {cidr: "2001:db8:a::/64"}]
  - {name: public, network_type: local, project: other}
security_groups:
  - {name: default}
  - {name: web, project: other}
ports:
  - {name: vm1, network: private, mac_address: "fa:16:3e:00:00:12", fixed_ips: [10.0.0.18]}
"#;

/// The second port, made of the attributes that it needs and some more.
fn second_port(more: &str) -> String {
    format!("{BASE}  - {{name: vm2, network: private, mac_address: \"fa:16:3e:00:00:13\", {more}}}")
}

#[test]
fn a_file_with_every_key_loads() {
    let model = load(include_str!("tests/everything.yaml")).unwrap();
    let id = PortId("7571157f-bcad-4032-8ad1-f0950600b737".parse().unwrap());
    let port = model.port(id).unwrap();
    assert_eq!(port.name, "vm1");
    assert_eq!(port.project, "tenant-a");
    assert_eq!(port.mac_address.to_string(), "fa:16:3e:00:00:12");
    assert_eq!(port.fixed_ips.len(), 2);
    assert_eq!(port.allowed_address_pairs.len(), 1);
    let groups: Vec<_> = port
        .security_groups
        .iter()
        .map(|group| model.security_group(*group).unwrap())
        .map(|group| (group.name.as_str(), group.rules.len()))
        .collect();
    assert_eq!(groups, [("default", 4), ("allow-ssh", 2)]);
    let office = model.address_groups().find(|group| group.name == "office");
    let (office, addresses) = office
        .map(|group| (group.id, group.addresses.len()))
        .unwrap();
    assert_eq!(addresses, 3);
    let mut rules = model.security_groups().flat_map(|group| &group.rules);
    assert!(rules.any(|rule| rule.remote() == Remote::AddressGroup(office)));
    let network = model.network(port.network).unwrap();
    assert_eq!(network.segment, Segment::Vxlan { vni: 1001 });
    assert_eq!((network.mtu, network.subnets.len()), (Some(1450), 2));
    let host = model.host(port.host.as_ref().unwrap()).unwrap();
    assert_eq!(host.encap_ip.unwrap().to_string(), "192.0.2.1");
    assert_eq!(host.bridge_mappings.len(), 1);
    assert_eq!(port.migrating_to, Some("host2".into()));
    let trunk = model.ports().find(|port| port.name == "trunk").unwrap();
    assert!(!trunk.port_security_enabled && !trunk.admin_state_up);
    assert_eq!(model.networks().count(), 5);
    let (parent, vlan) = model.parent(trunk.id).unwrap();
    assert_eq!((parent.id, vlan.get()), (id, 100));
    let mut logs = model.logs();
    let log = logs.find(|log| log.name == "ssh to vm1").unwrap();
    let group = model.security_group(log.security_group.unwrap()).unwrap();
    assert_eq!((group.name.as_str(), log.port), ("allow-ssh", Some(id)));
    assert_eq!((log.event, log.enabled), (LogEvent::Accept, false));
    let of_vm1 = model.logs_of(port, Verdict::Drop).map(|log| &log.name);
    assert_eq!(of_vm1.collect::<Vec<_>>(), ["all of tenant-a"]);
}

#[test]
fn derived_identifiers_never_change() {
    // Made once with another implementation of UUID version 5.
    let model = load(BASE).unwrap();
    let port = model.ports().next().unwrap();
    assert_eq!(port.id.to_string(), "56108293-9942-5e91-84ec-73209af0ac78");
    assert_eq!(
        port.network.to_string(),
        "81618dc8-614e-52f4-828e-61c4b1b4c6a6"
    );
    let network = model.network(port.network).unwrap();
    assert_eq!(
        network.subnets[0].id.to_string(),
        "d163b687-0b58-5635-a0d4-63daa13fa90f"
    );
}

#[test]
fn a_derived_rule_identifier_survives_other_rules() {
    let rules = |rules: &str| -> Vec<RuleId> {
        let text = format!("security_groups: [{{name: web, rules: [{rules}]}}]");
        let model = load(&text).unwrap();
        let groups = model.security_groups();
        groups
            .flat_map(|group| &group.rules)
            .map(|rule| rule.id())
            .collect()
    };
    let ssh = "{direction: ingress, protocol: tcp, port_range_min: 22, port_range_max: 22}";
    let http = "{direction: ingress, protocol: tcp, port_range_min: 80, port_range_max: 80}";
    let [first, second, third] = rules(&format!("{ssh}, {http}, {ssh}"))[..] else {
        panic!("three rules");
    };
    assert_eq!(first.to_string(), "3bb533a7-b5ee-59cd-8900-5f4fcf1e4bc0");
    assert_eq!(third.to_string(), "fc8fedab-eec8-5f0b-89c6-5950b9716d0f");
    assert_eq!(rules(&format!("{http}, {ssh}")), [second, first]);
}

#[test]
fn a_group_is_stateful_unless_it_says_otherwise() {
    let is_stateful = |key: &str| {
        let model = load(&format!("security_groups: [{{name: web{key}}}]")).unwrap();
        model.security_groups().all(|group| group.stateful)
    };
    assert!(is_stateful(""));
    assert!(!is_stateful(", stateful: false"));
}

#[test]
fn a_name_means_the_own_project_first() {
    let text = "
networks:
  - {name: net, network_type: local, project: a}
  - {name: net, network_type: local, project: b}
  - {name: only, network_type: local, project: b}
ports:
  - {name: p, project: a, network: net, mac_address: fa:16:3e:00:00:01}
  - {name: q, project: b, network: net, mac_address: fa:16:3e:00:00:02}
  - {name: r, project: a, network: only, mac_address: fa:16:3e:00:00:03}
";
    let model = load(text).unwrap();
    let network_of = |name: &str| {
        let port = model.ports().find(|port| port.name == name).unwrap();
        let network = model.network(port.network).unwrap();
        format!("{}/{}", network.project, network.name)
    };
    let networks = ["p", "q", "r"].map(network_of);
    assert_eq!(networks, ["a/net", "b/net", "b/only"]);
}

#[test]
fn a_port_that_names_no_group_has_the_default_one() {
    let groups = |more: &str| {
        let model = load(&second_port(more)).unwrap();
        let port = model.ports().find(|port| port.name == "vm2").unwrap();
        port.security_groups.len()
    };
    assert_eq!(groups(""), 1);
    assert_eq!(groups("security_groups: null"), 1);
    assert_eq!(groups("security_groups: []"), 0);
    assert_eq!(groups("port_security_enabled: false"), 0);
}

#[test]
fn a_name_may_look_like_a_number_or_a_boolean() {
    for name in ["007", "1.10", "0x10", "1e3", "true", "no", ".inf", "1_000"] {
        let model = load(&format!(
            "networks: [{{name: {name}, network_type: local}}]"
        ))
        .unwrap();
        let names: Vec<_> = model
            .networks()
            .map(|network| network.name.as_str())
            .collect();
        assert_eq!(names, [name]);
    }
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let text = format!(
        "{BASE}  - &vm {{name: vm2, network: private, mac_address: \"fa:16:3e:00:00:13\"}}
  - {{<<: *vm, name: vm3, mac_address: \"fa:16:3e:00:00:14\"}}
"
    );
    assert_eq!(load(&text).unwrap().ports().count(), 3);
}

#[test]
fn protocols_are_words_or_numbers() {
    let protocols = [
        "tcp", "udp", "sctp", "icmp", "igmp", "gre", "esp", "ah", "vrrp", "TCP", "0", "255",
        "\"6\"", "any", "null",
    ];
    for protocol in protocols {
        let rule = format!("{{direction: egress, protocol: {protocol}}}");
        let text = format!("security_groups: [{{name: web, rules: [{rule}]}}]");
        assert!(load(&text).is_ok(), "{protocol}");
    }
}

#[test]
fn a_tunnel_endpoint_of_two_hosts_is_that_of_the_first() {
    let text = "hosts: [{name: a, encap_ip: 192.0.2.1}, {name: b, encap_ip: 192.0.2.1}]";
    let described = parse(Path::new("n.yaml"), text.as_bytes()).unwrap();
    let endpoint = |name: &str| described.model.host(&name.into()).unwrap().encap_ip;
    assert_eq!(endpoint("a"), Some("192.0.2.1".parse().unwrap()));
    assert_eq!(endpoint("b"), None);
    let left_out: Vec<_> = described.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(
        left_out,
        ["1:61: hosts[1].encap_ip: 192.0.2.1 is already that of a"]
    );
}
