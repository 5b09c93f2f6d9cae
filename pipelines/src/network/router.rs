//! Routers: what joins networks, and what stands for their machines outside.
//!
//! A router is known on a network by a port: its MAC and its addresses there. Such a port is
//! plugged in nowhere. An interface is answered for on every host, the gateway and floating
//! addresses on one.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{FloatingIpId, PortForwarding, PortId, RouterId};

/// What joins networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    /// Identifier.
    pub id: RouterId,
    /// What people call it.
    pub name: String,
    /// The project that owns it.
    pub project: String,
    /// Whether it forwards at all.
    pub admin_state_up: bool,
    /// Its ports on the networks that it joins.
    pub interfaces: Vec<PortId>,
    /// Where it leads outside.
    pub gateway: Option<Gateway>,
    /// More routes than those to its own networks and outside.
    pub routes: Vec<Route>,
}

/// Where a router leads outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gateway {
    /// Its port on the external network.
    pub port: PortId,
    /// Whether machines without a floating IP leave with the gateway's IPv4 address.
    pub enable_snat: bool,
}

/// A way that a router knows besides its own networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Where it leads.
    pub destination: IpNet,
    /// The next station, on a network of the router.
    pub nexthop: IpAddr,
}

/// An external address of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingIp {
    /// Identifier.
    pub id: FloatingIpId,
    /// The project that owns it.
    pub project: String,
    /// The port on the external network that has the address.
    pub port: PortId,
    /// The router that translates, once it stands for something.
    pub router: Option<RouterId>,
    /// What it stands for, once it is associated.
    pub target: Option<Target>,
    /// What its ports stand for, if it is not associated as a whole.
    pub port_forwardings: Vec<PortForwarding>,
}

/// What a floating IP stands for, or a port of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The port; Neutron's `port_id`.
    pub port: PortId,
    /// The port's own address; Neutron's `fixed_ip_address`.
    pub fixed_ip: Ipv4Addr,
}

/// What a port that is plugged in nowhere is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouterPort {
    /// A router, on a network that it joins.
    Interface(RouterId),
    /// A router, on its external network.
    Gateway(RouterId),
    /// A floating IP.
    FloatingIp(FloatingIpId),
}
