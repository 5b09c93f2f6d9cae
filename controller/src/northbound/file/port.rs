//! The section `ports`.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use pipelines::network::{
    AddressPair, ExtraDhcpOptions, HostName, Machine, NetworkId, Port, PortId, SecurityGroupId,
};

use super::{
    error::Problem,
    field::{Field, Mapping, Report, complete},
    name::Catalogue,
};

const KNOWN: &[&str] = &[
    "id",
    "name",
    "project",
    "network",
    "mac_address",
    "fixed_ips",
    "security_groups",
    "port_security_enabled",
    "allowed_address_pairs",
    "admin_state_up",
    "host",
    "migrating_to",
    "dns_name",
    "extra_dhcp_opts",
    "device_id",
    "public_keys",
    "user_data",
    "user_data_base64",
];
const KNOWN_OF_PAIR: &[&str] = &["ip_address", "mac_address"];
const KNOWN_OF_OPTION: &[&str] = &["opt_name", "opt_value", "ip_version"];

/// The group of a port that names none, as in Neutron.
const DEFAULT_GROUP: &str = "default";

/// The longest key or user data, in characters: what the database can hold. Nova's limit is 64 kB.
const LONGEST_DATA: usize = 1 << 19;

const MAC_ADDRESS: &str =
    "a MAC address, six pairs of hexadecimal digits such as fa:16:3e:00:00:12";

/// What ports refer to.
pub(super) struct Context<'a> {
    /// Networks.
    pub(super) networks: &'a Catalogue,
    /// Security groups.
    pub(super) groups: &'a Catalogue,
    /// Names of hosts.
    pub(super) hosts: &'a BTreeSet<&'a str>,
}

/// Reads one port; where an attribute is wrong, it goes on without it to find more mistakes.
pub(super) fn read<'a>(
    element: &Field<'a>,
    context: &Context<'_>,
    ports: &mut Catalogue,
    report: &mut Report,
) -> Option<(Port, Mapping<'a>)> {
    let object = element.mapping("a port", KNOWN, report)?;
    let identity = ports.declare(&object, report);
    let network = object.require("network", "the name or id of a network", report);
    let network =
        network.and_then(|network| context.networks.resolve(network, &identity.project, report));
    let mac_address = object.require("mac_address", MAC_ADDRESS, report);
    let mac_address = mac_address.and_then(|mac| mac.parse(MAC_ADDRESS, report));
    let fixed_ips = object.list(
        "fixed_ips",
        "a list of addresses such as [10.0.0.18]",
        report,
    );
    let fixed_ips = complete(
        fixed_ips
            .iter()
            .map(|ip| ip.parse("an address such as 10.0.0.18", report)),
    );
    let port_security_enabled = boolean(&object, "port_security_enabled", report);
    let security_groups = match object.get("security_groups") {
        Some(groups) => {
            let groups = groups.list("a list of security groups", report);
            let resolve = |group| context.groups.resolve(group, &identity.project, report);
            complete(groups.iter().map(resolve))
        }
        None if port_security_enabled => context
            .groups
            .own(DEFAULT_GROUP, &identity.project)
            .into_iter()
            .collect(),
        None => Vec::new(),
    };
    let pairs = object.list("allowed_address_pairs", "a list of address pairs", report);
    let allowed_address_pairs = complete(pairs.iter().map(|pair| read_pair(pair, report)));
    let admin_state_up = boolean(&object, "admin_state_up", report);
    let mut host_at = |key| read_host(object.get(key)?, context.hosts, report);
    let (host, migrating_to) = (host_at("host"), host_at("migrating_to"));
    let dns_name = object.get("dns_name");
    let dns_name = dns_name.and_then(|name| name.name("the name of a machine", report));
    let extra_dhcp_opts = read_options(&object, report);
    let port = Port {
        id: PortId(identity.id),
        name: identity.name,
        project: identity.project,
        network: NetworkId(network?),
        mac_address: mac_address?,
        fixed_ips,
        security_groups: security_groups.into_iter().map(SecurityGroupId).collect(),
        port_security_enabled,
        allowed_address_pairs,
        admin_state_up,
        host,
        migrating_to,
        dns_name: dns_name.unwrap_or_default().to_owned(),
        extra_dhcp_opts,
        machine: read_machine(&object, report),
    };
    identity.sound.then_some((port, object))
}

/// A switch that is on unless told otherwise.
fn boolean(object: &Mapping<'_>, key: &str, report: &mut Report) -> bool {
    object
        .get(key)
        .and_then(|field| field.boolean(report))
        .unwrap_or(true)
}

fn read_pair(element: &Field<'_>, report: &mut Report) -> Option<AddressPair> {
    let object = element.mapping(
        "a pair such as {ip_address: 10.0.0.200}",
        KNOWN_OF_PAIR,
        report,
    )?;
    let mac_address = object.get("mac_address");
    let mac_address = mac_address.and_then(|mac| mac.parse(MAC_ADDRESS, report));
    let ip_address = object.require("ip_address", "an address or a block", report)?;
    Some(AddressPair {
        ip_address: ip_address.block(report)?,
        mac_address,
    })
}

fn read_options(object: &Mapping<'_>, report: &mut Report) -> ExtraDhcpOptions {
    let mut options = ExtraDhcpOptions::default();
    for element in object.list("extra_dhcp_opts", "a list of DHCP options", report) {
        let example = "an option such as {opt_name: tftp-server, opt_value: 192.0.2.1}";
        let Some(option) = element.mapping(example, KNOWN_OF_OPTION, report) else {
            continue;
        };
        let mut text = |key| {
            let field = option.require(key, "text", report)?;
            Some(field.name("text", report)?.to_owned())
        };
        let (name, value) = (text("opt_name"), text("opt_value"));
        let of_version = match option.get("ip_version") {
            None => &mut options.v4,
            Some(version) => match version.number(report) {
                Some(4) => &mut options.v4,
                Some(6) => &mut options.v6,
                Some(_) => {
                    version.refuse::<()>("4 or 6", report);
                    continue;
                }
                None => continue,
            },
        };
        of_version.extend(name.zip(value));
    }
    options
}

fn read_machine(object: &Mapping<'_>, report: &mut Report) -> Machine {
    let id = object.get("device_id");
    let id = id.and_then(|id| id.name("the identifier of a machine", report));
    let expected = "a mapping such as {me: ssh-ed25519 AAAA... me@example}";
    let keys = object.get("public_keys");
    let keys = keys
        .map(|keys| keys.entries(expected, report))
        .unwrap_or_default();
    let keys = keys.into_iter().filter_map(|(name, key)| {
        let expected = "a key in the format of OpenSSH";
        let key = key.free_text(expected, LONGEST_DATA, report)?;
        Some((name.to_owned(), key.to_owned()))
    });
    Machine {
        id: id.unwrap_or_default().to_owned(),
        public_keys: keys.collect(),
        user_data: read_user_data(object, report).unwrap_or_default(),
    }
}

/// What a machine does when it starts: text, or bytes that are none.
fn read_user_data(object: &Mapping<'_>, report: &mut Report) -> Option<Vec<u8>> {
    let text = object.get("user_data");
    let text = text.and_then(|text| text.free_text("text", LONGEST_DATA, report));
    let Some(encoded) = object.get("user_data_base64") else {
        return text.map(|text| text.as_bytes().to_vec());
    };
    if text.is_some() {
        let problem = pipelines::network::Problem::NotWith("user_data");
        report.add(encoded, problem);
        return None;
    }
    let expected = "bytes in Base64 (RFC 4648)";
    let data = encoded.free_text(expected, LONGEST_DATA, report)?;
    let data = BASE64.decode(data.split_ascii_whitespace().collect::<String>());
    data.ok().or_else(|| encoded.refuse(expected, report))
}

fn read_host(field: &Field<'_>, hosts: &BTreeSet<&str>, report: &mut Report) -> Option<HostName> {
    let name = field.name("the name of a host", report)?;
    if !hosts.contains(name) {
        let nearest = report.hint(name, hosts.iter().copied());
        report.add(
            field,
            Problem::Unknown {
                kind: "host",
                name: name.to_owned(),
                nearest,
            },
        );
        return None;
    }
    Some(HostName::from(name))
}
