//! `ports/ID/bindings`: the host that a machine is on, and the one that it is being moved to.
//!
//! Nova moves a machine by these: it binds the port on the new host, has that become the one while
//! the machine is stopped, and takes the old binding away when the machine runs. In between both
//! hosts get what is for the machine. A port has two bindings at most.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use serde_json::{Map, Value, json};

use super::attribute::{Attribute, Doing, Kind, Values};
use super::binding::{VNIC_TYPES, plugged, profile};
use super::call::Call;
use super::fault::Fault;
use super::list::{Query, View};
use super::port::Ports;
use super::resource::{Answer, Change, apply, fields, find, own};
use super::trunk;
use crate::northbound::database::Database;
use crate::northbound::database::tables::{Northbound, Port, Status};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::required("host", Kind::Text(255)).filter().sort(),
    Attribute::set("vnic_type", Kind::Word(VNIC_TYPES)).filter(),
    Attribute::set("profile", Kind::Json),
    Attribute::shown("vif_type", Kind::Text(64)).filter(),
    Attribute::shown("vif_details", Kind::Json),
    Attribute::shown("status", Kind::Text(16)).filter(),
    Attribute::shown("project_id", Kind::Text(255)),
];

/// Answers a request for the bindings of a port, for one of them, or to have it become the one.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn answer(
    database: &Database,
    call: &Call,
    id: &str,
    rest: &[&str],
) -> Result<Answer, Fault> {
    let method = call.method.as_str();
    if !call.caller.is_admin {
        let what = method.to_ascii_lowercase();
        return Err(Fault::forbidden(&format!("{what}_port_binding")));
    }
    let shown = |status: StatusCode, host: &str| {
        let rows = database.snapshot();
        let port = find::<Ports>(call, &rows, id)?;
        let view = view(&rows, port, host).ok_or_else(|| missing(port.uuid, host))?;
        let view = Query::read(call, ATTRIBUTES)?.view(view);
        Ok((status, Some(json!({ "binding": view }))))
    };
    match (method, rest) {
        ("GET", []) => {
            let rows = database.snapshot();
            let port = find::<Ports>(call, &rows, id)?;
            let hosts = [trunk::host(&rows, port), port.migrating_to.as_deref()];
            let hosts = hosts.into_iter().flatten();
            let views = hosts.filter_map(|host| view(&rows, port, host)).collect();
            let answer = Query::read(call, ATTRIBUTES)?.answer(call, "bindings", views)?;
            Ok((StatusCode::OK, Some(answer)))
        }
        ("GET", [host]) => shown(StatusCode::OK, host),
        ("POST", []) => {
            let given = read(call, Doing::Create)?;
            let host = given.text("host").unwrap_or_default().to_owned();
            change(database, call, id, |change, port| {
                bind(change, port, &host, &given)
            })
            .await?;
            if call.is_trial {
                return Ok((StatusCode::CREATED, None));
            }
            shown(StatusCode::CREATED, &host)
        }
        ("PUT", [host]) => {
            let given = read(call, Doing::Update)?;
            change(database, call, id, |_, port| set(port, host, &given)).await?;
            shown(StatusCode::OK, host)
        }
        ("PUT", [host, "activate"]) => {
            change(database, call, id, |change, port| {
                activate(change, port, host)
            })
            .await?;
            shown(StatusCode::OK, host)
        }
        ("DELETE", [host]) => {
            change(database, call, id, |change, port| {
                unbind(change, port, host)
            })
            .await?;
            Ok((StatusCode::NO_CONTENT, None))
        }
        (_, [] | [_] | [_, "activate"]) => Err(Fault::method()),
        _ => Err(Fault::not_found()),
    }
}

fn read(call: &Call, doing: Doing) -> Result<Values, Fault> {
    let object: Map<String, Value> = call.object("binding")?;
    Values::read(ATTRIBUTES, &object, doing, &call.caller)
}

/// Changes columns of a port.
async fn change(
    database: &Database,
    call: &Call,
    id: &str,
    columns: impl Fn(&mut Change<'_>, &Arc<Port>) -> Result<ovsdb::Values<Port>, Fault>,
) -> Result<(), Fault> {
    apply(database, call, |change| {
        let port = Arc::clone(own::<Ports>(call, change.rows, id)?);
        let columns = columns(change, &port)?;
        change.touch(&*port, columns);
        Ok(())
    })
    .await
}

/// A binding as clients see it.
fn view(rows: &Northbound, port: &Port, host: &str) -> Option<View> {
    let (status, profile) = if trunk::host(rows, port) == Some(host) {
        ("ACTIVE", &port.binding_profile)
    } else if port.migrating_to.as_deref() == Some(host) {
        ("INACTIVE", &port.migration_profile)
    } else {
        return None;
    };
    let (vif_type, vif_details) = plugged(rows, Some(host));
    let profile: Value = serde_json::from_str(profile).unwrap_or_else(|_| json!({}));
    Some(fields([
        ("host", json!(host)),
        ("project_id", json!(port.project)),
        ("status", json!(status)),
        ("vif_type", json!(vif_type)),
        ("vif_details", vif_details),
        ("vnic_type", json!(port.vnic_type)),
        ("profile", profile),
    ]))
}

/// Binds a port on another host.
fn bind(
    change: &mut Change<'_>,
    port: &Port,
    host: &str,
    given: &Values,
) -> Result<ovsdb::Values<Port>, Fault> {
    let (id, rows) = (port.uuid, change.rows);
    if view(rows, port, host).is_some() {
        let message = format!("Binding for port {id} on host {host} already exists.");
        let kind = "PortBindingAlreadyExists";
        return Err(Fault::new(StatusCode::CONFLICT, kind, message));
    }
    let reason = if rows.hosts.index().by_name.get(host).is_none() {
        "there is no such host"
    } else if let Some(to) = &port.migrating_to {
        &format!("the port is bound on {to} besides already")
    } else if port.host.is_none() || rows.sub_ports.index().by_port.get(id).is_some() {
        "only a port that is bound itself is moved"
    } else {
        check(port, given)?;
        return Ok(Port::values()
            .set(Port::migrating_to, Some(host.to_owned()))
            .set(Port::migration_profile, read_profile(given)?));
    };
    let message =
        format!("Binding for port {id} on host {host} could not be created or updated: {reason}.");
    Err(Fault::new(
        StatusCode::CONFLICT,
        "PortBindingError",
        message,
    ))
}

/// Changes what a binding says.
fn set(port: &Port, host: &str, given: &Values) -> Result<ovsdb::Values<Port>, Fault> {
    check(port, given)?;
    let columns = Port::values();
    let is_active = port.host.as_deref() == Some(host);
    if !is_active && port.migrating_to.as_deref() != Some(host) {
        return Err(missing(port.uuid, host));
    }
    let column = match is_active {
        true => Port::binding_profile,
        false => Port::migration_profile,
    };
    Ok(match given.has("profile") {
        true => columns.set(column, read_profile(given)?),
        false => columns,
    })
}

/// Has the host that a machine is moved to become the one that it is on, and the other way round.
fn activate(
    change: &mut Change<'_>,
    port: &Port,
    host: &str,
) -> Result<ovsdb::Values<Port>, Fault> {
    if port.host.as_deref() == Some(host) {
        let message = format!(
            "Binding for port {} on host {host} is already active.",
            port.uuid
        );
        let kind = "PortBindingAlreadyActive";
        return Err(Fault::new(StatusCode::CONFLICT, kind, message));
    }
    if port.migrating_to.as_deref() != Some(host) {
        return Err(missing(port.uuid, host));
    }
    trunk::follow(change, port, Some(host))?;
    Ok(Port::values()
        .set(Port::host, Some(host.to_owned()))
        .set(Port::claimed, false)
        .set(Port::binding_profile, port.migration_profile.as_str())
        .set(Port::migrating_to, port.host.clone())
        .set(Port::migration_profile, port.binding_profile.as_str())
        .set(Port::status, Status::Down))
}

/// Takes a binding away.
fn unbind(change: &mut Change<'_>, port: &Port, host: &str) -> Result<ovsdb::Values<Port>, Fault> {
    let columns = Port::values().set(Port::migration_profile, "");
    if port.migrating_to.as_deref() == Some(host) {
        return Ok(columns.set(Port::migrating_to, None::<String>));
    }
    if port.host.as_deref() != Some(host) {
        return Err(missing(port.uuid, host));
    }
    trunk::follow(change, port, None)?;
    Ok(columns
        .set(Port::host, None::<String>)
        .set(Port::claimed, false)
        .set(Port::migrating_to, None::<String>)
        .set(Port::status, Status::Down))
}

/// Both bindings of a port are of one kind.
fn check(port: &Port, given: &Values) -> Result<(), Fault> {
    match given.text("vnic_type") {
        Some(word) if word != port.vnic_type => Err(Fault::attribute(
            "vnic_type",
            &format!("'{word}' is not '{}', which the port has", port.vnic_type),
        )),
        _ => Ok(()),
    }
}

fn read_profile(given: &Values) -> Result<String, Fault> {
    profile(given.get("profile").unwrap_or(&Value::Null))
}

fn missing(port: Uuid, host: &str) -> Fault {
    let message = format!("Binding for port {port} for host {host} could not be found.");
    Fault::new(StatusCode::NOT_FOUND, "PortBindingNotFound", message)
}
