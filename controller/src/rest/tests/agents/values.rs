//! Values for random requests: some that make sense, and some that do nowhere.

use ovsdb::Uuid;
use serde_json::{Value, json};

use crate::northbound::database::tables::Northbound;

pub(super) const CIDRS: &[&str] = &[
    "10.0.0.0/24",
    "10.0.0.0/25",
    "10.0.1.0/24",
    "10.1.0.0/16",
    "203.0.113.0/24",
    "198.51.100.7/32",
    "192.0.2.0/31",
    "224.0.0.0/24",
    "fd00::/64",
    "fd00:1::/64",
    "::/64",
    "fe80::/64",
];
pub(super) const ADDRESSES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.9",
    "10.0.0.0",
    "10.0.0.255",
    "10.0.1.9",
    "10.1.0.9",
    "10.99.0.1",
    "203.0.113.1",
    "203.0.113.9",
    "198.51.100.7",
    "224.0.0.18",
    "255.255.255.255",
    "0.0.0.0",
    "fd00::1",
    "fd00::9",
    "fd00:1::9",
    "fe80::1",
    "ff02::1",
    "::",
    "::1",
];
pub(super) const BLOCKS: &[&str] = &[
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/24",
    "10.0.0.60",
    "10.0.0.60/24",
    "128.0.0.0/1",
    "224.0.0.0/8",
    "fd00::/64",
    "ff02::1",
    "8000::/1",
    "192.0.2.0/24",
    "255.255.255.255",
];
pub(super) const MACS: &[&str] = &[
    "fa:16:3e:00:00:01",
    "FA-16-3E-00-00-02",
    "02:00:00:00:00:03",
    "00:00:00:00:00:00",
    "ff:ff:ff:ff:ff:ff",
    "01:00:5e:00:00:01",
    "33:33:00:00:00:01",
];
pub(super) const PROTOCOLS: &[&str] = &[
    "tcp",
    "17",
    "icmp",
    "1",
    "ipv6-icmp",
    "58",
    "any",
    "ip",
    "0",
    "-1",
    "sctp",
    "gre",
    "41",
    "255",
];
pub(super) const NUMBERS: &[i64] = &[
    0, 1, 20, 67, 68, 255, 1279, 1280, 1400, 1450, 1458, 1500, 1501, 9000, 65535, 65536,
];
pub(super) const HOSTS: &[&str] = &["hv1", "hv2", "ironic1", ""];

pub(super) fn pick<T: Copy>(list: &[T], number: u8) -> T {
    list[usize::from(number) % list.len()]
}

/// One of the rows of a table, or an id that is nobody's.
pub(super) fn id<'a>(ids: impl Iterator<Item = &'a Uuid>, number: u8) -> String {
    let ids: Vec<_> = ids.collect();
    match ids.is_empty() {
        true => Uuid::from_u128(9).to_string(),
        false => pick(&ids, number).to_string(),
    }
}

macro_rules! one {
    ($rows:expr, $table:ident, $number:expr) => {
        id($rows.$table.iter().map(|row| &row.uuid), $number)
    };
}

/// A document with the fields that a number chooses.
pub(super) fn some(bits: u8, fields: Vec<(&str, Value)>) -> Value {
    let chosen = (fields.into_iter().enumerate()).filter(|(bit, _)| bits & (1 << (bit % 8)) != 0);
    Value::Object(
        chosen
            .map(|(_, (name, value))| (name.to_owned(), value))
            .collect(),
    )
}

pub(super) fn with(mut object: Value, fields: Value) -> Value {
    let more = fields.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(more);
    object
}

pub(super) fn fixed_ips(rows: &Northbound, n: [u8; 8]) -> Value {
    match n[2] % 5 {
        0 => json!([]),
        1 => json!([{"subnet_id": one!(rows, subnets, n[3])}]),
        2 => json!([{"ip_address": pick(ADDRESSES, n[3])}]),
        3 => json!([{"ip_address": pick(ADDRESSES, n[3])}, {"ip_address": pick(ADDRESSES, n[4])}]),
        _ => {
            json!([{"subnet_id": one!(rows, subnets, n[3])}, {"subnet_id": one!(rows, subnets, n[4])}])
        }
    }
}

/// What may be said of a port.
pub(super) fn port(rows: &Northbound, n: [u8; 8]) -> Value {
    let pair = match n[3] % 2 {
        0 => json!({"ip_address": pick(BLOCKS, n[4])}),
        _ => json!({"ip_address": pick(BLOCKS, n[4]), "mac_address": pick(MACS, n[5])}),
    };
    let groups = match n[6] % 3 {
        0 => json!([]),
        1 => json!(null),
        _ => json!([one!(rows, security_groups, n[6])]),
    };
    let options = json!([{"opt_name": "26", "opt_value": "1300"}]);
    some(
        n[1],
        vec![
            ("mac_address", json!(pick(MACS, n[5]))),
            ("fixed_ips", fixed_ips(rows, n)),
            ("allowed_address_pairs", json!([pair])),
            ("binding:host_id", json!(pick(HOSTS, n[7]))),
            ("security_groups", groups),
            ("port_security_enabled", json!(n[7] & 8 == 0)),
            ("admin_state_up", json!(n[7] & 16 == 0)),
            ("extra_dhcp_opts", options),
        ],
    )
}

pub(super) fn subnet(n: [u8; 8]) -> Value {
    let gateway = match n[2] % 4 {
        0 => json!(null),
        _ => json!(pick(ADDRESSES, n[2])),
    };
    let route = json!({"destination": pick(BLOCKS, n[3]), "nexthop": pick(ADDRESSES, n[4])});
    some(
        n[1],
        vec![
            ("gateway_ip", gateway),
            ("host_routes", json!([route])),
            ("dns_nameservers", json!([pick(ADDRESSES, n[5])])),
            ("enable_dhcp", json!(n[6] & 1 == 0)),
            ("allocation_pools", json!([])),
        ],
    )
}

pub(super) fn network(n: [u8; 8]) -> Value {
    some(
        n[1],
        vec![
            ("mtu", json!(pick(NUMBERS, n[2]))),
            ("router:external", json!(n[3] & 1 == 0)),
            ("port_security_enabled", json!(n[3] & 2 == 0)),
            ("dns_domain", json!("example.org")),
        ],
    )
}

pub(super) fn gateway(rows: &Northbound, n: [u8; 8]) -> Value {
    let network = one!(rows, networks, n[2]);
    match n[3] % 4 {
        0 => json!(null),
        1 => json!({"network_id": network, "enable_snat": false}),
        2 => {
            json!({"network_id": network, "external_fixed_ips": [{"ip_address": pick(ADDRESSES, n[4])}]})
        }
        _ => json!({"network_id": network}),
    }
}

pub(super) fn rule(rows: &Northbound, n: [u8; 8]) -> Value {
    let required = json!({
        "security_group_id": one!(rows, security_groups, n[2]),
        "direction": pick(&["ingress", "egress"], n[3]),
    });
    let number = |n: u8| json!(pick(NUMBERS, n));
    let more = some(
        n[1],
        vec![
            ("ethertype", json!(pick(&["IPv4", "IPv6"], n[4]))),
            ("protocol", json!(pick(PROTOCOLS, n[5]))),
            ("port_range_min", number(n[6])),
            ("port_range_max", number(n[7])),
            ("remote_ip_prefix", json!(pick(BLOCKS, n[4]))),
            ("remote_group_id", json!(one!(rows, security_groups, n[5]))),
            (
                "remote_address_group_id",
                json!(one!(rows, address_groups, n[6])),
            ),
        ],
    );
    with(required, more)
}

pub(super) use one;
