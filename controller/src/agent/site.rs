//! The site: the network description together with the numbers that this host's switch gave.

use std::collections::BTreeSet;
use std::sync::Arc;

use openflow::field::PortNo;
use pipelines::bridge::Bridge as Role;
use pipelines::network::{Model, PortId};
use pipelines::site::{ProviderPatch, Site};

use super::{Desired, Settings};
use crate::vswitch::{Link, OpenVSwitch};

/// What the compilers of flows read.
///
/// What has no number yet is absent: its flows follow when the database says the number.
pub(super) fn site(
    settings: &Settings,
    desired: &Desired,
    tables: &OpenVSwitch,
    model: Arc<Model>,
) -> Site {
    let mut site = Site::new(model, settings.host.clone());
    site.local_vlans = desired.bindings.vlans.iter().collect();
    site.routers = desired.bindings.routers.iter().collect();
    site.bindings = (desired.bindings.ports.iter())
        .filter_map(|(port, binding)| Some((*port, number(tables, &binding.interface)?)))
        .collect();
    site.renumbered = renumbered(settings, desired, tables);
    site.arrived = desired.bindings.arrived().collect();
    site.failover.clone_from(&desired.failover);
    site.peers.clone_from(&desired.peers);
    (site.permitted_ethertypes).clone_from(&desired.this.permitted_ethertypes);
    site.igmp_snooping = desired.this.igmp_snooping;
    let bridges = &desired.configuration.bridges;
    for (name, bridge) in bridges {
        for (port, link) in &bridge.ports {
            let Some(number) = number(tables, port).filter(|_| tables.is_there(name, port)) else {
                continue;
            };
            match (&bridge.role, link) {
                (Role::Integration, Link::Patch { .. }) => {}
                (Role::Tunnel, Link::Patch { peer }) => {
                    site.patch_int = Some(number);
                    site.patch_tun = self::number(tables, peer);
                }
                (Role::Provider(physical_network), Link::Patch { peer }) => {
                    if let Some(int) = self::number(tables, peer) {
                        let patch = ProviderPatch { int, phy: number };
                        site.providers.insert(physical_network.clone(), patch);
                    }
                }
                (
                    _,
                    Link::Tunnel {
                        encap_type, remote, ..
                    },
                ) => {
                    site.tunnels.insert((*encap_type, *remote), number);
                }
            }
        }
    }
    site
}

/// The ports that are about to get another number.
pub(super) fn renumbered(
    settings: &Settings,
    desired: &Desired,
    tables: &OpenVSwitch,
) -> BTreeSet<PortId> {
    let bridge = &settings.integration_bridge;
    let ports = desired.bindings.ports.iter();
    ports
        .filter(|(_, binding)| tables.is_renumbered(bridge, &binding.interface))
        .map(|(port, _)| *port)
        .collect()
}

fn number(tables: &OpenVSwitch, interface: &str) -> Option<PortNo> {
    tables.ofport(interface).map(PortNo)
}
