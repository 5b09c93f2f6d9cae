//! Asks machines which multicast groups they listen to.
//!
//! All are asked again before the switch forgets them. A port that is new, or whose machine has
//! arrived, is asked at once, and so are all when the bridge is back, as it may have forgotten them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openflow::Connection;
use openflow::action::Action;
use openflow::message::{Message, PacketOut};
use pipelines::multicast::forget;
use pipelines::network::{NetworkId, PortId};
use pipelines::service::Client;
use pipelines::site::Site;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::query::{INTERVAL, RESPONSE, general};
use crate::board::Board;

/// How long a machine may take to answer that is asked out of turn.
const SOON: Duration = Duration::from_secs(1);
/// How long the switch may take for a change before machines are asked.
const QUIET: Duration = Duration::from_millis(300);

/// Asks machines until the agent ends.
pub(in super::super) async fn run(
    board: Board,
    mut connection: watch::Receiver<Option<Connection>>,
) {
    let mut changes = board.follow();
    let mut asked = Asked::default();
    let mut seen: Option<Arc<Site>> = None;
    let mut next = Instant::now() + INTERVAL;
    loop {
        let is_time = tokio::select! {
            () = sleep_until(next) => true,
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                false
            }
            connected = connection.changed() => {
                if connected.is_err() {
                    return;
                }
                // What it knew may be gone.
                (asked, seen) = (Asked::default(), None);
                false
            }
        };
        let site = changes.borrow_and_update().view.site.clone();
        let is_same = match (&seen, &site) {
            (Some(seen), Some(site)) => Arc::ptr_eq(seen, site),
            (seen, site) => seen.is_none() && site.is_none(),
        };
        if is_same && !is_time {
            continue;
        }
        if is_time {
            next = Instant::now() + INTERVAL;
        }
        let current = connection.borrow().clone();
        let (Some(connection), Some(site)) = (current, site) else {
            continue;
        };
        let messages = asked.update(&site, is_time);
        seen = Some(site);
        if !is_time && !messages.is_empty() {
            // What is answered needs its flows.
            sleep(QUIET).await;
        }
        for message in messages {
            // A connection that is lost is another one the next time.
            if connection.send(message).await.is_err() {
                break;
            }
        }
    }
}

/// The ports that have been asked, each with its place.
#[derive(Debug, Default)]
struct Asked(BTreeMap<PortId, Place>);

/// What makes a port another one to the switch, or has another machine behind it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    network: NetworkId,
    way: Vec<Action>,
    is_arriving: bool,
}

impl Asked {
    /// What is to be sent now: questions to all ports, or to those that have not been asked, and
    /// that the switch is to forget those that are gone.
    fn update(&mut self, site: &Site, all: bool) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut asked = BTreeMap::new();
        for client in Client::all(site).filter(Client::is_snooped) {
            let id = client.port().id;
            let place = Place {
                network: client.network().id,
                way: client.way(),
                is_arriving: client.is_arriving(),
            };
            let before = self.0.get(&id);
            let is_new = before != Some(&place);
            // It leaves no note behind where it was.
            if before.is_some_and(|before| before.is_elsewhere(&place)) {
                messages.push(forget(id).into());
            }
            if is_new || all {
                let within = if is_new { SOON } else { RESPONSE };
                let questions = general(within).map(|question| {
                    let way = client.way();
                    PacketOut::new(way, Bytes::from(question)).into()
                });
                messages.extend(questions);
            }
            asked.insert(id, place);
        }
        let gone = self.0.keys().filter(|id| !asked.contains_key(id));
        messages.extend(gone.map(|id| Message::from(forget(*id))));
        self.0 = asked;
        messages
    }
}

impl Place {
    fn is_elsewhere(&self, other: &Self) -> bool {
        (self.network, &self.way) != (other.network, &other.way)
    }
}
