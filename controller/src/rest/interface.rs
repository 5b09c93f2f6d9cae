//! `add_router_interface` and its like: which networks a router is in, and routes that come and go.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use serde_json::{Map, Value, json};

use super::address::{Fixed, Owner, plan, write};
use super::call::Call;
use super::fault::Fault;
use super::gateway;
use super::new::{random_id, random_mac};
use super::port::Ports;
use super::resource::{Answer, Change, apply, check_revision, find, own, shown, stamped};
use super::router::{Routers, addresses, bad, change_routes, ports};
use super::routes;
use super::subnet::{Subnets, cidr};
use crate::northbound::database::Database;
use crate::northbound::database::tables::{
    Address, Northbound, OWNER_OF_GATEWAY, OWNER_OF_INTERFACE, Port, Router, Status, Subnet,
};

/// Answers what is asked of a router beside changes of itself.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn answer(
    database: &Database,
    call: &Call,
    id: &str,
    action: &str,
) -> Result<Answer, Fault> {
    if call.method != hyper::Method::PUT {
        return Err(Fault::method());
    }
    match action {
        "add_router_interface" | "remove_router_interface" => {
            let body = call.document()?;
            let adds = action == "add_router_interface";
            let document = apply(database, call, |change| {
                let router = Arc::clone(own::<Routers>(call, change.rows, id)?);
                check_revision::<Routers>(change, &router)?;
                let (subnet, port) = (named(&body, "subnet_id")?, named(&body, "port_id")?);
                change.touch(&*router, Router::values());
                match adds {
                    true => add(change, &router, subnet, port),
                    false => remove(change, &router, subnet, port),
                }
            })
            .await?;
            Ok((StatusCode::OK, Some(document)))
        }
        "add_extraroutes" | "remove_extraroutes" => {
            let object = call.object("router")?;
            let given = object.get("routes").cloned().unwrap_or_default();
            apply(database, call, |change| {
                let router = Arc::clone(own::<Routers>(call, change.rows, id)?);
                check_revision::<Routers>(change, &router)?;
                change_routes(change, &router, &given, action == "add_extraroutes")
            })
            .await?;
            let rows = database.snapshot();
            let row = find::<Routers>(call, &rows, id)?;
            let mut router = shown::<Routers>(call, &rows, row);
            let port = gateway::port(&rows, row.uuid).map(|port| port.uuid);
            // Neutron says these here, and nowhere else.
            router.insert("gw_port_id".to_owned(), json!(port));
            router.insert("ha_vr_id".to_owned(), json!(0));
            Ok((StatusCode::OK, Some(json!({ "router": router }))))
        }
        _ => Err(Fault::not_found()),
    }
}

fn named<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Fault> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if id.parse::<Uuid>().is_ok() => Ok(Some(id)),
        Some(other) => {
            let reason = format!("'{}' is not a valid UUID", super::attribute::plain(other));
            Err(Fault::attribute(name, &reason))
        }
    }
}

fn add(
    change: &mut Change<'_>,
    router: &Arc<Router>,
    subnet: Option<&str>,
    port: Option<&str>,
) -> Result<Value, Fault> {
    match (subnet, port) {
        (Some(_), Some(_)) => Err(bad("Cannot specify both subnet-id and port-id")),
        (None, None) => Err(bad("Either subnet_id or port_id must be specified")),
        (Some(subnet), None) => add_subnet(change, router, subnet),
        (None, Some(port)) => add_port(change, router, port),
    }
}

/// Makes a port with the address that machines expect their router to have.
fn add_subnet(change: &mut Change<'_>, router: &Arc<Router>, id: &str) -> Result<Value, Fault> {
    let rows = change.rows;
    let subnet = find::<Subnets>(change.call, rows, id)?;
    let gateway = subnet.gateway_ip.as_deref();
    let gateway =
        gateway.ok_or_else(|| bad("Subnet for router interface must have a gateway IP"))?;
    fits(rows, router, subnet, None)?;
    let mac_address = random_mac()?;
    let owner = Owner {
        network: subnet.network,
        mac_address: &mac_address,
        device_owner: OWNER_OF_INTERFACE,
    };
    let wanted = json!([{"subnet_id": subnet.uuid, "ip_address": gateway}]);
    let fixed = plan(change, owner, Some(&wanted), &[])?;
    let port = random_id()?;
    let columns = Port::values()
        .set(Port::network, subnet.network)
        .set(Port::project, router.project.as_str())
        .set(Port::mac_address, mac_address.as_str())
        .set(Port::device_owner, OWNER_OF_INTERFACE)
        .set(Port::device_id, router.uuid.to_string())
        .set(Port::router, Some(router.uuid))
        .set(Port::admin_state_up, true)
        .set(Port::status, Status::Down)
        .set(Port::vnic_type, "normal");
    change.transaction.insert_as(port, stamped(columns));
    write(change, subnet.network, port, &[], &fixed);
    Ok(document(router, port, subnet.network, &[subnet.uuid]))
}

/// Takes a port that nobody has.
fn add_port(change: &mut Change<'_>, router: &Arc<Router>, id: &str) -> Result<Value, Fault> {
    let rows = change.rows;
    let port = own::<Ports>(change.call, rows, id)?;
    if !port.device_id.is_empty() {
        let message = format!(
            "Unable to complete operation on port {id} for network {}. Port already has an \
             attached device {}.",
            port.network, port.device_id
        );
        return Err(Fault::new(StatusCode::CONFLICT, "PortInUse", message));
    }
    let fixed = addresses(rows, port.uuid);
    if fixed.is_empty() {
        return Err(bad("Router port must have at least one fixed IP"));
    }
    if fixed.iter().filter(|(_, ip)| ip.is_ipv4()).count() > 1 {
        return Err(bad("Cannot have multiple IPv4 subnets on router port"));
    }
    let subnets: Vec<Uuid> = fixed.iter().map(|(subnet, _)| *subnet).collect();
    for subnet in subnets.iter().filter_map(|id| rows.subnets.get(id)) {
        fits(rows, router, subnet, None)?;
    }
    let columns = Port::values()
        .set(Port::device_owner, OWNER_OF_INTERFACE)
        .set(Port::device_id, router.uuid.to_string())
        .set(Port::router, Some(router.uuid));
    change.touch(&**port, columns);
    Ok(document(router, port.uuid, port.network, &subnets))
}

/// Refuses a subnet whose addresses the router would know twice.
///
/// # Errors
///
/// Another port of the router than `except` has addresses of the block.
pub(super) fn fits(
    rows: &Northbound,
    router: &Router,
    new: &Subnet,
    except: Option<Uuid>,
) -> Result<(), Fault> {
    let Some(block) = cidr(new) else {
        return Ok(());
    };
    for port in ports(rows, router.uuid).filter(|port| Some(port.uuid) != except) {
        for (id, _) in addresses(rows, port.uuid) {
            if id == new.uuid && port.device_owner == OWNER_OF_INTERFACE {
                return Err(bad(&format!("Router already has a port on subnet {id}")));
            }
            let other = rows.subnets.get(&id).and_then(|row| cidr(row));
            if let Some(other) =
                other.filter(|other| other.contains(&block) || block.contains(other))
            {
                return Err(bad(&format!(
                    "Cidr {block} of subnet {} overlaps with cidr {other} of subnet {id}",
                    new.uuid
                )));
            }
        }
    }
    Ok(())
}

fn remove(
    change: &mut Change<'_>,
    router: &Arc<Router>,
    subnet: Option<&str>,
    port: Option<&str>,
) -> Result<Value, Fault> {
    let rows = change.rows;
    if subnet.is_none() && port.is_none() {
        return Err(bad("Either subnet_id or port_id must be specified"));
    }
    let mut interfaces =
        ports(rows, router.uuid).filter(|port| port.device_owner != OWNER_OF_GATEWAY);
    let found = match (subnet, port) {
        (_, Some(id)) => interfaces.find(|port| port.uuid.to_string() == id),
        (Some(id), None) => interfaces.find(|port| {
            addresses(rows, port.uuid)
                .iter()
                .any(|(subnet, _)| subnet.to_string() == id)
        }),
        (None, None) => None,
    };
    let missing = || match (subnet, port) {
        (Some(subnet), None) => Fault::new(
            StatusCode::NOT_FOUND,
            "RouterInterfaceNotFoundForSubnet",
            format!("Router {} has no interface on subnet {subnet}", router.uuid),
        ),
        _ => Fault::new(
            StatusCode::NOT_FOUND,
            "RouterInterfaceNotFound",
            format!(
                "Router {} does not have an interface with id {}",
                router.uuid,
                port.unwrap_or_default()
            ),
        ),
    };
    let port = found.ok_or_else(missing)?;
    let subnets: Vec<Uuid> = addresses(rows, port.uuid)
        .iter()
        .map(|(id, _)| *id)
        .collect();
    if let Some(subnet) = subnet
        && !subnets.iter().any(|id| id.to_string() == subnet)
    {
        let message = format!("Subnet {subnet} could not be found.");
        return Err(Fault::new(
            StatusCode::CONFLICT,
            "SubnetMismatchForPort",
            message,
        ));
    }
    unneeded(rows, router, &subnets)?;
    change.transaction.delete(Address::port.equals(port.uuid));
    change.transaction.delete::<Port>(port.uuid);
    Ok(document(router, port.uuid, port.network, &subnets))
}

/// Refuses addresses of a router's port that the router cannot have, or not without those that go.
///
/// # Errors
///
/// A new subnet overlaps another of the router, floating IPs or routes need one that goes, or a
/// route's next hop is one of the addresses.
pub(super) fn readdress(rows: &Northbound, port: &Port, fixed: &[Fixed]) -> Result<(), Fault> {
    let router = port.router.and_then(|id| rows.routers.get(&id));
    let Some(router) = router else { return Ok(()) };
    let old = addresses(rows, port.uuid);
    let is_in = |list: &[Fixed], subnet: &Uuid| list.iter().any(|(other, _)| other == subnet);
    let gone: Vec<Uuid> = (old.iter().map(|(subnet, _)| *subnet))
        .filter(|subnet| !is_in(fixed, subnet))
        .collect();
    unneeded(rows, router, &gone)?;
    let new = fixed.iter().filter(|(subnet, _)| !is_in(&old, subnet));
    for subnet in new.filter_map(|(id, _)| rows.subnets.get(id)) {
        fits(rows, router, subnet, Some(port.uuid))?;
    }
    let routes = routes::present(&router.routes);
    match (routes.iter()).find(|(_, hop)| fixed.iter().any(|(_, ip)| ip == hop)) {
        None => Ok(()),
        Some((block, nexthop)) => Err(bad(&format!(
            "{nexthop} is the next hop of the route to {block}"
        ))),
    }
}

/// Refuses to leave subnets from which floating IPs or routes go by the router.
fn unneeded(rows: &Northbound, router: &Router, subnets: &[Uuid]) -> Result<(), Fault> {
    for id in subnets {
        let Some(block) = rows.subnets.get(id).and_then(|row| cidr(row)) else {
            continue;
        };
        let serves = |ip: &str| {
            ip.parse()
                .is_ok_and(|ip: std::net::IpAddr| block.contains(&ip))
        };
        let floating_ips = rows.floating_ips.iter();
        let mut floating_ips = floating_ips.filter(|row| row.router == Some(router.uuid));
        let needed = floating_ips.any(|row| {
            let forwardings = &rows.port_forwardings.index().by_floating_ip;
            let mut forwardings = forwardings.all(row.uuid);
            row.fixed_ip_address.as_deref().is_some_and(serves)
                || forwardings.any(|row| serves(&row.fixed_ip_address))
        });
        if needed {
            let message = format!(
                "Router interface for subnet {id} on router {} cannot be deleted, as it is \
                 required by one or more floating IPs.",
                router.uuid
            );
            let kind = "RouterInterfaceInUseByFloatingIP";
            return Err(Fault::new(StatusCode::CONFLICT, kind, message));
        }
        if routes::present(&router.routes)
            .iter()
            .any(|(_, nexthop)| block.contains(nexthop))
        {
            let message = format!(
                "Router interface for subnet {id} on router {} cannot be deleted, as it is \
                 required by one or more routes.",
                router.uuid
            );
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "RouterInterfaceInUseByRoute",
                message,
            ));
        }
    }
    Ok(())
}

fn document(router: &Router, port: Uuid, network: Uuid, subnets: &[Uuid]) -> Value {
    json!({
        "id": router.uuid,
        "tenant_id": router.project,
        "port_id": port,
        "network_id": network,
        "subnet_id": subnets.first(),
        "subnet_ids": subnets,
    })
}
