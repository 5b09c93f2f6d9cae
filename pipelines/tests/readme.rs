//! The tables and registers in `README.md` are those that are declared.
//!
//! `BLESS=1` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::Path};

use pipelines::{bridge::Bridge, network::PhysicalNetwork, registers};

/// The text with what stands between a mark and the next `<!-- end -->` replaced.
fn replace(text: &str, mark: &str, content: &str) -> String {
    let mark = format!("<!-- {mark} -->\n");
    let (before, rest) = text.split_once(&mark).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}{mark}{content}<!-- end -->{after}")
}

#[test]
fn the_readme_shows_the_declared_tables_and_registers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let provider = Bridge::Provider(PhysicalNetwork::from("physnet1"));
    let mut expected = replace(&readme, "registers", &registers::to_markdown());
    for bridge in [Bridge::Integration, Bridge::Tunnel, provider] {
        let pipeline = bridge.pipeline();
        expected = replace(&expected, pipeline.bridge, &pipeline.to_markdown());
    }
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == expected,
        "README.md differs: run with BLESS=1"
    );
}
