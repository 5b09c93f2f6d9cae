//! Hosts, switches and virtual machines as network namespaces on one machine.
//!
//! The harness of the labs and of the end-to-end tests. It must not know how brint works inside:
//! it starts the binary, as a user would, and judges it by the packets that arrive.
//!
//! A [`Lab`] is built from the same network description that brint reads: a [`Host`] for each host,
//! with an Open vSwitch of its own, a [`Machine`] for each port, and the physical world [`Outside`].
//! Probes ask the machines what they can reach, and [`Checks`] compare that with what they should.
//!
//! Everything a lab makes lives in its namespaces and in one directory. So it can be removed
//! without knowing what it is, also after a crash: [`remove`].

pub mod chaos;
pub mod check;
pub mod cluster;
pub mod fleet;
mod host;
mod interrupt;
mod lab;
mod machine;
pub mod matrix;
mod namespace;
pub mod network;
mod northbound;
mod outside;
pub mod page;
mod patience;
pub mod probe;
mod process;
pub mod quickstart;
pub mod routing;
pub mod scale;
pub mod scenario;
mod state;
mod switch;
mod trunk;

pub use check::{Check, Checks};
pub use host::{Cable, Datapath, Host, Ovs};
pub use interrupt::wait_if_interrupted;
pub use lab::{Lab, remove};
pub use machine::Machine;
pub use namespace::Namespace;
pub use network::MacAddr;
pub use northbound::Northbound;
pub use outside::Outside;
pub use patience::{PATIENCE, wait_for};
pub use process::Daemon;
pub use trunk::Trunk;
