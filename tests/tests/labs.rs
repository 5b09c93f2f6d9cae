//! The labs of directories, with all that they have to show.

use std::path::Path;

use anyhow::ensure;
use labs::scenario;
use tests::brint;

fn shows_what_it_should(lab: &str) -> anyhow::Result<()> {
    let topologies = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../labs/topologies"));
    let (lab, scenario) = scenario::start(&format!("t-{lab}"), &topologies.join(lab), &brint()?)?;
    let checks = scenario::check(&lab, &scenario)?;
    ensure!(checks.all_hold(), "\n{checks}");
    Ok(())
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
