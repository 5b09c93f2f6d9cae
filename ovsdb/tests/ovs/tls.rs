//! TLS with keys and certificates made by `ovs-pki`.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use ovsdb::pki::Pki;
use ovsdb::transaction::ErrorName;
use ovsdb::{Client, Events, Options, Remote, TransactError, Transaction};
use tempfile::TempDir;

use crate::declared::{Item, Part, Test, connected, disconnected, insert};
use crate::server::{PATIENCE, SCHEMA, Server, run};

/// Makes an authority and certificates for both sides.
fn authority() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pki = format!("--dir={}", directory.path().join("pki").display());
    let log = format!("--log={}", directory.path().join("log").display());
    run("ovs-pki", &[&pki, &log, "init"]);
    for side in ["server", "client"] {
        let name = directory.path().join(side).display().to_string();
        run("ovs-pki", &[&pki, &log, "req+sign", &name, "switch"]);
    }
    directory
}

fn pki(directory: &Path, side: &str) -> Pki {
    Pki {
        private_key: directory.join(format!("{side}-privkey.pem")),
        certificate: directory.join(format!("{side}-cert.pem")),
        ca_certificate: directory.join("pki/switchca/cacert.pem"),
    }
}

/// Starts a server that knows its keys, and has these remotes.
fn start(directory: &Path, schema: &str, remotes: &[&str]) -> Server {
    let mut server = Server::stopped(schema);
    run_with_keys(&mut server, directory, remotes);
    server
}

fn run_with_keys(server: &mut Server, directory: &Path, remotes: &[&str]) {
    let pki = pki(directory, "server");
    let option = |name, file: &Path| format!("--{name}={}", file.display());
    let keys = [
        option("private-key", &pki.private_key),
        option("certificate", &pki.certificate),
        option("ca-cert", &pki.ca_certificate),
    ];
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    server.run(&[&keys, remotes].concat());
}

fn connect(remote: &str, pki: Pki) -> (Client<Test>, Events<Test>) {
    let mut options = Options::default();
    options.pki = Some(pki);
    Client::connect(Remote::list(remote).expect("a remote"), options)
}

#[tokio::test]
async fn both_sides_trust_what_their_authority_signed() {
    let directory = authority();
    for address in ["127.0.0.1", "[::1]"] {
        let remote = format!("--remote=pssl:0:{address}");
        let server = start(directory.path(), SCHEMA, &[&remote]);
        let remote = format!("ssl:{address}:{}", server.listening_port());
        let (client, mut events) = connect(&remote, pki(directory.path(), "client"));
        connected(&mut events).await;
        client.transact(insert("tls"), PATIENCE).await.unwrap();
        assert_eq!(client.snapshot().items.len(), 1);
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

#[tokio::test]
async fn a_server_that_connects_shows_its_certificate_too() {
    let directory = authority();
    let port = free_port();
    let remote = format!("--remote=ssl:127.0.0.1:{port}");
    let passive = format!("pssl:{port}:127.0.0.1");
    let (client, mut events) = connect(&passive, pki(directory.path(), "client"));
    let _server = start(directory.path(), SCHEMA, &[&remote]);
    connected(&mut events).await;
    client.transact(insert("tls"), PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn a_stranger_who_connects_is_turned_away() {
    let (theirs, ours) = (authority(), authority());
    let port = free_port();
    let remote = format!("--remote=ssl:127.0.0.1:{port}");
    let passive = format!("pssl:{port}:127.0.0.1");
    let (_client, mut events) = connect(&passive, pki(ours.path(), "client"));
    let _server = start(theirs.path(), SCHEMA, &[&remote]);
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("cannot connect"), "{reason}");
}

#[tokio::test]
async fn a_peer_that_never_says_hello_is_given_up() {
    let directory = authority();
    let mut options = Options::default();
    options.connect_timeout = Duration::from_millis(200);
    options.pki = Some(pki(directory.path(), "client"));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let remote = Remote::list(&format!("ssl:127.0.0.1:{port}")).unwrap();
    let (_client, mut events) = Client::<Test>::connect(remote, options.clone());
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("cannot connect within 0.2 s"), "{reason}");

    let port = free_port();
    let remote = Remote::list(&format!("pssl:{port}:127.0.0.1")).unwrap();
    let (_client, mut events) = Client::<Test>::connect(remote, options);
    let connect = || TcpStream::connect(("127.0.0.1", port)).ok();
    let mut peer = None;
    while peer.is_none() {
        tokio::task::yield_now().await;
        peer = connect();
    }
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("no TLS handshake in time"), "{reason}");
}

/// What the schema has to hold so that a remote can have a role.
const ROLES: &str = r#""tables": {
    "Root": {"isRoot": true, "columns": {
        "remotes": {"type": {"key": {"type": "uuid", "refTable": "Remote"}, "min": 0}}}},
    "Remote": {"columns": {"target": {"type": "string"}, "role": {"type": "string"}}},
    "RBAC_Role": {"isRoot": true, "columns": {
        "name": {"type": "string"},
        "permissions": {"type": {"key": "string", "min": 0, "max": "unlimited",
            "value": {"type": "uuid", "refTable": "RBAC_Permission", "refType": "weak"}}}}},
    "RBAC_Permission": {"isRoot": true, "columns": {
        "table": {"type": "string"},
        "authorization": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "insert_delete": {"type": "boolean"},
        "update": {"type": {"key": "string", "min": 0, "max": "unlimited"}}}},"#;

/// A remote whose clients may insert items and change the numbers of those, and nothing else.
const ROLE: &str = r#"["Test",
    {"op":"insert","table":"Remote","uuid-name":"remote",
     "row":{"target":"pssl:0:127.0.0.1","role":"counter"}},
    {"op":"insert","table":"Root","row":{"remotes":["named-uuid","remote"]}},
    {"op":"insert","table":"RBAC_Permission","uuid-name":"items","row":{"table":"Item",
     "authorization":"","insert_delete":true,"update":"number"}},
    {"op":"insert","table":"RBAC_Role","row":{"name":"counter",
     "permissions":["map",[["Item",["named-uuid","items"]]]]}}]"#;

#[tokio::test]
async fn what_the_role_of_a_client_forbids_is_a_permission_error() {
    let directory = authority();
    let mut server = Server::stopped(&SCHEMA.replace("\"tables\": {", ROLES));
    let database = server.path("db").display().to_string();
    run("ovsdb-tool", &["transact", &database, ROLE]);
    run_with_keys(
        &mut server,
        directory.path(),
        &["--remote=db:Test,Root,remotes"],
    );
    let remote = format!("ssl:127.0.0.1:{}", server.listening_port());
    let (client, mut events) = connect(&remote, pki(directory.path(), "client"));
    connected(&mut events).await;

    client.transact(insert("one"), PATIENCE).await.unwrap();
    let mut allowed = Transaction::new();
    allowed.mutate(Item::name.equals("one"), [Item::number.plus(1)]);
    client.transact(allowed, PATIENCE).await.unwrap();
    let mut update = Transaction::new();
    update.update(
        Item::name.equals("one"),
        Item::values().set(Item::flag, true),
    );
    let mut table = insert("two");
    table.insert(Part::values().set(Part::name, "part"));
    for (transaction, index) in [(update, 0), (table, 1)] {
        let error = client.transact(transaction, PATIENCE).await.unwrap_err();
        assert!(error.is(&ErrorName::PERMISSION_ERROR), "{error}");
        assert!(
            matches!(error, TransactError::Operation { index: at, .. } if at == index),
            "{error}"
        );
    }
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let (theirs, ours) = (authority(), authority());
    let server = start(theirs.path(), SCHEMA, &["--remote=pssl:0:127.0.0.1"]);
    let remote = format!("ssl:127.0.0.1:{}", server.listening_port());
    let (_client, mut events) = connect(&remote, pki(ours.path(), "client"));
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("invalid peer certificate"), "{reason}");
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let directory = authority();
    let mut pki = pki(directory.path(), "client");
    pki.private_key = directory.path().join("nowhere.pem");
    let (_client, mut events) = connect("ssl:127.0.0.1:1", pki);
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("nowhere.pem"), "{reason}");
}
