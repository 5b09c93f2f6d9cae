//! Plans, carried out by a real `ovsdb-server`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ovsdb::{Client, Event, Events, Options, Transaction};
use pipelines::failover::Failover;
use pipelines::network::{Host, Model};
use tempfile::TempDir;

use super::*;
use crate::northbound::file;

mod carrier;

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";
const PATIENCE: Duration = Duration::from_secs(20);
const BRIDGES: (&str, &str) = ("br-int", "br-tun");
const VM: &str = "7571157f-bcad-4032-8ad1-f0950600b737";

const NETWORK: &str = "
hosts:
  - {name: host1, encap_ip: 192.0.2.1, bridge_mappings: {physnet1: br-ex}}
  - {name: host2, encap_ip: 192.0.2.2}
networks:
  - {name: private, network_type: vxlan, segmentation_id: 1001, subnets: [{cidr: 10.0.0.0/24}]}
  - {name: outside, network_type: flat, physical_network: physnet1}
ports:
  - id: 7571157f-bcad-4032-8ad1-f0950600b737
    network: private
    mac_address: fa:16:3e:00:00:12
    fixed_ips: [10.0.0.18]
    host: host1
";

/// A database of Open vSwitch, without a switch, which ends with the test.
struct Database {
    server: Child,
    client: Client<OpenVSwitch>,
    events: Events<OpenVSwitch>,
    _directory: TempDir,
}

impl Drop for Database {
    fn drop(&mut self) {
        // The server may have ended already.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program)
        .args(arguments)
        .status()
        .expect(program);
    assert!(status.success(), "{program} {arguments:?}");
}

impl Database {
    async fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let file = |name: &str| -> PathBuf { directory.path().join(name) };
        let (database, socket) = (file("conf.db"), file("db.sock"));
        run("ovsdb-tool", &["create", text(&database), SCHEMA]);
        let server = Command::new("ovsdb-server")
            .arg(format!("--remote=punix:{}", socket.display()))
            .arg(format!("--unixctl={}", file("ctl").display()))
            .arg(&database)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ovsdb-server");
        let remote = format!("unix:{}", socket.display()).parse().unwrap();
        let (client, events) = Client::connect(vec![remote], Options::default());
        let mut database = Self {
            server,
            client,
            events,
            _directory: directory,
        };
        while !matches!(database.event().await, Event::Connected { .. }) {}
        let mut init = Transaction::new();
        let provider = init.insert(Bridge::values().set(Bridge::name, "br-ex"));
        init.insert(Switch::values().set(Switch::bridges, [provider]));
        database.carry_out(init).await;
        database
    }

    async fn event(&mut self) -> Event<OpenVSwitch> {
        tokio::time::timeout(PATIENCE, self.events.next())
            .await
            .unwrap()
            .unwrap()
    }

    async fn carry_out(&self, transaction: Transaction<OpenVSwitch>) {
        self.client.transact(transaction, PATIENCE).await.unwrap();
    }

    fn tables(&self) -> Arc<OpenVSwitch> {
        self.client.snapshot()
    }

    /// What has to change for `model` on `host1`.
    fn plan(&self, model: &Model) -> Plan {
        let tables = self.tables();
        let host = "host1".into();
        let this = model.host(&host).unwrap();
        let configuration = Configuration::new(model, this, BRIDGES, &tables);
        let bindings = Bindings::new(&tables, model, (&host, &Failover::default()), "br-int");
        plan(&tables, &configuration, &bindings, model, "netdev")
    }

    /// Plugs an interface into br-int, as a hypervisor does.
    async fn plug(&self, name: &str, iface_id: &str) {
        self.plug_all(&[(name.to_owned(), iface_id.to_owned())])
            .await;
    }

    /// Plugs in several, each by its name and the port that it names.
    async fn plug_all(&self, plugs: &[(String, String)]) {
        let mut transaction = Transaction::new();
        let mut ports = Vec::new();
        for (name, iface_id) in plugs {
            let interface = transaction.insert(
                Interface::values()
                    .set(Interface::name, name.as_str())
                    .set(Interface::external_ids, [("iface-id", iface_id.as_str())]),
            );
            ports.push(
                transaction.insert(
                    Port::values()
                        .set(Port::name, name.as_str())
                        .set(Port::interfaces, [interface]),
                ),
            );
        }
        let bridge = self.tables().bridge("br-int").unwrap().uuid;
        transaction.mutate(bridge, [Bridge::ports.insert(ports)]);
        self.carry_out(transaction).await;
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn model(yaml: &str) -> Model {
    file::parse(Path::new("network.yaml"), yaml.as_bytes())
        .unwrap()
        .model
}

#[tokio::test]
async fn an_empty_database_gets_its_bridges_in_one_transaction() {
    let database = Database::start().await;
    database
        .carry_out(database.plan(&model(NETWORK)).transaction)
        .await;
    let tables = database.tables();
    for bridge in ["br-int", "br-tun", "br-ex"] {
        let bridge = tables.bridge(bridge).unwrap();
        assert_eq!(bridge.fail_mode.as_deref(), Some("secure"));
        assert!(!bridge.flow_tables.is_empty());
        // The administrator made br-ex.
        let made = bridge.name != "br-ex";
        assert_eq!(bridge.datapath_type, if made { "netdev" } else { "" });
    }
    let tunnel = tables
        .interfaces
        .index()
        .by_name
        .get("vxlan-c0000202")
        .unwrap();
    assert_eq!(tunnel.kind, "vxlan");
    assert_eq!(
        tunnel.options.get("remote_ip").map(String::as_str),
        Some("192.0.2.2")
    );
    assert!(
        !tables.is_configured(),
        "next_cfg asks ovs-vswitchd to say when it is done"
    );
}

#[tokio::test]
async fn a_plan_that_was_carried_out_leaves_nothing_to_change() {
    let database = Database::start().await;
    let model = model(NETWORK);
    database.carry_out(database.plan(&model).transaction).await;
    database.plug("tap7571157f-bc", VM).await;
    database.carry_out(database.plan(&model).transaction).await;
    assert_eq!(database.plan(&model).changes, Vec::<String>::new());
}

#[tokio::test]
async fn a_bound_port_records_its_network_as_neutron_does() {
    let database = Database::start().await;
    let model = model(NETWORK);
    database.carry_out(database.plan(&model).transaction).await;
    database.plug("tap7571157f-bc", VM).await;
    database.carry_out(database.plan(&model).transaction).await;
    let tables = database.tables();
    let port = tables.ports.index().by_name.get("tap7571157f-bc").unwrap();
    assert_eq!(port.tag, Some(1));
    let recorded: Vec<_> = ["network_type", "physical_network", "segmentation_id", "tag"]
        .into_iter()
        .map(|key| port.other_config.get(key).map(String::as_str))
        .collect();
    assert_eq!(
        recorded,
        [Some("vxlan"), Some("None"), Some("1001"), Some("1")]
    );
}

#[tokio::test]
async fn the_parent_of_a_trunk_records_the_networks_behind_it() {
    let database = Database::start().await;
    let behind = "
  - {name: behind, network: outside, mac_address: fa:16:3e:00:00:13}
trunks:
  - {name: trunk, port: 7571157f-bcad-4032-8ad1-f0950600b737,
     sub_ports: [{port: behind, segmentation_id: 100}]}";
    let model = model(&format!("{}{behind}", NETWORK.trim_end()));
    database.carry_out(database.plan(&model).transaction).await;
    database.plug("tap7571157f-bc", VM).await;
    database.carry_out(database.plan(&model).transaction).await;
    let bindings = Bindings::new(
        &database.tables(),
        &model,
        (&"host1".into(), &Failover::default()),
        "br-int",
    );
    let outside = model.networks().find(|network| network.name == "outside");
    let vlan = bindings.vlans.get(outside.unwrap().id).unwrap();
    let tables = database.tables();
    let port = tables.ports.index().by_name.get("tap7571157f-bc").unwrap();
    let recorded = port.other_config.get("brint-sub-networks").unwrap();
    assert_eq!(*recorded, format!("{}={vlan}", outside.unwrap().id));
    assert_eq!(database.plan(&model).changes, Vec::<String>::new());
}

#[tokio::test]
async fn what_somebody_else_broke_is_put_right() {
    let database = Database::start().await;
    let model = model(NETWORK);
    database.carry_out(database.plan(&model).transaction).await;
    let tables = database.tables();
    let mut vandalism = Transaction::new();
    let bridge = tables.bridge("br-int").unwrap();
    vandalism.update(
        bridge.uuid,
        Bridge::values().set(Bridge::fail_mode, Some("standalone")),
    );
    let patch = tables.interfaces.index().by_name.get("patch-tun").unwrap();
    vandalism.update(
        patch.uuid,
        Interface::values().set(Interface::options, [("peer", "nobody")]),
    );
    database.carry_out(vandalism).await;
    let plan = database.plan(&model);
    assert_eq!(
        plan.changes,
        [
            "set fail_mode of br-int to secure",
            "set the options of interface patch-tun"
        ]
    );
}

#[tokio::test]
async fn what_spoils_a_tunnel_or_a_bridge_is_put_right_and_the_rest_stays() {
    let database = Database::start().await;
    let outside = "  - {name: outside, network_type: flat, physical_network: physnet1, subnets: [{cidr: 203.0.113.0/24}]}\n";
    let text = NETWORK.replace(
        "  - {name: outside, network_type: flat, physical_network: physnet1}\n",
        outside,
    );
    let gateway = "  - {id: 7571157f-bcad-4032-8ad1-f0950600b7ff, network: outside, mac_address: \"fa:16:3e:00:00:fe\", fixed_ips: [203.0.113.2]}\nrouters:\n  - {name: r1, gateway: {port: 7571157f-bcad-4032-8ad1-f0950600b7ff}}\n";
    let model = model(&format!("{text}{gateway}"));
    // Of a bridge that is new, the next look notes the routers.
    database.carry_out(database.plan(&model).transaction).await;
    database.carry_out(database.plan(&model).transaction).await;
    let tables = database.tables();
    let tunnel = tables
        .interfaces
        .index()
        .by_name
        .get("vxlan-c0000202")
        .unwrap();
    assert_eq!(tunnel.bfd.get("enable").map(String::as_str), Some("true"));
    let bridge = tables.bridge("br-tun").unwrap();
    let mut vandalism = Transaction::new();
    let options = [("dst_port", "9999"), ("key", "7"), ("tos", "inherit")];
    vandalism.mutate(tunnel.uuid, [Interface::options.insert(options)]);
    let bfd = [("enable", "false"), ("min_rx", "1000")];
    vandalism.mutate(tunnel.uuid, Interface::bfd.replace(bfd));
    let old = Bridge::values().set(Bridge::protocols, ["OpenFlow10".to_owned()]);
    vandalism.update(bridge.uuid, old);
    database.carry_out(vandalism).await;
    let plan = database.plan(&model);
    let mut changes = plan.changes.clone();
    changes.sort_unstable();
    assert_eq!(
        changes,
        [
            "have br-tun speak OpenFlow13 too",
            "remove dst_port and key from the options of interface vxlan-c0000202",
            "watch interface vxlan-c0000202",
        ]
    );
    database.carry_out(plan.transaction).await;
    assert!(database.plan(&model).changes.is_empty());
    let tables = database.tables();
    let tunnel = tables
        .interfaces
        .index()
        .by_name
        .get("vxlan-c0000202")
        .unwrap();
    let bfd = |key: &str| tunnel.bfd.get(key).map(String::as_str);
    assert_eq!((bfd("enable"), bfd("min_rx")), (Some("true"), Some("1000")));
    assert!(tunnel.options.contains_key("tos") && !tunnel.options.contains_key("key"));
    assert_eq!(tables.bridge("br-tun").unwrap().protocols.len(), 2);
}

#[tokio::test]
async fn the_tunnel_to_a_host_that_is_gone_is_removed() {
    let database = Database::start().await;
    database
        .carry_out(database.plan(&model(NETWORK)).transaction)
        .await;
    let without = NETWORK.replace("  - {name: host2, encap_ip: 192.0.2.2}\n", "");
    let plan = database.plan(&model(&without));
    assert_eq!(plan.changes, ["remove port vxlan-c0000202 of br-tun"]);
    database.carry_out(plan.transaction).await;
    assert!(
        database
            .tables()
            .ports
            .index()
            .by_name
            .get("vxlan-c0000202")
            .is_none()
    );
}

#[tokio::test]
async fn an_interface_is_renumbered_when_the_switch_will_do_what_is_asked() {
    let database = Database::start().await;
    let model = model(NETWORK);
    database.carry_out(database.plan(&model).transaction).await;
    for name in ["tap1", "tap2"] {
        database.plug(name, VM).await;
    }
    let set = async |name: &str, ofport: Option<i64>, request: Option<i64>| {
        let tables = database.tables();
        let interface = tables.interfaces.index().by_name.get(name).unwrap();
        let mut transaction = Transaction::new();
        let values = Interface::values()
            .set(Interface::ofport, ofport)
            .set(Interface::ofport_request, request);
        transaction.update(interface.uuid, values);
        database.carry_out(transaction).await;
    };
    for (one, other, renumbered) in [
        ((Some(5), None), (Some(6), None), [false, false]),
        ((Some(5), Some(5)), (Some(6), None), [false, false]),
        ((None, Some(5)), (Some(6), None), [true, false]),
        ((Some(5), Some(7)), (Some(6), None), [true, false]),
        // The one that has the number gives it up, unless it asks for it too.
        ((Some(5), Some(6)), (Some(6), None), [true, true]),
        ((Some(5), Some(6)), (Some(6), Some(6)), [false, false]),
        ((Some(5), Some(6)), (Some(6), Some(5)), [true, true]),
        ((Some(-1), Some(6)), (Some(6), Some(6)), [false, false]),
    ] {
        set("tap1", one.0, one.1).await;
        set("tap2", other.0, other.1).await;
        let tables = database.tables();
        let found = ["tap1", "tap2"].map(|name| tables.is_renumbered("br-int", name));
        assert_eq!(found, renumbered, "{one:?} {other:?}");
    }
}

#[tokio::test]
async fn of_two_interfaces_for_one_port_one_is_bound_and_the_other_named() {
    let database = Database::start().await;
    let model = model(NETWORK);
    database.carry_out(database.plan(&model).transaction).await;
    database.plug("tap1", VM).await;
    database.plug("tap2", VM).await;
    let bindings = Bindings::new(
        &database.tables(),
        &model,
        (&"host1".into(), &Failover::default()),
        "br-int",
    );
    assert_eq!((bindings.ports.len(), bindings.problems.len()), (1, 1));
    // Which one is the newer is not known, but it stays the one that was chosen.
    let bound = |bindings: Bindings| {
        let bound = bindings.ports.into_values();
        bound.map(|binding| binding.interface).collect::<Vec<_>>()
    };
    let chosen = bound(bindings);
    database.carry_out(database.plan(&model).transaction).await;
    let bindings = Bindings::new(
        &database.tables(),
        &model,
        (&"host1".into(), &Failover::default()),
        "br-int",
    );
    assert_eq!(bound(bindings), chosen);
    assert_eq!(database.plan(&model).changes, Vec::<String>::new());
}

#[tokio::test]
async fn of_two_interfaces_for_one_port_the_newer_is_bound_whatever_its_number() {
    let database = Database::start().await;
    let model = model(NETWORK);
    database.carry_out(database.plan(&model).transaction).await;
    for (name, ofport) in [("tap1", 43), ("tap2", 5), ("tap3", 7)] {
        database.plug(name, VM).await;
        let tables = database.tables();
        let interface = tables.interfaces.index().by_name.get(name).unwrap();
        let mut transaction = Transaction::new();
        let values = Interface::values().set(Interface::ofport, Some(ofport));
        transaction.update(interface.uuid, values);
        database.carry_out(transaction).await;
        // Once before the plan is carried out, and once after.
        for _ in 0..2 {
            let bindings = Bindings::new(
                &database.tables(),
                &model,
                (&"host1".into(), &Failover::default()),
                "br-int",
            );
            let bound = bindings.ports.values().map(|binding| &binding.interface);
            assert_eq!(bound.collect::<Vec<_>>(), [name]);
            database.carry_out(database.plan(&model).transaction).await;
        }
        assert_eq!(database.plan(&model).changes, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_newer_interface_that_does_not_work_takes_nothing_from_one_that_does() {
    let database = Database::start().await;
    let model = model(NETWORK);
    database.carry_out(database.plan(&model).transaction).await;
    let set = async |name: &str, ofport: i64| {
        let tables = database.tables();
        let interface = tables.interfaces.index().by_name.get(name).unwrap();
        let mut transaction = Transaction::new();
        let values = Interface::values().set(Interface::ofport, Some(ofport));
        transaction.update(interface.uuid, values);
        database.carry_out(transaction).await;
    };
    let bound = || {
        let view = (&"host1".into(), &Failover::default());
        let bindings = Bindings::new(&database.tables(), &model, view, "br-int");
        let bound = bindings
            .ports
            .values()
            .map(|binding| binding.interface.clone());
        (bound.collect::<Vec<_>>(), sentences(&bindings.problems))
    };
    database.plug("tap1", VM).await;
    set("tap1", 43).await;
    database.carry_out(database.plan(&model).transaction).await;
    database.plug("ghost0", VM).await;
    for ofport in [None, Some(-1)] {
        if let Some(ofport) = ofport {
            set("ghost0", ofport).await;
        }
        let (interfaces, problems) = bound();
        assert_eq!(interfaces, ["tap1"]);
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        assert!(
            problem.starts_with("interface ghost0 is not bound: "),
            "{problem}"
        );
        assert!(problem.contains("tap1, which works"), "{problem}");
        assert_eq!(database.plan(&model).changes, Vec::<String>::new());
    }
    // Once it works, it is the newer.
    set("ghost0", 44).await;
    assert_eq!(bound().0, ["ghost0"]);
    database.carry_out(database.plan(&model).transaction).await;
    assert_eq!(bound().0, ["ghost0"]);
    // And what works takes the place of what does not any more.
    set("ghost0", -1).await;
    assert_eq!(bound().0, ["tap1"]);
}

#[tokio::test]
async fn an_interface_of_another_host_or_of_no_port_is_not_bound() {
    let database = Database::start().await;
    let model = model(&NETWORK.replace("host: host1", "host: host2"));
    database.carry_out(database.plan(&model).transaction).await;
    database.plug("tap1", VM).await;
    database.plug("tap2", "not a UUID").await;
    let bindings = Bindings::new(
        &database.tables(),
        &model,
        (&"host1".into(), &Failover::default()),
        "br-int",
    );
    assert!(bindings.ports.is_empty());
    let problems = sentences(&bindings.problems);
    assert_eq!(
        problems,
        [
            "interface tap1 is not bound: port 7571157f-bcad-4032-8ad1-f0950600b737 belongs to \
             host host2",
            "interface tap2 is not bound: external_ids:iface-id not a UUID is not a UUID",
        ]
    );
}

/// A host whose only bridge is `br-ex`, and what it needs for a description.
async fn configuration(model: &Model, change: impl FnOnce(&mut Host)) -> Configuration {
    let database = Database::start().await;
    let mut this = model.host(&"host1".into()).unwrap().clone();
    change(&mut this);
    Configuration::new(model, &this, BRIDGES, &database.tables())
}

fn sentences<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> Vec<String> {
    problems.into_iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_tunnel_to_ones_own_address_is_refused_alone() {
    let model = model(NETWORK);
    let own = |host: &mut Host| host.encap_ip = "192.0.2.2".parse().ok();
    let configuration = configuration(&model, own).await;
    assert!(configuration.bridges.contains_key("br-ex"));
    assert_eq!(
        sentences(&configuration.problems),
        [
            "tunnel vxlan to host host2 is refused: encap_ip 192.0.2.2 is the address of this \
             host too"
        ]
    );
}

#[tokio::test]
async fn of_two_tunnels_with_one_name_the_second_is_refused_alone() {
    // The names of these two tunnels are the same hash.
    let yaml = NETWORK
        .replace("192.0.2.1", "\"2001:db8::1\"")
        .replace("192.0.2.2", "\"2001:db8::2b:2867:40b9\"")
        .replace(
            "networks:",
            "  - {name: host3, encap_ip: \"2001:db8::79:2f01:cda7\"}\nnetworks:",
        );
    let model = model(&yaml);
    let configuration = configuration(&model, |_| {}).await;
    let problems = sentences(&configuration.problems);
    assert_eq!(
        problems,
        [
            "tunnel vxlan to host host3 is refused: encap_ip 2001:db8::79:2f01:cda7 is taken: port \
             vxlan-2e5394d8 leads to host host2"
        ]
    );
}

#[tokio::test]
async fn a_mapping_to_a_bridge_that_does_not_exist_is_refused_alone() {
    let model = model(NETWORK);
    let map = |host: &mut Host| {
        host.bridge_mappings
            .insert("physnet2".into(), "br-vlan".to_owned());
    };
    let configuration = configuration(&model, map).await;
    let bridges: Vec<_> = configuration.bridges.keys().map(String::as_str).collect();
    assert_eq!(bridges, ["br-ex", "br-int", "br-tun"]);
    assert_eq!(
        sentences(&configuration.problems),
        [
            "bridge mapping physnet2:br-vlan is refused: there is no bridge br-vlan, expected one \
             with a network card"
        ]
    );
}

#[tokio::test]
async fn two_mappings_to_one_bridge_are_one_too_many() {
    let model = model(NETWORK);
    let map = |host: &mut Host| {
        host.bridge_mappings
            .insert("physnet2".into(), "br-ex".to_owned());
    };
    let configuration = configuration(&model, map).await;
    assert_eq!(
        sentences(&configuration.problems),
        [
            "bridge mapping physnet2:br-ex is refused: br-ex has another use, expected a bridge \
             of its own"
        ]
    );
}

#[tokio::test]
async fn a_network_whose_physical_network_has_no_bridge_here_is_named() {
    let model = model(NETWORK);
    let configuration = configuration(&model, |host| host.bridge_mappings.clear()).await;
    let networks: Vec<_> = model.networks().map(|network| network.id).collect();
    let outside = model
        .networks()
        .find(|network| network.name == "outside")
        .unwrap();
    assert_eq!(
        sentences(&configuration.unmapped(&model, networks)),
        [format!(
            "network outside ({}) is cut off: physical network physnet1 has no bridge here",
            outside.id
        )]
    );
}

#[tokio::test]
async fn an_interface_that_cannot_be_made_waits_alone() {
    let database = Database::start().await;
    let model = model(NETWORK);
    database.carry_out(database.plan(&model).transaction).await;
    database.plug("tap1", VM).await;
    let tables = database.tables();
    let interface = tables.interfaces.index().by_name.get("tap1").unwrap();
    let mut transaction = Transaction::new();
    let values = Interface::values()
        .set(Interface::ofport, Some(-1))
        .set(Interface::error, Some("could not open network device tap1"));
    transaction.update(interface.uuid, values);
    database.carry_out(transaction).await;
    let problems: Vec<_> = broken_interfaces(&database.tables()).collect();
    assert_eq!(
        sentences(&problems),
        ["interface tap1 cannot be made by ovs-vswitchd: could not open network device tap1"]
    );
}

#[tokio::test]
async fn networks_beyond_the_last_local_vlan_are_refused_alone() {
    let database = Database::start().await;
    let mut yaml = "hosts: [{name: host1}]\nnetworks:\n".to_owned();
    let numbers = 0..4095;
    for number in numbers.clone() {
        yaml += &format!("  - {{name: n{number}, network_type: local}}\n");
    }
    yaml += "ports:\n";
    for number in numbers.clone() {
        let (high, low) = (number / 256, number % 256);
        yaml += &format!(
            "  - {{id: {}, network: n{number}, mac_address: \"fa:16:3e:00:{high:02x}:{low:02x}\"}}\n",
            Uuid::from_u128(number)
        );
    }
    let model = model(&yaml);
    database.carry_out(database.plan(&model).transaction).await;
    let ids = numbers.map(|number| Uuid::from_u128(number).to_string());
    let plugs: Vec<_> = ids.map(|id| (format!("tap-{id}"), id)).collect();
    database.plug_all(&plugs).await;
    let bindings = Bindings::new(
        &database.tables(),
        &model,
        (&"host1".into(), &Failover::default()),
        "br-int",
    );
    assert_eq!(bindings.vlans.iter().count(), 4094);
    let problems = sentences(&bindings.problems);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].ends_with("has no local VLAN: all 4094 of this host are in use"));
}
