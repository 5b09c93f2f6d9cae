//! `routers`: what leads from network to network. Their ports are ports like others, and name them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::{Value, json};

use super::address::Fixed;
use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, NAME, PROJECT_ID, REVISION_NUMBER, TAGS,
    TENANT_ID, UPDATED_AT, Values,
};
use super::fault::Fault;
use super::gateway::{self, Wanted};
use super::list::View;
use super::new::random_id;
use super::quota;
use super::resource::{Change, Resource, fields, stamped};
use super::routes::{self, Route};
use super::subnet::cidr;
use crate::northbound::database::tables::{Network, Northbound, OWNER_OF_GATEWAY, Port, Router};

/// Routers.
#[derive(Debug)]
pub(super) struct Routers;

impl Resource for Routers {
    type Row = Router;

    const NAME: &'static str = "router";
    const COLLECTION: &'static str = "routers";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        DESCRIPTION,
        Attribute::set("admin_state_up", Kind::Boolean)
            .filter()
            .sort(),
        Attribute::shown("status", Kind::Text(255)).filter().sort(),
        Attribute::set("external_gateway_info", Kind::Json),
        Attribute::set("routes", Kind::Json),
        Attribute::set("distributed", Kind::Boolean)
            .by_admin()
            .for_admin()
            .filter(),
        Attribute::set("ha", Kind::Boolean)
            .by_admin()
            .for_admin()
            .filter(),
        TENANT_ID,
        PROJECT_ID,
        TAGS,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<Router> {
        &rows.routers
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Router {id} could not be found");
        Fault::new(StatusCode::NOT_FOUND, "RouterNotFound", message)
    }

    fn project(row: &Router) -> Option<&str> {
        Some(&row.project)
    }

    fn view(rows: &Northbound, router: &Router) -> View {
        fields([
            ("name", json!(router.name)),
            ("description", json!(router.description)),
            ("tenant_id", json!(router.project)),
            ("project_id", json!(router.project)),
            ("admin_state_up", json!(router.admin_state_up)),
            ("status", json!("ACTIVE")),
            ("external_gateway_info", gateway::view(rows, router)),
            ("routes", routes::view(&router.routes)),
            ("distributed", json!(router.distributed)),
            ("ha", json!(router.ha)),
            (
                "availability_zone_hints",
                json!(router.availability_zone_hints),
            ),
            ("tags", json!(router.tags)),
            // Nothing of these is served; clients look at them all the same.
            ("availability_zones", json!([])),
            ("flavor_id", json!(null)),
            ("conntrack_helpers", json!([])),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let project = change.call.project_of(values)?;
        quota::check(change, "router", &project)?;
        let id = random_id()?;
        let gateway = match values.get("external_gateway_info") {
            Some(given) => gateway::read(change.call, change.rows, given)?,
            None => None,
        };
        if values
            .get("routes")
            .is_some_and(|given| given != &json!([]) && !given.is_null())
        {
            let reason = "a new router has no networks that the routes could lead into";
            return Err(Fault::attribute("routes", reason));
        }
        if let Some(gateway) = &gateway {
            gateway::connect(change, (id, None), gateway)?;
        }
        let columns = columns(values)
            .set(Router::project, project)
            .set(
                Router::admin_state_up,
                values.boolean("admin_state_up").unwrap_or(true),
            )
            .set(
                Router::external_network,
                gateway.as_ref().map(|gateway| gateway.network),
            )
            .set(
                Router::enable_snat,
                gateway.is_none_or(|gateway| gateway.enable_snat.unwrap_or(true)),
            );
        change.transaction.insert_as(id, stamped(columns));
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        router: &Arc<Router>,
        values: &Values,
    ) -> Result<ovsdb::Values<Router>, Fault> {
        let mut columns = columns(values);
        let mut own = own_addresses(change.rows, router);
        if let Some(up) = values.boolean("admin_state_up") {
            columns = columns.set(Router::admin_state_up, up);
        }
        if let Some(given) = values.get("external_gateway_info") {
            let wanted = gateway::read(change.call, change.rows, given)?;
            let (_, interfaces) = own;
            own = (
                gateway::change(change, router, wanted.as_ref())?,
                interfaces,
            );
            let snat = wanted.as_ref().and_then(|wanted| wanted.enable_snat);
            let kept = if wanted.is_some() {
                router.enable_snat
            } else {
                true
            };
            columns = columns
                .set(
                    Router::external_network,
                    wanted.as_ref().map(|wanted: &Wanted| wanted.network),
                )
                .set(Router::enable_snat, snat.unwrap_or(kept));
        }
        let wanted = match values.get("routes") {
            Some(given) => routes::read("routes", given)?,
            None => routes::present(&router.routes),
        };
        if values.has("routes") || values.has("external_gateway_info") {
            let own: Vec<_> = own.0.into_iter().chain(own.1).collect();
            connected(change.rows, &own, &wanted)?;
        }
        if values.has("routes") {
            columns = columns.set(Router::routes, routes::kept(&wanted));
        }
        Ok(columns)
    }

    fn delete(change: &mut Change<'_>, router: &Arc<Router>) -> Result<(), Fault> {
        let id = router.uuid;
        let interfaces =
            ports(change.rows, id).filter(|port| port.device_owner != OWNER_OF_GATEWAY);
        let interfaces: Vec<_> = interfaces.map(|port| port.uuid.to_string()).collect();
        if !interfaces.is_empty() {
            let message = format!(
                "Router {id} has ports still attached: {}",
                interfaces.join(", ")
            );
            return Err(Fault::new(StatusCode::CONFLICT, "RouterInUse", message));
        }
        gateway::change(change, router, None)?;
        change.transaction.delete::<Router>(id);
        Ok(())
    }
}

/// The ports of a router.
pub(super) fn ports(rows: &Northbound, router: Uuid) -> impl Iterator<Item = &Arc<Port>> {
    let ports = rows.ports.index().by_device_id.all(router.to_string());
    ports.filter(move |port| port.router == Some(router))
}

/// The addresses of a port, each with its subnet.
pub(super) fn addresses(rows: &Northbound, port: Uuid) -> Vec<(Uuid, IpAddr)> {
    let addresses = rows.addresses.index().by_port.all(port);
    let read = addresses.filter_map(|row| Some((row.subnet, row.ip_address.parse().ok()?)));
    let mut read: Vec<_> = read.collect();
    read.sort_by_key(|(_, ip): &(Uuid, IpAddr)| *ip);
    read
}

/// The addresses of a router: those of its gateway, and those inside.
fn own_addresses(rows: &Northbound, router: &Router) -> (Vec<Fixed>, Vec<Fixed>) {
    let ports = ports(rows, router.uuid);
    let (outside, inside): (Vec<_>, Vec<_>) =
        ports.partition(|port| port.device_owner == OWNER_OF_GATEWAY);
    let of = |ports: Vec<&Arc<Port>>| {
        let ports = ports.into_iter();
        ports.flat_map(|port| addresses(rows, port.uuid)).collect()
    };
    (of(outside), of(inside))
}

/// Refuses routes by an address that a router with some addresses does not reach, or that is its
/// own.
fn connected(rows: &Northbound, own: &[Fixed], wanted: &BTreeSet<Route>) -> Result<(), Fault> {
    for (block, nexthop) in wanted {
        let reached = own.iter().any(|(subnet, _)| {
            let cidr = rows.subnets.get(subnet).and_then(|row| cidr(row));
            cidr.is_some_and(|cidr| cidr.contains(nexthop))
        });
        let problem = match own.iter().any(|(_, ip)| ip == nexthop) {
            true => "the nexthop is used by router",
            false if !reached => "the nexthop is not connected with router",
            false => continue,
        };
        let message = format!("Invalid format for routes: {block} by {nexthop}, {problem}");
        return Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "InvalidRoutes",
            message,
        ));
    }
    Ok(())
}

/// The fault of a request that makes no sense for a router.
pub(super) fn bad(reason: &str) -> Fault {
    let message = format!("Bad router request: {reason}.");
    Fault::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

/// A network, if it leads outside.
pub(super) fn external(rows: &Northbound, network: Uuid) -> Option<&Arc<Network>> {
    rows.networks
        .get(&network)
        .filter(|network| network.external)
}

/// The columns that are written as they are given.
fn columns(values: &Values) -> ovsdb::Values<Router> {
    let mut columns = Router::values();
    if let Some(name) = values.text("name") {
        columns = columns.set(Router::name, name);
    }
    if let Some(description) = values.text("description") {
        columns = columns.set(Router::description, description);
    }
    if let Some(distributed) = values.boolean("distributed") {
        columns = columns.set(Router::distributed, distributed);
    }
    if let Some(ha) = values.boolean("ha") {
        columns = columns.set(Router::ha, ha);
    }
    columns
}

/// Answers `add_extraroutes` and `remove_extraroutes`: routes that come or go, the others stay.
///
/// # Errors
///
/// What the client is told instead.
pub(super) fn change_routes(
    change: &mut Change<'_>,
    router: &Arc<Router>,
    given: &Value,
    adds: bool,
) -> Result<(), Fault> {
    let given = routes::read("routes", given)?;
    let present = routes::present(&router.routes);
    let wanted: BTreeSet<Route> = match adds {
        true => present.union(&given).copied().collect(),
        false => present.difference(&given).copied().collect(),
    };
    if adds {
        let (outside, inside) = own_addresses(change.rows, router);
        let own: Vec<_> = outside.into_iter().chain(inside).collect();
        connected(change.rows, &own, &wanted)?;
    }
    let columns = Router::values().set(Router::routes, routes::kept(&wanted));
    change.touch(&**router, columns);
    Ok(())
}
