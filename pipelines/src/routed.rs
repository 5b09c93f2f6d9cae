//! Routers as the compilers of flows read them.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;

use crate::{
    network::{
        FloatingIp, MacAddr, NetworkId, Port, PortForwarding, PortId, Route, Router, RouterId,
        RouterPort, Target,
    },
    routing::View,
    site::{LocalNetwork, Site},
};

/// A router that this host forwards for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalRouter<'a> {
    pub(crate) site: &'a Site,
    pub(crate) router: &'a Router,
    /// Its number here, which is also its zone.
    pub(crate) number: u16,
}

/// A port of a router, as this host answers for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnsweredPort<'a> {
    pub(crate) router: LocalRouter<'a>,
    pub(crate) network: LocalNetwork<'a>,
    pub(crate) port: &'a Port,
    pub(crate) side: Side,
    /// Whether it is this host to whom other hosts, and others outside, turn for it.
    pub(crate) is_first: bool,
}

/// Where a port of a router leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// To a network that the router joins.
    Inside,
    /// To the external network.
    Outside,
}

/// A floating IP that is translated here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalFloatingIp<'a> {
    pub(crate) router: LocalRouter<'a>,
    /// The external network.
    pub(crate) network: LocalNetwork<'a>,
    /// Its port there.
    pub(crate) port: &'a Port,
    /// What it stands for as a whole.
    pub(crate) target: Option<Target>,
    /// What its ports stand for, if it does not stand for something as a whole.
    pub(crate) port_forwardings: &'a [PortForwarding],
}

/// Where a route leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way<'a> {
    /// To a network that the router joins, by its port there.
    Inside(LocalNetwork<'a>, &'a Port),
    /// Outside.
    Outside,
}

/// Which station is next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NextHop {
    /// Who the packet is for.
    Destination,
    /// A router.
    Router(IpAddr),
}

impl AnsweredPort<'_> {
    /// The MTU that packets to the inside have to fit, if larger ones may come from outside.
    pub(crate) fn tight_mtu(&self) -> Option<u16> {
        let model = self.router.site.model();
        let target = match model.router_port(self.port.id)? {
            RouterPort::FloatingIp(id) => model.floating_ip(id)?.target,
            _ => None,
        };
        let inside = match target {
            Some(target) => self.router.mtu_at(target.port)?,
            None => self.router.inside_mtu()?,
        };
        let is_tight = self.side == Side::Outside && inside < self.network.mtu();
        is_tight.then_some(inside)
    }

    /// What it answers to: its own addresses, and the link-local one.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let link_local = IpAddr::V6(self.port.mac_address.link_local());
        self.port.fixed_ips.iter().copied().chain([link_local])
    }
}

impl LocalFloatingIp<'_> {
    /// The address outside; only one of IPv4 is translated.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let ips = self.port.fixed_ips.iter();
        ips.filter_map(|ip| match ip {
            IpAddr::V4(ip) => Some(*ip),
            IpAddr::V6(_) => None,
        })
    }
}

impl<'a> LocalRouter<'a> {
    /// Every address by which it is known on a network that it joins.
    pub(crate) fn addresses(&self) -> BTreeSet<IpAddr> {
        let model = self.site.model();
        let ports = self
            .router
            .interfaces
            .iter()
            .filter_map(|id| model.port(*id));
        let known = ports.flat_map(|port| {
            let link_local = IpAddr::V6(port.mac_address.link_local());
            port.fixed_ips.iter().copied().chain([link_local])
        });
        known.collect()
    }

    /// Its port outside, if this is its gateway host.
    pub(crate) fn gateway(&self) -> Option<AnsweredPort<'a>> {
        let gateway = self.router.gateway?;
        self.site.answered_port(gateway.port)
    }

    /// Whether IPv4 leaves with the gateway's address.
    pub(crate) fn translates_sources(&self) -> bool {
        self.router
            .gateway
            .is_some_and(|gateway| gateway.enable_snat)
    }

    /// What the network of a port carries, in bytes.
    fn mtu_at(&self, port: PortId) -> Option<u16> {
        let model = self.site.model();
        let network = model.network(model.port(port)?.network)?;
        Some(model.mtu(network))
    }

    /// What the largest of the networks that it joins carries, in bytes.
    pub(crate) fn inside_mtu(&self) -> Option<u16> {
        let ports = self.router.interfaces.iter();
        ports.filter_map(|port| self.mtu_at(*port)).max()
    }

    /// What the external network carries, in bytes.
    pub(crate) fn outside_mtu(&self) -> Option<u16> {
        self.mtu_at(self.router.gateway?.port)
    }

    /// Whether a packet that fits one of its networks may not fit another.
    pub(crate) fn has_tight_networks(&self) -> bool {
        let ports = self.site.model().ports_of_router(self.router);
        let mtus: BTreeSet<u16> = ports.filter_map(|port| self.mtu_at(port.id)).collect();
        mtus.len() > 1
    }

    /// The MTU of a network to which a larger packet may come from inside.
    ///
    /// What comes from outside is compared when it enters.
    pub(crate) fn tight_mtu(&self, way: Way<'_>) -> Option<u16> {
        let mtu = match way {
            Way::Inside(network, _) => network.mtu(),
            Way::Outside => self.outside_mtu()?,
        };
        Some(mtu).filter(|mtu| Some(*mtu) < self.inside_mtu())
    }

    fn interfaces(&self) -> impl Iterator<Item = (LocalNetwork<'a>, &'a Port)> + use<'a> {
        let site = self.site;
        self.router.interfaces.iter().filter_map(move |id| {
            let port = site.model().port(*id)?;
            Some((site.network(port.network)?, port))
        })
    }

    /// Its networks, with who is next on the way to whom.
    pub(crate) fn routes(&self) -> Vec<(IpNet, Way<'a>, NextHop)> {
        let model = self.site.model();
        let mut routes = Vec::new();
        for (network, port) in self.interfaces() {
            for subnet in model.subnets_of(port) {
                let way = Way::Inside(network, port);
                routes.push((subnet.cidr(), way, NextHop::Destination));
            }
        }
        let outside = self
            .router
            .gateway
            .and_then(|gateway| model.port(gateway.port));
        for subnet in outside.into_iter().flat_map(|port| model.subnets_of(port)) {
            routes.push((subnet.cidr(), Way::Outside, NextHop::Destination));
            if let Some(router) = subnet.gateway_outside() {
                routes.push((router.into(), Way::Outside, NextHop::Destination));
            }
            if let Some(router) = subnet.gateway_ip() {
                let everything = match router {
                    IpAddr::V4(_) => IpNet::V4(ipnet::Ipv4Net::default()),
                    IpAddr::V6(_) => IpNet::V6(ipnet::Ipv6Net::default()),
                };
                routes.push((everything, Way::Outside, NextHop::Router(router)));
            }
        }
        routes
    }

    /// The routes that people added, with the way to their next stations.
    pub(crate) fn extra_routes(&self) -> Vec<(IpNet, Way<'a>, NextHop)> {
        let routes = self.router.routes.iter().filter_map(|route| {
            let way = self.way_to(route)?;
            Some((route.destination, way, NextHop::Router(route.nexthop)))
        });
        routes.collect()
    }

    fn way_to(&self, route: &Route) -> Option<Way<'a>> {
        let site = self.site;
        let port = site
            .model()
            .router_port_towards(self.router, route.nexthop)?;
        match self.router.gateway {
            Some(gateway) if gateway.port == port.id => Some(Way::Outside),
            _ => Some(Way::Inside(site.network(port.network)?, port)),
        }
    }
}

impl<'a> LocalNetwork<'a> {
    /// The largest packet that it carries, in bytes.
    pub(crate) fn mtu(self) -> u16 {
        self.site.model().mtu(self.network)
    }

    /// Whether it is the external network of a router that forwards here.
    pub(crate) fn is_outside(self) -> bool {
        let model = self.site.model();
        let mut routers = model.routers_of(self.network.id);
        routers.any(|router| {
            let gateway = router.gateway.and_then(|gateway| model.port(gateway.port));
            self.site.routers.contains_key(&router.id)
                && gateway.is_some_and(|port| port.network == self.network.id)
        })
    }

    /// The MACs of routers that other hosts send with too, this one not being the first of them.
    pub(crate) fn shared_macs(self) -> impl Iterator<Item = MacAddr> + use<'a> {
        let model = self.site.model();
        let routers = model.routers_of(self.network.id);
        let ports = routers.flat_map(|router| model.ports_of_router(router));
        let answered = ports.filter_map(move |port| self.site.answered_port(port.id));
        answered
            .filter(move |answered| {
                answered.port.network == self.network.id
                    && answered.side == Side::Inside
                    && !answered.is_first
            })
            .map(|answered| answered.port.mac_address)
    }
}

impl Site {
    /// The hosts as this one sees them.
    pub fn view(&self) -> View<'_> {
        View {
            model: self.model(),
            host: self.host(),
            failover: &self.failover,
        }
    }

    /// A router that this host forwards for.
    pub(crate) fn router(&self, id: RouterId) -> Option<LocalRouter<'_>> {
        let router = self.model().router(id)?;
        Some(LocalRouter {
            site: self,
            router,
            number: *self.routers.get(&id)?,
        })
    }

    /// Whether packets from a network, or to it, are routed here.
    pub(crate) fn is_routed(&self, network: NetworkId) -> bool {
        let mut routers = self.model().routers_of(network);
        routers.any(|router| self.routers.contains_key(&router.id))
    }

    /// A port of a router or floating IP, if this host answers for it.
    pub(crate) fn answered_port(&self, id: PortId) -> Option<AnsweredPort<'_>> {
        let part = self.model().router_port(id)?;
        let port = self.model().port(id)?;
        let is_first = self.view().host_of(part) == Some(self.host());
        let (router, side) = match part {
            RouterPort::Interface(router) => (router, Side::Inside),
            RouterPort::Gateway(router) if is_first => (router, Side::Outside),
            RouterPort::FloatingIp(floating_ip) if is_first => {
                let floating_ip = self.model().floating_ip(floating_ip)?;
                (floating_ip.router?, Side::Outside)
            }
            RouterPort::Gateway(_) | RouterPort::FloatingIp(_) => return None,
        };
        Some(AnsweredPort {
            router: self.router(router)?,
            network: self.network(port.network)?,
            port,
            side,
            is_first,
        })
    }

    /// A floating IP, if it is translated here.
    pub(crate) fn floating_ip<'a>(
        &'a self,
        floating_ip: &'a FloatingIp,
    ) -> Option<LocalFloatingIp<'a>> {
        let answered = self.answered_port(floating_ip.port)?;
        Some(LocalFloatingIp {
            router: answered.router,
            network: answered.network,
            port: answered.port,
            target: floating_ip.target,
            port_forwardings: &floating_ip.port_forwardings,
        })
    }
}
