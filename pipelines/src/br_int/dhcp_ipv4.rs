//! Shows the agent who asks for an IPv4 address.
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
    number: 77,
    name: "DHCP_IPV4",
    purpose: "Shows DHCP requests to the agent, which answers them.",
    next: &[],
    flows,
};

const REQUEST: u16 = 100;
const MISS: u16 = 0;

fn flows(subject: &Subject<'_>, flows: &mut Flows<'_>) {
    match subject {
        Subject::Bridge(_) => flows.at(MISS).drop(),
        Subject::Port(port) if port.has_dhcp(Dhcp::V4) => {
            let request = Dhcp::V4.request(flows.at(REQUEST).when(PORT, port.key()));
            request.packet_in(*port).done();
        }
        _ => {}
    }
}
