//! Where a switch listens, or is to connect to, as Open vSwitch writes it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// The port that the IANA gave to OpenFlow.
const PORT: u16 = 6653;

/// Where a switch listens: `unix:/var/run/openvswitch/br-int.mgmt`, `tcp:192.0.2.1:6653` or
/// `ssl:192.0.2.1:6653`.
///
/// The syntax is that of `ovs-ofctl(8)`; an IPv6 address stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A Unix domain socket. Each bridge of Open vSwitch has one, `BRIDGE.mgmt`.
    Unix(PathBuf),
    /// A TCP port.
    Tcp {
        /// Name or address.
        host: String,
        /// Port, 6653 where none is given.
        port: u16,
    },
    /// A TCP port, behind TLS.
    Ssl {
        /// Name or address.
        host: String,
        /// Port, 6653 where none is given.
        port: u16,
    },
}

/// Where switches are to connect to: `ptcp:[PORT][:ADDRESS]`, `pssl:[PORT][:ADDRESS]` or
/// `punix:PATH`.
///
/// The syntax is that of `ovs-vsctl set-manager`. Without a port it is 6653, without an address
/// every IPv4 address of this host; an IPv6 address stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenTarget {
    /// A Unix domain socket.
    Unix(PathBuf),
    /// A TCP port; zero has the operating system choose one.
    Tcp(SocketAddr),
    /// A TCP port, behind TLS.
    Ssl(SocketAddr),
}

/// A text that is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no target, expected {expected}")]
pub struct InvalidTarget {
    /// The text.
    pub text: String,
    /// What may stand there.
    pub expected: &'static str,
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let target = match text.split_once(':') {
            Some(("unix", path)) if !path.is_empty() => Some(Self::Unix(path.into())),
            Some(("tcp", address)) => {
                split_port(address).map(|(host, port)| Self::Tcp { host, port })
            }
            Some(("ssl", address)) => {
                split_port(address).map(|(host, port)| Self::Ssl { host, port })
            }
            _ => None,
        };
        target.ok_or_else(|| InvalidTarget {
            text: text.to_owned(),
            expected: "unix:PATH, tcp:HOST[:PORT] or ssl:HOST[:PORT]",
        })
    }
}

impl FromStr for ListenTarget {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let target = match text.split_once(':') {
            Some(("punix", path)) if !path.is_empty() => Some(Self::Unix(path.into())),
            Some(("ptcp", address)) => listen_address(address).map(Self::Tcp),
            Some(("pssl", address)) => listen_address(address).map(Self::Ssl),
            _ => None,
        };
        target.ok_or_else(|| InvalidTarget {
            text: text.to_owned(),
            expected: "punix:PATH, ptcp:[PORT][:ADDRESS] or pssl:[PORT][:ADDRESS]",
        })
    }
}

/// Reads `6653:192.0.2.1` or `6653:[2001:db8::1]`, of which either part may be missing.
fn listen_address(text: &str) -> Option<SocketAddr> {
    let (port, address) = match text.split_once(':') {
        Some((port, address)) => (port, Some(address)),
        None => (text, None),
    };
    let port = match port {
        "" => PORT,
        port => port.parse().ok()?,
    };
    let address = match address {
        Some(address) => match address.strip_prefix('[') {
            Some(bracketed) => IpAddr::V6(bracketed.strip_suffix(']')?.parse().ok()?),
            None => IpAddr::V4(address.parse().ok()?),
        },
        None => Ipv4Addr::UNSPECIFIED.into(),
    };
    Some(SocketAddr::new(address, port))
}

/// Reads `192.0.2.1:6653` or `[2001:db8::1]:6653`; the port may be missing.
fn split_port(address: &str) -> Option<(String, u16)> {
    let (host, rest) = match address.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None if rest.is_empty() => PORT,
        None => return None,
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, host, port) = match self {
            Self::Unix(path) => return write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } => ("tcp", host, port),
            Self::Ssl { host, port } => ("ssl", host, port),
        };
        match host.contains(':') {
            true => write!(f, "{method}:[{host}]:{port}"),
            false => write!(f, "{method}:{host}:{port}"),
        }
    }
}

impl fmt::Display for ListenTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, address) = match self {
            Self::Unix(path) => return write!(f, "punix:{}", path.display()),
            Self::Tcp(address) => ("ptcp", address),
            Self::Ssl(address) => ("pssl", address),
        };
        match address {
            SocketAddr::V4(v4) => write!(f, "{method}:{}:{}", v4.port(), v4.ip()),
            SocketAddr::V6(v6) => write!(f, "{method}:{}:[{}]", v6.port(), v6.ip()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_read_as_ovs_ofctl_reads_them() {
        for (text, shown) in [
            ("unix:/run/br0.mgmt", "unix:/run/br0.mgmt"),
            ("tcp:127.0.0.1", "tcp:127.0.0.1:6653"),
            ("tcp:[::1]:6633", "tcp:[::1]:6633"),
            ("ssl:switch.example", "ssl:switch.example:6653"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn passive_targets_read_as_ovs_vsctl_reads_them() {
        for (text, shown) in [
            ("punix:/run/controller", "punix:/run/controller"),
            ("ptcp:", "ptcp:6653:0.0.0.0"),
            ("ptcp:0:127.0.0.1", "ptcp:0:127.0.0.1"),
            ("pssl::[::1]", "pssl:6653:[::1]"),
        ] {
            assert_eq!(text.parse::<ListenTarget>().unwrap().to_string(), shown);
        }
        for text in [
            "tcp:127.0.0.1",
            "ptcp:127.0.0.1",
            "ptcp:6653:::1",
            "pssl:70000",
            "punix:",
        ] {
            assert!(text.parse::<ListenTarget>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_target_says_what_was_expected() {
        for text in ["br0", "unix:", "tcp::6653", "tcp:host:port", "tcp:[::1"] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert!(
                error.contains("expected unix:PATH, tcp:HOST[:PORT] or"),
                "{error}"
            );
        }
    }
}
