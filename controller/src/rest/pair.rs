//! Allowed address pairs: more sources that a port may use.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hyper::StatusCode;
use ipnet::IpNet;
use openflow::field::MacAddr;
use pipelines::network::AddressPair;
use serde_json::Value;

use super::attribute::{Values, plain};
use super::fault::Fault;

/// How many pairs a port may have; Neutron's.
const MOST: usize = 10;

/// Reads pairs: `[{"ip_address": BLOCK, "mac_address": MAC}]`, as the database keeps them; `None` if
/// a request does not give them.
///
/// # Errors
///
/// They are too many, or one makes no sense or is there twice.
pub(super) fn pairs(values: &Values) -> Result<Option<BTreeSet<String>>, Fault> {
    let refused = |kind, message: String| Err(Fault::new(StatusCode::BAD_REQUEST, kind, message));
    let list = match values.get("allowed_address_pairs") {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(BTreeSet::new())),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(problem(&format!("'{}' is not a list", plain(other)))),
    };
    if list.len() > MOST {
        let message = format!("The number of allowed address pair exceeds the maximum {MOST}.");
        return refused("AllowedAddressPairExhausted", message);
    }
    let mut pairs = BTreeSet::new();
    for item in list {
        let pair = pair(item)?;
        if !pairs.insert(pair) {
            let message = format!("Request contains duplicate address pair: {}.", plain(item));
            return refused("DuplicateAddressPairInRequest", message);
        }
    }
    Ok(Some(pairs))
}

fn pair(item: &Value) -> Result<String, Fault> {
    let Value::Object(item) = item else {
        return Err(problem(&format!("'{}' is not a dictionary", plain(item))));
    };
    if let Some(name) = item
        .keys()
        .find(|name| !matches!(name.as_str(), "ip_address" | "mac_address"))
    {
        return Err(problem(&format!("'{name}' is no part of a pair")));
    }
    let Some(given) = item.get("ip_address") else {
        let message = "AllowedAddressPair must contain ip_address";
        let kind = "AllowedAddressPairsMissingIP";
        return Err(Fault::new(StatusCode::BAD_REQUEST, kind, message));
    };
    let text = given.as_str().unwrap_or_default();
    let host = text.parse::<IpAddr>().map(IpNet::from).ok();
    let block = host.or_else(|| text.parse().ok());
    let invalid = || problem(&format!("'{}' is not a valid IP subnet", plain(given)));
    let block: IpNet = block.ok_or_else(invalid)?;
    let text = match text.contains('/') {
        true => block.trunc().to_string(),
        false => block.addr().to_string(),
    };
    let mac_address = match item.get("mac_address") {
        None | Some(Value::Null) => None,
        Some(given) => {
            let mac: Option<MacAddr> = given.as_str().and_then(|text| text.parse().ok());
            let invalid = || problem(&format!("'{}' is not a valid MAC address", plain(given)));
            Some(mac.ok_or_else(invalid)?)
        }
    };
    let pair = AddressPair {
        ip_address: block,
        mac_address,
    };
    pair.check().map_err(|wrong| problem(&wrong.to_string()))?;
    Ok(match mac_address {
        None => text,
        Some(mac) => format!("{text} {mac}"),
    })
}

fn problem(reason: &str) -> Fault {
    Fault::attribute("allowed_address_pairs", reason)
}
