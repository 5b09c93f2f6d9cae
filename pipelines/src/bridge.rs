//! The bridges of a host, and how one unit's flows on one of them are compiled.

use std::{collections::BTreeSet, sync::Arc};

use openflow::{flow::Flow, instruction::Instructions};

use crate::{
    br_ex, br_int, br_tun,
    flow_set::{Desired, FlowSet},
    network::{PhysicalNetwork, PortId},
    site::Site,
    subject::{Naming, Subject},
    table::{Flows, Pipeline},
    unit::{Unit, units},
};

/// A bridge of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bridge {
    /// br-int, where machines are plugged in.
    Integration,
    /// br-tun, where tunnels end.
    Tunnel,
    /// The bridge of a physical network.
    Provider(PhysicalNetwork),
}

impl Bridge {
    /// The tables of the bridge.
    pub fn pipeline(&self) -> &'static Pipeline {
        match self {
            Self::Integration => &br_int::PIPELINE,
            Self::Tunnel => &br_tun::PIPELINE,
            Self::Provider(_) => &br_ex::PIPELINE,
        }
    }
}

/// The flows of one unit on one bridge; none if what the unit names is gone.
pub fn flows(site: &Site, bridge: &Bridge, unit: &Unit) -> FlowSet {
    compile(site, bridge, unit, &mut Naming::default())
}

fn compile<'a>(site: &'a Site, bridge: &Bridge, unit: &Unit, naming: &mut Naming<'a>) -> FlowSet {
    let mut wanted = FlowSet::default();
    if let Some(subject) = Subject::new(site, bridge, unit, naming) {
        let cookie = subject.cookie(unit);
        for table in bridge.pipeline().tables() {
            (table.flows)(&subject, &mut Flows::new(table, cookie, &mut wanted));
        }
    }
    wanted
}

/// The flows of br-int that keep packets from a port which is about to get another number: they are
/// among what is compiled for the site, and deliver nothing.
pub fn stops(site: &Site, port: PortId) -> Vec<Arc<Flow>> {
    let Some(local) = site.port(port) else {
        return Vec::new();
    };
    let stations = local.port.macs().into_iter();
    let stations = stations.map(|mac| Unit::Station(local.port.network, mac));
    let units = stations.chain([Unit::Port(port)]);
    let compiled = units.map(|unit| flows(site, &Bridge::Integration, &unit));
    let drops = |flow: &Arc<Flow>| flow.instructions == Instructions::default();
    let compiled: Vec<_> = compiled.collect();
    let flows = compiled.iter().flat_map(FlowSet::flows);
    flows.filter(|flow| drops(flow)).cloned().collect()
}

/// The flows of all units on one bridge.
pub fn desired(site: &Site, bridge: &Bridge) -> Desired {
    let mut desired = Desired::default();
    recompile(&mut desired, site, bridge, &units(site));
    desired
}

/// Brings some units of a bridge up to date: those that a change [affected](crate::unit::affected).
pub fn recompile(desired: &mut Desired, site: &Site, bridge: &Bridge, units: &BTreeSet<Unit>) {
    let mut naming = Naming::default();
    let compiled = units
        .iter()
        .map(|unit| (unit.clone(), compile(site, bridge, unit, &mut naming)));
    desired.replace(compiled);
}
