//! The golden files, and OVS as their judge.
//!
//! Each entry of a golden file is the text of `ovs-ofctl` and the bytes that it stands for. The
//! samples must give these bytes and this text; and `ovs-ofctl` itself must print the bytes so.
//! With `BLESS=1` in the environment, the files are written anew, from what `ovs-ofctl` prints.

use std::fmt::Write as _;
use std::path::PathBuf;

use bytes::Bytes;
use openflow::action::Action;
use openflow::flow::Flow;
use openflow::matching::Match;
use openflow::message::{FlowMod, Message};
use openflow::samples;
use openflow::wire::Writer;

use crate::listener;
use crate::oracle::{self, Entry, encode};

#[test]
fn actions_encode_and_print_as_ovs_says() {
    // `ovs-ofctl` takes `nat` only within `ct`, `write_metadata` only as an instruction, and the
    // last three not at all.
    let judged = |action: &Action| {
        !matches!(
            action,
            Action::Nat(_)
                | Action::WriteMetadata(_)
                | Action::Sample4(_)
                | Action::DebugSlow(_)
                | Action::DebugRecirc(_)
        )
    };
    let ours = Action::samples()
        .into_iter()
        .filter(judged)
        .map(|action| Entry {
            text: action.to_string(),
            bytes: encode(&action),
        });
    compare(
        "actions.txt",
        &ours.collect::<Vec<_>>(),
        oracle::parse_actions,
    );
}

#[test]
fn matches_encode_and_print_as_ovs_says() {
    let ours = samples::matches().into_iter().map(|matching: Match| {
        let bytes = encode(&matching);
        let text = match samples::is_cut(&matching) {
            true => oracle::print_matches(std::slice::from_ref(&bytes)).concat(),
            false => matching.to_string(),
        };
        Entry { text, bytes }
    });
    compare(
        "matches.txt",
        &ours.collect::<Vec<_>>(),
        oracle::print_matches,
    );
}

/// The flow that a message adds.
fn flow_of(add: FlowMod) -> Flow {
    Flow {
        table: add.table,
        priority: add.priority,
        matching: add.matching,
        cookie: add.cookie,
        idle_timeout: add.idle_timeout,
        hard_timeout: add.hard_timeout,
        flags: add.flags,
        instructions: add.instructions,
    }
}

/// Holds `ours` against the golden file, and the golden file against what `judge` says.
fn compare(file: &str, ours: &[Entry], judge: fn(&[Vec<u8>]) -> Vec<String>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    let bytes: Vec<Vec<u8>> = ours.iter().map(|entry| entry.bytes.clone()).collect();
    if std::env::var_os("BLESS").is_some() {
        let mut text = String::new();
        for (entry, judged) in ours.iter().zip(judge(&bytes)) {
            writeln!(text, "# {judged}\n{}", oracle::hex(&entry.bytes)).unwrap();
        }
        std::fs::write(&path, text).unwrap();
    }
    let golden = oracle::read(&std::fs::read_to_string(&path).unwrap());
    let bytes: Vec<Vec<u8>> = golden.iter().map(|entry| entry.bytes.clone()).collect();
    let judged = judge(&bytes);
    let mut wrong = String::new();
    for (golden, judged) in golden.iter().zip(&judged) {
        if *judged != golden.text {
            writeln!(wrong, "golden  {}\novs     {judged}", golden.text).unwrap();
        }
    }
    for (ours, golden) in ours.iter().zip(&golden) {
        if ours != golden {
            let hex = oracle::hex(&ours.bytes);
            writeln!(
                wrong,
                "ours    {}\ngolden  {}\n{hex}",
                ours.text, golden.text
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(ours.len(), golden.len(), "BLESS=1 writes {file} anew");
}

#[test]
fn flows_are_what_ovs_ofctl_sends_for_their_text() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/flows.txt");
    let golden = oracle::read(&std::fs::read_to_string(&path).unwrap());
    let texts: Vec<String> = golden
        .iter()
        .map(|entry| format!("{}\n", entry.text))
        .collect();
    let sent = listener::flow_mods(&texts.concat());
    if std::env::var_os("BLESS").is_some() {
        let mut text = String::new();
        for (entry, sent) in golden.iter().zip(&sent) {
            writeln!(text, "# {}\n{}", entry.text, oracle::hex(sent)).unwrap();
        }
        std::fs::write(&path, text).unwrap();
    } else {
        let bytes: Vec<Vec<u8>> = golden.iter().map(|entry| entry.bytes.clone()).collect();
        assert_eq!(bytes, sent, "BLESS=1 writes flows.txt anew");
    }
    let mut wrong = String::new();
    for (entry, sent) in golden.iter().zip(&sent) {
        let frame = Bytes::copy_from_slice(sent);
        let (flow, again) = match Message::decode(&frame) {
            Ok((xid, Message::FlowMod(add))) => {
                let mut out = Writer::default();
                Message::from(add.clone()).encode(xid, &mut out);
                (flow_of(add).to_string(), out.finish().unwrap().to_vec())
            }
            other => (format!("{other:?}"), Vec::new()),
        };
        if flow != entry.text {
            writeln!(
                wrong,
                "ovs   {}\nours  {flow}\n{}",
                entry.text,
                oracle::hex(sent)
            )
            .unwrap();
        } else if again != *sent {
            let (again, sent) = (oracle::hex(&again), oracle::hex(sent));
            writeln!(wrong, "{flow}\novs   {sent}\nours  {again}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
