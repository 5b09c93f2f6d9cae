//! The control sockets of Open vSwitch speak the same JSON-RPC: a connection serves both sides.

use std::time::Instant;

use ovsdb::jsonrpc::{Connection, Incoming, to_json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::server::{PATIENCE, SCHEMA, Server};

/// Sends what there is to send, and waits for the next thing that arrives.
async fn exchange(connection: &mut Connection, stream: &mut UnixStream) -> Option<Incoming> {
    loop {
        let unsent = connection.buffers().1.split();
        stream.write_all(&unsent).await.expect("it can be sent");
        if let Some(incoming) = connection.poll_incoming().expect("the protocol is kept") {
            return Some(incoming);
        }
        let read = timeout(PATIENCE, stream.read_buf(connection.buffers().0)).await;
        if read.expect("an answer in time").expect("it can be read") == 0 {
            return None;
        }
    }
}

#[tokio::test]
async fn a_daemon_can_be_asked() {
    let server = Server::start(SCHEMA);
    let mut stream = UnixStream::connect(server.path("ctl")).await.unwrap();
    let mut connection = Connection::new(1 << 20, None, Instant::now());
    let id = connection.request("version", &[(); 0]).unwrap();
    let Some(Incoming::Reply {
        id: replied,
        outcome,
    }) = exchange(&mut connection, &mut stream).await
    else {
        panic!("a reply");
    };
    assert_eq!(replied, id);
    assert!(outcome.unwrap().get().contains("ovsdb-server"));
    connection.request("frobnicate", &[(); 0]).unwrap();
    let Some(Incoming::Reply { outcome, .. }) = exchange(&mut connection, &mut stream).await else {
        panic!("a reply");
    };
    assert!(outcome.unwrap_err().get().contains("not a valid command"));
}

#[tokio::test]
async fn ovs_appctl_can_ask() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("ctl");
    let listener = UnixListener::bind(&socket).unwrap();
    let daemon = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut connection = Connection::new(1 << 20, None, Instant::now());
        while let Some(incoming) = exchange(&mut connection, &mut stream).await {
            let Incoming::Request { id, method, params } = incoming else {
                panic!("a request")
            };
            let words: Vec<String> = serde_json::from_str(params.get()).unwrap();
            match method.as_str() {
                "say" => connection.reply(id, Ok(to_json(&words.join(" ")).unwrap())),
                _ => connection.reply(id, Err(to_json(&"unknown").unwrap())),
            }
        }
    });
    let asked = Command::new("ovs-appctl")
        .args([
            "-t",
            &socket.display().to_string(),
            "say",
            "hello",
            "\"world\"",
        ])
        .output();
    let asked = timeout(PATIENCE, asked)
        .await
        .expect("an answer in time")
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "hello \"world\"");
    daemon.await.unwrap();
}
