//! `network-ip-availabilities`: how many addresses networks have, and how many are taken.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::attribute::{Attribute, Kind};
use super::call::Call;
use super::fault::Fault;
use super::list::{Query, View};
use super::pool::Pool;
use super::resource::{Answer, fields};
use super::subnet::cidr;
use crate::northbound::database::tables::{Network, Northbound, Subnet};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::shown("network_id", Kind::Text(36))
        .filter()
        .sort(),
    Attribute::shown("network_name", Kind::Text(255))
        .filter()
        .sort(),
    Attribute::shown("tenant_id", Kind::Text(255))
        .filter()
        .sort(),
    Attribute::shown("project_id", Kind::Text(255))
        .filter()
        .sort(),
    Attribute::shown("ip_version", Kind::Number).filter(),
    Attribute::shown("total_ips", Kind::Json),
    Attribute::shown("used_ips", Kind::Json),
    Attribute::shown("subnet_ip_availability", Kind::Json),
];

/// Answers a request about all networks, or about the one with an `id`; it is for admins.
///
/// # Errors
///
/// What the client is told instead.
pub(super) fn answer(rows: &Northbound, call: &Call, id: Option<&str>) -> Result<Answer, Fault> {
    if call.method != hyper::Method::GET {
        return Err(Fault::method());
    }
    let missing = |id: &str| {
        let message = format!("Network {id} could not be found.");
        Fault::new(StatusCode::NOT_FOUND, "NetworkNotFound", message)
    };
    if !call.caller.is_admin {
        return match id {
            Some(id) => Err(missing(id)),
            None => Ok((
                StatusCode::OK,
                Some(json!({"network_ip_availabilities": []})),
            )),
        };
    }
    // The version is no attribute of a network: it chooses among the subnets.
    let mut call = call.clone();
    let version = call.query.iter().find(|(name, _)| name == "ip_version");
    let version = version.and_then(|(_, version)| version.parse().ok());
    call.query.retain(|(name, _)| name != "ip_version");
    let query = Query::read(&call, ATTRIBUTES)?;
    let Some(id) = id else {
        let views = rows.networks.iter().map(|row| view(rows, row, version));
        let answer = query.answer(&call, "network_ip_availabilities", views.collect())?;
        return Ok((StatusCode::OK, Some(answer)));
    };
    let network = id.parse().ok().and_then(|id| rows.networks.get(&id));
    let network = network.ok_or_else(|| missing(id))?;
    let object = query.view(view(rows, network, version));
    Ok((
        StatusCode::OK,
        Some(json!({ "network_ip_availability": object })),
    ))
}

fn view(rows: &Northbound, network: &Network, version: Option<i64>) -> View {
    let mut subnets: Vec<_> = rows.subnets.index().by_network.all(network.uuid).collect();
    subnets.sort_by_key(|subnet| subnet.uuid);
    let counted: Vec<Counted> = subnets
        .into_iter()
        .map(|subnet| Counted::new(rows, subnet))
        .filter(|subnet| version.is_none_or(|version| version == subnet.version))
        .collect();
    let sum = |count: fn(&Counted) -> u128| {
        let counts = counted.iter().map(count);
        number(counts.fold(0, u128::saturating_add))
    };
    let subnets: Vec<Value> = counted.iter().map(|subnet| subnet.view.clone()).collect();
    fields([
        ("network_id", json!(network.uuid)),
        ("network_name", json!(network.name)),
        ("tenant_id", json!(network.project)),
        ("project_id", json!(network.project)),
        ("total_ips", sum(|subnet| subnet.total)),
        ("used_ips", sum(|subnet| subnet.used)),
        ("subnet_ip_availability", json!(subnets)),
    ])
}

/// A subnet's addresses.
struct Counted {
    version: i64,
    total: u128,
    used: u128,
    view: Value,
}

impl Counted {
    fn new(rows: &Northbound, subnet: &Subnet) -> Self {
        let version = match cidr(subnet) {
            Some(cidr) if cidr.addr().is_ipv4() => 4,
            _ => 6,
        };
        let pools = subnet.allocation_pools.iter();
        let pools = pools.filter_map(|text| text.parse::<Pool>().ok());
        let total = pools.map(|pool| pool.size()).fold(0, u128::saturating_add);
        let used = rows.addresses.index().by_subnet.all(subnet.uuid).count();
        let used = u128::try_from(used).unwrap_or(u128::MAX);
        Self {
            version,
            total,
            used,
            view: json!({
                "subnet_id": subnet.uuid,
                "subnet_name": subnet.name,
                "cidr": subnet.cidr,
                "ip_version": version,
                "total_ips": number(total),
                "used_ips": number(used),
            }),
        }
    }
}

/// A count as JSON, exact as far as numbers of JSON are.
fn number(count: u128) -> Value {
    match u64::try_from(count) {
        Ok(count) => json!(count),
        Err(_) => count
            .to_string()
            .parse::<serde_json::Number>()
            .map_or(Value::Null, Value::Number),
    }
}
