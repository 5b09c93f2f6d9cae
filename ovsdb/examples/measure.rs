//! Measures a replica of the schema that `benches/compare.py` uses, for that script.
//!
//! ```text
//! measure REMOTE TRANSACTIONS UNDER_WAY
//! ```

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use ovsdb::{Client, Event, Options, Remote, Transaction};
use tokio::task::JoinSet;

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

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [remote, transactions, under_way] = arguments.as_slice() else {
        return Err("usage: measure REMOTE TRANSACTIONS UNDER_WAY".into());
    };
    let start = Used::now()?;
    let mut options = Options::default();
    options.inactivity_probe = LIMIT;
    let (client, mut events) = Client::<Bench>::connect(vec![remote.parse::<Remote>()?], options);
    while !matches!(events.next().await, Some(Event::Connected { .. })) {}
    let replica = start.since()?;
    drop(events);

    let start = Used::now()?;
    change(&client, transactions.parse()?, under_way.parse()?).await?;
    let changes = start.since()?;
    let rows = client.snapshot().ports.len();
    writeln!(stdout(), "{rows} {replica} {changes}")?;
    Ok(())
}

/// Changes so many rows, each in a transaction of its own; some are always under way.
async fn change(
    client: &Client<Bench>,
    transactions: usize,
    under_way: usize,
) -> Result<(), Box<dyn Error>> {
    let mut waiting = JoinSet::new();
    for number in 0..transactions {
        let tables = client.snapshot();
        let by_name = &tables.ports.index().by_name;
        let port = by_name.get(format!("port{number}")).ok_or("no row")?;
        let mut transaction = Transaction::new();
        transaction.update(port.uuid, Port::values().set(Port::number, port.number + 1));
        let client = client.clone();
        waiting.spawn(async move { client.transact(transaction, LIMIT).await });
        if waiting.len() >= under_way {
            waiting.join_next().await.ok_or("none under way")???;
        }
    }
    while let Some(outcome) = waiting.join_next().await {
        outcome??;
    }
    Ok(())
}

/// What has been used of time, and by this process of a processor.
struct Used {
    time: Instant,
    processor: Duration,
}

impl Used {
    fn now() -> Result<Self, Box<dyn Error>> {
        // One thread does everything.
        let statistics = fs::read_to_string("/proc/thread-self/schedstat")?;
        let processor = statistics.split(' ').next().ok_or("no statistics")?;
        Ok(Self {
            time: Instant::now(),
            processor: Duration::from_nanos(processor.parse()?),
        })
    }

    fn since(&self) -> Result<String, Box<dyn Error>> {
        let now = Self::now()?;
        let (time, processor) = (now.time - self.time, now.processor - self.processor);
        Ok(format!(
            "{} {}",
            time.as_secs_f64(),
            processor.as_secs_f64()
        ))
    }
}
