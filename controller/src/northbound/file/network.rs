//! The section `networks`.

use pipelines::network::{
    HostRoute, Network, NetworkId, PhysicalNetwork, Segment, Subnet, SubnetId,
};

use super::{
    field::{Field, Mapping, Report, complete},
    name::{Catalogue, derive, id},
};

const KNOWN: &[&str] = &[
    "id",
    "name",
    "project",
    "network_type",
    "segmentation_id",
    "physical_network",
    "mtu",
    "dns_domain",
    "igmp_snooping",
    "subnets",
];
const KNOWN_OF_SUBNET: &[&str] = &[
    "id",
    "name",
    "cidr",
    "gateway_ip",
    "enable_dhcp",
    "dns_nameservers",
    "host_routes",
    "ipv6_ra_mode",
    "ipv6_address_mode",
];
const KNOWN_OF_ROUTE: &[&str] = &["destination", "nexthop"];

/// Reads one network; its subnets have mappings of their own.
pub(super) fn read<'a>(
    element: &Field<'a>,
    networks: &mut Catalogue,
    report: &mut Report,
) -> Option<(Network, Mapping<'a>, Vec<Mapping<'a>>)> {
    let object = element.mapping("a network", KNOWN, report)?;
    let identity = networks.declare(&object, report);
    let segment = segment(&object, report);
    let mtu = object.get("mtu");
    let mtu = mtu.and_then(|mtu| mtu.word_of_16_bits(report));
    let dns_domain = object.get("dns_domain");
    let dns_domain = dns_domain.and_then(|domain| domain.name("a domain", report));
    let snooping = object.get("igmp_snooping");
    let igmp_snooping = snooping.and_then(|snooping| snooping.boolean(report));
    let mark = report.mark();
    let subnets = object.list("subnets", "a list of subnets", report);
    let subnets = subnets.iter().filter_map(|subnet| {
        let owner = NetworkId(identity.id);
        read_subnet(subnet, owner, report)
    });
    let (subnets, places) = subnets.unzip();
    // Without one of its subnets, addresses of its ports would look wrong.
    let sound = identity.sound && report.clean_since(mark);
    let network = Network {
        id: NetworkId(identity.id),
        name: identity.name,
        project: identity.project,
        segment: segment?,
        mtu,
        dns_domain: dns_domain.unwrap_or_default().to_owned(),
        igmp_snooping,
        subnets,
    };
    sound.then_some((network, object, places))
}

fn segment(object: &Mapping<'_>, report: &mut Report) -> Option<Segment> {
    let mark = report.mark();
    let types = "local, flat, vlan, vxlan, gre or geneve";
    let network_type = object.require("network_type", types, report);
    let network_type = network_type.and_then(|field| field.word(types, report));
    let segmentation_id = object.get("segmentation_id");
    let segmentation_id = segmentation_id.and_then(|number| number.number(report));
    let physical_network = object.get("physical_network");
    let physical_network =
        physical_network.and_then(|name| name.name("the name of a physical network", report));
    if !report.clean_since(mark) {
        return None;
    }
    let physical_network = physical_network.map(PhysicalNetwork::from);
    match Segment::new(network_type?, physical_network, segmentation_id) {
        Ok(segment) => Some(segment),
        Err(invalid) => {
            report.add(&object.at(invalid.field), invalid.problem);
            None
        }
    }
}

fn read_subnet<'a>(
    element: &Field<'a>,
    network: NetworkId,
    report: &mut Report,
) -> Option<(Subnet, Mapping<'a>)> {
    let mark = report.mark();
    let object = element.mapping("a subnet", KNOWN_OF_SUBNET, report)?;
    let name = object
        .get("name")
        .and_then(|name| name.name("a name", report))
        .filter(|name| !name.is_empty());
    let given = id(&object, report);
    let block = "a block such as 10.0.0.0/24";
    let cidr = object.require("cidr", block, report);
    let cidr: Option<ipnet::IpNet> = cidr.and_then(|cidr| cidr.parse(block, report));
    let gateway_ip = object.get("gateway_ip");
    let gateway_ip = gateway_ip.and_then(|ip| ip.parse("an address such as 10.0.0.1", report));
    let cidr = cidr?;
    if !report.clean_since(mark) {
        return None;
    }
    let id = given.unwrap_or_else(|| {
        // No two subnets of a network share addresses.
        derive(&[
            "subnet",
            &network.to_string(),
            name.unwrap_or(&cidr.to_string()),
        ])
    });
    let name = name.unwrap_or_default().to_owned();
    match Subnet::new(SubnetId(id), name, cidr, gateway_ip) {
        Ok(mut subnet) => {
            services(&mut subnet, &object, report);
            Some((subnet, object))
        }
        Err(invalid) => {
            report.add(&object.at(invalid.field), invalid.problem);
            None
        }
    }
}

/// Reads what a subnet offers its machines.
fn services(subnet: &mut Subnet, object: &Mapping<'_>, report: &mut Report) {
    let enable_dhcp = object.get("enable_dhcp");
    let enable_dhcp = enable_dhcp.and_then(|enable| enable.boolean(report));
    subnet.enable_dhcp = enable_dhcp.unwrap_or(true);
    let servers = object.list("dns_nameservers", "a list of addresses", report);
    let servers = servers
        .iter()
        .map(|server| server.parse("an address such as 192.0.2.53", report));
    subnet.dns_nameservers = complete(servers);
    let routes = object.list("host_routes", "a list of routes", report);
    subnet.host_routes = complete(routes.iter().map(|route| read_route(route, report)));
    let mut mode = |key| {
        let words = "slaac, dhcpv6-stateful or dhcpv6-stateless";
        object.get(key).and_then(|mode| mode.word(words, report))
    };
    subnet.ipv6_ra_mode = mode("ipv6_ra_mode");
    subnet.ipv6_address_mode = mode("ipv6_address_mode");
}

fn read_route(element: &Field<'_>, report: &mut Report) -> Option<HostRoute> {
    let example = "a route such as {destination: 198.51.100.0/24, nexthop: 10.0.0.7}";
    let object = element.mapping(example, KNOWN_OF_ROUTE, report)?;
    let destination = object.require("destination", "a block such as 198.51.100.0/24", report);
    let destination = destination.and_then(|destination| destination.block(report));
    let nexthop = object.require("nexthop", "an address such as 10.0.0.7", report)?;
    let address = nexthop.parse("an address such as 10.0.0.7", report);
    match HostRoute::new(destination?, address?) {
        Ok(route) => Some(route),
        Err(problem) => {
            report.add(nexthop, problem);
            None
        }
    }
}
