//! Routers and floating IPs.

use ovsdb::{Transaction, Uuid};
use serde_json::{Value, json};

use super::ports::{change, make, try_make};
use super::{ask, kind};
use crate::northbound::database::Database;
use crate::northbound::database::tables::{EncapType, Host};
use crate::northbound::database::tests::Server;

/// Two networks, of which the first leads outside, each with a subnet.
pub(super) struct Site {
    pub(super) outside: Value,
    pub(super) subnet: Value,
    pub(super) port: Value,
    pub(super) router: Value,
}

impl Site {
    pub(super) async fn make(database: &Database) -> Self {
        let outside = make(database, "network", json!({"router:external": true})).await;
        let inside = make(database, "network", json!({})).await;
        let subnet = |network: &Value, cidr: &str| json!({"network_id": network["id"], "cidr": cidr, "ip_version": 4});
        make(database, "subnet", subnet(&outside, "203.0.113.0/24")).await;
        Self {
            subnet: make(database, "subnet", subnet(&inside, "10.0.0.0/24")).await,
            port: make(database, "port", json!({"network_id": inside["id"]})).await,
            router: make(database, "router", json!({"name": "r1"})).await,
            outside: outside["id"].clone(),
        }
    }

    pub(super) async fn act(&self, database: &Database, action: &str, body: Value) -> (u16, Value) {
        let path = format!(
            "/v2.0/routers/{}/{action}",
            self.router["id"].as_str().unwrap()
        );
        ask(database, "PUT", &path, &body.to_string()).await
    }

    /// Connects both networks.
    pub(super) async fn connect(&self, database: &Database) {
        let body = json!({"subnet_id": self.subnet["id"]});
        let (status, answer) = self.act(database, "add_router_interface", body).await;
        assert_eq!(status, 200, "{answer}");
        let gateway = json!({"external_gateway_info": {"network_id": self.outside}});
        let (status, answer) = change(database, "router", &self.router["id"], gateway).await;
        assert_eq!(status, 200, "{answer}");
    }
}

#[tokio::test]
async fn a_router_has_the_address_that_machines_expect() {
    let server = Server::start();
    let database = server.open().await;
    let site = Site::make(&database).await;
    site.connect(&database).await;
    let path = format!("/v2.0/routers/{}", site.router["id"].as_str().unwrap());
    let (_, answer) = ask(&database, "GET", &path, "").await;
    let gateway = &answer["router"]["external_gateway_info"];
    assert_eq!(
        (&gateway["network_id"], &gateway["enable_snat"]),
        (&site.outside, &json!(true))
    );
    assert_eq!(gateway["external_fixed_ips"].as_array().unwrap().len(), 1);
    let query = "/v2.0/ports?device_owner=network:router_interface";
    let (_, answer) = ask(&database, "GET", query, "").await;
    let interface = &answer["ports"][0];
    assert_eq!(interface["fixed_ips"][0]["ip_address"], "10.0.0.1");
    assert_eq!(interface["device_id"], site.router["id"]);
    // It goes by the router only, and the router goes after it.
    let port = format!("/v2.0/ports/{}", interface["id"].as_str().unwrap());
    let (status, refused) = ask(&database, "DELETE", &port, "").await;
    assert_eq!((status, kind(&refused)), (409, "ServicePortInUse"));
    let (status, refused) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&refused)), (409, "RouterInUse"));
    let body = json!({"port_id": interface["id"]});
    assert_eq!(
        site.act(&database, "remove_router_interface", body).await.0,
        200
    );
    assert_eq!(ask(&database, "DELETE", &path, "").await.0, 204);
    assert_eq!(database.snapshot().ports.len(), 1);
}

#[tokio::test]
async fn what_a_router_cannot_do_is_refused() {
    let server = Server::start();
    let database = server.open().await;
    let site = Site::make(&database).await;
    let none = "00000000-0000-4000-8000-000000000000";
    let add = "add_router_interface";
    let remove = "remove_router_interface";
    site.connect(&database).await;
    let cases = [
        (add, json!({}), 400, "BadRequest"),
        (
            add,
            json!({"subnet_id": site.subnet["id"]}),
            400,
            "BadRequest",
        ),
        (add, json!({"subnet_id": none}), 404, "SubnetNotFound"),
        (add, json!({"port_id": none}), 404, "PortNotFound"),
        (add, json!({"port_id": "x"}), 400, "HTTPBadRequest"),
        (
            remove,
            json!({"subnet_id": none}),
            404,
            "RouterInterfaceNotFoundForSubnet",
        ),
        (
            remove,
            json!({"port_id": site.port["id"]}),
            404,
            "RouterInterfaceNotFound",
        ),
        (
            "add_extraroutes",
            json!({"router": {"routes": [{"destination": "172.16.0.0/12", "nexthop": "10.9.9.9"}]}}),
            400,
            "InvalidRoutes",
        ),
        ("make_tea", json!({}), 404, "HTTPNotFound"),
    ];
    for (action, body, status, expected) in cases {
        let case = format!("{action} {body}");
        let (answered, answer) = site.act(&database, action, body).await;
        assert_eq!(
            (answered, kind(&answer)),
            (status, expected),
            "{case}: {answer}"
        );
    }
    let inside = json!({"external_gateway_info": {"network_id": site.port["network_id"]}});
    let (status, answer) = change(&database, "router", &site.router["id"], inside).await;
    assert_eq!((status, kind(&answer)), (400, "BadRequest"));
}

#[tokio::test]
async fn routes_come_and_go_and_keep_their_interface() {
    let server = Server::start();
    let database = server.open().await;
    let site = Site::make(&database).await;
    site.connect(&database).await;
    let routes = |network: &str| json!({"router": {"routes": [{"destination": network, "nexthop": "10.0.0.254"}]}});
    let (one, other) = (routes("172.30.0.0/16"), routes("172.31.0.0/16"));
    assert_eq!(
        site.act(&database, "add_extraroutes", one.clone()).await.0,
        200
    );
    let (_, answer) = site.act(&database, "add_extraroutes", other.clone()).await;
    assert_eq!(answer["router"]["routes"].as_array().unwrap().len(), 2);
    let query = "/v2.0/ports?device_owner=network:router_gateway";
    let (_, gateways) = ask(&database, "GET", query, "").await;
    assert_eq!(answer["router"]["gw_port_id"], gateways["ports"][0]["id"]);
    assert_eq!(answer["router"]["ha_vr_id"], 0);
    let (_, answer) = site.act(&database, "remove_extraroutes", one).await;
    assert_eq!(answer["router"]["routes"], other["router"]["routes"]);
    let body = json!({"subnet_id": site.subnet["id"]});
    let (status, answer) = site.act(&database, "remove_router_interface", body).await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "RouterInterfaceInUseByRoute")
    );
}

#[tokio::test]
async fn a_floating_ip_follows_its_port_and_keeps_the_way_to_it() {
    let server = Server::start();
    let database = server.open().await;
    let site = Site::make(&database).await;
    let wanted = json!({"floating_network_id": site.outside, "port_id": site.port["id"]});
    let (status, answer) = try_make(&database, "floatingip", wanted.clone()).await;
    assert_eq!(
        (status, kind(&answer)),
        (404, "ExternalGatewayForFloatingIPNotFound")
    );
    site.connect(&database).await;
    let made = make(&database, "floatingip", wanted.clone()).await;
    assert_eq!(made["router_id"], site.router["id"]);
    assert_eq!(
        made["fixed_ip_address"],
        site.port["fixed_ips"][0]["ip_address"]
    );
    assert!(
        made["floating_ip_address"]
            .as_str()
            .unwrap()
            .starts_with("203.0.113.")
    );
    let (status, answer) = try_make(&database, "floatingip", wanted).await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "FloatingIPPortAlreadyAssociated")
    );
    let same = json!({"floating_network_id": site.outside,
        "floating_ip_address": made["floating_ip_address"]});
    let (status, answer) = try_make(&database, "floatingip", same).await;
    assert_eq!((status, kind(&answer)), (409, "IpAddressAlreadyAllocated"));
    let inside = json!({"floating_network_id": site.port["network_id"]});
    let (status, answer) = try_make(&database, "floatingip", inside).await;
    assert_eq!((status, kind(&answer)), (400, "BadRequest"));
    // Neither the gateway nor the interface goes while it is needed.
    let body = json!({"subnet_id": site.subnet["id"]});
    let (status, answer) = site.act(&database, "remove_router_interface", body).await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "RouterInterfaceInUseByFloatingIP")
    );
    let none = json!({"external_gateway_info": {}});
    let (status, answer) = change(&database, "router", &site.router["id"], none).await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "RouterExternalGatewayInUseByFloatingIp")
    );
    let port = format!("/v2.0/ports/{}", site.port["id"].as_str().unwrap());
    assert_eq!(ask(&database, "DELETE", &port, "").await.0, 204);
    let path = format!("/v2.0/floatingips/{}", made["id"].as_str().unwrap());
    let (_, answer) = ask(&database, "GET", &path, "").await;
    let left = &answer["floatingip"];
    assert_eq!(
        (&left["port_id"], &left["router_id"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(ask(&database, "DELETE", &path, "").await.0, 204);
    assert!(database.snapshot().floating_ips.is_empty());
}

#[tokio::test]
async fn the_address_that_a_floating_ip_stands_for_stays() {
    let server = Server::start();
    let database = server.open().await;
    let site = Site::make(&database).await;
    site.connect(&database).await;
    let floating_ip = json!({"floating_network_id": site.outside, "port_id": site.port["id"]});
    let floating_ip = make(&database, "floatingip", floating_ip).await;
    let own = floating_ip["fixed_ip_address"].clone();
    let fixed = |ip: &Value| json!({"subnet_id": site.subnet["id"], "ip_address": ip});
    let other = json!("10.0.0.99");
    for fixed_ips in [json!([fixed(&other)]), json!([])] {
        let wanted = json!({ "fixed_ips": fixed_ips });
        let (status, answer) = change(&database, "port", &site.port["id"], wanted).await;
        assert_eq!((status, kind(&answer)), (400, "BadRequest"), "{answer}");
    }
    // One more is no change of it, nor is another MAC.
    let wanted =
        json!({"fixed_ips": [fixed(&own), fixed(&other)], "mac_address": "fa:16:3e:00:00:07"});
    let (status, answer) = change(&database, "port", &site.port["id"], wanted).await;
    assert_eq!(status, 200, "{answer}");
    let gone = json!({"port_id": null});
    assert_eq!(
        change(&database, "floatingip", &floating_ip["id"], gone)
            .await
            .0,
        200
    );
    let wanted = json!({"fixed_ips": [fixed(&other)]});
    assert_eq!(
        change(&database, "port", &site.port["id"], wanted).await.0,
        200
    );
}

#[tokio::test]
async fn a_router_keeps_what_its_routes_need_and_nothing_overlaps() {
    let server = Server::start();
    let database = server.open().await;
    let site = Site::make(&database).await;
    site.connect(&database).await;
    let router = &site.router["id"];
    let route = json!([{"destination": "198.51.100.0/24", "nexthop": "203.0.113.250"}]);
    let (status, answer) = change(&database, "router", router, json!({ "routes": route })).await;
    assert_eq!(status, 200, "{answer}");
    let none = json!({"external_gateway_info": null});
    let (status, answer) = change(&database, "router", router, none).await;
    assert_eq!((status, kind(&answer)), (400, "InvalidRoutes"));
    let both = json!({"external_gateway_info": null, "routes": []});
    assert_eq!(change(&database, "router", router, both).await.0, 200);
    // An external network with the addresses of one inside.
    let outside = make(&database, "network", json!({"router:external": true})).await["id"].clone();
    let subnet = json!({"network_id": outside, "cidr": "10.0.0.0/16", "ip_version": 4});
    make(&database, "subnet", subnet).await;
    let wanted = json!({"external_gateway_info": {"network_id": outside}});
    let (status, answer) = change(&database, "router", router, wanted).await;
    assert_eq!((status, kind(&answer)), (400, "BadRequest"));
    // The port of a router stays its own, and does not move to where others are.
    let query = "/v2.0/ports?device_owner=network:router_interface";
    let (_, answer) = ask(&database, "GET", query, "").await;
    let interface = answer["ports"][0]["id"].clone();
    let wanted = json!({"device_owner": "compute:nova"});
    let (status, answer) = change(&database, "port", &interface, wanted).await;
    assert_eq!((status, kind(&answer)), (409, "ServicePortInUse"));
}

#[tokio::test]
async fn floating_ips_that_stand_for_nobody_go_with_their_network() {
    let server = Server::start();
    let database = server.open().await;
    let site = Site::make(&database).await;
    let wanted = json!({"floating_network_id": site.outside});
    make(&database, "floatingip", wanted.clone()).await;
    let path = format!("/v2.0/networks/{}", site.outside.as_str().unwrap());
    site.connect(&database).await;
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&answer)), (409, "NetworkInUse"));
    assert_eq!(database.snapshot().floating_ips.len(), 1);
    let none = json!({"external_gateway_info": {}});
    change(&database, "router", &site.router["id"], none).await;
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!(status, 204, "{answer}");
    assert!(database.snapshot().floating_ips.is_empty());
}

#[tokio::test]
async fn it_is_shown_which_hosts_know_a_router() {
    let server = Server::start();
    let database = server.open().await;
    let site = Site::make(&database).await;
    let mut transaction = Transaction::new();
    for (number, name) in [(1, "hv1"), (2, "hv2"), (3, "hv3")] {
        let host = Host::values()
            .set(Host::name, name)
            .set(Host::mtu, 1500)
            .set(Host::encap_ip, Some(format!("192.0.2.{number}")))
            .set(Host::encap_types, [EncapType::Vxlan])
            .set(Host::gateway_priority, i64::from(name == "hv3"));
        transaction.insert_as(Uuid::from_u128(number), host);
    }
    database.transact(transaction).await.unwrap();
    let bound = json!({"binding:host_id": "hv1"});
    change(&database, "port", &site.port["id"], bound).await;
    let network = site.port["network_id"].as_str().unwrap();
    let router = site.router["id"].as_str().unwrap();
    let hv1 = Uuid::from_u128(1);
    let listed = async |path: &str, name: &str, key: &str| {
        let (status, answer) = ask(&database, "GET", &format!("/v2.0/{path}"), "").await;
        assert_eq!(status, 200, "{path}: {answer}");
        let rows = answer[name].as_array().unwrap().iter();
        let mut keys: Vec<_> = rows
            .map(|row| row[key].as_str().unwrap().to_owned())
            .collect();
        keys.sort();
        keys
    };
    let path = format!("networks/{network}/dhcp-agents");
    assert_eq!(listed(&path, "agents", "host").await, ["hv1"]);
    let path = format!("agents/{hv1}/dhcp-networks");
    assert_eq!(listed(&path, "networks", "id").await, [network]);
    let behind = format!("routers/{router}/l3-agents");
    assert_eq!(
        listed(&behind, "agents", "host").await,
        Vec::<String>::new()
    );
    site.connect(&database).await;
    // Who has a port behind it, and who leads it outside.
    assert_eq!(listed(&behind, "agents", "host").await, ["hv1", "hv3"]);
    let path = format!("agents/{hv1}/l3-routers");
    assert_eq!(listed(&path, "routers", "id").await, [router]);
    let path = format!("/v2.0/{path}");
    let (status, answer) = ask(&database, "POST", &path, "{}").await;
    assert_eq!((status, kind(&answer)), (405, "HTTPMethodNotAllowed"));
}
