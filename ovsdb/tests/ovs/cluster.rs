//! Clusters: fail-over, leaders, stale servers, relays.

use std::fs;

use ovsdb::dynamic::Tables;
use ovsdb::transaction::ErrorName;
use ovsdb::{Client, Event, Events, Options, Remote, TransactError, Transaction, Uuid};
use tokio::time::timeout;

use crate::declared::{Item, Test, client, connected, disconnected, insert, item, next};
use crate::equality::dump;
use crate::server::{PATIENCE, SCHEMA, Server, wait_for};

fn follow(servers: &[Server], leader_only: bool) -> (Client<Test>, Events<Test>) {
    let mut options = Options::default();
    options.leader_only = leader_only;
    Client::connect(servers.iter().map(Server::remote).collect(), options)
}

/// Repeats an insertion until it is certain that it was applied, and exactly once.
async fn insert_once(client: &Client<Test>, events: &mut Events<Test>, number: u32) {
    let uuid = Uuid::from_u128(u128::from(number) + 1);
    loop {
        let mut transaction = Transaction::new();
        transaction.insert_as(uuid, item(&number.to_string()));
        match client.transact(transaction, PATIENCE).await {
            Ok(_) => return,
            Err(error) if error.is(&ErrorName::DUPLICATE_UUID) => return,
            Err(TransactError::NotConnected) => connected(events).await,
            Err(error) => assert!(error.is_uncertain(), "{error}"),
        }
    }
}

#[tokio::test]
async fn no_transaction_is_lost_or_doubled_when_leaders_die() {
    let mut servers = Server::cluster(SCHEMA);
    let (client, mut events) = follow(&servers, false);
    let remotes = servers.iter().map(Server::remote).collect();
    let all = Tables::new("Test", None);
    let (observer, mut observed) = Client::connect_to(all, remotes, Options::default());
    connected(&mut events).await;
    for number in 0..300 {
        match number {
            100 | 200 => {
                let leader = servers
                    .iter_mut()
                    .find(|server| server.leads())
                    .expect("a leader");
                leader.kill();
            }
            150 => {
                let dead = servers
                    .iter_mut()
                    .find(|server| !server.runs())
                    .expect("it was killed");
                dead.run(&[]);
            }
            _ => {}
        }
        insert_once(&client, &mut events, number).await;
    }
    assert_eq!(client.snapshot().items.len(), 300);
    let survivor = servers
        .iter()
        .find(|server| server.leads())
        .expect("a leader");
    let dumped = survivor.dump();
    for number in 0..300 {
        let name = format!("\"{number}\"");
        assert_eq!(dumped.matches(&name).count(), 1, "{name} in {dumped}");
    }
    while dump(&observer.snapshot()) != dumped {
        let event = timeout(PATIENCE, observed.next()).await;
        event
            .expect("the observer catches up")
            .expect("the observer lives");
    }
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
