//! The section `security_groups`.

use std::collections::BTreeMap;

use pipelines::network::{
    AddressGroupId, Direction, Ethertype, Rule, RuleAttributes, RuleId, SecurityGroup,
    SecurityGroupId,
};

use super::{
    field::{Field, Mapping, Report},
    name::{Catalogue, Identity, derive, id},
};

const KNOWN: &[&str] = &["id", "name", "project", "stateful", "rules"];
const KNOWN_OF_RULE: &[&str] = &[
    "id",
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group",
    "remote_address_group",
];

/// A group whose rules are not read yet: they may name groups that come later.
pub(super) struct Declared<'a> {
    object: Mapping<'a>,
    identity: Identity,
}

/// Reads what one group is called.
pub(super) fn declare<'a>(
    element: &Field<'a>,
    groups: &mut Catalogue,
    report: &mut Report,
) -> Option<Declared<'a>> {
    let object = element.mapping("a security group", KNOWN, report)?;
    let identity = groups.declare(&object, report);
    Some(Declared { object, identity })
}

impl<'a> Declared<'a> {
    /// Reads the rules; each has a mapping of its own.
    pub(super) fn read(
        self,
        groups: &Catalogue,
        address_groups: &Catalogue,
        report: &mut Report,
    ) -> Option<(SecurityGroup, Mapping<'a>, Vec<Mapping<'a>>)> {
        let Self { object, identity } = self;
        let stateful = object.get("stateful");
        let stateful = stateful.and_then(|stateful| stateful.boolean(report));
        let stateful = stateful.unwrap_or(true);
        let mut contents = Contents::default();
        let rules = object.list("rules", "a list of rules", report);
        let named = Named {
            groups,
            address_groups,
        };
        let rules = rules
            .iter()
            .filter_map(|rule| read_rule(rule, &identity, &named, &mut contents, report));
        let (rules, places) = rules.unzip();
        let Identity {
            id,
            name,
            project,
            sound,
        } = identity;
        let group = SecurityGroup {
            id: SecurityGroupId(id),
            name,
            project,
            stateful,
            rules,
        };
        sound.then_some((group, object, places))
    }
}

/// How often each content occurred among the rules of a group.
type Contents = BTreeMap<String, u32>;

/// What rules may name.
struct Named<'a> {
    groups: &'a Catalogue,
    address_groups: &'a Catalogue,
}

fn read_rule<'a>(
    element: &Field<'a>,
    group: &Identity,
    named: &Named<'_>,
    contents: &mut Contents,
    report: &mut Report,
) -> Option<(Rule, Mapping<'a>)> {
    let mark = report.mark();
    let object = element.mapping("a rule", KNOWN_OF_RULE, report)?;
    let given = id(&object, report);
    let directions = "ingress or egress";
    let direction: Option<Direction> = object
        .require("direction", directions, report)
        .and_then(|direction| direction.word(directions, report));
    let ethertype = object.get("ethertype");
    let ethertype = ethertype.and_then(|ethertype| ethertype.word("IPv4 or IPv6", report));
    let ethertype = ethertype.unwrap_or(Ethertype::Ipv4);
    let protocol = object.get("protocol");
    let protocol = protocol.and_then(|protocol| protocol.text("the name of a protocol", report));
    let [port_range_min, port_range_max] = ["port_range_min", "port_range_max"]
        .map(|key| object.get(key).and_then(|number| number.number(report)));
    let block = object.get("remote_ip_prefix");
    let remote_ip_prefix = block.and_then(|block| block.block(report));
    let remote_group = object.get("remote_group");
    let remote_group = remote_group
        .and_then(|remote| named.groups.resolve(remote, &group.project, report))
        .map(SecurityGroupId);
    let addresses = object.get("remote_address_group");
    let remote_address_group = addresses
        .and_then(|remote| {
            let groups = named.address_groups;
            groups.resolve(remote, &group.project, report)
        })
        .map(AddressGroupId);
    let direction = direction?;
    if !report.clean_since(mark) {
        return None;
    }
    let mut attributes = RuleAttributes {
        id: RuleId(given.unwrap_or_default()),
        direction,
        ethertype,
        protocol,
        port_range_min,
        port_range_max,
        remote_ip_prefix,
        remote_group,
        remote_address_group,
    };
    if given.is_none() {
        attributes.id = derived_id(&attributes, group, contents);
    }
    match Rule::new(&attributes) {
        Ok(rule) => Some((rule, object)),
        Err(invalid) => {
            report.add(&object.at(invalid.field), invalid.problem);
            None
        }
    }
}

/// Derives an identifier from what the rule says, so that it outlives changes of other rules.
///
/// Rules that say the same are numbered.
fn derived_id(
    attributes: &RuleAttributes<'_>,
    group: &Identity,
    contents: &mut Contents,
) -> RuleId {
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let parts = [
        attributes.direction.to_string(),
        attributes.ethertype.to_string(),
        attributes.protocol.unwrap_or_default().to_ascii_lowercase(),
        number(attributes.port_range_min),
        number(attributes.port_range_max),
        attributes
            .remote_ip_prefix
            .map(|block| block.to_string())
            .unwrap_or_default(),
        attributes
            .remote_group
            .map(|group| group.to_string())
            .unwrap_or_default(),
    ];
    let mut content = parts.join("\0");
    // Only where there is one: what other rules are called does not depend on it.
    if let Some(group) = attributes.remote_address_group {
        content.push('\0');
        content.push_str(&group.to_string());
    }
    let group = group.id.to_string();
    let occurrence = contents.entry(content.clone()).or_default();
    let id = derive(&["rule", &group, &content, &occurrence.to_string()]);
    *occurrence += 1;
    RuleId(id)
}
