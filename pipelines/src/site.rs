//! What the compilers of flows read: the model as one host sees it.
//!
//! Which ports are plugged in, and under which numbers, is known to the host's switch and not to
//! the model. These numbers come in as values, so that compiling stays a function: the same site
//! gives the same flows.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use openflow::field::{EthType, PortNo};

use crate::{
    conjunction::{Conjunction, Conjunctions},
    failover::Failover,
    hash::fnv1a,
    link::Dhcp,
    network::{
        EncapType, Host, HostName, MacAddr, Model, Network, NetworkId, PhysicalNetwork, Port,
        PortId, RouterId, Rule, SecurityGroup, Segment, Subnet, Verdict, VlanId,
    },
    unit::differences,
};

/// One host: the model, and the numbers that this host gave to its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    model: Arc<Model>,
    host: HostName,
    conjunctions: Conjunctions,
    /// The number on br-int of each port that is plugged in here.
    ///
    /// What is plugged in counts, wherever the model says that the port should be. A sub-port has
    /// none: it is behind its parent's.
    pub bindings: BTreeMap<PortId, PortNo>,
    /// Ports whose machine is being moved here, and has been heard here.
    ///
    /// It runs here, so nothing for it goes to where it was any more. A sub-port arrives with its
    /// parent.
    pub arrived: BTreeSet<PortId>,
    /// Ports that are about to get another number: what is theirs under the old one would be
    /// somebody else's.
    ///
    /// Until they have it they are down. A sub-port is with its parent.
    pub renumbered: BTreeSet<PortId>,
    /// The local VLAN of each network that has a port here.
    pub local_vlans: BTreeMap<NetworkId, VlanId>,
    /// The number of each router that forwards here, from [`FIRST_ROUTER`] on.
    ///
    /// [`FIRST_ROUTER`]: crate::routing::FIRST_ROUTER
    pub routers: BTreeMap<RouterId, u16>,
    /// What is known of the hosts beside what they are described as.
    pub failover: Failover,
    /// Other hosts whose agents and this one's tell each other what they know of failures.
    pub peers: BTreeSet<HostName>,
    /// What the datapath can do in flows.
    pub features: Features,
    /// What firewalled ports send and get besides IP and ARP, without rules.
    pub permitted_ethertypes: BTreeSet<EthType>,
    /// Whether multicast goes only to those who listen, in networks that do not say.
    pub igmp_snooping: bool,
    /// On br-int, the patch port to br-tun.
    pub patch_tun: Option<PortNo>,
    /// On br-tun, the patch port to br-int.
    pub patch_int: Option<PortNo>,
    /// Both ends of the patch to each provider bridge.
    pub providers: BTreeMap<PhysicalNetwork, ProviderPatch>,
    /// On br-tun, the tunnel port to each remote endpoint.
    pub tunnels: BTreeMap<(EncapType, IpAddr), PortNo>,
}

/// What some datapaths can do in flows and others cannot, where the agent does it instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Flows can write the flags and the options' types of neighbour discovery messages: "IPv6 ND
    /// Extension" in `ovs-appctl dpif/show-dp-features`. The kernel's datapath cannot.
    pub nd_extensions: bool,
}

impl Default for Features {
    /// The datapath in user space.
    fn default() -> Self {
        Self {
            nd_extensions: true,
        }
    }
}

/// The patch between br-int and a provider bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderPatch {
    /// On br-int: `int-br-ex`.
    pub int: PortNo,
    /// On the provider bridge: `phy-br-ex`.
    pub phy: PortNo,
}

impl Site {
    /// A host on which nothing is plugged in yet.
    pub fn new(model: Arc<Model>, host: HostName) -> Self {
        Self {
            conjunctions: Conjunctions::of(&model),
            model,
            host,
            bindings: BTreeMap::new(),
            arrived: BTreeSet::new(),
            renumbered: BTreeSet::new(),
            local_vlans: BTreeMap::new(),
            routers: BTreeMap::new(),
            failover: Failover::default(),
            peers: BTreeSet::new(),
            features: Features::default(),
            permitted_ethertypes: BTreeSet::new(),
            igmp_snooping: false,
            patch_tun: None,
            patch_int: None,
            providers: BTreeMap::new(),
            tunnels: BTreeMap::new(),
        }
    }

    /// The desired network.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The name of this host.
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// Replaces the desired network and keeps the host's numbers.
    pub fn set_model(&mut self, model: Arc<Model>) {
        self.conjunctions = Conjunctions::of(&model);
        self.model = model;
    }

    /// The tunnels that the networks here need: the type, and the remote endpoint.
    ///
    /// A host that shares no network with this one needs none, and both must take the type.
    pub fn wanted_tunnels(&self) -> BTreeSet<(EncapType, IpAddr)> {
        let own = self.model.host(&self.host);
        let wanted = self.networks().flat_map(|network| {
            let takes =
                |encap_type: &EncapType| own.is_some_and(|own| own.endpoint(*encap_type).is_some());
            let encap_type = network
                .tunnel_key()
                .map(|(encap_type, _)| encap_type)
                .filter(takes);
            let hosts = network
                .members()
                .flat_map(|port| self.hosts_of(port))
                .filter_map(|host| self.model.host(host));
            let others: BTreeMap<_, _> = hosts
                .filter(|host| host.name != self.host)
                .map(|host| (&host.name, host))
                .collect();
            encap_type.into_iter().flat_map(move |encap_type| {
                let endpoints = others.clone().into_values();
                endpoints.filter_map(move |host| Some((encap_type, host.endpoint(encap_type)?)))
            })
        });
        wanted.collect()
    }

    /// The first number of a block of conjunctions.
    pub(crate) fn conjunction(&self, conjunction: &Conjunction) -> Option<u32> {
        self.conjunctions.base(conjunction)
    }

    /// The blocks of conjunctions that have another number than in another state of the site.
    pub(crate) fn changed_conjunctions(&self, other: &Self) -> BTreeSet<Conjunction> {
        differences(self.conjunctions.blocks(), other.conjunctions.blocks())
    }

    /// The desired network, to be compared as a whole.
    pub(crate) fn shared_model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The networks that have a local VLAN here.
    pub(crate) fn networks(&self) -> impl Iterator<Item = LocalNetwork<'_>> {
        self.local_vlans.keys().filter_map(|id| self.network(*id))
    }

    /// What this host sends as on a physical network instead of a router's MAC.
    ///
    /// All hosts forward with the same MAC; a physical switch would see it move from one to another
    /// with every packet.
    pub(crate) fn own_mac(&self) -> MacAddr {
        own_mac(&self.host)
    }

    /// One network that has a local VLAN here.
    pub(crate) fn network(&self, id: NetworkId) -> Option<LocalNetwork<'_>> {
        let vlan = *self.local_vlans.get(&id)?;
        Some(LocalNetwork {
            site: self,
            network: self.model.network(id)?,
            vlan,
        })
    }

    /// One port that is plugged in here, whatever its state.
    pub(crate) fn port(&self, id: PortId) -> Option<LocalPort<'_>> {
        let port = self.model.port(id)?;
        Some(LocalPort {
            network: self.network(port.network)?,
            port,
            place: self.attachment(id)?,
        })
    }

    /// The ports that are plugged in here, sub-ports included.
    pub(crate) fn ports_here(&self) -> impl Iterator<Item = PortId> {
        let sub_ports = |parent: &PortId| {
            let trunk = self.model.trunk_of(*parent).into_iter();
            trunk.flat_map(|trunk| trunk.sub_ports.iter().map(|sub_port| sub_port.port))
        };
        let here = self.bindings.keys();
        here.flat_map(move |port| [*port].into_iter().chain(sub_ports(port)))
    }

    /// How a port is plugged in here, by itself or behind its parent.
    pub(crate) fn attachment(&self, id: PortId) -> Option<Attachment> {
        if self.model.router_port(id).is_some() {
            return None;
        }
        if let Some((parent, vlan)) = self.model.parent(id) {
            return Some(Attachment {
                number: *self.bindings.get(&parent.id)?,
                vlan: Some(vlan),
                in_trunk: true,
                up: parent.admin_state_up,
                renumbered: self.renumbered.contains(&parent.id),
            });
        }
        Some(Attachment {
            number: *self.bindings.get(&id)?,
            vlan: None,
            in_trunk: self.model.trunk_of(id).is_some(),
            up: true,
            renumbered: self.renumbered.contains(&id),
        })
    }

    /// Whether a port is plugged in here.
    pub fn has(&self, id: PortId) -> bool {
        let interface = self.model.parent(id).map_or(id, |(parent, _)| parent.id);
        // Nothing is plugged in as a router.
        self.bindings.contains_key(&interface) && self.model.router_port(id).is_none()
    }

    /// Whether a port is on another host too, or only there.
    pub(crate) fn is_elsewhere(&self, port: &Port) -> bool {
        // While a machine moves it is plugged in at both ends.
        let moves = port.migrating_to.is_some() && !self.has_arrived(port.id);
        !self.has(port.id) || moves && self.other_hosts(port).next().is_some()
    }

    /// Whether a machine that is being moved here runs here.
    fn has_arrived(&self, id: PortId) -> bool {
        let interface = self.model.parent(id).map_or(id, |(parent, _)| parent.id);
        self.arrived.contains(&interface)
    }

    /// The hosts that have a port, or that answer for it to this one.
    fn hosts_of<'a>(&'a self, port: &'a Port) -> impl Iterator<Item = &'a HostName> {
        let part = self.model.router_port(port.id);
        let answers = part.and_then(|part| self.view().host_of(part));
        let plugged = port.hosts().filter(move |_| part.is_none());
        plugged.chain(answers)
    }

    /// The hosts that have a port, this one aside.
    fn other_hosts<'a>(&'a self, port: &'a Port) -> impl Iterator<Item = &'a HostName> {
        self.hosts_of(port).filter(|host| **host != self.host)
    }

    /// The addresses that a port has only if its machine takes them: its machine, or another's.
    ///
    /// Pairs are for addresses that move from machine to machine, and who is without port security
    /// has what it likes. Where a port is that is bound nowhere, the model does not know either: an
    /// address may be reserved by such a port for the pairs of others.
    pub(crate) fn claims(&self, port: &Port) -> BTreeSet<IpNet> {
        if self.model.router_port(port.id).is_some() {
            return BTreeSet::new();
        }
        if !port.port_security_enabled {
            let everything = [Ipv4Net::default().into(), Ipv6Net::default().into()];
            return everything.into();
        }
        let pairs = port.allowed_address_pairs.iter();
        let pairs = pairs.map(|pair| pair.ip_address.trunc());
        let reserved = port.all_ips().filter(|_| port.host.is_none());
        pairs.chain(reserved.map(IpNet::from)).collect()
    }

    /// One port that is not here, of a network that has a local VLAN here.
    pub(crate) fn remote_port(&self, id: PortId) -> Option<RemotePort<'_>> {
        let port = self.model.port(id)?;
        let network = self.network(port.network)?;
        (!self.has(id)).then_some(RemotePort { network, port })
    }

    /// The tunnels to another host.
    pub(crate) fn tunnels_to(&self, host: &HostName) -> BTreeMap<EncapType, PortNo> {
        let remote = self
            .model
            .host(host)
            .filter(|remote| remote.name != self.host);
        let tunnel = |remote: &Host, encap_type: EncapType| {
            let endpoint = remote.endpoint(encap_type)?;
            Some((encap_type, *self.tunnels.get(&(encap_type, endpoint))?))
        };
        let tunnels = remote.into_iter().flat_map(|remote| {
            EncapType::ALL
                .into_iter()
                .filter_map(move |encap_type| tunnel(remote, encap_type))
        });
        tunnels.collect()
    }
}

/// The MAC that a host sends with in its own name. It is locally administered.
pub fn own_mac(host: &HostName) -> MacAddr {
    let [_, _, _, b, c, d, e, f] = fnv1a(host.as_str().as_bytes()).to_be_bytes();
    MacAddr([0x02, b, c, d, e, f])
}

/// A network that has a local VLAN on the host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalNetwork<'a> {
    pub(crate) site: &'a Site,
    pub(crate) network: &'a Network,
    pub(crate) vlan: VlanId,
}

impl<'a> LocalNetwork<'a> {
    /// Whether packets from it, or to it, are routed here.
    pub(crate) fn is_routed(&self) -> bool {
        self.site.is_routed(self.network.id)
    }

    /// Whether multicast goes only to those ports that listen.
    pub(crate) fn is_snooped(&self) -> bool {
        let snooping = self.network.igmp_snooping;
        snooping.unwrap_or(self.site.igmp_snooping)
    }

    /// The patch port on br-int that leads to the network's other hosts.
    pub(crate) fn uplink(&self) -> Option<PortNo> {
        match &self.network.segment {
            Segment::Local => None,
            Segment::Vxlan { .. } | Segment::Gre { .. } | Segment::Geneve { .. } => {
                self.site.patch_tun
            }
            Segment::Flat { .. } | Segment::Vlan { .. } => Some(self.provider()?.int),
        }
    }

    /// The patch to the provider bridge, for flat and VLAN.
    pub(crate) fn provider(&self) -> Option<ProviderPatch> {
        let physical_network = self.network.segment.physical_network()?;
        self.site.providers.get(physical_network).copied()
    }

    /// The type of tunnel and the key in it, for networks in tunnels.
    pub(crate) fn tunnel_key(&self) -> Option<(EncapType, u32)> {
        let encap_type = EncapType::of(self.network.segment.network_type())?;
        Some((encap_type, self.network.segment.segmentation_id()?))
    }

    /// The ports that are plugged in here and up.
    pub(crate) fn ports(&self) -> impl Iterator<Item = LocalPort<'a>> {
        let site = self.site;
        let local = self.members().filter_map(|port| site.port(port.id));
        local.filter(LocalPort::is_up)
    }

    /// Every port of the network, on every host.
    pub(crate) fn members(&self) -> impl Iterator<Item = &'a Port> {
        self.site.model.ports_of(self.network.id)
    }

    /// The security groups of its firewalled ports here, in order.
    pub(crate) fn security_groups(&self) -> Vec<&'a SecurityGroup> {
        let firewalled = self.ports().filter(LocalPort::is_firewalled);
        let ids: BTreeSet<_> = firewalled
            .flat_map(|local| local.port.security_groups.iter().copied())
            .collect();
        ids.into_iter()
            .filter_map(|id| self.site.model.security_group(id))
            .collect()
    }

    /// The tunnels to the other hosts of a port.
    pub(crate) fn tunnels_to(&self, port: &Port) -> BTreeSet<PortNo> {
        let hosts = self
            .site
            .other_hosts(port)
            .filter(|_| self.site.is_elsewhere(port));
        hosts.filter_map(|host| self.tunnel(host)).collect()
    }

    /// The tunnel to another host.
    fn tunnel(&self, host: &HostName) -> Option<PortNo> {
        let (encap_type, _) = self.tunnel_key()?;
        self.site.tunnels_to(host).get(&encap_type).copied()
    }

    /// The tunnels to every host that has a port of the network.
    pub(crate) fn tunnels(&self) -> BTreeSet<PortNo> {
        let elsewhere = self.members().filter(|port| self.site.is_elsewhere(port));
        let hosts: BTreeSet<_> = elsewhere
            .flat_map(|port| self.site.hosts_of(port))
            .collect();
        hosts
            .into_iter()
            .filter_map(|host| self.tunnel(host))
            .collect()
    }

    /// Whether tunnels may bring frames from who is not where the model says.
    ///
    /// A machine may use addresses that the model does not know, or be on any host.
    pub(crate) fn has_unknown_places(&self) -> bool {
        let mut open = self.site.model.open_ports_of(self.network.id);
        let model = &self.site.model;
        let lost = |port: &Port| port.host.is_none() && model.router_port(port.id).is_none();
        open.next().is_some() || self.members().any(lost)
    }

    /// Whether a port without port security is plugged in here and up.
    pub(crate) fn has_open_port(&self) -> bool {
        let open = self.site.model.open_ports_of(self.network.id);
        open.filter_map(|port| self.site.port(port.id))
            .any(|port| port.is_up())
    }
}

/// A port that is plugged in on the host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalPort<'a> {
    pub(crate) network: LocalNetwork<'a>,
    pub(crate) port: &'a Port,
    pub(crate) place: Attachment,
}

/// How a port is plugged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// The number on br-int, for a sub-port that of its parent.
    pub(crate) number: PortNo,
    /// The tag of its frames there, for a sub-port.
    pub(crate) vlan: Option<VlanId>,
    /// Whether other ports may have the same number.
    pub(crate) in_trunk: bool,
    /// Whether its parent is up, where it has one.
    up: bool,
    /// Whether it is about to get another number.
    pub(crate) renumbered: bool,
}

impl<'a> LocalPort<'a> {
    /// The number on br-int.
    pub(crate) fn number(&self) -> PortNo {
        self.place.number
    }

    /// What the register holds that tells local ports apart.
    ///
    /// A sub-port shares its parent's number, which has 16 bits, and adds its VLAN.
    pub(crate) fn key(&self) -> u32 {
        let PortNo(number) = self.place.number;
        match self.place.vlan {
            Some(vlan) => (number << 16) | u32::from(vlan),
            None => number,
        }
    }

    /// Whether it may send and receive at all.
    pub(crate) fn is_up(&self) -> bool {
        self.port.admin_state_up && self.place.up && !self.place.renumbered
    }

    /// Whether its machine is on the way here, and may not run here yet.
    pub(crate) fn is_arriving(&self) -> bool {
        let site = self.network.site;
        self.port.migrating_to.as_ref() == Some(&site.host) && !site.has_arrived(self.port.id)
    }

    /// Whether DHCP has something to answer its machine.
    pub(crate) fn has_dhcp(&self, dhcp: Dhcp) -> bool {
        let mut subnets = self.network.network.subnets.iter();
        let offers = |subnet: &Subnet| {
            let mut ips = self.port.fixed_ips.iter();
            subnet.has_dhcp() && ips.any(|ip| dhcp.serves(*ip) && subnet.cidr().contains(ip))
        };
        subnets.any(offers)
    }

    /// The subnets of IPv6 that its machine is told of by router advertisements.
    pub(crate) fn advertised(&self) -> impl Iterator<Item = &'a Subnet> + use<'a> {
        let port = self.port;
        self.network.network.subnets.iter().filter(move |subnet| {
            let mut ips = port.fixed_ips.iter();
            let is_ipv6 = subnet.cidr().network().is_ipv6();
            is_ipv6 && subnet.ipv6_ra_mode.is_some() && ips.any(|ip| subnet.cidr().contains(ip))
        })
    }

    /// Whether there are any.
    pub(crate) fn has_advertisements(&self) -> bool {
        self.advertised().next().is_some()
    }

    /// Whether its machine knows the address of the services.
    pub(crate) fn has_services(&self) -> bool {
        self.has_dhcp(Dhcp::V4)
    }

    /// Whether its machine may ask who it is, and who has a name.
    pub(crate) fn may_ask_services(&self) -> bool {
        !self.port.fixed_ips.is_empty()
    }

    /// Whether sources are checked and groups apply.
    pub(crate) fn is_firewalled(&self) -> bool {
        self.port.port_security_enabled
    }

    /// What else it sends and gets, behind a firewall.
    pub(crate) fn permitted_ethertypes(&self) -> &'a BTreeSet<EthType> {
        &self.network.site.permitted_ethertypes
    }

    /// Whether its connections are tracked: not if all its groups are stateless.
    pub(crate) fn is_stateful(&self) -> bool {
        let mut groups = self.groups().peekable();
        groups.peek().is_none() || groups.any(|group| group.stateful)
    }

    /// Whether the agent is to be shown what the firewall decides so about its packets.
    pub(crate) fn is_logged(&self, verdict: Verdict) -> bool {
        let mut logs = self.network.site.model.logs_of(self.port, verdict);
        logs.next().is_some()
    }

    fn groups(&self) -> impl Iterator<Item = &'a SecurityGroup> {
        let model = &self.network.site.model;
        let groups = self.port.security_groups.iter();
        groups.filter_map(|id| model.security_group(*id))
    }

    /// The rules of its groups, each with its group.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&'a SecurityGroup, &'a Rule)> {
        self.groups()
            .flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
    }
}

/// A port that is not here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RemotePort<'a> {
    pub(crate) network: LocalNetwork<'a>,
    pub(crate) port: &'a Port,
}

impl RemotePort<'_> {
    /// Whether the model says where it is: on another host, or wherever its router answers.
    pub(crate) fn is_placed(&self) -> bool {
        let model = self.network.site.model();
        self.port.host.is_some() || model.router_port(self.port.id).is_some()
    }
}
