//! What the agent answers itself, and whom.
//!
//! A machine asks its network for an address or a router. A flow shows the question to the agent,
//! which knows the model and sends the answer straight back to the port. The flow's table says what
//! is asked for, its cookie which port asks, so that nothing else needs to come with the packet,
//! and what is answered changes no flow.
//!
//! A machine may ask as often as it likes. So the questions of each port pass a meter of its own:
//! who floods the agent is not heard, and the others are.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

use openflow::{
    action::{Action, Output, PushVlan, SetField},
    field::{EthType, MacAddr, MeterId, PortNo, VLAN_VID, VlanVid},
    matching::Match,
    meter::{BandType, Meter, MeterBand, MeterFlags},
};

use crate::{
    br_int,
    cookie::Cookie,
    network::{Network, Port, PortId, Router, Subnet},
    registers::ORIGIN_TABLE,
    routed::LocalRouter,
    site::{LocalPort, Site},
};

/// Where answers come from, on every network: the address that clouds have for services of their
/// own.
///
/// It is link-local, so that no subnet has it, and a machine that asks again asks here, whoever
/// routes for it.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The same for IPv6: what clouds use that serve metadata over it.
pub const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe);

/// The MAC of these addresses: locally administered, the same on every host, so that a machine that
/// moves need not learn another.
pub const SERVER_MAC: MacAddr = MacAddr([0x02, 0x00, 0xa9, 0xfe, 0xa9, 0xfe]);

/// The meters of ports.
///
/// A meter carries no cookie. Those with other numbers, that of [logs](crate::logging) and those of
/// routers aside, are somebody else's. Open vSwitch takes no greater numbers in user space.
pub const METERS: RangeInclusive<MeterId> = MeterId(0x8000)..=MeterId(0xffff);

/// The meters of routers, for packets that no local port sent.
const ROUTER_METERS: RangeInclusive<MeterId> = MeterId(0x7000)..=MeterId(0x7fff);

/// The meter that release 0.1 had for all routers together.
const FORMER_METER: MeterId = MeterId(0x6273);

/// Questions of a port in a second that are answered, and how many more at once.
const RATE: u32 = 100;
const BURST: u32 = 200;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// An IPv4 address, and what else DHCP tells.
    Dhcpv4,
    /// IPv6 addresses, and what else DHCP tells.
    Dhcpv6,
    /// A router, and the prefixes of IPv6.
    RouterAdvertisement,
    /// What the machine is, and who may log in.
    Metadata,
    /// Who has a name.
    Dns,
    /// The MAC of a router or a floating IP, where flows cannot answer.
    Solicitation,
    /// Why a packet goes no further than a router.
    Undelivered,
    /// The MAC of a station that the model does not know.
    Neighbour,
    /// Who listens to multicast, and who routes it.
    Multicast,
}

impl Service {
    /// What a table sends packets to the agent for, by its number; `None` if it sends none.
    pub fn of(table: u8) -> Option<Self> {
        br_int::service(table)
    }

    /// What a packet-in is for, by the table that sent it and the registers that came with it.
    pub fn of_packet(table: u8, metadata: &Match) -> Option<Self> {
        if table != br_int::ROUTER_PACKET_IN.number {
            return Self::of(table);
        }
        let origin = ORIGIN_TABLE.of(metadata.value(ORIGIN_TABLE.field)?);
        Self::of(u8::try_from(origin).ok()?)
    }

    /// Its name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dhcpv4 => "dhcpv4",
            Self::Dhcpv6 => "dhcpv6",
            Self::RouterAdvertisement => "router_advertisement",
            Self::Metadata => "metadata",
            Self::Dns => "dns",
            Self::Solicitation => "solicitation",
            Self::Undelivered => "undelivered",
            Self::Neighbour => "neighbour",
            Self::Multicast => "multicast",
        }
    }
}

/// A port here whose machine asks.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    pub(crate) local: LocalPort<'a>,
}

impl<'a> Client<'a> {
    /// The port here that a flow with this cookie is about.
    pub fn of(site: &'a Site, cookie: u64) -> Option<Self> {
        let is_it = |id: &PortId| Cookie::of(id.0).get() == cookie;
        let port = site.ports_here().find(is_it)?;
        let local = site.port(port).filter(LocalPort::is_up)?;
        Some(Self { local })
    }

    /// Every port here that is up.
    pub fn all(site: &'a Site) -> impl Iterator<Item = Self> {
        let local = site.ports_here().filter_map(|port| site.port(port));
        let up = local.filter(LocalPort::is_up);
        up.map(|local| Self { local })
    }

    /// The port.
    pub fn port(&self) -> &'a Port {
        self.local.port
    }

    /// Its network.
    pub fn network(&self) -> &'a Network {
        self.local.network.network
    }

    /// Whether its machine is on the way here, and may not run here yet.
    pub fn is_arriving(&self) -> bool {
        self.local.is_arriving()
    }

    /// The largest packet that its network carries, in bytes.
    pub fn mtu(&self) -> u16 {
        let network = self.local.network;
        network.site.model().mtu(network.network)
    }

    /// Whether some port of its network has a name.
    pub fn has_named_neighbours(&self) -> bool {
        let mut ports = self.local.network.site.model().ports_of(self.network().id);
        ports.any(|port| !port.dns_name.is_empty())
    }

    /// The subnets of IPv6 that it is told of by router advertisements.
    pub fn advertised(&self) -> impl Iterator<Item = &'a Subnet> {
        self.local.advertised()
    }

    /// The MAC of the router that is the gateway of one of some subnets.
    pub fn router(&self, subnets: &[&Subnet]) -> Option<MacAddr> {
        let model = self.local.network.site.model();
        let network = self.network().id;
        let up = |router: &&Router| router.admin_state_up;
        let routers = model.routers_of(network).filter(up);
        let ports = routers.flat_map(|router| model.ports_of_router(router));
        let mut ports = ports.filter(|port| port.network == network);
        let gateways: BTreeSet<_> = subnets
            .iter()
            .filter_map(|subnet| subnet.gateway_ip())
            .collect();
        // A subnet may know its router by its link-local address.
        let router = ports.find(|port| port.all_ips().any(|ip| gateways.contains(&ip)));
        router.map(|port| port.mac_address)
    }

    /// What brings an untagged frame to it, past all tables: its own network answers.
    pub fn way(&self) -> Vec<Action> {
        let output = Output::to(self.local.number()).into();
        match self.local.place.vlan {
            None => vec![output],
            Some(vlan) => {
                let eth_type = EthType::VLAN;
                let vid = VlanVid::tagged(vlan.get());
                vec![
                    PushVlan { eth_type }.into(),
                    SetField::new(VLAN_VID, vid).into(),
                    output,
                ]
            }
        }
    }
}

/// The meter that a port's questions pass.
///
/// Its number follows from the port's, so a restart finds it. Ports with numbers that far apart
/// share one, as does a trunk.
pub(crate) fn meter(port: LocalPort<'_>) -> Meter {
    let PortNo(number) = port.number();
    let MeterId(first) = *METERS.start();
    let id = MeterId(first | (number & (first - 1)));
    limit(id, RATE, BURST)
}

/// The meter of what others send to a router and flows cannot answer.
///
/// Its number follows from the router's. Routers with numbers 4,096 apart share one.
pub(crate) fn router_meter(router: LocalRouter<'_>) -> Meter {
    let MeterId(first) = *ROUTER_METERS.start();
    let id = MeterId(first | (u32::from(router.number) & 0xfff));
    limit(id, RATE, BURST)
}

/// Whether a meter has the number of one that this module makes, or made.
pub(crate) fn is_meter(id: MeterId) -> bool {
    id == FORMER_METER || METERS.contains(&id) || ROUTER_METERS.contains(&id)
}

/// So many packets in a second, and so many more at once.
pub(crate) fn limit(id: MeterId, rate: u32, burst_size: u32) -> Meter {
    Meter {
        id,
        flags: MeterFlags::PKTPS | MeterFlags::BURST | MeterFlags::STATS,
        bands: vec![MeterBand {
            rate,
            burst_size,
            kind: BandType::Drop,
        }],
    }
}
