//! Blocks of addresses of a network.

use std::{fmt, net::IpAddr, str::FromStr};

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
    /// `cidr` has bits set past its prefix, or `gateway_ip` is neither inside it nor link-local.
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
        // A router may be known by its link-local address alone (RFC 4861, section 6.3.4).
        let link_local = |ip: &IpAddr| match ip {
            IpAddr::V4(_) => false,
            IpAddr::V6(ip) => cidr.network().is_ipv6() && ip.is_unicast_link_local(),
        };
        match gateway_ip.filter(|ip| !cidr.contains(ip) && !link_local(ip)) {
            Some(ip) => Err(Problem::OutsideSubnets {
                ip,
                subnets: cidr.to_string(),
            }
            .of("gateway_ip")),
            None => Ok(Self {
                id,
                name,
                cidr,
                gateway_ip,
                enable_dhcp: false,
                dns_nameservers: Vec::new(),
                host_routes: Vec::new(),
                ipv6_ra_mode: None,
                ipv6_address_mode: None,
            }),
        }
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
