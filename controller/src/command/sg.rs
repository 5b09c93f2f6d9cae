//! `brint sg`: security groups, and what their rules let pass.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::answer::{Shown, ask};
use crate::control::ControlClient as _;
use crate::security_group::Summary;

/// Shows security groups
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the security groups of the description
    List {
        #[command(flatten)]
        shown: Shown,
    },
    /// Shows a security group: its rules with what they let pass, its ports, and who names it
    ///
    /// Packets and bytes are those that the flows of a rule on this host let pass. Replies are not
    /// among them, as they pass with their connection. Rules that allow the same, and those of one
    /// group with the same remote group, share flows: their packets are counted for each, and
    /// marked with a star. The switch updates its counts about twice a second.
    Show {
        #[command(flatten)]
        shown: Shown,
        /// The security group
        #[arg(value_name = "NAME|UUID")]
        security_group: String,
    },
}

/// Asks and shows.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::List { shown } => {
            let groups = ask(async |client| client.security_groups().await)?;
            shown.show(&groups, |groups| Summary::table(groups))?;
        }
        Command::Show {
            shown,
            security_group,
        } => {
            let group = ask(async |client| client.security_group(security_group).await)?;
            shown.show(&group, ToString::to_string)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
