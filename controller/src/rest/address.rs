//! Fixed IPs: which addresses a port has.
//!
//! The database keeps an address from being given twice. So an address is chosen from what the
//! snapshot says is free, at random, and chosen anew if somebody else had the same idea.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use ipnet::IpNet;
use ovsdb::Uuid;
use serde_json::Value;

use super::attribute::plain;
use super::fault::Fault;
use super::pool::{Pool, choose};
use super::resource::Change;
use super::subnet::{address, cidr, is_formed, is_router_interface};
use crate::northbound::database::tables::{Address, Port, Subnet};

/// An address and the subnet that it is from.
pub(super) type Fixed = (Uuid, IpAddr);

/// Who is to have addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    /// Its network.
    pub(super) network: Uuid,
    /// Its MAC address, from which it forms addresses.
    pub(super) mac_address: &'a str,
    /// What kind of machine it is.
    pub(super) device_owner: &'a str,
}

impl Owner<'_> {
    fn is_router(self) -> bool {
        self.device_owner.starts_with("network:router_")
    }
}

/// The addresses of a port that is made, or whose list of addresses is replaced.
///
/// # Errors
///
/// What is asked for makes no sense, is taken, or nothing is left.
pub(super) fn plan(
    change: &mut Change<'_>,
    owner: Owner<'_>,
    wanted: Option<&Value>,
    present: &[Fixed],
) -> Result<Vec<Fixed>, Fault> {
    let rows = change.rows;
    let mut subnets: Vec<&Arc<Subnet>> =
        rows.subnets.index().by_network.all(owner.network).collect();
    subnets.sort_by_key(|subnet| (subnet.created_at, subnet.uuid));
    let mut fixed = match wanted {
        None => any(change, owner, &subnets)?,
        Some(wanted) => asked(change, owner, &subnets, wanted, present)?,
    };
    if !owner.is_router() {
        for subnet in subnets.iter().filter(|subnet| is_formed(subnet)) {
            let formed = form(subnet, owner.mac_address);
            if let Some(formed) = formed.filter(|formed| !fixed.contains(formed)) {
                take(change, owner, formed, present)?;
                fixed.push(formed);
            }
        }
    }
    Ok(fixed)
}

/// One address of each version that the network has.
fn any(
    change: &mut Change<'_>,
    owner: Owner<'_>,
    subnets: &[&Arc<Subnet>],
) -> Result<Vec<Fixed>, Fault> {
    let mut fixed = Vec::new();
    for is_ipv4 in [true, false] {
        let of_version = |subnet: &&&Arc<Subnet>| {
            cidr(subnet).is_some_and(|cidr| cidr.addr().is_ipv4() == is_ipv4)
        };
        let serves = |subnet: &&&Arc<Subnet>| {
            !is_formed(subnet)
                && (subnet.service_types.is_empty()
                    || subnet.service_types.contains(owner.device_owner))
        };
        let mut candidates = subnets.iter().filter(of_version).filter(serves).peekable();
        if candidates.peek().is_none() {
            continue;
        }
        let mut found = None;
        for subnet in candidates {
            found = next(change, owner.network, subnet)?;
            if found.is_some() {
                break;
            }
        }
        let message = format!(
            "No more IP addresses available on network {}.",
            owner.network
        );
        let exhausted = Fault::new(StatusCode::CONFLICT, "IpAddressGenerationFailure", message);
        fixed.push(found.ok_or(exhausted)?);
    }
    Ok(fixed)
}

/// The addresses of a list: `[{"subnet_id": ID, "ip_address": ADDRESS}]`, one of the two at least.
fn asked(
    change: &mut Change<'_>,
    owner: Owner<'_>,
    subnets: &[&Arc<Subnet>],
    wanted: &Value,
    present: &[Fixed],
) -> Result<Vec<Fixed>, Fault> {
    let problem = |reason: &str| Fault::attribute("fixed_ips", reason);
    let list = match wanted {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(problem(&format!("'{}' is not a list", plain(other)))),
    };
    let mut fixed: Vec<Fixed> = Vec::new();
    let mut open = Vec::new();
    for item in list {
        let (subnet, ip) = read(item)?;
        let subnet = match subnet {
            None => None,
            Some(id) => Some(find(owner.network, subnets, id)?),
        };
        match (subnet, ip) {
            (None, None) => return Err(problem("IP allocation requires subnet_id or ip_address")),
            (Some(subnet), None) => open.push(subnet),
            (subnet, Some(ip)) => {
                let subnet = match subnet {
                    Some(subnet) => within(subnet, ip)?,
                    None => around(subnets, ip)?,
                };
                let one = (subnet.uuid, ip);
                if fixed.contains(&one) {
                    return Err(problem(&format!("Duplicate IP address '{ip}'")));
                }
                let formed = form(subnet, owner.mac_address) == Some(one);
                if is_formed(subnet) && !formed && !owner.is_router() {
                    let message = format!(
                        "IPv6 address {ip} can not be directly assigned to a port on subnet {} \
                         as the subnet is configured for automatic addresses",
                        subnet.uuid
                    );
                    let kind = "AllocationOnAutoAddressSubnet";
                    return Err(Fault::new(StatusCode::BAD_REQUEST, kind, message));
                }
                take(change, owner, one, present)?;
                fixed.push(one);
            }
        }
    }
    for subnet in open {
        let kept = present
            .iter()
            .find(|one| one.0 == subnet.uuid && !fixed.contains(one));
        let one = match kept {
            Some(one) => Some(*one),
            // It is formed afterwards.
            None if is_formed(subnet) && !owner.is_router() => continue,
            None => next(change, owner.network, subnet)?,
        };
        let message = format!(
            "No more IP addresses available on network {}.",
            owner.network
        );
        let exhausted = Fault::new(StatusCode::CONFLICT, "IpAddressGenerationFailure", message);
        fixed.push(one.ok_or(exhausted)?);
    }
    Ok(fixed)
}

fn read(item: &Value) -> Result<(Option<Uuid>, Option<IpAddr>), Fault> {
    let problem = |reason: String| Fault::attribute("fixed_ips", &reason);
    let Value::Object(item) = item else {
        return Err(problem(format!("'{}' is not a dictionary", plain(item))));
    };
    let (mut subnet, mut ip) = (None, None);
    for (name, value) in item {
        let text = value.as_str();
        match name.as_str() {
            "subnet_id" if value.is_null() => {}
            "subnet_id" => {
                let id = text.and_then(|text| text.parse().ok());
                let invalid = || problem(format!("'{}' is not a valid UUID", plain(value)));
                subnet = Some(id.ok_or_else(invalid)?);
            }
            "ip_address" => {
                let invalid = || problem(format!("'{}' is not a valid IP address", plain(value)));
                ip = Some(address("fixed_ips", text.ok_or_else(invalid)?)?);
            }
            other => return Err(problem(format!("'{other}' is no part of a fixed IP"))),
        }
    }
    Ok((subnet, ip))
}

fn find<'a>(
    network: Uuid,
    subnets: &[&'a Arc<Subnet>],
    id: Uuid,
) -> Result<&'a Arc<Subnet>, Fault> {
    let subnet = subnets.iter().copied().find(|subnet| subnet.uuid == id);
    subnet.ok_or_else(|| {
        Fault::invalid_input(&format!(
            "Failed to create port on network {network}, because fixed_ips included invalid \
             subnet {id}"
        ))
    })
}

/// The subnet, if the address can be a machine's in it.
fn within(subnet: &Arc<Subnet>, ip: IpAddr) -> Result<&Arc<Subnet>, Fault> {
    if cidr(subnet).is_some_and(|cidr| can_be_given(cidr, ip)) {
        return Ok(subnet);
    }
    let message = format!(
        "IP address {ip} is not a valid IP for the specified subnet {}.",
        subnet.cidr
    );
    Err(Fault::new(
        StatusCode::BAD_REQUEST,
        "InvalidIpForSubnet",
        message,
    ))
}

/// The subnet that the address is from.
fn around<'a>(subnets: &[&'a Arc<Subnet>], ip: IpAddr) -> Result<&'a Arc<Subnet>, Fault> {
    let holds = |subnet: &&Arc<Subnet>| cidr(subnet).is_some_and(|cidr| can_be_given(cidr, ip));
    subnets.iter().copied().find(holds).ok_or_else(|| {
        let message = format!(
            "IP address {ip} is not a valid IP for any of the subnets on the specified network."
        );
        Fault::new(StatusCode::BAD_REQUEST, "InvalidIpForNetwork", message)
    })
}

fn can_be_given(cidr: IpNet, ip: IpAddr) -> bool {
    let end = match cidr {
        IpNet::V4(block) if block.prefix_len() < 31 => {
            ip == block.network() || ip == block.broadcast()
        }
        IpNet::V4(_) | IpNet::V6(_) => false,
    };
    cidr.contains(&ip) && !end
}

/// Takes an address that a port asks for.
fn take(
    change: &mut Change<'_>,
    owner: Owner<'_>,
    one: Fixed,
    present: &[Fixed],
) -> Result<(), Fault> {
    let (subnet, ip) = one;
    let fault = allocated(subnet, ip);
    if !present.contains(&one) && !is_free(change, owner.network, ip) {
        return Err(fault);
    }
    change.addresses.insert((owner.network, ip));
    change.taken.insert("Address", fault);
    Ok(())
}

/// An address of the subnet's pools that is free; it is taken.
fn next(
    change: &mut Change<'_>,
    network: Uuid,
    subnet: &Arc<Subnet>,
) -> Result<Option<Fixed>, Fault> {
    let pools = subnet
        .allocation_pools
        .iter()
        .filter_map(|text| text.parse().ok());
    let mut pools: Vec<Pool> = pools.collect();
    if pools.is_empty()
        && let Some(cidr) = cidr(subnet)
    {
        let gateway = subnet.gateway_ip.as_deref().and_then(|ip| ip.parse().ok());
        pools = super::pool::default_pools(cidr, gateway);
    }
    let ip = choose(&pools, |ip| is_free(change, network, ip))?;
    if let Some(ip) = ip {
        change.addresses.insert((network, ip));
    }
    Ok(ip.map(|ip| (subnet.uuid, ip)))
}

fn is_free(change: &Change<'_>, network: Uuid, ip: IpAddr) -> bool {
    let index = &change.rows.addresses.index().by_address;
    index.get((network, ip.to_string())).is_none() && !change.addresses.contains(&(network, ip))
}

fn allocated(subnet: Uuid, ip: IpAddr) -> Fault {
    let message = format!("IP address {ip} already allocated in subnet {subnet}");
    Fault::new(StatusCode::CONFLICT, "IpAddressAlreadyAllocated", message)
}

/// The address that a machine forms in a subnet.
fn form(subnet: &Subnet, mac_address: &str) -> Option<Fixed> {
    Some((subnet.uuid, formed(cidr(subnet)?, mac_address)?))
}

/// The address that a machine forms from the prefix of a block and its MAC address (RFC 4291,
/// appendix A).
fn formed(block: IpNet, mac_address: &str) -> Option<IpAddr> {
    let IpNet::V6(block) = block else { return None };
    let bytes = mac_address
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).ok());
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    let [a, b, c, d, e, f] = bytes.try_into().ok()?;
    let interface = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    let ip = u128::from(block.network()) | u128::from(interface);
    Some(IpAddr::V6(ip.into()))
}

/// Writes the addresses of a port, in place of those that it has.
pub(super) fn write(
    change: &mut Change<'_>,
    network: Uuid,
    port: Uuid,
    present: &[&Arc<Address>],
    fixed: &[Fixed],
) {
    let is =
        |row: &Address, one: &Fixed| row.subnet == one.0 && row.ip_address == one.1.to_string();
    for row in present
        .iter()
        .filter(|row| !fixed.iter().any(|one| is(row, one)))
    {
        change.transaction.delete::<Address>(row.uuid);
    }
    for one in fixed
        .iter()
        .filter(|one| !present.iter().any(|row| is(row, one)))
    {
        let columns = Address::values()
            .set(Address::network, network)
            .set(Address::subnet, one.0)
            .set(Address::port, port)
            .set(Address::ip_address, one.1.to_string());
        change.transaction.insert(columns);
    }
}

/// Gives the ports of a network the addresses that they form in a new subnet.
pub(super) fn form_all(change: &mut Change<'_>, network: Uuid, subnet: Uuid, block: IpNet) {
    let ports: Vec<_> = change.rows.ports.index().by_network.all(network).collect();
    for port in ports.into_iter().filter(|port| !is_router_interface(port)) {
        if let Some(ip) = formed(block, &port.mac_address) {
            write(change, network, port.uuid, &[], &[(subnet, ip)]);
            change.touch(&**port, Port::values());
        }
    }
}
