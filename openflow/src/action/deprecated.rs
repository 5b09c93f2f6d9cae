//! Actions of OpenFlow 1.0 and 1.1, which OVS still takes over 1.3.
//!
//! A switch returns each as the [`SetField`] that says the same; so does [`Action::renewed`].

use std::fmt;
use std::net::Ipv4Addr;

use super::{Action, SetField, plain_text};
use crate::declare::wire_struct;
use crate::field::*;
use crate::matching::Match;
use crate::names::{Names, Text};

wire_struct! {
    /// Sets the number of the outer VLAN tag.
    pub struct SetVlanVid {
        /// The number, of 12 bits.
        vid: u16, pad 2;
    }
}

wire_struct! {
    /// Sets the priority of the outer VLAN tag.
    pub struct SetVlanPcp {
        /// The priority, of 3 bits.
        pcp: u8, pad 3;
    }
}

wire_struct! {
    /// Sets the Ethernet source.
    pub struct SetDlSrc {
        /// The address.
        address: MacAddr, pad 6;
    }
}

wire_struct! {
    /// Sets the Ethernet destination.
    pub struct SetDlDst {
        /// The address.
        address: MacAddr, pad 6;
    }
}

wire_struct! {
    /// Sets the IPv4 source.
    pub struct SetNwSrc {
        /// The address.
        address: Ipv4Addr;
    }
}

wire_struct! {
    /// Sets the IPv4 destination.
    pub struct SetNwDst {
        /// The address.
        address: Ipv4Addr;
    }
}

wire_struct! {
    /// Sets the type of service.
    pub struct SetNwTos {
        /// The type of service, its lower two bits zero.
        tos: u8, pad 3;
    }
}

wire_struct! {
    /// Sets explicit congestion notification.
    pub struct SetNwEcn {
        /// The two bits.
        ecn: u8, pad 3;
    }
}

wire_struct! {
    /// Sets the source port of TCP, UDP or SCTP.
    pub struct SetTpSrc {
        /// The port.
        port: u16, pad 2;
    }
}

wire_struct! {
    /// Sets the destination port of TCP, UDP or SCTP.
    pub struct SetTpDst {
        /// The port.
        port: u16, pad 2;
    }
}

wire_struct! {
    /// Sets the outer MPLS label.
    pub struct SetMplsLabel {
        /// The label, of 20 bits.
        label: u32;
    }
}

wire_struct! {
    /// Sets the traffic class of the outer MPLS label.
    pub struct SetMplsTc {
        /// The class, of 3 bits.
        tc: u8, pad 3;
    }
}

wire_struct! {
    /// Sets the time to live of the outer MPLS label.
    pub struct SetMplsTtl {
        /// The time to live.
        ttl: u8, pad 3;
    }
}

impl Action {
    /// The action as a switch returns it over OpenFlow 1.3, in a flow with this match.
    #[must_use]
    pub fn renewed(self, matching: &Match) -> Self {
        let ports = match matching.value(IP_PROTO) {
            Some(IpProto::TCP) => Some((TCP_SRC, TCP_DST)),
            Some(IpProto::UDP) => Some((UDP_SRC, UDP_DST)),
            Some(IpProto::SCTP) => Some((SCTP_SRC, SCTP_DST)),
            _ => None,
        };
        let set = match (self, ports) {
            (Self::SetVlanVid(set), _) => SetField::new(VLAN_VID, VlanVid::tagged(set.vid)),
            (Self::SetVlanPcp(set), _) => SetField::new(VLAN_PCP, set.pcp),
            (Self::SetDlSrc(set), _) => SetField::new(ETH_SRC, set.address),
            (Self::SetDlDst(set), _) => SetField::new(ETH_DST, set.address),
            (Self::SetNwSrc(set), _) => SetField::new(IPV4_SRC, set.address),
            (Self::SetNwDst(set), _) => SetField::new(IPV4_DST, set.address),
            (Self::SetNwTos(set), _) => SetField::new(IP_DSCP, set.tos >> 2),
            (Self::SetNwEcn(set), _) => SetField::new(IP_ECN, set.ecn),
            (Self::SetTpSrc(set), Some((source, _))) => SetField::new(source, set.port),
            (Self::SetTpDst(set), Some((_, destination))) => SetField::new(destination, set.port),
            (Self::SetMplsLabel(set), _) => SetField::new(MPLS_LABEL, set.label),
            (Self::SetMplsTc(set), _) => SetField::new(MPLS_TC, set.tc),
            (Self::SetTunnel(set), _) => SetField::new(TUN_ID, set.tun_id.into()),
            (Self::SetTunnel64(set), _) => SetField::new(TUN_ID, set.tun_id),
            (other, _) => return other,
        };
        set.into()
    }
}

plain_text! {
    SetVlanVid |set| "set_vlan_vid:{}", set.vid;
    SetVlanPcp |set| "set_vlan_pcp:{}", set.pcp;
    SetDlSrc |set| "mod_dl_src:{}", set.address;
    SetDlDst |set| "mod_dl_dst:{}", set.address;
    SetNwSrc |set| "mod_nw_src:{}", set.address;
    SetNwDst |set| "mod_nw_dst:{}", set.address;
    SetNwTos |set| "mod_nw_tos:{}", set.tos;
    SetNwEcn |set| "mod_nw_ecn:{}", set.ecn;
    SetTpSrc |set| "mod_tp_src:{}", set.port;
    SetTpDst |set| "mod_tp_dst:{}", set.port;
    SetMplsLabel |set| "set_mpls_label({})", set.label;
    SetMplsTc |set| "set_mpls_tc({})", set.tc;
    SetMplsTtl |set| "set_mpls_ttl({})", set.ttl;
}
