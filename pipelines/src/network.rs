//! The desired network: what people asked for, valid once built.
//!
//! The nouns and attributes are Neutron's. Single values cannot be wrong, as their types refuse to
//! hold a wrong one ([`Segment::new`], [`Rule::new`]); [`Model::new`] checks what objects say about
//! each other. The compilers of flows can therefore believe what they read, and a source (a file,
//! a database, an API) needs no rules of its own: it maps an [`InvalidNetwork`] to a line, a path
//! or a column.

mod address_group;
mod host;
mod invalid;
mod log;
mod model;
mod mtu;
mod object;
mod port;
mod port_forwarding;
mod port_range;
mod protocol;
mod router;
mod security_group;
mod segment;
mod subnet;
mod trunk;

pub use openflow::field::MacAddr;

pub use address_group::AddressGroup;
pub use host::{EncapType, Host, check_device};
pub use invalid::{Cost, InvalidField, InvalidNetwork, ObjectRef, Problem};
pub use log::{Log, LogEvent, Verdict};
pub use model::{Model, Objects};
pub use mtu::{ETHERNET_MTU, LEAST_HOST_MTU, Limits, check_mtu, least_mtu};
pub use object::{
    AddressGroupId, FloatingIpId, HostName, LogId, NetworkId, PhysicalNetwork, PortForwardingId,
    PortId, RouterId, RuleId, SecurityGroupId, SubnetId, TrunkId,
};
pub use port::{AddressPair, ExtraDhcpOptions, Machine, Port, check_station};
pub use port_forwarding::{ForwardedProtocol, PortForwarding};
pub use port_range::PortRange;
pub use protocol::Protocol;
pub use router::{FloatingIp, Gateway, Route, Router, RouterPort, Target};
pub use security_group::{
    Direction, Ethertype, IcmpKind, PortProtocol, Remote, RemoteSet, Rule, RuleAttributes,
    SecurityGroup, Traffic,
};
pub use segment::{Network, NetworkType, Segment, VlanId};
pub use subnet::{HostRoute, Ipv6Mode, Subnet};
pub use trunk::{SubPort, Trunk};
