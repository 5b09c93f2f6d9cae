//! The verdict about a packet, from the tables that it met.

use openflow::field::PortNo;
use openflow::matching::Match;
use pipelines::bridge::Bridge as Role;
use pipelines::explain::{Decision, decision};
use pipelines::network::{Direction, Port};
use pipelines::service::Service;

use super::place::Place;
use super::reason;
use super::trace::{Step, Trace};
use super::{Answer, Leg, Verdict};

/// The ends of a packet's way, as far as they are ports that somebody knows.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) sender: Option<&'a Port>,
    pub(super) receiver: Option<&'a Port>,
}

/// What becomes of a packet that went this way.
pub(super) fn of(place: &Place<'_>, packet: &Match, ends: Ends<'_>, trace: Trace) -> Answer {
    let legs: Vec<_> = trace
        .steps
        .iter()
        .filter(|step| step.bridge == place.view.settings.integration_bridge)
        .filter_map(|step| leg(place, packet, ends, step))
        .collect();
    let is_refused = legs.iter().any(|leg| leg.verdict == Verdict::Dropped);
    let shown = shown(place, &trace).filter(|_| !is_refused);
    let (verdict, reasons) = match (shown, trace.sent) {
        (Some(service), _) => answered(service),
        (None, true) => (Verdict::Allowed, passed(place, &legs, &trace)),
        (None, false) => (Verdict::Dropped, dropped(place, ends, &legs, &trace)),
    };
    let mut notes = Vec::new();
    if let Some(port) = ends.receiver.filter(|port| !place.site.has(port.id))
        && let Some(host) = port.host.as_ref().filter(|_| trace.sent)
    {
        notes.push(format!(
            "{} is on host {host}: its ingress rules are judged there",
            port.name
        ));
    }
    Answer {
        verdict,
        sentence: format!("{verdict}: {reasons}"),
        legs,
        notes,
        traced: None,
        steps: trace.steps,
    }
}

/// What the flow of one table decided, if it did.
fn leg(place: &Place<'_>, packet: &Match, ends: Ends<'_>, step: &Step) -> Option<Leg> {
    let flow = step.matched()?;
    let decision = decision(&flow)?;
    let end = match decision.direction() {
        Some(Direction::Ingress) => ends.receiver,
        Some(Direction::Egress) | None => ends.sender,
    };
    // Flows that are about no port leave it to the question.
    let port = place.port_of(flow.cookie).or(end);
    let id = |port: &Port| port.id;
    if decision.direction() == Some(Direction::Ingress) && port.map(id) == ends.sender.map(id) {
        // Its own copy of what it sends to all, which it does not get.
        return None;
    }
    let rules = match (decision, port) {
        (Decision::Allowed(direction), Some(port)) => {
            let mut rules = reason::rules(place.site, port, &flow, packet);
            rules.retain(|rule| rule.rule.direction() == direction);
            rules
        }
        _ => Vec::new(),
    };
    Some(Leg {
        port_id: port.map(|port| port.id.0),
        port: port.map(|port| port.name.clone()),
        verdict: reason::verdict(decision),
        reason: match port {
            Some(port) => reason::reason(place.model, decision, packet, port, &rules),
            None => format!("the flow of table {} is about no known port", step.table),
        },
        rules: rules.iter().map(|rule| rule.rule.id().0).collect(),
    })
}

/// What the agent is shown the packet for, if it goes nowhere else.
fn shown(place: &Place<'_>, trace: &Trace) -> Option<Service> {
    let Sent { ports, ways } = Sent::of(place, trace);
    let integration = &place.view.settings.integration_bridge;
    let steps = || {
        let steps = trace.steps.iter();
        steps.filter(|step| step.bridge == *integration)
    };
    let sent = steps().position(|step| {
        let mut actions = step.actions.iter();
        actions.any(|action| action.starts_with("controller("))
    })?;
    // A router's packet-in comes from the table before the one that sends it.
    let before: Vec<_> = steps().take(sent + 1).collect();
    let service = before.iter().rev().find_map(|step| Service::of(step.table));
    service.filter(|_| ports.is_empty() && ways.is_empty())
}

/// What becomes of a packet that only the agent is shown.
fn answered(service: Service) -> (Verdict, String) {
    let (verdict, sentence) = match service {
        Service::Dhcpv4 | Service::Dhcpv6 => (Verdict::Allowed, "the agent answers it, as DHCP"),
        Service::RouterAdvertisement => (
            Verdict::Allowed,
            "the agent answers it, as the router of the network",
        ),
        Service::Metadata | Service::Dns => (
            Verdict::Allowed,
            "the agent answers it, at the address of the services",
        ),
        Service::Solicitation => (
            Verdict::Allowed,
            "the agent answers it, as the router of the network",
        ),
        Service::Neighbour => (
            Verdict::Allowed,
            "it waits until the agent has found its next station outside",
        ),
        Service::Multicast => (
            Verdict::Allowed,
            "the agent notes what it says of multicast; no multicast router is there to hear it",
        ),
        Service::Undelivered => (
            Verdict::Dropped,
            "it goes no further than its router, which tells the sender why: no route leads there, \
             it is for the router itself, has no hops left, or is too large",
        ),
    };
    (verdict, sentence.to_owned())
}

/// Why a packet passed, and where it went.
fn passed(place: &Place<'_>, legs: &[Leg], trace: &Trace) -> String {
    let passed = legs.iter().filter(|leg| leg.verdict == Verdict::Allowed);
    let mut reasons: Vec<_> = passed.map(|leg| leg.reason.clone()).collect();
    if reasons.is_empty() {
        reasons.push("no port security stands in its way here".to_owned());
    }
    let Sent { ports, ways } = Sent::of(place, trace);
    if !ports.is_empty() {
        reasons.push(format!("it is delivered to {}", ports.join(", ")));
    }
    if !ways.is_empty() {
        reasons.push(format!("it leaves this host by {}", ways.join(", ")));
    }
    reasons.join("; ")
}

/// Why a packet did not pass: what refused it, else where it ended.
fn dropped(place: &Place<'_>, ends: Ends<'_>, legs: &[Leg], trace: &Trace) -> String {
    let refused = legs.iter().filter(|leg| leg.verdict == Verdict::Dropped);
    let refused: Vec<_> = refused.map(|leg| leg.reason.clone()).collect();
    if !refused.is_empty() {
        return refused.join("; ");
    }
    if let Some(port) = ends.receiver
        && place.site.has(port.id)
        && let Ok(Some(reason)) = place.is_absent(port)
    {
        return reason;
    }
    let Some(last) = trace.steps.last() else {
        return "ovs-vswitchd traced it through no table".to_owned();
    };
    let ended = format!("it ends in table {} of {}", last.table, last.bridge);
    match purpose(place, last) {
        Some(purpose) => format!("{ended}: {purpose}"),
        None => ended,
    }
}

/// What the table of a step is for.
fn purpose(place: &Place<'_>, step: &Step) -> Option<&'static str> {
    let role = role(place, &step.bridge)?;
    let mut tables = role.pipeline().tables().iter();
    let table = tables.find(|table| table.number == step.table)?;
    Some(table.purpose)
}

fn role<'a>(place: &'a Place<'_>, bridge: &str) -> Option<&'a Role> {
    let desired = place.view.desired.as_ref()?;
    Some(&desired.configuration.bridges.get(bridge)?.role)
}

/// Where a packet goes.
#[derive(Default)]
struct Sent {
    /// Ports here.
    ports: Vec<String>,
    /// What leads away from here.
    ways: Vec<String>,
}

impl Sent {
    fn of(place: &Place<'_>, trace: &Trace) -> Self {
        let mut sent = Self::default();
        for step in &trace.steps {
            let Some(role) = role(place, &step.bridge) else {
                continue;
            };
            for number in step.outputs() {
                let port = place.port_at(number);
                match port.filter(|_| *role == Role::Integration) {
                    Some(port) => sent.ports.push(port.name.clone()),
                    None => sent.ways.extend(place.way(&step.bridge, PortNo(number))),
                }
            }
            if step.actions.iter().any(|action| action == "NORMAL") {
                sent.ways.push(step.bridge.clone());
            }
        }
        sent.ports.dedup();
        sent.ways.dedup();
        sent
    }
}
