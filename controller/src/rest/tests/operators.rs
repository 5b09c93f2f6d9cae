//! Limits and hosts: what operators look at.

use ovsdb::{Transaction, Uuid};
use serde_json::json;

use super::ports::{make, try_make};
use super::{ask, kind};
use crate::northbound::database::tables::{Global, Host, HostState};
use crate::northbound::database::tests::Server;
use crate::northbound::database::{GLOBAL, now};

#[tokio::test]
async fn a_project_has_no_more_than_it_may() {
    let server = Server::start();
    let database = server.open().await;
    let path = "/v2.0/quotas/fake_project_id";
    let (status, answer) = ask(&database, "DELETE", path, "").await;
    assert_eq!((status, kind(&answer)), (404, "TenantQuotaNotFound"));
    let (status, answer) = ask(&database, "PUT", path, r#"{"quota": {"network": "2"}}"#).await;
    assert_eq!(
        (status, &answer["quota"]["network"]),
        (200, &json!(2)),
        "{answer}"
    );
    assert_eq!(answer["quota"]["port"], -1);
    make(&database, "network", json!({})).await;
    // Two together would be one too many, and neither is made.
    let two = json!({"networks": [{}, {}]}).to_string();
    let (status, answer) = ask(&database, "POST", "/v2.0/networks", &two).await;
    assert_eq!((status, kind(&answer)), (409, "OverQuota"));
    make(&database, "network", json!({})).await;
    let (status, answer) = try_make(&database, "network", json!({})).await;
    assert_eq!((status, kind(&answer)), (409, "OverQuota"));
    make(&database, "network", json!({"tenant_id": "other"})).await;
    let (_, answer) = ask(&database, "GET", &format!("{path}/details.json"), "").await;
    assert_eq!(
        answer["quota"]["network"],
        json!({"limit": 2, "used": 2, "reserved": 0})
    );
    let (_, answer) = ask(&database, "GET", "/v2.0/quotas", "").await;
    assert_eq!(answer["quotas"][0]["project_id"], "fake_project_id");
    let forced = r#"{"quota": {"network": "2", "force": true}}"#;
    assert_eq!(ask(&database, "PUT", path, forced).await.0, 200);
    for wrong in [
        r#"{"quota": {"force": "perhaps"}}"#,
        r#"{"quota": {"network": 1, "check_limit": true}}"#,
        r#"{"quota": {"x": 1}}"#,
        r#"{"quota": {"port": -2}}"#,
        r#"{"quota": {"port": "y"}}"#,
    ] {
        assert_eq!(ask(&database, "PUT", path, wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(ask(&database, "DELETE", path, "").await.0, 204);
    make(&database, "network", json!({})).await;
}

#[tokio::test]
async fn segments_are_shown_and_named_and_stay_with_their_networks() {
    let server = Server::start();
    let database = server.open().await;
    let wanted = json!({"provider:network_type": "vxlan", "provider:segmentation_id": 77});
    let network = make(&database, "network", wanted).await;
    let path = format!(
        "/v2.0/segments?network_id={}",
        network["id"].as_str().unwrap()
    );
    let (_, answer) = ask(&database, "GET", &path, "").await;
    let segment = &answer["segments"][0];
    assert_eq!(
        (&segment["network_type"], &segment["segmentation_id"]),
        (&json!("vxlan"), &json!(77))
    );
    assert!(segment["name"].is_null() && segment["physical_network"].is_null());
    let one = format!("/v2.0/segments/{}", segment["id"].as_str().unwrap());
    let (status, answer) = ask(&database, "PUT", &one, r#"{"segment": {"name": "s"}}"#).await;
    assert_eq!((status, &answer["segment"]["name"]), (200, &json!("s")));
    let another = json!({"segment": {"network_id": network["id"], "network_type": "vlan"}});
    let made = ask(&database, "POST", "/v2.0/segments", &another.to_string()).await;
    assert_eq!((made.0, kind(&made.1)), (409, "SegmentInUse"));
    let (status, answer) = ask(&database, "DELETE", &one, "").await;
    assert_eq!((status, kind(&answer)), (409, "SegmentInUse"));
}

#[tokio::test]
async fn an_agent_is_alive_that_answers_whatever_its_clock_says() {
    let server = Server::start();
    let database = server.open().await;
    let mut transaction = Transaction::new();
    let host = Host::values()
        .set(Host::name, "hv1")
        .set(Host::mtu, 1500)
        .set(Host::admin_state_up, true);
    transaction.insert(host);
    transaction.insert(HostState::values().set(HostState::name, "hv1"));
    database.transact(transaction).await.unwrap();
    for (probe, answered, alive_at, alive) in [
        (7, 7, 1, true),
        (8, 7, 1, true),
        (9, 7, i64::MAX, false),
        (9, 9, 0, false),
        (9, 9, now(), true),
    ] {
        let mut transaction = Transaction::new();
        transaction.update(GLOBAL, Global::values().set(Global::probe, probe));
        let state = HostState::values()
            .set(HostState::answered, answered)
            .set(HostState::alive_at, alive_at);
        transaction.update(HostState::name.equals("hv1"), state);
        database.prepare().await.unwrap();
        database.transact(transaction).await.unwrap();
        let (_, answer) = ask(&database, "GET", "/v2.0/agents", "").await;
        let agent = &answer["agents"][0];
        assert_eq!(
            agent["alive"],
            json!(alive),
            "{probe} {answered} {alive_at}"
        );
        // A time to come is none.
        let heard = agent["heartbeat_timestamp"].as_str().unwrap();
        assert!(heard < "2500", "{heard}");
    }
}

#[tokio::test]
async fn hosts_are_shown_as_agents_until_they_are_deleted() {
    let server = Server::start();
    let database = server.open().await;
    let id = Uuid::from_u128(7);
    let mut transaction = Transaction::new();
    let host = Host::values()
        .set(Host::name, "hv1")
        .set(Host::mtu, 1500)
        .set(Host::availability_zone, "east")
        .set(Host::admin_state_up, true);
    transaction.insert_as(id, host);
    let state = HostState::values()
        .set(HostState::name, "hv1")
        .set(HostState::alive_at, now());
    transaction.insert(state);
    database.transact(transaction).await.unwrap();
    let (_, answer) = ask(&database, "GET", "/v2.0/agents?host=hv1&alive=true", "").await;
    let agent = &answer["agents"][0];
    assert_eq!(
        (&agent["host"], &agent["alive"]),
        (&json!("hv1"), &json!(true))
    );
    let (_, answer) = ask(&database, "GET", "/v2.0/availability_zones", "").await;
    let east = json!({"name": "east", "resource": "network", "state": "available"});
    assert_eq!(answer["availability_zones"], json!([east]));
    for (filter, found) in [
        ("name=east&resource=network", 1),
        ("name=west", 0),
        ("resource=router", 0),
        ("state=unavailable", 0),
    ] {
        let path = format!("/v2.0/availability_zones?{filter}");
        let (_, answer) = ask(&database, "GET", &path, "").await;
        let zones = answer["availability_zones"].as_array().unwrap();
        assert_eq!(zones.len(), found, "{filter}");
    }
    // Where a network is, its ports say.
    let hinted = |zone: &str| json!({"availability_zone_hints": [zone]});
    let (status, answer) = try_make(&database, "network", hinted("west")).await;
    assert_eq!((status, kind(&answer)), (404, "AvailabilityZoneNotFound"));
    let network = make(&database, "network", hinted("east")).await;
    assert_eq!(network["availability_zone_hints"], json!(["east"]));
    assert_eq!(network["availability_zones"], json!([]));
    let port = json!({"network_id": network["id"], "binding:host_id": "hv1"});
    make(&database, "port", port).await;
    let path = format!("/v2.0/networks/{}", network["id"].as_str().unwrap());
    let (_, answer) = ask(&database, "GET", &path, "").await;
    assert_eq!(answer["network"]["availability_zones"], json!(["east"]));
    let moved = json!({ "network": hinted("east") }).to_string();
    assert_eq!(ask(&database, "PUT", &path, &moved).await.0, 400);
    let path = format!("/v2.0/agents/{id}");
    let down = r#"{"agent": {"admin_state_up": false, "description": "in repair"}}"#;
    let (status, answer) = ask(&database, "PUT", &path, down).await;
    assert_eq!(
        (status, &answer["agent"]["description"]),
        (200, &json!("in repair"))
    );
    assert_eq!(ask(&database, "DELETE", &path, "").await.0, 204);
    let (status, answer) = ask(&database, "GET", &path, "").await;
    assert_eq!((status, kind(&answer)), (404, "AgentNotFound"));
}
