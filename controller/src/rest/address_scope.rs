//! `address-scopes`: within one, no two subnet pools have an address in common.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::json;

use super::attribute::{
    Attribute, CREATED_AT, ID, Kind, NAME, PROJECT_ID, REVISION_NUMBER, TENANT_ID, UPDATED_AT,
    Values,
};
use super::fault::Fault;
use super::list::View;
use super::new::random_id;
use super::resource::{Change, Resource, fields, stamped};
use super::sharing::{self, EVERYBODY, Object};
use super::subnet::version;
use crate::northbound::database::tables::{AccessAction, AccessPolicy, AddressScope, Northbound};

/// Address scopes.
#[derive(Debug)]
pub(super) struct AddressScopes;

impl Resource for AddressScopes {
    type Row = AddressScope;

    const NAME: &'static str = "address_scope";
    const COLLECTION: &'static str = "address_scopes";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        NAME,
        Attribute::required("ip_version", Kind::Number)
            .filter()
            .sort(),
        Attribute::set("shared", Kind::Boolean)
            .by_admin()
            .filter()
            .sort(),
        TENANT_ID,
        PROJECT_ID,
        REVISION_NUMBER,
        CREATED_AT,
        UPDATED_AT,
    ];

    fn table(rows: &Northbound) -> &Table<AddressScope> {
        &rows.address_scopes
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Address scope {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "AddressScopeNotFound", message)
    }

    fn project(row: &AddressScope) -> Option<&str> {
        Some(&row.project)
    }

    const SHOWS_SHARED: bool = true;

    fn is_shared(rows: &Northbound, scope: &AddressScope, project: &str) -> bool {
        sharing::is_shared(rows, scope.uuid, scope.shared, project)
    }

    fn view(_rows: &Northbound, scope: &AddressScope) -> View {
        fields([
            ("name", json!(scope.name)),
            ("tenant_id", json!(scope.project)),
            ("project_id", json!(scope.project)),
            ("ip_version", json!(scope.ip_version)),
        ])
    }

    fn insert(change: &mut Change<'_>, values: &Values) -> Result<Uuid, Fault> {
        let id = random_id()?;
        let project = change.call.project_of(values)?;
        let shared = values.boolean("shared").unwrap_or_default();
        if shared {
            let named = AccessPolicy::values().set(AccessPolicy::address_scope, Some(id));
            sharing::add(change, named, AccessAction::Shared, (EVERYBODY, &project))?;
        }
        let columns = AddressScope::values()
            .set(AddressScope::project, project)
            .set(AddressScope::name, values.text("name").unwrap_or_default())
            .set(AddressScope::ip_version, version(values)?)
            .set(AddressScope::shared, shared);
        change.transaction.insert_as(id, stamped(columns));
        Ok(id)
    }

    fn update(
        change: &mut Change<'_>,
        scope: &Arc<AddressScope>,
        values: &Values,
    ) -> Result<ovsdb::Values<AddressScope>, Fault> {
        let mut columns = AddressScope::values();
        if let Some(name) = values.text("name") {
            columns = columns.set(AddressScope::name, name);
        }
        if let Some(shared) = values.boolean("shared") {
            if scope.shared && !shared {
                let message = format!(
                    "Unable to update address scope {}: Shared address scope can't be unshared.",
                    scope.uuid
                );
                return Err(Fault::new(
                    StatusCode::BAD_REQUEST,
                    "AddressScopeUpdateError",
                    message,
                ));
            }
            let object = Object::AddressScope(scope);
            sharing::set_for_all(change, object, AccessAction::Shared, shared)?;
            columns = columns.set(AddressScope::shared, shared);
        }
        Ok(columns)
    }

    fn delete(change: &mut Change<'_>, scope: &Arc<AddressScope>) -> Result<(), Fault> {
        let id = scope.uuid;
        let mut pools = change.rows.subnet_pools.iter();
        if pools.any(|pool| pool.address_scope == Some(id)) {
            let message = format!(
                "Unable to complete operation on address scope {id}. There are one or more subnet \
                 pools in use on the address scope."
            );
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "AddressScopeInUse",
                message,
            ));
        }
        sharing::forget(change, id);
        change.transaction.delete::<AddressScope>(id);
        Ok(())
    }
}
