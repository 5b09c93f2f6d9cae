//! One value of everything that is declared, for the tests.
//!
//! A row of a table does not compile until what it declares has a sample here.

use std::net::Ipv6Addr;

use bytes::Bytes;

use crate::action::*;
use crate::field::*;
use crate::matching::Match;

/// A type of which the tests have a value.
pub trait Sample {
    /// A value in which, where possible, no two parts are equal.
    fn sample() -> Self;
}

macro_rules! samples {
    ($($type:ty => $value:expr;)*) => {$(
        impl Sample for $type {
            fn sample() -> Self {
                $value
            }
        }
    )*};
}

mod message;

samples! {
    Output => Output::to(PortNo(43));
    SetVlanVid => SetVlanVid { vid: 5 };
    SetVlanPcp => SetVlanPcp { pcp: 3 };
    SetDlSrc => SetDlSrc { address: MacAddr([2, 0, 0, 0, 0, 1]) };
    SetDlDst => SetDlDst { address: MacAddr([2, 0, 0, 0, 0, 2]) };
    SetNwSrc => SetNwSrc { address: [192, 0, 2, 1].into() };
    SetNwDst => SetNwDst { address: [192, 0, 2, 2].into() };
    SetNwTos => SetNwTos { tos: 0x20 };
    SetNwEcn => SetNwEcn { ecn: 2 };
    SetTpSrc => SetTpSrc { port: 1024 };
    SetTpDst => SetTpDst { port: 22 };
    SetMplsLabel => SetMplsLabel { label: 0xfedc };
    SetMplsTc => SetMplsTc { tc: 5 };
    SetMplsTtl => SetMplsTtl { ttl: 63 };
    DecMplsTtl => DecMplsTtl;
    PushVlan => PushVlan { eth_type: EthType::VLAN };
    PopVlan => PopVlan;
    PushMpls => PushMpls { eth_type: EthType::MPLS };
    PopMpls => PopMpls { eth_type: EthType::IPV4 };
    SetQueue => SetQueue { queue: 7 };
    Group => Group { group: GroupId(9) };
    SetNwTtl => SetNwTtl { ttl: 64 };
    DecNwTtl => DecNwTtl;
    SetField => SetField::new(ETH_DST, MacAddr([2, 0, 0, 0, 0, 3]));
    ResubmitPort => ResubmitPort { port: 4 };
    SetTunnel => SetTunnel { tun_id: 0x1234 };
    PopQueue => PopQueue;
    RegMove => RegMove::new(REG0.slice(0, 15), TUN_ID.slice(16, 31));
    RegLoad => RegLoad::new(REG6.slice(4, 15), 0xabc);
    Note => Note::new(&[1, 2, 3, 4, 5, 6, 7]);
    SetTunnel64 => SetTunnel64 { tun_id: 0x1_2345_6789 };
    Multipath => Multipath {
        fields: HashFields::SYMMETRIC_L4,
        basis: 50,
        algorithm: MultipathAlgorithm::HRW,
        max_link: 11,
        arg: 3,
        target: REG1.slice(0, 7),
    };
    Bundle => Bundle {
        algorithm: BundleAlgorithm::ACTIVE_BACKUP,
        fields: HashFields::ETH_SRC,
        basis: 1,
        members: vec![4, 8, 15],
    };
    BundleLoad => BundleLoad {
        bundle: Bundle {
            algorithm: BundleAlgorithm::HRW,
            fields: HashFields::SYMMETRIC_L3L4,
            basis: 2,
            members: vec![16, 23, 42, 108],
        },
        target: REG2.slice(0, 15),
    };
    Resubmit => Resubmit::to(92);
    OutputReg => OutputReg { source: REG5.slice(0, 15), max_len: 128 };
    Learn => learn();
    Exit => Exit;
    FinTimeout => FinTimeout { idle_timeout: 10, hard_timeout: 20 };
    Controller => Controller { max_len: 64, controller_id: 5, reason: PacketInReason::NO_MATCH };
    DecTtlCntIds => DecTtlCntIds { controllers: vec![1, 2, 3] };
    WriteMetadata => WriteMetadata { metadata: 0x12, mask: 0xff };
    StackPush => StackPush { source: REG3.slice(8, 23) };
    StackPop => StackPop { target: REG4.whole() };
    crate::action::Sample => crate::action::Sample {
        probability: 12345,
        collector_set_id: 1,
        obs_domain_id: 2,
        obs_point_id: 3,
    };
    OutputReg2 => OutputReg2 { source: NSH_C1.whole(), max_len: 256 };
    RegLoad2 => RegLoad2::new(ETH_SRC, MacAddr([2, 0, 0, 0, 0, 0]), MacAddr([0xff, 0, 0, 0, 0, 0]));
    Conjunction => Conjunction::new(1234, 1, 2);
    Ct => Ct {
        commit: true,
        force: true,
        zone: REG6.slice(0, 15).into(),
        table: Some(82),
        alg: 21,
        actions: vec![
            Nat::sample().into(),
            SetField::new(CT_MARK, 1).into(),
            RegMove::new(REG0.whole(), CT_LABEL.slice(96, 127)).into(),
        ],
    };
    Nat => Nat {
        flags: NatFlags::SRC | NatFlags::PROTO_RANDOM,
        addresses: AddressRange::V4([192, 0, 2, 1].into(), Some([192, 0, 2, 9].into())),
        ports: Some(PortRange { first: 1024, last: Some(2048) }),
    };
    Controller2 => Controller2 {
        max_len: 100,
        controller_id: 6,
        reason: PacketInReason::INVALID_TTL,
        userdata: Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef, 0]),
        pause: true,
        meter: Some(77),
    };
    Sample2 => Sample2 {
        probability: 1,
        collector_set_id: 2,
        obs_domain_id: 3,
        obs_point_id: 4,
        sampling_port: 5,
    };
    OutputTrunc => OutputTrunc { port: 3, max_len: 100 };
    Sample3 => Sample3 {
        probability: 6,
        collector_set_id: 7,
        obs_domain_id: 8,
        obs_point_id: 9,
        sampling_port: 10,
        direction: SampleDirection::EGRESS,
    };
    CloneActions => CloneActions {
        actions: vec![PopVlan.into(), Output::to(PortNo(2)).into()],
    };
    CtClear => CtClear;
    ResubmitCt => ResubmitCt { port: 1, table: 2 };
    Learn2 => Learn2 { learn: learn(), limit: 100, result: Some(REG0.slice(5, 5)) };
    Encap => Encap {
        header_size: 0,
        packet_type: PacketType::of(EthType::NSH),
        properties: vec![
            EncapProperty::NshMdType(2),
            EncapProperty::NshTlv {
                class: 0x1000,
                kind: 10,
                data: Bytes::from_static(&[0x12, 0x34, 0x56]),
            },
        ],
    };
    Decap => Decap { packet_type: PacketType::ETHERNET };
    DecNshTtl => DecNshTtl;
    CheckPktLarger => CheckPktLarger { length: 1500, target: REG0.slice(1, 1) };
    DeleteField => DeleteField { field: TUN_METADATA0.whole() };
    Sample4 => Sample4 {
        probability: 6,
        collector_set_id: 7,
        obs_domain_id: ObservationId::Field(REG3.slice(8, 31)),
        obs_point_id: ObservationId::Number(9),
        sampling_port: 10,
        direction: SampleDirection::INGRESS,
    };
    DebugSlow => DebugSlow;
    DebugRecirc => DebugRecirc;
    CopyField => CopyField {
        source: REG1.slice(4, 9),
        target: REG2.slice(0, 5),
    };
}

/// A flow that sends back to where this packet came from.
fn learn() -> Learn {
    Learn {
        idle_timeout: 10,
        hard_timeout: 300,
        priority: 1,
        cookie: 0xfeed,
        flags: LearnFlags::SEND_FLOW_REM | LearnFlags::DELETE_LEARNED,
        table: 20,
        fin_idle_timeout: 2,
        fin_hard_timeout: 3,
        specs: vec![
            LearnSpec::MatchValue {
                value: Bits::new(0x86dd, ETH_TYPE.whole()),
                target: ETH_TYPE.whole(),
            },
            LearnSpec::MatchValue {
                value: Bits::new(Ipv6Addr::LOCALHOST.to_bits(), IPV6_SRC.whole()),
                target: IPV6_SRC.whole(),
            },
            LearnSpec::MatchField {
                source: VLAN_TCI.slice(0, 11),
                target: VLAN_TCI.slice(0, 11),
            },
            LearnSpec::MatchField {
                source: ETH_SRC.whole(),
                target: ETH_DST.whole(),
            },
            LearnSpec::LoadValue {
                value: Bits::new(0, VLAN_TCI.whole()),
                target: VLAN_TCI.whole(),
            },
            LearnSpec::LoadField {
                source: TUN_ID.whole(),
                target: TUN_ID.whole(),
            },
            LearnSpec::Output {
                source: IN_PORT_16.whole(),
            },
        ],
    }
}

/// Matches on each field that OVS 3.1 has: exactly, and under a mask if it can have one; with what
/// the field needs.
#[must_use]
pub fn matches() -> Vec<Match> {
    let mut matches = vec![Match::default()];
    matches.extend(matches_on(|field| !is_newer(field)));
    matches
}

/// Matches on each field that OVS has since a later version than 3.1.
#[must_use]
pub fn newer_matches() -> Vec<Match> {
    matches_on(is_newer)
}

/// Whether OVS 3.1, the judge of the tests, lacks the field.
#[must_use]
pub fn is_newer(field: FieldId) -> bool {
    let rows = [
        REG16.id()..=REG31.id(),
        XREG8.id()..=XREG15.id(),
        XXREG4.id()..=XXREG7.id(),
    ];
    rows.iter().any(|fields| fields.contains(&field))
}

/// Whether the text of OVS leaves out what ours says of the match; see its
/// [`Display`](std::fmt::Display).
#[must_use]
pub fn is_cut(matching: &Match) -> bool {
    let has = |field: FieldId| matching.condition(field).is_some();
    let masked = |field: FieldId| {
        matching
            .condition(field)
            .is_some_and(|condition| condition.mask.is_some())
    };
    let version = matching.value(TUN_ERSPAN_VER);
    let mut options = matching.iter().filter(|condition| {
        condition.field().is_some_and(FieldId::is_variable)
            && condition.mask.is_some_and(|mask| !mask.is_empty())
    });
    let ones = |mask: &[u8]| mask.iter().all(|byte| *byte == 0xff);
    matching.value(PACKET_TYPE) == Some(PacketType::ETHERNET)
        || masked(TUN_GBP_FLAGS.id())
        || masked(TUN_ERSPAN_IDX.id())
        || options.any(|condition| condition.mask.is_some_and(ones))
        || has(TUN_ERSPAN_IDX.id()) && version != Some(1)
        || (has(TUN_ERSPAN_DIR.id()) || has(TUN_ERSPAN_HWID.id())) && version != Some(2)
        || (has(CT_TP_SRC.id()) || has(CT_TP_DST.id())) && !has(CT_NW_PROTO.id())
        || [NSH_C1, NSH_C2, NSH_C3, NSH_C4]
            .iter()
            .any(|context| has(context.id()))
            && matching.value(NSH_MDTYPE) != Some(1)
}

fn matches_on(wanted: impl Fn(FieldId) -> bool) -> Vec<Match> {
    let mut matches = Vec::new();
    // One option of a tunnel stands for all.
    let fields = ALL.iter().copied().filter(|field| {
        wanted(*field)
            && (!field.is_variable()
                || *field == TUN_METADATA0.id()
                || *field == TUN_METADATA63.id())
    });
    for field in fields {
        let size = if field.is_variable() { 4 } else { field.size() };
        let bytes = |of: u128| -> Vec<u8> {
            let bytes = of.to_be_bytes();
            bytes.get(16 - size..).unwrap_or_default().to_vec()
        };
        let allowed = field.allowed();
        let value = bytes(value_of(field) & allowed);
        let mut exact = with_needs(field);
        exact.set(field, &value, None);
        matches.push(exact);
        if field.is_maskable() {
            let mut masked = with_needs(field);
            let mask = bytes(0x5af0_f0f0_f0f0_f0f0_f0f0_f0f0_f0f0_f0f3 & allowed);
            masked.set(field, &value, Some(&mask));
            matches.push(masked);
        }
    }
    matches
}

/// A value that the field can have.
fn value_of(field: FieldId) -> u128 {
    if field == NSH_MDTYPE.id() || field == NSH_TTL.id() {
        1
    } else if field == PACKET_TYPE.id() {
        0x1_0800
    } else if field == IN_PORT.id() || field == ACTSET_OUTPUT.id() {
        0xffff_fffe
    } else {
        0x2001_0db8_1122_3344_5566_7788_99aa_bbcd
    }
}

/// The conditions that a condition on the field needs.
#[must_use]
pub fn with_needs(field: FieldId) -> Match {
    let ip = |eth_type| Match::default().with(ETH_TYPE, eth_type);
    let v4 = |proto| ip(EthType::IPV4).with(IP_PROTO, proto);
    let new = CtState::TRK | CtState::NEW;
    let tracked = |eth_type| ip(eth_type).masked(CT_STATE, new, new);
    let icmpv6 = || ip(EthType::IPV6).with(IP_PROTO, IpProto::ICMPV6);
    match field.needs() {
        Need::Nothing if field == TUN_ERSPAN_IDX.id() => Match::default().with(TUN_ERSPAN_VER, 1),
        Need::Nothing if (TUN_ERSPAN_DIR.id()..=TUN_ERSPAN_HWID.id()).contains(&field) => {
            Match::default().with(TUN_ERSPAN_VER, 2)
        }
        Need::Nothing | Need::Ethernet => Match::default(),
        Need::Vlan => Match::default().with(VLAN_VID, VlanVid::tagged(7)),
        Need::Mpls => ip(EthType::MPLS),
        Need::Ipv4 | Need::Ip => ip(EthType::IPV4),
        Need::Ipv6 => ip(EthType::IPV6),
        Need::Arp => ip(EthType::ARP),
        Need::Tcp => v4(IpProto::TCP),
        Need::Udp => v4(IpProto::UDP),
        Need::Sctp => v4(IpProto::SCTP),
        Need::Icmp => v4(IpProto::ICMP),
        Need::Icmpv6 => icmpv6(),
        Need::Nd | Need::NdSolicit => icmpv6().with(ICMPV6_TYPE, 135),
        Need::NdAdvert => icmpv6().with(ICMPV6_TYPE, 136),
        Need::Nsh => ip(EthType::NSH).with(NSH_MDTYPE, 1),
        Need::Tracked => tracked(EthType::IPV4).with(CT_NW_PROTO, IpProto::UDP),
        Need::TrackedIpv4 => tracked(EthType::IPV4),
        Need::TrackedIpv6 => tracked(EthType::IPV6),
    }
}
