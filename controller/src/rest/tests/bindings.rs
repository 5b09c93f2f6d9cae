//! Machines that are moved from host to host.

use ovsdb::{Transaction, Uuid};
use pipelines::network::PortId;
use serde_json::{Value, json};

use super::ports::{change, make};
use super::{ask, kind};
use crate::northbound::database::Database;
use crate::northbound::database::objects::describe;
use crate::northbound::database::tables::Host;
use crate::northbound::database::tests::Server;

/// A port on the first of some hosts, and where its bindings are.
async fn bound(database: &Database) -> (Value, String) {
    let mut transaction = Transaction::new();
    for (number, name) in [(1, "hv1"), (2, "hv2"), (3, "hv3")] {
        let host = Host::values().set(Host::name, name).set(Host::mtu, 1500);
        transaction.insert_as(Uuid::from_u128(number), host);
    }
    database.transact(transaction).await.unwrap();
    let network = make(database, "network", json!({})).await;
    let port = json!({"network_id": network["id"], "binding:host_id": "hv1",
        "binding:profile": {"from": "here"}});
    let port = make(database, "port", port).await;
    let path = format!("/v2.0/ports/{}/bindings", port["id"].as_str().unwrap());
    (port["id"].clone(), path)
}

/// The bindings of a port: their hosts, and what they are.
async fn listed(database: &Database, path: &str) -> Vec<(String, String)> {
    let (status, answer) = ask(database, "GET", path, "").await;
    assert_eq!(status, 200, "{answer}");
    let rows = answer["bindings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut rows: Vec<_> = rows
        .map(|row| (text(&row["host"]), text(&row["status"])))
        .collect();
    rows.sort();
    rows
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    let pairs = pairs.map(|(host, status)| (host.to_owned(), status.to_owned()));
    pairs.to_vec()
}

#[tokio::test]
async fn a_machine_is_bound_where_it_goes_and_then_where_it_is() {
    let server = Server::start();
    let database = server.open().await;
    let (port, path) = bound(&database).await;
    assert_eq!(listed(&database, &path).await, pairs([("hv1", "ACTIVE")]));
    let there = json!({"binding": {"host": "hv2", "profile": {"to": "there"}}}).to_string();
    let (status, answer) = ask(&database, "POST", &path, &there).await;
    assert_eq!(status, 201, "{answer}");
    let made = &answer["binding"];
    assert_eq!(
        (&made["status"], &made["vif_type"], &made["profile"]),
        (&json!("INACTIVE"), &json!("ovs"), &json!({"to": "there"}))
    );
    // Agents are told, and both hosts get what is for it.
    let id: Uuid = port.as_str().unwrap().parse().unwrap();
    let model = describe(&database.snapshot()).model;
    let hosts: Vec<_> = model.port(PortId(id)).unwrap().hosts().cloned().collect();
    assert_eq!(hosts, ["hv1".into(), "hv2".into()]);

    let activate = format!("{path}/hv2/activate");
    let (status, answer) = ask(&database, "PUT", &activate, "").await;
    assert_eq!(
        (status, &answer["binding"]["status"]),
        (200, &json!("ACTIVE"))
    );
    let both = pairs([("hv1", "INACTIVE"), ("hv2", "ACTIVE")]);
    assert_eq!(listed(&database, &path).await, both);
    let shown = format!("/v2.0/ports/{id}");
    let (_, answer) = ask(&database, "GET", &shown, "").await;
    let shown = &answer["port"];
    assert_eq!(
        (&shown["binding:host_id"], &shown["binding:profile"]),
        (&json!("hv2"), &json!({"to": "there"}))
    );
    let old = format!("{path}/hv1");
    let (_, answer) = ask(&database, "GET", &old, "").await;
    assert_eq!(answer["binding"]["profile"], json!({"from": "here"}));
    assert_eq!(ask(&database, "DELETE", &old, "").await.0, 204);
    assert_eq!(listed(&database, &path).await, pairs([("hv2", "ACTIVE")]));
    let model = describe(&database.snapshot()).model;
    let hosts: Vec<_> = model.port(PortId(id)).unwrap().hosts().cloned().collect();
    assert_eq!(hosts, ["hv2".into()]);
}

#[tokio::test]
async fn a_port_is_on_two_hosts_at_most_and_on_the_one_that_is_said() {
    let server = Server::start();
    let database = server.open().await;
    let (port, path) = bound(&database).await;
    let bind = async |host: &str| {
        let body = json!({"binding": {"host": host}}).to_string();
        ask(&database, "POST", &path, &body).await
    };
    let to = |rest: &str| format!("{path}/{rest}");
    for (answer, told) in [
        (bind("hv1").await, (409, "PortBindingAlreadyExists")),
        (bind("nowhere").await, (409, "PortBindingError")),
        (
            ask(&database, "POST", &path, "{}").await,
            (400, "HTTPBadRequest"),
        ),
        (
            ask(&database, "PUT", &to("hv1/activate"), "").await,
            (409, "PortBindingAlreadyActive"),
        ),
        (
            ask(&database, "PUT", &to("hv2/activate"), "").await,
            (404, "PortBindingNotFound"),
        ),
        (
            ask(&database, "GET", &to("hv2"), "").await,
            (404, "PortBindingNotFound"),
        ),
        (
            ask(&database, "DELETE", &to("hv2"), "").await,
            (404, "PortBindingNotFound"),
        ),
        (
            ask(
                &database,
                "PUT",
                &to("hv1"),
                r#"{"binding": {"vnic_type": "direct"}}"#,
            )
            .await,
            (400, "HTTPBadRequest"),
        ),
    ] {
        assert_eq!((answer.0, kind(&answer.1)), told);
    }
    assert_eq!(bind("hv2").await.0, 201);
    let (status, answer) = bind("hv3").await;
    assert_eq!((status, kind(&answer)), (409, "PortBindingError"));
    let more = r#"{"binding": {"profile": {"a": 1}}}"#;
    let (status, answer) = ask(&database, "PUT", &to("hv2"), more).await;
    assert_eq!(
        (status, &answer["binding"]["profile"]),
        (200, &json!({"a": 1}))
    );
    // Who says where the port is has the last word.
    let moved = json!({"binding:host_id": "hv3"});
    assert_eq!(change(&database, "port", &port, moved).await.0, 200);
    assert_eq!(listed(&database, &path).await, pairs([("hv3", "ACTIVE")]));
    assert_eq!(ask(&database, "DELETE", &to("hv3"), "").await.0, 204);
    assert_eq!(listed(&database, &path).await, pairs([]));
    let (status, answer) = bind("hv1").await;
    assert_eq!((status, kind(&answer)), (409, "PortBindingError"));
}
