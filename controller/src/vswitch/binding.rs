//! Bindings: which interface of the integration bridge is which port of a tenant.
//!
//! A virtual machine is plugged in as libvirt, Nova and OVN do it: an interface of the
//! integration bridge whose `external_ids:iface-id` is the identifier of the port.

use std::collections::{BTreeMap, BTreeSet};

use ovsdb::Uuid;
use pipelines::failover::Failover;
use pipelines::network::{HostName, Model, NetworkId, PortId, RouterId, VlanId};
use pipelines::routing::View;

use super::{Bridge, Interface, OpenVSwitch, Port};
use crate::numbering::{LocalVlans, RouterNumbers};
use crate::problem::{Kind, Problem};

/// The port of a tenant and the row of the database that it is plugged in by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The network that the port belongs to.
    pub(crate) network: NetworkId,
    /// The networks of the sub-ports that are behind it.
    pub(crate) sub_networks: BTreeSet<NetworkId>,
    /// The row of the table `Port`.
    pub(crate) row: Uuid,
    /// The name of the interface.
    pub(crate) interface: String,
    /// Whether the switch has made the interface, and given it an OpenFlow number.
    pub(crate) works: bool,
    /// Whether its machine was being moved here, and runs here now.
    pub(crate) arrived: bool,
    /// Its number among those that name the port, if it has one.
    claim: Option<u64>,
}

impl Binding {
    /// Every network that is reached by the interface.
    fn networks(&self) -> impl Iterator<Item = NetworkId> {
        self.sub_networks.iter().copied().chain([self.network])
    }
}

/// The key of `other_config` for the networks of sub-ports: `NETWORK=VLAN`, separated by commas.
///
/// Neutron needs none, as its sub-ports have interfaces of their own.
pub(super) const SUB_NETWORKS: &str = "brint-sub-networks";

/// The key of a bridge's `external_ids` for the networks that routers reach and no port here is in:
/// `NETWORK=VLAN`, separated by commas.
pub(super) const ROUTED_NETWORKS: &str = "brint-routed-networks";

/// The key of a bridge's `external_ids` for the numbers of routers: `ROUTER=NUMBER`, separated by
/// commas.
pub(super) const ROUTERS: &str = "brint-routers";

/// The key of `other_config` that orders interfaces that name one port: the newest has the greatest
/// number.
pub(super) const CLAIM: &str = "brint-claim";

/// The key of `other_config` that says of a port whose machine is being moved here that it has
/// arrived.
pub(super) const ARRIVED: &str = "brint-arrived";

/// The ports that are plugged into this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bindings {
    /// Each port and its binding.
    pub(crate) ports: BTreeMap<PortId, Binding>,
    /// The local VLAN of each network that has a port here, or that such a port can reach.
    pub(crate) vlans: LocalVlans,
    /// The number of each router that forwards here.
    pub(crate) routers: RouterNumbers,
    /// The numbers of interfaces that name one port, by their rows of the table `Port`.
    pub(crate) claims: BTreeMap<Uuid, u64>,
    /// Ports that are plugged in here by an interface that works, and belong to another host; and
    /// whether the interface is new, as it was never bound.
    pub(crate) elsewhere: BTreeMap<PortId, bool>,
    /// Interfaces that name a port and are not bound, and networks that have no local VLAN.
    pub(crate) problems: BTreeSet<Problem>,
}

impl Bindings {
    /// What is plugged into the bridge `integration` of the host `this`.
    pub(crate) fn new(
        tables: &OpenVSwitch,
        model: &Model,
        (this, failover): (&HostName, &Failover),
        integration: &str,
    ) -> Self {
        let mut bindings = Self::default();
        let mut recorded = Vec::new();
        for (port, interface) in plugged(tables, integration) {
            let Some(iface_id) = interface.external_ids.get("iface-id") else {
                continue;
            };
            match bindings.bind(model, this, port, interface, iface_id) {
                Ok(networks) => {
                    recorded.extend(records(port).filter(|(known, _)| networks.contains(known)));
                }
                Err(reason) => bindings.not_bound(&interface.name, &reason),
            }
        }
        // The lowest number first: of two networks recorded with one number, the choice is stable.
        recorded.sort_unstable();
        let bridge = tables.bridge(integration);
        recorded.extend(
            numbers(bridge, ROUTED_NETWORKS)
                .filter_map(|(network, vlan)| Some((NetworkId(network), VlanId::new(vlan).ok()?))),
        );
        let view = View {
            model,
            host: this,
            failover,
        };
        let reach = view.reach(&bindings.networks());
        bindings.vlans = LocalVlans::allocate(&reach.networks, recorded);
        let recorded = numbers(bridge, ROUTERS);
        let recorded = recorded
            .filter_map(|(router, number)| Some((RouterId(router), u16::try_from(number).ok()?)));
        bindings.routers = RouterNumbers::allocate(&reach.routers, recorded);
        for network in bindings.vlans.unplaced() {
            bindings.problems.insert(Problem::new(
                Kind::Network,
                network,
                "has no local VLAN: all 4094 of this host are in use",
            ));
        }
        bindings
    }

    /// The networks that have a port here.
    pub(super) fn networks(&self) -> BTreeSet<NetworkId> {
        self.ports.values().flat_map(Binding::networks).collect()
    }

    /// Binds one interface, unless the port is unknown, another host's, or bound already.
    fn bind(
        &mut self,
        model: &Model,
        this: &HostName,
        row: &Port,
        interface: &Interface,
        iface_id: &str,
    ) -> Result<BTreeSet<NetworkId>, String> {
        let id: Uuid = (iface_id.parse())
            .map_err(|_| format!("external_ids:iface-id {iface_id} is not a UUID"))?;
        let port = (model.port(PortId(id)))
            .ok_or_else(|| format!("port {id} is not in the network description"))?;
        if let Some(host) = port.host.as_ref()
            && !port.hosts().any(|host| host == this)
        {
            if interface.works() {
                let is_new = record(row).next().is_none();
                *self.elsewhere.entry(port.id).or_default() |= is_new;
            }
            return Err(format!("port {id} belongs to host {host}"));
        }
        if model.router_port(port.id).is_some() {
            return Err(format!("port {id} is a router's"));
        }
        if let Some((parent, vlan)) = model.parent(port.id) {
            let parent = parent.id;
            return Err(format!("port {id} is VLAN {vlan} behind port {parent}"));
        }
        let sub_ports = model.trunk_of(port.id).into_iter();
        let sub_ports = sub_ports.flat_map(|trunk| &trunk.sub_ports);
        let sub_ports = sub_ports.filter_map(|sub_port| model.port(sub_port.port));
        let binding = Binding {
            network: port.network,
            sub_networks: sub_ports.map(|port| port.network).collect(),
            row: row.uuid,
            interface: interface.name.clone(),
            works: interface.works(),
            arrived: port.migrating_to.as_ref() == Some(this)
                && row.other_config.contains_key(ARRIVED),
            claim: claim(row),
        };
        let networks = binding.networks().collect();
        // One that does not work takes nothing from one that does, however new it is.
        let working = self.ports.get(&port.id).filter(|earlier| earlier.works);
        if let Some(earlier) = working.filter(|_| !binding.works) {
            let earlier = &earlier.interface;
            return Err(format!(
                "port {id} is bound to {earlier}, which works, and this one has no OpenFlow number"
            ));
        }
        if let Some(earlier) = self.ports.insert(port.id, binding) {
            let older = self.claims.entry(earlier.row);
            let older = *older.or_insert_with(|| earlier.claim.unwrap_or_default());
            let newer = claim(row).filter(|claim| *claim > older);
            self.claims
                .insert(row.uuid, newer.unwrap_or_else(|| older.saturating_add(1)));
            let newer = &interface.name;
            let reason = format!("port {id} is bound to {newer}, which is newer");
            self.not_bound(&earlier.interface, &reason);
        }
        Ok(networks)
    }

    /// Notes that machines that are being moved here have arrived.
    pub(crate) fn arrive(&mut self, ports: &BTreeSet<PortId>) {
        for port in ports {
            if let Some(binding) = self.ports.get_mut(port) {
                binding.arrived = true;
            }
        }
    }

    /// The ports whose machine was being moved here, and runs here now.
    pub(crate) fn arrived(&self) -> impl Iterator<Item = PortId> {
        let arrived = self.ports.iter().filter(|(_, binding)| binding.arrived);
        arrived.map(|(port, _)| *port)
    }

    fn not_bound(&mut self, interface: &str, reason: &str) {
        let sentence = format!("is not bound: {reason}");
        self.problems
            .insert(Problem::new(Kind::Interface, interface, sentence));
    }
}

/// The ports of a bridge and their interfaces, the oldest first.
///
/// No row tells its age. What was bound before has its network recorded with it, and is older than
/// what has not; once two have named one port, their numbers tell. Else the OpenFlow numbers do, as
/// these are given out ascending, unless somebody asks for one.
fn plugged<'a>(tables: &'a OpenVSwitch, bridge: &str) -> Vec<(&'a Port, &'a Interface)> {
    let ports = tables
        .bridge(bridge)
        .into_iter()
        .flat_map(|bridge| &bridge.ports);
    let mut plugged: Vec<(&Port, &Interface)> = ports
        .filter_map(|uuid| tables.ports.get(uuid))
        .flat_map(|port| {
            let interfaces = port
                .interfaces
                .iter()
                .filter_map(|row| tables.interfaces.get(row));
            interfaces.map(|interface| (port.as_ref(), interface.as_ref()))
        })
        .collect();
    plugged.sort_by_cached_key(|(port, interface)| {
        let claim = claim(port);
        let new = claim.is_none() && record(port).next().is_none();
        (new, claim, interface.ofport, interface.uuid)
    });
    plugged
}

/// The number of a port among those that name one port of a tenant.
fn claim(port: &Port) -> Option<u64> {
    port.other_config.get(CLAIM)?.parse().ok()
}

/// The networks and local VLANs that were stored with a port, its own and those of its sub-ports.
fn records(port: &Port) -> impl Iterator<Item = (NetworkId, VlanId)> {
    let sub_networks = entries(port.other_config.get(SUB_NETWORKS));
    let sub_networks = sub_networks
        .filter_map(|(network, vlan)| Some((NetworkId(network), VlanId::new(vlan).ok()?)));
    record(port).chain(sub_networks)
}

/// The numbers that were stored with a bridge.
fn numbers(bridge: Option<&Bridge>, key: &str) -> impl Iterator<Item = (Uuid, u32)> {
    let text = bridge.and_then(|bridge| bridge.external_ids.get(key));
    entries(text)
}

/// Reads `UUID=NUMBER`, separated by commas; what is not of this form is left out.
fn entries(text: Option<&String>) -> impl Iterator<Item = (Uuid, u32)> {
    let entries = text.into_iter().flat_map(|text| text.split(','));
    entries.filter_map(|entry| {
        let (object, number) = entry.split_once('=')?;
        Some((object.parse().ok()?, number.parse().ok()?))
    })
}

/// The network and local VLAN that were stored with a port.
///
/// `other_config:tag` counts before `tag`, which people change by hand more easily; it is put back.
fn record(port: &Port) -> impl Iterator<Item = (NetworkId, VlanId)> {
    let network = port
        .other_config
        .get("net_uuid")
        .and_then(|text| text.parse().ok());
    let stored = port
        .other_config
        .get("tag")
        .and_then(|tag| tag.parse().ok());
    let tag = stored.or_else(|| port.tag.and_then(|tag| u32::try_from(tag).ok()));
    let vlan = tag.and_then(|tag| VlanId::new(tag).ok());
    network.map(NetworkId).zip(vlan).into_iter()
}
