//! Much at once: a database that is far larger than any buffer.

use std::process::Command;

use ovsdb::{Client, Transaction};

use crate::declared::{Item, Test, client, connected, item};
use crate::examples::path;
use crate::server::{PATIENCE, SCHEMA, Server};

/// How many rows, of how many bytes each, make 50 MB.
const ROWS: usize = 500;
const ROW: usize = 100_000;

/// How large the address space of the example may become, in KiB. The message, its rows and what
/// is printed of them are in memory at one time.
const ADDRESS_SPACE: usize = 300_000;

/// Fills the database, a megabyte at a time.
async fn fill(client: &Client<Test>) {
    let text = format!("é\"\\{}", "0123456789".repeat(100)).repeat(ROW / 1000);
    for first in (0..ROWS).step_by(10) {
        let mut transaction = Transaction::new();
        for number in first..first + 10 {
            let labels = [("text", text.as_str())];
            transaction.insert(item(&number.to_string()).set(Item::labels, labels));
        }
        let applied = client.transact(transaction, PATIENCE).await;
        applied.expect("the rows fit");
    }
}

#[tokio::test]
async fn fifty_megabytes_are_replicated_in_bounded_memory() {
    let server = Server::start(SCHEMA);
    let (filler, mut events) = client(&server);
    connected(&mut events).await;
    fill(&filler).await;
    drop((filler, events));

    let expected = server.dump();
    assert!(expected.len() > 50_000_000, "{} bytes", expected.len());
    let output = Command::new("sh")
        .args(["-c", "ulimit -v $0 && exec \"$@\""])
        .arg(ADDRESS_SPACE.to_string())
        .arg(path("dump"))
        .args([&server.remote().to_string(), "Test"])
        .output()
        .expect("there is a shell");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(output.stdout == expected.as_bytes(), "the replica differs");
}
