//! `availability_zones`: the places that hosts say they are at.
//!
//! A network is served on every host that has a port of it, so it is wherever it is asked to be;
//! hints are kept for those who ask for them. Routers lead outside by the hosts with the greatest
//! priority, whatever their place, and take no hints.

use std::collections::{BTreeMap, BTreeSet};

use hyper::{Method, StatusCode};
use ovsdb::Uuid;
use serde_json::json;

use super::attribute::{Attribute, Kind};
use super::call::Call;
use super::fault::Fault;
use super::list::{Query, View};
use super::resource::{Answer, fields};
use crate::northbound::database::tables::{Host, Northbound};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::shown("name", Kind::Text(255)).filter(),
    Attribute::shown("resource", Kind::Text(255)).filter(),
    Attribute::shown("state", Kind::Text(255)).filter(),
];

/// Answers a request for all zones.
///
/// # Errors
///
/// What the client is told instead.
pub(super) fn answer(rows: &Northbound, call: &Call) -> Result<Answer, Fault> {
    if call.method != Method::GET {
        return Err(Fault::method());
    }
    let query = Query::read(call, ATTRIBUTES)?;
    let answer = query.answer(call, "availability_zones", zones(rows))?;
    Ok((StatusCode::OK, Some(answer)))
}

/// Refuses a hint at a zone that no host is at.
///
/// # Errors
///
/// There is no such zone.
pub(super) fn check(rows: &Northbound, hints: &[&str]) -> Result<(), Fault> {
    let is_there = |hint: &&&str| {
        rows.hosts
            .iter()
            .any(|host| host.availability_zone == **hint)
    };
    match hints.iter().find(|hint| hint.is_empty() || !is_there(hint)) {
        None => Ok(()),
        Some(hint) => {
            let message = format!("AvailabilityZone {hint} could not be found.");
            let kind = "AvailabilityZoneNotFound";
            Err(Fault::new(StatusCode::NOT_FOUND, kind, message))
        }
    }
}

/// The zones where a network is.
pub(super) fn of_network(rows: &Northbound, network: Uuid) -> BTreeSet<&str> {
    if rows.hosts.iter().all(|host| zone(host).is_none()) {
        // Networks have many ports, and are asked for often.
        return BTreeSet::new();
    }
    let ports = rows.ports.index().by_network.all(network);
    let hosts: BTreeSet<_> = ports.filter_map(|port| port.host.as_deref()).collect();
    let hosts = hosts
        .into_iter()
        .filter_map(|name| rows.hosts.index().by_name.get(name));
    hosts.filter_map(|host| zone(host)).collect()
}

/// Where a host is.
pub(super) fn zone(host: &Host) -> Option<&str> {
    Some(host.availability_zone.as_str()).filter(|zone| !zone.is_empty())
}

/// One that has no host that works cannot be used.
fn zones(rows: &Northbound) -> Vec<View> {
    let mut zones = BTreeMap::new();
    for host in rows.hosts.iter() {
        if let Some(zone) = zone(host) {
            *zones.entry(zone).or_default() |= host.admin_state_up && rows.is_alive(&host.name);
        }
    }
    let shown = zones.into_iter().map(|(name, works)| {
        let state = if works { "available" } else { "unavailable" };
        fields([
            ("name", json!(name)),
            ("resource", json!("network")),
            ("state", json!(state)),
        ])
    });
    shown.collect()
}
