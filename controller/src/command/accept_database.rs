//! `brint accept-database`: this host follows whichever northbound database it is led to.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use ovsdb::{Client, Event, Options, Remote, Transaction};
use tokio::runtime;
use tokio::time::timeout;

use super::answer::write;
use super::run_directory;
use crate::agent::settings::NAME;
use crate::northbound::followed::{ACCEPTED, Followed, is_accepted};
use crate::vswitch::{OpenVSwitch, Switch};

/// How long the database of the host may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Has this host follow whichever northbound database it is led to
///
/// A host holds a database that is another one than before, or empty where there were ports: what it
/// has programmed stays. It also stays when the agent has another name (--host) than before and VMs of
/// the old name are plugged in. With this command, the next database and the next name are accepted,
/// once, and `brint run` makes a new database where the file is missing. The agent need not run.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The host's database [default: unix:$OVS_RUNDIR/db.sock]
    #[arg(long, value_name = "REMOTE")]
    db: Option<String>,
}

/// Notes it in the host's database.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let remote = match &arguments.db {
        Some(text) => (text.parse())
            .with_context(|| format!("--db {text}: expected unix:PATH or tcp:HOST:PORT"))?,
        None => Remote::Unix(run_directory().join("db.sock")),
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    write(&runtime.block_on(accept(remote))?)?;
    Ok(ExitCode::SUCCESS)
}

/// Notes it; returns what is to be told.
async fn accept(remote: Remote) -> anyhow::Result<String> {
    let place = remote.to_string();
    let (client, mut events) = Client::<OpenVSwitch>::connect(vec![remote], Options::default());
    let mut reason = "no answer".to_owned();
    let connected = async {
        loop {
            match events.next().await {
                Some(Event::Disconnected(disconnection)) => reason = disconnection.to_string(),
                Some(Event::Connected { .. }) | None => break,
                Some(_) => {}
            }
        }
    };
    (timeout(LIMIT, connected).await).map_err(|_| {
        let seconds = LIMIT.as_secs();
        anyhow!("no connection to {place} within {seconds} s: {reason}")
    })?;
    let tables = client.snapshot();
    let switch = (tables.switch())
        .with_context(|| format!("{place} has no row in table Open_vSwitch: run ovs-vsctl init"))?;
    let followed = Followed::of(&switch.external_ids);
    let name = switch.external_ids.get(NAME);
    if followed.is_none() && name.is_none() {
        return Ok("this host has followed no northbound database: the first is followed\n".into());
    }
    if !is_accepted(&switch.external_ids) {
        let mut transaction = Transaction::new();
        let accepted = Switch::external_ids.insert([(ACCEPTED, "true")]);
        transaction.mutate(switch.uuid, [accepted]);
        transaction.comment("brint accept-database");
        (client.transact(transaction, LIMIT).await)
            .with_context(|| format!("writing to {place}"))?;
    }
    Ok(match followed {
        Some(followed) => {
            format!("this host has followed {followed}; the next one that answers is followed\n")
        }
        None => "the next name of this host is accepted\n".to_owned(),
    })
}
