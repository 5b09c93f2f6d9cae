//! Rules of security groups.

use std::sync::Arc;

use ipnet::IpNet;
use ovsdb::Uuid;
use pipelines::network::{self, Rule};

use super::super::tables::{Direction, Ethertype, SecurityGroupRule};
use super::Columns;
use crate::northbound::file::write::traffic;

/// The columns of a rule; the attributes are those that it was made from.
pub(super) fn rule_columns(
    row: Option<&Arc<SecurityGroupRule>>,
    owner: Uuid,
    project: &str,
    rule: &Rule,
) -> Columns<SecurityGroupRule> {
    let (word, least, most) = traffic(rule);
    let remote = rule.remote();
    columns!(
        row,
        SecurityGroupRule {
            security_group: owner,
            project: project.to_owned(),
            direction: match rule.direction() {
                network::Direction::Ingress => Direction::Ingress,
                network::Direction::Egress => Direction::Egress,
            },
            ethertype: match rule.ethertype() {
                network::Ethertype::Ipv4 => Ethertype::Ipv4,
                network::Ethertype::Ipv6 => Ethertype::Ipv6,
            },
            protocol: word,
            port_range_min: least.map(i64::from),
            port_range_max: most.map(i64::from),
            remote_ip_prefix: match remote {
                network::Remote::Block(block) => Some(prefix(row, block)),
                _ => None,
            },
            remote_group: remote.group().map(|group| group.0),
            remote_address_group: match remote {
                network::Remote::AddressGroup(group) => Some(group.0),
                _ => None,
            },
        }
    )
}

/// A block as a rule has it, perhaps with host bits.
fn prefix(row: Option<&Arc<SecurityGroupRule>>, block: IpNet) -> String {
    let present = row.and_then(|row| row.remote_ip_prefix.as_ref());
    let is_same = |text: &&String| text.parse().is_ok_and(|same: IpNet| same.trunc() == block);
    present
        .filter(is_same)
        .map_or_else(|| block.to_string(), Clone::clone)
}
