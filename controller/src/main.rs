//! brint, an SDN controller that runs beside Open vSwitch.
//!
//! The only crate with opinions about input and output: it reads the desired network, watches the
//! host's database and switch, and lets `pipelines` decide which flows are missing.

fn main() {}
