//! Clusters: fail-over, leaders, stale servers, relays.

use std::fs;

use ovsdb::dynamic::Tables;
use ovsdb::transaction::ErrorName;
use ovsdb::{Client, Event, Events, Options, Remote, TransactError, Transaction, Uuid};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::declared::{Item, Test, client, connected, disconnected, insert, item, next};
use crate::equality::dump;
use crate::server::{PATIENCE, SCHEMA, Server, wait_for};

fn follow(servers: &[Server], leader_only: bool) -> (Client<Test>, Events<Test>) {
    let mut options = Options::default();
    options.leader_only = leader_only;
    Client::connect(servers.iter().map(Server::remote).collect(), options)
}

/// How many transactions each of the streams makes.
const STREAM: u32 = 75;
const STREAMS: u32 = 4;

/// Inserts a row and counts it, again and again until it is certain that it was applied once. The
/// count shows what was applied twice; that a UUID is given twice is what prevents it.
async fn insert_once(client: &Client<Test>, connected: &mut watch::Receiver<bool>, number: u32) {
    let uuid = Uuid::from_u128(u128::from(number) + 1);
    loop {
        let mut transaction = Transaction::new();
        transaction.insert_as(uuid, item(&number.to_string()));
        transaction.mutate(Item::name.equals("count"), [Item::number.plus(1)]);
        match client.transact(transaction, PATIENCE).await {
            Ok(_) => return,
            Err(error) if error.is(&ErrorName::DUPLICATE_UUID) => return,
            Err(TransactError::NotConnected) => {
                connected
                    .wait_for(|connected| *connected)
                    .await
                    .expect("the test lives");
            }
            Err(error) => assert!(error.is_uncertain(), "{error}"),
        }
    }
}

/// Starts the streams; the number of transactions that were applied.
fn streams(client: &Client<Test>, mut events: Events<Test>) -> watch::Receiver<u32> {
    let (applied, progress) = watch::channel(0);
    let (state, connected) = watch::channel(true);
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match event {
                Event::Connected { .. } => drop(state.send_replace(true)),
                Event::Disconnected(_) => drop(state.send_replace(false)),
                _ => {}
            }
        }
    });
    for stream in 0..STREAMS {
        let (client, applied, mut connected) = (client.clone(), applied.clone(), connected.clone());
        tokio::spawn(async move {
            for number in stream * STREAM..(stream + 1) * STREAM {
                insert_once(&client, &mut connected, number).await;
                applied.send_modify(|applied| *applied += 1);
            }
        });
    }
    progress
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_transaction_is_lost_or_doubled_when_leaders_die() {
    let mut servers = Server::cluster(SCHEMA);
    let (client, mut events) = follow(&servers, false);
    let remotes = servers.iter().map(Server::remote).collect();
    let all = Tables::new("Test", None);
    let (observer, mut observed) = Client::connect_to(all, remotes, Options::default());
    connected(&mut events).await;
    client.transact(insert("count"), PATIENCE).await.unwrap();
    let mut progress = streams(&client, events);
    for restart in [false, true, false] {
        let already = *progress.borrow_and_update();
        let more = progress.wait_for(|applied| *applied > already + STREAM / 2);
        timeout(PATIENCE, more).await.expect("it goes on").unwrap();
        if restart {
            let dead = servers.iter_mut().find(|server| !server.runs());
            dead.expect("one was killed").run(&[]);
        } else {
            wait_for("there is a leader", || servers.iter().any(Server::leads));
            let leader = servers.iter_mut().find(|server| server.leads());
            leader.expect("a leader").kill();
        }
    }
    let all = progress.wait_for(|applied| *applied == STREAMS * STREAM);
    timeout(PATIENCE, all).await.expect("it ends").unwrap();

    wait_for("there is a leader", || servers.iter().any(Server::leads));
    let survivor = servers.iter().find(|server| server.leads());
    let dumped = survivor.expect("a leader").dump();
    while dump(&observer.snapshot()) != dumped {
        let event = timeout(PATIENCE, observed.next()).await;
        event
            .expect("the observer catches up")
            .expect("the observer lives");
    }
    let tables = client.snapshot();
    let (by_name, rows) = (&tables.items.index().by_name, STREAMS * STREAM);
    for number in 0..rows {
        assert!(
            by_name.get(number.to_string()).is_some(),
            "{number} is lost"
        );
    }
    let count = by_name.get("count".to_owned()).expect("the first row");
    assert_eq!(count.number, i64::from(rows), "something was applied twice");
    assert_eq!(u32::try_from(tables.items.len()), Ok(rows + 1));
}

#[tokio::test]
async fn only_the_leader_is_followed_if_only_the_leader_will_do() {
    let mut servers = Server::cluster(SCHEMA);
    let (_client, mut events) = follow(&servers, true);
    let mut leader = remote_of_next_connection(&mut events).await;
    for _ in 0..2 {
        let leading = servers.iter_mut().find(|server| server.remote() == leader);
        let leading = leading.expect("a remote of ours");
        assert!(leading.leads());
        leading.kill();
        disconnected(&mut events).await;
        leader = remote_of_next_connection(&mut events).await;
        let dead = servers.iter_mut().find(|server| !server.runs());
        dead.expect("one was killed").run(&[]);
    }
}

async fn remote_of_next_connection(events: &mut Events<Test>) -> Remote {
    loop {
        if let Event::Connected { remote } = next(events).await {
            return remote;
        }
    }
}

#[tokio::test]
async fn a_client_resumes_on_another_member_without_changes() {
    let mut servers = Server::cluster(SCHEMA);
    let (client, mut events) = follow(&servers, false);
    connected(&mut events).await;
    client.transact(insert("1"), PATIENCE).await.unwrap();
    assert!(matches!(next(&mut events).await, Event::Changed(_)));
    for server in &servers {
        wait_for("every member has the row", || {
            server.dump().contains("\"1\"")
        });
    }
    servers[0].kill();
    disconnected(&mut events).await;
    loop {
        match next(&mut events).await {
            Event::Connected { .. } => break,
            Event::Changed(step) => panic!("nothing changed, but {:?}", step.changes),
            _ => {}
        }
    }
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn a_server_cut_off_from_its_cluster_is_left() {
    let mut servers = Server::cluster(SCHEMA);
    let (_client, mut events) = client(&servers[2]);
    connected(&mut events).await;
    servers[0].kill();
    servers[1].kill();
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("cut off"), "{reason}");
}

#[tokio::test]
async fn a_relay_serves_as_its_source_does() {
    let source = Server::start(SCHEMA);
    let relay = Server::relay(&source);
    let (client, mut events) = client(&relay);
    connected(&mut events).await;
    for number in 0..10 {
        client
            .transact(insert(&number.to_string()), PATIENCE)
            .await
            .unwrap();
    }
    assert_eq!(client.snapshot().items.len(), 10);
    let mut transaction = Transaction::new();
    transaction.delete(Item::name.equals("7"));
    client.transact(transaction, PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 9);
    assert!(!source.dump().contains("\"7\""));
}

#[tokio::test]
async fn a_reconnection_to_a_cluster_reads_only_what_is_new() {
    let mut server = Server::alone(SCHEMA);
    let log = server.path("log");
    let file = format!("--log-file={}", log.display());
    server.run(&[&file, "-vjsonrpc:file:dbg"]);
    wait_for("the server leads itself", || server.leads());
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    client.transact(insert("old"), PATIENCE).await.unwrap();
    let resumptions = || {
        let log = fs::read_to_string(&log).expect("the server writes its log");
        let resumed = |line: &&str| line.contains("send reply, result=[true,");
        log.lines()
            .filter(resumed)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(resumptions(), [""; 0]);
    server.appctl(&["ovsdb-server/reconnect"]);
    disconnected(&mut events).await;
    connected(&mut events).await;
    let resumptions = resumptions();
    assert!(
        resumptions.len() == 1 && !resumptions[0].contains("old"),
        "{resumptions:?}"
    );
    assert_eq!(client.snapshot().items.len(), 1);
}
