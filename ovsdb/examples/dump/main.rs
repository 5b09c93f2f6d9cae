//! Prints a database as `ovsdb-client --format=json dump` does, but out of a replica.
//!
//! ```text
//! cargo run -p ovsdb --example dump -- unix:/var/run/openvswitch/db.sock Open_vSwitch Bridge Port
//! ```

mod table;

use std::env;
use std::error::Error;
use std::io::{Write, stdout};

use ovsdb::dynamic::Tables;
use ovsdb::{Client, Event, Options, Remote};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(remotes), Some(database)) = (arguments.next(), arguments.next()) else {
        return Err("usage: dump REMOTE[,REMOTE...] DATABASE [TABLE...]".into());
    };
    let tables: Vec<String> = arguments.collect();
    let tables = Tables::new(database, (!tables.is_empty()).then_some(tables));
    let (client, mut events) =
        Client::connect_to(tables, Remote::list(&remotes)?, Options::default());
    loop {
        match events.next().await.ok_or("the client ended")? {
            Event::Connected { .. } => break,
            Event::Disconnected(reason) => return Err(reason.into()),
            _ => {}
        }
    }
    let mut out = stdout().lock();
    for (name, rows) in client.snapshot().tables() {
        writeln!(out, "{}", table::json(name, rows))?;
    }
    Ok(())
}
