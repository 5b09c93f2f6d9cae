//! Options that are given to a port by name or number; Neutron's `extra_dhcp_opts`.
//!
//! The names are those of dnsmasq. An option that nobody knows is left out, and the others are told.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use dhcproto::v6::OptionCode;
use tracing::debug;

/// The options that have names.
const NAMED: &[(&str, u16)] = &[
    ("sip-server", 22),
    ("dns-server", 23),
    ("nis-server", 27),
    ("sntp-server", 31),
    ("information-refresh-time", 32),
    ("bootfile-url", 59),
    ("bootfile-param", 60),
];

/// Those that are the server's own to say: who it is, who asks, and the addresses.
const OWN: &[u16] = &[1, 2, 3, 4, 5, 13, 14];

/// The options, each with its value on the wire.
pub(super) fn options(
    options: &BTreeMap<String, String>,
) -> impl Iterator<Item = (OptionCode, Vec<u8>)> {
    options.iter().filter_map(|(name, value)| {
        let named = NAMED.iter().find(|(known, _)| known == name);
        let code = named.map_or_else(|| name.parse().ok(), |(_, code)| Some(*code));
        let Some(code) = code.filter(|code| !OWN.contains(code)) else {
            debug!("DHCPv6 option {name} is left out: expected another name or number");
            return None;
        };
        // A longer one would not fit the packet anyway.
        let bytes = encode(value);
        (u16::try_from(bytes.len()).is_ok()).then(|| (OptionCode::from(code), bytes))
    })
}

/// Addresses, separated by commas, or else text.
fn encode(value: &str) -> Vec<u8> {
    let addresses = value.split(',');
    let addresses = addresses.map(|address| address.trim().parse::<Ipv6Addr>());
    match addresses.collect::<Result<Vec<_>, _>>() {
        Ok(addresses) => addresses.iter().flat_map(Ipv6Addr::octets).collect(),
        Err(_) => value.as_bytes().to_owned(),
    }
}
