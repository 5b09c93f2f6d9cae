use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pipelines::cookie::Cookie;

use super::*;
use crate::agent::settings::tests::settings;
use crate::board::Board;
use crate::northbound::file;

const NETWORK: &str = "
networks:
  - {name: private, project: a, network_type: local}
  - {name: private, project: b, network_type: local}
ports:
  - {name: web, project: a, network: private, mac_address: \"fa:16:3e:00:00:01\"}
  - {name: web, project: b, network: private, mac_address: \"fa:16:3e:00:00:02\"}
  - {name: db, project: b, network: private, mac_address: \"fa:16:3e:00:00:03\"}
";

fn view(desired: FlowSet) -> View {
    let board = Board::new(Arc::new(settings()));
    let described = file::parse(Path::new("network.yaml"), NETWORK.as_bytes()).unwrap();
    View {
        model: Some(Arc::new(described.model)),
        flows: BTreeMap::from([("br-int".to_owned(), Arc::new(desired))]),
        ..View::clone(&board.read().view)
    }
}

fn flow(table: u8, priority: u16, cookie: u64) -> Flow {
    Flow {
        table,
        priority,
        cookie,
        ..Flow::default()
    }
}

fn set(flows: impl IntoIterator<Item = Flow>) -> FlowSet {
    let mut set = FlowSet::default();
    flows.into_iter().for_each(|flow| set.insert_flow(flow));
    set
}

#[test]
fn a_difference_reads_as_that_of_ovs_ofctl() {
    let ours = Cookie::BRIDGE.get();
    let installed = set([flow(1, 10, 0xcafe), flow(2, 20, ours), flow(3, 30, 0xbeef)]);
    let desired = set([flow(1, 10, ours), flow(2, 21, ours)]);
    let diff = BridgeDiff::of(&view(desired), "br-int".to_owned(), &installed);
    // The flow in the place of ours has to go; the one that is in nobody's way stays.
    let expected = "\
# br-int: 4 differences
-cookie=0xcafe, table=1, priority=10 actions=drop
+cookie=0x6272000000000000, table=1, priority=10 actions=drop  # the bridge itself
+cookie=0x6272000000000000, table=2, priority=21 actions=drop  # the bridge itself
-cookie=0x6272000000000000, table=2, priority=20 actions=drop  # the bridge itself
";
    assert_eq!(diff.to_string(), expected);
}

#[test]
fn flows_are_shown_by_table_the_greatest_priority_first() {
    let installed = set([flow(2, 1, 7), flow(1, 10, 7), flow(1, 20, 7)]);
    let installed = vec![("br-int".to_owned(), installed)];
    let flows = BridgeFlows::all(&view(FlowSet::default()), installed, &Query::default());
    let expected = "\
# br-int: 3 flows
cookie=0x7, table=1, priority=20 actions=drop  # somebody else's
cookie=0x7, table=1, priority=10 actions=drop  # somebody else's
cookie=0x7, table=2, priority=1 actions=drop  # somebody else's
";
    assert_eq!(flows.unwrap().first().unwrap().to_string(), expected);
}

#[test]
fn the_flows_of_a_port_are_those_with_its_cookie() {
    let view = view(FlowSet::default());
    let model = view.model.clone().unwrap();
    let port = model.ports().find(|port| port.name == "db").unwrap();
    let installed = set([flow(1, 1, Cookie::of(port.id.0).get()), flow(1, 2, 7)]);
    let ask = |port: &str| {
        let query = Query {
            port: Some(port.to_owned()),
            ..Query::default()
        };
        let installed = vec![("br-int".to_owned(), installed.clone())];
        let bridges = BridgeFlows::all(&view, installed, &query)?;
        Ok::<_, String>(
            bridges
                .iter()
                .map(|bridge| bridge.flows.len())
                .sum::<usize>(),
        )
    };
    assert_eq!(ask("db"), Ok(1));
    assert_eq!(ask(&port.id.to_string()), Ok(1));
    assert!(
        ask("web")
            .unwrap_err()
            .starts_with("port web is not one alone")
    );
    assert!(ask("mail").unwrap_err().starts_with("no port has the name"));
}
