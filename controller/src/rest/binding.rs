//! `binding:*` of ports: on which host a port is, and how it is plugged in there.

use serde_json::{Value, json};

use super::attribute::{Values, plain};
use super::fault::Fault;
use super::list::View;
use super::trunk;
use crate::northbound::database::tables::{Northbound, Port};

/// What `binding:vnic_type` may be.
pub(super) const VNIC_TYPES: &[&str] = &[
    "normal",
    "direct",
    "macvtap",
    "baremetal",
    "direct-physical",
    "virtio-forwarder",
    "smart-nic",
    "vdpa",
    "accelerator-direct",
    "accelerator-direct-physical",
    "remote-managed",
];

/// The longest `binding:profile`, in bytes; Neutron's.
const LONGEST_PROFILE: usize = 4095;

/// Neutron's `binding:vif_type` and `binding:vif_details`.
pub(super) fn binding(rows: &Northbound, port: &Port) -> (&'static str, Value) {
    plugged(rows, trunk::host(rows, port))
}

/// How a port is plugged in on a host.
pub(super) fn plugged(rows: &Northbound, host: Option<&str>) -> (&'static str, Value) {
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        return ("unbound", json!({}));
    };
    if rows.hosts.index().by_name.get(host).is_none() {
        return ("binding_failed", json!({}));
    }
    let details = json!({
        "connectivity": "l2",
        "port_filter": true,
        "ovs_hybrid_plug": false,
        "datapath_type": "system",
        "bridge_name": "br-int",
        "bound_drivers": {"0": "openvswitch"},
    });
    ("ovs", details)
}

/// Leaves out what Neutron says only later: it binds a port after the answer to who changes it.
pub(super) fn unbind_yet(view: &mut View) {
    let details = view.get_mut("binding:vif_details");
    if let Some(details) = details.and_then(Value::as_object_mut) {
        details.remove("bound_drivers");
    }
}

/// The host that is given; empty is none.
pub(super) fn host(values: &Values) -> Option<&str> {
    let host = values.text("binding:host_id");
    host.filter(|host| !host.is_empty())
}

/// Reads a `binding:profile`, as the database keeps it.
///
/// # Errors
///
/// It is no object, or too long.
pub(super) fn profile(profile: &Value) -> Result<String, Fault> {
    let problem = |reason: String| Fault::attribute("binding:profile", &reason);
    let text = match profile {
        Value::Null => String::new(),
        Value::Object(profile) if profile.is_empty() => String::new(),
        Value::Object(_) => profile.to_string(),
        other => return Err(problem(format!("'{}' is not a dictionary", plain(other)))),
    };
    if text.len() > LONGEST_PROFILE {
        return Err(Fault::invalid_input("binding:profile value too large"));
    }
    Ok(text)
}
