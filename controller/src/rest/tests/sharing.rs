//! Who may use what belongs to another project.

use ovsdb::{Transaction, Uuid};
use serde_json::{Value, json};

use super::identities::{Client, tokens};
use super::ports::make;
use super::{ask, kind};
use crate::northbound::database::tables::Network;
use crate::northbound::database::tests::Server;

const POLICIES: &str = "/v2.0/rbac-policies";

fn policy(kind: &str, object: &Value, action: &str, target: &str) -> Value {
    json!({"rbac_policy": {"object_type": kind, "object_id": object["id"],
        "action": format!("access_as_{action}"), "target_tenant": target}})
}

fn path(collection: &str, object: &Value) -> String {
    format!("/v2.0/{collection}/{}", object["id"].as_str().unwrap())
}

impl Client<'_> {
    /// Makes a policy.
    async fn share(&self, kind: &str, object: &Value, action: &str, target: &str) -> Value {
        let policy = policy(kind, object, action, target);
        let (status, answer) = self.ask("POST", POLICIES, policy).await;
        assert_eq!(status, 201, "{answer}");
        answer["rbac_policy"].clone()
    }

    async fn sees(&self, collection: &str, object: &Value) -> bool {
        let path = path(collection, object);
        let (status, answer) = self.ask("GET", &path, Value::Null).await;
        assert!(status == 200 || status == 404, "{answer}");
        status == 200
    }

    async fn is_told(&self, method: &str, path: &str, body: Value, told: (u16, &str)) {
        let (status, answer) = self.ask(method, path, body.clone()).await;
        assert_eq!(status, told.0, "{method} {path} {body}: {answer}");
        assert_eq!(kind(&answer), told.1, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn a_member_shares_its_network_with_another_and_keeps_it_while_it_is_used() {
    let server = Server::start();
    let (database, identity) = (server.open().await, tokens());
    let client = |token| Client {
        database: &database,
        identity: &identity,
        token,
    };
    let (root, ann, bob) = (client("root"), client("ann"), client("bob"));
    let network = ann.make("network", json!({"name": "own"})).await;
    let block = json!({"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4});
    let subnet = ann.make("subnet", block).await;
    let port = json!({"port": {"network_id": network["id"]}});
    bob.is_told(
        "POST",
        "/v2.0/ports",
        port.clone(),
        (404, "NetworkNotFound"),
    )
    .await;
    let shared = ann.share("network", &network, "shared", "b").await;
    assert_eq!(shared["project_id"], "a");
    assert_eq!(shared["target_tenant"], "b");

    // The other sees it as shared, its owner does not.
    assert!(bob.sees("subnets", &subnet).await);
    let of = path("networks", &network);
    for (client, expected) in [(&bob, true), (&ann, false), (&root, false)] {
        let (_, answer) = client.ask("GET", &of, Value::Null).await;
        assert_eq!(answer["network"]["shared"], expected);
        let list = "/v2.0/networks?shared=true";
        let (_, answer) = client.ask("GET", list, Value::Null).await;
        assert_eq!(super::names(&answer).contains(&"own"), expected);
    }
    for (shared, expected) in [("true", 1), ("false", 0)] {
        let list = format!("/v2.0/subnets?shared={shared}");
        let (_, answer) = bob.ask("GET", &list, Value::Null).await;
        assert_eq!(answer["subnets"].as_array().unwrap().len(), expected);
    }
    assert!(subnet.get("shared").is_none(), "{subnet}");
    // What only an admin sees, others may still filter by.
    let list = "/v2.0/networks?provider%3Anetwork_type=vxlan";
    let (_, answer) = ann.ask("GET", list, Value::Null).await;
    assert_eq!(super::names(&answer), ["own"]);
    assert!(answer["networks"][0].get("provider:network_type").is_none());
    let rename = json!({"network": {"name": "mine"}});
    bob.is_told("PUT", &of, rename, (403, "PolicyNotAuthorized"))
        .await;
    assert_eq!(
        bob.ask("GET", POLICIES, Value::Null).await.1["rbac_policies"],
        json!([])
    );

    let (status, guest) = bob.ask("POST", "/v2.0/ports", port).await;
    assert_eq!(status, 201, "{guest}");
    let guest = path("ports", &guest["port"]);
    let one = path("rbac-policies", &shared);
    ann.is_told("DELETE", &one, Value::Null, (409, "RbacPolicyInUse"))
        .await;
    let other = json!({"rbac_policy": {"target_tenant": "c"}});
    ann.is_told("PUT", &one, other.clone(), (409, "RbacPolicyInUse"))
        .await;
    // Whose network it is sees the guest, and may show it the door.
    let host = json!({"port": {"name": "mine"}});
    let id = guest.rsplit_once('/').unwrap().1;
    let under = json!({"trunk": {"port_id": id}});
    ann.is_told("POST", "/v2.0/trunks", under, (403, "PolicyNotAuthorized"))
        .await;
    // A guest has no more to say of its port later than when it was made.
    let address = json!({"port": {"mac_address": "fa:16:3e:00:00:01"}});
    bob.is_told("PUT", &guest, address, (403, "PolicyNotAuthorized"))
        .await;
    ann.is_told("PUT", &guest, host, (403, "PolicyNotAuthorized"))
        .await;
    assert_eq!(ann.ask("DELETE", &guest, Value::Null).await.0, 204);
    let (status, moved) = ann.ask("PUT", &one, other).await;
    assert_eq!(
        (status, &moved["rbac_policy"]["id"]),
        (200, &shared["id"]),
        "{moved}"
    );
    assert!(!bob.sees("networks", &network).await);
    assert_eq!(ann.ask("DELETE", &of, Value::Null).await.0, 204);
    assert!(database.snapshot().access_policies.is_empty());
}

#[tokio::test]
async fn policies_that_make_no_sense_are_refused() {
    let server = Server::start();
    let (database, identity) = (server.open().await, tokens());
    let client = |token| Client {
        database: &database,
        identity: &identity,
        token,
    };
    let (root, ann, bob) = (client("root"), client("ann"), client("bob"));
    let network = ann.make("network", json!({})).await;
    let none = json!({"id": "00000000-0000-4000-8000-000000000000"});
    ann.share("network", &network, "shared", "b").await;
    let long = "x".repeat(256);
    for (client, body, told) in [
        (
            &ann,
            policy("network", &network, "shared", "b"),
            (409, "DuplicateRbacPolicy"),
        ),
        (
            &ann,
            policy("network", &network, "shared", "*"),
            (403, "PolicyNotAuthorized"),
        ),
        (
            &bob,
            policy("network", &network, "shared", "b"),
            (400, "InvalidInput"),
        ),
        (
            &root,
            policy("network", &none, "shared", "b"),
            (400, "InvalidInput"),
        ),
        (
            &root,
            policy("subnetpool", &network, "shared", "b"),
            (400, "InvalidInput"),
        ),
        (
            &root,
            policy("router", &network, "shared", "b"),
            (400, "InvalidInput"),
        ),
        (
            &root,
            policy("subnetpool", &none, "external", "b"),
            (400, "InvalidInput"),
        ),
        (
            &root,
            policy("network", &network, "owner", "b"),
            (400, "InvalidInput"),
        ),
        (
            &root,
            policy("network", &network, "shared", &long),
            (400, "HTTPBadRequest"),
        ),
        (
            &root,
            policy("network", &network, "shared", ""),
            (400, "HTTPBadRequest"),
        ),
        (
            &root,
            json!({"rbac_policy": {"target_tenant": "b"}}),
            (400, "HTTPBadRequest"),
        ),
    ] {
        client.is_told("POST", POLICIES, body, told).await;
    }
    let missing = path("rbac-policies", &none);
    root.is_told("GET", &missing, Value::Null, (404, "RbacPolicyNotFound"))
        .await;
}

#[tokio::test]
async fn only_admins_share_with_all_and_nobody_more_than_it_may() {
    let server = Server::start();
    let (database, identity) = (server.open().await, tokens());
    let client = |token| Client {
        database: &database,
        identity: &identity,
        token,
    };
    let (root, ann) = (client("root"), client("ann"));
    let network = ann.make("network", json!({})).await;
    ann.share("network", &network, "shared", "b").await;
    let (_, answer) = ann.ask("GET", POLICIES, Value::Null).await;
    let one = path("rbac-policies", &answer["rbac_policies"][0]);
    let all = json!({"rbac_policy": {"target_tenant": "*"}});
    ann.is_told("PUT", &one, all, (403, "PolicyNotAuthorized"))
        .await;
    let action = json!({"rbac_policy": {"action": "access_as_external"}});
    root.is_told("PUT", &one, action, (400, "HTTPBadRequest"))
        .await;
    let limit = json!({"quota": {"rbac_policy": 1}});
    root.ask("PUT", "/v2.0/quotas/a", limit).await;
    let more = policy("network", &network, "shared", "c");
    ann.is_told("POST", POLICIES, more, (409, "OverQuota"))
        .await;
}

#[tokio::test]
async fn what_is_shared_with_all_is_a_policy_too() {
    let server = Server::start();
    let database = server.open().await;
    let network = make(&database, "network", json!({"shared": true})).await;
    let of = path("networks", &network);
    let list = format!(
        "{POLICIES}?object_id={}&target_tenant=*",
        network["id"].as_str().unwrap()
    );
    let listed = async || ask(&database, "GET", &list, "").await.1["rbac_policies"].clone();
    let change = async |name: &str, to: bool| {
        let body = json!({"network": {name: to}}).to_string();
        ask(&database, "PUT", &of, &body).await
    };
    assert_eq!(listed().await[0]["action"], "access_as_shared");
    assert_eq!(change("shared", true).await.0, 200);
    assert_eq!(listed().await.as_array().unwrap().len(), 1);
    let port = async |project: &str| {
        let port = json!({"network_id": network["id"], "tenant_id": project});
        make(&database, "port", port).await
    };
    // A port that belongs to nobody is in nobody's way.
    port("").await;
    for shared in [false, true] {
        assert_eq!(change("shared", shared).await.0, 200);
    }
    port("b").await;
    let (status, answer) = change("shared", false).await;
    assert_eq!((status, kind(&answer)), (409, "InvalidSharedSetting"));
    let own = policy("network", &network, "shared", "b").to_string();
    let (status, answer) = ask(&database, "POST", POLICIES, &own).await;
    assert_eq!(status, 201, "{answer}");
    // By adding one the network has changed; who is allowed by itself needs no other.
    let (status, answer) = change("shared", false).await;
    assert_eq!((status, &answer["network"]["shared"]), (200, &json!(false)));
    assert_eq!(answer["network"]["revision_number"], 6);
    assert_eq!(listed().await, json!([]));

    assert_eq!(change("router:external", true).await.0, 200);
    let outside = listed().await[0].clone();
    assert_eq!(outside["action"], "access_as_external");
    let router = json!({"external_gateway_info": {"network_id": network["id"]}});
    make(&database, "router", router).await;
    let (status, answer) = change("router:external", false).await;
    assert_eq!((status, kind(&answer)), (409, "ExternalNetworkInUse"));
    let one = path("rbac-policies", &outside);
    let (status, answer) = ask(&database, "DELETE", &one, "").await;
    assert_eq!((status, kind(&answer)), (409, "RbacPolicyInUse"));
}

#[tokio::test]
async fn a_network_leads_those_outside_for_whom_there_is_a_policy() {
    let server = Server::start();
    let (database, identity) = (server.open().await, tokens());
    let client = |token| Client {
        database: &database,
        identity: &identity,
        token,
    };
    let (root, ann, bob) = (client("root"), client("ann"), client("bob"));
    let network = root.make("network", json!({})).await;
    let block = json!({"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4});
    let subnet = root.make("subnet", block).await;
    let leads = root.share("network", &network, "external", "a").await;
    let (_, answer) = root
        .ask("GET", &path("networks", &network), Value::Null)
        .await;
    assert_eq!(answer["network"]["router:external"], true);
    // It is no network to be in.
    assert!(ann.sees("networks", &network).await);
    assert!(!ann.sees("subnets", &subnet).await);
    let port = json!({"port": {"network_id": network["id"]}});
    ann.is_told("POST", "/v2.0/ports", port, (403, "PolicyNotAuthorized"))
        .await;
    let pools = "/v2.0/floatingip-pools";
    for (client, expected) in [(&ann, json!(subnet["id"])), (&bob, Value::Null)] {
        let (_, answer) = client.ask("GET", pools, Value::Null).await;
        assert_eq!(answer["floatingip_pools"][0]["subnet_id"], expected);
    }
    let fip = json!({"floatingip": {"floating_network_id": network["id"]}});
    let fips = "/v2.0/floatingips";
    bob.is_told("POST", fips, fip.clone(), (404, "NetworkNotFound"))
        .await;
    let (status, answer) = ann.ask("POST", fips, fip.clone()).await;
    assert_eq!(status, 201, "{answer}");
    let gateway = json!({"external_gateway_info": {"network_id": network["id"]}});
    let router = ann.make("router", gateway).await;
    let one = path("rbac-policies", &leads);
    root.is_told("DELETE", &one, Value::Null, (409, "RbacPolicyInUse"))
        .await;
    let all = root.share("network", &network, "external", "*").await;
    assert_eq!(root.ask("DELETE", &one, Value::Null).await.0, 204);
    assert_eq!(bob.ask("POST", fips, fip).await.0, 201);
    assert_eq!(
        ann.ask("DELETE", &path("routers", &router), Value::Null)
            .await
            .0,
        204
    );
    let last = path("rbac-policies", &all);
    root.is_told("DELETE", &last, Value::Null, (409, "RbacPolicyInUse"))
        .await;
    let (_, answer) = root.ask("GET", fips, Value::Null).await;
    for fip in answer["floatingips"].as_array().unwrap() {
        root.ask("DELETE", &path("floatingips", fip), Value::Null)
            .await;
    }
    assert_eq!(root.ask("DELETE", &last, Value::Null).await.0, 204);
    let (_, answer) = root
        .ask("GET", &path("networks", &network), Value::Null)
        .await;
    assert_eq!(answer["network"]["router:external"], false);
}

#[tokio::test]
async fn pools_scopes_and_groups_are_shared_while_they_are_used() {
    let server = Server::start();
    let (database, identity) = (server.open().await, tokens());
    let client = |token| Client {
        database: &database,
        identity: &identity,
        token,
    };
    let (ann, bob) = (client("ann"), client("bob"));
    let scope = json!({"name": "s", "ip_version": 4});
    let scope = ann.make("address_scope", scope).await;
    let pool = json!({"name": "p", "prefixes": ["10.0.0.0/16"], "default_prefixlen": 24});
    let pool = ann.make("subnetpool", pool).await;
    let group = ann.make("security_group", json!({"name": "g"})).await;
    let addresses = json!({"name": "a", "addresses": ["10.9.0.0/24"]});
    let addresses = ann.make("address_group", addresses).await;
    let mut policies = Vec::new();
    for (kind, collection, object) in [
        ("address_scope", "address-scopes", &scope),
        ("subnetpool", "subnetpools", &pool),
        ("security_group", "security-groups", &group),
        ("address_group", "address-groups", &addresses),
    ] {
        assert!(!bob.sees(collection, object).await, "{kind}");
        policies.push(ann.share(kind, object, "shared", "b").await);
        assert!(bob.sees(collection, object).await, "{kind}");
    }
    let rename = json!({"address_group": {"name": "b"}});
    let told = (404, "AddressGroupNotFound");
    bob.is_told("PUT", &path("address-groups", &addresses), rename, told)
        .await;
    let network = bob.make("network", json!({})).await;
    let part = json!({"network_id": network["id"], "subnetpool_id": pool["id"], "ip_version": 4});
    bob.make("subnet", part).await;
    let other = json!({"name": "q", "prefixes": ["10.1.0.0/16"], "address_scope_id": scope["id"]});
    let other = bob.make("subnetpool", other).await;
    // Whose the scope is not may not move about in it, or let others in.
    let more = json!({"subnetpool": {"prefixes": ["10.1.0.0/16", "10.2.0.0/16"]}});
    let told = (400, "IllegalSubnetPoolUpdate");
    bob.is_told("PUT", &path("subnetpools", &other), more, told)
        .await;
    let shared = policy("subnetpool", &other, "shared", "c");
    bob.is_told("POST", POLICIES, shared, (400, "InvalidInput"))
        .await;
    let port = json!({"network_id": network["id"], "security_groups": [group["id"]]});
    bob.make("port", port).await;
    let own = bob.make("security_group", json!({"name": "h"})).await;
    let rule = json!({"security_group_id": own["id"], "direction": "ingress",
        "remote_address_group_id": addresses["id"]});
    bob.make("security_group_rule", rule).await;
    for policy in &policies {
        let one = path("rbac-policies", policy);
        ann.is_told("DELETE", &one, Value::Null, (409, "RbacPolicyInUse"))
            .await;
    }
    // Who no longer names it needs no policy.
    let (_, answer) = bob.ask("GET", "/v2.0/ports", Value::Null).await;
    for port in answer["ports"].as_array().unwrap() {
        bob.ask("DELETE", &path("ports", port), Value::Null).await;
    }
    let one = path("rbac-policies", &policies[2]);
    assert_eq!(ann.ask("DELETE", &one, Value::Null).await.0, 204);
    assert!(!bob.sees("security-groups", &group).await);
}

#[tokio::test]
async fn databases_of_before_there_were_policies_get_theirs() {
    let server = Server::start();
    let database = server.open().await;
    let id = Uuid::from_u128(7);
    let mut transaction = Transaction::new();
    let network = Network::values()
        .set(Network::project, "p")
        .set(Network::shared, true)
        .set(Network::external, true);
    transaction.insert_as(id, network);
    database.transact(transaction).await.unwrap();
    let (_, answer) = ask(&database, "GET", POLICIES, "").await;
    let policies = answer["rbac_policies"].as_array().unwrap().clone();
    let mut actions: Vec<_> = policies.iter().map(|row| row["action"].clone()).collect();
    actions.sort_by_key(Value::to_string);
    assert_eq!(
        json!(actions),
        json!(["access_as_external", "access_as_shared"])
    );
    for policy in &policies {
        assert_eq!(
            (&policy["target_tenant"], &policy["project_id"]),
            (&json!("*"), &json!("p"))
        );
        let one = path("rbac-policies", policy);
        assert_eq!(ask(&database, "DELETE", &one, "").await.0, 204);
    }
    let (_, answer) = ask(&database, "GET", POLICIES, "").await;
    assert_eq!(answer["rbac_policies"], json!([]));
    let (_, answer) = ask(&database, "GET", &format!("/v2.0/networks/{id}"), "").await;
    assert_eq!(answer["network"]["shared"], false);
    assert_eq!(answer["network"]["router:external"], false);
}
