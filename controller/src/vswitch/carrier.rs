//! Whether the network cards of a bridge have a link.

use std::collections::BTreeSet;

use super::plan::LINK;
use super::{Configuration, Interface, OpenVSwitch, Session};

/// A network card: what joins a bridge to a physical network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Card<'a> {
    /// The name of its interface.
    pub(crate) name: &'a str,
    /// Whether it has a link. One that the switch has not looked at yet has.
    pub(crate) has_link: bool,
    /// What BFD says of the station at the other end, where an operator has enabled it.
    pub(crate) session: Option<Session>,
}

/// The network cards of a bridge, and of bridges that are joined to it by patch ports that are not
/// of brint.
pub(crate) fn cards<'a>(tables: &'a OpenVSwitch, bridge: &'a str) -> Vec<Card<'a>> {
    let mut cards = Vec::new();
    let (mut seen, mut left) = (BTreeSet::new(), vec![bridge]);
    while let Some(name) = left.pop() {
        let Some(bridge) = tables.bridge(name).filter(|_| seen.insert(name)) else {
            continue;
        };
        let ports = bridge.ports.iter().filter_map(|row| tables.ports.get(row));
        let ports = ports.filter(|port| !port.external_ids.contains_key(LINK));
        let interfaces = ports.flat_map(|port| &port.interfaces);
        for interface in interfaces.filter_map(|row| tables.interfaces.get(row)) {
            if interface.is_card() {
                cards.push(Card::of(interface));
            } else if interface.kind == "patch" {
                let peer = interface.options.get("peer");
                left.extend(peer.and_then(|peer| bridge_of(tables, peer)));
            }
        }
    }
    cards
}

/// Whether this host's tunnels leave by a card with a link; `None` if the switch does not know by
/// which interface they leave.
pub(crate) fn tunnel_link(configuration: &Configuration, tables: &OpenVSwitch) -> Option<bool> {
    let interfaces = &tables.interfaces;
    let tunnels = configuration.watched(tables);
    let tunnels = tunnels.filter_map(|tunnel| interfaces.index().by_name.get(tunnel.interface));
    let links = tunnels.filter_map(|tunnel| {
        let egress = tunnel.status.get("tunnel_egress_iface")?;
        let carrier = tunnel.status.get("tunnel_egress_iface_carrier");
        // The end point may be on a bridge, which always has a carrier.
        let cards = cards(tables, egress);
        let is_behind_cards = !cards.is_empty();
        let has_link = !is_behind_cards || cards.iter().any(|card| card.has_link);
        Some(has_link && carrier.is_none_or(|carrier| carrier == "up"))
    });
    links.reduce(|one, other| one || other)
}

/// The bridge that has an interface.
fn bridge_of<'a>(tables: &'a OpenVSwitch, interface: &str) -> Option<&'a str> {
    let interface = tables.interfaces.index().by_name.get(interface)?;
    let mut ports = tables.ports.index().by_interface.all(interface.uuid);
    let port = ports.next()?;
    let mut bridges = tables.bridges.iter();
    let bridge = bridges.find(|bridge| bridge.ports.contains(&port.uuid))?;
    Some(bridge.name.as_str())
}

impl<'a> Card<'a> {
    fn of(interface: &'a Interface) -> Self {
        let is_watched = interface.bfd.get("enable").is_some_and(|on| on == "true");
        Self {
            name: &interface.name,
            has_link: interface.link_state.as_deref() != Some("down"),
            session: is_watched.then(|| Session::of(interface).unwrap_or(Session::NeverUp)),
        }
    }
}

impl Interface {
    /// Whether it leads out of the host, and not to a machine or another bridge.
    fn is_card(&self) -> bool {
        let kinds = ["", "system", "dpdk", "afxdp", "afxdp-nonpmd"];
        let driver = self.status.get("driver_name");
        kinds.contains(&self.kind.as_str())
            && !self.external_ids.contains_key("iface-id")
            // Hypervisors make these for machines.
            && driver.is_none_or(|driver| driver != "tun")
    }
}
