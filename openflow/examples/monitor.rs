//! Prints what others change in the flows of a switch, until it goes.
//!
//! ```text
//! cargo run --example monitor unix:/var/run/openvswitch/br-int.mgmt
//! ```

use std::error::Error;
use std::io::Write as _;

use openflow::multipart::FlowMonitorRequest;
use openflow::{Connection, Event, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).ok_or("usage: monitor TARGET")?;
    let (switch, mut events) = Connection::connect(&target.parse()?, Options::default()).await?;
    switch.monitor(FlowMonitorRequest::all(1)).await?;
    let mut out = std::io::stdout().lock();
    while let Some(event) = events.next().await {
        match event {
            Event::Closed(closed) => writeln!(out, "{closed}")?,
            Event::Message { message, .. } => writeln!(out, "{message:?}")?,
            event => writeln!(out, "{event:?}")?,
        }
    }
    Ok(())
}
