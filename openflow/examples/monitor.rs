//! Prints the flows of a switch that are there, and then what others change in them.
//!
//! ```text
//! cargo run --example monitor unix:/var/run/openvswitch/br-int.mgmt
//! ```

use std::error::Error;
use std::io::Write as _;

use openflow::message::Message;
use openflow::multipart::{FlowMonitorRequest, FlowUpdate, ReplyBody};
use openflow::{Connection, Event, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).ok_or("usage: monitor TARGET")?;
    let (switch, mut events) = Connection::connect(&target.parse()?, Options::default()).await?;
    let installed = switch.monitor(FlowMonitorRequest::all(1)).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{} flows", installed.len())?;
    for update in installed {
        print(&update, &mut out)?;
    }
    while let Some(event) = events.next().await {
        match event {
            Event::Message { message, .. } => {
                for update in updates(message) {
                    print(&update, &mut out)?;
                }
            }
            Event::Overflow { dropped } => writeln!(out, "{dropped} events lost")?,
            Event::Closed(closed) => writeln!(out, "{closed}")?,
            _ => {}
        }
    }
    Ok(())
}

fn updates(message: Message) -> Vec<FlowUpdate> {
    match message {
        Message::MultipartReply(reply) => match reply.body {
            ReplyBody::FlowMonitor(updates) => updates,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn print(update: &FlowUpdate, out: &mut impl std::io::Write) -> std::io::Result<()> {
    match update {
        FlowUpdate::Full(change) => writeln!(out, "{} {}", change.event, change.flow),
        FlowUpdate::Abbreviated { xid } => writeln!(out, "own change {xid:#x}"),
    }
}
