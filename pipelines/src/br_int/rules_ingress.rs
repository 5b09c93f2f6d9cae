//! Lets in what the port's groups allow in, and delivers it.
//!
//! A frame to many comes here once for each port. That one of them has no rule for it says nothing
//! about the connection, to which the port need not be a party; so such a frame cuts no connection.

use openflow::field::{CT_MARK, ETH_DST, ETH_TYPE, EthType, MacAddr};

use super::{
    accepted_ingress,
    connection::{ESTABLISHED, ESTABLISHED_RELATED, NEW_RELATED, NOT_CUT},
    dropped,
    firewall::{KNOWN_CONNECTION, Side},
    helper::helpers,
    trunk_output,
};
use crate::{
    network::Direction,
    registers::PORT,
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
    open_helped: Some(|draft, port, helper| {
        deliver(draft.commit_helped(helper.port()), port).resubmit(&accepted_ingress::TABLE);
    }),
    reply: |draft, port| deliver(draft, port).done(),
};

fn deliver<'a>(draft: Draft<'a>, port: LocalPort<'_>) -> Draft<'a> {
    draft.then(|actions| trunk_output::to(actions, port))
}

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    SIDE.flows(subject, flows);
    match subject {
        Subject::Bridge(_) => {
            let group = MacAddr::MULTICAST_BIT;
            let to_many = flows
                .at(TO_MANY)
                .in_state(ESTABLISHED)
                .when_masked(ETH_DST, group, group);
            to_many.resubmit(&dropped::TABLE);
        }
        Subject::Port(port) if port.is_firewalled() && helpers(port).next().is_some() => {
            announced(*port, flows);
        }
        _ => {}
    }
}

/// What belongs to connections that others have announced passes.
fn announced(port: LocalPort<'_>, flows: &mut Flows<'_>) {
    let known = flows.at(KNOWN_CONNECTION).in_state(ESTABLISHED_RELATED);
    let known = known.when(CT_MARK, NOT_CUT).when(PORT, port.key());
    deliver(known, port).done();
    // What commits a connection has to say of which version of IP it is.
    for eth_type in [EthType::IPV4, EthType::IPV6] {
        let opens = flows.at(KNOWN_CONNECTION).in_state(NEW_RELATED);
        let opens = opens.when(CT_MARK, NOT_CUT).when(ETH_TYPE, eth_type);
        (SIDE.open)(opens.when(PORT, port.key()), port);
    }
}
