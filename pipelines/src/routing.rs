//! Who forwards what: which routers a host has to know, and where each leads outside.
//!
//! A packet is routed on the host where it enters. So a host knows every router that its ports can
//! reach, through whatever other routers, and every network of these. Outside there is one way for
//! each router: its gateway host, which all hosts choose alike. A floating IP is on the host of its
//! port, where that host reaches the external network, and on the gateway host else; so is one of which
//! only single ports are forwarded.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    failover::{Failover, Takeover},
    hash::lot,
    network::{
        EncapType, FloatingIp, Host, HostName, Model, Network, NetworkId, Port, Router, RouterId,
        RouterPort, Segment,
    },
};

/// The first number that routers have: below are the zones of networks.
pub const FIRST_ROUTER: u16 = 0x1000;

/// The hosts as one host sees them.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The desired network.
    pub model: &'a Model,
    /// The host that looks.
    pub host: &'a HostName,
    /// What is known of the hosts beside what they are described as.
    pub failover: &'a Failover,
}

/// What a host has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Networks that need a local VLAN.
    pub networks: BTreeSet<NetworkId>,
    /// Routers that need a number.
    pub routers: BTreeSet<RouterId>,
}

impl<'a> View<'a> {
    /// What the host has to know, given the networks that it has ports of.
    pub fn reach(&self, plugged: &BTreeSet<NetworkId>) -> Reach {
        let mut reach = Reach::default();
        let mut left: Vec<NetworkId> = plugged.iter().copied().collect();
        let gateways = self
            .model
            .routers()
            .filter(|router| router.admin_state_up && self.gateway_host(router) == Some(self.host));
        for router in gateways {
            left.extend(self.enter(router, &mut reach));
        }
        while let Some(id) = left.pop() {
            if !reach.networks.insert(id) {
                continue;
            }
            let joined = self.model.routers_of(id).filter(|router| {
                let mut interfaces = self.interfaces(router);
                router.admin_state_up && interfaces.any(|port| port.network == id)
            });
            for router in joined {
                left.extend(self.enter(router, &mut reach));
            }
        }
        reach
    }

    /// The networks that come with a router, if it is new.
    fn enter(&self, router: &Router, reach: &mut Reach) -> Vec<NetworkId> {
        if !reach.routers.insert(router.id) {
            return Vec::new();
        }
        if let Some(outside) = self.outside(router)
            && self.leads_to(self.host, outside)
        {
            // Other routers on it are no affair of this host.
            reach.networks.insert(outside.id);
        }
        self.interfaces(router).map(|port| port.network).collect()
    }

    fn interfaces(&self, router: &'a Router) -> impl Iterator<Item = &'a Port> {
        let model = self.model;
        router.interfaces.iter().filter_map(|id| model.port(*id))
    }

    /// The external network of a router.
    pub(crate) fn outside(&self, router: &Router) -> Option<&'a Network> {
        let port = self.model.port(router.gateway?.port)?;
        self.model.network(port.network)
    }

    /// Whether a host has a way to a network.
    fn leads_to(&self, name: &HostName, network: &Network) -> bool {
        let Some(host) = self.model.host(name) else {
            // Who is not described has what it is told by itself.
            return name == self.host;
        };
        leads_to(host, network)
    }

    /// The gateway host of a router.
    ///
    /// It is the host with the greatest priority of those that can lead it outside; hosts of one
    /// priority share the routers. When that host fails, the next in this order takes over, and
    /// keeps the router when the first returns, unless that one is preemptive.
    pub fn gateway_host(&self, router: &Router) -> Option<&'a HostName> {
        let outside = self.outside(router)?;
        let able = self.able(outside);
        let usable = able
            .iter()
            .copied()
            .filter(|host| self.is_usable(host, outside, able.len()));
        let Some(best) = usable.clone().min_by_key(|host| self.rank(host, router)) else {
            // If all seem to be gone, it is as if none was.
            let alone = able.len() == 1;
            let others = able
                .into_iter()
                .filter(|host| alone || !self.stands_back(host));
            return others.min_by_key(|host| self.rank(host, router));
        };
        let takeover = self.failover.takeovers.get(&router.id);
        let incumbent = takeover
            .filter(|takeover| takeover.reason == self.takeover_reason(router, &takeover.host))
            .and_then(|takeover| usable.clone().find(|host| **host == takeover.host));
        let preempts = |incumbent: &HostName| {
            let host = self.model.host(best);
            host.is_some_and(|host| host.preemptive)
                && self.rank(best, router) < self.rank(incumbent, router)
        };
        incumbent
            .filter(|incumbent| !preempts(incumbent))
            .or(Some(best))
    }

    /// The takeover that other hosts have to be told of: of a router that this host leads outside,
    /// which they could not derive from the model alone.
    pub fn takeover(&self, router: &Router) -> Option<Takeover> {
        if self.gateway_host(router) != Some(self.host) {
            return None;
        }
        let reason = self.takeover_reason(router, self.host);
        let term = match self.failover.takeovers.get(&router.id) {
            Some(known) if known.host == *self.host && known.reason == reason => return None,
            Some(known) => known.term.saturating_add(1),
            None if self.first_choice(router) == Some(self.host) => return None,
            None => 1,
        };
        Some(Takeover {
            term,
            host: self.host.clone(),
            reason,
        })
    }

    /// The hosts that have a way to a network.
    fn able(&self, network: &Network) -> Vec<&'a HostName> {
        let hosts = self.model.hosts().map(|host| &host.name);
        let undescribed = self.model.host(self.host).is_none().then_some(self.host);
        let able = hosts.chain(undescribed);
        able.filter(|host| self.leads_to(host, network)).collect()
    }

    /// The order in which hosts lead a router outside. Every host computes the same, and the loss of
    /// one moves only what it had.
    fn rank(&self, name: &HostName, router: &Router) -> Reverse<(u16, u64)> {
        let lot = lot(format!("{name}\0{}", router.id).as_bytes());
        Reverse((self.priority(name), lot))
    }

    fn priority(&self, name: &HostName) -> u16 {
        let host = self.model.host(name);
        host.map_or(0, |host| host.gateway_priority)
    }

    /// The gateway host of a router as long as no host fails.
    pub fn first_choice(&self, router: &Router) -> Option<&'a HostName> {
        let able = self.able(self.outside(router)?);
        able.into_iter().min_by_key(|host| self.rank(host, router))
    }

    /// Why a host may have taken over a router: what it was passed over for, and with which
    /// priorities. A takeover is over when an operator changes these.
    fn takeover_reason(&self, router: &Router, incumbent: &HostName) -> u64 {
        let first = self.first_choice(router).unwrap_or(incumbent);
        let (before, after) = (self.priority(first), self.priority(incumbent));
        lot(format!("{first}\0{before}\0{incumbent}\0{after}").as_bytes())
    }

    /// Whether a host can lead to a network now, being one of so many that could.
    fn is_usable(&self, name: &HostName, network: &Network, able: usize) -> bool {
        // Nobody could take over from the only one that can, so it never stands back.
        let stands_back = able > 1 && self.stands_back(name);
        !(self.failover.unreachable.contains(name)
            || stands_back
            || self.failover.is_cut_off(name, network))
    }

    fn stands_back(&self, name: &HostName) -> bool {
        self.failover.stands_back && name == self.host
    }

    /// The host that translates a floating IP.
    pub fn floating_host(&self, floating_ip: &FloatingIp) -> Option<&'a HostName> {
        let router = self.model.router(floating_ip.router?)?;
        let outside = self.outside(router)?;
        // Single ports may lead to several hosts, and all answers leave by one.
        let port = floating_ip.target.and_then(|to| self.model.port(to.port));
        let host = port.and_then(|port| port.host.as_ref());
        let own = host.filter(|host| {
            self.leads_to(host, outside) && !self.failover.is_cut_off(host, outside)
        });
        own.or_else(|| self.gateway_host(router))
    }

    /// The host that answers for a port that is plugged in nowhere.
    ///
    /// Every host answers for an interface; what has to leave, it sends on to the gateway host.
    pub(crate) fn host_of(&self, part: RouterPort) -> Option<&'a HostName> {
        let model = self.model;
        match part {
            RouterPort::Interface(router) | RouterPort::Gateway(router) => {
                self.gateway_host(model.router(router)?)
            }
            RouterPort::FloatingIp(id) => self.floating_host(model.floating_ip(id)?),
        }
    }

    /// The gateway host of every router that has one.
    pub(crate) fn gateway_hosts(&self) -> BTreeMap<RouterId, &'a HostName> {
        let routers = self.model.routers();
        let hosts = routers.filter_map(|router| Some((router.id, self.gateway_host(router)?)));
        hosts.collect()
    }
}

/// The networks by which some router leads outside.
pub fn external_networks(model: &Model) -> Vec<&Network> {
    let gateways = model.routers().filter_map(|router| router.gateway);
    let ports = gateways.filter_map(|gateway| model.port(gateway.port));
    let networks: BTreeSet<NetworkId> = ports.map(|port| port.network).collect();
    let networks = networks.into_iter();
    networks.filter_map(|id| model.network(id)).collect()
}

/// Whether a host has a way to a network.
pub fn leads_to(host: &Host, network: &Network) -> bool {
    match &network.segment {
        Segment::Flat { physical_network }
        | Segment::Vlan {
            physical_network, ..
        } => host.bridge_mappings.contains_key(physical_network),
        Segment::Local => true,
        Segment::Vxlan { .. } | Segment::Gre { .. } | Segment::Geneve { .. } => {
            let encap_type = EncapType::of(network.segment.network_type());
            encap_type.is_some_and(|encap_type| host.endpoint(encap_type).is_some())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::View;
    use crate::failover::{Failover, Takeover};
    use crate::network::{
        ETHERNET_MTU, EncapType, Gateway, Host, HostName, MacAddr, Model, Network, NetworkId,
        Objects, PhysicalNetwork, Port, PortId, Router, RouterId, Segment, Subnet, SubnetId,
    };

    fn host(name: &str, gateway_priority: u16, is_mapped: bool) -> Host {
        let mapping = (PhysicalNetwork::from("physnet1"), "br-ex".to_owned());
        Host {
            name: name.into(),
            encap_ip: None,
            encap_types: EncapType::ALL.into(),
            bridge_mappings: is_mapped.then_some(mapping).into_iter().collect(),
            mtu: ETHERNET_MTU,
            gateway_priority,
            preemptive: false,
        }
    }

    /// So many routers to one external network, and hosts.
    fn model(routers: u128, hosts: Vec<Host>) -> Model {
        let subnet = "203.0.113.0/24".parse().unwrap();
        let subnet = Subnet::new(SubnetId(Uuid::from_u128(2)), String::new(), subnet, None);
        let network = Network {
            id: NetworkId(Uuid::from_u128(1)),
            name: String::new(),
            project: String::new(),
            segment: Segment::Flat {
                physical_network: "physnet1".into(),
            },
            mtu: None,
            dns_domain: String::new(),
            igmp_snooping: None,
            subnets: vec![subnet.unwrap()],
        };
        let port = |number: u128| Port {
            id: PortId(Uuid::from_u128(0x1000 + number)),
            network: network.id,
            mac_address: MacAddr([0xfa, 0x16, 0x3e, 0, 0, u8::try_from(number).unwrap()]),
            name: String::new(),
            project: String::new(),
            fixed_ips: Vec::new(),
            security_groups: Vec::new(),
            port_security_enabled: false,
            allowed_address_pairs: Vec::new(),
            admin_state_up: true,
            host: None,
            migrating_to: None,
            dns_name: String::new(),
            extra_dhcp_opts: Default::default(),
            machine: Default::default(),
        };
        let router = |number: u128| Router {
            id: RouterId(Uuid::from_u128(0x2000 + number)),
            name: String::new(),
            project: String::new(),
            admin_state_up: true,
            interfaces: Vec::new(),
            gateway: Some(Gateway {
                port: port(number).id,
                enable_snat: true,
            }),
            routes: Vec::new(),
        };
        let objects = Objects {
            ports: (0..routers).map(port).collect(),
            routers: (0..routers).map(router).collect(),
            networks: vec![network.clone()],
            hosts,
            address_groups: Vec::new(),
            security_groups: Vec::new(),
            trunks: Vec::new(),
            floating_ips: Vec::new(),
            logs: Vec::new(),
        };
        Model::new(objects).unwrap()
    }

    fn router(model: &Model) -> &Router {
        model.routers().next().unwrap()
    }

    /// The gateway hosts of all routers, as one host sees them.
    fn seen(model: &Model, host: &str, failover: &Failover) -> Vec<HostName> {
        let host = host.into();
        let view = View {
            model,
            host: &host,
            failover,
        };
        let hosts = model.routers().map(|router| view.gateway_host(router));
        hosts.map(|host| host.unwrap().clone()).collect()
    }

    /// The same, with hosts that are gone.
    fn gateways(model: &Model, host: &str, unreachable: &[&str]) -> Vec<HostName> {
        let unreachable = unreachable.iter().map(|name| HostName::from(*name));
        seen(model, host, &Failover::without(unreachable))
    }

    /// What a host has to tell of its taking over the first router.
    fn takeover(model: &Model, host: &str, failover: &Failover) -> Option<Takeover> {
        let host = host.into();
        let view = View {
            model,
            host: &host,
            failover,
        };
        view.takeover(router(model))
    }

    #[test]
    fn hosts_of_one_priority_share_the_routers_and_all_know_how() {
        let hosts = ["a", "b", "c"].map(|name| host(name, 0, true));
        let off = host("off", 9, false);
        let model = model(60, hosts.into_iter().chain([off]).collect());
        let chosen = gateways(&model, "a", &[]);
        assert_eq!(chosen, gateways(&model, "off", &[]));
        for name in ["a", "b", "c"] {
            let own = chosen.iter().filter(|host| host.as_str() == name).count();
            assert!((10..=30).contains(&own), "{name} has {own} of 60");
        }
        // Who goes loses its own, and nobody else's move.
        let without = gateways(&model, "a", &["b"]);
        for (before, after) in chosen.iter().zip(&without) {
            assert_ne!(after.as_str(), "b");
            assert!(before.as_str() == "b" || before == after);
        }
    }

    #[test]
    fn the_greatest_priority_leads_while_it_is_there() {
        let hosts = vec![host("a", 1, true), host("b", 0, true), host("c", 2, true)];
        let model = model(8, hosts);
        let all_by = |unreachable: &[&str], expected: &str| {
            let chosen = gateways(&model, "b", unreachable);
            assert!(
                chosen.iter().all(|host| host.as_str() == expected),
                "{chosen:?}"
            );
        };
        all_by(&[], "c");
        all_by(&["c"], "a");
        all_by(&["c", "a"], "b");
        // If all seem to be gone, it is as if none was.
        all_by(&["a", "b", "c"], "c");
    }

    /// Three hosts of which `a` comes first, then `b`.
    fn ranked() -> Vec<Host> {
        vec![host("a", 2, true), host("b", 1, true), host("c", 0, true)]
    }

    #[test]
    fn a_host_that_may_be_alone_leads_nothing_unless_nobody_else_can() {
        let alone = |unreachable: [&str; 2]| Failover {
            stands_back: true,
            ..Failover::without(unreachable.map(HostName::from))
        };
        let model = model(1, ranked());
        assert_eq!(seen(&model, "c", &alone(["a", "b"])), ["a".into()]);
        assert_eq!(seen(&model, "a", &alone(["b", "c"])), ["b".into()]);
        // The others do not care what it thinks of itself.
        assert_eq!(gateways(&model, "b", &["a"]), ["b".into()]);
        let only = self::model(1, vec![host("a", 0, true), host("b", 0, false)]);
        assert_eq!(seen(&only, "a", &alone(["b", "b"])), ["a".into()]);
    }

    #[test]
    fn a_host_without_uplink_hands_over() {
        let model = model(1, ranked());
        let lost = |hosts: &[&str], physical_network: &str| {
            let lost = BTreeSet::from([PhysicalNetwork::from(physical_network)]);
            let hosts = hosts.iter().map(|host| HostName::from(*host));
            Failover {
                cut_off: hosts.map(|host| (host, lost.clone())).collect(),
                ..Failover::default()
            }
        };
        for viewer in ["a", "b", "c"] {
            let see = |failover: &Failover| seen(&model, viewer, failover);
            assert_eq!(see(&lost(&["a"], "physnet1")), ["b".into()]);
            assert_eq!(see(&lost(&["a", "b"], "physnet1")), ["c".into()]);
            assert_eq!(see(&lost(&["a"], "physnet2")), ["a".into()]);
            // If nobody has an uplink, nothing is gained by moving.
            assert_eq!(see(&lost(&["a", "b", "c"], "physnet1")), ["a".into()]);
        }
    }

    #[test]
    fn the_return_of_a_host_moves_nothing_unless_it_is_preemptive() {
        let mut hosts = ranked();
        let model = model(1, hosts.clone());
        let gone = Failover::without(["a".into()]);
        assert_eq!(takeover(&model, "a", &Failover::default()), None);
        assert_eq!(takeover(&model, "c", &gone), None);
        let taken = takeover(&model, "b", &gone).unwrap();
        assert_eq!((taken.term, taken.host.as_str()), (1, "b"));
        let knowing = |taken: &Takeover, unreachable: &[&str]| Failover {
            takeovers: [(router(&model).id, taken.clone())].into(),
            ..Failover::without(unreachable.iter().map(|name| HostName::from(*name)))
        };
        let back = knowing(&taken, &[]);
        for viewer in ["a", "b", "c"] {
            assert_eq!(seen(&model, viewer, &back), ["b".into()]);
            assert_eq!(takeover(&model, viewer, &back), None);
        }
        // The incumbent fails in turn: the first choice leads, and keeps it in turn.
        let gone = knowing(&taken, &["b"]);
        assert_eq!(seen(&model, "a", &gone), ["a".into()]);
        let again = takeover(&model, "a", &gone).unwrap();
        assert!(again > taken);
        assert_eq!(seen(&model, "b", &knowing(&again, &[])), ["a".into()]);

        hosts[0].preemptive = true;
        let preemptive = self::model(1, hosts);
        assert_eq!(seen(&preemptive, "c", &back), ["a".into()]);
        let again = takeover(&preemptive, "a", &back).unwrap();
        assert!(again > taken);
    }

    #[test]
    fn priorities_that_an_operator_changes_end_a_takeover() {
        let before = model(1, ranked());
        let taken = takeover(&before, "b", &Failover::without(["a".into()])).unwrap();
        let back = Failover {
            takeovers: [(router(&before).id, taken.clone())].into(),
            ..Failover::default()
        };
        let mut hosts = ranked();
        hosts[0].gateway_priority = 3;
        let after = model(1, hosts);
        assert_eq!(seen(&after, "c", &back), ["a".into()]);
        // The old priorities do not bring the old takeover back.
        let again = takeover(&after, "a", &back).unwrap();
        assert!(again > taken);
        let back = Failover {
            takeovers: [(router(&before).id, again)].into(),
            ..Failover::default()
        };
        assert_eq!(seen(&before, "c", &back), ["a".into()]);
    }
}
