//! `subnets`: the addresses of a network.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use ipnet::IpNet;
use ovsdb::Uuid;
use ovsdb::table::Table;
use ovsdb::tables::Declared as _;
use pipelines::network::{self, Problem, SubnetId};
use serde_json::{Value, json};

use super::address::form_all;
use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, NAME, PROJECT_ID, REVISION_NUMBER, TAGS,
    TENANT_ID, UPDATED_AT, Values,
};
use super::fault::Fault;
use super::list::View;
use super::mtu::{carries, mtu_of};
use super::network::Networks;
use super::new::random_id;
use super::pool::{Pool, default_pools, pools};
use super::quota;
use super::resource::{Change, Resource, fields, own, stamped};
use super::routes;
use super::subnet_pool::{Part, chosen, cut, subnet_fault};
use crate::northbound::database::tables::{Address, Ipv6Mode, Network, Northbound, Port, Subnet};

/// How many name servers and routes a subnet may have: Neutron's limits, and DHCP has to tell them in
/// one packet.
const MAX_NAME_SERVERS: usize = 5;
const MAX_HOST_ROUTES: usize = 20;

const MODES: &[&str] = &["dhcpv6-stateful", "dhcpv6-stateless", "slaac"];

/// Subnets.
#[derive(Debug)]
pub(super) struct Subnets;

impl Resource for Subnets {
    type Row = Subnet;

    const NAME: &'static str = "subnet";
    const COLLECTION: &'static str = "subnets";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        DESCRIPTION,
        Attribute::required("network_id", Kind::Id).filter().sort(),
        Attribute::required("ip_version", Kind::Number)
            .filter()
            .sort(),
        Attribute::made("cidr", Kind::Nullable(&Kind::Text(64)))
            .filter()
            .sort(),
        Attribute::set("gateway_ip", Kind::Nullable(&Kind::Text(64)))
            .filter()
            .sort(),
        Attribute::set("enable_dhcp", Kind::Boolean).filter().sort(),
        Attribute::set("allocation_pools", Kind::Json),
        Attribute::set("dns_nameservers", Kind::Nullable(&Kind::Texts)),
        Attribute::set("host_routes", Kind::Json),
        Attribute::made("ipv6_ra_mode", Kind::Nullable(&Kind::Word(MODES)))
            .filter()
            .sort(),
        Attribute::made("ipv6_address_mode", Kind::Nullable(&Kind::Word(MODES)))
            .filter()
            .sort(),
        Attribute::made("subnetpool_id", Kind::Nullable(&Kind::Text(36)))
            .filter()
            .sort(),
        Attribute::made("prefixlen", Kind::Nullable(&Kind::Number)),
        Attribute::made("use_default_subnetpool", Kind::Boolean),
        Attribute::set("segment_id", Kind::Nullable(&Kind::Id))
            .filter()
            .sort(),
        Attribute::set("service_types", Kind::Texts),
        Attribute::shown("shared", Kind::Boolean).unseen().filter(),
        TENANT_ID,
        PROJECT_ID,
        TAGS,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<Subnet> {
        &rows.subnets
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Subnet {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "SubnetNotFound", message)
    }

    fn project(row: &Subnet) -> Option<&str> {
        Some(&row.project)
    }

    const SHOWS_SHARED: bool = true;

    fn is_shared(rows: &Northbound, subnet: &Subnet, project: &str) -> bool {
        let network = rows.networks.get(&subnet.network);
        network.is_some_and(|network| Networks::is_shared(rows, network, project))
    }

    fn view(_rows: &Northbound, subnet: &Subnet) -> View {
        let pools = subnet
            .allocation_pools
            .iter()
            .filter_map(|text| text.parse().ok());
        let mut pools: Vec<Pool> = pools.collect();
        pools.sort_by_key(|pool| pool.start);
        let pools = pools
            .iter()
            .map(|pool| json!({"start": pool.start, "end": pool.end}));
        let version = if cidr(subnet).is_some_and(|cidr| cidr.addr().is_ipv4()) {
            4
        } else {
            6
        };
        fields([
            ("name", json!(subnet.name)),
            ("description", json!(subnet.description)),
            ("tenant_id", json!(subnet.project)),
            ("project_id", json!(subnet.project)),
            ("network_id", json!(subnet.network)),
            ("ip_version", json!(version)),
            ("cidr", json!(subnet.cidr)),
            ("gateway_ip", json!(subnet.gateway_ip)),
            ("enable_dhcp", json!(subnet.enable_dhcp)),
            ("allocation_pools", pools.collect()),
            (
                "dns_nameservers",
                subnet.dns_nameservers.values().cloned().collect(),
            ),
            ("host_routes", routes::view(&subnet.host_routes)),
            ("ipv6_ra_mode", json!(subnet.ipv6_ra_mode.map(mode_word))),
            (
                "ipv6_address_mode",
                json!(subnet.ipv6_address_mode.map(mode_word)),
            ),
            ("subnetpool_id", json!(subnet.subnet_pool)),
            ("segment_id", json!(subnet.segment)),
            ("service_types", json!(subnet.service_types)),
            ("tags", json!(subnet.tags)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let network = values.id("network_id").unwrap_or_default();
        let project = change.call.project_of(values)?;
        quota::check(change, "subnet", &project)?;
        let network_row = own::<Networks>(change.call, change.rows, &network.to_string())?;
        let (cidr, pool) = new_cidr(change, values, &project)?;
        carries(network, mtu_of(change.rows, network), cidr)?;
        same_pool(change.rows, network, cidr, pool)?;
        overlaps(change, network, cidr)?;
        let dhcp = values.boolean("enable_dhcp").unwrap_or(true);
        let modes = modes(values, cidr, dhcp)?;
        let gateway = match values.get("gateway_ip") {
            None => default_gateway(cidr).filter(|ip| router(*ip, cidr).is_ok()),
            Some(_) => gateway(values, cidr)?,
        };
        let pools = match values.get("allocation_pools") {
            None | Some(Value::Null) => default_pools(cidr, gateway),
            Some(given) => pools(given, cidr)?,
        };
        outside(gateway, &pools)?;
        let id = random_id()?;
        let columns = columns(values, cidr)?
            .set(Subnet::network, network)
            .set(Subnet::project, project)
            .set(Subnet::cidr, cidr.to_string())
            .set(Subnet::subnet_pool, pool)
            .set(Subnet::gateway_ip, gateway.map(|ip| ip.to_string()))
            .set(Subnet::enable_dhcp, dhcp)
            .set(Subnet::allocation_pools, texts(&pools))
            .set(Subnet::ipv6_ra_mode, modes.0)
            .set(Subnet::ipv6_address_mode, modes.1);
        change.taken.insert(Subnet::TABLE, overlap(network, cidr));
        change.blocks.push((network, cidr));
        change.transaction.insert_as(id, stamped(columns));
        if matches!(modes.1, Some(Ipv6Mode::Slaac | Ipv6Mode::DhcpStateless)) {
            form_all(change, network, id, cidr);
        }
        // Who makes a subnet that overlaps this one at the same time has to look again.
        change.touch(&**network_row, Network::values());
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        subnet: &Arc<Subnet>,
        values: &Values,
    ) -> Result<ovsdb::Values<Subnet>, Fault> {
        let cidr = cidr(subnet).ok_or_else(|| Fault::invalid_input("the subnet has no CIDR"))?;
        let mut columns = columns(values, cidr)?;
        let mut gateway_ip = subnet.gateway_ip.as_deref().and_then(|ip| ip.parse().ok());
        if values.has("gateway_ip") {
            let new = gateway(values, cidr)?;
            if new != gateway_ip {
                keep(change.rows, subnet, gateway_ip)?;
            }
            gateway_ip = new;
            columns = columns.set(Subnet::gateway_ip, new.map(|ip| ip.to_string()));
        }
        let kept = || {
            subnet
                .allocation_pools
                .iter()
                .filter_map(|text| text.parse().ok())
        };
        let pools = match values.get("allocation_pools") {
            None | Some(Value::Null) => kept().collect(),
            Some(given) => pools(given, cidr)?,
        };
        outside(gateway_ip, &pools)?;
        if values.has("allocation_pools") {
            columns = columns.set(Subnet::allocation_pools, texts(&pools));
        }
        if let Some(dhcp) = values.boolean("enable_dhcp") {
            columns = columns.set(Subnet::enable_dhcp, dhcp);
        }
        note(change, subnet);
        Ok(columns)
    }

    fn delete(change: &mut Change<'_>, subnet: &Arc<Subnet>) -> Result<(), Fault> {
        let addresses = change.rows.addresses.index().by_subnet.all(subnet.uuid);
        // Addresses that follow from the prefix go with it, except those of routers.
        let formed = is_formed(subnet);
        for address in addresses {
            let port = change.rows.ports.get(&address.port);
            if !formed || port.is_some_and(|port| is_router_interface(port)) {
                let message = format!(
                    "Unable to complete operation on subnet {}: One or more ports have an IP \
                     allocation from this subnet.",
                    subnet.uuid
                );
                return Err(Fault::new(StatusCode::CONFLICT, "SubnetInUse", message));
            }
            change.transaction.delete::<Address>(address.uuid);
        }
        change.transaction.delete::<Subnet>(subnet.uuid);
        note(change, subnet);
        Ok(())
    }
}

/// Notes that what a network has changes.
fn note(change: &mut Change<'_>, subnet: &Subnet) {
    if let Some(network) = change.rows.networks.get(&subnet.network) {
        change.touch(&**network, Network::values());
    }
}

/// Whether machines form their addresses in the subnet themselves, from its prefix.
pub(super) fn is_formed(subnet: &Subnet) -> bool {
    matches!(
        subnet.ipv6_address_mode,
        Some(Ipv6Mode::Slaac | Ipv6Mode::DhcpStateless)
    )
}

/// Whether a port belongs to a router.
pub(super) fn is_router_interface(port: &Port) -> bool {
    port.device_owner.starts_with("network:router_") || port.device_owner.starts_with("network:ha_")
}

/// The block of a subnet.
pub(super) fn cidr(subnet: &Subnet) -> Option<IpNet> {
    subnet.cidr.parse().ok()
}

fn mode_word(mode: Ipv6Mode) -> &'static str {
    match mode {
        Ipv6Mode::DhcpStateful => "dhcpv6-stateful",
        Ipv6Mode::DhcpStateless => "dhcpv6-stateless",
        Ipv6Mode::Slaac => "slaac",
    }
}

fn mode(word: &str) -> Option<Ipv6Mode> {
    match word {
        "dhcpv6-stateful" => Some(Ipv6Mode::DhcpStateful),
        "dhcpv6-stateless" => Some(Ipv6Mode::DhcpStateless),
        "slaac" => Some(Ipv6Mode::Slaac),
        _ => None,
    }
}

/// The version of IP that is given.
pub(super) fn version(values: &Values) -> Result<i64, Fault> {
    match values.number("ip_version").unwrap_or_default() {
        version @ (4 | 6) => Ok(version),
        other => {
            let reason = format!("'{other}' is not in [4, 6]");
            Err(Fault::attribute("ip_version", &reason))
        }
    }
}

/// The block of a subnet that is made, and the pool that it is cut from.
fn new_cidr(
    change: &mut Change<'_>,
    values: &Values,
    project: &str,
) -> Result<(IpNet, Option<Uuid>), Fault> {
    let version = version(values)?;
    let pool = chosen(change, values, version)?;
    let given = values.text("cidr").map(|text| given_cidr(text, version));
    let given = given.transpose()?;
    let length = values.number("prefixlen");
    let Some(pool) = pool else {
        let reason = "a subnetpool must be specified in the absence of a cidr";
        let cidr = given.filter(|_| length.is_none());
        return Ok((cidr.ok_or_else(|| subnet_fault(reason))?, None));
    };
    let part = match (given, length) {
        (Some(_), Some(_)) => {
            let reason = "cidr and prefixlen must not be supplied together";
            return Err(subnet_fault(reason));
        }
        (Some(cidr), None) => Part::Block(cidr),
        (None, length) => Part::Length(length),
    };
    let pools = values.get("allocation_pools");
    if given.is_none() && pools.is_some_and(|pools| !pools.is_null()) {
        let reason = "allocation_pools allowed only for specific subnet requests";
        return Err(subnet_fault(reason));
    }
    let cidr = cut(change, pool, part, project)?;
    Ok((cidr, Some(pool.uuid)))
}

/// Reads the block of a subnet.
fn given_cidr(text: &str, version: i64) -> Result<IpNet, Fault> {
    let cidr: IpNet = text.parse().map_err(|_| {
        Fault::invalid_input(&format!("{} is not in a CIDR format", text.escape_debug()))
    })?;
    if cidr.addr().is_ipv4() != (version == 4) {
        return Err(Fault::invalid_input(&format!(
            "cidr '{cidr}' does not match the ip_version '{version}'"
        )));
    }
    if cidr.addr().is_multicast() || cidr.addr().is_loopback() {
        return Err(Fault::invalid_input(&format!(
            "{cidr} is no block of unicast addresses"
        )));
    }
    Ok(cidr.trunc())
}

/// Refuses that subnets of one network, of one version of IP, are from different pools.
fn same_pool(
    rows: &Northbound,
    network: Uuid,
    new: IpNet,
    pool: Option<Uuid>,
) -> Result<(), Fault> {
    let subnets = rows.subnets.index().by_network.all(network);
    let mut subnets = subnets.filter(|subnet| {
        cidr(subnet).is_some_and(|cidr| cidr.addr().is_ipv4() == new.addr().is_ipv4())
    });
    match subnets.any(|subnet| subnet.subnet_pool != pool) {
        false => Ok(()),
        true => Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "NetworkSubnetPoolAffinityError",
            "Subnets hosted on the same network must be allocated from the same subnet pool.",
        )),
    }
}

/// Refuses a block of which a part is another subnet's.
fn overlaps(change: &Change<'_>, network: Uuid, new: IpNet) -> Result<(), Fault> {
    let subnets = change.rows.subnets.index().by_network.all(network);
    let others = change.blocks.iter().filter(|(other, _)| *other == network);
    let mut blocks = subnets
        .filter_map(|subnet| cidr(subnet))
        .chain(others.map(|(_, block)| *block));
    match blocks.any(|old| old.contains(&new) || new.contains(&old)) {
        true => Err(overlap(network, new)),
        false => Ok(()),
    }
}

fn overlap(network: Uuid, cidr: IpNet) -> Fault {
    Fault::invalid_input(&format!(
        "Requested subnet with cidr: {cidr} for network: {network} overlaps with another subnet"
    ))
}

/// What routers and machines are told about addresses of IPv6.
fn modes(
    values: &Values,
    cidr: IpNet,
    dhcp: bool,
) -> Result<(Option<Ipv6Mode>, Option<Ipv6Mode>), Fault> {
    let ra = values.text("ipv6_ra_mode").and_then(mode);
    let address = values.text("ipv6_address_mode").and_then(mode);
    if ra.is_none() && address.is_none() {
        return Ok((None, None));
    }
    if cidr.addr().is_ipv4() {
        return Err(Fault::invalid_input(
            "ipv6_ra_mode or ipv6_address_mode are for IPv6 only",
        ));
    }
    if !dhcp {
        let message = "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to \
                       False";
        return Err(Fault::invalid_input(message));
    }
    if let (Some(ra), Some(address)) = (ra, address)
        && ra != address
    {
        return Err(Fault::invalid_input(&format!(
            "ipv6_ra_mode set to '{}' with ipv6_address_mode set to '{}' is not valid. If both \
             attributes are set, they must be the same value",
            mode_word(ra),
            mode_word(address)
        )));
    }
    let formed = matches!(
        address.or(ra),
        Some(Ipv6Mode::Slaac | Ipv6Mode::DhcpStateless)
    );
    if formed && cidr.prefix_len() != 64 {
        return Err(Fault::invalid_input(&format!(
            "Invalid CIDR {cidr} for IPv6 address mode. OpenStack uses the EUI-64 address format, \
             which requires the prefix to be /64"
        )));
    }
    Ok((ra, address))
}

/// The first address of a block, for IPv6 that of all its routers.
fn default_gateway(cidr: IpNet) -> Option<IpAddr> {
    match cidr {
        IpNet::V4(block) if block.prefix_len() == 32 => None,
        IpNet::V4(block) => {
            let first = u32::from(block.network()).checked_add(1)?;
            Some(IpAddr::V4(first.into()))
        }
        IpNet::V6(block) => Some(IpAddr::V6(block.network())),
    }
}

/// The router that is given; none if that is null.
fn gateway(values: &Values, cidr: IpNet) -> Result<Option<IpAddr>, Fault> {
    let Some(text) = values.text("gateway_ip") else {
        return Ok(None);
    };
    router(address("gateway_ip", text)?, cidr).map(Some)
}

/// The address, if it can be a router's on the link of a block, inside or outside.
fn router(ip: IpAddr, cidr: IpNet) -> Result<IpAddr, Fault> {
    let subnet = network::Subnet::new(SubnetId(Uuid::nil()), String::new(), cidr, Some(ip));
    match subnet.map_err(|wrong| wrong.problem) {
        Ok(_) => Ok(ip),
        Err(Problem::NotAStation { .. }) => Err(Fault::invalid_input(&format!(
            "Gateway is not valid on subnet: {ip}"
        ))),
        Err(problem) => Err(Fault::invalid_input(&format!("gateway_ip: {problem}"))),
    }
}

/// Refuses a router that machines could be given the address of.
fn outside(gateway: Option<IpAddr>, pools: &[Pool]) -> Result<(), Fault> {
    let Some(gateway) = gateway else {
        return Ok(());
    };
    match pools.iter().find(|pool| pool.contains(gateway)) {
        None => Ok(()),
        Some(pool) => Err(Fault::new(
            StatusCode::CONFLICT,
            "GatewayConflictWithAllocationPools",
            format!("Gateway ip {gateway} conflicts with allocation pool {pool}."),
        )),
    }
}

/// Refuses to leave a router that has the address.
fn keep(rows: &Northbound, subnet: &Subnet, gateway: Option<IpAddr>) -> Result<(), Fault> {
    let Some(gateway) = gateway else {
        return Ok(());
    };
    let key = (subnet.network, gateway.to_string());
    let address = rows.addresses.index().by_address.get(key);
    let port = address.and_then(|address| rows.ports.get(&address.port));
    match port.filter(|port| is_router_interface(port)) {
        None => Ok(()),
        Some(port) => Err(Fault::new(
            StatusCode::CONFLICT,
            "GatewayIpInUse",
            format!(
                "Current gateway ip {gateway} already in use by port {}. Unable to update.",
                port.uuid
            ),
        )),
    }
}

/// A subnet has more of something than DHCP could tell.
fn exhausted(kind: &'static str, what: &str, most: usize) -> Fault {
    let message =
        format!("Unable to complete operation. The number of {what} exceeds the limit {most}.");
    Fault::new(StatusCode::BAD_REQUEST, kind, message)
}

/// The columns that are written as they are given.
fn columns(values: &Values, cidr: IpNet) -> Result<ovsdb::Values<Subnet>, Fault> {
    let mut columns = Subnet::values();
    if let Some(name) = values.text("name") {
        columns = columns.set(Subnet::name, name);
    }
    if let Some(description) = values.text("description") {
        columns = columns.set(Subnet::description, description);
    }
    if values.has("dns_nameservers") {
        let mut servers = BTreeMap::new();
        let given = values.texts("dns_nameservers").unwrap_or_default();
        if given.len() > MAX_NAME_SERVERS {
            let kind = "DNSNameServersExhausted";
            return Err(exhausted(kind, "DNS nameservers", MAX_NAME_SERVERS));
        }
        for (place, text) in (0..).zip(given) {
            servers.insert(place, address("dns_nameservers", text)?.to_string());
        }
        columns = columns.set(Subnet::dns_nameservers, servers);
    }
    if let Some(given) = values.get("host_routes") {
        columns = columns.set(Subnet::host_routes, host_routes(given, cidr)?);
    }
    if let Some(types) = values.texts("service_types") {
        let types: BTreeSet<String> = types.into_iter().map(str::to_owned).collect();
        columns = columns.set(Subnet::service_types, types);
    }
    Ok(columns)
}

/// The routes that machines get, of the version of the subnet.
fn host_routes(given: &Value, cidr: IpNet) -> Result<BTreeSet<String>, Fault> {
    let given = routes::read("host_routes", given)?;
    if given.len() > MAX_HOST_ROUTES {
        return Err(exhausted(
            "HostRoutesExhausted",
            "host routes",
            MAX_HOST_ROUTES,
        ));
    }
    match given
        .iter()
        .find(|(block, _)| block.addr().is_ipv4() != cidr.addr().is_ipv4())
    {
        None => Ok(routes::kept(&given)),
        Some((block, _)) => {
            let reason = format!("'{block}' is of another version of IP than {cidr}");
            Err(Fault::attribute("host_routes", &reason))
        }
    }
}

/// Reads an address.
pub(super) fn address(name: &str, text: &str) -> Result<IpAddr, Fault> {
    text.parse().map_err(|_| {
        let reason = format!("'{}' is not a valid IP address", text.escape_debug());
        Fault::attribute(name, &reason)
    })
}

fn texts(pools: &[Pool]) -> BTreeSet<String> {
    pools.iter().map(ToString::to_string).collect()
}
