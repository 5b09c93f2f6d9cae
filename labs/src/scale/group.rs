//! What a security group costs whose members let each other in, as it grows.
//!
//! All ports are in one network and one group. Times are those that the agent tells: deriving what
//! the host should be, compiling, comparing, and the switch up to the answer to the barrier. Reading
//! the description is not among them.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::measure::{ROUNDS, clear, floor};
use super::status::{Spent, Status};
use super::{HOST, Scale, port_id};

/// The rules of every default group: all may leave, and the members may enter.
const DEFAULT_RULES: u16 = 4;
/// The number of the first port on another host: the same, however many there are on this one.
const FIRST_ELSEWHERE: u16 = 0x8000;

/// A group, and who is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Members on the host itself.
    pub ports: u16,
    /// Members on another host.
    pub members: u16,
    /// Rules; at least those of a default group.
    pub rules: u16,
    /// Whether there is such a group; if not, the ports are in none.
    pub exists: bool,
}

impl Group {
    fn description(self) -> Result<String, fmt::Error> {
        let mut text = String::from("security_groups:");
        if self.exists {
            text += "\n  - name: group\n    rules:\n";
            for ethertype in ["IPv4", "IPv6"] {
                writeln!(
                    text,
                    "      - {{direction: egress, ethertype: {ethertype}}}\n      \
                     - {{direction: ingress, ethertype: {ethertype}, remote_group: group}}"
                )?;
            }
            for rule in 0..self.rules.saturating_sub(DEFAULT_RULES) {
                // Every other one is about the members.
                let remote = if rule % 2 == 0 {
                    ""
                } else {
                    ", remote_group: group"
                };
                let port = 1000 + rule;
                writeln!(
                    text,
                    "      - {{direction: ingress, ethertype: IPv4, protocol: tcp, \
                     port_range_min: {port}, port_range_max: {port}{remote}}}"
                )?;
            }
        } else {
            text += " []\n";
        }
        text += "hosts:\n  - {name: host1, encap_ip: 198.18.0.1}\n  \
                 - {name: host2, encap_ip: 198.18.0.2}\nnetworks:\n  \
                 - {name: net, network_type: vxlan, segmentation_id: 1000, mtu: 1400, subnets: \
                 [{name: net-v4, cidr: 10.0.0.0/8}, {name: net-v6, cidr: \"2001:db8::/64\"}]}\n\
                 ports:\n";
        let here = (0..self.ports).map(|port| (port, HOST));
        let elsewhere = (0..self.members).map(|member| (FIRST_ELSEWHERE + member, "host2"));
        let groups = if self.exists { "[group]" } else { "[]" };
        for (port, host) in here.chain(elsewhere) {
            let ([high, low], id) = (port.to_be_bytes(), port_id(port));
            writeln!(
                text,
                "  - {{id: {id}, name: port{port}, network: net, host: {host}, mac_address: \
                 \"fa:16:3e:01:{high:02x}:{low:02x}\", fixed_ips: [10.1.{high}.{low}, \
                 \"2001:db8::{port:x}\"], security_groups: {groups}}}"
            )?;
        }
        Ok(text)
    }
}

/// What a group of one size costs.
#[derive(Clone, Copy, Debug)]
pub struct GroupCost {
    group: Group,
    flows: usize,
    model: Duration,
    floor: Duration,
    member: Spent,
    rule: Spent,
    port: Spent,
    gone: Spent,
}

/// The head of the table that [`GroupCost`] prints the rows of.
pub const GROUP_HEAD: &str = "ports members  flows  each    model    floor  model/floor          \
                              +member            +rule            +port           -group";

impl fmt::Display for GroupCost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Group { ports, members, .. } = self.group;
        let ms = |duration: Duration| format!("{} ms", duration.as_millis());
        write!(
            formatter,
            "{ports:5} {members:7} {:6} {:5} {:>8} {:>8} {:12.2}",
            self.flows,
            self.flows / usize::from(ports.max(1)),
            ms(self.model),
            ms(self.floor),
            self.model.as_secs_f64() / self.floor.as_secs_f64(),
        )?;
        for Spent { time, mods, .. } in [self.member, self.rule, self.port, self.gone] {
            let time = time.as_secs_f64() * 1000.0;
            write!(formatter, " {:>16}", format!("{mods} in {time:.1} ms"))?;
        }
        match self.gone.bundles {
            1 => Ok(()),
            bundles => write!(formatter, " ({bundles} bundles)"),
        }
    }
}

/// Measures a host with a group.
///
/// # Errors
///
/// When something does not start or settle.
pub fn measure_group(name: &str, brint: &Path, group: Group) -> anyhow::Result<GroupCost> {
    let mut scale = Scale::start(name, brint)?;
    // The port that comes later is there already: plugging in is not what is measured.
    scale.plug(0..=group.ports)?;
    let nothing = scale.status()?;
    scale.describe_as(&group.description()?)?;
    let (full, _) = scale.settled(Instant::now(), |now| now.flows() > nothing.flows())?;
    let flows = full.flows();

    let mut model = Duration::MAX;
    for _ in 0..ROUNDS {
        scale.lab().host_mut(HOST)?.stop_agent()?;
        clear(scale.host()?.ovs())?;
        scale.lab().start_agent(HOST)?;
        let (status, _) = scale.settled(Instant::now(), |now| now.flows() == flows)?;
        model = model.min(Duration::from_micros(status.last_change()));
    }
    let member = Group {
        members: group.members + 1,
        ..group
    };
    let rule = Group {
        rules: group.rules + 1,
        ..group
    };
    let port = Group {
        ports: group.ports + 1,
        ..group
    };
    let gone = Group {
        exists: false,
        ..group
    };
    let [member, rule, port, gone] =
        [member, rule, port, gone].map(|to| scale.step_and_back(group, to));
    let (member, rule, port, gone) = (member?, rule?, port?, gone?);
    scale.lab().host_mut(HOST)?.stop_agent()?;
    Ok(GroupCost {
        group,
        flows,
        model,
        floor: floor(scale.host()?.ovs())?,
        member,
        rule,
        port,
        gone,
    })
}

impl Scale {
    /// The best of several steps from one group to another, and back each time.
    fn step_and_back(&self, from: Group, to: Group) -> anyhow::Result<Spent> {
        let mut steps = Vec::new();
        for _ in 0..ROUNDS {
            let before = self.status()?;
            let after = self.change_to(to, &before)?;
            steps.push(after.since(&before));
            self.change_to(from, &after)?;
        }
        Ok(steps.into_iter().min().unwrap_or_default())
    }

    fn change_to(&self, group: Group, before: &Status) -> anyhow::Result<Status> {
        self.change_unwatched(&group.description()?, before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Description;

    #[test]
    fn all_ports_are_in_the_group() {
        let group = Group {
            ports: 3,
            members: 300,
            rules: 10,
            exists: true,
        };
        let description = Description::read(&group.description().unwrap()).unwrap();
        assert_eq!(description.hosts.len(), 2);
        assert_eq!(description.ports.len(), 303);
    }
}
