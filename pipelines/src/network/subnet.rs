//! Blocks of addresses of a network.

use std::net::IpAddr;

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
}

impl Subnet {
    /// Checks the block and its gateway.
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
            }),
        }
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
