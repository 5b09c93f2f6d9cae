//! Why a packet passes, or does not: the verdict in a sentence, with the rule or the absence of one.
//!
//! The switch is asked, with `ofproto/trace`, so that the answer is about the flows that are there
//! and not about those that should be. What the flows mean, `pipelines` knows.

use std::fmt;

use clap::ValueEnum;
use openflow::field::CtState;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::board::Knowledge;
use crate::unixctl::call;
use probe::{Probe, Sending};
use trace::{Trace, ct_next};

mod packet;
mod place;
mod probe;
mod reason;
mod trace;
mod verdict;

pub(crate) use trace::Step;

use place::Place;

/// A question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    /// The port that it is about, by name, UUID, interface or OpenFlow number.
    pub(crate) port: String,
    /// The packet, in words or as a match of `ovs-ofctl`.
    pub(crate) packet: String,
    /// What the connection tracker says of it.
    pub(crate) state: State,
}

/// What the connection tracker says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It opens a connection.
    New,
    /// It goes the way that an open connection was opened in.
    Established,
    /// It goes the other way.
    Reply,
    /// It is about an open connection, as an ICMP error is.
    Related,
    /// It belongs to no connection and cannot open one.
    Invalid,
}

impl From<State> for CtState {
    fn from(state: State) -> Self {
        match state {
            State::New => Self::NEW,
            State::Established => Self::EST,
            State::Reply => Self::EST | Self::RPL,
            State::Related => Self::REL,
            State::Invalid => Self::INV,
        }
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// It is delivered, or leaves this host.
    Allowed,
    /// It is not.
    Dropped,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// What becomes of the packet.
    pub(crate) verdict: Verdict,
    /// The verdict and its reason, for people.
    pub(crate) sentence: String,
    /// What each port's part of the firewall decided, in the order of the packet's way.
    pub(crate) legs: Vec<Leg>,
    /// What else has to be known.
    pub(crate) notes: Vec<String>,
    /// What was traced, in the syntax of `ovs-ofctl`; none if there was nothing to trace.
    pub(crate) traced: Option<String>,
    /// The tables that the packet met.
    pub(crate) steps: Vec<Step>,
}

/// What one port's part of the firewall decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Leg {
    /// The identifier of the port.
    pub(crate) port_id: Option<Uuid>,
    /// What people call the port.
    pub(crate) port: Option<String>,
    /// Whether the packet passed.
    pub(crate) verdict: Verdict,
    /// Why, for people.
    pub(crate) reason: String,
    /// The rules that allow it; any one of them would do.
    pub(crate) rules: Vec<Uuid>,
}

/// Answers a question.
///
/// # Errors
///
/// The question makes no sense, or the switch does not answer; in words for people.
pub(crate) async fn answer(knowledge: &Knowledge, question: &Question) -> Result<Answer, String> {
    let place = Place::new(knowledge)?;
    let asked = place.port_named(&question.port)?;
    if let Some(reason) = place.is_absent(asked)? {
        return Ok(Answer::without_trace(reason));
    }
    let Probe {
        packet,
        sending,
        sender,
        receiver,
        notes,
    } = Probe::new(&place, asked, &question.packet)?;
    let (number, vlan) = match sending {
        Sending::At { number, vlan } => (number, vlan),
        Sending::Nowhere(reason) => return Ok(Answer::without_trace(reason)),
    };
    let traced = probe::enters(packet.clone(), number, vlan);
    let settings = &place.view.settings;
    let state = ct_next(question.state.into());
    let mut arguments = vec![settings.integration_bridge.as_str(), traced.as_str()];
    for _ in 0..TRACKED {
        arguments.extend(["--ct-next", &state]);
    }
    let directory = &settings.run_directory;
    let text = call(directory, "ovs-vswitchd", "ofproto/trace", &arguments).await?;
    let ends = verdict::Ends { sender, receiver };
    let mut answer = verdict::of(&place, &packet, ends, Trace::read(&text));
    answer.notes.splice(0..0, notes);
    answer.traced = Some(format!("{traced} (connection tracker: {state})"));
    Ok(answer)
}

/// How often a packet may be tracked, amply: by its sender's rules and by its receiver's.
const TRACKED: usize = 8;

impl Answer {
    /// A packet that does not even get to the tables.
    fn without_trace(reason: String) -> Self {
        Self {
            verdict: Verdict::Dropped,
            sentence: format!("{}: {reason}", Verdict::Dropped),
            legs: Vec::new(),
            notes: Vec::new(),
            traced: None,
            steps: Vec::new(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Dropped => "dropped",
        })
    }
}
