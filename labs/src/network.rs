//! The parts of a network description that say what a lab has to build.
//!
//! The description is brint's to judge; a lab only needs to know which hosts and machines there
//! are, and under which addresses. What else it says is skipped.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use anyhow::Context as _;
use ipnet::IpNet;
use serde::Deserialize;
use uuid::Uuid;

/// Hosts, networks and ports.
#[derive(Clone, Debug, Deserialize)]
pub struct Description {
    /// The hosts.
    pub hosts: Vec<Host>,
    /// The networks.
    pub networks: Vec<Network>,
    /// The ports; each becomes a machine.
    pub ports: Vec<Port>,
}

/// A host.
#[derive(Clone, Debug, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Where its tunnels end.
    pub encap_ip: IpAddr,
    /// The provider bridge for each physical network.
    #[serde(default)]
    pub bridge_mappings: BTreeMap<String, String>,
}

/// A network.
#[derive(Clone, Debug, Deserialize)]
pub struct Network {
    /// Its name, unique in its project.
    pub name: String,
    /// Whose it is.
    #[serde(default)]
    pub project: Option<String>,
    /// How it is carried, in Neutron's words: `vxlan`, `flat`, ...
    pub network_type: String,
    /// The VLAN of a network of type `vlan`.
    #[serde(default)]
    pub segmentation_id: Option<u32>,
    /// The physical network of a provider network.
    #[serde(default)]
    pub physical_network: Option<String>,
    /// The largest packet.
    #[serde(default)]
    pub mtu: Option<u16>,
    /// Its subnets.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
}

/// A subnet.
#[derive(Clone, Debug, Deserialize)]
pub struct Subnet {
    /// Its addresses.
    pub cidr: IpNet,
    /// The router's address; on provider networks the physical world has it.
    #[serde(default)]
    pub gateway_ip: Option<IpAddr>,
}

/// A port.
#[derive(Clone, Debug, Deserialize)]
pub struct Port {
    /// Its identifier; a lab needs it, because the interface is plugged under it.
    pub id: Uuid,
    /// Its name, and the machine's.
    pub name: String,
    /// Whose it is.
    #[serde(default)]
    pub project: Option<String>,
    /// The name of its network.
    pub network: String,
    /// Its MAC address.
    pub mac_address: MacAddr,
    /// Its IP addresses.
    #[serde(default)]
    pub fixed_ips: Vec<IpAddr>,
    /// The host that it is plugged into.
    #[serde(default)]
    pub host: Option<String>,
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// When it is no YAML, or something that a lab needs is missing.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        serde_saphyr::from_str(text).context("the network description")
    }

    /// The network of a port: the one of that name in its project, else of any project.
    pub(crate) fn network(&self, port: &Port) -> Option<&Network> {
        let mut named = self
            .networks
            .iter()
            .filter(|network| network.name == port.network);
        let own = named
            .clone()
            .find(|network| network.project == port.project);
        own.or_else(|| named.next())
    }

    /// The addresses of a port with the prefix length of their subnets.
    pub(crate) fn addresses(&self, port: &Port) -> anyhow::Result<Vec<IpNet>> {
        let network = self
            .network(port)
            .with_context(|| format!("the network of {}", port.name))?;
        let with_prefix = |address: &IpAddr| {
            let subnet = network
                .subnets
                .iter()
                .find(|subnet| subnet.cidr.contains(address));
            let subnet = subnet.with_context(|| format!("the subnet of {address}"))?;
            Ok(IpNet::new(*address, subnet.cidr.prefix_len())?)
        };
        port.fixed_ips.iter().map(with_prefix).collect()
    }
}

impl Description {
    /// The routers of the subnets that a port has an address of.
    pub(crate) fn gateways(&self, port: &Port) -> Vec<IpAddr> {
        let subnets = self.network(port).map(|network| &network.subnets);
        let subnets = subnets.into_iter().flatten();
        let own = subnets.filter(|subnet| port.fixed_ips.iter().any(|ip| subnet.cidr.contains(ip)));
        own.filter_map(|subnet| subnet.gateway_ip).collect()
    }
}

impl Port {
    /// The name of its interface on the host, as Nova gives it: `tap` and 11 characters of the
    /// identifier.
    pub fn interface(&self) -> String {
        let id = self.id.to_string();
        format!("tap{}", id.get(..11).unwrap_or(&id))
    }
}

/// A MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// The address of everybody.
    pub const BROADCAST: Self = Self([0xff; 6]);
}

impl FromStr for MacAddr {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let bytes: Result<Vec<u8>, _> = text
            .split(':')
            .map(|byte| u8::from_str_radix(byte, 16))
            .collect();
        let array = bytes.ok().and_then(|bytes| bytes.try_into().ok());
        array
            .map(Self)
            .with_context(|| format!("{text}: expected a MAC address"))
    }
}

impl TryFrom<String> for MacAddr {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        text.parse()
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_PRIVATE_NETWORKS: &str = "
hosts:
  - {name: host1, encap_ip: 192.0.2.1}
networks:
  - {name: private, project: a, network_type: vxlan, mtu: 1450, subnets: [{cidr: 10.0.0.0/24}]}
  - {name: private, project: b, network_type: gre, subnets: [{cidr: 10.0.0.0/16}, {cidr: '2001:db8::/64'}]}
security_groups: []
ports:
  - {id: 7571157f-bcad-4032-8ad1-f0950600b737, name: vm1, project: b, network: private,
     mac_address: 'fa:16:3e:00:00:12', fixed_ips: [10.0.0.18, '2001:db8::12']}
";

    #[test]
    fn a_port_is_on_the_network_of_its_own_project() {
        let description = Description::read(TWO_PRIVATE_NETWORKS).unwrap();
        let addresses = description.addresses(&description.ports[0]).unwrap();
        assert_eq!(
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["10.0.0.18/16", "2001:db8::12/64"]
        );
    }

    #[test]
    fn an_interface_is_named_as_nova_names_it() {
        let description = Description::read(TWO_PRIVATE_NETWORKS).unwrap();
        assert_eq!(description.ports[0].interface(), "tap7571157f-bc");
    }

    #[test]
    fn a_mac_address_is_read_and_written_alike() {
        let text = "fa:16:3e:00:00:12";
        assert_eq!(text.parse::<MacAddr>().unwrap().to_string(), text);
        assert!("fa:16:3e:00:00".parse::<MacAddr>().is_err());
    }
}
