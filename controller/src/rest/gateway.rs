//! `external_gateway_info`: through which network a router leads outside.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use serde_json::{Value, json};

use super::address::{Fixed, Owner, plan, write};
use super::attribute::{boolean, plain};
use super::call::Call;
use super::fault::Fault;
use super::interface::fits;
use super::network::Networks;
use super::new::{random_id, random_mac};
use super::resource::{Change, find, stamped};
use super::router::{addresses, bad, external, ports};
use crate::northbound::database::tables::{
    Address, Northbound, OWNER_OF_GATEWAY, Port, Router, Status,
};

/// What a router is to have.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The network that leads outside.
    pub(super) network: Uuid,
    /// Whether others leave with the router's address, if that is said.
    pub(super) enable_snat: Option<bool>,
    /// The addresses that are asked for.
    fixed_ips: Option<Value>,
}

/// What a router has, as clients see it.
pub(super) fn view(rows: &Northbound, router: &Router) -> Value {
    let Some(network) = router.external_network else {
        return Value::Null;
    };
    let port = port(rows, router.uuid);
    let fixed_ips = port
        .map(|port| addresses(rows, port.uuid))
        .unwrap_or_default();
    let fixed_ips = fixed_ips.iter();
    let fixed_ips = fixed_ips.map(|(subnet, ip)| json!({"subnet_id": subnet, "ip_address": ip}));
    json!({
        "network_id": network,
        "enable_snat": router.enable_snat,
        "external_fixed_ips": fixed_ips.collect::<Value>(),
    })
}

/// Reads what a request says; null and an empty object are none.
///
/// # Errors
///
/// It makes no sense, or the network does not lead outside.
pub(super) fn read(call: &Call, rows: &Northbound, given: &Value) -> Result<Option<Wanted>, Fault> {
    let problem = |reason: String| Fault::attribute("external_gateway_info", &reason);
    let object = match given {
        Value::Null => return Ok(None),
        Value::Object(object) if object.is_empty() => return Ok(None),
        Value::Object(object) => object,
        other => return Err(problem(format!("'{}' is not a dictionary", plain(other)))),
    };
    let known = [
        "network_id",
        "enable_snat",
        "external_fixed_ips",
        "qos_policy_id",
    ];
    if let Some(name) = object.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(problem(format!("'{name}' is no part of a gateway")));
    }
    let id = object.get("network_id").and_then(Value::as_str);
    let id = id.ok_or_else(|| problem("network_id is missing".to_owned()))?;
    let network: Uuid = id
        .parse()
        .map_err(|_| problem(format!("'{id}' is not a valid UUID")))?;
    find::<Networks>(call, rows, id)?;
    for name in ["enable_snat", "external_fixed_ips"] {
        let given = object.get(name).filter(|given| !given.is_null());
        if given.is_some() && !call.caller.is_admin {
            let what = format!("update_router:external_gateway_info:{name}");
            return Err(Fault::forbidden(&what));
        }
    }
    if external(rows, network).is_none() {
        return Err(bad(&format!(
            "Network {network} is not an external network"
        )));
    }
    let enable_snat = match object.get("enable_snat") {
        None | Some(Value::Null) => None,
        Some(given) => {
            let invalid = || problem(format!("'{}' cannot be converted to boolean", plain(given)));
            Some(boolean(given).ok_or_else(invalid)?)
        }
    };
    let fixed_ips = object.get("external_fixed_ips");
    let fixed_ips = fixed_ips.filter(|given| !given.is_null() && **given != json!([]));
    Ok(Some(Wanted {
        network,
        enable_snat,
        fixed_ips: fixed_ips.cloned(),
    }))
}

/// Connects a router to the outside, and says with which addresses.
///
/// # Errors
///
/// There is no address for it.
pub(super) fn connect(
    change: &mut Change<'_>,
    router: (Uuid, Option<&Router>),
    wanted: &Wanted,
) -> Result<Vec<Fixed>, Fault> {
    let (router, row) = router;
    let mac_address = random_mac()?;
    let owner = Owner {
        network: wanted.network,
        mac_address: &mac_address,
        device_owner: OWNER_OF_GATEWAY,
    };
    let fixed = plan(change, owner, wanted.fixed_ips.as_ref(), &[])?;
    if let Some(row) = row {
        let present = port(change.rows, router).map(|port| port.uuid);
        let subnets = fixed
            .iter()
            .filter_map(|(id, _)| change.rows.subnets.get(id));
        for subnet in subnets {
            fits(change.rows, row, subnet, present)?;
        }
    }
    let id = random_id()?;
    let columns = Port::values()
        .set(Port::network, wanted.network)
        .set(Port::mac_address, mac_address.as_str())
        .set(Port::device_owner, OWNER_OF_GATEWAY)
        .set(Port::device_id, router.to_string())
        .set(Port::router, Some(router))
        .set(Port::admin_state_up, true)
        .set(Port::status, Status::Down)
        .set(Port::vnic_type, "normal");
    change.transaction.insert_as(id, stamped(columns));
    write(change, wanted.network, id, &[], &fixed);
    Ok(fixed)
}

/// Gives a router the gateway that is wanted, in place of the one that it has, and says with which
/// addresses.
///
/// # Errors
///
/// Floating IPs need the one that it has, or there is no address for the new one.
pub(super) fn change(
    change: &mut Change<'_>,
    router: &Arc<Router>,
    wanted: Option<&Wanted>,
) -> Result<Vec<Fixed>, Fault> {
    let present = port(change.rows, router.uuid).cloned();
    if let (Some(port), Some(wanted)) = (&present, wanted)
        && port.network == wanted.network
    {
        let Some(fixed_ips) = &wanted.fixed_ips else {
            return Ok(addresses(change.rows, port.uuid));
        };
        let owner = Owner {
            network: port.network,
            mac_address: &port.mac_address,
            device_owner: OWNER_OF_GATEWAY,
        };
        let old = addresses(change.rows, port.uuid);
        let fixed = plan(change, owner, Some(fixed_ips), &old)?;
        for subnet in (fixed.iter()).filter_map(|(id, _)| change.rows.subnets.get(id)) {
            fits(change.rows, router, subnet, Some(port.uuid))?;
        }
        let rows: Vec<_> = change
            .rows
            .addresses
            .index()
            .by_port
            .all(port.uuid)
            .collect();
        write(change, port.network, port.uuid, &rows, &fixed);
        change.touch(&**port, Port::values());
        return Ok(fixed);
    }
    if let Some(port) = &present {
        let mut floating_ips = change.rows.floating_ips.iter();
        if floating_ips.any(|row| row.router == Some(router.uuid) && row.network == port.network) {
            let message = format!(
                "Gateway cannot be updated for router {}, since a gateway to external network {} \
                 is required by one or more floating IPs.",
                router.uuid, port.network
            );
            let kind = "RouterExternalGatewayInUseByFloatingIp";
            return Err(Fault::new(StatusCode::CONFLICT, kind, message));
        }
        change.transaction.delete(Address::port.equals(port.uuid));
        change.transaction.delete::<Port>(port.uuid);
    }
    match wanted {
        Some(wanted) => connect(change, (router.uuid, Some(router)), wanted),
        None => Ok(Vec::new()),
    }
}

/// The port through which a router leads outside.
pub(super) fn port(rows: &Northbound, router: Uuid) -> Option<&Arc<Port>> {
    ports(rows, router).find(|port| port.device_owner == OWNER_OF_GATEWAY)
}
