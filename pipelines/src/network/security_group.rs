//! Security groups and their rules.
//!
//! What no rule allows is dropped, both ways. Replies and related packets pass with the
//! connection that they belong to, unless all groups of a port are stateless: then each packet needs
//! a rule of its own, and the connection tracker never sees what goes to or comes from the port. One
//! stateful group is enough to have all rules of a port applied to connections.

use std::{fmt, str::FromStr};

use ipnet::IpNet;
use openflow::field::EthType;

use super::{AddressGroupId, InvalidField, PortRange, Problem, Protocol, RuleId, SecurityGroupId};

/// A set of rules, and of the ports that they apply to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Identifier.
    pub id: SecurityGroupId,
    /// What people call it.
    pub name: String,
    /// The project that owns it.
    pub project: String,
    /// Whether replies pass with the connection that they belong to; else they need a rule.
    pub stateful: bool,
    /// What it allows.
    pub rules: Vec<Rule>,
}

impl SecurityGroup {
    /// The ways in which its rules may be applied: to connections, and to packets by themselves.
    ///
    /// A stateless group may share a port with a stateful one.
    pub(crate) fn ways(&self) -> &'static [bool] {
        if self.stateful {
            &[true]
        } else {
            &[true, false]
        }
    }
}

/// One kind of traffic that a group allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    id: RuleId,
    direction: Direction,
    ethertype: Ethertype,
    traffic: Traffic,
    remote: Remote,
}

/// A rule's attributes as users write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleAttributes<'a> {
    /// Identifier.
    pub id: RuleId,
    /// Towards the port or away from it.
    pub direction: Direction,
    /// The version of IP.
    pub ethertype: Ethertype,
    /// By name or number; absent, `any` or `ip` for every protocol.
    pub protocol: Option<&'a str>,
    /// First port, or the type for ICMP.
    pub port_range_min: Option<u32>,
    /// Last port, or the code for ICMP.
    pub port_range_max: Option<u32>,
    /// The other side, as a block.
    pub remote_ip_prefix: Option<IpNet>,
    /// The other side, as the members of a group.
    pub remote_group: Option<SecurityGroupId>,
    /// The other side, as the addresses of a group.
    pub remote_address_group: Option<AddressGroupId>,
}

impl Rule {
    /// Reads the attributes.
    ///
    /// # Errors
    ///
    /// One of them is out of range, or does not go with another.
    pub fn new(attributes: &RuleAttributes<'_>) -> Result<Self, InvalidField> {
        let RuleAttributes {
            id,
            direction,
            ethertype,
            ..
        } = *attributes;
        Ok(Self {
            id,
            direction,
            ethertype,
            traffic: Traffic::new(attributes)?,
            remote: Remote::new(attributes)?,
        })
    }

    /// Identifier.
    pub fn id(&self) -> RuleId {
        self.id
    }

    /// Towards the port or away from it.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The version of IP.
    pub fn ethertype(&self) -> Ethertype {
        self.ethertype
    }

    /// The protocol and its ports or types.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The other side.
    pub fn remote(&self) -> Remote {
        self.remote
    }
}

/// Which way packets go, seen from the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Towards the port.
    Ingress,
    /// Away from the port.
    Egress,
}

impl FromStr for Direction {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "ingress" => Ok(Self::Ingress),
            "egress" => Ok(Self::Egress),
            _ => Err(Problem::UnknownWord {
                word: text.to_owned(),
                expected: "ingress or egress",
            }),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// The version of IP that a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ethertype {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Ethertype {
    /// The word that Neutron uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }

    /// The version that a block belongs to.
    pub fn of(block: IpNet) -> Self {
        match block {
            IpNet::V4(_) => Self::Ipv4,
            IpNet::V6(_) => Self::Ipv6,
        }
    }
}

impl From<Ethertype> for EthType {
    fn from(ethertype: Ethertype) -> Self {
        match ethertype {
            Ethertype::Ipv4 => Self::IPV4,
            Ethertype::Ipv6 => Self::IPV6,
        }
    }
}

impl FromStr for Ethertype {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let found = [Self::Ipv4, Self::Ipv6]
            .into_iter()
            .find(|ethertype| ethertype.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Problem::UnknownWord {
            word: text.to_owned(),
            expected: "IPv4 or IPv6",
        })
    }
}

impl fmt::Display for Ethertype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The packets that a rule means, the other side aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    /// Every protocol.
    Any,
    /// One protocol, all of it.
    Protocol(Protocol),
    /// A range of destination ports.
    Ports(PortProtocol, PortRange),
    /// One type of ICMP, in the rule's version of IP.
    Icmp(IcmpKind),
}

impl Traffic {
    fn new(attributes: &RuleAttributes<'_>) -> Result<Self, InvalidField> {
        let ethertype = attributes.ethertype;
        let bounds = (attributes.port_range_min, attributes.port_range_max);
        let any = ["any", "ip"];
        let is_any = |name: &&str| any.iter().any(|any| any.eq_ignore_ascii_case(name));
        let name = attributes.protocol.filter(|name| !is_any(name));
        let Some(name) = name else {
            return match bounds {
                (None, None) => Ok(Self::Any),
                (Some(_), _) => Err(Problem::PortsWithoutProtocol.of("port_range_min")),
                (None, Some(_)) => Err(Problem::PortsWithoutProtocol.of("port_range_max")),
            };
        };
        let protocol: Protocol = name
            .parse()
            .map_err(|problem: Problem| problem.of("protocol"))?;
        let protocol = match (ethertype, protocol) {
            // Neutron reads `icmp` in an IPv6 rule as what IPv6 has in its place.
            (Ethertype::Ipv6, Protocol::ICMP) => Protocol::ICMPV6,
            (Ethertype::Ipv4, protocol) if protocol.is_ipv6_only() => {
                let value = name.to_owned();
                let problem = Problem::WrongFamily {
                    value,
                    ethertype: ethertype.as_str(),
                };
                return Err(problem.of("protocol"));
            }
            (_, protocol) => protocol,
        };
        match (protocol, bounds) {
            (_, (None, None)) => Ok(Self::Protocol(protocol)),
            (Protocol::ICMP | Protocol::ICMPV6, bounds) => Ok(Self::Icmp(IcmpKind::new(bounds)?)),
            (_, bounds) => {
                let ports = PortProtocol::new(protocol)
                    .ok_or_else(|| Problem::NoPorts(protocol).of("port_range_min"))?;
                Ok(Self::Ports(ports, PortRange::new(bounds)?))
            }
        }
    }
}

/// A protocol whose ports the switch can match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl PortProtocol {
    fn new(protocol: Protocol) -> Option<Self> {
        match protocol {
            Protocol::TCP => Some(Self::Tcp),
            Protocol::UDP => Some(Self::Udp),
            Protocol::SCTP => Some(Self::Sctp),
            _ => None,
        }
    }
}

/// A type of ICMP message, or one code of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IcmpKind {
    /// The type.
    pub icmp_type: u8,
    /// The code; every code where absent.
    pub icmp_code: Option<u8>,
}

impl IcmpKind {
    fn new(bounds: (Option<u32>, Option<u32>)) -> Result<Self, InvalidField> {
        let octet = |value: u32, field| {
            let range = Problem::OutOfRange {
                value,
                least: 0,
                most: 255,
            };
            u8::try_from(value).map_err(|_| range.of(field))
        };
        let (Some(icmp_type), code) = bounds else {
            return Err(Problem::CodeWithoutType.of("port_range_min"));
        };
        let icmp_type = octet(icmp_type, "port_range_min")?;
        let icmp_code = code.map(|code| octet(code, "port_range_max")).transpose()?;
        Ok(Self {
            icmp_type,
            icmp_code,
        })
    }
}

/// The other side of a rule's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remote {
    /// Anyone.
    Any,
    /// A block of addresses; its prefix is longer than 0.
    Block(IpNet),
    /// The members of a security group.
    Group(SecurityGroupId),
    /// The addresses of a group.
    AddressGroup(AddressGroupId),
}

/// A set of addresses that changes without the rules that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemoteSet {
    /// The members of a security group.
    Group(SecurityGroupId),
    /// An address group.
    AddressGroup(AddressGroupId),
}

impl Remote {
    /// The group, where it is one.
    pub fn group(self) -> Option<SecurityGroupId> {
        match self {
            Self::Group(group) => Some(group),
            Self::Any | Self::Block(_) | Self::AddressGroup(_) => None,
        }
    }

    /// The set, where it is one.
    pub fn set(self) -> Option<RemoteSet> {
        match self {
            Self::Any | Self::Block(_) => None,
            Self::Group(group) => Some(RemoteSet::Group(group)),
            Self::AddressGroup(group) => Some(RemoteSet::AddressGroup(group)),
        }
    }

    fn new(attributes: &RuleAttributes<'_>) -> Result<Self, InvalidField> {
        let RuleAttributes {
            ethertype,
            remote_ip_prefix,
            remote_group,
            remote_address_group,
            ..
        } = *attributes;
        let two = |earlier, field| Err(Problem::TwoRemotes(earlier).of(field));
        match (remote_ip_prefix, remote_group, remote_address_group) {
            (None, None, None) => Ok(Self::Any),
            (Some(block), None, None) => Self::block(ethertype, block),
            (None, Some(group), None) => Ok(Self::Group(group)),
            (None, None, Some(group)) => Ok(Self::AddressGroup(group)),
            (Some(_), Some(_), _) => two("remote_ip_prefix", "remote_group"),
            (Some(_), None, Some(_)) => two("remote_ip_prefix", "remote_address_group"),
            (None, Some(_), Some(_)) => two("remote_group", "remote_address_group"),
        }
    }

    fn block(ethertype: Ethertype, block: IpNet) -> Result<Self, InvalidField> {
        let field = "remote_ip_prefix";
        if Ethertype::of(block) != ethertype {
            let value = block.to_string();
            return Err(Problem::WrongFamily {
                value,
                ethertype: ethertype.as_str(),
            }
            .of(field));
        }
        if block != block.trunc() {
            return Err(Problem::HostBits {
                cidr: block,
                expected: block.trunc(),
            }
            .of(field));
        }
        Ok(if block.prefix_len() == 0 {
            Self::Any
        } else {
            Self::Block(block)
        })
    }
}
