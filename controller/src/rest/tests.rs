//! Requests and answers, on a real database.

use std::collections::BTreeSet;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use ovsdb::{Transaction, Uuid};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{Identity, route};
use crate::northbound::database::Database;
use crate::northbound::database::tables::{Network, Port, Status};
use crate::northbound::database::tests::Server;

mod agents;
mod anything;
mod bindings;
mod clients;
mod default_rules;
mod identities;
mod operators;
mod port_forwardings;
mod ports;
mod routers;
mod security_groups;
mod sharing;
mod subnet_pools;
mod trunks;
mod values;

type Answer = (u16, Value);

async fn send(database: &Database, request: Request<Full<Bytes>>) -> Answer {
    let response = route::answer(request, database, &Identity::Nobody).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn ask(database: &Database, method: &str, path: &str, body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("Host", "127.0.0.1:9696");
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    send(database, request.body(body).unwrap()).await
}

async fn create(database: &Database, network: Value) -> Answer {
    let body = json!({ "network": network }).to_string();
    ask(database, "POST", "/v2.0/networks", &body).await
}

fn id(answer: &Value) -> &str {
    answer["network"]["id"].as_str().unwrap()
}

fn kind(answer: &Value) -> &str {
    answer["NeutronError"]["type"].as_str().unwrap()
}

fn names(answer: &Value) -> Vec<&str> {
    let networks = answer["networks"].as_array().unwrap().iter();
    networks.map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn clients_are_told_where_to_go_on() {
    let server = Server::start();
    let database = server.open().await;
    let (status, versions) = ask(&database, "GET", "/", "").await;
    assert_eq!(status, 200);
    let version = &versions["versions"][0];
    assert_eq!(version["status"], "CURRENT");
    assert_eq!(version["links"][0]["href"], "http://127.0.0.1:9696/v2.0/");
    let (status, extensions) = ask(&database, "GET", "/v2.0/extensions", "").await;
    assert_eq!(status, 200);
    for extension in extensions["extensions"].as_array().unwrap() {
        let alias = extension["alias"].as_str().unwrap();
        let path = format!("/v2.0/extensions/{alias}");
        assert_eq!(ask(&database, "GET", &path, "").await.0, 200);
    }
    assert_eq!(
        ask(&database, "GET", "/v2.0/extensions/qos", "").await.0,
        404
    );
    assert_eq!(
        ask(&database, "GET", "/metrics", "").await,
        (404, Value::Null)
    );
}

#[tokio::test]
async fn a_network_is_made_shown_changed_and_deleted() {
    let server = Server::start();
    let database = server.open().await;
    let asked = json!({"name": "net1", "admin_state_up": "true", "mtu": "1400"});
    let (status, made) = create(&database, asked).await;
    assert_eq!(status, 201, "{made}");
    let network = &made["network"];
    assert_eq!(network["mtu"], 1400);
    assert_eq!(network["admin_state_up"], true);
    assert_eq!(network["provider:network_type"], "vxlan");
    assert!(network["provider:segmentation_id"].is_u64());
    assert_eq!(network["project_id"], "fake_project_id");
    assert_eq!(network["subnets"], json!([]));

    // Only the first answer says this of a network that leads nowhere.
    let mut shown = made.clone();
    let is_default = shown["network"]
        .as_object_mut()
        .unwrap()
        .remove("is_default");
    assert_eq!(is_default, Some(json!(false)));
    let path = format!("/v2.0/networks/{}", id(&made));
    assert_eq!(ask(&database, "GET", &path, "").await, (200, shown));
    let change = json!({"network": {"description": "d1", "mtu": 0}}).to_string();
    let (status, changed) = ask(&database, "PUT", &path, &change).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["network"]["description"], "d1");
    assert_eq!(changed["network"]["mtu"], 1450);
    assert_eq!(changed["network"]["name"], "net1");
    assert_eq!(changed["network"]["revision_number"], 2);

    assert_eq!(
        ask(&database, "DELETE", &path, "").await,
        (204, Value::Null)
    );
    let (status, gone) = ask(&database, "GET", &path, "").await;
    assert_eq!((status, kind(&gone)), (404, "NetworkNotFound"));
    assert!(database.snapshot().segments.is_empty());
}

#[tokio::test]
async fn a_change_that_is_meant_for_another_revision_is_refused() {
    let server = Server::start();
    let database = server.open().await;
    let (_, made) = create(&database, json!({})).await;
    for (revision, expected) in [("7", 412), ("1", 200)] {
        let request = Request::put(format!("/v2.0/networks/{}", id(&made)))
            .header("If-Match", format!("revision_number={revision}"))
            .body(Full::new(Bytes::from_static(
                br#"{"network": {"name": "b"}}"#,
            )));
        let (status, answer) = send(&database, request.unwrap()).await;
        assert_eq!(status, expected, "{answer}");
    }
}

#[tokio::test]
async fn a_network_with_ports_stays() {
    let server = Server::start();
    let database = server.open().await;
    let (_, made) = create(&database, json!({})).await;
    let network: Uuid = id(&made).parse().unwrap();
    let mut transaction = Transaction::new();
    let port = Port::values()
        .set(Port::network, network)
        .set(Port::mac_address, "fa:16:3e:00:00:01")
        .set(Port::status, Status::Down)
        .set(Port::vnic_type, "normal");
    transaction.insert_as(Uuid::from_u128(1), port);
    database.transact(transaction).await.unwrap();
    let path = format!("/v2.0/networks/{network}");
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&answer)), (409, "NetworkInUse"));
    assert_eq!(ask(&database, "GET", &path, "").await.0, 200);
}

#[tokio::test]
async fn several_networks_are_made_together_or_not_at_all() {
    let server = Server::start();
    let database = server.open().await;
    let body = r#"{"networks": [{"name": "a"}, {"name": "b"}]}"#;
    let (status, made) = ask(&database, "POST", "/v2.0/networks", body).await;
    assert_eq!((status, names(&made)), (201, vec!["a", "b"]));
    let twice = json!({"networks": [
        {"name": "c", "provider:network_type": "vxlan", "provider:segmentation_id": 77},
        {"name": "d", "provider:network_type": "vxlan", "provider:segmentation_id": 77},
    ]});
    let (status, answer) = ask(&database, "POST", "/v2.0/networks", &twice.to_string()).await;
    assert_eq!((status, kind(&answer)), (409, "TunnelIdInUse"));
    assert_eq!(database.snapshot().networks.len(), 2);
}

#[tokio::test]
async fn two_servers_never_give_one_vlan_twice() {
    let server = Server::start();
    let (one, other) = (server.open().await, server.open().await);
    let vlan = json!({
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet1",
        "provider:segmentation_id": 150,
    });
    let (first, second) = tokio::join!(create(&one, vlan.clone()), create(&other, vlan));
    let mut statuses = [first.0, second.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{first:?} {second:?}");

    let any = json!({"provider:network_type": "vlan", "provider:physical_network": "physnet1"});
    let mut given = BTreeSet::new();
    for _ in 0..20 {
        let both = tokio::join!(create(&one, any.clone()), create(&other, any.clone()));
        for (status, answer) in [both.0, both.1] {
            assert_eq!(status, 201, "{answer}");
            let number = answer["network"]["provider:segmentation_id"].as_i64();
            assert!(given.insert(number.unwrap()), "{number:?} is given twice");
        }
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_cut() {
    let server = Server::start();
    let database = server.open().await;
    for (name, external) in [("c", true), ("a", false), ("b", false), ("d", false)] {
        create(
            &database,
            json!({"name": name, "router:external": external}),
        )
        .await;
    }
    let list = async |query: &str| {
        let path = format!("/v2.0/networks?{query}");
        let (status, answer) = ask(&database, "GET", &path, "").await;
        assert_eq!(status, 200, "{query}: {answer}");
        answer
    };
    let sorted = "sort_key=name&sort_dir=desc";
    assert_eq!(names(&list(sorted).await), ["d", "c", "b", "a"]);
    assert_eq!(names(&list("router%3Aexternal=True").await), ["c"]);
    assert_eq!(
        names(&list("sort_key=name&name=a&name=b").await),
        ["a", "b"]
    );
    assert_eq!(names(&list("name=").await), Vec::<&str>::new());
    let only = list("fields=name&name=a").await;
    assert_eq!(only, json!({"networks": [{"name": "a"}]}));

    let first = list("sort_key=name&limit=3").await;
    assert_eq!(names(&first), ["a", "b", "c"]);
    assert_eq!(first["networks_links"][0]["rel"], "next");
    let next = first["networks_links"][0]["href"].as_str().unwrap();
    let second = list(next.split_once('?').unwrap().1).await;
    assert_eq!(names(&second), ["d"]);
    assert_eq!(second["networks_links"].as_array().unwrap().len(), 1);
    assert_eq!(second["networks_links"][0]["rel"], "previous");
    let previous = second["networks_links"][0]["href"].as_str().unwrap();
    assert_eq!(
        names(&list(previous.split_once('?').unwrap().1).await),
        ["a", "b", "c"]
    );

    // A page that is full may be the last: then an empty one follows, with the way back.
    let last = list("sort_key=name&limit=4").await;
    let next = last["networks_links"][0]["href"].as_str().unwrap();
    let empty = list(next.split_once('?').unwrap().1).await;
    assert_eq!(names(&empty), Vec::<&str>::new());
    let links = empty["networks_links"].as_array().unwrap();
    assert_eq!((links.len(), &links[0]["rel"]), (1, &json!("previous")));
    let back = links[0]["href"].as_str().unwrap();
    let back = list(back.split_once('?').unwrap().1).await;
    assert_eq!(names(&back), ["a", "b", "c", "d"]);
}

/// A network that there is.
const ONE: &str = "/v2.0/networks/{one}";
const NONE: &str = "/v2.0/networks/net1";
const ALL: &str = "/v2.0/networks";
/// Bodies that are too long: for a name, and for a request.
const LONG: &str = "{long}";
const HUGE: &str = "{huge}";

/// Method, path and body of a request, and how it is refused.
type Refusal = (&'static str, &'static str, &'static str, u16, &'static str);

const REFUSALS: &[Refusal] = &[
    ("POST", ALL, "", 400, "HTTPBadRequest"),
    ("POST", ALL, "{", 400, "HTTPBadRequest"),
    ("POST", ALL, "[]", 400, "HTTPBadRequest"),
    ("POST", ALL, r#"{"network": 1}"#, 400, "HTTPBadRequest"),
    ("POST", ALL, r#"{"networks": []}"#, 400, "HTTPBadRequest"),
    ("POST", ALL, r#"{"networks": [1]}"#, 400, "HTTPBadRequest"),
    (
        "POST",
        ALL,
        r#"{"network": {"color": 1}}"#,
        400,
        "HTTPBadRequest",
    ),
    (
        "POST",
        ALL,
        r#"{"network": {"id": "x"}}"#,
        400,
        "HTTPBadRequest",
    ),
    (
        "POST",
        ALL,
        r#"{"network": {"name": 1}}"#,
        400,
        "HTTPBadRequest",
    ),
    (
        "POST",
        ALL,
        r#"{"network": {"name": "\u0000"}}"#,
        400,
        "HTTPBadRequest",
    ),
    ("POST", ALL, LONG, 400, "HTTPBadRequest"),
    (
        "POST",
        ALL,
        r#"{"network": {"shared": "maybe"}}"#,
        400,
        "InvalidInput",
    ),
    (
        "POST",
        ALL,
        r#"{"network": {"mtu": "big"}}"#,
        400,
        "InvalidInput",
    ),
    (
        "POST",
        ALL,
        r#"{"network": {"mtu": -1}}"#,
        400,
        "HTTPBadRequest",
    ),
    (
        "POST",
        ALL,
        r#"{"network": {"provider:network_type": "x"}}"#,
        400,
        "InvalidInput",
    ),
    (
        "POST",
        ALL,
        r#"{"network": {"provider:network_type": "flat"}}"#,
        400,
        "InvalidInput",
    ),
    (
        "POST",
        ALL,
        r#"{"network": {"provider:segmentation_id": 5}}"#,
        400,
        "InvalidInput",
    ),
    ("POST", ALL, HUGE, 413, "HTTPRequestEntityTooLarge"),
    ("PUT", ALL, "{}", 405, "HTTPMethodNotAllowed"),
    (
        "PUT",
        ONE,
        r#"{"network": {"project_id": "x"}}"#,
        400,
        "HTTPBadRequest",
    ),
    (
        "PUT",
        ONE,
        r#"{"network": {"provider:segmentation_id": 1}}"#,
        400,
        "InvalidInput",
    ),
    ("PUT", NONE, r#"{"network": {}}"#, 404, "NetworkNotFound"),
    ("GET", NONE, "", 404, "NetworkNotFound"),
    ("DELETE", NONE, "", 404, "NetworkNotFound"),
    ("GET", "/v2.0/networks?color=red", "", 400, "HTTPBadRequest"),
    (
        "GET",
        "/v2.0/networks?sort_key=color",
        "",
        400,
        "HTTPBadRequest",
    ),
    ("GET", "/v2.0/networks?limit=-1", "", 400, "HTTPBadRequest"),
    ("GET", "/v2.0/networks?marker=x", "", 400, "HTTPBadRequest"),
    ("GET", "/v2.0/nets", "", 404, "HTTPNotFound"),
];

#[tokio::test]
async fn bad_input_is_refused_as_neutron_does() {
    let server = Server::start();
    let database = server.open().await;
    let (_, made) = create(&database, json!({"name": "kept"})).await;
    let long = json!({"network": {"name": "x".repeat(256)}}).to_string();
    let huge = "x".repeat(200_000);
    for (method, path, body, status, expected) in REFUSALS {
        let path = path.replace("{one}", id(&made));
        let body = match *body {
            LONG => &long,
            HUGE => &huge,
            body => body,
        };
        let (answered, answer) = ask(&database, method, &path, body).await;
        let case = body.get(..60).unwrap_or(body);
        assert_eq!(answered, *status, "{method} {path} {case}: {answer}");
        assert_eq!(kind(&answer), *expected, "{method} {path} {case}");
    }
    assert_eq!(database.snapshot().networks.len(), 1);
}

/// Any JSON, often under the names that networks know.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop_oneof![Just("vlan"), Just("vxlan"), Just("physnet1"), Just("\0")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![
            Just("network".to_owned()),
            Just("networks".to_owned()),
            Just("name".to_owned()),
            Just("mtu".to_owned()),
            Just("shared".to_owned()),
            Just("provider:network_type".to_owned()),
            Just("provider:physical_network".to_owned()),
            Just("provider:segmentation_id".to_owned()),
            ".{0,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[test]
fn no_body_is_the_servers_fault() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start();
    let database = runtime.block_on(server.open());
    let mut runner = TestRunner::new(Config::with_cases(200));
    let bodies = (anything(), any::<bool>()).prop_map(|(body, wrapped)| match wrapped {
        true => json!({ "network": body }),
        false => body,
    });
    let done = runner.run(&bodies, |body| {
        let text = body.to_string();
        let answer = runtime.block_on(ask(&database, "POST", "/v2.0/networks", &text));
        prop_assert!(
            answer.0 < StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
            "{answer:?}"
        );
        Ok(())
    });
    done.unwrap();
    let rows = database.snapshot();
    assert!(
        rows.networks
            .iter()
            .all(|row: &std::sync::Arc<Network>| row.revision_number == 1)
    );
}
