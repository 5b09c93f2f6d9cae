//! A client of OVSDB (RFC 7047), the database that configures Open vSwitch.
//!
//! This crate keeps a replica of a database and changes it by transactions. It must not know
//! what the rows are for: no networks, no OpenFlow.
//!
//! # What it promises
//!
//! - **Steps are consistent.** The replica goes from the state after one transaction of the server
//!   to the state after another, never to anything between. A malformed update changes nothing.
//! - **A transaction is seen by whoever made it.** When its outcome is returned, its effects are in
//!   the replica.
//! - **A reconnection is no change.** Rows that are the same before and after cause no event, even
//!   if the server has to send all of them again.
//! - **It goes on.** A server that is away, silent, stale or cut off from its cluster is left, and
//!   the next one tried, for ever, with pauses that grow. What ends a connection is told.
//! - **Nothing grows without bound**: messages, requests under way, events not yet taken, replies
//!   that the server asks for and does not read.
//!
//! # Layers
//!
//! | module | holds |
//! |---|---|
//! | [`jsonrpc`] | messages on a byte stream; usable for the control sockets of Open vSwitch, too |
//! | [`value`] | atoms, sets and maps, and the Rust types that columns can have |
//! | [`schema`] | what a server says of its tables, and whether declared ones fit |
//! | [`mod@tables`], [`dynamic`] | tables known when compiling, and at run time |
//! | [`operation`], [`transaction`] | what is asked of the server, and its results and errors |
//! | [`monitor`], [`table`], [`replica`] | what the server tells, and the rows that follow it |
//! | [`session`] | one connection, without socket and clock |
//! | [`client`] | sockets and time: connects, and connects again |
//!
//! Everything above `client` is a function of its input and can be tested without a server.
//!
//! # Use
//!
//! An application declares the tables and columns that it uses, follows their changes, and writes
//! to them:
//!
//! ```no_run
//! use std::collections::{BTreeMap, BTreeSet};
//! use std::time::Duration;
//!
//! use ovsdb::{Client, Event, Options, Remote, Transaction, Uuid};
//!
//! ovsdb::tables! {
//!     /// What is used of the switch's configuration.
//!     pub database OpenVSwitch = "Open_vSwitch", changes OpenVSwitchChanges;
//!
//!     /// A virtual switch.
//!     table bridges: Bridge = "Bridge" {
//!         /// Its name, unique on the host.
//!         name: String;
//!         /// Its ports.
//!         ports: BTreeSet<Uuid>;
//!     } index {
//!         /// By name.
//!         by_name: String = |row| [row.name.clone()];
//!     }
//!
//!     /// A port: one interface, or several that are bonded.
//!     table ports: Port = "Port" {
//!         /// Its name, unique on the host.
//!         name: String;
//!         /// Its interfaces.
//!         interfaces: BTreeSet<Uuid>;
//!     }
//!
//!     /// What a port attaches to.
//!     table interfaces: Interface = "Interface" {
//!         /// The name of the network device.
//!         name: String;
//!         /// What implements it.
//!         kind = "type": String;
//!         /// Marks for others to read.
//!         external_ids: BTreeMap<String, String>;
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, mut events) = Client::<OpenVSwitch>::connect(vec![Remote::local()], Options::default());
//! while let Some(event) = events.next().await {
//!     match event {
//!         // The replica is complete: now it is safe to compare it with anything.
//!         Event::Connected { .. } => break,
//!         // One consistent step: what changed, and all rows after it.
//!         Event::Changed(step) => {
//!             for change in &step.changes.interfaces {
//!                 println!("{:?} -> {:?}", change.before(), change.after());
//!             }
//!         }
//!         // The client connects again by itself, for as long as it takes.
//!         Event::Disconnected(reason) => eprintln!("{reason}"),
//!         _ => {}
//!     }
//! }
//!
//! // Rows are found in a snapshot: it is consistent, and costs nothing to take.
//! let tables = client.snapshot();
//! let bridge = tables.bridges.index().by_name.get("br-int").ok_or("no br-int")?;
//!
//! // The handle of a new row stands for its UUID in the rest of the transaction.
//! let mut transaction = Transaction::new();
//! let interface = transaction.insert(
//!     Interface::values()
//!         .set(Interface::name, "tap0")
//!         .set(Interface::kind, "internal")
//!         .set(Interface::external_ids, [("iface-id", "vm1")]),
//! );
//! let port = transaction
//!     .insert(Port::values().set(Port::name, "tap0").set(Port::interfaces, [interface]));
//! transaction.mutate(bridge.uuid, [Bridge::ports.insert([port])]);
//! let outcome = client.transact(transaction, Duration::from_secs(5)).await?;
//!
//! // The outcome is here, so its effects are in the replica.
//! let uuid = outcome.uuid(port).ok_or("not of this transaction")?;
//! assert!(client.snapshot().ports.get(&uuid).is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # Clusters, locks, conditions
//!
//! With several remotes the client follows the first that will do, and goes to the next when that
//! one is lost. [`Options::leader_only`] asks for the leader of a cluster. A transaction that was
//! under way when the connection ended is [uncertain](TransactError::is_uncertain): give its rows
//! UUIDs with [`Transaction::insert_as`] and repeat it until it succeeds or is refused as a
//! duplicate, and it is applied exactly once.
//!
//! [`Transaction::verify`] lets a transaction fail if somebody else changed what it was built from.
//! [`Client::lock`] keeps others from being the one who writes.
//!
//! [`Client::set_conditions`] chooses the rows to replicate. It can be called at any time; a row
//! that no longer fulfils its conditions is deleted from the replica, not from the database.

mod backoff;
pub mod client;
pub mod dynamic;
pub mod jsonrpc;
#[doc(hidden)]
pub mod macros;
pub mod monitor;
pub mod operation;
pub mod pki;
pub mod remote;
pub mod replica;
pub mod schema;
pub mod session;
mod socket;
pub mod table;
pub mod tables;
pub mod transaction;
pub mod value;

pub use client::{Client, Disconnection, Event, Events, Options, Step};
pub use remote::Remote;
pub use tables::{Column, Condition, Mutation, Values};
pub use transaction::{Inserted, Outcome, TransactError, Transaction};
pub use uuid::Uuid;
