//! From a description to rows: what has to be written for the database to say the same.
//!
//! Objects of the description are made or changed, with all that is part of them: subnets of
//! networks, rules of groups, addresses of ports, sub-ports of trunks, port forwardings of floating
//! IPs. Columns that a description does not know, and objects that it does not name, stay as they
//! are. So does an object that means what its rows mean, however they put it: `6` is `tcp`, and
//! `10.0.0.9` is `10.0.0.9/32`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ovsdb::{Uuid, Values};
use pipelines::network::{self, Model, NetworkType, RouterPort};

use super::identity::note_filled;
use super::objects::describe;
use super::plan::{Change, ChangeKind, Plan, label};
use super::revised::Revised;
use super::tables::{
    Address, AddressGroup, EncapType, Host, Ipv6Mode, Log, LogEvent, Network, Northbound,
    OWNER_OF_FLOATING_IP, OWNER_OF_GATEWAY, OWNER_OF_INTERFACE, Port, Router, SecurityGroup,
    SecurityGroupRule, Segment, SegmentType, Status, SubPort, Subnet, Trunk,
};
use super::{machine, now};
use rule::rule_columns;
use same::Different;

/// Columns to be written: those that differ from the row, or all where there is no row.
struct Columns<R> {
    values: Values<R>,
    changed: Vec<&'static str>,
}

macro_rules! columns {
    ($row:expr, $type:ident { $($column:ident: $value:expr),* $(,)? }) => {{
        let mut values = $type::values();
        let mut changed = Vec::new();
        $(
            let value = $value;
            if $row.is_none_or(|row| row.$column != value) {
                values = values.set($type::$column, value);
                changed.push($type::$column.name());
            }
        )*
        Columns { values, changed }
    }};
}

mod floating_ip;
mod rule;
mod same;

/// The plan that makes or changes all objects of a description.
pub(crate) fn put(rows: &Northbound, model: &Model) -> Plan {
    let mut writer = Writer {
        rows,
        model,
        plan: Plan::default(),
    };
    let different = Different {
        present: &describe(rows).model,
        wanted: model,
    };
    different.hosts().for_each(|host| writer.host(host));
    let is_new = |network: &network::Network| rows.networks.get(&network.id.0).is_none();
    if model.networks().any(is_new) {
        note_filled(&mut writer.plan.transaction, rows);
    }
    different
        .networks()
        .for_each(|network| writer.network(network));
    different
        .address_groups()
        .for_each(|group| writer.address_group(group));
    different
        .security_groups()
        .for_each(|group| writer.security_group(group));
    different.ports().for_each(|port| writer.port(port));
    different.trunks().for_each(|trunk| writer.trunk(trunk));
    different.routers().for_each(|router| writer.router(router));
    for floating_ip in different.floating_ips() {
        writer.floating_ip(floating_ip);
    }
    different.logs().for_each(|log| writer.log(log));
    writer.plan
}

/// What a port is part of, as its row says it.
struct Device {
    owner: String,
    id: String,
    router: Option<Uuid>,
}

struct Writer<'a> {
    rows: &'a Northbound,
    model: &'a Model,
    plan: Plan,
}

impl Writer<'_> {
    /// Makes or changes one object. `parts` are changes of what is part of it, and count as its
    /// own; `first` are columns that only a new row is given.
    fn object<R: Revised>(
        &mut self,
        (kind, name): (&str, &str),
        (uuid, exists): (Uuid, bool),
        mut columns: Columns<R>,
        parts: &[&'static str],
        first: impl FnOnce(Values<R>) -> Values<R>,
    ) {
        let transaction = &mut self.plan.transaction;
        let kind_of_change = match exists {
            true if columns.changed.is_empty() && parts.is_empty() => return,
            true => {
                transaction.update(uuid, columns.values.set(R::UPDATED, now()));
                transaction.mutate(uuid, [R::REVISION.plus(1)]);
                columns.changed.extend_from_slice(parts);
                ChangeKind::Update
            }
            false => {
                let values = columns.values.set(R::UPDATED, now());
                transaction.insert_as(uuid, first(values.set(R::CREATED, now())));
                columns.changed.clear();
                ChangeKind::Create
            }
        };
        self.plan.changes.push(Change {
            kind: kind_of_change,
            object: label(kind, name, uuid),
            columns: columns.changed,
        });
    }

    fn host(&mut self, host: &network::Host) {
        let row = self.rows.hosts.index().by_name.get(host.name.as_str());
        let columns = columns!(
            row,
            Host {
                name: host.name.to_string(),
                encap_ip: host.encap_ip.map(|ip| ip.to_string()),
                encap_types: host
                    .encap_types
                    .iter()
                    .map(|kind| match kind {
                        network::EncapType::Vxlan => EncapType::Vxlan,
                        network::EncapType::Gre => EncapType::Gre,
                        network::EncapType::Geneve => EncapType::Geneve,
                    })
                    .collect::<BTreeSet<_>>(),
                bridge_mappings: host
                    .bridge_mappings
                    .iter()
                    .map(|(physical_network, bridge)| {
                        (physical_network.to_string(), bridge.clone())
                    })
                    .collect(),
                mtu: i64::from(host.mtu),
                gateway_priority: i64::from(host.gateway_priority),
                preemptive: host.preemptive,
            }
        );
        let uuid = row.map_or_else(|| host_id(host.name.as_str()), |row| row.uuid);
        let identity = (uuid, row.is_some());
        self.object(
            ("host", host.name.as_str()),
            identity,
            columns,
            &[],
            |values| values.set(Host::admin_state_up, true),
        );
    }

    fn network(&mut self, network: &network::Network) {
        let uuid = network.id.0;
        let row = self.rows.networks.get(&uuid);
        let mut parts = Vec::new();
        if self.segment(network) {
            parts.push("segments");
        }
        if self.subnets(network) {
            parts.push("subnets");
        }
        let columns = columns!(
            row,
            Network {
                name: network.name.clone(),
                project: network.project.clone(),
                mtu: network.mtu.map(i64::from),
                dns_domain: network.dns_domain.clone(),
                igmp_snooping: network.igmp_snooping,
            }
        );
        let identity = (uuid, row.is_some());
        self.object(
            ("network", &network.name),
            identity,
            columns,
            &parts,
            |values| {
                values
                    .set(Network::admin_state_up, true)
                    .set(Network::port_security_enabled, true)
            },
        );
    }

    /// Writes what carries a network between hosts; `true` if that is new.
    fn segment(&mut self, network: &network::Network) -> bool {
        let uuid = network.id.0;
        let segment = &network.segment;
        let physical_network = segment.physical_network().map(ToString::to_string);
        let segmentation_id = segment.segmentation_id().map(i64::from);
        let network_type = match segment.network_type() {
            NetworkType::Local => None,
            NetworkType::Flat => Some(SegmentType::Flat),
            NetworkType::Vlan => Some(SegmentType::Vlan),
            NetworkType::Vxlan => Some(SegmentType::Vxlan),
            NetworkType::Gre => Some(SegmentType::Gre),
            NetworkType::Geneve => Some(SegmentType::Geneve),
        };
        let mut rows = self.rows.segments.index().by_network.all(uuid);
        let same = match (rows.next(), network_type) {
            (None, None) => true,
            (Some(row), Some(network_type)) => {
                row.network_type == network_type
                    && row.physical_network == physical_network
                    && row.segmentation_id == segmentation_id
            }
            _ => false,
        };
        if same && rows.next().is_none() {
            return false;
        }
        let transaction = &mut self.plan.transaction;
        transaction.delete(Segment::network.equals(uuid));
        if let Some(network_type) = network_type {
            transaction.insert(
                Segment::values()
                    .set(Segment::network, uuid)
                    .set(Segment::network_type, network_type)
                    .set(Segment::physical_network, physical_network)
                    .set(Segment::segmentation_id, segmentation_id)
                    .set(Segment::created_at, now())
                    .set(Segment::updated_at, now()),
            );
        }
        true
    }

    /// Writes the subnets of a network; `true` if one changes.
    fn subnets(&mut self, network: &network::Network) -> bool {
        let before = self.plan.changes.len();
        let owner = network.id.0;
        for subnet in &network.subnets {
            let uuid = subnet.id.0;
            let row = self.rows.subnets.get(&uuid);
            let columns = columns!(
                row,
                Subnet {
                    network: owner,
                    name: subnet.name.clone(),
                    project: network.project.clone(),
                    cidr: subnet.cidr().to_string(),
                    gateway_ip: subnet.gateway_ip().map(|ip| ip.to_string()),
                    enable_dhcp: subnet.enable_dhcp,
                    dns_nameservers: (0..)
                        .zip(subnet.dns_nameservers.iter().map(ToString::to_string))
                        .collect::<BTreeMap<_, _>>(),
                    host_routes: (subnet.host_routes.iter())
                        .map(ToString::to_string)
                        .collect::<BTreeSet<_>>(),
                    ipv6_ra_mode: subnet.ipv6_ra_mode.map(Ipv6Mode::from),
                    ipv6_address_mode: subnet.ipv6_address_mode.map(Ipv6Mode::from),
                }
            );
            let identity = (uuid, row.is_some());
            self.object(("subnet", &subnet.name), identity, columns, &[], |values| {
                values
            });
        }
        let kept: BTreeSet<Uuid> = network.subnets.iter().map(|subnet| subnet.id.0).collect();
        let rows = self.rows.subnets.index().by_network.all(owner);
        for row in rows.filter(|row| !kept.contains(&row.uuid)) {
            self.plan.delete::<Subnet>("subnet", &row.name, row.uuid);
        }
        self.plan.changes.len() != before
    }

    fn address_group(&mut self, group: &network::AddressGroup) {
        let uuid = group.id.0;
        let row = self.rows.address_groups.get(&uuid);
        let columns = columns!(
            row,
            AddressGroup {
                name: group.name.clone(),
                project: group.project.clone(),
                addresses: group
                    .addresses
                    .iter()
                    .map(ToString::to_string)
                    .collect::<BTreeSet<_>>(),
            }
        );
        let identity = (uuid, row.is_some());
        self.object(
            ("address group", &group.name),
            identity,
            columns,
            &[],
            |values| values,
        );
    }

    fn security_group(&mut self, group: &network::SecurityGroup) {
        let uuid = group.id.0;
        let row = self.rows.security_groups.get(&uuid);
        let columns = columns!(
            row,
            SecurityGroup {
                name: group.name.clone(),
                project: group.project.clone(),
                stateful: group.stateful,
            }
        );
        let rules = self.rules(group);
        let parts: &[_] = if rules { &["rules"] } else { &[] };
        let identity = (uuid, row.is_some());
        self.object(
            ("security group", &group.name),
            identity,
            columns,
            parts,
            |values| values,
        );
    }

    /// Writes the rules of a group; `true` if one changes.
    fn rules(&mut self, group: &network::SecurityGroup) -> bool {
        let before = self.plan.changes.len();
        let owner = group.id.0;
        for rule in &group.rules {
            let uuid = rule.id().0;
            let row = self.rows.security_group_rules.get(&uuid);
            let columns = rule_columns(row, owner, &group.project, rule);
            self.object(
                ("rule", ""),
                (uuid, row.is_some()),
                columns,
                &[],
                |values| values,
            );
        }
        let kept: BTreeSet<Uuid> = group.rules.iter().map(|rule| rule.id().0).collect();
        let rows = self.rows.security_group_rules.index();
        let rows = rows.by_security_group.all(owner);
        for row in rows.filter(|row| !kept.contains(&row.uuid)) {
            self.plan.delete::<SecurityGroupRule>("rule", "", row.uuid);
        }
        self.plan.changes.len() != before
    }

    fn port(&mut self, port: &network::Port) {
        let uuid = port.id.0;
        let row = self.rows.ports.get(&uuid);
        let pairs = port.allowed_address_pairs.iter();
        let pairs = pairs.map(|pair| match pair.mac_address {
            Some(mac_address) => format!("{} {mac_address}", pair.ip_address),
            None => pair.ip_address.to_string(),
        });
        let host = port.host.as_ref().map(ToString::to_string);
        let device = self.device(port, row);
        let columns = columns!(
            row,
            Port {
                name: port.name.clone(),
                project: port.project.clone(),
                network: port.network.0,
                mac_address: port.mac_address.to_string(),
                security_groups: port
                    .security_groups
                    .iter()
                    .map(|group| group.0)
                    .collect::<BTreeSet<_>>(),
                port_security_enabled: port.port_security_enabled,
                allowed_address_pairs: pairs.collect::<BTreeSet<_>>(),
                admin_state_up: port.admin_state_up,
                device_owner: device.owner,
                device_id: device.id,
                router: device.router,
                // Where the description does not say it, the host is what its agent says.
                claimed: row
                    .is_some_and(|row| { row.claimed && (host.is_none() || host == row.host) }),
                host: host.or_else(|| row.and_then(|row| row.host.clone())),
                migrating_to: port.migrating_to.as_ref().map(ToString::to_string),
                dns_name: port.dns_name.clone(),
                extra_dhcpv4_options: port.extra_dhcp_opts.v4.clone(),
                extra_dhcpv6_options: port.extra_dhcp_opts.v6.clone(),
                binding_profile: machine::profile_of(port, row.map(AsRef::as_ref)),
            }
        );
        let addresses = self.addresses(port);
        let parts: &[_] = if addresses { &["fixed_ips"] } else { &[] };
        let identity = (uuid, row.is_some());
        self.object(("port", &port.name), identity, columns, parts, |values| {
            values
                .set(Port::status, Status::Down)
                .set(Port::vnic_type, "normal")
        });
    }

    /// What a port is part of; of machines a description need not say anything.
    fn device(&self, port: &network::Port, row: Option<&Arc<Port>>) -> Device {
        let (owner, router) = match self.model.router_port(port.id) {
            Some(RouterPort::Interface(router)) => (OWNER_OF_INTERFACE, Some(router.0)),
            Some(RouterPort::Gateway(router)) => (OWNER_OF_GATEWAY, Some(router.0)),
            Some(RouterPort::FloatingIp(id)) => {
                return Device {
                    owner: OWNER_OF_FLOATING_IP.to_owned(),
                    id: id.to_string(),
                    router: None,
                };
            }
            None => {
                let machine = row.filter(|row| row.router.is_none());
                let machine = machine.map(|row| (row.device_owner.clone(), row.device_id.clone()));
                let (owner, id) = machine.unwrap_or_default();
                let described = Some(port.machine.id.clone()).filter(|id| !id.is_empty());
                return Device {
                    owner,
                    id: described.unwrap_or(id),
                    router: None,
                };
            }
        };
        Device {
            owner: owner.to_owned(),
            id: router.map(|router| router.to_string()).unwrap_or_default(),
            router,
        }
    }

    fn router(&mut self, router: &network::Router) {
        let uuid = router.id.0;
        let row = self.rows.routers.get(&uuid);
        let outside = router
            .gateway
            .and_then(|gateway| self.model.port(gateway.port));
        let routes = router.routes.iter();
        let routes = routes.map(|route| format!("{} {}", route.destination, route.nexthop));
        let columns = columns!(
            row,
            Router {
                name: router.name.clone(),
                project: router.project.clone(),
                admin_state_up: router.admin_state_up,
                external_network: outside.map(|port| port.network.0),
                enable_snat: router.gateway.is_none_or(|gateway| gateway.enable_snat),
                routes: routes.collect::<BTreeSet<_>>(),
            }
        );
        let identity = (uuid, row.is_some());
        self.object(("router", &router.name), identity, columns, &[], |values| {
            values.set(Router::distributed, true).set(Router::ha, true)
        });
    }

    /// Writes the addresses of a port; `true` if one changes.
    fn addresses(&mut self, port: &network::Port) -> bool {
        let uuid = port.id.0;
        let subnet_of = |ip: &IpAddr| {
            let network = self.model.network(port.network)?;
            let mut subnets = network.subnets.iter();
            Some(subnets.find(|subnet| subnet.cidr().contains(ip))?.id.0)
        };
        let wanted: BTreeSet<(String, Uuid)> = (port.fixed_ips.iter())
            .filter_map(|ip| Some((ip.to_string(), subnet_of(ip)?)))
            .collect();
        let rows: Vec<&Arc<Address>> = self.rows.addresses.index().by_port.all(uuid).collect();
        let present: BTreeSet<(String, Uuid)> = rows
            .iter()
            .filter(|row| row.network == port.network.0)
            .map(|row| (row.ip_address.clone(), row.subnet))
            .collect();
        let transaction = &mut self.plan.transaction;
        for row in &rows {
            let gone = row.network != port.network.0
                || !wanted.contains(&(row.ip_address.clone(), row.subnet));
            if gone {
                transaction.delete::<Address>(row.uuid);
            }
        }
        for (ip_address, subnet) in wanted.difference(&present) {
            transaction.insert(
                Address::values()
                    .set(Address::network, port.network.0)
                    .set(Address::subnet, *subnet)
                    .set(Address::port, uuid)
                    .set(Address::ip_address, ip_address.as_str()),
            );
        }
        wanted != present || rows.len() != present.len()
    }

    fn log(&mut self, log: &network::Log) {
        let uuid = log.id.0;
        let row = self.rows.logs.get(&uuid);
        let columns = columns!(
            row,
            Log {
                name: log.name.clone(),
                project: log.project.clone(),
                enabled: log.enabled,
                event: match log.event {
                    network::LogEvent::Accept => LogEvent::Accept,
                    network::LogEvent::Drop => LogEvent::Drop,
                    network::LogEvent::All => LogEvent::All,
                },
                security_group: log.security_group.map(|group| group.0),
                port: log.port.map(|port| port.0),
            }
        );
        let identity = (uuid, row.is_some());
        self.object(("log", &log.name), identity, columns, &[], |values| values);
    }

    fn trunk(&mut self, trunk: &network::Trunk) {
        let uuid = trunk.id.0;
        let row = self.rows.trunks.get(&uuid);
        let columns = columns!(
            row,
            Trunk {
                name: trunk.name.clone(),
                project: trunk.project.clone(),
                port: trunk.port.0,
            }
        );
        let wanted = trunk.sub_ports.iter();
        let wanted: BTreeSet<(Uuid, i64)> = wanted
            .map(|sub_port| (sub_port.port.0, i64::from(sub_port.vlan.get())))
            .collect();
        let rows: Vec<_> = self.rows.sub_ports.index().by_trunk.all(uuid).collect();
        let present: BTreeSet<(Uuid, i64)> = rows
            .iter()
            .map(|row| (row.port, row.segmentation_id))
            .collect();
        let transaction = &mut self.plan.transaction;
        for row in rows {
            if !wanted.contains(&(row.port, row.segmentation_id)) {
                transaction.delete::<SubPort>(row.uuid);
            }
        }
        for (port, segmentation_id) in wanted.difference(&present) {
            transaction.insert(
                SubPort::values()
                    .set(SubPort::trunk, uuid)
                    .set(SubPort::port, *port)
                    .set(SubPort::segmentation_id, *segmentation_id),
            );
        }
        let parts: &[_] = if wanted == present {
            &[]
        } else {
            &["sub_ports"]
        };
        let identity = (uuid, row.is_some());
        self.object(("trunk", &trunk.name), identity, columns, parts, |values| {
            values
                .set(Trunk::admin_state_up, true)
                .set(Trunk::status, Status::Down)
        });
    }
}

/// The UUID of a new host: no two that are made at once differ.
fn host_id(name: &str) -> Uuid {
    Uuid::new_v5(&super::GLOBAL, name.as_bytes())
}
