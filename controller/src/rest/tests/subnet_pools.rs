//! Subnet pools, address scopes, and how many addresses are taken.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ports::{change, make, try_make};
use super::{ask, kind};
use crate::northbound::database::Database;
use crate::northbound::database::tests::Server;

async fn pool(database: &Database, more: Value) -> Value {
    let mut pool = json!({"name": "pool", "prefixes": ["10.0.0.0/16"], "default_prefixlen": 24});
    let fields = more.as_object().unwrap().clone();
    pool.as_object_mut().unwrap().extend(fields);
    make(database, "subnetpool", pool).await
}

/// A new network's subnet of a pool.
async fn subnet(database: &Database, pool: &Value, more: Value) -> (u16, Value) {
    let network = make(database, "network", json!({})).await;
    let mut subnet = json!({"network_id": network["id"], "ip_version": 4});
    if !pool.is_null() {
        subnet["subnetpool_id"] = pool["id"].clone();
    }
    let fields = more.as_object().unwrap().clone();
    subnet.as_object_mut().unwrap().extend(fields);
    try_make(database, "subnet", subnet).await
}

#[tokio::test]
async fn subnets_are_cut_from_a_pool_and_never_overlap() {
    let server = Server::start();
    let database = server.open().await;
    let pool = pool(&database, json!({})).await;
    assert_eq!(
        (
            &pool["min_prefixlen"],
            &pool["max_prefixlen"],
            &pool["ip_version"]
        ),
        (&json!("8"), &json!("32"), &json!(4))
    );
    let (status, first) = subnet(&database, &pool, json!({})).await;
    assert_eq!(status, 201, "{first}");
    let first = &first["subnet"];
    assert_eq!(
        (
            &first["cidr"],
            &first["gateway_ip"],
            &first["subnetpool_id"]
        ),
        (&json!("10.0.0.0/24"), &json!("10.0.0.1"), &pool["id"])
    );
    let (_, second) = subnet(&database, &pool, json!({"prefixlen": 26})).await;
    assert_eq!(second["subnet"]["cidr"], "10.0.1.0/26");
    let (_, third) = subnet(&database, &pool, json!({"cidr": "10.0.9.0/24"})).await;
    assert_eq!(third["subnet"]["cidr"], "10.0.9.0/24");
    for (asked, name) in [
        (json!({"cidr": "10.0.9.128/25"}), "SubnetAllocationError"),
        (json!({"cidr": "10.1.0.0/24"}), "SubnetAllocationError"),
        (json!({"prefixlen": 7}), "MinPrefixSubnetAllocationError"),
        (json!({"prefixlen": 33}), "MaxPrefixSubnetAllocationError"),
        (
            json!({"prefixlen": 24, "cidr": "10.0.7.0/24"}),
            "BadRequest",
        ),
        (json!({"ip_version": 6}), "BadRequest"),
        (json!({"use_default_subnetpool": true}), "BadRequest"),
    ] {
        let case = asked.to_string();
        let (status, answer) = subnet(&database, &pool, asked).await;
        assert!(matches!(status, 400 | 409), "{case}: {status} {answer}");
        assert_eq!(kind(&answer), name, "{case}: {answer}");
    }
    // A network is of one pool.
    let beside = json!({"network_id": first["network_id"], "ip_version": 4, "cidr": "10.7.0.0/24"});
    let (status, answer) = try_make(&database, "subnet", beside).await;
    assert_eq!(
        (status, kind(&answer)),
        (400, "NetworkSubnetPoolAffinityError")
    );
    let path = format!("/v2.0/subnetpools/{}", pool["id"].as_str().unwrap());
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&answer)), (400, "SubnetPoolDeleteError"));
    // What is given back can be cut again.
    let freed = format!("/v2.0/subnets/{}", first["id"].as_str().unwrap());
    assert_eq!(ask(&database, "DELETE", &freed, "").await.0, 204);
    let (_, again) = subnet(&database, &pool, json!({})).await;
    assert_eq!(again["subnet"]["cidr"], "10.0.0.0/24");
}

#[tokio::test]
async fn two_servers_never_cut_one_block_twice() {
    let server = Server::start();
    let (one, other) = (server.open().await, server.open().await);
    let pool = pool(&one, json!({"prefixes": ["10.0.0.0/20"]})).await;
    let mut asked = Vec::new();
    for place in 0..16 {
        let network = make(&one, "network", json!({})).await;
        let body = json!({"subnet": {"network_id": network["id"], "ip_version": 4,
            "subnetpool_id": pool["id"]}});
        let database = if place % 2 == 0 { &one } else { &other };
        asked.push((database.clone(), network, body.to_string()));
    }
    let path = format!("/v2.0/subnetpools/{}", pool["id"].as_str().unwrap());
    for (database, network, _) in &asked {
        let network = format!("/v2.0/networks/{}", network["id"].as_str().unwrap());
        while ask(database, "GET", &path, "").await.0 != 200
            || ask(database, "GET", &network, "").await.0 != 200
        {
            tokio::task::yield_now().await;
        }
    }
    let asked = asked.into_iter().map(|(database, _, body)| {
        tokio::spawn(async move { ask(&database, "POST", "/v2.0/subnets", &body).await })
    });
    let mut cut = BTreeSet::new();
    for answer in asked.collect::<Vec<_>>() {
        let (status, answer) = answer.await.unwrap();
        assert_eq!(status, 201, "{answer}");
        let cidr = answer["subnet"]["cidr"].as_str().unwrap().to_owned();
        assert!(cut.insert(cidr), "a block is cut twice: {answer}");
    }
}

#[tokio::test]
async fn the_default_pool_is_used_when_none_is_named() {
    let server = Server::start();
    let database = server.open().await;
    let wanted = json!({"use_default_subnetpool": true});
    let (status, answer) = subnet(&database, &Value::Null, wanted.clone()).await;
    assert_eq!((status, kind(&answer)), (400, "BadRequest"));
    let default = pool(&database, json!({"is_default": true})).await;
    let (status, answer) = subnet(&database, &Value::Null, wanted).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["subnet"]["subnetpool_id"], default["id"]);
    let second = json!({"name": "b", "prefixes": ["10.9.0.0/16"], "is_default": true});
    let (status, answer) = try_make(&database, "subnetpool", second).await;
    assert_eq!((status, kind(&answer)), (400, "InvalidInput"));
    let six = json!({"name": "six", "prefixes": ["2001:db8::/48"], "is_default": true});
    make(&database, "subnetpool", six).await;
    let wanted = json!({"use_default_subnetpool": true, "ip_version": 6});
    let (_, answer) = subnet(&database, &Value::Null, wanted).await;
    assert_eq!(answer["subnet"]["cidr"], "2001:db8::/64");
}

#[tokio::test]
async fn pools_and_scopes_that_make_no_sense_are_refused() {
    let server = Server::start();
    let database = server.open().await;
    let cases = [
        (json!({"prefixes": []}), "EmptySubnetPoolPrefixList"),
        (
            json!({"prefixes": ["10.0.0.0/8", "2001:db8::/32"]}),
            "PrefixVersionMismatch",
        ),
        (json!({"prefixes": ["ten"]}), "HTTPBadRequest"),
        (
            json!({"min_prefixlen": 25}),
            "IllegalSubnetPoolPrefixBounds",
        ),
        (
            json!({"max_prefixlen": 33}),
            "IllegalSubnetPoolPrefixBounds",
        ),
        (
            json!({"max_prefixlen": 23}),
            "IllegalSubnetPoolPrefixBounds",
        ),
    ];
    for (more, name) in cases {
        let mut wanted = json!({"name": "p", "prefixes": ["10.0.0.0/16"], "default_prefixlen": 24});
        let fields = more.as_object().unwrap().clone();
        wanted.as_object_mut().unwrap().extend(fields);
        let (status, answer) = try_make(&database, "subnetpool", wanted).await;
        assert_eq!((status, kind(&answer)), (400, name), "{more}: {answer}");
    }
    let scope = json!({"name": "s", "ip_version": 4});
    let scope = make(&database, "address_scope", scope).await;
    let within = json!({"address_scope_id": scope["id"]});
    let first = pool(&database, within.clone()).await;
    let overlapping = json!({"name": "o", "prefixes": ["10.0.4.0/22"],
        "address_scope_id": scope["id"]});
    let (status, answer) = try_make(&database, "subnetpool", overlapping).await;
    assert_eq!((status, kind(&answer)), (409, "AddressScopePrefixConflict"));
    let six = json!({"name": "o", "prefixes": ["2001:db8::/32"], "address_scope_id": scope["id"]});
    let (status, answer) = try_make(&database, "subnetpool", six).await;
    assert_eq!(
        (status, kind(&answer)),
        (400, "IllegalSubnetPoolIpVersionAssociationToAddressScope")
    );
    let path = format!("/v2.0/address-scopes/{}", scope["id"].as_str().unwrap());
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&answer)), (409, "AddressScopeInUse"));
    // A pool grows, and does not shrink.
    let less = json!({"prefixes": ["10.0.0.0/17"]});
    let (status, answer) = change(&database, "subnetpool", &first["id"], less).await;
    assert_eq!(
        (status, kind(&answer)),
        (400, "IllegalSubnetPoolPrefixUpdate")
    );
    let more = json!({"prefixes": ["10.0.0.0/16", "10.1.0.0/16"]});
    let (status, answer) = change(&database, "subnetpool", &first["id"], more).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["subnetpool"]["prefixes"], json!(["10.0.0.0/15"]));
    // Networks show the scope that they are in.
    let (_, made) = subnet(&database, &first, json!({})).await;
    let network = made["subnet"]["network_id"].as_str().unwrap();
    let (_, answer) = ask(&database, "GET", &format!("/v2.0/networks/{network}"), "").await;
    assert_eq!(answer["network"]["ipv4_address_scope"], scope["id"]);
    assert_eq!(answer["network"]["ipv6_address_scope"], Value::Null);
}

#[tokio::test]
async fn a_project_takes_no_more_of_a_pool_than_its_quota() {
    let server = Server::start();
    let database = server.open().await;
    let pool = pool(&database, json!({"default_quota": 512})).await;
    let (status, _) = subnet(&database, &pool, json!({})).await;
    assert_eq!(status, 201);
    let (status, answer) = subnet(&database, &pool, json!({"prefixlen": 23})).await;
    assert_eq!((status, kind(&answer)), (409, "SubnetPoolQuotaExceeded"));
    let (status, _) = subnet(&database, &pool, json!({})).await;
    assert_eq!(status, 201);
}

#[tokio::test]
async fn networks_say_how_many_addresses_are_taken() {
    let server = Server::start();
    let database = server.open().await;
    let network = make(&database, "network", json!({"name": "n"})).await;
    let id = &network["id"];
    let cidr =
        |cidr: &str, version: u8| json!({"network_id": id, "cidr": cidr, "ip_version": version});
    make(&database, "subnet", cidr("10.0.0.0/24", 4)).await;
    make(&database, "subnet", cidr("2001:db8::/120", 6)).await;
    make(&database, "port", json!({"network_id": id})).await;
    let path = format!("/v2.0/network-ip-availabilities/{}", id.as_str().unwrap());
    let (_, answer) = ask(&database, "GET", &path, "").await;
    let counted = &answer["network_ip_availability"];
    assert_eq!(
        (&counted["total_ips"], &counted["used_ips"]),
        (&json!(253 + 255), &json!(2))
    );
    assert_eq!(counted["network_name"], "n");
    let subnets = counted["subnet_ip_availability"].as_array().unwrap();
    assert_eq!(subnets.len(), 2);
    let query = "/v2.0/network-ip-availabilities?ip_version=4";
    let (_, answer) = ask(&database, "GET", query, "").await;
    let counted = &answer["network_ip_availabilities"][0];
    assert_eq!(
        (&counted["total_ips"], &counted["used_ips"]),
        (&json!(253), &json!(1))
    );
    let missing = "/v2.0/network-ip-availabilities/00000000-0000-4000-8000-000000000000";
    let (status, answer) = ask(&database, "GET", missing, "").await;
    assert_eq!((status, kind(&answer)), (404, "NetworkNotFound"));
}
