//! An update is applied whole or not at all.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use ovsdb::Uuid;
use ovsdb::replica::{Database, Replica};
use ovsdb::value::Real;
use serde_json::value::RawValue;

ovsdb::tables! {
    /// One table.
    pub database Db = "Db", changes DbChanges;

    /// With every kind of column.
    table t: T = "T" {
        /// An integer.
        i: i64;
        /// A real.
        r: Real;
        /// A boolean.
        b: bool;
        /// An optional string.
        s: Option<String>;
        /// A set.
        u: BTreeSet<Uuid>;
        /// A map.
        m: BTreeMap<String, i64>;
    } index {
        /// By the integer.
        by_i: i64 = |row| [row.i];
    }
}

fuzz_target!(|updates: Vec<&str>| {
    let mut replica = Replica::new(Db::default());
    for update in updates {
        let Ok(update) = RawValue::from_string(update.to_owned()) else {
            continue;
        };
        let before = replica.tables().clone();
        match replica.update(&update) {
            Ok(changes) => assert_eq!(before.compare(replica.tables()), changes),
            Err(_) => assert_eq!(&before, replica.tables()),
        }
        assert_eq!(replica.tables().t.index().by_i.iter().count(), replica.tables().t.len());
    }
});
