//! `default-security-group-rules`: what new groups begin with. An admin says it, everybody sees it.
//!
//! Before somebody says something they are Neutron's: everything may leave, and the members of a
//! group `default` reach each other. The database holds them once they are asked for.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use ovsdb::tables::Declared as _;
use serde_json::json;

use super::attribute::{Attribute, ID, Kind, Values};
use super::call::Call;
use super::fault::Fault;
use super::list::View;
use super::new::random_id;
use super::resource::{Change, Resource, apply, fields, stamped};
use super::rule_terms::{
    DIRECTION, ETHERTYPE, PORT_RANGE_MAX, PORT_RANGE_MIN, PROTOCOL, REMOTE_IP_PREFIX, Terms,
};
use crate::northbound::database::tables::{
    DefaultSecurityGroupRule, Direction, Ethertype, Global, Northbound,
};
use crate::northbound::database::{Database, GLOBAL};

/// The new group itself, as the other side.
pub(super) const PARENT: &str = "PARENT";

/// Rules that new groups begin with.
#[derive(Debug)]
pub(super) struct DefaultRules;

impl Resource for DefaultRules {
    type Row = DefaultSecurityGroupRule;

    const NAME: &'static str = "default_security_group_rule";
    const COLLECTION: &'static str = "default_security_group_rules";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        Attribute::made("description", Kind::Text(1024)).filter(),
        DIRECTION,
        ETHERTYPE,
        PROTOCOL,
        PORT_RANGE_MIN,
        PORT_RANGE_MAX,
        REMOTE_IP_PREFIX,
        Attribute::made("remote_group_id", Kind::Nullable(&Kind::Text(36)))
            .filter()
            .sort(),
        Attribute::made("remote_address_group_id", Kind::Nullable(&Kind::Text(36)))
            .filter()
            .sort(),
        Attribute::made("used_in_default_sg", Kind::Boolean).filter(),
        Attribute::made("used_in_non_default_sg", Kind::Boolean).filter(),
        Attribute::made("tenant_id", Kind::Text(255)).unseen(),
        Attribute::made("project_id", Kind::Text(255)).unseen(),
    ];

    fn table(rows: &Northbound) -> &Table<DefaultSecurityGroupRule> {
        &rows.default_security_group_rules
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Default Security Group rule {id} does not exist");
        let kind = "DefaultSecurityGroupRuleNotFound";
        Fault::new(StatusCode::NOT_FOUND, kind, message)
    }

    fn project(_row: &DefaultSecurityGroupRule) -> Option<&str> {
        None
    }

    fn is_seen(_rows: &Northbound, _row: &DefaultSecurityGroupRule, _project: &str) -> bool {
        true
    }

    fn view(_rows: &Northbound, rule: &DefaultSecurityGroupRule) -> View {
        let (number, _, _, _) = rule.uuid.as_fields();
        fields([
            ("description", json!(rule.description)),
            ("direction", json!(rule.direction.as_str())),
            ("ethertype", json!(rule.ethertype.as_str())),
            ("protocol", json!(rule.protocol)),
            ("port_range_min", json!(rule.port_range_min)),
            ("port_range_max", json!(rule.port_range_max)),
            ("remote_ip_prefix", json!(rule.remote_ip_prefix)),
            ("remote_group_id", json!(rule.remote_group)),
            ("remote_address_group_id", json!(rule.remote_address_group)),
            ("used_in_default_sg", json!(rule.used_in_default_sg)),
            ("used_in_non_default_sg", json!(rule.used_in_non_default_sg)),
            ("standard_attr_id", json!(number)),
        ])
    }

    /// Neutron says nothing of its history.
    fn shown(rows: &Northbound, rule: &DefaultSecurityGroupRule) -> View {
        let mut view = Self::view(rows, rule);
        view.insert("id".to_owned(), json!(rule.uuid));
        view
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        if !change.call.caller.is_admin {
            return Err(Fault::forbidden("create_default_security_group_rule"));
        }
        let given = |name| values.text(name).filter(|id| !id.is_empty());
        let mut terms = Terms::read(values)?;
        terms.remote_group = given("remote_group_id").map(str::to_owned);
        terms.remote_address_group = given("remote_address_group_id").map(str::to_owned);
        terms.check()?;
        let in_default = values.boolean("used_in_default_sg").unwrap_or(false);
        let in_others = values.boolean("used_in_non_default_sg").unwrap_or(true);
        alike(change, &terms, (in_default, in_others))?;
        let id = random_id()?;
        let description = values.text("description").unwrap_or_default();
        let columns = columns(&terms, description, (in_default, in_others));
        change.transaction.insert_as(id, stamped(columns));
        let taken = &mut change.taken;
        taken.insert(DefaultSecurityGroupRule::TABLE, exists(id));
        Ok(id)
    }

    fn update(
        _change: &mut Change<'_>,
        _rule: &Arc<DefaultSecurityGroupRule>,
        _values: &Values,
    ) -> Result<ovsdb::Values<DefaultSecurityGroupRule>, Fault> {
        Ok(DefaultSecurityGroupRule::values())
    }

    fn delete(change: &mut Change<'_>, rule: &Arc<DefaultSecurityGroupRule>) -> Result<(), Fault> {
        let transaction = &mut change.transaction;
        transaction.delete::<DefaultSecurityGroupRule>(rule.uuid);
        Ok(())
    }
}

fn exists(rule: Uuid) -> Fault {
    let message = format!("Default Security group rule already exists. Rule id is {rule}.");
    let kind = "DefaultSecurityGroupRuleExists";
    Fault::new(StatusCode::CONFLICT, kind, message)
}

/// Refuses a rule that new groups would begin with twice.
fn alike(
    change: &mut Change<'_>,
    terms: &Terms,
    (in_default, in_others): (bool, bool),
) -> Result<(), Fault> {
    let key = terms.key();
    let mut present = change.rows.default_security_group_rules.iter();
    let same = present.find(|row| {
        let meets = row.used_in_default_sg && in_default || row.used_in_non_default_sg && in_others;
        meets && Terms::of_default(row).key() == key
    });
    if let Some(row) = same {
        return Err(exists(row.uuid));
    }
    let uses = [("default", in_default), ("others", in_others)];
    for (which, _) in uses.into_iter().filter(|(_, used)| *used) {
        let made = (GLOBAL, which.to_owned(), key.clone());
        if !change.rules.insert(made) {
            let message = "Duplicate Default Security Group Rule in POST.";
            let kind = "DuplicateDefaultSgRuleInPost";
            return Err(Fault::new(StatusCode::CONFLICT, kind, message));
        }
    }
    Ok(())
}

fn columns(
    terms: &Terms,
    description: &str,
    (in_default, in_others): (bool, bool),
) -> ovsdb::Values<DefaultSecurityGroupRule> {
    let prefix = terms.prefix.map(|prefix| prefix.to_string());
    let (group, addresses) = (&terms.remote_group, &terms.remote_address_group);
    DefaultSecurityGroupRule::values()
        .set(DefaultSecurityGroupRule::description, description)
        .set(DefaultSecurityGroupRule::direction, terms.direction)
        .set(DefaultSecurityGroupRule::ethertype, terms.ethertype)
        .set(DefaultSecurityGroupRule::protocol, terms.protocol.clone())
        .set(DefaultSecurityGroupRule::port_range_min, terms.ports.0)
        .set(DefaultSecurityGroupRule::port_range_max, terms.ports.1)
        .set(DefaultSecurityGroupRule::remote_ip_prefix, prefix)
        .set(DefaultSecurityGroupRule::remote_group, group.clone())
        .set(
            DefaultSecurityGroupRule::remote_address_group,
            addresses.clone(),
        )
        .set(DefaultSecurityGroupRule::used_in_default_sg, in_default)
        .set(DefaultSecurityGroupRule::used_in_non_default_sg, in_others)
}

/// What Neutron begins with: the rule, what it says of it, and whether groups that are no `default`
/// have it too.
fn neutrons() -> Vec<(Terms, &'static str, bool)> {
    let rule = |direction, ethertype| Terms {
        direction,
        ethertype,
        protocol: None,
        ports: (None, None),
        prefix: None,
        remote_group: (direction == Direction::Ingress).then(|| PARENT.to_owned()),
        remote_address_group: None,
    };
    let of = |direction, description, in_others| {
        [Ethertype::Ipv4, Ethertype::Ipv6]
            .map(|ethertype| (rule(direction, ethertype), description, in_others))
    };
    let out = "Legacy default SG rule for egress traffic";
    let within = "Legacy default SG rule for ingress traffic";
    [
        of(Direction::Egress, out, true),
        of(Direction::Ingress, within, false),
    ]
    .concat()
}

/// Whether the table is what counts.
fn are_kept(rows: &Northbound) -> bool {
    let global = rows.global.get(&GLOBAL);
    global.is_some_and(|global| global.has_default_rules)
}

/// The rules that a new group begins with, the `default` of a project or another.
pub(super) fn rules(rows: &Northbound, is_default: bool) -> Vec<Terms> {
    if !are_kept(rows) {
        let neutrons = neutrons().into_iter();
        let neutrons = neutrons.filter(|(_, _, in_others)| is_default || *in_others);
        return neutrons.map(|(terms, _, _)| terms).collect();
    }
    let kept = rows.default_security_group_rules.iter();
    let kept = kept.filter(|row| match is_default {
        true => row.used_in_default_sg,
        false => row.used_in_non_default_sg,
    });
    kept.map(|row| Terms::of_default(row)).collect()
}

/// Has the database hold the rules, so that they can be shown and changed.
///
/// # Errors
///
/// The database cannot be written to.
pub(super) async fn keep(database: &Database, call: &Call) -> Result<(), Fault> {
    if are_kept(&database.snapshot()) {
        return Ok(());
    }
    if !call.is_trial {
        database.prepare().await?;
    }
    apply(database, call, |change| {
        if are_kept(change.rows) {
            return Ok(());
        }
        let kept = Global::values().set(Global::has_default_rules, true);
        // Of those who do so at once only one succeeds.
        let transaction = &mut change.transaction;
        transaction.verify(GLOBAL, Global::has_default_rules, &false);
        transaction.update(GLOBAL, kept);
        for (terms, description, in_others) in neutrons() {
            let columns = columns(&terms, description, (true, in_others));
            change.transaction.insert(stamped(columns));
        }
        Ok(())
    })
    .await
}
