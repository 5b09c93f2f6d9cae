//! Lets out what the port's groups allow out.

use super::{accept_or_ingress, delivery, dropped, firewall::Side};
use crate::{
    network::Direction,
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
    reply: |draft, _| draft.resubmit(&delivery::TABLE),
};

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    SIDE.flows(subject, flows);
}
