//! Who asks, and what of it they may.

use std::convert::Infallible;
use std::io::Write as _;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::{Identity, route};
use super::{Answer, kind};
use crate::northbound::database::Database;
use crate::northbound::database::tests::Server;

pub(super) struct Client<'a> {
    pub(super) database: &'a Database,
    pub(super) identity: &'a Identity,
    pub(super) token: &'a str,
}

impl Client<'_> {
    pub(super) async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("X-Auth-Token", self.token);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = route::answer(request, self.database, self.identity).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub(super) async fn make(&self, name: &str, object: Value) -> Value {
        let path = format!("/v2.0/{}s", name.replace('_', "-"));
        let (status, answer) = self.ask("POST", &path, json!({ name: object })).await;
        assert_eq!(status, 201, "{answer}");
        answer[name].clone()
    }
}

pub(super) fn tokens() -> Identity {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text = "- {token: root, project: ops, roles: [admin, member]}\n\
                - {token: ann, project: a}\n\
                - {token: bob, project: b, roles: [member]}\n";
    file.write_all(text.as_bytes()).unwrap();
    Identity::of_file(file.path()).unwrap()
}

#[test]
fn a_file_of_tokens_that_makes_no_sense_is_refused() {
    for (text, problem) in [
        ("- {token: x}", "project"),
        ("- {token: '', project: a}", "a token is empty"),
        (
            "- {token: x, project: a}\n- {token: x, project: b}",
            "twice",
        ),
        ("- {token: x, project: a, color: red}", "color"),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let error = Identity::of_file(file.path()).expect_err(text);
        assert!(format!("{error:#}").contains(problem), "{error:#}");
    }
}

#[tokio::test]
async fn a_member_sees_its_own_and_what_is_shared() {
    let server = Server::start();
    let (database, identity) = (server.open().await, tokens());
    let client = |token| Client {
        database: &database,
        identity: &identity,
        token,
    };
    let (root, ann, bob, eve) = (client("root"), client("ann"), client("bob"), client("eve"));
    let (status, answer) = eve.ask("GET", "/v2.0/networks", Value::Null).await;
    assert_eq!((status, kind(&answer)), (401, "Unauthorized"));
    let own = ann.make("network", json!({"name": "own"})).await;
    assert_eq!(own["project_id"], "a");
    assert!(own.get("provider:network_type").is_none(), "{own}");
    let shared = root
        .make("network", json!({"name": "shared", "shared": true}))
        .await;
    root.make("network", json!({"name": "hidden"})).await;
    for (client, expected) in [
        (&ann, vec!["own", "shared"]),
        (&bob, vec!["shared"]),
        (&root, vec!["hidden", "own", "shared"]),
    ] {
        let (_, answer) = client
            .ask("GET", "/v2.0/networks?sort_key=name", Value::Null)
            .await;
        assert_eq!(super::names(&answer), expected);
    }
    let path = format!("/v2.0/networks/{}", own["id"].as_str().unwrap());
    let rename = json!({"network": {"name": "mine"}});
    assert_eq!(bob.ask("GET", &path, Value::Null).await.0, 404);
    assert_eq!(bob.ask("PUT", &path, rename.clone()).await.0, 404);
    assert_eq!(bob.ask("DELETE", &path, Value::Null).await.0, 404);
    assert_eq!(root.ask("PUT", &path, rename.clone()).await.0, 200);
    let path = format!("/v2.0/networks/{}", shared["id"].as_str().unwrap());
    for method in ["PUT", "DELETE"] {
        let (status, answer) = bob.ask(method, &path, rename.clone()).await;
        assert_eq!(
            (status, kind(&answer)),
            (403, "PolicyNotAuthorized"),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_member_may_not_what_is_for_admins() {
    let server = Server::start();
    let (database, identity) = (server.open().await, tokens());
    let client = |token| Client {
        database: &database,
        identity: &identity,
        token,
    };
    let (root, ann, bob) = (client("root"), client("ann"), client("bob"));
    let shared = root.make("network", json!({"shared": true})).await;
    let subnet = json!({"network_id": shared["id"], "cidr": "10.0.0.0/24", "ip_version": 4});
    root.make("subnet", subnet.clone()).await;
    let port = ann.make("port", json!({"network_id": shared["id"]})).await;
    assert!(port.get("binding:host_id").is_none(), "{port}");
    // The default group goes by an admin only.
    let group = port["security_groups"][0].as_str().unwrap();
    let group = format!("/v2.0/security-groups/{group}");
    let (_, answer) = ann.ask("DELETE", &group, Value::Null).await;
    assert_eq!(kind(&answer), "SecurityGroupCannotRemoveDefault");
    let (_, answer) = root.ask("DELETE", &group, Value::Null).await;
    assert_eq!(kind(&answer), "SecurityGroupInUse");
    let on_shared = |more: Value| {
        let mut port = json!({"network_id": shared["id"]});
        port.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "port": port })
    };
    let (networks, ports) = ("/v2.0/networks", "/v2.0/ports");
    for (path, body, status) in [
        (networks, json!({"network": {"shared": true}}), 403),
        (networks, json!({"network": {"shared": false}}), 201),
        (
            networks,
            json!({"network": {"provider:network_type": "vxlan"}}),
            403,
        ),
        (networks, json!({"network": {"tenant_id": "a"}}), 400),
        ("/v2.0/subnets", json!({ "subnet": subnet }), 403),
        (ports, on_shared(json!({"binding:host_id": "hv1"})), 403),
        (
            ports,
            on_shared(json!({"mac_address": "fa:16:3e:00:00:01"})),
            403,
        ),
        (
            ports,
            on_shared(json!({"port_security_enabled": false})),
            403,
        ),
        (
            ports,
            on_shared(json!({"fixed_ips": [{"ip_address": "10.0.0.9"}]})),
            403,
        ),
        (
            ports,
            on_shared(json!({"device_owner": "network:dhcp"})),
            403,
        ),
        (
            ports,
            on_shared(json!({"security_groups": port["security_groups"]})),
            404,
        ),
        ("/v2.0/routers", json!({"router": {"ha": true}}), 403),
        (
            "/v2.0/log/logs",
            json!({"log": {"resource_type": "security_group"}}),
            403,
        ),
    ] {
        let (answered, answer) = bob.ask("POST", path, body.clone()).await;
        assert_eq!(answered, status, "{path} {body}: {answer}");
    }
    let quota = json!({"quota": {"port": 1}});
    assert_eq!(bob.ask("PUT", "/v2.0/quotas/b", quota.clone()).await.0, 403);
    assert_eq!(bob.ask("GET", "/v2.0/quotas/a", Value::Null).await.0, 403);
    assert_eq!(bob.ask("GET", "/v2.0/quotas/b", Value::Null).await.0, 200);
    assert_eq!(root.ask("PUT", "/v2.0/quotas/b", quota).await.0, 200);
}

/// A Keystone that knows one token.
async fn keystone() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v3", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(|request: Request<hyper::body::Incoming>| async move {
                let known = request.uri().path() == "/v3/auth/tokens"
                    && request.headers()["x-subject-token"] == "gAAAA"
                    && request.headers()["x-auth-token"] == "gAAAA";
                let body = json!({"token": {"project": {"id": "a", "name": "demo"},
                    "roles": [{"id": "1", "name": "member"}], "expires_at": "2030-01-01T00:00:00Z"}});
                let status = if known { 200 } else { 404 };
                let body = Full::new(Bytes::from(body.to_string()));
                Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    url
}

#[tokio::test]
async fn keystone_says_whose_a_token_is() {
    let server = Server::start();
    let database = server.open().await;
    let identity = Identity::of_keystone(&keystone().await).unwrap();
    let client = |token| Client {
        database: &database,
        identity: &identity,
        token,
    };
    let made = client("gAAAA").make("network", json!({})).await;
    assert_eq!(made["project_id"], "a");
    assert_eq!(
        client("gBBBB")
            .ask("GET", "/v2.0/networks", Value::Null)
            .await
            .0,
        401
    );
    // Where the API is, everybody may know.
    assert_eq!(client("").ask("GET", "/", Value::Null).await.0, 200);
    let gone = Identity::of_keystone("http://127.0.0.1:1").unwrap();
    let client = Client {
        database: &database,
        identity: &gone,
        token: "gAAAA",
    };
    let (status, answer) = client.ask("GET", "/v2.0/networks", Value::Null).await;
    assert_eq!((status, kind(&answer)), (503, "ServiceUnavailable"));
}
