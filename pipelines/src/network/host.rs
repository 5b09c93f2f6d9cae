//! Hosts: what each offers to carry networks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    str::FromStr,
};

use super::{HostName, NetworkType, PhysicalNetwork, Problem};

/// A machine with Open vSwitch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: HostName,
    /// Where its tunnels end; without it the host has no tunnels.
    pub encap_ip: Option<IpAddr>,
    /// The tunnels that it takes.
    pub encap_types: BTreeSet<EncapType>,
    /// The provider bridge of each physical network that it is connected to.
    pub bridge_mappings: BTreeMap<PhysicalNetwork, String>,
    /// The largest packet that its network cards carry, in bytes, Ethernet header excluded.
    pub mtu: u16,
    /// Who leads routers outside: of the hosts that can, and are there, those with the greatest.
    pub gateway_priority: u16,
    /// Whether it takes back what it led outside when it returns, though another leads by now.
    pub preemptive: bool,
}

/// The longest name of a network device in Linux (`IFNAMSIZ`, less the final zero).
const LONGEST_DEVICE_NAME: usize = 15;

/// Checks that a bridge can have a name.
///
/// # Errors
///
/// Linux has no device of such a name.
pub fn check_device(name: &str) -> Result<(), Problem> {
    let is_strange = |c: char| c == '/' || c.is_whitespace() || c.is_control();
    let fits = !name.is_empty() && name.len() <= LONGEST_DEVICE_NAME && !name.contains(is_strange);
    match fits {
        true => Ok(()),
        false => Err(Problem::UnknownWord {
            word: name.to_owned(),
            expected: "the name of a bridge, at most 15 characters without space or slash",
        }),
    }
}

impl Host {
    /// The tunnel endpoint for one type, where the host takes it.
    pub fn endpoint(&self, encap_type: EncapType) -> Option<IpAddr> {
        self.encap_ip
            .filter(|_| self.encap_types.contains(&encap_type))
    }
}

/// A type of tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EncapType {
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GRE with a key (RFC 2890).
    Gre,
    /// Geneve (RFC 8926).
    Geneve,
}

impl EncapType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Vxlan, Self::Gre, Self::Geneve];

    /// The word used by users and as an interface type in Open vSwitch.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Gre => "gre",
            Self::Geneve => "geneve",
        }
    }

    /// The tunnels that carry a type of network.
    pub fn of(network_type: NetworkType) -> Option<Self> {
        match network_type {
            NetworkType::Vxlan => Some(Self::Vxlan),
            NetworkType::Gre => Some(Self::Gre),
            NetworkType::Geneve => Some(Self::Geneve),
            NetworkType::Local | NetworkType::Flat | NetworkType::Vlan => None,
        }
    }
}

impl FromStr for EncapType {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let found = Self::ALL
            .into_iter()
            .find(|encap_type| encap_type.as_str() == text);
        found.ok_or_else(|| Problem::UnknownWord {
            word: text.to_owned(),
            expected: "vxlan, gre or geneve",
        })
    }
}

impl fmt::Display for EncapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
