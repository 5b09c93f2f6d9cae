//! Which hosts serve a network or a router, and what a host serves, for admins.
//!
//! Neutron gives networks and routers to agents. Here the host of a machine answers it itself, and
//! routes what it sends, so that follows from where ports are, and is only shown: the extensions,
//! by which admins choose, are not announced.

use std::collections::BTreeSet;

use hyper::{Method, StatusCode};
use pipelines::failover::Failover;
use pipelines::network::{HostName, Model, RouterId};
use pipelines::routing::View as Routing;

use super::agent::Agents;
use super::call::Call;
use super::fault::Fault;
use super::list::{Query, View};
use super::network::Networks;
use super::resource::{Answer, Resource, find, shown};
use super::router::Routers;
use crate::northbound::database::objects::describe;
use crate::northbound::database::tables::{Host, Northbound};

/// Answers a request for what a path of three parts below the version names.
///
/// # Errors
///
/// What the client is told instead.
pub(super) fn answer(
    rows: &Northbound,
    call: &Call,
    (collection, id, part): (&str, &str, &str),
) -> Result<Answer, Fault> {
    let views = match (collection, part) {
        ("networks", "dhcp-agents") => of_network(rows, call, id)?,
        ("routers", "l3-agents") => of_router(rows, call, id)?,
        ("agents", "dhcp-networks") => networks(rows, call, id)?,
        ("agents", "l3-routers") => routers(rows, call, id)?,
        _ => return Err(Fault::not_found()),
    };
    if call.method != Method::GET {
        return Err(Fault::method());
    }
    if !call.caller.is_admin {
        return Err(Fault::forbidden(&format!("get_{part}")));
    }
    let (name, query) = match part {
        "dhcp-networks" => ("networks", Query::read(call, Networks::ATTRIBUTES)?),
        "l3-routers" => ("routers", Query::read(call, Routers::ATTRIBUTES)?),
        _ => ("agents", Query::read(call, Agents::ATTRIBUTES)?),
    };
    Ok((StatusCode::OK, Some(query.answer(call, name, views)?)))
}

/// The hosts that a network has ports on.
fn of_network(rows: &Northbound, call: &Call, id: &str) -> Result<Vec<View>, Fault> {
    let network = find::<Networks>(call, rows, id)?.uuid;
    let ports = rows.ports.index().by_network.all(network);
    let hosts: BTreeSet<_> = ports.filter_map(|port| port.host.as_deref()).collect();
    let hosts = hosts
        .into_iter()
        .filter_map(|name| rows.hosts.index().by_name.get(name));
    Ok(hosts
        .map(|host| shown::<Agents>(call, rows, host))
        .collect())
}

/// The hosts that know a router: those that have ports behind it, and the one that leads it outside
/// as long as all are there.
fn of_router(rows: &Northbound, call: &Call, id: &str) -> Result<Vec<View>, Fault> {
    let id = RouterId(find::<Routers>(call, rows, id)?.uuid);
    let model = describe(rows).model;
    let hosts = rows.hosts.iter();
    let hosts = hosts.filter(|host| known(&model, host).contains(&id));
    Ok(hosts
        .map(|host| shown::<Agents>(call, rows, host))
        .collect())
}

/// The networks that a host has ports of.
fn networks(rows: &Northbound, call: &Call, id: &str) -> Result<Vec<View>, Fault> {
    let host = find::<Agents>(call, rows, id)?;
    let ports = rows.ports.iter();
    let ports = ports.filter(|port| port.host.as_deref() == Some(&host.name));
    let networks: BTreeSet<_> = ports.map(|port| port.network).collect();
    let networks = networks.iter().filter_map(|id| rows.networks.get(id));
    Ok(networks
        .map(|row| shown::<Networks>(call, rows, row))
        .collect())
}

/// The routers that a host knows.
fn routers(rows: &Northbound, call: &Call, id: &str) -> Result<Vec<View>, Fault> {
    let host = find::<Agents>(call, rows, id)?;
    let known = known(&describe(rows).model, host);
    let routers = known.iter().filter_map(|id| rows.routers.get(&id.0));
    Ok(routers
        .map(|row| shown::<Routers>(call, rows, row))
        .collect())
}

fn known(model: &Model, host: &Host) -> BTreeSet<RouterId> {
    let name = HostName::from(host.name.as_str());
    let plugged = model.ports_on(&name).map(|port| port.network).collect();
    let routing = Routing {
        model,
        host: &name,
        failover: &Failover::default(),
    };
    routing.reach(&plugged).routers
}
