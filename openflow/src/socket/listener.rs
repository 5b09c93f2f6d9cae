//! Waiting for switches that connect by themselves, as `ovs-vsctl set-controller` makes them.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;

use super::{Closed, Connection, Events, ListenTarget, Options, no_tls};

/// A socket to which switches connect.
///
/// A Unix domain socket goes when this is dropped.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    options: Options,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixListener, Path),
    Tcp(TcpListener),
    Ssl(TcpListener),
}

/// A file that goes when this is dropped.
#[derive(Debug)]
struct Path(PathBuf);

impl Drop for Path {
    fn drop(&mut self) {
        // Somebody may have taken it away already.
        let _ = fs::remove_file(&self.0);
    }
}

/// A stream that somebody opened, who has not been greeted yet.
#[derive(Debug)]
pub struct Incoming {
    stream: Stream,
    options: Options,
}

#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
    Ssl(TcpStream),
}

impl Listener {
    /// Starts to listen. `options` hold for every connection.
    ///
    /// # Errors
    ///
    /// The address is taken or not this host's, or the target asks for TLS and the options have
    /// none.
    pub async fn bind(target: &ListenTarget, options: Options) -> io::Result<Self> {
        let socket = match target {
            ListenTarget::Unix(path) => {
                remove_stale(path)?;
                Socket::Unix(UnixListener::bind(path)?, Path(path.clone()))
            }
            ListenTarget::Tcp(address) => Socket::Tcp(TcpListener::bind(address).await?),
            ListenTarget::Ssl(_) if options.pki.is_none() => return Err(no_tls()),
            ListenTarget::Ssl(address) => Socket::Ssl(TcpListener::bind(address).await?),
        };
        Ok(Self { socket, options })
    }

    /// Where switches can connect. A port that was given as zero is told here.
    ///
    /// # Errors
    ///
    /// The operating system does not say.
    pub fn target(&self) -> io::Result<ListenTarget> {
        Ok(match &self.socket {
            Socket::Unix(_, path) => ListenTarget::Unix(path.0.clone()),
            Socket::Tcp(listener) => ListenTarget::Tcp(listener.local_addr()?),
            Socket::Ssl(listener) => ListenTarget::Ssl(listener.local_addr()?),
        })
    }

    /// Waits for the next switch. It is not greeted yet, so that a peer that is silent keeps
    /// nobody else waiting.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// The operating system refuses; the listener still stands.
    pub async fn accept(&self) -> io::Result<Incoming> {
        let stream = match &self.socket {
            Socket::Unix(listener, _) => Stream::Unix(listener.accept().await?.0),
            Socket::Tcp(listener) => Stream::Tcp(accept(listener).await?),
            Socket::Ssl(listener) => Stream::Ssl(accept(listener).await?),
        };
        Ok(Incoming {
            stream,
            options: self.options.clone(),
        })
    }
}

impl Incoming {
    /// Greets the switch.
    ///
    /// # Errors
    ///
    /// TLS or the handshake fails, or takes too long.
    pub async fn greet(self) -> Result<(Connection, Events), Closed> {
        let Self { stream, options } = self;
        let limit = options.connect_timeout;
        let greeting = async {
            match stream {
                Stream::Unix(stream) => Connection::on(stream, options).await,
                Stream::Tcp(stream) => Connection::on(stream, options).await,
                Stream::Ssl(stream) => {
                    let pki = options.pki.clone().ok_or_else(no_tls)?;
                    Connection::on(pki.accept(stream).await?, options).await
                }
            }
        };
        timeout(limit, greeting)
            .await
            .map_err(|_| Closed::Timeout(limit))?
    }

    /// Where the switch connects from, if it does over TCP.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        match &self.stream {
            Stream::Unix(_) => None,
            Stream::Tcp(stream) | Stream::Ssl(stream) => stream.peer_addr().ok(),
        }
    }
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Removes a socket that nobody listens on any more.
fn remove_stale(path: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let is_stale = is_socket && std::os::unix::net::UnixStream::connect(path).is_err();
    if is_stale {
        fs::remove_file(path)
    } else {
        Ok(())
    }
}
