//! The labs of directories, with all that they have to show.
//!
//! `BLESS=1` writes what the switches say now in place of the traces in the pages.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, ensure};
use labs::{Lab, PATIENCE, page, scenario, wait_for};
use tests::brint;

fn shows_what_it_should(lab: &str) -> anyhow::Result<()> {
    let topologies = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../labs/topologies"));
    let directory = topologies.join(lab);
    let (lab, scenario) = scenario::start(&format!("t-{lab}"), &directory, &brint()?)?;
    let checks = scenario::check(&lab, &scenario)?;
    ensure!(checks.all_hold(), "\n{checks}");
    follows_its_page(&lab, &directory.join("README.md"))
}

/// Packets go through the tables as the page says.
fn follows_its_page(lab: &Lab, file: &Path) -> anyhow::Result<()> {
    let said = fs::read_to_string(file).context("reading the page")?;
    if env::var_os("BLESS").is_some() {
        return fs::write(file, page::traced(&said, lab)?).context("writing the page");
    }
    let mut differs = None;
    let same = wait_for("the page is right", PATIENCE, || {
        let now = page::traced(&said, lab)?;
        let mut lines = now.lines().zip(said.lines());
        differs = lines
            .find(|(now, said)| now != said)
            .map(|(now, said)| format!("{now:?}, and not {said:?}"));
        Ok((now == said).then_some(()))
    });
    same.with_context(|| format!("{}: {differs:?}", file.display()))
}

#[test]
fn a_flat_network() -> anyhow::Result<()> {
    shows_what_it_should("flat")
}

#[test]
fn several_flat_networks() -> anyhow::Result<()> {
    shows_what_it_should("flats")
}

#[test]
fn flat_and_private_networks() -> anyhow::Result<()> {
    shows_what_it_should("mixed")
}

#[test]
fn two_networks_on_one_host() -> anyhow::Result<()> {
    shows_what_it_should("one-host")
}

#[test]
fn tenants_with_the_same_addresses() -> anyhow::Result<()> {
    shows_what_it_should("tenants")
}

#[test]
fn east_west_and_north_south() -> anyhow::Result<()> {
    shows_what_it_should("two-hosts")
}

#[test]
fn one_host_in_mininet() -> anyhow::Result<()> {
    let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../labs/mininet"));
    let ended = script.arg("--brint").arg(brint()?).output();
    let ended = ended.context("starting the script")?;
    let said = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "{said}\n{errors}");
    // Some that pass, and some that are refused.
    for check in [
        "ok   web1 -> 10.0.2.12 tcp/5432 passes",
        "ok   web1 -> db1 is refused",
    ] {
        ensure!(said.contains(check), "no {check:?} in\n{said}");
    }
    Ok(())
}
