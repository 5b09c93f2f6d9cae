//! A client of OVSDB (RFC 7047), the database that configures Open vSwitch.
//!
//! This crate keeps a replica of a database and changes it by transactions. It must not know
//! what the rows are for: no networks, no OpenFlow.
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
