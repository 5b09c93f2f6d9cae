//! Security groups as people ask for them: their rules, and how often each let something pass here.
//!
//! A rule is not a flow: it has some at each port, and shares those that other rules need too. So
//! the compiler is asked which flows a rule has, and the switch is asked what these have seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use openflow::multipart::FlowStats;
use pipelines::explain::rules_at;
use pipelines::flow_set::Key;
use pipelines::network::{Model, RuleId, SecurityGroup as Group};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::board::View;
use crate::status::columns;
use rule::{remote, traffic};

pub(crate) mod rule;

/// A security group, in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Identifier.
    pub(crate) id: Uuid,
    /// What people call it.
    pub(crate) name: String,
    /// The project that owns it.
    pub(crate) project: String,
    /// How many rules it has.
    pub(crate) rules: usize,
    /// How many ports have it, on every host.
    pub(crate) ports: usize,
    /// How many of these are plugged in here.
    pub(crate) ports_here: usize,
}

/// A security group, with all that there is to say about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SecurityGroup {
    /// Identifier.
    pub(crate) id: Uuid,
    /// What people call it.
    pub(crate) name: String,
    /// The project that owns it.
    pub(crate) project: String,
    /// What it allows.
    pub(crate) rules: Vec<Rule>,
    /// The ports that have it, on every host.
    pub(crate) ports: Vec<Port>,
    /// The rules that let in, or out to, its members.
    pub(crate) named_by: Vec<Naming>,
}

/// A rule, and what it let pass on this host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// Identifier.
    pub(crate) id: Uuid,
    /// `ingress` or `egress`.
    pub(crate) direction: String,
    /// `IPv4` or `IPv6`.
    pub(crate) ethertype: String,
    /// The protocol and its ports or types, such as `tcp/22`.
    pub(crate) traffic: String,
    /// The other side.
    pub(crate) remote: String,
    /// How many flows it has on this host.
    pub(crate) flows: usize,
    /// How many packets these let pass; replies are not among them, as no rule is asked for them.
    pub(crate) packets: u64,
    /// How many bytes these packets had.
    pub(crate) bytes: u64,
    /// Other rules that have some of the same flows, and so some of the same packets.
    pub(crate) shares_flows_with: BTreeSet<Uuid>,
}

/// A port that has a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Port {
    /// Identifier.
    pub(crate) id: Uuid,
    /// What people call it.
    pub(crate) name: String,
    /// The name of its network.
    pub(crate) network: String,
    /// The host that it belongs to.
    pub(crate) host: Option<String>,
    /// Its addresses.
    pub(crate) fixed_ips: Vec<String>,
    /// Whether its rules apply: not without port security.
    pub(crate) port_security_enabled: bool,
}

/// A rule that names a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Naming {
    /// The rule.
    pub(crate) rule: Uuid,
    /// The name of the group that has the rule.
    pub(crate) security_group: String,
    /// That group's identifier.
    pub(crate) security_group_id: Uuid,
    /// `ingress` or `egress`.
    pub(crate) direction: String,
    /// The protocol and its ports or types.
    pub(crate) traffic: String,
}

impl Summary {
    /// Every group of the description.
    pub(crate) fn all(view: &View) -> Vec<Self> {
        let Some(model) = view.model.as_deref() else {
            return Vec::new();
        };
        let here = |group: &Group| {
            let site = view.site.as_ref();
            let members = model.members(group.id);
            site.map_or(0, |site| members.filter(|port| site.has(port.id)).count())
        };
        let groups = model.security_groups();
        groups
            .map(|group| Self {
                id: group.id.0,
                name: group.name.clone(),
                project: group.project.clone(),
                rules: group.rules.len(),
                ports: model.members(group.id).count(),
                ports_here: here(group),
            })
            .collect()
    }

    /// Those of a list as text for people.
    pub(crate) fn table(all: &[Self]) -> String {
        let head = ["GROUP", "ID", "PROJECT", "RULES", "PORTS", "HERE"];
        let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
        rows.extend(all.iter().map(|group| {
            vec![
                group.name.clone(),
                group.id.to_string(),
                group.project.clone(),
                group.rules.to_string(),
                group.ports.to_string(),
                group.ports_here.to_string(),
            ]
        }));
        columns(&rows)
    }
}

impl SecurityGroup {
    /// The group that a text names, by name or UUID, with what the switch has counted.
    ///
    /// # Errors
    ///
    /// No group, or more than one, has the name; in words for people.
    pub(crate) fn named(view: &View, text: &str, stats: Vec<FlowStats>) -> Result<Self, String> {
        let model = (view.model.as_deref())
            .ok_or("the agent has no network description in effect; brint status says why")?;
        let mut named = model
            .security_groups()
            .filter(|group| group.name == text || group.id.to_string() == text);
        match (named.next(), named.next()) {
            (Some(group), None) => Ok(Self::of(view, model, group, stats)),
            (Some(one), Some(other)) => Err(format!(
                "security group {text} is not one alone, expected a UUID such as {} of project {} \
                 or {} of project {}",
                one.id, one.project, other.id, other.project
            )),
            (None, _) => Err(format!("no security group has the name or UUID {text}")),
        }
    }

    fn of(view: &View, model: &Model, group: &Group, stats: Vec<FlowStats>) -> Self {
        let mut counts = counts(view, group, stats);
        let rules = group.rules.iter().map(|rule| {
            let count = counts.remove(&rule.id()).unwrap_or_default();
            Rule {
                id: rule.id().0,
                direction: rule.direction().to_string(),
                ethertype: rule.ethertype().to_string(),
                traffic: traffic(rule.traffic()),
                remote: remote(model, rule.remote()),
                flows: count.flows,
                packets: count.packets,
                bytes: count.bytes,
                shares_flows_with: count.others.iter().map(|rule| rule.0).collect(),
            }
        });
        let ports = model.members(group.id).map(|port| Port {
            id: port.id.0,
            name: port.name.clone(),
            network: model
                .network(port.network)
                .map(|network| network.name.clone())
                .unwrap_or_default(),
            host: port.host.as_ref().map(ToString::to_string),
            fixed_ips: port.fixed_ips.iter().map(ToString::to_string).collect(),
            port_security_enabled: port.port_security_enabled,
        });
        Self {
            id: group.id.0,
            name: group.name.clone(),
            project: group.project.clone(),
            rules: rules.collect(),
            ports: ports.collect(),
            named_by: named_by(model, group),
        }
    }
}

/// The rules that name a group.
fn named_by(model: &Model, named: &Group) -> Vec<Naming> {
    let rules = model
        .security_groups()
        .flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    let naming = rules.filter(|(_, rule)| rule.remote().group() == Some(named.id));
    naming
        .map(|(group, rule)| Naming {
            rule: rule.id().0,
            security_group: group.name.clone(),
            security_group_id: group.id.0,
            direction: rule.direction().to_string(),
            traffic: traffic(rule.traffic()),
        })
        .collect()
}

/// What the flows of a rule have seen.
#[derive(Debug, Default)]
struct Seen {
    flows: usize,
    packets: u64,
    bytes: u64,
    others: BTreeSet<RuleId>,
}

/// What the flows of each rule of a group have seen, at all ports here together.
fn counts(view: &View, group: &Group, stats: Vec<FlowStats>) -> BTreeMap<RuleId, Seen> {
    let stats = stats.into_iter().map(|stats| {
        let count = (stats.packet_count, stats.byte_count);
        (Key::of(&Arc::new(stats.flow)), count)
    });
    let stats: BTreeMap<Key, (u64, u64)> = stats.collect();
    let mut counts: BTreeMap<RuleId, Seen> = BTreeMap::new();
    let (Some(site), Some(model)) = (view.site.as_deref(), view.model.as_deref()) else {
        return counts;
    };
    for port in model.members(group.id) {
        let rules = rules_at(site, port.id);
        let mut users: BTreeMap<Key, BTreeSet<RuleId>> = BTreeMap::new();
        for rule in &rules {
            for flow in &rule.flows {
                let users = users.entry(Key::of(flow)).or_default();
                users.insert(rule.rule.id());
            }
        }
        for rule in rules.iter().filter(|rule| rule.group.id == group.id) {
            let id = rule.rule.id();
            let seen = counts.entry(id).or_default();
            for key in rule.flows.iter().map(Key::of) {
                // A flow that is just being installed has seen nothing.
                let (packets, bytes) = stats.get(&key).copied().unwrap_or_default();
                seen.flows += 1;
                seen.packets += packets;
                seen.bytes += bytes;
                seen.others.extend(users.get(&key).into_iter().flatten());
            }
            seen.others.remove(&id);
        }
    }
    counts
}

impl fmt::Display for SecurityGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id, name, project, ..
        } = self;
        writeln!(f, "security group {name} ({id}) of project {project}\n")?;
        f.write_str(&self.rule_table())?;
        if self
            .rules
            .iter()
            .any(|rule| !rule.shares_flows_with.is_empty())
        {
            writeln!(f, "* these packets are counted for other rules too")?;
        }
        let head = ["PORT", "ID", "NETWORK", "HOST", "ADDRESSES"];
        let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
        rows.extend(self.ports.iter().map(|port| {
            let addresses = match port.port_security_enabled {
                true => port.fixed_ips.join(" "),
                false => format!("{} (no port security)", port.fixed_ips.join(" ")),
            };
            vec![
                port.name.clone(),
                port.id.to_string(),
                port.network.clone(),
                port.host.clone().unwrap_or_default(),
                addresses,
            ]
        }));
        write!(f, "\n{}", columns(&rows))?;
        if !self.named_by.is_empty() {
            let head = ["NAMED BY RULE", "OF GROUP", "DIRECTION", "TRAFFIC"];
            let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
            rows.extend(self.named_by.iter().map(|naming| {
                vec![
                    naming.rule.to_string(),
                    naming.security_group.clone(),
                    naming.direction.clone(),
                    naming.traffic.clone(),
                ]
            }));
            write!(f, "\n{}", columns(&rows))?;
        }
        Ok(())
    }
}

impl SecurityGroup {
    fn rule_table(&self) -> String {
        let head = [
            "RULE",
            "DIRECTION",
            "ETHERTYPE",
            "TRAFFIC",
            "REMOTE",
            "FLOWS",
            "PACKETS",
            "BYTES",
        ];
        let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
        rows.extend(self.rules.iter().map(|rule| {
            let shared = match rule.shares_flows_with.is_empty() {
                true => "",
                false => "*",
            };
            vec![
                rule.id.to_string(),
                rule.direction.clone(),
                rule.ethertype.clone(),
                rule.traffic.clone(),
                rule.remote.clone(),
                rule.flows.to_string(),
                format!("{}{shared}", rule.packets),
                format!("{}{shared}", rule.bytes),
            ]
        }));
        columns(&rows)
    }
}
