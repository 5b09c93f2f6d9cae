//! Who is of one network hears each other, on every segment type and wherever they are; nobody
//! else does.

use anyhow::ensure;
use labs::matrix::{self, Underlay};
use tests::brint;

#[test]
fn two_hosts_over_ipv6_carry_every_frame_to_its_network_only() -> anyhow::Result<()> {
    matrix("t-matrix2", 2, Underlay::Ipv6)
}

#[test]
fn four_hosts_carry_every_frame_to_its_network_only() -> anyhow::Result<()> {
    matrix("t-matrix4", 4, Underlay::Ipv4)
}

#[test]
fn ten_hosts_carry_every_frame_to_its_network_only() -> anyhow::Result<()> {
    matrix("t-matrix10", 10, Underlay::Ipv4)
}

fn matrix(name: &str, hosts: u8, underlay: Underlay) -> anyhow::Result<()> {
    let lab = matrix::start(name, &brint()?, hosts, underlay)?;
    let outcome = matrix::check(&lab)?;
    let violations = &outcome.violations;
    ensure!(
        violations.is_empty(),
        "{} of {} frames:\n{}",
        violations.len(),
        outcome.frames,
        violations.join("\n")
    );
    ensure!(outcome.heard > 0, "no frame was heard at all");
    Ok(())
}
