//! Routes: `[{"destination": BLOCK, "nexthop": ADDRESS}]`, of subnets and of routers.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::attribute::plain;
use super::fault::Fault;
use super::subnet::address;

/// A block, without host bits, and the address that leads there, of the same version.
pub(super) type Route = (IpNet, IpAddr);

/// Reads the routes of an attribute; null is none.
///
/// # Errors
///
/// One makes no sense, or is there twice.
pub(super) fn read(name: &str, given: &Value) -> Result<BTreeSet<Route>, Fault> {
    let problem = |reason: String| Fault::attribute(name, &reason);
    let list = match given {
        Value::Null => return Ok(BTreeSet::new()),
        Value::Array(list) => list,
        other => return Err(problem(format!("'{}' is not a list", plain(other)))),
    };
    let mut routes = BTreeSet::new();
    for route in list {
        let part = |name| route.get(name).and_then(Value::as_str);
        let known = route.as_object().is_some_and(|route| route.len() == 2);
        let (Some(destination), Some(nexthop), true) =
            (part("destination"), part("nexthop"), known)
        else {
            let expected = "expected destination and nexthop";
            return Err(problem(format!(
                "'{}' is no route, {expected}",
                plain(route)
            )));
        };
        let invalid = |_| {
            problem(format!(
                "'{}' is not a valid IP subnet",
                destination.escape_debug()
            ))
        };
        let block: IpNet = destination.parse().map_err(invalid)?;
        let nexthop = address(name, nexthop)?;
        if block.addr().is_ipv4() != nexthop.is_ipv4() {
            return Err(problem(format!(
                "{nexthop} is of another version of IP than {block}"
            )));
        }
        if !routes.insert((block.trunc(), nexthop)) {
            return Err(problem(format!("Duplicate route '{block}' by {nexthop}")));
        }
    }
    Ok(routes)
}

/// Routes as the database keeps them.
pub(super) fn kept(routes: &BTreeSet<Route>) -> BTreeSet<String> {
    let routes = routes.iter();
    routes
        .map(|(block, nexthop)| format!("{block} {nexthop}"))
        .collect()
}

/// Routes that the database keeps.
pub(super) fn present(kept: &BTreeSet<String>) -> BTreeSet<Route> {
    let read = |route: &String| {
        let (block, nexthop) = route.split_once(' ')?;
        Some((block.parse().ok()?, nexthop.parse().ok()?))
    };
    kept.iter().filter_map(read).collect()
}

/// Routes as clients see them.
pub(super) fn view(kept: &BTreeSet<String>) -> Value {
    let routes = present(kept).into_iter();
    routes
        .map(|(block, nexthop)| json!({"destination": block, "nexthop": nexthop}))
        .collect()
}
