//! Open vSwitch as the judge of the codec: `ovs-ofctl` reads what this crate writes and the other
//! way round, and a real switch returns what it was given.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what these helpers of tests cannot do is a failure of the test"
)]

mod answers;
mod connection;
mod examples;
mod golden;
mod listener;
mod messages;
mod offline;
mod oracle;
mod print;
mod random;
mod refused;
mod returned;
mod serve;
mod switch;
