//! Where the servers listen, and what who connects there may do.
//!
//! `ovsdb-server` enforces it: a client with a role changes rows only where the name in its
//! certificate stands, and of these only some columns. So a host that was broken into can say
//! wrong things of itself and of nobody else.

use ovsdb::{Transaction, Uuid};

use super::GLOBAL;
use super::tables::{Connection, Global, Northbound, RbacPermission, RbacRole};

/// The role of agents.
pub(crate) const AGENT: &str = "agent";

/// What a role may do in a table.
struct Permission {
    table: &'static str,
    authorization: &'static str,
    insert_delete: bool,
    update: &'static [&'static str],
}

/// What an agent writes: of the ports that name its host, and of the host. The end of its tunnels it
/// may choose, but for addresses that another host has claimed: an index sees to that.
const AGENT_MAY: [Permission; 4] = [
    Permission {
        table: "Port",
        authorization: "host",
        insert_delete: false,
        update: &["status", "updated_at", "revision_number"],
    },
    Permission {
        table: "Host",
        authorization: "name",
        insert_delete: true,
        update: &[
            "encap_ip",
            "encap_types",
            "bridge_mappings",
            "updated_at",
            "revision_number",
        ],
    },
    Permission {
        table: "Host_State",
        authorization: "name",
        insert_delete: true,
        update: &[
            "nb_cfg",
            "alive_at",
            "answered",
            "started_at",
            "session",
            "challenger",
            "version",
        ],
    },
    Permission {
        table: "Endpoint",
        authorization: "host",
        insert_delete: true,
        update: &["ip_address"],
    },
];

/// Has the servers listen at a target, for clients of a role or for those who may do everything.
/// The database has to be [prepared](super::Database::prepare).
pub(crate) fn listen(
    transaction: &mut Transaction<Northbound>,
    rows: &Northbound,
    target: &str,
    role: &str,
) {
    put_role(transaction, rows);
    let values = Connection::values().set(Connection::role, role);
    match rows.connections.iter().find(|row| row.target == target) {
        Some(row) => {
            transaction.update(row.uuid, values);
        }
        None => {
            let uuid = Uuid::new_v5(&GLOBAL, target.as_bytes());
            transaction.insert_as(uuid, values.set(Connection::target, target));
            transaction.mutate(GLOBAL, [Global::connections.insert([uuid])]);
        }
    }
}

/// Writes what agents may do, if the database has the role as another version needed it.
pub(crate) fn update_role(transaction: &mut Transaction<Northbound>, rows: &Northbound) {
    let is_same = |may: &Permission| {
        let row = rows.permissions.get(&may.uuid());
        row.is_some_and(|row| {
            row.table == may.table
                && row.insert_delete == may.insert_delete
                && row.authorization.iter().eq([may.authorization])
                && row.update.len() == may.update.len()
                && may.update.iter().all(|column| row.update.contains(*column))
        })
    };
    let role = rows.roles.iter().find(|row| row.name == AGENT);
    let names = |role: &RbacRole, may: &Permission| {
        role.permissions.get(may.table) == Some(&may.uuid()) && is_same(may)
    };
    if role.is_some_and(|role| !AGENT_MAY.iter().all(|may| names(role, may))) {
        put_role(transaction, rows);
    }
}

impl Permission {
    /// The row of the permission.
    fn uuid(&self) -> Uuid {
        Uuid::new_v5(&GLOBAL, format!("{AGENT} {}", self.table).as_bytes())
    }
}

/// Writes what agents may do, as this version of the program needs it.
fn put_role(transaction: &mut Transaction<Northbound>, rows: &Northbound) {
    let mut permissions = Vec::new();
    for may in AGENT_MAY {
        let uuid = may.uuid();
        let update = may.update.iter().map(|column| (*column).to_owned());
        let values = RbacPermission::values()
            .set(RbacPermission::table, may.table)
            .set(
                RbacPermission::authorization,
                [may.authorization.to_owned()],
            )
            .set(RbacPermission::insert_delete, may.insert_delete)
            .set(RbacPermission::update, update.collect::<Vec<_>>());
        match rows.permissions.get(&uuid) {
            Some(row) => {
                transaction.update(row.uuid, values);
            }
            None => transaction.insert_as(uuid, values),
        }
        permissions.push((may.table.to_owned(), uuid));
    }
    let uuid = Uuid::new_v5(&GLOBAL, AGENT.as_bytes());
    let values = RbacRole::values()
        .set(RbacRole::name, AGENT)
        .set(RbacRole::permissions, permissions);
    match rows.roles.get(&uuid) {
        Some(row) => {
            transaction.update(row.uuid, values);
        }
        None => transaction.insert_as(uuid, values),
    }
}
