//! Connections to a real switch.

use std::time::Duration;

use openflow::action::{Output, SetField};
use openflow::field::{ETH_DST, GroupId, IN_PORT, MacAddr, PortNo, REG0};
use openflow::flow::Flow;
use openflow::group::{Bucket, Group, GroupType};
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::message::{
    AsyncConfig, Config, ConfigFlags, ControllerRole, ErrorCode, FlowMod, GroupMod, Message,
    PacketOut, PortReason, Role,
};
use openflow::multipart::{FlowEvent, FlowMonitorFlags, FlowMonitorRequest, FlowUpdate};
use openflow::multipart::{MultipartReply, ReplyBody};
use openflow::session::BundleError;
use openflow::{Connection, Event, Events, Options, RequestError};
use tokio::time::timeout;

use crate::switch::Switch;

/// How long anything may take that should take a moment.
const DEADLINE: Duration = Duration::from_secs(10);

/// The next event that is a message.
async fn message(events: &mut Events) -> Message {
    match timeout(DEADLINE, events.next()).await.unwrap() {
        Some(Event::Message { message, .. }) => message,
        event => panic!("expected a message: {event:?}"),
    }
}

/// A flow of its own for each number.
fn flow(number: u32) -> Flow {
    Flow {
        table: 7,
        priority: 100,
        matching: Match::default().with(REG0, number),
        cookie: u64::from(number),
        instructions: Instructions::apply([Output::to(PortNo(number % 100 + 1)).into()]),
        ..Flow::default()
    }
}

fn additions(numbers: std::ops::Range<u32>) -> Vec<Message> {
    numbers
        .map(|number| FlowMod::add(&flow(number)).into())
        .collect()
}

async fn installed(switch: &Connection) -> Vec<Flow> {
    let mut flows: Vec<_> = switch
        .flows()
        .await
        .unwrap()
        .into_iter()
        .map(Flow::from)
        .collect();
    flows.sort_by_key(|flow| flow.cookie);
    flows
}

#[tokio::test]
async fn the_handshake_tells_the_number_of_the_switch() {
    let ovs = Switch::start();
    let (switch, _events) = ovs.connection().await;
    let number = ovs.vsctl(&["get", "bridge", "br0", "datapath_id"]);
    assert_eq!(
        format!("\"{:016x}\"", switch.features().datapath_id),
        number.trim()
    );
}

#[tokio::test]
async fn two_thousand_flows_of_one_bundle_are_read_back_equal() {
    let ovs = Switch::start();
    let (switch, _events) = ovs.connection().await;
    switch.bundle(additions(0..2000)).await.unwrap();
    assert_eq!(
        installed(&switch).await,
        (0..2000).map(flow).collect::<Vec<_>>()
    );
    let shown = ovs.ofctl(&["--no-stats", "dump-flows"], &[]);
    let mut shown: Vec<_> = shown.lines().map(str::trim).collect();
    let mut expected: Vec<_> = (0..2000).map(|number| flow(number).to_string()).collect();
    shown.sort_unstable();
    expected.sort();
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_refused_bundle_leaves_nothing_and_names_the_culprit() {
    let ovs = Switch::start();
    let (switch, _events) = ovs.connection().await;
    let mut messages = additions(0..5);
    let missing = openflow::action::Group { group: GroupId(9) };
    let wrong = Flow {
        instructions: Instructions::apply([missing.into()]),
        ..flow(5)
    };
    messages.insert(3, FlowMod::add(&wrong).into());
    let Err(RequestError::Bundle(BundleError::Refused(refused))) = switch.bundle(messages).await
    else {
        panic!("the bundle is not refused");
    };
    assert_eq!(refused.index, 3);
    assert_eq!(refused.error.code, ErrorCode::OFPBAC_BAD_OUT_GROUP);
    assert_eq!(installed(&switch).await, []);
    // The connection goes on as if nothing had happened.
    switch.bundle(additions(0..5)).await.unwrap();
    assert_eq!(installed(&switch).await.len(), 5);
}

#[tokio::test]
async fn a_message_that_the_switch_cannot_read_is_named_and_the_others_are_in_effect() {
    let ovs = Switch::start();
    let (switch, _events) = ovs.connection().await;
    let mut messages = additions(0..5);
    // No packet comes in by a port of this number.
    let port = SetField::new(IN_PORT, PortNo::ANY);
    let wrong = Flow {
        instructions: Instructions::apply([port.into()]),
        ..flow(5)
    };
    messages.insert(3, FlowMod::add(&wrong).into());
    let Err(RequestError::Bundle(BundleError::LeftOut(left_out))) = switch.bundle(messages).await
    else {
        panic!("the bundle is carried out as a whole, or not at all");
    };
    let [refused] = left_out.as_slice() else {
        panic!("{left_out:?}");
    };
    assert_eq!(refused.index, 3);
    assert_eq!(refused.error.code, ErrorCode::OFPBAC_BAD_SET_ARGUMENT);
    assert_eq!(installed(&switch).await.len(), 5);
}

#[tokio::test]
async fn bundles_at_the_same_time_do_not_mix() {
    let ovs = Switch::start();
    let (switch, _events) = ovs.connection().await;
    let (first, second, third) = tokio::join!(
        switch.bundle(additions(0..500)),
        switch.bundle(additions(500..1000)),
        switch.barrier(),
    );
    first.unwrap();
    second.unwrap();
    third.unwrap();
    assert_eq!(installed(&switch).await.len(), 1000);
}

#[tokio::test]
async fn groups_are_read_back_equal() {
    let ovs = Switch::start();
    let (switch, _events) = ovs.connection().await;
    let bucket = |port| Bucket::of([Output::to(PortNo(port)).into()]);
    let all = Group {
        id: GroupId(1),
        kind: GroupType::ALL,
        buckets: vec![bucket(1), bucket(2)],
    };
    let select = Group {
        id: GroupId(2),
        kind: GroupType::SELECT,
        buckets: (1..9)
            .map(|port| Bucket {
                weight: 10,
                ..bucket(port)
            })
            .collect(),
    };
    let groups = [all, select];
    let messages = groups
        .iter()
        .map(|group| GroupMod::add(group.clone()).into());
    switch.bundle(messages.collect::<Vec<_>>()).await.unwrap();
    let mut read = switch.groups().await.unwrap();
    read.sort_by_key(|group| group.id);
    assert_eq!(read, groups);
    switch
        .send(GroupMod::delete(groups[0].id).into())
        .await
        .unwrap();
    switch.barrier().await.unwrap();
    assert_eq!(switch.groups().await.unwrap(), groups[1..]);
}

#[tokio::test]
async fn ports_have_names_and_numbers() {
    let ovs = Switch::start();
    ovs.add_port("p1", 1);
    ovs.add_port("p43", 43);
    let (switch, _events) = ovs.connection().await;
    let ports = switch.ports().await.unwrap();
    let mut ports: Vec<_> = ports
        .iter()
        .map(|port| (port.port_no, port.name.to_string()))
        .collect();
    ports.sort();
    let expected = [
        (PortNo(1), "p1"),
        (PortNo(43), "p43"),
        (PortNo::LOCAL, "br0"),
    ];
    assert_eq!(ports, expected.map(|(port, name)| (port, name.to_owned())));
}

/// Asks for what OVS sends over `BRIDGE.mgmt` only to those who ask for packets.
async fn hear_all(switch: &Connection) {
    let flags = ConfigFlags::empty();
    let whole = Config {
        flags,
        miss_send_len: Config::NO_BUFFER,
    };
    switch.send(Message::SetConfig(whole)).await.unwrap();
    switch.barrier().await.unwrap();
}

#[tokio::test]
async fn a_new_port_is_told() {
    let ovs = Switch::start();
    let (switch, mut events) = ovs.connection().await;
    hear_all(&switch).await;
    ovs.add_port("p5", 5);
    let Message::PortStatus(status) = message(&mut events).await else {
        panic!("no port status");
    };
    assert_eq!(status.reason, PortReason::ADD);
    assert_eq!(status.port.port_no, PortNo(5));
    assert_eq!(status.port.name.to_string(), "p5");
}

#[tokio::test]
async fn what_others_do_to_flows_is_told_and_own_changes_are_not() {
    let ovs = Switch::start();
    let (switch, mut events) = ovs.connection().await;
    let flags = FlowMonitorFlags::ADD | FlowMonitorFlags::DELETE | FlowMonitorFlags::MODIFY;
    switch
        .monitor(FlowMonitorRequest {
            flags,
            ..FlowMonitorRequest::all(1)
        })
        .await
        .unwrap();
    // One's own change is told by its number alone.
    let own = switch.send(FlowMod::add(&flow(1)).into()).await.unwrap();
    assert_eq!(
        updates(&mut events).await,
        [FlowUpdate::Abbreviated { xid: own }]
    );
    for (command, arguments, expected) in [
        (
            "add-flow",
            "table=3,in_port=1,actions=drop",
            FlowEvent::ADDED,
        ),
        (
            "mod-flows",
            "table=3,in_port=1,actions=output:2",
            FlowEvent::MODIFIED,
        ),
        ("del-flows", "table=3", FlowEvent::DELETED),
    ] {
        ovs.ofctl(&[command], &[arguments]);
        let updates = updates(&mut events).await;
        let [FlowUpdate::Full(change)] = &updates[..] else {
            panic!("{updates:?}")
        };
        let matching = Match::default().with(IN_PORT, PortNo(1));
        assert_eq!((change.event, change.flow.table), (expected, 3));
        assert_eq!(change.flow.matching, matching);
    }
}

/// What the next update of a flow monitor tells.
async fn updates(events: &mut Events) -> Vec<FlowUpdate> {
    match message(events).await {
        Message::MultipartReply(MultipartReply {
            body: ReplyBody::FlowMonitor(updates),
            ..
        }) => updates,
        message => panic!("expected an update: {message:?}"),
    }
}

#[tokio::test]
async fn a_packet_comes_in_and_one_goes_out() {
    let ovs = Switch::start();
    ovs.add_port("p1", 1);
    ovs.add_port("p2", 2);
    let (switch, mut events) = ovs.connection().await;
    hear_all(&switch).await;
    let to_controller = Instructions::apply([Output::to(PortNo::CONTROLLER).into()]);
    let in_port = Match::default().with(IN_PORT, PortNo(1));
    let flow = Flow {
        matching: in_port,
        cookie: 77,
        instructions: to_controller,
        ..Flow::default()
    };
    switch.send(FlowMod::add(&flow).into()).await.unwrap();
    switch.barrier().await.unwrap();
    ovs.receive(
        "p1",
        "in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x1234)",
    );
    let Message::PacketIn(packet) = message(&mut events).await else {
        panic!("no packet")
    };
    assert_eq!((packet.in_port(), packet.cookie), (Some(PortNo(1)), 77));
    let addresses = [2, 1].map(|last| MacAddr([2, 0, 0, 0, 0, last]));
    assert_eq!(packet.addresses(), Some(addresses.into()));
    let out = PacketOut::new(vec![Output::to(PortNo(2)).into()], packet.data);
    switch.send(out.into()).await.unwrap();
    switch.barrier().await.unwrap();
    let sent = ovs.ofctl(&["dump-ports"], &["2"]);
    assert!(sent.contains("tx pkts=1,"), "{sent}");
}

#[tokio::test]
async fn a_secondary_controller_changes_nothing() {
    let ovs = Switch::start();
    let listeners = [(); 2].map(|()| {
        let any = ("127.0.0.1", 0);
        std::net::TcpListener::bind(any).unwrap()
    });
    let targets = listeners.each_ref().map(|listener| {
        let port = listener.local_addr().unwrap().port();
        format!("tcp:127.0.0.1:{port}")
    });
    ovs.vsctl(&["set-controller", "br0", &targets[0], &targets[1]]);
    let mut switches = Vec::new();
    for listener in listeners {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        switches.push(Connection::on(stream, Options::default()).await.unwrap());
    }
    let [(first, _first_events), (second, _second_events)] = &switches[..] else {
        panic!("two controllers were set");
    };
    let role = |role, generation_id| Role {
        role,
        generation_id,
    };
    let primary = role(ControllerRole::PRIMARY, 7);
    assert_eq!(first.role(primary.clone()).await.unwrap(), primary);
    assert_eq!(second.role(primary.clone()).await.unwrap(), primary);
    let now = first.role(role(ControllerRole::NOCHANGE, 0)).await.unwrap();
    assert_eq!(now.role, ControllerRole::SECONDARY);
    let refused = first.bundle(additions(0..1)).await;
    assert!(refused.is_err(), "{refused:?}");
    let Err(RequestError::Refused(stale)) = first.role(role(ControllerRole::PRIMARY, 6)).await
    else {
        panic!("an old generation is accepted");
    };
    assert_eq!(stale.code, ErrorCode::OFPRRFC_STALE);
    second.bundle(additions(0..1)).await.unwrap();
}

#[tokio::test]
async fn what_comes_unasked_can_be_chosen() {
    let ovs = Switch::start();
    let (switch, mut events) = ovs.connection().await;
    hear_all(&switch).await;
    let nothing = AsyncConfig {
        packet_in: [0, 0],
        port_status: [1 << PortReason::DELETE.0, 0],
        flow_removed: [0, 0],
    };
    switch
        .send(Message::SetAsync(nothing.clone()))
        .await
        .unwrap();
    let told = switch.request(Message::GetAsyncRequest).await.unwrap();
    assert_eq!(told, [Message::GetAsyncReply(nothing)]);
    ovs.add_port("p5", 5);
    ovs.vsctl(&["del-port", "p5"]);
    let Message::PortStatus(status) = message(&mut events).await else {
        panic!("no port status");
    };
    assert_eq!(status.reason, PortReason::DELETE);
}

#[tokio::test]
async fn an_error_about_a_message_bears_its_number() {
    let ovs = Switch::start();
    let (switch, mut events) = ovs.connection().await;
    let masked = Match::default().with(ETH_DST, MacAddr::BROADCAST);
    let impossible = Flow {
        table: 255,
        matching: masked,
        ..Flow::default()
    };
    let sent = switch.send(FlowMod::add(&impossible).into()).await.unwrap();
    match timeout(DEADLINE, events.next()).await.unwrap() {
        Some(Event::Message {
            xid,
            message: Message::Error(_),
        }) => assert_eq!(xid, sent),
        event => panic!("expected an error: {event:?}"),
    }
}

#[tokio::test]
async fn a_switch_that_dies_is_noticed_at_once() {
    let mut ovs = Switch::start();
    let (switch, mut events) = ovs.connection().await;
    ovs.kill();
    let event = timeout(Duration::from_secs(1), events.next())
        .await
        .unwrap();
    assert!(matches!(event, Some(Event::Closed(_))), "{event:?}");
    assert!(events.next().await.is_none());
    assert!(matches!(switch.barrier().await, Err(RequestError::Closed)));
}
