//! Answers for the address that services have.
//!
//! A machine that renews its lease asks for the server's MAC first, and no station of the network
//! has that address. The answer goes back to who asked, so its own addresses need no check.

use openflow::field::{
    ARP_OP, ARP_SHA, ARP_SPA, ARP_THA, ARP_TPA, ETH_DST, ETH_SRC, ETH_TYPE, EthType, PortNo,
    VLAN_VID, VlanVid,
};

use crate::{
    link,
    registers::PORT,
    service::{SERVER, SERVER_MAC},
    subject::Subject,
    table::{Draft, Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 120,
    name: "SERVICE_ADDRESS",
    purpose: "Answers ARP for the address of the services.",
    next: &[],
    flows,
};

const FROM_SUB_PORT: u16 = 2;
const FROM_PORT: u16 = 1;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => {
            answer(question(flows.at(FROM_PORT))).output(PortNo::IN_PORT);
            flows.at(MISS).drop();
        }
        Subject::Port(port) if port.has_services() => {
            if let Some(vlan) = port.place.vlan {
                let question = question(flows.at(FROM_SUB_PORT)).when(PORT, port.key());
                answer(question)
                    .push_vlan()
                    .set(VLAN_VID, VlanVid::tagged(vlan.get()))
                    .output(PortNo::IN_PORT);
            }
        }
        _ => {}
    }
}

/// Who asks for the MAC of the address.
pub(super) fn question(draft: Draft<'_>) -> Draft<'_> {
    draft
        .when(ETH_TYPE, EthType::ARP)
        .when(ARP_OP, link::ARP_REQUEST)
        .when(ARP_TPA, SERVER)
}

fn answer(draft: Draft<'_>) -> Draft<'_> {
    draft
        .set(ARP_OP, link::ARP_REPLY)
        .copy(ARP_SHA, ARP_THA)
        .copy(ARP_SPA, ARP_TPA)
        .set(ARP_SHA, SERVER_MAC)
        .set(ARP_SPA, SERVER)
        .copy(ETH_SRC, ETH_DST)
        .set(ETH_SRC, SERVER_MAC)
}
