//! Tenant networks as OpenFlow tables.
//!
//! This crate holds the desired network and the pure functions that turn it into flows. It must
//! not know sockets, clocks, databases or async: the same network gives the same flows.

pub mod conjunction;
pub mod cookie;
mod hash;
pub mod network;
