//! Tells machines of their routers without being asked.
//!
//! Machines ask when they start, and would forget. So each is told again before that, told at once
//! when it is to know something else, and told when its router is not there any more: it would send
//! packets to nobody for half an hour.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use openflow::message::PacketOut;
use pipelines::network::{MacAddr, PortId};
use pipelines::service::Client;
use pipelines::site::Site;

use super::router_advertisement::{advertisement, farewell, router};
use super::unasked::Unasked;

/// What each port here is to know, as it was told or has asked.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<PortId, Known>);

#[derive(Debug, PartialEq, Eq)]
struct Known {
    router: Option<MacAddr>,
    frame: Option<Vec<u8>>,
}

impl Unasked for Told {
    type Sent = PacketOut;

    /// How often a router says that it is there: less than its lifetime, so that one may get lost.
    const INTERVAL: Duration = Duration::from_secs(200);

    const ENDS_WITH_CONNECTION: bool = false;

    /// What is to be said now: all that ports are to know, or what they do not know yet.
    fn update(&mut self, site: &Site, all: bool) -> Vec<PacketOut> {
        let mut packets = Vec::new();
        let mut told = BTreeMap::new();
        for client in Client::all(site) {
            let id = client.port().id;
            let known = Known {
                router: router(&client),
                frame: advertisement(&client).ok().flatten(),
            };
            let before = self.0.remove(&id);
            // Who is new asks by itself.
            let is_news = before.as_ref().is_some_and(|before| *before != known);
            let gone = before.and_then(|before| before.router);
            let gone = gone.filter(|gone| Some(*gone) != known.router);
            let farewell = gone.and_then(|gone| farewell(gone).ok());
            let frame = known.frame.clone().filter(|_| is_news || all);
            let frames = farewell.into_iter().chain(frame);
            packets.extend(frames.map(|frame| PacketOut::new(client.way(), Bytes::from(frame))));
            told.insert(id, known);
        }
        self.0 = told;
        packets
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use openflow::field::PortNo;
    use pipelines::network::{HostName, VlanId};

    use super::*;
    use crate::northbound::file;

    const DESCRIPTION: &str = "
networks:
  - {name: net, network_type: local, subnets: [{cidr: '2001:db8:a::/64', gateway_ip: '2001:db8:a::1', ipv6_ra_mode: slaac}]}
ports:
  - {name: vm, network: net, mac_address: fa:16:3e:00:00:12, fixed_ips: ['2001:db8:a::12']}
  - {name: gateway, network: net, mac_address: fa:16:3e:00:00:01, fixed_ips: ['2001:db8:a::1']}
";
    const ROUTER: &str = "routers: [{name: router, interfaces: [gateway]}]\n";

    fn site(description: &str) -> Site {
        let described = file::parse("network.yaml".as_ref(), description.as_bytes());
        let model = described.unwrap_or_else(|error| panic!("{error}")).model;
        let port = model.ports().find(|port| port.name == "vm").unwrap();
        let (port, network) = (port.id, port.network);
        let mut site = Site::new(Arc::new(model), HostName::from("host1"));
        site.local_vlans.insert(network, VlanId::MIN);
        site.bindings.insert(port, PortNo(43));
        site
    }

    /// Who says what, by the MAC and the lifetime.
    fn said(packets: &[PacketOut]) -> Vec<(u8, u16)> {
        let said = packets.iter().map(|packet| {
            let lifetime = [packet.data[60], packet.data[61]];
            (packet.data[11], u16::from_be_bytes(lifetime))
        });
        said.collect()
    }

    #[test]
    fn machines_are_told_what_is_new_and_who_is_gone() {
        let (alone, routed) = (site(DESCRIPTION), site(&format!("{DESCRIPTION}{ROUTER}")));
        let mut told = Told::default();
        // Who has just been plugged in asks by itself.
        assert!(told.update(&alone, false).is_empty());
        assert_eq!(said(&told.update(&routed, false)), [(1, 1800)]);
        assert!(told.update(&routed, false).is_empty());
        assert_eq!(said(&told.update(&routed, true)), [(1, 1800)]);
        // The router says that it is gone; who answers in its place routes nowhere.
        assert_eq!(said(&told.update(&alone, false)), [(1, 0), (0xfe, 0)]);
        assert!(told.update(&alone, false).is_empty());
    }
}
