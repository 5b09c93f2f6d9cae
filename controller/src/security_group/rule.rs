//! A rule in words.

use pipelines::network::{IcmpKind, Model, PortProtocol, Remote, Traffic};

/// What a rule allows, the other side aside: `tcp/22`, `icmp type 8`, `any`.
pub(crate) fn traffic(traffic: Traffic) -> String {
    match traffic {
        Traffic::Any => "any".to_owned(),
        Traffic::Protocol(protocol) => protocol.to_string(),
        Traffic::Ports(protocol, range) => {
            let protocol = match protocol {
                PortProtocol::Tcp => "tcp",
                PortProtocol::Udp => "udp",
                PortProtocol::Sctp => "sctp",
            };
            match (range.first(), range.last()) {
                (first, last) if first == last => format!("{protocol}/{first}"),
                (first, last) => format!("{protocol}/{first}-{last}"),
            }
        }
        Traffic::Icmp(IcmpKind {
            icmp_type,
            icmp_code,
        }) => match icmp_code {
            Some(code) => format!("icmp type {icmp_type} code {code}"),
            None => format!("icmp type {icmp_type}"),
        },
    }
}

/// The other side of a rule: `any`, a block, the members of a group, or its addresses.
pub(crate) fn remote(model: &Model, remote: Remote) -> String {
    match remote {
        Remote::Any => "any".to_owned(),
        Remote::Block(block) => block.to_string(),
        Remote::Group(id) => match model.security_group(id) {
            Some(group) => format!("group {}", group.name),
            None => format!("group {id}"),
        },
        Remote::AddressGroup(id) => match model.address_group(id) {
            Some(group) => format!("address group {}", group.name),
            None => format!("address group {id}"),
        },
    }
}
