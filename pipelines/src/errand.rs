//! What a router needs done about a packet that it cannot forward by itself.
//!
//! A flow shows the packet to the agent. The registers that come with it say which router it is in,
//! and on which network; its MAC addresses say which port of the router that is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::{
    action::{Action, Group, Resubmit, SetField},
    field::{
        Field, GroupId, IN_PORT, PortNo, REG5, REG6, REG8, REG10, REG11, REG12, REG13, REG14,
        REG15, XXREG3,
    },
    matching::Match,
};

use crate::{
    br_int,
    network::{MacAddr, RouterPort},
    registers::{ATTEMPTS, NETWORK, NEXT_HOP, NEXT_HOP_V6, PORT, ROUTER, SENDER, TOO_LARGE},
    routed::{AnsweredPort, Side},
    site::Site,
};

/// The registers that hold an IPv6 next station.
const NEXT_HOP_QUARTERS: [Field<u32>; 4] = [REG12, REG13, REG14, REG15];

/// A packet in a router, at one of its ports.
#[derive(Clone, Copy, Debug)]
pub struct Errand<'a> {
    answered: AnsweredPort<'a>,
    /// The local port that sent the packet, as the register PORT holds it.
    sender: u32,
}

impl<'a> Errand<'a> {
    /// The errand that a packet is, by what comes with it and the MAC of a port of the router.
    pub fn of(site: &'a Site, metadata: &Match, mac: MacAddr) -> Option<Self> {
        Self::at(site, metadata, |answered| answered.port.mac_address == mac)
    }

    /// A neighbour solicitation, by what comes with it and the address that it asks for.
    pub fn solicited(site: &'a Site, metadata: &Match, target: Ipv6Addr) -> Option<Self> {
        let network = metadata.value(REG6)?;
        Self::at(site, metadata, |answered| {
            let mut addresses = answered.addresses();
            u32::from(answered.network.vlan) == network
                && addresses.any(|ip| ip == IpAddr::V6(target))
        })
    }

    /// The packet at the port of its router that fits.
    fn at(
        site: &'a Site,
        metadata: &Match,
        fits: impl Fn(&AnsweredPort<'a>) -> bool,
    ) -> Option<Self> {
        let number = metadata.value(REG10)?;
        let mut routers = site.routers.iter();
        let (id, _) = routers.find(|(_, of)| u32::from(**of) == number)?;
        let router = site.router(*id)?.router;
        let model = site.model();
        let floating_ips = model.floating_ips_of(*id).map(|ip| ip.port);
        let gateway = router.gateway.map(|gateway| gateway.port);
        let ports = router
            .interfaces
            .iter()
            .copied()
            .chain(gateway)
            .chain(floating_ips);
        let mut answered = ports.filter_map(|port| site.answered_port(port));
        Some(Self {
            answered: answered.find(fits)?,
            sender: metadata.value(REG5).unwrap_or(0),
        })
    }

    /// The MTU of the network that the packet does not fit, if it was found too large.
    pub fn exceeded_mtu(&self, metadata: &Match) -> Option<u16> {
        let flags = metadata.value(REG11).unwrap_or(0);
        if TOO_LARGE.of(flags) == 0 {
            return None;
        }
        let AnsweredPort {
            router, network, ..
        } = self.answered;
        if let Side::Outside = self.answered.side {
            return self.answered.tight_mtu();
        }
        let vlan = metadata.value(REG6)?;
        if u32::from(network.vlan) == vlan {
            // It did not enter another network of the router.
            return router.outside_mtu();
        }
        let site = router.site;
        let mut networks = site.local_vlans.iter();
        let (to, _) = networks.find(|(_, of)| u32::from(**of) == vlan)?;
        Some(site.network(*to)?.mtu())
    }

    /// Whether the sender of a packet knows its destination by this address: what was translated
    /// is of no use to who sent it.
    pub fn may_quote(&self, destination: IpAddr) -> bool {
        let AnsweredPort {
            router, port, side, ..
        } = self.answered;
        let is_translated = side == Side::Outside && destination.is_ipv4();
        !is_translated || !router.translates_sources() || port.fixed_ips.contains(&destination)
    }

    /// The MAC of the port.
    pub fn mac_address(&self) -> MacAddr {
        self.answered.port.mac_address
    }

    /// The IPv4 address of the port.
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        let mut ips = self.answered.port.fixed_ips.iter();
        ips.find_map(|ip| match ip {
            IpAddr::V4(ip) => Some(*ip),
            IpAddr::V6(_) => None,
        })
    }

    /// The IPv6 address of the port: one that others can answer to, if it has one.
    pub fn ipv6(&self) -> Ipv6Addr {
        let mut ips = self.answered.port.fixed_ips.iter();
        let known = ips.find_map(|ip| match ip {
            IpAddr::V6(ip) => Some(*ip),
            IpAddr::V4(_) => None,
        });
        known.unwrap_or_else(|| self.mac_address().link_local())
    }

    /// Whether an address is the router's, in a network that it joins.
    pub fn is_own(&self, ip: IpAddr) -> bool {
        self.answered.router.addresses().contains(&ip)
    }

    /// Whether the router answers pings of an address at this port.
    pub fn answers_ping(&self, ip: IpAddr) -> bool {
        let AnsweredPort {
            router, port, side, ..
        } = self.answered;
        if side == Side::Inside {
            return self.is_own(ip);
        }
        let model = router.site.model();
        // What a floating IP stands for answers by itself.
        let target = match model.router_port(port.id) {
            Some(RouterPort::FloatingIp(id)) => model.floating_ip(id).and_then(|ip| ip.target),
            _ => None,
        };
        target.is_none() && self.answered.addresses().any(|own| own == ip)
    }

    /// What brings a packet of the router's own to an address.
    ///
    /// To the inside it is routed. What goes outside has the address that it is to have there, and
    /// goes on the link that the question came from.
    pub fn way_to(&self, ip: IpAddr) -> Option<Vec<Action>> {
        let AnsweredPort {
            router, port, side, ..
        } = self.answered;
        if let Side::Inside = side {
            return Some(self.way_inside());
        }
        let mut subnets = router.site.model().subnets_of(port);
        let next_hop = match subnets.find(|subnet| subnet.cidr().contains(&ip)) {
            Some(_) => ip,
            None => {
                let mut subnets = router.site.model().subnets_of(port);
                subnets.find_map(|subnet| {
                    let gateway = subnet.gateway_ip();
                    gateway.filter(|gateway| gateway.is_ipv4() == ip.is_ipv4())
                })?
            }
        };
        Some(self.way_on(next_hop, 0))
    }

    /// What brings a packet of the router's own wherever it leads.
    fn way_inside(&self) -> Vec<Action> {
        let number = self.answered.router.number.into();
        vec![ROUTER.set(number), Resubmit::to(br_int::ROUTES).into()]
    }

    /// What a packet passes that comes back from a network that another entered: what comes from
    /// outside is translated back.
    pub fn way_back(&self) -> Vec<Action> {
        if let Side::Inside = self.answered.side {
            return self.way_inside();
        }
        vec![
            NETWORK.set(self.answered.network.vlan.into()),
            ROUTER.set(self.answered.router.number.into()),
            Resubmit::to(br_int::FROM_OUTSIDE).into(),
        ]
    }

    /// What brings a frame to everybody on the network.
    pub fn way_to_everyone(&self) -> Vec<Action> {
        let vlan = self.answered.network.vlan.into();
        let everyone = GroupId(vlan);
        vec![NETWORK.set(vlan), Group { group: everyone }.into()]
    }

    /// What has a packet look for its next station again.
    pub fn way_on(&self, next_hop: IpAddr, attempts: u32) -> Vec<Action> {
        let next_hop = match next_hop {
            IpAddr::V4(ip) => NEXT_HOP.set(ip.into()),
            IpAddr::V6(ip) => SetField::new(NEXT_HOP_V6, ip.into()).into(),
        };
        vec![
            PORT.set(self.sender),
            NETWORK.set(self.answered.network.vlan.into()),
            ROUTER.set(self.answered.router.number.into()),
            ATTEMPTS.set(attempts),
            next_hop,
            Resubmit::to(br_int::NEIGHBOURS).into(),
        ]
    }
}

/// What returns an answer to the port that a packet came in by: that port, and the actions.
///
/// `None` if the packet's metadata lacks its network or its port.
pub fn return_path(metadata: &Match) -> Option<(PortNo, Vec<Action>)> {
    let network = metadata.value(REG6)?;
    let actions = vec![
        NETWORK.set(network),
        SENDER.set(metadata.value(REG8).unwrap_or(0)),
        Resubmit::to(br_int::ROUTER_ANSWERS).into(),
    ];
    Some((metadata.value(IN_PORT)?, actions))
}

/// The next station of a packet, of IPv4 or IPv6.
pub fn next_hop(metadata: &Match, is_ipv4: bool) -> Option<IpAddr> {
    match is_ipv4 {
        true => Some(Ipv4Addr::from(metadata.value(REG12)?).into()),
        false => {
            let whole = metadata.value(XXREG3);
            let quarters = NEXT_HOP_QUARTERS.map(|quarter| metadata.value(quarter).unwrap_or(0));
            let [a, b, c, d] = quarters.map(u128::from);
            let joined = (a << 96) | (b << 64) | (c << 32) | d;
            Some(Ipv6Addr::from(whole.unwrap_or(joined)).into())
        }
    }
}

/// How often the next station of a packet has been asked for.
pub fn attempts(metadata: &Match) -> u32 {
    ATTEMPTS.of(metadata.value(REG11).unwrap_or(0))
}
