//! Who may use what belongs to another project: Neutron's RBAC policies.
//!
//! A policy is about one object, and for one project or for all. That all may use an object also
//! stands with it, in the column `shared`, so that every request need not look for policies;
//! databases of before there were policies have only that, and [`adopt`] writes theirs. A network
//! leads outside as long as there is a policy that says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::tables::Declared as _;

use super::call::Call;
use super::fault::Fault;
use super::new::random_id;
use super::resource::{Change, apply, stamped};
use crate::northbound::database::tables::{
    AccessAction, AccessPolicy, AddressGroup, AddressScope, Network, Northbound,
    OWNER_OF_FLOATING_IP, OWNER_OF_GATEWAY, SecurityGroup, SubnetPool,
};
use crate::northbound::database::{Database, WriteError};

/// The target of a policy for all projects.
pub(super) const EVERYBODY: &str = "*";

/// An object that policies may be about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Object<'a> {
    Network(&'a Arc<Network>),
    SubnetPool(&'a Arc<SubnetPool>),
    AddressScope(&'a Arc<AddressScope>),
    SecurityGroup(&'a Arc<SecurityGroup>),
    AddressGroup(&'a Arc<AddressGroup>),
}

/// Says the same of an object of any kind.
macro_rules! each {
    ($object:expr, $row:ident => $said:expr) => {
        match $object {
            Object::Network($row) => $said,
            Object::SubnetPool($row) => $said,
            Object::AddressScope($row) => $said,
            Object::SecurityGroup($row) => $said,
            Object::AddressGroup($row) => $said,
        }
    };
}

impl<'a> Object<'a> {
    /// What Neutron calls the kinds.
    pub(super) const KINDS: &'static [&'static str] = &[
        "network",
        "subnetpool",
        "address_scope",
        "security_group",
        "address_group",
    ];

    /// The object of a kind and an id.
    pub(super) fn find(rows: &'a Northbound, kind: &str, id: Uuid) -> Option<Self> {
        match kind {
            "network" => rows.networks.get(&id).map(Self::Network),
            "subnetpool" => rows.subnet_pools.get(&id).map(Self::SubnetPool),
            "address_scope" => rows.address_scopes.get(&id).map(Self::AddressScope),
            "security_group" => rows.security_groups.get(&id).map(Self::SecurityGroup),
            "address_group" => rows.address_groups.get(&id).map(Self::AddressGroup),
            _ => None,
        }
    }

    /// The object that a policy is about.
    pub(super) fn of(rows: &'a Northbound, policy: &AccessPolicy) -> Option<Self> {
        Self::find(rows, kind(policy), policy.object()?)
    }

    /// All that there are.
    fn all(rows: &'a Northbound) -> impl Iterator<Item = Self> {
        let networks = rows.networks.iter().map(Self::Network);
        let pools = rows.subnet_pools.iter().map(Self::SubnetPool);
        let scopes = rows.address_scopes.iter().map(Self::AddressScope);
        networks.chain(pools).chain(scopes)
    }

    pub(super) fn id(self) -> Uuid {
        each!(self, row => row.uuid)
    }

    /// The project that it belongs to.
    pub(super) fn project(self) -> &'a str {
        each!(self, row => row.project.as_str())
    }

    fn is_shared(self) -> bool {
        each!(self, row => row.shared)
    }

    /// Notes that a policy about it changes, which a change of it must not overlook.
    pub(super) fn note(self, change: &mut Change<'_>, action: AccessAction, said: bool) {
        match (self, action) {
            (Self::Network(row), AccessAction::External) => {
                change.touch(&**row, Network::values().set(Network::external, said));
            }
            (Self::Network(row), AccessAction::Shared) => {
                change.touch(&**row, Network::values().set(Network::shared, said));
            }
            (Self::SubnetPool(row), _) => {
                change.touch(&**row, SubnetPool::values().set(SubnetPool::shared, said));
            }
            (Self::AddressScope(row), _) => {
                let columns = AddressScope::values().set(AddressScope::shared, said);
                change.touch(&**row, columns);
            }
            (Self::SecurityGroup(row), _) => {
                let columns = SecurityGroup::values().set(SecurityGroup::shared, said);
                change.touch(&**row, columns);
            }
            (Self::AddressGroup(row), _) => {
                let columns = AddressGroup::values().set(AddressGroup::shared, said);
                change.touch(&**row, columns);
            }
        }
    }

    /// The columns of a policy that is about it.
    pub(super) fn named(self) -> ovsdb::Values<AccessPolicy> {
        let columns = AccessPolicy::values();
        let id = Some(self.id());
        match self {
            Self::Network(_) => columns.set(AccessPolicy::network, id),
            Self::SubnetPool(_) => columns.set(AccessPolicy::subnet_pool, id),
            Self::AddressScope(_) => columns.set(AccessPolicy::address_scope, id),
            Self::SecurityGroup(_) => columns.set(AccessPolicy::security_group, id),
            Self::AddressGroup(_) => columns.set(AccessPolicy::address_group, id),
        }
    }

    /// The projects that use it.
    fn users(self, rows: &Northbound, action: AccessAction) -> BTreeSet<&str> {
        let id = self.id();
        match (self, action) {
            (Self::Network(_), AccessAction::Shared) => {
                let routers = [OWNER_OF_GATEWAY, OWNER_OF_FLOATING_IP];
                let ports = rows.ports.index().by_network.all(id);
                let ports = ports.filter(|port| !routers.contains(&port.device_owner.as_str()));
                ports.map(|port| port.project.as_str()).collect()
            }
            (Self::Network(_), AccessAction::External) => {
                let routers = rows.routers.iter();
                let routers = routers.filter(|router| router.external_network == Some(id));
                routers.map(|router| router.project.as_str()).collect()
            }
            (Self::SubnetPool(_), _) => {
                let subnets = rows.subnets.index().by_subnet_pool.all(id);
                subnets.map(|subnet| subnet.project.as_str()).collect()
            }
            (Self::AddressScope(_), _) => {
                let pools = rows.subnet_pools.iter();
                let pools = pools.filter(|pool| pool.address_scope == Some(id));
                pools.map(|pool| pool.project.as_str()).collect()
            }
            (Self::SecurityGroup(_), _) => {
                let ports = rows.ports.index().by_security_group.all(id);
                ports.map(|port| port.project.as_str()).collect()
            }
            (Self::AddressGroup(_), _) => {
                let rules = rows.security_group_rules.iter();
                let rules = rules.filter(|rule| rule.remote_address_group == Some(id));
                rules.map(|rule| rule.project.as_str()).collect()
            }
        }
    }
}

/// What Neutron calls the kind of object that a policy is about.
pub(super) fn kind(policy: &AccessPolicy) -> &'static str {
    let kinds = [
        policy.network,
        policy.subnet_pool,
        policy.address_scope,
        policy.security_group,
        policy.address_group,
    ];
    let mut kinds = kinds.iter().zip(Object::KINDS);
    kinds
        .find(|(id, _)| id.is_some())
        .map_or("", |(_, kind)| *kind)
}

/// The policies about an object that allow something.
pub(super) fn policies(
    rows: &Northbound,
    object: Uuid,
    action: AccessAction,
) -> impl Iterator<Item = &Arc<AccessPolicy>> {
    let policies = rows.access_policies.index().by_object.all(object);
    policies.filter(move |policy| policy.action == action)
}

/// Whether a policy is for a project.
fn covers(target: &str, project: &str) -> bool {
    target == EVERYBODY || target == project
}

/// Whether a project may use an object of another; `for_all` is what stands with the object.
pub(super) fn is_shared(rows: &Northbound, object: Uuid, for_all: bool, project: &str) -> bool {
    let mut policies = policies(rows, object, AccessAction::Shared);
    for_all || policies.any(|policy| covers(&policy.target, project))
}

/// Whether a project may leave by a network of another.
pub(super) fn leads_outside(rows: &Northbound, network: &Network, project: &str) -> bool {
    let policies: Vec<_> = policies(rows, network.uuid, AccessAction::External).collect();
    let covers = |policy: &&Arc<AccessPolicy>| covers(&policy.target, project);
    network.external && (policies.is_empty() || policies.iter().any(covers))
}

/// Writes a policy about an object, which columns name.
///
/// # Errors
///
/// The system has no random numbers.
pub(super) fn add(
    change: &mut Change<'_>,
    named: ovsdb::Values<AccessPolicy>,
    action: AccessAction,
    (target, project): (&str, &str),
) -> Result<Uuid, Fault> {
    let id = random_id()?;
    let columns = named
        .set(AccessPolicy::project, project)
        .set(AccessPolicy::action, action)
        .set(AccessPolicy::target, target);
    change.transaction.insert_as(id, stamped(columns));
    change.taken.insert(AccessPolicy::TABLE, duplicate());
    Ok(id)
}

/// Has everybody use an object, or only those for whom there is a policy of their own.
///
/// # Errors
///
/// Somebody uses it who then might not, or the system has no random numbers.
pub(super) fn set_for_all(
    change: &mut Change<'_>,
    object: Object<'_>,
    action: AccessAction,
    wanted: bool,
) -> Result<(), Fault> {
    let present = policies(change.rows, object.id(), action);
    let present: Vec<_> = present.filter(|row| row.target == EVERYBODY).collect();
    if wanted && present.is_empty() {
        let who = (EVERYBODY, object.project());
        add(change, object.named(), action, who)?;
    } else if !wanted {
        let gone: Vec<Uuid> = present.iter().map(|row| row.uuid).collect();
        if let Some(user) = stranded(change.rows, object, action, &gone, None) {
            let message = format!(
                "Unable to reconfigure sharing settings for network {}. Multiple tenants are using \
                 it, among them {user}.",
                object.id()
            );
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "InvalidSharedSetting",
                message,
            ));
        }
        for id in gone {
            change.transaction.delete::<AccessPolicy>(id);
        }
    }
    Ok(())
}

/// A project that uses an object, and might not without some policies, which another one replaces.
pub(super) fn stranded<'a>(
    rows: &'a Northbound,
    object: Object<'a>,
    action: AccessAction,
    gone: &[Uuid],
    instead: Option<&str>,
) -> Option<&'a str> {
    let (gone, left): (Vec<_>, Vec<_>) =
        policies(rows, object.id(), action).partition(|policy| gone.contains(&policy.uuid));
    // A database of before there were policies says only that it is for all.
    let was_allowed = |user: &str| {
        gone.iter().any(|policy| covers(&policy.target, user))
            || gone.is_empty() && object.is_shared()
    };
    let is_allowed = |user: &str| {
        let mut targets = left
            .iter()
            .map(|policy| policy.target.as_str())
            .chain(instead);
        targets.any(|target| covers(target, user))
    };
    let users = object.users(rows, action).into_iter();
    // What belongs to no project needs no policy.
    let mut users = users.filter(|user| !user.is_empty() && *user != object.project());
    users.find(|user| was_allowed(user) && !is_allowed(user))
}

/// Deletes what policies say of an object that goes.
pub(super) fn forget(change: &mut Change<'_>, object: Uuid) {
    for policy in change.rows.access_policies.index().by_object.all(object) {
        change.transaction.delete::<AccessPolicy>(policy.uuid);
    }
}

/// Writes the policies of a database of before there were any.
///
/// # Errors
///
/// The database cannot be written to.
pub(super) async fn adopt(database: &Database, call: &Call) -> Result<(), Fault> {
    if unwritten(&database.snapshot()).is_empty() {
        return Ok(());
    }
    let adopted = apply(database, call, |change| {
        for (object, action) in unwritten(change.rows) {
            object.note(change, action, true);
            add(
                change,
                object.named(),
                action,
                (EVERYBODY, object.project()),
            )?;
        }
        Ok(())
    });
    match adopted.await {
        // Another server may have written them.
        Err(fault) if fault == duplicate() || fault == WriteError::Stale.into() => Ok(()),
        done => done,
    }
}

/// What is for all, while no policy says so.
fn unwritten(rows: &Northbound) -> Vec<(Object<'_>, AccessAction)> {
    let mut found = Vec::new();
    for object in Object::all(rows) {
        let id = object.id();
        let mut shared = policies(rows, id, AccessAction::Shared);
        if object.is_shared() && !shared.any(|policy| policy.target == EVERYBODY) {
            found.push((object, AccessAction::Shared));
        }
        let mut external = policies(rows, id, AccessAction::External);
        if let Object::Network(network) = object
            && network.external
            && external.next().is_none()
        {
            found.push((object, AccessAction::External));
        }
    }
    found
}

/// The fault when there is such a policy.
pub(super) fn duplicate() -> Fault {
    let message = "An RBAC policy already exists with those values.";
    Fault::new(StatusCode::CONFLICT, "DuplicateRbacPolicy", message)
}
