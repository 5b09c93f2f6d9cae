//! What is printed is read back, and errors say where they are.

#![expect(clippy::expect_used, reason = "a test may fail anywhere")]

mod identity;

use openflow::action::Action;
use openflow::flow::Flow;
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::message::{FlowMod, FlowModCommand, Message};
use openflow::text::Parser;
use openflow::wire::{Wire as _, Writer};

/// The comments of a golden file, each with the bytes below it.
fn golden(text: &str) -> Vec<(&str, Vec<u8>)> {
    let mut cases: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            cases.push((comment, Vec::new()));
        } else if let Some((_, bytes)) = cases.last_mut() {
            let digits: String = line.split_whitespace().collect();
            let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
            bytes.extend((0..digits.len()).step_by(2).map(byte));
        }
    }
    cases
}

#[test]
fn the_flows_that_ovs_was_given_become_the_bytes_that_it_sent() {
    let cases = golden(include_str!("../golden/flows.txt"));
    assert!(cases.len() > 3);
    for (text, bytes) in cases {
        let change = Parser::default()
            .flow_mod(text, FlowModCommand::ADD)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut out = Writer::default();
        Message::from(change).encode(0, &mut out);
        let ours = out.finish().expect("short enough");
        assert_eq!(ours[8..], bytes[8..], "{text}");
    }
}

#[test]
fn the_text_of_a_match_is_read_back() {
    let mut wrong = Vec::new();
    for (text, _) in golden(include_str!("../golden/matches.txt")) {
        let matching = match Parser::default().lenient().matching(text) {
            Ok(matching) => matching,
            // Text has no way to say these; `ovs-ofctl` does not read them back either.
            Err(_) if text.contains("[Unknown]") || text.contains("<error>") => continue,
            Err(error) => {
                wrong.push(format!("{text}: {error}"));
                continue;
            }
        };
        let again = matching.to_string();
        if again != text {
            wrong.push(format!("{text}: {again}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn actions_are_read_back_as_what_a_switch_returns_for_them() {
    for action in Action::samples() {
        let text = action.to_string();
        let Ok(read) = Parser::default().actions(&format!("clone({text})")) else {
            // Some forms exist only on the wire, and some only within others.
            continue;
        };
        let [Action::CloneActions(clone)] = read.as_slice() else {
            panic!("{text}: {read:?}");
        };
        let again = Instructions::apply(clone.actions.clone()).to_string();
        let same = again == text || !matches!(clone.actions.as_slice(), [_]);
        let renewed = action.clone().renewed(&Match::default()).to_string();
        assert!(
            same || again == renewed || is_older(&action),
            "{text}: {again}"
        );
    }
}

/// Whether the text of an action stands for a newer one on OpenFlow 1.3.
fn is_older(action: &Action) -> bool {
    matches!(
        action,
        Action::SetVlanVid(_)
            | Action::SetVlanPcp(_)
            | Action::SetTpSrc(_)
            | Action::SetTpDst(_)
            | Action::RegLoad2(_)
            | Action::SetMplsTc(_)
            | Action::SetMplsLabel(_)
            | Action::ResubmitPort(_)
            | Action::WriteMetadata(_)
    )
}

#[test]
fn an_error_says_where_it_is_and_what_was_expected() {
    let text = "table=1,tcp actions=drop\n# a comment\ntcp,foo=1,actions=drop\nip actions=1";
    let add = Some(FlowModCommand::ADD);
    let read: Vec<Result<FlowMod, _>> = Parser::default().flow_mods(text, add).collect();
    assert_eq!(read.len(), 3);
    assert!(read[0].is_ok() && read[2].is_ok());
    let error = read[1].as_ref().expect_err("foo is no field");
    assert_eq!((error.line, error.column), (3, 5));
    assert_eq!(error.token, "foo");
    assert_eq!(error.message, "unknown keyword foo");
}

#[test]
fn a_field_without_what_it_needs_is_refused_unless_the_parser_is_lenient() {
    let error = "tp_dst=22".parse::<Match>().expect_err("no protocol");
    assert_eq!((error.column, error.expected), (8, "tcp or tcp6, too"));
    let lenient = Parser::default().lenient().matching("tp_dst=22");
    assert!(lenient.is_ok());
}

#[test]
fn no_text_makes_the_parser_panic() {
    let flow = "table=1,tcp,reg0[0..3]=5,nw_src=10.0.0.0/8 actions=ct(commit,nat(src=1.2.3.4-1.2.3.9:\
                80-90),exec(load:0x1->NXM_NX_CT_MARK[0..3])),learn(table=2,NXM_OF_ETH_DST[]=\
                NXM_OF_ETH_SRC[],load:5->NXM_NX_REG0[]),resubmit(1,2)";
    assert!(flow.parse::<Flow>().is_ok());
    for cut in 0..flow.len() {
        let _ = flow[..cut].parse::<Flow>();
        let _ = flow[cut..].parse::<Flow>();
        for noise in ["(", ")", "=", "[", "/", "->", "99999999999999999999", "é"] {
            let _ = format!("{}{noise}{}", &flow[..cut], &flow[cut..]).parse::<Flow>();
        }
    }
}

#[test]
fn instructions_survive_text() {
    let text =
        "meter:1,output:1,clear_actions,write_actions(group:2),write_metadata:0x1/0x3,goto_table:6";
    let read: Instructions = text.parse().expect("instructions");
    assert_eq!(read.to_string(), text);
    let mut out = Writer::default();
    read.encode(&mut out);
    assert!(out.finish().is_ok());
}

#[test]
fn an_instruction_within_an_action_is_refused_as_such() {
    let error = "actions=clone(goto_table:1)".parse::<Flow>().unwrap_err();
    assert_eq!(error.message, "goto_table instruction not allowed here");
}

#[test]
fn a_learned_value_keeps_the_bits_above_its_field() {
    let flow: Flow = "actions=learn(table=1,vlan_vid=0x1005)".parse().unwrap();
    let text = "actions=learn(table=1,vlan_vid=4101)";
    assert!(flow.to_string().ends_with(text), "{flow}");
}
