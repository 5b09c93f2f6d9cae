//! A client against one real `ovsdb-server`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ovsdb::table::Change;
use ovsdb::transaction::ErrorName;
use ovsdb::{Event, TransactError, Transaction};

use crate::declared::{Colour, Item, Part, client, connected, item, next};
use crate::server::{self, PATIENCE, SCHEMA, Server};

#[tokio::test]
async fn a_transactions_effects_are_in_the_replica_when_its_outcome_is_returned() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    for number in 0..100 {
        let mut transaction = Transaction::new();
        let part = transaction.insert(Part::values().set(Part::name, "wheel"));
        let item = transaction.insert(
            item(&format!("car{number}"))
                .set(Item::number, number)
                .set(Item::parts, [part]),
        );
        let outcome = client.transact(transaction, PATIENCE).await.unwrap();
        let tables = client.snapshot();
        let item = tables
            .items
            .get(&outcome.uuid(item).unwrap())
            .expect("the item is there");
        assert_eq!((item.number, item.colour), (number, Colour::Red));
        assert_eq!(item.parts, BTreeSet::from([outcome.uuid(part).unwrap()]));
        assert_eq!(
            tables.items.index().by_name.get(format!("car{number}")),
            Some(item)
        );
    }
}

#[tokio::test]
async fn indexes_of_one_and_of_several_columns_follow_the_rows() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    for number in 0..6 {
        let numbers = [number, number + 1];
        let values = item(&number.to_string()).set(Item::number, number % 2);
        transaction.insert(values.set(Item::numbers, numbers));
    }
    client.transact(transaction, PATIENCE).await.unwrap();
    let names = |found: &mut dyn Iterator<Item = &Arc<Item>>| -> BTreeSet<String> {
        found.map(|row| row.name.clone()).collect()
    };
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let tables = client.snapshot();
    let index = tables.items.index();
    assert_eq!(names(&mut index.by_number.all(3)), texts(&["2", "3"]));
    assert_eq!(
        names(&mut index.by_colour.all((Colour::Red, 1))),
        texts(&["1", "3", "5"])
    );

    let mut transaction = Transaction::new();
    let values = Item::values()
        .set(Item::colour, Colour::Blue)
        .set(Item::numbers, [9]);
    transaction.update(Item::name.equals("3"), values);
    transaction.delete(Item::name.equals("5"));
    client.transact(transaction, PATIENCE).await.unwrap();
    let tables = client.snapshot();
    let index = tables.items.index();
    assert_eq!(names(&mut index.by_number.all(3)), texts(&["2"]));
    assert_eq!(names(&mut index.by_number.all(9)), texts(&["3"]));
    assert_eq!(
        names(&mut index.by_colour.all((Colour::Red, 1))),
        texts(&["1"])
    );
    assert_eq!(
        names(&mut index.by_colour.all((Colour::Blue, 1))),
        texts(&["3"])
    );
}

#[tokio::test]
async fn each_transaction_is_one_consistent_step() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    let part = transaction.insert(Part::values().set(Part::name, "wheel"));
    let car = transaction.insert(item("car").set(Item::slots, [(7, part)]));
    transaction.insert(item("friend").set(Item::friends, [car]));
    let outcome = client.transact(transaction, PATIENCE).await.unwrap();
    let car = outcome.uuid(car).unwrap();

    let Event::Changed(step) = next(&mut events).await else {
        panic!("a step")
    };
    assert_eq!((step.changes.items.len(), step.changes.parts.len()), (2, 1));
    assert_eq!(step.tables.items.len(), 2);

    // The last strong reference goes, and with it the part; the weak one just disappears.
    let mut transaction = Transaction::new();
    let count = transaction.delete::<Item>(car);
    let outcome = client.transact(transaction, PATIENCE).await.unwrap();
    assert_eq!(outcome.count(count), Some(1));
    let Event::Changed(step) = next(&mut events).await else {
        panic!("a step")
    };
    assert!(matches!(
        step.changes.items.get(&car),
        Some(Change::Deleted(_))
    ));
    assert_eq!(step.changes.parts.len(), 1);
    let friend = step.tables.items.index().by_name.get("friend").unwrap();
    assert_eq!(friend.friends, BTreeSet::new());
}

#[tokio::test]
async fn sets_and_maps_follow_their_differences() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    let row = transaction.insert(
        item("box")
            .set(Item::labels, [("a", "1"), ("b", "2")])
            .set(Item::numbers, [1, 2, 3])
            .set(Item::size, Some(7)),
    );
    let outcome = client.transact(transaction, PATIENCE).await.unwrap();
    let row = outcome.uuid(row).unwrap();
    let mut transaction = Transaction::new();
    let mut mutations = vec![
        Item::numbers.insert([4]),
        Item::numbers.delete([1]),
        Item::labels.delete_keys(["b"]),
        Item::number.plus(5),
    ];
    mutations.extend(Item::labels.replace([("a", "3"), ("c", "4")]));
    transaction.mutate(row, mutations);
    transaction.update(
        row,
        Item::values()
            .set(Item::size, None::<i64>)
            .set(Item::flag, true),
    );
    client.transact(transaction, PATIENCE).await.unwrap();
    let tables = client.snapshot();
    let item = tables.items.get(&row).unwrap();
    assert_eq!(item.numbers, BTreeSet::from([2, 3, 4]));
    let pairs = [("a", "3"), ("c", "4")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(item.labels, BTreeMap::from(pairs));
    assert_eq!((item.size, item.number, item.flag), (None, 5, true));
}

#[tokio::test]
async fn refusals_say_which_operation_or_the_commit() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;

    let mut transaction = Transaction::new();
    transaction.insert(item("big"));
    transaction.insert(item("bigger").set(Item::size, Some(101)));
    let error = client.transact(transaction, PATIENCE).await.unwrap_err();
    assert!(error.is(&ErrorName::CONSTRAINT_VIOLATION), "{error}");
    assert!(
        matches!(error, TransactError::Operation { index: 1, .. }),
        "{error}"
    );

    let mut transaction = Transaction::new();
    transaction.insert(item("twin"));
    transaction.insert(item("twin"));
    let error = client.transact(transaction, PATIENCE).await.unwrap_err();
    assert!(matches!(error, TransactError::Commit(_)), "{error}");
    assert!(error.is(&ErrorName::CONSTRAINT_VIOLATION), "{error}");

    let mut transaction = Transaction::new();
    transaction.insert(item("lost").set(Item::parts, [ovsdb::Uuid::from_u128(1)]));
    let error = client.transact(transaction, PATIENCE).await.unwrap_err();
    assert!(
        error.is(&ErrorName::REFERENTIAL_INTEGRITY_VIOLATION),
        "{error}"
    );
    assert!(client.snapshot().items.is_empty());
}

#[tokio::test]
async fn after_a_restart_of_the_server_only_what_differs_is_a_change() {
    let mut server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    for name in ["stays", "changes", "goes"] {
        transaction.insert(item(name));
    }
    client.transact(transaction, PATIENCE).await.unwrap();
    assert!(matches!(next(&mut events).await, Event::Changed(_)));

    server.kill();
    assert!(matches!(next(&mut events).await, Event::Disconnected(_)));
    assert_eq!(client.snapshot().items.len(), 3);
    let refused = client
        .transact(Transaction::new(), PATIENCE)
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        TransactError::NotConnected | TransactError::Uncertain
    ));

    server.run(&[]);
    connected(&mut events).await;
    server.kill();
    assert!(matches!(next(&mut events).await, Event::Disconnected(_)));

    // Somebody else changes the database before the client is back.
    let hidden = server.path("hidden");
    server.run_on(&hidden, &[]);
    server::run(
        "ovsdb-client",
        &[
            "transact",
            &format!("unix:{}", hidden.display()),
            r#"["Test",
                {"op":"delete","table":"Item","where":[["name","==","goes"]]},
                {"op":"update","table":"Item","where":[["name","==","changes"]],"row":{"number":1}},
                {"op":"insert","table":"Item","row":{"name":"comes","colour":"red"}}]"#,
        ],
    );
    server.kill();
    server.run(&[]);
    let mut seen = BTreeMap::new();
    loop {
        match next(&mut events).await {
            Event::Connected { .. } => break,
            Event::Changed(step) => {
                for change in &step.changes.items {
                    let name = change
                        .after()
                        .or_else(|| change.before())
                        .unwrap()
                        .name
                        .clone();
                    seen.insert(name, (change.before().is_some(), change.after().is_some()));
                }
            }
            _ => {}
        }
    }
    let expected = [
        ("changes", (true, true)),
        ("comes", (false, true)),
        ("goes", (true, false)),
    ];
    assert_eq!(
        seen,
        BTreeMap::from(expected.map(|(name, what)| (name.to_owned(), what)))
    );
}

#[tokio::test]
async fn a_server_that_comes_late_is_waited_for() {
    let mut server = Server::stopped(SCHEMA);
    let (client, mut events) = client(&server);
    let Event::Disconnected(first) = next(&mut events).await else {
        panic!("no server yet")
    };
    assert!(first.to_string().contains("cannot connect"), "{first}");
    let error = client
        .transact(Transaction::new(), Duration::from_millis(1))
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransactError::NotConnected | TransactError::TimedOut),
        "{error}"
    );
    server.run(&[]);
    connected(&mut events).await;
}

#[tokio::test]
async fn a_schema_that_does_not_fit_is_said_column_by_column() {
    let schema = SCHEMA
        .replace("\"flag\": {\"type\": \"boolean\"},", "")
        .replace(
            "\"number\": {\"type\": \"integer\"}",
            "\"number\": {\"type\": {\"key\": \"integer\", \"min\": 0}}",
        );
    let server = Server::start(&schema);
    let (_client, mut events) = client(&server);
    let Event::Disconnected(reason) = next(&mut events).await else {
        panic!("no fit")
    };
    let text = reason.to_string();
    assert!(text.contains("no column flag in table Item"), "{text}");
    let wrong = "column Item.number holds at most one integer, expected one integer";
    assert!(text.contains(wrong), "{text}");
}

#[tokio::test]
async fn selected_rows_are_typed() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    for number in 0..10 {
        transaction.insert(item(&format!("item{number}")).set(Item::number, number));
    }
    let selected = transaction.select([Item::number.at_least(5), Item::name.differs("item9")]);
    let outcome = client.transact(transaction, PATIENCE).await.unwrap();
    let mut numbers: Vec<i64> = outcome
        .rows::<Item>(selected)
        .unwrap()
        .iter()
        .map(|item| item.number)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [5, 6, 7, 8]);
}

#[tokio::test]
async fn what_was_read_can_be_verified() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    let row = transaction.insert(item("contended").set(Item::numbers, [1, 2]));
    let row = client
        .transact(transaction, PATIENCE)
        .await
        .unwrap()
        .uuid(row)
        .unwrap();
    let read = client.snapshot().items.get(&row).unwrap().clone();

    let set = |numbers: [i64; 2]| {
        let mut transaction = Transaction::new();
        transaction.verify(row, Item::numbers, &read.numbers);
        transaction.update(row, Item::values().set(Item::numbers, numbers));
        client.transact(transaction, PATIENCE)
    };
    set([3, 4]).await.unwrap();
    let error = set([5, 6]).await.unwrap_err();
    assert!(error.is(&ErrorName::TIMED_OUT), "{error}");
    assert_eq!(
        client.snapshot().items.get(&row).unwrap().numbers,
        BTreeSet::from([3, 4])
    );
}

#[tokio::test]
async fn a_transaction_that_waits_too_long_is_canceled() {
    let server = Server::start(SCHEMA);
    let (client, mut events) = client(&server);
    connected(&mut events).await;
    let mut transaction = Transaction::new();
    let until = ovsdb::operation::Until::Equal;
    let wanted = [Item::values().set(Item::number, 1)];
    transaction.wait_until(Item::name.equals("nobody"), until, wanted, None);
    transaction.insert(item("never"));
    let error = client
        .transact(transaction, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(error, TransactError::Uncertain);
    // The condition comes true, but the transaction is gone.
    let mut transaction = Transaction::new();
    transaction.insert(item("nobody").set(Item::number, 1));
    client.transact(transaction, PATIENCE).await.unwrap();
    client.transact(Transaction::new(), PATIENCE).await.unwrap();
    assert!(
        client
            .snapshot()
            .items
            .index()
            .by_name
            .get("never")
            .is_none()
    );
}
