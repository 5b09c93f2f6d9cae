//! What a rule says, of a group or of those that new groups begin with: read, in the one form that
//! Neutron keeps, and compared as Neutron compares.
//!
//! What makes sense is decided where rules become flows; here its refusals get Neutron's names.

use std::net::IpAddr;

use hyper::StatusCode;
use ipnet::IpNet;
use ovsdb::Uuid;
use pipelines::network::{self, InvalidField, Problem, Rule, RuleAttributes};
use serde_json::Value;

use super::attribute::{Attribute, Kind, Values, plain};
use super::fault::Fault;
use crate::northbound::database::tables::{
    DefaultSecurityGroupRule, Direction, Ethertype, SecurityGroupRule,
};

/// Every port there is: as good as none.
const ALL_PORTS: (Option<i64>, Option<i64>) = (Some(1), Some(65535));

/// The attributes that say what a rule allows; what is on the other side by name differs.
pub(super) const DIRECTION: Attribute =
    Attribute::required("direction", Kind::Word(&["ingress", "egress"]))
        .filter()
        .sort();
pub(super) const ETHERTYPE: Attribute = Attribute::made("ethertype", Kind::Json).filter().sort();
pub(super) const PROTOCOL: Attribute = Attribute::made("protocol", Kind::Json).filter().sort();
pub(super) const PORT_RANGE_MIN: Attribute = Attribute::made("port_range_min", Kind::Json)
    .filter()
    .sort();
pub(super) const PORT_RANGE_MAX: Attribute = Attribute::made("port_range_max", Kind::Json)
    .filter()
    .sort();
pub(super) const REMOTE_IP_PREFIX: Attribute =
    Attribute::made("remote_ip_prefix", Kind::Nullable(&Kind::Text(255)))
        .filter()
        .sort();

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) direction: Direction,
    pub(super) ethertype: Ethertype,
    pub(super) protocol: Option<String>,
    pub(super) ports: (Option<i64>, Option<i64>),
    /// The other side as it is given, perhaps with host bits.
    pub(super) prefix: Option<IpNet>,
    /// The group on the other side, by its id or another word for it.
    pub(super) remote_group: Option<String>,
    pub(super) remote_address_group: Option<String>,
}

macro_rules! terms_of {
    ($row:expr) => {{
        let row = $row;
        let prefix = row.remote_ip_prefix.as_deref();
        Terms {
            direction: row.direction,
            ethertype: row.ethertype,
            protocol: row.protocol.clone(),
            ports: (row.port_range_min, row.port_range_max),
            prefix: prefix.and_then(|text| text.parse().ok()),
            remote_group: row.remote_group.as_ref().map(ToString::to_string),
            remote_address_group: row.remote_address_group.as_ref().map(ToString::to_string),
        }
    }};
}

impl Terms {
    /// Reads what a request says, without the groups on the other side.
    ///
    /// # Errors
    ///
    /// A word or number is none.
    pub(super) fn read(values: &Values) -> Result<Self, Fault> {
        let prefix = values.text("remote_ip_prefix");
        let prefix = prefix.filter(|text| !text.is_empty()).map(block);
        let mut terms = Self {
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
            prefix: prefix.transpose()?,
            remote_group: None,
            remote_address_group: None,
        };
        if terms.ports == ALL_PORTS {
            terms.ports = (None, None);
        }
        terms.protocol = terms
            .protocol
            .map(|word| match (terms.ethertype, word.as_str()) {
                (Ethertype::Ipv6, "icmp" | "icmpv6") => "ipv6-icmp".to_owned(),
                (Ethertype::Ipv6, "1") => "58".to_owned(),
                _ => word,
            });
        Ok(terms)
    }

    /// What a rule of a group says.
    pub(super) fn of(row: &SecurityGroupRule) -> Self {
        terms_of!(row)
    }

    /// What a rule says that new groups begin with.
    pub(super) fn of_default(row: &DefaultSecurityGroupRule) -> Self {
        terms_of!(row)
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// Attributes do not fit each other.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let small = |number: Option<i64>| {
            let small = number.map(u32::try_from).transpose();
            small.map_err(|_| {
                let message = format!("Invalid value for port {}", number.unwrap_or_default());
                bad("SecurityGroupInvalidPortValue", message)
            })
        };
        // Which group it is makes no difference.
        let group = |group: &Option<String>| group.as_ref().map(|_| Uuid::nil());
        let protocol = self.protocol.as_deref();
        let attributes = RuleAttributes {
            id: network::RuleId(Uuid::nil()),
            direction: match self.direction {
                Direction::Ingress => network::Direction::Ingress,
                Direction::Egress => network::Direction::Egress,
            },
            ethertype: match self.ethertype {
                Ethertype::Ipv4 => network::Ethertype::Ipv4,
                Ethertype::Ipv6 => network::Ethertype::Ipv6,
            },
            protocol: protocol.map(|word| if word == "ip" { "0" } else { word }),
            port_range_min: small(self.ports.0)?,
            port_range_max: small(self.ports.1)?,
            remote_ip_prefix: self.prefix.map(|prefix| prefix.trunc()),
            remote_group: group(&self.remote_group).map(network::SecurityGroupId),
            remote_address_group: group(&self.remote_address_group).map(network::AddressGroupId),
        };
        let checked = Rule::new(&attributes);
        checked
            .map(drop)
            .map_err(|field| bad(field.neutron_type(), told(&field)))
    }

    /// What two rules have in common of which Neutron takes only one.
    ///
    /// A protocol is the same by name and number, and a prefix of every address is none. Host bits
    /// tell prefixes apart.
    pub(super) fn key(&self) -> String {
        let protocol = self.protocol.as_deref().map(|word| {
            let known = if word == "ip" { "0" } else { word };
            let number = known.parse::<network::Protocol>();
            number.map_or_else(|_| word.to_owned(), |protocol| protocol.to_string())
        });
        let prefix = self.prefix.filter(|prefix| prefix.prefix_len() != 0);
        format!(
            "{} {} {protocol:?} {:?} {prefix:?} {:?} {:?}",
            self.direction.as_str(),
            self.ethertype.as_str(),
            self.ports,
            self.remote_group,
            self.remote_address_group
        )
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

/// A request that makes no sense, by Neutron's name for it.
pub(super) fn bad(kind: &'static str, message: String) -> Fault {
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
    let known = if word == "ip" { "0" } else { word.as_str() };
    match known.parse::<network::Protocol>() {
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
