//! Tags what goes to a port of a trunk, and sends it.
//!
//! The ports of a trunk share one interface, and a switch sends nothing back by the interface that
//! it came in by. Between two ports of a trunk it must; from a port to itself it must not. So the
//! sender is in a register, and what comes from the same interface goes back on purpose.

use openflow::field::{IN_PORT, PortNo, VLAN_VID, VlanVid};

use crate::{
    registers::{PORT, SENDER},
    site::LocalPort,
    subject::Subject,
    table::{Actions, Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 95,
    name: "TRUNK_OUTPUT",
    purpose: "Tags what goes to a port of a trunk, and sends it.",
    next: &[],
    flows,
};

const FROM_ITSELF: u16 = 3;
const FROM_ITS_INTERFACE: u16 = 2;
const ANYTHING: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.place.in_trunk => {
            let key = port.key();
            let from_itself = flows.at(FROM_ITSELF).when(PORT, key);
            from_itself.when(SENDER, key).drop();
            let back = flows.at(FROM_ITS_INTERFACE).when(PORT, key);
            let back = back.when(IN_PORT, port.number());
            send(back, *port, PortNo::IN_PORT);
            send(flows.at(ANYTHING).when(PORT, key), *port, port.number());
        }
        _ => {}
    }
}

/// The packet goes on to other ports afterwards, without this one's tag.
fn send(draft: Draft<'_>, port: LocalPort<'_>, number: PortNo) {
    match port.place.vlan {
        None => draft.output(number),
        Some(vlan) => draft
            .push_vlan()
            .set(VLAN_VID, VlanVid::tagged(vlan.get()))
            .copy_to(number)
            .pop_vlan()
            .done(),
    }
}

/// Sends a packet to a port; in a trunk, to the one that the register holds.
pub(super) fn to(actions: Actions, port: LocalPort<'_>) -> Actions {
    match port.place.in_trunk {
        true => actions.resubmit(&TABLE),
        false => actions.output(port.number()),
    }
}
