//! `brint status`: what the agent of this host knows and has done.

use std::process::ExitCode;

use clap::Args;
use jsonrpsee::core::ClientError;

use super::answer::{Shown, ask};
use crate::control::ControlClient as _;

/// Shows what the agent of this host knows and has done
///
/// Bridges with their flows and repairs, networks, ports and what they wait for, routers and the
/// hosts that lead them outside, tunnels, and every object that is refused, with the reason.
/// OVS_RUNDIR says which agent is asked.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    shown: Shown,
    /// Goes on, and shows it anew whenever something has changed
    #[arg(short, long)]
    watch: bool,
}

/// Asks and shows.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let shown = &arguments.shown;
    if !arguments.watch {
        let status = ask(async |client| client.status().await)?;
        shown.show(&status, ToString::to_string)?;
        return Ok(ExitCode::SUCCESS);
    }
    ask(async |client| {
        let mut states = client.watch().await?;
        while let Some(status) = states.next().await {
            let status = status.map_err(ClientError::ParseError)?;
            let text = |status: &_| format!("{status}\n");
            if let Err(error) = shown.show(&status, text) {
                return Err(ClientError::Custom(format!("{error:#}")));
            }
        }
        Err::<ExitCode, _>(ClientError::Custom("the agent has ended".to_owned()))
    })
}
