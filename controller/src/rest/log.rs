//! `log/logs`: wishes to be told what security groups accept and drop; for admins.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::{Value, json};

use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, NAME, PROJECT_ID, REVISION_NUMBER, TENANT_ID,
    UPDATED_AT, Values,
};
use super::fault::Fault;
use super::list::View;
use super::new::random_id;
use super::resource::{Change, Resource, fields, stamped};
use crate::northbound::database::tables::{Log, LogEvent, Northbound};

/// What can be logged.
const KIND: &str = "security_group";

/// Logs.
#[derive(Debug)]
pub(super) struct Logs;

impl Resource for Logs {
    type Row = Log;

    const NAME: &'static str = "log";
    const COLLECTION: &'static str = "logs";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        DESCRIPTION,
        Attribute::required("resource_type", Kind::Text(255))
            .filter()
            .sort(),
        Attribute::made("resource_id", Kind::Nullable(&Kind::Id))
            .filter()
            .sort(),
        Attribute::made("target_id", Kind::Nullable(&Kind::Id))
            .filter()
            .sort(),
        Attribute::made("event", Kind::Word(&["ACCEPT", "DROP", "ALL"])).filter(),
        Attribute::set("enabled", Kind::Boolean).filter().sort(),
        TENANT_ID,
        PROJECT_ID,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<Log> {
        &rows.logs
    }

    fn missing(id: &str) -> Fault {
        not_found("LogResourceNotFound", "Log resource", id)
    }

    /// Whoever's it is, it is for admins.
    fn project(_row: &Log) -> Option<&str> {
        None
    }

    fn view(_rows: &Northbound, log: &Log) -> View {
        fields([
            ("name", json!(log.name)),
            ("description", json!(log.description)),
            ("tenant_id", json!(log.project)),
            ("project_id", json!(log.project)),
            ("resource_type", json!(KIND)),
            ("resource_id", json!(log.security_group)),
            ("target_id", json!(log.port)),
            ("event", json!(log.event.as_str())),
            ("enabled", json!(log.enabled)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        if !change.call.caller.is_admin {
            return Err(Fault::forbidden("create_log"));
        }
        let (group, port) = read(change.rows, values)?;
        let event = match values.text("event") {
            Some("ACCEPT") => LogEvent::Accept,
            Some("DROP") => LogEvent::Drop,
            _ => LogEvent::All,
        };
        let id = random_id()?;
        let columns = columns(values)
            .set(Log::project, change.call.project_of(values)?)
            .set(Log::enabled, values.boolean("enabled").unwrap_or(true))
            .set(Log::event, event)
            .set(Log::security_group, group)
            .set(Log::port, port);
        change.transaction.insert_as(id, stamped(columns));
        Ok(id)
    }

    fn update(
        _change: &mut Change<'_>,
        _log: &Arc<Log>,
        values: &Values,
    ) -> Result<ovsdb::Values<Log>, Fault> {
        let columns = columns(values);
        Ok(match values.boolean("enabled") {
            Some(enabled) => columns.set(Log::enabled, enabled),
            None => columns,
        })
    }

    fn delete(change: &mut Change<'_>, log: &Arc<Log>) -> Result<(), Fault> {
        change.transaction.delete::<Log>(log.uuid);
        Ok(())
    }
}

/// What can be logged, as clients see it.
pub(super) fn loggable_resources() -> Value {
    json!({"loggable_resources": [{"type": KIND}]})
}

/// Deletes the logs about a group or a port that goes.
pub(super) fn forget(change: &mut Change<'_>, object: Uuid) {
    let logs = change.rows.logs.iter();
    let logs = logs.filter(|log| log.security_group == Some(object) || log.port == Some(object));
    for log in logs {
        change.transaction.delete::<Log>(log.uuid);
    }
}

/// The group and the port that are meant.
fn read(rows: &Northbound, values: &Values) -> Result<(Option<Uuid>, Option<Uuid>), Fault> {
    let kind = values.text("resource_type").unwrap_or_default();
    if kind != KIND {
        let message = format!("Invalid log resource_type: {}.", kind.escape_debug());
        let kind = "InvalidLogResourceType";
        return Err(Fault::new(StatusCode::BAD_REQUEST, kind, message));
    }
    let group = values.id("resource_id");
    if let Some(id) = group.filter(|id| rows.security_groups.get(id).is_none()) {
        return Err(not_found("ResourceNotFound", "Resource", &id.to_string()));
    }
    let Some(id) = values.id("target_id") else {
        return Ok((group, None));
    };
    let port = rows
        .ports
        .get(&id)
        .ok_or_else(|| not_found("TargetResourceNotFound", "Target resource", &id.to_string()))?;
    match group.filter(|group| !port.security_groups.contains(group)) {
        None => Ok((group, Some(id))),
        Some(group) => {
            let message = format!(
                "Invalid resource constraint between resource (security_group {group}) and target \
                 resource (port {id})."
            );
            let kind = "InvalidResourceConstraint";
            Err(Fault::new(StatusCode::BAD_REQUEST, kind, message))
        }
    }
}

fn not_found(kind: &'static str, what: &str, id: &str) -> Fault {
    let message = format!("{what} {id} could not be found.");
    Fault::new(StatusCode::NOT_FOUND, kind, message)
}

/// The columns that are written as they are given.
fn columns(values: &Values) -> ovsdb::Values<Log> {
    let mut columns = Log::values();
    if let Some(name) = values.text("name") {
        columns = columns.set(Log::name, name);
    }
    if let Some(description) = values.text("description") {
        columns = columns.set(Log::description, description);
    }
    columns
}
