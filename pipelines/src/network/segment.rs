//! Networks, and the segments that carry them between hosts.

use std::{fmt, str::FromStr};

use super::{InvalidField, NetworkId, PhysicalNetwork, Problem, Subnet};

/// A layer-2 network of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Identifier.
    pub id: NetworkId,
    /// What people call it.
    pub name: String,
    /// The project that owns it.
    pub project: String,
    /// How it leaves a host.
    pub segment: Segment,
    /// The largest packet that is wanted, in bytes, Ethernet header excluded.
    ///
    /// What the underlay carries is the limit: see [`Model::mtu`](super::Model::mtu).
    pub mtu: Option<u16>,
    /// The domain of the names of its ports in the DNS; empty if they have none.
    pub dns_domain: String,
    /// Whether multicast goes only to those ports that listen; without it, hosts decide.
    pub igmp_snooping: Option<bool>,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
}

/// What a network is on the wire between hosts.
///
/// No two networks have equal segments, [`Segment::Local`] excepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// The network does not leave its host.
    Local,
    /// Untagged frames on a physical network.
    Flat {
        /// Where it is connected.
        physical_network: PhysicalNetwork,
    },
    /// Tagged frames on a physical network.
    Vlan {
        /// Where it is connected.
        physical_network: PhysicalNetwork,
        /// The tag there.
        vlan: VlanId,
    },
    /// VXLAN tunnels (RFC 7348).
    Vxlan {
        /// The network identifier, 24 bits.
        vni: u32,
    },
    /// GRE tunnels (RFC 2890).
    Gre {
        /// The key.
        key: u32,
    },
    /// Geneve tunnels (RFC 8926).
    Geneve {
        /// The network identifier, 24 bits.
        vni: u32,
    },
}

impl Segment {
    /// Reads Neutron's three `provider:` attributes.
    ///
    /// # Errors
    ///
    /// An attribute is missing, out of range, or has no place in that type of network.
    pub fn new(
        network_type: NetworkType,
        physical_network: Option<PhysicalNetwork>,
        segmentation_id: Option<u32>,
    ) -> Result<Self, InvalidField> {
        let physical = || {
            let name = physical_network
                .clone()
                .filter(|name| !name.as_str().is_empty());
            name.ok_or_else(|| Problem::MissingFor(network_type).of("physical_network"))
        };
        let id = |range: std::ops::RangeInclusive<u32>| {
            let id = segmentation_id
                .ok_or_else(|| Problem::MissingFor(network_type).of("segmentation_id"))?;
            if range.contains(&id) {
                return Ok(id);
            }
            let problem = Problem::OutOfRange {
                value: id,
                least: *range.start(),
                most: *range.end(),
            };
            Err(problem.of("segmentation_id"))
        };
        let refuse = |field, present: bool| match present {
            true => Err(Problem::NotFor(network_type).of(field)),
            false => Ok(()),
        };
        if matches!(network_type, NetworkType::Local | NetworkType::Flat) {
            refuse("segmentation_id", segmentation_id.is_some())?;
        }
        if !matches!(network_type, NetworkType::Flat | NetworkType::Vlan) {
            refuse("physical_network", physical_network.is_some())?;
        }
        Ok(match network_type {
            NetworkType::Local => Self::Local,
            NetworkType::Flat => Self::Flat {
                physical_network: physical()?,
            },
            NetworkType::Vlan => Self::Vlan {
                physical_network: physical()?,
                vlan: VlanId::new(id(1..=4094)?)
                    .map_err(|problem| problem.of("segmentation_id"))?,
            },
            NetworkType::Vxlan => Self::Vxlan {
                vni: id(1..=0xff_ffff)?,
            },
            NetworkType::Gre => Self::Gre {
                key: id(1..=u32::MAX)?,
            },
            NetworkType::Geneve => Self::Geneve {
                vni: id(1..=0xff_ffff)?,
            },
        })
    }

    /// The type alone.
    pub fn network_type(&self) -> NetworkType {
        match self {
            Self::Local => NetworkType::Local,
            Self::Flat { .. } => NetworkType::Flat,
            Self::Vlan { .. } => NetworkType::Vlan,
            Self::Vxlan { .. } => NetworkType::Vxlan,
            Self::Gre { .. } => NetworkType::Gre,
            Self::Geneve { .. } => NetworkType::Geneve,
        }
    }

    /// The physical network, for flat and VLAN.
    pub fn physical_network(&self) -> Option<&PhysicalNetwork> {
        match self {
            Self::Flat { physical_network }
            | Self::Vlan {
                physical_network, ..
            } => Some(physical_network),
            Self::Local | Self::Vxlan { .. } | Self::Gre { .. } | Self::Geneve { .. } => None,
        }
    }

    /// The VLAN, VNI or key; flat and local networks have none.
    pub fn segmentation_id(&self) -> Option<u32> {
        match self {
            Self::Local | Self::Flat { .. } => None,
            Self::Vlan { vlan, .. } => Some(u32::from(vlan.get())),
            Self::Vxlan { vni } | Self::Geneve { vni } => Some(*vni),
            Self::Gre { key } => Some(*key),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.network_type())?;
        if let Some(physical_network) = self.physical_network() {
            write!(f, " {physical_network}")?;
        }
        if let Some(id) = self.segmentation_id() {
            write!(f, " {id}")?;
        }
        Ok(())
    }
}

/// Neutron's `provider:network_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkType {
    /// One host only.
    Local,
    /// Untagged on a physical network.
    Flat,
    /// Tagged on a physical network.
    Vlan,
    /// VXLAN tunnels.
    Vxlan,
    /// GRE tunnels.
    Gre,
    /// Geneve tunnels.
    Geneve,
}

impl NetworkType {
    const ALL: [Self; 6] = [
        Self::Local,
        Self::Flat,
        Self::Vlan,
        Self::Vxlan,
        Self::Gre,
        Self::Geneve,
    ];

    /// The word that Neutron uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Flat => "flat",
            Self::Vlan => "vlan",
            Self::Vxlan => "vxlan",
            Self::Gre => "gre",
            Self::Geneve => "geneve",
        }
    }
}

impl FromStr for NetworkType {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let expected = "local, flat, vlan, vxlan, gre or geneve";
        let found = Self::ALL
            .into_iter()
            .find(|network_type| network_type.as_str() == text);
        found.ok_or_else(|| Problem::UnknownWord {
            word: text.to_owned(),
            expected,
        })
    }
}

impl fmt::Display for NetworkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A VLAN that may carry traffic: 1 to 4094 (IEEE 802.1Q reserves 0 and 4095).
///
/// Both the tag on a physical network and the local tag of a network on one host are of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    /// The smallest.
    pub const MIN: Self = Self(1);
    /// The greatest.
    pub const MAX: Self = Self(4094);

    /// Checks the range.
    ///
    /// # Errors
    ///
    /// The value is 0 or above 4094.
    pub fn new(value: u32) -> Result<Self, Problem> {
        let range = Problem::OutOfRange {
            value,
            least: 1,
            most: 4094,
        };
        match u16::try_from(value) {
            Ok(vlan @ 1..=4094) => Ok(Self(vlan)),
            _ => Err(range),
        }
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl From<VlanId> for u32 {
    fn from(vlan: VlanId) -> Self {
        vlan.0.into()
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
