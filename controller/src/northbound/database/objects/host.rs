//! From rows of hosts to hosts.

use std::collections::BTreeMap;

use pipelines::network::{
    self, Cost, EncapType, HostName, LEAST_HOST_MTU, PhysicalNetwork, check_device,
};

use super::super::tables::{self, Host};
use super::{Reader, Wrong, parse, required};

impl Reader<'_> {
    /// Reads the hosts: those first whose tunnel endpoint is theirs, as of two hosts with one address
    /// the first has it.
    ///
    /// A claim that an agent has written decides, and no other host can write the same; without one
    /// the older row does. So every host decides alike, and a newcomer takes nothing.
    pub(super) fn hosts(&mut self) -> Vec<network::Host> {
        let rows = self.rows;
        let mut hosts: Vec<_> = rows.hosts.iter().collect();
        hosts.sort_by_key(|row| {
            let ip = row.encap_ip.as_deref().and_then(|ip| ip.parse().ok());
            let owner = ip.and_then(|ip| rows.owner_of(ip));
            let is_own = owner == Some(row.name.as_str());
            (!is_own, row.created_at, row.name.clone())
        });
        self.each("host", hosts.into_iter(), Self::host)
    }

    fn host(&mut self, row: &Host) -> Result<network::Host, Wrong> {
        let mut host = host(row)?;
        host.bridge_mappings.retain(|_, bridge| {
            let checked = check_device(bridge);
            let checked = checked.map_err(|problem| Wrong::new("bridge_mappings", problem));
            self.part("host", row, checked.map(|()| true))
        });
        let problems = [
            self.check_endpoint(row, &mut host),
            self.check_tunnel_types(&mut host),
            check_mtu(&host),
        ];
        for wrong in problems.into_iter().filter_map(Result::err) {
            self.note(Cost::Attribute, "host", row, wrong);
        }
        Ok(host)
    }

    /// Leaves the address to the host that has it.
    fn check_endpoint(&self, row: &Host, host: &mut network::Host) -> Result<(), Wrong> {
        let owner = host.encap_ip.and_then(|ip| {
            let owner = self.rows.owner_of(ip).filter(|owner| *owner != row.name)?;
            Some((ip, owner))
        });
        let Some((ip, owner)) = owner else {
            return Ok(());
        };
        host.encap_ip = self.rows.endpoint_of(&row.name);
        let stays = host.encap_ip.map(|ip| format!("; {ip} stays"));
        let stays = stays.unwrap_or_default();
        let problem =
            format!("{ip} is that of host {owner}, expected one that no other host has{stays}");
        Err(Wrong::new("encap_ip", problem))
    }

    /// A host without a tunnel endpoint offers no tunnels; one with an endpoint does.
    fn check_tunnel_types(&self, host: &mut network::Host) -> Result<(), Wrong> {
        if host.encap_ip.is_none() || !host.encap_types.is_empty() {
            return Ok(());
        }
        let earlier = self.before.host(&host.name);
        let earlier = earlier.map(|earlier| earlier.encap_types.clone());
        let earlier = earlier.filter(|types| !types.is_empty());
        host.encap_types = earlier.unwrap_or_else(|| EncapType::ALL.into());
        let problem = "empty, expected some of vxlan, gre and geneve";
        Err(Wrong::new("encap_types", problem))
    }
}

fn check_mtu(host: &network::Host) -> Result<(), Wrong> {
    if host.mtu >= LEAST_HOST_MTU {
        return Ok(());
    }
    let problem = format!(
        "{}, expected at least {LEAST_HOST_MTU}: networks do not go by it",
        host.mtu
    );
    Err(Wrong::new("mtu", problem))
}

/// A host as its row says it, whatever others say.
pub(super) fn host(row: &Host) -> Result<network::Host, Wrong> {
    let encap_ip = row.encap_ip.as_deref();
    let mappings = row.bridge_mappings.iter();
    Ok(network::Host {
        name: HostName::from(row.name.as_str()),
        encap_ip: encap_ip.map(|ip| parse("encap_ip", ip)).transpose()?,
        encap_types: (row.encap_types.iter())
            .map(|encap_type| match encap_type {
                tables::EncapType::Vxlan => EncapType::Vxlan,
                tables::EncapType::Gre => EncapType::Gre,
                tables::EncapType::Geneve => EncapType::Geneve,
            })
            .collect(),
        bridge_mappings: mappings
            .map(|(physical_network, bridge)| {
                let physical_network = PhysicalNetwork::from(physical_network.as_str());
                (physical_network, bridge.clone())
            })
            .collect::<BTreeMap<_, _>>(),
        mtu: required("mtu", row.mtu)?,
        gateway_priority: required("gateway_priority", row.gateway_priority)?,
        preemptive: row.preemptive,
    })
}
