//! What makes ports agree with what they name, and with each other.

use super::{Check, duplicate, label, missing, sift};
use crate::network::{
    Cost, InvalidField, Network, ObjectRef, Port, Problem, SecurityGroupId, check_station,
};

impl Check<'_> {
    /// Takes ports, each without those of its attributes that are wrong.
    ///
    /// Without a network or a MAC there is no port. Then one that was in effect stays as it was.
    pub(super) fn ports(&mut self, ports: Vec<Port>) {
        for (place, port) in ports.into_iter().enumerate() {
            let label = label(&port.name, &port.id);
            let object = ObjectRef::Port(place);
            if self.model.ports.contains_key(&port.id) {
                let problem = duplicate(port.id, "another port").of("id");
                self.accept(object, &label, vec![problem]);
                continue;
            }
            let problems = self.foundation(&port);
            let port = match problems.is_empty() {
                true => port,
                false => {
                    let earlier = self.before.port(port.id);
                    let stands = |earlier: &&Port| self.foundation(earlier).is_empty();
                    let Some(earlier) = earlier.filter(stands) else {
                        let others = self.of_refused(&port, &label);
                        let problems = problems.into_iter().chain(others).collect();
                        self.accept(object, &label, problems);
                        continue;
                    };
                    self.report(Cost::Change, object, &label, problems);
                    earlier.clone()
                }
            };
            self.insert_port(object, port, &label);
        }
    }

    /// What a port cannot be without.
    fn foundation(&self, port: &Port) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        if self.model.network(port.network).is_none() {
            let listed = self.listed_networks.contains(&port.network);
            problems.push(missing("network", port.network, listed).of("network"));
        }
        let mac = port.mac_address;
        if let Err(problem) = check_station(mac) {
            problems.push(problem.of("mac_address"));
        }
        if let Some(owner) = self.macs.owner(&(port.network, mac)) {
            problems.push(duplicate(mac, owner).of("mac_address"));
        }
        problems
    }

    /// What else is wrong with a port that is refused, so that all of it is told.
    ///
    /// Without its network a port can only be in the way of others of that network, which are
    /// refused with it.
    fn of_refused(&mut self, port: &Port, label: &str) -> Vec<InvalidField> {
        let network = port.network;
        let is_lost = self.model.network(network).is_none();
        if is_lost {
            let mac = port.mac_address;
            self.macs.claim((network, mac), mac, label, "mac_address");
        }
        let mut problems = Vec::new();
        for (index, ip) in port.fixed_ips.iter().enumerate() {
            let taken = match is_lost {
                true => self.ips.claim((network, *ip), ip, label, "fixed_ips"),
                false => {
                    let owner = self.ips.owner(&(network, *ip));
                    let taken = owner.map(|owner| duplicate(ip, owner).of("fixed_ips"));
                    taken.into_iter().collect()
                }
            };
            problems.extend(taken.into_iter().map(|problem| problem.at(index)));
        }
        problems
    }

    fn insert_port(&mut self, object: ObjectRef, mut port: Port, label: &str) {
        let mac = port.mac_address;
        let taken = (port.network, mac);
        self.macs.claim(taken, mac, label, "mac_address");
        let mut problems = self.addresses(&mut port, label);
        let known = |id: &SecurityGroupId| match self.model.security_group(*id) {
            Some(_) => None,
            None => Some(missing("security group", id, false)),
        };
        problems.extend(sift(&mut port.security_groups, "security_groups", known));
        let pairs = &mut port.allowed_address_pairs;
        problems.extend(sift(pairs, "allowed_address_pairs", |pair| {
            pair.check().err()
        }));
        problems.extend(without_port_security(&mut port));
        problems.extend(moves_nowhere(&mut port));
        self.lose(object, label, problems);
        self.model.insert_port(port);
    }

    /// Leaves a port with those of its addresses that a subnet holds and nobody else has.
    fn addresses(&mut self, port: &mut Port, label: &str) -> Vec<InvalidField> {
        let id = port.network;
        let Some(network) = self.model.network(id) else {
            return Vec::new();
        };
        let ips = &mut self.ips;
        sift(&mut port.fixed_ips, "fixed_ips", |ip| {
            if !(network.subnets.iter()).any(|subnet| subnet.cidr().contains(ip)) {
                let (ip, subnets) = (*ip, blocks_of(network));
                return Some(Problem::OutsideSubnets { ip, subnets });
            }
            let taken = ips.claim((id, *ip), ip, label, "fixed_ips");
            taken.into_iter().next().map(|taken| taken.problem)
        })
    }
}

/// The subnets of a network, for people.
fn blocks_of(network: &Network) -> String {
    let blocks = network.subnets.iter().map(|subnet| subnet.cidr());
    let blocks: Vec<_> = blocks.map(|cidr| cidr.to_string()).collect();
    match blocks.is_empty() {
        true => "a network without subnets".to_owned(),
        false => format!("every subnet of its network ({})", blocks.join(", ")),
    }
}

/// Leaves a port without the groups and pairs that mean nothing without port security.
fn without_port_security(port: &mut Port) -> Vec<InvalidField> {
    if port.port_security_enabled {
        return Vec::new();
    }
    let given = [
        ("security_groups", !port.security_groups.is_empty()),
        (
            "allowed_address_pairs",
            !port.allowed_address_pairs.is_empty(),
        ),
    ];
    port.security_groups.clear();
    port.allowed_address_pairs.clear();
    let given = given.into_iter().filter(|(_, given)| *given);
    given
        .map(|(field, _)| Problem::NeedsPortSecurity.of(field))
        .collect()
}

/// Leaves a machine where it is that is to move there, or from nowhere.
fn moves_nowhere(port: &mut Port) -> Option<InvalidField> {
    let host = port.host.as_ref();
    let wrong = (port.migrating_to).take_if(|to| host.is_none_or(|host| host == to));
    wrong.map(|to| Problem::NoMove(to.to_string()).of("migrating_to"))
}
