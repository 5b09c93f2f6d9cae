//! Protocols whose connections announce others, and the helpers that listen for them in the tracker.
//!
//! FTP says in one connection where the next will be, and TFTP answers from a port of its own. A
//! helper reads along, and what was announced is then tracked as related. It has to be named when
//! the first connection is committed.

use openflow::{
    field::{Field, IP_FRAG, IP_PROTO, IpProto, TCP_DST, UDP_DST},
    matching::Match,
};

/// A helper that Open vSwitch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    Ftp,
    Tftp,
}

impl Helper {
    pub(super) const ALL: [Self; 2] = [Self::Ftp, Self::Tftp];

    /// The port of its servers, by which `ct` knows it too (`ovs-actions(7)`, `alg`).
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Ftp => 21,
            Self::Tftp => 69,
        }
    }

    fn protocol(self) -> (IpProto, Field<u16>) {
        match self {
            Self::Ftp => (IpProto::TCP, TCP_DST),
            Self::Tftp => (IpProto::UDP, UDP_DST),
        }
    }

    /// Of the packets that a match takes, those to a server of the helper's; `None` if it takes
    /// none.
    pub(super) fn among(self, matching: &Match) -> Option<Match> {
        let (protocol, port) = self.protocol();
        if matching.get(IP_FRAG).is_some() {
            return None;
        }
        let protocols = matching.value(IP_PROTO);
        let ports = matching.get(port);
        let taken = protocols.is_none_or(|taken| taken == protocol)
            && ports.is_none_or(|taken| {
                (taken.value ^ self.port()) & taken.mask.unwrap_or(u16::MAX) == 0
            });
        let narrowed = || matching.clone().with(IP_PROTO, protocol);
        taken.then(|| narrowed().with(port, self.port()))
    }
}
