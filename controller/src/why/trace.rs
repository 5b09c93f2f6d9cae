//! What `ofproto/trace` prints, as far as a verdict needs it.
//!
//! The text is meant for people, and has no other form. A line with the number of a table starts a
//! step, the lines below are what its flow does, and each pass through the datapath ends with the
//! actions that came of it.

use openflow::field::CtState;
use openflow::flow::Flow;
use openflow::text::Parser;
use serde::{Deserialize, Serialize};

/// What a packet met in one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// The bridge.
    pub(crate) bridge: String,
    /// The number of the table.
    pub(crate) table: u8,
    /// The flow, as the trace prints it: match, priority, cookie.
    pub(crate) flow: String,
    /// What it does, one action or remark each.
    pub(crate) actions: Vec<String>,
}

/// The way of a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// The tables, in order.
    pub(super) steps: Vec<Step>,
    /// Whether something leaves the switch in the end.
    pub(super) sent: bool,
}

/// What heads or ends a part of the trace, and is no action.
const FRAME: [&str; 7] = [
    "Flow:",
    "Final flow:",
    "Megaflow:",
    "recirc(",
    "thaw",
    "Resuming from table",
    "This flow is handled",
];

impl Trace {
    /// Reads what the command printed.
    pub(super) fn read(text: &str) -> Self {
        let mut trace = Self::default();
        let mut bridge = String::new();
        for line in text.lines().map(str::trim) {
            let named = line.strip_prefix("bridge(\"");
            if let Some(name) = named.and_then(|rest| rest.strip_suffix("\")")) {
                name.clone_into(&mut bridge);
            } else if let Some(actions) = line.strip_prefix("Datapath actions: ") {
                trace.sent |= sends(actions);
            } else if let Some((table, flow)) = step(line) {
                trace.steps.push(Step {
                    bridge: bridge.clone(),
                    table,
                    flow: flow.to_owned(),
                    actions: Vec::new(),
                });
            } else if !is_frame(line)
                && let Some(step) = trace.steps.last_mut()
            {
                step.actions.push(line.to_owned());
            }
        }
        trace
    }
}

impl Step {
    /// The flow, without its actions; `None` if none matched.
    pub(super) fn matched(&self) -> Option<Flow> {
        let (matching, rest) = match self.flow.strip_prefix("priority ") {
            Some(rest) => ("", rest),
            None => self.flow.split_once(", priority ")?,
        };
        let (priority, cookie) = rest.split_once(", cookie ").unwrap_or((rest, "0x0"));
        Some(Flow {
            table: self.table,
            priority: priority.trim().parse().ok()?,
            cookie: u64::from_str_radix(cookie.trim().strip_prefix("0x")?, 16).ok()?,
            matching: Parser::default().lenient().matching(matching).ok()?,
            ..Flow::default()
        })
    }

    /// The numbers of the ports that the flow sends the packet to.
    ///
    /// A switch does not send a packet out of the port that it came in by, and says so on the next
    /// line.
    pub(super) fn outputs(&self) -> impl Iterator<Item = u32> {
        let next = self.actions.iter().skip(1).map(String::as_str).chain([""]);
        let actions = self.actions.iter().zip(next);
        let sent = actions.filter(|(_, next)| !next.contains("skipping output"));
        let ports = sent.filter_map(|(action, _)| action.strip_prefix("output:"));
        ports.filter_map(|port| port.parse().ok())
    }
}

/// The table and the flow of a line that starts a step.
fn step(line: &str) -> Option<(u8, &str)> {
    let (table, flow) = line.split_once(". ")?;
    Some((table.parse().ok()?, flow))
}

fn is_frame(line: &str) -> bool {
    let is_rule = line.chars().all(|c| c == '-' || c == '=');
    is_rule || FRAME.iter().any(|start| line.starts_with(start))
}

/// What only says when actions are done, or to a copy.
const BRANCHES: [&str; 6] = ["actions", "check_pkt_len", "clone", "gt", "le", "sample"];

/// Whether the actions of a datapath send the packet anywhere.
fn sends(actions: &str) -> bool {
    // Parentheses, each with whether actions of their own are in it, and nothing else.
    let mut open = Vec::new();
    let mut outside = String::new();
    for c in actions.chars() {
        let is_hidden = open.contains(&false);
        match c {
            '(' => {
                let word = outside.rsplit(',').next().unwrap_or_default();
                open.push(!is_hidden && BRANCHES.contains(&word));
                outside.push(',');
            }
            ')' => {
                open.pop();
                outside.push(',');
            }
            _ if is_hidden => {}
            _ => outside.push(c),
        }
    }
    let is_port = |action: &str| action.chars().all(|c| c.is_ascii_digit()) && !action.is_empty();
    // Into a tunnel, and copies that are sent; a copy that is only tracked has no number in it.
    outside
        .split(',')
        .any(|action| is_port(action) || action == "tnl_push")
}

/// The states in which `--ct-next` has each packet leave the connection tracker.
pub(super) fn ct_next(state: CtState) -> String {
    let words = [
        (CtState::NEW, "new"),
        (CtState::EST, "est"),
        (CtState::REL, "rel"),
        (CtState::RPL, "rpl"),
        (CtState::INV, "inv"),
    ];
    let set = words.iter().filter(|(bit, _)| state.contains(*bit));
    set.fold("trk".to_owned(), |text, (_, word)| format!("{text},{word}"))
}

#[cfg(test)]
mod tests;
