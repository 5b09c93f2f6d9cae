//! Columns that hold one word of a list.

use pipelines::network;

ovsdb::enumeration! {
    /// What others may do with an object.
    pub(crate) enum AccessAction {
        /// Use it as their own.
        Shared = "access_as_shared",
        /// Lead their routers outside by it, and have floating IPs of it.
        External = "access_as_external",
    }
}

ovsdb::enumeration! {
    /// How a segment is carried.
    pub(crate) enum SegmentType {
        /// Untagged on a physical network.
        Flat = "flat",
        /// Tagged on a physical network.
        Vlan = "vlan",
        /// VXLAN tunnels.
        Vxlan = "vxlan",
        /// GRE tunnels.
        Gre = "gre",
        /// Geneve tunnels.
        Geneve = "geneve",
    }
}

impl From<SegmentType> for network::NetworkType {
    fn from(segment_type: SegmentType) -> Self {
        match segment_type {
            SegmentType::Flat => Self::Flat,
            SegmentType::Vlan => Self::Vlan,
            SegmentType::Vxlan => Self::Vxlan,
            SegmentType::Gre => Self::Gre,
            SegmentType::Geneve => Self::Geneve,
        }
    }
}

ovsdb::enumeration! {
    /// A kind of tunnel.
    pub(crate) enum EncapType {
        /// VXLAN.
        Vxlan = "vxlan",
        /// GRE.
        Gre = "gre",
        /// Geneve.
        Geneve = "geneve",
    }
}

ovsdb::enumeration! {
    /// How machines come to their IPv6 addresses.
    pub(crate) enum Ipv6Mode {
        /// By DHCPv6.
        DhcpStateful = "dhcpv6-stateful",
        /// By themselves; the rest by DHCPv6.
        DhcpStateless = "dhcpv6-stateless",
        /// By themselves.
        Slaac = "slaac",
    }
}

impl From<network::Ipv6Mode> for Ipv6Mode {
    fn from(mode: network::Ipv6Mode) -> Self {
        match mode {
            network::Ipv6Mode::DhcpStateful => Self::DhcpStateful,
            network::Ipv6Mode::DhcpStateless => Self::DhcpStateless,
            network::Ipv6Mode::Slaac => Self::Slaac,
        }
    }
}

impl From<Ipv6Mode> for network::Ipv6Mode {
    fn from(mode: Ipv6Mode) -> Self {
        match mode {
            Ipv6Mode::DhcpStateful => Self::DhcpStateful,
            Ipv6Mode::DhcpStateless => Self::DhcpStateless,
            Ipv6Mode::Slaac => Self::Slaac,
        }
    }
}

ovsdb::enumeration! {
    /// A protocol whose ports can be forwarded.
    pub(crate) enum ForwardedProtocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
    }
}

impl From<network::ForwardedProtocol> for ForwardedProtocol {
    fn from(protocol: network::ForwardedProtocol) -> Self {
        match protocol {
            network::ForwardedProtocol::Tcp => Self::Tcp,
            network::ForwardedProtocol::Udp => Self::Udp,
        }
    }
}

impl From<ForwardedProtocol> for network::ForwardedProtocol {
    fn from(protocol: ForwardedProtocol) -> Self {
        match protocol {
            ForwardedProtocol::Tcp => Self::Tcp,
            ForwardedProtocol::Udp => Self::Udp,
        }
    }
}

ovsdb::enumeration! {
    /// Which way packets go, seen from the port.
    pub(crate) enum Direction {
        /// Towards the port.
        Ingress = "ingress",
        /// Away from the port.
        Egress = "egress",
    }
}

ovsdb::enumeration! {
    /// A version of IP.
    pub(crate) enum Ethertype {
        /// IPv4.
        Ipv4 = "IPv4",
        /// IPv6.
        Ipv6 = "IPv6",
    }
}

ovsdb::enumeration! {
    /// Which verdicts of the firewall are logged.
    pub(crate) enum LogEvent {
        /// New connections that are accepted.
        Accept = "ACCEPT",
        /// Packets that are dropped.
        Drop = "DROP",
        /// Both.
        All = "ALL",
    }
}

ovsdb::enumeration! {
    /// Whether an object works.
    pub(crate) enum Status {
        /// It does not, or nobody has said that it does.
        Down = "DOWN",
        /// It does.
        Active = "ACTIVE",
        /// It is being made.
        Build = "BUILD",
        /// A part of it does.
        Degraded = "DEGRADED",
        /// It cannot.
        Error = "ERROR",
        /// The question makes no sense.
        NotApplicable = "N/A",
    }
}
