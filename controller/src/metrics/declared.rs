//! The metrics, one row each.

use super::{Kind, Metric, Sample, Value};
use crate::problem;
use crate::status::{Bridge, Kinds, PortState, Served, Status};

/// Every metric.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "brint_up_seconds",
        help: "How long the agent has been running.",
        kind: Kind::Gauge,
        samples: |status| single(count64(status.now.saturating_sub(status.started))),
    },
    Metric {
        name: "brint_connected",
        help: "Whether the peer is connected: 1 or 0. The peers are the database and each bridge.",
        kind: Kind::Gauge,
        samples: |status| {
            peers(status)
                .map(|(peer, connected, _)| sample("peer", peer, count64(connected.into())))
                .collect()
        },
    },
    Metric {
        name: "brint_connections",
        help: "Connections to the peer that came about; one more than its reconnections.",
        kind: Kind::Counter,
        samples: |status| {
            peers(status)
                .map(|(peer, _, connections)| sample("peer", peer, count64(connections)))
                .collect()
        },
    },
    Metric {
        name: "brint_northbound_held",
        help: "Whether the northbound database is held, as it is another one than before, or empty: 1 or 0.",
        kind: Kind::Gauge,
        samples: |status| single(count64(status.source.held.is_some().into())),
    },
    Metric {
        name: "brint_database_changes",
        help: "Changes that the agent made to the host's database, repairs included.",
        kind: Kind::Counter,
        samples: |status| single(count64(status.database.changes)),
    },
    Metric {
        name: "brint_flows_desired",
        help: "Flows that the bridge should have.",
        kind: Kind::Gauge,
        samples: |status| bridges(status, |bridge| count(bridge.flows.desired)),
    },
    Metric {
        name: "brint_flows_installed",
        help: "Flows of the agent that the bridge has.",
        kind: Kind::Gauge,
        samples: |status| bridges(status, |bridge| count(bridge.flows.installed)),
    },
    Metric {
        name: "brint_flows_foreign",
        help: "Flows of the bridge with cookies that are not the agent's: left alone.",
        kind: Kind::Gauge,
        samples: |status| bridges(status, |bridge| count(bridge.flows.foreign.values().sum())),
    },
    Metric {
        name: "brint_groups_desired",
        help: "Groups that the bridge should have.",
        kind: Kind::Gauge,
        samples: |status| bridges(status, |bridge| count(bridge.groups.desired)),
    },
    Metric {
        name: "brint_groups_installed",
        help: "Groups that the bridge has.",
        kind: Kind::Gauge,
        samples: |status| bridges(status, |bridge| count(bridge.groups.installed)),
    },
    Metric {
        name: "brint_meters_desired",
        help: "Meters that the bridge should have.",
        kind: Kind::Gauge,
        samples: |status| bridges(status, |bridge| count(bridge.meters.desired)),
    },
    Metric {
        name: "brint_meters_installed",
        help: "Meters that the bridge has.",
        kind: Kind::Gauge,
        samples: |status| bridges(status, |bridge| count(bridge.meters.installed)),
    },
    Metric {
        name: "brint_flow_mods",
        help: "Flow-mods that were installed in the bridge, by what they did to its flows.",
        kind: Kind::Counter,
        samples: |status| kinds(status, |bridge| bridge.flow_mods),
    },
    Metric {
        name: "brint_group_mods",
        help: "Group-mods that were installed in the bridge, by what they did to its groups.",
        kind: Kind::Counter,
        samples: |status| kinds(status, |bridge| bridge.group_mods),
    },
    Metric {
        name: "brint_meter_mods",
        help: "Meter-mods that were installed in the bridge, by what they did to its meters.",
        kind: Kind::Counter,
        samples: |status| kinds(status, |bridge| bridge.meter_mods),
    },
    Metric {
        name: "brint_bundles",
        help: "Bundles that were installed in the bridge; each is one atomic change.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| count64(bridge.changes)),
    },
    Metric {
        name: "brint_repaired_flows",
        help: "Flows of the bridge that somebody else had changed, and that were put back.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| count64(bridge.repairs.flows)),
    },
    Metric {
        name: "brint_repaired_groups",
        help: "Groups of the bridge that somebody else had changed, and that were put back.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| count64(bridge.repairs.groups)),
    },
    Metric {
        name: "brint_repaired_meters",
        help: "Meters of the bridge that somebody else had changed, and that were put back.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| count64(bridge.repairs.meters)),
    },
    Metric {
        name: "brint_repaired_settings",
        help: "Settings of the bridge and of its ports that somebody else had changed, and that were put back.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| count64(bridge.repairs.settings)),
    },
    Metric {
        name: "brint_logged_packets",
        help: "Packets that logs of security groups tell of.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| count64(bridge.logged.written)),
    },
    Metric {
        name: "brint_unlogged_packets",
        help: "Packets that such logs do not tell of, as the meter held them back.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| count64(bridge.logged.limited)),
    },
    Metric {
        name: "brint_service_packets",
        help: "Packets that asked something of the network itself, by service, and by what came of them: answered, heard (no answer is due), refused (malformed, or in another's name) or lost (too many at once).",
        kind: Kind::Counter,
        samples: served,
    },
    Metric {
        name: "brint_units",
        help: "Pieces that the flows of this host are compiled in.",
        kind: Kind::Gauge,
        samples: |status| single(count(status.compilation.units)),
    },
    Metric {
        name: "brint_units_compiled",
        help: "Units that changes had compiled anew.",
        kind: Kind::Counter,
        samples: |status| single(count64(status.compilation.total_recompiled)),
    },
    Metric {
        name: "brint_compilations",
        help: "Changes for which units were compiled.",
        kind: Kind::Counter,
        samples: |status| single(count64(status.compilation.changes)),
    },
    Metric {
        name: "brint_compile_seconds",
        help: "Time spent on deriving what the host should be, and on turning that into flows.",
        kind: Kind::Counter,
        samples: |status| single(Value::Seconds(status.compilation.total_seconds)),
    },
    Metric {
        name: "brint_diff_seconds",
        help: "Time spent on comparing what the bridge has with what it should have.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| Value::Seconds(bridge.diff_seconds)),
    },
    Metric {
        name: "brint_switch_seconds",
        help: "Time from the first message of a change to the answer to its barrier.",
        kind: Kind::Counter,
        samples: |status| bridges(status, |bridge| Value::Seconds(bridge.switch_seconds)),
    },
    Metric {
        name: "brint_networks",
        help: "Networks that have a port on this host.",
        kind: Kind::Gauge,
        samples: |status| single(count(status.networks.len())),
    },
    Metric {
        name: "brint_ports",
        help: "Ports that belong on this host, by state: bound, down or waiting.",
        kind: Kind::Gauge,
        samples: ports,
    },
    Metric {
        name: "brint_tunnels",
        help: "Tunnels to other hosts.",
        kind: Kind::Gauge,
        samples: |status| single(count(status.tunnels.len())),
    },
    Metric {
        name: "brint_problems",
        help: "Objects that are refused or wait, by kind; brint status names them.",
        kind: Kind::Gauge,
        samples: problems,
    },
];

fn count(count: usize) -> Value {
    // No host counts further than 64 bits.
    Value::Count(u64::try_from(count).unwrap_or(u64::MAX))
}

fn count64(count: u64) -> Value {
    Value::Count(count)
}

fn single(value: Value) -> Vec<Sample> {
    vec![Sample {
        labels: Vec::new(),
        value,
    }]
}

fn sample(label: &'static str, about: &str, value: Value) -> Sample {
    Sample {
        labels: vec![(label, about.to_owned())],
        value,
    }
}

fn bridges(status: &Status, value: impl Fn(&Bridge) -> Value) -> Vec<Sample> {
    let bridges = status.bridges.iter();
    bridges
        .map(|(name, bridge)| sample("bridge", name, value(bridge)))
        .collect()
}

fn kinds(status: &Status, kinds: impl Fn(&Bridge) -> Kinds) -> Vec<Sample> {
    let each = |(name, bridge): (&String, &Bridge)| {
        let kinds = kinds(bridge);
        [
            ("add", kinds.added),
            ("modify", kinds.modified),
            ("delete", kinds.deleted),
        ]
        .map(|(kind, count)| Sample {
            labels: vec![("bridge", name.clone()), ("kind", kind.to_owned())],
            value: count64(count),
        })
    };
    status.bridges.iter().flat_map(each).collect()
}

fn served(status: &Status) -> Vec<Sample> {
    let bridges = status.bridges.values();
    let services = bridges.flat_map(|bridge| &bridge.served);
    let each = |(service, served): (&String, &Served)| {
        [
            ("answered", served.answered),
            ("heard", served.heard),
            ("refused", served.refused),
            ("lost", served.lost),
        ]
        .map(|(result, count)| Sample {
            labels: vec![("service", service.clone()), ("result", result.to_owned())],
            value: count64(count),
        })
    };
    services.flat_map(each).collect()
}

/// Who the agent talks to, whether it does now, and how often it has begun to.
fn peers(status: &Status) -> impl Iterator<Item = (&str, bool, u64)> {
    let database = &status.database;
    let bridges = status.bridges.iter();
    let bridges =
        bridges.map(|(name, bridge)| (name.as_str(), bridge.connected, bridge.connections));
    [("database", database.connected, database.connections)]
        .into_iter()
        .chain(bridges)
}

fn ports(status: &Status) -> Vec<Sample> {
    [
        ("bound", PortState::Bound),
        ("down", PortState::Down),
        ("waiting", PortState::Waiting),
    ]
    .map(|(name, state)| {
        let ports = status.ports.iter().filter(|port| port.state == state);
        sample("state", name, count(ports.count()))
    })
    .into()
}

fn problems(status: &Status) -> Vec<Sample> {
    let kinds = problem::Kind::ALL.iter();
    kinds
        .map(|kind| {
            let problems = status.problems.iter();
            let of_kind = problems.filter(|standing| standing.problem.kind == *kind);
            sample("kind", &kind.to_string(), count(of_kind.count()))
        })
        .collect()
}
