//! What makes networks and their subnets agree with each other.

use std::collections::BTreeMap;

use super::{Check, duplicate, label, overlap};
use crate::network::{
    Cost, InvalidField, Network, ObjectRef, Problem, Segment, Subnet, SubnetId, check_mtu,
    least_mtu,
};

impl Check<'_> {
    pub(super) fn networks(&mut self, networks: Vec<Network>) {
        for (place, mut network) in networks.into_iter().enumerate() {
            let label = label(&network.name, &network.id);
            let object = ObjectRef::Network(place);
            if self.model.networks.contains_key(&network.id) {
                let problem = duplicate(network.id, "another network").of("id");
                self.accept(object, &label, vec![problem]);
                continue;
            }
            let problems = self.segment(&network, &label);
            if !problems.is_empty() {
                let Some(segment) = self.earlier_segment(&network, &label) else {
                    self.accept(object, &label, problems);
                    continue;
                };
                self.report(Cost::Change, object, &label, problems);
                network.segment = segment;
            }
            self.network_subnets(place, &mut network);
            self.network_mtu(place, &mut network, &label);
            self.model.networks.insert(network.id, network);
        }
    }

    /// Takes the segment of a network, unless another has it.
    fn segment(&mut self, network: &Network, label: &str) -> Vec<InvalidField> {
        let segment = &network.segment;
        let field = match segment {
            Segment::Local => return Vec::new(),
            // A flat network has no identifier to blame.
            Segment::Flat { .. } => "physical_network",
            _ => "segmentation_id",
        };
        self.segments.claim(segment.clone(), segment, label, field)
    }

    /// The segment that carried a network until now, if it still can.
    fn earlier_segment(&mut self, network: &Network, label: &str) -> Option<Segment> {
        let earlier = self.before.network(network.id)?;
        let segment = earlier.segment.clone();
        self.segment(earlier, label).is_empty().then_some(segment)
    }

    /// Leaves the network without an MTU that it cannot have.
    fn network_mtu(&mut self, place: usize, network: &mut Network, label: &str) {
        let most = self.model.limits.mtu(&network.segment);
        let least = least_mtu(network.subnets.iter().map(Subnet::cidr));
        let check = |mtu| check_mtu(mtu, least, most).err();
        let wrong = network.mtu.and_then(check);
        if let Some(problem) = wrong {
            network.mtu = None;
            let problems = vec![problem.of("mtu")];
            self.lose(ObjectRef::Network(place), label, problems);
        }
    }

    /// Leaves the network with those of its subnets that are right; those that it had come first.
    fn network_subnets(&mut self, network_place: usize, network: &mut Network) {
        let earlier = self.before.network(network.id);
        let earlier = earlier.map_or(&[][..], |network| &network.subnets);
        let earlier = |id: SubnetId| earlier.iter().find(|earlier| earlier.id == id);
        let given = std::mem::take(&mut network.subnets).into_iter().enumerate();
        let (had, new): (Vec<_>, Vec<_>) = given.partition(|(_, one)| earlier(one.id).is_some());
        let mut subnets: BTreeMap<usize, Subnet> = BTreeMap::new();
        for (place, mut subnet) in had.into_iter().chain(new) {
            let label = label(&subnet.name, &subnet.id);
            let object = ObjectRef::Subnet {
                network: network_place,
                subnet: place,
            };
            let taken = self.subnets.claim(subnet.id, subnet.id, &label, "id");
            if !self.accept(object, &label, taken) {
                continue;
            }
            if let Some(problem) = overlapping(&subnet, &subnets) {
                let problems = vec![problem.of("cidr")];
                let fits = |earlier: &&Subnet| overlapping(earlier, &subnets).is_none();
                let Some(earlier) = earlier(subnet.id).filter(fits) else {
                    self.accept(object, &label, problems);
                    continue;
                };
                self.report(Cost::Change, object, &label, problems);
                subnet = earlier.clone();
            }
            subnets.insert(place, subnet);
        }
        network.subnets = subnets.into_values().collect();
    }
}

/// What is wrong with a subnet that shares addresses with another of its network.
fn overlapping(subnet: &Subnet, others: &BTreeMap<usize, Subnet>) -> Option<Problem> {
    let cidr = subnet.cidr();
    let mut blocks = others.values().map(Subnet::cidr);
    let other = blocks.find(|block| overlap(block, &cidr))?;
    Some(Problem::Overlaps { cidr, other })
}
