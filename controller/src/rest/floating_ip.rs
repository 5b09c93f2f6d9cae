//! `floatingips`: external addresses that stand for those of ports.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::json;

use super::address::{Owner, plan, write};
use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, PROJECT_ID, REVISION_NUMBER, TAGS, TENANT_ID,
    UPDATED_AT, Values,
};
use super::fault::Fault;
use super::gateway;
use super::list::View;
use super::network::Networks;
use super::new::{random_id, random_mac};
use super::port::Ports;
use super::port_forwarding;
use super::quota;
use super::resource::{Change, Resource, fields, find, stamped};
use super::router::{addresses, external};
use super::subnet::address;
use crate::northbound::database::tables::{
    Address, FloatingIp, Northbound, OWNER_OF_FLOATING_IP, OWNER_OF_INTERFACE, Port, Router, Status,
};

/// Floating IPs.
#[derive(Debug)]
pub(super) struct FloatingIps;

impl Resource for FloatingIps {
    type Row = FloatingIp;

    const NAME: &'static str = "floatingip";
    const COLLECTION: &'static str = "floatingips";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        DESCRIPTION,
        Attribute::required("floating_network_id", Kind::Id)
            .filter()
            .sort(),
        Attribute::made("floating_ip_address", Kind::Nullable(&Kind::Text(64)))
            .by_admin()
            .filter()
            .sort(),
        Attribute::made("subnet_id", Kind::Nullable(&Kind::Id)),
        Attribute::set("port_id", Kind::Nullable(&Kind::Id))
            .filter()
            .sort(),
        Attribute::set("fixed_ip_address", Kind::Nullable(&Kind::Text(64)))
            .filter()
            .sort(),
        Attribute::shown("router_id", Kind::Text(36))
            .filter()
            .sort(),
        Attribute::shown("status", Kind::Text(255)).filter().sort(),
        Attribute::shown("port_details", Kind::Json),
        Attribute::made("dns_name", Kind::Text(255)),
        Attribute::made("dns_domain", Kind::Text(255)),
        TENANT_ID,
        PROJECT_ID,
        TAGS,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<FloatingIp> {
        &rows.floating_ips
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Floating IP {id} could not be found");
        Fault::new(StatusCode::NOT_FOUND, "FloatingIPNotFound", message)
    }

    fn project(row: &FloatingIp) -> Option<&str> {
        Some(&row.project)
    }

    fn view(rows: &Northbound, row: &FloatingIp) -> View {
        let port = row.port.and_then(|port| rows.ports.get(&port));
        let details = port.map(|port| {
            json!({
                "name": port.name,
                "network_id": port.network,
                "mac_address": port.mac_address,
                "admin_state_up": port.admin_state_up,
                "status": port.status.as_str(),
                "device_id": port.device_id,
                "device_owner": port.device_owner,
            })
        });
        fields([
            ("description", json!(row.description)),
            ("tenant_id", json!(row.project)),
            ("project_id", json!(row.project)),
            ("floating_network_id", json!(row.network)),
            ("floating_ip_address", json!(external_address(rows, row))),
            ("port_id", json!(port.map(|port| port.uuid))),
            (
                "fixed_ip_address",
                json!(port.and(row.fixed_ip_address.as_ref())),
            ),
            ("router_id", json!(router(row))),
            ("status", json!(status(row).as_str())),
            ("port_details", json!(details)),
            ("dns_name", json!(row.dns_name)),
            ("dns_domain", json!(row.dns_domain)),
            ("tags", json!(row.tags)),
            ("port_forwardings", port_forwarding::list(rows, row.uuid)),
            // This is not served; clients look at it all the same.
            ("qos_policy_id", json!(null)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let rows = change.rows;
        let network = values.id("floating_network_id").unwrap_or_default();
        find::<Networks>(change.call, rows, &network.to_string())?;
        if external(rows, network).is_none() {
            return Err(bad(&format!(
                "Network {network} is not a valid external network"
            )));
        }
        let project = change.call.project_of(values)?;
        quota::check(change, "floatingip", &project)?;
        let id = random_id()?;
        let address_port = take(change, network, id, values)?;
        let mut columns = FloatingIp::values()
            .set(FloatingIp::project, project)
            .set(FloatingIp::network, network)
            .set(FloatingIp::address_port, address_port)
            .set(FloatingIp::status, Status::Down)
            .set(
                FloatingIp::dns_name,
                values.text("dns_name").unwrap_or_default(),
            )
            .set(
                FloatingIp::dns_domain,
                values.text("dns_domain").unwrap_or_default(),
            );
        if let Some(description) = values.text("description") {
            columns = columns.set(FloatingIp::description, description);
        }
        if let Some(port) = values.id("port_id") {
            let fixed_ip = values.text("fixed_ip_address");
            columns = associate(change, columns, (id, network), port, fixed_ip)?;
        } else if values.text("fixed_ip_address").is_some() {
            return Err(bad(
                "fixed_ip_address cannot be specified without a port_id",
            ));
        }
        change.transaction.insert_as(id, stamped(columns));
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        row: &Arc<FloatingIp>,
        values: &Values,
    ) -> Result<ovsdb::Values<FloatingIp>, Fault> {
        let mut columns = FloatingIp::values();
        if let Some(description) = values.text("description") {
            columns = columns.set(FloatingIp::description, description);
        }
        let fixed_ip = values.text("fixed_ip_address");
        // Who says nothing at all wants it to stand for nobody: Neutron's, from its first days.
        let port = match values.has("port_id") || values.is_empty() {
            true => values.id("port_id"),
            false if fixed_ip.is_some() => row.port,
            false => return Ok(columns),
        };
        let Some(port) = port else {
            return match fixed_ip {
                Some(_) => Err(bad(
                    "fixed_ip_address cannot be specified without a port_id",
                )),
                // What is forwarded stays so.
                None if row.port.is_none() => Ok(columns),
                None => Ok(dissociated(columns)),
            };
        };
        port_forwarding::check_unused(change.rows, row.uuid)?;
        associate(change, columns, (row.uuid, row.network), port, fixed_ip)
    }

    fn delete(change: &mut Change<'_>, row: &Arc<FloatingIp>) -> Result<(), Fault> {
        port_forwarding::check_unused(change.rows, row.uuid)?;
        remove(change, row);
        Ok(())
    }
}

/// Deletes a floating IP with the port that has its address.
fn remove(change: &mut Change<'_>, row: &FloatingIp) {
    let transaction = &mut change.transaction;
    transaction.delete::<FloatingIp>(row.uuid);
    transaction.delete(Address::port.equals(row.address_port));
    transaction.delete::<Port>(row.address_port);
}

/// Deletes the floating IPs of a network that stand for nobody, as it goes; what ports that are.
pub(super) fn delete_unused(change: &mut Change<'_>, network: Uuid) -> BTreeSet<Uuid> {
    let rows = change.rows.floating_ips.iter();
    let unused = rows.filter(|row| row.network == network && router(row).is_none());
    let unused: Vec<_> = unused.collect();
    for row in &unused {
        remove(change, row);
    }
    unused.iter().map(|row| row.address_port).collect()
}

/// Refuses that a port loses an address that a floating IP stands for, or that is one.
///
/// # Errors
///
/// It does; Neutron's words.
pub(super) fn check_kept(rows: &Northbound, port: &Port, kept: &[IpAddr]) -> Result<(), Fault> {
    let mut floating_ips = rows.floating_ips.index().by_port.all(port.uuid);
    let is_kept = |row: &FloatingIp| {
        let ip = row.fixed_ip_address.as_deref().map(str::parse);
        ip.is_none_or(|ip| ip.is_ok_and(|ip: IpAddr| kept.contains(&ip)))
    };
    if floating_ips.all(|row| is_kept(row)) {
        let own = addresses(rows, port.uuid).into_iter();
        let mut own = own.filter(|(_, ip)| ip.is_ipv4());
        if !is_address_port(rows, port) || own.all(|(_, ip)| kept.contains(&ip)) {
            return Ok(());
        }
    }
    let message = format!(
        "Bad port request: Cannot update the fixed_ips of the port {}, because its original \
         fixed_ip has been associated to a floating ip.",
        port.uuid
    );
    let kind = "BadRequest";
    Err(Fault::new(StatusCode::BAD_REQUEST, kind, message))
}

/// Leaves the floating IPs of a port without it, as it goes.
pub(super) fn leave(change: &mut Change<'_>, port: Uuid) {
    let floating_ips: Vec<_> = change.rows.floating_ips.index().by_port.all(port).collect();
    for row in floating_ips {
        change.touch(&**row, dissociated(FloatingIp::values()));
    }
}

fn dissociated(columns: ovsdb::Values<FloatingIp>) -> ovsdb::Values<FloatingIp> {
    columns
        .set(FloatingIp::port, None::<Uuid>)
        .set(FloatingIp::fixed_ip_address, None::<String>)
        .set(FloatingIp::router, None::<Uuid>)
        .set(FloatingIp::status, Status::Down)
}

/// Whether it stands for somebody: hosts follow at once, and none has to report it.
fn status(row: &FloatingIp) -> Status {
    match router(row) {
        Some(_) => Status::Active,
        None => Status::Down,
    }
}

/// The router that translates; who was deleted needs none.
fn router(row: &FloatingIp) -> Option<Uuid> {
    row.router
        .filter(|_| row.port.is_some() || row.fixed_ip_address.is_none())
}

/// The external address.
pub(super) fn external_address(rows: &Northbound, row: &FloatingIp) -> Option<IpAddr> {
    let addresses = addresses(rows, row.address_port);
    addresses.first().map(|(_, ip)| *ip)
}

/// Makes the port that has the external address.
fn take(
    change: &mut Change<'_>,
    network: Uuid,
    floating_ip: Uuid,
    values: &Values,
) -> Result<Uuid, Fault> {
    let mac_address = random_mac()?;
    let owner = Owner {
        network,
        mac_address: &mac_address,
        device_owner: OWNER_OF_FLOATING_IP,
    };
    let mut wanted = serde_json::Map::new();
    if let Some(subnet) = values.id("subnet_id") {
        wanted.insert("subnet_id".to_owned(), json!(subnet));
    }
    if let Some(text) = values.text("floating_ip_address") {
        let ip = address("floating_ip_address", text)?;
        wanted.insert("ip_address".to_owned(), json!(ip));
    }
    let wanted = match wanted.is_empty() {
        true => None,
        false => Some(json!([wanted])),
    };
    let mut fixed = plan(change, owner, wanted.as_ref(), &[])?;
    fixed.retain(|(_, ip)| ip.is_ipv4());
    if fixed.is_empty() {
        return Err(bad(&format!(
            "Network {network} does not contain any IPv4 subnet"
        )));
    }
    let port = random_id()?;
    let columns = Port::values()
        .set(Port::network, network)
        .set(Port::mac_address, mac_address.as_str())
        .set(Port::device_owner, OWNER_OF_FLOATING_IP)
        .set(Port::device_id, floating_ip.to_string())
        .set(Port::admin_state_up, true)
        .set(Port::status, Status::NotApplicable)
        .set(Port::vnic_type, "normal");
    change.transaction.insert_as(port, stamped(columns));
    write(change, network, port, &[], &fixed);
    Ok(port)
}

/// Has a floating IP stand for an address of a port, by a router that leads from one to the other.
fn associate(
    change: &mut Change<'_>,
    columns: ovsdb::Values<FloatingIp>,
    (id, network): (Uuid, Uuid),
    port: Uuid,
    fixed_ip: Option<&str>,
) -> Result<ovsdb::Values<FloatingIp>, Fault> {
    let rows = change.rows;
    let port = find::<Ports>(change.call, rows, &port.to_string())?;
    let caller = &change.call.caller;
    if !caller.is_admin && port.project != caller.project {
        return Err(bad(&format!(
            "Port {} is associated with a different project than the floating IP and therefore \
             cannot be bound",
            port.uuid
        )));
    }
    port_forwarding::check_unforwarded(rows, port.uuid)?;
    let of_ipv4 = addresses(rows, port.uuid)
        .into_iter()
        .filter(|(_, ip)| ip.is_ipv4());
    let mut of_ipv4 = of_ipv4.collect::<Vec<_>>().into_iter();
    let found = match fixed_ip {
        Some(text) => {
            let ip = address("fixed_ip_address", text)?;
            of_ipv4.find(|(_, own)| *own == ip)
        }
        None => of_ipv4.next(),
    };
    let (subnet, ip) = found.ok_or_else(|| match fixed_ip {
        Some(ip) => bad(&format!("Port {} does not have fixed ip {ip}", port.uuid)),
        None => bad(&format!(
            "Cannot add floating IP to port {} that has no fixed IPv4 addresses",
            port.uuid
        )),
    })?;
    let mut others = rows.floating_ips.index().by_port.all(port.uuid);
    let other = others.find(|other| {
        let same = other.fixed_ip_address.as_deref() == Some(ip.to_string().as_str());
        // Also on another network: what the machine sends leaves by one of them.
        other.uuid != id && same
    });
    if let Some(other) = other {
        let message = format!(
            "Cannot associate floating IP {} ({}) with port {} using fixed IP {ip}, as that fixed \
             IP already has a floating IP on external network {}.",
            external_address(rows, other)
                .map(|ip| ip.to_string())
                .unwrap_or_default(),
            other.uuid,
            port.uuid,
            other.network
        );
        return Err(Fault::new(
            StatusCode::CONFLICT,
            "FloatingIPPortAlreadyAssociated",
            message,
        ));
    }
    let router = between(rows, network, subnet).ok_or_else(|| {
        let message = format!(
            "External network {network} is not reachable from subnet {subnet}.  Therefore, cannot \
             associate Port {} with a Floating IP.",
            port.uuid
        );
        Fault::new(
            StatusCode::NOT_FOUND,
            "ExternalGatewayForFloatingIPNotFound",
            message,
        )
    })?;
    // The router keeps its gateway and its interface as long as they are needed.
    change.touch(&**router, Router::values());
    Ok(columns
        .set(FloatingIp::port, Some(port.uuid))
        .set(FloatingIp::fixed_ip_address, Some(ip.to_string()))
        .set(FloatingIp::router, Some(router.uuid)))
}

/// The router that leads from a subnet to an external network.
pub(super) fn between(rows: &Northbound, network: Uuid, subnet: Uuid) -> Option<&Arc<Router>> {
    let addresses = rows.addresses.index().by_subnet.all(subnet);
    let ports = addresses.filter_map(|address| rows.ports.get(&address.port));
    let mut routers = ports
        .filter(|port| port.device_owner == OWNER_OF_INTERFACE)
        .filter_map(|port| rows.routers.get(&port.router?));
    routers
        .find(|router| gateway::port(rows, router.uuid).is_some_and(|port| port.network == network))
}

fn bad(reason: &str) -> Fault {
    let message = format!("Bad floatingip request: {reason}.");
    Fault::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

/// Whether a port is the one that has a floating IP's external address.
pub(super) fn is_address_port(rows: &Northbound, port: &Port) -> bool {
    let id: Option<Uuid> = port.device_id.parse().ok();
    port.device_owner == OWNER_OF_FLOATING_IP
        && id.is_some_and(|id| rows.floating_ips.get(&id).is_some())
}
