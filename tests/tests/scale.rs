//! A host with many ports.

use std::time::{Duration, Instant};

use anyhow::ensure;
use labs::scale::{Scale, Size};
use tests::{Flows, brint};

/// Quiet for so long, a bridge is done.
const QUIET: Duration = Duration::from_millis(500);

#[test]
fn two_hundred_ports_are_back_after_the_switch_was_killed() -> anyhow::Result<()> {
    let size = Size {
        ports: 200,
        hosts: 50,
        networks: 0,
        one_group: true,
    };
    let mut scale = Scale::start("t-scale", &brint()?)?;
    let start = Instant::now();
    scale.plug(0..size.ports)?;
    scale.describe(size)?;
    // A port alone has some seventy flows.
    let enough = |count| count > 40 * usize::from(size.ports);
    let (count, _) = scale.settled(start, QUIET, enough)?;
    let before = Flows::of(scale.host()?.ovs(), "br-int")?;
    let host = scale.lab().host_mut("host1")?;
    host.kill_switch()?;
    host.start_switch()?;
    let start = Instant::now();
    scale.settled(start, QUIET, |now| now == count)?;
    let difference = before.difference(&Flows::of(scale.host()?.ovs(), "br-int")?);
    ensure!(difference.is_empty(), "{difference}");
    Ok(())
}
