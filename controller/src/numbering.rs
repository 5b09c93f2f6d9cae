//! Numbers that one host gives: local VLANs, by which its bridges tell networks apart, and the
//! numbers of routers.
//!
//! A number belongs to an object as long as the host needs it. It is stored in the host's database,
//! so a restart finds the numbers again and need not touch a flow.

use std::collections::{BTreeMap, BTreeSet};

use pipelines::network::{NetworkId, RouterId, VlanId};
use pipelines::routing::FIRST_ROUTER;

/// The local VLAN of each network on this host.
pub(crate) type LocalVlans = Numbering<NetworkId, VlanId>;

/// The number of each router that forwards on this host.
pub(crate) type RouterNumbers = Numbering<RouterId, u16>;

/// The number of each object on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbering<K, N> {
    numbers: BTreeMap<K, N>,
    unplaced: BTreeSet<K>,
}

impl<K, N> Default for Numbering<K, N> {
    fn default() -> Self {
        Self {
            numbers: BTreeMap::new(),
            unplaced: BTreeSet::new(),
        }
    }
}

impl Numbering<NetworkId, VlanId> {
    /// Gives each of `networks` one of the 4,094 local VLANs, as [`among`](Self::among) does.
    pub(crate) fn allocate(
        networks: &BTreeSet<NetworkId>,
        recorded: impl IntoIterator<Item = (NetworkId, VlanId)>,
    ) -> Self {
        let all = (1..=4094).filter_map(|number| VlanId::new(number).ok());
        Self::among(all, networks, recorded)
    }
}

impl Numbering<RouterId, u16> {
    /// Gives each of `routers` a number, as [`among`](Self::among) does.
    pub(crate) fn allocate(
        routers: &BTreeSet<RouterId>,
        recorded: impl IntoIterator<Item = (RouterId, u16)>,
    ) -> Self {
        let recorded = recorded.into_iter();
        let valid = recorded.filter(|(_, number)| *number >= FIRST_ROUTER);
        Self::among(FIRST_ROUTER..=u16::MAX, routers, valid)
    }
}

impl<K: Ord + Copy, N: Ord + Copy> Numbering<K, N> {
    /// Gives each of `objects` a number: the recorded one if it is not taken by one that was
    /// recorded before, else the lowest of `all` that is free.
    ///
    /// Where there are more objects than numbers, the last get none; see
    /// [`unplaced`](Self::unplaced).
    fn among(
        all: impl Iterator<Item = N>,
        objects: &BTreeSet<K>,
        recorded: impl IntoIterator<Item = (K, N)>,
    ) -> Self {
        let mut numbers = Self::default();
        let mut taken = BTreeSet::new();
        for (object, number) in recorded {
            if objects.contains(&object)
                && !numbers.numbers.contains_key(&object)
                && taken.insert(number)
            {
                numbers.numbers.insert(object, number);
            }
        }
        let mut free = all.filter(|number| !taken.contains(number));
        for object in objects {
            if numbers.numbers.contains_key(object) {
                continue;
            }
            match free.next() {
                Some(number) => {
                    numbers.numbers.insert(*object, number);
                }
                None => {
                    numbers.unplaced.insert(*object);
                }
            }
        }
        numbers
    }

    /// The number of an object.
    pub(crate) fn get(&self, object: K) -> Option<N> {
        self.numbers.get(&object).copied()
    }

    /// The numbers of all objects.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, N)> + '_ {
        self.numbers
            .iter()
            .map(|(object, number)| (*object, *number))
    }

    /// The objects for which no number was left.
    pub(crate) fn unplaced(&self) -> &BTreeSet<K> {
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
