//! Protocols that a link needs to work at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use openflow::field::{
    ETH_TYPE, EthType, ICMPV6_CODE, ICMPV6_TYPE, IP_PROTO, IpProto, MacAddr, UDP_DST, UDP_SRC,
    VlanVid,
};

use crate::table::Draft;

/// The VLAN of frames whose tag holds a priority and nothing else (IEEE 802.1Q, table 9-2).
pub(crate) const NO_VLAN: VlanVid = VlanVid::tagged(0);

/// ICMPv6: who listens to a multicast group? (RFC 2710)
pub(crate) const LISTENER_QUERY: u8 = 130;
/// ICMPv6: somebody listens to a multicast group. (RFC 2710)
pub(crate) const LISTENER_REPORT: u8 = 131;
/// ICMPv6: somebody listens no more. (RFC 2710)
pub(crate) const LISTENER_DONE: u8 = 132;
/// ICMPv6: what somebody listens to. (RFC 3810)
pub(crate) const LISTENER_REPORT_V2: u8 = 143;
/// What listeners to multicast say.
pub(crate) const LISTENER_REPORTS: [u8; 3] = [LISTENER_REPORT, LISTENER_DONE, LISTENER_REPORT_V2];

/// Multicast groups (RFC 5771).
pub(crate) const GROUPS_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4);
/// Groups that a link needs to work, and that stay on it (section 4).
pub(crate) const GROUPS_OF_LINK_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 24);
/// All hosts of a link.
pub(crate) const ALL_HOSTS_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 1), 32);
/// Multicast groups of IPv6 (RFC 4291, section 2.7).
pub(crate) const GROUPS_V6: Ipv6Net =
    Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8);
/// Groups of IPv6 that a link needs to work, and that stay on it.
pub(crate) const GROUPS_OF_LINK_V6: Ipv6Net =
    Ipv6Net::new_assert(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0), 16);

/// ICMPv6: where is a router? (RFC 4861)
pub(crate) const ROUTER_SOLICITATION: u8 = 133;
/// ICMPv6: here is a router. (RFC 4861)
pub(crate) const ROUTER_ADVERTISEMENT: u8 = 134;
/// ICMPv6: who has an address? (RFC 4861)
pub(crate) const NEIGHBOUR_SOLICITATION: u8 = 135;
/// ICMPv6: this address is here. (RFC 4861)
pub(crate) const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// ARP: who has an address? (RFC 826)
pub(crate) const ARP_REQUEST: u16 = 1;
/// ARP: it is here.
pub(crate) const ARP_REPLY: u16 = 2;

/// The flags of a router's solicited advertisement that overrides caches (RFC 4861, section 4.4).
pub(crate) const ROUTER_SOLICITED_OVERRIDE: u32 = 0xe000_0000;

/// The option that holds the MAC of the target (RFC 4861, section 4.6.1).
pub(crate) const TARGET_LINK_LAYER_ADDRESS: u8 = 2;

/// Everybody on a link, by IPv6 (RFC 2464, section 7).
pub(crate) const ALL_NODES: MacAddr = MacAddr([0x33, 0x33, 0, 0, 0, 1]);

/// Matches an ICMPv6 message by its type.
pub(crate) fn icmpv6(draft: Draft<'_>, icmp_type: u8) -> Draft<'_> {
    draft
        .when(ETH_TYPE, EthType::IPV6)
        .when(IP_PROTO, IpProto::ICMPV6)
        .when(ICMPV6_TYPE, icmp_type)
}

/// Matches a neighbour discovery message whose fields the flow matches, reads or sets.
///
/// Open vSwitch before 3.2 puts these fields into a datapath flow only if the flow matches the
/// type and the code exactly. Without the code, one message would open the datapath for all.
pub(crate) fn neighbour_discovery(draft: Draft<'_>, icmp_type: u8) -> Draft<'_> {
    icmpv6(draft, icmp_type).when(ICMPV6_CODE, 0)
}

/// DHCP, by the version of IP that it runs on.
#[derive(Clone, Copy)]
pub(crate) enum Dhcp {
    /// RFC 2131.
    V4,
    /// RFC 8415.
    V6,
}

impl Dhcp {
    /// The one that hands out addresses such as these.
    pub(crate) fn of(block: IpNet) -> Self {
        match block {
            IpNet::V4(_) => Self::V4,
            IpNet::V6(_) => Self::V6,
        }
    }

    /// Whether it hands out such addresses.
    pub(crate) fn serves(self, address: IpAddr) -> bool {
        matches!(self, Self::V4) == address.is_ipv4()
    }

    /// What clients send.
    pub(crate) fn request(self, draft: Draft<'_>) -> Draft<'_> {
        self.udp(draft, self.client(), self.server())
    }

    /// What servers send.
    pub(crate) fn answer(self, draft: Draft<'_>) -> Draft<'_> {
        self.udp(draft, self.server(), self.client())
    }

    fn udp(self, draft: Draft<'_>, from: u16, to: u16) -> Draft<'_> {
        let eth_type = match self {
            Self::V4 => EthType::IPV4,
            Self::V6 => EthType::IPV6,
        };
        let draft = draft.when(ETH_TYPE, eth_type).when(IP_PROTO, IpProto::UDP);
        draft.when(UDP_SRC, from).when(UDP_DST, to)
    }

    fn client(self) -> u16 {
        match self {
            Self::V4 => 68,
            Self::V6 => 546,
        }
    }

    fn server(self) -> u16 {
        match self {
            Self::V4 => 67,
            Self::V6 => 547,
        }
    }
}
