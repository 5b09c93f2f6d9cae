//! What a real switch answers, and what it sends unasked, read by this crate.

use std::time::Duration;

use openflow::action::{Controller2, Output, PacketInReason};
use openflow::field::{IN_PORT, MeterId, PortNo};
use openflow::flow::{Flow, FlowFlags};
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::message::*;
use openflow::meter::{BandType, Meter, MeterBand, MeterFlags};
use openflow::multipart::*;
use openflow::{Connection, Event, Events, RequestError};

use crate::switch::Switch;

/// The answer to a question, its parts put together where it is a list.
async fn ask(switch: &Connection, question: impl Into<Message>) -> Vec<Message> {
    switch.request(question.into()).await.unwrap()
}

async fn one(switch: &Connection, question: impl Into<Message>) -> Message {
    let mut answer = ask(switch, question).await;
    assert_eq!(answer.len(), 1, "{answer:?}");
    answer.remove(0)
}

async fn body(switch: &Connection, question: RequestBody) -> ReplyBody {
    match one(switch, MultipartRequest::from(question)).await {
        Message::MultipartReply(reply) => reply.body,
        message => panic!("{message:?}"),
    }
}

/// The next message that the switch sends unasked.
async fn unasked(events: &mut Events) -> Message {
    let next = tokio::time::timeout(Duration::from_secs(10), events.next());
    match next.await.unwrap() {
        Some(Event::Message { message, .. }) => message,
        event => panic!("{event:?}"),
    }
}

/// Sends messages, and demands that the switch takes them.
async fn tell(switch: &Connection, events: &mut Events, messages: Vec<Message>) {
    for message in messages {
        let name = message.name();
        switch.send(message).await.unwrap();
        switch.barrier().await.unwrap();
        let none = tokio::time::timeout(Duration::ZERO, events.next()).await;
        assert!(none.is_err(), "{name}: {none:?}");
    }
}

#[tokio::test]
async fn a_switch_describes_itself() {
    let ovs = Switch::start();
    ovs.add_port("p1", 1);
    let (switch, _events) = ovs.connection().await;
    let ReplyBody::Desc(desc) = body(&switch, RequestBody::Desc).await else {
        panic!("no description");
    };
    assert_eq!(desc.hw_desc.to_string(), "Open vSwitch");
    let ReplyBody::Table(tables) = body(&switch, RequestBody::Table).await else {
        panic!("no tables");
    };
    assert_eq!(tables.len(), 254);
    let all = PortStatsRequest {
        port_no: PortNo::ANY,
    };
    let ReplyBody::Port(ports) = body(&switch, RequestBody::Port(all)).await else {
        panic!("no ports");
    };
    let numbers: Vec<_> = ports.iter().map(|port| port.port_no).collect();
    assert_eq!(numbers, [PortNo::LOCAL, PortNo(1)]);
    let ReplyBody::GroupFeatures(features) = body(&switch, RequestBody::GroupFeatures).await else {
        panic!("no features of groups");
    };
    assert_eq!(features.types, 0xf);
    let ReplyBody::MeterFeatures(features) = body(&switch, RequestBody::MeterFeatures).await else {
        panic!("no features of meters");
    };
    assert_eq!((features.max_bands, features.capabilities), (8, 15));
    let everything = RequestBody::Aggregate(FlowStatsRequest::all());
    let ReplyBody::Aggregate(sum) = body(&switch, everything).await else {
        panic!("no sum");
    };
    assert_eq!(sum.flow_count, 0);
    let queues = QueueStatsRequest {
        port_no: PortNo::ANY,
        queue_id: ALL_QUEUES,
    };
    let ReplyBody::Queue(queues) = body(&switch, RequestBody::Queue(queues)).await else {
        panic!("no queues");
    };
    assert_eq!(queues[1].port_no, PortNo(1));
}

#[tokio::test]
async fn every_table_says_what_it_can_do() {
    let ovs = Switch::start();
    let (switch, _events) = ovs.connection().await;
    let question = MultipartRequest::from(RequestBody::TableFeatures(Vec::new()));
    let mut tables = Vec::new();
    for part in ask(&switch, question).await {
        match part {
            Message::MultipartReply(MultipartReply {
                body: ReplyBody::TableFeatures(part),
                ..
            }) => tables.extend(part),
            message => panic!("{message:?}"),
        }
    }
    let numbers: Vec<_> = tables.iter().map(|table| table.table).collect();
    assert_eq!(numbers, (0..254).collect::<Vec<u8>>());
    let next = tables[250]
        .properties
        .iter()
        .find_map(|property| match &property.value {
            TablePropertyValue::Tables(next) => Some(next.clone()),
            _ => None,
        });
    assert_eq!(next, Some(vec![251, 252, 253]));
    for property in tables.iter().flat_map(|table| &table.properties) {
        assert!(property.kind.name().is_some(), "{property:?}");
        assert!(
            !matches!(property.value, TablePropertyValue::Other(_)),
            "{property:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_configured_is_refused_by_its_name() {
    let ovs = Switch::start();
    let (switch, _events) = ovs.connection().await;
    let question = MultipartRequest::from(RequestBody::IpfixBridge);
    match switch.request(question.into()).await {
        Err(RequestError::Refused(error)) => {
            assert_eq!(error.code, ErrorCode::NXST_NOT_CONFIGURED);
        }
        answer => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn settings_are_read_back() {
    let ovs = Switch::start();
    ovs.add_port("p1", 1);
    let (switch, mut events) = ovs.connection().await;
    let config = Config {
        flags: ConfigFlags::FRAG_DROP,
        miss_send_len: 99,
    };
    let masks = AsyncConfig {
        packet_in: [3, 0],
        port_status: [0, 0],
        flow_removed: [15, 1],
    };
    let role = Role {
        role: ControllerRole::PRIMARY,
        generation_id: 5,
    };
    let told = vec![
        Message::SetConfig(config.clone()),
        Message::SetAsync(masks.clone()),
    ];
    tell(&switch, &mut events, told).await;
    let answer = one(&switch, Message::GetConfigRequest).await;
    assert_eq!(answer, Message::GetConfigReply(config));
    let answer = one(&switch, Message::GetAsyncRequest).await;
    assert_eq!(answer, Message::GetAsyncReply(masks));
    let answer = one(&switch, Message::RoleRequest(role.clone())).await;
    assert_eq!(answer, Message::RoleReply(role));
    let port = PortNo(1);
    // A port has a queue with this number even if none is configured.
    let queue = PacketQueue {
        id: 0,
        port,
        min_rate: None,
        max_rate: None,
    };
    let queues = vec![queue];
    let answer = one(&switch, QueueGetConfigRequest { port }).await;
    assert_eq!(answer, QueueGetConfigReply { port, queues }.into());
}

#[tokio::test]
async fn meters_and_options_of_tunnels_are_read_back() {
    let ovs = Switch::start();
    let (switch, mut events) = ovs.connection().await;
    let meter = Meter {
        id: MeterId(4),
        flags: MeterFlags::KBPS | MeterFlags::BURST | MeterFlags::STATS,
        bands: vec![MeterBand {
            rate: 1000,
            burst_size: 100,
            kind: BandType::Drop,
        }],
    };
    let map = TlvMap {
        option_class: 0x102,
        option_type: 0x80,
        option_len: 4,
        index: 1,
    };
    let add = TlvTableMod {
        command: TlvTableCommand::ADD,
        maps: vec![map.clone()],
    };
    let told = vec![
        MeterMod::add(meter.clone()).into(),
        add.into(),
        CtFlushZone { zone: 7 }.into(),
        CtFlush {
            zone: Some(7),
            ..CtFlush::default()
        }
        .into(),
        SetControllerId { controller_id: 5 }.into(),
    ];
    tell(&switch, &mut events, told).await;
    let all = MeterRequest { id: MeterId::ALL };
    assert_eq!(
        body(&switch, RequestBody::MeterConfig(all.clone())).await,
        ReplyBody::MeterConfig(vec![meter])
    );
    let ReplyBody::Meter(stats) = body(&switch, RequestBody::Meter(all)).await else {
        panic!("no counters of meters");
    };
    assert_eq!((stats[0].id, stats[0].bands.len()), (MeterId(4), 1));
    let Message::TlvTableReply(table) = one(&switch, Message::TlvTableRequest).await else {
        panic!("no options");
    };
    assert_eq!(table.maps, [map]);
}

#[tokio::test]
async fn a_flow_that_goes_is_told() {
    let ovs = Switch::start();
    let (switch, mut events) = ovs.connection().await;
    let flow = Flow {
        table: 3,
        priority: 7,
        cookie: 77,
        flags: FlowFlags::SEND_FLOW_REM,
        ..Flow::default()
    };
    let config = Config {
        flags: ConfigFlags::empty(),
        miss_send_len: Config::NO_BUFFER,
    };
    let told = vec![Message::SetConfig(config), FlowMod::add(&flow).into()];
    tell(&switch, &mut events, told).await;
    switch
        .send(FlowMod::delete_by_cookie(77, !0).into())
        .await
        .unwrap();
    let Message::FlowRemoved(gone) = unasked(&mut events).await else {
        panic!("not told");
    };
    assert_eq!((gone.table, gone.priority, gone.cookie), (3, 7, 77));
    assert_eq!(gone.reason, FlowRemovedReason::DELETE);
}

#[tokio::test]
async fn a_packet_waits_and_goes_on() {
    let ovs = Switch::start();
    ovs.add_port("p1", 1);
    ovs.add_port("p2", 2);
    let (switch, mut events) = ovs.connection().await;
    let pause = Controller2 {
        max_len: 0xffff,
        controller_id: 0,
        reason: PacketInReason::ACTION,
        userdata: (&[1, 2, 3][..]).into(),
        pause: true,
        meter: None,
    };
    let flow = Flow {
        matching: Match::default().with(IN_PORT, PortNo(1)),
        cookie: 77,
        instructions: Instructions::apply([pause.into(), Output::to(PortNo(2)).into()]),
        ..Flow::default()
    };
    let config = Config {
        flags: ConfigFlags::empty(),
        miss_send_len: Config::NO_BUFFER,
    };
    let told = vec![
        Message::SetConfig(config),
        SetPacketInFormat {
            format: PacketInFormat::NXT_PACKET_IN2,
        }
        .into(),
        FlowMod::add(&flow).into(),
    ];
    tell(&switch, &mut events, told).await;
    let packet = "in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x1234)";
    ovs.receive("p1", packet);
    let Message::PacketIn2(packet) = unasked(&mut events).await else {
        panic!("no packet");
    };
    assert_eq!(
        (packet.in_port(), packet.cookie),
        (Some(PortNo(1)), Some(77))
    );
    assert_eq!(*packet.userdata, [1, 2, 3]);
    assert!(packet.continuation.is_some());
    tell(&switch, &mut events, vec![Message::Resume(packet)]).await;
    let sent = ovs.ofctl(&["dump-ports"], &["2"]);
    assert!(sent.contains("tx pkts=1,"), "{sent}");
}
