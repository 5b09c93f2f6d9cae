//! `quotas`: how much a project may have. Without a limit of its own it may have any number.
//!
//! Two requests at the same moment may both be the last that is allowed: a limit is a matter of
//! order, not of correctness, and is not worth a queue.

use hyper::{Method, StatusCode};
use ovsdb::Transaction;
use serde_json::{Map, Value, json};

use super::attribute::{boolean, plain};
use super::call::Call;
use super::fault::Fault;
use super::resource::{Answer, Change, apply};
use crate::northbound::database::Database;
use crate::northbound::database::tables::{Northbound, Quota};

/// No limit.
const UNLIMITED: i64 = -1;

/// What is counted.
const RESOURCES: &[&str] = &[
    "network",
    "subnet",
    "subnetpool",
    "port",
    "rbac_policy",
    "router",
    "floatingip",
    "security_group",
    "security_group_rule",
    "trunk",
];

/// Refuses one more of a resource than the project may have.
///
/// # Errors
///
/// The project has as many as it may have.
pub(super) fn check(
    change: &mut Change<'_>,
    resource: &'static str,
    project: &str,
) -> Result<(), Fault> {
    let made = change
        .made
        .entry((resource, project.to_owned()))
        .or_default();
    *made += 1;
    let limit = limit(change.rows, project, resource);
    if limit == UNLIMITED || used(change.rows, project, resource).saturating_add(*made) <= limit {
        return Ok(());
    }
    let message = format!("Quota exceeded for resources: ['{resource}'].");
    Err(Fault::new(StatusCode::CONFLICT, "OverQuota", message))
}

/// Answers a request for limits.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn answer(
    database: &Database,
    call: &Call,
    rest: &[&str],
) -> Result<Answer, Fault> {
    let rows = database.snapshot();
    // A project sees its own limits; all others are for an admin.
    let caller = &call.caller;
    let own = matches!(rest, ["tenant" | "project"])
        || call.method == Method::GET && rest.first() == Some(&caller.project.as_str());
    if !own && !caller.is_admin {
        return Err(Fault::forbidden("quotas"));
    }
    let found = |document: Value| Ok((StatusCode::OK, Some(document)));
    match (call.method.as_str(), rest) {
        ("GET", []) => found(json!({ "quotas": all(&rows) })),
        ("GET", ["tenant" | "project"]) => {
            found(json!({"tenant": {"tenant_id": call.caller.project}}))
        }
        ("GET", [project]) => found(json!({ "quota": limits(&rows, project) })),
        ("GET", [_, "default"]) => {
            let limits = RESOURCES.iter().map(|resource| (*resource, UNLIMITED));
            found(json!({ "quota": limits.collect::<std::collections::BTreeMap<_, _>>() }))
        }
        ("GET", [project, "details.json" | "details"]) => {
            found(json!({ "quota": details(&rows, project) }))
        }
        ("PUT", [project]) => {
            let mut given = call.object("quota")?;
            let checks = flag(&mut given, "check_limit")?;
            // Neutron looks at what is used only if it is asked to, and need not be forced.
            flag(&mut given, "force")?;
            let wanted = read(&given)?;
            apply(database, call, |change| {
                for (resource, limit) in &wanted {
                    let used = used(change.rows, project, resource);
                    if checks && *limit != UNLIMITED && used > *limit {
                        return Err(Fault::bad_request(format!(
                            "Quota limit {limit} of {resource} is less than the {used} that are used"
                        )));
                    }
                    set(
                        &mut change.transaction,
                        change.rows,
                        project,
                        resource,
                        *limit,
                    );
                }
                Ok(())
            })
            .await?;
            found(json!({ "quota": limits(&database.snapshot(), project) }))
        }
        ("DELETE", [project]) => {
            let index = rows.quotas.index();
            if index.by_project.all(*project).next().is_none() {
                let message = format!("Quota for tenant {project} could not be found.");
                return Err(Fault::new(
                    StatusCode::NOT_FOUND,
                    "TenantQuotaNotFound",
                    message,
                ));
            }
            apply(database, call, |change| {
                change.transaction.delete(Quota::project.equals(*project));
                Ok(())
            })
            .await?;
            Ok((StatusCode::NO_CONTENT, None))
        }
        (_, [] | [_] | [_, "default" | "details" | "details.json"]) => Err(Fault::method()),
        _ => Err(Fault::not_found()),
    }
}

fn set(
    transaction: &mut Transaction<Northbound>,
    rows: &Northbound,
    project: &str,
    resource: &str,
    limit: i64,
) {
    let mut present = rows.quotas.index().by_project.all(project);
    match present.find(|row| row.resource == resource) {
        Some(row) => {
            transaction.update(row.uuid, Quota::values().set(Quota::limit, limit));
        }
        None => {
            let columns = Quota::values()
                .set(Quota::project, project)
                .set(Quota::resource, resource)
                .set(Quota::limit, limit);
            transaction.insert(columns);
        }
    }
}

/// Takes what is no limit out of an object: true or false, false if it is not there.
fn flag(object: &mut Map<String, Value>, name: &str) -> Result<bool, Fault> {
    match object.remove(name) {
        None => Ok(false),
        Some(given) => boolean(&given).ok_or_else(|| {
            let reason = format!("'{}' cannot be converted to boolean", plain(&given));
            Fault::attribute(name, &reason)
        }),
    }
}

/// Reads limits by the names of resources.
fn read(object: &Map<String, Value>) -> Result<Vec<(&'static str, i64)>, Fault> {
    let mut wanted = Vec::new();
    for (name, given) in object {
        let resource = RESOURCES.iter().find(|resource| *resource == name);
        let unknown = || Fault::bad_request(format!("Unrecognized attribute(s) '{name}'"));
        let resource = resource.ok_or_else(unknown)?;
        let number = match given {
            Value::String(digits) => digits.trim().parse().ok(),
            other => other.as_i64(),
        };
        let number = number.filter(|number| (UNLIMITED..=i64::from(i32::MAX)).contains(number));
        let invalid = || {
            let expected = "should be an integer from -1 to 2147483647";
            Fault::attribute(name, &format!("'{}' {expected}", plain(given)))
        };
        wanted.push((*resource, number.ok_or_else(invalid)?));
    }
    Ok(wanted)
}

/// The projects that have limits of their own.
fn all(rows: &Northbound) -> Vec<Value> {
    let projects = rows.quotas.iter().map(|row| row.project.as_str());
    let projects: std::collections::BTreeSet<_> = projects.collect();
    let row = |project: &str| {
        let mut limits = limits(rows, project);
        for name in ["tenant_id", "project_id"] {
            limits.insert(name.to_owned(), json!(project));
        }
        Value::Object(limits)
    };
    projects.into_iter().map(row).collect()
}

fn limits(rows: &Northbound, project: &str) -> Map<String, Value> {
    let limits = RESOURCES.iter();
    let limits = limits.map(|name| ((*name).to_owned(), json!(limit(rows, project, name))));
    limits.collect()
}

fn details(rows: &Northbound, project: &str) -> Map<String, Value> {
    let detail = |resource: &&str| {
        let (limit, used) = (
            limit(rows, project, resource),
            used(rows, project, resource),
        );
        let detail = json!({"limit": limit, "used": used, "reserved": 0});
        ((*resource).to_owned(), detail)
    };
    RESOURCES.iter().map(detail).collect()
}

fn limit(rows: &Northbound, project: &str, resource: &str) -> i64 {
    let mut limits = rows.quotas.index().by_project.all(project);
    let limit = limits.find(|row| row.resource == resource);
    limit.map_or(UNLIMITED, |row| row.limit)
}

/// How many of a resource a project has.
fn used(rows: &Northbound, project: &str, resource: &str) -> i64 {
    macro_rules! count {
        ($($name:literal => $table:ident,)*) => {
            match resource {
                $($name => rows.$table.iter().filter(|row| row.project == project).count(),)*
                _ => 0,
            }
        };
    }
    let count = count! {
        "network" => networks,
        "subnet" => subnets,
        "subnetpool" => subnet_pools,
        "port" => ports,
        "rbac_policy" => access_policies,
        "router" => routers,
        "floatingip" => floating_ips,
        "security_group" => security_groups,
        "security_group_rule" => security_group_rules,
        "trunk" => trunks,
    };
    i64::try_from(count).unwrap_or(i64::MAX)
}
