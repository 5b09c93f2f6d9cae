//! `networks`: layer-2 networks and what carries them.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::{Transaction, Uuid};
use serde_json::{Map, Value, json};

use super::attribute::{Attribute, Doing, Given, Kind, Values};
use super::call::Call;
use super::fault::Fault;
use super::list::{Query, View};
use super::new::{random_id, time};
use super::segment::{Carrier, NETWORK_TYPE, PHYSICAL_NETWORK, SEGMENTATION_ID, mtu};
use crate::northbound::database::tables::{Network, Northbound, Segment, SegmentType, Subnet};
use crate::northbound::database::{Database, WriteError, now};

/// How often a change is built anew because somebody else was faster.
const ATTEMPTS: usize = 10;

/// What the database can hold of an MTU.
const MTU: std::ops::RangeInclusive<i64> = 68..=65535;

const fn row(name: &'static str, given: Given, kind: Kind, filter: bool, sort: bool) -> Attribute {
    Attribute {
        name,
        given,
        kind,
        filter,
        sort,
    }
}

/// What a network has; filters and keys as Neutron's.
const ATTRIBUTES: &[Attribute] = &[
    row("id", Given::Never, Kind::Text(36), true, true),
    row("name", Given::Always, Kind::Text(255), true, true),
    row("description", Given::Always, Kind::Text(255), true, false),
    row("admin_state_up", Given::Always, Kind::Boolean, true, true),
    row("status", Given::Never, Kind::Text(255), true, true),
    row("subnets", Given::Never, Kind::Texts, false, false),
    row("shared", Given::Always, Kind::Boolean, true, false),
    row("router:external", Given::Always, Kind::Boolean, true, false),
    row("mtu", Given::Always, Kind::Number, true, true),
    row("tenant_id", Given::Create, Kind::Text(255), true, true),
    row("project_id", Given::Create, Kind::Text(255), true, true),
    row(NETWORK_TYPE, Given::Always, Kind::Text(32), true, false),
    row(PHYSICAL_NETWORK, Given::Always, Kind::Text(64), true, false),
    row(SEGMENTATION_ID, Given::Always, Kind::Number, true, false),
    row("revision_number", Given::Never, Kind::Number, true, false),
    row("created_at", Given::Never, Kind::Text(255), false, false),
    row("updated_at", Given::Never, Kind::Text(255), false, false),
];

/// Answers a request whose path is `networks`, or that and an id.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn answer(
    database: &Database,
    call: &Call,
    id: Option<&str>,
) -> Result<(StatusCode, Option<Value>), Fault> {
    match (call.method.as_str(), id) {
        ("GET", None) => {
            let query = Query::read(call, ATTRIBUTES)?;
            let rows = database.snapshot();
            let views = rows.networks.iter().map(|row| view(&rows, row)).collect();
            let answer = query.answer(call, "networks", views)?;
            Ok((StatusCode::OK, Some(answer)))
        }
        ("GET", Some(id)) => {
            let query = Query::read(call, ATTRIBUTES)?;
            let rows = database.snapshot();
            let network = query.view(view(&rows, find(&rows, id)?));
            Ok((StatusCode::OK, Some(json!({ "network": network }))))
        }
        ("POST", None) => create(database, call).await,
        ("PUT", Some(id)) => {
            let network = update(database, call, id).await?;
            Ok((StatusCode::OK, Some(json!({ "network": network }))))
        }
        ("DELETE", Some(id)) => {
            delete(database, call, id).await?;
            Ok((StatusCode::NO_CONTENT, None))
        }
        _ => Err(Fault::method()),
    }
}

/// Makes one network, or several together.
async fn create(database: &Database, call: &Call) -> Result<(StatusCode, Option<Value>), Fault> {
    let several = call.objects("network", "networks")?;
    let bulk = several.is_some();
    let objects = match several {
        Some(objects) => objects,
        None => vec![call.object("network")?],
    };
    let made = make(database, call, &objects).await?;
    let rows = database.snapshot();
    let mut views = Vec::new();
    for id in &made {
        let network = rows.networks.get(id).ok_or_else(|| gone(&id.to_string()))?;
        views.push(Value::Object(view(&rows, network)));
    }
    let answer = match (bulk, views.pop()) {
        (false, Some(network)) => json!({ "network": network }),
        (_, last) => {
            views.extend(last);
            json!({ "networks": views })
        }
    };
    Ok((StatusCode::CREATED, Some(answer)))
}

/// Applies the making of networks. A number that was free when it was chosen may be taken when it
/// is written: then all is chosen anew.
async fn make(
    database: &Database,
    call: &Call,
    objects: &[Map<String, Value>],
) -> Result<Vec<Uuid>, Fault> {
    let mut taken = None;
    for _ in 0..ATTEMPTS {
        let rows = database.snapshot();
        let mut transaction = Transaction::new();
        let mut made = Vec::new();
        let mut carriers = Vec::new();
        for object in objects {
            let values = Values::read(ATTRIBUTES, object, Doing::Create)?;
            let id = random_id()?;
            transaction.insert_as(id, new(call, &values)?);
            if let Some(carrier) = Carrier::read(&values, &rows)? {
                transaction.insert(carrier.values(id, &rows)?);
                carriers.push(carrier);
            }
            made.push(id);
        }
        match database.transact(transaction).await {
            Ok(_) => return Ok(made),
            Err(WriteError::Taken { .. }) => taken = carriers.first().map(Carrier::in_use),
            Err(other) => return Err(other.into()),
        }
    }
    Err(taken.unwrap_or_else(|| WriteError::Stale.into()))
}

/// The row of a network that is made.
fn new(call: &Call, values: &Values) -> Result<ovsdb::Values<Network>, Fault> {
    let now = now();
    let up = values.boolean("admin_state_up").unwrap_or(true);
    Ok(columns(values)
        .set(Network::project, call.project_of(values)?)
        .set(Network::admin_state_up, up)
        .set(Network::port_security_enabled, true)
        .set(Network::mtu, size(values)?.flatten())
        .set(Network::revision_number, 1)
        .set(Network::created_at, now)
        .set(Network::updated_at, now))
}

async fn update(database: &Database, call: &Call, id: &str) -> Result<Value, Fault> {
    let object = call.object("network")?;
    let values = Values::read(ATTRIBUTES, &object, Doing::Update)?;
    for _ in 0..ATTEMPTS {
        let rows = database.snapshot();
        let network = find(&rows, id)?;
        check_revision(call, network)?;
        stays(&rows, network, &values)?;
        let mut transaction = Transaction::new();
        let revision = &network.revision_number;
        transaction.verify(network.uuid, Network::revision_number, revision);
        let mut network_columns = columns(&values)
            .set(Network::revision_number, revision.saturating_add(1))
            .set(Network::updated_at, now());
        if let Some(up) = values.boolean("admin_state_up") {
            network_columns = network_columns.set(Network::admin_state_up, up);
        }
        if let Some(mtu) = size(&values)? {
            network_columns = network_columns.set(Network::mtu, mtu);
        }
        transaction.update(network.uuid, network_columns);
        match database.transact(transaction).await {
            Ok(_) => {
                let rows = database.snapshot();
                return Ok(Value::Object(view(&rows, find(&rows, id)?)));
            }
            Err(WriteError::Stale) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(WriteError::Stale.into())
}

async fn delete(database: &Database, call: &Call, id: &str) -> Result<(), Fault> {
    let rows = database.snapshot();
    let network = find(&rows, id)?;
    check_revision(call, network)?;
    let uuid = network.uuid;
    let ports = rows.ports.index().by_network.all(uuid);
    let ports: Vec<_> = ports.map(|port| port.uuid.to_string()).collect();
    let in_use = |ports: &[String]| {
        let message = format!(
            "Unable to complete operation on network {id}. There are one or more ports still in \
             use on the network, id for these ports is: {}.",
            ports.join(",")
        );
        Fault::new(StatusCode::CONFLICT, "NetworkInUse", message)
    };
    if !ports.is_empty() {
        return Err(in_use(&ports));
    }
    let mut transaction = Transaction::new();
    if call.if_match.is_some() {
        let revision = &network.revision_number;
        transaction.verify(uuid, Network::revision_number, revision);
    }
    transaction.delete(Subnet::network.equals(uuid));
    transaction.delete(Segment::network.equals(uuid));
    transaction.delete::<Network>(uuid);
    match database.transact(transaction).await {
        Ok(_) => Ok(()),
        // A port came between the look and the deletion.
        Err(WriteError::InUse { .. }) => Err(in_use(&[])),
        Err(other) => Err(other.into()),
    }
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
    columns
}

/// The MTU that is given; `Some(None)` is the one that fits what carries the network.
fn size(values: &Values) -> Result<Option<Option<i64>>, Fault> {
    match values.number("mtu") {
        None => Ok(None),
        Some(0) => Ok(Some(None)),
        Some(mtu) if MTU.contains(&mtu) => Ok(Some(Some(mtu))),
        Some(mtu) => Err(Fault::attribute(
            "mtu",
            &format!(
                "'{mtu}' is not in range {} through {}",
                MTU.start(),
                MTU.end()
            ),
        )),
    }
}

/// Provider attributes may be given again, but not changed.
fn stays(rows: &Northbound, network: &Network, values: &Values) -> Result<(), Fault> {
    let view = view(rows, network);
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

fn check_revision(call: &Call, network: &Network) -> Result<(), Fault> {
    match call.if_match {
        Some(wanted) if wanted != network.revision_number => Err(Fault::new(
            StatusCode::PRECONDITION_FAILED,
            "RevisionNumberConstraintFailed",
            format!(
                "Constrained to {wanted}, but current revision is {}",
                network.revision_number
            ),
        )),
        _ => Ok(()),
    }
}

/// A network by its id; a name is not one, and clients rely on this being told as 404.
fn find<'a>(rows: &'a Northbound, id: &str) -> Result<&'a Arc<Network>, Fault> {
    let uuid: Option<Uuid> = id.parse().ok();
    let network = uuid.and_then(|uuid| rows.networks.get(&uuid));
    network.ok_or_else(|| gone(id))
}

fn gone(id: &str) -> Fault {
    let message = format!("Network {id} could not be found.");
    Fault::new(StatusCode::NOT_FOUND, "NetworkNotFound", message)
}

/// A network as clients see it.
fn view(rows: &Northbound, network: &Network) -> View {
    let segments = rows.segments.index().by_network.all(network.uuid);
    let segment = segments.min_by_key(|segment| segment.uuid);
    let segment = segment.map(Arc::as_ref);
    let subnets = rows.subnets.index().by_network.all(network.uuid);
    let subnets: Vec<_> = subnets.map(|subnet| subnet.uuid.to_string()).collect();
    let network_type = segment.map_or("local", |segment| word(segment.network_type));
    let fields = [
        ("id", json!(network.uuid)),
        ("name", json!(network.name)),
        ("description", json!(network.description)),
        ("admin_state_up", json!(network.admin_state_up)),
        ("status", json!("ACTIVE")),
        ("subnets", json!(subnets)),
        ("shared", json!(network.shared)),
        ("router:external", json!(network.external)),
        ("mtu", json!(network.mtu.unwrap_or_else(|| mtu(segment)))),
        ("tenant_id", json!(network.project)),
        ("project_id", json!(network.project)),
        (NETWORK_TYPE, json!(network_type)),
        (
            PHYSICAL_NETWORK,
            json!(segment.and_then(|row| row.physical_network.clone())),
        ),
        (
            SEGMENTATION_ID,
            json!(segment.and_then(|row| row.segmentation_id)),
        ),
        ("revision_number", json!(network.revision_number)),
        ("created_at", json!(time(network.created_at))),
        ("updated_at", json!(time(network.updated_at))),
    ];
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

fn word(network_type: SegmentType) -> &'static str {
    match network_type {
        SegmentType::Flat => "flat",
        SegmentType::Vlan => "vlan",
        SegmentType::Vxlan => "vxlan",
        SegmentType::Gre => "gre",
        SegmentType::Geneve => "geneve",
    }
}
