//! Lets out what the port's groups allow out.

use openflow::field::CT_MARK;

use super::{
    accept_or_ingress,
    connection::{ESTABLISHED_RELATED, NEW_RELATED, NOT_CUT},
    delivery, dropped,
    firewall::{KNOWN_CONNECTION, Side},
    helper::helpers,
};
use crate::{
    network::Direction,
    registers::PORT,
    site::LocalPort,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 72,
    name: "RULES_EGRESS",
    purpose: "Lets out what rules allow, and replies.",
    next: &[
        &TABLE,
        &accept_or_ingress::TABLE,
        &delivery::TABLE,
        &dropped::TABLE,
    ],
    flows,
};

/// Whoever is let out may still be refused by the receiver, if that is on this host: the connection
/// is not committed here.
pub(super) static SIDE: Side = Side {
    direction: Direction::Egress,
    table: &TABLE,
    accept: |draft, _| draft.resubmit(&accept_or_ingress::TABLE),
    open: |draft, _| draft.resubmit(&accept_or_ingress::TABLE),
    open_helped: None,
    reply: |draft, _| draft.resubmit(&delivery::TABLE),
};

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    SIDE.flows(subject, flows);
    if let Subject::Port(port) = subject
        && port.is_firewalled()
        && helpers(port).next().is_some()
    {
        announced(*port, flows);
    }
}

/// What belongs to connections that others have announced passes.
fn announced(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    let known = flows.at(KNOWN_CONNECTION).in_state(ESTABLISHED_RELATED);
    let known = known.when(CT_MARK, NOT_CUT).when(PORT, port.key());
    known.resubmit(&delivery::TABLE);
    let opens = flows.at(KNOWN_CONNECTION).in_state(NEW_RELATED);
    let opens = opens.when(CT_MARK, NOT_CUT).when(PORT, port.key());
    opens.resubmit(&accept_or_ingress::TABLE);
}
