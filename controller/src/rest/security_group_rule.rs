//! `security-group-rules`: what the ports of a group allow.

use std::sync::Arc;

use hyper::StatusCode;
use ipnet::IpNet;
use ovsdb::Uuid;
use ovsdb::table::Table;
use ovsdb::tables::Declared as _;
use serde_json::json;

use super::address_group::AddressGroups;
use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, PROJECT_ID, REVISION_NUMBER, TENANT_ID,
    UPDATED_AT, Values,
};
use super::call::Call;
use super::fault::Fault;
use super::list::View;
use super::new::random_id;
use super::quota;
use super::resource::{Change, Resource, fields, find, own, stamped};
use super::rule_terms::{
    DIRECTION, ETHERTYPE, PORT_RANGE_MAX, PORT_RANGE_MIN, PROTOCOL, REMOTE_IP_PREFIX, Terms, bad,
};
use super::security_group::{SecurityGroups, comes_with_group};
use crate::northbound::database::tables::{Northbound, SecurityGroup, SecurityGroupRule};

/// Rules.
#[derive(Debug)]
pub(super) struct SecurityGroupRules;

impl Resource for SecurityGroupRules {
    type Row = SecurityGroupRule;

    const NAME: &'static str = "security_group_rule";
    const COLLECTION: &'static str = "security_group_rules";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        DESCRIPTION,
        Attribute::required("security_group_id", Kind::Text(36))
            .filter()
            .sort(),
        DIRECTION,
        ETHERTYPE,
        PROTOCOL,
        PORT_RANGE_MIN,
        PORT_RANGE_MAX,
        REMOTE_IP_PREFIX,
        Attribute::made("remote_group_id", Kind::Nullable(&Kind::Text(255)))
            .filter()
            .sort(),
        Attribute::made("remote_address_group_id", Kind::Nullable(&Kind::Text(255)))
            .filter()
            .sort(),
        Attribute::shown("normalized_cidr", Kind::Text(255))
            .filter()
            .sort(),
        TENANT_ID,
        PROJECT_ID,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<SecurityGroupRule> {
        &rows.security_group_rules
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Security group rule {id} does not exist");
        Fault::new(StatusCode::NOT_FOUND, "SecurityGroupRuleNotFound", message)
    }

    fn project(row: &SecurityGroupRule) -> Option<&str> {
        Some(&row.project)
    }

    fn landlord<'a>(rows: &'a Northbound, rule: &SecurityGroupRule) -> Option<&'a str> {
        let group = rows.security_groups.get(&rule.security_group)?;
        Some(&group.project)
    }

    fn view(_rows: &Northbound, rule: &SecurityGroupRule) -> View {
        // Neutron has none for what comes with a group.
        let is_bare = rule.description.is_empty() && comes_with_group(rule);
        let description = (!is_bare).then_some(&rule.description);
        fields([
            ("description", json!(description)),
            ("tenant_id", json!(rule.project)),
            ("project_id", json!(rule.project)),
            ("security_group_id", json!(rule.security_group)),
            ("direction", json!(rule.direction.as_str())),
            ("ethertype", json!(rule.ethertype.as_str())),
            ("protocol", json!(rule.protocol)),
            ("port_range_min", json!(rule.port_range_min)),
            ("port_range_max", json!(rule.port_range_max)),
            ("remote_ip_prefix", json!(rule.remote_ip_prefix)),
            ("normalized_cidr", json!(normalized(rule))),
            ("remote_group_id", json!(rule.remote_group)),
            ("remote_address_group_id", json!(rule.remote_address_group)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let group = values.text("security_group_id").unwrap_or_default();
        let group = own::<SecurityGroups>(change.call, change.rows, group)?;
        let id = random_id()?;
        let (remote_group, remote_address_group) = remotes(change.call, change.rows, values)?;
        let mut terms = Terms::read(values)?;
        terms.remote_group = remote_group.map(|id| id.to_string());
        terms.remote_address_group = remote_address_group.map(|id| id.to_string());
        terms.check()?;
        let key = terms.key();
        let others = change.rows.security_group_rules.index();
        let mut others = others.by_security_group.all(group.uuid);
        if let Some(other) = others.find(|other| Terms::of(other).key() == key) {
            return Err(exists(other.uuid));
        }
        // A rule is its group's project's, whoever of them makes it.
        let project = match values.has("project_id") || values.has("tenant_id") {
            true => change.call.project_of(values)?,
            false => group.project.clone(),
        };
        alike(change, (group.uuid, &project), key)?;
        quota::check(change, "security_group_rule", &project)?;
        let columns = SecurityGroupRule::values()
            .set(SecurityGroupRule::project, project)
            .set(
                SecurityGroupRule::description,
                values.text("description").unwrap_or_default(),
            )
            .set(SecurityGroupRule::security_group, group.uuid)
            .set(SecurityGroupRule::direction, terms.direction)
            .set(SecurityGroupRule::ethertype, terms.ethertype)
            .set(SecurityGroupRule::protocol, terms.protocol)
            .set(SecurityGroupRule::port_range_min, terms.ports.0)
            .set(SecurityGroupRule::port_range_max, terms.ports.1)
            .set(
                SecurityGroupRule::remote_ip_prefix,
                terms.prefix.map(|prefix| prefix.to_string()),
            )
            .set(SecurityGroupRule::remote_group, remote_group)
            .set(
                SecurityGroupRule::remote_address_group,
                remote_address_group,
            );
        change.transaction.insert_as(id, stamped(columns));
        change.taken.insert(SecurityGroupRule::TABLE, exists(id));
        change.touch(&**group, SecurityGroup::values());
        Ok(id)
    }

    fn update(
        _change: &mut Change<'_>,
        _rule: &Arc<SecurityGroupRule>,
        values: &Values,
    ) -> Result<ovsdb::Values<SecurityGroupRule>, Fault> {
        let mut columns = SecurityGroupRule::values();
        if let Some(description) = values.text("description") {
            columns = columns.set(SecurityGroupRule::description, description);
        }
        Ok(columns)
    }

    fn delete(change: &mut Change<'_>, rule: &Arc<SecurityGroupRule>) -> Result<(), Fault> {
        change.transaction.delete::<SecurityGroupRule>(rule.uuid);
        if let Some(group) = change.rows.security_groups.get(&rule.security_group) {
            change.touch(&**group, SecurityGroup::values());
        }
        Ok(())
    }
}

fn exists(rule: Uuid) -> Fault {
    let message = format!("Security group rule already exists. Rule id is {rule}.");
    Fault::new(StatusCode::CONFLICT, "SecurityGroupRuleExists", message)
}

/// The groups on the other side that are given, all of which there are.
fn remotes(
    call: &Call,
    rows: &Northbound,
    values: &Values,
) -> Result<(Option<Uuid>, Option<Uuid>), Fault> {
    let given = |name| values.text(name).filter(|id| !id.is_empty());
    let group = given("remote_group_id").map(|id| find::<SecurityGroups>(call, rows, id));
    let group = group.transpose()?.map(|row| row.uuid);
    let addresses = given("remote_address_group_id");
    let addresses = addresses.map(|id| find::<AddressGroups>(call, rows, id));
    Ok((group, addresses.transpose()?.map(|row| row.uuid)))
}

/// Notes that a request makes a rule. All rules that one makes are of one group and one project,
/// and differ.
fn alike(
    change: &mut Change<'_>,
    (group, project): (Uuid, &str),
    key: String,
) -> Result<(), Fault> {
    if change.rules.iter().any(|(other, _, _)| *other != group) {
        let message = "Only allowed to update rules for one security profile at a time";
        return Err(bad("SecurityGroupNotSingleGroupRules", message.to_owned()));
    }
    if change.rules.iter().any(|(_, other, _)| other != project) {
        let message = "Multiple project_ids in bulk security group rule create not allowed";
        return Err(bad(
            "SecurityGroupRulesNotSingleProject",
            message.to_owned(),
        ));
    }
    match change.rules.insert((group, project.to_owned(), key)) {
        true => Ok(()),
        false => Err(Fault::new(
            StatusCode::CONFLICT,
            "DuplicateSecurityGroupRuleInPost",
            "Duplicate Security Group Rule in POST.",
        )),
    }
}

/// The block on the other side, without host bits.
fn normalized(rule: &SecurityGroupRule) -> Option<IpNet> {
    let block: IpNet = rule.remote_ip_prefix.as_deref()?.parse().ok()?;
    Some(block.trunc())
}
