//! `subnetpools`: blocks that subnets are cut from, so that no two overlap.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::StatusCode;
use ipnet::IpNet;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::json;

use super::address_scope::AddressScopes;
use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, PROJECT_ID, REVISION_NUMBER, TAGS, TENANT_ID,
    UPDATED_AT, Values,
};
use super::fault::Fault;
use super::list::View;
use super::new::random_id;
use super::resource::{Change, Resource, fields, find, stamped};
use super::sharing::{self, EVERYBODY};
use super::subnet::cidr;
use super::{free, quota};
use crate::northbound::database::tables::{
    AccessAction, AccessPolicy, AddressScope, Northbound, SubnetPool,
};

/// Subnet pools.
#[derive(Debug)]
pub(super) struct SubnetPools;

impl Resource for SubnetPools {
    type Row = SubnetPool;

    const NAME: &'static str = "subnetpool";
    const COLLECTION: &'static str = "subnetpools";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        Attribute::required("name", Kind::Text(255))
            .changeable()
            .filter()
            .sort(),
        DESCRIPTION,
        Attribute::required("prefixes", Kind::Texts).changeable(),
        Attribute::set("default_prefixlen", Kind::Number)
            .filter()
            .sort(),
        Attribute::set("min_prefixlen", Kind::Number)
            .filter()
            .sort(),
        Attribute::set("max_prefixlen", Kind::Number)
            .filter()
            .sort(),
        Attribute::set("default_quota", Kind::Nullable(&Kind::Number))
            .filter()
            .sort(),
        Attribute::set("address_scope_id", Kind::Nullable(&Kind::Id))
            .filter()
            .sort(),
        Attribute::set("is_default", Kind::Boolean)
            .by_admin()
            .filter()
            .sort(),
        Attribute::made("shared", Kind::Boolean)
            .by_admin()
            .filter()
            .sort(),
        Attribute::shown("ip_version", Kind::Number).filter().sort(),
        TENANT_ID,
        PROJECT_ID,
        TAGS,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<SubnetPool> {
        &rows.subnet_pools
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Subnet pool {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "SubnetPoolNotFound", message)
    }

    fn project(row: &SubnetPool) -> Option<&str> {
        Some(&row.project)
    }

    const SHOWS_SHARED: bool = true;

    fn is_shared(rows: &Northbound, pool: &SubnetPool, project: &str) -> bool {
        sharing::is_shared(rows, pool.uuid, pool.shared, project)
    }

    fn view(_rows: &Northbound, pool: &SubnetPool) -> View {
        fields([
            ("name", json!(pool.name)),
            ("description", json!(pool.description)),
            ("tenant_id", json!(pool.project)),
            ("project_id", json!(pool.project)),
            ("prefixes", json!(prefixes(pool))),
            // Neutron shows these as text.
            (
                "default_prefixlen",
                json!(pool.default_prefixlen.to_string()),
            ),
            ("min_prefixlen", json!(pool.min_prefixlen.to_string())),
            ("max_prefixlen", json!(pool.max_prefixlen.to_string())),
            ("default_quota", json!(pool.default_quota)),
            ("address_scope_id", json!(pool.address_scope)),
            ("is_default", json!(pool.is_default)),
            ("ip_version", json!(pool.ip_version)),
            ("tags", json!(pool.tags)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let project = change.call.project_of(values)?;
        quota::check(change, "subnetpool", &project)?;
        let id = random_id()?;
        let wanted = Wanted::read(None, values)?;
        wanted.check(change, id)?;
        let shared = values.boolean("shared").unwrap_or_default();
        if shared {
            let named = AccessPolicy::values().set(AccessPolicy::subnet_pool, Some(id));
            sharing::add(change, named, AccessAction::Shared, (EVERYBODY, &project))?;
        }
        let columns = wanted
            .columns(values)
            .set(SubnetPool::project, project)
            .set(SubnetPool::shared, shared);
        change.transaction.insert_as(id, stamped(columns));
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        pool: &Arc<SubnetPool>,
        values: &Values,
    ) -> Result<ovsdb::Values<SubnetPool>, Fault> {
        let wanted = Wanted::read(Some(pool), values)?;
        wanted.check(change, pool.uuid)?;
        if values.has("prefixes") || values.has("address_scope_id") {
            may_move(change, pool)?;
        }
        let lost = prefixes(pool).into_iter().find(|old| {
            let mut new = wanted.prefixes.iter();
            !new.any(|new| new.contains(old))
        });
        if let Some(lost) = lost {
            return Err(bad(
                "IllegalSubnetPoolPrefixUpdate",
                format!(
                    "Illegal update to prefixes: Existing prefixes must be a subset of the new \
                     prefixes, {lost} is not."
                ),
            ));
        }
        Ok(wanted.columns(values))
    }

    fn delete(change: &mut Change<'_>, pool: &Arc<SubnetPool>) -> Result<(), Fault> {
        let mut subnets = change.rows.subnets.index().by_subnet_pool.all(pool.uuid);
        if subnets.next().is_some() {
            let message = "Unable to delete subnet pool: Subnet pool has existing allocations.";
            return Err(bad("SubnetPoolDeleteError", message.to_owned()));
        }
        sharing::forget(change, pool.uuid);
        change.transaction.delete::<SubnetPool>(pool.uuid);
        Ok(())
    }
}

/// What a pool is to be.
#[derive(Debug)]
struct Wanted {
    prefixes: Vec<IpNet>,
    min: u8,
    max: u8,
    default: u8,
    scope: Option<Uuid>,
    is_default: bool,
}

impl Wanted {
    fn read(pool: Option<&SubnetPool>, values: &Values) -> Result<Self, Fault> {
        let prefixes = match (values.texts("prefixes"), pool) {
            (Some(given), _) => read_prefixes(&given)?,
            (None, Some(pool)) => prefixes(pool),
            (None, None) => Vec::new(),
        };
        let Some(first) = prefixes.first() else {
            let message = "Empty subnet pool prefix list.".to_owned();
            return Err(bad("EmptySubnetPoolPrefixList", message));
        };
        let is_ipv4 = first.addr().is_ipv4();
        let same = |pool: &SubnetPool| (pool.ip_version == 4) == is_ipv4;
        let one = |block: &IpNet| block.addr().is_ipv4() == is_ipv4;
        if !prefixes.iter().all(one) || !pool.is_none_or(same) {
            let message = "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.".to_owned();
            return Err(bad("PrefixVersionMismatch", message));
        }
        let (shortest, longest) = if is_ipv4 { (8, 32) } else { (64, 128) };
        let length = |name: &'static str, kept: Option<i64>, otherwise: i64| {
            values.number(name).or(kept).unwrap_or(otherwise)
        };
        let max = length(
            "max_prefixlen",
            pool.map(|pool| pool.max_prefixlen),
            longest,
        );
        let min = length(
            "min_prefixlen",
            pool.map(|pool| pool.min_prefixlen),
            shortest,
        );
        let default = pool.map(|pool| pool.default_prefixlen);
        let default = length("default_prefixlen", default, min);
        let bounds = [
            ("max_prefixlen", max, "ip_version_max", longest),
            ("min_prefixlen", min, "max_prefixlen", max),
            ("min_prefixlen", min, "default_prefixlen", default),
            ("default_prefixlen", default, "max_prefixlen", max),
        ];
        for (low_name, low, high_name, high) in bounds {
            if low > high {
                return Err(bad(
                    "IllegalSubnetPoolPrefixBounds",
                    format!("Illegal prefix bounds: {low_name}={low}, {high_name}={high}."),
                ));
            }
        }
        let small = |length: i64| u8::try_from(length).unwrap_or(u8::MAX);
        Ok(Self {
            min: small(min),
            max: small(max),
            default: small(default),
            scope: match values.has("address_scope_id") {
                true => values.id("address_scope_id"),
                false => pool.and_then(|pool| pool.address_scope),
            },
            is_default: match values.boolean("is_default") {
                Some(is_default) => is_default,
                None => pool.is_some_and(|pool| pool.is_default),
            },
            prefixes,
        })
    }

    fn version(&self) -> i64 {
        match self.prefixes.first() {
            Some(IpNet::V6(_)) => 6,
            _ => 4,
        }
    }

    /// Refuses what other pools stand in the way of.
    fn check(&self, change: &mut Change<'_>, id: Uuid) -> Result<(), Fault> {
        let rows = change.rows;
        let version = self.version();
        let others = || rows.subnet_pools.iter().filter(|pool| pool.uuid != id);
        if self.is_default && others().any(|other| other.is_default && other.ip_version == version)
        {
            return Err(Fault::invalid_input(
                "A default subnetpool for this IP family has already been set. Only one default \
                 may exist per IP family",
            ));
        }
        let Some(scope) = self.scope else {
            return Ok(());
        };
        let scope = find::<AddressScopes>(change.call, rows, &scope.to_string())?;
        if scope.ip_version != version {
            return Err(bad(
                "IllegalSubnetPoolIpVersionAssociationToAddressScope",
                format!(
                    "Illegal subnetpool association: subnetpool {id} cannot associate with address \
                     scope {} because subnetpool ip_version is not {}.",
                    scope.uuid, scope.ip_version
                ),
            ));
        }
        let mut within = others().filter(|other| other.address_scope == Some(scope.uuid));
        let overlaps = |other: &Arc<SubnetPool>| {
            let theirs = prefixes(other);
            let meets = |own: &IpNet| theirs.iter().any(|their| meet(own, their));
            self.prefixes.iter().any(meets)
        };
        if within.any(overlaps) {
            let message = "Failed to associate address scope: subnetpools within an address scope \
                           must have unique prefixes.";
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "AddressScopePrefixConflict",
                message.to_owned(),
            ));
        }
        // Who puts another pool there at the same time has to look again.
        change.touch(&**scope, AddressScope::values());
        Ok(())
    }

    fn columns(self, values: &Values) -> ovsdb::Values<SubnetPool> {
        let prefixes = self.prefixes.iter().map(ToString::to_string);
        let mut columns = SubnetPool::values()
            .set(SubnetPool::ip_version, self.version())
            .set(SubnetPool::prefixes, prefixes.collect::<BTreeSet<_>>())
            .set(SubnetPool::min_prefixlen, i64::from(self.min))
            .set(SubnetPool::max_prefixlen, i64::from(self.max))
            .set(SubnetPool::default_prefixlen, i64::from(self.default))
            .set(SubnetPool::address_scope, self.scope)
            .set(SubnetPool::is_default, self.is_default);
        if let Some(name) = values.text("name") {
            columns = columns.set(SubnetPool::name, name);
        }
        if let Some(description) = values.text("description") {
            columns = columns.set(SubnetPool::description, description);
        }
        if values.has("default_quota") {
            columns = columns.set(SubnetPool::default_quota, values.number("default_quota"));
        }
        columns
    }
}

/// Refuses to move a pool about in, or out of, an address scope of somebody else.
///
/// # Errors
///
/// It is in one.
pub(super) fn may_move(change: &Change<'_>, pool: &SubnetPool) -> Result<(), Fault> {
    let caller = &change.call.caller;
    let scope = pool.address_scope;
    let scope = scope.and_then(|id| change.rows.address_scopes.get(&id));
    match scope {
        Some(scope) if !caller.is_admin && scope.project != caller.project => Err(bad(
            "IllegalSubnetPoolUpdate",
            format!(
                "Illegal subnetpool update : subnetpool {} associated with address scope {} cannot \
                 be updated.",
                pool.uuid, scope.uuid
            ),
        )),
        _ => Ok(()),
    }
}

fn meet(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// The blocks of a pool, in order.
pub(super) fn prefixes(pool: &SubnetPool) -> Vec<IpNet> {
    let prefixes = pool.prefixes.iter();
    let mut prefixes: Vec<IpNet> = prefixes.filter_map(|text| text.parse().ok()).collect();
    prefixes.sort();
    prefixes
}

/// Reads blocks; those that together are one become one.
fn read_prefixes(given: &[&str]) -> Result<Vec<IpNet>, Fault> {
    let read = given.iter().map(|text| {
        let block: Result<IpNet, _> = text.parse();
        let reason = || format!("'{}' is not a valid IP subnet", text.escape_debug());
        block
            .map(|block| block.trunc())
            .map_err(|_| Fault::attribute("prefixes", &reason()))
    });
    let blocks: Vec<IpNet> = read.collect::<Result<_, _>>()?;
    Ok(IpNet::aggregate(&blocks))
}

/// What of a pool a subnet asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// This block.
    Block(IpNet),
    /// A block with a prefix of this length, or of the pool's usual one.
    Length(Option<i64>),
}

/// The pool that a subnet is to be cut from, if it is.
///
/// # Errors
///
/// There is no such pool, or none that is used when none is named.
pub(super) fn chosen<'a>(
    change: &Change<'a>,
    values: &Values,
    version: i64,
) -> Result<Option<&'a Arc<SubnetPool>>, Fault> {
    let rows = change.rows;
    let named = values.text("subnetpool_id");
    let by_default = values.boolean("use_default_subnetpool") == Some(true);
    let pool = match (named, by_default) {
        (None, false) => return Ok(None),
        (Some(_), true) => {
            return Err(subnet_fault(
                "subnetpool_id and use_default_subnetpool cannot both be specified",
            ));
        }
        (Some(id), false) => find::<SubnetPools>(change.call, rows, id)?,
        (None, true) => {
            let mut pools = rows.subnet_pools.iter();
            let found = pools.find(|pool| pool.is_default && pool.ip_version == version);
            found.ok_or_else(|| {
                let reason = format!("No default subnetpool found for IPv{version}");
                subnet_fault(&reason)
            })?
        }
    };
    if pool.ip_version != version {
        return Err(subnet_fault(&format!(
            "Cannot allocate IPv{version} subnet from IPv{} subnet pool",
            pool.ip_version
        )));
    }
    Ok(Some(pool))
}

/// A block of a pool that nobody has, and that is this subnet's from now on.
///
/// # Errors
///
/// The pool has no such block, or the project may not have more.
pub(super) fn cut(
    change: &mut Change<'_>,
    pool: &Arc<SubnetPool>,
    part: Part,
    project: &str,
) -> Result<IpNet, Fault> {
    let length = match part {
        Part::Block(block) => i64::from(block.prefix_len()),
        Part::Length(length) => length.unwrap_or(pool.default_prefixlen),
    };
    let bound = |what: &str, limit: i64, kind: &'static str| {
        let message = format!(
            "Unable to allocate subnet with prefix length {length}, {what} allowed prefix is \
             {limit}."
        );
        Err(bad(kind, message))
    };
    if length > pool.max_prefixlen {
        return bound(
            "maximum",
            pool.max_prefixlen,
            "MaxPrefixSubnetAllocationError",
        );
    }
    if length < pool.min_prefixlen {
        return bound(
            "minimum",
            pool.min_prefixlen,
            "MinPrefixSubnetAllocationError",
        );
    }
    let rows = change.rows;
    let subnets = rows.subnets.index().by_subnet_pool.all(pool.uuid);
    let taken: Vec<_> = subnets
        .filter_map(|subnet| Some((subnet.project.as_str(), cidr(subnet)?)))
        .collect();
    let new = change.cut.iter().filter(|(of, _)| *of == pool.uuid);
    let new = new.map(|(_, block)| (project, *block));
    let taken: Vec<(&str, IpNet)> = taken.into_iter().chain(new).collect();
    check_quota(pool, &taken, project, length)?;
    let blocks: Vec<IpNet> = taken.iter().map(|(_, block)| *block).collect();
    let length = u8::try_from(length).unwrap_or(u8::MAX);
    let found = match part {
        Part::Block(block) => {
            let mut prefixes = prefixes(pool).into_iter();
            let is_inside = prefixes.any(|prefix| prefix.contains(&block));
            let is_free = !blocks.iter().any(|taken| meet(taken, &block));
            (is_inside && is_free).then_some(block)
        }
        Part::Length(_) => free::block(&prefixes(pool), &blocks, length),
    };
    let found = found.ok_or_else(|| {
        let reason = match part {
            Part::Block(_) => {
                "Cannot allocate requested subnet from the available set of prefixes".to_owned()
            }
            Part::Length(_) => {
                format!("Insufficient prefix space to allocate subnet size /{length}")
            }
        };
        Fault::new(
            StatusCode::CONFLICT,
            "SubnetAllocationError",
            format!("Failed to allocate subnet: {reason}."),
        )
    })?;
    // Who cuts from it at the same time has to look again.
    change.touch(&**pool, SubnetPool::values());
    change.cut.push((pool.uuid, found));
    Ok(found)
}

/// Refuses more than a project may have of a pool.
fn check_quota(
    pool: &SubnetPool,
    taken: &[(&str, IpNet)],
    project: &str,
    length: i64,
) -> Result<(), Fault> {
    let Some(quota) = pool.default_quota else {
        return Ok(());
    };
    let unit = if pool.ip_version == 4 { 32 } else { 64 };
    // Less than one unit counts as one.
    let units = |length: i64| {
        let doublings = u32::try_from(unit - length).unwrap_or(0);
        1_i64.checked_shl(doublings).unwrap_or(i64::MAX)
    };
    let own = taken.iter().filter(|(of, _)| *of == project);
    let own = own.map(|(_, block)| units(i64::from(block.prefix_len())));
    if own.fold(units(length), i64::saturating_add) <= quota {
        return Ok(());
    }
    let message = "Per-tenant subnet pool prefix quota exceeded.".to_owned();
    Err(Fault::new(
        StatusCode::CONFLICT,
        "SubnetPoolQuotaExceeded",
        message,
    ))
}

/// The scope of the addresses that a network has of one version of IP.
pub(super) fn scope_of(rows: &Northbound, network: Uuid, version: i64) -> Option<Uuid> {
    let mut subnets = rows.subnets.index().by_network.all(network);
    subnets.find_map(|subnet| {
        let pool = rows.subnet_pools.get(&subnet.subnet_pool?)?;
        pool.address_scope.filter(|_| pool.ip_version == version)
    })
}

/// What is wrong with a wish for a subnet.
pub(super) fn subnet_fault(reason: &str) -> Fault {
    bad("BadRequest", format!("Bad subnets request: {reason}."))
}

fn bad(kind: &'static str, message: String) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, kind, message)
}
