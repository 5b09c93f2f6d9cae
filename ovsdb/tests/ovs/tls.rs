//! TLS with keys and certificates made by `ovs-pki`.

use std::path::Path;

use ovsdb::pki::Pki;
use ovsdb::{Client, Events, Options, Remote};
use tempfile::TempDir;

use crate::declared::{Test, connected, disconnected, insert};
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

fn start(directory: &Path) -> Server {
    let mut server = Server::stopped(SCHEMA);
    let pki = pki(directory, "server");
    let option = |name, file: &Path| format!("--{name}={}", file.display());
    server.run(&[
        &option("private-key", &pki.private_key),
        &option("certificate", &pki.certificate),
        &option("ca-cert", &pki.ca_certificate),
        "--remote=pssl:0:127.0.0.1",
    ]);
    server
}

fn connect(server: &Server, pki: Pki) -> (Client<Test>, Events<Test>) {
    let mut options = Options::default();
    options.pki = Some(pki);
    let remote = Remote::Ssl {
        host: "127.0.0.1".to_owned(),
        port: server.listening_port(),
    };
    Client::connect(vec![remote], options)
}

#[tokio::test]
async fn both_sides_trust_what_their_authority_signed() {
    let directory = authority();
    let server = start(directory.path());
    let (client, mut events) = connect(&server, pki(directory.path(), "client"));
    connected(&mut events).await;
    client.transact(insert("tls"), PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let (theirs, ours) = (authority(), authority());
    let server = start(theirs.path());
    let (_client, mut events) = connect(&server, pki(ours.path(), "client"));
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("invalid peer certificate"), "{reason}");
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let directory = authority();
    let server = start(directory.path());
    let mut pki = pki(directory.path(), "client");
    pki.private_key = directory.path().join("nowhere.pem");
    let (_client, mut events) = connect(&server, pki);
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("nowhere.pem"), "{reason}");
}
