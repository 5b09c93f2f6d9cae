//! Asking the agent, and showing what it says.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jsonrpsee::async_client::Client;
use jsonrpsee::core::ClientError;
use serde::Serialize;
use tokio::runtime;

use super::run_directory;
use crate::control;
use crate::presence::control_socket;

/// How an answer is shown.
#[derive(Clone, Debug, Args)]
pub(super) struct Shown {
    /// How to show the answer
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// A layout of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

impl Shown {
    /// Writes an answer; `table` makes its text for people.
    pub(super) fn show<T: Serialize>(
        &self,
        answer: &T,
        table: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let mut text = match self.format {
            Format::Table => table(answer),
            Format::Json => serde_json::to_string_pretty(answer).context("writing JSON")?,
            Format::Yaml => serde_saphyr::to_string(answer).context("writing YAML")?,
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        write(&text)
    }
}

/// Writes a text to whoever typed the command.
pub(super) fn write(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads, as `head` does, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("writing the answer"),
    }
}

/// Asks the agent of this host.
pub(super) fn ask<T>(
    question: impl AsyncFnOnce(&Client) -> Result<T, ClientError>,
) -> anyhow::Result<T> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let client = control::connect(&control_socket(&run_directory())).await?;
        question(&client).await.map_err(explained)
    })
}

/// What the agent says is meant for people; what its library adds is not.
fn explained(error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Call(refused) => anyhow::Error::msg(refused.message().to_owned()),
        other => anyhow::Error::new(other).context("asking the agent"),
    }
}
