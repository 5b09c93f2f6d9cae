//! Sub-ports as requests give them: `[{"port_id": ID, "segmentation_type": "vlan",
//! "segmentation_id": NUMBER}]`.

use std::collections::BTreeSet;

use ovsdb::Uuid;
use serde_json::{Map, Value};

use super::attribute::plain;
use super::fault::Fault;

/// What may be said of one.
const KNOWN: [&str; 3] = ["port_id", "segmentation_type", "segmentation_id"];
/// The tags that a VLAN may have.
const VLANS: std::ops::RangeInclusive<i64> = 1..=4094;

/// A sub-port of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The port.
    pub(super) port: Uuid,
    /// What its frames are told by.
    pub(super) tag: Tag,
}

/// What the frames of a sub-port are told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// This VLAN.
    Vlan(i64),
    /// The VLAN of its network: Neutron's `inherit`.
    Inherited,
    /// Nothing is said; who removes a sub-port need not.
    Missing,
}

/// Reads sub-ports; `problem` makes a fault of a reason.
///
/// # Errors
///
/// One makes no sense, or two are of one port or one VLAN.
pub(super) fn read(given: &Value, problem: impl Fn(&str) -> Fault) -> Result<Vec<Given>, Fault> {
    let list = given.as_array();
    let list = list.ok_or_else(|| problem(&format!("'{}' is not a list", plain(given))))?;
    let (mut ports, mut vlans) = (BTreeSet::new(), BTreeSet::new());
    let mut read = Vec::new();
    for item in list {
        let one = one(item, &problem)?;
        if !ports.insert(one.port) {
            return Err(problem(&format!("port_id {} is there twice", one.port)));
        }
        if let Tag::Vlan(vlan) = one.tag
            && !vlans.insert(vlan)
        {
            return Err(problem(&format!("segmentation_id {vlan} is there twice")));
        }
        read.push(one);
    }
    Ok(read)
}

fn one(item: &Value, problem: impl Fn(&str) -> Fault) -> Result<Given, Fault> {
    let object = item.as_object();
    let object = object.ok_or_else(|| problem(&format!("'{}' is not a mapping", plain(item))))?;
    let unknown = object.keys().find(|name| !KNOWN.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Err(problem(&format!("'{name}' is no part of a sub-port")));
    }
    let port = object.get("port_id").and_then(Value::as_str);
    let port = port.and_then(|text| text.parse().ok());
    let port = port.ok_or_else(|| problem("the UUID of a port has to be the port_id"))?;
    let tag = tag(object)?;
    Ok(Given { port, tag })
}

fn tag(object: &Map<String, Value>) -> Result<Tag, Fault> {
    let invalid = |reason: &str| Err(Fault::invalid_input(reason));
    let vlan = object.get("segmentation_id");
    match (object.get("segmentation_type"), vlan) {
        (Some(kind), _) if kind == "inherit" => Ok(Tag::Inherited),
        (Some(kind), _) if kind != "vlan" => {
            invalid(&format!("Unknown segmentation_type '{}'", plain(kind)))
        }
        (Some(_), Some(given)) => {
            let number = match given {
                Value::String(digits) => digits.trim().parse().ok(),
                other => other.as_i64(),
            };
            match number {
                Some(number) if VLANS.contains(&number) => Ok(Tag::Vlan(number)),
                Some(number) => invalid(&format!(
                    "segmentation_id {number} is not in range {} through {}",
                    VLANS.start(),
                    VLANS.end()
                )),
                None => invalid(&format!(
                    "segmentation_id '{}' is not an integer",
                    plain(given)
                )),
            }
        }
        _ => Ok(Tag::Missing),
    }
}
