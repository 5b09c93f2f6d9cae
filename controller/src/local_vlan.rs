//! Local VLANs: the numbers by which the bridges of one host tell its networks apart.
//!
//! A number belongs to a network as long as a port of that network is plugged into the host. It is
//! stored with the ports, as Neutron stores it, so a restart finds the numbers again and need not
//! touch a flow.

use std::collections::{BTreeMap, BTreeSet};

use pipelines::network::{NetworkId, VlanId};

/// The local VLAN of each network on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalVlans {
    by_network: BTreeMap<NetworkId, VlanId>,
    unplaced: BTreeSet<NetworkId>,
}

impl LocalVlans {
    /// Gives each of `networks` a number: the recorded one if it is not taken by a
    /// network that was recorded before, else the lowest that is free.
    ///
    /// Networks beyond the 4,094 numbers get none; see [`unplaced`](Self::unplaced).
    pub(crate) fn allocate(
        networks: &BTreeSet<NetworkId>,
        recorded: impl IntoIterator<Item = (NetworkId, VlanId)>,
    ) -> Self {
        let mut vlans = Self::default();
        let mut taken = BTreeSet::new();
        for (network, vlan) in recorded {
            if networks.contains(&network)
                && !vlans.by_network.contains_key(&network)
                && taken.insert(vlan)
            {
                vlans.by_network.insert(network, vlan);
            }
        }
        let mut free = (1..=4094)
            .filter_map(|number| VlanId::new(number).ok())
            .filter(|vlan| !taken.contains(vlan));
        for network in networks {
            if vlans.by_network.contains_key(network) {
                continue;
            }
            match free.next() {
                Some(vlan) => {
                    vlans.by_network.insert(*network, vlan);
                }
                None => {
                    vlans.unplaced.insert(*network);
                }
            }
        }
        vlans
    }

    /// The number of a network.
    pub(crate) fn get(&self, network: NetworkId) -> Option<VlanId> {
        self.by_network.get(&network).copied()
    }

    /// The numbers of all networks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NetworkId, VlanId)> + '_ {
        self.by_network
            .iter()
            .map(|(network, vlan)| (*network, *vlan))
    }

    /// The networks for which no number was left.
    pub(crate) fn unplaced(&self) -> &BTreeSet<NetworkId> {
        &self.unplaced
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn network(number: u128) -> NetworkId {
        NetworkId(Uuid::from_u128(number))
    }

    fn vlan(number: u32) -> VlanId {
        VlanId::new(number).unwrap()
    }

    #[test]
    fn a_recorded_number_is_kept() {
        let networks = [network(1), network(2)].into();
        let vlans = LocalVlans::allocate(&networks, [(network(2), vlan(7))]);
        assert_eq!(
            (vlans.get(network(2)), vlans.get(network(1))),
            (Some(vlan(7)), Some(vlan(1)))
        );
    }

    #[test]
    fn of_two_networks_recorded_with_one_number_the_first_keeps_it() {
        let networks = [network(1), network(2)].into();
        let vlans = LocalVlans::allocate(&networks, [(network(2), vlan(1)), (network(1), vlan(1))]);
        assert_eq!(
            (vlans.get(network(2)), vlans.get(network(1))),
            (Some(vlan(1)), Some(vlan(2)))
        );
    }

    #[test]
    fn the_number_of_a_network_without_ports_is_free_again() {
        let networks = [network(2)].into();
        let vlans = LocalVlans::allocate(&networks, [(network(1), vlan(1))]);
        assert_eq!(
            (vlans.get(network(2)), vlans.get(network(1))),
            (Some(vlan(1)), None)
        );
    }

    #[test]
    fn networks_beyond_the_last_number_are_named() {
        let networks = (0..4095).map(network).collect();
        let vlans = LocalVlans::allocate(&networks, []);
        assert_eq!(vlans.iter().count(), 4094);
        assert_eq!(vlans.unplaced(), &[network(4094)].into());
    }
}
