//! Ports: where machines are plugged in.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv6Addr},
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
    /// Where it is plugged in, if it is.
    pub host: Option<HostName>,
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
    /// Every pair of MAC and IP that the port may send from, ascending.
    ///
    /// Each MAC brings the link-local address that is derived from it.
    pub fn sources(&self) -> BTreeSet<(MacAddr, IpNet)> {
        let own = self
            .fixed_ips
            .iter()
            .map(|ip| (self.mac_address, IpNet::from(*ip)));
        let pairs = self.allowed_address_pairs.iter().map(|pair| {
            (
                pair.mac_address.unwrap_or(self.mac_address),
                pair.ip_address.trunc(),
            )
        });
        let mut sources: BTreeSet<_> = own.chain(pairs).collect();
        let macs: BTreeSet<_> = sources
            .iter()
            .map(|(mac, _)| *mac)
            .chain([self.mac_address])
            .collect();
        sources.extend(
            macs.into_iter()
                .map(|mac| (mac, IpNet::from(IpAddr::V6(link_local(mac))))),
        );
        sources
    }

    /// What the port adds to a group that it is a member of: its fixed and its paired addresses.
    ///
    /// A pair with prefix length 0 adds nothing: as a member it would let everyone in.
    pub fn addresses(&self) -> BTreeSet<IpNet> {
        let own = self.fixed_ips.iter().map(|ip| IpNet::from(*ip));
        let pairs = self
            .allowed_address_pairs
            .iter()
            .map(|pair| pair.ip_address.trunc());
        own.chain(pairs.filter(|block| block.prefix_len() != 0))
            .collect()
    }
}

/// The IPv6 link-local address that a station makes from its MAC (RFC 4291, appendix A).
pub(crate) fn link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    let [first, second] = [0xfe, 0x80];
    let octets = [
        first,
        second,
        0,
        0,
        0,
        0,
        0,
        0,
        a ^ 0x02,
        b,
        c,
        0xff,
        0xfe,
        d,
        e,
        f,
    ];
    Ipv6Addr::from(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_local_address_flips_the_universal_bit() {
        let mac = "fa:16:3e:00:00:12".parse().unwrap();
        assert_eq!(link_local(mac).to_string(), "fe80::f816:3eff:fe00:12");
    }
}
