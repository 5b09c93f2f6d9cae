//! Servers that misbehave, and servers with the wrong database.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, iter};

use ovsdb::monitor::Conditions;
use ovsdb::{Client, Event, Options, Remote, Transaction};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::declared::{Item, Test, client, connected, disconnected, insert, item, next};
use crate::equality::{replay, rows_of};
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

/// Passes on what the server sends, but only while the gate is open.
async fn gated(listener: UnixListener, server: PathBuf, mut open: watch::Receiver<bool>) {
    let (client, _) = listener.accept().await.expect("the client connects");
    let server = UnixStream::connect(server).await.expect("a server");
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let back = async {
        let mut buffer = Vec::new();
        loop {
            open.wait_for(|open| *open).await.expect("the test lives");
            buffer.clear();
            match from_server.read_buf(&mut buffer).await {
                Ok(count) if count > 0 => to_client.write_all(&buffer).await.expect("sent"),
                _ => return,
            }
        }
    };
    drop(tokio::join!(
        tokio::io::copy(&mut from_client, &mut to_server),
        back
    ));
}

#[tokio::test]
async fn a_client_too_slow_for_the_server_sees_fewer_steps_and_all_rows() {
    const TRANSACTIONS: i64 = 500;

    let server = Server::start(SCHEMA);
    let socket = server.path("proxy");
    let listener = UnixListener::bind(&socket).unwrap();
    let (gate, open) = watch::channel(true);
    let proxy = tokio::spawn(gated(listener, server.path("sock"), open));
    let mut options = Options::default();
    options.inactivity_probe = PATIENCE;
    let (slow, mut slow_events) = Client::<Test>::connect(vec![Remote::Unix(socket)], options);
    connected(&mut slow_events).await;
    let (writer, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    transaction.insert(item("left"));
    transaction.insert(item("right"));
    writer.transact(transaction, PATIENCE).await.unwrap();
    while slow.snapshot().items.len() < 2 {
        next(&mut slow_events).await;
    }

    gate.send_replace(false);
    for number in 1..=TRANSACTIONS {
        // More than the buffers between server and client can hold.
        let text = number.to_string().repeat(5_000);
        let mut transaction = Transaction::new();
        let mutations = [Item::number.plus(1)].into_iter();
        let mutations = mutations.chain(Item::labels.replace([("text", text.as_str())]));
        transaction.mutate::<Item>([], mutations);
        writer.transact(transaction, PATIENCE).await.unwrap();
    }
    gate.send_replace(true);
    let mut steps = 0;
    loop {
        let Event::Changed(step) = next(&mut slow_events).await else {
            continue;
        };
        steps += 1;
        let numbers: Vec<i64> = step.tables.items.iter().map(|row| row.number).collect();
        assert_eq!(numbers[0], numbers[1], "a step is whole");
        if numbers == [TRANSACTIONS; 2] {
            break;
        }
    }
    assert!(steps < TRANSACTIONS, "the server combined nothing");
    assert_eq!(slow.snapshot(), writer.snapshot());
    proxy.abort();
}

/// Cuts each connection after another number of bytes from the server, and spares the rest.
async fn cutting(
    listener: UnixListener,
    server: PathBuf,
    limits: Vec<u64>,
    connections: watch::Sender<usize>,
) {
    for limit in limits.into_iter().chain(iter::repeat(u64::MAX)) {
        let (client, _) = listener.accept().await.expect("the client connects");
        connections.send_modify(|connections| *connections += 1);
        let server = UnixStream::connect(&server).await.expect("a server");
        let ((mut from_client, mut to_client), (from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        let mut from_server = from_server.take(limit);
        // Either way the connection is over.
        tokio::select! {
            ended = tokio::io::copy(&mut from_client, &mut to_server) => drop(ended),
            ended = tokio::io::copy(&mut from_server, &mut to_client) => drop(ended),
        }
    }
}

/// Inserts, changes and deletes, so that some rows come and go by `number >= 5`.
fn change(number: i64) -> Transaction<Test> {
    let name = |number: i64| Item::name.equals(number.to_string().as_str());
    let mut transaction = Transaction::new();
    transaction.insert(item(&number.to_string()).set(Item::number, number * 7 % 10));
    transaction.mutate(name(number / 2), [Item::numbers.insert([number])]);
    transaction.update(
        name(number * 2 / 3),
        Item::values().set(Item::number, number % 10),
    );
    transaction.delete::<Item>(name(number / 3));
    transaction
}

#[tokio::test]
async fn a_connection_that_is_cut_anywhere_costs_no_change() {
    for server in [Server::start(SCHEMA), Server::alone(SCHEMA)] {
        let socket = server.path("proxy");
        let listener = UnixListener::bind(&socket).unwrap();
        let limits = (0..60).map(|index| 1_000 + index * 911 % 9_000).collect();
        let (counter, connections) = watch::channel(0);
        let proxy = tokio::spawn(cutting(listener, server.path("sock"), limits, counter));
        let mut options = Options::default();
        options.backoff = (Duration::from_millis(1), Duration::from_millis(5));
        let (cut, mut cut_events) = Client::<Test>::connect(vec![Remote::Unix(socket)], options);
        let (writer, mut events) = client(&server);
        connected(&mut events).await;
        let mut least = 0;
        for number in 0..400 {
            let written = writer.transact(change(number), PATIENCE);
            if number % 10 == 0 {
                least = number / 10 % 4 * 2;
                let conditions = Conditions::new().only([Item::number.at_least(least)]);
                let (written, set) =
                    tokio::join!(written, cut.set_conditions(conditions, PATIENCE));
                written.unwrap();
                set.unwrap();
            } else {
                written.await.unwrap();
            }
        }
        let all = writer.snapshot();
        let expected = rows_of(all.items.iter().filter(|row| row.number >= least));
        replay(&mut cut_events, expected.clone()).await;
        assert_eq!(rows_of(cut.snapshot().items.iter()), expected);
        assert!(*connections.borrow() > 20, "{connections:?}");
        proxy.abort();
    }
}
