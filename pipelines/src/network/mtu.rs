//! How large a packet may be, so that it still fits the underlay inside a tunnel.
//!
//! A network has one MTU, wherever its machines are, so the tightest host decides. The figures are
//! those of Neutron's ML2 plugin, as an MTU that a machine was given is hard to take back.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;

use super::{EncapType, Host, NetworkType, PhysicalNetwork, Problem, Segment};

/// The MTU of Ethernet (RFC 894), in bytes: what an underlay has that says nothing else.
pub const ETHERNET_MTU: u16 = 1500;

/// The least MTU of a host that networks go by, in bytes: inside a VXLAN or Geneve tunnel over IPv6 it
/// leaves the 1280 bytes that every link of IPv6 carries (RFC 8200).
pub const LEAST_HOST_MTU: u16 = 1280 + 70;

/// The least MTU of a network, in bytes: what its subnets need.
///
/// Every host of the Internet must take 68 bytes in one piece (RFC 791), with IPv6 1280 (RFC 8200).
pub fn least_mtu(subnets: impl IntoIterator<Item = IpNet>) -> u16 {
    let needs = subnets.into_iter().map(|cidr| match cidr {
        IpNet::V4(_) => 68,
        IpNet::V6(_) => 1280,
    });
    needs.max().unwrap_or(1)
}

/// Checks the MTU that a network asks for.
///
/// # Errors
///
/// Its subnets need more, or hosts carry less.
pub fn check_mtu(mtu: u16, least: u16, most: u16) -> Result<(), Problem> {
    match (least..=most).contains(&mtu) {
        true => Ok(()),
        false => {
            let [value, least, most] = [mtu, least, most].map(u32::from);
            Err(Problem::OutOfRange { value, least, most })
        }
    }
}

impl EncapType {
    /// What the tunnel adds to a packet, in bytes.
    ///
    /// The inner Ethernet header counts, the outer one does not, as an MTU is without it. Geneve
    /// carries no options here.
    pub fn overhead(self, endpoint: IpAddr) -> u16 {
        let outer_ip = match endpoint {
            IpAddr::V4(_) => 20,
            IpAddr::V6(_) => 40,
        };
        let ethernet = 14;
        let header = match self {
            // UDP, and 8 bytes of its own (RFC 7348, section 5; RFC 8926, section 3.1).
            Self::Vxlan | Self::Geneve => 8 + 8,
            // With a key (RFC 2890, section 2).
            Self::Gre => 8,
        };
        outer_ip + header + ethernet
    }
}

/// The largest packets that every host can carry, in bytes.
///
/// Hosts that offer no way for a kind of segment do not count there, and what nobody offers a way
/// for is computed as if over Ethernet and IPv4. Nor does a host count that no other can reach, as
/// its tunnels end at an address of another family, or one with an MTU below [`LEAST_HOST_MTU`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    tunnels: BTreeMap<EncapType, u16>,
    physical_networks: BTreeMap<PhysicalNetwork, u16>,
    local: Option<u16>,
}

impl Limits {
    /// What these hosts can carry.
    pub fn of<'a>(hosts: impl IntoIterator<Item = &'a Host>) -> Self {
        let mut limits = Self::default();
        let mut hosts: Vec<&Host> = hosts.into_iter().collect();
        let is_sound = |host: &&Host| host.mtu >= LEAST_HOST_MTU;
        if hosts.iter().any(is_sound) {
            hosts.retain(is_sound);
        }
        for encap_type in EncapType::ALL {
            let family = Family::of(encap_type, &hosts);
            for host in &hosts {
                if let Some(endpoint) = host.endpoint(encap_type).filter(|ip| family.has(*ip)) {
                    let most = host.mtu.saturating_sub(encap_type.overhead(endpoint));
                    lower(limits.tunnels.entry(encap_type).or_insert(most), most);
                }
            }
        }
        for host in hosts {
            let most = host.mtu;
            for name in host.bridge_mappings.keys() {
                let known = limits.physical_networks.entry(name.clone());
                lower(known.or_insert(most), most);
            }
            lower(limits.local.get_or_insert(most), most);
        }
        limits
    }

    /// The limit of a segment.
    pub fn mtu(&self, segment: &Segment) -> u16 {
        self.most(segment.network_type(), segment.physical_network())
    }

    /// The limit of every segment of a type, on a physical network if it has one.
    pub fn most(
        &self,
        network_type: NetworkType,
        physical_network: Option<&PhysicalNetwork>,
    ) -> u16 {
        let encap_type = EncapType::of(network_type);
        let known = match (encap_type, physical_network) {
            (Some(encap_type), _) => self.tunnels.get(&encap_type).copied(),
            (None, Some(name)) => self.physical_networks.get(name).copied(),
            (None, None) => self.local,
        };
        known.unwrap_or_else(|| {
            let overhead = encap_type.map_or(0, |encap_type| {
                encap_type.overhead(Ipv4Addr::UNSPECIFIED.into())
            });
            ETHERNET_MTU.saturating_sub(overhead)
        })
    }
}

/// The families of the addresses that tunnels of one type join.
#[derive(Clone, Copy, Debug)]
struct Family {
    ipv4: bool,
    ipv6: bool,
}

impl Family {
    /// Those that two hosts have; if none is, IPv4, unless all have IPv6.
    fn of(encap_type: EncapType, hosts: &[&Host]) -> Self {
        let endpoints = hosts.iter().filter_map(|host| host.endpoint(encap_type));
        let (ipv4, ipv6): (Vec<_>, Vec<_>) = endpoints.partition(IpAddr::is_ipv4);
        match (ipv4.len(), ipv6.len()) {
            (0, _) => Self {
                ipv4: false,
                ipv6: true,
            },
            (ipv4, ipv6) => Self {
                ipv4: ipv4 > 1 || ipv6 < 2,
                ipv6: ipv6 > 1,
            },
        }
    }

    fn has(self, endpoint: IpAddr) -> bool {
        match endpoint {
            IpAddr::V4(_) => self.ipv4,
            IpAddr::V6(_) => self.ipv6,
        }
    }
}

fn lower(limit: &mut u16, most: u16) {
    *limit = most.min(*limit);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::network::PhysicalNetwork;

    fn host(encap_ip: &str, mtu: u16) -> Host {
        Host {
            name: encap_ip.into(),
            encap_ip: Some(encap_ip.parse().unwrap()),
            encap_types: EncapType::ALL.into(),
            bridge_mappings: BTreeMap::from([(PhysicalNetwork::from("physnet1"), "br-ex".into())]),
            mtu,
            gateway_priority: 0,
            preemptive: false,
        }
    }

    fn mtus(hosts: &[Host]) -> Vec<u16> {
        let physical_network = || Some(PhysicalNetwork::from("physnet1"));
        let segments = [
            Segment::new(NetworkType::Vxlan, None, Some(1)),
            Segment::new(NetworkType::Gre, None, Some(1)),
            Segment::new(NetworkType::Geneve, None, Some(1)),
            Segment::new(NetworkType::Vlan, physical_network(), Some(1)),
            Segment::new(NetworkType::Flat, physical_network(), None),
            Segment::new(NetworkType::Local, None, None),
        ];
        let segments = segments.into_iter().map(Result::unwrap);
        let limits = Limits::of(hosts);
        segments.map(|segment| limits.mtu(&segment)).collect()
    }

    #[test]
    fn a_tunnel_takes_its_headers_from_the_mtu() {
        let ipv4 = host("192.0.2.1", 1500);
        assert_eq!(mtus(&[ipv4]), [1450, 1458, 1450, 1500, 1500, 1500]);
        let ipv6 = host("2001:db8::1", 1500);
        assert_eq!(mtus(&[ipv6]), [1430, 1438, 1430, 1500, 1500, 1500]);
    }

    #[test]
    fn the_tightest_host_decides() {
        let hosts = [host("192.0.2.1", 9000), host("192.0.2.2", 1600)];
        assert_eq!(mtus(&hosts), [1550, 1558, 1550, 1600, 1600, 1600]);
    }

    #[test]
    fn a_host_that_cannot_carry_a_network_does_not_count() {
        let mut small = host("192.0.2.2", 1400);
        small.encap_types = [EncapType::Gre].into();
        small.bridge_mappings.clear();
        let hosts = [host("192.0.2.1", 9000), small];
        assert_eq!(mtus(&hosts), [8950, 1358, 8950, 9000, 9000, 1400]);
    }

    #[test]
    fn a_host_that_no_other_reaches_changes_nothing_for_the_others() {
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|ip| host(ip, 1500));
        let [three, four] = ["2001:db8::3", "2001:db8::4"].map(|ip| host(ip, 1500));
        let expected = mtus(&[one.clone(), two.clone()]);
        assert_eq!(mtus(&[one.clone(), two.clone(), three.clone()]), expected);
        assert_eq!(mtus(&[one.clone(), three.clone()]), expected);
        // Two can reach each other.
        let all = [one.clone(), two, three.clone(), four.clone()];
        assert_eq!(mtus(&all)[..3], [1430, 1438, 1430]);
        assert_eq!(mtus(&[one, three, four])[..3], [1430, 1438, 1430]);
    }

    #[test]
    fn an_absurd_mtu_of_a_host_changes_nothing_for_the_others() {
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|ip| host(ip, 1500));
        let absurd = host("192.0.2.3", 600);
        let expected = mtus(&[one.clone(), two.clone()]);
        assert_eq!(mtus(&[one, two, absurd.clone()]), expected);
        assert_eq!(mtus(&[absurd])[3], 600);
    }

    #[test]
    fn without_hosts_the_underlay_is_ethernet() {
        assert_eq!(mtus(&[]), [1450, 1458, 1450, 1500, 1500, 1500]);
    }
}
