//! How large the packets of a network may be: what is asked for, and what hosts carry.
//!
//! The rules are the model's. What hosts report is computed once for each state of them.

use std::cell::RefCell;

use hyper::StatusCode;
use ipnet::IpNet;
use ovsdb::Uuid;
use ovsdb::table::Table;
use pipelines::network::{Limits, NetworkType, PhysicalNetwork, check_mtu, least_mtu};

use super::attribute::Values;
use super::fault::Fault;
use super::network::segment_of;
use crate::northbound::database::objects;
use crate::northbound::database::tables::{Host, Northbound, Segment};

thread_local! {
    /// The hosts that were asked for last, and what they carry.
    static KNOWN: RefCell<Option<(Table<Host>, Limits)>> = const { RefCell::new(None) };
}

/// The largest packet that hosts carry between each other, by what carries a network.
pub(super) fn most_of(
    rows: &Northbound,
    network_type: NetworkType,
    physical_network: Option<&str>,
) -> u16 {
    let physical_network = physical_network.map(PhysicalNetwork::from);
    KNOWN.with_borrow_mut(|known| {
        let is_new = |(hosts, _): &(Table<Host>, Limits)| !hosts.is_same(&rows.hosts);
        if known.as_ref().is_none_or(is_new) {
            *known = None;
        }
        let (_, limits) =
            known.get_or_insert_with(|| (rows.hosts.clone(), objects::limits(&rows.hosts)));
        limits.most(network_type, physical_network.as_ref())
    })
}

/// The same, by the row.
pub(super) fn most(rows: &Northbound, segment: Option<&Segment>) -> u16 {
    let network_type = segment.map_or(NetworkType::Local, |row| row.network_type.into());
    let physical_network = segment.and_then(|row| row.physical_network.as_deref());
    most_of(rows, network_type, physical_network)
}

/// The MTU that is given; `Some(None)` is the one that fits what carries the network.
///
/// What subnets need, [`carries`] checks: a network has none when it is made.
///
/// # Errors
///
/// Hosts carry less.
pub(super) fn given(values: &Values, most: u16) -> Result<Option<Option<i64>>, Fault> {
    match values.number("mtu") {
        None => Ok(None),
        Some(0) => Ok(Some(None)),
        Some(number) => {
            let mtu = u16::try_from(number).unwrap_or(u16::MAX);
            let too_big = |_| {
                let reason = format!("Requested MTU is too big, maximum is {most}");
                Fault::invalid_input(&reason)
            };
            let checked = check_mtu(mtu, least_mtu([]), most);
            checked.map(|()| Some(Some(number))).map_err(too_big)
        }
    }
}

/// The largest packet of a network.
pub(super) fn mtu_of(rows: &Northbound, network: Uuid) -> i64 {
    let own = rows.networks.get(&network).and_then(|row| row.mtu);
    let most = i64::from(most(rows, segment_of(rows, network)));
    own.map_or(most, |own| own.min(most))
}

/// Refuses a subnet that needs larger packets than its network carries (RFC 791, RFC 8200).
///
/// # Errors
///
/// It does.
pub(super) fn carries(network: Uuid, mtu: i64, cidr: IpNet) -> Result<(), Fault> {
    let version = if cidr.addr().is_ipv4() { 4 } else { 6 };
    let least = i64::from(least_mtu([cidr]));
    if mtu >= least {
        return Ok(());
    }
    let message = format!(
        "MTU {mtu} of network {network} is too small, its subnets of IPv{version} need {least}."
    );
    let kind = "NetworkMTUSubnetConflict";
    Err(Fault::new(StatusCode::CONFLICT, kind, message))
}
