//! The table of fields.
//!
//! The rows stand in the order in which OVS writes the fields of a match, which is also the
//! canonical order of a [`Match`](crate::matching::Match): what a switch returns needs no sorting.
//! A field that others need stands before them, as a switch refuses the reverse. Views of other
//! fields stand at the end; a match holds what they are views of.
//!
//! The facts are those of `ovs-fields(7)` and of OVS 3.1, or of the later version that a row names.
//! The columns: the type of the value, its
//! bits, how it is written, whether it can be masked, whether actions can write it, what it needs;
//! its names; its codes, the one for OpenFlow 1.3 first.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::value::*;
use super::{Access, Class, Code, Facts, Field, FieldId, Format, MacAddr, Maskable, Need};
use crate::declare::fields;

fields! {
    /// What the packet starts with.
    PACKET_TYPE: PacketType, 32 PacketType Exact ReadOnly Nothing, "packet_type",
        OXM_OF_PACKET_TYPE = Basic 44;
    /// A hash that the datapath made; internal to the switch.
    DP_HASH: u32, 32 Hexadecimal Masked ReadOnly Nothing, "dp_hash",
        NXM_NX_DP_HASH = Nxm1 35, NXOXM_ET_DP_HASH = Nicira 0;
    /// The recirculation that the packet comes from; internal to the switch.
    RECIRC_ID: u32, 32 Decimal Exact ReadOnly Nothing, "recirc_id",
        NXM_NX_RECIRC_ID = Nxm1 36;
    /// The conjunction whose every dimension matched.
    CONJ_ID: u32, 32 Decimal Exact ReadOnly Nothing, "conj_id",
        NXM_NX_CONJ_ID = Nxm1 37;
    /// The port that the packet came in by.
    IN_PORT: PortNo, 32 Port Exact Writable Nothing, "in_port_oxm",
        OXM_OF_IN_PORT = Basic 0;
    /// The port that the action set would send the packet to.
    ACTSET_OUTPUT: PortNo, 32 Port Exact ReadOnly Nothing, "actset_output",
        ONFOXM_ET_ACTSET_OUTPUT = Onf 43, OXM_OF_ACTSET_OUTPUT = Basic 43;
    /// The Ethernet source address.
    ETH_SRC: MacAddr, 48 Mac Masked Writable Ethernet, "eth_src" | "dl_src",
        OXM_OF_ETH_SRC = Basic 4, NXM_OF_ETH_SRC = Nxm0 2;
    /// The Ethernet destination address.
    ETH_DST: MacAddr, 48 Mac Masked Writable Ethernet, "eth_dst" | "dl_dst",
        OXM_OF_ETH_DST = Basic 3, NXM_OF_ETH_DST = Nxm0 1;
    /// The Ethernet type, past any VLAN tags.
    ETH_TYPE: EthType, 16 Hexadecimal Exact ReadOnly Ethernet, "eth_type" | "dl_type",
        OXM_OF_ETH_TYPE = Basic 5, NXM_OF_ETH_TYPE = Nxm0 3;
    /// The outer VLAN tag's number and presence.
    VLAN_VID: VlanVid, 12 Decimal Masked Writable Ethernet, "vlan_vid",
        OXM_OF_VLAN_VID = Basic 6;
    /// The outer VLAN tag's priority.
    VLAN_PCP: u8, 3 Decimal Exact Writable Vlan, "vlan_pcp",
        OXM_OF_VLAN_PCP = Basic 7;
    /// The outer MPLS label's traffic class.
    MPLS_TC: u8, 3 Decimal Exact Writable Mpls, "mpls_tc",
        OXM_OF_MPLS_TC = Basic 35;
    /// Whether the outer MPLS label is the last.
    MPLS_BOS: u8, 1 Decimal Exact ReadOnly Mpls, "mpls_bos",
        OXM_OF_MPLS_BOS = Basic 36;
    /// The outer MPLS label's time to live.
    MPLS_TTL: u8, 8 Decimal Exact Writable Mpls, "mpls_ttl",
        NXM_NX_MPLS_TTL = Nxm1 30;
    /// The outer MPLS label.
    MPLS_LABEL: u32, 20 Decimal Exact Writable Mpls, "mpls_label",
        OXM_OF_MPLS_LABEL = Basic 34;
    /// The IPv4 source address.
    IPV4_SRC: Ipv4Addr, 32 Ipv4 Masked Writable Ipv4, "ip_src" | "nw_src",
        OXM_OF_IPV4_SRC = Basic 11, NXM_OF_IP_SRC = Nxm0 7;
    /// The IPv4 destination address.
    IPV4_DST: Ipv4Addr, 32 Ipv4 Masked Writable Ipv4, "ip_dst" | "nw_dst",
        OXM_OF_IPV4_DST = Basic 12, NXM_OF_IP_DST = Nxm0 8;
    /// The IPv6 source address.
    IPV6_SRC: Ipv6Addr, 128 Ipv6 Masked Writable Ipv6, "ipv6_src",
        OXM_OF_IPV6_SRC = Basic 26, NXM_NX_IPV6_SRC = Nxm1 19;
    /// The IPv6 destination address.
    IPV6_DST: Ipv6Addr, 128 Ipv6 Masked Writable Ipv6, "ipv6_dst",
        OXM_OF_IPV6_DST = Basic 27, NXM_NX_IPV6_DST = Nxm1 20;
    /// Whether, and which, fragment the packet is.
    IP_FRAG: IpFrag, 2 Fragment Masked ReadOnly Ip, "ip_frag" | "nw_frag",
        NXM_NX_IP_FRAG = Nxm1 26;
    /// The six bits of differentiated services.
    IP_DSCP: u8, 6 Decimal Exact Writable Ip, "ip_dscp",
        OXM_OF_IP_DSCP = Basic 8;
    /// The two bits of explicit congestion notification.
    IP_ECN: u8, 2 Decimal Exact Writable Ip, "nw_ecn" | "ip_ecn",
        OXM_OF_IP_ECN = Basic 9, NXM_NX_IP_ECN = Nxm1 28;
    /// The time to live or hop limit.
    IP_TTL: u8, 8 Decimal Exact Writable Ip, "nw_ttl",
        NXM_NX_IP_TTL = Nxm1 29;
    /// The IPv6 flow label.
    IPV6_LABEL: u32, 20 Hexadecimal Masked Writable Ipv6, "ipv6_label",
        OXM_OF_IPV6_FLABEL = Basic 28, NXM_NX_IPV6_LABEL = Nxm1 27;
    /// The protocol on top of IP.
    IP_PROTO: IpProto, 8 Decimal Exact ReadOnly Ip, "nw_proto" | "ip_proto",
        OXM_OF_IP_PROTO = Basic 10, NXM_OF_IP_PROTO = Nxm0 6;
    /// The TCP source port.
    TCP_SRC: u16, 16 Decimal Masked Writable Tcp, "tcp_src" | "tp_src",
        OXM_OF_TCP_SRC = Basic 13, NXM_OF_TCP_SRC = Nxm0 9;
    /// The TCP destination port.
    TCP_DST: u16, 16 Decimal Masked Writable Tcp, "tcp_dst" | "tp_dst",
        OXM_OF_TCP_DST = Basic 14, NXM_OF_TCP_DST = Nxm0 10;
    /// The TCP flags.
    TCP_FLAGS: TcpFlags, 12 TcpFlags Masked ReadOnly Tcp, "tcp_flags",
        ONFOXM_ET_TCP_FLAGS = Onf 42, NXM_NX_TCP_FLAGS = Nxm1 34, OXM_OF_TCP_FLAGS = Basic 42;
    /// The UDP source port.
    UDP_SRC: u16, 16 Decimal Masked Writable Udp, "udp_src",
        OXM_OF_UDP_SRC = Basic 15, NXM_OF_UDP_SRC = Nxm0 11;
    /// The UDP destination port.
    UDP_DST: u16, 16 Decimal Masked Writable Udp, "udp_dst",
        OXM_OF_UDP_DST = Basic 16, NXM_OF_UDP_DST = Nxm0 12;
    /// The SCTP source port.
    SCTP_SRC: u16, 16 Decimal Masked Writable Sctp, "sctp_src",
        OXM_OF_SCTP_SRC = Basic 17;
    /// The SCTP destination port.
    SCTP_DST: u16, 16 Decimal Masked Writable Sctp, "sctp_dst",
        OXM_OF_SCTP_DST = Basic 18;
    /// The ICMP type.
    ICMPV4_TYPE: u8, 8 Decimal Exact Writable Icmp, "icmp_type",
        OXM_OF_ICMPV4_TYPE = Basic 19, NXM_OF_ICMP_TYPE = Nxm0 13;
    /// The ICMP code.
    ICMPV4_CODE: u8, 8 Decimal Exact Writable Icmp, "icmp_code",
        OXM_OF_ICMPV4_CODE = Basic 20, NXM_OF_ICMP_CODE = Nxm0 14;
    /// The ICMPv6 type.
    ICMPV6_TYPE: u8, 8 Decimal Exact Writable Icmpv6, "icmpv6_type",
        OXM_OF_ICMPV6_TYPE = Basic 29, NXM_NX_ICMPV6_TYPE = Nxm1 21;
    /// The ICMPv6 code.
    ICMPV6_CODE: u8, 8 Decimal Exact Writable Icmpv6, "icmpv6_code",
        OXM_OF_ICMPV6_CODE = Basic 30, NXM_NX_ICMPV6_CODE = Nxm1 22;
    /// The reserved bits of neighbour discovery, flags of an advertisement among them.
    ND_RESERVED: u32, 32 Decimal Exact Writable Nd, "nd_reserved",
        ERICOXM_OF_ICMPV6_ND_RESERVED = Ericsson 1;
    /// The address that neighbour discovery asks for.
    ND_TARGET: Ipv6Addr, 128 Ipv6 Masked Writable Nd, "nd_target",
        OXM_OF_IPV6_ND_TARGET = Basic 31, NXM_NX_ND_TARGET = Nxm1 23;
    /// The type of the first option of neighbour discovery.
    ND_OPTIONS_TYPE: u8, 8 Decimal Exact Writable Nd, "nd_options_type",
        ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE = Ericsson 2;
    /// The link-layer address of who solicits.
    ND_SLL: MacAddr, 48 Mac Masked Writable NdSolicit, "nd_sll",
        OXM_OF_IPV6_ND_SLL = Basic 32, NXM_NX_ND_SLL = Nxm1 24;
    /// The link-layer address that is advertised.
    ND_TLL: MacAddr, 48 Mac Masked Writable NdAdvert, "nd_tll",
        OXM_OF_IPV6_ND_TLL = Basic 33, NXM_NX_ND_TLL = Nxm1 25;
    /// The ARP operation.
    ARP_OP: u16, 16 Decimal Exact Writable Arp, "arp_op",
        OXM_OF_ARP_OP = Basic 21, NXM_OF_ARP_OP = Nxm0 15;
    /// The IPv4 address of the ARP sender.
    ARP_SPA: Ipv4Addr, 32 Ipv4 Masked Writable Arp, "arp_spa",
        OXM_OF_ARP_SPA = Basic 22, NXM_OF_ARP_SPA = Nxm0 16;
    /// The IPv4 address of the ARP target.
    ARP_TPA: Ipv4Addr, 32 Ipv4 Masked Writable Arp, "arp_tpa",
        OXM_OF_ARP_TPA = Basic 23, NXM_OF_ARP_TPA = Nxm0 17;
    /// The Ethernet address of the ARP sender.
    ARP_SHA: MacAddr, 48 Mac Masked Writable Arp, "arp_sha",
        OXM_OF_ARP_SHA = Basic 24, NXM_NX_ARP_SHA = Nxm1 17;
    /// The Ethernet address of the ARP target.
    ARP_THA: MacAddr, 48 Mac Masked Writable Arp, "arp_tha",
        OXM_OF_ARP_THA = Basic 25, NXM_NX_ARP_THA = Nxm1 18;
    /// The key of the tunnel: a VNI, a GRE key.
    TUN_ID: u64, 64 Hexadecimal Masked Writable Nothing, "tun_id" | "tunnel_id",
        OXM_OF_TUNNEL_ID = Basic 38, NXM_NX_TUN_ID = Nxm1 16;
    /// The flags of the tunnel.
    TUN_FLAGS: TunFlags, 1 TunFlags Masked Writable Nothing, "tun_flags",
        NXM_NX_TUN_FLAGS = Nxm1 104;
    /// The tunnel's IPv4 source.
    TUN_SRC: Ipv4Addr, 32 Ipv4 Masked Writable Nothing, "tun_src",
        NXM_NX_TUN_IPV4_SRC = Nxm1 31;
    /// The tunnel's IPv4 destination.
    TUN_DST: Ipv4Addr, 32 Ipv4 Masked Writable Nothing, "tun_dst",
        NXM_NX_TUN_IPV4_DST = Nxm1 32;
    /// The tunnel's IPv6 source.
    TUN_IPV6_SRC: Ipv6Addr, 128 Ipv6 Masked Writable Nothing, "tun_ipv6_src",
        NXM_NX_TUN_IPV6_SRC = Nxm1 109;
    /// The tunnel's IPv6 destination.
    TUN_IPV6_DST: Ipv6Addr, 128 Ipv6 Masked Writable Nothing, "tun_ipv6_dst",
        NXM_NX_TUN_IPV6_DST = Nxm1 110;
    /// The VXLAN group policy.
    TUN_GBP_ID: u16, 16 Decimal Masked Writable Nothing, "tun_gbp_id",
        NXM_NX_TUN_GBP_ID = Nxm1 38;
    /// The flags of the VXLAN group policy.
    TUN_GBP_FLAGS: u8, 8 Hexadecimal Masked Writable Nothing, "tun_gbp_flags",
        NXM_NX_TUN_GBP_FLAGS = Nxm1 39;
    /// An option of the tunnel, as the switch's TLV table maps it.
    TUN_METADATA0: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata0",
        NXM_NX_TUN_METADATA0 = Nxm1 40;
    TUN_METADATA1: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata1",
        NXM_NX_TUN_METADATA1 = Nxm1 41;
    TUN_METADATA2: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata2",
        NXM_NX_TUN_METADATA2 = Nxm1 42;
    TUN_METADATA3: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata3",
        NXM_NX_TUN_METADATA3 = Nxm1 43;
    TUN_METADATA4: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata4",
        NXM_NX_TUN_METADATA4 = Nxm1 44;
    TUN_METADATA5: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata5",
        NXM_NX_TUN_METADATA5 = Nxm1 45;
    TUN_METADATA6: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata6",
        NXM_NX_TUN_METADATA6 = Nxm1 46;
    TUN_METADATA7: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata7",
        NXM_NX_TUN_METADATA7 = Nxm1 47;
    TUN_METADATA8: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata8",
        NXM_NX_TUN_METADATA8 = Nxm1 48;
    TUN_METADATA9: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata9",
        NXM_NX_TUN_METADATA9 = Nxm1 49;
    TUN_METADATA10: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata10",
        NXM_NX_TUN_METADATA10 = Nxm1 50;
    TUN_METADATA11: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata11",
        NXM_NX_TUN_METADATA11 = Nxm1 51;
    TUN_METADATA12: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata12",
        NXM_NX_TUN_METADATA12 = Nxm1 52;
    TUN_METADATA13: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata13",
        NXM_NX_TUN_METADATA13 = Nxm1 53;
    TUN_METADATA14: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata14",
        NXM_NX_TUN_METADATA14 = Nxm1 54;
    TUN_METADATA15: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata15",
        NXM_NX_TUN_METADATA15 = Nxm1 55;
    TUN_METADATA16: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata16",
        NXM_NX_TUN_METADATA16 = Nxm1 56;
    TUN_METADATA17: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata17",
        NXM_NX_TUN_METADATA17 = Nxm1 57;
    TUN_METADATA18: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata18",
        NXM_NX_TUN_METADATA18 = Nxm1 58;
    TUN_METADATA19: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata19",
        NXM_NX_TUN_METADATA19 = Nxm1 59;
    TUN_METADATA20: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata20",
        NXM_NX_TUN_METADATA20 = Nxm1 60;
    TUN_METADATA21: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata21",
        NXM_NX_TUN_METADATA21 = Nxm1 61;
    TUN_METADATA22: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata22",
        NXM_NX_TUN_METADATA22 = Nxm1 62;
    TUN_METADATA23: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata23",
        NXM_NX_TUN_METADATA23 = Nxm1 63;
    TUN_METADATA24: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata24",
        NXM_NX_TUN_METADATA24 = Nxm1 64;
    TUN_METADATA25: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata25",
        NXM_NX_TUN_METADATA25 = Nxm1 65;
    TUN_METADATA26: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata26",
        NXM_NX_TUN_METADATA26 = Nxm1 66;
    TUN_METADATA27: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata27",
        NXM_NX_TUN_METADATA27 = Nxm1 67;
    TUN_METADATA28: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata28",
        NXM_NX_TUN_METADATA28 = Nxm1 68;
    TUN_METADATA29: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata29",
        NXM_NX_TUN_METADATA29 = Nxm1 69;
    TUN_METADATA30: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata30",
        NXM_NX_TUN_METADATA30 = Nxm1 70;
    TUN_METADATA31: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata31",
        NXM_NX_TUN_METADATA31 = Nxm1 71;
    TUN_METADATA32: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata32",
        NXM_NX_TUN_METADATA32 = Nxm1 72;
    TUN_METADATA33: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata33",
        NXM_NX_TUN_METADATA33 = Nxm1 73;
    TUN_METADATA34: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata34",
        NXM_NX_TUN_METADATA34 = Nxm1 74;
    TUN_METADATA35: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata35",
        NXM_NX_TUN_METADATA35 = Nxm1 75;
    TUN_METADATA36: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata36",
        NXM_NX_TUN_METADATA36 = Nxm1 76;
    TUN_METADATA37: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata37",
        NXM_NX_TUN_METADATA37 = Nxm1 77;
    TUN_METADATA38: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata38",
        NXM_NX_TUN_METADATA38 = Nxm1 78;
    TUN_METADATA39: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata39",
        NXM_NX_TUN_METADATA39 = Nxm1 79;
    TUN_METADATA40: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata40",
        NXM_NX_TUN_METADATA40 = Nxm1 80;
    TUN_METADATA41: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata41",
        NXM_NX_TUN_METADATA41 = Nxm1 81;
    TUN_METADATA42: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata42",
        NXM_NX_TUN_METADATA42 = Nxm1 82;
    TUN_METADATA43: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata43",
        NXM_NX_TUN_METADATA43 = Nxm1 83;
    TUN_METADATA44: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata44",
        NXM_NX_TUN_METADATA44 = Nxm1 84;
    TUN_METADATA45: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata45",
        NXM_NX_TUN_METADATA45 = Nxm1 85;
    TUN_METADATA46: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata46",
        NXM_NX_TUN_METADATA46 = Nxm1 86;
    TUN_METADATA47: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata47",
        NXM_NX_TUN_METADATA47 = Nxm1 87;
    TUN_METADATA48: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata48",
        NXM_NX_TUN_METADATA48 = Nxm1 88;
    TUN_METADATA49: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata49",
        NXM_NX_TUN_METADATA49 = Nxm1 89;
    TUN_METADATA50: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata50",
        NXM_NX_TUN_METADATA50 = Nxm1 90;
    TUN_METADATA51: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata51",
        NXM_NX_TUN_METADATA51 = Nxm1 91;
    TUN_METADATA52: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata52",
        NXM_NX_TUN_METADATA52 = Nxm1 92;
    TUN_METADATA53: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata53",
        NXM_NX_TUN_METADATA53 = Nxm1 93;
    TUN_METADATA54: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata54",
        NXM_NX_TUN_METADATA54 = Nxm1 94;
    TUN_METADATA55: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata55",
        NXM_NX_TUN_METADATA55 = Nxm1 95;
    TUN_METADATA56: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata56",
        NXM_NX_TUN_METADATA56 = Nxm1 96;
    TUN_METADATA57: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata57",
        NXM_NX_TUN_METADATA57 = Nxm1 97;
    TUN_METADATA58: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata58",
        NXM_NX_TUN_METADATA58 = Nxm1 98;
    TUN_METADATA59: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata59",
        NXM_NX_TUN_METADATA59 = Nxm1 99;
    TUN_METADATA60: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata60",
        NXM_NX_TUN_METADATA60 = Nxm1 100;
    TUN_METADATA61: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata61",
        NXM_NX_TUN_METADATA61 = Nxm1 101;
    TUN_METADATA62: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata62",
        NXM_NX_TUN_METADATA62 = Nxm1 102;
    TUN_METADATA63: TunMetadata, 992 Hexadecimal Masked Writable Nothing, "tun_metadata63",
        NXM_NX_TUN_METADATA63 = Nxm1 103;
    /// The ERSPAN index.
    TUN_ERSPAN_IDX: u32, 20 Hexadecimal Masked Writable Nothing, "tun_erspan_idx",
        NXOXM_ET_ERSPAN_IDX = Nicira 11;
    /// The ERSPAN version.
    TUN_ERSPAN_VER: u8, 4 Decimal Masked Writable Nothing, "tun_erspan_ver",
        NXOXM_ET_ERSPAN_VER = Nicira 12;
    /// The direction of the traffic that ERSPAN mirrors.
    TUN_ERSPAN_DIR: u8, 1 Decimal Masked Writable Nothing, "tun_erspan_dir",
        NXOXM_ET_ERSPAN_DIR = Nicira 13;
    /// The ERSPAN hardware identifier.
    TUN_ERSPAN_HWID: u8, 6 Hexadecimal Masked Writable Nothing, "tun_erspan_hwid",
        NXOXM_ET_ERSPAN_HWID = Nicira 14;
    /// The GTP-U flags.
    TUN_GTPU_FLAGS: u8, 8 Hexadecimal Masked ReadOnly Nothing, "tun_gtpu_flags",
        NXOXM_ET_GTPU_FLAGS = Nicira 15;
    /// The GTP-U message type.
    TUN_GTPU_MSGTYPE: u8, 8 Decimal Masked ReadOnly Nothing, "tun_gtpu_msgtype",
        NXOXM_ET_GTPU_MSGTYPE = Nicira 16;
    /// The NSH flags.
    NSH_FLAGS: u8, 8 Decimal Masked Writable Nsh, "nsh_flags",
        NXOXM_NSH_FLAGS = Nsh 1;
    /// The NSH time to live.
    NSH_TTL: u8, 8 Decimal Exact Writable Nsh, "nsh_ttl",
        NXOXM_NSH_TTL = Nsh 10;
    /// The NSH metadata type.
    NSH_MDTYPE: u8, 8 Decimal Exact ReadOnly Nsh, "nsh_mdtype",
        NXOXM_NSH_MDTYPE = Nsh 2;
    /// The next protocol in an NSH.
    NSH_NP: u8, 8 Decimal Exact ReadOnly Nsh, "nsh_np",
        NXOXM_NSH_NP = Nsh 3;
    /// The NSH service path.
    NSH_SPI: u32, 24 Hexadecimal Exact Writable Nsh, "nsh_spi" | "nsp",
        NXOXM_NSH_SPI = Nsh 4;
    /// The NSH service index.
    NSH_SI: u8, 8 Decimal Exact Writable Nsh, "nsh_si" | "nsi",
        NXOXM_NSH_SI = Nsh 5;
    NSH_C1: u32, 32 Hexadecimal Masked Writable Nsh, "nsh_c1" | "nshc1", NXOXM_NSH_C1 = Nsh 6;
    NSH_C2: u32, 32 Hexadecimal Masked Writable Nsh, "nsh_c2" | "nshc2", NXOXM_NSH_C2 = Nsh 7;
    NSH_C3: u32, 32 Hexadecimal Masked Writable Nsh, "nsh_c3" | "nshc3", NXOXM_NSH_C3 = Nsh 8;
    NSH_C4: u32, 32 Hexadecimal Masked Writable Nsh, "nsh_c4" | "nshc4", NXOXM_NSH_C4 = Nsh 9;
    REG0: u32, 32 Hexadecimal Masked Writable Nothing, "reg0", NXM_NX_REG0 = Nxm1 0;
    REG1: u32, 32 Hexadecimal Masked Writable Nothing, "reg1", NXM_NX_REG1 = Nxm1 1;
    REG2: u32, 32 Hexadecimal Masked Writable Nothing, "reg2", NXM_NX_REG2 = Nxm1 2;
    REG3: u32, 32 Hexadecimal Masked Writable Nothing, "reg3", NXM_NX_REG3 = Nxm1 3;
    REG4: u32, 32 Hexadecimal Masked Writable Nothing, "reg4", NXM_NX_REG4 = Nxm1 4;
    REG5: u32, 32 Hexadecimal Masked Writable Nothing, "reg5", NXM_NX_REG5 = Nxm1 5;
    REG6: u32, 32 Hexadecimal Masked Writable Nothing, "reg6", NXM_NX_REG6 = Nxm1 6;
    REG7: u32, 32 Hexadecimal Masked Writable Nothing, "reg7", NXM_NX_REG7 = Nxm1 7;
    REG8: u32, 32 Hexadecimal Masked Writable Nothing, "reg8", NXM_NX_REG8 = Nxm1 8;
    REG9: u32, 32 Hexadecimal Masked Writable Nothing, "reg9", NXM_NX_REG9 = Nxm1 9;
    REG10: u32, 32 Hexadecimal Masked Writable Nothing, "reg10", NXM_NX_REG10 = Nxm1 10;
    REG11: u32, 32 Hexadecimal Masked Writable Nothing, "reg11", NXM_NX_REG11 = Nxm1 11;
    REG12: u32, 32 Hexadecimal Masked Writable Nothing, "reg12", NXM_NX_REG12 = Nxm1 12;
    REG13: u32, 32 Hexadecimal Masked Writable Nothing, "reg13", NXM_NX_REG13 = Nxm1 13;
    REG14: u32, 32 Hexadecimal Masked Writable Nothing, "reg14", NXM_NX_REG14 = Nxm1 14;
    REG15: u32, 32 Hexadecimal Masked Writable Nothing, "reg15", NXM_NX_REG15 = Nxm1 15;
    /// A scratch pad; since OVS 3.7.
    REG16: u32, 32 Hexadecimal Masked Writable Nothing, "reg16", NXOXM_ET_REG16 = Nicira 17;
    /// A scratch pad; since OVS 3.7.
    REG17: u32, 32 Hexadecimal Masked Writable Nothing, "reg17", NXOXM_ET_REG17 = Nicira 18;
    /// A scratch pad; since OVS 3.7.
    REG18: u32, 32 Hexadecimal Masked Writable Nothing, "reg18", NXOXM_ET_REG18 = Nicira 19;
    /// A scratch pad; since OVS 3.7.
    REG19: u32, 32 Hexadecimal Masked Writable Nothing, "reg19", NXOXM_ET_REG19 = Nicira 20;
    /// A scratch pad; since OVS 3.7.
    REG20: u32, 32 Hexadecimal Masked Writable Nothing, "reg20", NXOXM_ET_REG20 = Nicira 21;
    /// A scratch pad; since OVS 3.7.
    REG21: u32, 32 Hexadecimal Masked Writable Nothing, "reg21", NXOXM_ET_REG21 = Nicira 22;
    /// A scratch pad; since OVS 3.7.
    REG22: u32, 32 Hexadecimal Masked Writable Nothing, "reg22", NXOXM_ET_REG22 = Nicira 23;
    /// A scratch pad; since OVS 3.7.
    REG23: u32, 32 Hexadecimal Masked Writable Nothing, "reg23", NXOXM_ET_REG23 = Nicira 24;
    /// A scratch pad; since OVS 3.7.
    REG24: u32, 32 Hexadecimal Masked Writable Nothing, "reg24", NXOXM_ET_REG24 = Nicira 25;
    /// A scratch pad; since OVS 3.7.
    REG25: u32, 32 Hexadecimal Masked Writable Nothing, "reg25", NXOXM_ET_REG25 = Nicira 26;
    /// A scratch pad; since OVS 3.7.
    REG26: u32, 32 Hexadecimal Masked Writable Nothing, "reg26", NXOXM_ET_REG26 = Nicira 27;
    /// A scratch pad; since OVS 3.7.
    REG27: u32, 32 Hexadecimal Masked Writable Nothing, "reg27", NXOXM_ET_REG27 = Nicira 28;
    /// A scratch pad; since OVS 3.7.
    REG28: u32, 32 Hexadecimal Masked Writable Nothing, "reg28", NXOXM_ET_REG28 = Nicira 29;
    /// A scratch pad; since OVS 3.7.
    REG29: u32, 32 Hexadecimal Masked Writable Nothing, "reg29", NXOXM_ET_REG29 = Nicira 30;
    /// A scratch pad; since OVS 3.7.
    REG30: u32, 32 Hexadecimal Masked Writable Nothing, "reg30", NXOXM_ET_REG30 = Nicira 31;
    /// A scratch pad; since OVS 3.7.
    REG31: u32, 32 Hexadecimal Masked Writable Nothing, "reg31", NXOXM_ET_REG31 = Nicira 32;
    /// A mark that travels with the packet within the host.
    PKT_MARK: u32, 32 Hexadecimal Masked Writable Nothing, "pkt_mark",
        NXM_NX_PKT_MARK = Nxm1 33;
    /// What the connection tracker says of the packet.
    CT_STATE: CtState, 32 CtState Masked ReadOnly Nothing, "ct_state",
        NXM_NX_CT_STATE = Nxm1 105;
    /// The zone of the connection tracker.
    CT_ZONE: u16, 16 Hexadecimal Exact ReadOnly Nothing, "ct_zone",
        NXM_NX_CT_ZONE = Nxm1 106;
    /// The connection's mark.
    CT_MARK: u32, 32 Hexadecimal Masked Writable Nothing, "ct_mark",
        NXM_NX_CT_MARK = Nxm1 107;
    /// The connection's label.
    CT_LABEL: u128, 128 Hexadecimal Masked Writable Nothing, "ct_label",
        NXM_NX_CT_LABEL = Nxm1 108;
    /// The IPv4 source of the connection's first packet.
    CT_NW_SRC: Ipv4Addr, 32 Ipv4 Masked ReadOnly TrackedIpv4, "ct_nw_src",
        NXM_NX_CT_NW_SRC = Nxm1 120;
    /// The IPv6 source of the connection's first packet.
    CT_IPV6_SRC: Ipv6Addr, 128 Ipv6 Masked ReadOnly TrackedIpv6, "ct_ipv6_src",
        NXM_NX_CT_IPV6_SRC = Nxm1 122;
    /// The IPv4 destination of the connection's first packet.
    CT_NW_DST: Ipv4Addr, 32 Ipv4 Masked ReadOnly TrackedIpv4, "ct_nw_dst",
        NXM_NX_CT_NW_DST = Nxm1 121;
    /// The IPv6 destination of the connection's first packet.
    CT_IPV6_DST: Ipv6Addr, 128 Ipv6 Masked ReadOnly TrackedIpv6, "ct_ipv6_dst",
        NXM_NX_CT_IPV6_DST = Nxm1 123;
    /// The protocol of the connection's first packet.
    CT_NW_PROTO: IpProto, 8 Decimal Exact ReadOnly Tracked, "ct_nw_proto",
        NXM_NX_CT_NW_PROTO = Nxm1 119;
    /// The source port of the connection's first packet.
    CT_TP_SRC: u16, 16 Decimal Masked ReadOnly Tracked, "ct_tp_src",
        NXM_NX_CT_TP_SRC = Nxm1 124;
    /// The destination port of the connection's first packet.
    CT_TP_DST: u16, 16 Decimal Masked ReadOnly Tracked, "ct_tp_dst",
        NXM_NX_CT_TP_DST = Nxm1 125;
    /// A scratch pad that the instruction `write_metadata` fills.
    METADATA: u64, 64 Hexadecimal Masked Writable Nothing, "metadata",
        OXM_OF_METADATA = Basic 2;
    /// The port that the packet came in by, in 16 bits; a view of [`IN_PORT`].
    IN_PORT_16: u16, 16 Port Exact Writable Nothing, "in_port",
        NXM_OF_IN_PORT = Nxm0 0;
    /// The outer VLAN tag, priority included; a view of [`VLAN_VID`] and [`VLAN_PCP`].
    VLAN_TCI: u16, 16 Hexadecimal Masked Writable Ethernet, "vlan_tci",
        NXM_OF_VLAN_TCI = Nxm0 4;
    /// The type of service, its lower two bits zero; a view of [`IP_DSCP`].
    IP_TOS: u8, 8 Decimal Exact Writable Ip, "nw_tos",
        NXM_OF_IP_TOS = Nxm0 5;
    /// A view of [`REG0`], its upper half, and [`REG1`].
    XREG0: u64, 64 Hexadecimal Masked Writable Nothing, "xreg0", OXM_OF_PKT_REG0 = Registers 0;
    /// A view of [`REG2`], its upper half, and [`REG3`].
    XREG1: u64, 64 Hexadecimal Masked Writable Nothing, "xreg1", OXM_OF_PKT_REG1 = Registers 1;
    /// A view of [`REG4`], its upper half, and [`REG5`].
    XREG2: u64, 64 Hexadecimal Masked Writable Nothing, "xreg2", OXM_OF_PKT_REG2 = Registers 2;
    /// A view of [`REG6`], its upper half, and [`REG7`].
    XREG3: u64, 64 Hexadecimal Masked Writable Nothing, "xreg3", OXM_OF_PKT_REG3 = Registers 3;
    /// A view of [`REG8`], its upper half, and [`REG9`].
    XREG4: u64, 64 Hexadecimal Masked Writable Nothing, "xreg4", OXM_OF_PKT_REG4 = Registers 4;
    /// A view of [`REG10`], its upper half, and [`REG11`].
    XREG5: u64, 64 Hexadecimal Masked Writable Nothing, "xreg5", OXM_OF_PKT_REG5 = Registers 5;
    /// A view of [`REG12`], its upper half, and [`REG13`].
    XREG6: u64, 64 Hexadecimal Masked Writable Nothing, "xreg6", OXM_OF_PKT_REG6 = Registers 6;
    /// A view of [`REG14`], its upper half, and [`REG15`].
    XREG7: u64, 64 Hexadecimal Masked Writable Nothing, "xreg7", OXM_OF_PKT_REG7 = Registers 7;
    /// A view of [`REG16`], its upper half, and [`REG17`]; since OVS 3.7.
    XREG8: u64, 64 Hexadecimal Masked Writable Nothing, "xreg8", OXM_OF_PKT_REG8 = Registers 8;
    /// A view of [`REG18`], its upper half, and [`REG19`]; since OVS 3.7.
    XREG9: u64, 64 Hexadecimal Masked Writable Nothing, "xreg9", OXM_OF_PKT_REG9 = Registers 9;
    /// A view of [`REG20`], its upper half, and [`REG21`]; since OVS 3.7.
    XREG10: u64, 64 Hexadecimal Masked Writable Nothing, "xreg10", OXM_OF_PKT_REG10 = Registers 10;
    /// A view of [`REG22`], its upper half, and [`REG23`]; since OVS 3.7.
    XREG11: u64, 64 Hexadecimal Masked Writable Nothing, "xreg11", OXM_OF_PKT_REG11 = Registers 11;
    /// A view of [`REG24`], its upper half, and [`REG25`]; since OVS 3.7.
    XREG12: u64, 64 Hexadecimal Masked Writable Nothing, "xreg12", OXM_OF_PKT_REG12 = Registers 12;
    /// A view of [`REG26`], its upper half, and [`REG27`]; since OVS 3.7.
    XREG13: u64, 64 Hexadecimal Masked Writable Nothing, "xreg13", OXM_OF_PKT_REG13 = Registers 13;
    /// A view of [`REG28`], its upper half, and [`REG29`]; since OVS 3.7.
    XREG14: u64, 64 Hexadecimal Masked Writable Nothing, "xreg14", OXM_OF_PKT_REG14 = Registers 14;
    /// A view of [`REG30`], its upper half, and [`REG31`]; since OVS 3.7.
    XREG15: u64, 64 Hexadecimal Masked Writable Nothing, "xreg15", OXM_OF_PKT_REG15 = Registers 15;
    /// A view of [`REG0`], its uppermost quarter, to [`REG3`].
    XXREG0: u128, 128 Hexadecimal Masked Writable Nothing, "xxreg0", NXM_NX_XXREG0 = Nxm1 111;
    /// A view of [`REG4`], its uppermost quarter, to [`REG7`].
    XXREG1: u128, 128 Hexadecimal Masked Writable Nothing, "xxreg1", NXM_NX_XXREG1 = Nxm1 112;
    /// A view of [`REG8`], its uppermost quarter, to [`REG11`].
    XXREG2: u128, 128 Hexadecimal Masked Writable Nothing, "xxreg2", NXM_NX_XXREG2 = Nxm1 113;
    /// A view of [`REG12`], its uppermost quarter, to [`REG15`].
    XXREG3: u128, 128 Hexadecimal Masked Writable Nothing, "xxreg3", NXM_NX_XXREG3 = Nxm1 114;
    /// A view of [`REG16`], its uppermost quarter, to [`REG19`]; since OVS 3.7.
    XXREG4: u128, 128 Hexadecimal Masked Writable Nothing, "xxreg4", NXOXM_ET_XXREG4 = Nicira 33;
    /// A view of [`REG20`], its uppermost quarter, to [`REG23`]; since OVS 3.7.
    XXREG5: u128, 128 Hexadecimal Masked Writable Nothing, "xxreg5", NXOXM_ET_XXREG5 = Nicira 34;
    /// A view of [`REG24`], its uppermost quarter, to [`REG27`]; since OVS 3.7.
    XXREG6: u128, 128 Hexadecimal Masked Writable Nothing, "xxreg6", NXOXM_ET_XXREG6 = Nicira 35;
    /// A view of [`REG28`], its uppermost quarter, to [`REG31`]; since OVS 3.7.
    XXREG7: u128, 128 Hexadecimal Masked Writable Nothing, "xxreg7", NXOXM_ET_XXREG7 = Nicira 36;
}
