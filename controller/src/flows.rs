//! Flows as people read them: the text of `ovs-ofctl`, and the object that each comes from.

use std::fmt;

use openflow::field::{IN_PORT, PortNo, REG5};
use openflow::flow::Flow;
use openflow::meter::Meter;
use openflow::names::Names;
use pipelines::bridge::Bridge as Role;
use pipelines::cookie::Cookie;
use pipelines::diff::{Change, diff};
use pipelines::flow_set::{FlowSet, Key};
use serde::{Deserialize, Serialize};

use crate::board::View;
use crate::vswitch::OpenVSwitch;
use owner::Owner;
pub(crate) use owner::Owners;

mod installed;
mod owner;

pub(crate) use installed::{counters, installed};

/// Which flows somebody wants to see.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Query {
    /// Of this bridge only.
    pub(crate) bridge: Option<String>,
    /// Of this table only, by name or number.
    pub(crate) table: Option<String>,
    /// Of this port only, by name, UUID, interface or OpenFlow number.
    pub(crate) port: Option<String>,
}

/// The flows of one bridge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BridgeFlows {
    /// The bridge.
    pub(crate) bridge: String,
    /// Its flows, by table, the greatest priority first.
    pub(crate) flows: Vec<OwnedFlow>,
}

/// A flow, and where it comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OwnedFlow {
    /// The flow, as `ovs-ofctl --names --no-stats dump-flows` prints it.
    pub(crate) text: String,
    /// The number of its table.
    pub(crate) table: u8,
    /// What the table is for.
    pub(crate) purpose: Option<String>,
    /// The object that it comes from; none if it is not the agent's.
    pub(crate) owner: Option<Owner>,
}

/// How what is installed in a bridge differs from what should be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BridgeDiff {
    /// The bridge.
    pub(crate) bridge: String,
    /// What has to go and to come.
    pub(crate) differences: Vec<Difference>,
}

/// A flow or group that is there and should not be, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// What has to happen to it.
    pub(crate) sign: Sign,
    /// The flow or group, as `ovs-ofctl` prints it.
    pub(crate) text: String,
    /// The object that it comes from.
    pub(crate) owner: Option<Owner>,
}

/// What has to happen to a flow or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sign {
    /// It is missing.
    #[serde(rename = "+")]
    Add,
    /// It is too much.
    #[serde(rename = "-")]
    Remove,
}

impl BridgeFlows {
    /// The flows of some bridges that a question asks for.
    ///
    /// # Errors
    ///
    /// What the question names is not there.
    pub(crate) fn all(
        view: &View,
        installed: Vec<(String, FlowSet)>,
        query: &Query,
    ) -> Result<Vec<Self>, String> {
        let owners = Owners::of(view.model.as_deref());
        let port = query.port.as_deref();
        let port = port.map(|text| Wanted::find(view, text)).transpose()?;
        let mut found = false;
        let mut bridges = Vec::new();
        for (bridge, installed) in installed {
            let names = names(&view.tables, &bridge);
            let table = query.table.as_deref().map(|text| {
                let table = text.parse().ok().or_else(|| names.table_named(text));
                found |= table.is_some();
                table
            });
            let wanted = installed.flows().filter(|flow| {
                table.is_none_or(|table| table == Some(flow.table))
                    && port
                        .as_ref()
                        .is_none_or(|port| port.has(flow, role(view, &bridge)))
            });
            let mut wanted: Vec<_> = wanted.collect();
            wanted.sort_by_key(|flow| (flow.table, u16::MAX - flow.priority));
            let flows = wanted.into_iter().map(|flow| OwnedFlow {
                text: flow.display_with(&names).to_string(),
                table: flow.table,
                purpose: purpose(role(view, &bridge), flow.table),
                owner: owners.owner(flow.cookie),
            });
            bridges.push(Self {
                flows: flows.collect(),
                bridge,
            });
        }
        match &query.table {
            Some(table) if !found => Err(format!("no table has the name or number {table}")),
            _ => Ok(bridges),
        }
    }
}

impl BridgeDiff {
    /// The difference of one bridge.
    pub(crate) fn of(view: &View, bridge: String, installed: &FlowSet) -> Self {
        let owners = Owners::of(view.model.as_deref());
        let names = names(&view.tables, &bridge);
        let changes = match view.flows.get(&bridge) {
            Some(desired) => diff(installed, desired),
            None => Vec::new(),
        };
        let flow = |sign, flow: &Flow| Difference {
            sign,
            text: flow.display_with(&names).to_string(),
            owner: owners.owner(flow.cookie),
        };
        let group = |sign, text: String| Difference {
            sign,
            text: format!("group {text}"),
            owner: None,
        };
        let meter = |sign, meter: &Meter| Difference {
            sign,
            // A meter is a line, and a line for each band.
            text: meter.to_string().replace('\n', " "),
            owner: None,
        };
        let mut differences = Vec::new();
        for change in changes {
            let (gone, come) = match &change {
                Change::PutFlow(new) => (
                    (installed.flow(&Key::of(new))).map(|old| flow(Sign::Remove, old)),
                    Some(flow(Sign::Add, new)),
                ),
                Change::DeleteFlow(key) => {
                    (installed.flow(key).map(|old| flow(Sign::Remove, old)), None)
                }
                Change::AddGroup(new) | Change::ModifyGroup(new) => (
                    installed
                        .groups
                        .get(&new.id)
                        .map(|old| group(Sign::Remove, old.to_string())),
                    Some(group(Sign::Add, new.to_string())),
                ),
                Change::DeleteGroup(id) => (
                    installed
                        .groups
                        .get(id)
                        .map(|old| group(Sign::Remove, old.to_string())),
                    None,
                ),
                Change::AddMeter(new) | Change::ModifyMeter(new) => (
                    (installed.meters.get(&new.id)).map(|old| meter(Sign::Remove, old)),
                    Some(meter(Sign::Add, new)),
                ),
                Change::DeleteMeter(id) => (
                    (installed.meters.get(id)).map(|old| meter(Sign::Remove, old)),
                    None,
                ),
            };
            differences.extend(gone.into_iter().chain(come));
        }
        Self {
            bridge,
            differences,
        }
    }
}

impl fmt::Display for BridgeFlows {
    /// Writes what `ovs-ofctl add-flows` reads: whose a flow is stands in a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}: {} flows", self.bridge, self.flows.len())?;
        for flow in &self.flows {
            match &flow.owner {
                Some(owner) => writeln!(f, "{}  # {owner}", flow.text)?,
                None => writeln!(f, "{}  # somebody else's", flow.text)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for BridgeDiff {
    /// Writes nothing if there is no difference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.differences.is_empty() {
            writeln!(
                f,
                "# {}: {} differences",
                self.bridge,
                self.differences.len()
            )?;
        }
        for difference in &self.differences {
            match &difference.owner {
                Some(owner) => writeln!(f, "{difference}  # {owner}")?,
                None => writeln!(f, "{difference}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.sign {
            Sign::Add => '+',
            Sign::Remove => '-',
        };
        write!(f, "{sign}{}", self.text)
    }
}

/// A port whose flows are wanted.
struct Wanted {
    cookie: Option<u64>,
    number: Option<PortNo>,
}

impl Wanted {
    fn find(view: &View, text: &str) -> Result<Self, String> {
        match view.port_named(text)? {
            Some(port) => Ok(Self {
                cookie: Some(Cookie::of(port.id.0).get()),
                number: view.number(port).map(PortNo),
            }),
            None => Ok(Self {
                cookie: None,
                number: Some(PortNo(view.tables.ofport(text).ok_or_else(|| {
                    format!("no port has the name, UUID, interface or number {text}")
                })?)),
            }),
        }
    }

    /// Whether a flow is about the port: it comes from it, or matches its number on br-int.
    fn has(&self, flow: &Flow, role: Option<&Role>) -> bool {
        let Some(number) = self.number.filter(|_| role == Some(&Role::Integration)) else {
            return self.cookie == Some(flow.cookie);
        };
        self.cookie == Some(flow.cookie)
            || flow.matching.value(IN_PORT) == Some(number)
            || flow.matching.value(REG5) == Some(number.0)
    }
}

fn role<'a>(view: &'a View, bridge: &str) -> Option<&'a Role> {
    let bridges = &view.desired.as_ref()?.configuration.bridges;
    Some(&bridges.get(bridge)?.role)
}

fn purpose(role: Option<&Role>, table: u8) -> Option<String> {
    let tables = role?.pipeline().tables();
    let table = tables.iter().find(|row| row.number == table)?;
    Some(table.purpose.to_owned())
}

/// What the ports and tables of a bridge are called in the database.
fn names(tables: &OpenVSwitch, bridge: &str) -> Names {
    let mut names = Names::default();
    // The bridge's own port has a number that the database does not say.
    names.name_port(PortNo::LOCAL, bridge);
    let Some(row) = tables.bridge(bridge) else {
        return names;
    };
    for interface in tables.interfaces_of(bridge) {
        if let Some(number) = tables.ofport(interface) {
            names.name_port(PortNo(number), interface);
        }
    }
    for (number, row) in &row.flow_tables {
        let name = tables
            .flow_tables
            .get(row)
            .and_then(|row| row.name.as_ref());
        if let Some((number, name)) = u8::try_from(*number).ok().zip(name) {
            names.name_table(number, name.as_str());
        }
    }
    names
}

#[cfg(test)]
mod tests;
