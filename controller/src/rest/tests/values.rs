//! Values that no agent could have: refused as Neutron refuses them, and nothing changes.

use ovsdb::{Transaction, Uuid};
use serde_json::{Value, json};

use super::kind;
use super::ports::{change, make, try_make};
use crate::northbound::database::Database;
use crate::northbound::database::tables::{EncapType, Host};
use crate::northbound::database::tests::Server;

/// A network with a subnet: their ids.
async fn network(database: &Database) -> (Value, Value) {
    let network = make(database, "network", json!({})).await["id"].clone();
    let subnet = json!({"network_id": network, "cidr": "10.0.0.0/24", "ip_version": 4});
    let subnet = make(database, "subnet", subnet).await["id"].clone();
    (network, subnet)
}

#[tokio::test]
async fn a_port_has_the_mac_of_one_station() {
    let server = Server::start();
    let database = server.open().await;
    let (network, _) = network(&database).await;
    let port = make(&database, "port", json!({"network_id": network})).await;
    for mac in [
        "01:00:5e:00:00:01",
        "33:33:00:00:00:01",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
    ] {
        let new = json!({"network_id": network, "mac_address": mac});
        let (status, answer) = try_make(&database, "port", new).await;
        assert_eq!((status, kind(&answer)), (400, "HTTPBadRequest"));
        let changed = json!({"mac_address": mac});
        let (status, answer) = change(&database, "port", &port["id"], changed).await;
        assert_eq!((status, kind(&answer)), (400, "HTTPBadRequest"));
        let message = format!("'{mac}' is not a valid MAC address");
        let told = answer["NeutronError"]["message"].as_str().unwrap();
        assert!(told.contains(&message), "{told}");
    }
    let (status, answer) = change(&database, "port", &port["id"], json!({"name": "same"})).await;
    assert_eq!(
        (status, &answer["port"]["mac_address"]),
        (200, &port["mac_address"])
    );
}

#[tokio::test]
async fn an_admin_says_whether_a_network_snoops() {
    let server = Server::start();
    let database = server.open().await;
    let plain = make(&database, "network", json!({})).await;
    assert_eq!(plain["igmp_snooping"], Value::Null);
    let network = make(&database, "network", json!({"igmp_snooping": true})).await;
    assert_eq!(network["igmp_snooping"], true);
    for (value, expected) in [
        (json!("false"), json!(false)),
        (Value::Null, Value::Null),
        (json!(true), json!(true)),
    ] {
        let wanted = json!({"igmp_snooping": value});
        let (status, answer) = change(&database, "network", &network["id"], wanted).await;
        assert_eq!(
            (status, &answer["network"]["igmp_snooping"]),
            (200, &expected)
        );
    }
    let (status, answer) = try_make(&database, "network", json!({"igmp_snooping": "maybe"})).await;
    assert_eq!((status, kind(&answer)), (400, "InvalidInput"));
    let renamed = json!({"name": "same"});
    let (_, answer) = change(&database, "network", &network["id"], renamed).await;
    assert_eq!(answer["network"]["igmp_snooping"], true);
}

#[tokio::test]
async fn a_pair_is_no_multicast_address() {
    let server = Server::start();
    let database = server.open().await;
    let (network, _) = network(&database).await;
    let port = make(&database, "port", json!({"network_id": network})).await;
    let pairs = [
        json!({"ip_address": "10.0.0.60", "mac_address": "01:00:5e:00:00:01"}),
        json!({"ip_address": "10.0.0.60", "mac_address": "00:00:00:00:00:00"}),
        json!({"ip_address": "224.0.0.18"}),
        json!({"ip_address": "224.0.0.0/8"}),
        json!({"ip_address": "128.0.0.0/1"}),
        json!({"ip_address": "ff02::1"}),
        json!({"ip_address": "8000::/1"}),
    ];
    for pair in pairs {
        let wanted = json!({"allowed_address_pairs": [pair]});
        let (status, answer) = change(&database, "port", &port["id"], wanted).await;
        assert_eq!((status, kind(&answer)), (400, "HTTPBadRequest"), "{pair}");
    }
    // Every address, which is how Neutron says it.
    let wanted =
        json!({"allowed_address_pairs": [{"ip_address": "0.0.0.0/0"}, {"ip_address": "::/0"}]});
    let (status, answer) = change(&database, "port", &port["id"], wanted).await;
    assert_eq!(status, 200, "{answer}");
}

/// A host with a network card for packets of some size.
async fn host(database: &Database, encap_ip: &str, mtu: i64) {
    let mut transaction = Transaction::new();
    let host = Host::values()
        .set(Host::name, encap_ip)
        .set(Host::encap_ip, Some(encap_ip.to_owned()))
        .set(Host::encap_types, [EncapType::Vxlan])
        .set(Host::mtu, mtu);
    transaction.insert_as(Uuid::from_u128(mtu.unsigned_abs().into()), host);
    database.transact(transaction).await.unwrap();
}

#[tokio::test]
async fn an_mtu_is_what_hosts_carry_and_subnets_need() {
    let server = Server::start();
    let database = server.open().await;
    let (network, _) = network(&database).await;
    let too_big = async |mtu: i64, most: i64| {
        let (status, answer) = change(&database, "network", &network, json!({"mtu": mtu})).await;
        let message =
            format!("Invalid input for operation: Requested MTU is too big, maximum is {most}.");
        assert_eq!(answer["NeutronError"]["message"], message);
        assert_eq!((status, kind(&answer)), (400, "InvalidInput"));
    };
    // Before hosts say more, they are taken to have Ethernet.
    too_big(9000, 1450).await;
    too_big(1451, 1450).await;
    let (status, answer) = try_make(&database, "network", json!({"mtu": 9000})).await;
    assert_eq!((status, kind(&answer)), (400, "InvalidInput"));
    host(&database, "192.0.2.1", 9000).await;
    let (status, answer) = change(&database, "network", &network, json!({"mtu": 8950})).await;
    assert_eq!((status, &answer["network"]["mtu"]), (200, &json!(8950)));
    // A host with less comes: what is shown is what is in effect.
    host(&database, "192.0.2.2", 1600).await;
    let (_, answer) = change(&database, "network", &network, json!({"name": "n"})).await;
    assert_eq!(answer["network"]["mtu"], 1550);
    too_big(1551, 1550).await;
    for mtu in [1, 67] {
        let (status, answer) = change(&database, "network", &network, json!({"mtu": mtu})).await;
        assert_eq!((status, kind(&answer)), (409, "NetworkMTUSubnetConflict"));
    }
    // Without a subnet nothing needs more: Neutron takes it.
    let small = make(&database, "network", json!({"mtu": 67})).await["id"].clone();
    let subnet = json!({"network_id": small, "cidr": "10.0.0.0/24", "ip_version": 4});
    let (status, answer) = try_make(&database, "subnet", subnet).await;
    assert_eq!((status, kind(&answer)), (409, "NetworkMTUSubnetConflict"));
}

#[tokio::test]
async fn a_router_may_be_outside_the_block_of_a_subnet() {
    let server = Server::start();
    let database = server.open().await;
    let (_, subnet) = network(&database).await;
    for gateway in ["10.99.0.1", "10.0.0.9"] {
        let wanted = json!({"gateway_ip": gateway, "allocation_pools": [{"start": "10.0.0.20", "end": "10.0.0.99"}]});
        let (status, answer) = change(&database, "subnet", &subnet, wanted).await;
        assert_eq!(
            (status, &answer["subnet"]["gateway_ip"]),
            (200, &json!(gateway)),
            "{answer}"
        );
    }
    for gateway in ["10.0.0.0", "10.0.0.255", "224.0.0.1", "0.0.0.0", "fd00::1"] {
        let (status, answer) =
            change(&database, "subnet", &subnet, json!({"gateway_ip": gateway})).await;
        assert_eq!((status, kind(&answer)), (400, "InvalidInput"), "{gateway}");
    }
}
