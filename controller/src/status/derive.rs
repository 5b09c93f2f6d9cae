//! The status, derived from the board.

use std::process;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pipelines::bridge::Bridge as Role;
use pipelines::network::{HostName, Model, Port as ModelPort, VlanId};
use pipelines::unit::units;

use super::{
    Bridge, Change, Compilation, Count, Database, Datapath, Flows, Kinds, Logged, Network, Port,
    PortState, Repairs, Router, Served, Source, Standing, Status, Tunnel,
};
use crate::agent::Desired;
use crate::board::{Knowledge, View};
use crate::flows::Owners;
use crate::problem::{Kind, Problem};
use crate::switch::Report;
use crate::switch::report::{self, Rejected};
use crate::vswitch::{Link, OpenVSwitch};

impl Status {
    /// What is known now.
    pub(crate) fn of(knowledge: &Knowledge) -> Self {
        let view = &*knowledge.view;
        let desired = view.desired.as_deref();
        Self {
            host: view.settings.host.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: process::id(),
            now: unix(SystemTime::now()),
            started: unix(view.started),
            encap_ip: desired.and_then(|desired| desired.this.host.encap_ip),
            source: source(view),
            database: Database {
                remote: view.settings.database.clone(),
                connected: view.connected,
                connections: view.connections,
                changes: view.changes,
            },
            datapath: Datapath {
                kind: view.datapath.kind.clone(),
                features: view.datapath.features.clone(),
                flows_answer_solicitations: view.datapath.features().nd_extensions,
            },
            compilation: Compilation {
                // Counted for those who ask, and once: whoever compiles needs not know all of them.
                units: view
                    .site
                    .as_ref()
                    .map_or(0, |site| *view.units.get_or_init(|| units(site).len())),
                recompiled: view.compilation.recompiled,
                us: micros(view.compilation.took),
                changes: view.compilation.changes,
                total_recompiled: view.compilation.total_recompiled,
                total_seconds: view.compilation.total.as_secs_f64(),
            },
            bridges: (knowledge.switches.iter())
                .map(|(name, report)| (name.clone(), bridge(view, name, report)))
                .collect(),
            networks: with(view, networks),
            ports: with(view, ports),
            routers: routers(view),
            tunnels: desired.map_or_else(Vec::new, |desired| tunnels(desired, &view.tables)),
            problems: problems(knowledge),
        }
    }
}

/// What follows from the model and the database, once both are known.
fn with<T>(view: &View, derive: impl Fn(&View, &Model, &Desired) -> Vec<T>) -> Vec<T> {
    match (view.model.as_deref(), view.desired.as_deref()) {
        (Some(model), Some(desired)) => derive(view, model, desired),
        _ => Vec::new(),
    }
}

fn source(view: &View) -> Source {
    let model = view.model.as_deref();
    Source {
        file: view.settings.source.to_string(),
        digest: view.digest,
        held: view.held.clone(),
        networks: model.map_or(0, |model| model.networks().count()),
        ports: model.map_or(0, |model| model.ports().count()),
        security_groups: model.map_or(0, |model| model.security_groups().count()),
        hosts: model.map_or(0, |model| model.hosts().count()),
    }
}

fn bridge(view: &View, name: &str, report: &Report) -> Bridge {
    let wanted = view.flows.get(name);
    let role = view
        .desired
        .as_ref()
        .and_then(|desired| desired.configuration.bridges.get(name))
        .map(|bridge| match &bridge.role {
            Role::Integration => "integration".to_owned(),
            Role::Tunnel => "tunnel".to_owned(),
            Role::Provider(physical_network) => format!("provider {physical_network}"),
        });
    let totals = &report.totals;
    Bridge {
        role: role.unwrap_or_default(),
        connected: report.connected.is_some(),
        connections: totals.connections,
        flows: Flows {
            desired: wanted.map_or(0, |wanted| wanted.flows().len()),
            installed: report.flows,
            foreign: (report.foreign.iter())
                .map(|(cookie, count)| (format!("{cookie:#x}"), *count))
                .collect(),
        },
        groups: Count {
            desired: wanted.map_or(0, |wanted| wanted.groups.len()),
            installed: report.groups,
        },
        meters: Count {
            desired: wanted.map_or(0, |wanted| wanted.meters.len()),
            installed: report.meters,
        },
        repairs: Repairs {
            flows: totals.repairs.flows,
            groups: totals.repairs.groups,
            meters: totals.repairs.meters,
            settings: totals.repairs.settings,
        },
        changes: totals.bundles,
        last_change: report.last.map(|last| Change {
            when: unix(last.when),
            flows: last.tally.flows.into(),
            groups: last.tally.groups.into(),
            diff_us: micros(last.diff),
            switch_us: micros(last.switch),
        }),
        flow_mods: totals.sent.flows.into(),
        group_mods: totals.sent.groups.into(),
        meter_mods: totals.sent.meters.into(),
        logged: Logged {
            written: totals.logged.written,
            limited: totals.logged.limited,
        },
        served: (report.served.iter())
            .map(|(service, served)| (service.as_str().to_owned(), (*served).into()))
            .collect(),
        diff_seconds: totals.diff.as_secs_f64(),
        switch_seconds: totals.switch.as_secs_f64(),
    }
}

impl From<report::Served> for Served {
    fn from(served: report::Served) -> Self {
        let report::Served {
            answered,
            heard,
            refused,
            lost,
        } = served;
        Self {
            answered,
            heard,
            refused,
            lost,
        }
    }
}

impl From<report::Kinds> for Kinds {
    fn from(kinds: report::Kinds) -> Self {
        let report::Kinds {
            added,
            modified,
            deleted,
        } = kinds;
        Self {
            added,
            modified,
            deleted,
        }
    }
}

fn networks(_: &View, model: &Model, desired: &Desired) -> Vec<Network> {
    let vlans = desired.bindings.vlans.iter();
    vlans
        .filter_map(|(id, vlan)| {
            let network = model.network(id)?;
            Some(Network {
                id: id.0,
                name: network.name.clone(),
                local_vlan: vlan.get(),
                segment: network.segment.to_string(),
                mtu: model.mtu(network),
            })
        })
        .collect()
}

/// The ports that the description places here, and those that are plugged in here.
fn ports(view: &View, model: &Model, desired: &Desired) -> Vec<Port> {
    let here = |port: &&ModelPort| {
        let (holder, _) = holder(model, port);
        port.hosts().any(|host| *host == view.settings.host)
            || desired.bindings.ports.contains_key(&holder.id)
    };
    let ports = model.ports().filter(here);
    ports
        .map(|port| self::port(view, model, desired, port))
        .collect()
}

/// The port whose interface carries a port, and the VLAN on it: a sub-port has its parent's.
fn holder<'a>(model: &'a Model, port: &'a ModelPort) -> (&'a ModelPort, Option<VlanId>) {
    match model.parent(port.id) {
        Some((parent, vlan)) => (parent, Some(vlan)),
        None => (port, None),
    }
}

fn port(view: &View, model: &Model, desired: &Desired, port: &ModelPort) -> Port {
    let (holder, vlan) = holder(model, port);
    let binding = desired.bindings.ports.get(&holder.id);
    let interface = binding.map(|binding| binding.interface.clone());
    let reason = match &interface {
        None => Some(format!(
            "no interface of {} has external_ids:iface-id={}",
            view.settings.integration_bridge, holder.id
        )),
        Some(interface) => waits_for(&view.tables, interface).or_else(|| {
            let vlan = desired.bindings.vlans.get(port.network);
            vlan.is_none()
                .then(|| "its network has no local VLAN".to_owned())
        }),
    };
    Port {
        id: port.id.0,
        name: port.name.clone(),
        network: model
            .network(port.network)
            .map(|network| network.name.clone())
            .unwrap_or_default(),
        ofport: interface
            .as_ref()
            .and_then(|interface| view.tables.ofport(interface)),
        interface,
        vlan: vlan.map(VlanId::get),
        state: match (&reason, port.admin_state_up && holder.admin_state_up) {
            (Some(_), _) => PortState::Waiting,
            (None, true) => PortState::Bound,
            (None, false) => PortState::Down,
        },
        reason,
    }
}

/// What an interface lacks before it can have flows.
fn waits_for(tables: &OpenVSwitch, interface: &str) -> Option<String> {
    let row = tables.interfaces.index().by_name.get(interface);
    match row.map(|row| (row.failure(), tables.ofport(interface))) {
        None => Some(format!("interface {interface} is not there")),
        Some((Some(failure), _)) => {
            Some(format!("ovs-vswitchd cannot make {interface}: {failure}"))
        }
        Some((None, None)) => Some(format!("{interface} has no OpenFlow number yet")),
        Some((None, Some(_))) => None,
    }
}

fn routers(view: &View) -> Vec<Router> {
    let Some(site) = view.site.as_deref() else {
        return Vec::new();
    };
    let routers = site
        .routers
        .keys()
        .filter_map(|id| site.model().router(*id));
    routers
        .map(|router| {
            let gateway = view.gateways.get(&router.id);
            Router {
                id: router.id.0,
                name: router.name.clone(),
                gateway_host: gateway.map(|gateway| gateway.host.to_string()),
                since: gateway.map(|gateway| unix(gateway.since)),
            }
        })
        .collect()
}

fn tunnels(desired: &Desired, tables: &OpenVSwitch) -> Vec<Tunnel> {
    let bridges = desired.configuration.bridges.values();
    let links = bridges.flat_map(|bridge| &bridge.ports);
    links
        .filter_map(|(name, link)| match link {
            Link::Patch { .. } => None,
            Link::Tunnel {
                encap_type,
                local,
                remote,
                host,
                ..
            } => Some(Tunnel {
                name: name.clone(),
                encap_type: encap_type.to_string(),
                host: host.to_string(),
                local: *local,
                remote: *remote,
                ofport: tables.ofport(name),
                reason: waits_for(tables, name).or_else(|| silent(desired, tables, (name, host))),
            }),
        })
        .collect()
}

/// Why a tunnel leads nowhere.
fn silent(
    desired: &Desired,
    tables: &OpenVSwitch,
    (name, host): (&str, &HostName),
) -> Option<String> {
    let interface = tables.interfaces.index().by_name.get(name);
    let is_silent = interface.is_some_and(|interface| interface.is_silent());
    let is_gone = is_silent || desired.silent.contains(host);
    is_gone.then(|| "the other end is not heard".to_owned())
}

/// What the agent reports, and what the switches do.
fn problems(knowledge: &Knowledge) -> Vec<Standing> {
    let standing = |problem: Problem, since| Standing {
        problem,
        since: unix(since),
    };
    let agent = knowledge.view.problems.iter();
    let mut problems: Vec<_> = agent
        .map(|(problem, since)| standing(problem.clone(), *since))
        .collect();
    for (bridge, report) in &knowledge.switches {
        for trouble in report.trouble.iter() {
            let sentence = format!("is not connected: {}", trouble.reason);
            let problem = Problem::new(Kind::Bridge, bridge, sentence);
            problems.push(standing(problem, trouble.since));
        }
        for trouble in &report.odd {
            let problem = Problem::new(Kind::Port, &trouble.reason, format!("in {bridge}"));
            problems.push(standing(problem, trouble.since));
        }
        for trouble in report.unreadable.iter() {
            let sentence = format!(
                "has flows of others that cannot be read: {}",
                trouble.reason
            );
            let problem = Problem::new(Kind::Bridge, bridge, sentence);
            problems.push(standing(problem, trouble.since));
        }
        if report.refused.is_empty() {
            continue;
        }
        let owners = Owners::of(knowledge.view.model.as_deref());
        for rejected in &report.refused {
            let sentence = sentence(&knowledge.view, bridge, rejected, &owners);
            let problem = Problem::new(Kind::Flow, format!("of {bridge}"), sentence);
            problems.push(standing(problem, rejected.trouble.since));
        }
    }
    problems
}

/// What the switch rejected, for which object, and what does not work without it.
fn sentence(view: &View, bridge: &str, rejected: &Rejected, owners: &Owners) -> String {
    let reason = &rejected.trouble.reason;
    let Some((number, cookie)) = rejected.place else {
        return format!("is rejected by the switch: {reason}");
    };
    let owner = owners.owner(cookie);
    let owner = owner.map_or_else(|| format!("{cookie:#x}"), |owner| owner.to_string());
    let bridges = view
        .desired
        .as_ref()
        .map(|desired| &desired.configuration.bridges);
    let role = bridges.and_then(|bridges| Some(&bridges.get(bridge)?.role));
    let mut tables = role.into_iter().flat_map(|role| role.pipeline().tables());
    let table = tables.find(|table| table.number == number);
    let purpose = table.map_or_else(String::new, |table| format!(" ({})", table.purpose));
    format!(
        "for {owner} is rejected by the switch, so what table {number} does for it{purpose} does \
         not work: {reason}"
    )
}

/// Seconds since the beginning of 1970.
fn unix(time: SystemTime) -> u64 {
    // A clock that is before 1970 is wrong anyway.
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
