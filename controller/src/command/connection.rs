//! `brint connection`: where the servers of the northbound database listen.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use ovsdb::Transaction;

use super::answer::write;
use super::northbound::Northbound;
use crate::northbound::database::GLOBAL;
use crate::northbound::database::access::{AGENT, listen};
use crate::northbound::database::tables::Global;
use crate::status::columns;

/// Says where the servers of the northbound database listen, and what who connects there may do
///
/// The servers have to be started with `--remote=db:Brint_Northbound,NB_Global,connections`, and for
/// pssl: with keys and certificates.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists where they listen
    List {
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Has them listen at one more address, or changes the role of one
    Add {
        /// The address, as pssl:6642 or ptcp:6641:127.0.0.1
        target: String,
        /// What who connects there may do [default: everything]
        #[arg(long, value_enum)]
        role: Option<Role>,
        #[command(flatten)]
        northbound: Northbound,
    },
    /// Has them listen at an address no more
    Delete {
        /// The address
        target: String,
        #[command(flatten)]
        northbound: Northbound,
    },
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Of ports, say the status of those on its own host; of hosts, describe itself. The common name
    /// of its certificate is the name of the host
    Agent,
}

/// Does what is asked.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::List { northbound } => northbound.with(async |session| {
            let head = ["TARGET", "ROLE", "STATUS"].map(str::to_owned).to_vec();
            let rows = session.database.snapshot();
            let rows = rows.connections.iter().map(|row| {
                let status = row
                    .status
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"));
                let status: Vec<_> = status.collect();
                vec![row.target.clone(), row.role.clone(), status.join(",")]
            });
            write(&columns(
                &[head].into_iter().chain(rows).collect::<Vec<_>>(),
            ))
        })?,
        Command::Add {
            target,
            role,
            northbound,
        } => northbound.with(async |session| {
            session.database.prepare().await?;
            let role = role.map_or("", |Role::Agent| AGENT);
            let mut transaction = Transaction::new();
            listen(
                &mut transaction,
                &session.database.snapshot(),
                &target,
                role,
            );
            session.database.transact(transaction).await?;
            Ok(())
        })?,
        Command::Delete { target, northbound } => northbound.with(async |session| {
            let rows = session.database.snapshot();
            let row = rows.connections.iter().find(|row| row.target == target);
            let row = row.with_context(|| format!("there is no connection {target}"))?;
            let mut transaction = Transaction::new();
            transaction.mutate(GLOBAL, [Global::connections.delete([row.uuid])]);
            session.database.transact(transaction).await?;
            Ok(())
        })?,
    }
    Ok(ExitCode::SUCCESS)
}
