//! `brint flows`: what is installed, and where it comes from.

use std::process::ExitCode;

use clap::Args;

use super::answer::{Shown, ask};
use crate::control::ControlClient as _;
use crate::flows::{BridgeFlows, Query};

/// Shows the flows of this host, and the object that each comes from
///
/// A flow is printed as `ovs-ofctl --names --no-stats dump-flows` prints it, by table and
/// priority. Behind it, as a comment, stands the object behind its cookie.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    shown: Shown,
    /// Only those of this bridge
    #[arg(short, long, value_name = "BRIDGE")]
    bridge: Option<String>,
    /// Only those of this table
    #[arg(short, long, value_name = "NAME|NUMBER")]
    table: Option<String>,
    /// Only those of this port
    #[arg(short, long, value_name = "NAME|UUID|INTERFACE|NUMBER")]
    port: Option<String>,
    /// Says in a sentence what each flow is for
    #[arg(short, long)]
    explain: bool,
}

/// Asks and shows.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let query = Query {
        bridge: arguments.bridge,
        table: arguments.table,
        port: arguments.port,
    };
    let flows = ask(async |client| client.flows(query).await)?;
    let explain = arguments.explain;
    arguments.shown.show(&flows, |bridges| {
        let bridges = bridges.iter();
        bridges
            .map(|bridge| {
                if explain {
                    bridge.explained()
                } else {
                    bridge.to_string()
                }
            })
            .collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

impl BridgeFlows {
    /// The flows, each below a comment that says what it is for.
    fn explained(&self) -> String {
        let mut out = format!("# {}: {} flows\n", self.bridge, self.flows.len());
        for flow in &self.flows {
            out += &match (&flow.purpose, &flow.owner) {
                (Some(purpose), Some(owner)) => {
                    format!(
                        "\n# Table {}: {purpose} This flow is for {owner}.\n",
                        flow.table
                    )
                }
                (None, Some(owner)) => format!("\n# This flow is for {owner}.\n"),
                (_, None) => "\n# Somebody else's flow, which brint leaves alone.\n".to_owned(),
            };
            out += &flow.text;
            out.push('\n');
        }
        out
    }
}
