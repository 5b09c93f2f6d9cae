//! Random flows: `ovs-ofctl` prints them as this crate does.

use std::io::Write as _;

use bytes::{Bytes, BytesMut};
use openflow::action::{Action, RegLoad, SetField};
use openflow::field::*;
use openflow::flow::Flow;
use openflow::instruction::{Instructions, WriteMetadata};
use openflow::matching::Match;
use openflow::message::{FlowMod, Message};
use openflow::samples;
use openflow::wire::Writer;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::oracle;

/// A condition to be: which field, and the bits of its value and mask.
type Draft = (Index, u128, Option<u128>);

/// A match on what the first draft needs, and on as many of the others as go with that, if OVS prints
/// all of it.
fn build((first, drafts): (Index, Vec<Draft>)) -> Match {
    let fields: Vec<FieldId> = ALL
        .iter()
        .copied()
        .filter(|field| is_printed(*field))
        .collect();
    let mut matching = samples::with_needs(*first.get(&fields));
    for (index, value, mask) in drafts {
        let field = *index.get(&fields);
        if matching.condition(field).is_some() || !matching.meets(field) || decides(field) {
            continue;
        }
        let size = if field.is_variable() { 8 } else { field.size() };
        let bytes = |of: u128| of.to_be_bytes()[16 - size..].to_vec();
        let value = bytes(value & field.allowed());
        let mask = mask.filter(|_| field.is_maskable()).map(bytes);
        matching.set(field, &value, mask.as_deref());
    }
    while let Some(field) = matching.unmet() {
        matching.remove(field);
    }
    match samples::is_cut(&matching) {
        true => Match::default(),
        false => matching,
    }
}

/// Leaves out the fields that OVS 3.1 reads wrongly, taking their values for their masks, those that
/// it does not know, and one that changes the meaning of others.
fn is_printed(field: FieldId) -> bool {
    let odd = TUN_ERSPAN_IDX.id()..=TUN_GTPU_MSGTYPE.id();
    !odd.contains(&field) && !samples::is_newer(field) && field != PACKET_TYPE.id()
}

/// Whether other fields need this one, so that only what needs it sets it. Others cannot have any
/// value.
fn decides(field: FieldId) -> bool {
    [
        ETH_TYPE.id(),
        IP_PROTO.id(),
        IP_FRAG.id(),
        ICMPV6_TYPE.id(),
        VLAN_VID.id(),
        VLAN_TCI.id(),
        CT_STATE.id(),
        NSH_MDTYPE.id(),
        NSH_TTL.id(),
        IN_PORT.id(),
        ACTSET_OUTPUT.id(),
    ]
    .contains(&field)
}

fn matches() -> impl Strategy<Value = Match> {
    let draft = (any::<Index>(), any::<u128>(), any::<Option<u128>>());
    (any::<Index>(), prop::collection::vec(draft, 0..12)).prop_map(build)
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    // Which actions go with every packet, OVS knows.
    // Of what changes what goes with what follows, nothing is taken.
    let lasting = |action: &Action| {
        !matches!(
            action,
            Action::Conjunction(_)
                | Action::Encap(_)
                | Action::Decap(_)
                | Action::PushVlan(_)
                | Action::WriteMetadata(_)
        )
    };
    let samples: Vec<Action> = Action::samples().into_iter().filter(lasting).collect();
    let alone = |action: &Action| Flow {
        instructions: Instructions::apply([action.clone()]),
        ..Flow::default()
    };
    let alone: Vec<Flow> = samples.iter().map(alone).collect();
    let taken = |(_, text): &(Action, String)| !text.contains("decode error");
    let samples = samples.into_iter().zip(print(&alone)).filter(taken);
    let samples: Vec<Action> = samples.map(|(action, _)| action).collect();
    let load = (any::<u64>(), 0_u16..32, 0_u16..32).prop_map(|(value, one, other)| {
        RegLoad::new(REG7.slice(one.min(other), one.max(other)), value).into()
    });
    let set = (any::<u32>(), any::<[u8; 6]>()).prop_map(|(mark, mac)| match mark % 2 {
        0 => SetField::new(PKT_MARK, mark).into(),
        _ => SetField::new(ETH_DST, MacAddr(mac)).into(),
    });
    prop::collection::vec(prop_oneof![4 => select(samples), 1 => load, 1 => set], 0..6)
}

fn flows() -> impl Strategy<Value = Flow> {
    let numbers = (
        0_u8..254,
        any::<u16>(),
        any::<u64>(),
        any::<Option<u64>>(),
        any::<bool>(),
    );
    (matches(), actions(), numbers).prop_map(|(matching, apply_actions, numbers)| {
        let (table, priority, cookie, mask, goes_on) = numbers;
        let goto_table = goes_on.then_some(table + 1);
        Flow {
            table,
            priority,
            matching,
            cookie,
            instructions: Instructions {
                apply_actions,
                write_metadata: mask.map(|mask| WriteMetadata {
                    metadata: cookie & mask,
                    mask,
                }),
                goto_table,
                ..Instructions::default()
            },
            ..Flow::default()
        }
    })
}

fn encode(flow: &Flow) -> Bytes {
    let mut out = Writer::on(BytesMut::new());
    Message::from(FlowMod::add(flow)).encode(0, &mut out);
    out.finish().unwrap().freeze()
}

/// The text of a flow as `ovs-ofctl` prints a message that adds it.
fn as_message(flow: &Flow) -> String {
    let mut text = String::from("ADD ");
    if flow.table != 0 {
        text += &format!("table:{} ", flow.table);
    }
    let mut conditions = Vec::new();
    if flow.priority != 0x8000 {
        conditions.push(format!("priority={}", flow.priority));
    }
    if !flow.matching.is_empty() {
        conditions.push(flow.matching.to_string());
    }
    // A blank stands there even if nothing stands before it.
    text += &(conditions.join(",") + " ");
    if flow.cookie != 0 {
        text += &format!("cookie:{:#x} ", flow.cookie);
    }
    text + &format!("actions={}", flow.instructions)
}

/// What `ovs-ofctl` prints for the messages that add the flows.
fn print(flows: &[Flow]) -> Vec<String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for flow in flows {
        file.write_all(&encode(flow)).unwrap();
    }
    let text = oracle::ovs_ofctl(&["ofp-parse", file.path().to_str().unwrap()], "");
    let lines = text
        .lines()
        .filter_map(|line| Some(line.split_once("): ")?.1.to_owned()));
    let lines: Vec<String> = lines.collect();
    assert_eq!(lines.len(), flows.len(), "{text}");
    lines
}

proptest! {
    // A failure is printed; it is to become a golden entry, not a file of seeds.
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn ovs_prints_random_flows_as_we_do(flows in prop::collection::vec(flows(), 100)) {
        for (flow, theirs) in flows.iter().zip(print(&flows)) {
            prop_assert_eq!(as_message(flow), theirs);
        }
    }

    #[test]
    fn random_flows_survive_a_round_trip(flow in flows()) {
        let frame = encode(&flow);
        let (_, message) = Message::decode(&frame).unwrap();
        prop_assert_eq!(message, Message::from(FlowMod::add(&flow)));
    }
}
