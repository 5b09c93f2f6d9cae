use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::agent::settings;
use crate::board::Board;

fn status() -> Status {
    let board = Board::new(Arc::new(settings::tests::settings()));
    Status::of(&board.read())
}

#[test]
fn every_metric_has_a_name_of_its_own_and_a_sentence() {
    let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len());
    for metric in METRICS {
        assert!(metric.name.starts_with("brint_"), "{}", metric.name);
        assert!(metric.help.ends_with('.'), "{}", metric.name);
        assert!(!metric.name.ends_with("_total"), "{}", metric.name);
    }
}

#[test]
fn the_text_names_and_explains_what_it_counts() {
    let text = text(&status());
    for line in [
        "# HELP brint_problems Objects that are refused or wait, by kind; brint status names them.",
        "# TYPE brint_problems gauge",
        "brint_problems{kind=\"tunnel\"} 0",
        "brint_connections_total{peer=\"database\"} 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn the_documentation_lists_every_metric() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("METRICS.md");
    let wanted = format!(
        "# Metrics\n\nWhat `brint agent --metrics ADDRESS:PORT` answers on `/metrics`.\n\n{}",
        markdown()
    );
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "METRICS.md differs: run with BLESS=1");
}
