//! Port forwardings: single ports of a floating IP that stand for ports of others.

use std::{fmt, str::FromStr};

use super::{PortForwardingId, Problem, Target};

/// A TCP or UDP port of a floating IP that stands for a port of some address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortForwarding {
    /// Identifier.
    pub id: PortForwardingId,
    /// Whose ports they are.
    pub protocol: ForwardedProtocol,
    /// The port outside.
    pub external_port: u16,
    /// Who is meant; Neutron's `internal_port_id` and `internal_ip_address`.
    pub target: Target,
    /// The port there.
    pub internal_port: u16,
}

/// A protocol whose ports Open vSwitch translates.
///
/// Neutron takes SCTP, DCCP and ICMP too, but the tracker of the userspace datapath changes the
/// ports of these two only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForwardedProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl ForwardedProtocol {
    /// Every one of them.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    /// Neutron's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl FromStr for ForwardedProtocol {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|protocol| protocol.as_str() == text);
        found.ok_or_else(|| Problem::UnknownWord {
            word: text.to_owned(),
            expected: "tcp or udp",
        })
    }
}

impl fmt::Display for ForwardedProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
