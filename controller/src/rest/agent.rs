//! `agents`: the hosts that networks are on, as Neutron shows its agents.

use std::sync::Arc;

use hyper::StatusCode;
use ovsdb::Uuid;
use ovsdb::table::Table;
use serde_json::{Value, json};

use super::attribute::{Attribute, ID, Kind, Values};
use super::availability_zone::zone;
use super::fault::Fault;
use super::list::View;
use super::new::time;
use super::resource::{Change, Resource, fields};
use crate::northbound::database::now;
use crate::northbound::database::tables::{Endpoint, Host, HostState, Northbound};

/// Hosts.
#[derive(Debug)]
pub(super) struct Agents;

impl Resource for Agents {
    type Row = Host;

    const NAME: &'static str = "agent";
    const COLLECTION: &'static str = "agents";
    const ATTRIBUTES: &'static [Attribute] = &[
        ID,
        Attribute::shown("agent_type", Kind::Text(255)).filter(),
        Attribute::shown("binary", Kind::Text(255)).filter(),
        Attribute::shown("topic", Kind::Text(255)).filter(),
        Attribute::shown("host", Kind::Text(255)).filter(),
        Attribute::shown("alive", Kind::Boolean).filter(),
        Attribute::shown("availability_zone", Kind::Text(255)).filter(),
        Attribute::set("admin_state_up", Kind::Boolean).filter(),
        Attribute::set("description", Kind::Nullable(&Kind::Text(255))).filter(),
    ];

    fn table(rows: &Northbound) -> &Table<Host> {
        &rows.hosts
    }

    fn missing(id: &str) -> Fault {
        let message = format!("Agent {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "AgentNotFound", message)
    }

    fn project(_host: &Host) -> Option<&str> {
        None
    }

    fn view(rows: &Northbound, host: &Host) -> View {
        let state = rows.host_states.index().by_name.get(host.name.as_str());
        let bound = rows
            .ports
            .iter()
            .filter(|port| port.host.as_deref() == Some(&host.name));
        let description = Some(&host.description).filter(|text| !text.is_empty());
        let tunnel_types: Vec<_> = host.encap_types.iter().map(|kind| kind.as_str()).collect();
        fields([
            ("agent_type", json!("Open vSwitch agent")),
            ("binary", json!("brint")),
            ("topic", json!("N/A")),
            ("host", json!(host.name)),
            ("alive", json!(rows.is_alive(&host.name))),
            ("admin_state_up", json!(host.admin_state_up)),
            ("availability_zone", json!(zone(host))),
            ("description", json!(description)),
            ("resources_synced", json!(null)),
            ("started_at", moment(state.map(|state| state.started_at))),
            (
                "heartbeat_timestamp",
                // By the clock of the agent, which may be wrong; nobody is heard in the future.
                moment(state.map(|state| state.alive_at.min(now()))),
            ),
            (
                "configurations",
                json!({
                    "bridge_mappings": host.bridge_mappings,
                    "tunneling_ip": host.encap_ip,
                    "tunnel_types": tunnel_types,
                    "integration_bridge": "br-int",
                    "devices": bound.count(),
                    "version": state.map(|state: &Arc<HostState>| state.version.as_str()),
                }),
            ),
        ])
    }

    fn shown(rows: &Northbound, host: &Host) -> View {
        let mut view = Self::view(rows, host);
        view.insert("id".to_owned(), json!(host.uuid));
        view.insert("created_at".to_owned(), moment(Some(host.created_at)));
        view
    }

    fn insert(_change: &mut Change<'_>, _values: &Values) -> Result<Uuid, Fault> {
        // A host is there when its agent says so.
        Err(Fault::not_found())
    }

    fn update(
        _change: &mut Change<'_>,
        _host: &Arc<Host>,
        values: &Values,
    ) -> Result<ovsdb::Values<Host>, Fault> {
        let mut columns = Host::values();
        if let Some(up) = values.boolean("admin_state_up") {
            columns = columns.set(Host::admin_state_up, up);
        }
        if values.has("description") {
            let description = values.text("description").unwrap_or_default();
            columns = columns.set(Host::description, description);
        }
        Ok(columns)
    }

    fn delete(change: &mut Change<'_>, host: &Arc<Host>) -> Result<(), Fault> {
        let states = HostState::name.equals(host.name.as_str());
        change.transaction.delete(states);
        let endpoints = Endpoint::host.equals(host.name.as_str());
        change.transaction.delete(endpoints);
        change.transaction.delete::<Host>(host.uuid);
        Ok(())
    }
}

/// A time as Neutron writes those of agents, `2026-11-22 12:02:04`.
fn moment(seconds: Option<i64>) -> Value {
    let Some(seconds) = seconds else {
        return Value::Null;
    };
    json!(time(seconds).replace('T', " ").trim_end_matches('Z'))
}
