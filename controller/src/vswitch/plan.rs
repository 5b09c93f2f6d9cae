//! The plan: one transaction that turns what the database says into what it should say.
//!
//! Everything goes into one transaction, as each costs `ovs-vswitchd` a reconfiguration. With
//! nothing to change it is empty, so a restart of the agent leaves the database alone.

use std::collections::{BTreeMap, BTreeSet};

use ovsdb::{Inserted, Transaction, Uuid};
use pipelines::bridge::Bridge as Role;
use pipelines::network::{Model, Network, NetworkId};

use super::binding::{ARRIVED, Binding, CLAIM, ROUTED_NETWORKS, ROUTERS, SUB_NETWORKS};
use super::desired::{self, Configuration, Link};
use super::{Bindings, Bridge, FlowTable, Interface, OpenVSwitch, Port, Switch, session};
use crate::northbound::followed::{ACCEPTED, Followed};
use crate::problem::{Kind, Problem};

/// Key of the switch's `other_config`: a switch that starts forwards nothing while it is set.
const RESTORE_WAIT: &str = "flow-restore-wait";
/// Key of the switch's `external_ids` that says whose setting that is.
pub(crate) const HELD: &str = "brint-flow-restore-wait";
/// The version of OpenFlow that the agent speaks, as in a bridge's `protocols`.
const OPENFLOW: &str = "OpenFlow13";
/// Key of a port's `external_ids` that marks it as one of ours: where the port leads to.
pub(super) const LINK: &str = "brint-link";

/// What has to change in the database.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The changes, if there are any.
    pub(crate) transaction: Transaction<OpenVSwitch>,
    /// One sentence for each change, for the log.
    pub(crate) changes: Vec<String>,
    /// What cannot be done.
    pub(crate) problems: BTreeSet<Problem>,
}

/// Compares the database with what it should say.
///
/// `datapath_type` is for bridges that have to be made; those that exist keep theirs.
pub(crate) fn plan(
    tables: &OpenVSwitch,
    configuration: &Configuration,
    bindings: &Bindings,
    model: &Model,
    datapath_type: &str,
) -> Plan {
    let mut plan = Plan::default();
    let Some(switch) = tables.switch() else {
        plan.problems.insert(Problem::new(
            Kind::Database,
            "Open_vSwitch",
            "has no row in table Open_vSwitch, expected one: run ovs-vsctl init",
        ));
        return plan;
    };
    for (name, desired) in &configuration.bridges {
        match tables.bridge(name) {
            Some(bridge) => plan.change_bridge(tables, bridge, desired),
            None => plan.make_bridge(tables, switch, name, desired, datapath_type),
        }
    }
    plan.remove_links(tables, configuration);
    plan.bind(tables, bindings, model);
    let bridges = configuration.bridges.iter();
    for (name, _) in bridges.filter(|(_, bridge)| bridge.role == Role::Integration) {
        plan.note_routers(tables, name, bindings);
    }
    if !plan.changes.is_empty() {
        plan.transaction
            .mutate(switch.uuid, [Switch::next_cfg.plus(1)]);
        plan.transaction
            .comment(format!("brint: {}", plan.changes.join("; ")));
    }
    plan
}

impl Plan {
    /// Removes ports of ours that the switch could not make; the next look makes them anew.
    pub(crate) fn unmake<'a>(
        &mut self,
        tables: &OpenVSwitch,
        ports: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        for (bridge, name) in ports {
            let port = tables.ports.index().by_name.get(name);
            if let Some((bridge, port)) = tables.bridge(bridge).zip(port) {
                self.transaction
                    .mutate(bridge.uuid, [Bridge::ports.delete([port.uuid])]);
                self.changes
                    .push(format!("make port {name} anew, as it does not work"));
            }
        }
        if let Some(switch) = tables.switch().filter(|_| !self.changes.is_empty()) {
            self.transaction
                .mutate(switch.uuid, [Switch::next_cfg.plus(1)]);
        }
    }

    /// Has the switch forward nothing when it starts, unless somebody else said so already.
    pub(crate) fn hold(&mut self, tables: &OpenVSwitch) {
        let Some(switch) = tables.switch() else {
            return;
        };
        if switch.other_config.contains_key(RESTORE_WAIT) {
            return;
        }
        let setting = [(RESTORE_WAIT, "true")];
        let mark = Switch::external_ids.insert([(HELD, "true")]);
        self.transaction
            .mutate(switch.uuid, [Switch::other_config.insert(setting), mark]);
        self.changes
            .push("hold packets until the flows are back".to_owned());
    }

    /// Remembers which northbound database the host follows.
    pub(crate) fn remember(&mut self, tables: &OpenVSwitch, followed: Followed) {
        let Some(switch) = tables.switch() else {
            return;
        };
        let note = followed.external_ids();
        if !includes(&switch.external_ids, &note) {
            self.transaction
                .mutate(switch.uuid, Switch::external_ids.replace(note));
            self.changes
                .push(format!("remember that {followed} is followed"));
        }
    }

    /// Ends what an operator has accepted: it is in effect.
    pub(crate) fn accept_no_more(&mut self, tables: &OpenVSwitch) {
        self.note_on_switch(
            tables,
            ACCEPTED,
            None,
            "accept no other northbound database or host name any more",
        );
    }

    /// Remembers a value under a key of the switch's `external_ids`, or none; `change` says what that
    /// is.
    pub(crate) fn note_on_switch(
        &mut self,
        tables: &OpenVSwitch,
        key: &'static str,
        value: Option<&str>,
        change: &str,
    ) {
        let Some(switch) = tables.switch() else {
            return;
        };
        if switch.external_ids.get(key).map(String::as_str) == value {
            return;
        }
        let mutations = match value {
            Some(value) => Switch::external_ids.replace([(key, value)]).into(),
            None => vec![Switch::external_ids.delete_keys([key])],
        };
        self.transaction.mutate(switch.uuid, mutations);
        self.changes.push(change.to_owned());
    }

    /// Has the switch forward again, if the agent had it stop.
    pub(crate) fn release(&mut self, tables: &OpenVSwitch) {
        let held = |switch: &&Switch| switch.external_ids.contains_key(HELD);
        let Some(switch) = tables.switch().filter(held) else {
            return;
        };
        self.transaction.mutate(
            switch.uuid,
            [
                Switch::other_config.delete_keys([RESTORE_WAIT]),
                Switch::external_ids.delete_keys([HELD]),
            ],
        );
        self.changes
            .push("let packets through: the flows are back".to_owned());
    }

    fn make_bridge(
        &mut self,
        tables: &OpenVSwitch,
        switch: &Switch,
        name: &str,
        desired: &desired::Bridge,
        datapath_type: &str,
    ) {
        if tables.ports.index().by_name.get(name).is_some() {
            let sentence = "cannot be made: a port has that name";
            self.problems
                .insert(Problem::new(Kind::Bridge, name, sentence));
            return;
        }
        let interface = self.transaction.insert(
            Interface::values()
                .set(Interface::name, name)
                .set(Interface::kind, "internal"),
        );
        let own = self.transaction.insert(
            Port::values()
                .set(Port::name, name)
                .set(Port::interfaces, [interface]),
        );
        let mut ports = vec![own];
        for (port, link) in &desired.ports {
            ports.extend(self.make_link(tables, port, link));
        }
        let tables = desired.role.pipeline().tables().iter();
        let flow_tables: Vec<(i64, Inserted<FlowTable>)> = tables
            .map(|table| (i64::from(table.number), self.make_flow_table(table.name)))
            .collect();
        let bridge = self.transaction.insert(
            Bridge::values()
                .set(Bridge::name, name)
                .set(Bridge::datapath_type, datapath_type)
                .set(Bridge::fail_mode, Some("secure"))
                .set(Bridge::ports, ports)
                .set(Bridge::flow_tables, flow_tables),
        );
        self.transaction
            .mutate(switch.uuid, [Switch::bridges.insert([bridge])]);
        self.changes
            .push(format!("make bridge {name}, datapath {datapath_type}"));
    }

    fn change_bridge(&mut self, tables: &OpenVSwitch, bridge: &Bridge, desired: &desired::Bridge) {
        if bridge.fail_mode.as_deref() != Some("secure") {
            let secure = Bridge::values().set(Bridge::fail_mode, Some("secure"));
            self.transaction.update(bridge.uuid, secure);
            self.changes
                .push(format!("set fail_mode of {} to secure", bridge.name));
        }
        if !bridge.protocols.is_empty() && !bridge.protocols.contains(OPENFLOW) {
            self.transaction
                .mutate(bridge.uuid, [Bridge::protocols.insert([OPENFLOW])]);
            self.changes
                .push(format!("have {} speak {OPENFLOW} too", bridge.name));
        }
        if bridge.stp_enable || bridge.rstp_enable {
            let off = Bridge::values().set(Bridge::stp_enable, false);
            let off = off.set(Bridge::rstp_enable, false);
            self.transaction.update(bridge.uuid, off);
            self.changes
                .push(format!("turn the spanning tree of {} off", bridge.name));
        }
        self.name_tables(tables, bridge, &desired.role);
        let mut missing = Vec::new();
        for (name, link) in &desired.ports {
            match tables.ports.index().by_name.get(name.as_str()) {
                Some(port) if bridge.ports.contains(&port.uuid) => {
                    self.change_link(tables, port, link);
                }
                _ => missing.extend(self.make_link(tables, name, link)),
            }
        }
        if !missing.is_empty() {
            self.transaction
                .mutate(bridge.uuid, [Bridge::ports.insert(missing)]);
        }
    }

    /// Adds the rows of a port; `None` if its name is taken by a port of another bridge.
    fn make_link(
        &mut self,
        tables: &OpenVSwitch,
        name: &str,
        link: &Link,
    ) -> Option<Inserted<Port>> {
        if tables.ports.index().by_name.get(name).is_some() {
            let sentence = "cannot be made: another bridge has it";
            self.problems
                .insert(Problem::new(Kind::Port, name, sentence));
            return None;
        }
        let interface = self.transaction.insert(
            Interface::values()
                .set(Interface::name, name)
                .set(Interface::kind, link.interface_type())
                .set(Interface::options, link.options())
                .set(Interface::bfd, link.bfd()),
        );
        self.changes.push(format!("make port {name}"));
        Some(
            self.transaction.insert(
                Port::values()
                    .set(Port::name, name)
                    .set(Port::interfaces, [interface])
                    .set(Port::external_ids, mark(link)),
            ),
        )
    }

    /// Puts a port right that exists; options that somebody added stay.
    fn change_link(&mut self, tables: &OpenVSwitch, port: &Port, link: &Link) {
        let mark = mark(link);
        if !includes(&port.external_ids, &mark) {
            self.transaction
                .mutate(port.uuid, Port::external_ids.replace(mark));
            self.changes.push(format!("mark port {}", port.name));
        }
        if port.tag.is_some() {
            self.transaction
                .update(port.uuid, Port::values().set(Port::tag, None::<i64>));
            self.changes
                .push(format!("remove the tag of port {}", port.name));
        }
        for interface in port
            .interfaces
            .iter()
            .filter_map(|row| tables.interfaces.get(row))
        {
            if interface.kind != link.interface_type() {
                let values = Interface::values().set(Interface::kind, link.interface_type());
                self.transaction.update(interface.uuid, values);
                self.changes.push(format!(
                    "set the type of interface {} to {}",
                    interface.name,
                    link.interface_type()
                ));
            }
            let options = link.options();
            if !includes(&interface.options, &options) {
                self.transaction
                    .mutate(interface.uuid, Interface::options.replace(options));
                self.changes
                    .push(format!("set the options of interface {}", interface.name));
            }
            let spoiling = link.spoiling().iter().copied();
            let spoiling: Vec<_> = spoiling
                .filter(|key| interface.options.contains_key(*key))
                .collect();
            if !spoiling.is_empty() {
                let (name, keys) = (&interface.name, spoiling.join(" and "));
                self.changes.push(format!(
                    "remove {keys} from the options of interface {name}"
                ));
                self.transaction
                    .mutate(interface.uuid, [Interface::options.delete_keys(spoiling)]);
            }
            self.watch(interface, link);
        }
    }

    /// Has the switch watch the other end of a tunnel, or not any more; what somebody else has set
    /// stays.
    fn watch(&mut self, interface: &Interface, link: &Link) {
        let settings = link.bfd();
        let name = &interface.name;
        if settings.is_empty() && interface.bfd == session::settings() {
            let keys: Vec<&str> = interface.bfd.keys().map(String::as_str).collect();
            self.transaction
                .mutate(interface.uuid, [Interface::bfd.delete_keys(keys)]);
            self.changes.push(format!("watch interface {name} no more"));
        }
        let is_right = |(key, value): &(String, String)| match interface.bfd.get(key) {
            Some(present) => key != session::ENABLE || present == value,
            None => false,
        };
        let missing: BTreeMap<String, String> = settings
            .into_iter()
            .filter(|setting| !is_right(setting))
            .collect();
        if !missing.is_empty() {
            self.transaction
                .mutate(interface.uuid, Interface::bfd.replace(missing));
            self.changes.push(format!("watch interface {name}"));
        }
    }

    fn make_flow_table(&mut self, name: &str) -> Inserted<FlowTable> {
        self.transaction
            .insert(FlowTable::values().set(FlowTable::name, Some(name)))
    }

    /// Gives the tables of a bridge their names; names that somebody else gave stay.
    fn name_tables(&mut self, tables: &OpenVSwitch, bridge: &Bridge, role: &Role) {
        let mut missing = Vec::new();
        for table in role.pipeline().tables() {
            let (number, name) = (i64::from(table.number), table.name);
            let row = bridge
                .flow_tables
                .get(&number)
                .and_then(|row| tables.flow_tables.get(row));
            match row {
                Some(row) if row.name.is_some() => {}
                Some(row) => {
                    let values = FlowTable::values().set(FlowTable::name, Some(name));
                    self.transaction.update(row.uuid, values);
                    self.changes
                        .push(format!("name table {number} of {}", bridge.name));
                }
                None => missing.push((number, self.make_flow_table(name))),
            }
        }
        if !missing.is_empty() {
            self.changes
                .push(format!("name {} tables of {}", missing.len(), bridge.name));
            self.transaction
                .mutate(bridge.uuid, [Bridge::flow_tables.insert(missing)]);
        }
    }

    /// Removes ports of ours that lead nowhere any more.
    fn remove_links(&mut self, tables: &OpenVSwitch, configuration: &Configuration) {
        for bridge in &tables.bridges {
            let desired = configuration.bridges.get(&bridge.name);
            let stale: Vec<Uuid> = (bridge.ports.iter())
                .filter_map(|row| tables.ports.get(row))
                .filter(|port| port.external_ids.contains_key(LINK))
                .filter(|port| desired.is_none_or(|bridge| !bridge.ports.contains_key(&port.name)))
                .map(|port| {
                    self.changes
                        .push(format!("remove port {} of {}", port.name, bridge.name));
                    port.uuid
                })
                .collect();
            if !stale.is_empty() {
                self.transaction
                    .mutate(bridge.uuid, [Bridge::ports.delete(stale)]);
            }
        }
    }

    /// Stores the local VLAN and the network of each bound port, as Neutron does.
    fn bind(&mut self, tables: &OpenVSwitch, bindings: &Bindings, model: &Model) {
        // Ports are many, and their networks few.
        let mut records = BTreeMap::new();
        for binding in bindings.ports.values() {
            let row = tables.ports.get(&binding.row);
            let vlan = bindings.vlans.get(binding.network);
            let network = model.network(binding.network);
            let (Some(row), Some(vlan), Some(network)) = (row, vlan, network) else {
                continue;
            };
            let tag = i64::from(vlan.get());
            if row.tag != Some(tag) {
                self.transaction
                    .update(row.uuid, Port::values().set(Port::tag, Some(tag)));
                self.changes
                    .push(format!("set the tag of port {} to {tag}", row.name));
            }
            let record = records.entry(network.id);
            let record = record.or_insert_with(|| self::record(network, tag));
            let trunk = sub_networks(binding, bindings).into_iter().collect();
            let is_stored = |part| includes(&row.other_config, part);
            if !(is_stored(record) && is_stored(&trunk)) {
                let mut record = record.clone();
                record.extend(trunk);
                self.transaction
                    .mutate(row.uuid, Port::other_config.replace(record));
                self.changes
                    .push(format!("record the network of port {}", row.name));
            }
            self.note_arrival(row, binding.arrived);
        }
        for (row, claim) in &bindings.claims {
            let claim = [(CLAIM.to_owned(), claim.to_string())].into();
            let row = tables.ports.get(row);
            if let Some(row) = row.filter(|row| !includes(&row.other_config, &claim)) {
                self.transaction
                    .mutate(row.uuid, Port::other_config.replace(claim));
                self.changes.push(format!(
                    "number port {}, as another names the same port",
                    row.name
                ));
            }
        }
    }

    /// Stores what routers need with the integration bridge, so that a restart finds it again.
    ///
    /// A bridge that is yet to be made is found at the next look.
    fn note_routers(&mut self, tables: &OpenVSwitch, name: &str, bindings: &Bindings) {
        let plugged = bindings.networks();
        let networks = bindings.vlans.iter();
        let networks = networks.filter(|(network, _)| !plugged.contains(network));
        let networks: Vec<_> = networks
            .map(|(network, vlan)| format!("{network}={vlan}"))
            .collect();
        let routers = bindings.routers.iter();
        let routers: Vec<_> = routers
            .map(|(router, number)| format!("{router}={number}"))
            .collect();
        for (key, entries) in [(ROUTED_NETWORKS, networks), (ROUTERS, routers)] {
            let subject = format!("the routers of {name}");
            self.note(tables, name, key, entries.join(","), &subject);
        }
    }

    /// Stores a text with a bridge, or removes it if it is empty.
    pub(crate) fn note(
        &mut self,
        tables: &OpenVSwitch,
        bridge: &str,
        key: &'static str,
        note: String,
        subject: &str,
    ) {
        let Some(bridge) = tables.bridge(bridge) else {
            return;
        };
        if bridge.external_ids.get(key).map_or("", String::as_str) == note {
            return;
        }
        let mutation = match note.is_empty() {
            true => vec![Bridge::external_ids.delete_keys([key])],
            false => Bridge::external_ids
                .replace([(key.to_owned(), note)])
                .into(),
        };
        self.transaction.mutate(bridge.uuid, mutation);
        self.changes.push(format!("note {subject}"));
    }

    /// Stores that the machine of a port has arrived, until its move is over: a restart of the agent
    /// does not find the machine announcing itself again.
    fn note_arrival(&mut self, row: &Port, arrived: bool) {
        let name = &row.name;
        match (row.other_config.contains_key(ARRIVED), arrived) {
            (false, true) => {
                let mark = Port::other_config.insert([(ARRIVED, "true")]);
                self.transaction.mutate(row.uuid, [mark]);
                self.changes
                    .push(format!("note that the machine of port {name} has arrived"));
            }
            (true, false) => {
                let mark = Port::other_config.delete_keys([ARRIVED]);
                self.transaction.mutate(row.uuid, [mark]);
                self.changes
                    .push(format!("note that the move of port {name} is over"));
            }
            _ => {}
        }
    }
}

/// The mark of a port of ours.
fn mark(link: &Link) -> BTreeMap<String, String> {
    let to = match link {
        Link::Patch { peer } => peer.clone(),
        Link::Tunnel { host, .. } => host.to_string(),
    };
    [(LINK.to_owned(), to)].into()
}

/// What Neutron's agent stores with a port: the same keys, and the same text for what is absent.
fn record(network: &Network, tag: i64) -> BTreeMap<String, String> {
    let segment = &network.segment;
    let physical_network = segment
        .physical_network()
        .map_or_else(|| "None".to_owned(), ToString::to_string);
    let mut record: BTreeMap<String, String> = [
        ("net_uuid", network.id.to_string()),
        ("network_type", segment.network_type().to_string()),
        ("physical_network", physical_network),
        ("tag", tag.to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    let segmentation_id = segment.segmentation_id();
    record.extend(segmentation_id.map(|id| ("segmentation_id".to_owned(), id.to_string())));
    record
}

/// What is stored with the parent of a trunk, so that a restart finds all local VLANs again.
fn sub_networks(binding: &Binding, bindings: &Bindings) -> Option<(String, String)> {
    let entry = |network: &NetworkId| Some(format!("{network}={}", bindings.vlans.get(*network)?));
    let entries: Vec<_> = binding.sub_networks.iter().filter_map(entry).collect();
    (!entries.is_empty()).then(|| (SUB_NETWORKS.to_owned(), entries.join(",")))
}

fn includes(map: &BTreeMap<String, String>, part: &BTreeMap<String, String>) -> bool {
    part.iter().all(|(key, value)| map.get(key) == Some(value))
}
