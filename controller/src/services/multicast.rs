//! Snooping: notes in the switch which ports listen to which multicast groups.
//!
//! Where multicast is to reach listeners only, flows show the agent what machines say of it. A note
//! lasts as long as the answer to two queries may take, and the switch forgets it by itself. A port
//! that leaves a group is asked whether another listener is behind it, and keeps the group meanwhile.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use openflow::flow::Flow;
use openflow::message::PacketOut;
use pipelines::network::PortId;
use pipelines::service::Client;

use super::{Refusal, Sent};

use message::{Heard, Report};

mod message;
pub(super) mod querier;
mod query;

/// For how many seconds a port listens after it said so: two queries and the time to answer (RFC
/// 3376, section 8.4).
const LISTENS_FOR: u16 = 260;
/// For how many seconds a multicast router is there after it said so (section 8.5).
const ROUTES_FOR: u16 = 255;
/// For how many seconds a port listens after it left: it is asked twice, and has a second to answer
/// each time (section 8.8).
const LEAVES_IN: u16 = 3;
/// Between the two questions, and for each answer.
const LAST_MEMBER: Duration = Duration::from_secs(1);

/// How many groups a port may listen to. A machine must not fill the switch.
const GROUPS: usize = 1024;
/// How many notes a port may cause in a second, and how many more at once.
const RATE: u32 = 100;
const BURST: u32 = 1024;

/// What ports have said.
#[derive(Debug, Default)]
pub(super) struct Snooping(BTreeMap<PortId, Port>);

/// What one port has said.
#[derive(Debug)]
struct Port {
    /// Until when the switch has a note about each group, and whether the port leaves it.
    groups: BTreeMap<IpAddr, (Instant, bool)>,
    /// How many notes it may cause, as of a moment.
    budget: (u32, Instant),
}

/// What is to be done about a message.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Notes for the switch.
    pub(super) notes: Vec<Flow>,
    /// Questions to the port.
    pub(super) questions: Sent,
}

impl Snooping {
    /// Takes a message from a port.
    pub(super) fn take(
        &mut self,
        client: &Client<'_>,
        frame: &[u8],
        now: Instant,
    ) -> Result<Done, Refusal> {
        if !client.is_snooped() {
            return Err(Refusal::Gone);
        }
        // What is past is not counted, and ports that have only that are forgotten.
        self.0.retain(|_, port| port.is_current(now));
        let port = (self.0.entry(client.port().id)).or_insert_with(|| Port::new(now));
        let mut done = Done::default();
        match Heard::read(frame)? {
            Heard::Reports(reports) => {
                for report in reports {
                    port.take(report, client, now, &mut done);
                }
            }
            Heard::Router if port.may_note(now) => {
                done.notes.push(client.routes_multicast(ROUTES_FOR));
            }
            Heard::Router | Heard::Nothing => {}
        }
        Ok(done)
    }
}

impl Port {
    fn new(now: Instant) -> Self {
        Self {
            groups: BTreeMap::new(),
            budget: (BURST, now),
        }
    }

    /// Forgets what the switch has forgotten; whether something is left.
    fn is_current(&mut self, now: Instant) -> bool {
        self.groups.retain(|_, (until, _)| *until > now);
        let (_, since) = self.budget;
        !self.groups.is_empty() || now < since + Duration::from_secs((BURST / RATE).into()) * 2
    }

    fn take(&mut self, report: Report, client: &Client<'_>, now: Instant, done: &mut Done) {
        let Report { group, listens } = report;
        let known = self.groups.get(&group);
        // A group that it leaves already is asked about.
        let leaves = known.is_some_and(|(_, leaves)| *leaves);
        let is_room = known.is_some() || self.groups.len() < GROUPS;
        if (leaves && !listens) || !is_room || !self.may_note(now) {
            return;
        }
        let seconds = match listens {
            true => LISTENS_FOR,
            false => LEAVES_IN,
        };
        let until = now + Duration::from_secs(seconds.into());
        self.groups.insert(group, (until, !listens));
        done.notes.push(client.listens_to(group, seconds));
        if !listens {
            let question = Bytes::from(query::about(group, LAST_MEMBER));
            let questions = (0..u32::from(query::ROBUSTNESS)).map(|time| {
                let question = PacketOut::new(client.way(), question.clone());
                (LAST_MEMBER * time, question)
            });
            done.questions.extend(questions);
        }
    }

    /// Whether one more note is within its limits.
    fn may_note(&mut self, now: Instant) -> bool {
        let (left, since) = self.budget;
        let passed = now.saturating_duration_since(since);
        let gained = u32::try_from(passed.as_secs()).unwrap_or(u32::MAX);
        if gained > 0 {
            let left = gained.saturating_mul(RATE).saturating_add(left);
            self.budget = (left.min(BURST), now);
        }
        let (left, _) = &mut self.budget;
        match left.checked_sub(1) {
            Some(less) => {
                *left = less;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
