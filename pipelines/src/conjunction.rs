//! The numbers of conjunctions.
//!
//! A rule with a remote group is a conjunction of two sets of flows: one names the members'
//! addresses, the other what the rule allows at each port. A packet passes that matches one of
//! each. So one more member costs one flow (in each connection state), not one for each rule and
//! port.
//!
//! A conjunction has a number, and numbers must be the same after a restart, or every rule would
//! blink. They are therefore derived from what they stand for.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    hash::fnv1a,
    network::{Direction, Ethertype, Model, RemoteSet, SecurityGroupId},
};

/// What a block of conjunctions stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conjunction {
    /// The group that has the rules.
    pub group: SecurityGroupId,
    /// What the rules name.
    pub remote: RemoteSet,
    /// The direction of the rules.
    pub direction: Direction,
    /// Their version of IP.
    pub ethertype: Ethertype,
    /// Whether they are applied to connections, as at ports that have a stateful group.
    pub stateful: bool,
}

impl Conjunction {
    /// Where the search for a free block begins.
    fn preferred(&self) -> u32 {
        let direction = match self.direction {
            Direction::Ingress => 0,
            Direction::Egress => 1,
        };
        let ethertype = match self.ethertype {
            Ethertype::Ipv4 => 4,
            Ethertype::Ipv6 => 6,
        };
        let remote = match &self.remote {
            RemoteSet::Group(group) => group.0.as_bytes(),
            RemoteSet::AddressGroup(group) => group.0.as_bytes(),
        };
        let group = self.group.0.as_bytes();
        let stateless: &[u8] = if self.stateful { &[] } else { &[1] };
        let bytes = [
            group.as_slice(),
            remote.as_slice(),
            &[direction, ethertype],
            stateless,
        ]
        .concat();
        // Only low bits are taken; folding lets the high ones count too.
        let hash = fnv1a(&bytes);
        let [_, _, _, _, a, b, c, d] = (hash ^ (hash >> 32)).to_be_bytes();
        u32::from_be_bytes([a, b, c, d]) & LAST_BLOCK
    }
}

/// The first number of each block of eight, as Neutron lays them out.
///
/// Within a block, rules of one priority offset (0-3) take two numbers, for established and for new
/// connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conjunctions(BTreeMap<Conjunction, u32>);

impl Conjunctions {
    /// Numbers whatever the rules of a model need.
    pub fn of(model: &Model) -> Self {
        let groups = model.security_groups();
        let wanted = groups.flat_map(|group| {
            let remotes = group.rules.iter().filter_map(|rule| {
                let remote = rule.remote().set()?;
                Some((rule, remote))
            });
            remotes.flat_map(move |(rule, remote)| {
                group.ways().iter().map(move |stateful| Conjunction {
                    group: group.id,
                    remote,
                    direction: rule.direction(),
                    ethertype: rule.ethertype(),
                    stateful: *stateful,
                })
            })
        });
        Self::number(wanted.collect(), Conjunction::preferred)
    }

    /// Gives each its preferred block, or the next free one.
    ///
    /// The order of the set decides who comes first, so that the outcome depends on nothing else.
    fn number(wanted: BTreeSet<Conjunction>, preferred: impl Fn(&Conjunction) -> u32) -> Self {
        let mut taken = BTreeSet::new();
        let mut blocks = BTreeMap::new();
        for conjunction in wanted {
            let start = preferred(&conjunction);
            // Block 0 stays free: 0 means that a packet matched no conjunction.
            let all = (start..=LAST_BLOCK).chain(1..start);
            if let Some(block) = all
                .into_iter()
                .find(|block| *block != 0 && taken.insert(*block))
            {
                blocks.insert(conjunction, block << BLOCK_BITS);
            }
        }
        Self(blocks)
    }

    /// The first number of a block.
    pub fn base(&self, conjunction: &Conjunction) -> Option<u32> {
        self.0.get(conjunction).copied()
    }

    /// Every block, in order.
    pub(crate) fn blocks(&self) -> &BTreeMap<Conjunction, u32> {
        &self.0
    }
}

/// Eight numbers in a block.
const BLOCK_BITS: u32 = 3;

/// The last block that fits 32 bits.
const LAST_BLOCK: u32 = u32::MAX >> BLOCK_BITS;

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn conjunction(group: u128) -> Conjunction {
        Conjunction {
            group: SecurityGroupId(Uuid::from_u128(group)),
            remote: RemoteSet::Group(SecurityGroupId(Uuid::from_u128(1))),
            direction: Direction::Ingress,
            ethertype: Ethertype::Ipv4,
            stateful: true,
        }
    }

    #[test]
    fn numbers_do_not_depend_on_who_else_is_there() {
        let few = Conjunctions::number([conjunction(5)].into(), Conjunction::preferred);
        let many =
            Conjunctions::number((0..1000).map(conjunction).collect(), Conjunction::preferred);
        assert_eq!(few.base(&conjunction(5)), many.base(&conjunction(5)));
    }

    #[test]
    fn a_taken_block_is_passed_over() {
        let all = Conjunctions::number([conjunction(5), conjunction(6)].into(), |_| LAST_BLOCK);
        let bases: Vec<_> = all.0.values().copied().collect();
        assert_eq!(bases, [LAST_BLOCK << 3, 1 << 3]);
    }

    #[test]
    fn no_conjunction_is_number_0() {
        let all = Conjunctions::number([conjunction(5)].into(), |_| 0);
        assert_eq!(all.base(&conjunction(5)), Some(8));
    }
}
