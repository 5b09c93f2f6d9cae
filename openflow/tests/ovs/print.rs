//! The text of messages, and of what is none, is that of `ovs-ofctl`.

use bytes::Bytes;
use openflow::action::Output;
use openflow::field::{ALL, FieldId, PortNo};
use openflow::message::{FlowMod, FlowModCommand, Message, PacketOut};
use openflow::multipart::{ReplyBody, TablePropertyKind, TablePropertyValue};
use openflow::names::Names;
use openflow::print::Frame;
use openflow::samples::is_newer;
use openflow::wire::Writer;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::oracle::{hex, ovs_ofctl};

fn encode(message: &Message) -> Bytes {
    let mut out = Writer::default();
    message.encode(1, &mut out);
    out.finish().unwrap().freeze()
}

fn samples() -> Vec<Bytes> {
    Message::samples().iter().map(encode).collect()
}

fn plain(bytes: &[u8]) -> String {
    hex(bytes).replace([' ', '\n'], "")
}

/// Both texts of `bytes`: that of `ovs-ofctl`, and ours.
fn texts(bytes: &Bytes, verbosity: u8) -> (String, String) {
    let number = verbosity.to_string();
    let theirs = ovs_ofctl(&["ofp-print", &plain(bytes), &number], "");
    let names = Names::NONE;
    let ours = Frame::new(bytes, &names).verbosity(verbosity);
    (theirs, format!("{ours}\n"))
}

/// Runs a test on values that are the same each time.
fn run<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, seed)
        .run(strategy, test)
        .unwrap();
}

#[test]
fn every_message_is_printed_as_by_ovs_at_every_verbosity() {
    for bytes in samples() {
        for verbosity in [0, 1, 2, 3, 5] {
            let (theirs, ours) = texts(&bytes, verbosity);
            // From 3 on, `ovs-ofctl` shows the match of this old form in yet another language.
            if verbosity >= 3 && theirs.starts_with("NXT_FLOW_MOD ") {
                continue;
            }
            assert_eq!(ours, theirs, "at verbosity {verbosity}: {}", plain(&bytes));
        }
    }
}

#[test]
fn cookies_are_printed_as_by_ovs_whether_they_are_set_or_looked_for() {
    let numbers = [0, 5, 0x100, u64::MAX];
    let pairs = numbers.map(|cookie| numbers.map(|mask| (cookie, mask)));
    for (cookie, cookie_mask) in pairs.into_iter().flatten() {
        for command in FlowModCommand::NAMED {
            let change = FlowMod {
                command: *command,
                cookie,
                cookie_mask,
                table: 0,
                ..FlowMod::delete_all()
            };
            let (theirs, ours) = texts(&encode(&change.into()), 2);
            assert_eq!(ours, theirs);
        }
    }
}

#[test]
fn tables_tell_of_every_field_as_printed_by_ovs() {
    let is_features = |message: &Message| message.name() == "OFPST_TABLE_FEATURES reply";
    let sample = Message::samples().into_iter().find(is_features).unwrap();
    let known: Vec<FieldId> = ALL.iter().copied().filter(|f| !is_newer(*f)).collect();
    // Fields alone, and all at once.
    let alone = known.iter().map(std::slice::from_ref);
    for fields in alone.chain([known.as_slice()]) {
        let mut message = sample.clone();
        let Message::MultipartReply(reply) = &mut message else {
            panic!("{message:?}");
        };
        let ReplyBody::TableFeatures(tables) = &mut reply.body else {
            panic!("{reply:?}");
        };
        for property in tables.iter_mut().flat_map(|table| &mut table.properties) {
            let masked =
                |field: &FieldId| property.kind == TablePropertyKind::MATCH && field.is_maskable();
            let header = |field: &FieldId| field.oxm().header(field.size(), masked(field));
            if let TablePropertyValue::Fields(headers) = &mut property.value {
                *headers = fields.iter().map(header).collect();
            }
        }
        let (theirs, ours) = texts(&encode(&message), 2);
        assert_eq!(ours, theirs);
    }
}

#[test]
fn messages_that_are_cut_off_are_printed_as_by_ovs() {
    let cut = (select(samples()), any::<Index>());
    run(300, &cut, |(bytes, place)| {
        let bytes = bytes.slice(..place.index(bytes.len()));
        let (theirs, ours) = texts(&bytes, 2);
        prop_assert_eq!(ours, theirs);
        Ok(())
    });
}

#[test]
fn messages_of_no_known_kind_are_printed_as_by_ovs() {
    let changed = (select(samples()), 8..12_usize, any::<u8>());
    run(300, &changed, |(bytes, place, value)| {
        // The experimenter, or the type of a question: what makes a message another one.
        let mut bytes = bytes.to_vec();
        let named = matches!(bytes[1], 4) || matches!(bytes[1], 18 | 19) && place < 10;
        if !named {
            return Ok(());
        }
        bytes[place] = value;
        let (theirs, ours) = texts(&bytes.into(), 2);
        if theirs.starts_with("***") {
            prop_assert_eq!(ours, theirs);
        }
        Ok(())
    });
}

/// Frames that begin as the headers of many protocols do.
fn packets() -> Vec<Vec<u8>> {
    let ethernet = "505400000005505400000006";
    let ipv4 = "456e003400010000400600000a0000010a000002";
    let tcp = "0008000900000001000000025012006477b50000";
    let ipv6 = "86dd6ab12345";
    let addresses = "20010db8000000000000000000000001fe80000000000000000000000000abcd";
    let solicit = "8700111100000000fe8000000000000000000000000000010101020304050607";
    [
        format!("0800{ipv4}{tcp}000000000000000000000000"),
        format!("81006005 0800{ipv4}{tcp}000000000000000000000000"),
        format!("88a86005 8100a006 0800{ipv4}{tcp}000000000000000000000000"),
        "0800456e001c00010000401100000a0000010a0000020035004400080abc".to_owned(),
        "0800456e00200001000040840000 0a0000010a000002 00050006000000071234abcd".to_owned(),
        "0800456e001c00010000400100000a0000010a0000020800f7ff00000001".to_owned(),
        format!("{ipv6}0014063f{addresses}{tcp}"),
        format!("{ipv6}00203aff{addresses}{solicit}"),
        format!("{ipv6}001c2c3f{addresses}0600000100000001{tcp}"),
        format!("{ipv6}001c003f{addresses}0600010400000000{tcp}"),
        "08060001080006040001505400000005 0a000001 000000000000 0a000002".to_owned(),
        "8847 00064040 00064140 00064045".to_owned(),
        "894f 0fc60103 00001205 00000001 00000002 00000003 00000004".to_owned(),
        "0026 aaaa03000000 0806 0001".to_owned(),
    ]
    .iter()
    .map(|rest| {
        let digits: Vec<char> = (ethernet.chars().chain(rest.chars()))
            .filter(|c| *c != ' ')
            .collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
        digits.chunks(2).map(|pair| byte(pair).unwrap()).collect()
    })
    .collect()
}

#[test]
fn packets_whole_cut_off_and_broken_are_printed_as_by_ovs() {
    let broken = (
        select(packets()),
        any::<Index>(),
        any::<Option<(Index, u8)>>(),
    );
    run(400, &broken, |(mut packet, end, change)| {
        match change {
            // All but the addresses can be wrong.
            Some((place, bit)) => {
                let place = 12 + place.index(packet.len() - 12);
                packet[place] ^= 1 << (bit % 8);
            }
            None => packet.truncate(1 + end.index(packet.len())),
        }
        let message = PacketOut::new(vec![Output::to(PortNo(1)).into()], packet.into());
        let (theirs, ours) = texts(&encode(&message.into()), 2);
        prop_assert_eq!(ours, theirs);
        Ok(())
    });
}
