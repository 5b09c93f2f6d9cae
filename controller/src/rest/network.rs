//! `networks`: layer-2 networks and what carries them.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use ovsdb::tables::Declared as _;
use serde_json::json;

use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, NAME, PROJECT_ID, REVISION_NUMBER, TAGS,
    TENANT_ID, UPDATED_AT, Values,
};
use super::availability_zone;
use super::fault::Fault;
use super::floating_ip;
use super::list::View;
use super::mtu::{self, carries, mtu_of};
use super::new::random_id;
use super::quota;
use super::rbac_policy::is_left_by;
use super::resource::{Change, Resource, fields, stamped};
use super::segment::{Carrier, NETWORK_TYPE, PHYSICAL_NETWORK, SEGMENTATION_ID};
use super::sharing::{self, EVERYBODY, Object};
use super::subnet::cidr;
use super::subnet_pool::scope_of;
use crate::northbound::database::identity::note_filled;
use crate::northbound::database::tables::{
    AccessAction, AccessPolicy, Network, Northbound, Segment, SegmentType, Subnet,
};

/// Whether multicast goes only to ports that listen; without it, hosts decide.
const IGMP_SNOOPING: &str = "igmp_snooping";

/// The attributes that are for all projects.
const FOR_ALL: [(&str, AccessAction); 2] = [
    ("shared", AccessAction::Shared),
    ("router:external", AccessAction::External),
];

/// Networks.
#[derive(Debug)]
pub(super) struct Networks;

impl Resource for Networks {
    type Row = Network;

    const NAME: &'static str = "network";
    const COLLECTION: &'static str = "networks";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        DESCRIPTION,
        Attribute::set("admin_state_up", Kind::Boolean)
            .filter()
            .sort(),
        Attribute::shown("status", Kind::Text(255)).filter().sort(),
        Attribute::shown("subnets", Kind::Texts),
        Attribute::set("shared", Kind::Boolean).by_admin().filter(),
        Attribute::set("router:external", Kind::Boolean)
            .by_admin()
            .filter(),
        Attribute::set("is_default", Kind::Boolean)
            .by_admin()
            .filter(),
        Attribute::set("port_security_enabled", Kind::Boolean),
        Attribute::set("mtu", Kind::Number).filter().sort(),
        Attribute::set("dns_domain", Kind::Text(255)),
        // Neutron has it for the whole deployment.
        Attribute::set(IGMP_SNOOPING, Kind::Nullable(&Kind::Boolean)).by_admin(),
        TENANT_ID,
        PROJECT_ID,
        Attribute::set(NETWORK_TYPE, Kind::Text(32))
            .by_admin()
            .for_admin()
            .filter(),
        Attribute::set(PHYSICAL_NETWORK, Kind::Text(64))
            .by_admin()
            .for_admin()
            .filter(),
        Attribute::set(SEGMENTATION_ID, Kind::Number)
            .by_admin()
            .for_admin()
            .filter(),
        Attribute::made("availability_zone_hints", Kind::Texts).sort(),
        Attribute::shown("availability_zones", Kind::Texts),
        Attribute::shown("l2_adjacency", Kind::Boolean),
        TAGS,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<Network> {
        &rows.networks
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Network {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "NetworkNotFound", message)
    }

    fn project(row: &Network) -> Option<&str> {
        Some(&row.project)
    }

    const SHOWS_SHARED: bool = true;

    fn is_shared(rows: &Northbound, network: &Network, project: &str) -> bool {
        sharing::is_shared(rows, network.uuid, network.shared, project)
    }

    fn is_seen(rows: &Northbound, network: &Network, project: &str) -> bool {
        Self::is_shared(rows, network, project) || sharing::leads_outside(rows, network, project)
    }

    fn view(rows: &Northbound, network: &Network) -> View {
        let segment = segment_of(rows, network.uuid);
        let subnets = rows.subnets.index().by_network.all(network.uuid);
        let subnets: Vec<_> = subnets.map(|subnet| subnet.uuid).collect();
        let network_type = segment.map_or("local", |segment| word(segment.network_type));
        let physical_network = segment.and_then(|row| row.physical_network.clone());
        let mut view = fields([
            ("name", json!(network.name)),
            ("description", json!(network.description)),
            ("admin_state_up", json!(network.admin_state_up)),
            ("status", json!("ACTIVE")),
            ("subnets", json!(subnets)),
            ("router:external", json!(network.external)),
            (
                "port_security_enabled",
                json!(network.port_security_enabled),
            ),
            ("mtu", json!(mtu_of(rows, network.uuid))),
            ("dns_domain", json!(network.dns_domain)),
            ("tenant_id", json!(network.project)),
            ("project_id", json!(network.project)),
            (NETWORK_TYPE, json!(network_type)),
            (PHYSICAL_NETWORK, json!(physical_network)),
            (
                SEGMENTATION_ID,
                json!(segment.and_then(|row| row.segmentation_id)),
            ),
            ("ipv4_address_scope", json!(scope_of(rows, network.uuid, 4))),
            ("ipv6_address_scope", json!(scope_of(rows, network.uuid, 6))),
            (
                "availability_zone_hints",
                json!(network.availability_zone_hints),
            ),
            (
                "availability_zones",
                json!(availability_zone::of_network(rows, network.uuid)),
            ),
            // Nothing of these is served; clients look at them all the same.
            ("qos_policy_id", json!(null)),
            ("l2_adjacency", json!(true)),
            ("tags", json!(network.tags)),
        ]);
        // Clients of Neutron know no such attribute, and see it where somebody has set it.
        if let Some(snooping) = network.igmp_snooping {
            view.insert(IGMP_SNOOPING.to_owned(), json!(snooping));
        }
        // Only networks that lead outside can be the default.
        if network.external {
            view.insert("is_default".to_owned(), json!(network.is_default));
        }
        view
    }

    fn add_made(view: &mut View) {
        view.entry("is_default").or_insert_with(|| json!(false));
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let project = change.call.project_of(values)?;
        quota::check(change, "network", &project)?;
        let id = random_id()?;
        let hints = values.texts("availability_zone_hints").unwrap_or_default();
        availability_zone::check(change.rows, &hints)?;
        let hints: BTreeSet<String> = hints.into_iter().map(str::to_owned).collect();
        let up = values.boolean("admin_state_up").unwrap_or(true);
        let secured = values.boolean("port_security_enabled").unwrap_or(true);
        let carrier = Carrier::read(values, change.rows)?;
        let most = match &carrier {
            Some(carrier) => carrier.most(change.rows),
            None => mtu::most(change.rows, None),
        };
        let mtu = mtu::given(values, most)?;
        for (name, action) in FOR_ALL {
            if values.boolean(name) == Some(true) {
                let named = AccessPolicy::values().set(AccessPolicy::network, Some(id));
                sharing::add(change, named, action, (EVERYBODY, &project))?;
            }
        }
        let columns = columns(values)
            .set(Network::project, project)
            .set(Network::availability_zone_hints, hints)
            .set(Network::admin_state_up, up)
            .set(Network::port_security_enabled, secured)
            .set(Network::mtu, mtu.flatten())
            .set(Network::igmp_snooping, values.boolean(IGMP_SNOOPING));
        change.transaction.insert_as(id, stamped(columns));
        note_filled(&mut change.transaction, change.rows);
        if let Some(carrier) = carrier {
            let segment = carrier.values(id, change.rows)?;
            change.taken.insert(Segment::TABLE, carrier.in_use());
            change.transaction.insert(segment);
        }
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        network: &Arc<Network>,
        values: &Values,
    ) -> Result<ovsdb::Values<Network>, Fault> {
        stays(change.rows, network, values)?;
        let mut columns = columns(values);
        if let Some(shared) = values.boolean("shared") {
            let object = Object::Network(network);
            sharing::set_for_all(change, object, AccessAction::Shared, shared)?;
        }
        if let Some(external) = values.boolean("router:external") {
            lead_outside(change, network, external)?;
        }
        if let Some(up) = values.boolean("admin_state_up") {
            columns = columns.set(Network::admin_state_up, up);
        }
        if let Some(secured) = values.boolean("port_security_enabled") {
            columns = columns.set(Network::port_security_enabled, secured);
        }
        if values.has(IGMP_SNOOPING) {
            columns = columns.set(Network::igmp_snooping, values.boolean(IGMP_SNOOPING));
        }
        let most = mtu::most(change.rows, segment_of(change.rows, network.uuid));
        if let Some(mtu) = mtu::given(values, most)? {
            for subnet in change.rows.subnets.index().by_network.all(network.uuid) {
                if let (Some(mtu), Some(cidr)) = (mtu, cidr(subnet)) {
                    carries(network.uuid, mtu, cidr)?;
                }
            }
            columns = columns.set(Network::mtu, mtu);
        }
        Ok(columns)
    }

    fn delete(change: &mut Change<'_>, network: &Arc<Network>) -> Result<(), Fault> {
        let uuid = network.uuid;
        let unused = floating_ip::delete_unused(change, uuid);
        let ports = change.rows.ports.index().by_network.all(uuid);
        let ports = ports.filter(|port| !unused.contains(&port.uuid));
        let ports: Vec<_> = ports.map(|port| port.uuid.to_string()).collect();
        if !ports.is_empty() {
            let message = format!(
                "Unable to complete operation on network {uuid}. There are one or more ports still \
                 in use on the network, id for these ports is: {}.",
                ports.join(",")
            );
            return Err(Fault::new(StatusCode::CONFLICT, "NetworkInUse", message));
        }
        sharing::forget(change, uuid);
        let transaction = &mut change.transaction;
        transaction.delete(Subnet::network.equals(uuid));
        transaction.delete(Segment::network.equals(uuid));
        transaction.delete::<Network>(uuid);
        Ok(())
    }
}

/// Has a network lead outside for all, or for nobody.
fn lead_outside(
    change: &mut Change<'_>,
    network: &Arc<Network>,
    wanted: bool,
) -> Result<(), Fault> {
    let action = AccessAction::External;
    if wanted == network.external {
        return Ok(());
    }
    if wanted {
        return sharing::set_for_all(change, Object::Network(network), action, true);
    }
    if is_left_by(change.rows, network) {
        let message = format!(
            "External network {} cannot be updated to be made non-external, since it has existing              gateway ports.",
            network.uuid
        );
        let kind = "ExternalNetworkInUse";
        return Err(Fault::new(StatusCode::CONFLICT, kind, message));
    }
    for policy in sharing::policies(change.rows, network.uuid, action) {
        change.transaction.delete::<AccessPolicy>(policy.uuid);
    }
    Ok(())
}

/// The columns that are written as they are given.
fn columns(values: &Values) -> ovsdb::Values<Network> {
    let mut columns = Network::values();
    if let Some(name) = values.text("name") {
        columns = columns.set(Network::name, name);
    }
    if let Some(description) = values.text("description") {
        columns = columns.set(Network::description, description);
    }
    if let Some(shared) = values.boolean("shared") {
        columns = columns.set(Network::shared, shared);
    }
    if let Some(external) = values.boolean("router:external") {
        columns = columns.set(Network::external, external);
    }
    if let Some(is_default) = values.boolean("is_default") {
        columns = columns.set(Network::is_default, is_default);
    }
    if let Some(domain) = values.text("dns_domain") {
        columns = columns.set(Network::dns_domain, domain);
    }
    columns
}

/// What carries a network.
pub(super) fn segment_of(rows: &Northbound, network: Uuid) -> Option<&Segment> {
    let segments = rows.segments.index().by_network.all(network);
    segments.min_by_key(|segment| segment.uuid).map(Arc::as_ref)
}

/// Provider attributes may be given again, but not changed.
fn stays(rows: &Northbound, network: &Network, values: &Values) -> Result<(), Fault> {
    let view = Networks::view(rows, network);
    let is = |name: &str| view.get(name).cloned().unwrap_or_default();
    let same = values
        .text(NETWORK_TYPE)
        .is_none_or(|word| is(NETWORK_TYPE) == word)
        && (values.text(PHYSICAL_NETWORK)).is_none_or(|word| is(PHYSICAL_NETWORK) == word)
        && (values.number(SEGMENTATION_ID)).is_none_or(|number| is(SEGMENTATION_ID) == number);
    match same {
        true => Ok(()),
        false => Err(Fault::invalid_input(
            "Plugin does not support updating provider attributes",
        )),
    }
}

pub(super) fn word(network_type: SegmentType) -> &'static str {
    match network_type {
        SegmentType::Flat => "flat",
        SegmentType::Vlan => "vlan",
        SegmentType::Vxlan => "vxlan",
        SegmentType::Gre => "gre",
        SegmentType::Geneve => "geneve",
    }
}
