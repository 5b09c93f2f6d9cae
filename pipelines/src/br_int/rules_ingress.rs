//! Lets in what the port's groups allow in, and delivers it.
//!
//! A frame to many comes here once for each port. That one of them has no rule for it says nothing
//! about the connection, to which the port need not be a party; so such a frame cuts no connection.

use openflow::field::{ETH_DST, MacAddr};

use super::{accepted_ingress, connection::ESTABLISHED, dropped, firewall::Side, trunk_output};
use crate::{
    network::Direction,
    site::LocalPort,
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 82,
    name: "RULES_INGRESS",
    purpose: "Lets in what rules allow, and replies.",
    next: &[
        &TABLE,
        &trunk_output::TABLE,
        &accepted_ingress::TABLE,
        &dropped::TABLE,
    ],
    flows,
};

/// Below what passes, and above what cuts a connection.
const TO_MANY: u16 = 45;

pub(super) static SIDE: Side = Side {
    direction: Direction::Ingress,
    table: &TABLE,
    accept: |draft, port| deliver(draft, port).done(),
    open: |draft, port| deliver(draft.commit(), port).resubmit(&accepted_ingress::TABLE),
    reply: |draft, port| deliver(draft, port).done(),
};

fn deliver<'a>(draft: Draft<'a>, port: LocalPort<'_>) -> Draft<'a> {
    draft.then(|actions| trunk_output::to(actions, port))
}

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    SIDE.flows(subject, flows);
    if let Subject::Bridge(_) = subject {
        let group = MacAddr::MULTICAST_BIT;
        let to_many = flows
            .at(TO_MANY)
            .in_state(ESTABLISHED)
            .when_masked(ETH_DST, group, group);
        to_many.resubmit(&dropped::TABLE);
    }
}
