//! What makes routers and floating IPs agree with the ports that they name.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;

use super::{Check, duplicate, label, missing, overlap};
use crate::network::{
    FloatingIp, InvalidField, ObjectRef, PortId, Problem, Route, Router, RouterPort, Target,
};

impl Check {
    pub(super) fn routers(&mut self, routers: Vec<Router>) {
        for (place, mut router) in routers.into_iter().enumerate() {
            let object = ObjectRef::Router(place);
            let label = label(&router.name, &router.id);
            if self.model.routers.contains_key(&router.id) {
                let problem = duplicate(router.id, "another router").of("id");
                self.accept(object, &label, vec![problem]);
                continue;
            }
            let problems = self.router_ports(&mut router, &label);
            self.accept(object, &label, problems);
            let problems = self.routes(&mut router);
            self.accept(object, &label, problems);
            self.insert_router(router);
        }
    }

    /// Leaves the router with those of its ports that are right.
    fn router_ports(&mut self, router: &mut Router, label: &str) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        let mut blocks = Vec::new();
        for (index, port) in std::mem::take(&mut router.interfaces)
            .into_iter()
            .enumerate()
        {
            let wrong = self.router_port(port, label, &mut blocks);
            if wrong.is_empty() {
                router.interfaces.push(port);
            }
            let wrong = wrong.into_iter();
            problems.extend(wrong.map(|problem| problem.of("interfaces").at(index)));
        }
        if let Some(gateway) = router.gateway {
            let wrong = self.router_port(gateway.port, label, &mut blocks);
            if !wrong.is_empty() {
                router.gateway = None;
            }
            problems.extend(wrong.into_iter().map(|problem| problem.of("gateway")));
        }
        problems
    }

    /// Takes a port for a router: it must exist, be nobody else's, and share no address with the
    /// router's others.
    fn router_port(
        &mut self,
        id: PortId,
        router: &str,
        blocks: &mut Vec<(PortId, IpNet)>,
    ) -> Vec<Problem> {
        let Some(port) = self.model.port(id) else {
            return vec![missing("port", id, self.listed_ports.contains(&id))];
        };
        let own: Vec<_> = (self.model.subnets_of(port))
            .map(|subnet| subnet.cidr())
            .collect();
        let overlaps = own.iter().find_map(|cidr| {
            let (_, other) = blocks.iter().find(|(_, block)| overlap(block, cidr))?;
            let (cidr, other) = (*cidr, *other);
            Some(Problem::OverlapsInterface { cidr, other })
        });
        let taken = self.router_ports.claim(id, id, router, "port");
        let mut problems: Vec<_> = taken.into_iter().map(|taken| taken.problem).collect();
        problems.extend(overlaps);
        if problems.is_empty() {
            blocks.extend(own.into_iter().map(|cidr| (id, cidr)));
        }
        problems
    }

    /// Leaves the router with those of its routes whose next station it can reach.
    fn routes(&self, router: &mut Router) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        for (index, route) in std::mem::take(&mut router.routes).into_iter().enumerate() {
            match self.route(router, &route) {
                Some(problem) => problems.push(problem.of("routes").at(index)),
                None => router.routes.push(route),
            }
        }
        problems
    }

    fn route(&self, router: &Router, route: &Route) -> Option<Problem> {
        let Route {
            destination,
            nexthop,
        } = *route;
        let expected = destination.trunc();
        if destination != expected {
            let cidr = destination;
            return Some(Problem::HostBits { cidr, expected });
        }
        if destination.network().is_ipv4() != nexthop.is_ipv4() {
            return Some(Problem::OtherVersion {
                destination,
                nexthop,
            });
        }
        match self.model.router_port_towards(router, nexthop) {
            None => Some(Problem::Unreachable(nexthop.to_string())),
            Some(port) if port.fixed_ips.contains(&nexthop) => {
                let owner = "the router itself";
                Some(duplicate(nexthop, owner))
            }
            Some(_) => None,
        }
    }

    fn insert_router(&mut self, router: Router) {
        let model = &mut self.model;
        let gateway = router.gateway.map(|gateway| gateway.port);
        let interfaces = router.interfaces.iter().copied();
        let ports: Vec<_> = interfaces
            .map(|port| (port, RouterPort::Interface(router.id)))
            .chain(gateway.map(|port| (port, RouterPort::Gateway(router.id))))
            .collect();
        for (port, part) in ports {
            if let Some(network) = model.port(port).map(|port| port.network) {
                let routers = model.routers_by_network.entry(network).or_default();
                routers.insert(router.id);
            }
            model.take_router_port(port, part);
        }
        model.routers.insert(router.id, router);
    }

    pub(super) fn floating_ips(&mut self, floating_ips: Vec<FloatingIp>) {
        for (place, mut floating_ip) in floating_ips.into_iter().enumerate() {
            let id = floating_ip.id;
            let mut label = label("", &id);
            let mut problems = Vec::new();
            if self.model.floating_ips.contains_key(&id) {
                problems.push(duplicate(id, "another floating IP").of("id"));
            }
            match self.model.port(floating_ip.port) {
                None => {
                    let listed = self.listed_ports.contains(&floating_ip.port);
                    problems.push(missing("port", floating_ip.port, listed).of("address_port"));
                }
                Some(port) => match port.fixed_ips.iter().find(|ip| ip.is_ipv4()) {
                    Some(ip) => label = ip.to_string(),
                    None => problems.push(lacks(port.id, "an IPv4 address").of("address_port")),
                },
            }
            problems.extend(self.router_ports.claim(
                floating_ip.port,
                floating_ip.port,
                &label,
                "address_port",
            ));
            if !self.accept(ObjectRef::FloatingIp(place), &label, problems) {
                continue;
            }
            // The address is taken, whatever it stands for.
            if let Some(target) = floating_ip.target {
                let problems = self.target(floating_ip.port, &target, &label);
                if !self.accept(ObjectRef::FloatingIp(place), &label, problems) {
                    floating_ip.target = None;
                }
            }
            self.insert_floating_ip(floating_ip);
        }
    }

    /// Whether a floating IP can stand for a port: a router leads from the one to the other.
    fn target(&mut self, outside: PortId, target: &Target, label: &str) -> Vec<InvalidField> {
        let Target {
            router,
            port,
            fixed_ip,
        } = *target;
        let Some(router) = self.model.router(router) else {
            return vec![missing("router", router, false).of("router")];
        };
        let Some(inside) = self.model.port(port) else {
            let listed = self.listed_ports.contains(&port);
            return vec![missing("port", port, listed).of("port")];
        };
        let ip = IpAddr::V4(fixed_ip);
        let mut problems = Vec::new();
        if !inside.fixed_ips.contains(&ip) {
            problems.push(lacks(port, fixed_ip).of("fixed_ip_address"));
        }
        let network = |port| self.model.port(port).map(|port| port.network);
        let gateway = router.gateway.and_then(|gateway| network(gateway.port));
        if gateway.is_none() || gateway != network(outside) {
            problems.push(Problem::Unreachable(label.to_owned()).of("router"));
        }
        let interfaces = router.interfaces.iter().copied();
        let networks: BTreeSet<_> = interfaces.filter_map(network).collect();
        if !networks.contains(&inside.network) {
            problems.push(Problem::Unreachable(fixed_ip.to_string()).of("router"));
        }
        if problems.is_empty() {
            let of = (port, fixed_ip);
            let address = self
                .floating_targets
                .claim(of, fixed_ip, label, "fixed_ip_address");
            problems.extend(address);
        }
        problems
    }

    fn insert_floating_ip(&mut self, floating_ip: FloatingIp) {
        let model = &mut self.model;
        let id = floating_ip.id;
        model.take_router_port(floating_ip.port, RouterPort::FloatingIp(id));
        if let Some(Target { router, port, .. }) = floating_ip.target {
            model
                .floating_by_router
                .entry(router)
                .or_default()
                .insert(id);
            model.floating_by_port.entry(port).or_default().insert(id);
        }
        model.floating_ips.insert(id, floating_ip);
    }
}

fn lacks(port: PortId, expected: impl ToString) -> Problem {
    Problem::LacksAddress {
        port: port.to_string(),
        expected: expected.to_string(),
    }
}
