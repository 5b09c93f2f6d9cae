//! Rows as Neutron's attributes.

use std::net::IpAddr;

use ovsdb::Uuid;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{Noun, plain};
use crate::northbound::database::plan::Plan;
use crate::northbound::database::tables::{
    Address, Host, HostState, Network, Northbound, Port, Segment, SegmentType, Subnet,
};
use crate::northbound::database::{DOWN_TIME, now};

/// The attributes of one object, in order.
#[derive(Clone, Debug)]
pub(super) struct Fields(pub(super) Vec<(&'static str, Value)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(column, value)| (column, value)))
    }
}

impl Fields {
    /// An attribute as text; empty where there is none.
    pub(super) fn text(&self, name: &str) -> String {
        let found = self.0.iter().find(|(column, _)| *column == name);
        found.map(|(_, value)| plain(value)).unwrap_or_default()
    }

    /// Every attribute as text.
    pub(super) fn texts(&self) -> Vec<String> {
        self.0.iter().map(|(_, value)| plain(value)).collect()
    }

    /// Every attribute with its name.
    pub(super) fn pairs(&self) -> Vec<Vec<String>> {
        let pairs = self.0.iter();
        pairs
            .map(|(column, value)| vec![(*column).to_owned(), plain(value)])
            .collect()
    }

    /// Some of the attributes.
    pub(super) fn only(mut self, columns: &[&str]) -> Self {
        self.0.retain(|(column, _)| columns.contains(column));
        self
    }
}

impl Noun {
    /// What one is called.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Subnet => "subnet",
            Self::Port => "port",
            Self::Host => "host",
        }
    }

    /// The columns of a list.
    pub(super) fn short(self) -> &'static [&'static str] {
        match self {
            Self::Network => &["id", "name", "project_id", "network_type", "subnets"],
            Self::Subnet => &["id", "name", "network_id", "cidr"],
            Self::Port => &["id", "name", "mac_address", "fixed_ips", "status", "host"],
            Self::Host => &["id", "name", "alive", "encap_ip", "nb_cfg"],
        }
    }

    /// Plans the deletion of one with what is part of it.
    pub(super) fn delete(self, plan: &mut Plan, name: &str, id: Uuid) {
        let transaction = &mut plan.transaction;
        match self {
            Self::Network => {
                transaction.delete(Subnet::network.equals(id));
                transaction.delete(Segment::network.equals(id));
                plan.delete::<Network>(self.word(), name, id);
            }
            Self::Subnet => plan.delete::<Subnet>(self.word(), name, id),
            Self::Port => {
                transaction.delete(Address::port.equals(id));
                plan.delete::<Port>(self.word(), name, id);
            }
            Self::Host => {
                transaction.delete(HostState::name.equals(name));
                plan.delete::<Host>(self.word(), name, id);
            }
        }
    }
}

pub(super) fn network(rows: &Northbound, row: &Network) -> Fields {
    let segment = rows.segments.index().by_network.get(row.uuid);
    let subnets = rows.subnets.index().by_network.all(row.uuid);
    let subnets: Vec<_> = subnets.map(|subnet| subnet.uuid).collect();
    let network_type = segment.map(|segment| segment.network_type);
    Fields(vec![
        ("id", json!(row.uuid)),
        ("name", json!(row.name)),
        ("project_id", json!(row.project)),
        (
            "network_type",
            json!(network_type.map_or("local", SegmentType::as_str)),
        ),
        (
            "physical_network",
            json!(segment.and_then(|segment| segment.physical_network.as_ref())),
        ),
        (
            "segmentation_id",
            json!(segment.and_then(|segment| segment.segmentation_id)),
        ),
        ("subnets", json!(subnets)),
        ("mtu", json!(row.mtu)),
        ("admin_state_up", json!(row.admin_state_up)),
        ("shared", json!(row.shared)),
        ("external", json!(row.external)),
        ("port_security_enabled", json!(row.port_security_enabled)),
        ("description", json!(row.description)),
        ("tags", json!(row.tags)),
        ("revision_number", json!(row.revision_number)),
    ])
}

pub(super) fn subnet(row: &Subnet) -> Fields {
    Fields(vec![
        ("id", json!(row.uuid)),
        ("name", json!(row.name)),
        ("project_id", json!(row.project)),
        ("network_id", json!(row.network)),
        ("cidr", json!(row.cidr)),
        ("gateway_ip", json!(row.gateway_ip)),
        ("enable_dhcp", json!(row.enable_dhcp)),
        ("allocation_pools", json!(row.allocation_pools)),
        (
            "dns_nameservers",
            json!(row.dns_nameservers.values().collect::<Vec<_>>()),
        ),
        ("host_routes", json!(row.host_routes)),
        ("description", json!(row.description)),
        ("tags", json!(row.tags)),
        ("revision_number", json!(row.revision_number)),
    ])
}

pub(super) fn port(rows: &Northbound, row: &Port) -> Fields {
    let addresses = rows.addresses.index().by_port.all(row.uuid);
    let mut addresses: Vec<_> = addresses.map(|address| &address.ip_address).collect();
    addresses.sort_by_key(|text| (text.parse::<IpAddr>().ok(), *text));
    Fields(vec![
        ("id", json!(row.uuid)),
        ("name", json!(row.name)),
        ("project_id", json!(row.project)),
        ("network_id", json!(row.network)),
        ("mac_address", json!(row.mac_address)),
        ("fixed_ips", json!(addresses)),
        ("status", json!(row.status.as_str())),
        ("host", json!(row.host)),
        ("migrating_to", json!(row.migrating_to)),
        ("admin_state_up", json!(row.admin_state_up)),
        ("port_security_enabled", json!(row.port_security_enabled)),
        ("security_groups", json!(row.security_groups)),
        ("allowed_address_pairs", json!(row.allowed_address_pairs)),
        ("device_id", json!(row.device_id)),
        ("device_owner", json!(row.device_owner)),
        ("description", json!(row.description)),
        ("tags", json!(row.tags)),
        ("revision_number", json!(row.revision_number)),
    ])
}

pub(super) fn host(rows: &Northbound, row: &Host) -> Fields {
    let state = rows.host_states.index().by_name.get(row.name.as_str());
    let down_time = i64::try_from(DOWN_TIME.as_secs()).unwrap_or(i64::MAX);
    let alive = state.is_some_and(|state| state.alive_at >= now().saturating_sub(down_time));
    let encap_types: Vec<_> = row.encap_types.iter().map(|kind| kind.as_str()).collect();
    Fields(vec![
        ("id", json!(row.uuid)),
        ("name", json!(row.name)),
        ("alive", json!(alive)),
        ("encap_ip", json!(row.encap_ip)),
        ("encap_types", json!(encap_types)),
        ("bridge_mappings", json!(row.bridge_mappings)),
        ("mtu", json!(row.mtu)),
        ("nb_cfg", json!(state.map(|state| state.nb_cfg))),
        ("version", json!(state.map(|state| state.version.as_str()))),
        ("description", json!(row.description)),
    ])
}
