//! `floatingip-pools`: the subnets outside that floating IPs can be of.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::attribute::{Attribute, Kind};
use super::call::Call;
use super::fault::Fault;
use super::list::{Query, View};
use super::network::Networks;
use super::resource::{Answer, Resource, fields};
use crate::northbound::database::tables::{Northbound, Subnet};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::shown("subnet_id", Kind::Text(36)).filter(),
    Attribute::shown("subnet_name", Kind::Text(255)).filter(),
    Attribute::shown("network_id", Kind::Text(36)).filter(),
    Attribute::shown("cidr", Kind::Text(64)).filter(),
    Attribute::shown("tenant_id", Kind::Text(255)).filter(),
    Attribute::shown("project_id", Kind::Text(255)).filter(),
];

/// Answers a request for all of them.
///
/// # Errors
///
/// What the client is told instead.
pub(super) fn answer(rows: &Northbound, call: &Call) -> Result<Answer, Fault> {
    if call.method != Method::GET {
        return Err(Fault::method());
    }
    let caller = &call.caller;
    let is_open = |subnet: &&_| {
        let subnet: &Subnet = subnet;
        let network = rows.networks.get(&subnet.network);
        network.is_some_and(|network| {
            let is_own = caller.is_admin || network.project == caller.project;
            network.external && (is_own || Networks::is_seen(rows, network, &caller.project))
        })
    };
    let subnets = rows.subnets.iter().map(AsRef::as_ref).filter(is_open);
    let query = Query::read(call, ATTRIBUTES)?;
    let answer = query.answer(call, "floatingip_pools", subnets.map(view).collect())?;
    Ok((StatusCode::OK, Some(answer)))
}

fn view(subnet: &Subnet) -> View {
    fields([
        ("subnet_id", json!(subnet.uuid)),
        ("subnet_name", json!(subnet.name)),
        ("network_id", json!(subnet.network)),
        ("cidr", json!(subnet.cidr)),
        ("tenant_id", json!(subnet.project)),
        ("project_id", json!(subnet.project)),
    ])
}
