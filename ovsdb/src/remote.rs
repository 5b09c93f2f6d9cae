//! Where a server listens: `unix:FILE`, `tcp:HOST:PORT`, `ssl:HOST:PORT`; or where the server will
//! find this client: `punix:FILE`, `ptcp:PORT`, `pssl:PORT` (ovsdb(7), section "Connection Methods").

use std::env;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The port that IANA assigned to OVSDB.
pub const PORT: u16 = 6640;

/// How client and server come together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Remote {
    /// A Unix domain socket.
    Unix(PathBuf),
    /// A TCP port, in plain text.
    Tcp {
        /// A host's name or address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A TCP port, behind TLS.
    Ssl {
        /// A host's name or address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix domain socket of the client's, to which the server connects.
    PassiveUnix(PathBuf),
    /// A TCP port of the client's, to which the server connects, in plain text.
    PassiveTcp {
        /// The port.
        port: u16,
        /// The address to listen on.
        address: IpAddr,
    },
    /// A TCP port of the client's, to which the server connects, behind TLS.
    PassiveSsl {
        /// The port.
        port: u16,
        /// The address to listen on.
        address: IpAddr,
    },
}

/// A remote that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("remote {text:?}: {problem}")]
pub struct InvalidRemote {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Remote {
    /// The host's own database: `db.sock` in [`run_directory`].
    #[must_use]
    pub fn local() -> Self {
        Self::Unix(run_directory().join("db.sock"))
    }

    /// Whether it is the server who connects.
    #[must_use]
    pub fn is_passive(&self) -> bool {
        matches!(
            self,
            Self::PassiveUnix(_) | Self::PassiveTcp { .. } | Self::PassiveSsl { .. }
        )
    }

    /// Several remotes, separated by commas.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub fn list(text: &str) -> Result<Vec<Self>, InvalidRemote> {
        text.split(',')
            .map(|remote| remote.trim().parse())
            .collect()
    }
}

/// Where the daemons of Open vSwitch keep their sockets: `$OVS_RUNDIR`, or
/// `/var/run/openvswitch`.
#[must_use]
pub fn run_directory() -> PathBuf {
    env::var_os("OVS_RUNDIR")
        .filter(|directory| !directory.is_empty())
        .map_or_else(|| PathBuf::from("/var/run/openvswitch"), PathBuf::from)
}

impl FromStr for Remote {
    type Err = InvalidRemote;

    /// A relative path of a socket starts from [`run_directory`]. A port that is left out is
    /// [`PORT`].
    fn from_str(text: &str) -> Result<Self, InvalidRemote> {
        let invalid = |problem| InvalidRemote {
            text: text.to_owned(),
            problem,
        };
        let (method, rest) = text
            .split_once(':')
            .ok_or_else(|| invalid("expected unix:FILE, tcp:HOST[:PORT] or ssl:HOST[:PORT]"))?;
        match method {
            "unix" => file(rest).map(Self::Unix),
            "tcp" => host_port(rest).map(|(host, port)| Self::Tcp { host, port }),
            "ssl" => host_port(rest).map(|(host, port)| Self::Ssl { host, port }),
            "punix" => file(rest).map(Self::PassiveUnix),
            "ptcp" => port_address(rest).map(|(port, address)| Self::PassiveTcp { port, address }),
            "pssl" => port_address(rest).map(|(port, address)| Self::PassiveSsl { port, address }),
            _ => Err("unknown method, expected unix, tcp, ssl, punix, ptcp or pssl"),
        }
        .map_err(invalid)
    }
}

fn file(text: &str) -> Result<PathBuf, &'static str> {
    match Path::new(text) {
        _ if text.is_empty() => Err("the file is missing"),
        path if path.is_absolute() => Ok(path.to_owned()),
        path => Ok(run_directory().join(path)),
    }
}

fn number(port: &str) -> Result<u16, &'static str> {
    match port {
        "" => Ok(PORT),
        port => port
            .parse()
            .map_err(|_| "the port is no number from 0 to 65535"),
    }
}

/// Splits `[PORT][:ADDRESS]`, where an IPv6 address stands in brackets.
fn port_address(text: &str) -> Result<(u16, IpAddr), &'static str> {
    let (port, address) = text.split_once(':').unwrap_or((text, "0.0.0.0"));
    let address = address.trim_start_matches('[').trim_end_matches(']');
    Ok((
        number(port)?,
        address
            .parse()
            .map_err(|_| "the address is no IP address")?,
    ))
}

/// Splits `HOST[:PORT]`, where an IPv6 address stands in brackets.
fn host_port(text: &str) -> Result<(String, u16), &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("a bracket is not closed")?;
            let port = match rest {
                "" => None,
                rest => Some(
                    rest.strip_prefix(':')
                        .ok_or("expected :PORT after the bracket")?,
                ),
            };
            (host, port)
        }
        None => match text.split_once(':') {
            Some((_, rest)) if rest.contains(':') => {
                return Err("an IPv6 address must stand in brackets");
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    Ok((host.to_owned(), number(port.unwrap_or_default())?))
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::PassiveUnix(path) => write!(f, "punix:{}", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp:{}:{port}", Bracketed(host)),
            Self::Ssl { host, port } => write!(f, "ssl:{}:{port}", Bracketed(host)),
            Self::PassiveTcp { port, address } => write!(f, "ptcp:{port}:{}", Bracketed(address)),
            Self::PassiveSsl { port, address } => write!(f, "pssl:{port}:{}", Bracketed(address)),
        }
    }
}

/// A host as it stands beside a port: an IPv6 address in brackets.
struct Bracketed<T>(T);

impl<T: fmt::Display> fmt::Display for Bracketed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.to_string();
        match host.contains(':') {
            true => write!(f, "[{host}]"),
            false => f.write_str(&host),
        }
    }
}

#[cfg(test)]
mod tests;
