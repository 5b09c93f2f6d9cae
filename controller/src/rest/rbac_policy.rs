//! `rbac-policies`: projects let others use what is theirs, and admins let all.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::json;

use super::attribute::{Attribute, ID, Kind, PROJECT_ID, TENANT_ID, Values};
use super::fault::Fault;
use super::identity::Caller;
use super::list::View;
use super::quota;
use super::resource::{Change, Resource, fields};
use super::sharing::{EVERYBODY, Object, add, duplicate, is_shared, kind, policies, stranded};
use crate::northbound::database::tables::{AccessAction, AccessPolicy, Network, Northbound};

/// RBAC policies.
#[derive(Debug)]
pub(super) struct RbacPolicies;

impl Resource for RbacPolicies {
    type Row = AccessPolicy;

    const NAME: &'static str = "rbac_policy";
    const COLLECTION: &'static str = "rbac_policies";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        Attribute::required("object_type", Kind::Text(255)).filter(),
        Attribute::required("object_id", Kind::Id).filter(),
        Attribute::required("action", Kind::Text(255)).filter(),
        Attribute::required("target_tenant", Kind::Text(255))
            .changeable()
            .filter(),
        TENANT_ID,
        PROJECT_ID,
    ];

    fn table(rows: &Northbound) -> &Table<AccessPolicy> {
        &rows.access_policies
    }

    fn missing(id: &str) -> Fault {
        let message = format!("RBAC policy of type unknown with ID {id} not found");
        Fault::new(StatusCode::NOT_FOUND, "RbacPolicyNotFound", message)
    }

    fn project(row: &AccessPolicy) -> Option<&str> {
        Some(&row.project)
    }

    fn view(_rows: &Northbound, policy: &AccessPolicy) -> View {
        fields([
            ("tenant_id", json!(policy.project)),
            ("project_id", json!(policy.project)),
            ("object_type", json!(kind(policy))),
            ("object_id", json!(policy.object())),
            ("action", json!(policy.action.as_str())),
            ("target_tenant", json!(policy.target)),
        ])
    }

    fn shown(rows: &Northbound, policy: &AccessPolicy) -> View {
        // Neutron has no history of these.
        let mut view = Self::view(rows, policy);
        view.insert("id".to_owned(), json!(policy.uuid));
        view
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let project = change.call.project_of(values)?;
        quota::check(change, "rbac_policy", &project)?;
        let (rows, caller) = (change.rows, &change.call.caller);
        let target = target(caller, values)?;
        let (object, action) = read(rows, caller, values)?;
        let mut present = policies(rows, object.id(), action);
        if present.any(|policy| policy.target == target) {
            return Err(duplicate());
        }
        may_use_scope(rows, object, target)?;
        if target == EVERYBODY || action == AccessAction::External {
            object.note(change, action, true);
        } else {
            object.note(change, action, is_for_all(rows, object, None));
        }
        add(change, object.named(), action, (target, &project))
    }

    fn update(
        change: &mut Change<'_>,
        policy: &Arc<AccessPolicy>,
        values: &Values,
    ) -> Result<ovsdb::Values<AccessPolicy>, Fault> {
        let columns = AccessPolicy::values();
        let rows = change.rows;
        let target = match values.has("target_tenant") {
            true => target(&change.call.caller, values)?,
            false => return Ok(columns),
        };
        let Some(object) = Object::of(rows, policy).filter(|_| target != policy.target) else {
            return Ok(columns);
        };
        let mut present = policies(rows, object.id(), policy.action);
        if present.any(|other| other.target == target) {
            return Err(duplicate());
        }
        may_use_scope(rows, object, target)?;
        is_unneeded(rows, object, policy, Some(target))?;
        let said = match policy.action {
            AccessAction::External => true,
            AccessAction::Shared => {
                target == EVERYBODY || is_for_all(rows, object, Some(policy.uuid))
            }
        };
        object.note(change, policy.action, said);
        Ok(columns.set(AccessPolicy::target, target))
    }

    fn delete(change: &mut Change<'_>, policy: &Arc<AccessPolicy>) -> Result<(), Fault> {
        let rows = change.rows;
        if let Some(object) = Object::of(rows, policy) {
            is_unneeded(rows, object, policy, None)?;
            let said = match policy.action {
                AccessAction::External => {
                    let mut present = policies(rows, object.id(), policy.action);
                    present.any(|other| other.uuid != policy.uuid)
                }
                AccessAction::Shared => is_for_all(rows, object, Some(policy.uuid)),
            };
            object.note(change, policy.action, said);
        }
        change.transaction.delete::<AccessPolicy>(policy.uuid);
        Ok(())
    }
}

/// The project that is meant; all of them are for an admin to name.
fn target<'a>(caller: &Caller, values: &'a Values) -> Result<&'a str, Fault> {
    match values.text("target_tenant").unwrap_or_default() {
        "" => Err(Fault::attribute(
            "target_tenant",
            "'' is no project, and '*' is all of them",
        )),
        EVERYBODY if !caller.is_admin => Err(Fault::forbidden("restrict_wildcard")),
        target => Ok(target),
    }
}

/// What a policy is to be about, and what it is to allow.
fn read<'a>(
    rows: &'a Northbound,
    caller: &Caller,
    values: &Values,
) -> Result<(Object<'a>, AccessAction), Fault> {
    let kind = values.text("object_type").unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    if !Object::KINDS.contains(&kind.as_str()) {
        let reason = format!("'{}' is not a valid RBAC object type", kind.escape_debug());
        return Err(Fault::invalid_input(&reason));
    }
    let action = match values.text("action").unwrap_or_default() {
        "access_as_shared" => AccessAction::Shared,
        "access_as_external" if kind == "network" => AccessAction::External,
        other => {
            let reason = format!(
                "Invalid action '{}' for object type '{kind}'",
                other.escape_debug()
            );
            return Err(Fault::invalid_input(&reason));
        }
    };
    let id = values.id("object_id").unwrap_or_default();
    let object = Object::find(rows, &kind, id);
    let object = object.filter(|object| caller.is_admin || object.project() == caller.project);
    // What belongs to others is not told from what is not there.
    let object = object.ok_or_else(|| {
        Fault::invalid_input(&format!(
            "{kind} {id} could not be found, and only admins can manipulate policies on objects \
             they do not own"
        ))
    })?;
    Ok((object, action))
}

/// Refuses to share a subnet pool with who may not use its address scope.
fn may_use_scope(rows: &Northbound, object: Object<'_>, target: &str) -> Result<(), Fault> {
    let Object::SubnetPool(pool) = object else {
        return Ok(());
    };
    let scope = pool.address_scope;
    let Some(scope) = scope.and_then(|id| rows.address_scopes.get(&id)) else {
        return Ok(());
    };
    if scope.project == target || is_shared(rows, scope.uuid, scope.shared, target) {
        return Ok(());
    }
    Err(Fault::invalid_input(&format!(
        "subnet pool {} is in address scope {}, which {target} may not use",
        pool.uuid, scope.uuid
    )))
}

/// Whether a policy other than one lets all projects use an object.
fn is_for_all(rows: &Northbound, object: Object<'_>, but: Option<Uuid>) -> bool {
    let mut present = policies(rows, object.id(), AccessAction::Shared);
    present.any(|policy| policy.target == EVERYBODY && Some(policy.uuid) != but)
}

/// Refuses to take a policy away, or to another project, while somebody depends on it.
fn is_unneeded(
    rows: &Northbound,
    object: Object<'_>,
    policy: &AccessPolicy,
    instead: Option<&str>,
) -> Result<(), Fault> {
    let id = object.id();
    let refused = |details: String| {
        let message = format!(
            "RBAC policy on object {id} cannot be removed because other objects depend on it.\n\
             Details: {details}"
        );
        Err(Fault::new(StatusCode::CONFLICT, "RbacPolicyInUse", message))
    };
    if let Some(user) = stranded(rows, object, policy.action, &[policy.uuid], instead) {
        return refused(format!("project {user} uses it"));
    }
    let (Object::Network(network), AccessAction::External) = (object, policy.action) else {
        return Ok(());
    };
    if network.is_default && policy.target == EVERYBODY {
        return refused(format!("network {id} is the default external network"));
    }
    let mut others = policies(rows, id, policy.action);
    let is_last = instead.is_none() && !others.any(|other| other.uuid != policy.uuid);
    match is_last && is_left_by(rows, network) {
        true => refused(format!("routers or floating IPs are on network {id}")),
        false => Ok(()),
    }
}

/// Whether anything leaves by a network.
pub(super) fn is_left_by(rows: &Northbound, network: &Network) -> bool {
    let id = network.uuid;
    let mut routers = rows.routers.iter();
    let mut floating_ips = rows.floating_ips.iter();
    routers.any(|router| router.external_network == Some(id))
        || floating_ips.any(|floating_ip| floating_ip.network == id)
}
