//! Sockets: the only file that opens one.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::remote::Remote;

/// A connected socket of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Connects to a server.
///
/// # Errors
///
/// The server cannot be reached.
pub(crate) async fn connect(remote: &Remote) -> io::Result<Box<dyn Stream>> {
    Ok(match remote {
        Remote::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Remote::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            // Requests are small, and each waits for its reply.
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
        Remote::Ssl { .. } => {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "ssl is not supported",
            ));
        }
    })
}
