//! Options that are given to a port by name or number; Neutron's `extra_dhcp_opts`.
//!
//! The names are those of dnsmasq, as people know them from Neutron. A value is written as the
//! option's form wants it; one that does not fit its form, or an option that nobody knows, is left
//! out, and the others are told. Such options are told whether the machine asks for them or not, as
//! they were asked for on its behalf.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, Message, OptionCode, UnknownOption};
use tracing::debug;

/// The form of a value.
#[derive(Clone, Copy)]
enum Form {
    /// Addresses, separated by commas.
    Addresses,
    /// Text as it is.
    Text,
    /// A number of so many bytes.
    Number(usize),
    /// What the value looks like.
    Any,
}

/// The name of the server that a machine boots from, which is a field and no option.
const NEXT_SERVER: &str = "server-ip-address";

/// The options that have names.
const NAMED: &[(&str, u8, Form)] = &[
    ("netmask", 1, Form::Addresses),
    ("time-offset", 2, Form::Number(4)),
    ("router", 3, Form::Addresses),
    ("time-server", 4, Form::Addresses),
    ("dns-server", 6, Form::Addresses),
    ("log-server", 7, Form::Addresses),
    ("hostname", 12, Form::Text),
    ("boot-file-size", 13, Form::Number(2)),
    ("domain-name", 15, Form::Text),
    ("root-path", 17, Form::Text),
    ("ip-forward-enable", 19, Form::Number(1)),
    ("default-ttl", 23, Form::Number(1)),
    ("mtu", 26, Form::Number(2)),
    ("interface-mtu", 26, Form::Number(2)),
    ("broadcast", 28, Form::Addresses),
    ("ntp-server", 42, Form::Addresses),
    ("vendor-encap", 43, Form::Any),
    ("netbios-ns", 44, Form::Addresses),
    ("netbios-nodetype", 46, Form::Number(1)),
    ("T1", 58, Form::Number(4)),
    ("T2", 59, Form::Number(4)),
    ("vendor-class", 60, Form::Text),
    ("tftp-server", 66, Form::Text),
    ("tftp-server-name", 66, Form::Text),
    ("bootfile-name", 67, Form::Text),
    ("smtp-server", 69, Form::Addresses),
    ("user-class", 77, Form::Text),
    ("tftp-server-address", 150, Form::Addresses),
];

/// Where a machine that boots looks for the name of its file, beside the option.
const BOOT_FILE: u8 = 67;
const LONGEST_FILE: usize = 128;

/// The longest value, in bytes.
const LONGEST: usize = 255;

/// Adds the options to an answer, in place of what it says of the same.
pub(super) fn tell(reply: &mut Message, options: &BTreeMap<String, String>) {
    for (name, value) in options {
        if name == NEXT_SERVER {
            match value.parse::<Ipv4Addr>() {
                Ok(server) => drop(reply.set_siaddr(server)),
                Err(_) => debug!("{name} {value:?} is left out: expected an address"),
            }
            continue;
        }
        let Some((code, bytes)) = option(name, value) else {
            debug!("DHCP option {name} {value:?} is left out: expected another name or value");
            continue;
        };
        if code == BOOT_FILE && bytes.len() <= LONGEST_FILE {
            reply.set_fname(&bytes);
        }
        let option = UnknownOption::new(OptionCode::from(code), bytes);
        reply.opts_mut().insert(DhcpOption::Unknown(option));
    }
}

/// The number of an option, and its value on the wire.
fn option(name: &str, value: &str) -> Option<(u8, Vec<u8>)> {
    let named = NAMED.iter().find(|(known, ..)| *known == name);
    let (code, form) = match named {
        Some((_, code, form)) => (*code, *form),
        None => (name.parse().ok()?, Form::Any),
    };
    // The ends of the list are none, and the type of the message is not for others to say.
    let free = !matches!(code, 0 | 53 | 54 | 255);
    let bytes = encode(form, value).filter(|bytes| bytes.len() <= LONGEST)?;
    Some((code, bytes)).filter(|_| free)
}

fn encode(form: Form, value: &str) -> Option<Vec<u8>> {
    match form {
        Form::Addresses => addresses(value),
        Form::Text => Some(value.as_bytes().to_owned()).filter(|text| !text.is_empty()),
        Form::Number(bytes) => number(value, bytes),
        Form::Any => addresses(value)
            .or_else(|| hexadecimal(value))
            .or_else(|| encode(Form::Text, value)),
    }
}

fn addresses(value: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for address in value.split(',') {
        bytes.extend(address.trim().parse::<Ipv4Addr>().ok()?.octets());
    }
    Some(bytes)
}

/// The last bytes of a number, if the others are zero.
fn number(value: &str, bytes: usize) -> Option<Vec<u8>> {
    let all = value.trim().parse::<u32>().ok()?.to_be_bytes();
    let (unused, used) = all.split_at_checked(all.len().checked_sub(bytes)?)?;
    unused
        .iter()
        .all(|byte| *byte == 0)
        .then(|| used.to_owned())
}

/// Pairs of hexadecimal digits, separated by colons.
fn hexadecimal(value: &str) -> Option<Vec<u8>> {
    let pairs = value.contains(':').then(|| value.split(':'))?;
    let byte = |pair: &str| {
        u8::from_str_radix(pair, 16)
            .ok()
            .filter(|_| pair.len() == 2)
    };
    pairs.map(byte).collect()
}
