//! Operations that the other tests do not meet, and the errors of all.

use ovsdb::dynamic::Tables;
use ovsdb::operation::{Name, Operation, Until};
use ovsdb::transaction::ErrorName;
use ovsdb::value::{Atom, Datum, Real};
use ovsdb::{Client, Event, Options, TransactError, Transaction, Uuid};
use serde_json::value::RawValue;

use crate::declared::{Colour, Item, Part, Test, client, connected, insert, item};
use crate::server::{PATIENCE, SCHEMA, Server, run};

#[tokio::test]
async fn comments_reach_the_log_and_durable_commits_the_disk() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = insert("durable");
    transaction.comment("because it matters");
    transaction.commit_durably();
    client.transact(transaction, PATIENCE).await.unwrap();
    let log = run(
        "ovsdb-tool",
        &["-m", "show-log", &server.path("db").display().to_string()],
    );
    assert!(
        log.contains("because it matters") && log.contains("durable"),
        "{log}"
    );
}

#[tokio::test]
async fn a_transaction_waits_until_somebody_else_makes_its_condition_true() {
    let server = Server::start(SCHEMA);
    let (first, mut first_events) = client(&server);
    let (second, mut second_events) = client(&server);
    connected(&mut first_events).await;
    connected(&mut second_events).await;
    let mut waiting = insert("after");
    let wanted = [Item::values().set(Item::number, 1)];
    waiting.wait_until(
        Item::name.equals("before"),
        Until::Equal,
        wanted,
        Some(PATIENCE),
    );
    let mut fulfilling = Transaction::new();
    fulfilling.insert(item("before").set(Item::number, 1));
    let (waited, fulfilled) = tokio::join!(
        first.transact(waiting, PATIENCE),
        second.transact(fulfilling, PATIENCE)
    );
    waited.unwrap();
    fulfilled.unwrap();
    assert_eq!(first.snapshot().items.len(), 2);
}

#[tokio::test]
async fn every_error_of_an_operation_has_its_name() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    transaction.insert(
        item("number")
            .set(Item::number, 7)
            .set(Item::ratio, Real(0.5)),
    );
    client.transact(transaction, PATIENCE).await.unwrap();

    let refused = async |operate: &dyn Fn(&mut Transaction<Test>)| {
        let mut transaction = Transaction::new();
        operate(&mut transaction);
        let error = client.transact(transaction, PATIENCE).await.unwrap_err();
        error
            .server_error()
            .expect("the server refuses")
            .error
            .clone()
    };
    let mutate = |mutation: ovsdb::Mutation<Item>| {
        move |transaction: &mut Transaction<Test>| {
            transaction.mutate(Item::name.equals("number"), [mutation.clone()]);
        }
    };
    assert_eq!(
        refused(&mutate(Item::number.divided_by(0))).await,
        ErrorName::DOMAIN_ERROR
    );
    assert_eq!(
        refused(&mutate(Item::number.times(i64::MAX))).await,
        ErrorName::RANGE_ERROR
    );
    let part = |transaction: &mut Transaction<Test>| {
        transaction.mutate(
            Item::name.equals("number"),
            [Item::parts.insert([Uuid::max()])],
        );
    };
    assert_eq!(
        refused(&part).await,
        ErrorName::REFERENTIAL_INTEGRITY_VIOLATION
    );
    let twice = |transaction: &mut Transaction<Test>| {
        transaction.insert_as(Uuid::max(), item("one"));
        transaction.insert_as(Uuid::max(), item("two"));
    };
    assert_eq!(refused(&twice).await, ErrorName::DUPLICATE_UUID);
    let lock = |transaction: &mut Transaction<Test>| transaction.assert_lock("nobodys");
    assert_eq!(refused(&lock).await, ErrorName::NOT_OWNER);
    // What was refused left nothing behind.
    assert_eq!(client.snapshot().items.len(), 1);
}

#[tokio::test]
async fn names_that_the_server_does_not_know_are_told_apart() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let part = |uuid_name: Option<&str>, column: Option<&'static str>| Operation::Insert {
        table: "Part".into(),
        row: column
            .map(|column| (Name::from(column), Datum::from(Atom::from("x"))))
            .into_iter()
            .collect(),
        uuid_name: uuid_name.map(str::to_owned),
        uuid: None,
    };
    let nowhere = Operation::Delete {
        table: "Nowhere".into(),
        r#where: Vec::new(),
    };
    for (operations, expected) in [
        (vec![part(None, Some("colour"))], ErrorName::UNKNOWN_COLUMN),
        (
            vec![part(Some("same"), None); 2],
            ErrorName::DUPLICATE_UUID_NAME,
        ),
        (vec![nowhere], ErrorName::SYNTAX_ERROR),
    ] {
        let mut transaction = Transaction::new();
        for operation in operations {
            transaction.push(operation);
        }
        let error = client.transact(transaction, PATIENCE).await.unwrap_err();
        assert!(error.is(&expected), "{error}");
    }
    let elsewhere = RawValue::from_string(r#"["Elsewhere"]"#.to_owned()).unwrap();
    let error = client.call("transact", elsewhere, PATIENCE).await;
    assert!(error.unwrap_err().is(&ErrorName::UNKNOWN_DATABASE));
}

#[tokio::test]
async fn arithmetic_happens_in_the_database() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    let row = transaction.insert(
        item("number")
            .set(Item::number, 7)
            .set(Item::ratio, Real(0.5)),
    );
    let row = client
        .transact(transaction, PATIENCE)
        .await
        .unwrap()
        .uuid(row)
        .unwrap();
    let mut transaction = Transaction::new();
    transaction.mutate(
        row,
        [
            Item::number.times(6),
            Item::number.minus(2),
            Item::number.divided_by(3),
            Item::number.remainder(9),
            Item::ratio.plus(Real(0.25)),
        ],
    );
    let changed = transaction.update(
        [Item::number.equals(4)],
        Item::values().set(Item::colour, Colour::Blue),
    );
    let outcome = client.transact(transaction, PATIENCE).await.unwrap();
    assert_eq!(outcome.count(changed), Some(1));
    let tables = client.snapshot();
    let item = tables.items.get(&row).unwrap();
    assert_eq!(
        (item.number, item.ratio, item.colour),
        (4, Real(0.75), Colour::Blue)
    );
}

#[tokio::test]
async fn a_database_that_is_not_served_is_named() {
    let server = Server::start(SCHEMA);
    let tables = Tables::new("Tset", None);
    let (client, mut events) =
        Client::connect_to(tables, vec![server.remote()], Options::default());
    let Some(Event::Disconnected(reason)) = events.next().await else {
        panic!("not served")
    };
    assert!(
        reason
            .to_string()
            .ends_with("the server does not serve Tset"),
        "{reason}"
    );
    let error = client
        .transact(Transaction::new(), PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(error, TransactError::NotConnected);
}

#[tokio::test]
async fn rows_without_references_are_gone_when_the_transaction_is() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    transaction.insert(Part::values().set(Part::name, "orphan"));
    client.transact(transaction, PATIENCE).await.unwrap();
    assert!(client.snapshot().parts.is_empty());
}
