//! Locks, conditions, conversion, transports and silence, against a real server.

use std::time::Duration;

use bytes::BufMut as _;
use ovsdb::client::{ConditionsError, InvalidLockName};
use ovsdb::monitor::Conditions;
use ovsdb::operation::{Clause, Function};
use ovsdb::transaction::ErrorName;
use ovsdb::value::Datum;
use ovsdb::{Client, Event, Options, Remote, TransactError, Transaction, Uuid};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use crate::declared::{
    Item, Part, Test, client, connected, disconnected, insert, item, lock, next,
};
use crate::server::{PATIENCE, SCHEMA, Server, run};

#[tokio::test]
async fn a_lock_goes_from_one_client_to_the_next() {
    let server = Server::start(SCHEMA);
    let ((first, mut first_events), (second, mut second_events)) =
        (client(&server), client(&server));
    connected(&mut first_events).await;
    connected(&mut second_events).await;
    first.lock("writer").await.unwrap();
    assert!(lock(&mut first_events).await);
    second.lock("writer").await.unwrap();

    let mut asserting = insert("asserted");
    asserting.assert_lock("writer");
    let error = second
        .transact(asserting.clone(), PATIENCE)
        .await
        .unwrap_err();
    assert!(error.is(&ErrorName::NOT_OWNER), "{error}");
    first.transact(asserting, PATIENCE).await.unwrap();

    first.unlock("writer").await;
    assert!(!lock(&mut first_events).await);
    assert!(lock(&mut second_events).await);
    // Waiting does not keep a client from stealing.
    first.lock("writer").await.unwrap();
    first.steal("writer").await.unwrap();
    assert!(lock(&mut first_events).await);
    assert!(!lock(&mut second_events).await);
    // The thief's disconnect gives the lock back to its victim.
    drop(first);
    assert!(lock(&mut second_events).await);
}

#[tokio::test]
async fn a_database_without_a_version_is_followed() {
    let schema = SCHEMA.replace("\"version\": \"1.0.0\",", "");
    assert!(!schema.contains("1.0.0"));
    let server = Server::start(&schema);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    client.transact(insert("one"), PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn a_lock_is_asked_for_again_after_a_reconnection() {
    let mut server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    client.lock("writer").await.unwrap();
    // Asking twice would be refused by the server.
    client.lock("writer").await.unwrap();
    assert!(lock(&mut events).await);
    server.kill();
    assert!(!lock(&mut events).await);
    server.run(&[]);
    assert!(lock(&mut events).await);
}

#[tokio::test]
async fn names_that_no_lock_can_have_are_refused_at_once() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    for name in ["", "1", "a b", "é", "a-b"] {
        let error = client.lock(name).await.unwrap_err();
        assert_eq!(error, InvalidLockName(name.to_owned()));
        assert!(client.steal(name).await.is_err());
    }
    client.lock("_a1").await.unwrap();
    assert!(lock(&mut events).await);
}

#[tokio::test]
async fn conditions_choose_the_rows_at_run_time() {
    let mut server = Server::start(SCHEMA);
    let mut options = Options::default();
    options.conditions = Conditions::new()
        .only([Item::number.at_least(5)])
        .only::<Part>([]);
    let (client, mut events) = Client::<Test>::connect(vec![server.remote()], options);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    for number in 0..10 {
        let part = transaction.insert(Part::values());
        let values = item(&number.to_string())
            .set(Item::number, number)
            .set(Item::parts, [part]);
        transaction.insert(values);
    }
    client.transact(transaction, PATIENCE).await.unwrap();
    let numbers = |client: &Client<Test>| {
        let tables = client.snapshot();
        let mut numbers: Vec<i64> = tables.items.iter().map(|item| item.number).collect();
        numbers.sort_unstable();
        (numbers, tables.parts.len())
    };
    assert_eq!(numbers(&client), (vec![5, 6, 7, 8, 9], 0));

    let wider = Conditions::new().only([Item::number.less(2), Item::number.greater(8)]);
    client.set_conditions(wider, PATIENCE).await.unwrap();
    assert_eq!(numbers(&client), (vec![0, 1, 9], 10));
    client
        .set_conditions(Conditions::new().only::<Item>([]), PATIENCE)
        .await
        .unwrap();
    assert_eq!(numbers(&client), (vec![], 10));

    // Conditions set while there is no server take effect when it is back.
    server.kill();
    disconnected(&mut events).await;
    let narrow = Conditions::new().only([Item::number.equals(3)]);
    let setting = client.set_conditions(narrow, PATIENCE);
    let serving = async { server.run(&[]) };
    tokio::join!(setting, serving).0.unwrap();
    assert_eq!(numbers(&client), (vec![3], 10));
}

#[tokio::test]
async fn conditions_that_are_refused_do_no_lasting_harm() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    for number in 0..4 {
        let mut transaction = Transaction::new();
        transaction.insert(item(&number.to_string()).set(Item::number, number));
        client.transact(transaction, PATIENCE).await.unwrap();
    }
    let good = Conditions::new().only([Item::number.at_least(2)]);
    client.set_conditions(good, PATIENCE).await.unwrap();
    let clause = Clause::Compare {
        column: "nonsense".into(),
        function: Function::Equal,
        value: Datum::default(),
    };
    let bad = Conditions::new().only_clauses("Item", vec![clause]);
    let error = client.set_conditions(bad, PATIENCE).await.unwrap_err();
    assert!(matches!(error, ConditionsError::Refused(_)), "{error}");
    assert_eq!(client.snapshot().items.len(), 2);
    server.appctl(&["ovsdb-server/reconnect"]);
    disconnected(&mut events).await;
    connected(&mut events).await;
    assert_eq!(client.snapshot().items.len(), 2);
    let other = Conditions::new().only([Item::number.less(1)]);
    client.set_conditions(other, PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn a_conversion_of_the_schema_is_survived_without_losing_the_connection() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    client.transact(insert("old"), PATIENCE).await.unwrap();
    assert!(matches!(next(&mut events).await, Event::Changed(_)));

    let converted = SCHEMA.replace(
        "\"name\": {\"type\": \"string\"},\n        \"number\"",
        "\"name\": {\"type\": \"string\"},\n        \"more\": {\"type\": \"string\"},\n        \"number\"",
    );
    assert_ne!(converted, SCHEMA);
    let file = server.path("converted");
    std::fs::write(&file, converted).unwrap();
    run(
        "ovsdb-client",
        &[
            "convert",
            &server.remote().to_string(),
            &file.display().to_string(),
        ],
    );
    // No disconnection, no change: the same rows, seen again.
    assert!(matches!(next(&mut events).await, Event::Connected { .. }));
    client.transact(insert("new"), PATIENCE).await.unwrap();
    let Event::Changed(step) = next(&mut events).await else {
        panic!("the new row")
    };
    assert_eq!((step.changes.items.len(), step.tables.items.len()), (1, 2));
}

#[tokio::test]
async fn a_conversion_to_a_schema_that_does_not_fit_is_waited_out() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    client.transact(insert("kept"), PATIENCE).await.unwrap();
    let convert = |schema: &str| {
        let file = server.path("converted");
        std::fs::write(&file, schema).unwrap();
        let (remote, file) = (server.remote().to_string(), file.display().to_string());
        run("ovsdb-client", &["convert", &remote, &file]);
    };
    convert(&SCHEMA.replace("\"flag\": {\"type\": \"boolean\"},", ""));
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("no column flag in table Item"), "{reason}");
    assert_eq!(client.snapshot().items.len(), 1);
    convert(SCHEMA);
    connected(&mut events).await;
    client.transact(insert("new"), PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 2);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_and_found_again() {
    let server = Server::start(SCHEMA);
    let mut options = Options::default();
    options.inactivity_probe = Duration::from_millis(200);
    let (_client, mut events) = Client::<Test>::connect(vec![server.remote()], options);
    connected(&mut events).await;
    server.freeze(true);
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("no answer for 0.4 s"), "{reason}");
    server.freeze(false);
    connected(&mut events).await;
}

#[tokio::test]
async fn tcp_remotes_serve_and_dead_ones_are_passed_over() {
    let server = Server::start(SCHEMA);
    server.appctl(&["ovsdb-server/add-remote", "ptcp:0:127.0.0.1"]);
    let port = server.listening_port();
    let remotes = Remote::list(&format!(
        "unix:/nowhere,tcp:127.0.0.1:1,tcp:127.0.0.1:{port}"
    ));
    let (client, mut events) = Client::<Test>::connect(remotes.unwrap(), Options::default());
    connected(&mut events).await;
    client.transact(insert("tcp"), PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn the_address_of_a_server_may_be_one_of_ipv6() {
    let server = Server::start(SCHEMA);
    server.appctl(&["ovsdb-server/add-remote", "ptcp:0:[::1]"]);
    let remotes = Remote::list(&format!("tcp:[::1]:{}", server.listening_port()));
    let (client, mut events) = Client::<Test>::connect(remotes.unwrap(), Options::default());
    connected(&mut events).await;
    client.transact(insert("tcp6"), PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn a_server_may_be_the_one_who_connects() {
    let server = Server::start(SCHEMA);
    let socket = server.path("passive");
    let remotes = vec![Remote::PassiveUnix(socket.clone())];
    let (client, mut events) = Client::<Test>::connect(remotes, Options::default());
    server.appctl(&[
        "ovsdb-server/add-remote",
        &format!("unix:{}", socket.display()),
    ]);
    connected(&mut events).await;
    client.transact(insert("passive"), PATIENCE).await.unwrap();
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn a_database_that_is_removed_is_waited_for() {
    let server = Server::start(SCHEMA);
    let (_client, mut events) = client(&server);
    connected(&mut events).await;
    server.appctl(&["ovsdb-server/remove-db", "Test"]);
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("does not serve Test"), "{reason}");
    server.appctl(&[
        "ovsdb-server/add-db",
        &server.path("db").display().to_string(),
    ]);
    connected(&mut events).await;
}

#[tokio::test]
async fn large_unicode_text_arrives_unharmed() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let text = "aé漢🦀\u{1}\"\\".repeat(20_000);
    let mut transaction = Transaction::new();
    let row = transaction.insert(item(&text));
    let row = client
        .transact(transaction, PATIENCE)
        .await
        .unwrap()
        .uuid(row)
        .unwrap();
    assert_eq!(client.snapshot().items.get(&row).unwrap().name, text);
}

#[tokio::test]
async fn twenty_thousand_rows_fit_in_one_transaction() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    let rows: Vec<_> = (0..20_000)
        .map(|number| transaction.insert(item(&number.to_string())))
        .collect();
    let outcome = client.transact(transaction, PATIENCE).await.unwrap();
    let tables = client.snapshot();
    assert!(
        rows.iter()
            .all(|row| tables.items.get(&outcome.uuid(*row).unwrap()).is_some())
    );
}

#[tokio::test]
async fn servers_say_what_they_serve_and_who_they_are() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    assert_eq!(
        client.databases(PATIENCE).await.unwrap(),
        ["Test", "_Server"]
    );
    let id = client.server_id(PATIENCE).await.unwrap();
    assert_eq!(client.server_id(PATIENCE).await.unwrap(), id);
    let error = client
        .call("frobnicate", json("[]"), PATIENCE)
        .await
        .unwrap_err();
    assert!(error.is(&ErrorName::UNKNOWN_METHOD), "{error}");
    let error = client.call("echo", json("{}"), PATIENCE).await;
    assert_eq!(error.unwrap_err(), TransactError::InvalidParams);
    let long = json(&format!("[\"{}\"]", "é".repeat(5_000_000)));
    let echo = client.call("echo", long.clone(), PATIENCE).await.unwrap();
    assert!(echo.get() == long.get(), "ten megabytes came back");
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("the text is JSON")
}

#[tokio::test]
async fn a_connection_to_a_remote_that_stays_is_kept() {
    let (first, second) = (Server::start(SCHEMA), Server::start(SCHEMA));
    let (client, mut events) = client(&first);
    connected(&mut events).await;
    let id = client.server_id(PATIENCE).await.unwrap();
    client
        .set_remotes(vec![second.remote(), first.remote()])
        .await;
    assert_eq!(client.server_id(PATIENCE).await.unwrap(), id);
    client.set_remotes(vec![second.remote()]).await;
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("no longer among the remotes"), "{reason}");
    connected(&mut events).await;
    assert_ne!(client.server_id(PATIENCE).await.unwrap(), id);
}

#[tokio::test]
async fn an_aborted_transaction_changes_nothing() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = insert("never");
    transaction.abort();
    let error = client.transact(transaction, PATIENCE).await.unwrap_err();
    assert!(error.is(&ErrorName::ABORTED), "{error}");
    assert!(client.snapshot().items.is_empty());
}

ovsdb::tables! {
    /// The versions of items.
    database Versions = "Test", changes VersionsChanges;

    /// An item, by its version only.
    table items: Version = "Item" {
        number: i64;
        version = "_version": Uuid;
    }
}

#[tokio::test]
async fn the_version_of_a_row_is_a_column_like_any_other() {
    let server = Server::start(SCHEMA);
    let (client, mut events) =
        Client::<Versions>::connect(vec![server.remote()], Options::default());
    while !matches!(
        events.next().await.expect("it lives"),
        Event::Connected { .. }
    ) {}
    let mut transaction = Transaction::new();
    run(
        "ovsdb-client",
        &["transact", &server.remote().to_string(), COLOURED],
    );
    let selected = transaction.select::<Version>([]);
    let outcome = client.transact(transaction, PATIENCE).await.unwrap();
    let selected = outcome.rows(selected).unwrap();
    assert_eq!(
        selected[0].version,
        client.snapshot().items.iter().next().unwrap().version
    );
    let before = client
        .snapshot()
        .items
        .iter()
        .next()
        .expect("a row")
        .version;
    let mut transaction = Transaction::new();
    transaction.mutate::<Version>([], [Version::number.plus(1)]);
    client.transact(transaction, PATIENCE).await.unwrap();
    assert_ne!(
        client
            .snapshot()
            .items
            .iter()
            .next()
            .expect("a row")
            .version,
        before
    );
}

const COLOURED: &str =
    r#"["Test",{"op":"insert","table":"Item","row":{"name":"a","colour":"red"}}]"#;

#[tokio::test]
async fn a_stream_that_only_dribbles_is_followed_all_the_same() {
    let server = Server::start(SCHEMA);
    let socket = server.path("proxy");
    let listener = UnixListener::bind(&socket).unwrap();
    let real = server.path("sock");
    let proxy = tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = UnixStream::connect(real).await.unwrap();
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        tokio::join!(
            dribble(from_client, to_server),
            dribble(from_server, to_client)
        );
    });
    let remotes = vec![Remote::Unix(socket)];
    let (client, mut events) = Client::<Test>::connect(remotes, Options::default());
    connected(&mut events).await;
    for number in 0..20 {
        client
            .transact(insert(&format!("é{number}")), PATIENCE)
            .await
            .unwrap();
    }
    assert_eq!(client.snapshot().items.len(), 20);
    proxy.abort();
}

/// Passes a stream on in pieces of one to seven bytes.
async fn dribble(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    for size in (1..=7).cycle() {
        let mut piece = Vec::new();
        match from.read_buf(&mut (&mut piece).limit(size)).await {
            Ok(count) if count > 0 => to.write_all(&piece).await.expect("it can be sent"),
            _ => return,
        }
        tokio::task::yield_now().await;
    }
}
