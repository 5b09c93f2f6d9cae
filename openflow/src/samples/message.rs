//! One value of each message body, and of each question and answer of multiparts.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;

use super::Sample;
use crate::action::*;
use crate::field::*;
use crate::flow::{Flow, FlowFlags};
use crate::group::{Bucket, Group, GroupType};
use crate::instruction::{Instructions, WriteMetadata};
use crate::matching::Match;
use crate::message::*;
use crate::meter::{BandType, Meter, MeterBand, MeterFlags};
use crate::multipart::*;
use crate::wire::Text;

impl<T: Sample> Sample for Vec<T> {
    fn sample() -> Self {
        vec![T::sample(), T::sample()]
    }
}

impl<T: Sample> Sample for Box<T> {
    fn sample() -> Self {
        Self::new(T::sample())
    }
}

fn ssh() -> Match {
    Match::default()
        .with(ETH_TYPE, EthType::IPV4)
        .with(IP_PROTO, IpProto::TCP)
        .with(TCP_DST, 22)
        .masked(REG5, 0x2b, 0xff)
}

fn metadata() -> Match {
    Match::default()
        .with(IN_PORT, PortNo(7))
        .with(TUN_ID, 0x1234)
        .with(REG0, 9)
        .with(METADATA, 0x55)
}

fn frame() -> Bytes {
    // Two MAC addresses, and an Ethernet type for experiments.
    Bytes::from_static(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 0xde, 0xad])
}

const LASTED: Duration = Duration::new(3723, 45_000_000);

samples! {
    Hello => Hello::ours();
    Error => Error {
        code: ErrorCode::OFPFMFC_BAD_COMMAND,
        data: Bytes::from_static(&[4, 14, 0, 56, 0, 0, 0, 9]),
    };
    Echo => Echo { data: Bytes::from_static(b"alive?") };
    Features => Features {
        datapath_id: 0x0000_0200_0000_0001,
        n_buffers: 0,
        n_tables: 254,
        auxiliary_id: 0,
        capabilities: Capabilities::FLOW_STATS | Capabilities::QUEUE_STATS,
        reserved: 0,
    };
    Config => Config { flags: ConfigFlags::empty(), miss_send_len: Config::NO_BUFFER };
    PacketIn => PacketIn {
        buffer_id: NO_BUFFER,
        total_len: 16,
        reason: PacketInReason::ACTION,
        table: 3,
        cookie: 0xfeed,
        metadata: metadata(),
        data: frame(),
    };
    FlowRemoved => FlowRemoved {
        cookie: 0xfeed,
        priority: 100,
        reason: FlowRemovedReason::HARD_TIMEOUT,
        table: 5,
        duration: LASTED,
        idle_timeout: 10,
        hard_timeout: 20,
        packet_count: 30,
        byte_count: 4000,
        matching: ssh(),
    };
    Port => Port {
        port_no: PortNo(7),
        hw_addr: MacAddr([2, 0, 0, 0, 0, 7]),
        name: Text::new("tap1234"),
        config: PortConfig::NO_FWD,
        state: PortState::LIVE,
        curr: PortFeatures::TEN_GB_FD | PortFeatures::COPPER,
        advertised: PortFeatures::ONE_GB_FD,
        supported: PortFeatures::TEN_GB_FD,
        peer: PortFeatures::AUTONEG,
        curr_speed: 10_000_000,
        max_speed: 20_000_000,
    };
    PortStatus => PortStatus { reason: PortReason::MODIFY, port: Port::sample() };
    PacketOut => PacketOut::new(vec![Output::to(PortNo(3)).into()], frame());
    Flow => Flow {
        table: 5,
        priority: 100,
        matching: ssh(),
        cookie: 0xfeed,
        idle_timeout: 10,
        hard_timeout: 20,
        flags: FlowFlags::SEND_FLOW_REM,
        instructions: Instructions {
            meter: Some(MeterId(4)),
            apply_actions: vec![Output::to(PortNo(3)).into(), DecNwTtl.into()],
            write_metadata: Some(WriteMetadata { metadata: 1, mask: 3 }),
            goto_table: Some(6),
            ..Instructions::default()
        },
    };
    FlowMod => FlowMod::add(&Flow::sample());
    Group => Group {
        id: GroupId(9),
        kind: GroupType::SELECT,
        buckets: vec![
            Bucket { weight: 1, ..Bucket::of([Output::to(PortNo(1)).into()]) },
            Bucket { weight: 2, ..Bucket::of([Output::to(PortNo(2)).into()]) },
        ],
    };
    GroupMod => GroupMod::add(Group::sample());
    PortMod => PortMod {
        port_no: PortNo(7),
        hw_addr: MacAddr([2, 0, 0, 0, 0, 7]),
        config: PortConfig::PORT_DOWN,
        mask: PortConfig::PORT_DOWN | PortConfig::NO_FWD,
        advertise: PortFeatures::ONE_GB_FD,
    };
    TableMod => TableMod { table: 5, config: 3 };
    QueueGetConfigRequest => QueueGetConfigRequest { port: PortNo(7) };
    QueueGetConfigReply => QueueGetConfigReply {
        port: PortNo(7),
        queues: vec![
            PacketQueue { id: 1, port: PortNo(7), min_rate: Some(100), max_rate: Some(900) },
            PacketQueue { id: 2, port: PortNo(7), min_rate: None, max_rate: None },
        ],
    };
    Role => Role { role: ControllerRole::PRIMARY, generation_id: 5 };
    AsyncConfig => AsyncConfig {
        packet_in: [1, 2],
        port_status: [4, 5],
        flow_removed: [3, 6],
    };
    Meter => Meter {
        id: MeterId(4),
        flags: MeterFlags::KBPS | MeterFlags::BURST,
        bands: vec![
            MeterBand { rate: 1000, burst_size: 100, kind: BandType::Drop },
            MeterBand { rate: 500, burst_size: 50, kind: BandType::DscpRemark { prec_level: 1 } },
        ],
    };
    MeterMod => MeterMod::add(Meter::sample());
    NxFlowMod => NxFlowMod {
        cookie: 0xfeed,
        command: 0,
        idle_timeout: 10,
        hard_timeout: 20,
        priority: 100,
        buffer_id: NO_BUFFER,
        out_port: 0xffff,
        flags: FlowFlags::SEND_FLOW_REM,
        matching: ssh(),
        instructions: Instructions::apply([Output::to(PortNo(3)).into()]),
    };
    NxFlowRemoved => NxFlowRemoved {
        cookie: 0xfeed,
        priority: 100,
        reason: FlowRemovedReason::IDLE_TIMEOUT,
        table: Some(5),
        duration: LASTED,
        idle_timeout: 10,
        packet_count: 30,
        byte_count: 4000,
        matching: ssh(),
    };
    NxPacketIn => NxPacketIn {
        buffer_id: NO_BUFFER,
        total_len: 16,
        reason: PacketInReason::ACTION,
        table: 3,
        cookie: 0xfeed,
        metadata: metadata(),
        data: frame(),
    };
    NxRole => NxRole { role: NxControllerRole::PRIMARY };
    FlowModTableId => FlowModTableId { set: 1 };
    SetPacketInFormat => SetPacketInFormat { format: PacketInFormat::NXT_PACKET_IN2 };
    SetControllerId => SetControllerId { controller_id: 5 };
    TlvMap => TlvMap { option_class: 0x102, option_type: 0x80, option_len: 4, index: 1 };
    TlvTableMod => TlvTableMod { command: TlvTableCommand::ADD, maps: Vec::sample() };
    TlvTableReply => TlvTableReply {
        max_option_space: 256,
        max_fields: 64,
        maps: Vec::sample(),
    };
    SetAsyncConfig2 => SetAsyncConfig2 {
        properties: vec![
            AsyncProperty { kind: AsyncKind::PACKET_IN_PRIMARY, mask: 3 },
            AsyncProperty { kind: AsyncKind::PORT_STATUS_SECONDARY, mask: 7 },
        ],
    };
    PacketIn2 => PacketIn2 {
        packet: frame(),
        full_len: Some(64),
        buffer_id: None,
        table: 3,
        cookie: Some(0xfeed),
        reason: PacketInReason::ACTION,
        metadata: metadata(),
        userdata: Bytes::from_static(&[1, 2, 3, 4, 5]),
        continuation: Some(Bytes::from_static(&[0, 0x80, 0, 5, 9, 0, 0, 0])),
    };
    CtFlushZone => CtFlushZone { zone: 42 };
    CtFlush => CtFlush {
        ip_proto: IpProto::TCP,
        original: CtTuple {
            src: Some(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped()),
            dst: Some(Ipv4Addr::new(192, 0, 2, 2).to_ipv6_mapped()),
            src_port: Some(1024),
            dst_port: Some(22),
            ..CtTuple::default()
        },
        reply: CtTuple { dst_port: Some(1025), ..CtTuple::default() },
        zone: Some(42),
        ..CtFlush::default()
    };
    FlowMonitorCancel => FlowMonitorCancel { id: 8 };
    RoleStatus => RoleStatus {
        role: ControllerRole::SECONDARY,
        reason: RoleReason::CONFIG,
        generation_id: 6,
    };
    BundleControl => BundleControl {
        id: 11,
        kind: BundleControlKind::COMMIT_REQUEST,
        flags: BundleFlags::ATOMIC | BundleFlags::ORDERED,
    };
    BundleAdd => BundleAdd {
        id: 11,
        flags: BundleFlags::ATOMIC,
        xid: 1,
        message: Box::new(FlowMod::sample().into()),
    };
    RequestForward => RequestForward {
        xid: 12,
        message: Box::new(GroupMod::sample().into()),
    };
    MultipartRequest => RequestBody::Flow(Sample::sample()).into();
    MultipartReply => MultipartReply {
        flags: MultipartFlags::MORE,
        body: ReplyBody::Flow(Sample::sample()),
    };
    FlowStatsRequest => FlowStatsRequest {
        table: 5,
        out_port: PortNo(3),
        out_group: GroupId::ANY,
        cookie: 0xfe00,
        cookie_mask: 0xff00,
        matching: ssh(),
    };
    FlowStats => FlowStats {
        flow: Flow::sample(),
        duration: LASTED,
        packet_count: 30,
        byte_count: 4000,
    };
    AggregateStats => AggregateStats { packet_count: 30, byte_count: 4000, flow_count: 2 };
    PortStatsRequest => PortStatsRequest { port_no: PortNo(7) };
    PortStats => PortStats {
        port_no: PortNo(7),
        rx_packets: 1,
        tx_packets: 2,
        rx_bytes: 3,
        tx_bytes: 4,
        rx_dropped: 5,
        tx_dropped: 6,
        rx_errors: 7,
        tx_errors: 8,
        rx_frame_err: 9,
        rx_over_err: 10,
        rx_crc_err: 11,
        collisions: 12,
        duration: LASTED,
    };
    QueueStatsRequest => QueueStatsRequest { port_no: PortNo(7), queue_id: ALL_QUEUES };
    QueueStats => QueueStats {
        port_no: PortNo(7),
        queue_id: 1,
        tx_bytes: 2,
        tx_packets: 3,
        tx_errors: 4,
        duration: LASTED,
    };
    GroupStatsRequest => GroupStatsRequest { id: GroupId::ALL };
    GroupStats => GroupStats {
        id: GroupId(9),
        ref_count: 1,
        packet_count: 30,
        byte_count: 4000,
        duration: LASTED,
        buckets: vec![BucketCounter { packet_count: 10, byte_count: 1000 }],
    };
    GroupFeatures => GroupFeatures {
        types: 0xf,
        capabilities: GroupCapabilities::SELECT_WEIGHT,
        max_groups: [1, 2, 3, 4],
        actions: [1, 2, 4, 8],
    };
    MeterRequest => MeterRequest { id: MeterId(4) };
    MeterStats => MeterStats {
        id: MeterId(4),
        flow_count: 1,
        packet_in_count: 30,
        byte_in_count: 4000,
        duration: LASTED,
        bands: vec![BandStats { packet_band_count: 3, byte_band_count: 400 }],
    };
    MeterFeatures => MeterFeatures {
        max_meter: 1000,
        band_types: 2,
        capabilities: 0xf,
        max_bands: 2,
        max_color: 0,
    };
    TableStats => TableStats { table: 5, active_count: 1, lookup_count: 2, matched_count: 1 };
    TableFeatures => TableFeatures {
        table: 5,
        name: Text::new("classifier"),
        metadata_match: 0xff,
        metadata_write: 0xf,
        config: 0,
        max_entries: 1_000_000,
        properties: table_properties(),
    };
    FlowMonitorRequest => FlowMonitorRequest {
        id: 8,
        flags: FlowMonitorFlags::INITIAL | FlowMonitorFlags::ADD,
        out_port: PortNo::ANY,
        table: 5,
        matching: ssh(),
    };
    FlowUpdate => FlowUpdate::Full(Box::new(FlowChange {
        event: FlowEvent::MODIFIED,
        reason: FlowRemovedReason(0),
        flow: Flow { flags: FlowFlags::empty(), ..Flow::sample() },
    }));
    Desc => Desc {
        mfr_desc: Text::new("Nicira, Inc."),
        hw_desc: Text::new("Open vSwitch"),
        sw_desc: Text::new("3.1.0"),
        serial_num: Text::new("None"),
        dp_desc: Text::new("br-int"),
    };
    IpfixStats => IpfixStats {
        total_flows: 1,
        current_flows: 2,
        pkts: 3,
        ipv4_pkts: 4,
        ipv6_pkts: 5,
        error_pkts: 6,
        ipv4_error_pkts: 7,
        ipv6_error_pkts: 8,
        tx_pkts: 9,
        tx_errors: 10,
        collector_set_id: 11,
    };
}

/// What a table must say of itself at least.
fn table_properties() -> Vec<TableProperty> {
    let codes = |codes: &[u16]| {
        let code = |&code: &u16| FeatureCode {
            code,
            data: Bytes::new(),
        };
        TablePropertyValue::Codes(codes.iter().map(code).collect())
    };
    let fields = |masked| {
        let header = |field: FieldId| field.oxm().header(field.size(), masked);
        TablePropertyValue::Fields(vec![header(ETH_SRC.id()), header(IPV4_SRC.id())])
    };
    [
        (TablePropertyKind::INSTRUCTIONS, codes(&[1, 4])),
        (
            TablePropertyKind::NEXT_TABLES,
            TablePropertyValue::Tables(vec![6, 7, 8]),
        ),
        (TablePropertyKind::WRITE_ACTIONS, codes(&[0])),
        (TablePropertyKind::APPLY_ACTIONS, codes(&[0, 17, 18])),
        (TablePropertyKind::MATCH, fields(true)),
        (TablePropertyKind::WILDCARDS, fields(false)),
        (TablePropertyKind::WRITE_SETFIELD, fields(false)),
        (TablePropertyKind::APPLY_SETFIELD, fields(false)),
    ]
    .map(|(kind, value)| TableProperty { kind, value })
    .into()
}
