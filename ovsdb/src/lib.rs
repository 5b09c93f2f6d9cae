//! A client of OVSDB (RFC 7047), the database that configures Open vSwitch.
//!
//! This crate keeps a replica of a database and changes it by transactions. It must not know
//! what the rows are for: no networks, no OpenFlow.
