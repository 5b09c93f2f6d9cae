//! The packet that a question means, in full: addresses, MACs, and where it enters the switch.

use std::net::IpAddr;

use openflow::field::{
    ARP_SHA, ARP_SPA, ARP_TPA, ETH_DST, ETH_SRC, ETH_TYPE, EthType, ICMPV4_CODE, ICMPV4_TYPE,
    ICMPV6_CODE, ICMPV6_TYPE, IN_PORT, IP_PROTO, IP_TTL, IPV4_DST, IPV4_SRC, IPV6_DST, IPV6_SRC,
    IpProto, MacAddr, PortNo, SCTP_DST, SCTP_SRC, TCP_DST, TCP_SRC, UDP_DST, UDP_SRC, VLAN_VID,
    VlanVid,
};
use openflow::matching::Match;
use openflow::text::Parser;
use pipelines::network::{Port, Protocol};

use super::packet::Words;
use super::place::Place;

/// What a machine sends from whose MAC nobody knows, and to whom nobody knows it: a MAC that is
/// nobody's (locally administered).
const SOMEBODY: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x01]);
/// Where clients send from; the first of those that are never assigned (RFC 6335).
const EPHEMERAL: u16 = 49152;
/// Echo requests (RFC 792, and RFC 4443).
const ECHO_REQUEST: (u8, u8) = (8, 128);

/// A packet, and where it enters the switch.
#[derive(Debug)]
pub(super) struct Probe<'a> {
    /// What it is.
    pub(super) packet: Match,
    /// Where it enters.
    pub(super) sending: Sending,
    /// The port that sends it, if that is known.
    pub(super) sender: Option<&'a Port>,
    /// The port that it is for, if that is known.
    pub(super) receiver: Option<&'a Port>,
    /// What has to be known about it.
    pub(super) notes: Vec<String>,
}

/// Where a packet enters the switch.
#[derive(Debug)]
pub(super) enum Sending {
    /// At a port of br-int.
    At {
        /// The port.
        number: PortNo,
        /// Its tag there.
        vlan: Option<u16>,
    },
    /// It cannot get here.
    Nowhere(String),
}

/// One end of a packet's way.
#[derive(Clone, Copy, Debug)]
struct End<'a> {
    address: IpAddr,
    /// The port of the network that has the address.
    port: Option<&'a Port>,
}

impl<'a> Probe<'a> {
    /// Reads what a question says about the packet of a port.
    ///
    /// # Errors
    ///
    /// It makes no sense, in words for people.
    pub(super) fn new(place: &Place<'a>, asked: &'a Port, text: &str) -> Result<Self, String> {
        match text.contains('=') {
            true => Self::matching(place, asked, text),
            false => Self::words(place, asked, &text.parse()?),
        }
    }

    /// A packet that the port sends, as a match of `ovs-ofctl`.
    fn matching(place: &Place<'a>, asked: &'a Port, text: &str) -> Result<Self, String> {
        let text = text.replace(char::is_whitespace, "");
        let mut packet = Parser::default()
            .matching(&text)
            .map_err(|error| error.to_string())?;
        if packet.value(IN_PORT).is_some() {
            let name = &asked.name;
            return Err(format!("in_port: the packet is one that {name} sends"));
        }
        let to = destination(&packet);
        let receiver = to.and_then(|to| holder(place, asked, to));
        if packet.value(ETH_SRC).is_none() {
            packet = packet.with(ETH_SRC, asked.mac_address);
        }
        if packet.value(ETH_DST).is_none() {
            let mac = match (packet.value(ETH_TYPE), receiver, to) {
                (Some(EthType::ARP), ..) => MacAddr([0xff; 6]),
                (_, Some(receiver), Some(to)) => mac_of(receiver, to),
                (_, None, Some(to)) if !place.is_on_link(asked, to) => {
                    place.gateway_mac(asked, to).unwrap_or(SOMEBODY)
                }
                _ => SOMEBODY,
            };
            packet = packet.with(ETH_DST, mac);
        }
        // A machine names itself, unless it is asked what becomes of another MAC.
        let is_arp = [Some(EthType::ARP), Some(EthType::RARP)].contains(&packet.value(ETH_TYPE));
        if is_arp
            && packet.value(ARP_SHA).is_none()
            && let Some(mac) = packet.value(ETH_SRC)
        {
            packet = packet.with(ARP_SHA, mac);
        }
        let sending = sends(place, asked);
        Ok(Self {
            packet,
            sending,
            sender: Some(asked),
            receiver,
            notes: Vec::new(),
        })
    }

    /// A packet in words.
    fn words(place: &Place<'a>, asked: &'a Port, words: &Words) -> Result<Self, String> {
        let v6 = is_v6(asked, words)?;
        let end = |text: &str| end(place, asked, text, v6);
        let own = || own_address(asked, v6).map(|address| End::at(address, asked));
        let arrives = match (&words.from, &words.to) {
            (_, Some(to)) => end(to)?.port.is_some_and(|port| port.id == asked.id),
            (_, None) => true,
        };
        let (from, to) = match (&words.from, &words.to) {
            (Some(from), None) => (end(from)?, own()?),
            (None, Some(to)) => (own()?, end(to)?),
            (Some(from), Some(to)) => (end(from)?, end(to)?),
            (None, None) => return Err("the other side is missing".to_owned()),
        };
        if from.address.is_ipv6() != to.address.is_ipv6() {
            let (from, to) = (from.address, to.address);
            return Err(format!("{from} and {to} are not of one version of IP"));
        }
        // What the port itself sends may have an address that is not its own.
        let sender = if arrives { from.port } else { Some(asked) };
        let receiver = if arrives { Some(asked) } else { to.port };
        if sender.map(|port| port.id) == receiver.map(|port| port.id) {
            return Err(format!("{} is both ends of the packet", asked.name));
        }
        let mut notes = Vec::new();
        let sending = match sender {
            Some(port) if place.site.has(port.id) => match place.is_absent(port)? {
                Some(reason) => Sending::Nowhere(reason),
                None => sends(place, port),
            },
            _ => from_outside(place, asked, from.address, sender, &mut notes),
        };
        let (eth_src, eth_dst) = macs(place, (sender, from.address), (receiver, to.address));
        let packet = Match::default()
            .with(ETH_SRC, eth_src)
            .with(ETH_DST, eth_dst);
        Ok(Self {
            packet: traffic(addresses(packet, from.address, to.address), words, v6),
            sending,
            sender,
            receiver,
            notes,
        })
    }
}

impl<'a> End<'a> {
    fn at(address: IpAddr, port: &'a Port) -> Self {
        Self {
            address,
            port: Some(port),
        }
    }
}

/// The text that `ofproto/trace` reads: the packet, and where it enters.
pub(super) fn enters(packet: Match, number: PortNo, vlan: Option<u16>) -> String {
    let packet = packet.with(IN_PORT, number);
    let packet = match vlan {
        Some(vlan) => packet.with(VLAN_VID, VlanVid::tagged(vlan)),
        None => packet,
    };
    let text = match packet.meets(IP_TTL.id()) {
        true => format!("{packet},nw_ttl=64"),
        false => packet.to_string(),
    };
    // A trace knows `tp_src` as a field of TCP alone, and `icmp_type` as one of ICMP for IPv4.
    let (old, new) = match packet.value(IP_PROTO) {
        Some(IpProto::UDP) => (",tp_", ",udp_"),
        Some(IpProto::SCTP) => (",tp_", ",sctp_"),
        Some(IpProto::ICMPV6) => (",icmp_", ",icmpv6_"),
        _ => return text,
    };
    text.replace(old, new)
}

/// The MACs of a packet where it enters: between two networks, one is that of a router.
fn macs(
    place: &Place<'_>,
    (sender, from): (Option<&Port>, IpAddr),
    (receiver, to): (Option<&Port>, IpAddr),
) -> (MacAddr, MacAddr) {
    let mac = |port: Option<&Port>, address| port.map_or(SOMEBODY, |port| mac_of(port, address));
    let own = (mac(sender, from), mac(receiver, to));
    let routed = |port: &Port, other: Option<&Port>, address| match other {
        Some(other) => port.network != other.network,
        None => !place.is_on_link(port, address),
    };
    match (sender, receiver) {
        // It is routed where it enters.
        (Some(sender), _) if place.site.has(sender.id) && routed(sender, receiver, to) => {
            (own.0, place.gateway_mac(sender, to).unwrap_or(own.1))
        }
        (_, Some(receiver)) if routed(receiver, sender, from) => {
            (place.gateway_mac(receiver, from).unwrap_or(own.0), own.1)
        }
        _ => own,
    }
}

fn sends(place: &Place<'_>, port: &Port) -> Sending {
    match place.entry(port) {
        Some((number, vlan)) => Sending::At { number, vlan },
        None => Sending::Nowhere(format!("{} is not bound on this host", port.name)),
    }
}

/// A packet that comes from another host, or from where nobody knows.
fn from_outside(
    place: &Place<'_>,
    receiver: &Port,
    address: IpAddr,
    sender: Option<&Port>,
    notes: &mut Vec<String>,
) -> Sending {
    let network = place.model.network(receiver.network);
    let network = network.map_or("", |network| network.name.as_str());
    match sender {
        Some(port) => {
            let host = port.host.as_ref();
            let host = host.map_or_else(|| "no host".to_owned(), |host| format!("host {host}"));
            notes.push(format!(
                "{} is on {host}: its egress rules are judged there",
                port.name
            ));
        }
        None => notes.push(format!(
            "no port of network {network} has {address}: it is taken to come from outside"
        )),
    }
    match place.outside(receiver) {
        Some((number, vlan)) => Sending::At { number, vlan },
        None => Sending::Nowhere(format!(
            "nothing from outside this host gets into network {network} here"
        )),
    }
}

/// The version of IP that is meant: that of an address, or of the protocol, or of the port.
fn is_v6(asked: &Port, words: &Words) -> Result<bool, String> {
    let ends = words.from.iter().chain(&words.to);
    let addresses = ends.filter_map(|end| end.parse::<IpAddr>().ok());
    let named = addresses.map(|address| address.is_ipv6()).next();
    let meant = match words.protocol {
        Protocol::ICMPV6 => Some(true),
        Protocol::ICMP if named.is_none() => Some(false),
        _ => None,
    };
    let own = asked.fixed_ips.first().map(IpAddr::is_ipv6);
    if meant == Some(true) && named == Some(false) {
        return Err(format!("{} occurs in IPv6 packets only", words.protocol));
    }
    Ok(named.or(meant).or(own).unwrap_or_default())
}

fn end<'a>(place: &Place<'a>, asked: &'a Port, text: &str, v6: bool) -> Result<End<'a>, String> {
    match text.parse() {
        Ok(address) => Ok(End {
            address,
            port: holder(place, asked, address).or_else(|| place.routed_holder(asked, address)),
        }),
        Err(_) => {
            let port = place.port_named(text)?;
            if port.network != asked.network && !place.are_routed(asked, port) {
                return Err(format!(
                    "port {text} is in another network than {}, and no router joins them: give \
                     its address",
                    asked.name
                ));
            }
            Ok(End::at(own_address(port, v6)?, port))
        }
    }
}

/// The port in the network of another that has an address: as its own, or in an address pair.
fn holder<'a>(place: &Place<'a>, asked: &'a Port, address: IpAddr) -> Option<&'a Port> {
    let ports = || place.model.ports_of(asked.network);
    let own = ports().find(|port| port.fixed_ips.contains(&address));
    let has = |port: &&Port| {
        port.sources()
            .iter()
            .any(|(_, block)| block.contains(&address))
    };
    own.or_else(|| ports().filter(|port| port.id != asked.id).find(has))
}

fn own_address(port: &Port, v6: bool) -> Result<IpAddr, String> {
    let mut own = port.fixed_ips.iter();
    let version = if v6 { "IPv6" } else { "IPv4" };
    (own.find(|address| address.is_ipv6() == v6).copied()).ok_or_else(|| {
        format!(
            "port {} has no {version} address: say both \"from ADDRESS\" and \"to ADDRESS\"",
            port.name
        )
    })
}

/// The MAC that a port has for an address.
fn mac_of(port: &Port, address: IpAddr) -> MacAddr {
    let sources = port.sources();
    let mut paired = sources.iter().filter(|(_, block)| block.contains(&address));
    let own = (port.fixed_ips.contains(&address)).then_some(port.mac_address);
    own.or_else(|| paired.next().map(|(mac, _)| *mac))
        .unwrap_or(port.mac_address)
}

/// The address that a packet is for.
fn destination(packet: &Match) -> Option<IpAddr> {
    let v4 = packet.value(IPV4_DST).or_else(|| packet.value(ARP_TPA));
    v4.map(IpAddr::V4)
        .or_else(|| packet.value(IPV6_DST).map(IpAddr::V6))
}

/// The address that a packet claims to come from.
pub(super) fn source(packet: &Match) -> Option<IpAddr> {
    let v4 = packet.value(IPV4_SRC).or_else(|| packet.value(ARP_SPA));
    v4.map(IpAddr::V4)
        .or_else(|| packet.value(IPV6_SRC).map(IpAddr::V6))
}

/// The far end of a packet, seen from a port that it goes to or comes from.
pub(super) fn far_end(packet: &Match, arrives: bool) -> Option<IpAddr> {
    match arrives {
        true => source(packet),
        false => destination(packet),
    }
}

fn addresses(packet: Match, from: IpAddr, to: IpAddr) -> Match {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => packet
            .with(ETH_TYPE, EthType::IPV4)
            .with(IPV4_SRC, from)
            .with(IPV4_DST, to),
        (IpAddr::V6(from), IpAddr::V6(to)) => packet
            .with(ETH_TYPE, EthType::IPV6)
            .with(IPV6_SRC, from)
            .with(IPV6_DST, to),
        // Refused before.
        _ => packet,
    }
}

fn traffic(packet: Match, words: &Words, v6: bool) -> Match {
    let protocol = match words.protocol {
        Protocol::ICMP if v6 => Protocol::ICMPV6,
        protocol => protocol,
    };
    let packet = packet.with(IP_PROTO, protocol.0);
    let port = words.port.unwrap_or_default();
    let sport = words.sport.unwrap_or(EPHEMERAL);
    let (echo, echo_v6) = ECHO_REQUEST;
    let code = words.icmp_code.unwrap_or_default();
    match protocol.0 {
        IpProto::TCP => packet.with(TCP_SRC, sport).with(TCP_DST, port),
        IpProto::UDP => packet.with(UDP_SRC, sport).with(UDP_DST, port),
        IpProto::SCTP => packet.with(SCTP_SRC, sport).with(SCTP_DST, port),
        IpProto::ICMP => packet
            .with(ICMPV4_TYPE, words.icmp_type.unwrap_or(echo))
            .with(ICMPV4_CODE, code),
        IpProto::ICMPV6 => packet
            .with(ICMPV6_TYPE, words.icmp_type.unwrap_or(echo_v6))
            .with(ICMPV6_CODE, code),
        _ => packet,
    }
}
