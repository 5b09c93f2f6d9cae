//! At any quiet moment the replica equals the database, whatever others did to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use ovsdb::dynamic::Tables;
use ovsdb::jsonrpc::{Connection, Incoming};
use ovsdb::monitor::{Conditions, MonitorVersion, requests};
use ovsdb::operation::{Clause, Function, MutationClause, Mutator, Name, Operation};
use ovsdb::replica::{Database, Replica};
use ovsdb::value::{Atom, Datum, Real};
use ovsdb::{Client, Event, Events, Options, Transaction, Uuid};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::declared::{Item, Test, connected, next};
use crate::server::{PATIENCE, SCHEMA, Server};

#[path = "../../examples/dump/table.rs"]
mod table;

fn set<T: Into<Atom>>(values: impl IntoIterator<Item = T>) -> Datum {
    values.into_iter().map(Into::into).collect()
}

fn names() -> impl Strategy<Value = Datum> {
    "[a-j]".prop_map(|name| Datum::from(Atom::from(name.as_str())))
}

fn numbers() -> impl Strategy<Value = Datum> {
    prop::collection::btree_set(0..8_i64, 0..5).prop_map(set)
}

fn labels() -> impl Strategy<Value = Datum> {
    prop::collection::btree_map("[a-d]", "[0-2]|é\"\\\\", 0..4).prop_map(|labels| {
        let atom = |text: String| Atom::from(text.as_str());
        Datum::Map(
            labels
                .into_iter()
                .map(|(key, value)| (atom(key), atom(value)))
                .collect(),
        )
    })
}

/// References to the parts that the transaction inserts first.
fn parts() -> impl Strategy<Value = Datum> {
    prop::collection::btree_set("part[01]", 0..3)
        .prop_map(|parts| parts.into_iter().map(Atom::NamedUuid).collect())
}

fn columns() -> impl Strategy<Value = BTreeMap<Name, Datum>> {
    let colour = prop::sample::select(vec!["red", "green", "blue"]);
    let columns: Vec<BoxedStrategy<(&str, Datum)>> = vec![
        names().prop_map(|value| ("name", value)).boxed(),
        (-3..3_i64)
            .prop_map(|value| ("number", set([value])))
            .boxed(),
        any::<bool>()
            .prop_map(|value| ("flag", set([value])))
            .boxed(),
        (-9..9_i32).prop_map(|value| ("ratio", real(value))).boxed(),
        colour.prop_map(|value| ("colour", set([value]))).boxed(),
        prop::option::of(0..100_i64)
            .prop_map(|value| ("size", set(value)))
            .boxed(),
        numbers().prop_map(|value| ("numbers", value)).boxed(),
        labels().prop_map(|value| ("labels", value)).boxed(),
        parts().prop_map(|value| ("parts", value)).boxed(),
    ];
    let pairs = prop::collection::vec(proptest::strategy::Union::new(columns), 0..6);
    pairs.prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect()
    })
}

fn real(quarters: i32) -> Datum {
    Datum::from(Atom::Real(Real(f64::from(quarters) / 4.0)))
}

fn rows() -> impl Strategy<Value = Vec<Clause>> {
    names().prop_map(|value| {
        vec![Clause::Compare {
            column: "name".into(),
            function: Function::Equal,
            value,
        }]
    })
}

fn mutations() -> impl Strategy<Value = Vec<MutationClause>> {
    let mutator = prop::sample::select(vec![Mutator::Insert, Mutator::Delete]);
    let mutation = |column: &'static str| {
        move |(mutator, value)| MutationClause {
            column: column.into(),
            mutator,
            value,
        }
    };
    let mutation = prop_oneof![
        (mutator.clone(), numbers()).prop_map(mutation("numbers")),
        (mutator.clone(), labels()).prop_map(mutation("labels")),
        (mutator, parts()).prop_map(mutation("parts")),
        (-3..3_i64).prop_map(move |by| mutation("number")((Mutator::Add, set([by])))),
    ];
    prop::collection::vec(mutation, 1..4)
}

fn operation() -> impl Strategy<Value = Operation> {
    let table = || Name::from("Item");
    prop_oneof![
        4 => (columns(), names()).prop_map(move |(mut row, name)| {
            row.insert("name".into(), name);
            row.entry("colour".into()).or_insert_with(|| set(["red"]));
            Operation::Insert { table: table(), row, uuid_name: None, uuid: None }
        }),
        3 => (rows(), columns()).prop_map(move |(r#where, row)| {
            Operation::Update { table: table(), r#where, row }
        }),
        3 => (rows(), mutations()).prop_map(move |(r#where, mutations)| {
            Operation::Mutate { table: table(), r#where, mutations }
        }),
        2 => rows().prop_map(move |r#where| Operation::Delete { table: table(), r#where }),
    ]
}

/// Operations between two new parts, which vanish unless somebody refers to them.
fn transaction() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), 1..4).prop_map(|operations| {
        let part = |number: i32| Operation::Insert {
            table: "Part".into(),
            row: BTreeMap::from([("weight".into(), real(number))]),
            uuid_name: Some(format!("part{number}")),
            uuid: None,
        };
        [0, 1].map(part).into_iter().chain(operations).collect()
    })
}

/// What of the replica `ovsdb-client` would print.
pub(crate) fn dump(tables: &Tables) -> String {
    tables
        .tables()
        .iter()
        .map(|(name, rows)| format!("{}\n", table::json(name, rows)))
        .collect()
}

/// A monitor of an older version, by hand.
struct OldMonitor {
    replica: Replica<Tables>,
    connection: Connection,
    stream: UnixStream,
}

impl OldMonitor {
    async fn start(server: &Server, tables: Tables, version: MonitorVersion) -> Self {
        let stream = UnixStream::connect(server.path("sock"))
            .await
            .expect("the server listens");
        let connection = Connection::new(usize::MAX, None, Instant::now());
        let mut monitor = Self {
            replica: Replica::new(tables),
            connection,
            stream,
        };
        let requests = requests(
            monitor.replica.tables().monitored(),
            &Conditions::new(),
            version,
        );
        let rows = monitor
            .ask(version.method(), &("Test", "id", requests))
            .await;
        monitor.replica.replace(&rows).expect("the rows are read");
        monitor
    }

    /// Sends a request; what arrives before the reply goes into the replica.
    async fn ask(&mut self, method: &str, params: &impl Serialize) -> Box<RawValue> {
        let asked = self
            .connection
            .request(method, params)
            .expect("it has a JSON form");
        loop {
            let unsent = self.connection.buffers().1.split();
            self.stream
                .write_all(&unsent)
                .await
                .expect("it can be sent");
            while let Some(incoming) = self.connection.poll_incoming().expect("a message") {
                match incoming {
                    Incoming::Reply { id, outcome } if id == asked => {
                        return outcome.expect("the server knows the method");
                    }
                    Incoming::Notification { params, .. } => {
                        let (_, updates): (&RawValue, &RawValue) =
                            serde_json::from_str(params.get()).expect("an update");
                        self.replica.update(updates).expect("it applies");
                    }
                    Incoming::Reply { .. } | Incoming::Request { .. } => {}
                }
            }
            let read = self.stream.read_buf(self.connection.buffers().0);
            timeout(PATIENCE, read)
                .await
                .expect("an answer in time")
                .expect("it can be read");
        }
    }
}

async fn follow(server: &Server) -> (Client<Tables>, Events<Tables>) {
    let tables = Tables::new("Test", None);
    let (client, mut events) =
        Client::connect_to(tables, vec![server.remote()], Options::default());
    while !matches!(events.next().await, Some(Event::Connected { .. })) {}
    (client, events)
}

async fn compare(transactions: Vec<Vec<Operation>>) {
    let server = Server::start(SCHEMA);
    let (writer, _) = follow(&server).await;
    let (reader, _) = follow(&server).await;
    let (typed, mut typed_events) = crate::declared::client(&server);
    connected(&mut typed_events).await;
    let empty = reader.snapshot().emptied();
    let mut plain = OldMonitor::start(&server, empty.clone(), MonitorVersion::Plain).await;
    let mut conditional = OldMonitor::start(&server, empty, MonitorVersion::Conditional).await;
    let mut applied = 0;
    for operations in transactions {
        let mut transaction = Transaction::new();
        for operation in operations {
            transaction.push(operation);
        }
        applied += usize::from(writer.transact(transaction, PATIENCE).await.is_ok());
    }
    // The reply to a transaction comes after everything that was changed before.
    reader
        .transact(Transaction::new(), PATIENCE)
        .await
        .expect("the server answers");
    typed
        .transact(Transaction::new(), PATIENCE)
        .await
        .expect("the server answers");
    assert_eq!(
        dump(&reader.snapshot()),
        server.dump(),
        "after {applied} transactions"
    );
    for monitor in [&mut plain, &mut conditional] {
        monitor.ask("transact", &["Test"]).await;
        assert_eq!(monitor.replica.tables(), &*reader.snapshot());
    }
    let (fresh, mut fresh_events) = crate::declared::client(&server);
    connected(&mut fresh_events).await;
    assert_eq!(typed.snapshot(), fresh.snapshot());
    let names = |tables: &Test| -> BTreeSet<String> {
        tables
            .items
            .index()
            .by_name
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    };
    assert_eq!(names(&typed.snapshot()), names(&fresh.snapshot()));
}

/// Applies the changes that events tell to rows, until these are the rows that there should be.
pub(crate) async fn replay(events: &mut Events<Test>, expected: BTreeMap<Uuid, Arc<Item>>) {
    let mut told = BTreeMap::new();
    while told != expected {
        let Event::Changed(step) = next(events).await else {
            continue;
        };
        for change in &step.changes.items {
            let before = match change.after() {
                Some(after) => told.insert(after.uuid, Arc::clone(after)),
                None => told.remove(&change.uuid()),
            };
            assert_eq!(before.as_ref(), change.before(), "the row as it was");
        }
        assert_eq!(told, rows_of(step.tables.items.iter()));
    }
}

pub(crate) fn rows_of<'a>(rows: impl Iterator<Item = &'a Arc<Item>>) -> BTreeMap<Uuid, Arc<Item>> {
    rows.map(|row| (row.uuid, Arc::clone(row))).collect()
}

/// The conditions change while the rows do.
async fn compare_some(transactions: Vec<Vec<Operation>>) {
    let server = Server::start(SCHEMA);
    let (writer, mut events) = crate::declared::client(&server);
    connected(&mut events).await;
    let (some, mut some_events) = crate::declared::client(&server);
    connected(&mut some_events).await;
    let mut least = 0;
    for (index, operations) in (0_i64..).zip(transactions) {
        let mut transaction = Transaction::new();
        for operation in operations {
            transaction.push(operation);
        }
        least = index % 5 - 3;
        let conditions = Conditions::new().only([Item::number.at_least(least)]);
        let (written, set) = tokio::join!(
            writer.transact(transaction, PATIENCE),
            some.set_conditions(conditions, PATIENCE)
        );
        // Either way there is something to compare.
        drop(written);
        set.expect("the server knows the column");
    }
    for client in [&writer, &some] {
        let nothing = client.transact(Transaction::new(), PATIENCE).await;
        nothing.expect("the server answers");
    }
    let (all, some) = (writer.snapshot(), some.snapshot());
    let chosen = all.items.iter().filter(|row| row.number >= least);
    assert_eq!(
        rows_of(some.items.iter()),
        rows_of(chosen),
        "at least {least}"
    );
    assert_eq!(some.parts, all.parts);
    replay(&mut some_events, rows_of(some.items.iter())).await;
    replay(&mut events, rows_of(all.items.iter())).await;
}

#[test]
fn the_replica_equals_the_chosen_rows_after_random_transactions() {
    let runtime = Runtime::new().expect("a runtime");
    let config = ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..Default::default()
    };
    let transactions = prop::collection::vec(transaction(), 1..100);
    TestRunner::new(config)
        .run(&transactions, |transactions| {
            runtime.block_on(compare_some(transactions));
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_replica_equals_the_database_after_random_transactions() {
    let runtime = Runtime::new().expect("a runtime");
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..Default::default()
    };
    let transactions = prop::collection::vec(transaction(), 1..200);
    TestRunner::new(config)
        .run(&transactions, |transactions| {
            runtime.block_on(compare(transactions));
            Ok(())
        })
        .unwrap();
}
