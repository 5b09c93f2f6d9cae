//! Asks machines which multicast groups they listen to.
//!
//! All are asked again before the switch forgets them. A port that is new, or whose machine has
//! arrived, is asked at once, and so are all when the bridge is back, as it may have forgotten them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use openflow::action::Action;
use openflow::message::{Message, PacketOut};
use pipelines::multicast::forget;
use pipelines::network::{NetworkId, PortId};
use pipelines::service::Client;
use pipelines::site::Site;

use super::query::{INTERVAL, RESPONSE, general};
use crate::services::unasked::Unasked;

/// How long a machine may take to answer that is asked out of turn.
const SOON: Duration = Duration::from_secs(1);
/// The ports that have been asked, each with its place.
#[derive(Debug, Default)]
pub(in super::super) struct Asked(BTreeMap<PortId, Place>);

/// What makes a port another one to the switch, or has another machine behind it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    network: NetworkId,
    way: Vec<Action>,
    is_arriving: bool,
}

impl Unasked for Asked {
    type Sent = Message;

    const INTERVAL: Duration = INTERVAL;

    /// The switch may have forgotten what it knew of listeners.
    const ENDS_WITH_CONNECTION: bool = true;

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
