//! Where a server listens: `unix:FILE`, `tcp:HOST:PORT`, `ssl:HOST:PORT` (ovsdb(7), section
//! "Connection Methods").

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The port that IANA assigned to OVSDB.
pub const PORT: u16 = 6640;

/// Where a server listens.
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
            "unix" if rest.is_empty() => Err(invalid("the file is missing")),
            "unix" => Ok(Self::Unix(match Path::new(rest) {
                path if path.is_absolute() => path.to_owned(),
                path => run_directory().join(path),
            })),
            "tcp" => host_port(rest)
                .map(|(host, port)| Self::Tcp { host, port })
                .map_err(invalid),
            "ssl" => host_port(rest)
                .map(|(host, port)| Self::Ssl { host, port })
                .map_err(invalid),
            _ => Err(invalid("unknown method, expected unix, tcp or ssl")),
        }
    }
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
    let port = match port {
        None => PORT,
        Some(port) => port
            .parse()
            .map_err(|_| "the port is no number from 0 to 65535")?,
    };
    Ok((host.to_owned(), port))
}

impl fmt::Display for Remote {
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

#[cfg(test)]
mod tests;
