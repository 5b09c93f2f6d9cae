//! Shows the agent who asks for an IPv6 address, or for what else DHCP tells.
//!
//! Only requests of ports that have an answer come here, and with addresses that the port may use;
//! requests of others go where everything goes.

use crate::{
    link::Dhcp,
    registers::PORT,
    subject::Subject,
    table::{Flows, Table},
};

pub(super) static TABLE: Table = Table {
    number: 78,
    name: "DHCP_IPV6",
    purpose: "Shows requests of DHCPv6 to the agent, which answers them.",
    next: &[],
    flows,
};

const REQUEST: u16 = 100;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.has_dhcp(Dhcp::V6) => {
            let request = Dhcp::V6.request(flows.at(REQUEST).when(PORT, port.key()));
            request.packet_in(*port).done();
        }
        _ => {}
    }
}
