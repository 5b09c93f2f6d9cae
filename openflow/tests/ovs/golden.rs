//! The golden files, and OVS as their judge.
//!
//! Each entry of a golden file is the text of `ovs-ofctl` and the bytes that it stands for. The
//! samples must give these bytes and this text; and `ovs-ofctl` itself must print the bytes so.
//! With `BLESS=1` in the environment, the files are written anew, from what `ovs-ofctl` prints.

use std::fmt::Write as _;
use std::path::PathBuf;

use openflow::action::Action;
use openflow::matching::Match;
use openflow::samples;

use crate::oracle::{self, Entry, encode};

#[test]
fn actions_encode_and_print_as_ovs_says() {
    // `ovs-ofctl` takes `nat` only within `ct`, `write_metadata` only as an instruction, and the
    // last two not at all.
    let judged = |action: &Action| {
        !matches!(
            action,
            Action::Nat(_)
                | Action::WriteMetadata(_)
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
    let ours = samples::matches().into_iter().map(|matching: Match| Entry {
        text: matching.to_string(),
        bytes: encode(&matching),
    });
    compare(
        "matches.txt",
        &ours.collect::<Vec<_>>(),
        oracle::print_matches,
    );
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
