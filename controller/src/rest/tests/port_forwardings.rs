//! Port forwardings of floating IPs.

use serde_json::{Value, json};

use super::ports::{change, make, try_make};
use super::routers::Site;
use super::{ask, kind};
use crate::northbound::database::Database;
use crate::northbound::database::tests::Server;

/// A router with a machine, and a floating IP that stands for nobody.
struct Forwarding {
    site: Site,
    floating_ip: Value,
    path: String,
}

impl Forwarding {
    async fn prepare(database: &Database) -> Self {
        let site = Site::make(database).await;
        site.connect(database).await;
        let wanted = json!({"floating_network_id": site.outside});
        let floating_ip = make(database, "floatingip", wanted).await;
        let id = floating_ip["id"].as_str().unwrap();
        let path = format!("/v2.0/floatingips/{id}/port_forwardings");
        Self {
            site,
            floating_ip,
            path,
        }
    }

    /// SSH to the machine, by some port.
    fn ssh(&self, external_port: u16, internal_port: u16) -> Value {
        json!({
            "internal_port_id": self.site.port["id"],
            "internal_ip_address": self.site.port["fixed_ips"][0]["ip_address"],
            "internal_port": internal_port,
            "external_port": external_port,
            "protocol": "tcp",
        })
    }

    async fn post(&self, database: &Database, object: Value) -> (u16, Value) {
        let body = json!({"port_forwarding": object}).to_string();
        ask(database, "POST", &self.path, &body).await
    }

    async fn floating_ip(&self, database: &Database) -> Value {
        let path = self.path.trim_end_matches("/port_forwardings");
        let (_, answer) = ask(database, "GET", path, "").await;
        answer["floatingip"].clone()
    }
}

#[tokio::test]
async fn a_port_forwarding_is_made_shown_changed_and_deleted() {
    let server = Server::start();
    let database = server.open().await;
    let forwarding = Forwarding::prepare(&database).await;
    let wanted = forwarding.ssh(2222, 22);
    let (status, made) = forwarding.post(&database, wanted.clone()).await;
    assert_eq!(status, 201, "{made}");
    let made = &made["port_forwarding"];
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    let floating_ip = forwarding.floating_ip(&database).await;
    assert_eq!(floating_ip["router_id"], forwarding.site.router["id"]);
    assert_eq!(floating_ip["status"], "ACTIVE");
    assert_eq!(floating_ip["port_forwardings"][0]["id"], made["id"]);
    assert_eq!(floating_ip["port_forwardings"][0]["external_port"], 2222);

    let one = format!("{}/{}", forwarding.path, made["id"].as_str().unwrap());
    let body = json!({"port_forwarding": {"external_port": 2223, "description": "ssh"}});
    let (status, answer) = ask(&database, "PUT", &one, &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let (_, answer) = ask(&database, "GET", &one, "").await;
    let changed = &answer["port_forwarding"];
    assert_eq!(
        (&changed["external_port"], &changed["internal_port"]),
        (&json!(2223), &json!(22))
    );
    assert_eq!(changed["description"], "ssh");
    // It belongs to its own floating IP, and to no other.
    let other = json!({"floating_network_id": forwarding.site.outside});
    let other = make(&database, "floatingip", other).await;
    let other = format!(
        "/v2.0/floatingips/{}/port_forwardings",
        other["id"].as_str().unwrap()
    );
    let (_, answer) = ask(&database, "GET", &other, "").await;
    assert_eq!(answer["port_forwardings"], json!([]));
    let elsewhere = format!("{other}/{}", made["id"].as_str().unwrap());
    let (status, answer) = ask(&database, "GET", &elsewhere, "").await;
    assert_eq!((status, kind(&answer)), (404, "PortForwardingNotFound"));
    let query = format!("{}?external_port=2223", forwarding.path);
    let (_, answer) = ask(&database, "GET", &query, "").await;
    assert_eq!(answer["port_forwardings"].as_array().unwrap().len(), 1);

    assert_eq!(ask(&database, "DELETE", &one, "").await.0, 204);
    let floating_ip = forwarding.floating_ip(&database).await;
    assert_eq!(floating_ip["port_forwardings"], json!([]));
    assert_eq!(floating_ip["router_id"], Value::Null);
}

#[tokio::test]
async fn a_floating_ip_stands_for_one_or_for_several_by_its_ports() {
    let server = Server::start();
    let database = server.open().await;
    let forwarding = Forwarding::prepare(&database).await;
    let (status, answer) = forwarding.post(&database, forwarding.ssh(2222, 22)).await;
    assert_eq!(status, 201, "{answer}");
    let id = &forwarding.floating_ip["id"];
    let port = &forwarding.site.port["id"];
    let whole = json!({"port_id": port});
    let (status, answer) = change(&database, "floatingip", id, whole).await;
    assert_eq!((status, kind(&answer)), (409, "FipInUseByPortForwarding"));
    let path = forwarding.path.trim_end_matches("/port_forwardings");
    let (status, answer) = ask(&database, "DELETE", path, "").await;
    assert_eq!((status, kind(&answer)), (409, "FipInUseByPortForwarding"));
    let another = json!({"floating_network_id": forwarding.site.outside, "port_id": port});
    let (status, answer) = try_make(&database, "floatingip", another.clone()).await;
    assert_eq!((status, kind(&answer)), (400, "PortHasPortForwarding"));
    // The router keeps the way to it.
    let body = json!({"subnet_id": forwarding.site.subnet["id"]});
    let act = forwarding
        .site
        .act(&database, "remove_router_interface", body);
    let (status, answer) = act.await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "RouterInterfaceInUseByFloatingIP")
    );

    // What leads to a machine goes with it.
    let port = format!("/v2.0/ports/{}", port.as_str().unwrap());
    assert_eq!(ask(&database, "DELETE", &port, "").await.0, 204);
    assert!(database.snapshot().port_forwardings.is_empty());
    let floating_ip = forwarding.floating_ip(&database).await;
    assert_eq!(floating_ip["router_id"], Value::Null);
    assert_eq!(ask(&database, "DELETE", path, "").await.0, 204);
}

#[tokio::test]
async fn port_forwardings_that_make_no_sense_are_refused() {
    let server = Server::start();
    let database = server.open().await;
    let forwarding = Forwarding::prepare(&database).await;
    let (status, answer) = forwarding.post(&database, forwarding.ssh(2222, 22)).await;
    assert_eq!(status, 201, "{answer}");
    let ssh = forwarding.ssh(2223, 23);
    let with = |name: &str, value: Value| {
        let mut ssh = ssh.clone();
        ssh[name] = value;
        ssh
    };
    let far = json!({"network_id": forwarding.site.outside});
    let far = make(&database, "port", far).await;
    let mut beyond = with("internal_port_id", far["id"].clone());
    beyond["internal_ip_address"] = far["fixed_ips"][0]["ip_address"].clone();
    let none = json!("00000000-0000-4000-8000-000000000000");
    let cases = [
        (json!({}), 400, "HTTPBadRequest"),
        (with("protocol", json!("icmp")), 400, "HTTPBadRequest"),
        (with("external_port", json!(0)), 400, "HTTPBadRequest"),
        (with("internal_port", json!(65536)), 400, "HTTPBadRequest"),
        (with("internal_port_id", none), 404, "PortNotFound"),
        (
            with("internal_ip_address", json!("10.0.0.250")),
            400,
            "BadRequest",
        ),
        (with("external_port", json!(2222)), 400, "BadRequest"),
        (with("internal_port", json!(22)), 400, "BadRequest"),
        (with("colour", json!("red")), 400, "HTTPBadRequest"),
        (beyond, 400, "BadRequest"),
    ];
    for (object, expected, name) in cases {
        let case = object.to_string();
        let (status, answer) = forwarding.post(&database, object).await;
        assert_eq!(
            (status, kind(&answer)),
            (expected, name),
            "{case}: {answer}"
        );
    }
    assert_eq!(database.snapshot().port_forwardings.len(), 1);
    // A floating IP that stands for one machine forwards no ports.
    let other = json!({"network_id": forwarding.site.port["network_id"]});
    let other = make(&database, "port", other).await;
    let wanted = json!({"floating_network_id": forwarding.site.outside, "port_id": other["id"]});
    let whole = make(&database, "floatingip", wanted).await;
    let path = format!(
        "/v2.0/floatingips/{}/port_forwardings",
        whole["id"].as_str().unwrap()
    );
    let body = json!({"port_forwarding": ssh}).to_string();
    let (status, answer) = ask(&database, "POST", &path, &body).await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "FloatingIPPortAlreadyAssociated")
    );
    let mut to_other = with("internal_port_id", other["id"].clone());
    to_other["internal_ip_address"] = other["fixed_ips"][0]["ip_address"].clone();
    let (status, answer) = forwarding.post(&database, to_other).await;
    assert_eq!((status, kind(&answer)), (409, "PortHasBindingFloatingIP"));
    let nowhere = "/v2.0/floatingips/00000000-0000-4000-8000-000000000000/port_forwardings";
    let (status, answer) = ask(&database, "GET", nowhere, "").await;
    assert_eq!((status, kind(&answer)), (404, "FloatingIPNotFound"));
}
