//! What routers do, told without tables: who gets a packet, and what it looks like then.
//!
//! It reads the description of the networks alone, and remembers connections as translators do.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;
use pipelines::network::{FloatingIp, MacAddr, NetworkId, Port, PortId, Router, RouterId, Subnet};

use super::{
    packet::Packet,
    world::{NEIGHBOURS, OUTSIDE, WIRE, World},
};

/// An address and a port of UDP.
type End = (IpAddr, u16);

/// A connection that was translated: how it looks where it begins, and how answers to it come.
#[derive(Clone, Copy, Debug)]
struct Connection {
    original: (End, End),
    reply: (End, End),
}

/// The connections that each router remembers.
#[derive(Default)]
pub(super) struct Reference {
    connections: BTreeMap<RouterId, Vec<Connection>>,
}

/// How an end changes when a connection begins.
enum Change {
    /// It does not.
    Nothing,
    /// It seems to come from elsewhere.
    Source(IpAddr),
    /// It goes elsewhere.
    Destination(IpAddr, Option<u16>),
}

impl Reference {
    /// Where a frame to a MAC of a network comes out, and as what.
    pub(super) fn arrival(
        &mut self,
        world: &World,
        network: NetworkId,
        packet: &Packet,
    ) -> Option<(u32, Packet)> {
        let mut ports = world.objects.ports.iter();
        let port = ports
            .find(|port| port.network == network && port.mac_address == packet.destination_mac)?;
        self.enter(world, port, packet.clone())
    }

    /// A packet that comes to a port of a router.
    fn enter(&mut self, world: &World, port: &Port, mut packet: Packet) -> Option<(u32, Packet)> {
        let (router, is_outside) = router_of(world, port.id)?;
        // Of one router, a connection is translated once.
        let is_translated = match is_outside && packet.is_ipv4() {
            true => self.enter_from_outside(world, router, &mut packet)?,
            false => false,
        };
        if packet.ttl <= 1 || is_own(world, router, port, &packet) {
            return None;
        }
        match way(world, router, packet.destination.0)? {
            Way::Inside(out, next) => {
                packet.source_mac = out.mac_address;
                self.pass(world, out.network, next, packet)
            }
            Way::Outside(next) => {
                let (mac, change) = to_outside(world, router, &packet);
                packet.source_mac = mac;
                if let Some(change) = change.filter(|_| !is_translated) {
                    self.translate(router.id, &mut packet, &change);
                }
                self.pass(world, OUTSIDE, next, packet)
            }
        }
    }

    /// A packet that leaves for a station of a network.
    fn pass(
        &mut self,
        world: &World,
        network: NetworkId,
        next: IpAddr,
        mut packet: Packet,
    ) -> Option<(u32, Packet)> {
        packet.ttl -= 1;
        let mut ports = world.objects.ports.iter();
        let found = ports.find(|port| port.network == network && port.fixed_ips.contains(&next));
        if let Some(port) = found {
            packet.destination_mac = port.mac_address;
            return match world.machines.get(&port.id) {
                Some(number) => Some((*number, packet)),
                None => self.enter(world, port, packet),
            };
        }
        let mut known = NEIGHBOURS.into_iter().filter(|_| network == OUTSIDE);
        let (mac, ..) = known.find(|(_, v4, v6)| next == *v4 || next == *v6)?;
        packet.destination_mac = mac;
        packet.tag = Some(world.vlans[&OUTSIDE]);
        Some((WIRE, packet))
    }

    /// Finds whom a packet of IPv4 from outside is for; whether its connection is known then.
    fn enter_from_outside(
        &mut self,
        world: &World,
        router: &Router,
        packet: &mut Packet,
    ) -> Option<bool> {
        let (ip, port) = packet.destination;
        let gateway = router.gateway?;
        let mut floating_ips = floating_ips(world, router.id);
        let change = match floating_ips.find(|(_, own)| ip == *own) {
            Some((_, _)) if packet.ttl <= 1 => return None,
            Some((floating_ip, _)) => match floating_ip.target {
                Some(target) => Change::Destination(target.fixed_ip.into(), None),
                None => {
                    let mut forwardings = floating_ip.port_forwardings.iter();
                    let found = forwardings.find(|forwarding| forwarding.external_port == port);
                    found.map_or(Change::Nothing, |to| {
                        Change::Destination(to.target.fixed_ip.into(), Some(to.internal_port))
                    })
                }
            },
            None if !gateway.enable_snat => return Some(false),
            None if world.get(gateway.port).fixed_ips.contains(&ip) => Change::Nothing,
            None => return None,
        };
        Some(self.translate(router.id, packet, &change))
    }

    /// Translates a packet as its connection says, or begins one; whether there is one then.
    fn translate(&mut self, router: RouterId, packet: &mut Packet, change: &Change) -> bool {
        let known = self.connections.entry(router).or_default();
        let ends = (packet.source, packet.destination);
        let original = known.iter().find(|known| known.original == ends);
        let reply = known.iter().find(|known| known.reply == ends);
        (packet.source, packet.destination) = match (original, reply, change) {
            (Some(known), ..) => (known.reply.1, known.reply.0),
            (None, Some(known), _) => (known.original.1, known.original.0),
            (None, None, Change::Nothing) => ends,
            (None, None, Change::Source(ip)) => ((*ip, ends.0.1), ends.1),
            (None, None, Change::Destination(ip, port)) => {
                (ends.0, (*ip, port.unwrap_or(ends.1.1)))
            }
        };
        let is_known = original.is_some() || reply.is_some();
        let begins = !is_known && !matches!(change, Change::Nothing);
        if begins {
            known.push(Connection {
                original: ends,
                reply: (packet.destination, packet.source),
            });
        }
        is_known || begins
    }
}

/// The MAC with which a packet leaves a router, and how connections change that begin with it.
fn to_outside(world: &World, router: &Router, packet: &Packet) -> (MacAddr, Option<Change>) {
    let gateway = router.gateway.unwrap();
    let port = world.get(gateway.port);
    if !packet.is_ipv4() {
        return (port.mac_address, None);
    }
    let (source, _) = packet.source;
    let stands_for = |floating_ip: &FloatingIp| {
        let target = floating_ip.target;
        target.is_some_and(|target| source == target.fixed_ip)
    };
    let mut own = floating_ips(world, router.id);
    if let Some((floating_ip, ip)) = own.find(|(floating_ip, _)| stands_for(floating_ip)) {
        let mac = world.get(floating_ip.port).mac_address;
        return (mac, Some(Change::Source(ip.into())));
    }
    let forwarded = |floating_ip: &FloatingIp| {
        let mut forwardings = floating_ip.port_forwardings.iter();
        forwardings.any(|to| source == to.target.fixed_ip)
    };
    let ip = ipv4(port);
    let change = match gateway.enable_snat {
        // What has the address already is the router's own.
        true => (source != ip).then(|| Change::Source(ip.into())),
        false => {
            let mut own = floating_ips(world, router.id);
            own.any(|(floating_ip, _)| forwarded(floating_ip))
                .then_some(Change::Nothing)
        }
    };
    (port.mac_address, change)
}

/// Where a packet goes on.
enum Way<'a> {
    /// By a port of the router to a station of its network.
    Inside(&'a Port, IpAddr),
    /// To a station outside.
    Outside(IpAddr),
}

/// The way of the longest prefix: networks first, then what people added, then what leads outside.
fn way<'a>(world: &'a World, router: &Router, to: IpAddr) -> Option<Way<'a>> {
    let interfaces = router.interfaces.iter().map(|id| world.get(*id));
    let interfaces: Vec<&Port> = interfaces.collect();
    let mut ways: Vec<((u8, u8), Way<'a>)> = Vec::new();
    let mut add = |block: IpNet, rank: u8, way: Way<'a>| {
        if block.contains(&to) {
            ways.push(((block.prefix_len(), rank), way));
        }
    };
    for port in &interfaces {
        for subnet in subnets(world, port.network) {
            add(subnet.cidr(), 2, Way::Inside(port, to));
        }
    }
    for route in &router.routes {
        let joins = |port: &&&Port| {
            let mut subnets = subnets(world, port.network).iter();
            subnets.any(|subnet| subnet.cidr().contains(&route.nexthop))
        };
        if let Some(port) = interfaces.iter().find(joins) {
            add(route.destination, 1, Way::Inside(port, route.nexthop));
        }
    }
    if router.gateway.is_some() {
        for subnet in subnets(world, OUTSIDE) {
            add(subnet.cidr(), 2, Way::Outside(to));
            let next = subnet.gateway_ip().unwrap();
            if !subnet.cidr().contains(&next) {
                add(next.into(), 2, Way::Outside(to));
            }
            let everything = if next.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            add(everything.parse().unwrap(), 0, Way::Outside(next));
        }
    }
    let best = ways.into_iter().max_by_key(|(order, _)| *order);
    best.map(|(_, way)| way)
}

/// The router that a port is part of, and whether it is its side to the outside.
fn router_of(world: &World, port: PortId) -> Option<(&Router, bool)> {
    let floating_ips = &world.objects.floating_ips;
    let floating = floating_ips
        .iter()
        .find(|floating_ip| floating_ip.port == port);
    world.objects.routers.iter().find_map(|router| {
        let is_gateway = router.gateway.is_some_and(|gateway| gateway.port == port);
        let is_floating = floating.is_some_and(|own| own.router == Some(router.id));
        let is_inside = router.interfaces.contains(&port);
        (is_inside || is_gateway || is_floating).then_some((router, !is_inside))
    })
}

/// Whether a packet is for the router itself, which says nothing to UDP here.
fn is_own(world: &World, router: &Router, entered: &Port, packet: &Packet) -> bool {
    let (ip, _) = packet.destination;
    let interfaces = router.interfaces.iter().map(|id| world.get(*id));
    let inside = interfaces
        .flat_map(|port| &port.fixed_ips)
        .any(|own| *own == ip);
    let gateway = router.gateway.map(|gateway| world.get(gateway.port));
    let mut outside = gateway.into_iter().filter(|port| port.id == entered.id);
    let forwards =
        |floating_ip: &&FloatingIp| floating_ip.port == entered.id && floating_ip.target.is_none();
    let mut floating_ips = world.objects.floating_ips.iter().filter(forwards);
    inside
        || outside.any(|port| port.fixed_ips.contains(&ip))
        || floating_ips.any(|floating_ip| ip == ipv4(world.get(floating_ip.port)))
}

fn floating_ips(world: &World, router: RouterId) -> impl Iterator<Item = (&FloatingIp, Ipv4Addr)> {
    let floating_ips = world.objects.floating_ips.iter();
    let own = floating_ips.filter(move |floating_ip| floating_ip.router == Some(router));
    own.map(|floating_ip| (floating_ip, ipv4(world.get(floating_ip.port))))
}

fn subnets(world: &World, network: NetworkId) -> &[Subnet] {
    let mut networks = world.objects.networks.iter();
    &networks.find(|own| own.id == network).unwrap().subnets
}

fn ipv4(port: &Port) -> Ipv4Addr {
    let mut ips = port.fixed_ips.iter();
    let ip = ips.find_map(|ip| match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    });
    ip.unwrap()
}
