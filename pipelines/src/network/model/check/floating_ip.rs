//! What makes floating IPs agree with what they stand for.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Check, duplicate, label, missing};
use crate::network::{
    FloatingIp, ForwardedProtocol, InvalidField, ObjectRef, PortForwarding, PortId, Problem,
    Router, RouterId, RouterPort, Target,
};

impl Check<'_> {
    pub(super) fn floating_ips(&mut self, floating_ips: Vec<FloatingIp>) {
        for (place, mut floating_ip) in floating_ips.into_iter().enumerate() {
            let object = ObjectRef::FloatingIp(place);
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
            if !self.accept(object, &label, problems) {
                continue;
            }
            // The address is taken, whatever it stands for.
            let problems = self.router_of(&floating_ip, &label);
            if !self.lose(object, &label, problems) {
                floating_ip.router = None;
            }
            let Some(router) = floating_ip.router else {
                floating_ip.target = None;
                floating_ip.port_forwardings.clear();
                self.insert_floating_ip(floating_ip);
                continue;
            };
            if let Some(target) = floating_ip.target {
                let problems = self.whole_target(router, &target, &label);
                if !self.lose(object, &label, problems) {
                    floating_ip.target = None;
                }
            }
            self.port_forwardings(place, router, &mut floating_ip, &label);
            self.insert_floating_ip(floating_ip);
        }
    }

    /// Whether the router of a floating IP leads to the address.
    fn router_of(&self, floating_ip: &FloatingIp, label: &str) -> Vec<InvalidField> {
        let Some(id) = floating_ip.router else {
            return Vec::new();
        };
        let Some(router) = self.model.router(id) else {
            return vec![missing("router", id, false).of("router")];
        };
        let network = |port| self.model.port(port).map(|port| port.network);
        let gateway = router.gateway.and_then(|gateway| network(gateway.port));
        match gateway.is_some() && gateway == network(floating_ip.port) {
            true => Vec::new(),
            false => vec![Problem::Unreachable(label.to_owned()).of("router")],
        }
    }

    /// Whether a router leads to what a floating IP is to stand for.
    fn target(&self, router: RouterId, target: &Target) -> Vec<InvalidField> {
        let Target { port, fixed_ip } = *target;
        let Some(inside) = self.model.port(port) else {
            let listed = self.listed_ports.contains(&port);
            return vec![missing("port", port, listed).of("port")];
        };
        let mut problems = Vec::new();
        if !inside.fixed_ips.contains(&IpAddr::V4(fixed_ip)) {
            problems.push(lacks(port, fixed_ip).of("fixed_ip_address"));
        }
        let joins = |router: &Router| {
            let interfaces = router.interfaces.iter();
            let ports = interfaces.filter_map(|id| self.model.port(*id));
            ports.into_iter().any(|port| port.network == inside.network)
        };
        if !self.model.router(router).is_some_and(joins) {
            problems.push(Problem::Unreachable(fixed_ip.to_string()).of("router"));
        }
        problems
    }

    fn whole_target(
        &mut self,
        router: RouterId,
        target: &Target,
        label: &str,
    ) -> Vec<InvalidField> {
        let problems = self.target(router, target);
        if !problems.is_empty() {
            return problems;
        }
        let Target { port, fixed_ip } = *target;
        if let Some(owner) = self.forwarded.get(&(port, fixed_ip)) {
            return vec![duplicate(fixed_ip, owner).of("fixed_ip_address")];
        }
        let of = (port, fixed_ip);
        self.floating_targets
            .claim(of, fixed_ip, label, "fixed_ip_address")
    }

    /// Leaves a floating IP with those of its port forwardings that are right.
    fn port_forwardings(
        &mut self,
        place: usize,
        router: RouterId,
        floating_ip: &mut FloatingIp,
        label: &str,
    ) {
        let mut taken: BTreeSet<(ForwardedProtocol, u16)> = BTreeSet::new();
        let given = std::mem::take(&mut floating_ip.port_forwardings);
        for (index, forwarding) in given.into_iter().enumerate() {
            let PortForwarding {
                protocol,
                external_port,
                target,
                ..
            } = forwarding;
            let name = format!("{label} {protocol}/{external_port}");
            let mut problems = self.target(router, &target);
            if floating_ip.target.is_some() {
                problems.push(Problem::NotWith("port").of("port_forwardings"));
            }
            let ends = [
                ("external_port", external_port),
                ("internal_port", forwarding.internal_port),
            ];
            let zeros = ends.into_iter().filter(|(_, port)| *port == 0);
            problems.extend(zeros.map(|(field, _)| {
                let (value, least, most) = (0, 1, u16::MAX.into());
                Problem::OutOfRange { value, least, most }.of(field)
            }));
            if taken.contains(&(protocol, external_port)) {
                problems.push(duplicate(&name, "another port forwarding").of("external_port"));
            }
            let of = (target.port, target.fixed_ip);
            if let Some(owner) = self.floating_targets.owner(&of) {
                problems.push(duplicate(target.fixed_ip, owner).of("fixed_ip_address"));
            }
            let object = ObjectRef::PortForwarding {
                floating_ip: place,
                port_forwarding: index,
            };
            if self.accept(object, &name, problems) {
                taken.insert((protocol, external_port));
                self.forwarded.entry(of).or_insert_with(|| label.to_owned());
                floating_ip.port_forwardings.push(forwarding);
            }
        }
    }

    fn insert_floating_ip(&mut self, mut floating_ip: FloatingIp) {
        let model = &mut self.model;
        let id = floating_ip.id;
        model.take_router_port(floating_ip.port, RouterPort::FloatingIp(id));
        let forwarded = floating_ip.port_forwardings.iter();
        let forwarded = forwarded.map(|forwarding| forwarding.target);
        let targets: Vec<Target> = floating_ip.target.into_iter().chain(forwarded).collect();
        match floating_ip.router.filter(|_| !targets.is_empty()) {
            Some(router) => {
                let of_router = model.floating_by_router.entry(router).or_default();
                of_router.insert(id);
            }
            // It stands for nothing.
            None => floating_ip.router = None,
        }
        for target in targets {
            let for_port = model.floating_by_port.entry(target.port).or_default();
            for_port.insert(id);
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
