//! Blocks of addresses of a network.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use ipnet::IpNet;

use super::{InvalidField, Problem, SubnetId};

/// A block of addresses that ports of a network may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Identifier.
    pub id: SubnetId,
    /// What people call it.
    pub name: String,
    cidr: IpNet,
    gateway_ip: Option<IpAddr>,
    /// Whether DHCP answers the ports that have an address of it.
    pub enable_dhcp: bool,
    /// The name servers that its machines are told of.
    pub dns_nameservers: Vec<IpAddr>,
    /// The routes that its machines are told of, besides the one by the gateway.
    pub host_routes: Vec<HostRoute>,
    /// What router advertisements say of it; without one there are none. Only of IPv6.
    pub ipv6_ra_mode: Option<Ipv6Mode>,
    /// How its machines come to their addresses. Only of IPv6.
    pub ipv6_address_mode: Option<Ipv6Mode>,
}

/// A route that machines are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostRoute {
    /// Where it leads.
    pub destination: IpNet,
    /// The router.
    pub nexthop: IpAddr,
}

impl HostRoute {
    /// Checks that both are of one version of IP.
    ///
    /// # Errors
    ///
    /// They are not.
    pub fn new(destination: IpNet, nexthop: IpAddr) -> Result<Self, Problem> {
        match destination.network().is_ipv4() == nexthop.is_ipv4() {
            true => Ok(Self {
                destination: destination.trunc(),
                nexthop,
            }),
            false => Err(Self::unknown(&format!("{destination} {nexthop}"))),
        }
    }

    fn unknown(text: &str) -> Problem {
        Problem::UnknownWord {
            word: text.to_owned(),
            expected: "a route such as 198.51.100.0/24 10.0.0.7",
        }
    }
}

impl FromStr for HostRoute {
    type Err = Problem;

    /// Reads `DESTINATION NEXTHOP`.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let parts = text.split_once(' ').and_then(|(destination, nexthop)| {
            Some((destination.parse().ok()?, nexthop.parse().ok()?))
        });
        let (destination, nexthop) = parts.ok_or_else(|| Self::unknown(text))?;
        Self::new(destination, nexthop)
    }
}

impl fmt::Display for HostRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.destination, self.nexthop)
    }
}

/// How machines come to their IPv6 addresses, in Neutron's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ipv6Mode {
    /// By DHCPv6.
    DhcpStateful,
    /// By themselves; the rest by DHCPv6.
    DhcpStateless,
    /// By themselves.
    Slaac,
}

impl Ipv6Mode {
    const ALL: [Self; 3] = [Self::DhcpStateful, Self::DhcpStateless, Self::Slaac];

    /// The word that Neutron uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DhcpStateful => "dhcpv6-stateful",
            Self::DhcpStateless => "dhcpv6-stateless",
            Self::Slaac => "slaac",
        }
    }
}

impl FromStr for Ipv6Mode {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        found.ok_or_else(|| Problem::UnknownWord {
            word: text.to_owned(),
            expected: "slaac, dhcpv6-stateful or dhcpv6-stateless",
        })
    }
}

impl fmt::Display for Ipv6Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Subnet {
    /// Checks the block and its gateway. Nothing else is known of the subnet yet.
    ///
    /// # Errors
    ///
    /// `cidr` has bits set past its prefix, or `gateway_ip` cannot be a router's: see
    /// [`Self::set_gateway`].
    pub fn new(
        id: SubnetId,
        name: String,
        cidr: IpNet,
        gateway_ip: Option<IpAddr>,
    ) -> Result<Self, InvalidField> {
        if cidr != cidr.trunc() {
            return Err(Problem::HostBits {
                cidr,
                expected: cidr.trunc(),
            }
            .of("cidr"));
        }
        let mut subnet = Self {
            id,
            name,
            cidr,
            gateway_ip: None,
            enable_dhcp: false,
            dns_nameservers: Vec::new(),
            host_routes: Vec::new(),
            ipv6_ra_mode: None,
            ipv6_address_mode: None,
        };
        if let Some(ip) = gateway_ip {
            subnet.set_gateway(ip)?;
        }
        Ok(subnet)
    }

    /// Gives the subnet a router.
    ///
    /// Its address may be outside the block, as with an IPv6 router that is known by its link-local
    /// address (RFC 4861, section 6.3.4), or a provider's router that serves many small subnets. It
    /// is on the link all the same.
    ///
    /// # Errors
    ///
    /// It is of the other version of IP, or no address of a single station: multicast, loopback,
    /// unspecified, or the network's or broadcast address of the block.
    pub fn set_gateway(&mut self, ip: IpAddr) -> Result<(), InvalidField> {
        let field = "gateway_ip";
        let cidr = self.cidr;
        if ip.is_ipv4() != cidr.network().is_ipv4() {
            return Err(Problem::OtherVersionThanBlock { ip, cidr }.of(field));
        }
        let is_end = match cidr {
            IpNet::V4(block) if block.prefix_len() < 31 => {
                ip == block.network() || ip == block.broadcast()
            }
            IpNet::V4(_) | IpNet::V6(_) => false,
        };
        let is_broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
        let is_nobody = ip.is_multicast() || ip.is_loopback() || ip.is_unspecified();
        if is_end || is_broadcast || is_nobody {
            return Err(Problem::NotAStation { ip, cidr }.of(field));
        }
        self.gateway_ip = Some(ip);
        Ok(())
    }

    /// The router, where its address is outside the block: machines and routers have to be told
    /// that it is on the link.
    pub fn gateway_outside(&self) -> Option<IpAddr> {
        self.gateway_ip.filter(|ip| !self.cidr.contains(ip))
    }

    /// Whether DHCP has something to say to its machines: in IPv6 they may make up their addresses.
    pub fn has_dhcp(&self) -> bool {
        let asked = match self.ipv6_address_mode {
            Some(Ipv6Mode::DhcpStateful | Ipv6Mode::DhcpStateless) => true,
            Some(Ipv6Mode::Slaac) | None => self.cidr.network().is_ipv4(),
        };
        self.enable_dhcp && asked
    }

    /// The block; no bit is set past its prefix.
    pub fn cidr(&self) -> IpNet {
        self.cidr
    }

    /// The router, if the subnet has one.
    pub fn gateway_ip(&self) -> Option<IpAddr> {
        self.gateway_ip
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn subnet(cidr: &str, gateway: &str) -> Result<Subnet, String> {
        let (cidr, gateway) = (cidr.parse().unwrap(), gateway.parse().unwrap());
        let id = SubnetId(Uuid::from_u128(1));
        let subnet = Subnet::new(id, String::new(), cidr, Some(gateway));
        subnet.map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_router_may_be_outside_the_block() {
        let outside = [
            ("10.0.0.0/24", "10.99.0.1"),
            ("203.0.113.7/32", "203.0.113.1"),
            ("2001:db8::/64", "fe80::1"),
            ("2001:db8::/64", "2001:db8:1::1"),
        ];
        for (cidr, gateway) in outside {
            let subnet = subnet(cidr, gateway).unwrap();
            assert_eq!(subnet.gateway_outside(), Some(gateway.parse().unwrap()));
        }
        for (cidr, gateway) in [("10.0.0.0/24", "10.0.0.9"), ("10.0.0.0/31", "10.0.0.0")] {
            assert_eq!(subnet(cidr, gateway).unwrap().gateway_outside(), None);
        }
    }

    #[test]
    fn a_router_is_one_station() {
        let wrong = [
            ("10.0.0.0/24", "10.0.0.0"),
            ("10.0.0.0/24", "10.0.0.255"),
            ("10.0.0.0/24", "224.0.0.1"),
            ("10.0.0.0/24", "255.255.255.255"),
            ("10.0.0.0/24", "0.0.0.0"),
            ("2001:db8::/64", "ff02::1"),
            ("2001:db8::/64", "::1"),
        ];
        for (cidr, gateway) in wrong {
            let expected = format!("gateway_ip: {gateway} cannot be a router's in {cidr}");
            assert_eq!(subnet(cidr, gateway).unwrap_err(), expected);
        }
        let other = subnet("10.0.0.0/24", "2001:db8::1").unwrap_err();
        assert_eq!(
            other,
            "gateway_ip: 2001:db8::1 is of another version of IP than 10.0.0.0/24"
        );
    }
}
