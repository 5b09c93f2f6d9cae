//! The host's database `Open_vSwitch`: what is read of it, and how it is made to say what it should.
//!
//! Everything here is a pure function of a replica's rows; the agent sends the transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ovsdb::Uuid;

use crate::agent::settings::ThisHost;
use crate::problem::{Kind, Problem};

mod binding;
mod carrier;
mod desired;
mod names;
mod plan;
mod session;

pub(crate) use binding::Bindings;
pub(crate) use carrier::{Card, cards, tunnel_link};
pub(crate) use desired::{Configuration, Link};
pub(crate) use plan::{HELD, Plan, plan};
pub(crate) use session::Session;

ovsdb::tables! {
    /// What brint uses of the switch's configuration.
    pub(crate) database OpenVSwitch = "Open_vSwitch", changes OpenVSwitchChanges;

    /// The switch itself: a single row.
    table switches: Switch = "Open_vSwitch" {
        /// The bridges that exist.
        bridges: BTreeSet<Uuid>;
        /// Settings of the host.
        external_ids: BTreeMap<String, String>;
        /// Settings of the daemons.
        other_config: BTreeMap<String, String>;
        /// Counted up by whoever changes the configuration and wants to know when it is in effect.
        next_cfg: i64;
        /// The value of `next_cfg` that `ovs-vswitchd` has put into effect.
        cur_cfg: i64;
        /// The datapaths that this build of Open vSwitch knows.
        datapath_types: BTreeSet<String>;
    }

    /// A virtual switch.
    table bridges: Bridge = "Bridge" {
        /// Its name, unique on the host.
        name: String;
        /// What forwards its packets; the empty text means `system`.
        datapath_type: String;
        /// What it does without a controller: `standalone` or `secure`.
        fail_mode: Option<String>;
        /// The versions of OpenFlow that it speaks; all of them if there is none.
        protocols: BTreeSet<String>;
        /// Whether it takes part in a spanning tree (802.1D), which blocks its ports for a while.
        stp_enable: bool;
        /// The same for the rapid one.
        rstp_enable: bool;
        /// Its ports.
        ports: BTreeSet<Uuid>;
        /// Settings of its OpenFlow tables, by table number.
        flow_tables: BTreeMap<i64, Uuid>;
        /// Marks for others to read.
        external_ids: BTreeMap<String, String>;
    } index {
        /// By name.
        by_name: String = |row| [row.name.clone()];
    }

    /// A port of a bridge.
    table ports: Port = "Port" {
        /// Its name, unique on the host.
        name: String;
        /// What it attaches to: one, unless it is a bond.
        interfaces: BTreeSet<Uuid>;
        /// Its VLAN, where it is an access port.
        tag: Option<i64>;
        /// Neutron keeps the network of the port here.
        other_config: BTreeMap<String, String>;
        /// Marks for others to read.
        external_ids: BTreeMap<String, String>;
    } index {
        /// By name.
        by_name: String = |row| [row.name.clone()];
        /// By what it attaches to.
        by_interface: Uuid = |row| row.interfaces.iter().copied();
    }

    /// What a port attaches to.
    table interfaces: Interface = "Interface" {
        /// The name of the network device.
        name: String;
        /// What implements it.
        kind = "type": String;
        /// Settings of what implements it.
        options: BTreeMap<String, String>;
        /// What watches the other end, by the heartbeats of BFD.
        bfd: BTreeMap<String, String>;
        /// What BFD says of the other end.
        bfd_status: BTreeMap<String, String>;
        /// Whether it has a link: `up` or `down`; nothing until the switch has looked.
        link_state: Option<String>;
        /// What the switch says of it, as `driver_name` and `tunnel_egress_iface`.
        status: BTreeMap<String, String>;
        /// Its OpenFlow port number, once it has one; -1 if it cannot be made.
        ofport: Option<i64>;
        /// The number that somebody wants it to have.
        ofport_request: Option<i64>;
        /// Why it cannot be made.
        error: Option<String>;
        /// Marks for others to read.
        external_ids: BTreeMap<String, String>;
    } index {
        /// By the name of the device.
        by_name: String = |row| [row.name.clone()];
        /// By the port of a tenant that is plugged into it.
        by_iface_id: String = |row| row.external_ids.get("iface-id").cloned();
    }

    /// Settings of an OpenFlow table.
    table flow_tables: FlowTable = "Flow_Table" {
        /// Its name.
        name: Option<String>;
    }
}

impl OpenVSwitch {
    /// The single row of the switch; `None` before `ovs-vsctl init`.
    pub(crate) fn switch(&self) -> Option<&Switch> {
        self.switches.iter().next().map(AsRef::as_ref)
    }

    /// A bridge by its name.
    pub(crate) fn bridge(&self, name: &str) -> Option<&Bridge> {
        self.bridges.index().by_name.get(name).map(AsRef::as_ref)
    }

    /// Whether a bridge has a port of the agent, which joins it to others.
    pub(crate) fn is_joined(&self, bridge: &Bridge) -> bool {
        let mut ports = bridge.ports.iter().filter_map(|row| self.ports.get(row));
        ports.any(|port| port.external_ids.contains_key(plan::LINK))
    }

    /// Whether a bridge has a port of this name.
    pub(crate) fn is_there(&self, bridge: &str, port: &str) -> bool {
        let port = self.ports.index().by_name.get(port);
        let bridge = self.bridge(bridge);
        bridge
            .zip(port)
            .is_some_and(|(bridge, port)| bridge.ports.contains(&port.uuid))
    }

    /// The names of the interfaces of a bridge.
    pub(crate) fn interfaces_of(&self, bridge: &str) -> impl Iterator<Item = &str> {
        let ports = self.bridge(bridge).into_iter();
        let ports = ports.flat_map(|bridge| &bridge.ports);
        let interfaces = ports
            .filter_map(|row| self.ports.get(row))
            .flat_map(|port| &port.interfaces);
        let interfaces = interfaces.filter_map(|row| self.interfaces.get(row));
        interfaces.map(|interface| interface.name.as_str())
    }

    /// The OpenFlow number of an interface; `None` while it has none, or if it cannot be made.
    pub(crate) fn ofport(&self, interface: &str) -> Option<u32> {
        let interface = self.interfaces.index().by_name.get(interface)?;
        interface
            .ofport
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number != 0)
    }

    /// Whether an interface of a bridge is about to get another number: the one that it asks for, or
    /// any, as another interface asks for its own.
    pub(crate) fn is_renumbered(&self, bridge: &str, interface: &str) -> bool {
        let by_name = &self.interfaces.index().by_name;
        let Some(row) = by_name.get(interface) else {
            return false;
        };
        let others = || {
            let names = self.interfaces_of(bridge);
            names.filter_map(|name| by_name.get(name))
        };
        let gives_way = row.ofport.is_some() && row.ofport_request != row.ofport;
        match row.ofport_request {
            // Another interface may have and ask for the same: then nothing happens.
            Some(wanted) if row.ofport != Some(wanted) => !others()
                .any(|other| other.ofport == Some(wanted) && other.ofport_request == Some(wanted)),
            _ => gives_way && others().any(|other| other.ofport_request == row.ofport),
        }
    }

    /// Whether `ovs-vswitchd` has put the whole configuration into effect.
    pub(crate) fn is_configured(&self) -> bool {
        self.switch()
            .is_some_and(|switch| switch.cur_cfg >= switch.next_cfg)
    }
}

/// The datapath for bridges that have to be made: what somebody asked for, what the integration
/// bridge has, or what the machine can do.
///
/// Patch ports join only bridges of one datapath.
pub(crate) fn datapath_type(tables: &OpenVSwitch, integration: &str, this: &ThisHost) -> String {
    if let Some(asked) = &this.datapath_type {
        return asked.clone();
    }
    let providers = this.host.bridge_mappings.values().map(String::as_str);
    let existing = [integration]
        .into_iter()
        .chain(providers)
        .find_map(|name| tables.bridge(name));
    match existing {
        Some(bridge) => bridge.datapath_type.clone(),
        None if Path::new(KERNEL_MODULE).exists() => "system".to_owned(),
        None => "netdev".to_owned(),
    }
}

/// Where Linux shows that the kernel module of Open vSwitch is loaded.
const KERNEL_MODULE: &str = "/sys/module/openvswitch";

/// The interfaces that the switch cannot make.
pub(crate) fn broken_interfaces(tables: &OpenVSwitch) -> impl Iterator<Item = Problem> {
    let interfaces = tables.interfaces.iter();
    interfaces.filter_map(|interface| {
        let reason = interface.failure()?;
        let sentence = format!("cannot be made by ovs-vswitchd: {reason}");
        Some(Problem::new(Kind::Interface, &interface.name, sentence))
    })
}

impl Interface {
    /// Whether the heartbeats of BFD do not come through, if the switch watches it.
    pub(crate) fn is_silent(&self) -> bool {
        Session::of(self).is_some_and(|session| session != Session::Up)
    }

    /// Whether the switch has made it, and given it an OpenFlow number.
    pub(crate) fn works(&self) -> bool {
        self.ofport.is_some_and(|number| number > 0)
    }

    /// Why the switch cannot make it; `None` if it can, or has not tried.
    pub(crate) fn failure(&self) -> Option<&str> {
        let broken = self.ofport == Some(-1);
        broken.then(|| self.error.as_deref().unwrap_or("no reason given"))
    }
}

#[cfg(test)]
mod tests;
