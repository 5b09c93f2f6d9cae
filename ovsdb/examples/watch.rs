//! Prints each consistent change of a database as one line of JSON: the `<table-updates>` of
//! RFC 7047, section 4.1.6. The first line holds every row.
//!
//! ```text
//! cargo run -p ovsdb --example watch -- unix:/var/run/openvswitch/db.sock Open_vSwitch
//! ```

use std::env;
use std::error::Error;
use std::io::{Write, stderr, stdout};

use ovsdb::dynamic::{Changes, Row, Tables};
use ovsdb::table::Change;
use ovsdb::{Client, Event, Options, Remote};
use serde_json::{Map, Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(remotes), Some(database)) = (arguments.next(), arguments.next()) else {
        return Err("usage: watch REMOTE[,REMOTE...] DATABASE".into());
    };
    let tables = Tables::new(database, None);
    let (_client, mut events) =
        Client::connect_to(tables, Remote::list(&remotes)?, Options::default());
    while let Some(event) = events.next().await {
        match event {
            Event::Connected { remote } => writeln!(stderr(), "following {remote}")?,
            Event::Disconnected(reason) => writeln!(stderr(), "{reason}")?,
            Event::Changed(step) => writeln!(stdout(), "{}", updates(&step.changes))?,
            _ => {}
        }
    }
    Ok(())
}

fn updates(changes: &Changes) -> Value {
    let mut tables = Map::new();
    for (name, changes) in changes.iter().filter(|(_, changes)| !changes.is_empty()) {
        let rows = changes
            .iter()
            .map(|change| (change.uuid().to_string(), update(change)));
        tables.insert(name.clone(), Value::Object(rows.collect()));
    }
    Value::Object(tables)
}

/// `<row-update>`: all columns of the row as it is, and of the row as it was those that differ.
fn update(change: &Change<Row>) -> Value {
    match change {
        Change::Inserted(row) => json!({"new": row.columns}),
        Change::Deleted(row) => json!({"old": row.columns}),
        Change::Modified { before, after } => {
            let columns = before.columns.iter();
            let old: Map<String, Value> = columns
                .filter(|(name, datum)| after.columns.get(*name) != Some(datum))
                .map(|(name, datum)| (name.clone(), json!(datum)))
                .collect();
            json!({"old": old, "new": after.columns})
        }
    }
}
