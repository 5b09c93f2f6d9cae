//! The tables of the test schema, as an application declares them.

use std::collections::{BTreeMap, BTreeSet};

use ovsdb::Uuid;
use ovsdb::value::Real;

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
    }

    /// A table whose rows need a reference.
    table parts: Part = "Part" {
        name: String;
        weight: Option<Real>;
    }
}
