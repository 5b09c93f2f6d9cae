//! Rules of security groups as Neutron keeps them, and what new groups begin with.

use serde_json::{Value, json};

use super::ports::{make, try_make};
use super::{ask, kind};
use crate::northbound::database::Database;
use crate::northbound::database::objects::describe;
use crate::northbound::database::tests::Server;

const DEFAULTS: &str = "/v2.0/default-security-group-rules";

fn path(collection: &str, object: &Value) -> String {
    format!("/v2.0/{collection}/{}", object["id"].as_str().unwrap())
}

async fn shown(database: &Database, group: &Value) -> Vec<Value> {
    let path = path("security-groups", group);
    let (status, answer) = ask(database, "GET", &path, "").await;
    assert_eq!(status, 200, "{answer}");
    let rules = &answer["security_group"]["security_group_rules"];
    rules.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_group_that_rules_of_others_name_goes_with_these_rules() {
    let server = Server::start();
    let database = server.open().await;
    let a = make(&database, "security_group", json!({"name": "a"})).await;
    let b = make(&database, "security_group", json!({"name": "b"})).await;
    for (group, remote) in [(&a, &b), (&b, &a), (&a, &a)] {
        let rule = json!({"security_group_id": group["id"], "direction": "ingress",
            "remote_group_id": remote["id"]});
        make(&database, "security_group_rule", rule).await;
    }
    let network = make(&database, "network", json!({})).await;
    let port = json!({"network_id": network["id"], "security_groups": [a["id"]]});
    let port = make(&database, "port", port).await;
    let (status, answer) = ask(&database, "DELETE", &path("security-groups", &a), "").await;
    assert_eq!((status, kind(&answer)), (409, "SecurityGroupInUse"));
    assert_eq!(shown(&database, &b).await.len(), 3);
    assert_eq!(
        ask(&database, "DELETE", &path("ports", &port), "").await.0,
        204
    );
    assert_eq!(
        ask(&database, "DELETE", &path("security-groups", &a), "")
            .await
            .0,
        204
    );
    let left = shown(&database, &b).await;
    assert!(
        left.iter().all(|rule| rule["direction"] == "egress"),
        "{left:?}"
    );
    assert_eq!(describe(&database.snapshot()).left_out, [""; 0]);
}

/// What a rule says, and what of it is kept.
fn forms() -> Vec<(Value, Value)> {
    let none = json!({"port_range_min": null, "port_range_max": null});
    vec![
        (json!({"protocol": "any"}), json!({"protocol": null})),
        (json!({"protocol": "TCP"}), json!({"protocol": "tcp"})),
        (json!({"protocol": 17}), json!({"protocol": "17"})),
        (json!({"protocol": "ip"}), json!({"protocol": "ip"})),
        (
            json!({"protocol": "icmp", "ethertype": "ipv6"}),
            json!({"protocol": "ipv6-icmp", "ethertype": "IPv6"}),
        ),
        (
            json!({"protocol": "tcp", "ethertype": "IPv6", "port_range_min": 1, "port_range_max": "65535"}),
            none,
        ),
        (
            json!({"protocol": "udp", "remote_ip_prefix": "10.0.0.5/24"}),
            json!({"remote_ip_prefix": "10.0.0.5/24", "normalized_cidr": "10.0.0.0/24"}),
        ),
        (
            json!({"protocol": "udp", "remote_ip_prefix": "10.0.0.5"}),
            json!({"remote_ip_prefix": "10.0.0.5/32"}),
        ),
        (
            json!({"protocol": "sctp", "remote_ip_prefix": "0.0.0.0/0"}),
            json!({"remote_ip_prefix": "0.0.0.0/0"}),
        ),
        (
            json!({"protocol": "gre", "remote_ip_prefix": ""}),
            json!({"remote_ip_prefix": null}),
        ),
    ]
}

/// The same in other words.
fn duplicates() -> Vec<Value> {
    vec![
        json!({}),
        json!({"remote_ip_prefix": "0.0.0.0/0"}),
        json!({"port_range_min": 1, "port_range_max": 65535}),
        json!({"protocol": 6}),
        json!({"protocol": "udp", "remote_ip_prefix": "10.0.0.5/32"}),
        json!({"protocol": "0"}),
        json!({"protocol": "58", "ethertype": "IPv6"}),
        json!({"protocol": 1, "ethertype": "IPv6"}),
        json!({"protocol": "icmpv6", "ethertype": "IPv6"}),
        json!({"protocol": "6", "ethertype": "IPv6"}),
        json!({"protocol": "132"}),
        json!({"protocol": "47", "remote_ip_prefix": "0.0.0.0/0"}),
    ]
}

#[tokio::test]
async fn rules_are_kept_in_the_form_that_neutron_keeps_and_compares() {
    let server = Server::start();
    let database = server.open().await;
    let group = make(&database, "security_group", json!({"name": "g"})).await;
    let rule = |fields: &Value| {
        let mut rule = json!({"security_group_id": group["id"], "direction": "ingress"});
        let fields = fields.as_object().unwrap().clone();
        rule.as_object_mut().unwrap().extend(fields);
        rule
    };
    for (said, kept) in forms() {
        let made = make(&database, "security_group_rule", rule(&said)).await;
        for (name, value) in kept.as_object().unwrap() {
            assert_eq!(&made[name], value, "{said}");
        }
    }
    for said in duplicates() {
        let (status, answer) = try_make(&database, "security_group_rule", rule(&said)).await;
        assert_eq!(
            (status, kind(&answer)),
            (409, "SecurityGroupRuleExists"),
            "{said}"
        );
    }
    // Host bits tell prefixes apart.
    let other = json!({"protocol": "udp", "remote_ip_prefix": "10.0.0.0/24"});
    make(&database, "security_group_rule", rule(&other)).await;
    assert_eq!(describe(&database.snapshot()).left_out, [""; 0]);

    let several = async |rules: Value| {
        let body = json!({ "security_group_rules": rules }).to_string();
        ask(&database, "POST", "/v2.0/security-group-rules", &body).await
    };
    let ssh = |protocol: &str| {
        rule(&json!({"protocol": protocol, "port_range_min": 22, "port_range_max": 22}))
    };
    let (status, answer) = several(json!([ssh("tcp"), ssh("6")])).await;
    let expected = (409, "DuplicateSecurityGroupRuleInPost");
    assert_eq!((status, kind(&answer)), expected);
    let elsewhere = make(&database, "security_group", json!({"name": "h"})).await;
    let mut foreign = ssh("tcp");
    foreign["security_group_id"] = elsewhere["id"].clone();
    let (status, answer) = several(json!([ssh("tcp"), foreign])).await;
    let expected = (400, "SecurityGroupNotSingleGroupRules");
    assert_eq!((status, kind(&answer)), expected);
    assert_eq!(several(json!([ssh("tcp"), ssh("udp")])).await.0, 201);
}

#[tokio::test]
async fn an_admin_says_what_new_groups_begin_with() {
    let server = Server::start();
    let database = server.open().await;
    let (status, answer) = ask(&database, "GET", DEFAULTS, "").await;
    assert_eq!(status, 200, "{answer}");
    let rules = answer["default_security_group_rules"].as_array().unwrap();
    let within = rules.iter().filter(|rule| {
        rule["direction"] == "ingress"
            && rule["remote_group_id"] == "PARENT"
            && rule["used_in_default_sg"] == true
            && rule["used_in_non_default_sg"] == false
    });
    assert_eq!((rules.len(), within.count()), (4, 2));
    // Asked for again, they are the same.
    assert_eq!(ask(&database, "GET", DEFAULTS, "").await.1, answer);

    let query = format!("{DEFAULTS}?direction=egress&ethertype=IPv6");
    let (_, answer) = ask(&database, "GET", &query, "").await;
    let gone = &answer["default_security_group_rules"][0];
    let gone = path("default-security-group-rules", gone);
    assert_eq!(ask(&database, "DELETE", &gone, "").await.0, 204);
    let (status, answer) = ask(&database, "GET", &gone, "").await;
    assert_eq!(
        (status, kind(&answer)),
        (404, "DefaultSecurityGroupRuleNotFound")
    );
    let ssh = json!({"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22});
    let made = make(&database, "default_security_group_rule", ssh.clone()).await;
    assert_eq!(
        (&made["used_in_default_sg"], &made["used_in_non_default_sg"]),
        (&json!(false), &json!(true))
    );
    let (status, answer) = try_make(&database, "default_security_group_rule", ssh).await;
    assert_eq!(
        (status, kind(&answer)),
        (409, "DefaultSecurityGroupRuleExists")
    );
    let wrong = json!({"direction": "ingress", "protocol": "tcp", "port_range_min": 9, "port_range_max": 8});
    let (status, answer) = try_make(&database, "default_security_group_rule", wrong).await;
    assert_eq!(
        (status, kind(&answer)),
        (400, "SecurityGroupInvalidPortRange")
    );

    let group = make(&database, "security_group", json!({"name": "g"})).await;
    let said = |rules: &[Value]| {
        let said = |rule: &Value| {
            let parts = ["direction", "ethertype", "protocol"].map(|name| rule[name].clone());
            json!(parts).to_string()
        };
        let mut said: Vec<_> = rules.iter().map(said).collect();
        said.sort();
        said
    };
    let expected = [r#"["egress","IPv4",null]"#, r#"["ingress","IPv4","tcp"]"#];
    assert_eq!(said(&shown(&database, &group).await), expected);
    // The group of the project was made together with the first of its others.
    let (_, answer) = ask(&database, "GET", "/v2.0/security-groups?name=default", "").await;
    let default = shown(&database, &answer["security_groups"][0]).await;
    let expected = [
        r#"["egress","IPv4",null]"#,
        r#"["ingress","IPv4",null]"#,
        r#"["ingress","IPv6",null]"#,
    ];
    assert_eq!(said(&default), expected);
    assert!(
        default
            .iter()
            .filter(|rule| rule["direction"] == "ingress")
            .all(|rule| { rule["remote_group_id"] == answer["security_groups"][0]["id"] })
    );
}
