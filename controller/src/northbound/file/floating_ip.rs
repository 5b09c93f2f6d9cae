//! The section `floating_ips`.

use std::net::{IpAddr, Ipv4Addr};

use pipelines::network::{FloatingIp, FloatingIpId, Port, PortId, RouterId, Target};
use uuid::Uuid;

use super::{
    error::Problem,
    field::{Field, Mapping, Report},
    name::{Catalogue, derive, id, project},
};

const KNOWN: &[&str] = &[
    "id",
    "project",
    "address_port",
    "router",
    "port",
    "fixed_ip_address",
];

/// What floating IPs refer to.
pub(super) struct Context<'a> {
    /// The catalogue of ports.
    pub(super) ports: &'a Catalogue,
    /// The ports.
    pub(super) listed: &'a [Port],
    /// Routers.
    pub(super) routers: &'a Catalogue,
}

/// Reads one floating IP.
pub(super) fn read<'a>(
    element: &Field<'a>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<(FloatingIp, Mapping<'a>)> {
    let object = element.mapping("a floating IP", KNOWN, report)?;
    let mark = report.mark();
    let project = project(&object, report);
    let given = id(&object, report);
    let address_port = object.require("address_port", "the name or id of a port", report);
    let address_port = address_port.and_then(|port| context.ports.resolve(port, &project, report));
    let target = match object.get("port") {
        Some(port) => {
            let port = context.ports.resolve(port, &project, report);
            read_target(&object, port, &project, context, report)
        }
        None => None,
    };
    let address_port = address_port?;
    let id = given.unwrap_or_else(|| derive(&["floating_ip", &address_port.to_string()]));
    let floating_ip = FloatingIp {
        id: FloatingIpId(id),
        project,
        port: PortId(address_port),
        target,
    };
    // Without a reference that is wrong, it would stand for nothing.
    report.clean_since(mark).then_some((floating_ip, object))
}

fn read_target(
    object: &Mapping<'_>,
    port: Option<Uuid>,
    project: &str,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Target> {
    let router = object.require("router", "the name or id of a router", report);
    let router = router.and_then(|router| context.routers.resolve(router, project, report));
    let port = PortId(port?);
    let fixed_ip = match object.get("fixed_ip_address") {
        Some(ip) => ip.parse("an IPv4 address such as 10.0.0.18", report),
        None => only_address(context.listed, port).or_else(|| {
            let expected = "an IPv4 address of the port, which has not just one";
            report.add(
                &object.at("fixed_ip_address"),
                Problem::Missing { expected },
            );
            None
        }),
    };
    Some(Target {
        router: RouterId(router?),
        port,
        fixed_ip: fixed_ip?,
    })
}

/// The IPv4 address of a port that has one.
fn only_address(ports: &[Port], id: PortId) -> Option<Ipv4Addr> {
    let port = ports.iter().find(|port| port.id == id)?;
    let mut ips = port.fixed_ips.iter().filter_map(|ip| match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    });
    let first = ips.next()?;
    ips.next().is_none().then_some(first)
}
