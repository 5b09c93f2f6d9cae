//! `security-group-rules`: what the ports of a group allow.
//!
//! What makes sense is decided where rules become flows; here its refusals get Neutron's names.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use ipnet::IpNet;
use ovsdb::Uuid;
use ovsdb::table::Table;
use ovsdb::tables::Declared as _;
use pipelines::network::{self, InvalidField, Problem, Rule, RuleAttributes};
use serde_json::{Value, json};

use super::address_group::AddressGroups;
use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, PROJECT_ID, REVISION_NUMBER, TENANT_ID,
    UPDATED_AT, Values, plain,
};
use super::call::Call;
use super::fault::Fault;
use super::list::View;
use super::new::random_id;
use super::quota;
use super::resource::{Change, Resource, fields, find, own, stamped};
use super::security_group::{SecurityGroups, comes_with_group};
use crate::northbound::database::tables::{
    Direction, Ethertype, Northbound, SecurityGroup, SecurityGroupRule,
};

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
        Attribute::required("direction", Kind::Word(&["ingress", "egress"]))
            .filter()
            .sort(),
        Attribute::made("ethertype", Kind::Json).filter().sort(),
        Attribute::made("protocol", Kind::Json).filter().sort(),
        Attribute::made("port_range_min", Kind::Json)
            .filter()
            .sort(),
        Attribute::made("port_range_max", Kind::Json)
            .filter()
            .sort(),
        Attribute::made("remote_ip_prefix", Kind::Nullable(&Kind::Text(255)))
            .filter()
            .sort(),
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
        let wanted = Wanted::read(change.call, change.rows, values)?;
        wanted.check(id)?;
        let others = change.rows.security_group_rules.index();
        let mut others = others.by_security_group.all(group.uuid);
        if let Some(other) = others.find(|other| wanted.is(other)) {
            return Err(exists(other.uuid));
        }
        // A rule is its group's project's, whoever of them makes it.
        let project = match values.has("project_id") || values.has("tenant_id") {
            true => change.call.project_of(values)?,
            false => group.project.clone(),
        };
        quota::check(change, "security_group_rule", &project)?;
        let columns = SecurityGroupRule::values()
            .set(SecurityGroupRule::project, project)
            .set(
                SecurityGroupRule::description,
                values.text("description").unwrap_or_default(),
            )
            .set(SecurityGroupRule::security_group, group.uuid)
            .set(SecurityGroupRule::direction, wanted.direction)
            .set(SecurityGroupRule::ethertype, wanted.ethertype)
            .set(SecurityGroupRule::protocol, wanted.protocol)
            .set(SecurityGroupRule::port_range_min, wanted.ports.0)
            .set(SecurityGroupRule::port_range_max, wanted.ports.1)
            .set(
                SecurityGroupRule::remote_ip_prefix,
                wanted.prefix.map(|prefix| prefix.to_string()),
            )
            .set(SecurityGroupRule::remote_group, wanted.group)
            .set(
                SecurityGroupRule::remote_address_group,
                wanted.address_group,
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

/// What a rule is to allow.
#[derive(Debug)]
struct Wanted {
    direction: Direction,
    ethertype: Ethertype,
    protocol: Option<String>,
    ports: (Option<i64>, Option<i64>),
    /// The other side as it is given, perhaps with host bits.
    prefix: Option<IpNet>,
    group: Option<Uuid>,
    address_group: Option<Uuid>,
}

impl Wanted {
    fn read(call: &Call, rows: &Northbound, values: &Values) -> Result<Self, Fault> {
        let group = values.text("remote_group_id").filter(|id| !id.is_empty());
        let group = group.map(|id| find::<SecurityGroups>(call, rows, id));
        let address_group = values
            .text("remote_address_group_id")
            .filter(|id| !id.is_empty());
        let address_group = address_group.map(|id| find::<AddressGroups>(call, rows, id));
        Ok(Self {
            direction: match values.text("direction") {
                Some("egress") => Direction::Egress,
                _ => Direction::Ingress,
            },
            ethertype: ethertype(values)?,
            protocol: protocol(values)?,
            ports: (
                port(values, "port_range_min")?,
                port(values, "port_range_max")?,
            ),
            prefix: values.text("remote_ip_prefix").map(block).transpose()?,
            group: group.transpose()?.map(|row| row.uuid),
            address_group: address_group.transpose()?.map(|row| row.uuid),
        })
    }

    /// Refuses what makes no sense.
    fn check(&self, id: Uuid) -> Result<(), Fault> {
        let small = |number: Option<i64>| {
            let small = number.map(u32::try_from).transpose();
            small.map_err(|_| {
                let message = format!("Invalid value for port {}", number.unwrap_or_default());
                bad("SecurityGroupInvalidPortValue", message)
            })
        };
        let attributes = RuleAttributes {
            id: network::RuleId(id),
            direction: match self.direction {
                Direction::Ingress => network::Direction::Ingress,
                Direction::Egress => network::Direction::Egress,
            },
            ethertype: match self.ethertype {
                Ethertype::Ipv4 => network::Ethertype::Ipv4,
                Ethertype::Ipv6 => network::Ethertype::Ipv6,
            },
            protocol: self.protocol.as_deref(),
            port_range_min: small(self.ports.0)?,
            port_range_max: small(self.ports.1)?,
            remote_ip_prefix: self.prefix.map(|prefix| prefix.trunc()),
            remote_group: self.group.map(network::SecurityGroupId),
            remote_address_group: self.address_group.map(network::AddressGroupId),
        };
        let checked = Rule::new(&attributes);
        checked
            .map(drop)
            .map_err(|field| bad(field.neutron_type(), told(&field)))
    }

    /// Whether a rule allows the same.
    fn is(&self, other: &SecurityGroupRule) -> bool {
        let number = |protocol: &Option<String>| {
            let protocol = protocol.as_deref()?;
            protocol.parse::<network::Protocol>().ok()
        };
        self.direction == other.direction
            && self.ethertype == other.ethertype
            && number(&self.protocol) == number(&other.protocol)
            && self.ports == (other.port_range_min, other.port_range_max)
            && self.prefix.map(|prefix| prefix.trunc()) == normalized(other)
            && self.group == other.remote_group
            && self.address_group == other.remote_address_group
    }
}

/// What is wrong with a rule, in the words that clients of Neutron look for.
fn told(wrong: &InvalidField) -> String {
    match (wrong.field, &wrong.problem) {
        ("port_range_min" | "port_range_max", Problem::OutOfRange { value, most, .. }) => {
            let what = match (wrong.field, *most) {
                ("port_range_min", 255) => "ICMP type (port-range-min)",
                (_, 255) => "ICMP code (port-range-max)",
                _ => "port",
            };
            format!("Invalid value for {what} {value}. It must be 0 to {most}.")
        }
        (_, Problem::Reversed { .. } | Problem::HalfRange) => {
            format!("port_range_min must be <= port_range_max; {wrong}")
        }
        (_, Problem::CodeWithoutType) => {
            format!("ICMP type (port-range-min) is missing; {wrong}")
        }
        ("remote_ip_prefix", Problem::WrongFamily { value, ethertype }) => {
            format!("Conflicting value ethertype {ethertype} for CIDR {value}.")
        }
        _ => wrong.to_string(),
    }
}

fn bad(kind: &'static str, message: String) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, kind, message)
}

fn ethertype(values: &Values) -> Result<Ethertype, Fault> {
    match values.get("ethertype") {
        None => Ok(Ethertype::Ipv4),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("ipv4") => Ok(Ethertype::Ipv4),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("ipv6") => Ok(Ethertype::Ipv6),
        Some(other) => {
            let message = format!(
                "Security group rule for ethertype '{}' not supported. Allowed values are \
                 ['IPv4', 'IPv6'].",
                plain(other)
            );
            Err(bad("SecurityGroupRuleInvalidEtherType", message))
        }
    }
}

/// The protocol as it is kept: none for every one, in lower case.
fn protocol(values: &Values) -> Result<Option<String>, Fault> {
    let word = match values.get("protocol") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(word)) => word.to_lowercase(),
        Some(other) => plain(other),
    };
    if matches!(word.as_str(), "" | "any" | "-1") {
        return Ok(None);
    }
    // Neutron's word for protocol 0.
    let word = if word == "ip" { "0".to_owned() } else { word };
    match word.parse::<network::Protocol>() {
        Ok(_) => Ok(Some(word)),
        Err(_) => {
            let message = format!(
                "Security group rule protocol {word} not supported. Only names of protocols and \
                 integer representations [0 to 255] are supported."
            );
            Err(bad("SecurityGroupRuleInvalidProtocol", message))
        }
    }
}

fn port(values: &Values, name: &str) -> Result<Option<i64>, Fault> {
    let given = match values.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(given) => given,
    };
    let number = match given {
        Value::String(digits) => digits.trim().parse().ok(),
        other => other.as_i64(),
    };
    let number = number.filter(|number| (0..=65535).contains(number));
    let message = || format!("Invalid value for port {}", plain(given));
    number
        .map(Some)
        .ok_or_else(|| bad("SecurityGroupInvalidPortValue", message()))
}

/// A block, or an address, which is a block of one.
fn block(text: &str) -> Result<IpNet, Fault> {
    let block = text
        .parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let message = || format!("Invalid CIDR {} given as IP prefix.", text.escape_debug());
    block.map_err(|_| bad("InvalidCIDR", message()))
}

/// The block on the other side, without host bits.
fn normalized(rule: &SecurityGroupRule) -> Option<IpNet> {
    let block: IpNet = rule.remote_ip_prefix.as_deref()?.parse().ok()?;
    Some(block.trunc())
}
