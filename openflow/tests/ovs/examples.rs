//! The example programs, on a real switch.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use openflow::multipart::{FlowMonitorRequest, FlowUpdate, ReplyBody};
use openflow::{Event, Events, message::Message};
use tokio::time::timeout;

use crate::switch::Switch;

/// How long anything may take that should take a moment.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where cargo puts the examples that belong to this test.
pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let mut command = Command::new(target.join("examples").join(name));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// A process that ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn bridge(ovs: &Switch) -> String {
    format!("unix:{}", ovs.path("br0.mgmt").display())
}

#[test]
fn dump_flows_prints_what_ovs_ofctl_prints() {
    let ovs = Switch::start();
    for flow in [
        "cookie=0x2a,table=82,priority=77,ct_state=+new-est,tcp,reg5=0x2b,tp_dst=22,\
         actions=ct(commit,zone=NXM_NX_REG6[0..15]),output:43,resubmit(,92)",
        "in_port=1,idle_timeout=60,actions=set_field:02:00:00:00:00:01->eth_dst,normal",
        "table=3,arp,actions=drop",
    ] {
        ovs.ofctl(&["add-flow"], &[flow]);
    }
    let output = example("dump_flows").arg(bridge(&ovs)).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, ovs.ofctl(&["--no-stats", "dump-flows"], &[]));
}

#[test]
fn monitor_prints_what_others_change() {
    let ovs = Switch::start();
    let mut monitor = Ending(example("monitor").arg(bridge(&ovs)).spawn().unwrap());
    let mut lines = BufReader::new(monitor.0.stdout.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    assert_eq!(line(), "0 flows");
    ovs.ofctl(&["add-flow"], &["table=3,in_port=1,actions=output:2"]);
    assert_eq!(line(), "ADDED table=3, in_port=1 actions=output:2");
    ovs.ofctl(&["mod-flows"], &["table=3,in_port=1,actions=drop"]);
    assert_eq!(line(), "MODIFIED table=3, in_port=1 actions=drop");
    ovs.ofctl(&["del-flows"], &["table=3"]);
    assert_eq!(line(), "DELETED table=3, in_port=1 actions=drop");
}

/// The next flow that is added, as text.
async fn added(events: &mut Events) -> String {
    match timeout(DEADLINE, events.next()).await.unwrap() {
        Some(Event::Message {
            message: Message::MultipartReply(reply),
            ..
        }) => match reply.body {
            ReplyBody::FlowMonitor(updates) => match &updates[..] {
                [FlowUpdate::Full(change)] => change.flow.to_string(),
                updates => panic!("{updates:?}"),
            },
            body => panic!("{body:?}"),
        },
        event => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn the_learning_switch_learns() {
    let ovs = Switch::start();
    for (port, number) in [("p1", 1), ("p2", 2), ("p3", 3)] {
        ovs.add_port(port, number);
    }
    let (watch, mut events) = ovs.connection().await;
    let request = FlowMonitorRequest::all(1);
    watch.monitor(request).await.unwrap();
    let socket = ovs.path("controller").display().to_string();
    let _controller = Ending(
        example("learning_switch")
            .arg(format!("punix:{socket}"))
            .spawn()
            .unwrap(),
    );
    ovs.await_file("controller");
    ovs.vsctl(&["set-controller", "br0", &format!("unix:{socket}")]);
    assert_eq!(
        added(&mut events).await,
        "priority=0 actions=CONTROLLER:65535"
    );
    let frame = |from: u8, to: u8| {
        format!("eth(src=02:00:00:00:00:0{from},dst=02:00:00:00:00:0{to}),eth_type(0x1234)")
    };
    // Nobody knows the second station yet, so the frame is flooded.
    ovs.receive("p1", &frame(1, 2));
    ovs.await_sent(&[(1, 0), (2, 1), (3, 1)]);
    ovs.receive("p2", &frame(2, 1));
    assert_eq!(
        added(&mut events).await,
        "idle_timeout=60, priority=1,in_port=2,dl_dst=02:00:00:00:00:01 actions=output:1"
    );
    ovs.await_sent(&[(1, 1), (2, 1), (3, 1)]);
    ovs.receive("p1", &frame(1, 2));
    assert_eq!(
        added(&mut events).await,
        "idle_timeout=60, priority=1,in_port=1,dl_dst=02:00:00:00:00:02 actions=output:2"
    );
    ovs.await_sent(&[(1, 1), (2, 2), (3, 1)]);
}
