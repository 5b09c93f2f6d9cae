//! `security-groups`: sets of rules. Every project has one called `default`, made when it is first
//! asked for.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::{Value, json};

use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, NAME, PROJECT_ID, REVISION_NUMBER, TAGS,
    TENANT_ID, UPDATED_AT, Values,
};
use super::call::Call;
use super::default_rule::{self, PARENT};
use super::fault::Fault;
use super::list::View;
use super::log;
use super::new::random_id;
use super::quota;
use super::resource::{Change, Resource, apply, fields, stamped};
use super::rule_terms::Terms;
use super::security_group_rule::SecurityGroupRules;
use super::sharing;
use crate::northbound::database::Database;
use crate::northbound::database::tables::{
    DefaultSecurityGroup, Direction, Northbound, SecurityGroup, SecurityGroupRule,
};

/// The name of the group that every project has.
const DEFAULT: &str = "default";

/// Security groups.
#[derive(Debug)]
pub(super) struct SecurityGroups;

impl Resource for SecurityGroups {
    type Row = SecurityGroup;

    const NAME: &'static str = "security_group";
    const COLLECTION: &'static str = "security_groups";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        DESCRIPTION,
        Attribute::set("stateful", Kind::Boolean).filter(),
        Attribute::shown("shared", Kind::Boolean).filter(),
        Attribute::shown("security_group_rules", Kind::Json),
        TENANT_ID,
        PROJECT_ID,
        TAGS,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<SecurityGroup> {
        &rows.security_groups
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Security group {id} does not exist");
        Fault::new(StatusCode::NOT_FOUND, "SecurityGroupNotFound", message)
    }

    fn project(row: &SecurityGroup) -> Option<&str> {
        Some(&row.project)
    }

    const SHOWS_SHARED: bool = true;

    fn is_shared(rows: &Northbound, group: &SecurityGroup, project: &str) -> bool {
        sharing::is_shared(rows, group.uuid, group.shared, project)
    }

    fn view(rows: &Northbound, group: &SecurityGroup) -> View {
        let rules = rows.security_group_rules.index();
        let rules = rules.by_security_group.all(group.uuid);
        let rules = rules.map(|rule| Value::Object(within_group(rows, rule)));
        fields([
            ("name", json!(group.name)),
            ("description", json!(group.description)),
            ("tenant_id", json!(group.project)),
            ("project_id", json!(group.project)),
            ("stateful", json!(group.stateful)),
            ("security_group_rules", rules.collect()),
            ("tags", json!(group.tags)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let project = change.call.project_of(values)?;
        let name = values.text("name").unwrap_or_default();
        named_otherwise(name)?;
        default_group(change, &project)?;
        quota::check(change, "security_group", &project)?;
        let begins_with = default_rule::rules(change.rows, false);
        for _ in &begins_with {
            quota::check(change, "security_group_rule", &project)?;
        }
        let id = random_id()?;
        let columns = SecurityGroup::values()
            .set(SecurityGroup::name, name)
            .set(
                SecurityGroup::description,
                values.text("description").unwrap_or_default(),
            )
            .set(SecurityGroup::project, project.as_str())
            .set(
                SecurityGroup::stateful,
                values.boolean("stateful").unwrap_or(true),
            );
        change.transaction.insert_as(id, stamped(columns));
        begin_with(change, (id, &project), begins_with);
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        group: &Arc<SecurityGroup>,
        values: &Values,
    ) -> Result<ovsdb::Values<SecurityGroup>, Fault> {
        let mut columns = SecurityGroup::values();
        if let Some(name) = values.text("name").filter(|name| *name != group.name) {
            if is_default(change.rows, group.uuid) {
                let message = "Updating default security group not allowed.";
                let kind = "SecurityGroupCannotUpdateDefault";
                return Err(Fault::new(StatusCode::CONFLICT, kind, message));
            }
            named_otherwise(name)?;
            columns = columns.set(SecurityGroup::name, name);
        }
        if let Some(description) = values.text("description") {
            columns = columns.set(SecurityGroup::description, description);
        }
        let stateful = values.boolean("stateful");
        if let Some(stateful) = stateful.filter(|stateful| *stateful != group.stateful) {
            let mut ports = change.rows.ports.index().by_security_group.all(group.uuid);
            if ports.next().is_some() {
                return Err(in_use(group.uuid));
            }
            columns = columns.set(SecurityGroup::stateful, stateful);
        }
        Ok(columns)
    }

    fn delete(change: &mut Change<'_>, group: &Arc<SecurityGroup>) -> Result<(), Fault> {
        let id = group.uuid;
        if is_default(change.rows, id) && !change.call.caller.is_admin {
            let message = "Insufficient rights for removing default security group.";
            let kind = "SecurityGroupCannotRemoveDefault";
            return Err(Fault::new(StatusCode::CONFLICT, kind, message));
        }
        let rows = change.rows;
        let mut ports = rows.ports.index().by_security_group.all(id);
        if ports.next().is_some() {
            return Err(in_use(id));
        }
        // Rules of other groups that let its members in mean nobody any more.
        let rules = rows.security_group_rules.index().by_remote_group.all(id);
        for rule in rules.filter(|rule| rule.security_group != id) {
            change.transaction.delete::<SecurityGroupRule>(rule.uuid);
            let other = rows.security_groups.get(&rule.security_group);
            if let Some(other) = other.filter(|other| !change.touches(other.uuid)) {
                change.touch(&**other, SecurityGroup::values());
            }
        }
        sharing::forget(change, id);
        log::forget(change, id);
        let transaction = &mut change.transaction;
        transaction.delete(DefaultSecurityGroup::security_group.equals(id));
        transaction.delete(SecurityGroupRule::security_group.equals(id));
        transaction.delete::<SecurityGroup>(id);
        Ok(())
    }
}

fn in_use(group: Uuid) -> Fault {
    let message = format!("Security Group {group} in use.");
    Fault::new(StatusCode::CONFLICT, "SecurityGroupInUse", message)
}

fn named_otherwise(name: &str) -> Result<(), Fault> {
    if !name.eq_ignore_ascii_case(DEFAULT) {
        return Ok(());
    }
    let message = "Default security group already exists.";
    let kind = "SecurityGroupDefaultAlreadyExists";
    Err(Fault::new(StatusCode::CONFLICT, kind, message))
}

fn is_default(rows: &Northbound, group: Uuid) -> bool {
    let mut defaults = rows.default_security_groups.iter();
    defaults.any(|row| row.security_group == group)
}

/// Makes the default group of who asks, if it is not there: lists are to have it.
///
/// # Errors
///
/// The database cannot be written to.
pub(super) async fn ensure_default(database: &Database, call: &Call) -> Result<(), Fault> {
    let rows = database.snapshot();
    let index = rows.default_security_groups.index();
    if index.by_project.get(call.caller.project.as_str()).is_some() {
        return Ok(());
    }
    apply(database, call, |change| {
        let project = change.call.caller.project.clone();
        default_group(change, &project).map(drop)
    })
    .await
}

/// The default group of a project, made if it is not there.
///
/// # Errors
///
/// The system has no random numbers.
pub(super) fn default_group(change: &mut Change<'_>, project: &str) -> Result<Uuid, Fault> {
    let index = change.rows.default_security_groups.index();
    if let Some(row) = index.by_project.get(project) {
        return Ok(row.security_group);
    }
    if let Some(id) = change.default_groups.get(project) {
        return Ok(*id);
    }
    let id = random_id()?;
    let columns = SecurityGroup::values()
        .set(SecurityGroup::name, DEFAULT)
        .set(SecurityGroup::description, "Default security group")
        .set(SecurityGroup::project, project)
        .set(SecurityGroup::stateful, true);
    change.transaction.insert_as(id, stamped(columns));
    let row = DefaultSecurityGroup::values()
        .set(DefaultSecurityGroup::project, project)
        .set(DefaultSecurityGroup::security_group, id);
    change.transaction.insert(row);
    let begins_with = default_rule::rules(change.rows, true);
    begin_with(change, (id, project), begins_with);
    change.default_groups.insert(project.to_owned(), id);
    Ok(id)
}

/// A rule as its group shows it: Neutron has more to say there.
fn within_group(rows: &Northbound, rule: &SecurityGroupRule) -> View {
    let mut view = SecurityGroupRules::shown(rows, rule);
    let (number, _, _, _) = rule.uuid.as_fields();
    view.insert("standard_attr_id".to_owned(), json!(number));
    view.insert("tags".to_owned(), json!([]));
    view
}

/// Whether a rule says what those say that come with a group.
pub(super) fn comes_with_group(rule: &SecurityGroupRule) -> bool {
    let from = match rule.direction {
        Direction::Egress => None,
        Direction::Ingress => Some(rule.security_group),
    };
    rule.remote_group == from
        && rule.protocol.is_none()
        && rule.remote_ip_prefix.is_none()
        && rule.remote_address_group.is_none()
}

/// Makes the rules that a new group begins with.
fn begin_with(change: &mut Change<'_>, group: (Uuid, &str), rules: Vec<Terms>) {
    for terms in rules {
        // A rule without its other side would allow everyone.
        if let Some(columns) = beginning(change.rows, group, terms) {
            change.transaction.insert(columns);
        }
    }
}

/// A rule of a new group, if what it names is there.
fn beginning(
    rows: &Northbound,
    (group, project): (Uuid, &str),
    terms: Terms,
) -> Option<ovsdb::Values<SecurityGroupRule>> {
    let remote_group = match terms.remote_group.as_deref() {
        None => None,
        Some(PARENT) => Some(group),
        Some(id) => Some(rows.security_groups.get(&id.parse().ok()?)?.uuid),
    };
    let remote_address_group = match terms.remote_address_group.as_deref() {
        None => None,
        Some(id) => Some(rows.address_groups.get(&id.parse().ok()?)?.uuid),
    };
    let prefix = terms.prefix.map(|prefix| prefix.to_string());
    let columns = SecurityGroupRule::values()
        .set(SecurityGroupRule::security_group, group)
        .set(SecurityGroupRule::project, project)
        .set(SecurityGroupRule::direction, terms.direction)
        .set(SecurityGroupRule::ethertype, terms.ethertype)
        .set(SecurityGroupRule::protocol, terms.protocol)
        .set(SecurityGroupRule::port_range_min, terms.ports.0)
        .set(SecurityGroupRule::port_range_max, terms.ports.1)
        .set(SecurityGroupRule::remote_ip_prefix, prefix)
        .set(SecurityGroupRule::remote_group, remote_group)
        .set(
            SecurityGroupRule::remote_address_group,
            remote_address_group,
        );
    Some(stamped(columns))
}
