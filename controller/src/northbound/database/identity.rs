//! Which database it is: whoever follows it has to tell it from another, and from one that was lost.
//!
//! The identity is a row's, so a copy has it too, whichever server it is restored on.

use ovsdb::{Transaction, Uuid};

use super::GLOBAL;
use super::tables::{Global, Northbound};

/// What tells a database from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its identity, once somebody has given it one.
    pub(crate) identity: Option<Uuid>,
    /// Whether it describes no network at all.
    pub(crate) is_empty: bool,
    /// Whether it describes ports, which are what is lost with it.
    pub(crate) has_ports: bool,
    /// Whether a command of brint has deleted the last network.
    pub(crate) is_emptied: bool,
}

impl Origin {
    /// What the rows tell.
    pub(crate) fn of(rows: &Northbound) -> Self {
        Self {
            identity: rows.identity(),
            is_empty: rows.networks.is_empty(),
            has_ports: !rows.ports.is_empty(),
            is_emptied: rows.global.get(&GLOBAL).is_some_and(|row| row.emptied),
        }
    }
}

impl Northbound {
    /// Which database it is.
    pub(crate) fn identity(&self) -> Option<Uuid> {
        self.global.get(&GLOBAL)?.identity
    }
}

/// Gives the database an identity, unless it has one.
pub(crate) fn identify(transaction: &mut Transaction<Northbound>, rows: &Northbound) {
    if rows.identity().is_some() {
        return;
    }
    // Without random numbers it has none, and is followed all the same.
    let identity = random();
    match rows.global.get(&GLOBAL) {
        Some(row) => {
            if identity.is_some() {
                transaction.verify(row.uuid, Global::identity, &None);
                let values = Global::values().set(Global::identity, identity);
                transaction.update(row.uuid, values);
            }
        }
        None => transaction.insert_as(GLOBAL, Global::values().set(Global::identity, identity)),
    }
}

/// Notes that the last network goes because somebody wants it to go.
pub(crate) fn note_emptied(transaction: &mut Transaction<Northbound>) {
    transaction.update(GLOBAL, Global::values().set(Global::emptied, true));
}

/// Notes that there are networks again.
pub(crate) fn note_filled(transaction: &mut Transaction<Northbound>, rows: &Northbound) {
    if rows.global.get(&GLOBAL).is_some_and(|row| row.emptied) {
        transaction.update(GLOBAL, Global::values().set(Global::emptied, false));
    }
}

/// A random UUID (RFC 9562, version 4), unless the system has no random numbers.
pub(crate) fn random() -> Option<Uuid> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
