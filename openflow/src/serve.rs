//! A controller in one call: [`serve`] waits for switches, and runs an [`Application`] for each.
//!
//! An application is a structure with the state of one switch, so nothing has to be looked up by
//! the switch's number, and what goes wrong with one switch ends with it. What is to be shared
//! between switches is captured by the function that makes the applications.
//!
//! The events of a switch are handled one after the other. A handler may wait for replies: they do
//! not stand behind the events in a queue.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::message::{FlowRemoved, Message, PacketIn, PortStatus};
use crate::session::Xid;
use crate::socket::{Closed, Connection, Event, Events, ListenTarget, Listener, Options};
use crate::socket::{Incoming, RequestError};
use crate::wire::DecodeError;

/// What a controller does with one switch. Every handler has a default that does nothing.
///
/// An error that a handler returns ends the connection.
pub trait Application: Send + 'static {
    /// The handshake is over; nothing else has been handled yet.
    fn connected(&mut self, _switch: &Connection) -> impl Handling {
        async { Ok(()) }
    }

    /// The switch sends a packet.
    fn packet_in(&mut self, _switch: &Connection, _packet: PacketIn) -> impl Handling {
        async { Ok(()) }
    }

    /// A port came, went or changed.
    fn port_status(&mut self, _switch: &Connection, _status: PortStatus) -> impl Handling {
        async { Ok(()) }
    }

    /// A flow is gone that was to be reported.
    fn flow_removed(&mut self, _switch: &Connection, _flow: FlowRemoved) -> impl Handling {
        async { Ok(()) }
    }

    /// The switch says something else that was not asked: an error about the message with the
    /// identifier `xid`, or an update of a flow monitor.
    fn message(&mut self, _switch: &Connection, _xid: Xid, _message: Message) -> impl Handling {
        async { Ok(()) }
    }

    /// The switch says something that cannot be understood.
    fn unreadable(&mut self, _switch: &Connection, _error: DecodeError) -> impl Handling {
        async { Ok(()) }
    }

    /// The switch was faster than the handlers, and this many events were dropped.
    fn overflow(&mut self, _switch: &Connection, _dropped: usize) -> impl Handling {
        async { Ok(()) }
    }

    /// The connection is over. Nothing is handled after this.
    fn disconnected(&mut self, _end: End) {}
}

/// What a handler returns: `async fn` does.
pub trait Handling: Future<Output = Result<(), RequestError>> + Send {}

impl<T: Future<Output = Result<(), RequestError>> + Send> Handling for T {}

/// Why an application's connection is over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum End {
    /// The connection ended.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// A handler returned an error.
    #[error("a handler gave up: {0}")]
    Application(#[from] RequestError),
}

/// How long to wait when the operating system refuses a connection: it has no file descriptor
/// left, and nothing but time gives it one.
const BREATHER: Duration = Duration::from_millis(100);

/// Waits for switches at `target` and runs an application for each, which `new` makes.
///
/// Does not return as long as it can listen. Dropped, it closes every connection.
///
/// # Errors
///
/// It cannot listen there.
pub async fn serve<A: Application>(
    target: &ListenTarget,
    options: Options,
    new: impl FnMut() -> A,
) -> io::Result<Infallible> {
    Ok(serve_on(Listener::bind(target, options).await?, new).await)
}

/// As [`serve`], on a socket that listens already.
pub async fn serve_on<A: Application>(
    listener: Listener,
    mut new: impl FnMut() -> A,
) -> Infallible {
    let mut switches = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok(incoming) => drop(switches.spawn(greet(incoming, new()))),
            Err(_) => sleep(BREATHER).await,
        }
        while switches.try_join_next().is_some() {}
    }
}

async fn greet<A: Application>(incoming: Incoming, mut application: A) {
    match incoming.greet().await {
        Ok((switch, events)) => run(switch, events, application).await,
        Err(closed) => application.disconnected(closed.into()),
    }
}

/// Runs an application on a connection that stands, until the connection is over.
pub async fn run<A: Application>(switch: Connection, mut events: Events, mut application: A) {
    let end = handle_events(&switch, &mut events, &mut application).await;
    application.disconnected(end);
}

async fn handle_events<A: Application>(
    switch: &Connection,
    events: &mut Events,
    application: &mut A,
) -> End {
    let mut handled = application.connected(switch).await;
    loop {
        if let Err(error) = handled {
            return error.into();
        }
        handled = match events.next().await {
            Some(Event::Message { xid, message }) => {
                handle_message(switch, application, xid, message).await
            }
            Some(Event::Unreadable { error, .. }) => application.unreadable(switch, error).await,
            Some(Event::Overflow { dropped }) => application.overflow(switch, dropped).await,
            Some(Event::Closed(closed)) => return closed.into(),
            None => Err(RequestError::Closed),
        };
    }
}

async fn handle_message<A: Application>(
    switch: &Connection,
    application: &mut A,
    xid: Xid,
    message: Message,
) -> Result<(), RequestError> {
    match message {
        Message::PacketIn(packet) => application.packet_in(switch, packet).await,
        Message::PortStatus(status) => application.port_status(switch, status).await,
        Message::FlowRemoved(flow) => application.flow_removed(switch, flow).await,
        message => application.message(switch, xid, message).await,
    }
}
