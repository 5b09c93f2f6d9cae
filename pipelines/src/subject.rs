//! Units together with what they name, as one bridge sees them.
//!
//! Tables read subjects. Looking things up is done here once, so that a table only says what its
//! flows are.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use ipnet::IpNet;
use openflow::field::PortNo;

use crate::{
    bridge::Bridge,
    cookie::Cookie,
    network::{EncapType, Ethertype, MacAddr, NetworkId, Port, RemoteSet, SecurityGroup},
    routed::{AnsweredPort, LocalFloatingIp, LocalRouter},
    site::{LocalNetwork, LocalPort, ProviderPatch, RemotePort, Site},
    unit::Unit,
};

/// A unit together with what it names, as one bridge sees it.
pub(crate) enum Subject<'a> {
    /// The bridge itself.
    Bridge(&'a Site),
    /// The provider bridge itself.
    Provider(ProviderPatch),
    /// Another host.
    Host {
        /// The tunnels to it.
        tunnels: BTreeSet<(EncapType, PortNo)>,
        /// Whether its agent talks to the one here.
        is_peer: bool,
    },
    /// A network.
    Network(LocalNetwork<'a>),
    /// A MAC of a network.
    Station(Station<'a>),
    /// A port that is plugged in and up.
    Port(LocalPort<'a>),
    /// A port that is plugged in and down.
    DeadPort(LocalPort<'a>),
    /// A port that is not here; on br-tun only if it is behind a tunnel.
    RemotePort(RemotePort<'a>),
    /// A port of a router or a floating IP, that this host answers for.
    AnsweredPort(AnsweredPort<'a>),
    /// A router that forwards here.
    Router(LocalRouter<'a>),
    /// A floating IP that is translated here.
    FloatingIp(LocalFloatingIp<'a>),
    /// A member of a set that rules name.
    Member(Member<'a>),
}

/// A MAC, and who answers to it.
pub(crate) struct Station<'a> {
    pub(crate) network: LocalNetwork<'a>,
    pub(crate) mac: MacAddr,
    /// Those that are plugged in here and up.
    pub(crate) local: Vec<LocalPort<'a>>,
    /// Those that are, or may come up, elsewhere.
    pub(crate) elsewhere: Vec<&'a Port>,
    /// The port of a router, if this host answers for it.
    pub(crate) answered: Option<AnsweredPort<'a>>,
}

impl<'a> Station<'a> {
    /// Absent when no port of the network answers to the MAC.
    fn new(network: LocalNetwork<'a>, mac: MacAddr) -> Option<Self> {
        let site = network.site;
        let mut ports = site.model().ports_at(network.network.id, mac).peekable();
        ports.peek()?;
        let mut station = Self {
            network,
            mac,
            local: Vec::new(),
            elsewhere: Vec::new(),
            answered: None,
        };
        for port in ports {
            let local = site.port(port.id).filter(LocalPort::is_up);
            station.local.extend(local);
            if site.is_elsewhere(port) {
                station.elsewhere.push(port);
            }
            station.answered = station.answered.or_else(|| site.answered_port(port.id));
        }
        Some(station)
    }

    /// The only port that answers to the MAC, if it is here.
    pub(crate) fn sole(&self) -> Option<LocalPort<'a>> {
        match (self.local.as_slice(), self.elsewhere.as_slice()) {
            ([port], []) => Some(*port),
            _ => None,
        }
    }

    /// Whether it is elsewhere, on hosts that the model names.
    pub(crate) fn is_located(&self) -> bool {
        let site = self.network.site;
        let located =
            |port: &&Port| port.host.is_some() || site.model().router_port(port.id).is_some();
        !self.elsewhere.is_empty() && self.elsewhere.iter().all(located)
    }

    /// The tunnels behind which somebody answers to the MAC.
    pub(crate) fn tunnels(&self) -> BTreeSet<PortNo> {
        self.elsewhere
            .iter()
            .flat_map(|port| self.network.tunnels_to(port))
            .collect()
    }
}

/// Addresses that belong to a set which rules in a network name.
pub(crate) struct Member<'a> {
    pub(crate) network: LocalNetwork<'a>,
    pub(crate) addresses: BTreeSet<IpNet>,
    /// MACs that it sends from any address with.
    pub(crate) macs: BTreeSet<(Ethertype, MacAddr)>,
    pub(crate) remote: RemoteSet,
    /// The groups that have these rules.
    pub(crate) groups: Rc<[&'a SecurityGroup]>,
}

/// Which groups of a network name a set.
///
/// All members of a set ask the same, so the answer is kept while units are compiled.
#[derive(Default)]
pub(crate) struct Naming<'a>(BTreeMap<(NetworkId, RemoteSet), Rc<[&'a SecurityGroup]>>);

impl<'a> Naming<'a> {
    fn groups(&mut self, network: LocalNetwork<'a>, remote: RemoteSet) -> Rc<[&'a SecurityGroup]> {
        let names = |group: &&SecurityGroup| {
            let mut rules = group.rules.iter();
            rules.any(|rule| rule.remote().set() == Some(remote))
        };
        let groups = self
            .0
            .entry((network.network.id, remote))
            .or_insert_with(|| {
                let groups = network.security_groups().into_iter();
                groups.filter(names).collect()
            });
        Rc::clone(groups)
    }
}

impl<'a> Subject<'a> {
    /// Looks a unit up; absent when what it names is gone, or says nothing to this bridge.
    pub(crate) fn new(
        site: &'a Site,
        bridge: &Bridge,
        unit: &Unit,
        naming: &mut Naming<'a>,
    ) -> Option<Self> {
        match bridge {
            Bridge::Integration => Self::of(site, unit, naming),
            // Rules are a matter of br-int.
            _ if matches!(unit, Unit::Member { .. } | Unit::Address { .. }) => None,
            Bridge::Tunnel => Self::of(site, unit, naming).filter(Self::is_in_tunnels),
            Bridge::Provider(physical_network) => match (unit, Self::of(site, unit, naming)?) {
                (Unit::Bridge, _) => site
                    .providers
                    .get(physical_network)
                    .copied()
                    .map(Self::Provider),
                (_, subject @ Self::Network(network)) => {
                    let here = network.network.segment.physical_network() == Some(physical_network);
                    here.then_some(subject)
                }
                _ => None,
            },
        }
    }

    /// Whether a port that is not here is behind a tunnel.
    fn is_in_tunnels(&self) -> bool {
        match self {
            Self::RemotePort(remote) => !remote.network.tunnels_to(remote.port).is_empty(),
            _ => true,
        }
    }

    fn of(site: &'a Site, unit: &Unit, naming: &mut Naming<'a>) -> Option<Self> {
        Some(match unit {
            Unit::Bridge => Self::Bridge(site),
            Unit::Host(host) => Self::Host {
                tunnels: site.tunnels_to(host).into_iter().collect(),
                is_peer: site.peers.contains(host),
            },
            Unit::Network(id) => Self::Network(site.network(*id)?),
            Unit::Station(id, mac) => Self::Station(Station::new(site.network(*id)?, *mac)?),
            Unit::Member {
                remote,
                network,
                port,
            } => {
                let network = site.network(*network)?;
                let port = site.model().port(*port)?;
                if !port.security_groups.contains(remote) {
                    return None;
                }
                let remote = RemoteSet::Group(*remote);
                Self::Member(Member {
                    network,
                    addresses: port.addresses(),
                    // In another network the same MAC may be somebody else's.
                    macs: match port.network == network.network.id {
                        true => port.macs_for_any(),
                        false => BTreeSet::new(),
                    },
                    remote,
                    groups: naming.groups(network, remote),
                })
            }
            Unit::Address {
                group,
                network,
                block,
            } => {
                let network = site.network(*network)?;
                let addresses = &site.model().address_group(*group)?.addresses;
                if !addresses.contains(block) {
                    return None;
                }
                let remote = RemoteSet::AddressGroup(*group);
                Self::Member(Member {
                    network,
                    addresses: [*block].into(),
                    macs: BTreeSet::new(),
                    remote,
                    groups: naming.groups(network, remote),
                })
            }
            Unit::Port(id) => match (site.port(*id), site.answered_port(*id)) {
                (Some(local), _) if local.is_up() => Self::Port(local),
                (Some(local), _) => Self::DeadPort(local),
                (None, Some(answered)) => Self::AnsweredPort(answered),
                (None, None) => Self::RemotePort(site.remote_port(*id)?),
            },
            Unit::Router(id) => Self::Router(site.router(*id)?),
            Unit::FloatingIp(id) => {
                let floating_ip = site.model().floating_ip(*id)?;
                Self::FloatingIp(site.floating_ip(floating_ip)?)
            }
        })
    }

    /// The object that the unit's flows come from.
    pub(crate) fn cookie(&self, unit: &Unit) -> Cookie {
        match (unit, self) {
            (Unit::Bridge, _) => Cookie::BRIDGE,
            (Unit::Host(host), _) => Cookie::of_host(host),
            (Unit::Port(id), _) => Cookie::of(id.0),
            (Unit::Router(id), _) => Cookie::of(id.0),
            (Unit::FloatingIp(id), _) => Cookie::of(id.0),
            (Unit::Member { remote, .. }, _) => Cookie::of(remote.0),
            (Unit::Address { group, .. }, _) => Cookie::of(group.0),
            // A MAC that one port has is that port's affair.
            (Unit::Station(..), Self::Station(station)) => {
                let here = station.local.iter().map(|local| local.port.id);
                let elsewhere = station.elsewhere.iter().map(|port| port.id);
                let ports: BTreeSet<_> = here.chain(elsewhere).collect();
                match ports.first() {
                    Some(port) if ports.len() == 1 => Cookie::of(port.0),
                    _ => Cookie::of(station.network.network.id.0),
                }
            }
            (Unit::Network(id) | Unit::Station(id, _), _) => Cookie::of(id.0),
        }
    }
}
