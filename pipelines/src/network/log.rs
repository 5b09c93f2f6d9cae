//! Logs: which verdicts of the firewall are told, and of which ports.

use std::{fmt, str::FromStr};

use super::{LogId, Port, PortId, Problem, SecurityGroupId};

/// A wish to be told what the firewall does; Neutron's network log for security groups.
///
/// It names a group, a port, both or neither: the ports of the group, the port, or every port of
/// the project. Both together are the port, as long as it has the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Identifier.
    pub id: LogId,
    /// What people call it.
    pub name: String,
    /// The project that owns it.
    pub project: String,
    /// Whether anything is told.
    pub enabled: bool,
    /// What is told.
    pub event: LogEvent,
    /// The group whose ports are meant; Neutron's `resource_id`.
    pub security_group: Option<SecurityGroupId>,
    /// The port that is meant; Neutron's `target_id`.
    pub port: Option<PortId>,
}

impl Log {
    /// Whether it tells a verdict about a port.
    pub fn tells(&self, verdict: Verdict, port: &Port) -> bool {
        self.enabled && self.event.has(verdict) && self.is_about(port)
    }

    /// Whether it is about a port, enabled or not.
    pub fn is_about(&self, port: &Port) -> bool {
        let group = self.security_group;
        port.port_security_enabled
            && group.is_none_or(|group| port.security_groups.contains(&group))
            && self.port.is_none_or(|target| target == port.id)
            && (group.is_some() || self.port.is_some() || port.project == self.project)
    }
}

/// What the firewall does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It lets the packet, and with it a new connection, pass.
    Accept,
    /// It drops the packet.
    Drop,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        })
    }
}

/// Which verdicts a log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// New connections that are accepted.
    Accept,
    /// Packets that are dropped.
    Drop,
    /// Both.
    All,
}

impl LogEvent {
    fn has(self, verdict: Verdict) -> bool {
        match self {
            Self::Accept => verdict == Verdict::Accept,
            Self::Drop => verdict == Verdict::Drop,
            Self::All => true,
        }
    }
}

impl fmt::Display for LogEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => Verdict::Accept.fmt(f),
            Self::Drop => Verdict::Drop.fmt(f),
            Self::All => f.write_str("ALL"),
        }
    }
}

impl FromStr for LogEvent {
    type Err = Problem;

    fn from_str(word: &str) -> Result<Self, Problem> {
        match word {
            "ACCEPT" => Ok(Self::Accept),
            "DROP" => Ok(Self::Drop),
            "ALL" => Ok(Self::All),
            _ => Err(Problem::UnknownWord {
                word: word.to_owned(),
                expected: "ACCEPT, DROP or ALL",
            }),
        }
    }
}
