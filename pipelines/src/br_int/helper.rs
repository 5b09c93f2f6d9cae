//! Protocols whose connections announce others, and the helpers that listen for them in the tracker.
//!
//! FTP says in one connection where the next will be, and TFTP answers from a port of its own. A
//! helper reads along, and what was announced is then tracked as related. It has to be named when
//! the first connection is committed.
//!
//! Who is talked into opening a connection to such a port opens others with it. So a helper listens
//! only where a rule of the port names the server's port and no other: such a rule is about the
//! protocol. A rule that allows everything is not.

use openflow::{
    field::{ETH_TYPE, Field, IP_PROTO, IpProto, TCP_DST, UDP_DST},
    matching::Match,
};

use crate::{
    network::{Direction, Ethertype, PortProtocol, Rule, Traffic},
    site::LocalPort,
};

/// A helper that Open vSwitch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    Ftp,
    Tftp,
}

impl Helper {
    /// The helper that a rule asks for.
    pub(super) fn of(rule: &Rule) -> Option<Self> {
        let Traffic::Ports(protocol, range) = rule.traffic() else {
            return None;
        };
        match (protocol, range.first(), range.last()) {
            (PortProtocol::Tcp, 21, 21) => Some(Self::Ftp),
            (PortProtocol::Udp, 69, 69) => Some(Self::Tftp),
            _ => None,
        }
    }

    /// The port of its servers, by which `ct` knows it too (`ovs-actions(7)`, `alg`).
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Ftp => 21,
            Self::Tftp => 69,
        }
    }

    /// The packets to its servers.
    pub(super) fn matching(self, ethertype: Ethertype) -> Match {
        let (protocol, port): (_, Field<u16>) = match self {
            Self::Ftp => (IpProto::TCP, TCP_DST),
            Self::Tftp => (IpProto::UDP, UDP_DST),
        };
        let matching = Match::default().with(ETH_TYPE, ethertype.into());
        matching.with(IP_PROTO, protocol).with(port, self.port())
    }
}

/// The helpers that rules of a port ask for.
pub(super) fn helpers(
    port: &LocalPort<'_>,
) -> impl Iterator<Item = (Direction, Ethertype, Helper)> {
    let rules = port.rules().filter(|_| port.is_stateful());
    rules.filter_map(|(_, rule)| Some((rule.direction(), rule.ethertype(), Helper::of(rule)?)))
}
