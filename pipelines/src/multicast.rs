//! What the agent notes of those who listen to multicast.
//!
//! Listeners say so by IGMP and MLD. The flows of networks with snooping show that to the agent, and
//! it adds a note about the port, which the switch itself forgets in time. So the agent need not
//! remember anything, and what it has noted stays while it restarts.

use std::net::IpAddr;

use openflow::{flow::Flow, message::FlowMod};

use crate::{
    br_int::{MULTICAST_LISTENERS, listener, multicast_router},
    cookie::Cookie,
    link,
    network::PortId,
    service::Client,
};

impl Client<'_> {
    /// Whether multicast goes only to those ports of its network that listen.
    pub fn is_snooped(&self) -> bool {
        self.local.network.is_snooped()
    }

    /// The note that it listens to a group, for some seconds.
    pub fn listens_to(&self, group: IpAddr, seconds: u16) -> Flow {
        listener(self.local, group, seconds)
    }

    /// The note that there is a multicast router behind it, for some seconds.
    pub fn routes_multicast(&self, seconds: u16) -> Flow {
        multicast_router(self.local, seconds)
    }
}

/// Whether multicast to an address goes to those who listen, and not to everyone on the link.
pub fn has_listeners(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(ip) => link::GROUPS_V4.contains(&ip) && !link::GROUPS_OF_LINK_V4.contains(&ip),
        IpAddr::V6(ip) => link::GROUPS_V6.contains(&ip) && !link::GROUPS_OF_LINK_V6.contains(&ip),
    }
}

/// Has the switch forget what was noted of a port.
pub fn forget(port: PortId) -> FlowMod {
    let cookie = Cookie::learned_from(port);
    FlowMod {
        table: MULTICAST_LISTENERS,
        ..FlowMod::delete_by_cookie(cookie.get(), u64::MAX)
    }
}
