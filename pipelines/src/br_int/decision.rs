//! What the flows of the firewall's tables decide.

use openflow::flow::Flow;

use super::{base_egress, base_ingress, firewall, local_switching};
use crate::{explain::Decision, network::Direction};

/// What a flow decides; `None` if it only leads on.
pub(crate) fn decision(flow: &Flow) -> Option<Decision> {
    for (table, side) in super::SIDES {
        if flow.table == table.number {
            return firewall::decision(flow, side);
        }
    }
    if flow.table == local_switching::TABLE.number {
        local_switching::decision(flow)
    } else if flow.table == base_egress::TABLE.number {
        base_egress::decision(flow)
    } else if flow.table == base_ingress::TABLE.number {
        base_ingress::is_link(flow).then_some(Decision::Link(Direction::Ingress))
    } else {
        None
    }
}
