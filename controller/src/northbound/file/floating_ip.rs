//! The section `floating_ips`.

use std::net::{IpAddr, Ipv4Addr};

use pipelines::network::{
    FloatingIp, FloatingIpId, ForwardedProtocol, Port, PortForwarding, PortForwardingId, PortId,
    RouterId, Target,
};
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
    "port_forwardings",
];
const KNOWN_OF_FORWARDING: &[&str] = &[
    "id",
    "protocol",
    "external_port",
    "port",
    "fixed_ip_address",
    "internal_port",
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

/// Reads one floating IP; its port forwardings have mappings of their own.
pub(super) fn read<'a>(
    element: &Field<'a>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<(FloatingIp, Mapping<'a>, Vec<Mapping<'a>>)> {
    let object = element.mapping("a floating IP", KNOWN, report)?;
    let mark = report.mark();
    let project = project(&object, report);
    let given = id(&object, report);
    let address_port = object.require("address_port", "the name or id of a port", report);
    let address_port = address_port.and_then(|port| context.ports.resolve(port, &project, report));
    let elements = object.list("port_forwardings", "a list of port forwardings", report);
    let leads_somewhere = object.get("port").is_some() || !elements.is_empty();
    let router = match leads_somewhere {
        true => object.require("router", "the name or id of a router", report),
        false => object.get("router"),
    };
    let router = router.and_then(|router| context.routers.resolve(router, &project, report));
    let target = match object.get("port") {
        Some(_) => read_target(&object, &project, context, report),
        None => None,
    };
    let address_port = address_port?;
    let id = given.unwrap_or_else(|| derive(&["floating_ip", &address_port.to_string()]));
    let forwardings = elements
        .iter()
        .filter_map(|element| read_port_forwarding(element, (id, &project), context, report));
    let (port_forwardings, origins) = forwardings.unzip();
    let floating_ip = FloatingIp {
        id: FloatingIpId(id),
        project,
        port: PortId(address_port),
        router: router.map(RouterId),
        target,
        port_forwardings,
    };
    // Without a reference that is wrong, it would stand for nothing.
    let is_sound = report.clean_since(mark);
    is_sound.then_some((floating_ip, object, origins))
}

fn read_port_forwarding<'a>(
    element: &Field<'a>,
    (floating_ip, project): (Uuid, &str),
    context: &Context<'_>,
    report: &mut Report,
) -> Option<(PortForwarding, Mapping<'a>)> {
    let object = element.mapping("a port forwarding", KNOWN_OF_FORWARDING, report)?;
    let given = id(&object, report);
    let protocol = object.require("protocol", "tcp or udp", report);
    let protocol: Option<ForwardedProtocol> =
        protocol.and_then(|protocol| protocol.word("tcp or udp", report));
    let external_port = read_port_number(&object, "external_port", report);
    let internal_port = read_port_number(&object, "internal_port", report);
    object.require("port", "the name or id of a port", report);
    let target = read_target(&object, project, context, report);
    let (protocol, external_port) = (protocol?, external_port?);
    let id = given.unwrap_or_else(|| {
        let place = format!("{protocol}/{external_port}");
        derive(&["port_forwarding", &floating_ip.to_string(), &place])
    });
    let forwarding = PortForwarding {
        id: PortForwardingId(id),
        protocol,
        external_port,
        target: target?,
        internal_port: internal_port?,
    };
    Some((forwarding, object))
}

fn read_port_number(object: &Mapping<'_>, key: &str, report: &mut Report) -> Option<u16> {
    let expected = "a port from 1 to 65535";
    let field = object.require(key, expected, report)?;
    match field.number(report)?.try_into() {
        Ok(number) if number > 0 => Some(number),
        _ => field.refuse(expected, report),
    }
}

fn read_target(
    object: &Mapping<'_>,
    project: &str,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Target> {
    let port = context
        .ports
        .resolve(object.get("port")?, project, report)
        .map(PortId)?;
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
