//! TCP connections.

use std::fmt;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;

use crate::namespace::Namespace;

const GREETING: &[u8] = b"brint lab\n";

/// What came of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The server's greeting arrived.
    Connected,
    /// Nobody listens there.
    Refused,
    /// Nothing came back.
    Silence,
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Connected => "connected",
            Self::Refused => "connection refused",
            Self::Silence => "no answer",
        })
    }
}

/// Connects to a server and waits for its greeting.
///
/// # Errors
///
/// For failures that are not the network's answer.
pub fn connect(from: &Namespace, to: IpAddr, port: u16, limit: Duration) -> anyhow::Result<Answer> {
    from.enter(|| {
        let stream = TcpStream::connect_timeout(&SocketAddr::new(to, port), limit);
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::ConnectionRefused => Ok(Answer::Refused),
                    ErrorKind::TimedOut
                    | ErrorKind::HostUnreachable
                    | ErrorKind::NetworkUnreachable => Ok(Answer::Silence),
                    _ => Err(error).with_context(|| format!("connecting to {to}")),
                };
            }
        };
        stream
            .set_read_timeout(Some(limit))
            .context("limiting a connection")?;
        let mut greeting = vec![0; GREETING.len()];
        let complete = stream.read_exact(&mut greeting).is_ok() && greeting == GREETING;
        Ok(if complete {
            Answer::Connected
        } else {
            Answer::Silence
        })
    })
}

/// Greets whoever connects to one of the ports, for ever.
///
/// For a program that already runs inside a namespace.
///
/// # Errors
///
/// When a port is taken.
pub fn serve(ports: &[u16]) -> anyhow::Result<()> {
    let listeners = ports
        .iter()
        .map(|port| bind(*port))
        .collect::<anyhow::Result<Vec<_>>>()?;
    thread::scope(|scope| {
        for listener in &listeners {
            scope.spawn(|| greet(listener, &AtomicBool::new(false)));
        }
    });
    Ok(())
}

/// A server that greets whoever connects, until it is dropped.
#[derive(Debug)]
pub struct Listening {
    namespace: Namespace,
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Listens on a port, on every address of both families.
///
/// # Errors
///
/// When the port is taken.
pub fn listen(at: &Namespace, port: u16) -> anyhow::Result<Listening> {
    let listener = at
        .enter(|| bind(port))
        .with_context(|| at.name().to_owned())?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let thread = thread::spawn(move || greet(&listener, &stopping));
    Ok(Listening {
        namespace: at.clone(),
        port,
        stop,
        thread: Some(thread),
    })
}

fn bind(port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
        .with_context(|| format!("listening on port {port}"))
}

fn greet(listener: &TcpListener, stop: &AtomicBool) {
    for stream in listener.incoming() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        // A peer that has gone does not want the greeting.
        drop(stream.map(|mut stream| stream.write_all(GREETING)));
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, self.port));
        // One more connection ends the wait for it.
        let woken = self
            .namespace
            .enter(|| Ok(TcpStream::connect(address).is_ok()));
        if let (Ok(true), Some(thread)) = (woken, self.thread.take()) {
            drop(thread.join());
        }
    }
}
