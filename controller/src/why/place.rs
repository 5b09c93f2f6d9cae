//! Where a question is asked: the description and the switch of one host.

use std::net::IpAddr;

use openflow::field::PortNo;
use pipelines::cookie::Cookie;
use pipelines::network::{MacAddr, Model, Port, Router, Segment};
use pipelines::site::Site;

use crate::board::{Knowledge, View};
use crate::status::{PortState, Status};
use crate::vswitch::Link;

/// What is known where a question is asked.
pub(super) struct Place<'a> {
    pub(super) view: &'a View,
    pub(super) model: &'a Model,
    pub(super) site: &'a Site,
    knowledge: &'a Knowledge,
}

impl<'a> Place<'a> {
    /// Takes what the agent knows.
    ///
    /// # Errors
    ///
    /// It knows too little yet.
    pub(super) fn new(knowledge: &'a Knowledge) -> Result<Self, String> {
        let view = &*knowledge.view;
        let site = (view.site.as_deref())
            .ok_or("the agent programs no bridge yet; brint status says why")?;
        Ok(Self {
            view,
            model: site.model(),
            site,
            knowledge,
        })
    }

    /// Whether an address is in a subnet of a port, or in none of its affair, as what is link-local.
    pub(super) fn is_on_link(&self, port: &Port, address: IpAddr) -> bool {
        let mut subnets = self.model.subnets_of(port);
        subnets.any(|subnet| subnet.cidr().contains(&address))
    }

    /// The routers that join the network of a port, or lead it outside.
    fn routers(&self, port: &Port) -> impl Iterator<Item = &'a Router> {
        let model = self.model;
        model
            .routers_of(port.network)
            .filter(|router| router.admin_state_up)
    }

    /// The MAC to which a port sends what is for an address elsewhere.
    pub(super) fn gateway_mac(&self, port: &Port, address: IpAddr) -> Option<MacAddr> {
        let model = self.model;
        let subnets = model.subnets_of(port);
        let mut gateways = subnets.filter_map(|subnet| subnet.gateway_ip());
        let gateway = gateways.find(|ip| ip.is_ipv4() == address.is_ipv4())?;
        let ports = self
            .routers(port)
            .flat_map(|router| model.ports_of_router(router));
        let mut ports = ports.filter(|interface| interface.network == port.network);
        let interface = ports.find(|interface| interface.fixed_ips.contains(&gateway))?;
        Some(interface.mac_address)
    }

    /// Whether one router joins the networks of two ports.
    pub(super) fn are_routed(&self, one: &Port, other: &Port) -> bool {
        let joined = |router: &Router| {
            let mut ports = self.model.ports_of_router(router);
            ports.any(|interface| interface.network == other.network)
        };
        self.routers(one).any(joined)
    }

    /// The port with an address in a network that a router joins to another port's.
    pub(super) fn routed_holder(&self, asked: &Port, address: IpAddr) -> Option<&'a Port> {
        let model = self.model;
        let interfaces = self
            .routers(asked)
            .flat_map(|router| router.interfaces.iter());
        let joined = interfaces.filter_map(|id| model.port(*id));
        let mut ports = joined.flat_map(|interface| model.ports_of(interface.network));
        let is_own = |port: &&Port| model.router_port(port.id).is_none();
        ports.find(|port| port.fixed_ips.contains(&address) && is_own(port))
    }

    /// The port that a text names.
    pub(super) fn port_named(&self, text: &str) -> Result<&'a Port, String> {
        self.view.port_named(text)?.ok_or_else(|| {
            format!("no port of the description has the name, UUID, interface or number {text}")
        })
    }

    /// Why a port cannot send and receive here at all; `None` if it can.
    ///
    /// # Errors
    ///
    /// It belongs to another host, which would know.
    pub(super) fn is_absent(&self, port: &Port) -> Result<Option<String>, String> {
        let name = &port.name;
        if !self.site.has(port.id)
            && let Some(host) = &port.host
            && !port.hosts().any(|host| host == self.site.host())
        {
            return Err(format!(
                "port {name} is not bound on this host, but belongs to host {host}: ask there"
            ));
        }
        let status = Status::of(self.knowledge);
        let found = status.ports.iter().find(|found| found.id == port.id.0);
        Ok(match found {
            None => Some(format!("{name} is not bound on this host, nor on another")),
            Some(found) => match (found.state, &found.reason) {
                (PortState::Bound, _) => None,
                (PortState::Down, _) if port.admin_state_up => {
                    Some(format!("the parent port of {name} is down"))
                }
                (PortState::Down, _) => Some(format!("{name} is down (admin_state_up is false)")),
                (PortState::Waiting, Some(reason)) => {
                    Some(format!("{name} is not bound on this host: {reason}"))
                }
                (PortState::Waiting, None) => Some(format!("{name} is not bound on this host")),
            },
        })
    }

    /// Where frames of a port here enter br-int: its number, or its parent's and its VLAN there.
    pub(super) fn entry(&self, port: &Port) -> Option<(PortNo, Option<u16>)> {
        match self.model.parent(port.id) {
            Some((parent, vlan)) => {
                let number = self.site.bindings.get(&parent.id)?;
                Some((*number, Some(vlan.get())))
            }
            None => Some((*self.site.bindings.get(&port.id)?, None)),
        }
    }

    /// Where frames from other hosts enter br-int that are for the network of a port.
    pub(super) fn outside(&self, port: &Port) -> Option<(PortNo, Option<u16>)> {
        let network = self.model.network(port.network)?;
        let physical_network = network.segment.physical_network();
        let provider = physical_network.and_then(|name| self.site.providers.get(name));
        match &network.segment {
            Segment::Local => None,
            Segment::Vxlan { .. } | Segment::Gre { .. } | Segment::Geneve { .. } => {
                let vlan = self.site.local_vlans.get(&port.network)?;
                Some((self.site.patch_tun?, Some(vlan.get())))
            }
            Segment::Flat { .. } => Some((provider?.int, None)),
            Segment::Vlan { vlan, .. } => Some((provider?.int, Some(vlan.get()))),
        }
    }

    /// The port that a flow comes from, by its cookie.
    pub(super) fn port_of(&self, cookie: u64) -> Option<&'a Port> {
        let mut ports = self.model.ports().filter(|port| self.site.has(port.id));
        ports.find(|port| Cookie::of(port.id.0).get() == cookie)
    }

    /// The port here that an OpenFlow number of br-int is for.
    pub(super) fn port_at(&self, number: u32) -> Option<&'a Port> {
        let mut bindings = self.site.bindings.iter();
        let (id, _) = bindings.find(|(_, bound)| bound.0 == number)?;
        self.model.port(*id)
    }

    /// The name of a port that leads away from this host; `None` if it leads to another bridge of
    /// it.
    pub(super) fn way(&self, bridge: &str, number: PortNo) -> Option<String> {
        let tables = &self.view.tables;
        let mut interfaces = tables.interfaces_of(bridge);
        let interface = interfaces.find(|interface| tables.ofport(interface) == Some(number.0));
        let Some(interface) = interface else {
            return Some(format!("port {number} of {bridge}"));
        };
        let bridges = self.view.desired.as_ref();
        let bridges = bridges.map(|desired| &desired.configuration.bridges);
        let mut links = bridges.into_iter().flat_map(|bridges| bridges.values());
        let is_patch = links.any(|bridge| {
            let mut links = bridge.ports.iter();
            links.any(|(name, link)| match link {
                Link::Patch { peer } => name == interface || peer == interface,
                Link::Tunnel { .. } => false,
            })
        });
        (!is_patch).then(|| interface.to_owned())
    }
}
