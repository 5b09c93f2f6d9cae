//! `trunks`: a port, and the ports behind it, each by its VLAN.
//!
//! A sub-port is wherever its parent is. It names that host as its own, so that the agent there may
//! write its status; the database is what keeps a port from being in two trunks.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use ovsdb::Uuid;
use ovsdb::table::Table;
use ovsdb::tables::Declared as _;
use serde_json::{Value, json};

use super::attribute::{
    Attribute, CREATED_AT, DESCRIPTION, ID, Kind, NAME, PROJECT_ID, REVISION_NUMBER, TAGS,
    TENANT_ID, UPDATED_AT, Values,
};
use super::call::Call;
use super::fault::Fault;
use super::list::{Query, View};
use super::mtu::mtu_of;
use super::new::random_id;
use super::port::Ports;
use super::quota;
use super::resource::{
    Answer, Change, Resource, apply, check_revision, fields, find, own, shown, stamped,
};
use super::sub_port::{self, Given, Tag};
use crate::northbound::database::Database;
use crate::northbound::database::tables::{
    Northbound, OWNER_OF_SUB_PORT, Port, SegmentType, Status, SubPort, Trunk,
};

/// Trunks.
#[derive(Debug)]
pub(super) struct Trunks;

impl Resource for Trunks {
    type Row = Trunk;

    const NAME: &'static str = "trunk";
    const COLLECTION: &'static str = "trunks";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        DESCRIPTION,
        Attribute::required("port_id", Kind::Id).filter().sort(),
        Attribute::made("sub_ports", Kind::Json),
        Attribute::set("admin_state_up", Kind::Boolean)
            .filter()
            .sort(),
        Attribute::shown("status", Kind::Text(255)).sort(),
        TENANT_ID,
        PROJECT_ID,
        TAGS,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<Trunk> {
        &rows.trunks
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Trunk {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "TrunkNotFound", message)
    }

    fn project(row: &Trunk) -> Option<&str> {
        Some(&row.project)
    }

    fn view(rows: &Northbound, trunk: &Trunk) -> View {
        fields([
            ("name", json!(trunk.name)),
            ("description", json!(trunk.description)),
            ("tenant_id", json!(trunk.project)),
            ("project_id", json!(trunk.project)),
            ("port_id", json!(trunk.port)),
            ("admin_state_up", json!(trunk.admin_state_up)),
            ("status", json!(status(rows, trunk).as_str())),
            ("sub_ports", sub_ports(rows, trunk)),
            ("tags", json!(trunk.tags)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let project = change.call.project_of(values)?;
        quota::check(change, "trunk", &project)?;
        let none = Value::Array(Vec::new());
        let given = values.get("sub_ports").unwrap_or(&none);
        let given = sub_port::read(given, |reason| Fault::attribute("sub_ports", reason))?;
        let parent = values.id("port_id").unwrap_or_default();
        let parent = own::<Ports>(change.call, change.rows, &parent.to_string())?;
        is_free(change, parent.uuid)?;
        if parent.host.is_some() || parent.router.is_some() {
            return Err(parent_in_use(parent.uuid));
        }
        let id = random_id()?;
        let columns = columns(values)
            .set(Trunk::project, project)
            .set(Trunk::port, parent.uuid)
            .set(Trunk::status, Status::Down)
            .set(
                Trunk::admin_state_up,
                values.boolean("admin_state_up").unwrap_or(true),
            );
        change.transaction.insert_as(id, stamped(columns));
        change
            .taken
            .insert(Trunk::TABLE, parent_in_use(parent.uuid));
        change.touch(&**parent, Port::values());
        join(change, id, parent, &given)?;
        Ok(id)
    }

    fn update(
        _change: &mut Change<'_>,
        _trunk: &Arc<Trunk>,
        values: &Values,
    ) -> Result<ovsdb::Values<Trunk>, Fault> {
        let columns = columns(values);
        Ok(match values.boolean("admin_state_up") {
            Some(up) => columns.set(Trunk::admin_state_up, up),
            None => columns,
        })
    }

    fn delete(change: &mut Change<'_>, trunk: &Arc<Trunk>) -> Result<(), Fault> {
        let (id, rows) = (trunk.uuid, change.rows);
        is_enabled(trunk)?;
        let parent = rows.ports.get(&trunk.port);
        if parent.is_some_and(|parent| parent.host.is_some()) {
            let message = format!("Trunk {id} is currently in use.");
            return Err(Fault::new(StatusCode::CONFLICT, "TrunkInUse", message));
        }
        for row in rows.sub_ports.index().by_trunk.all(id) {
            leave(change, row.port);
        }
        if let Some(parent) = parent {
            change.touch(&**parent, Port::values());
        }
        let transaction = &mut change.transaction;
        transaction.verify(id, Trunk::revision_number, &trunk.revision_number);
        transaction.delete(SubPort::trunk.equals(id));
        transaction.delete::<Trunk>(id);
        Ok(())
    }
}

/// Answers `get_subports`, `add_subports` and `remove_subports`.
///
/// # Errors
///
/// What the client is told instead.
pub(super) async fn answer(
    database: &Database,
    call: &Call,
    id: &str,
    action: &str,
) -> Result<Answer, Fault> {
    let adds = match (action, &call.method) {
        ("get_subports", &Method::GET) => {
            let rows = database.snapshot();
            let trunk = find::<Trunks>(call, &rows, id)?;
            let sub_ports = sub_ports(&rows, trunk);
            return Ok((StatusCode::OK, Some(json!({ "sub_ports": sub_ports }))));
        }
        ("add_subports", &Method::PUT) => true,
        ("remove_subports", &Method::PUT) => false,
        ("get_subports" | "add_subports" | "remove_subports", _) => return Err(Fault::method()),
        _ => return Err(Fault::not_found()),
    };
    let document = call.document()?;
    let given = document.get("sub_ports");
    let given = given.ok_or_else(|| Fault::invalid_input("sub_ports is missing"))?;
    let given = sub_port::read(given, Fault::invalid_input)?;
    apply(database, call, |change| {
        let trunk = Arc::clone(own::<Trunks>(call, change.rows, id)?);
        check_revision::<Trunks>(change, &trunk)?;
        let parent = change.rows.ports.get(&trunk.port);
        let parent = parent.ok_or_else(|| Ports::missing(&trunk.port.to_string()))?;
        is_enabled(&trunk)?;
        match adds {
            true => join(change, trunk.uuid, parent, &given)?,
            false => remove(change, &trunk, &given)?,
        }
        change.touch(&*trunk, Trunk::values());
        change.touch(&**parent, Port::values());
        Ok(())
    })
    .await?;
    let rows = database.snapshot();
    let trunk = shown::<Trunks>(call, &rows, find::<Trunks>(call, &rows, id)?);
    // These come without the name of one around them.
    Ok((StatusCode::OK, Some(Query::default().view(trunk))))
}

/// Refuses to delete a port that is in a trunk.
///
/// # Errors
///
/// It is a parent or a sub-port.
pub(super) fn is_in_none(rows: &Northbound, port: Uuid) -> Result<(), Fault> {
    let refused = |kind, message| Err(Fault::new(StatusCode::CONFLICT, kind, message));
    if let Some(trunk) = rows.trunks.index().by_port.get(port) {
        let trunk = trunk.uuid;
        let message = format!("Port {port} is currently a parent port for trunk {trunk}.");
        return refused("PortInUseAsTrunkParent", message);
    }
    match rows.sub_ports.index().by_port.get(port) {
        Some(row) => Err(behind(port, row.trunk)),
        None => Ok(()),
    }
}

/// The host of a port: that of its parent, if it is behind one.
pub(super) fn host<'a>(rows: &'a Northbound, port: &'a Port) -> Option<&'a str> {
    let own = port.host.as_deref();
    let trunk = rows.sub_ports.index().by_port.get(port.uuid);
    let trunk = trunk.and_then(|row| rows.trunks.get(&row.trunk));
    let parent = trunk.and_then(|trunk| rows.ports.get(&trunk.port));
    parent.map_or(own, |parent| parent.host.as_deref())
}

/// Moves what is behind a port to its new host.
///
/// # Errors
///
/// The port is itself behind another, whose host it has.
pub(super) fn follow(
    change: &mut Change<'_>,
    port: &Port,
    wanted: Option<&str>,
) -> Result<(), Fault> {
    let rows = change.rows;
    if let Some(row) = rows.sub_ports.index().by_port.get(port.uuid) {
        return match host(rows, port) == wanted {
            true => Ok(()),
            false => Err(behind(port.uuid, row.trunk)),
        };
    }
    let Some(trunk) = rows.trunks.index().by_port.get(port.uuid) else {
        return Ok(());
    };
    for row in rows.sub_ports.index().by_trunk.all(trunk.uuid) {
        if let Some(port) = rows.ports.get(&row.port) {
            change.touch(&**port, placed(wanted.map(str::to_owned)));
        }
    }
    Ok(())
}

/// A port on a host; where it was being moved by itself, it is not any more.
fn placed(host: Option<String>) -> ovsdb::Values<Port> {
    Port::values()
        .set(Port::host, host)
        .set(Port::migrating_to, None::<String>)
        .set(Port::migration_profile, "")
}

/// What a parent shows of its trunk.
pub(super) fn details(rows: &Northbound, port: Uuid) -> Option<Value> {
    let trunk = rows.trunks.index().by_port.get(port)?;
    let mut sub_ports = sub_ports(rows, trunk);
    for shown in sub_ports.as_array_mut().into_iter().flatten() {
        let id = shown.get("port_id").and_then(Value::as_str);
        let id = id.and_then(|id| id.parse().ok());
        let port = id.and_then(|id: Uuid| rows.ports.get(&id));
        if let (Some(port), Some(shown)) = (port, shown.as_object_mut()) {
            shown.insert("mac_address".to_owned(), json!(port.mac_address));
        }
    }
    Some(json!({"trunk_id": trunk.uuid, "sub_ports": sub_ports}))
}

/// The ports behind a parent, by their VLANs.
fn sub_ports(rows: &Northbound, trunk: &Trunk) -> Value {
    let mut sub_ports: Vec<_> = rows.sub_ports.index().by_trunk.all(trunk.uuid).collect();
    sub_ports.sort_by_key(|row| row.segmentation_id);
    let shown = sub_ports.into_iter().map(|row| {
        json!({
            "port_id": row.port,
            "segmentation_type": "vlan",
            "segmentation_id": row.segmentation_id,
        })
    });
    shown.collect()
}

/// Whether all of a trunk works that is meant to.
fn status(rows: &Northbound, trunk: &Trunk) -> Status {
    let works = |port: &Uuid| {
        let port = rows.ports.get(port);
        port.is_some_and(|port| port.status == Status::Active || !port.admin_state_up)
    };
    let parent = rows.ports.get(&trunk.port);
    if parent.is_none_or(|parent| parent.status != Status::Active) {
        return Status::Down;
    }
    let mut sub_ports = rows.sub_ports.index().by_trunk.all(trunk.uuid);
    match sub_ports.all(|row| works(&row.port)) {
        true => Status::Active,
        false => Status::Build,
    }
}

/// Puts ports behind a parent.
fn join(
    change: &mut Change<'_>,
    trunk: Uuid,
    parent: &Arc<Port>,
    given: &[Given],
) -> Result<(), Fault> {
    let rows = change.rows;
    let present = rows.sub_ports.index().by_trunk.all(trunk);
    let mut vlans: BTreeSet<i64> = present.map(|row| row.segmentation_id).collect();
    for Given { port, tag } in given {
        if *port == parent.uuid {
            return Err(parent_in_use(*port));
        }
        let vlan = match tag {
            Tag::Vlan(vlan) => Some(*vlan),
            Tag::Inherited => None,
            Tag::Missing => {
                let reason = format!(
                    "Invalid subport details of {port}: segmentation_type and segmentation_id are \
                     required"
                );
                return Err(Fault::invalid_input(&reason));
            }
        };
        let port = own::<Ports>(change.call, rows, &port.to_string())?;
        let id = port.uuid;
        let (mtu, most) = (mtu_of(rows, port.network), mtu_of(rows, parent.network));
        if mtu > most {
            let message = format!(
                "MTU {mtu} of subport {id} cannot be greater than MTU {most} of trunk {}.",
                parent.uuid
            );
            let kind = "SubPortMtuGreaterThanTrunkPortMtu";
            return Err(Fault::new(StatusCode::CONFLICT, kind, message));
        }
        let vlan = match vlan {
            Some(vlan) => vlan,
            None => inherited(rows, port)?,
        };
        is_free(change, id)?;
        if !port.device_id.is_empty() {
            let message = format!(
                "Unable to complete operation on port {id} for network {}. Port already has an \
                 attached device {}.",
                port.network, port.device_id
            );
            return Err(Fault::new(StatusCode::CONFLICT, "PortInUse", message));
        }
        if !vlans.insert(vlan) {
            let message = format!(
                "segmentation_type vlan and segmentation_id {vlan} already in use on trunk {trunk}."
            );
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "DuplicateSubPort",
                message,
            ));
        }
        let row = SubPort::values()
            .set(SubPort::trunk, trunk)
            .set(SubPort::port, id)
            .set(SubPort::segmentation_id, vlan);
        change.transaction.insert(row);
        let columns = placed(parent.host.clone())
            .set(Port::device_id, trunk.to_string())
            .set(Port::device_owner, OWNER_OF_SUB_PORT);
        change.touch(&**port, columns);
    }
    Ok(())
}

/// The VLAN of a port's network.
fn inherited(rows: &Northbound, port: &Port) -> Result<i64, Fault> {
    let mut segments = rows.segments.index().by_network.all(port.network);
    let segment = segments.find(|segment| segment.network_type == SegmentType::Vlan);
    let vlan = segment.and_then(|segment| segment.segmentation_id);
    vlan.ok_or_else(|| {
        let (port, network) = (port.uuid, port.network);
        Fault::invalid_input(&format!(
            "port {port} cannot inherit a VLAN: its network {network} has none"
        ))
    })
}

fn remove(change: &mut Change<'_>, trunk: &Trunk, given: &[Given]) -> Result<(), Fault> {
    let rows = change.rows;
    for Given { port, .. } in given {
        let row = rows.sub_ports.index().by_port.get(*port);
        let Some(row) = row.filter(|row| row.trunk == trunk.uuid) else {
            let message = format!(
                "SubPort on trunk {} with parent port {port} could not be found.",
                trunk.uuid
            );
            return Err(Fault::new(
                StatusCode::NOT_FOUND,
                "SubPortNotFound",
                message,
            ));
        };
        change.transaction.delete::<SubPort>(row.uuid);
        leave(change, *port);
    }
    Ok(())
}

/// A port that was behind another is nowhere.
fn leave(change: &mut Change<'_>, port: Uuid) {
    if let Some(port) = change.rows.ports.get(&port) {
        let columns = placed(None)
            .set(Port::status, Status::Down)
            .set(Port::device_id, "")
            .set(Port::device_owner, "");
        change.touch(&**port, columns);
    }
}

/// Refuses a port that is in a trunk, or gets into one by this change.
fn is_free(change: &Change<'_>, port: Uuid) -> Result<(), Fault> {
    let rows = change.rows;
    if rows.trunks.index().by_port.get(port).is_some() {
        return Err(parent_in_use(port));
    }
    if rows.sub_ports.index().by_port.get(port).is_some() || change.touches(port) {
        let message = format!("Port {port} is in use by another trunk.");
        return Err(Fault::new(StatusCode::CONFLICT, "TrunkPortInUse", message));
    }
    Ok(())
}

fn is_enabled(trunk: &Trunk) -> Result<(), Fault> {
    if trunk.admin_state_up {
        return Ok(());
    }
    let message = format!("Trunk {} is currently disabled.", trunk.uuid);
    Err(Fault::new(StatusCode::CONFLICT, "TrunkDisabled", message))
}

fn behind(port: Uuid, trunk: Uuid) -> Fault {
    let message = format!("Port {port} is currently a subport for trunk {trunk}.");
    Fault::new(StatusCode::CONFLICT, "PortInUseAsSubPort", message)
}

fn parent_in_use(port: Uuid) -> Fault {
    let message =
        format!("Port {port} is currently in use and is not eligible for use as a parent port.");
    Fault::new(StatusCode::CONFLICT, "ParentPortInUse", message)
}

/// The columns that are written as they are given.
fn columns(values: &Values) -> ovsdb::Values<Trunk> {
    let mut columns = Trunk::values();
    if let Some(name) = values.text("name") {
        columns = columns.set(Trunk::name, name);
    }
    if let Some(description) = values.text("description") {
        columns = columns.set(Trunk::description, description);
    }
    columns
}
