//! The section `hosts`.

use std::collections::{BTreeMap, BTreeSet};

use pipelines::network::{ETHERNET_MTU, EncapType, Host, HostName, PhysicalNetwork, check_device};

use super::field::{Field, Mapping, Report};

const KNOWN: &[&str] = &[
    "name",
    "encap_ip",
    "encap_types",
    "bridge_mappings",
    "mtu",
    "gateway_priority",
    "preemptive",
];

/// Reads one host; its name is entered even if something else about it is wrong.
pub(super) fn read<'a>(
    element: &Field<'a>,
    names: &mut BTreeSet<&'a str>,
    report: &mut Report,
) -> Option<(Host, Mapping<'a>)> {
    let object = element.mapping("a host", KNOWN, report)?;
    let name = object.require("name", "the name of a host", report);
    let name = name.and_then(|field| {
        let expected = "the name of a host";
        match field.name(expected, report)? {
            "" => field.refuse(expected, report),
            name => Some(name),
        }
    });
    names.extend(name);
    let encap_ip = object.get("encap_ip");
    let encap_ip = encap_ip.and_then(|ip| ip.parse("an address such as 192.0.2.1", report));
    let encap_types = match object.get("encap_types") {
        Some(types) => types
            .list("a list such as [vxlan, gre]", report)
            .iter()
            .filter_map(|encap_type| encap_type.word("vxlan, gre or geneve", report))
            .collect(),
        None => BTreeSet::from(EncapType::ALL),
    };
    let bridge_mappings = bridge_mappings(&object, report);
    let mtu = object.get("mtu").and_then(|mtu| mtu.mtu(report));
    let mtu = mtu.unwrap_or(ETHERNET_MTU);
    let priority = object.get("gateway_priority");
    let priority = priority.and_then(|priority| priority.word_of_16_bits(report));
    let preemptive = object.get("preemptive");
    let preemptive = preemptive.and_then(|preemptive| preemptive.boolean(report));
    let name = HostName::from(name?);
    let host = Host {
        name,
        encap_ip,
        encap_types,
        bridge_mappings,
        mtu,
        gateway_priority: priority.unwrap_or_default(),
        preemptive: preemptive.unwrap_or_default(),
    };
    Some((host, object))
}

fn bridge_mappings(object: &Mapping<'_>, report: &mut Report) -> BTreeMap<PhysicalNetwork, String> {
    let Some(field) = object.get("bridge_mappings") else {
        return BTreeMap::new();
    };
    let entries = field.entries("a mapping such as {physnet1: br-ex}", report);
    let bridge = |(physical_network, bridge): &(&str, Field<'_>)| {
        let name = bridge.name("the name of a bridge such as br-ex", report)?;
        if let Err(problem) = check_device(name) {
            report.add(bridge, problem);
            return None;
        }
        Some((PhysicalNetwork::from(*physical_network), name.to_owned()))
    };
    entries.iter().filter_map(bridge).collect()
}
