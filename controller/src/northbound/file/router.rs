//! The section `routers`.

use std::net::IpAddr;

use pipelines::network::{Gateway, PortId, Route, Router, RouterId};

use super::{
    field::{Field, Mapping, Report, complete},
    name::Catalogue,
};

const KNOWN: &[&str] = &[
    "id",
    "name",
    "project",
    "admin_state_up",
    "interfaces",
    "gateway",
    "routes",
];
const KNOWN_OF_GATEWAY: &[&str] = &["port", "enable_snat"];
const KNOWN_OF_ROUTE: &[&str] = &["destination", "nexthop"];

/// Reads one router.
pub(super) fn read<'a>(
    element: &Field<'a>,
    routers: &mut Catalogue,
    ports: &Catalogue,
    report: &mut Report,
) -> Option<(Router, Mapping<'a>)> {
    let object = element.mapping("a router", KNOWN, report)?;
    let identity = routers.declare(&object, report);
    let mark = report.mark();
    let admin_state_up = object.get("admin_state_up");
    let admin_state_up = admin_state_up.and_then(|field| field.boolean(report));
    let interfaces = object.list("interfaces", "a list of ports", report);
    let interfaces = interfaces
        .iter()
        .map(|port| ports.resolve(port, &identity.project, report));
    let interfaces = complete(interfaces);
    let gateway = object.get("gateway");
    let gateway = gateway.and_then(|field| read_gateway(field, &identity.project, ports, report));
    let routes = object.list("routes", "a list of routes", report);
    let routes = complete(routes.iter().map(|route| read_route(route, report)));
    let router = Router {
        id: RouterId(identity.id),
        name: identity.name,
        project: identity.project,
        admin_state_up: admin_state_up.unwrap_or(true),
        interfaces: interfaces.into_iter().map(PortId).collect(),
        gateway,
        routes,
    };
    // Without a port or route that is wrong, it would lead elsewhere.
    (identity.sound && report.clean_since(mark)).then_some((router, object))
}

fn read_gateway(
    field: &Field<'_>,
    project: &str,
    ports: &Catalogue,
    report: &mut Report,
) -> Option<Gateway> {
    let expected = "a gateway such as {port: router-outside}";
    let object = field.mapping(expected, KNOWN_OF_GATEWAY, report)?;
    let enable_snat = object.get("enable_snat");
    let enable_snat = enable_snat.and_then(|field| field.boolean(report));
    let port = object.require("port", "the name or id of a port", report)?;
    Some(Gateway {
        port: PortId(ports.resolve(port, project, report)?),
        enable_snat: enable_snat.unwrap_or(true),
    })
}

fn read_route(element: &Field<'_>, report: &mut Report) -> Option<Route> {
    let expected = "a route such as {destination: 10.9.0.0/24, nexthop: 10.0.0.9}";
    let object = element.mapping(expected, KNOWN_OF_ROUTE, report)?;
    let destination = object.require("destination", "a block such as 10.9.0.0/24", report);
    let destination = destination.and_then(|field| field.block(report));
    let nexthop = object.require("nexthop", "an address such as 10.0.0.9", report);
    let nexthop =
        nexthop.and_then(|field| field.parse::<IpAddr>("an address such as 10.0.0.9", report));
    Some(Route {
        destination: destination?,
        nexthop: nexthop?,
    })
}
