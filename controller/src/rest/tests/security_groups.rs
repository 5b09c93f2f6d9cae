//! Security groups, their rules, and tags.

use serde_json::{Value, json};

use super::{ask, kind};
use crate::northbound::database::Database;
use crate::northbound::database::tests::Server;

async fn group(database: &Database, name: &str) -> Value {
    let body = json!({"security_group": {"name": name}}).to_string();
    let (status, answer) = ask(database, "POST", "/v2.0/security-groups", &body).await;
    assert_eq!(status, 201, "{answer}");
    answer["security_group"].clone()
}

async fn rule(database: &Database, rule: Value) -> (u16, Value) {
    let body = json!({ "security_group_rule": rule }).to_string();
    ask(database, "POST", "/v2.0/security-group-rules", &body).await
}

#[tokio::test]
async fn every_project_has_a_default_group_that_stays() {
    let server = Server::start();
    let database = server.open().await;
    let (_, answer) = ask(&database, "GET", "/v2.0/security-groups", "").await;
    let groups = answer["security_groups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["name"]), (1, &json!("default")));
    let rules = groups[0]["security_group_rules"].as_array().unwrap();
    let is = |rule: &&Value| {
        rule["direction"] == "ingress" && rule["remote_group_id"] == groups[0]["id"]
    };
    assert_eq!((rules.len(), rules.iter().filter(is).count()), (4, 2));
    // As Neutron shows what comes with a group.
    assert!(rules.iter().all(|rule| rule["description"].is_null()));
    assert!(rules.iter().all(|rule| rule["tags"] == json!([])));
    let path = format!(
        "/v2.0/security-groups/{}",
        groups[0]["id"].as_str().unwrap()
    );
    let body = json!({"security_group": {"name": "Default"}}).to_string();
    let (status, answer) = ask(&database, "POST", "/v2.0/security-groups", &body).await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "SecurityGroupDefaultAlreadyExists")
    );
    // An admin may delete it, and there is a new one.
    assert_eq!(ask(&database, "DELETE", &path, "").await.0, 204);
    let (_, answer) = ask(&database, "GET", "/v2.0/security-groups", "").await;
    let groups = answer["security_groups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["name"]), (1, &json!("default")));
}

#[tokio::test]
async fn a_group_begins_with_what_leaves_and_goes_with_its_rules() {
    let server = Server::start();
    let database = server.open().await;
    let web = group(&database, "web").await;
    assert_eq!(web["security_group_rules"].as_array().unwrap().len(), 2);
    let ssh = json!({"security_group_id": web["id"], "direction": "ingress", "ethertype": "ipv4",
        "protocol": "tcp", "port_range_min": "22", "port_range_max": 22, "remote_ip_prefix": "10.0.0.9"});
    let (status, answer) = rule(&database, ssh.clone()).await;
    let made = &answer["security_group_rule"];
    assert_eq!(
        (status, &made["remote_ip_prefix"]),
        (201, &json!("10.0.0.9/32")),
        "{answer}"
    );
    assert_eq!(
        (&made["ethertype"], &made["port_range_min"]),
        (&json!("IPv4"), &json!(22))
    );
    // By its number it is the same protocol.
    let mut same = ssh;
    same["protocol"] = json!(6);
    let (status, answer) = rule(&database, same).await;
    assert_eq!((status, kind(&answer)), (409, "SecurityGroupRuleExists"));
    let path = format!("/v2.0/security-groups/{}", web["id"].as_str().unwrap());
    assert_eq!(ask(&database, "DELETE", &path, "").await.0, 204);
    // What is left is the default group's.
    assert_eq!(database.snapshot().security_group_rules.len(), 4);
}

/// What more a rule says, and how it is refused.
fn refusals(web: &Value) -> Vec<(Value, u16, &'static str)> {
    let none = "00000000-0000-4000-8000-000000000000";
    vec![
        (
            json!({"security_group_id": none}),
            404,
            "SecurityGroupNotFound",
        ),
        (
            json!({"remote_group_id": none}),
            404,
            "SecurityGroupNotFound",
        ),
        (
            json!({"remote_address_group_id": none}),
            404,
            "AddressGroupNotFound",
        ),
        (json!({"direction": "sideways"}), 400, "HTTPBadRequest"),
        (
            json!({"ethertype": "IPv5"}),
            400,
            "SecurityGroupRuleInvalidEtherType",
        ),
        (
            json!({"protocol": "nosuchproto"}),
            400,
            "SecurityGroupRuleInvalidProtocol",
        ),
        (
            json!({"protocol": "tcp", "port_range_min": 70000, "port_range_max": 70000}),
            400,
            "SecurityGroupInvalidPortValue",
        ),
        (
            json!({"protocol": "tcp", "port_range_min": 9, "port_range_max": 8}),
            400,
            "SecurityGroupInvalidPortRange",
        ),
        (
            json!({"port_range_min": 9, "port_range_max": 9}),
            400,
            "SecurityGroupProtocolRequiredWithPorts",
        ),
        (
            json!({"protocol": "gre", "port_range_min": 9, "port_range_max": 9}),
            400,
            "SecurityGroupInvalidProtocolForPort",
        ),
        (
            json!({"protocol": "icmp", "port_range_min": 256}),
            400,
            "SecurityGroupInvalidIcmpValue",
        ),
        (
            json!({"protocol": "icmp", "port_range_max": 1}),
            400,
            "SecurityGroupMissingIcmpType",
        ),
        (json!({"remote_ip_prefix": "nonsense"}), 400, "InvalidCIDR"),
        (
            json!({"remote_ip_prefix": "fd00::/8"}),
            400,
            "SecurityGroupRuleParameterConflict",
        ),
        (
            json!({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": web}),
            400,
            "SecurityGroupMultipleRemoteEntites",
        ),
    ]
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused_with_neutrons_names() {
    let server = Server::start();
    let database = server.open().await;
    let web = group(&database, "web").await;
    for (case, status, expected) in refusals(&web["id"]) {
        let mut asked = json!({"security_group_id": web["id"], "direction": "ingress"});
        let more = case.as_object().unwrap().clone();
        asked.as_object_mut().unwrap().extend(more);
        let (answered, answer) = rule(&database, asked).await;
        assert_eq!(
            (answered, kind(&answer)),
            (status, expected),
            "{case}: {answer}"
        );
    }
}

#[tokio::test]
async fn objects_are_found_by_their_tags() {
    let server = Server::start();
    let database = server.open().await;
    let (web, db) = (group(&database, "web").await, group(&database, "db").await);
    let path = |group: &Value| {
        format!(
            "/v2.0/security-groups/{}/tags",
            group["id"].as_str().unwrap()
        )
    };
    let (status, answer) = ask(
        &database,
        "PUT",
        &path(&web),
        r#"{"tags": ["red", "blue"]}"#,
    )
    .await;
    assert_eq!((status, answer), (200, json!({"tags": ["blue", "red"]})));
    let red = format!("{}/red", path(&db));
    assert_eq!(ask(&database, "GET", &red, "").await.0, 404);
    assert_eq!(ask(&database, "PUT", &red, "").await.0, 201);
    assert_eq!(ask(&database, "GET", &red, "").await.0, 204);
    for (query, expected) in [
        ("tags=red", vec!["db", "web"]),
        ("tags=red,blue", vec!["web"]),
        ("tags-any=green,blue", vec!["web"]),
        ("not-tags=red,blue", vec!["db", "default"]),
        ("not-tags-any=red,blue", vec!["default"]),
    ] {
        let path = format!("/v2.0/security-groups?sort_key=name&fields=name&{query}");
        let (_, answer) = ask(&database, "GET", &path, "").await;
        let names = answer["security_groups"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{query}");
    }
    assert_eq!(ask(&database, "DELETE", &red, "").await.0, 204);
    let (status, answer) = ask(&database, "DELETE", &red, "").await;
    assert_eq!((status, kind(&answer)), (404, "TagNotFound"));
}

#[tokio::test]
async fn address_groups_change_by_blocks_and_stay_while_they_are_named() {
    let server = Server::start();
    let database = server.open().await;
    let body =
        json!({"address_group": {"name": "offices", "addresses": ["10.9.0.1/24"]}}).to_string();
    let (status, answer) = ask(&database, "POST", "/v2.0/address-groups", &body).await;
    let made = &answer["address_group"];
    assert_eq!(
        (status, &made["addresses"]),
        (201, &json!(["10.9.0.0/24"])),
        "{answer}"
    );
    let path = format!("/v2.0/address-groups/{}", made["id"].as_str().unwrap());
    let (add, remove) = (
        format!("{path}/add_addresses"),
        format!("{path}/remove_addresses"),
    );
    let more = r#"{"addresses": ["fd00::1"]}"#;
    let (status, answer) = ask(&database, "PUT", &add, more).await;
    let both = json!(["10.9.0.0/24", "fd00::1/128"]);
    assert_eq!(
        (status, &answer["address_group"]["addresses"]),
        (200, &both)
    );
    assert_eq!(ask(&database, "PUT", &remove, more).await.0, 200);
    let (status, answer) = ask(&database, "PUT", &remove, more).await;
    assert_eq!((status, kind(&answer)), (404, "AddressesNotFound"));
    let (status, answer) = ask(&database, "PUT", &add, r#"{"addresses": ["x"]}"#).await;
    assert_eq!((status, kind(&answer)), (400, "HTTPBadRequest"));
    let web = group(&database, "web").await;
    let from_offices = json!({"security_group_id": web["id"], "direction": "ingress",
        "remote_address_group_id": made["id"]});
    assert_eq!(rule(&database, from_offices).await.0, 201);
    let (status, answer) = ask(&database, "DELETE", &path, "").await;
    assert_eq!((status, kind(&answer)), (409, "AddressGroupInUse"));
}
