//! Prints the flows of a switch, as `ovs-ofctl --no-stats dump-flows` does.
//!
//! ```text
//! cargo run --example dump_flows unix:/var/run/openvswitch/br-int.mgmt
//! ```

use std::error::Error;
use std::io::Write as _;

use openflow::flow::Flow;
use openflow::{Connection, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).ok_or("usage: dump_flows TARGET")?;
    let (switch, _events) = Connection::connect(&target.parse()?, Options::default()).await?;
    let mut out = std::io::stdout().lock();
    for flow in switch.flows().await? {
        writeln!(out, " {}", Flow::from(flow))?;
    }
    Ok(())
}
