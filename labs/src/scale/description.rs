//! The network description of one busy host among many.

use std::fmt::{self, Write as _};

/// So many ports share a network.
const PORTS_OF_A_NETWORK: u16 = 16;

/// The number of the first port on another host: the same, however many there are on this one.
const FIRST_ELSEWHERE: u16 = 0x8000;

/// The size of a busy host's world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Ports on the host itself.
    pub ports: u16,
    /// Other hosts, with a port each.
    pub hosts: u16,
    /// Networks without a port anywhere, beside those that the ports need.
    pub networks: u16,
    /// Whether all ports are in one security group, and not in one for each network.
    pub one_group: bool,
}

impl Size {
    /// The networks that have ports on the host itself.
    fn used(self) -> u16 {
        self.ports.div_ceil(PORTS_OF_A_NETWORK).max(1)
    }

    /// The description: `host1` is the busy one.
    ///
    /// The members of a group accept everything of each other, and tcp/22 of everybody.
    ///
    /// # Errors
    ///
    /// None; writing to a string cannot fail.
    pub fn description(self) -> Result<String, fmt::Error> {
        let mut text = String::from("security_groups:\n");
        let groups = if self.one_group { 1 } else { self.used() };
        for group in 0..groups {
            writeln!(
                text,
                "  - name: group{group}\n    rules:\n      \
                 - {{direction: egress, ethertype: IPv4}}\n      \
                 - {{direction: egress, ethertype: IPv6}}\n      \
                 - {{direction: ingress, ethertype: IPv4, remote_group: group{group}}}\n      \
                 - {{direction: ingress, ethertype: IPv6, remote_group: group{group}}}\n      \
                 - {{direction: ingress, ethertype: IPv4, protocol: tcp, \
                 port_range_min: 22, port_range_max: 22}}"
            )?;
        }
        writeln!(text, "hosts:")?;
        for host in 0..=self.hosts {
            // No network and no broadcast address, whatever the prefix.
            let (high, low) = (host / 200, host % 200 + 1);
            let name = host + 1;
            writeln!(
                text,
                "  - {{name: host{name}, encap_ip: 198.18.{high}.{low}}}"
            )?;
        }
        writeln!(text, "networks:")?;
        for network in 0..self.used() + self.networks {
            let key = 1000 + network;
            writeln!(
                text,
                "  - {{name: net{network}, network_type: vxlan, segmentation_id: {key}, \
                 mtu: 1400, subnets: [{{name: net{network}-v4, cidr: 10.0.0.0/8}}]}}"
            )?;
        }
        let end = if self.ports + self.hosts == 0 {
            " []"
        } else {
            ""
        };
        writeln!(text, "ports:{end}")?;
        for port in 0..self.ports {
            self.port(&mut text, port, (port / PORTS_OF_A_NETWORK, 1))?;
        }
        for host in 0..self.hosts {
            let network = host % self.used();
            self.port(&mut text, FIRST_ELSEWHERE + host, (network, host + 2))?;
        }
        Ok(text)
    }

    fn port(self, text: &mut String, port: u16, (network, host): (u16, u16)) -> fmt::Result {
        let [high, low] = port.to_be_bytes();
        let group = if self.one_group { 0 } else { network };
        let id = port_id(port);
        writeln!(
            text,
            "  - {{id: {id}, name: port{port}, network: net{network}, host: host{host}, \
             mac_address: \"fa:16:3e:01:{high:02x}:{low:02x}\", \
             fixed_ips: [10.1.{high}.{low}], security_groups: [group{group}]}}"
        )
    }
}

/// The identifier of a port by its number.
pub fn port_id(port: u16) -> String {
    format!("{port:04x}157f-bcad-4032-8ad1-f0950600b737")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Description;

    #[test]
    fn a_host_has_its_ports_and_the_others_one_each() {
        let size = Size {
            ports: 300,
            hosts: 300,
            networks: 2,
            one_group: false,
        };
        let description = Description::read(&size.description().unwrap()).unwrap();
        assert_eq!(description.hosts.len(), 301);
        assert_eq!(description.networks.len(), 21);
        assert_eq!(description.ports.len(), 600);
        let here = |port: &&crate::network::Port| port.host.as_deref() == Some("host1");
        assert_eq!(description.ports.iter().filter(here).count(), 300);
        for port in &description.ports {
            assert_eq!(description.addresses(port).unwrap().len(), 1);
        }
    }
}
