//! What a host says outside of the addresses that it answers for.
//!
//! A floating IP may have been on another host before, and a gateway too. Physical switches have to
//! see the MAC where it is now, and who remembers another MAC for the address has to forget it. The
//! next router is asked for its MAC in the same breath, so that the first packet need not wait.

use std::{collections::BTreeSet, net::IpAddr};

use openflow::action::{Action, Group};
use openflow::field::GroupId;

use crate::{
    network::{MacAddr, VlanId},
    registers::NETWORK,
    routed::AnsweredPort,
    site::Site,
};

/// An address on an external network that this host answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Announcement {
    /// The local VLAN of the network.
    pub vlan: VlanId,
    /// The address.
    pub ip: IpAddr,
    /// Who has it.
    pub mac_address: MacAddr,
    /// The router of the subnet, unless that is nobody's affair.
    pub router: Option<IpAddr>,
}

impl Announcement {
    /// What brings a frame to everybody on the network.
    pub fn way(&self) -> Vec<Action> {
        let everyone = GroupId(self.vlan.into());
        vec![
            NETWORK.set(self.vlan.into()),
            Group { group: everyone }.into(),
        ]
    }
}

/// Every address outside that a host answers for.
pub fn announcements(site: &Site) -> BTreeSet<Announcement> {
    let model = site.model();
    let routers = site.routers.keys().filter_map(|id| site.router(*id));
    let ports = routers.flat_map(|router| {
        let gateway = router.router.gateway.map(|gateway| gateway.port);
        let floating_ips = model.floating_ips_of(router.router.id);
        gateway.into_iter().chain(floating_ips.map(|ip| ip.port))
    });
    let answered = ports.filter_map(|port| site.answered_port(port));
    answered.flat_map(|port| of(site, port)).collect()
}

fn of(site: &Site, answered: AnsweredPort<'_>) -> Vec<Announcement> {
    let AnsweredPort { network, port, .. } = answered;
    let router = |ip: &IpAddr| {
        let mut subnets = site.model().subnets_of(port);
        let subnet = subnets.find(|subnet| subnet.cidr().contains(ip))?;
        subnet.gateway_ip().filter(|router| router != ip)
    };
    let ips = port.fixed_ips.iter().map(|ip| Announcement {
        vlan: network.vlan,
        ip: *ip,
        mac_address: port.mac_address,
        router: router(ip),
    });
    ips.collect()
}
