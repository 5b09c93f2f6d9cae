//! What makes routers agree with the ports that they name.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{Check, duplicate, label, missing, overlap};
use crate::network::{InvalidField, ObjectRef, PortId, Problem, Route, Router, RouterPort};

impl Check<'_> {
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
            self.lose(object, &label, problems);
            let problems = self.routes(&mut router);
            self.lose(object, &label, problems);
            self.insert_router(router);
        }
    }

    /// Leaves the router with those of its ports that are right; those that it had come first.
    fn router_ports(&mut self, router: &mut Router, label: &str) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        let mut blocks = Vec::new();
        let earlier = self.before.router(router.id);
        let earlier = earlier.map_or(&[][..], |router| &router.interfaces);
        let (had, new): (Vec<_>, Vec<_>) = (router.interfaces.iter().copied().enumerate())
            .partition(|(_, port)| earlier.contains(port));
        let mut refused = BTreeSet::new();
        for (index, port) in had.into_iter().chain(new) {
            let wrong = self.router_port(port, label, &mut blocks);
            if !wrong.is_empty() {
                refused.insert(index);
            }
            let wrong = wrong.into_iter();
            problems.extend(wrong.map(|problem| problem.of("interfaces").at(index)));
        }
        let mut places = 0..;
        let stays = |place: Option<usize>| place.is_none_or(|place| !refused.contains(&place));
        router.interfaces.retain(|_| stays(places.next()));
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
}
