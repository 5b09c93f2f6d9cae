//! Subnets and ports: what has which address.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ask, kind};
use crate::northbound::database::Database;
use crate::northbound::database::tests::Server;

/// What is made in a collection: the object itself.
pub(super) async fn make(database: &Database, name: &str, object: Value) -> Value {
    let (status, answer) = try_make(database, name, object).await;
    assert_eq!(status, 201, "{answer}");
    answer[name].clone()
}

pub(super) async fn try_make(database: &Database, name: &str, object: Value) -> (u16, Value) {
    let body = json!({ name: object }).to_string();
    let path = format!("/v2.0/{}s", name.replace('_', "-"));
    ask(database, "POST", &path, &body).await
}

pub(super) async fn change(
    database: &Database,
    name: &str,
    id: &Value,
    object: Value,
) -> (u16, Value) {
    let body = json!({ name: object }).to_string();
    let path = format!("/v2.0/{name}s/{}", id.as_str().unwrap());
    ask(database, "PUT", &path, &body).await
}

async fn network(database: &Database, cidrs: &[(&str, Value)]) -> Value {
    let network = make(database, "network", json!({"name": "net"})).await;
    for (cidr, more) in cidrs {
        let version = if cidr.contains(':') { 6 } else { 4 };
        let mut subnet = json!({"network_id": network["id"], "cidr": cidr, "ip_version": version});
        let more = more.as_object().unwrap().clone();
        subnet.as_object_mut().unwrap().extend(more);
        make(database, "subnet", subnet).await;
    }
    network["id"].clone()
}

fn slaac() -> Value {
    json!({"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"})
}

fn ips(port: &Value) -> Vec<&str> {
    let fixed_ips = port["fixed_ips"].as_array().unwrap().iter();
    fixed_ips
        .map(|ip| ip["ip_address"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_subnet_gets_a_router_and_pools_that_leave_it_out() {
    let server = Server::start();
    let database = server.open().await;
    let network = make(&database, "network", json!({})).await;
    let subnet = json!({
        "network_id": network["id"],
        "cidr": "10.0.0.9/24",
        "ip_version": 4,
        "dns_nameservers": ["9.9.9.9", "8.8.8.8"],
        "host_routes": [{"destination": "192.168.9.0/24", "nexthop": "10.0.0.254"}],
    });
    let subnet = make(&database, "subnet", subnet).await;
    assert_eq!(subnet["cidr"], "10.0.0.0/24");
    assert_eq!(subnet["gateway_ip"], "10.0.0.1");
    assert_eq!(
        subnet["allocation_pools"],
        json!([{"start": "10.0.0.2", "end": "10.0.0.254"}])
    );
    assert_eq!(subnet["dns_nameservers"], json!(["9.9.9.9", "8.8.8.8"]));
    let route = json!([{"destination": "192.168.9.0/24", "nexthop": "10.0.0.254"}]);
    assert_eq!(subnet["host_routes"], route);
    let (_, shown) = ask(&database, "GET", "/v2.0/networks", "").await;
    assert_eq!(shown["networks"][0]["subnets"], json!([subnet["id"]]));
    let new =
        json!({"gateway_ip": null, "allocation_pools": [{"start": "10.0.0.1", "end": "10.0.0.9"}]});
    let (status, answer) = change(&database, "subnet", &subnet["id"], new).await;
    assert_eq!(
        (status, &answer["subnet"]["gateway_ip"]),
        (200, &Value::Null),
        "{answer}"
    );
    let servers: Vec<_> = (1..=6).map(|last| format!("9.9.9.{last}")).collect();
    let routes = (0..21).map(
        |third| json!({"destination": format!("192.168.{third}.0/24"), "nexthop": "10.0.0.254"}),
    );
    let routes: Vec<_> = routes.collect();
    for (new, exhausted) in [
        (
            json!({"dns_nameservers": servers}),
            "DNSNameServersExhausted",
        ),
        (json!({"host_routes": routes}), "HostRoutesExhausted"),
    ] {
        let (status, answer) = change(&database, "subnet", &subnet["id"], new).await;
        assert_eq!((status, kind(&answer)), (400, exhausted));
    }
    let back = json!({"gateway_ip": "10.0.0.5"});
    let (status, answer) = change(&database, "subnet", &subnet["id"], back).await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "GatewayConflictWithAllocationPools")
    );
}

#[tokio::test]
async fn subnets_that_make_no_sense_are_refused() {
    let server = Server::start();
    let database = server.open().await;
    let id = network(&database, &[("10.0.0.0/24", json!({}))]).await;
    let cases = [
        (
            json!({"cidr": "10.0.0.128/25", "ip_version": 4}),
            400,
            "InvalidInput",
        ),
        (
            json!({"cidr": "10.0.0.0/24", "ip_version": 4}),
            400,
            "InvalidInput",
        ),
        (
            json!({"cidr": "notacidr", "ip_version": 4}),
            400,
            "InvalidInput",
        ),
        (
            json!({"cidr": "10.1.0.0/24", "ip_version": 6}),
            400,
            "InvalidInput",
        ),
        (
            json!({"cidr": "10.1.0.0/24", "ip_version": 5}),
            400,
            "HTTPBadRequest",
        ),
        (json!({"cidr": "10.1.0.0/24"}), 400, "HTTPBadRequest"),
        (json!({"ip_version": 4}), 400, "BadRequest"),
        (
            json!({"cidr": "fd00::/63", "ip_version": 6, "ipv6_address_mode": "slaac"}),
            400,
            "InvalidInput",
        ),
        (
            json!({"cidr": "10.1.0.0/24", "ip_version": 4, "gateway_ip": "10.1.0.255"}),
            400,
            "InvalidInput",
        ),
        (
            json!({"cidr": "10.1.0.0/24", "ip_version": 4,
                "allocation_pools": [{"start": "10.1.0.9", "end": "10.1.1.9"}]}),
            400,
            "OutOfBoundsAllocationPool",
        ),
        (
            json!({"cidr": "10.1.0.0/24", "ip_version": 4, "allocation_pools": [
                {"start": "10.1.0.9", "end": "10.1.0.19"}, {"start": "10.1.0.19", "end": "10.1.0.29"}]}),
            409,
            "OverlappingAllocationPools",
        ),
    ];
    for (mut subnet, status, expected) in cases {
        subnet["network_id"] = id.clone();
        let case = subnet.to_string();
        let (answered, answer) = try_make(&database, "subnet", subnet).await;
        assert_eq!(
            (answered, kind(&answer)),
            (status, expected),
            "{case}: {answer}"
        );
    }
    assert_eq!(database.snapshot().subnets.len(), 1);
}

#[tokio::test]
async fn a_port_gets_an_address_of_each_version_and_the_default_group() {
    let server = Server::start();
    let database = server.open().await;
    let id = network(
        &database,
        &[("10.0.0.0/24", json!({})), ("fd00:1::/64", slaac())],
    )
    .await;
    let port = json!({"network_id": id, "mac_address": "FA:16:3E:11:22:33", "tags": ["web"]});
    let port = make(&database, "port", port).await;
    assert_eq!(port["mac_address"], "fa:16:3e:11:22:33");
    assert!(
        matches!(ips(&port).as_slice(), [ip, "fd00:1::f816:3eff:fe11:2233"] if ip.starts_with("10.0.0."))
    );
    assert_eq!(port["security_groups"].as_array().unwrap().len(), 1);
    assert_eq!(port["tags"], json!(["web"]));
    assert_eq!(port["binding:vif_type"], "unbound");
    let second = make(&database, "port", json!({"network_id": id})).await;
    assert_eq!(second["security_groups"], port["security_groups"]);
    assert_eq!(database.snapshot().security_groups.len(), 1);
    let path = format!("/v2.0/ports?fixed_ips=ip_address%3D{}", ips(&second)[0]);
    let (_, found) = ask(&database, "GET", &path, "").await;
    assert_eq!(found["ports"][0]["id"], second["id"]);
    assert_eq!(found["ports"].as_array().unwrap().len(), 1);
    // With another address it forms others, and keeps what it was given.
    let mac = json!({"mac_address": "fa:16:3e:00:00:01"});
    let (status, changed) = change(&database, "port", &port["id"], mac).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        ips(&changed["port"]),
        [ips(&port)[0], "fd00:1::f816:3eff:fe00:1"]
    );
    let path = format!("/v2.0/ports/{}", port["id"].as_str().unwrap());
    assert_eq!(ask(&database, "DELETE", &path, "").await.0, 204);
    assert_eq!(database.snapshot().addresses.len(), 2);
}

#[tokio::test]
async fn ports_that_make_no_sense_are_refused() {
    let server = Server::start();
    let database = server.open().await;
    let id = network(&database, &[("10.0.0.0/30", json!({}))]).await;
    let only = json!({"network_id": id, "mac_address": "fa:16:3e:11:22:33",
        "fixed_ips": [{"ip_address": "10.0.0.2"}]});
    let only = make(&database, "port", only).await;
    let fixed = |ip: &str| json!({"fixed_ips": [{"ip_address": ip}]});
    let cases = [
        (json!({}), 409, "IpAddressGenerationFailure"),
        (fixed("10.0.0.2"), 409, "IpAddressAlreadyAllocated"),
        (fixed("99.0.0.5"), 400, "InvalidIpForNetwork"),
        (fixed("10.0.0.3"), 400, "InvalidIpForNetwork"),
        (fixed("nonsense"), 400, "HTTPBadRequest"),
        (json!({"fixed_ips": [{}]}), 400, "HTTPBadRequest"),
        (
            json!({"fixed_ips": [], "mac_address": "fa:16:3e:11:22:33"}),
            409,
            "MacAddressInUse",
        ),
        (
            json!({"fixed_ips": [], "mac_address": "fa:16"}),
            400,
            "HTTPBadRequest",
        ),
        (
            json!({"fixed_ips": [], "security_groups": [id]}),
            404,
            "SecurityGroupNotFound",
        ),
        (
            json!({"fixed_ips": [], "port_security_enabled": false,
                "allowed_address_pairs": [{"ip_address": "10.0.0.9"}]}),
            409,
            "AddressPairAndPortSecurityRequired",
        ),
        (
            json!({"fixed_ips": [], "allowed_address_pairs": [
                {"ip_address": "10.0.0.9"}, {"ip_address": "10.0.0.9"}]}),
            400,
            "DuplicateAddressPairInRequest",
        ),
        (
            json!({"fixed_ips": [], "binding:vnic_type": "magic"}),
            400,
            "HTTPBadRequest",
        ),
        (
            json!({"fixed_ips": [], "extra_dhcp_opts": [{"opt_name": "x"}]}),
            400,
            "HTTPBadRequest",
        ),
    ];
    for (mut port, status, expected) in cases {
        port["network_id"] = id.clone();
        let case = port.to_string();
        let (answered, answer) = try_make(&database, "port", port).await;
        assert_eq!(
            (answered, kind(&answer)),
            (status, expected),
            "{case}: {answer}"
        );
    }
    assert_eq!(database.snapshot().ports.len(), 1);
    let subnet = only["fixed_ips"][0]["subnet_id"].as_str().unwrap();
    let path = format!("/v2.0/subnets/{subnet}");
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&answer)), (409, "SubnetInUse"));
}

#[tokio::test]
async fn two_servers_never_give_one_address_twice() {
    let server = Server::start();
    let (one, other) = (server.open().await, server.open().await);
    let id = network(&one, &[("10.0.0.0/26", json!({}))]).await;
    let mut asked = Vec::new();
    for place in 0..61 {
        let database = if place % 2 == 0 {
            one.clone()
        } else {
            other.clone()
        };
        let body = json!({"port": {"network_id": id}}).to_string();
        asked.push(tokio::spawn(async move {
            ask(&database, "POST", "/v2.0/ports", &body).await
        }));
    }
    let mut given = BTreeSet::new();
    for answer in asked {
        let (status, answer) = answer.await.unwrap();
        assert_eq!(status, 201, "{answer}");
        let ip = ips(&answer["port"])[0].to_owned();
        assert!(given.insert(ip), "an address is given twice: {answer}");
    }
    // All are given; one group was made, whoever was first.
    let (status, answer) = try_make(&one, "port", json!({"network_id": id})).await;
    assert_eq!((status, kind(&answer)), (409, "IpAddressGenerationFailure"));
    assert_eq!(one.snapshot().security_groups.len(), 1);
}

#[tokio::test]
async fn several_ports_are_made_together_or_not_at_all() {
    let server = Server::start();
    let database = server.open().await;
    let id = network(&database, &[("10.0.0.0/29", json!({}))]).await;
    let ports = |count| json!({"ports": vec![json!({"network_id": id}); count]}).to_string();
    let (status, answer) = ask(&database, "POST", "/v2.0/ports", &ports(6)).await;
    assert_eq!((status, kind(&answer)), (409, "IpAddressGenerationFailure"));
    assert!(database.snapshot().ports.is_empty());
    let (status, answer) = ask(&database, "POST", "/v2.0/ports", &ports(5)).await;
    assert_eq!(status, 201, "{answer}");
    let made = answer["ports"].as_array().unwrap().iter();
    let addresses: BTreeSet<_> = made.map(|port| ips(port)[0]).collect();
    assert_eq!(addresses.len(), 5);
}
