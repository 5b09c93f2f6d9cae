//! Tells machines who they are, over HTTP at 169.254.169.254 and fe80::a9fe:a9fe.
//!
//! A flow shows the packets of a machine to the agent, which speaks TCP with it in its own process:
//! no interface of the host has the address, no namespace is needed, and who asks is known by the
//! port that the packets come from, whatever addresses they carry. What is asked is answered from
//! the model, or passed on to Nova.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use openflow::Connection;
use openflow::action::Action;
use pipelines::network::PortId;
use pipelines::service::Client;
use tokio::sync::mpsc;

use super::Refusal;
use crate::board::Board;

mod documents;
mod http;
pub(crate) mod nova;
mod station;

/// How many packets of one machine may wait.
const WAITING: usize = 64;

/// The machines that are being answered.
#[derive(Debug)]
pub(super) struct Metadata {
    backend: Arc<http::Backend>,
    stations: BTreeMap<PortId, mpsc::Sender<Question>>,
}

/// A packet of a machine, and how it is answered.
#[derive(Debug)]
struct Question {
    frame: Bytes,
    way: Vec<Action>,
    connection: Connection,
}

impl Metadata {
    pub(super) fn new(board: Board) -> Self {
        let backend = Arc::new(http::Backend::new(board));
        let stations = BTreeMap::new();
        Self { backend, stations }
    }

    /// Hands a packet to who speaks with the machine.
    pub(super) fn take(
        &mut self,
        client: &Client<'_>,
        frame: Bytes,
        connection: Connection,
    ) -> Result<(), Refusal> {
        self.stations.retain(|_, station| !station.is_closed());
        let way = client.way();
        let question = Question {
            frame,
            way,
            connection,
        };
        let station = self.stations.entry(client.port().id).or_insert_with(|| {
            let (station, questions) = mpsc::channel(WAITING);
            let (port, mtu) = (client.port().id, client.mtu());
            let backend = Arc::clone(&self.backend);
            tokio::spawn(station::serve(port, mtu, questions, backend));
            station
        });
        // What is lost is sent again: it is TCP.
        station.try_send(question).map_err(|_| Refusal::Busy)
    }
}
