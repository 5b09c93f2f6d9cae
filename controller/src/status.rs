//! The status: what the agent knows, in the words of the people who ask.
//!
//! It is derived from the board when somebody asks, and goes over the wire as JSON. Times are
//! seconds since the beginning of 1970, durations say their unit.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::problem::Problem;

mod derive;
mod table;

pub(crate) use table::columns;

/// What one agent knows and has done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The name of the host in the network description.
    pub(crate) host: String,
    /// The version of brint.
    pub(crate) version: String,
    /// The process.
    pub(crate) pid: u32,
    /// When this was derived.
    pub(crate) now: u64,
    /// When the agent started.
    pub(crate) started: u64,
    /// Where tunnels end here.
    pub(crate) encap_ip: Option<IpAddr>,
    /// Where the desired network comes from.
    pub(crate) source: Source,
    /// The host's database.
    pub(crate) database: Database,
    /// What forwards the packets of the bridges.
    pub(crate) datapath: Datapath,
    /// What turning the model into flows took.
    pub(crate) compilation: Compilation,
    /// The bridges that are programmed.
    pub(crate) bridges: BTreeMap<String, Bridge>,
    /// The networks that have a port here.
    pub(crate) networks: Vec<Network>,
    /// The ports that belong here.
    pub(crate) ports: Vec<Port>,
    /// The routers that forward here.
    pub(crate) routers: Vec<Router>,
    /// The tunnels to other hosts.
    pub(crate) tunnels: Vec<Tunnel>,
    /// What is refused or waits.
    pub(crate) problems: Vec<Standing>,
}

/// Where the desired network comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Source {
    /// The file.
    pub(crate) file: String,
    /// Derived from its content; none while none is in effect.
    pub(crate) digest: Option<Uuid>,
    /// Why what it says now is not in effect, if it is held.
    pub(crate) held: Option<String>,
    /// How many networks it has.
    pub(crate) networks: usize,
    /// How many ports.
    pub(crate) ports: usize,
    /// How many security groups.
    pub(crate) security_groups: usize,
    /// How many hosts.
    pub(crate) hosts: usize,
}

/// A database.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Database {
    /// Where it is.
    pub(crate) remote: String,
    /// Whether the agent follows it.
    pub(crate) connected: bool,
    /// How often the agent has connected.
    pub(crate) connections: u64,
    /// How many changes the agent has made to it.
    pub(crate) changes: u64,
}

/// What forwards the packets of the bridges.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Datapath {
    /// `system` for the kernel's, `netdev` for the one in user space.
    pub(crate) kind: String,
    /// What `ovs-vswitchd` says of each feature: `Yes`, `No` or a number.
    pub(crate) features: BTreeMap<String, String>,
    /// Whether flows, or else the agent, answer neighbour solicitations for routers.
    pub(crate) flows_answer_solicitations: bool,
}

/// What turning the model into flows took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Compilation {
    /// How many pieces the flows are compiled in.
    pub(crate) units: usize,
    /// How many of them the last change compiled anew.
    pub(crate) recompiled: usize,
    /// Microseconds that this took.
    pub(crate) us: u64,
    /// How many changes there were.
    pub(crate) changes: u64,
    /// How many units all changes compiled.
    pub(crate) total_recompiled: u64,
    /// Seconds that all of this took.
    pub(crate) total_seconds: f64,
}

/// A bridge that is programmed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bridge {
    /// What it is for.
    pub(crate) role: String,
    /// Whether its task is connected.
    pub(crate) connected: bool,
    /// How many connections came about.
    pub(crate) connections: u64,
    /// Its flows.
    pub(crate) flows: Flows,
    /// Its groups.
    pub(crate) groups: Count,
    /// Its meters.
    pub(crate) meters: Count,
    /// What somebody else had changed, and was put back.
    pub(crate) repairs: Repairs,
    /// How many changes were installed.
    pub(crate) changes: u64,
    /// The last of them.
    pub(crate) last_change: Option<Change>,
    /// What was sent: flow-mods.
    pub(crate) flow_mods: Kinds,
    /// What was sent: group-mods.
    pub(crate) group_mods: Kinds,
    /// What was sent: meter-mods.
    pub(crate) meter_mods: Kinds,
    /// Packets that the firewall showed to be logged.
    pub(crate) logged: Logged,
    /// What machines asked of their networks, by the service.
    pub(crate) served: BTreeMap<String, Served>,
    /// Seconds spent on comparing.
    pub(crate) diff_seconds: f64,
    /// Seconds spent on waiting for the switch.
    pub(crate) switch_seconds: f64,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Count {
    /// How many there should be.
    pub(crate) desired: usize,
    /// How many there are.
    pub(crate) installed: usize,
}

/// The flows of a bridge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flows {
    /// How many there should be.
    pub(crate) desired: usize,
    /// How many of the agent's there are.
    pub(crate) installed: usize,
    /// How many others there are, by cookie: somebody else's, and learned ones.
    pub(crate) foreign: BTreeMap<String, usize>,
}

/// What was put back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Repairs {
    /// Flows.
    pub(crate) flows: u64,
    /// Groups.
    pub(crate) groups: u64,
    /// Meters.
    pub(crate) meters: u64,
    /// Settings of the bridge and of its ports.
    pub(crate) settings: u64,
}

/// Packets that the firewall showed, to be logged.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Logged {
    /// Those that were logged.
    pub(crate) written: u64,
    /// Those that were too many at once.
    pub(crate) limited: u64,
}

/// Questions of machines, by what came of them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Served {
    /// Those that were answered.
    pub(crate) answered: u64,
    /// Those that were right, and wanted no answer.
    pub(crate) heard: u64,
    /// Those that were wrong.
    pub(crate) refused: u64,
    /// Those that were too many at once.
    pub(crate) lost: u64,
}

/// How many are new, changed and gone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Kinds {
    /// New ones.
    pub(crate) added: u64,
    /// Those that took the place of another.
    pub(crate) modified: u64,
    /// Those that went.
    pub(crate) deleted: u64,
}

/// One change of a bridge.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    /// When it was installed.
    pub(crate) when: u64,
    /// What it did to flows.
    pub(crate) flows: Kinds,
    /// What it did to groups.
    pub(crate) groups: Kinds,
    /// Microseconds for comparing.
    pub(crate) diff_us: u64,
    /// Microseconds until the switch had answered the barrier.
    pub(crate) switch_us: u64,
}

/// A network that has a port here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Network {
    /// Identifier.
    pub(crate) id: Uuid,
    /// What people call it.
    pub(crate) name: String,
    /// The number by which the bridges know it.
    pub(crate) local_vlan: u16,
    /// How it leaves the host, such as `vxlan 1001`.
    pub(crate) segment: String,
    /// Its largest packet in bytes: what the description asks for, where the hosts can.
    pub(crate) mtu: u16,
}

/// A port that belongs here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Port {
    /// Identifier.
    pub(crate) id: Uuid,
    /// What people call it.
    pub(crate) name: String,
    /// The name of its network.
    pub(crate) network: String,
    /// The interface that it is bound to; for a sub-port, that of its parent.
    pub(crate) interface: Option<String>,
    /// For a sub-port, its VLAN on that interface.
    pub(crate) vlan: Option<u16>,
    /// The interface's OpenFlow number.
    pub(crate) ofport: Option<u32>,
    /// Whether it works.
    pub(crate) state: PortState,
    /// What it waits for.
    pub(crate) reason: Option<String>,
}

/// Whether a port works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PortState {
    /// It is plugged in, and has its flows.
    Bound,
    /// It is plugged in, and shall not send or receive.
    Down,
    /// Something is missing.
    Waiting,
}

/// A router that forwards here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Router {
    /// Identifier.
    pub(crate) id: Uuid,
    /// What people call it.
    pub(crate) name: String,
    /// The host by which it leads outside, if one can.
    pub(crate) gateway_host: Option<String>,
    /// Since when, as far as this agent knows.
    pub(crate) since: Option<u64>,
}

/// A tunnel to another host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tunnel {
    /// The port of the tunnel bridge.
    pub(crate) name: String,
    /// How packets are carried.
    pub(crate) encap_type: String,
    /// The other host.
    pub(crate) host: String,
    /// This end.
    pub(crate) local: IpAddr,
    /// The other end.
    pub(crate) remote: IpAddr,
    /// The port's OpenFlow number.
    pub(crate) ofport: Option<u32>,
    /// What it waits for.
    pub(crate) reason: Option<String>,
}

/// A problem that stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// What is wrong.
    #[serde(flatten)]
    pub(crate) problem: Problem,
    /// Since when.
    pub(crate) since: u64,
}
