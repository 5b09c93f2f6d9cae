//! What the agent says of its host in the northbound database.
//!
//! It is level-triggered too: rows are compared with what is, and the difference is written. The
//! writing is a task of its own, as a database that does not answer must not hold up the switch.

use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::time::{Duration, Instant};

use ovsdb::Transaction;
use ovsdb::tables::Values;
use pipelines::network::{Host, HostName, Model, PortId};
use tokio::task::JoinHandle;
use tracing::warn;

use super::settings::ThisHost;
use crate::northbound::database::identity::identify;
use crate::northbound::database::tables::{
    EncapType, Endpoint, Host as HostRow, HostState, Northbound, Port, Status,
};
use crate::northbound::database::{Database, REPORT_INTERVAL, WriteError, now};
use crate::northbound::followed::Followed;
use crate::until::until;
use crate::vswitch::Bindings;
use seat::{Seat, Step};

mod seat;

/// How long to wait before a transaction that was refused is built anew.
const RETRY: Duration = Duration::from_secs(1);

/// What a role of the database may forbid: it is written apart from the rest, as the whole
/// transaction is refused for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    /// Give the database its identity.
    Identity,
    /// Hold the name of the host against other agents, and answer probes.
    Name,
    /// Claim the address where the tunnels of the host end.
    Endpoint,
    /// Take a port that names no host.
    Ports,
}

/// What is true of the host.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// The host with its settings.
    pub(super) this: &'a ThisHost,
    /// The rows that it is derived from.
    pub(super) rows: &'a Northbound,
    /// The desired network.
    pub(super) model: &'a Model,
    /// What is plugged in.
    pub(super) bindings: &'a Bindings,
    /// The change up to which everything is programmed, if it is.
    pub(super) programmed: Option<i64>,
}

/// Writes to the northbound database.
#[derive(Debug)]
pub(super) struct Uplink {
    database: Database,
    started_at: i64,
    /// The transaction under way.
    sending: Option<JoinHandle<Result<(), WriteError>>>,
    /// Whether to say that the host is alive.
    due: bool,
    /// When to say it again.
    report_at: Option<Instant>,
    /// When to try again what was refused.
    retry_at: Option<Instant>,
    /// What the transaction under way needs a right for.
    asked: Option<Right>,
    /// The rights that the host does not have.
    forbidden: BTreeSet<Right>,
    /// Whether it was logged that the role is that of an earlier version.
    told_role: bool,
    /// Which of several agents with the host's name writes.
    seat: Seat,
}

impl Uplink {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            started_at: now(),
            sending: None,
            due: true,
            report_at: None,
            retry_at: None,
            asked: None,
            forbidden: BTreeSet::new(),
            told_role: false,
            seat: Seat::default(),
        }
    }

    /// Whether the database is the one that is followed.
    pub(super) fn leads_to(&self, followed: &Followed) -> bool {
        followed.is(self.database.snapshot().identity())
    }

    /// Waits until there may be something to write. After a refusal, why.
    pub(super) async fn changed(&mut self) -> Option<WriteError> {
        let Some(sending) = &mut self.sending else {
            tokio::select! {
                // What is due stays so until it can be said, which is not worth asking for again.
                () = until(self.report_at) => {
                    self.report_at = None;
                    self.due = true;
                    // An operator may have brought the role up to date.
                    self.forbidden.remove(&Right::Name);
                    self.forbidden.remove(&Right::Endpoint);
                }
                () = until(self.retry_at) => self.retry_at = None,
                () = until(self.seat.look_at()) => self.seat.looked(),
            }
            return None;
        };
        let sent = sending.await;
        self.sending = None;
        match sent {
            Ok(Ok(())) => None,
            Ok(Err(error)) => match self.asked.filter(|_| error.is_forbidden()) {
                Some(right) => {
                    self.forbid(right, &error);
                    None
                }
                None => {
                    self.retry_at = Some(Instant::now() + RETRY);
                    self.due = true;
                    Some(error)
                }
            },
            // The task does not panic, and is not aborted.
            Err(_) => future::pending().await,
        }
    }

    fn may(&self, right: Right) -> bool {
        !self.forbidden.contains(&right)
    }

    /// Does without what the database has refused.
    fn forbid(&mut self, right: Right, error: &WriteError) {
        self.forbidden.insert(right);
        match right {
            // A client that may write the networks gives the database its identity.
            Right::Identity => {}
            Right::Ports => {
                warn!("ports that name no host stay so, as this host may not change them: {error}");
            }
            Right::Name | Right::Endpoint => {
                if !std::mem::replace(&mut self.told_role, true) {
                    warn!("the role of this host is that of an earlier version: {error}");
                }
            }
        }
    }

    /// Writes what the database does not say yet.
    pub(super) fn report(&mut self, facts: &Facts<'_>) {
        if self.sending.is_some() || self.retry_at.is_some() {
            return;
        }
        let rows = self.database.snapshot();
        let mut transaction = Transaction::new();
        if rows.identity().is_none() && self.may(Right::Identity) {
            identify(&mut transaction, &rows);
            if !transaction.is_empty() {
                return self.send(transaction, Some(Right::Identity));
            }
        }
        if self.may(Right::Name) {
            let name = facts.this.host.name.as_str();
            let row = rows.host_states.index().by_name.get(name);
            let row = row.map(AsRef::as_ref);
            let step = self.seat.look(row, Instant::now());
            self.seat.write(step, &mut transaction, name, row);
            if step != Step::Hold {
                return self.send(transaction, Some(Right::Name));
            }
        }
        if self.may(Right::Endpoint) {
            put_endpoint(&mut transaction, &rows, facts);
            if !transaction.is_empty() {
                return self.send(transaction, Some(Right::Endpoint));
            }
        }
        put_host(&mut transaction, &rows, facts);
        put_status(&mut transaction, &rows, facts);
        self.put_state(&mut transaction, &rows, facts);
        let claims = transaction.is_empty() && self.may(Right::Ports);
        if claims {
            claim_ports(&mut transaction, &rows, facts);
        }
        if self.due {
            self.due = false;
            self.report_at = Some(Instant::now() + REPORT_INTERVAL);
        }
        self.send(transaction, claims.then_some(Right::Ports));
    }

    fn send(&mut self, transaction: Transaction<Northbound>, asked: Option<Right>) {
        if transaction.is_empty() {
            return;
        }
        self.asked = asked;
        let database = self.database.clone();
        let send = async move { database.transact(transaction).await.map(drop) };
        self.sending = Some(tokio::spawn(send));
    }

    /// Whether another agent with the host's name writes in its place.
    pub(super) fn is_displaced(&self) -> bool {
        self.seat.is_taken()
    }

    /// Says that the agent ends: nobody need wait for the host.
    pub(super) async fn farewell(mut self, host: &Host) {
        if let Some(sending) = self.sending.take() {
            drop(sending.await);
        }
        let mut transaction = Transaction::new();
        match self.may(Right::Name) {
            true => {
                let rows = self.database.snapshot();
                self.seat.leave(&mut transaction, &rows, host.name.as_str());
            }
            false => drop(transaction.update(
                HostState::name.equals(host.name.as_str()),
                HostState::values().set(HostState::alive_at, 0),
            )),
        }
        if transaction.is_empty() {
            return;
        }
        drop(self.database.transact(transaction).await);
    }

    fn put_state(
        &self,
        transaction: &mut Transaction<Northbound>,
        rows: &Northbound,
        facts: &Facts<'_>,
    ) {
        let name = facts.this.host.name.as_str();
        let row = rows.host_states.index().by_name.get(name);
        let state = HostState::values()
            .set(HostState::alive_at, now())
            .set(HostState::started_at, self.started_at)
            .set(HostState::version, env!("CARGO_PKG_VERSION"));
        let state = match self.may(Right::Name) {
            true => state.set(HostState::answered, rows.probe()),
            false => state,
        };
        let reported = row.map_or(0, |row| row.nb_cfg);
        let nb_cfg = facts.programmed.unwrap_or(reported);
        let state = state.set(HostState::nb_cfg, nb_cfg);
        match row {
            Some(row) => {
                let same = row.nb_cfg == nb_cfg
                    && row.started_at == self.started_at
                    && (row.answered == rows.probe() || !self.may(Right::Name));
                if self.due || !same {
                    transaction.update(row.uuid, state);
                }
            }
            None => {
                transaction.insert(state.set(HostState::name, name));
            }
        }
    }
}

/// Claims the address where the tunnels of the host end, unless another host has it.
fn put_endpoint(transaction: &mut Transaction<Northbound>, rows: &Northbound, facts: &Facts<'_>) {
    let name = facts.this.host.name.as_str();
    let own = rows.endpoints.index().by_host.get(name);
    let Some(ip) = facts.this.wanted_ip else {
        if let Some(own) = own {
            transaction.delete::<Endpoint>(own.uuid);
        }
        return;
    };
    if rows.owner_of(ip).is_some() {
        return;
    }
    let values = Endpoint::values().set(Endpoint::ip_address, ip.to_string());
    match own {
        Some(own) => drop(transaction.update(own.uuid, values)),
        None => drop(transaction.insert(values.set(Endpoint::host, name))),
    }
}

/// Writes what the host offers, if that is not what the database says.
fn put_host(transaction: &mut Transaction<Northbound>, rows: &Northbound, facts: &Facts<'_>) {
    let host = &facts.this.host;
    let row = rows.hosts.index().by_name.get(host.name.as_str());
    // What the host offers may be what its row says, so it has to be derived from this row.
    if row != facts.rows.hosts.index().by_name.get(host.name.as_str()) {
        return;
    }
    // What it is to have is said, so that others can tell whose it is.
    let encap_ip = facts.this.wanted_ip.map(|ip| ip.to_string());
    let encap_types: BTreeSet<EncapType> = (host.encap_types.iter())
        .map(|encap_type| match encap_type {
            pipelines::network::EncapType::Vxlan => EncapType::Vxlan,
            pipelines::network::EncapType::Gre => EncapType::Gre,
            pipelines::network::EncapType::Geneve => EncapType::Geneve,
        })
        .collect();
    let bridge_mappings: BTreeMap<String, String> = (host.bridge_mappings.iter())
        .map(|(physical_network, bridge)| (physical_network.to_string(), bridge.clone()))
        .collect();
    let same = row.is_some_and(|row| {
        row.encap_ip == encap_ip
            && row.encap_types == encap_types
            && row.bridge_mappings == bridge_mappings
    });
    if same {
        return;
    }
    let values = HostRow::values()
        .set(HostRow::encap_ip, encap_ip)
        .set(HostRow::encap_types, encap_types)
        .set(HostRow::bridge_mappings, bridge_mappings)
        .set(HostRow::updated_at, now());
    match row {
        Some(row) => {
            transaction.update(row.uuid, values);
            transaction.mutate(row.uuid, [HostRow::revision_number.plus(1)]);
        }
        None => {
            let values = values
                .set(HostRow::name, host.name.as_str())
                .set(HostRow::mtu, i64::from(host.mtu))
                .set(HostRow::admin_state_up, true)
                .set(HostRow::created_at, now());
            transaction.insert(values);
        }
    }
}

/// Writes whether the ports of the host work.
fn put_status(transaction: &mut Transaction<Northbound>, rows: &Northbound, facts: &Facts<'_>) {
    for row in rows.ports.iter() {
        let id = PortId(row.uuid);
        let parent = facts.model.parent(id).map(|(parent, _)| parent.id);
        let binding = facts.bindings.ports.get(&parent.unwrap_or(id));
        let plugged = binding.is_some_and(|binding| binding.works);
        // A sub-port is where its parent is, and has no host of its own.
        let host = match facts.model.port(id) {
            Some(port) => port.host.as_ref().map(HostName::as_str),
            None => row.host.as_deref(),
        };
        if host != Some(facts.this.host.name.as_str()) {
            continue;
        }
        let status = match (plugged && row.admin_state_up, facts.programmed) {
            (true, Some(_)) => Status::Active,
            // What works goes on while something else is being programmed.
            (true, None) => row.status,
            (false, _) => Status::Down,
        };
        if row.status != status {
            let values = Port::values().set(Port::status, status);
            put_port(transaction, row, values);
        }
    }
}

/// Takes the ports that are plugged in here and name no host, and those that another host has taken
/// so and that were plugged in here later; gives back those that are here no more.
fn claim_ports(transaction: &mut Transaction<Northbound>, rows: &Northbound, facts: &Facts<'_>) {
    let (this, bindings) = (facts.this.host.name.as_str(), facts.bindings);
    for row in rows.ports.iter() {
        let id = PortId(row.uuid);
        // A sub-port is where its parent is.
        if facts.model.parent(id).is_some() || row.host.is_some() && !row.claimed {
            continue;
        }
        let is_new = bindings.elsewhere.get(&id);
        let works = bindings.ports.get(&id).is_some_and(|binding| binding.works);
        let is_there = works || is_new.is_some();
        let host = match row.host.as_deref() {
            None => works.then_some(this),
            Some(host) if host == this => is_there.then_some(this),
            // What was bound here before was plugged in earlier.
            Some(other) if is_new == Some(&true) => {
                let name = &row.name;
                warn!("port {name} ({}) is taken over from host {other}", row.uuid);
                Some(this)
            }
            Some(_) => continue,
        };
        if host != row.host.as_deref() {
            let values = Port::values()
                .set(Port::host, host.map(str::to_owned))
                .set(Port::claimed, host.is_some());
            put_port(transaction, row, values);
        }
    }
}

fn put_port(transaction: &mut Transaction<Northbound>, row: &Port, values: Values<Port>) {
    // Two hosts may see an interface of a port that has none yet: one gets it.
    transaction.verify(row.uuid, Port::host, &row.host);
    transaction.update(row.uuid, values.set(Port::updated_at, now()));
    transaction.mutate(row.uuid, [Port::revision_number.plus(1)]);
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_ready(uplink: &mut Uplink) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(uplink.changed()).poll(&mut context) != Poll::Pending
    }

    #[tokio::test]
    async fn what_cannot_be_said_yet_keeps_nobody_busy() {
        let (database, _events) = Database::follow(Vec::new(), ovsdb::Options::default());
        let mut uplink = Uplink::new(database);
        assert!(!is_ready(&mut uplink));
        // The time has come: it is told once.
        uplink.report_at = Some(Instant::now());
        assert_eq!(uplink.changed().await, None);
        assert!(!is_ready(&mut uplink));
    }
}
