//! The northbound database: the desired networks of all hosts, on a stock `ovsdb-server`.
//!
//! The schema is Neutron's nouns (`brint_northbound.ovsschema`); the UUID of a row is the `id` of
//! the object. What OVSDB can promise, it promises, so that several servers and any number of
//! people may write at once: an address, a MAC or a segment is given once (indexes), nothing names
//! what does not exist, and nothing goes while it is named (strong references).
//!
//! # Use
//!
//! [`Database::open`] waits until the replica is complete. [`Database::snapshot`] is a consistent
//! state of all tables, with their indexes, and costs nothing; what a transaction wrote is in it
//! once [`Database::transact`] has returned. A refusal comes as a [`WriteError`] that says what is
//! the matter: `Taken` is an index with the row that has the value already, `InUse` a row that is
//! still named, `Missing` a row that is named and not there.
//!
//! ```text
//! let database = Database::open(Remote::list("unix:/run/nb.sock")?, Options::default(), limit).await?;
//! let network = database.snapshot().networks.get(&id).ok_or(NotFound)?;
//!
//! let mut transaction = Transaction::new();
//! // Everything that was looked at and has to stay so; `Stale` if it did not: look and try again.
//! transaction.verify(network.uuid, Network::revision_number, &network.revision_number);
//! transaction.mutate(network.uuid, [Network::revision_number.plus(1)]);
//! transaction.insert_as(subnet_id, Subnet::values().set(Subnet::network, network.uuid)...);
//! // For `--wait=hosts`: the number that every host reports when it has programmed this.
//! number_change(&mut transaction);
//! database.transact(transaction).await?;
//! ```
//!
//! Columns with a list of words (`status`, `vnic_type`, `direction`) have no empty default: an
//! insertion has to set them. Rows get their UUID from who inserts them ([`Transaction::insert_as`]),
//! so that an insertion whose reply was lost can be repeated: it is then refused as
//! [`WriteError::Exists`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ovsdb::monitor::Conditions;
use ovsdb::{Client, Event, Events, Options, Outcome, Remote, Transaction, Uuid};
use tokio::time::{sleep, timeout};

pub(crate) mod access;
pub(crate) mod delete;
mod error;
pub(crate) mod identity;
mod machine;
pub(crate) mod objects;
pub(crate) mod plan;
pub(crate) mod put;
pub(crate) mod revised;
pub(crate) mod tables;
mod words;

pub(crate) use error::WriteError;
use identity::identify;
use tables::{Global, HostState, Northbound};

/// The name of the database.
pub(crate) const NAME: &str = "Brint_Northbound";

/// The schema, for `ovsdb-tool create` and `convert`.
pub(crate) const SCHEMA: &str = include_str!("database/brint_northbound.ovsschema");

/// The UUID of the one row of the table `NB_Global`.
pub(crate) const GLOBAL: Uuid = Uuid::from_u128(0x6272_696e_7400_4e00_8000_676c_6f62_616c);

/// How often an agent says that it is alive, and how often somebody who has to know asks.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(30);

/// How many probes a host may leave without an answer and still count as alive.
const UNANSWERED: i64 = 1;

/// How long the server may take for a transaction.
const TRANSACTION: Duration = Duration::from_secs(30);

/// A handle to the database. Clones share one connection.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    client: Client<Northbound>,
    /// Whether the database is prepared before something is written.
    prepares: bool,
}

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("no connection to the northbound database within {} s: {reason}", limit.as_secs())]
pub(crate) struct Unreachable {
    limit: Duration,
    reason: String,
}

impl Database {
    /// Connects, and connects again whenever the connection ends. Returns at once: [`Events`] tell
    /// when the replica is complete, and what changes.
    pub(crate) fn follow(remotes: Vec<Remote>, options: Options) -> (Self, Events<Northbound>) {
        let (client, events) = Client::connect(remotes, options);
        let database = Self {
            client,
            prepares: false,
        };
        (database, events)
    }

    /// Connects, and waits until the replica is complete. Afterwards it follows by itself, and what
    /// is written goes into a [prepared](Self::prepare) database.
    ///
    /// # Errors
    ///
    /// The time is up; with the last reason that there was.
    pub(crate) async fn open(
        remotes: Vec<Remote>,
        options: Options,
        limit: Duration,
    ) -> Result<Self, Unreachable> {
        let (database, _events) = Self::connect(remotes, options, limit).await?;
        Ok(database)
    }

    /// The same, for those who also want to be told what changes.
    ///
    /// # Errors
    ///
    /// The time is up; with the last reason that there was.
    pub(crate) async fn connect(
        remotes: Vec<Remote>,
        options: Options,
        limit: Duration,
    ) -> Result<(Self, Events<Northbound>), Unreachable> {
        let (mut database, mut events) = Self::follow(remotes, options);
        database.prepares = true;
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
        match timeout(limit, connected).await {
            Ok(()) => Ok((database, events)),
            Err(_) => Err(Unreachable { limit, reason }),
        }
    }

    /// All rows as they are now.
    pub(crate) fn snapshot(&self) -> Arc<Northbound> {
        self.client.snapshot()
    }

    /// Has the server apply a transaction; whole or not at all.
    ///
    /// # Errors
    ///
    /// What is in the way, see [`WriteError`].
    pub(crate) async fn transact(
        &self,
        transaction: Transaction<Northbound>,
    ) -> Result<Outcome, WriteError> {
        if self.prepares {
            self.prepare().await?;
        }
        self.send(transaction).await
    }

    async fn send(&self, transaction: Transaction<Northbound>) -> Result<Outcome, WriteError> {
        let outcome = self.client.transact(transaction, TRANSACTION).await;
        outcome.map_err(WriteError::from)
    }

    /// Uses other servers from now on.
    pub(crate) async fn set_remotes(&self, remotes: Vec<Remote>) {
        self.client.set_remotes(remotes).await;
    }

    /// Makes the row of [`GLOBAL`], with the identity of the database, and brings the role of agents
    /// up to date, unless all of it is so.
    ///
    /// # Errors
    ///
    /// The database cannot be written to.
    pub(crate) async fn prepare(&self) -> Result<(), WriteError> {
        let rows = self.snapshot();
        let mut transaction = Transaction::new();
        identify(&mut transaction, &rows);
        access::update_role(&mut transaction, &rows);
        if transaction.is_empty() {
            return Ok(());
        }
        match self.send(transaction).await {
            Ok(_) | Err(WriteError::Exists | WriteError::Stale) => Ok(()),
            // A client with more rights prepares it.
            Err(error) if error.is_forbidden() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Database {
    /// Asks all agents whether they are alive, for as long as it is polled: what they answer is
    /// judged by the clock of who asks. Where others ask, it does not.
    pub(crate) async fn keep_probing(&self) {
        let mut seen = None;
        loop {
            let probe = self.snapshot().probe();
            if seen == Some(probe) {
                let mut transaction = Transaction::new();
                transaction.verify(GLOBAL, Global::probe, &probe);
                self::probe(&mut transaction);
                // Who cannot ask now, or was slower than another, asks again.
                if self.prepare().await.is_ok() {
                    drop(self.transact(transaction).await);
                }
            }
            seen = Some(self.snapshot().probe());
            sleep(REPORT_INTERVAL).await;
        }
    }
}

impl Northbound {
    /// The host that has claimed an address for the ends of its tunnels.
    pub(crate) fn owner_of(&self, endpoint: IpAddr) -> Option<&str> {
        // The index knows texts; one that is not the shortest form claims nothing.
        let row = self
            .endpoints
            .index()
            .by_ip_address
            .get(endpoint.to_string().as_str())?;
        Some(&row.host)
    }

    /// The address that a host has claimed for the ends of its tunnels.
    pub(crate) fn endpoint_of(&self, host: &str) -> Option<IpAddr> {
        let row = self.endpoints.index().by_host.get(host)?;
        row.ip_address.parse().ok()
    }

    /// The number of the latest probe.
    pub(crate) fn probe(&self) -> i64 {
        self.global.get(&GLOBAL).map_or(0, |global| global.probe)
    }

    /// Whether the agent of a host has answered not long ago.
    ///
    /// Probes are counted, so that no clock of an agent matters.
    pub(crate) fn is_alive(&self, host: &str) -> bool {
        let state = self.host_states.index().by_name.get(host);
        let oldest = self.probe().saturating_sub(UNANSWERED);
        state.is_some_and(|state| !state.has_ended() && state.answered >= oldest)
    }

    /// The number of the latest change that somebody waits for.
    pub(crate) fn nb_cfg(&self) -> i64 {
        self.global.get(&GLOBAL).map_or(0, |global| global.nb_cfg)
    }
}

impl HostState {
    /// Whether the agent has said that it ends.
    pub(crate) fn has_ended(&self) -> bool {
        self.alive_at == 0
    }
}

/// The rows that an agent follows: what concerns flows, and of what hosts say of themselves only
/// its own.
pub(crate) fn agent_conditions(host: &str) -> Conditions {
    Conditions::new()
        .only::<tables::Connection>([])
        .only::<tables::RbacRole>([])
        .only::<tables::RbacPermission>([])
        .only::<tables::AccessPolicy>([])
        .only::<tables::AddressScope>([])
        .only::<tables::SubnetPool>([])
        .only::<tables::DefaultSecurityGroup>([])
        .only::<tables::DefaultSecurityGroupRule>([])
        .only::<tables::Quota>([])
        .only([HostState::name.equals(host)])
}

/// Tells contents apart, by the revisions of their objects: equal contents have equal digests.
pub(crate) fn digest(rows: &Northbound) -> Uuid {
    let mut revisions = Vec::new();
    let mut add = |uuid: Uuid, revision_number: i64| {
        revisions.extend_from_slice(uuid.as_bytes());
        revisions.extend_from_slice(&revision_number.to_be_bytes());
    };
    macro_rules! add {
        ($($table:ident)*) => {$(
            rows.$table.iter().for_each(|row| add(row.uuid, row.revision_number));
        )*};
    }
    add!(networks segments subnets address_groups security_groups security_group_rules ports);
    add!(trunks routers floating_ips port_forwardings logs hosts);
    Uuid::new_v5(&GLOBAL, &revisions)
}

/// The time that rows are stamped with: in seconds since 1970, UTC.
pub(crate) fn now() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Has a transaction number itself: once it is applied, [`Global::nb_cfg`] is the number, and hosts
/// report it when they have programmed what it changed. The database has to be
/// [prepared](Database::prepare).
pub(crate) fn number_change(transaction: &mut Transaction<Northbound>) {
    transaction.mutate(GLOBAL, [Global::nb_cfg.plus(1)]);
}

/// Has all agents that are alive answer with the number of this probe. The database has to be
/// [prepared](Database::prepare).
pub(crate) fn probe(transaction: &mut Transaction<Northbound>) {
    transaction.mutate(GLOBAL, [Global::probe.plus(1)]);
}

#[cfg(test)]
pub(crate) mod tests;
