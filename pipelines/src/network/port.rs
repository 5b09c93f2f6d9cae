//! Ports: where machines are plugged in.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;

use super::{HostName, MacAddr, NetworkId, PortId, SecurityGroupId};

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
    /// What it does when it starts for the first time; empty if nothing.
    pub user_data: String,
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
    /// A pair with prefix length 0 adds nothing: as a member it would let everyone in.
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
    fn a_pair_that_means_everyone_is_no_member_of_a_group() {
        let addresses: Vec<_> = port(&["0.0.0.0/0"]).addresses().into_iter().collect();
        assert_eq!(addresses, ["10.0.0.18/32".parse().unwrap()]);
    }
}
