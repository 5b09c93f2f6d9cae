//! Answers what machines ask of their network, in place of servers.
//!
//! Flows show questions to the task of br-int, which hands them over here and goes on: it never
//! waits. What is too much at once is dropped and counted, as machines ask again. Answers are
//! functions of the question and the model, so any host gives the same, and nothing is remembered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use openflow::Connection;
use openflow::action::Action;
use openflow::message::{FlowMod, PacketIn, PacketOut};
use pipelines::service::{Client, Service};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tracing::debug;

use crate::board::Board;
use crate::switch::report::Served;

use advertiser::Told;
use dns::Dns;
use metadata::Metadata;
use multicast::Snooping;
use multicast::querier::Asked;

mod advertiser;
mod dhcpv4;
mod dhcpv6;
mod dns;
pub(crate) mod metadata;
mod multicast;
mod router;
mod router_advertisement;
mod unasked;

/// How many questions may wait to be answered.
const WAITING: usize = 256;

/// Takes questions from the task of a bridge.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    board: Board,
    questions: mpsc::Sender<Question>,
    /// The bridge that machines are plugged in, while it is connected.
    connected: watch::Sender<Option<Connection>>,
}

/// A question, and where the answer goes.
#[derive(Debug)]
struct Question {
    service: Service,
    packet: PacketIn,
    bridge: Arc<str>,
    connection: Connection,
}

/// Why a question gets no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// No port here has the flow any more.
    #[error("its port is gone")]
    Gone,
    /// The packet is not what it seems to be.
    #[error("malformed: {0}")]
    Malformed(String),
    /// It asks in the name of somebody else.
    #[error("asks for {0}, which is not the port's")]
    Foreign(String),
    /// A relay passed it on, and all machines are here.
    #[error("relayed by {0}, expected no relay")]
    Relayed(std::net::Ipv4Addr),
    /// More comes than can be answered.
    #[error("too much at once")]
    Busy,
    /// The answer does not fit its packet.
    #[error("the answer cannot be built: {0}")]
    Unsayable(String),
}

impl Services {
    /// Starts the task that answers.
    pub(crate) fn start(board: Board) -> Self {
        let (questions, asked) = mpsc::channel(WAITING);
        let (connected, connection) = watch::channel(None);
        tokio::spawn(run(board.clone(), asked));
        tokio::spawn(unasked::run::<Told>(board.clone(), connection.clone()));
        tokio::spawn(unasked::run::<Asked>(board.clone(), connection));
        Self {
            board,
            questions,
            connected,
        }
    }

    /// Takes the connection to the bridge that machines are plugged in.
    pub(crate) fn connected(&self, connection: Connection) {
        self.connected.send_replace(Some(connection));
    }

    /// Has a question answered, unless too many wait.
    pub(crate) fn ask(
        &self,
        service: Service,
        packet: PacketIn,
        (bridge, connection): (&str, &Connection),
    ) {
        let service = match service {
            Service::Metadata if dns::is_asked(&packet.data) => Service::Dns,
            service => service,
        };
        let question = Question {
            service,
            packet,
            bridge: bridge.into(),
            connection: connection.clone(),
        };
        if self.questions.try_send(question).is_err() {
            count(&self.board, bridge, service, |served| served.lost += 1);
        }
    }
}

/// Answers question after question, until nobody can ask any more.
async fn run(board: Board, mut asked: mpsc::Receiver<Question>) {
    let mut metadata = Metadata::new(board.clone());
    let dns = Dns::new();
    let mut snooping = Snooping::default();
    while let Some(question) = asked.recv().await {
        let (service, bridge) = (question.service, &question.bridge);
        let answers = match service {
            Service::Metadata => pass_on(&board, &question, &mut metadata),
            Service::Dns => resolve(&board, &question, &dns),
            Service::Multicast => listen(&board, &question, &mut snooping).await,
            _ => answer(&board, &question),
        };
        match answers {
            Ok(answers) if answers.is_empty() => {
                count(&board, bridge, service, |served| served.heard += 1);
            }
            Ok(answers) => {
                // Who does not get the answer asks again.
                if send(&question.connection, answers).await {
                    count(&board, bridge, service, |served| served.answered += 1);
                }
            }
            Err(refusal) => {
                debug!("{}: a question is dropped: {refusal}", service.as_str());
                count(&board, bridge, service, |served| served.refused += 1);
            }
        }
    }
}

/// Hands a packet to who speaks TCP with its machine, and answers in its own time.
fn pass_on(board: &Board, question: &Question, metadata: &mut Metadata) -> Result<Sent, Refusal> {
    let site = board.read().view.site.clone().ok_or(Refusal::Gone)?;
    let client = Client::of(&site, question.packet.cookie).ok_or(Refusal::Gone)?;
    let (frame, connection) = (question.packet.data.clone(), question.connection.clone());
    metadata.take(&client, frame, connection)?;
    Ok(Vec::new())
}

/// Answers a question about names, or passes it on.
fn resolve(board: &Board, question: &Question, dns: &Dns) -> Result<Sent, Refusal> {
    let site = board.read().view.site.clone().ok_or(Refusal::Gone)?;
    let client = Client::of(&site, question.packet.cookie).ok_or(Refusal::Gone)?;
    dns.take(&site, &client, &question.packet.data, &question.connection)
}

/// Notes what a port says of multicast, and asks it back where it leaves a group.
async fn listen(
    board: &Board,
    question: &Question,
    snooping: &mut Snooping,
) -> Result<Sent, Refusal> {
    let site = board.read().view.site.clone().ok_or(Refusal::Gone)?;
    let client = Client::of(&site, question.packet.cookie).ok_or(Refusal::Gone)?;
    let done = snooping.take(&client, &question.packet.data, Instant::now())?;
    for note in &done.notes {
        // A bridge that is back asks everybody again.
        let sent = question.connection.send(FlowMod::add(note).into());
        sent.await.map_err(|_| Refusal::Gone)?;
    }
    Ok(done.questions)
}

/// What is sent, and after what time.
type Sent = Vec<(Duration, PacketOut)>;

/// What is sent for a question; nothing if there is nothing to say.
fn answer(board: &Board, question: &Question) -> Result<Sent, Refusal> {
    let site = board.read().view.site.clone().ok_or(Refusal::Gone)?;
    let (service, packet) = (question.service, &question.packet);
    match service {
        Service::Undelivered | Service::Neighbour => {
            return router::answer(service, &site, packet);
        }
        Service::Solicitation => return router::advertise(&site, packet),
        _ => {}
    }
    let client = Client::of(&site, packet.cookie).ok_or(Refusal::Gone)?;
    let frame = match service {
        Service::Dhcpv4 => dhcpv4::answer(&client, &packet.data)?,
        Service::Dhcpv6 => dhcpv6::answer(&client, &packet.data)?,
        _ => router_advertisement::advertisement(&client)?,
    };
    Ok(at_once(client.way(), frame))
}

/// What is sent now, if there is something to say.
fn at_once(way: Vec<Action>, frame: Option<Vec<u8>>) -> Sent {
    let packet = frame.map(|frame| PacketOut::new(way, Bytes::from(frame)));
    packet
        .map(|packet| (Duration::ZERO, packet))
        .into_iter()
        .collect()
}

/// Sends answers, each when it is time; `false` if the connection is gone.
async fn send(connection: &Connection, answers: Sent) -> bool {
    let mut sent = true;
    for (wait, answer) in answers {
        if wait.is_zero() {
            sent &= connection.send(answer.into()).await.is_ok();
            continue;
        }
        let connection = connection.clone();
        tokio::spawn(async move {
            sleep(wait).await;
            // A packet that is lost with its connection is sent again by who sent it.
            connection.send(answer.into()).await.is_ok()
        });
    }
    sent
}

fn count(board: &Board, bridge: &str, service: Service, change: impl FnOnce(&mut Served)) {
    board.report(bridge, |report| {
        change(report.served.entry(service).or_default());
    });
}
