//! The tables of the test schema, as an application declares them, and clients of them.

use std::collections::{BTreeMap, BTreeSet};

use ovsdb::value::Real;
use ovsdb::{Client, Event, Events, Options, Transaction, Uuid, Values};
use tokio::time::timeout;

use crate::server::{PATIENCE, Server};

ovsdb::enumeration! {
    /// A column with few values.
    pub(crate) enum Colour {
        Red = "red",
        Green = "green",
        Blue = "blue",
    }
}

ovsdb::tables! {
    /// Everything in the test schema.
    pub(crate) database Test = "Test", changes TestChanges;

    /// A root table with every kind of column.
    table items: Item = "Item" {
        name: String;
        number: i64;
        ratio: Real;
        flag: bool;
        colour: Colour;
        size: Option<i64>;
        labels: BTreeMap<String, String>;
        numbers: BTreeSet<i64>;
        parts: BTreeSet<Uuid>;
        friends: BTreeSet<Uuid>;
        slots: BTreeMap<i64, Uuid>;
    } index {
        by_name: String = |row| [row.name.clone()];
        by_number: i64 = |row| row.numbers.clone();
        by_colour: (Colour, i64) = |row| [(row.colour, row.number)];
    }

    /// A table whose rows need a reference.
    table parts: Part = "Part" {
        name: String;
        weight: Option<Real>;
    }
}

/// A client of a server.
pub(crate) fn client(server: &Server) -> (Client<Test>, Events<Test>) {
    Client::connect(vec![server.remote()], Options::default())
}

/// The next event.
pub(crate) async fn next(events: &mut Events<Test>) -> Event<Test> {
    let event = timeout(PATIENCE, events.next())
        .await
        .expect("an event in time");
    event.expect("the client lives")
}

/// Waits until the replica is complete.
pub(crate) async fn connected(events: &mut Events<Test>) {
    while !matches!(next(events).await, Event::Connected { .. }) {}
}

/// Waits until the connection is lost, and returns why.
pub(crate) async fn disconnected(events: &mut Events<Test>) -> String {
    loop {
        if let Event::Disconnected(reason) = next(events).await {
            return reason.to_string();
        }
    }
}

/// Waits until a lock is gained or lost, and returns whether it is held.
pub(crate) async fn lock(events: &mut Events<Test>) -> bool {
    loop {
        if let Event::Lock { held, .. } = next(events).await {
            return held;
        }
    }
}

/// The values of an item with a name.
pub(crate) fn item(name: &str) -> Values<Item> {
    Item::values()
        .set(Item::name, name)
        .set(Item::colour, Colour::Red)
}

/// A transaction that inserts an item.
pub(crate) fn insert(name: &str) -> Transaction<Test> {
    let mut transaction = Transaction::new();
    transaction.insert(item(name));
    transaction
}
