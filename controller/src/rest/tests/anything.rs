//! Whatever a request says: it is served or refused, and that is never the server's fault.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::super::address_group::AddressGroups;
use super::super::floating_ip::FloatingIps;
use super::super::network::Networks;
use super::super::port::Ports;
use super::super::resource::Resource;
use super::super::router::Routers;
use super::super::security_group::SecurityGroups;
use super::super::security_group_rule::SecurityGroupRules;
use super::super::subnet::Subnets;
use super::super::trunk::Trunks;
use super::ask;
use super::ports::make;
use crate::northbound::database::tests::Server;

/// What one object is called, where it is, and what it has.
type Shape = (&'static str, String, Vec<&'static str>);

fn shape<R: Resource>() -> Shape {
    let path = format!("/v2.0/{}", R::COLLECTION.replace('_', "-"));
    let attributes = R::ATTRIBUTES.iter().map(|attribute| attribute.name);
    (R::NAME, path, attributes.collect())
}

fn shapes() -> Vec<Shape> {
    vec![
        shape::<Networks>(),
        shape::<Subnets>(),
        shape::<Ports>(),
        shape::<SecurityGroups>(),
        shape::<SecurityGroupRules>(),
        shape::<AddressGroups>(),
        shape::<Routers>(),
        shape::<FloatingIps>(),
        shape::<Trunks>(),
    ]
}

/// Values that make sense somewhere, and some that do nowhere.
fn values(ids: Vec<Value>) -> impl Strategy<Value = Value> {
    let words = select(vec![
        "",
        "tcp",
        "icmp",
        "ingress",
        "IPv6",
        "slaac",
        "vlan",
        "physnet1",
        "10.0.0.0/24",
        "10.0.0.9",
        "fd00::/64",
        "fd00::9",
        "255.255.255.255",
        "0.0.0.0/0",
        "::/0",
        "fa:16:3e:00:00:01",
        "00000000-0000-4000-8000-000000000000",
        "-1",
        "65536",
        "\0",
        "\u{10ffff}",
        "network:dhcp",
    ]);
    let leaf = prop_oneof![
        2 => words.prop_map(Value::from),
        3 => select(ids),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (-1_i64..300).prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => ".{0,8}".prop_map(Value::from),
        1 => Just(Value::from("x".repeat(5000))),
    ];
    let names = select(vec![
        "subnet_id",
        "ip_address",
        "mac_address",
        "start",
        "end",
        "destination",
        "nexthop",
        "opt_name",
        "opt_value",
        "ip_version",
        "network_id",
        "enable_snat",
        "external_fixed_ips",
        "port_id",
        "segmentation_type",
        "segmentation_id",
    ]);
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let object = prop::collection::btree_map(names.clone(), inner.clone(), 0..3);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            object.prop_map(|fields| json!(fields)),
        ]
    })
}

#[test]
fn no_attribute_is_the_servers_fault() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start();
    let database = runtime.block_on(server.open());
    // One object of each kind that others can name.
    let ids = runtime.block_on(async {
        let external = json!({"router:external": true});
        let network = make(&database, "network", external).await;
        let block = json!({"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4});
        let subnet = make(&database, "subnet", block).await;
        let port = make(&database, "port", json!({"network_id": network["id"]})).await;
        let router = make(&database, "router", json!({})).await;
        let group = port["security_groups"][0].clone();
        [network, subnet, port, router]
            .map(|made| made["id"].clone())
            .into_iter()
            .chain([group])
            .collect::<Vec<_>>()
    });
    let objects = select(shapes()).prop_flat_map({
        let ids = ids.clone();
        move |(name, path, attributes)| {
            let object = prop::collection::btree_map(select(attributes), values(ids.clone()), 0..6);
            (Just(name), Just(path), object)
        }
    });
    let requests = (objects, select(ids), any::<bool>());
    let mut runner = TestRunner::new(Config::with_cases(600));
    let done = runner.run(&requests, |((name, path, object), id, changes)| {
        let body = json!({ name: object }).to_string();
        let (method, path) = match (changes, id.as_str()) {
            (true, Some(id)) => ("PUT", format!("{path}/{id}")),
            _ => ("POST", path),
        };
        let (status, answer) = runtime.block_on(ask(&database, method, &path, &body));
        prop_assert!(status < 500, "{method} {path} {body}: {status} {answer}");
        Ok(())
    });
    done.unwrap();
}
