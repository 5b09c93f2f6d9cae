//! Tenant networks as OpenFlow tables.
//!
//! This crate holds the desired network and the pure functions that turn it into flows. It must
//! not know sockets, clocks, databases or async: the same network gives the same flows.

mod br_ex;
mod br_int;
mod br_tun;
pub mod bridge;
pub mod conjunction;
pub mod cookie;
pub mod diff;
pub mod flow_set;
mod hash;
pub mod network;
pub mod registers;
pub mod site;
mod subject;
pub mod table;
pub mod unit;
