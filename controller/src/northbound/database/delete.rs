//! From a description to the deletion of what it describes.

use ovsdb::Uuid;
use pipelines::network::Model;

use super::identity::note_emptied;
use super::plan::Plan;
use super::tables::{
    AccessPolicy, Address, AddressGroup, Endpoint, FloatingIp, Host, HostState, Log, Network,
    Northbound, Port, PortForwarding, Router, SecurityGroup, SecurityGroupRule, Segment, SubPort,
    Subnet, Trunk,
};

/// The plan that deletes all objects of a description that are there.
pub(crate) fn delete(rows: &Northbound, model: &Model) -> Plan {
    let mut plan = Plan::default();
    for log in model.logs() {
        let uuid = log.id.0;
        if rows.logs.get(&uuid).is_some() {
            plan.delete::<Log>("log", &log.name, uuid);
        }
    }
    for trunk in model.trunks() {
        let uuid = trunk.id.0;
        if rows.trunks.get(&uuid).is_some() {
            plan.transaction.delete(SubPort::trunk.equals(uuid));
            plan.delete::<Trunk>("trunk", &trunk.name, uuid);
        }
    }
    for floating_ip in model.floating_ips() {
        let uuid = floating_ip.id.0;
        if rows.floating_ips.get(&uuid).is_some() {
            let forwardings = PortForwarding::floating_ip.equals(uuid);
            plan.transaction.delete(forwardings);
            let port = model.port(floating_ip.port);
            let ip = port.and_then(|port| port.fixed_ips.first());
            let name = ip.map(ToString::to_string).unwrap_or_default();
            plan.delete::<FloatingIp>("floating IP", &name, uuid);
        }
    }
    for router in model.routers() {
        let uuid = router.id.0;
        if rows.routers.get(&uuid).is_some() {
            plan.delete::<Router>("router", &router.name, uuid);
        }
    }
    for port in model.ports() {
        let uuid = port.id.0;
        if rows.ports.get(&uuid).is_some() {
            plan.transaction.delete(PortForwarding::port.equals(uuid));
            plan.transaction.delete(Address::port.equals(uuid));
            plan.delete::<Port>("port", &port.name, uuid);
        }
    }
    for group in model.security_groups() {
        let uuid = group.id.0;
        if rows.security_groups.get(&uuid).is_some() {
            plan.transaction
                .delete(SecurityGroupRule::security_group.equals(uuid));
            forget(rows, &mut plan, uuid);
            plan.delete::<SecurityGroup>("security group", &group.name, uuid);
        }
    }
    for group in model.address_groups() {
        let uuid = group.id.0;
        if rows.address_groups.get(&uuid).is_some() {
            forget(rows, &mut plan, uuid);
            plan.delete::<AddressGroup>("address group", &group.name, uuid);
        }
    }
    let mut kept = rows.networks.len();
    for network in model.networks() {
        let uuid = network.id.0;
        if rows.networks.get(&uuid).is_some() {
            kept = kept.saturating_sub(1);
            forget(rows, &mut plan, uuid);
            plan.transaction.delete(Subnet::network.equals(uuid));
            plan.transaction.delete(Segment::network.equals(uuid));
            plan.delete::<Network>("network", &network.name, uuid);
        }
    }
    if kept == 0 && !rows.networks.is_empty() {
        note_emptied(&mut plan.transaction);
    }
    for host in model.hosts() {
        let name = host.name.as_str();
        if let Some(row) = rows.hosts.index().by_name.get(name) {
            plan.transaction.delete(HostState::name.equals(name));
            plan.transaction.delete(Endpoint::host.equals(name));
            plan.delete::<Host>("host", name, row.uuid);
        }
    }
    plan
}

/// Deletes who may use an object that goes.
fn forget(rows: &Northbound, plan: &mut Plan, object: Uuid) {
    for policy in rows.access_policies.index().by_object.all(object) {
        plan.transaction.delete::<AccessPolicy>(policy.uuid);
    }
}
