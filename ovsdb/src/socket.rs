//! Sockets: the only file that opens one.

use std::net::IpAddr;
use std::time::Duration;
use std::{fs, io};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::pki::Pki;
use crate::remote::Remote;

/// A connected socket of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Connects to a server, or waits until it connects; TLS then comes about within `limit`.
///
/// # Errors
///
/// The server cannot be reached, or TLS does not come about.
pub(crate) async fn connect(
    remote: &Remote,
    pki: Option<&Pki>,
    limit: Duration,
) -> io::Result<Box<dyn Stream>> {
    Ok(match remote {
        Remote::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Remote::Tcp { host, port } => Box::new(tcp(host, *port).await?),
        Remote::Ssl { host, port } => {
            let connector = required(pki)?.connector()?;
            let name = ServerName::try_from(host.clone());
            let name = name.map_err(|_| invalid("the host is neither a name nor an address"))?;
            Box::new(connector.connect(name, tcp(host, *port).await?).await?)
        }
        Remote::PassiveUnix(path) => {
            // A socket that an earlier process left behind would be in the way.
            drop(fs::remove_file(path));
            Box::new(UnixListener::bind(path)?.accept().await?.0)
        }
        Remote::PassiveTcp { port, address } => Box::new(accept(*address, *port).await?),
        Remote::PassiveSsl { port, address } => {
            let acceptor = required(pki)?.acceptor()?;
            let stream = accept(*address, *port).await?;
            // Whoever has connected must not take as long as it likes from here on.
            let handshake = timeout(limit, acceptor.accept(stream)).await;
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake in time");
            Box::new(handshake.map_err(late)??)
        }
    })
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    without_delay(TcpStream::connect((host, port)).await?)
}

async fn accept(address: IpAddr, port: u16) -> io::Result<TcpStream> {
    without_delay(TcpListener::bind((address, port)).await?.accept().await?.0)
}

/// Requests are small, and each waits for its reply.
fn without_delay(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn required(pki: Option<&Pki>) -> io::Result<&Pki> {
    pki.ok_or_else(|| invalid("ssl needs a private key and certificates"))
}

fn invalid(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}
