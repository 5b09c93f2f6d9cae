//! How many packets were too many to be logged.
//!
//! The meter counts what it holds back, and tells only when it is asked. It holds nothing back
//! without letting some packets pass, so it is asked a while after one did.

use std::time::{Duration, Instant};

use openflow::Connection;
use openflow::multipart::{MeterRequest, ReplyBody, RequestBody};
use pipelines::logging::METER;

/// How long after a packet the meter is asked: more packets of the same second come for nothing.
const DELAY: Duration = Duration::from_secs(1);

/// What the meter of logs has counted.
#[derive(Debug, Default)]
pub(super) struct Limit {
    /// What it had counted when it was asked last.
    before: u64,
    /// When to ask it again.
    pub(super) ask_at: Option<Instant>,
}

impl Limit {
    /// Begins with what the meter has counted so far.
    pub(super) async fn new(connection: &Connection) -> Self {
        Self {
            before: read(connection).await,
            ask_at: None,
        }
    }

    /// Notes that a packet has passed the meter.
    pub(super) fn passed(&mut self) {
        self.ask_at.get_or_insert_with(|| Instant::now() + DELAY);
    }

    /// How many packets the meter has held back since it was asked last.
    pub(super) async fn ask(&mut self, connection: &Connection) -> u64 {
        let now = read(connection).await;
        self.ask_at = None;
        // A meter that was put back has begun to count anew.
        let more = now.checked_sub(self.before).unwrap_or(now);
        self.before = now;
        more
    }
}

/// What the meter has counted; nothing if there is none.
async fn read(connection: &Connection) -> u64 {
    let question = RequestBody::Meter(MeterRequest { id: METER });
    let parts = connection.ask(question).await.unwrap_or_default();
    let meters = parts.into_iter().flat_map(|part| match part {
        ReplyBody::Meter(meters) => meters,
        _ => Vec::new(),
    });
    let bands = meters.flat_map(|meter| meter.bands);
    bands.map(|band| band.packet_band_count).sum()
}
