//! What the model says of routers.

use std::net::IpAddr;

use super::Model;
use crate::network::{
    FloatingIp, FloatingIpId, NetworkId, Port, PortId, Router, RouterId, RouterPort, Subnet,
};

impl Model {
    /// Every router, by identifier.
    pub fn routers(&self) -> impl Iterator<Item = &Router> {
        self.routers.values()
    }

    /// One router.
    pub fn router(&self, id: RouterId) -> Option<&Router> {
        self.routers.get(&id)
    }

    /// The routers that have a port on a network, gateways included.
    pub fn routers_of(&self, network: NetworkId) -> impl Iterator<Item = &Router> {
        let routers = self.routers_by_network.get(&network).into_iter().flatten();
        routers.filter_map(|id| self.router(*id))
    }

    /// The ports that a router has, its gateway last.
    pub fn ports_of_router(&self, router: &Router) -> impl Iterator<Item = &Port> + use<'_> {
        let gateway = router.gateway.map(|gateway| gateway.port);
        let ports: Vec<_> = router.interfaces.iter().copied().chain(gateway).collect();
        ports.into_iter().filter_map(|id| self.port(id))
    }

    /// Every floating IP, by identifier.
    pub fn floating_ips(&self) -> impl Iterator<Item = &FloatingIp> {
        self.floating_ips.values()
    }

    /// One floating IP.
    pub fn floating_ip(&self, id: FloatingIpId) -> Option<&FloatingIp> {
        self.floating_ips.get(&id)
    }

    /// The floating IPs that a router translates.
    pub fn floating_ips_of(&self, router: RouterId) -> impl Iterator<Item = &FloatingIp> {
        let ids = self.floating_by_router.get(&router).into_iter().flatten();
        ids.filter_map(|id| self.floating_ip(*id))
    }

    /// The floating IPs that stand for a port.
    pub fn floating_ips_for(&self, port: PortId) -> impl Iterator<Item = &FloatingIp> {
        let ids = self.floating_by_port.get(&port).into_iter().flatten();
        ids.filter_map(|id| self.floating_ip(*id))
    }

    /// What a port is part of that is plugged in nowhere.
    pub fn router_port(&self, port: PortId) -> Option<RouterPort> {
        self.router_ports.get(&port).copied()
    }

    /// The subnets of a network that hold an address of a port.
    pub fn subnets_of<'a>(&'a self, port: &'a Port) -> impl Iterator<Item = &'a Subnet> {
        let subnets = self.network(port.network).into_iter();
        let subnets = subnets.flat_map(|network| &network.subnets);
        subnets.filter(|subnet| port.fixed_ips.iter().any(|ip| subnet.cidr().contains(ip)))
    }

    /// The port of a router on whose network an address is.
    pub fn router_port_towards(&self, router: &Router, ip: IpAddr) -> Option<&Port> {
        let mut ports = self.ports_of_router(router);
        ports.find(|port| {
            let mut subnets = self.subnets_of(port);
            subnets.any(|subnet| subnet.cidr().contains(&ip))
        })
    }
}
