//! The lab in which everything fails, with faults that happen often.

use anyhow::{Context as _, ensure};
use labs::chaos::{Arena, FAULTS};
use tests::brint;

/// The faults of the test; `lab chaos` has all of them happen, as often as wanted.
const TRIED: [&str; 7] = [
    "agents-killed",
    "switch-killed",
    "northbound-killed",
    "tunnels-silent",
    "uplink-cut",
    "cut-and-killed",
    "wrong-clock",
];

#[test]
fn whatever_fails_all_is_well_afterwards() -> anyhow::Result<()> {
    let mut arena = Arena::start("t-chaos", &brint()?, 4711)?;
    for name in TRIED {
        let fault = FAULTS.iter().find(|fault| fault.name == name);
        let round = arena.round(fault.context("no such fault")?)?;
        ensure!(round.wrong.is_empty(), "{round}");
    }
    Ok(())
}
