//! What VMs are sent without having asked: everything at intervals, and what is new at once.

use std::sync::Arc;
use std::time::Duration;

use openflow::Connection;
use openflow::message::Message;
use pipelines::site::Site;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::board::Board;

/// How long the switch may take for a change before VMs are told of it.
const QUIET: Duration = Duration::from_millis(300);

/// Something that VMs are sent without having asked, and what they were sent of it.
pub(super) trait Unasked: Default {
    /// The messages that say it.
    type Sent: Into<Message> + Send;

    /// How often all of it is sent.
    const INTERVAL: Duration;

    /// Whether all of it is new to a bridge that is connected anew; else only what has changed is.
    const ENDS_WITH_CONNECTION: bool;

    /// What is to be sent now: everything, or what is new.
    fn update(&mut self, site: &Site, all: bool) -> Vec<Self::Sent>;
}

/// Sends it until the agent ends.
pub(super) async fn run<U: Unasked>(
    board: Board,
    mut connection: watch::Receiver<Option<Connection>>,
) {
    let mut changes = board.follow();
    let mut unasked = U::default();
    let mut seen: Option<Arc<Site>> = None;
    let mut next = Instant::now() + U::INTERVAL;
    loop {
        let is_time = tokio::select! {
            () = sleep_until(next) => true,
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                false
            }
            // What changed while the bridge was away is sent when it is back.
            connected = connection.changed() => {
                if connected.is_err() {
                    return;
                }
                if U::ENDS_WITH_CONNECTION {
                    (unasked, seen) = (U::default(), None);
                }
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
            next = Instant::now() + U::INTERVAL;
        }
        let current = connection.borrow().clone();
        let (Some(connection), Some(site)) = (current, site) else {
            continue;
        };
        // Each state counts, however short: packets are answered from it.
        let messages = unasked.update(&site, is_time);
        seen = Some(site);
        if !is_time && !messages.is_empty() {
            // The switch has to have the flows for what is sent, and for what is answered.
            sleep(QUIET).await;
        }
        for message in messages {
            // A connection that is lost is another one the next time.
            if connection.send(message.into()).await.is_err() {
                break;
            }
        }
    }
}
