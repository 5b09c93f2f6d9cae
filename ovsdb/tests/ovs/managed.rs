//! Remotes that the database itself describes: read-only, and with probes of the server.

use std::time::Duration;

use ovsdb::transaction::ErrorName;
use ovsdb::{Client, Events, Options, Remote};
use tokio::time::timeout;

use crate::declared::{Test, connected, insert};
use crate::server::{PATIENCE, SCHEMA, Server, run};

/// What the schema has to hold for `ovsdb-server --remote=db:Test,Root,remotes`.
const TABLES: &str = r#""tables": {
    "Root": {"isRoot": true, "columns": {
        "remotes": {"type": {"key": {"type": "uuid", "refTable": "Remote"}, "min": 0}}}},
    "Remote": {"columns": {
        "target": {"type": "string"},
        "read_only": {"type": {"key": "boolean", "min": 0}},
        "inactivity_probe": {"type": {"key": "integer", "min": 0}}}},"#;

/// Starts a server with a remote that has these columns, and a client of that remote.
async fn connect(columns: &str) -> (Server, Client<Test>, Events<Test>) {
    let mut server = Server::stopped(&SCHEMA.replace("\"tables\": {", TABLES));
    let transaction = format!(
        r#"["Test",
            {{"op":"insert","table":"Remote","uuid-name":"remote",
              "row":{{"target":"ptcp:0:127.0.0.1",{columns}}}}},
            {{"op":"insert","table":"Root","row":{{"remotes":["named-uuid","remote"]}}}}]"#
    );
    run(
        "ovsdb-tool",
        &[
            "transact",
            &server.path("db").display().to_string(),
            &transaction,
        ],
    );
    server.run(&["--remote=db:Test,Root,remotes"]);
    let mut options = Options::default();
    options.inactivity_probe = PATIENCE;
    // Over Unix domain sockets the server never probes.
    let remote = Remote::Tcp {
        host: "127.0.0.1".to_owned(),
        port: server.listening_port(),
    };
    let (client, mut events) = Client::connect(vec![remote], options);
    connected(&mut events).await;
    (server, client, events)
}

#[tokio::test]
async fn a_read_only_remote_refuses_changes() {
    let (_server, client, _events) = connect("\"read_only\":true").await;
    let error = client
        .transact(insert("never"), PATIENCE)
        .await
        .unwrap_err();
    assert!(error.is(&ErrorName::NOT_ALLOWED), "{error}");
}

#[tokio::test]
async fn a_server_that_probes_finds_the_client_alive() {
    let (_server, client, mut events) = connect("\"inactivity_probe\":1000").await;
    // Unanswered, the server would close the connection after 2 s.
    let quiet = timeout(Duration::from_secs(3), events.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    client.transact(insert("alive"), PATIENCE).await.unwrap();
}
