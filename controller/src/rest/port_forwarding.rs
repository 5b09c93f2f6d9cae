//! `floatingips/ID/port_forwardings`: ports of a floating IP that stand for ports of machines.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::{Value, json};

use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, REVISION_NUMBER, UPDATED_AT, Values,
};
use super::call::Call;
use super::fault::Fault;
use super::floating_ip::{FloatingIps, between, external_address};
use super::list::View;
use super::new::random_id;
use super::port::Ports;
use super::resource::{Change, Resource, fields, find, own, stamped};
use super::router::addresses;
use super::subnet::address;
use crate::northbound::database::tables::{
    FloatingIp, ForwardedProtocol, Northbound, Port, PortForwarding, Router,
};

/// Port forwardings.
#[derive(Debug)]
pub(super) struct PortForwardings;

impl Resource for PortForwardings {
    type Row = PortForwarding;

    const NAME: &'static str = "port_forwarding";
    const COLLECTION: &'static str = "port_forwardings";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        DESCRIPTION,
        Attribute::required("protocol", Kind::Word(&["tcp", "udp"]))
            .changeable()
            .filter()
            .sort(),
        Attribute::required("external_port", Kind::Number)
            .changeable()
            .filter()
            .sort(),
        Attribute::required("internal_port_id", Kind::Id)
            .changeable()
            .filter()
            .sort(),
        Attribute::set("internal_ip_address", Kind::Text(64)),
        Attribute::required("internal_port", Kind::Number).changeable(),
        Attribute::made("project_id", Kind::Text(255)),
        Attribute::made("tenant_id", Kind::Text(255)),
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<PortForwarding> {
        &rows.port_forwardings
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Port Forwarding {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "PortForwardingNotFound", message)
    }

    fn project(row: &PortForwarding) -> Option<&str> {
        Some(&row.project)
    }

    fn is_of(call: &Call, row: &PortForwarding) -> bool {
        parent(call) == Some(row.floating_ip)
    }

    fn view(_rows: &Northbound, row: &PortForwarding) -> View {
        fields([
            ("description", json!(row.description)),
            ("protocol", json!(row.protocol.as_str())),
            ("external_port", json!(row.external_port)),
            ("internal_port_id", json!(row.port)),
            ("internal_ip_address", json!(row.fixed_ip_address)),
            ("internal_port", json!(row.internal_port)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let floating_ip = Arc::clone(owner(change.call, change.rows)?);
        let id = random_id()?;
        let columns = place(change, &floating_ip, None, values)?
            .set(PortForwarding::floating_ip, floating_ip.uuid)
            .set(PortForwarding::project, floating_ip.project.as_str());
        change.transaction.insert_as(id, stamped(columns));
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        row: &Arc<PortForwarding>,
        values: &Values,
    ) -> Result<ovsdb::Values<PortForwarding>, Fault> {
        let floating_ip = Arc::clone(owner(change.call, change.rows)?);
        place(change, &floating_ip, Some(row), values)
    }

    fn delete(change: &mut Change<'_>, row: &Arc<PortForwarding>) -> Result<(), Fault> {
        remove(change, &[row]);
        Ok(())
    }
}

/// The floating IP that a path names.
fn parent(call: &Call) -> Option<Uuid> {
    match call.path.as_slice() {
        [_, _, id, ..] => id.parse().ok(),
        _ => None,
    }
}

/// The floating IP of a request, if who asks may change it.
fn owner<'a>(call: &Call, rows: &'a Northbound) -> Result<&'a Arc<FloatingIp>, Fault> {
    let id = call.path.get(2).map(String::as_str).unwrap_or_default();
    own::<FloatingIps>(call, rows, id)
}

/// Refuses to speak of the port forwardings of what is not there.
///
/// # Errors
///
/// The floating IP is not there, or not for who asks.
pub(super) fn check_parent(call: &Call, rows: &Northbound) -> Result<(), Fault> {
    let id = call.path.get(2).map(String::as_str).unwrap_or_default();
    find::<FloatingIps>(call, rows, id).map(drop)
}

/// Where a port forwarding leads, from what is given and what there is.
fn place(
    change: &mut Change<'_>,
    floating_ip: &Arc<FloatingIp>,
    row: Option<&PortForwarding>,
    values: &Values,
) -> Result<ovsdb::Values<PortForwarding>, Fault> {
    let protocol = match values.text("protocol") {
        Some("udp") => ForwardedProtocol::Udp,
        Some(_) => ForwardedProtocol::Tcp,
        None => row.map_or(ForwardedProtocol::Tcp, |row| row.protocol),
    };
    let present = row.map(|row| row.external_port);
    let external_port = number(values, "external_port", present)?;
    let present = row.map(|row| row.internal_port);
    let internal_port = number(values, "internal_port", present)?;
    let rows = change.rows;
    let id = values
        .id("internal_port_id")
        .or_else(|| row.map(|row| row.port));
    let id = id.unwrap_or_default().to_string();
    let port = own::<Ports>(change.call, rows, &id)?;
    let same_port = row.filter(|row| row.port == port.uuid);
    let ip = match values.text("internal_ip_address") {
        Some(ip) => Some(address("internal_ip_address", ip)?),
        None => same_port.and_then(|row| row.fixed_ip_address.parse().ok()),
    };
    let ip = lead(change, floating_ip, port, ip)?;
    let text = ip.to_string();
    unique(rows, row, |other| {
        other.floating_ip == floating_ip.uuid
            && (other.protocol, other.external_port) == (protocol, external_port)
    })?;
    unique(rows, row, |other| {
        let to = (other.port, other.fixed_ip_address.as_str());
        to == (port.uuid, &text)
            && (other.protocol, other.internal_port) == (protocol, internal_port)
    })?;
    change.taken.insert("Port_Forwarding", duplicate());
    let mut columns = PortForwarding::values()
        .set(PortForwarding::protocol, protocol)
        .set(PortForwarding::external_port, external_port)
        .set(PortForwarding::port, port.uuid)
        .set(PortForwarding::fixed_ip_address, text)
        .set(PortForwarding::internal_port, internal_port);
    if let Some(description) = values.text("description") {
        columns = columns.set(PortForwarding::description, description);
    }
    Ok(columns)
}

/// Has a floating IP lead to a port by a router, and says to which address.
fn lead(
    change: &mut Change<'_>,
    floating_ip: &Arc<FloatingIp>,
    port: &Port,
    ip: Option<IpAddr>,
) -> Result<IpAddr, Fault> {
    let rows = change.rows;
    let fixed_ips = addresses(rows, port.uuid).into_iter();
    let of_ipv4: Vec<_> = fixed_ips.filter(|(_, ip)| ip.is_ipv4()).collect();
    let found = match ip {
        Some(ip) => of_ipv4.iter().find(|(_, own)| *own == ip),
        None => of_ipv4.first(),
    };
    let (subnet, found) = *found.ok_or_else(|| match ip {
        Some(ip) => bad(&format!(
            "Requested internal IP address {ip} is not suitable for internal neutron port {}, as \
             it is none of its IPv4 addresses",
            port.uuid
        )),
        None => bad(&format!(
            "Requested internal port {} must allocate an IPv4 address at least",
            port.uuid
        )),
    })?;
    if let Some(associated) = floating_ip.port {
        return Err(in_use(
            "FloatingIPPortAlreadyAssociated",
            format!(
                "Cannot associate floating IP {} ({}) with port {} using fixed IP {found}, as that \
                 floating IP is associated with port {associated}.",
                shown(rows, floating_ip),
                floating_ip.uuid,
                port.uuid
            ),
        ));
    }
    let mut others = rows.floating_ips.index().by_port.all(port.uuid);
    if let Some(other) = others.find(|other| stands_for(other, found)) {
        return Err(in_use(
            "PortHasBindingFloatingIP",
            format!(
                "Cannot create port forwarding to floating IP {} ({}) with port {} using fixed IP \
                 {found}, as that port already has a binding floating IP.",
                shown(rows, other),
                other.uuid,
                port.uuid
            ),
        ));
    }
    let router = between(rows, floating_ip.network, subnet).ok_or_else(|| {
        bad(&format!(
            "External network {} is not reachable from subnet {subnet}. Cannot set Port forwarding \
             for port {} with Floating IP {}",
            floating_ip.network, port.uuid, floating_ip.uuid
        ))
    })?;
    if floating_ip.router.is_some_and(|own| own != router.uuid) {
        return Err(bad(&format!(
            "The Floating IP {} had been set on another router than {}, the internal Neutron port \
             {} can not reach it",
            floating_ip.uuid, router.uuid, port.uuid
        )));
    }
    // The router keeps its gateway and its interface as long as they are needed.
    change.touch(&**router, Router::values());
    let columns = FloatingIp::values().set(FloatingIp::router, Some(router.uuid));
    change.touch(&**floating_ip, columns);
    Ok(found)
}

fn stands_for(floating_ip: &FloatingIp, ip: IpAddr) -> bool {
    floating_ip.fixed_ip_address.as_deref() == Some(ip.to_string().as_str())
}

fn shown(rows: &Northbound, floating_ip: &FloatingIp) -> String {
    let ip = external_address(rows, floating_ip);
    ip.map(|ip| ip.to_string()).unwrap_or_default()
}

/// A port number that is given, or that there is.
fn number(values: &Values, name: &'static str, present: Option<i64>) -> Result<i64, Fault> {
    let number = values.number(name).or(present).unwrap_or_default();
    match number {
        1..=65535 => Ok(number),
        _ => Err(Fault::attribute(
            name,
            &format!("'{number}' is not in range 1 through 65535"),
        )),
    }
}

/// Refuses what another port forwarding has already.
fn unique(
    rows: &Northbound,
    row: Option<&PortForwarding>,
    same: impl Fn(&PortForwarding) -> bool,
) -> Result<(), Fault> {
    let is_other = |other: &PortForwarding| row.is_none_or(|row| row.uuid != other.uuid);
    let mut others = rows.port_forwardings.iter();
    match others.any(|other| is_other(other) && same(other)) {
        true => Err(duplicate()),
        false => Ok(()),
    }
}

fn duplicate() -> Fault {
    bad("A duplicate port forwarding entry with same attributes already exists")
}

fn bad(reason: &str) -> Fault {
    let message = format!("Bad port_forwarding request: {reason}.");
    Fault::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

fn in_use(kind: &'static str, message: String) -> Fault {
    Fault::new(StatusCode::CONFLICT, kind, message)
}

/// Takes port forwardings away; a floating IP that has none left needs no router.
fn remove(change: &mut Change<'_>, rows: &[&Arc<PortForwarding>]) {
    for row in rows {
        change.transaction.delete::<PortForwarding>(row.uuid);
        let of_owner = &change.rows.port_forwardings.index().by_floating_ip;
        let mut left = of_owner.all(row.floating_ip);
        if left.any(|other| rows.iter().all(|gone| gone.uuid != other.uuid)) {
            continue;
        }
        if let Some(floating_ip) = change.rows.floating_ips.get(&row.floating_ip) {
            let columns = FloatingIp::values().set(FloatingIp::router, None::<Uuid>);
            change.touch(&**floating_ip, columns);
        }
    }
}

/// Takes away what leads to addresses that a port does not have any more.
pub(super) fn leave(change: &mut Change<'_>, port: Uuid, kept: &[IpAddr]) {
    let rows = change.rows.port_forwardings.index().by_port.all(port);
    let is_kept = |row: &PortForwarding| {
        let ip = row.fixed_ip_address.parse();
        ip.is_ok_and(|ip: IpAddr| kept.contains(&ip))
    };
    let gone: Vec<_> = rows.filter(|row| !is_kept(row)).collect();
    remove(change, &gone);
}

/// Refuses to use a floating IP as a whole, or to delete it, while ports of it are forwarded.
///
/// # Errors
///
/// It has port forwardings.
pub(super) fn check_unused(rows: &Northbound, floating_ip: Uuid) -> Result<(), Fault> {
    let forwardings = &rows.port_forwardings.index().by_floating_ip;
    match forwardings.all(floating_ip).next() {
        None => Ok(()),
        Some(_) => Err(in_use(
            "FipInUseByPortForwarding",
            format!("Floating IP {floating_ip} in use by Port Forwarding resources."),
        )),
    }
}

/// Refuses that a floating IP stands for a port to which ports are forwarded: the answers of these
/// leave by the gateway host, and what else the machine sends would not.
///
/// # Errors
///
/// There are such.
pub(super) fn check_unforwarded(rows: &Northbound, port: Uuid) -> Result<(), Fault> {
    match rows.port_forwardings.index().by_port.all(port).next() {
        None => Ok(()),
        Some(_) => Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "PortHasPortForwarding",
            format!(
                "Cannot associate floating IP to port {port} because it already has a Port \
                 Forwarding binding."
            ),
        )),
    }
}

/// The port forwardings of a floating IP, as it shows them.
pub(super) fn list(rows: &Northbound, floating_ip: Uuid) -> Value {
    let forwardings = &rows.port_forwardings.index().by_floating_ip;
    let forwardings = forwardings.all(floating_ip).map(|row| {
        json!({
            "id": row.uuid,
            "protocol": row.protocol.as_str(),
            "external_port": row.external_port,
            "internal_port_id": row.port,
            "internal_ip_address": row.fixed_ip_address,
            "internal_port": row.internal_port,
        })
    });
    forwardings.collect()
}
