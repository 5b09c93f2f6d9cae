//! The bridges of a host, and how one unit's flows on one of them are compiled.

use std::collections::BTreeSet;

use crate::{
    br_ex, br_int, br_tun,
    flow_set::{Desired, FlowSet},
    network::PhysicalNetwork,
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
