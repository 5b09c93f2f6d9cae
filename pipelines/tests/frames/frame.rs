//! Frames, and how `ofproto/trace` is told of them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use pipelines::network::MacAddr;

/// What a machine sends.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) source: MacAddr,
    pub(super) destination: MacAddr,
    /// The VLAN, where the frame is tagged.
    pub(super) tag: Option<u16>,
    /// The sender's MAC as ARP and neighbour discovery say it.
    pub(super) inner: MacAddr,
    pub(super) payload: Payload,
}

#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// Who has the target?
    ArpRequest {
        sender: Ipv4Addr,
        target: Ipv4Addr,
    },
    ArpReply {
        sender: Ipv4Addr,
        target: Ipv4Addr,
    },
    Rarp,
    /// Who has the target? With a MAC, or without, as who looks for duplicates asks.
    Solicitation {
        source: Ipv6Addr,
        target: Ipv6Addr,
        option: bool,
    },
    Advertisement {
        source: Ipv6Addr,
        target: Ipv6Addr,
    },
    RouterAdvertisement {
        source: Ipv6Addr,
    },
    /// What somebody listens to (MLDv2).
    Report {
        source: Ipv6Addr,
    },
    Igmp {
        source: Ipv4Addr,
        destination: Ipv4Addr,
    },
    Tcp4 {
        source: Ipv4Addr,
        destination: Ipv4Addr,
        port: u16,
    },
    Tcp6 {
        source: Ipv6Addr,
        destination: Ipv6Addr,
        port: u16,
    },
    DhcpRequest {
        source: Ipv4Addr,
    },
    DhcpAnswer {
        source: Ipv4Addr,
    },
    /// Neither IP nor ARP: LLDP.
    Other,
}

impl Payload {
    /// Sends it to a group, if it is TCP of the same version of IP.
    pub(super) fn send_to(&mut self, group: IpAddr) {
        match (self, group) {
            (Self::Tcp4 { destination, .. }, IpAddr::V4(group)) => *destination = group,
            (Self::Tcp6 { destination, .. }, IpAddr::V6(group)) => *destination = group,
            _ => {}
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source: mac,
            destination,
            tag,
            inner,
            payload,
        } = self;
        if let Some(tag) = tag {
            write!(f, "dl_vlan={tag},")?;
        }
        write!(f, "dl_src={mac},dl_dst={destination},")?;
        match payload {
            Payload::ArpRequest { sender, target } => write!(
                f,
                "arp,arp_op=1,arp_sha={inner},arp_spa={sender},arp_tpa={target}"
            ),
            Payload::ArpReply { sender, target } => write!(
                f,
                "arp,arp_op=2,arp_sha={inner},arp_spa={sender},arp_tpa={target}"
            ),
            Payload::Rarp => write!(f, "rarp,arp_op=3,arp_sha={inner}"),
            Payload::Solicitation {
                source,
                target,
                option,
            } => {
                let sll = if *option { *inner } else { MacAddr::ZERO };
                let group = MacAddr(destination.0);
                write!(
                    f,
                    "icmp6,ipv6_src={source},ipv6_dst=ff02::1:ff00:{:x},icmpv6_type=135,\
                     nd_target={target},nd_sll={sll}",
                    group.0[5]
                )
            }
            Payload::Advertisement { source, target } => write!(
                f,
                "icmp6,ipv6_src={source},ipv6_dst=ff02::1,icmpv6_type=136,nd_target={target},nd_tll={inner}"
            ),
            Payload::RouterAdvertisement { source } => write!(
                f,
                "icmp6,ipv6_src={source},ipv6_dst=ff02::1,icmpv6_type=134"
            ),
            Payload::Report { source } => write!(
                f,
                "icmp6,ipv6_src={source},ipv6_dst=ff02::16,icmpv6_type=143"
            ),
            Payload::Igmp {
                source,
                destination,
            } => write!(f, "ip,nw_proto=2,nw_src={source},nw_dst={destination}"),
            Payload::Tcp4 {
                source,
                destination,
                port,
            } => write!(
                f,
                "tcp,nw_src={source},nw_dst={destination},tcp_src=40000,tcp_dst={port}"
            ),
            Payload::Tcp6 {
                source,
                destination,
                port,
            } => write!(
                f,
                "tcp6,ipv6_src={source},ipv6_dst={destination},tcp_src=40000,tcp_dst={port}"
            ),
            Payload::DhcpRequest { source } => write!(
                f,
                "udp,nw_src={source},nw_dst=255.255.255.255,udp_src=68,udp_dst=67"
            ),
            Payload::DhcpAnswer { source } => write!(
                f,
                "udp,nw_src={source},nw_dst=255.255.255.255,udp_src=67,udp_dst=68"
            ),
            Payload::Other => write!(f, "dl_type=0x88cc"),
        }
    }
}
