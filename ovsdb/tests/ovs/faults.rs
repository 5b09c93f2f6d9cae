//! Servers that misbehave, and servers with the wrong database.

use std::fs;

use ovsdb::{Client, Options, Remote};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;
use tokio::time::timeout;

use crate::declared::{Test, client, connected, disconnected, insert};
use crate::server::{PATIENCE, SCHEMA, Server, wait_for};

#[tokio::test]
async fn a_server_that_floods_and_never_reads_is_left() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let socket = directory.path().join("sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let flood = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let echo = br#"{"id":"flood","method":"echo","params":["again and again"]}"#.repeat(100);
        let mut sent = 0_usize;
        while stream.write_all(&echo).await.is_ok() {
            sent += echo.len();
        }
        sent
    });
    let remotes = vec![Remote::Unix(socket)];
    let (_client, mut events) = Client::<Test>::connect(remotes, Options::default());
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("requests keep coming"), "{reason}");
    let sent = timeout(PATIENCE, flood).await.expect("it is closed");
    assert!(sent.unwrap() < 1 << 23);
}

#[tokio::test]
async fn a_server_with_an_older_database_is_refused_until_it_is_wanted() {
    let mut server = Server::alone(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let backup = server.path("backup");
    fs::copy(server.path("db"), &backup).unwrap();
    for number in 0..50 {
        let transaction = insert(&number.to_string());
        client.transact(transaction, PATIENCE).await.unwrap();
    }
    server.kill();
    fs::copy(&backup, server.path("db")).unwrap();
    server.run(&[]);
    wait_for("the older database is served", || server.leads());
    while !disconnected(&mut events).await.contains("is stale: index") {}
    assert_eq!(client.snapshot().items.len(), 50);

    client.forget_index().await;
    connected(&mut events).await;
    assert!(client.snapshot().items.is_empty());
    client.transact(insert("new"), PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_standalone_server_with_an_older_database_is_followed() {
    let mut server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    client.transact(insert("old"), PATIENCE).await.unwrap();
    let backup = server.path("backup");
    fs::copy(server.path("db"), &backup).unwrap();
    client.transact(insert("new"), PATIENCE).await.unwrap();
    server.kill();
    fs::copy(&backup, server.path("db")).unwrap();
    server.run(&[]);
    disconnected(&mut events).await;
    connected(&mut events).await;
    let names: Vec<_> = client
        .snapshot()
        .items
        .iter()
        .map(|row| row.name.clone())
        .collect();
    assert_eq!(names, ["old"]);
}
