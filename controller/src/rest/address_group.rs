//! `address-groups`: blocks that rules name together.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use ipnet::IpNet;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::{Value, json};

use super::attribute::{Attribute, ID, Kind, NAME, PROJECT_ID, TENANT_ID, Values, plain};
use super::call::Call;
use super::fault::Fault;
use super::list::View;
use super::new::random_id;
use super::resource::{
    Answer, Change, Resource, add_history, apply, check_revision, fields, find, own, shown, stamped,
};
use super::sharing;
use crate::northbound::database::Database;
use crate::northbound::database::tables::{AddressGroup, Northbound};

/// Address groups.
#[derive(Debug)]
pub(super) struct AddressGroups;

impl Resource for AddressGroups {
    type Row = AddressGroup;

    const NAME: &'static str = "address_group";
    const COLLECTION: &'static str = "address_groups";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        Attribute::set("description", Kind::Text(1024))
            .filter()
            .sort(),
        Attribute::made("addresses", Kind::Json),
        TENANT_ID,
        PROJECT_ID,
    ];

    fn table(rows: &Northbound) -> &Table<AddressGroup> {
        &rows.address_groups
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Address group {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "AddressGroupNotFound", message)
    }

    fn project(row: &AddressGroup) -> Option<&str> {
        Some(&row.project)
    }

    const IS_HIDDEN_FROM_GUESTS: bool = true;

    fn is_shared(rows: &Northbound, group: &AddressGroup, project: &str) -> bool {
        sharing::is_shared(rows, group.uuid, group.shared, project)
    }

    fn view(_rows: &Northbound, group: &AddressGroup) -> View {
        fields([
            ("name", json!(group.name)),
            ("description", json!(group.description)),
            ("tenant_id", json!(group.project)),
            ("project_id", json!(group.project)),
            ("addresses", json!(group.addresses)),
        ])
    }

    fn shown(rows: &Northbound, group: &AddressGroup) -> View {
        // Neutron shows no history of these.
        let mut view = Self::view(rows, group);
        view.insert("id".to_owned(), json!(group.uuid));
        view
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let given = values.get("addresses");
        let given = given.map(|given| addresses(given, no_block)).transpose()?;
        let id = random_id()?;
        let columns = columns(values)
            .set(AddressGroup::project, change.call.project_of(values)?)
            .set(AddressGroup::addresses, given.unwrap_or_default());
        change.transaction.insert_as(id, stamped(columns));
        Ok(id)
    }

    fn update(
        _change: &mut Change<'_>,
        _group: &Arc<AddressGroup>,
        values: &Values,
    ) -> Result<ovsdb::Values<AddressGroup>, Fault> {
        Ok(columns(values))
    }

    fn delete(change: &mut Change<'_>, group: &Arc<AddressGroup>) -> Result<(), Fault> {
        let id = group.uuid;
        let mut rules = change.rows.security_group_rules.iter();
        if rules.any(|rule| rule.remote_address_group == Some(id)) {
            let message =
                format!("Address group {id} is in use on one or more security group rules.");
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "AddressGroupInUse",
                message,
            ));
        }
        sharing::forget(change, id);
        change.transaction.delete::<AddressGroup>(id);
        Ok(())
    }
}

/// Answers `add_addresses` and `remove_addresses`: blocks that come or go, the others stay.
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
    let adds = match action {
        "add_addresses" => true,
        "remove_addresses" => false,
        _ => return Err(Fault::not_found()),
    };
    if call.method != hyper::Method::PUT {
        return Err(Fault::method());
    }
    let document = call.document()?;
    let given = document.get("addresses").unwrap_or(&Value::Null);
    let given = addresses(given, |host| Ok(IpNet::from(host)))?;
    apply(database, call, |change| {
        let group = Arc::clone(own::<AddressGroups>(call, change.rows, id)?);
        check_revision::<AddressGroups>(change, &group)?;
        let present = &group.addresses;
        let missing: Vec<_> = given.difference(present).cloned().collect();
        if !adds && !missing.is_empty() {
            let missing = missing.join(", ");
            let message = format!("Address group {id} does not have {missing}.");
            return Err(Fault::new(
                StatusCode::NOT_FOUND,
                "AddressesNotFound",
                message,
            ));
        }
        let wanted: BTreeSet<String> = match adds {
            true => present.union(&given).cloned().collect(),
            false => present.difference(&given).cloned().collect(),
        };
        change.touch(
            &*group,
            AddressGroup::values().set(AddressGroup::addresses, wanted),
        );
        Ok(())
    })
    .await?;
    let rows = database.snapshot();
    let group = find::<AddressGroups>(call, &rows, id)?;
    // Only here Neutron tells their history, and whether they are shared.
    let mut view = shown::<AddressGroups>(call, &rows, group);
    let shared = AddressGroups::is_shared(&rows, group, &call.caller.project);
    view.insert("shared".to_owned(), json!(shared));
    add_history(&mut view, &**group);
    Ok((StatusCode::OK, Some(json!({ "address_group": view }))))
}

/// Where a group is made, an address is no block; where it is changed, it is one of its own.
fn no_block(host: IpAddr) -> Result<IpNet, Fault> {
    let block = IpNet::from(host);
    let reason = format!("'{host}' is not a valid IP subnet, '{block}' is");
    Err(Fault::attribute("addresses", &reason))
}

/// Reads blocks, and addresses as what they are taken for.
fn addresses(
    given: &Value,
    of_host: impl Fn(IpAddr) -> Result<IpNet, Fault>,
) -> Result<BTreeSet<String>, Fault> {
    let problem = |reason: String| Fault::attribute("addresses", &reason);
    let list = given.as_array();
    let list = list.ok_or_else(|| problem(format!("'{}' is not a list", plain(given))))?;
    let mut blocks = BTreeSet::new();
    for item in list {
        let text = item.as_str().unwrap_or_default();
        let host = text.parse::<IpAddr>().ok();
        let block = match host.map(&of_host).transpose()? {
            Some(block) => Some(block),
            None => text.parse().ok(),
        };
        let invalid = || problem(format!("'{}' is not a valid IP subnet", plain(item)));
        if !blocks.insert(block.ok_or_else(invalid)?.trunc().to_string()) {
            return Err(problem(format!(
                "Duplicate items in the list: '{}'",
                plain(item)
            )));
        }
    }
    Ok(blocks)
}

/// The columns that are written as they are given.
fn columns(values: &Values) -> ovsdb::Values<AddressGroup> {
    let mut columns = AddressGroup::values();
    if let Some(name) = values.text("name") {
        columns = columns.set(AddressGroup::name, name);
    }
    if let Some(description) = values.text("description") {
        columns = columns.set(AddressGroup::description, description);
    }
    columns
}
