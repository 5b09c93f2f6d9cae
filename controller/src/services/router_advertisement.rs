//! Router advertisements (RFC 4861), from the model.
//!
//! A port is told of the subnets that it has an address in, and no others: an address that it made
//! up in another would not pass its own firewall. Where a router of the model has a subnet's
//! gateway address, the advertisement comes from that router. Else it tells of the subnets, and
//! that nobody routes here, so that machines of a network on its own get addresses too.

use std::net::{IpAddr, Ipv6Addr};

use etherparse::PacketBuilder;
use ipnet::{IpNet, Ipv6Net};
use pipelines::network::{Ipv6Mode, MacAddr, Subnet};
use pipelines::service::{Client, SERVER_MAC};

use super::Refusal;

/// The type of the message (RFC 4861, section 4.2).
const ROUTER_ADVERTISEMENT: u8 = 134;
/// What tells receivers that the packet was not routed.
const HOP_LIMIT: u8 = 255;
/// The hop limit that machines are to use.
const CURRENT_HOP_LIMIT: u8 = 64;
/// All nodes of the link, and where frames to them go (RFC 2464, section 7).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

/// Addresses come from DHCPv6, or other things do.
const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;
/// A prefix is of the link; machines may make up addresses in it.
const ON_LINK: u8 = 0x80;
const AUTONOMOUS: u8 = 0x40;

/// For how many seconds the router is there, and name servers are: RFC 4861's default.
const ROUTER_LIFETIME: u16 = 1800;
/// For how many seconds addresses of a prefix may be used, and preferably: radvd's defaults, as in
/// Neutron.
const VALID_LIFETIME: u32 = 86_400;
const PREFERRED_LIFETIME: u32 = 14_400;

/// What a port is told; nothing if no subnet of it is advertised.
pub(super) fn advertisement(client: &Client<'_>) -> Result<Option<Vec<u8>>, Refusal> {
    let subnets: Vec<_> = client.advertised().collect();
    if subnets.is_empty() {
        return Ok(None);
    }
    let router = client.router(&subnets);
    let lifetime = router.map_or(0, |_| ROUTER_LIFETIME);
    let source = router.unwrap_or(SERVER_MAC);

    let modes = subnets.iter().filter_map(|subnet| subnet.ipv6_ra_mode);
    let flags = modes.fold(0, |flags, mode| {
        flags
            | match mode {
                Ipv6Mode::DhcpStateful => MANAGED | OTHER,
                Ipv6Mode::DhcpStateless => OTHER,
                Ipv6Mode::Slaac => 0,
            }
    });
    let payload = options(client, source, &subnets);
    message(source, (flags, lifetime), &payload).map(Some)
}

/// The router that tells a port of its subnets.
pub(super) fn router(client: &Client<'_>) -> Option<MacAddr> {
    let subnets: Vec<_> = client.advertised().collect();
    client.router(&subnets)
}

/// What a router says that is not there any more (RFC 4861, section 6.2.5).
pub(super) fn farewell(router: MacAddr) -> Result<Vec<u8>, Refusal> {
    message(router, (0, 0), &source(router))
}

fn message(
    source: MacAddr,
    (flags, lifetime): (u8, u16),
    payload: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let [high, low] = lifetime.to_be_bytes();
    let MacAddr(mac) = source;
    let builder = PacketBuilder::ethernet2(mac, ALL_NODES_MAC)
        .ipv6(source.link_local().octets(), ALL_NODES.octets(), HOP_LIMIT)
        .icmpv6_raw(
            ROUTER_ADVERTISEMENT,
            0,
            [CURRENT_HOP_LIMIT, flags, high, low],
        );
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    let written = builder.write(&mut frame, payload);
    written.map_err(|error| Refusal::Unsayable(error.to_string()))?;
    Ok(frame)
}

/// What follows the first eight bytes of the message: two times that say nothing, and the option
/// with the source's MAC (RFC 4861, section 4.6.1).
fn source(MacAddr(mac): MacAddr) -> Vec<u8> {
    [&[0; 8][..], &[1, 1], &mac].concat()
}

/// The same, and what else there is to tell.
fn options(client: &Client<'_>, from: MacAddr, subnets: &[&Subnet]) -> Vec<u8> {
    let mut payload = source(from);
    // MTU (section 4.6.4).
    payload.extend([5, 1, 0, 0]);
    payload.extend(u32::from(client.mtu()).to_be_bytes());
    for subnet in subnets {
        if let IpNet::V6(block) = subnet.cidr() {
            prefix(block, subnet.ipv6_ra_mode, &mut payload);
            name_servers(subnet, &mut payload);
        }
    }
    payload
}

/// Prefix information (RFC 4861, section 4.6.2).
fn prefix(block: Ipv6Net, mode: Option<Ipv6Mode>, payload: &mut Vec<u8>) {
    let flags = match mode {
        Some(Ipv6Mode::Slaac | Ipv6Mode::DhcpStateless) => ON_LINK | AUTONOMOUS,
        Some(Ipv6Mode::DhcpStateful) | None => ON_LINK,
    };
    payload.extend([3, 4, block.prefix_len(), flags]);
    payload.extend(VALID_LIFETIME.to_be_bytes());
    payload.extend(PREFERRED_LIFETIME.to_be_bytes());
    payload.extend([0; 4]);
    payload.extend(block.network().octets());
}

/// Recursive DNS servers (RFC 8106, section 5.1); as many as the option has room for.
fn name_servers(subnet: &Subnet, payload: &mut Vec<u8>) {
    let servers = subnet.dns_nameservers.iter();
    let servers = servers.filter_map(|server| match server {
        IpAddr::V4(_) => None,
        IpAddr::V6(server) => Some(server.octets()),
    });
    let servers: Vec<_> = servers.take(127).collect();
    if let (Ok(count @ 1..), [..]) = (u8::try_from(servers.len()), servers.as_slice()) {
        payload.extend([25, 1 + 2 * count, 0, 0]);
        payload.extend(u32::from(ROUTER_LIFETIME).to_be_bytes());
        payload.extend(servers.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use openflow::field::PortNo;
    use pipelines::cookie::Cookie;
    use pipelines::network::{HostName, VlanId};
    use pipelines::site::Site;

    use super::*;
    use crate::northbound::file;

    const DESCRIPTION: &str = "
hosts: [{name: host1, encap_ip: 192.0.2.1}]
networks:
  - name: net
    network_type: vxlan
    segmentation_id: 1
    subnets:
      - cidr: '2001:db8:a::/64'
        gateway_ip: '2001:db8:a::1'
        dns_nameservers: ['2001:db8::53']
        ipv6_ra_mode: slaac
      - {cidr: '2001:db8:b::/64', ipv6_ra_mode: dhcpv6-stateful}
      - {cidr: '2001:db8:c::/64'}
ports:
  - {name: vm, network: net, mac_address: fa:16:3e:00:00:12, fixed_ips: [FIXED], host: host1}
  - {name: gateway, network: net, mac_address: fa:16:3e:00:00:01, fixed_ips: ['2001:db8:a::1']}
";
    const ROUTER: &str = "routers: [{name: router, interfaces: [gateway]}]\n";

    /// What a port with some addresses is told.
    fn told(description: &str, fixed_ips: &str) -> Option<Vec<u8>> {
        let text = description.replace("FIXED", fixed_ips);
        let described = file::parse("network.yaml".as_ref(), text.as_bytes());
        let model = described.unwrap_or_else(|error| panic!("{error}")).model;
        let port = model.ports().find(|port| port.name == "vm").unwrap();
        let (port, network) = (port.id, port.network);
        let mut site = Site::new(Arc::new(model), HostName::from("host1"));
        site.local_vlans.insert(network, VlanId::MIN);
        site.bindings.insert(port, PortNo(43));
        let client = Client::of(&site, Cookie::of(port.0).get()).unwrap();
        advertisement(&client).unwrap()
    }

    /// The flags, the lifetime, and what comes after the MTU.
    fn parts(frame: &[u8]) -> (u8, u16, &[u8]) {
        let message = frame.get(54..).unwrap();
        let lifetime = message.get(6..8).unwrap().try_into().unwrap();
        (message[5], u16::from_be_bytes(lifetime), &message[32..])
    }

    #[test]
    fn a_network_on_its_own_has_prefixes_and_no_router() {
        let frame = told(DESCRIPTION, "'2001:db8:a::12'").unwrap();
        let (flags, lifetime, options) = parts(&frame);
        assert_eq!((flags, lifetime), (0, 0));
        assert_eq!(options[..4], [3, 4, 64, ON_LINK | AUTONOMOUS]);
        assert_eq!(options[32..36], [25, 3, 0, 0]);
        assert_eq!(options.len(), 32 + 24);
    }

    #[test]
    fn the_router_of_a_subnet_speaks_for_itself() {
        let frame = told(&format!("{DESCRIPTION}{ROUTER}"), "'2001:db8:a::12'").unwrap();
        assert_eq!(frame[6..12], [0xfa, 0x16, 0x3e, 0, 0, 1]);
        let source: Ipv6Addr = "fe80::f816:3eff:fe00:1".parse().unwrap();
        assert_eq!(frame[22..38], source.octets());
        assert_eq!(parts(&frame).1, ROUTER_LIFETIME);
    }

    #[test]
    fn a_router_outside_the_prefix_speaks_for_itself() {
        let description = format!("{DESCRIPTION}{ROUTER}");
        let by = |gateway: &str| {
            let gateway = format!("gateway_ip: '{gateway}'");
            description.replace("gateway_ip: '2001:db8:a::1'", &gateway)
        };
        let told = |gateway| told(&by(gateway), "'2001:db8:a::12'").unwrap();
        // By its link-local address, or that in another subnet; and one that is not here.
        for (gateway, lifetime) in [
            ("fe80::f816:3eff:fe00:1", ROUTER_LIFETIME),
            ("2001:db8:ffff::1", 0),
        ] {
            assert_eq!(parts(&told(gateway)).1, lifetime, "{gateway}");
        }
    }

    #[test]
    fn only_subnets_that_the_port_has_an_address_in_are_told() {
        let frame = told(DESCRIPTION, "'2001:db8:b::12'").unwrap();
        let (flags, _, options) = parts(&frame);
        assert_eq!(flags, MANAGED | OTHER);
        assert_eq!(options[..4], [3, 4, 64, ON_LINK]);
        assert_eq!(options.len(), 32);
        assert_eq!(told(DESCRIPTION, "'2001:db8:c::12'"), None);
    }
}
