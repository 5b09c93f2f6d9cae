//! What a network is, without a word of how it is programmed.
//!
//! Written from the objects alone, and slow: who may send, who is meant, who may receive. Every
//! packet opens a connection here.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;
use pipelines::network::{
    Direction, EncapType, Ethertype, HostName, MacAddr, Network, NetworkId, PhysicalNetwork, Port,
    PortId, PortProtocol, Remote, Rule, Segment, Traffic,
};

use super::{
    frame::{Frame, Payload},
    world::World,
};

/// Where a frame comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A port that is plugged in, on one host of the two that it may have.
    Port { id: PortId, host: usize },
    /// An interface that is no port of the model.
    Stranger { host: usize },
    /// The physical network of a host.
    Wire {
        host: usize,
        physical_network: PhysicalNetwork,
    },
    /// Another host.
    Tunnel {
        from: usize,
        to: usize,
        encap_type: EncapType,
        key: u32,
    },
}

/// Where a frame comes out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Arrival {
    /// At a port, on one of its hosts.
    Port { id: PortId, host: usize },
    /// On the physical network of a host, with this tag.
    Wire {
        host: usize,
        physical_network: PhysicalNetwork,
        tag: Option<u16>,
    },
    /// In a tunnel.
    Tunnel {
        from: usize,
        to: usize,
        encap_type: EncapType,
        key: u32,
    },
    /// Where nothing should.
    Stray(String),
}

/// Where a frame should come out, and where its copies should on other hosts.
pub(super) fn arrivals(world: &World, origin: &Origin, frame: &Frame) -> BTreeSet<Arrival> {
    // VLAN 0 is no VLAN.
    let frame = &Frame {
        tag: frame.tag.filter(|tag| *tag != 0),
        ..frame.clone()
    };
    // Bridges do not forward what they say to each other.
    if frame.destination.0.starts_with(&[0x01, 0x80, 0xc2, 0, 0])
        && frame.destination.0.last().is_some_and(|last| *last < 0x10)
    {
        return BTreeSet::new();
    }
    let mut found = BTreeSet::new();
    match origin {
        Origin::Stranger { .. } => {}
        Origin::Port { id, host } => {
            let (host, port) = (*host, world.port(*id));
            let silent = !world.is_up(port) || frame.tag.is_some();
            if !silent && (!port.port_security_enabled || may_send(world, port, frame)) {
                found.extend(local(world, port.network, host, Some(*id), frame));
                found.extend(outside(world, port.network, host, frame));
            }
        }
        Origin::Wire {
            host,
            physical_network,
        } => {
            let segment = on_wire(physical_network, frame.tag);
            found.extend(arriving(world, *host, segment.as_ref(), frame));
        }
        Origin::Tunnel {
            to,
            encap_type,
            key,
            ..
        } => {
            let segment = in_tunnel(*encap_type, *key);
            let segment = Some(&segment).filter(|_| frame.tag.is_none());
            found.extend(arriving(world, *to, segment, frame));
        }
    }
    for arrival in found.clone() {
        match arrival {
            Arrival::Tunnel {
                from,
                to,
                encap_type,
                key,
            } => {
                let segment = in_tunnel(encap_type, key);
                let networks = world.objects.networks.iter();
                for network in networks.filter(|network| network.segment == segment) {
                    let frame = carried(world, network, from, frame);
                    found.extend(arriving(world, to, Some(&segment), &frame));
                }
            }
            Arrival::Wire {
                host,
                physical_network,
                tag,
            } => {
                let segment = on_wire(&physical_network, tag);
                for other in world.hosts_on(&physical_network) {
                    if other != host {
                        found.extend(arriving(world, other, segment.as_ref(), frame));
                    }
                }
            }
            Arrival::Port { .. } | Arrival::Stray(_) => {}
        }
    }
    found
}

fn on_wire(physical_network: &PhysicalNetwork, tag: Option<u16>) -> Option<Segment> {
    let physical_network = physical_network.clone();
    Some(match tag {
        None => Segment::Flat { physical_network },
        Some(tag) => Segment::Vlan {
            physical_network,
            vlan: pipelines::network::VlanId::new(tag.into()).ok()?,
        },
    })
}

fn in_tunnel(encap_type: EncapType, key: u32) -> Segment {
    match encap_type {
        EncapType::Vxlan => Segment::Vxlan { vni: key },
        EncapType::Gre => Segment::Gre { key },
        EncapType::Geneve => Segment::Geneve { vni: key },
    }
}

/// A frame reaches a host from outside: it is for the ports there and goes no further.
fn arriving(
    world: &World,
    host: usize,
    segment: Option<&Segment>,
    frame: &Frame,
) -> BTreeSet<Arrival> {
    let networks = world.objects.networks.iter();
    let mut here = networks.filter(|network| Some(&network.segment) == segment);
    match here.next() {
        Some(network) => local(world, network.id, host, None, frame),
        None => BTreeSet::new(),
    }
}

/// The ports of a host that receive a frame.
fn local(
    world: &World,
    network: NetworkId,
    host: usize,
    sender: Option<PortId>,
    frame: &Frame,
) -> BTreeSet<Arrival> {
    let owners = owners(world, network, frame);
    let meant = |port: &Port| {
        frame.destination.is_multicast() && hears(world, network, sender, port, frame)
            || owners.contains(&port.id)
            || !frame.destination.is_multicast() && owners.is_empty() && !port.port_security_enabled
    };
    let here = world
        .ports_of(network)
        .filter(|port| world.is_up(port) && world.is_on(port.id, host) && Some(port.id) != sender);
    here.filter(|port| meant(port))
        .filter(|port| !port.port_security_enabled || may_receive(world, port, frame))
        .map(|port| Arrival::Port { id: port.id, host })
        .collect()
}

/// Whether a frame for many is for a port: in some networks multicast of IP is for those who listen.
fn hears(
    world: &World,
    network: NetworkId,
    sender: Option<PortId>,
    port: &Port,
    frame: &Frame,
) -> bool {
    if world.network(network).igmp_snooping != Some(true) {
        return true;
    }
    let routes = |id: PortId| world.multicast_routers.contains(&id);
    let listens = |group: IpAddr| world.listeners.contains(&(port.id, group));
    match frame.payload {
        Payload::Report { .. } => routes(port.id),
        Payload::Igmp { destination, .. } => {
            // What comes from a multicast router is a query.
            let asks = sender.is_none_or(routes) && listens(destination.into());
            destination == Ipv4Addr::new(224, 0, 0, 1) || routes(port.id) || asks
        }
        Payload::Tcp4 { destination, .. } if destination.is_multicast() => {
            routes(port.id) || listens(destination.into())
        }
        Payload::Tcp6 { destination, .. } if destination.is_multicast() => {
            routes(port.id) || listens(destination.into())
        }
        _ => true,
    }
}

/// The ports that a frame for one station is for.
fn owners(world: &World, network: NetworkId, frame: &Frame) -> Vec<PortId> {
    let ports = world.ports_of(network);
    ports
        .filter(|port| {
            let pairs = port.allowed_address_pairs.iter();
            port.mac_address == frame.destination
                || pairs
                    .filter_map(|pair| pair.mac_address)
                    .any(|mac| mac == frame.destination)
        })
        .map(|port| port.id)
        .collect()
}

/// The copies that leave a host, and answers that are given in the name of others.
fn outside(world: &World, network: NetworkId, host: usize, frame: &Frame) -> BTreeSet<Arrival> {
    let carried = carried(world, world.network(network), host, frame);
    let (many, owners) = (
        carried.destination.is_multicast(),
        owners(world, network, &carried),
    );
    let elsewhere: Vec<&Port> = owners
        .iter()
        .map(|id| world.port(*id))
        .filter(|port| world.is_elsewhere(port, host))
        .collect();
    if !many && !owners.is_empty() && elsewhere.is_empty() {
        return BTreeSet::new();
    }
    let network = world.network(network);
    match &network.segment {
        Segment::Local => BTreeSet::new(),
        Segment::Flat { physical_network } => wire(world, host, physical_network, None),
        Segment::Vlan {
            physical_network,
            vlan,
        } => wire(world, host, physical_network, Some(vlan.get())),
        Segment::Vxlan { vni: key } | Segment::Gre { key } | Segment::Geneve { vni: key } => {
            if let Some(answer) = answer(world, network, host, frame) {
                return local(world, network.id, host, None, &answer);
            }
            let to = |port: &'_ Port| -> Vec<usize> {
                port.hosts()
                    .filter_map(|name| world.host_named(name))
                    .collect()
            };
            // Somebody who may be anywhere is looked for everywhere.
            let lost = elsewhere.iter().any(|port| port.host.is_none());
            let targets: BTreeSet<usize> = if many || owners.is_empty() || lost {
                let members = world.ports_of(network.id);
                let remote = members.filter(|port| world.is_elsewhere(port, host));
                remote.flat_map(to).collect()
            } else {
                elsewhere.into_iter().flat_map(to).collect()
            };
            let encap_type = EncapType::of(network.segment.network_type()).unwrap();
            let reachable = targets
                .into_iter()
                .filter(|to| world.joined(host, *to, encap_type));
            reachable
                .map(|to| Arrival::Tunnel {
                    from: host,
                    to,
                    encap_type,
                    key: *key,
                })
                .collect()
        }
    }
}

fn wire(
    world: &World,
    host: usize,
    physical_network: &PhysicalNetwork,
    tag: Option<u16>,
) -> BTreeSet<Arrival> {
    let connected = world.hosts_on(physical_network).contains(&host);
    let wire = Arrival::Wire {
        host,
        physical_network: physical_network.clone(),
        tag,
    };
    connected.then_some(wire).into_iter().collect()
}

/// The answer to an ARP request for a port behind a tunnel.
fn answer(world: &World, network: &Network, host: usize, frame: &Frame) -> Option<Frame> {
    match frame.payload {
        Payload::ArpRequest { sender, target } if frame.destination == MacAddr::BROADCAST => {
            let port = behind_tunnel(world, network, host, target.into())?;
            Some(Frame {
                source: port.mac_address,
                destination: frame.source,
                tag: None,
                inner: port.mac_address,
                payload: Payload::ArpReply {
                    sender: target,
                    target: sender,
                },
            })
        }
        _ => None,
    }
}

/// A frame as tunnels carry it: a solicitation of a port behind one goes to that port only.
fn carried(world: &World, network: &Network, host: usize, frame: &Frame) -> Frame {
    let port = match frame.payload {
        Payload::Solicitation { target, .. }
            if frame.destination.0.starts_with(&[0x33, 0x33, 0xff]) =>
        {
            behind_tunnel(world, network, host, target.into())
        }
        _ => None,
    };
    Frame {
        destination: port.map_or(frame.destination, |port| port.mac_address),
        ..frame.clone()
    }
}

/// The port behind a tunnel that has an address.
fn behind_tunnel<'a>(
    world: &'a World,
    network: &Network,
    host: usize,
    address: IpAddr,
) -> Option<&'a Port> {
    let encap_type = EncapType::of(network.segment.network_type())?;
    world.ports_of(network.id).find(|port| {
        let mut hosts = port.hosts().filter_map(|name| world.host_named(name));
        let behind = hosts.any(|remote| world.joined(host, remote, encap_type));
        let link_local = IpAddr::V6(port.mac_address.link_local());
        let has = port.fixed_ips.contains(&address) || link_local == address;
        !world.is_on(port.id, host) && behind && has
    })
}

/// Whether the firewall lets a frame out of a port.
fn may_send(world: &World, port: &Port, frame: &Frame) -> bool {
    let own = port.mac_address;
    let fixed = port.fixed_ips.iter().map(|ip| (own, IpNet::from(*ip)));
    let link_local = (own, IpNet::from(IpAddr::V6(own.link_local())));
    let pairs = port.allowed_address_pairs.iter();
    let pairs = pairs.map(|pair| (pair.mac_address.unwrap_or(own), pair.ip_address));
    let sources: Vec<_> = fixed.chain([link_local]).chain(pairs).collect();
    let owns = |ip: IpAddr| {
        sources
            .iter()
            .any(|(mac, block)| *mac == frame.source && block.contains(&ip))
    };
    let has = |v6: bool| {
        let mut sources = sources.iter();
        sources.any(|(mac, block)| *mac == frame.source && block.addr().is_ipv6() == v6)
    };
    let is_absent = frame.inner == MacAddr::ZERO;
    match frame.payload {
        Payload::ArpRequest { sender, .. } | Payload::ArpReply { sender, .. } => {
            owns(sender.into()) && frame.inner == frame.source
        }
        Payload::Rarp => has(false) && frame.inner == frame.source,
        Payload::Solicitation {
            source,
            target,
            option,
        } if source.is_unspecified() => owns(target.into()) && (!option || is_absent),
        Payload::Solicitation { source, option, .. } => {
            owns(source.into()) && (!option || is_absent || frame.inner == frame.source)
        }
        Payload::Advertisement { target, .. } => {
            owns(target.into()) && (is_absent || frame.inner == frame.source)
        }
        Payload::Report { source } => {
            let own = owns(source.into()) || source.is_unspecified() && has(true);
            own && allows_everything(world, port, Direction::Egress, source.into())
        }
        Payload::Igmp {
            source,
            destination,
        } => {
            owns(source.into())
                && allows_everything(world, port, Direction::Egress, destination.into())
        }
        Payload::DhcpRequest { source } => {
            owns(source.into()) || frame.source == own && source.is_unspecified()
        }
        Payload::RouterAdvertisement { .. } | Payload::DhcpAnswer { .. } | Payload::Other => false,
        Payload::Tcp4 {
            source,
            destination,
            port: number,
        } => {
            owns(source.into())
                && allowed(world, port, Direction::Egress, destination.into(), number)
        }
        Payload::Tcp6 {
            source,
            destination,
            port: number,
        } => {
            owns(source.into())
                && allowed(world, port, Direction::Egress, destination.into(), number)
        }
    }
}

/// Whether the firewall lets a frame in to a port.
fn may_receive(world: &World, port: &Port, frame: &Frame) -> bool {
    match frame.payload {
        Payload::ArpRequest { .. }
        | Payload::ArpReply { .. }
        | Payload::Solicitation { .. }
        | Payload::Advertisement { .. }
        | Payload::RouterAdvertisement { .. }
        | Payload::DhcpAnswer { .. } => true,
        Payload::Rarp | Payload::Other => false,
        Payload::DhcpRequest { source } => {
            allows_everything(world, port, Direction::Ingress, source.into())
        }
        // Members of groups have no such addresses.
        Payload::Report { source } => {
            allows_everything(world, port, Direction::Ingress, source.into())
        }
        Payload::Igmp {
            source,
            destination,
        } => {
            destination.octets().starts_with(&[224, 0, 0])
                || allows_everything(world, port, Direction::Ingress, source.into())
        }
        Payload::Tcp4 {
            source,
            port: number,
            ..
        } => allowed(world, port, Direction::Ingress, source.into(), number),
        Payload::Tcp6 {
            source,
            port: number,
            ..
        } => allowed(world, port, Direction::Ingress, source.into(), number),
    }
}

/// Whether a rule allows a TCP connection.
fn allowed(world: &World, port: &Port, direction: Direction, remote: IpAddr, number: u16) -> bool {
    rules(world, port, direction, remote).any(|rule| match rule.traffic() {
        Traffic::Any => true,
        Traffic::Ports(PortProtocol::Tcp, range) => {
            range.first() <= number && number <= range.last()
        }
        _ => false,
    })
}

fn allows_everything(world: &World, port: &Port, direction: Direction, remote: IpAddr) -> bool {
    rules(world, port, direction, remote).any(|rule| rule.traffic() == Traffic::Any)
}

/// The rules of a port that hold for another side.
fn rules<'a>(
    world: &'a World,
    port: &'a Port,
    direction: Direction,
    remote: IpAddr,
) -> impl Iterator<Item = &'a Rule> {
    let groups = world.objects.security_groups.iter();
    let own = groups.filter(|group| port.security_groups.contains(&group.id));
    own.flat_map(|group| &group.rules).filter(move |rule| {
        let version = Ethertype::of(IpNet::from(remote));
        let matches = match rule.remote() {
            Remote::Any => true,
            Remote::Block(block) => block.contains(&remote),
            Remote::AddressGroup(_) => unreachable!("worlds of frames have none"),
            Remote::Group(group) => {
                let members = world.objects.ports.iter();
                let mut members = members.filter(|port| port.security_groups.contains(&group));
                members.any(|port| {
                    let pairs = port.allowed_address_pairs.iter();
                    port.fixed_ips.contains(&remote)
                        || pairs
                            .map(|pair| pair.ip_address)
                            .any(|block| block.prefix_len() > 0 && block.contains(&remote))
                })
            }
        };
        rule.direction() == direction && rule.ethertype() == version && matches
    })
}

impl World {
    fn ports_of(&self, network: NetworkId) -> impl Iterator<Item = &Port> {
        let ports = self.objects.ports.iter();
        ports.filter(move |port| port.network == network)
    }

    fn network(&self, id: NetworkId) -> &Network {
        let mut networks = self.objects.networks.iter();
        networks.find(|network| network.id == id).unwrap()
    }

    fn host_named(&self, name: &HostName) -> Option<usize> {
        let mut hosts = self.objects.hosts.iter();
        hosts.position(|host| host.name == *name)
    }

    /// Whether a port may send and receive: it is up, and so is the parent that it is behind.
    fn is_up(&self, port: &Port) -> bool {
        let parent = self.parent(port.id);
        port.admin_state_up && parent.is_none_or(|(parent, _)| self.port(parent).admin_state_up)
    }

    /// Whether a port is, or may be, on another host.
    fn is_elsewhere(&self, port: &Port, host: usize) -> bool {
        !self.is_on(port.id, host) || port.migrating_to.is_some()
    }

    /// Whether two hosts have a tunnel between them.
    fn joined(&self, one: usize, other: usize, encap_type: EncapType) -> bool {
        let takes = |host: usize| {
            let host = self.objects.hosts.get(host).unwrap();
            host.encap_ip.is_some() && host.encap_types.contains(&encap_type)
        };
        one != other && takes(one) && takes(other)
    }
}
