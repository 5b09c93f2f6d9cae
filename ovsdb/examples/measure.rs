//! Measures a replica of the schema that `benches/compare.py` uses, for that script.
//!
//! ```text
//! measure REMOTE TRANSACTIONS
//! ```

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use ovsdb::{Client, Event, Options, Remote, Transaction};

ovsdb::tables! {
    /// The database of the comparison.
    pub database Bench = "Bench", changes BenchChanges;

    /// Its only table.
    table ports: Port = "Port" {
        /// A name.
        name: String;
        /// A number.
        number: i64;
        /// Marks.
        external_ids: BTreeMap<String, String>;
    } index {
        /// By name.
        by_name: String = |row| [row.name.clone()];
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(remote), Some(transactions)) = (arguments.next(), arguments.next()) else {
        return Err("usage: measure REMOTE TRANSACTIONS".into());
    };
    let start = Instant::now();
    let mut options = Options::default();
    options.inactivity_probe = Duration::from_secs(60);
    let (client, mut events) = Client::<Bench>::connect(vec![remote.parse::<Remote>()?], options);
    while !matches!(events.next().await, Some(Event::Connected { .. })) {}
    let replicated = start.elapsed();
    drop(events);

    let start = Instant::now();
    for number in 0..transactions.parse::<i64>()? {
        let tables = client.snapshot();
        let port = tables
            .ports
            .index()
            .by_name
            .get(format!("port{number}"))
            .ok_or("no row")?;
        let mut transaction = Transaction::new();
        transaction.update(port.uuid, Port::values().set(Port::number, port.number + 1));
        client
            .transact(transaction, Duration::from_secs(60))
            .await?;
    }
    let rows = client.snapshot().ports.len();
    writeln!(
        stdout(),
        "{rows} {} {}",
        replicated.as_secs_f64(),
        start.elapsed().as_secs_f64()
    )?;
    Ok(())
}
