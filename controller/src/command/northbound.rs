//! Where the northbound database is, for every command that uses it; and waiting for the hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use ovsdb::pki::Pki;
use ovsdb::{Event, Events, Options, Remote, Transaction};
use pipelines::network::Model;
use tokio::runtime;
use tokio::time::{Instant, timeout_at};

use super::answer::write;
use super::run_directory;
use crate::northbound::database::plan::{Change, Plan};
use crate::northbound::database::tables::Northbound as Rows;
use crate::northbound::database::{Database, WriteError, number_change, probe};
use crate::northbound::file;

/// How long the database may take to answer at all.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the database may be away while something is written.
const RECOVERY: Duration = Duration::from_secs(30);
/// How long an agent may take to answer, once it follows the database.
const ANSWER: Duration = Duration::from_secs(2);
/// How long one may take that was there before: its connection may have broken.
const RETURN: Duration = Duration::from_secs(10);
/// How long it may take until what another has written is known.
const SETTLING: Duration = Duration::from_secs(1);

/// So many changes take a moment, which is worth a word.
const MANY: usize = 100;

/// The northbound database.
#[derive(Clone, Debug, Args)]
pub(super) struct Northbound {
    /// The servers of the northbound database, as unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT,
    /// separated by commas
    #[arg(long, value_name = "REMOTES", env = "BRINT_REMOTE")]
    remote: Option<String>,
    /// The private key, for ssl:
    #[arg(long, value_name = "FILE", requires_all = ["certificate", "ca_cert"])]
    private_key: Option<PathBuf>,
    /// The certificate, for ssl:
    #[arg(long, value_name = "FILE", requires = "private_key")]
    certificate: Option<PathBuf>,
    /// The certificate of the authority that vouches for the servers, for ssl:
    #[arg(long, value_name = "FILE", requires = "private_key")]
    ca_cert: Option<PathBuf>,
}

impl Northbound {
    /// The servers; none if nobody said where they are.
    pub(super) fn remotes(&self) -> anyhow::Result<Vec<Remote>> {
        match &self.remote {
            Some(text) => Remote::list(text).context("--remote"),
            None => Ok(Vec::new()),
        }
    }

    /// Keys and certificates, if they were given.
    pub(super) fn pki(&self) -> Option<Pki> {
        let (private_key, certificate, ca_cert) =
            (&self.private_key, &self.certificate, &self.ca_cert);
        Some(Pki {
            private_key: private_key.clone()?,
            certificate: certificate.clone()?,
            ca_certificate: ca_cert.clone()?,
        })
    }
}

/// A database that is followed, and what happens to it.
pub(super) struct Session {
    /// The database.
    pub(super) database: Database,
    events: Events<Rows>,
}

/// What a change waits for.
#[derive(Clone, Debug, Args)]
pub(super) struct Waiting {
    /// Returns when this is done, not when the database has it
    #[arg(long, value_enum, value_name = "WHAT")]
    wait: Option<Wait>,
    /// How long to wait for the hosts, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wait {
    /// Every host that is alive has programmed the change.
    Hosts,
}

impl Northbound {
    /// Connects, and does something with the database.
    pub(super) fn with<T>(
        &self,
        work: impl AsyncFnOnce(Session) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut remotes = self.remotes()?;
        if remotes.is_empty() {
            remotes.push(Remote::Unix(run_directory().join("db.sock")));
        }
        let mut options = Options::default();
        options.pki = self.pki();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the runtime")?;
        runtime.block_on(async {
            let (database, events) = Database::connect(remotes, options, CONNECT).await?;
            work(Session { database, events }).await
        })
    }
}

impl Session {
    /// Applies what is planned from the rows, tells what was done, and waits as asked.
    ///
    /// A server may go before it has answered, or somebody else may be faster. Then what is still
    /// missing is planned from what there is; a plan has to be one that may be made twice.
    pub(super) async fn carry_out(
        mut self,
        plan: impl Fn(&Rows) -> Plan,
        waiting: &Waiting,
    ) -> anyhow::Result<()> {
        let first = plan(&self.database.snapshot());
        let changes = first.changes.clone();
        if changes.len() >= MANY {
            eprintln!("writing {} objects", changes.len());
        }
        let deadline = Instant::now() + RECOVERY;
        let mut next = first;
        while let Err(error) = self.write(next.transaction, waiting).await {
            let again = match () {
                () if error.is_of_connection() => self.connected_again(deadline).await,
                () if error.is_conflict() => self.changed(deadline).await,
                () => false,
            };
            ensure!(again, error);
            next = plan(&self.database.snapshot());
        }
        tell(&changes)?;
        match waiting.wait {
            Some(Wait::Hosts) => self.wait_for_hosts(waiting.timeout).await,
            None => Ok(()),
        }
    }

    async fn write(
        &self,
        mut transaction: Transaction<Rows>,
        waiting: &Waiting,
    ) -> Result<(), WriteError> {
        if waiting.wait.is_some() {
            self.database.prepare().await?;
            number_change(&mut transaction);
            probe(&mut transaction);
        }
        match transaction.is_empty() {
            true => Ok(()),
            false => self.database.transact(transaction).await.map(drop),
        }
    }

    /// Waits until the replica knows more than when the transaction was planned, as of a host whose
    /// agent came first; whether it does.
    async fn changed(&mut self, deadline: Instant) -> bool {
        let deadline = deadline.min(Instant::now() + SETTLING);
        matches!(timeout_at(deadline, self.events.next()).await, Ok(Some(_)))
    }

    /// Waits until the replica is complete again; whether it is in time.
    async fn connected_again(&mut self, deadline: Instant) -> bool {
        loop {
            match timeout_at(deadline, self.events.next()).await {
                Ok(Some(Event::Connected { .. })) => return true,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Asks the agents whether they are alive, and waits for those that answer at once. Without the
    /// right to ask, what is known stands.
    pub(super) async fn probe(&mut self) -> anyhow::Result<()> {
        let mut transaction = Transaction::new();
        probe(&mut transaction);
        let prepared = self.database.prepare().await;
        let asked = match prepared {
            Ok(()) => self.database.transact(transaction).await.map(drop),
            Err(error) => Err(error),
        };
        match asked {
            Err(error) if error.is_forbidden() => return Ok(()),
            asked => asked?,
        }
        let deadline = Instant::now() + ANSWER;
        loop {
            let rows = self.database.snapshot();
            let mut states = rows.host_states.iter();
            let number = rows.probe();
            if states.all(|state| state.has_ended() || state.answered >= number) {
                return Ok(());
            }
            if timeout_at(deadline, self.events.next()).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Waits until every host that is alive has programmed the change that was numbered last.
    ///
    /// Alive is who answers the probe that came with the change; no clock but this one matters.
    async fn wait_for_hosts(mut self, seconds: u64) -> anyhow::Result<()> {
        let rows = self.database.snapshot();
        let (number, probe) = (rows.nb_cfg(), rows.probe());
        let started = Instant::now();
        let deadline = started + Duration::from_secs(seconds);
        let mut told = usize::MAX;
        loop {
            let rows = self.database.snapshot();
            let (waiting, silent) = behind(&rows, (number, probe), started);
            if waiting.is_empty() {
                if !silent.is_empty() {
                    let names: Vec<_> = silent.into_iter().collect();
                    eprintln!("no agent answers on {}", names.join(", "));
                }
                return Ok(());
            }
            if waiting.len() != told {
                told = waiting.len();
                eprintln!("waiting for {told} hosts");
            }
            let next = waiting.values().flatten().copied().min();
            let next = next.map_or(deadline, |next| next.min(deadline));
            let event = timeout_at(next, self.events.next()).await;
            let names: Vec<_> = waiting.into_keys().collect();
            ensure!(
                Instant::now() < deadline,
                "not programmed within {seconds} s on {}",
                names.join(", ")
            );
            if let Ok(Some(Event::Disconnected(reason))) = event {
                eprintln!("{reason}; trying again");
            }
        }
    }
}

/// Tells what a plan does, one object a line.
pub(super) fn tell(changes: &[Change]) -> anyhow::Result<()> {
    let lines = changes.iter().map(|change| format!("{change}\n"));
    write(&lines.collect::<String>())
}

/// Hosts that have not programmed a change: those that are waited for, and until when unless they
/// answer; and those that have not answered in time.
fn behind(
    rows: &Rows,
    (number, probe): (i64, i64),
    started: Instant,
) -> (BTreeMap<String, Option<Instant>>, BTreeSet<String>) {
    let (mut waiting, mut silent) = (BTreeMap::new(), BTreeSet::new());
    let states = rows.host_states.iter();
    for state in states.filter(|state| !state.has_ended() && state.nb_cfg < number) {
        let limit = match probe.saturating_sub(state.answered) {
            ..=0 => None,
            1 => Some(started + RETURN),
            _ => Some(started + ANSWER),
        };
        if limit.is_some_and(|limit| limit <= Instant::now()) {
            silent.insert(state.name.clone());
        } else {
            waiting.insert(state.name.clone(), limit);
        }
    }
    (waiting, silent)
}

/// Reads a description, `-` from standard input; what it has to do without is told.
pub(super) fn read(path: &Path) -> anyhow::Result<Model> {
    let content = match path == Path::new("-") {
        true => file::read_from(path, std::io::stdin())?,
        false => file::read(path)?,
    };
    let described = file::parse(path, &content)?;
    for mistake in described.left_out {
        eprintln!("{}:{mistake}", path.display());
    }
    Ok(described.model)
}
