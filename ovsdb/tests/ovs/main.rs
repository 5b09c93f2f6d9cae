//! The client against real servers. Everything here needs Open vSwitch, and fails without it.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod cluster;
mod declared;
mod equality;
mod examples;
mod faults;
mod features;
mod large;
mod managed;
mod operations;
mod server;
mod standalone;
mod tls;
mod unixctl;
