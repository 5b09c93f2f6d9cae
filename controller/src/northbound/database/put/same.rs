//! Which objects of a description mean something else than the rows.
//!
//! Lists whose order means nothing are compared as sets.

use pipelines::network::{
    AddressGroup, FloatingIp, Host, Log, Model, Network, Port, Router, SecurityGroup, Trunk,
};

/// A description, and what the rows describe.
#[derive(Clone, Copy)]
pub(super) struct Different<'a> {
    /// What the rows describe.
    pub(super) present: &'a Model,
    /// The description.
    pub(super) wanted: &'a Model,
}

impl<'a> Different<'a> {
    pub(super) fn hosts(self) -> impl Iterator<Item = &'a Host> {
        let hosts = self.wanted.hosts();
        hosts.filter(move |host| self.present.host(&host.name) != Some(host))
    }

    pub(super) fn networks(self) -> impl Iterator<Item = &'a Network> {
        let sorted = |network: &Network| {
            let mut network = network.clone();
            network.subnets.sort_by_key(|subnet| subnet.id);
            for subnet in &mut network.subnets {
                subnet.host_routes.sort();
            }
            network
        };
        let networks = self.wanted.networks();
        networks.filter(move |network| {
            let present = self.present.network(network.id);
            present.is_none_or(|present| sorted(present) != sorted(network))
        })
    }

    pub(super) fn address_groups(self) -> impl Iterator<Item = &'a AddressGroup> {
        let sorted = |group: &AddressGroup| {
            let mut group = group.clone();
            group.addresses.sort();
            group.addresses.dedup();
            group
        };
        let groups = self.wanted.address_groups();
        groups.filter(move |group| {
            let present = self.present.address_group(group.id);
            present.is_none_or(|present| sorted(present) != sorted(group))
        })
    }

    pub(super) fn security_groups(self) -> impl Iterator<Item = &'a SecurityGroup> {
        let sorted = |group: &SecurityGroup| {
            let mut group = group.clone();
            group.rules.sort_by_key(pipelines::network::Rule::id);
            group
        };
        let groups = self.wanted.security_groups();
        groups.filter(move |group| {
            let present = self.present.security_group(group.id);
            present.is_none_or(|present| sorted(present) != sorted(group))
        })
    }

    pub(super) fn ports(self) -> impl Iterator<Item = &'a Port> {
        let sorted = |port: &Port| {
            let mut port = port.clone();
            port.fixed_ips.sort();
            port.security_groups.sort();
            port.allowed_address_pairs.sort();
            port.allowed_address_pairs.dedup();
            port
        };
        let part = |model: &Model, port: &Port| model.router_port(port.id);
        let ports = self.wanted.ports();
        ports.filter(move |port| {
            let Some(present) = self.present.port(port.id) else {
                return true;
            };
            let mut wanted = sorted(port);
            // What a description need not say.
            wanted.host = wanted.host.or_else(|| present.host.clone());
            if wanted.machine.id.is_empty() {
                wanted.machine.id.clone_from(&present.machine.id);
            }
            sorted(present) != wanted || part(self.present, port) != part(self.wanted, port)
        })
    }

    pub(super) fn trunks(self) -> impl Iterator<Item = &'a Trunk> {
        let sorted = |trunk: &Trunk| {
            let mut trunk = trunk.clone();
            trunk.sub_ports.sort();
            trunk
        };
        let trunks = self.wanted.trunks();
        trunks.filter(move |trunk| {
            let present = self.present.trunk(trunk.id);
            present.is_none_or(|present| sorted(present) != sorted(trunk))
        })
    }

    pub(super) fn routers(self) -> impl Iterator<Item = &'a Router> {
        let sorted = |router: &Router| {
            let mut router = router.clone();
            router.interfaces.sort();
            router.routes.sort();
            router.routes.dedup();
            router
        };
        let routers = self.wanted.routers();
        routers.filter(move |router| {
            let present = self.present.router(router.id);
            present.is_none_or(|present| sorted(present) != sorted(router))
        })
    }

    pub(super) fn floating_ips(self) -> impl Iterator<Item = &'a FloatingIp> {
        let sorted = |floating_ip: &FloatingIp| {
            let mut floating_ip = floating_ip.clone();
            floating_ip.port_forwardings.sort();
            floating_ip
        };
        let floating_ips = self.wanted.floating_ips();
        floating_ips.filter(move |floating_ip| {
            let present = self.present.floating_ip(floating_ip.id);
            present.is_none_or(|present| sorted(present) != sorted(floating_ip))
        })
    }

    pub(super) fn logs(self) -> impl Iterator<Item = &'a Log> {
        let logs = self.wanted.logs();
        logs.filter(move |log| self.present.log(log.id) != Some(log))
    }
}
