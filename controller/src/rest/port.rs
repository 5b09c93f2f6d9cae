//! `ports`: a machine's places in networks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use openflow::field::MacAddr;
use ovsdb::Uuid;
use ovsdb::table::Table;
use ovsdb::tables::Declared as _;
use pipelines::network::check_station;
use serde_json::{Value, json};

use super::address::{Fixed, Owner, plan, write};
use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, NAME, PROJECT_ID, REVISION_NUMBER, TENANT_ID,
    UPDATED_AT, Values, plain,
};
use super::binding::{VNIC_TYPES, binding, host, profile, unbind_yet};
use super::call::Call;
use super::fault::Fault;
use super::floating_ip::{self, is_address_port, leave};
use super::identity::Caller;
use super::interface::readdress;
use super::list::View;
use super::log;
use super::network::Networks;
use super::new::{random_id, random_mac};
use super::pair::pairs;
use super::port_forwarding;
use super::quota;
use super::resource::{Change, Resource, fields, find, stamped};
use super::security_group::{SecurityGroups, default_group};
use super::trunk;
use crate::northbound::database::tables::{Address, Network, Northbound, Port, Status};

/// Ports.
#[derive(Debug)]
pub(super) struct Ports;

impl Resource for Ports {
    type Row = Port;

    const NAME: &'static str = "port";
    const COLLECTION: &'static str = "ports";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        DESCRIPTION,
        Attribute::required("network_id", Kind::Id).filter().sort(),
        Attribute::set("admin_state_up", Kind::Boolean)
            .filter()
            .sort(),
        Attribute::shown("status", Kind::Text(255)).filter().sort(),
        Attribute::set("mac_address", Kind::Nullable(&Kind::Text(64)))
            .filter()
            .sort(),
        Attribute::set("fixed_ips", Kind::Json).filter(),
        Attribute::set("device_id", Kind::Text(255)).filter().sort(),
        Attribute::set("device_owner", Kind::Text(255))
            .filter()
            .sort(),
        Attribute::set("security_groups", Kind::Nullable(&Kind::Ids)).filter(),
        Attribute::set("port_security_enabled", Kind::Boolean),
        Attribute::set("allowed_address_pairs", Kind::Json),
        Attribute::set("binding:host_id", Kind::Nullable(&Kind::Text(255)))
            .by_admin()
            .for_admin()
            .filter(),
        Attribute::set("binding:profile", Kind::Json)
            .by_admin()
            .for_admin(),
        Attribute::set("binding:vnic_type", Kind::Word(VNIC_TYPES)),
        Attribute::shown("binding:vif_type", Kind::Text(255)).for_admin(),
        Attribute::shown("binding:vif_details", Kind::Json).for_admin(),
        Attribute::set("extra_dhcp_opts", Kind::Json),
        Attribute::set("dns_name", Kind::Text(255)),
        Attribute::set("dns_domain", Kind::Text(255)),
        Attribute::shown("dns_assignment", Kind::Json),
        Attribute::shown("ip_allocation", Kind::Text(255))
            .filter()
            .sort(),
        TENANT_ID,
        PROJECT_ID,
        Attribute::made("tags", Kind::Texts).filter(),
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<Port> {
        &rows.ports
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Port {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "PortNotFound", message)
    }

    fn project(row: &Port) -> Option<&str> {
        Some(&row.project)
    }

    fn landlord<'a>(rows: &'a Northbound, port: &Port) -> Option<&'a str> {
        let network = rows.networks.get(&port.network)?;
        Some(&network.project)
    }

    fn view(rows: &Northbound, port: &Port) -> View {
        let fixed = present(rows, port.uuid).1;
        let fixed_ips = fixed
            .iter()
            .map(|(subnet, ip)| json!({"subnet_id": subnet, "ip_address": ip}));
        let names = fixed.iter().map(|(_, ip)| assignment(&port.dns_name, *ip));
        let profile: Value =
            serde_json::from_str(&port.binding_profile).unwrap_or_else(|_| json!({}));
        let (vif_type, vif_details) = binding(rows, port);
        let pairs = port
            .allowed_address_pairs
            .iter()
            .map(|pair| match pair.split_once(' ') {
                Some((ip, mac)) => json!({"ip_address": ip, "mac_address": mac}),
                None => json!({"ip_address": pair, "mac_address": port.mac_address}),
            });
        let mut view = fields([
            ("name", json!(port.name)),
            ("description", json!(port.description)),
            ("tenant_id", json!(port.project)),
            ("project_id", json!(port.project)),
            ("network_id", json!(port.network)),
            ("admin_state_up", json!(port.admin_state_up)),
            ("status", json!(status(port).as_str())),
            ("mac_address", json!(port.mac_address)),
            ("fixed_ips", fixed_ips.collect()),
            ("device_id", json!(port.device_id)),
            ("device_owner", json!(port.device_owner)),
            ("security_groups", json!(port.security_groups)),
            ("port_security_enabled", json!(port.port_security_enabled)),
            ("allowed_address_pairs", pairs.collect()),
            (
                "binding:host_id",
                json!(trunk::host(rows, port).unwrap_or_default()),
            ),
            ("binding:profile", profile),
            ("binding:vnic_type", json!(port.vnic_type)),
            ("binding:vif_type", json!(vif_type)),
            ("binding:vif_details", vif_details),
            ("extra_dhcp_opts", options(port)),
            ("dns_name", json!(port.dns_name)),
            ("dns_domain", json!(port.dns_domain)),
            ("dns_assignment", names.collect()),
            ("ip_allocation", json!("immediate")),
            // Nothing of these is served; clients look at them all the same.
            ("qos_policy_id", json!(null)),
            ("qos_network_policy_id", json!(null)),
            ("data_plane_status", json!(null)),
            ("propagate_uplink_status", json!(true)),
            ("resource_request", json!(null)),
            ("tags", json!(port.tags)),
        ]);
        if let Some(details) = trunk::details(rows, port.uuid) {
            view.insert("trunk_details".to_owned(), details);
        }
        view
    }

    fn add_made(view: &mut View) {
        unbind_yet(view);
    }

    fn add_changed(view: &mut View) {
        unbind_yet(view);
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let network = values.id("network_id").unwrap_or_default();
        let network = find::<Networks>(change.call, change.rows, &network.to_string())?;
        let caller = &change.call.caller;
        let is_shared = Networks::is_shared(change.rows, network, &caller.project);
        if !caller.is_admin && network.project != caller.project && !is_shared {
            return Err(Fault::forbidden("create_port"));
        }
        permitted("create_port", caller, network, values)?;
        let project = change.call.project_of(values)?;
        quota::check(change, "port", &project)?;
        let device_owner = values.text("device_owner").unwrap_or_default();
        let mac_address = mac(change, network.uuid, values, None)?;
        let owner = Owner {
            network: network.uuid,
            mac_address: &mac_address,
            device_owner,
        };
        let fixed = plan(change, owner, values.get("fixed_ips"), &[])?;
        let trusted = device_owner.starts_with("network:");
        let secured = values.boolean("port_security_enabled");
        let secured = secured.unwrap_or(network.port_security_enabled && !trusted);
        let groups = match groups(change.call, change.rows, values)? {
            Some(groups) => groups,
            None if secured && !trusted => BTreeSet::from([default_group(change, &project)?]),
            None => BTreeSet::new(),
        };
        let pairs = pairs(values)?.unwrap_or_default();
        protected(secured, &groups, &pairs)?;
        let tags = values.texts("tags").unwrap_or_default();
        let tags: BTreeSet<String> = tags.into_iter().map(str::to_owned).collect();
        let (options4, options6) = changed_options(values, BTreeMap::new(), BTreeMap::new())?;
        let id = random_id()?;
        let columns = columns(values)?
            .set(Port::network, network.uuid)
            .set(Port::project, project)
            .set(Port::mac_address, mac_address.as_str())
            .set(
                Port::admin_state_up,
                values.boolean("admin_state_up").unwrap_or(true),
            )
            .set(Port::status, Status::Down)
            .set(
                Port::vnic_type,
                values.text("binding:vnic_type").unwrap_or("normal"),
            )
            .set(Port::port_security_enabled, secured)
            .set(Port::security_groups, groups)
            .set(Port::allowed_address_pairs, pairs)
            .set(Port::extra_dhcpv4_options, options4)
            .set(Port::extra_dhcpv6_options, options6)
            .set(Port::tags, tags);
        change.transaction.insert_as(id, stamped(columns));
        write(change, network.uuid, id, &[], &fixed);
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        port: &Arc<Port>,
        values: &Values,
    ) -> Result<ovsdb::Values<Port>, Fault> {
        if let Some(network) = change.rows.networks.get(&port.network) {
            permitted("update_port", &change.call.caller, network, values)?;
        }
        is_whose_it_was(change.rows, port, values)?;
        let mut columns = columns(values)?;
        let mac_address = mac(change, port.network, values, Some(port))?;
        if mac_address != port.mac_address {
            columns = columns.set(Port::mac_address, mac_address.as_str());
        }
        if values.has("fixed_ips") || mac_address != port.mac_address {
            let owner = Owner {
                network: port.network,
                mac_address: &mac_address,
                device_owner: values.text("device_owner").unwrap_or(&port.device_owner),
            };
            let (rows, present) = present(change.rows, port.uuid);
            let kept = kept(change.rows, &present);
            let wanted = values.get("fixed_ips").unwrap_or(&kept);
            let fixed = plan(change, owner, Some(wanted), &present)?;
            write(change, port.network, port.uuid, &rows, &fixed);
            readdress(change.rows, port, &fixed)?;
            let kept: Vec<_> = fixed.iter().map(|(_, ip)| *ip).collect();
            floating_ip::check_kept(change.rows, port, &kept)?;
            port_forwarding::leave(change, port.uuid, &kept);
        }
        if values.has("binding:host_id") {
            let host = host(values);
            trunk::follow(change, port, host)?;
            if host != port.host.as_deref() {
                // Where it was going to, it is, or it is not going any more.
                columns = columns
                    .set(Port::status, Status::Down)
                    .set(Port::migrating_to, None::<String>)
                    .set(Port::migration_profile, "");
            }
        }
        let secured = values.boolean("port_security_enabled");
        let groups = groups(change.call, change.rows, values)?;
        let pairs = pairs(values)?;
        if secured == Some(false) && groups.is_none() && !port.security_groups.is_empty() {
            let message = "Port has security group associated. Cannot disable port security or ip \
                           address until security group is removed.";
            let kind = "PortSecurityPortHasSecurityGroup";
            return Err(Fault::new(StatusCode::CONFLICT, kind, message));
        }
        protected(
            secured.unwrap_or(port.port_security_enabled),
            groups.as_ref().unwrap_or(&port.security_groups),
            pairs.as_ref().unwrap_or(&port.allowed_address_pairs),
        )?;
        if let Some(secured) = secured {
            columns = columns.set(Port::port_security_enabled, secured);
        }
        if let Some(groups) = groups {
            columns = columns.set(Port::security_groups, groups);
        }
        if let Some(pairs) = pairs {
            columns = columns.set(Port::allowed_address_pairs, pairs);
        }
        if let Some(up) = values.boolean("admin_state_up") {
            columns = columns.set(Port::admin_state_up, up);
        }
        if let Some(vnic_type) = values.text("binding:vnic_type") {
            columns = columns.set(Port::vnic_type, vnic_type);
        }
        if values.has("extra_dhcp_opts") {
            let old = (&port.extra_dhcpv4_options, &port.extra_dhcpv6_options);
            let (options4, options6) = changed_options(values, old.0.clone(), old.1.clone())?;
            columns = columns
                .set(Port::extra_dhcpv4_options, options4)
                .set(Port::extra_dhcpv6_options, options6);
        }
        Ok(columns)
    }

    fn delete(change: &mut Change<'_>, port: &Arc<Port>) -> Result<(), Fault> {
        let id = port.uuid;
        if port.router.is_some() || is_address_port(change.rows, port) {
            return Err(service_port(port, "deleted"));
        }
        trunk::is_in_none(change.rows, id)?;
        leave(change, id);
        log::forget(change, id);
        port_forwarding::leave(change, id, &[]);
        change.transaction.delete(Address::port.equals(id));
        change.transaction.delete::<Port>(id);
        Ok(())
    }
}

/// Refuses that a port of a router or floating IP becomes another's.
fn is_whose_it_was(rows: &Northbound, port: &Port, values: &Values) -> Result<(), Fault> {
    if port.router.is_none() && !is_address_port(rows, port) {
        return Ok(());
    }
    let is_same = |name, own: &str| values.text(name).is_none_or(|new| new == own);
    match is_same("device_id", &port.device_id) && is_same("device_owner", &port.device_owner) {
        true => Ok(()),
        false => Err(service_port(port, "changed")),
    }
}

/// The fault where a port is left to whom it belongs.
fn service_port(port: &Port, what: &str) -> Fault {
    let message = format!(
        "Port {} cannot be {what} directly via the port API: has device owner {}.",
        port.uuid, port.device_owner
    );
    Fault::new(StatusCode::CONFLICT, "ServicePortInUse", message)
}

/// Refuses what only the owner of a network may ask of its ports.
fn permitted(what: &str, caller: &Caller, network: &Network, values: &Values) -> Result<(), Fault> {
    if caller.is_admin || network.project == caller.project {
        return Ok(());
    }
    let addressed = |given: &Value| {
        let given = given.as_array();
        given.is_some_and(|given| given.iter().any(|item| item.get("ip_address").is_some()))
    };
    let asked = [
        ("mac_address", values.text("mac_address").is_some()),
        (
            "fixed_ips:ip_address",
            values.get("fixed_ips").is_some_and(addressed),
        ),
        ("port_security_enabled", values.has("port_security_enabled")),
        ("allowed_address_pairs", values.has("allowed_address_pairs")),
        (
            "device_owner",
            values
                .text("device_owner")
                .is_some_and(|owner| owner.starts_with("network:")),
        ),
    ];
    match asked.iter().find(|(_, asked)| *asked) {
        None => Ok(()),
        Some((name, _)) => Err(Fault::forbidden(&format!("{what}:{name}"))),
    }
}

/// The addresses of a port, those of IPv4 first.
fn present(rows: &Northbound, port: Uuid) -> (Vec<&Arc<Address>>, Vec<Fixed>) {
    let addresses: Vec<_> = rows.addresses.index().by_port.all(port).collect();
    let read = |row: &&Arc<Address>| Some((row.subnet, row.ip_address.parse::<IpAddr>().ok()?));
    let mut fixed: Vec<Fixed> = addresses.iter().filter_map(read).collect();
    fixed.sort_by_key(|(_, ip)| *ip);
    (addresses, fixed)
}

/// The addresses of a port that stay with a new MAC address, as a request would say it.
fn kept(rows: &Northbound, present: &[Fixed]) -> Value {
    let formed = |id: &Uuid| {
        rows.subnets
            .get(id)
            .is_some_and(|row| super::subnet::is_formed(row))
    };
    let kept = present.iter().filter(|(subnet, _)| !formed(subnet));
    kept.map(|(subnet, ip)| json!({"subnet_id": subnet, "ip_address": ip}))
        .collect()
}

/// The name of an address in the DNS.
fn assignment(name: &str, ip: IpAddr) -> Value {
    let hostname = match name {
        "" => format!("host-{}", ip.to_string().replace([':', '.'], "-")),
        name => name.to_owned(),
    };
    json!({"ip_address": ip, "fqdn": format!("{hostname}.openstacklocal."), "hostname": hostname})
}

/// The MAC address that is given, that there is, or a new one.
fn mac(
    change: &mut Change<'_>,
    network: Uuid,
    values: &Values,
    port: Option<&Port>,
) -> Result<String, Fault> {
    let is_free = |mac: &str| {
        let mut ports = change.rows.ports.index().by_network.all(network);
        !ports.any(|other| {
            other.mac_address == mac && port.is_none_or(|port| port.uuid != other.uuid)
        })
    };
    let given = match (values.text("mac_address"), port) {
        (Some(text), _) => text,
        // Who says that there is none wants another.
        (None, Some(_)) if values.has("mac_address") => return random_mac(),
        (None, Some(port)) => return Ok(port.mac_address.clone()),
        (None, None) => return random_mac(),
    };
    let mac: Option<MacAddr> = given.replace('-', ":").parse().ok();
    let mac = mac.filter(|mac| check_station(*mac).is_ok());
    let mac = mac.ok_or_else(|| {
        let reason = format!("'{}' is not a valid MAC address", given.escape_debug());
        Fault::attribute("mac_address", &reason)
    })?;
    let mac = mac.to_string();
    let message = format!(
        "Unable to complete operation for network {network}. The mac address {mac} is in use."
    );
    let fault = Fault::new(StatusCode::CONFLICT, "MacAddressInUse", message);
    if !is_free(&mac) {
        return Err(fault);
    }
    change.taken.insert(Port::TABLE, fault);
    Ok(mac)
}

/// The groups that are given, all of which there are.
fn groups(
    call: &Call,
    rows: &Northbound,
    values: &Values,
) -> Result<Option<BTreeSet<Uuid>>, Fault> {
    if !values.has("security_groups") {
        return Ok(None);
    }
    let given = values.texts("security_groups").unwrap_or_default();
    let (mut groups, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for text in given {
        let group = find::<SecurityGroups>(call, rows, text)?;
        kinds.insert(group.stateful);
        groups.insert(group.uuid);
    }
    if kinds.len() > 1 {
        let message = "Error Cannot apply both stateful and stateless security groups on the same \
                       port at the same time while attempting the operation.";
        let kind = "SecurityGroupConflict";
        return Err(Fault::new(StatusCode::CONFLICT, kind, message));
    }
    Ok(Some(groups))
}

/// Groups and pairs are for ports whose packets are looked at.
fn protected(
    secured: bool,
    groups: &BTreeSet<Uuid>,
    pairs: &BTreeSet<String>,
) -> Result<(), Fault> {
    if secured {
        return Ok(());
    }
    if !groups.is_empty() {
        let message = "Port security must be enabled and port must have an IP address in order to \
                       use security groups.";
        let kind = "PortSecurityAndIPRequiredForSecurityGroups";
        return Err(Fault::new(StatusCode::BAD_REQUEST, kind, message));
    }
    if !pairs.is_empty() {
        let message = "Port Security must be enabled in order to have allowed address pairs on a \
                       port.";
        let kind = "AddressPairAndPortSecurityRequired";
        return Err(Fault::new(StatusCode::CONFLICT, kind, message));
    }
    Ok(())
}

/// The columns that are written as they are given.
fn columns(values: &Values) -> Result<ovsdb::Values<Port>, Fault> {
    let mut columns = Port::values();
    if let Some(name) = values.text("name") {
        columns = columns.set(Port::name, name);
    }
    if let Some(description) = values.text("description") {
        columns = columns.set(Port::description, description);
    }
    if let Some(device_id) = values.text("device_id") {
        columns = columns.set(Port::device_id, device_id);
    }
    if let Some(device_owner) = values.text("device_owner") {
        columns = columns.set(Port::device_owner, device_owner);
    }
    if values.has("binding:host_id") {
        columns = columns
            .set(Port::host, host(values).map(str::to_owned))
            .set(Port::claimed, false);
    }
    if let Some(given) = values.get("binding:profile") {
        columns = columns.set(Port::binding_profile, profile(given)?);
    }
    if let Some(name) = values.text("dns_name") {
        columns = columns.set(Port::dns_name, name.to_lowercase());
    }
    if let Some(domain) = values.text("dns_domain") {
        columns = columns.set(Port::dns_domain, domain.to_lowercase());
    }
    Ok(columns)
}

/// Whether a port works: one of a router is plugged in nowhere, and every host answers for it.
fn status(port: &Port) -> Status {
    match port.router {
        Some(_) if port.admin_state_up => Status::Active,
        _ => port.status,
    }
}

/// The DHCP options of a port.
fn options(port: &Port) -> Value {
    let row = |version: u8, name: &String, value: &String| json!({"opt_name": name, "opt_value": value, "ip_version": version});
    let v4 = port
        .extra_dhcpv4_options
        .iter()
        .map(|(name, value)| row(4, name, value));
    let v6 = port
        .extra_dhcpv6_options
        .iter()
        .map(|(name, value)| row(6, name, value));
    v4.chain(v6).collect()
}

/// Options by their names.
type Options = BTreeMap<String, String>;

/// Reads options: `[{"opt_name": NAME, "opt_value": VALUE, "ip_version": 4}]`. Without a value an
/// option goes.
fn changed_options(
    values: &Values,
    mut v4: Options,
    mut v6: Options,
) -> Result<(Options, Options), Fault> {
    let problem = |reason: String| Fault::attribute("extra_dhcp_opts", &reason);
    let list = match values.get("extra_dhcp_opts") {
        None | Some(Value::Null) => return Ok((v4, v6)),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(problem(format!("'{}' is not a list", plain(other)))),
    };
    for option in list {
        let known = option.as_object().is_some_and(|option| {
            let names = ["opt_name", "opt_value", "ip_version"];
            option.keys().all(|name| names.contains(&name.as_str()))
        });
        let line = |value: &Value| {
            let text = value.as_str().filter(|text| !text.trim().is_empty());
            text.filter(|text| !text.contains(['\n', '\0']))
                .map(str::to_owned)
        };
        let name = option
            .get("opt_name")
            .and_then(line)
            .filter(|name| name.len() <= 64);
        let (Some(name), true) = (name, known) else {
            return Err(problem(format!("'{}' is no option", plain(option))));
        };
        let options = match option.get("ip_version") {
            None => &mut v4,
            Some(version) if version == 4 || version == "4" => &mut v4,
            Some(version) if version == 6 || version == "6" => &mut v6,
            Some(other) => return Err(problem(format!("'{}' is not in [4, 6]", plain(other)))),
        };
        match option.get("opt_value") {
            None => return Err(problem(format!("'{}' has no opt_value", plain(option)))),
            Some(Value::Null) => {
                options.remove(&name);
            }
            Some(value) => {
                let value = line(value).filter(|value| value.chars().count() <= 255);
                let invalid = || problem(format!("'{}' is no value of an option", plain(option)));
                options.insert(name, value.ok_or_else(invalid)?);
            }
        }
    }
    Ok((v4, v6))
}
