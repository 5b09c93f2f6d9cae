//! Ports: where machines are plugged in.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Ethertype, HostName, MacAddr, NetworkId, PortId, Problem, SecurityGroupId};

/// One machine's place in one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Identifier; the interface on br-int carries it as `external_ids:iface-id`.
    pub id: PortId,
    /// What people call it.
    pub name: String,
    /// The project that owns it.
    pub project: String,
    /// Its network.
    pub network: NetworkId,
    /// The only source address that it may use, pairs aside.
    pub mac_address: MacAddr,
    /// The only source addresses that it may use, pairs and the link-local address aside.
    pub fixed_ips: Vec<IpAddr>,
    /// The groups whose rules apply; the port is a member of each.
    pub security_groups: Vec<SecurityGroupId>,
    /// Whether sources are checked and groups apply.
    pub port_security_enabled: bool,
    /// More sources that it may use.
    pub allowed_address_pairs: Vec<AddressPair>,
    /// Whether it may send and receive at all.
    pub admin_state_up: bool,
    /// Where it is plugged in, if it is; Neutron's `binding:host_id`.
    pub host: Option<HostName>,
    /// Where its machine is being moved, which is plugged in there too until the move is over.
    ///
    /// Neutron's key of that name in `binding:profile`.
    pub migrating_to: Option<HostName>,
    /// Its name in the DNS, and what DHCP calls its machine; empty if it has none.
    pub dns_name: String,
    /// What DHCP tells its machine besides.
    pub extra_dhcp_opts: ExtraDhcpOptions,
    /// The machine that is plugged in.
    pub machine: Machine,
}

/// What the metadata service tells a machine of itself, its addresses and names aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its identifier, Neutron's `device_id`; empty if it has none of its own.
    pub id: String,
    /// The keys that may log in, in the format of OpenSSH, each by its name.
    pub public_keys: BTreeMap<String, String>,
    /// What it does when it starts for the first time, text or not; empty if nothing.
    pub user_data: Vec<u8>,
}

/// DHCP options that are given to a port, each by its name or number; Neutron's `extra_dhcp_opts`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraDhcpOptions {
    /// Those of DHCP for IPv4.
    pub v4: BTreeMap<String, String>,
    /// Those of DHCP for IPv6.
    pub v6: BTreeMap<String, String>,
}

/// A source that a port may use besides its own: a virtual IP, a nested machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressPair {
    /// An address or a block.
    pub ip_address: IpNet,
    /// The port's own, where it is not given.
    pub mac_address: Option<MacAddr>,
}

/// Checks that an address can be that of a single station: neither of many nor of none.
///
/// # Errors
///
/// It has the group bit (IEEE 802, section 8.2.2), as broadcast has, or it is all zeros.
pub fn check_station(mac: MacAddr) -> Result<(), Problem> {
    match mac.is_multicast() || mac == MacAddr::ZERO {
        true => Err(Problem::NotUnicast(mac)),
        false => Ok(()),
    }
}

/// IPv4's multicast addresses (RFC 5771).
const MULTICAST_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4);
/// IPv6's multicast addresses (RFC 4291, section 2.7).
const MULTICAST_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8);

impl AddressPair {
    /// Checks that a port may have the pair: nobody sends from a multicast address.
    ///
    /// A pair with prefix length 0 is every address, and Neutron's way to say so.
    ///
    /// # Errors
    ///
    /// The MAC is no station's, or some addresses of the block are multicast.
    pub fn check(&self) -> Result<(), Problem> {
        if let Some(mac) = self.mac_address {
            check_station(mac)?;
        }
        let block = self.ip_address.trunc();
        let multicast = match block {
            IpNet::V4(_) => IpNet::V4(MULTICAST_V4),
            IpNet::V6(_) => IpNet::V6(MULTICAST_V6),
        };
        let overlaps = multicast.contains(&block.network()) || block.contains(&multicast.network());
        match overlaps && block.prefix_len() != 0 {
            true => Err(Problem::Multicast { block, multicast }),
            false => Ok(()),
        }
    }
}

impl Port {
    /// Where it is plugged in: two hosts while its machine moves.
    pub fn hosts(&self) -> impl Iterator<Item = &HostName> {
        self.host.iter().chain(&self.migrating_to)
    }

    /// Every address of its own: the fixed ones, and the link-local one that its MAC gives.
    pub fn all_ips(&self) -> impl Iterator<Item = IpAddr> {
        let link_local = IpAddr::V6(self.mac_address.link_local());
        self.fixed_ips.iter().copied().chain([link_local])
    }

    /// Every pair of MAC and IP that the port may send from, ascending.
    ///
    /// The link-local address that the port's own MAC gives is one of them, as neighbour discovery
    /// needs it.
    pub fn sources(&self) -> BTreeSet<(MacAddr, IpNet)> {
        let own = self.mac_address;
        let pairs = self.allowed_address_pairs.iter();
        self.all_ips()
            .map(|ip| (own, IpNet::from(ip)))
            .chain(pairs.map(|pair| (pair.mac_address.unwrap_or(own), pair.ip_address.trunc())))
            .collect()
    }

    /// Every MAC that the port answers to: its own and those of its pairs.
    pub fn macs(&self) -> BTreeSet<MacAddr> {
        let pairs = self
            .allowed_address_pairs
            .iter()
            .filter_map(|pair| pair.mac_address);
        pairs.chain([self.mac_address]).collect()
    }

    /// What the port adds to a group that it is a member of: its fixed and its paired addresses.
    ///
    /// A pair with prefix length 0 adds no address, as that would let everyone in: see
    /// [`macs_for_any`](Self::macs_for_any).
    pub fn addresses(&self) -> BTreeSet<IpNet> {
        let fixed = self.fixed_ips.iter().map(|ip| IpNet::from(*ip));
        let pairs = self
            .allowed_address_pairs
            .iter()
            .map(|pair| pair.ip_address.trunc());
        fixed
            .chain(pairs.filter(|block| block.prefix_len() != 0))
            .collect()
    }

    /// What the port adds to a group by pairs with prefix length 0: the MACs that it may send from
    /// any address with, as a virtual router does.
    pub fn macs_for_any(&self) -> BTreeSet<(Ethertype, MacAddr)> {
        let pairs = self.allowed_address_pairs.iter();
        let any = pairs.filter(|pair| pair.ip_address.prefix_len() == 0);
        any.map(|pair| {
            let mac = pair.mac_address.unwrap_or(self.mac_address);
            (Ethertype::of(pair.ip_address), mac)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(pairs: &[&str]) -> Port {
        let pair = |text: &&str| {
            let ip_address = text.parse().unwrap();
            AddressPair {
                ip_address,
                mac_address: Some("fa:16:3e:00:00:99".parse().unwrap()),
            }
        };
        Port {
            id: PortId(uuid::Uuid::from_u128(1)),
            name: String::new(),
            project: String::new(),
            network: NetworkId(uuid::Uuid::from_u128(2)),
            mac_address: "fa:16:3e:00:00:12".parse().unwrap(),
            fixed_ips: vec!["10.0.0.18".parse().unwrap()],
            security_groups: Vec::new(),
            port_security_enabled: true,
            allowed_address_pairs: pairs.iter().map(pair).collect(),
            admin_state_up: true,
            host: None,
            migrating_to: None,
            dns_name: String::new(),
            extra_dhcp_opts: Default::default(),
            machine: Default::default(),
        }
    }

    #[test]
    fn a_port_sends_from_its_addresses_its_pairs_and_its_link_local_address() {
        let sources: Vec<_> = port(&["10.0.0.200/32"])
            .sources()
            .iter()
            .map(|(mac, ip)| format!("{mac} {ip}"))
            .collect();
        let expected = [
            "fa:16:3e:00:00:12 10.0.0.18/32",
            "fa:16:3e:00:00:12 fe80::f816:3eff:fe00:12/128",
            "fa:16:3e:00:00:99 10.0.0.200/32",
        ];
        assert_eq!(sources, expected);
    }

    #[test]
    fn nobody_sends_from_a_multicast_address() {
        let check = |ip_address: &str, mac_address: Option<&str>| {
            let pair = AddressPair {
                ip_address: ip_address.parse().unwrap(),
                mac_address: mac_address.map(|mac| mac.parse().unwrap()),
            };
            pair.check().map_err(|problem| problem.to_string())
        };
        for block in [
            "0.0.0.0/0",
            "::/0",
            "192.0.0.0/3",
            "10.0.0.9/32",
            "fe80::/10",
        ] {
            assert_eq!(check(block, Some("fa:16:3e:00:00:99")), Ok(()), "{block}");
        }
        for block in [
            "224.0.0.18/32",
            "224.0.0.0/8",
            "128.0.0.0/1",
            "ff02::1/128",
            "8000::/1",
        ] {
            let refused = check(block, None).unwrap_err();
            assert!(refused.contains("multicast"), "{refused}");
        }
        for mac in [
            "01:00:5e:00:00:01",
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
        ] {
            let expected = format!("{mac} is no unicast MAC address");
            assert_eq!(check("10.0.0.9/32", Some(mac)), Err(expected));
        }
    }

    #[test]
    fn a_pair_that_means_everyone_is_a_member_of_a_group_by_its_mac() {
        let port = port(&["0.0.0.0/0", "10.0.0.200/32"]);
        let addresses: Vec<_> = port.addresses().into_iter().collect();
        let expected = ["10.0.0.18/32", "10.0.0.200/32"].map(|text| text.parse().unwrap());
        assert_eq!(addresses, expected);
        let macs: Vec<_> = port.macs_for_any().into_iter().collect();
        let mac = "fa:16:3e:00:00:99".parse().unwrap();
        assert_eq!(macs, [(Ethertype::Ipv4, mac)]);
    }
}
