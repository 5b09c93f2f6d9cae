//! What a machine is told together with its address.

use std::net::{IpAddr, Ipv4Addr};

use dhcproto::v4::{DhcpOption, Message, OptionCode, UnknownOption};
use ipnet::{IpNet, Ipv4Net};
use pipelines::network::Subnet;
use pipelines::service::{Client, SERVER};

use super::request::Request;

/// How long an address is given for, in seconds: Neutron's default.
const LEASE: u32 = 86_400;

/// The option with classless routes that Microsoft had before there was one (MS-DHCPE, 2.2.9).
const MICROSOFT_ROUTES: OptionCode = OptionCode::Unknown(249);

/// The longest value of an option, in bytes.
const LONGEST: usize = 255;

/// Adds what a machine asks for, and what it cannot do without.
pub(super) fn tell(reply: &mut Message, request: &Request, client: &Client<'_>, subnet: &Subnet) {
    let IpNet::V4(block) = subnet.cidr() else {
        return;
    };
    let address = reply.yiaddr();
    let options = reply.opts_mut();
    // Who only asks for parameters has its address from elsewhere (RFC 2131, section 4.3.5).
    if !address.is_unspecified() {
        options.insert(DhcpOption::AddressLeaseTime(LEASE));
        options.insert(DhcpOption::Renewal(LEASE / 2));
        options.insert(DhcpOption::Rebinding(LEASE / 8 * 7));
    }
    options.insert(DhcpOption::SubnetMask(block.netmask()));
    for option in parameters(client, subnet, block, address) {
        if request.asks_for(OptionCode::from(&option)) {
            options.insert(option);
        }
    }
}

/// Everything that may be told of a subnet and a port in it.
fn parameters(
    client: &Client<'_>,
    subnet: &Subnet,
    block: Ipv4Net,
    address: Ipv4Addr,
) -> Vec<DhcpOption> {
    let mut told = vec![
        DhcpOption::InterfaceMtu(client.mtu()),
        DhcpOption::BroadcastAddr(block.broadcast()),
    ];
    told.push(DhcpOption::DomainNameServer(name_servers(client, subnet)));
    let routers: Vec<_> = subnet.gateway_ip().iter().filter_map(v4).collect();
    if !routers.is_empty() {
        told.push(DhcpOption::Router(routers));
    }
    let domain = client.network().dns_domain.trim_end_matches('.');
    if !domain.is_empty() {
        told.push(DhcpOption::DomainName(domain.to_owned()));
    }
    match client.port().dns_name.as_str() {
        "" if address.is_unspecified() => {}
        // The name that dnsmasq gives in Neutron.
        "" => {
            let name = format!("host-{}", address.to_string().replace('.', "-"));
            told.push(DhcpOption::Hostname(name));
        }
        name => told.push(DhcpOption::Hostname(name.to_owned())),
    }
    let routes = routes(subnet);
    let encoded = routes.iter().flat_map(|(block, by)| encode(*block, *by));
    let encoded: Vec<_> = encoded.take(LONGEST + 1).collect();
    // Unlike the other it cannot be split.
    if encoded.len() <= LONGEST {
        let option = UnknownOption::new(MICROSOFT_ROUTES, encoded);
        told.push(DhcpOption::Unknown(option));
    }
    told.push(DhcpOption::ClasslessStaticRoute(routes));
    told
}

/// The routes of a subnet, with those that others are told in other options: who takes classless
/// routes ignores the router (RFC 3442).
///
/// The server is on the link, so that it can be reached without a router. So is a router outside the
/// block; machines install routes in this order, so this one comes before those by it.
fn routes(subnet: &Subnet) -> Vec<(Ipv4Net, Ipv4Addr)> {
    let host_routes = subnet.host_routes.iter();
    let host_routes = host_routes.filter_map(|route| match (route.destination, route.nexthop) {
        (IpNet::V4(block), IpAddr::V4(nexthop)) => Some((block, nexthop)),
        _ => None,
    });
    let mut routes: Vec<_> = host_routes.collect();
    if let Some(IpAddr::V4(gateway)) = subnet.gateway_outside() {
        let on_link = Ipv4Net::from(gateway);
        if !routes.iter().any(|(block, _)| *block == on_link) {
            routes.insert(0, (on_link, Ipv4Addr::UNSPECIFIED));
        }
    }
    let server = Ipv4Net::from(SERVER);
    if !routes.iter().any(|(block, _)| *block == server) {
        routes.push((server, Ipv4Addr::UNSPECIFIED));
    }
    let everything = Ipv4Net::default();
    if let Some(IpAddr::V4(gateway)) = subnet.gateway_ip()
        && !routes.iter().any(|(block, _)| *block == everything)
    {
        routes.push((everything, gateway));
    }
    routes
}

/// A classless route: the length of its prefix, as much of it as that says, and the router.
fn encode(block: Ipv4Net, nexthop: Ipv4Addr) -> impl Iterator<Item = u8> {
    let significant = usize::from(block.prefix_len().div_ceil(8));
    let prefix = block.network().octets().into_iter().take(significant);
    [block.prefix_len()]
        .into_iter()
        .chain(prefix)
        .chain(nexthop.octets())
}

/// Whom a machine asks the DNS: the servers of its subnet, but those do not know the names that
/// ports have, so the agent comes before them where there are any.
fn name_servers(client: &Client<'_>, subnet: &Subnet) -> Vec<Ipv4Addr> {
    let theirs: Vec<_> = subnet.dns_nameservers.iter().filter_map(v4).collect();
    let is_asked = theirs.is_empty() || client.has_named_neighbours();
    let own = is_asked.then_some(SERVER);
    own.into_iter().chain(theirs).collect()
}

fn v4(address: &IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    }
}
