//! What is wrong with a network, in the words of those who wrote it.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use openflow::field::InvalidMac;

use super::{MacAddr, NetworkType, Protocol};

/// One thing wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
pub struct InvalidNetwork {
    /// The object, by its place in [`Objects`](super::Objects).
    pub object: ObjectRef,
    /// What the object is called, for people.
    pub name: String,
    /// The attribute and what is wrong with it.
    pub field: InvalidField,
    /// What is not in effect because of it.
    pub cost: Cost,
}

/// What is not in effect because something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// The object.
    Object,
    /// The attribute, or the element of it; the object is in effect without.
    Attribute,
    /// The new version of the object, which stays as it was.
    Change,
}

impl Cost {
    /// What is missing, and why, for people.
    pub fn describe(self, object: &str, field: &str, problem: &str) -> String {
        match self {
            Self::Object => format!("{object}: {field}: {problem}"),
            Self::Attribute => format!("{field} of {object}: {problem}"),
            Self::Change => {
                format!("the change of {object}, which stays as it was: {field}: {problem}")
            }
        }
    }
}

impl InvalidNetwork {
    fn describe(&self) -> String {
        let Self {
            object,
            name,
            field,
            cost,
        } = self;
        let problem = field.problem.to_string();
        cost.describe(&format!("{object} {name}"), &field.path(), &problem)
    }
}

/// One thing wrong with one attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidField {
    /// The attribute's name in the API and in files.
    pub field: &'static str,
    /// Which element, where the attribute is a list.
    pub index: Option<usize>,
    /// What is wrong.
    pub problem: Problem,
}

impl InvalidField {
    /// Says which element of a list is meant.
    #[must_use]
    pub fn at(self, index: usize) -> Self {
        Self {
            index: Some(index),
            ..self
        }
    }

    /// The attribute's name, with the place in the list.
    pub fn path(&self) -> String {
        match self.index {
            Some(index) => format!("{}[{index}]", self.field),
            None => self.field.to_owned(),
        }
    }

    /// What Neutron calls the mistake: the `type` of the error that its API answers with.
    ///
    /// The misspelt one is Neutron's.
    pub fn neutron_type(&self) -> &'static str {
        match (self.field, &self.problem) {
            ("protocol", Problem::UnknownWord { .. }) => "SecurityGroupRuleInvalidProtocol",
            ("ethertype", Problem::UnknownWord { .. }) => "SecurityGroupRuleInvalidEtherType",
            ("protocol", Problem::WrongFamily { .. }) => {
                "SecurityGroupEthertypeConflictWithProtocol"
            }
            (_, Problem::WrongFamily { .. }) => "SecurityGroupRuleParameterConflict",
            ("port_range_min" | "port_range_max", Problem::OutOfRange { most: 255, .. }) => {
                "SecurityGroupInvalidIcmpValue"
            }
            ("port_range_min" | "port_range_max", Problem::OutOfRange { .. }) => {
                "SecurityGroupInvalidPortValue"
            }
            (_, Problem::Reversed { .. } | Problem::HalfRange) => "SecurityGroupInvalidPortRange",
            (_, Problem::CodeWithoutType) => "SecurityGroupMissingIcmpType",
            (_, Problem::NoPorts(_)) => "SecurityGroupInvalidProtocolForPort",
            (_, Problem::PortsWithoutProtocol) => "SecurityGroupProtocolRequiredWithPorts",
            (_, Problem::TwoRemotes(_)) => "SecurityGroupMultipleRemoteEntites",
            ("security_groups" | "remote_group", Problem::Unknown { .. }) => {
                "SecurityGroupNotFound"
            }
            ("remote_address_group", Problem::Unknown { .. }) => "AddressGroupNotFound",
            ("remote_ip_prefix", Problem::HostBits { .. }) => "InvalidCIDR",
            _ => "InvalidInput",
        }
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path(), self.problem)
    }
}

/// An object by its place in the lists of [`Objects`](super::Objects).
///
/// A place is never ambiguous; of two objects with one identifier, the later is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectRef {
    /// A network.
    Network(usize),
    /// A subnet.
    Subnet {
        /// Its network.
        network: usize,
        /// Its place in that network.
        subnet: usize,
    },
    /// An address group.
    AddressGroup(usize),
    /// A security group.
    SecurityGroup(usize),
    /// A rule.
    Rule {
        /// Its security group.
        security_group: usize,
        /// Its place in that group.
        rule: usize,
    },
    /// A port.
    Port(usize),
    /// A trunk.
    Trunk(usize),
    /// A sub-port.
    SubPort {
        /// Its trunk.
        trunk: usize,
        /// Its place in that trunk.
        sub_port: usize,
    },
    /// A router.
    Router(usize),
    /// A floating IP.
    FloatingIp(usize),
    /// A port forwarding.
    PortForwarding {
        /// Its floating IP.
        floating_ip: usize,
        /// Its place in that floating IP.
        port_forwarding: usize,
    },
    /// A log.
    Log(usize),
    /// A host.
    Host(usize),
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network(_) => "network",
            Self::Subnet { .. } => "subnet",
            Self::AddressGroup(_) => "address group",
            Self::SecurityGroup(_) => "security group",
            Self::Rule { .. } => "rule",
            Self::Port(_) => "port",
            Self::Trunk(_) => "trunk",
            Self::SubPort { .. } => "sub-port",
            Self::Router(_) => "router",
            Self::FloatingIp(_) => "floating IP",
            Self::PortForwarding { .. } => "port forwarding",
            Self::Log(_) => "log",
            Self::Host(_) => "host",
        })
    }
}

/// What is wrong with a value, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A number is too small or too great.
    #[error("{value} is out of range, expected {least}-{most}")]
    OutOfRange {
        /// The number.
        value: u32,
        /// The smallest that is allowed.
        least: u32,
        /// The greatest that is allowed.
        most: u32,
    },
    /// A word is none of those that are known.
    #[error("{word:?} is unknown, expected {expected}")]
    UnknownWord {
        /// The word.
        word: String,
        /// Those that are known.
        expected: &'static str,
    },
    /// The text is no Ethernet address.
    #[error(transparent)]
    NotMac(#[from] InvalidMac),
    /// The Ethernet address names no single station.
    #[error("{0} is no unicast MAC address")]
    NotUnicast(MacAddr),
    /// A block holds addresses of groups of stations.
    #[error("{block} overlaps {multicast}, which is multicast")]
    Multicast {
        /// The block.
        block: IpNet,
        /// The multicast addresses of its version of IP.
        multicast: IpNet,
    },
    /// A block has bits set past its prefix.
    #[error("{cidr} has host bits set, expected {expected}")]
    HostBits {
        /// The block as written.
        cidr: IpNet,
        /// The block that was probably meant.
        expected: IpNet,
    },
    /// Two networks of a router share addresses.
    #[error("{cidr} overlaps {other}, which the router has on another port")]
    OverlapsInterface {
        /// The later.
        cidr: IpNet,
        /// The earlier.
        other: IpNet,
    },
    /// A station is on no network of the router, so there is no way to it.
    #[error("{0} is on no network of the router")]
    Unreachable(String),
    /// A port lacks an address that something has to have.
    #[error("port {port} lacks {expected}")]
    LacksAddress {
        /// The port.
        port: String,
        /// The address.
        expected: String,
    },
    /// A route does not lead from one version of IP to the other.
    #[error("{nexthop} is of another version of IP than {destination}")]
    OtherVersion {
        /// Where the route leads.
        destination: IpNet,
        /// The next station.
        nexthop: IpAddr,
    },
    /// An address is not of the version of its block.
    #[error("{ip} is of another version of IP than {cidr}")]
    OtherVersionThanBlock {
        /// The address.
        ip: IpAddr,
        /// The block.
        cidr: IpNet,
    },
    /// An address is not that of a single station.
    #[error("{ip} cannot be a router's in {cidr}")]
    NotAStation {
        /// The address.
        ip: IpAddr,
        /// The block of the link.
        cidr: IpNet,
    },
    /// Two blocks of a network share addresses.
    #[error("{cidr} overlaps {other} of the same network")]
    Overlaps {
        /// The later.
        cidr: IpNet,
        /// The earlier.
        other: IpNet,
    },
    /// An address is in no subnet of the network.
    #[error("{ip} is outside {subnets}")]
    OutsideSubnets {
        /// The address.
        ip: IpAddr,
        /// The subnets, or that there are none.
        subnets: String,
    },
    /// A value that must be unique was given before.
    #[error("{value} is already that of {owner}")]
    Duplicate {
        /// The value.
        value: String,
        /// The object that has it.
        owner: String,
    },
    /// An object is named that does not exist.
    #[error("there is no {kind} {name}")]
    Unknown {
        /// What is named.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An object is named that is wrong itself.
    #[error("{kind} {name} is refused for what is wrong with it")]
    Refused {
        /// What is named.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An attribute is needed by that type of network.
    #[error("missing, a {0} network needs it")]
    MissingFor(NetworkType),
    /// An attribute has no place in that type of network.
    #[error("not expected, a {0} network has none")]
    NotFor(NetworkType),
    /// A block or protocol belongs to the other version of IP.
    #[error("{value} does not fit ethertype {ethertype}")]
    WrongFamily {
        /// The block or protocol.
        value: String,
        /// The version that the rule is for.
        ethertype: &'static str,
    },
    /// A range ends before it begins.
    #[error("{least}-{most} is reversed, expected port_range_min <= port_range_max")]
    Reversed {
        /// The first port.
        least: u32,
        /// The last port.
        most: u32,
    },
    /// A range lacks one of its ends.
    #[error("missing, a port range needs both ends")]
    HalfRange,
    /// An ICMP code is given without a type.
    #[error("missing, an ICMP code (port_range_max) needs a type (port_range_min)")]
    CodeWithoutType,
    /// The switch cannot match ports of the protocol.
    #[error("not expected, protocol {0} has no ports that can be matched")]
    NoPorts(Protocol),
    /// Ports need a protocol.
    #[error("not expected, ports need a protocol")]
    PortsWithoutProtocol,
    /// A rule has two remotes.
    #[error("not expected together with {0}")]
    TwoRemotes(&'static str),
    /// Two attributes exclude each other.
    #[error("not expected together with {0}")]
    NotWith(&'static str),
    /// A sub-port is on its parent's interface, wherever that is.
    #[error("is on host {host}, expected its parent's: {expected}")]
    OffTrunk {
        /// The host of the sub-port.
        host: String,
        /// The host of the parent, or that it has none.
        expected: String,
    },
    /// A machine cannot move to where it is, or from nowhere.
    #[error("{0}, expected another host than the port's")]
    NoMove(String),
    /// Groups and pairs have no meaning without port security.
    #[error("not expected, port_security_enabled is false")]
    NeedsPortSecurity,
}

impl Problem {
    /// Says which attribute has the problem.
    pub fn of(self, field: &'static str) -> InvalidField {
        InvalidField {
            field,
            index: None,
            problem: self,
        }
    }
}
