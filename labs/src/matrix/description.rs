//! The network description of the matrix: every segment type on every host.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use anyhow::ensure;

/// How the hosts reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Underlay {
    /// Tunnels between IPv4 addresses.
    Ipv4,
    /// Tunnels between IPv6 addresses.
    Ipv6,
}

/// A network of the matrix: its name, and what it says of its segment.
///
/// Two physical networks carry the same VLAN, and every network the same addresses.
const NETWORKS: [(&str, &str); 7] = [
    (
        "vxlan",
        "network_type: vxlan, segmentation_id: 77, mtu: 1400",
    ),
    ("gre", "network_type: gre, segmentation_id: 77, mtu: 1400"),
    (
        "geneve",
        "network_type: geneve, segmentation_id: 77, mtu: 1400",
    ),
    ("flat", "network_type: flat, physical_network: physnet1"),
    (
        "red",
        "network_type: vlan, segmentation_id: 100, physical_network: physnet1",
    ),
    (
        "blue",
        "network_type: vlan, segmentation_id: 100, physical_network: physnet2",
    ),
    ("local", "network_type: local"),
];

/// The most hosts that fit the scheme of addresses.
pub const MOST_HOSTS: u8 = 40;

/// The description for so many hosts.
///
/// Each network has a port on each host, and a second one on the first host. The ports of a network
/// are in one group whose members accept everything of each other.
///
/// # Errors
///
/// When there are more than [`MOST_HOSTS`].
pub fn description(hosts: u8, underlay: Underlay) -> anyhow::Result<String> {
    ensure!(
        hosts <= MOST_HOSTS,
        "{hosts} hosts: expected at most {MOST_HOSTS}"
    );
    let mut text = String::new();
    write(&mut text, hosts, underlay)?;
    Ok(text)
}

fn write(text: &mut String, hosts: u8, underlay: Underlay) -> fmt::Result {
    writeln!(text, "hosts:")?;
    for host in 1..=hosts {
        let encap_ip: IpAddr = match underlay {
            Underlay::Ipv4 => [192, 0, 2, host].into(),
            Underlay::Ipv6 => [0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, host.into()].into(),
        };
        writeln!(
            text,
            "  - {{name: host{host}, encap_ip: \"{encap_ip}\", \
             bridge_mappings: {{physnet1: br-ex, physnet2: br-vlan}}}}"
        )?;
    }
    writeln!(text, "networks:")?;
    for (name, segment) in NETWORKS {
        // The physical world has an address on what reaches it.
        let gateway = if segment.contains("physical_network") {
            ", gateway_ip: 10.0.0.1"
        } else {
            ""
        };
        writeln!(
            text,
            "  - {{name: {name}, project: {name}, {segment}, subnets: [\
             {{name: {name}-v4, cidr: 10.0.0.0/24{gateway}}}, \
             {{name: {name}-v6, cidr: \"2001:db8::/64\"}}]}}"
        )?;
    }
    writeln!(text, "security_groups:")?;
    for (name, _) in NETWORKS {
        writeln!(
            text,
            "  - name: default\n    project: {name}\n    rules:\n      \
             - {{direction: egress, ethertype: IPv4}}\n      \
             - {{direction: egress, ethertype: IPv6}}\n      \
             - {{direction: ingress, ethertype: IPv4, remote_group: default}}\n      \
             - {{direction: ingress, ethertype: IPv6, remote_group: default}}"
        )?;
    }
    writeln!(text, "ports:")?;
    for (number, (name, _)) in (1_u8..).zip(NETWORKS) {
        for host in 1..=hosts {
            port(text, (number, name), host, host)?;
        }
        port(text, (number, name), 1, hosts + 1)?;
    }
    Ok(())
}

/// The machine `number` of a network, on a host.
fn port(text: &mut String, (network, name): (u8, &str), host: u8, number: u8) -> fmt::Result {
    let address = number + 9;
    writeln!(
        text,
        "  - {{id: 75{network:02x}{number:02x}7f-bcad-4032-8ad1-f0950600b737, \
         name: {name}{number}, project: {name}, network: {name}, host: host{host}, \
         mac_address: \"fa:16:3e:00:{network:02x}:{number:02x}\", \
         fixed_ips: [10.0.0.{address}, \"2001:db8::{address}\"], security_groups: [default]}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Description;

    #[test]
    fn every_network_has_a_port_on_every_host() {
        let description = Description::read(&description(3, Underlay::Ipv6).unwrap()).unwrap();
        assert_eq!(description.hosts.len(), 3);
        assert!(description.hosts.iter().all(|host| host.encap_ip.is_ipv6()));
        assert_eq!(description.ports.len(), NETWORKS.len() * 4);
        for port in &description.ports {
            assert_eq!(description.addresses(port).unwrap().len(), 2);
        }
        let mut interfaces: Vec<_> = description.ports.iter().map(|it| it.interface()).collect();
        interfaces.sort();
        interfaces.dedup();
        assert_eq!(interfaces.len(), description.ports.len());
    }
}
